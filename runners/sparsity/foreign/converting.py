"""Masks of another program written as this project's: each bit held to the file that it came from."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy

from framework.errors import FrameworkError, InputError, Problem
from framework.evidence.architectures.expert_layouts import renames, singles, stacked_shape, stacks
from framework.evidence.architectures.roles import UNKNOWN, Architecture, Role
from framework.evidence.checkpoints import CheckpointFiles
from framework.evidence.mask_layout import packed
from framework.evidence.orientation import INPUT_FIRST, input_first, modules_turned
from framework.names import did_you_mean
from runners.sparsity.foreign.fitting import Misfit, Reading, fitted, squares_in_doubt
from runners.sparsity.foreign.holding import held
from runners.sparsity.foreign.renaming import Renames, renamed
from runners.sparsity.foreign.sources import ForeignMasks
from runners.sparsity.mask_files import open_masks, write_mask_file

Array = numpy.ndarray[Any, Any]
_FIRST = 10
"""How many misfits are told."""


@dataclass(frozen=True, slots=True)
class Converted:
    """What was written: weights and zeros by tensor, and (with a checkpoint) how many masked weights of it are not zero
    and how many weights of it that are kept are."""

    path: Path
    sha256: str
    counts: Mapping[str, tuple[int, int]]
    returned: int | None = None
    kept_zeros: int | None = None

    @property
    def elements(self) -> int:
        return sum(elements for elements, _ in self.counts.values())

    @property
    def zeros(self) -> int:
        return sum(zeros for _, zeros in self.counts.values())


def convert(
    source: ForeignMasks,
    output: Path,
    renames_stated: Renames,
    reading: Reading,
    checkpoint: CheckpointFiles | None = None,
    layout: str = "packed",
) -> Converted:
    """Write the masks, whole or not at all.

    Raises:
        InputError: masks whose name, shape or values fit no tensor, all of them; masks that a pruned checkpoint
            shows to be read in a wrong way.
        UsageError: the output's container or layout is none.
        FrameworkError: what was written does not hold what was read.
    """
    architecture = Architecture.of(checkpoint.config()) if checkpoint else UNKNOWN

    def read_as(reading: Reading) -> dict[str, Array]:
        return _stacked(_fitted(source, renames_stated, reading, checkpoint), architecture)

    kept = read_as(reading)
    shapes = {name: mask.shape for name, mask in kept.items()}
    turned = input_first(architecture, shapes)
    problems = [
        Problem(f"the mask of {name} is square: whether it is transposed does not show", source.place, _SQUARE)
        for name in squares_in_doubt(shapes, sorted(turned), reading)
    ]
    if problems:
        raise InputError(problems)
    found = held(kept, checkpoint, reading, read_as, source.place) if checkpoint else (None, None)
    counts = {name: (mask.size, mask.size - int(numpy.count_nonzero(mask))) for name, mask in sorted(kept.items())}
    facts = _facts(source, counts)
    if turned:
        facts[INPUT_FIRST] = modules_turned(turned, kept)
    sha256 = _written(output, kept, facts, layout, counts)
    return Converted(output, sha256, counts, *found)


_SEPARATOR = re.compile(r"[._/]")
"""What parts of a name are joined by: `numpy.savez(file, **masks)` takes no dots, HDF5 and its like have slashes."""
_SQUARE = "name its module with --transposed; a module whose mask lies as its weight does cannot be told from it here"


def _fitted(
    source: ForeignMasks, stated: Renames, reading: Reading, checkpoint: CheckpointFiles | None
) -> dict[str, Array]:
    problems, kept = [], {}
    known = _shapes(checkpoint) if checkpoint else None
    for stored, meant in renamed(source, stated).items():
        values = source.masks[stored]
        try:
            name, shape = _tensor(meant, values, known)
            if name in kept:
                raise Misfit(f"is a second mask of {name}", "a tensor has one mask: leave one of them out")
            kept[name] = fitted(name, values, shape, reading)
        except Misfit as misfit:
            problems.append(Problem(f"the mask {stored} {misfit}", source.place, misfit.advice))
    if problems:
        more = [Problem(f"and {len(problems) - _FIRST} more masks do not fit", source.place)]
        raise InputError(problems[:_FIRST] + (more if len(problems) > _FIRST else []))
    return kept


def _shapes(checkpoint: CheckpointFiles) -> dict[str, tuple[int, ...]]:
    """The tensors of the model, and what they are made of: masks may be of single experts."""
    weights = checkpoint.weights
    below = {name: tensor.shape for name, tensor in weights.stored.tensors.items()} if weights.forms else {}
    model_type = Architecture.of(checkpoint.config()).model_type
    own = {name: tensor.shape for name, tensor in weights.tensors.items()}
    return {**_experts(own, model_type), **below, **own}


def _experts(shapes: Mapping[str, tuple[int, ...]], model_type: str | None) -> dict[str, tuple[int, ...]]:
    """The single experts that a stacked tensor of the model is made of, by their names on disk."""
    found: dict[str, tuple[int, ...]] = {}
    for name, shape in shapes.items():
        found |= singles(name, shape, model_type)
    return found


def _tensor(
    name: str, values: Array, known: Mapping[str, tuple[int, ...]] | None
) -> tuple[str, tuple[int, ...] | None]:
    """The tensor that a mask is for, and its shape as far as it is known."""
    if known is None:
        last = name.rpartition(".")[2]
        if last in ("weight", "bias") or UNKNOWN.role(name, values.shape) in (Role.WEIGHT, Role.EMBEDDING, Role.HEAD):
            return name, None
        raise Misfit("is called as a module, not as a tensor", "name the model's --checkpoint, or use --rename")
    for each in (name, f"{name}.weight"):
        if each in known:
            return each, known[each]
    alike = [each for each in known if _bare(each) == _bare(name)]
    if len(alike) == 1:
        return alike[0], known[alike[0]]
    raise Misfit(f"is for no tensor of the checkpoint: {did_you_mean(name, sorted(known))}", "use --rename OLD=NEW")


def _bare(name: str) -> str:
    return _SEPARATOR.sub("", name).removesuffix("weight")


def _stacked(kept: dict[str, Array], architecture: Architecture) -> dict[str, Array]:
    """Masks of single experts as those of the stacked tensors of the model."""
    model_type = architecture.model_type
    shapes = {name: mask.shape for name, mask in kept.items()}
    found = dict(kept)
    for name, parts in stacks(model_type, shapes).items():
        shape = stacked_shape(name, parts, shapes[parts[0]], model_type)
        found[name] = numpy.concatenate([found.pop(part).reshape(-1) for part in parts]).reshape(shape)
    new = renames(model_type, found)
    return {new.get(name, name): mask for name, mask in found.items()}


def _facts(source: ForeignMasks, counts: Mapping[str, tuple[int, int]]) -> dict[str, Any]:
    elements, zeros = (sum(pair[place] for pair in counts.values()) for place in (0, 1))
    stated = {"stated": source.facts} if source.facts else {}
    reached = zeros / elements if elements else 0.0
    named = {"converted_from": source.path.name, "form": source.form}
    return {**named, **stated, "zeros": zeros, "elements": elements, "reached": reached}


def _written(
    output: Path, kept: Mapping[str, Array], facts: dict[str, Any], layout: str, counts: Mapping[str, tuple[int, int]]
) -> str:
    """Write beside the output, read it back, and only then give it its name."""
    beside = output.with_name(f".{output.stem}.converted{output.suffix}")
    try:
        shapes = {name: mask.shape for name, mask in kept.items()}
        sha256 = write_mask_file(beside, shapes, facts, lambda name: packed(kept[name]), layout)
        again = open_masks(beside)
        seen = {name: (tensor.elements, again.zeros(name)) for name, tensor in again.tensors.items()}
        if seen != counts or again.sha256 != sha256:
            raise FrameworkError(f"{output}: what was written is not what {facts['converted_from']} holds")
        os.replace(beside, output)
    finally:
        beside.unlink(missing_ok=True)
    return sha256
