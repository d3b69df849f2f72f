"""Saved tensors other than the manifest demands, by one table: each is found at its place, and nothing else is."""

from __future__ import annotations

import numpy
import pytest

from tests.stages.breaking import Break, assert_only_finding_of_runs, in_file, observed
from tests.support.evidence import Evidence
from tests.support.project import Project
from tests.support.run_folders import seal
from tests.support.saved_models import ZEROS, kept, write_model, write_order
from tests.support.tensors import save_tensors, stored


def modelled(variant: str, step: str, zeros: dict[str, int], **changes: object) -> Break:
    """Write a run's model and masks anew."""

    def change(evidence: Evidence) -> None:
        folder = evidence.folder(variant, step)
        write_model(folder, {name: kept(name, count) for name, count in zeros.items()}, **changes)
        seal(folder)

    return change


def adapter(name: str, shape: tuple[int, ...]) -> Break:
    def change(evidence: Evidence) -> None:
        folder = evidence.folder("pruned", "finetune")
        save_tensors(folder / "adapter" / "adapter_model.safetensors", {name: stored(numpy.ones(shape))})
        seal(folder)

    return change


def flipped(evidence: Evidence) -> None:
    """Change the last byte of a saved model, behind the record's back."""
    path = evidence.folder("pruned", "finetune") / "model" / "model.safetensors"
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def returned(evidence: Evidence) -> None:
    """One masked weight that is not zero any more, and another in its place: the numbers are right."""
    folder = evidence.folder("pruned", "finetune")
    masks = {name: kept(name) for name in ZEROS}
    weights = {name: mask * 2.0 for name, mask in masks.items()}
    weights["h.1.in_proj.weight"] = weights["h.1.in_proj.weight"][::-1]
    save_tensors(folder / "model" / "model.safetensors", {name: stored(value) for name, value in weights.items()})
    seal(folder)


def last_gone(evidence: Evidence) -> None:
    """As many zeros in each tensor, but of the last and not of the first weights."""
    folder = evidence.folder("pruned", "prune")
    write_model(folder, {name: kept(name)[::-1, ::-1] for name in ZEROS})
    seal(folder)


def permuted(**changes: str) -> Break:
    def change(evidence: Evidence) -> None:
        folder = evidence.folder("reordered", "permute")
        write_order(folder, range(6), **{"method": "csp", "dimension": "channel", **changes})
        seal(folder)

    return change


BROKEN: dict[str, tuple[str, Break, str]] = {
    # what is wrong: (code, how, where the finding points below the runs)
    "a masked weight that came back": (
        "T101",
        returned,
        "pruned.1-finetune.topics.tiny.seed1/model/model.safetensors:1",
    ),
    "one weight too many pruned": (
        "T102",
        modelled("pruned", "prune", {**ZEROS, "h.1.in_proj.weight": 11}),
        "pruned.0-prune.tiny.seed1/model/model.safetensors:1",
    ),
    "larger weights pruned than some that stayed": (
        "T103",
        last_gone,
        "pruned.0-prune.tiny.seed1/masks.safetensors:1",
    ),
    "as many zeros, in other layers": (
        "T110",
        modelled("pruned", "finetune", {"h.0.in_proj.weight": 11, "h.1.in_proj.weight": 11}),
        "pruned.1-finetune.topics.tiny.seed1/model/model.safetensors:1",
    ),
    "one zero more": (
        "T110",
        modelled("pruned", "finetune", {**ZEROS, "h.0.in_proj.weight": 13}),
        "pruned.1-finetune.topics.tiny.seed1/model/model.safetensors:1",
    ),
    "as many zeros, over other tensors": (
        "T110",
        modelled("pruned", "finetune", {"h.0.in_proj.weight": 12, "wte.weight": 10}),
        "pruned.1-finetune.topics.tiny.seed1/model/model.safetensors:1",
    ),
    "a file that was changed": ("T120", flipped, "pruned.1-finetune.topics.tiny.seed1/model/model.safetensors:1"),
    "another rank on disk": (
        "T130",
        adapter("base.h.0.in_proj.lora_A.weight", (3, 6)),
        "pruned.1-finetune.topics.tiny.seed1/adapter/adapter_config.json:1",
    ),
    "another module with an adapter": (
        "T130",
        adapter("base.h.0.out_proj.lora_A.weight", (2, 6)),
        "pruned.1-finetune.topics.tiny.seed1/adapter/adapter_config.json:1",
    ),
    "another alpha on disk": (
        "T130",
        in_file("pruned", "finetune", "adapter/adapter_config.json", '"lora_alpha": 4', '"lora_alpha": 8'),
        "pruned.1-finetune.topics.tiny.seed1/adapter/adapter_config.json:1",
    ),
    "another number of layers": (
        "T140",
        in_file("dense", "pretrain", "model/config.json", '"n_layer": 2', '"n_layer": 3'),
        "dense.0-pretrain.tiny.seed1/model/config.json:1",
    ),
    "another number of parameters": (
        "T140",
        observed("dense", "pretrain", "parameters", "total", to=2609),
        "dense.0-pretrain.tiny.seed1/record.json:1",
    ),
    "an order that is not the saved one": (
        "T150",
        permuted(),
        "reordered.0-permute.tiny.seed1/permutation.safetensors:1",
    ),
    "another dimension": (
        "T150",
        permuted(dimension="state"),
        "reordered.0-permute.tiny.seed1/permutation.safetensors:1",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_checkpoint_is_found_at_its_place_and_nothing_else_is(
    project: Project, evidence: Evidence, case: str
) -> None:
    assert_only_finding_of_runs(project, evidence, BROKEN[case])
