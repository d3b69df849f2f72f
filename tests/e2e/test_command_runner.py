"""A script with transformers' own Trainer as a phase, for real: what it logs is held, and what drifts is found."""

from __future__ import annotations

import json
import sys
from contextlib import chdir
from pathlib import Path

import pytest

from framework.conformance import Stage, Status
from framework.evidence.record import RunRecord, read_json
from framework.manifest.loading import load
from framework.planning.build import build
from framework.stages.verify import VerifyResult, verify
from runners import preflight
from runners.execute import execute
from runners.progress import Silent
from tests.support.statuses import codes, status_of
from tests.support.study import Study

pytestmark = pytest.mark.slow

SCRIPT = """\
import gc
import os
import sys
from dataclasses import dataclass

import torch
from transformers import (
    EarlyStoppingCallback, GPT2Config, GPT2LMHeadModel, HfArgumentParser, Trainer, TrainingArguments
)


@dataclass
class Script:
    block_size: int = 512
    patience: int = 0


class Rows(torch.utils.data.Dataset):
    def __init__(self, count, length, seed):
        self.rows = torch.randint(0, 32, (count, length), generator=torch.Generator().manual_seed(seed))

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        return {"input_ids": self.rows[index], "labels": self.rows[index]}


def main():
    parser = HfArgumentParser((Script, TrainingArguments))
    if sys.argv[-1].endswith(".yaml"):
        script, training = parser.parse_yaml_file(sys.argv[-1])
    else:
        script, training = parser.parse_args_into_dataclasses()
    kind, examples = Trainer, 40
    # DRIFT
    torch.manual_seed(training.seed)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=32, n_positions=16, n_embd=8, n_layer=1, n_head=2))
    rows = {"train_dataset": Rows(examples, script.block_size, 0), "eval_dataset": Rows(8, script.block_size, 1)}
    stopping = [EarlyStoppingCallback(script.patience)] if script.patience else []
    trainer = kind(model, training, callbacks=stopping, **rows)
    trainer.train(resume_from_checkpoint=training.resume_from_checkpoint)
    trainer.save_state()
    trainer.save_model(training.output_dir + "/final")
    metrics = trainer.evaluate()
    if trainer.is_world_process_zero():
        trainer.save_metrics("all", {**metrics, "train_samples": examples})


main()
if torch.distributed.is_initialized():
    # Or gloo may abort the process while it ends. No reducer may outlive it: its own end may then wait for ever.
    gc.collect()
    torch.distributed.destroy_process_group()
"""
MANIFEST = """\
version: 1
paper: {title: A study with a script of its own}
hardware: {accelerator: cpu, packages: {transformers: "5"}}
models:
  tiny: {family: gpt2, weights: random, layers: 1, hidden: 8, heads: 2, vocabulary: 32}
datasets:
  rows: {hub: example/rows, train_examples: 40}
phases:
  pretrain:
    objective: causal_lm
    dataset: rows
    metric: perplexity
    optimizer: {name: adamw, learning_rate: 1e-2, weight_decay: 0.1, betas: [0.9, 0.98], eps: 1e-6}
    schedule: {name: cosine, warmup: 20%, min_learning_rate: 0.1 * learning_rate}
    batch_size: 8
    epochs: 4
    sequence_length: 16
    max_grad_norm: 0.5
variants:
  dense: {steps: [pretrain]}
  pruned: {from: dense, steps: [{prune: {sparsity: 0.5, tensors: [c_fc]}}]}
seeds: [7]
runners:
  pretrain:
    command: [PYTHON, train.py, --output_dir, "{output}", --report_to, none, --eval_strategy, epoch,
      --logging_steps, "2", --save_strategy, "no", --use_cpu, "True", --disable_tqdm, "True"]
    flags: {dialect: hf-training-arguments, keys: {block_size: sequence_length}}
    outputs: {log: trainer_state.json, metrics: all_results.json, checkpoint: final}
"""
HELD = (
    "metric", "optimizer.learning_rate", "schedule.name", "schedule.warmup", "schedule.min_learning_rate", "epochs",
    "batch_size",
)  # fmt: skip
UNSAID = ("optimizer.weight_decay", "optimizer.betas", "max_grad_norm", "sequence_length", "dataset")


def project(root: Path, drift: str = "", *changes: tuple[str, str]) -> Path:
    Study(root, MANIFEST, ("PYTHON", json.dumps(sys.executable)), *changes)
    (root / "train.py").write_text(SCRIPT.replace("    # DRIFT", f"    {drift}"))
    return root


def carried_out(root: Path, variant: str = "dense") -> tuple[VerifyResult, RunRecord]:
    """Run a variant, and hold it; what preflight would refuse fails."""
    with chdir(root):
        experiment = load("experiment.yaml")
        plan = build(experiment, [variant])
        assert preflight.obstacles(experiment.manifest.hardware, plan.steps, root) == []
        from framework.evidence.store import RunStore

        store = RunStore(experiment.runs)
        records = [execute(step, store, root, Silent()) for step in plan.steps if store.done(step.key) is None]
        return verify(experiment, plan), records[0]


def status(result: VerifyResult, fact: str) -> Status | None:
    return status_of(result, f"phases.pretrain.{fact}", Stage.RUN)


