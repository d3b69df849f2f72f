"""Real data through the commands: language modelling on WikiText-2, SST-2 and MRPC, from scratch and pretrained.

`FRAMEWORK_TEST_DATA` names the folder that holds `wikitext2/` and `glue/`; a pretrained BERT comes as a package.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from framework.evidence.record import RunRecord, read_lines
from framework.evidence.store import RunStore

pytestmark = pytest.mark.slow

CONFIG = """\
pretrain: {learning_rate: 4.0e-3, epochs: 2}
finetune: {learning_rate: 1.0e-3, epochs: {sst2: 2}}
"""
SMALL = """\
version: 1
paper: {title: A small language model on real text}
hardware: {accelerator: cpu}
models:
  small:
    family: llama
    weights: random
    layers: 2
    hidden: 64
    heads: 4
    key_value_heads: 4
    intermediate: 160
    vocabulary: 2048
    parameters: 356_672
    tokenizer: train
datasets:
  wikitext-2: {path: DATA/wikitext2, validation_limit: 400}
  sst2: {path: DATA/glue/sst2, text: [sentence], labels: 2, limit: 16000}
phases:
  pretrain:
    objective: causal_lm
    dataset: wikitext-2
    metric: perplexity
    optimizer: {name: adamw, learning_rate: 4e-3, weight_decay: 0.1}
    schedule: {name: cosine, warmup: 10%, min_learning_rate: 0.1 * learning_rate}
    batch_size: 16
    epochs: 2
    sequence_length: 128
    max_grad_norm: 1.0
  finetune:
    objective: classification
    metric: accuracy
    tasks: {sst2: {epochs: 2}}
    optimizer: {name: adamw, learning_rate: 1e-3, weight_decay: 0.01}
    schedule: {name: linear, warmup: 10%}
    batch_size: 32
    sequence_length: 64
    max_grad_norm: 1.0
    early_stopping: {metric: accuracy, patience: 2}
seeds: [42]
variants:
  M_base: {steps: [pretrain]}
  M_dense: {from: M_base, steps: [finetune]}
configs:
  - file: train.yaml
    describes: phases.pretrain
    keys: {pretrain.learning_rate: optimizer.learning_rate, pretrain.epochs: epochs}
    ignore: [finetune]
  - file: train.yaml
    describes: phases.finetune
    keys: {finetune.learning_rate: optimizer.learning_rate, finetune.epochs.sst2: tasks.sst2.epochs}
    ignore: [pretrain]
"""
PRETRAINED = """\
version: 1
paper: {title: A pretrained encoder on GLUE}
hardware: {accelerator: cpu}
models:
  minilm:
    family: bert
    path: MINILM
    layers: 6
    hidden: 384
    heads: 12
    intermediate: 1536
    positions: 512
    vocabulary: 30522
    parameters: 22_713_216
datasets:
  sst2: {path: DATA/glue/sst2, text: [sentence], labels: 2, limit: 2000, validation_limit: 400}
  mrpc: {path: DATA/glue/mrpc, text: [sentence1, sentence2], labels: 2, train_examples: 3667}
phases:
  finetune:
    objective: classification
    metric: accuracy
    tasks:
      sst2: {epochs: 1}
      mrpc: {epochs: 1, metric: f1, batch_size: 16}
    optimizer: {name: adamw, learning_rate: 1e-4, weight_decay: 0.01}
    schedule: {name: linear, warmup: 10%}
    batch_size: 32
    sequence_length: 96
    max_grad_norm: 1.0
    early_stopping: {metric: accuracy, patience: 2}
seeds: [42]
variants:
  M_dense: {steps: [finetune]}
"""


def framework(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "FRAMEWORK_CACHE_DIR": str(folder / ".cache")}
    command = [sys.executable, "-m", "framework", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def project(folder: Path, manifest: str, **places: Path) -> Path:
    for name, place in places.items():
        manifest = manifest.replace(name, str(place))
    (folder / "experiment.yaml").write_text(manifest)
    return folder


def record(folder: Path, step: str, task: str | None = None) -> RunRecord:
    (found,) = [
        run.record for run in RunStore(folder / "runs").runs() if (run.record.step, run.record.task) == (step, task)
    ]
    return found


def statuses(folder: Path) -> dict[tuple[str, str], str]:
    """What `verify` says of each clause at each stage, the worst of its verdicts."""
    result = framework(folder, "verify", "--format", "json")
    assert result.returncode == 0, result.stdout + result.stderr
    found: dict[tuple[str, str], str] = {}
    order = ("violated", "unverified", "waived", "conforms")
    for each in json.loads(result.stdout)["verdicts"]:
        place = (each["clause"], each["stage"])
        found[place] = min(found.get(place, "conforms"), each["status"], key=order.index)
    return found


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, real_data: Path) -> Path:
    folder = project(tmp_path_factory.mktemp("small"), SMALL, DATA=real_data)
    (folder / "train.yaml").write_text(CONFIG)
    done = framework(folder, "reproduce", "--all")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing violated: 2 of 2" in done.stdout
    return folder


def unigram_perplexity(folder: Path, data: Path, validation_tokens: int) -> float:
    """Of the validation tokens under the training text's token frequencies, one added to each count."""
    from runners.models.checkpoints import load_tokenizer

    tokenizer: Any = load_tokenizer(folder / "runs" / record(folder, "pretrain").folder)
    train, validation = (
        tokenizer((data / "wikitext2" / f"{split}.txt").read_text(), verbose=False)["input_ids"]
        for split in ("train", "validation")
    )
    counts = Counter(train)
    total = len(train) + len(tokenizer)
    seen = validation[:validation_tokens]
    return math.exp(-sum(math.log((counts[token] + 1) / total) for token in seen) / len(seen))


