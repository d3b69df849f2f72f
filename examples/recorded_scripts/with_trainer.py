"""The same with transformers' Trainer."""

import argparse
import csv
from pathlib import Path

import torch
from torch import nn
from transformers import Trainer, TrainingArguments

import framework

HERE = Path(__file__).parent

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=2)
parser.add_argument("--learning-rate", type=float, default=2e-2)
parser.add_argument("--warmup", type=int, default=3)
parser.add_argument("--batch", type=int, default=4)
parser.add_argument("--trainer-seed", type=int, help="by default the seed")
parser.add_argument("--output", default="out")
options = parser.parse_args()


class Perceptron(nn.Module):
    main_input_name = "points"

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 16), nn.LayerNorm(16), nn.ReLU(), nn.Linear(16, 2))

    def forward(self, points: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        logits = self.layers(points)
        return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}


rows = [[float(cell) for cell in row] for row in list(csv.reader((HERE / "points.csv").open()))[1:]]
data = [{"points": torch.tensor(row[:2]), "labels": int(row[2])} for row in rows]
arguments = TrainingArguments(
    output_dir=options.output,
    seed=options.seed if options.trainer_seed is None else options.trainer_seed,
    learning_rate=options.learning_rate,
    weight_decay=0.05,
    warmup_steps=options.warmup,
    num_train_epochs=4,
    per_device_train_batch_size=options.batch,
    gradient_accumulation_steps=2,
    eval_strategy="epoch",
    save_strategy="no",
    report_to="none",
    use_cpu=True,
    disable_tqdm=True,
)
torch.manual_seed(options.seed)
model = Perceptron()
with framework.record(variant="dense", seed=options.seed, manifest=HERE) as run:
    run.data(HERE / "points.csv", name="points")
    Trainer(
        model=model, args=arguments, train_dataset=data, eval_dataset=data, callbacks=[run.for_trainer()],
        compute_metrics=lambda found: {"accuracy": (found.predictions.argmax(1) == found.label_ids).mean()},
    ).train()  # fmt: skip
