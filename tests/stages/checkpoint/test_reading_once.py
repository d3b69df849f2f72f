"""One reading of each file answers all rules, with the same answers as a reading for each of them."""

from __future__ import annotations

import os
import random
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy
import pytest

from framework import api
from framework.evidence.masks import MaskFile
from framework.evidence.scanning.windows import Window, windows
from framework.evidence.tensors import TensorFile
from framework.manifest.sections.methods import Prune
from framework.stages.checkpoint.reading_once import changed_files, read_once
from framework.stages.checkpoint.recomputed.lowest_scores import choice_of, misplaced
from framework.stages.checkpoint.remembered_answers import CHOICE_OF
from framework.stages.checkpoint.rules import records
from framework.stages.checkpoint.zeros import COUNTED, UnderMasks, counts_of
from framework.stages.run.observed import Observed, Related
from tests.support.evidence import Evidence
from tests.support.project import Project
from tests.support.tensors import save_tensors, stored

PRUNED = "  alike:\n    from: dense\n    steps: [{prune: {sparsity: {same_as: masked}}}]\nrules:\n"


def evidence(folder: Path) -> Evidence:
    return Evidence(Project(folder).replace("rules:\n", PRUNED), variants=["dense", "masked", "alike"], seeds=[1])


def observed(found: Evidence) -> dict[str, Observed]:
    from framework.evidence.store import RunStore

    store = RunStore(found.experiment.runs)
    return {step.key: Observed(step, store.finished(step.key)) for step in found.plan.steps}


def test_a_verification_reads_each_byte_of_a_model_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, read, real = evidence(tmp_path), Counter[tuple[str, int]](), os.preadv

    def counted(handle: int, buffers: Any, offset: int) -> int:
        got = real(handle, buffers, offset)
        read.update((os.readlink(f"/proc/self/fd/{handle}"), at) for at in range(offset, offset + got))
        return got

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("the system does not tell which files are open")
    monkeypatch.setattr(os, "preadv", counted)
    # Which compares masks with one another, tensor by tensor:
    monkeypatch.setattr(records, "check", lambda context: iter(()))
    monkeypatch.setattr(TensorFile, "is_zero", None)
    mapped: list[str] = []
    bits = TensorFile.bits
    monkeypatch.setattr(TensorFile, "bits", lambda file, name: mapped.append(file.path.name) or bits(file, name))
    result = api.verify(found.experiment, found.plan)
    assert not result.findings
    files = [path for path in found.experiment.runs.rglob("*") if path.is_file() and path.name != "record.json"]
    assert read == Counter((str(path), at) for path in files for at in range(path.stat().st_size))
    assert "model.safetensors" not in mapped


@pytest.mark.parametrize("threads", [1, 3])
def test_what_was_seen_on_the_way_is_what_is_seen_alone(tmp_path: Path, threads: int) -> None:
    found = evidence(tmp_path)
    together, alone = observed(found), observed(found)
    read_once(together.values(), Related(found.experiment.manifest, together.values()), threads=threads)
    counted = [key for key, each in together.items() if COUNTED in each.known]
    assert len(counted) == 2
    assert all(together[key].known[COUNTED] == counts_of(alone[key]) for key in counted)
    assert [each.known[CHOICE_OF] for each in together.values() if CHOICE_OF in each.known] == [None]
    assert all(changed_files(each) == changed_files(alone[key]) == [] for key, each in together.items())


def test_a_file_that_changes_while_it_is_verified_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, real = evidence(tmp_path), os.preadv
    model = found.folder("dense", "pretrain") / "model" / "model.safetensors"

    def reading(handle: int, buffers: Any, offset: int) -> int:
        got = real(handle, buffers, offset)
        if os.path.samestat(os.fstat(handle), model.stat()):
            os.utime(model, ns=(5, 5))
        return got

    monkeypatch.setattr(os, "preadv", reading)
    result = api.verify(found.experiment, found.plan)
    assert [(each.rule.code, str(each.location)) for each in result.findings] == [("T121", f"{model}:1:1")]
    assert "changed while it was read" in result.findings[0].message


PRUNINGS: list[dict[str, Any]] = [
    {},
    {"scope": "layer"},
    {"structure": "2:4"},
    {"scope": "output"},
    {"score": "random"},
]


