"""Measuring steps from end to end, and the parts that measure."""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from framework.conformance import Stage, Status
from framework.evidence.record import RunRecord
from framework.stages.manifest.flops import mamba_scan, per_token
from runners.measurement import energy, memory
from runners.measurement.energy import EnergyMeter, Missing, Processors
from runners.measurement.forward_passes import random_batch, spread, timed
from runners.measurement.measure import said
from runners.measurement.memory import Unmeasured, peak_memory, resident_growth
from tests.support.executed import ExecutedStudy, study
from tests.support.run_folders import change_run

VARIANTS = """\
  M_base: {steps: [pretrain]}
  M_tuned: {from: M_base, steps: [{finetune: {adapter: {lora: {rank: 2, alpha: 4}}}}]}
  M_hybrid:
    from: M_base
    steps: [{finetune: {adapter: {sgh: {importance: magnitude, thresholds: [0.75, 0.5, 0.0]}}}}]
  M_pruned: {from: M_base, steps: [{prune: {sparsity: 0.5, tensors: [in_proj]}}]}
measurements:
  speed:
    measure: [latency, throughput, peak_memory, energy]
    variants: [M_base, M_tuned]
    batch_sizes: [1, 4]
    sequence_lengths: [16, 32]
    warmup: 1
    repeats: 3
    adapters: [merged, unmerged]
  cost:
    measure: [parameters, trainable_parameters, nonzero_parameters, flops]
    sequence_lengths: [32]
    adapters: [merged, unmerged]
"""
Figures = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> ExecutedStudy:
    return study(tmp_path_factory.mktemp("measured"), VARIANTS).execute()


@pytest.fixture(scope="module")
def figures(done: ExecutedStudy) -> Figures:
    """The figures of a measuring step, those that have all of some facts."""

    def found(variant: str, name: str, **facts: Any) -> list[dict[str, Any]]:
        record = RunRecord.read(done.folder(variant, f"measure-{name}"))
        return [each for each in record.measurements if facts.items() <= each.items()]

    return found


def value(found: list[dict[str, Any]]) -> Any:
    (fact,) = found
    return fact["value"]


# A measuring step


def test_every_quantity_is_measured_at_every_declared_size_and_length(figures: Figures) -> None:
    for quantity in ("latency", "throughput", "peak_memory", "energy"):
        found = figures("M_base", "speed", quantity=quantity)
        assert {(each["batch_size"], each["sequence_length"]) for each in found} == {(1, 16), (4, 16), (1, 32), (4, 32)}
        assert len(found) == 4


def test_a_time_says_what_it_was_taken_over(figures: Figures) -> None:
    for fact in figures("M_base", "speed", quantity="latency"):
        assert (fact["warmup"], len(fact["seconds"]), fact["unit"], fact["precision"]) == (1, 3, "ms/token", "fp32")
        middle = sorted(fact["seconds"])[1]
        assert fact["value"] == pytest.approx(1000 * middle / fact["sequence_length"])
        low, high = fact["quartiles"]
        assert low <= fact["value"] <= high


def test_throughput_is_of_the_same_passes_as_latency(figures: Figures) -> None:
    for slow, fast in zip(
        figures("M_base", "speed", quantity="latency"), figures("M_base", "speed", quantity="throughput"), strict=True
    ):
        assert slow["seconds"] == fast["seconds"]
        assert fast["value"] * slow["value"] == pytest.approx(1000 * fast["batch_size"])
        assert fast["quartiles"][0] <= fast["value"] <= fast["quartiles"][1]


def test_the_flops_are_those_of_the_plan_s_formula(figures: Figures, done: ExecutedStudy) -> None:
    model = done.load().manifest.models["tiny"]
    expected = per_token(model, 32, language_model=True)
    assert expected is not None
    recurrence = mamba_scan(layers=2, hidden=16, state=6, expand=2)
    (fact,) = figures("M_base", "cost", quantity="flops")
    assert fact["value"] == pytest.approx(expected.total - recurrence, rel=0.03)
    assert fact["per_pass"] == fact["value"] * 32
    assert "zeros counted as work" in fact["what"]