def test_the_language_model_is_far_better_than_word_frequencies(small: Path, real_data: Path) -> None:
    found = record(small, "pretrain")
    unigram = unigram_perplexity(small, real_data, found.data["validation_tokens"])
    assert 200 < unigram < 2048, "the baseline knows the frequencies"
    assert found.metrics["perplexity"] < 0.4 * unigram
    assert found.metrics["perplexity"] == pytest.approx(math.exp(found.metrics["validation_loss"]))
    assert found.data["train_tokens"] > 250_000


def test_sst2_from_scratch_is_far_above_the_majority(small: Path) -> None:
    metrics = record(small, "finetune", "sst2").metrics
    assert metrics["majority_share"] == pytest.approx(444 / 872)
    assert metrics["accuracy"] > metrics["majority_share"] + 0.15
    assert 0.5 < metrics["f1"] < 1


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory, real_data: Path, minilm: Path) -> Path:
    folder = project(tmp_path_factory.mktemp("pretrained"), PRETRAINED, DATA=real_data, MINILM=minilm)
    done = framework(folder, "run", "--all")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.parametrize(("task", "majority", "margin"), [("sst2", 0.55, 0.2), ("mrpc", 0.6838, 0.04)])
def test_a_pretrained_encoder_is_above_the_majority(
    pretrained: Path, task: str, majority: float, margin: float
) -> None:
    metrics = record(pretrained, "finetune", task).metrics
    assert metrics["majority_share"] == pytest.approx(majority, abs=0.05)
    assert metrics["accuracy"] > metrics["majority_share"] + margin
    assert metrics["validation_loss"] < metrics["initial_validation_loss"]


def test_each_task_has_its_own_length_and_both_metrics(pretrained: Path) -> None:
    seen = statuses(pretrained)
    for task in ("sst2", "mrpc"):
        found = record(pretrained, "finetune", task)
        assert {"accuracy", "f1"} <= set(found.metrics)
        assert found.observed["stopped_early"] is None
        assert found.observed["best"]["accuracy"] == pytest.approx(found.metrics["accuracy"])
        run = pretrained / "runs" / found.folder
        assert len(list(read_lines(run / "steps.jsonl"))) == found.observed["optimizer_steps"]
        assert seen[f"phases.finetune.tasks.{task}.epochs", "run"] == "conforms"
    assert record(pretrained, "finetune", "mrpc").observed["batch_size"] == 16
    for clause in (
        "phases.finetune.early_stopping.metric",
        "phases.finetune.early_stopping.patience",
        "phases.finetune.metric",
        "phases.finetune.tasks.mrpc.metric",
        "phases.finetune.tasks.mrpc.batch_size",
        "datasets.mrpc.train_examples",
        "datasets.sst2.limit",
        "models.minilm.path",
    ):
        assert seen[clause, "run"] == "conforms", clause
    assert seen["models.minilm.parameters", "checkpoint"] == "conforms"
    assert "violated" not in seen.values()


def test_pairs_are_told_apart(pretrained: Path, real_data: Path) -> None:
    """The tokenizer of the checkpoint, its segments, and a mask over the padding."""
    from framework.manifest.sections.models import Dataset
    from runners.data.corpus import split_of
    from runners.data.examples import LabelledTexts
    from runners.data.tokenizing import encode
    from runners.models.checkpoints import load_tokenizer

    found = record(pretrained, "finetune", "mrpc")
    tokenizer: Any = load_tokenizer(pretrained / "runs" / found.folder)
    dataset = Dataset(path="glue/mrpc", text=["sentence1", "sentence2"], labels=2)
    texts = list(islice(split_of("mrpc", dataset, "train", real_data).texts(dataset.text), 3))
    rows, segments = encode(tokenizer, texts, longest=96)
    assert tokenizer.decode(rows[0]).startswith("[CLS] amrozi accused his brother")
    assert rows[0].count(tokenizer.sep_token_id) == 2
    batch = LabelledTexts(rows, [1, 0, 1], tokenizer.pad_token_id, None, segments).batch([0, 1, 2])
    assert batch.segments is not None
    for row, mask, sides in zip(batch.input_ids, batch.attention_mask, batch.segments, strict=True):
        length = int(mask.sum())
        first = row.tolist().index(tokenizer.sep_token_id) + 1
        assert sides.tolist() == [0] * first + [1] * (length - first) + [0] * (len(row) - length)
        assert set(row[length:].tolist()) <= {tokenizer.pad_token_id}