def shuffled(file: TensorFile, names: list[str], units: Any, source: random.Random) -> list[Window]:
    """All windows of these tensors, cut anywhere that is allowed, in any order."""
    found = []
    for name in names:
        for window in windows(file, name, units[name]):
            cuts = sorted(
                source.sample(range(0, len(window.bits), units[name]), min(3, len(window.bits) // units[name]))
            )
            edges = [0, *(cut for cut in cuts if cut), len(window.bits)]
            found += [Window(window.tensor, a, window.bits[a:b]) for a, b in pairwise(edges)]
    source.shuffle(found)
    return found


@pytest.mark.parametrize("dtype", ["F64", "F32", "F16", "BF16"])
@pytest.mark.parametrize("prune", PRUNINGS)
def test_the_order_in_which_windows_come_does_not_matter(tmp_path: Path, dtype: str, prune: dict[str, Any]) -> None:
    """Few different weights, so that many scores are equal; choices that are right, and ones with one weight amiss."""
    source, numbers = random.Random(1), numpy.random.default_rng(1)
    work = Prune(**{"sparsity": 0.5, "tensors": ["x"], **prune})
    verdicts = Counter[bool]()
    for trial in range(30):
        shapes = {"a.weight": (5, 8), "b.weight": (3, 12)}
        weights = {name: numbers.integers(-3, 4, shape).astype(float) for name, shape in shapes.items()}
        parent = TensorFile(save_tensors(tmp_path / "p", {name: stored(own, dtype) for name, own in weights.items()}))
        masks = {name: lowest(own, work) for name, own in weights.items()}
        if not prune:
            flat = lowest(numpy.concatenate([own.ravel() for own in weights.values()]), work)
            masks = {"a.weight": flat[:40].reshape(5, 8), "b.weight": flat[40:].reshape(3, 12)}
        if trial % 2:
            one = masks[source.choice(list(masks))].reshape(-1)
            at, to = source.choice(numpy.flatnonzero(one)), source.choice(numpy.flatnonzero(~one))
            one[at], one[to] = False, True
        file = MaskFile(save_tensors(tmp_path / "m", {name: stored(own, "BOOL") for name, own in masks.items()}))
        expected = misplaced(parent, file, sorted(masks), work, 1, "llama")
        choice = choice_of(parent, file, sorted(masks), work, 1, "llama")
        for window in shuffled(parent, sorted(masks), choice.units, source):
            choice.look(window)
        assert choice.misplaced(parent) == expected
        if work.score == "magnitude" and not trial % 2:
            assert expected is None
        verdicts[expected is None] += 1
    assert verdicts[False] > 5


def lowest(weights: Any, work: Prune) -> Any:
    """What stays where the lowest half went within each group, and of equal ones the last."""
    size = {"2:4": 4}.get(work.structure) or (weights.shape[-1] if work.scope == "output" else weights.size)
    groups = numpy.abs(weights).reshape(-1, size)
    kept = numpy.zeros(groups.shape, bool)
    for row, group in zip(kept, groups, strict=True):
        row[numpy.argsort(-group, kind="stable")[: size - size // 2]] = True
    return kept.reshape(weights.shape)


@pytest.mark.parametrize("dtype", ["F64", "F32", "F16", "BF16"])
def test_zeros_of_either_sign_count_and_the_first_that_returned_is_named(tmp_path: Path, dtype: str) -> None:
    values = numpy.ones(1000)
    values[[3, 500, 501]], values[[4, 999]] = 0.0, -0.0
    values[7] = 1e-45 if dtype == "F32" else values[7]  # the least number, which is none
    mask = numpy.ones(1000, bool)
    mask[[3, 4, 600, 9, 998]] = False
    tensors = TensorFile(save_tensors(tmp_path / "a", {"w": stored(values, dtype)}))
    masks = MaskFile(save_tensors(tmp_path / "m", {"w": stored(mask, "BOOL")}))
    for seed in range(5):
        watcher = UnderMasks(masks, tensors.tensors)
        for window in shuffled(tensors, ["w"], watcher.units, random.Random(seed)):
            watcher.look(window)
        assert watcher.counts == {"w": [5, 3, 9, 5]}