def test_zeros_do_not_reduce_flops_and_reduce_the_nonzero_parameters(figures: Figures, done: ExecutedStudy) -> None:
    dense, pruned = (value(figures(name, "cost", quantity="flops")) for name in ("M_base", "M_pruned"))
    assert dense == pruned
    zeros = RunRecord.read(done.folder("M_pruned", "prune")).sparsity["zeros"]
    assert zeros > 0
    dense, pruned = (value(figures(name, "cost", quantity="nonzero_parameters")) for name in ("M_base", "M_pruned"))
    assert dense - pruned == zeros


def test_parameters_are_those_of_the_runs(figures: Figures, done: ExecutedStudy) -> None:
    base = RunRecord.read(done.folder("M_base", "pretrain"))
    assert value(figures("M_base", "cost", quantity="parameters")) == base.parameters["total"]
    assert value(figures("M_base", "cost", quantity="trainable_parameters")) == base.parameters["trainable"]


@pytest.mark.parametrize("variant", ["M_tuned", "M_hybrid"])
def test_adapters_are_measured_merged_and_unmerged(figures: Figures, done: ExecutedStudy, variant: str) -> None:
    tuned = RunRecord.read(done.folder(variant, "finetune"))
    merged, unmerged = (figures(variant, "cost", adapter=state) for state in ("merged", "unmerged"))
    parameters = [value([f for f in found if f["quantity"] == "parameters"]) for found in (merged, unmerged)]
    assert parameters[0] == tuned.parameters["total"]
    assert parameters[1] - parameters[0] == tuned.adapter["parameters"]
    flops = [value([f for f in found if f["quantity"] == "flops"]) for found in (merged, unmerged)]
    assert flops[1] > flops[0]
    trainable = [value([f for f in found if f["quantity"] == "trainable_parameters"]) for found in (merged, unmerged)]
    assert trainable == [tuned.parameters["trainable"]] * 2


def test_without_adapters_there_is_one_state_and_it_has_no_name(figures: Figures) -> None:
    assert {each["adapter"] for each in figures("M_base", "speed")} == {None}
    assert {each["adapter"] for each in figures("M_tuned", "speed")} == {"merged", "unmerged"}


def test_a_transform_trains_nothing(figures: Figures) -> None:
    assert value(figures("M_pruned", "cost", quantity="trainable_parameters")) == 0


def test_zeros_are_counted_of_merged_weights(figures: Figures) -> None:
    states = [fact["adapter"] for fact in figures("M_tuned", "cost", quantity="nonzero_parameters")]
    assert states == ["merged"]


def test_a_missing_figure_is_no_number_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Energy, on a machine that counts none."""
    monkeypatch.setattr(energy, "_POWERCAP", tmp_path / "none")
    measured = "measurements: {use: {measure: [energy], sequence_lengths: [8], repeats: 1}}\n"
    done = study(tmp_path, "  M_base: {steps: [pretrain]}\n" + measured).execute()
    (fact,) = RunRecord.read(done.folder("M_base", "measure-use")).measurements
    assert fact["value"] is None
    assert "shows no RAPL counter" in fact["missing"]
    assert "not measured (the kernel shows no RAPL" in said(fact)
    assert done.statuses(Stage.RUN, "measurements")["measurements.use.measure"] is Status.UNVERIFIED


def test_what_was_measured_is_verified_and_bad_figures_are_found(done: ExecutedStudy, tmp_path: Path) -> None:
    statuses = done.statuses(Stage.RUN, "measurements")
    assert statuses["measurements.cost.measure"] is Status.CONFORMS
    assert statuses["measurements.speed.batch_sizes"] is Status.CONFORMS
    assert statuses["measurements.speed.repeats"] is Status.CONFORMS
    assert done.findings("R160") == []
    broken = done.copy(tmp_path)

    def faster(record: RunRecord) -> None:
        record.measurements[1]["value"] /= 2

    change_run(broken.folder("M_base", "measure-speed"), faster)
    (finding,) = broken.findings("R160")
    assert "latency, batch 1, 16 tokens" in finding


def test_a_measurement_leaves_the_checkpoint_and_its_evidence_as_they_were(done: ExecutedStudy) -> None:
    record = RunRecord.read(done.folder("M_base", "measure-speed"))
    assert record.artefacts == {}
    assert not (done.folder("M_base", "measure-speed") / "model").exists()
    assert record.environment["hardware"]["threads"] == 1
    assert done.findings("T120") == []


def test_a_length_that_the_model_does_not_read_is_refused(tmp_path: Path) -> None:
    sizes = "layers: 1, hidden: 16, heads: 2, intermediate: 16, vocabulary: 256"
    llama = f"{{family: llama, weights: random, {sizes}, tokenizer: bytes}}"
    measured = "measurements: {long: {measure: [flops], sequence_lengths: [100000]}}\n"
    root = study(tmp_path, "  M_base: {steps: [pretrain]}\n" + measured, llama)
    with pytest.raises(Exception, match=r"measurements.long.sequence_lengths: the model reads at most \d+ tokens"):
        root.execute()


def test_an_encoder_is_measured_with_and_without_a_head(tmp_path: Path) -> None:
    variants = """\
  bare: {steps: [{prune: {sparsity: 0.5, tensors: [intermediate.dense]}}]}
  tuned: {steps: [finetune]}
