#!/bin/bash
# Usage: scripts/train.sh full|lora
set -euo pipefail
for seed in 13 21 42; do
  python train.py --config "configs/$1.yaml" --seed "$seed" --num_train_epochs 5
done
