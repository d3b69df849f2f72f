"""A small valid project: its manifest, and a config file that conforms to it."""

from __future__ import annotations

from pathlib import Path

from framework.errors import InputError
from tests.support.commands import Outcome, called
from tests.support.study import Study
from tests.support.texts import replaced

MANIFEST = """\
version: 1
paper:
  title: A small study
  authors: [A. Researcher]
hardware:
  accelerator: NVIDIA A100
  memory_gb: 80
  count: 2
  cuda: "12.1"
  torch: "2.1"
  packages: {transformers: "5.0"}
models:
  tiny:
    family: gpt2
    weights: random
    layers: 2
    hidden: 4
    vocabulary: 16
    tokenizer: bytes
    parameters: 2608
datasets:
  manual: {builtin: language-reference, train_examples: 10}
  topics: {builtin: reference-topics, labels: 2, train_examples: 6}
phases:
  pretrain:
    objective: causal_lm
    dataset: manual
    metric: perplexity
    optimizer:
      name: adamw
      learning_rate: 2e-4
      weight_decay: 0.1
      betas: [0.9, 0.98]
      eps: 1e-6
    schedule: {name: cosine, warmup: 20%, min_learning_rate: 0.1 * learning_rate}
    batch_size: 4
    epochs: 4
    sequence_length: 8
    max_grad_norm: 1.0
  finetune:
    objective: classification
    tasks:
      topics: {epochs: 2, metric: f1}
    optimizer: {name: adamw, learning_rate: 1e-4}
    schedule: {name: linear, warmup: 1 steps}
    batch_size: 2
    early_stopping: {metric: accuracy, patience: 3}
variants:
  dense:
    description: dense pre-training
    steps: [pretrain]
  masked:
    steps:
      - pretrain:
          mask: {sdm: {target_sparsity: 0.5, tensors: [in_proj]}}
  reordered:
    from: dense
    steps: [{permute: csp}]
  pruned:
    from: dense
    steps:
      - prune: {score: magnitude, sparsity: {same_as: masked}}
      - finetune:
          adapter: {lora: {rank: 2, alpha: 4, dropout: 0.05, targets: [in_proj]}}
rules:
  - iso_sparsity: {variants: [masked, pruned], scope: layer}
  - differ_only_in: {variants: [dense, masked], clauses: [mask]}
seeds: [1, 2, 3]
claims:
  - {id: cost, assert: "perplexity(masked) <= 1.05 * perplexity(dense)", confidence: 0.85}
configs:
  - file: configs/pretrain.yaml
    describes: phases.pretrain
    keys:
      optim.lr: optimizer.learning_rate
      optim.min_lr: schedule.min_learning_rate
      optim.name: optimizer.name
      optim.betas: optimizer.betas
      warmup_ratio: schedule.warmup.ratio
      epochs: epochs
      batch.micro: batch_size.micro
      batch.accumulation: batch_size.accumulation
    knobs:
      batch.micro: micro_batch_size
    ignore: [logging]
"""

CONFIG = """\
# What the trainer reads.
optim:
  name: AdamW
  lr: 2e-4
  min_lr: 2e-5
  betas: [0.9, 0.98]
warmup_ratio: 0.2
epochs: 4
batch: {micro: 1, accumulation: 2}
logging:
  every: 20
"""

MARK = "«"
"""In a text that is put into a file: the place right after it is where something is wrong."""


class Project(Study):
    """A project folder with a manifest and a config file that conforms to it.

    ``place`` is `file:line:column` of the last :data:`MARK` that was put into a file, and taken out again.
    """

    place: str

    def __init__(self, root: Path, manifest: str = MANIFEST, config: str = CONFIG):
        super().__init__(root)
        self.write("experiment.yaml", manifest)
        self.write("configs/pretrain.yaml", config)

    def path(self, name: str) -> Path:
        return self.root / name

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content.encode() if isinstance(content, str) else content
        before, mark, after = data.partition(MARK.encode())
        if mark:
            lines = before.decode("utf-8-sig").split("\n")
            self.place = f"{name}:{len(lines)}:{len(lines[-1]) + 1}"
        path.write_bytes(before + after)
        return path

    def read(self, name: str = "experiment.yaml") -> str:
        return self.path(name).read_bytes().decode()

    def replace(self, old: str, new: str, name: str = "experiment.yaml") -> Project:
        """Put ``new`` in the place of the one ``old`` of a file."""
        self.write(name, replaced(self.read(name), (old, new), of=name))
        return self

    def config(self, old: str, new: str) -> Project:
        return self.replace(old, new, "configs/pretrain.yaml")

    def append(self, text: str, name: str = "experiment.yaml") -> Project:
        self.write(name, self.read(name) + text)
        return self

    def files(self) -> dict[str, bytes]:
        """Every file below the project, by its path, to tell that nothing was written."""
        return {
            path.relative_to(self.root).as_posix(): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file()
        }

    def cli(self, *arguments: str, cwd: str = ".") -> Outcome:
        """Run a command in this process, inside the project's folder; a check without the answers of others."""
        if arguments[:1] == ("check",):
            arguments = (*arguments, "--no-cache")
        return called(self.root / cwd, *arguments)

    def problems(self, profile: str | None = None) -> list[str]:
        """The refusals of a manifest that cannot be loaded, each as people see it."""
        try:
            self.load(profile)
        except InputError as failure:
            return [str(problem) for problem in failure.problems]
        return []
