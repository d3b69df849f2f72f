"""A plain PyTorch loop. The three lines that record it are marked; all others would be there without them."""

import argparse
import csv
from pathlib import Path

import torch
from torch import nn

import framework  # for the record

HERE = Path(__file__).parent

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--torch-seed", type=int, help="by default the seed")
parser.add_argument("--learning-rate", type=float, default=2e-2)
parser.add_argument("--warmup", type=int, default=3)
parser.add_argument("--batch", type=int, default=8)
parser.add_argument("--decay-all", action="store_true")
parser.add_argument("--freeze-first", action="store_true")
options = parser.parse_args()

torch.manual_seed(options.seed if options.torch_seed is None else options.torch_seed)
rows = [[float(cell) for cell in row] for row in list(csv.reader((HERE / "points.csv").open()))[1:]]
features = torch.tensor([row[:2] for row in rows])
labels = torch.tensor([int(row[2]) for row in rows])
model = nn.Sequential(nn.Linear(2, 16), nn.LayerNorm(16), nn.ReLU(), nn.Linear(16, 2))
if options.freeze_first:
    model[0].requires_grad_(False)

matrices = [value for value in model.parameters() if value.ndim == 2 and value.requires_grad]
others = [value for value in model.parameters() if value.ndim == 1 and value.requires_grad]
groups = [
    {"params": matrices, "weight_decay": 0.05},
    {"params": others, "weight_decay": 0.05 if options.decay_all else 0.0},
]
optimizer = torch.optim.AdamW(groups, lr=options.learning_rate)
steps = 4 * len(rows) // options.batch
schedule = torch.optim.lr_scheduler.LambdaLR(
    optimizer, lambda done: min(done / options.warmup, (steps - done) / (steps - options.warmup))
)

with framework.record(variant="dense", seed=options.seed, manifest=HERE) as run:  # for the record
    run.watch(model)
    run.data(HERE / "points.csv", name="points", examples=len(rows))
    run.settings(max_grad_norm=1.0)
    for epoch in range(4):
        for batch in torch.randperm(len(rows)).split(options.batch):
            loss = nn.functional.cross_entropy(model(features[batch]), labels[batch])
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            run.step(optimizer, loss=loss, samples=len(batch))  # for the record
        accuracy = (model(features).argmax(1) == labels).float().mean()
        run.evaluation(accuracy=accuracy, epoch=epoch + 1)
