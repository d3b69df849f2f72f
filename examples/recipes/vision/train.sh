#!/bin/bash
# The reference recipe, on one machine with eight accelerators.
torchrun --nproc_per_node=8 train.py \
    --model resnet50 \
    --data-path /data/imagenet \
    --output-dir runs/resnet50 \
    --opt sgd \
    --lr 0.1 \
    --momentum 0.9 \
    --weight-decay 1e-4 \
    --lr-scheduler step \
    --lr-step-size 30 \
    --lr-gamma 0.1 \
    --batch-size 32 \
    --train-crop-size 224 \
    --epochs 90