measurements: {cost: {measure: [flops, latency], sequence_lengths: [16], repeats: 1, warmup: 0}}
"""
    sizes = "layers: 2, hidden: 16, heads: 2, intermediate: 32, vocabulary: 260"
    bert = f"{{family: bert, weights: random, {sizes}, tokenizer: bytes}}"
    done = study(tmp_path, variants, bert).execute()
    expected = per_token(done.load().manifest.models["tiny"], 16, language_model=False)
    assert expected is not None
    for variant in ("bare", "tuned"):
        flops, latency = RunRecord.read(done.folder(variant, "measure-cost")).measurements
        assert flops["value"] == pytest.approx(expected.total, rel=0.02)  # the pooler, once per sequence
        assert latency["value"] > 0


# Passes


def test_random_tokens_follow_from_the_seed_and_fill_the_batch() -> None:
    config, device = SimpleNamespace(vocab_size=7), torch.device("cpu")
    one, same, other = (random_batch(config, 3, 50, seed, device, labelled=False) for seed in (1, 1, 2))
    assert torch.equal(one.input_ids, same.input_ids)
    assert not torch.equal(one.input_ids, other.input_ids)
    assert one.input_ids.shape == (3, 50)
    assert set(one.input_ids.flatten().tolist()) == set(range(7))
    assert one.labels is None
    assert random_batch(config, 3, 5, 1, device, labelled=True).labels is not None


def test_each_repeat_is_timed_by_itself_without_the_garbage_collector() -> None:
    collecting: list[bool] = []

    def run() -> None:
        collecting.append(gc.isenabled())
        time.sleep(0.01 * len(collecting))

    seconds = timed(run, 3)
    assert collecting == [False] * 3
    assert gc.isenabled()
    assert all(each >= 0.01 * number for number, each in enumerate(seconds, 1))


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [([3.0], (3.0, 3.0, 3.0)), ([1.0, 2.0], (1.25, 1.5, 1.75)), ([5.0, 1.0, 2.0, 4.0, 3.0], (2.0, 3.0, 4.0))],
)
def test_the_spread_is_the_quartiles(seconds: list[float], expected: tuple[float, float, float]) -> None:
    assert spread(seconds) == expected


# Memory


linux = pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="the kernel resets no peak here")


@linux
def test_the_peak_counts_what_was_freed_again_and_is_of_this_call_alone() -> None:
    megabytes = 64

    def fill() -> None:
        torch.ones(megabytes * 2**20 // 4)

    assert resident_growth(fill) == pytest.approx(megabytes * 2**20, rel=0.1)
    assert resident_growth(lambda: None) < 4 * 2**20
    assert resident_growth(fill) == pytest.approx(megabytes * 2**20, rel=0.1)


@linux
def test_the_peak_says_what_it_is() -> None:
    assert peak_memory(lambda: None, torch.device("cpu"))[1] == memory.ON_CPU


def test_without_the_kernel_s_help_there_is_no_peak(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(memory, "_CLEAR", tmp_path / "missing" / "clear_refs")
    with pytest.raises(Unmeasured, match="cannot be read here"):
        resident_growth(lambda: None)


# Energy


@pytest.fixture
def powercap(tmp_path: Path) -> Path:
    """Two packages, and the zone of a core below one of them, as the kernel shows them."""
    for zone, name, used in (("0", "package-0", 100), ("1", "package-1", 900), ("0:0", "core", 50)):
        folder = tmp_path / f"intel-rapl:{zone}"
        folder.mkdir()
        (folder / "name").write_text(f"{name}\n")
        (folder / "energy_uj").write_text(f"{used}\n")
        (folder / "max_energy_range_uj").write_text("1000\n")
    return tmp_path


def use(powercap: Path, package: int, now: int) -> None:
    (powercap / f"intel-rapl:{package}" / "energy_uj").write_text(f"{now}\n")


def test_energy_is_what_all_packages_used_and_no_part_of_one_twice(powercap: Path) -> None:
    counter = Processors(powercap)
    use(powercap, 0, 300)
    (powercap / "intel-rapl:0:0" / "energy_uj").write_text("999\n")
    assert counter.joules() == pytest.approx(200e-6)


def test_a_counter_that_starts_again_goes_on(powercap: Path) -> None:
    counter = Processors(powercap)
    for now in (950, 100, 600, 50):
        use(powercap, 1, now)
        joules = counter.joules()
    assert joules == pytest.approx((50 + 150 + 500 + 450) * 1e-6)


def test_the_meter_reads_between_so_that_no_turn_is_missed(powercap: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(energy, "_LOOK_EVERY", 0.01)
    reads: list[float] = []
    real = Processors.joules
    monkeypatch.setattr(Processors, "joules", lambda counter: reads.append(1) or real(counter))
    with EnergyMeter(powercap) as meter:
        use(powercap, 0, 200)
        while len(reads) < 3:
            time.sleep(0.005)
    assert meter.facts == {"processors": 0.0, "missing": {}}  # 100 uJ, to the millijoule


def test_without_a_counter_there_is_no_number(tmp_path: Path) -> None:
    with EnergyMeter(tmp_path) as meter:
        pass
    assert meter.facts["processors"] is None
    assert "shows no RAPL counter" in meter.facts["missing"]["processors"]


def test_a_counter_that_is_root_s_alone_is_missing(powercap: Path) -> None:
    (powercap / "intel-rapl:1" / "energy_uj").unlink()
    with pytest.raises(Missing, match="cannot be read"):
        Processors(powercap)


@pytest.fixture
def nvml(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Two devices behind nvidia-ml-py's own interface, their counters in mJ."""
    counters = {"GPU-a": 5_000, "GPU-b": 7_000, "GPU-hidden": 0}

    class NVMLError(Exception):
        pass

    module = SimpleNamespace(
        __spec__=object(),
        NVMLError=NVMLError,
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByUUID=lambda uuid: uuid,
        nvmlDeviceGetTotalEnergyConsumption=lambda handle: counters[handle],
    )
    monkeypatch.setitem(sys.modules, "pynvml", module)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: SimpleNamespace(uuid="ab"[index]))
    return counters


def test_the_energy_of_the_visible_accelerators_is_read_in_joules(nvml: dict[str, int], tmp_path: Path) -> None:
    with EnergyMeter(tmp_path) as meter:
        nvml["GPU-a"] += 1_500
        nvml["GPU-b"] += 2_000
        nvml["GPU-hidden"] += 9_000
    assert meter.facts["accelerators"] == 3.5
    assert list(meter.facts["missing"]) == ["processors"]


def test_a_device_without_a_counter_is_missing_with_the_reason(
    nvml: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pynvml

    def unsupported(handle: str) -> int:
        raise pynvml.NVMLError("Not Supported")

    monkeypatch.setattr(pynvml, "nvmlDeviceGetTotalEnergyConsumption", unsupported)
    with EnergyMeter(tmp_path) as meter:
        pass
    assert (meter.facts["accelerators"], meter.facts["missing"]["accelerators"]) == (None, "NVML: Not Supported")


def test_every_run_records_what_it_used_or_why_nobody_knows(done: ExecutedStudy) -> None:
    for folder in (done.root / "runs").glob("M_*"):
        facts = RunRecord.read(folder).energy
        assert (facts["processors"] is None) == ("processors" in facts["missing"])
