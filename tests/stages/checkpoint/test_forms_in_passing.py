"""Weights in every form are seen in the one reading of their file: the same answers, however it is cut."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import numpy
import pytest

from framework.errors import InputError
from framework.evidence.forms.weights import WeightsFile
from framework.evidence.remembering.file_state import FileState
from framework.evidence.remembering.known_files import Seen
from framework.evidence.scanning.file_scan import FileScan
from framework.evidence.scanning.parallel import scan
from framework.evidence.scanning.windows import Watcher, Window, show, units_of
from framework.evidence.tensors import TensorFile
from framework.stages.checkpoint import reading_once
from framework.stages.checkpoint.rules import records, unchanged
from tests.stages.checkpoint.test_stored_forms import FORMS as WRITERS
from tests.stages.checkpoint.test_stored_forms import rewritten
from tests.support.evidence import Evidence
from tests.support.project import Project
from tests.support.stored_forms import Entry, bitmask, experts, torch_pruned
from tests.support.tensors import save_tensors, stored

_RANDOM = numpy.random.default_rng(5)
FULL = _RANDOM.integers(1, 9, (24, 16)).astype("<f4")
SPARSE = numpy.where(_RANDOM.random(FULL.shape) < 0.6, 0, FULL)
SPARSE[:3], SPARSE[9:12], SPARSE[-2:] = 0, 0, 0  # rows of zeros alone: where the file begins, within, where it ends
PAIRS = numpy.tile([True, False, False, True], (24, 4))
HALF = numpy.where(PAIRS, FULL, 0)
STACKED = {"gate_up_proj": _RANDOM.standard_normal((3, 8, 4)), "down_proj": _RANDOM.standard_normal((3, 4, 4))}
EXPERTS = experts(
    "model.layers.1.block_sparse_moe.experts", STACKED, {"gate_up_proj": ("w1", "w3"), "down_proj": ("w2",)}
)
PACKED_EXPERTS: dict[str, Entry] = {}
for _name, (_, _shape, _data) in EXPERTS.items():
    PACKED_EXPERTS |= bitmask(_name.removesuffix(".weight"), numpy.frombuffer(_data, "<f4").reshape(_shape))
CASES: dict[str, dict[str, Entry]] = {
    "plain": {"a.weight": stored(SPARSE)},
    "sparse-bitmask": bitmask("a", SPARSE),
    "sparse-bitmask of 16 bits": bitmask("a", SPARSE, "BF16"),
    "sparse-24-bitmask": bitmask("a", HALF, kept=PAIRS),
    "torch.nn.utils.prune": torch_pruned("a.weight", FULL, SPARSE != 0),
    "experts": EXPERTS,
    "experts behind bitmasks": PACKED_EXPERTS,
}


class Copy:
    """Looks at all tensors, and puts together what it was shown."""

    def __init__(self, file: WeightsFile, unit: int):
        self.units = {name: unit for name, tensor in file.tensors.items() if tensor.dtype != "I64"}
        self.seen = {name: numpy.zeros_like(file.bits(name).ravel()) for name in self.units}
        self.times = {name: numpy.zeros(len(bits), int) for name, bits in self.seen.items()}
        self.turn = threading.Lock()

    def look(self, window: Window) -> None:
        name, unit = window.tensor.name, self.units[window.tensor.name]
        assert window.start % unit == 0
        assert window.stop == window.tensor.elements or len(window.bits) % unit == 0
        with self.turn:
            self.seen[name][window.start : window.stop] = window.bits
            self.times[name][window.start : window.stop] += 1


def model(folder: Path, tensors: dict[str, Entry]) -> WeightsFile:
    (folder / "config.json").write_text(json.dumps({"model_type": "mixtral", "hidden_size": 4}))
    return WeightsFile(save_tensors(folder / "model.safetensors", {**tensors, "norm.weight": stored(numpy.ones(9))}))


def told(file: WeightsFile, watcher: Watcher, chunk: int, threads: int) -> Seen | InputError:
    found: list[Seen | InputError] = []
    carriers = [each for name, unit in units_of([watcher]).items() for each in file.carriers(name, unit) or ()]
    watching = carriers, FileState.of(file.file.stat), [watcher]
    scan([FileScan(file.path, file.path.stat().st_size, found.append, lambda: watching)], threads, chunk)
    return found[0]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("threads", [1, 3])
def test_however_a_file_is_cut_each_weight_is_seen_once(
    tmp_path: Path, case: str, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("framework.evidence.scanning.parallel._SMALL", 0)
    file = model(tmp_path, CASES[case])
    read, real = Counter[int](), os.preadv

    def counted(handle: int, buffers: Any, offset: int) -> int:
        got = real(handle, buffers, offset)
        read.update(range(offset, offset + got))
        return got

    monkeypatch.setattr(os, "preadv", counted)
    for unit in (1, 4, 8, 16):
        for chunk in (1, 30, 64, 100, 500, 1 << 20):
            read.clear()
            watcher = Copy(file, unit)
            seen = told(file, watcher, chunk, threads)
            assert isinstance(seen, Seen)
            assert seen.sha256 == hashlib.sha256(file.path.read_bytes()).hexdigest()
            assert read == Counter(range(file.path.stat().st_size))
            for name in watcher.units:
                assert (watcher.times[name] == 1).all(), (unit, chunk, name)
                assert (watcher.seen[name] == file.bits(name).ravel()).all(), (unit, chunk, name)


@pytest.mark.parametrize("case", CASES)
def test_what_is_shown_alone_is_the_same(tmp_path: Path, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("framework.evidence.scanning.windows._WINDOW", 16)
    file = model(tmp_path, CASES[case])
    watcher = Copy(file, 8)
    show(file, watcher)
    assert all((watcher.times[name] == 1).all() for name in watcher.units)
    assert all((watcher.seen[name] == file.bits(name).ravel()).all() for name in watcher.units)


def test_what_cannot_be_shown_in_passing_has_no_carriers(tmp_path: Path) -> None:
    nothing = model(tmp_path, bitmask("a", SPARSE * 0))
    assert nothing.carriers("a.weight", 8) is None  # no value goes by
    stack = "model.layers.1.mlp.experts.down_proj"
    assert model(tmp_path, EXPERTS).carriers(stack, 5) is None  # which no expert's part is a multiple of
    assert model(tmp_path, PACKED_EXPERTS).carriers(stack, 5) is None


def test_windows_of_few_kept_values_stay_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("framework.evidence.forms.bitmask_carrier._WINDOW", 32)
    file = model(tmp_path, bitmask("a", SPARSE))
    sizes: list[int] = []
    watcher = Copy(file, 8)
    monkeypatch.setattr(watcher, "look", lambda window: sizes.append(len(window.bits)))
    told(file, watcher, 1 << 20, 1)
    assert max(sizes) == 32
    assert sum(sizes) == SPARSE.size + 9


def test_a_broken_form_ends_the_reading_of_its_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("framework.evidence.scanning.parallel._SMALL", 0)
    tensors = torch_pruned("a.weight", FULL, SPARSE != 0)
    file = model(tmp_path, {**tensors, "a.weight_mask": stored(numpy.full(FULL.shape, 0.5))})
    watcher = Copy(WeightsFile(save_tensors(tmp_path / "whole", tensors)), 8)
    for threads, chunk in ((1, 64), (3, 64), (1, 1 << 20)):
        found = told(file, watcher, chunk, threads)
        assert "a.weight_mask is neither 0 nor 1" in str(found)


CHANGES = {"nothing": None, "a weight came back": "h.1.in_proj.weight"}


@pytest.mark.parametrize("form", WRITERS)
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("chunk", [40, 1 << 20])
def test_the_verdicts_are_those_of_rules_that_read_for_themselves(
    project: Project, evidence: Evidence, form: str, change: str, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in ("prune", "finetune"):
        rewritten(evidence.folder("pruned", step), WRITERS[form], CHANGES[change])
    monkeypatch.setattr("framework.evidence.scanning.parallel._SMALL", 0)
    for beside in (unchanged, records):  # which compare models and masks with one another, tensor by tensor
        monkeypatch.setattr(beside, "check", lambda context: iter(()))
    mapped: list[Path] = []
    bits = TensorFile.bits
    monkeypatch.setattr(TensorFile, "bits", lambda file, name: mapped.append(file.path) or bits(file, name))
    monkeypatch.setattr(reading_once, "scan", partial(scan, chunk=chunk))
    passing = project.verify().as_dict()
    assert evidence.folder("pruned", "finetune") / "model" / "model.safetensors" not in mapped
    monkeypatch.setattr("framework.stages.verify.read_once", lambda *given: None)
    assert passing == project.verify().as_dict()
    assert bool(passing["findings"]) is (change != "nothing")
