"""An evaluation with examples of like length together, against the same in the order of the data.

    FRAMEWORK_TEST_DATA=FOLDER python benchmarks/evaluation.py [--rounds 5] [--batch 32]

On the validation splits of SST-2 and MRPC, `glue/sst2` and `glue/mrpc` below the folder, with a small encoder of
random weights in float32. Medians of rounds in turn. Both say the same metrics: the loss to its last digits, in which
a product over more padding is rounded elsewhere, and everything that is counted to the bit.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from accelerate import Accelerator

from framework import api
from framework.planning.steps import Training
from runners.data.examples import Examples
from runners.data.preparing import prepare
from runners.models.building import build_language_model, classifier_over
from runners.models.families import FAMILIES
from runners.training.evaluating import evaluation, grouping

MANIFEST = """\
version: 1
paper: {title: Evaluations of two tasks}
hardware: {accelerator: cpu}
models:
  encoder:
    {family: bert, weights: random, layers: 4, hidden: 128, heads: 4, intermediate: 512, vocabulary: 4096,
    tokenizer: train}
datasets:
  sst2: {path: FOLDER/glue/sst2, text: [sentence], labels: 2, limit: 2000}
  mrpc: {path: FOLDER/glue/mrpc, text: [sentence1, sentence2], labels: 2, limit: 2000}
phases:
  finetune:
    objective: classification
    tasks: {sst2: {}, mrpc: {}}
    optimizer: {learning_rate: 1e-3}
    batch_size: 32
    max_steps: 1
    sequence_length: 128
variants: {dense: {steps: [finetune]}}
seeds: [1]
"""


def in_order(lengths: Sequence[int], size: int) -> list[list[int]]:
    """The groups that :func:`grouping.alike` replaces."""
    return [list(range(start, min(start + size, len(lengths)))) for start in range(0, len(lengths), size)]


def padded_places(examples: Examples, groups: list[list[int]]) -> float:
    """Places in batches for each token."""
    lengths = examples.lengths
    return float(sum(len(group) * max(lengths[group]) for group in groups) / examples.tokens)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=32)
    options = parser.parse_args()
    folder = os.environ.get("FRAMEWORK_TEST_DATA") or sys.exit("set FRAMEWORK_TEST_DATA to the folder that holds glue/")
    accelerator = Accelerator(cpu=True)
    with tempfile.TemporaryDirectory() as name:
        os.environ["FRAMEWORK_CACHE_DIR"] = name
        project = Path(name)
        (project / "experiment.yaml").write_text(MANIFEST.replace("FOLDER", str(Path(folder).absolute())))
        for step in api.plan(api.load(project / "experiment.yaml")).steps:
            assert isinstance(step.work, Training)
            prepared = prepare(step.work, step.model_name, step.model, None, project)
            encoder = build_language_model(step.model_name, step.model, 4096, step.seed, project)
            model = classifier_over(encoder, FAMILIES.get(step.model.family), prepared.classes, step.seed)
            compare(step.work.dataset_name, accelerator, model, prepared.validation, options)


def compare(task: str, accelerator: Accelerator, model: Any, examples: Examples, options: Any) -> None:
    """Print what both ways take and say."""
    ways = {"in order": in_order, "of like length": grouping.alike}
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    found: dict[str, dict[str, float]] = {}
    for _ in range(options.rounds + 1):  # the first round warms up
        for way, groups in ways.items():
            evaluation.alike = groups  # type: ignore[assignment]
            begun = time.perf_counter()
            found[way] = evaluation.evaluate(accelerator, model, examples, options.batch, 2)
            seconds[way].append(time.perf_counter() - begun)
    print(f"{task}: {len(examples)} examples, {examples.tokens} tokens, batches of {options.batch}")
    for way, groups in ways.items():
        places = padded_places(examples, groups(examples.lengths, options.batch))
        print(f"  {way:14} {statistics.median(seconds[way][1:]):6.2f} s, {places:.2f} places a token, {found[way]}")
    before, after = found.values()
    loss = abs(after.pop("loss") / before.pop("loss") - 1)
    if before != after or not math.isclose(loss, 0, abs_tol=1e-6):
        sys.exit("the metrics differ")
    print(f"  the loss differs by {loss:.0e} of itself, the rest by nothing")


if __name__ == "__main__":
    main()