def test_a_trainer_that_is_passed_flags_is_held_to_what_it_logged(tmp_path: Path) -> None:
    result, record = carried_out(project(tmp_path), "pruned")
    assert codes(result) == []
    assert {fact: status(result, fact) for fact in HELD} == dict.fromkeys(HELD, Status.CONFORMS)
    assert {fact: status(result, fact) for fact in UNSAID} == dict.fromkeys(UNSAID, Status.UNVERIFIED)
    assert status_of(result, "datasets.rows.train_examples", Stage.RUN) is Status.CONFORMS
    assert status_of(result, "hardware.packages.transformers", Stage.RUN) is Status.CONFORMS
    assert status_of(result, "models.tiny.hidden", Stage.CHECKPOINT) is Status.CONFORMS
    # The prune step worked on the model that the script left.
    sparsity = "variants.pruned.steps[0].prune.sparsity"
    assert status_of(result, sparsity, Stage.CHECKPOINT) is Status.CONFORMS
    # A step is logged with the learning rate that it used: the 2nd, which is the first one logged, of 4 warmup steps.
    state = read_json(tmp_path / "runs" / record.folder / "log" / "trainer_state.json")
    assert state["log_history"][0]["learning_rate"] == pytest.approx(0.25 * 1e-2, rel=1e-12)
    assert record.metrics["perplexity"] > 1


def test_a_trainer_that_reads_a_rendered_config(tmp_path: Path) -> None:
    values = (
        "output_dir: '{output}', report_to: none, eval_strategy: epoch, logging_steps: 2, save_strategy: 'no',"
        " use_cpu: true, disable_tqdm: true"
    )
    project(tmp_path)
    text = (tmp_path / "experiment.yaml").read_text()
    head, tail = text[: text.index("    command:")], text[text.index("    outputs:") :]
    config = (
        f'    command: [{json.dumps(sys.executable)}, train.py, "{{train.yaml}}"]\n'
        "    configs: {train.yaml: {dialect: hf-training-arguments, keys: {block_size: sequence_length},"
        f" values: {{{values}}}}}}}\n"
    )
    (tmp_path / "experiment.yaml").write_text(head + config + tail)
    result, _ = carried_out(tmp_path)
    assert codes(result) == []
    assert {fact: status(result, fact) for fact in HELD} == dict.fromkeys(HELD, Status.CONFORMS)


@pytest.mark.parametrize(
    ("drift", "found"),
    [
        ("training.learning_rate = 5e-5", {"R110"}),
        ("training.learning_rate *= 1.01", {"R110"}),
        ("training.per_device_train_batch_size = 4", {"R101", "R102", "R110"}),
        ("examples = 32", {"R101", "R103", "R110"}),
    ],
)
def test_a_script_that_drifts_is_found(tmp_path: Path, drift: str, found: set[str]) -> None:
    result, _ = carried_out(project(tmp_path, drift))
    seen = set(codes(result))
    assert seen & found
    assert seen <= found


def test_the_learning_rate_as_older_versions_log_it(tmp_path: Path) -> None:
    """Before 4.51 the Trainer logged what the scheduler had set for the step after."""
    older = """\
class Older(Trainer):
        def _maybe_log_save_evaluate(self, *given, learning_rate=None, **named):
            super()._maybe_log_save_evaluate(*given, **named)
    kind = Older"""
    (tmp_path / "used").mkdir()
    result, _ = carried_out(project(tmp_path / "used", older))
    assert codes(result) == ["R110"]
    (tmp_path / "next").mkdir()
    says = ("{log: trainer_state.json,", "{log: trainer_state.json, learning_rate: next,")
    result, _ = carried_out(project(tmp_path / "next", older, says))
    assert codes(result) == []
    assert status(result, "schedule.warmup") is Status.CONFORMS


TWO = (("hardware: {accelerator: cpu,", "hardware: {accelerator: cpu, count: 2,"),)


def test_two_processes_are_one_batch_and_one_that_was_meant_to_be_two_is_found(tmp_path: Path) -> None:
    (tmp_path / "two").mkdir()
    run = json.dumps(sys.executable)
    torchrun = f'[{run}, -m, torch.distributed.run, --nproc-per-node, "{{processes}}", train.py, --ddp_backend, gloo'
    result, record = carried_out(project(tmp_path / "two", "", *TWO, (f"[{run}, train.py", torchrun)))
    assert codes(result) == []
    assert status(result, "batch_size") is Status.CONFORMS
    assert record.observed["micro_batch_size"] == 4
    (tmp_path / "one").mkdir()
    result, record = carried_out(project(tmp_path / "one", "", *TWO))
    assert {"R101", "R102"} <= set(codes(result))
    assert record.observed["batch_size"] == 4


BEST = "--load_best_model_at_end, 'True', --metric_for_best_model, loss, --greater_is_better, 'False'"
STOPS = (
    ("    max_grad_norm: 0.5", "    max_grad_norm: 0.5\n    early_stopping: {metric: loss, patience: 2}"),
    ("    epochs: 4", "    epochs: 30"),
    ("block_size: sequence_length}", "block_size: sequence_length, patience: early_stopping.patience}"),
    ('--save_strategy, "no"', f"--save_strategy, epoch, {BEST}"),
    ("    outputs: {log", "    unpassed: [early_stopping.metric]\n    outputs: {log"),
)


def test_early_stopping_as_it_acted(tmp_path: Path) -> None:
    (tmp_path / "declared").mkdir()
    result, record = carried_out(project(tmp_path / "declared", "", *STOPS))
    assert codes(result) == []
    assert record.observed["stopped_early"]["epoch"] < 30
    assert status(result, "early_stopping.patience") is Status.CONFORMS
    assert status(result, "epochs") is Status.CONFORMS
    (tmp_path / "sooner").mkdir()
    result, _ = carried_out(project(tmp_path / "sooner", "script.patience = 1", *STOPS))
    assert codes(result) == ["R122"]
