"""Masks for a checkpoint on disk: read tensor by tensor, all levels from one pass, in a bounded amount of memory.

Nothing here imports torch unless units (channels, heads, outputs) are to be removed or a score is measured on data.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy

from framework.errors import InputError, UsageError
from framework.evidence.architectures.roles import Architecture
from framework.evidence.checkpoints import CheckpointFiles
from framework.evidence.masks import MaskFile
from framework.evidence.orientation import INPUT_FIRST, input_first, modules_turned, without_orientation
from framework.evidence.score_keys import KINDS
from runners.sparsity.exactly.groups import turned_piece
from runners.sparsity.exactly.keyed import READ
from runners.sparsity.exactly.passes import NotANumber
from runners.sparsity.exactly.top_k import ROOM
from runners.sparsity.kinds import prunable
from runners.sparsity.mask_files import StreamedLevels, StreamedMasks, write_mask_file
from runners.sparsity.on_disk import OnDisk
from runners.sparsity.selection import module_of
from runners.sparsity.structures import STRUCTURES, UNITS, Amount, Scored, Wanted, pattern_of, registered_name

STREAMED = ("magnitude", "random")
"""The scores that need the weights and a seed, and nothing else."""
LEAST_MEMORY = 160 << 20
_INTERPRETER = 96 << 20
"""What Python, NumPy and this package take for themselves."""
_PER_CANDIDATE, _PER_TURNED = 48, 40
"""Bytes that a key near a threshold, and an element of a weight that has to be turned, take at their worst."""


@dataclass(frozen=True, slots=True)
class MaskRequest:
    """What masks are asked for. ``modules`` are all but ``exclude`` where it is None; ``memory`` bounds the resident
    memory of the process, in bytes; ``facts`` are further ones for the file (model, revision)."""

    sparsities: Sequence[float]
    score: str = "magnitude"
    structure: str = "unstructured"
    scope: str = "model"
    modules: Sequence[str] | None = None
    exclude: Sequence[str] = ()
    seed: int = 0
    memory: int | None = None
    layout: str = "packed"
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Computed:
    """One mask file: its sparsity asked, and what it holds."""

    path: Path
    asked: float
    zeros: int
    elements: int
    sha256: str


def compute(
    files: CheckpointFiles,
    request: MaskRequest,
    paths: Sequence[Path],
    scored: Callable[[dict[str, tuple[int, ...]]], Scored] | None = None,
) -> list[Computed]:
    """Write the mask file of each sparsity, whole or not at all.

    Args:
        paths: One for each sparsity; the suffix chooses the container.
        scored: Gives the scores of the tensors to prune; by default they are read off the checkpoint.

    Raises:
        UsageError: what is asked for cannot be, here or in this much memory.
        InputError: a weight of the checkpoint is not a number, or of no float type.
    """
    architecture = Architecture.of(files.config())
    shapes = _shapes(files, request, architecture)
    _along_inputs(request, architecture, shapes)
    turned = input_first(architecture, shapes)
    _fits(request, {name: shapes[name] for name in turned})
    amounts = [Amount(share=share) for share in request.sparsities]
    layers = _layers(files, request, shapes, turned)
    room = ROOM if request.memory is None else (request.memory - _INTERPRETER) // 2 // _PER_CANDIDATE
    wanted = Wanted(amounts, request.scope, pattern_of(request.structure), layers, turned, room)
    source = scored(shapes) if scored is not None else _on_disk(files, shapes, request)
    streams = [
        StreamedMasks(_streamed(path, request), shapes, _facts(request, share, shapes, turned, None))
        for path, share in zip(paths, request.sparsities, strict=True)
    ]
    try:
        STRUCTURES.get(registered_name(request.structure))(source, wanted, StreamedLevels(streams))
        return [
            _finished(path, share, stream, request, shapes, turned)
            for path, share, stream in zip(paths, request.sparsities, streams, strict=True)
        ]
    except NotANumber as problem:
        raise InputError.at(
            None, f"{files.path}: {problem}", "masks are computed from weights that are numbers"
        ) from None
    finally:
        for stream in streams:
            stream.discard()


def _shapes(files: CheckpointFiles, request: MaskRequest, architecture: Architecture) -> dict[str, tuple[int, ...]]:
    """The tensors to prune, sorted by name."""
    everything = {name: tensor.shape for name, tensor in files.tensors.items()}
    names = prunable(files, request.modules, request.exclude, architecture)
    if request.structure == "output":
        names = sorted(
            {*names, *(bias for name in names if (bias := f"{name.removesuffix('.weight')}.bias") in everything)}
        )
    if not names:
        raise UsageError(f"{files.path} has nothing to prune: every weight is excluded")
    for name in names:
        if (dtype := files.tensors[name].dtype) not in KINDS:
            raise InputError.at(files.place(name), f"{name} has a dtype that cannot be pruned: {dtype}")
    return {name: everything[name] for name in names}


def _along_inputs(request: MaskRequest, architecture: Architecture, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Refuse groups along the inputs of weights of which nothing says which dimension these are."""
    grouped = request.structure == "output" or request.scope == "output" or ":" in request.structure
    if grouped and (unknown := without_orientation(architecture, shapes)):
        kind = (
            f"the model type {architecture.model_type!r}"
            if architecture.model_type
            else "a checkpoint without a config.json"
        )
        raise UsageError(
            f"along which dimension the inputs of {unknown[0]} {shapes[unknown[0]]} lie is not known of {kind}: "
            f"leave out {', '.join(sorted({module_of(name).rpartition('.')[2] for name in unknown}))} with --exclude"
        )


def _fits(request: MaskRequest, turned: Mapping[str, tuple[int, ...]]) -> None:
    """Refuse what cannot keep to the declared memory."""
    if request.memory is None:
        return
    if request.memory < LEAST_MEMORY:
        raise UsageError(f"masks cannot be computed in less than {LEAST_MEMORY >> 20} MiB")
    if request.structure in UNITS or request.score not in STREAMED:
        raise UsageError("a memory budget can be kept for magnitude and random scores of single weights and N:M")
    if request.structure != "unstructured" or request.scope == "output":
        needed = max((_PER_TURNED * math.prod(turned_piece(shape)) for shape in turned.values()), default=0)
        if needed > request.memory - _INTERPRETER:
            raise UsageError(
                f"a weight that is stored as [inputs, outputs] is held whole: state at least "
                f"{(needed + _INTERPRETER >> 20) + 1} MiB"
            )


def _layers(
    files: CheckpointFiles, request: MaskRequest, shapes: dict[str, tuple[int, ...]], turned: frozenset[str]
) -> list[Any]:
    """The units of a structured pruning, by the family of the checkpoint's `config.json`."""
    if request.structure not in UNITS:
        return []
    if request.structure == "output":
        from runners.sparsity.outputs import output_layers

        return list(output_layers(shapes, turned))
    from runners.models.families import FAMILIES, configuration_in
    from runners.sparsity.pruning_targets import unit_layers

    if "model_type" not in files.config():
        raise InputError.at(None, f"{files.folder} has no config.json that says which model this is")
    config = configuration_in(files.folder)
    return unit_layers(FAMILIES.get(config.model_type), config, request.structure, shapes, turned)


def _on_disk(files: CheckpointFiles, shapes: dict[str, tuple[int, ...]], request: MaskRequest) -> OnDisk:
    room = READ if request.memory is None else min(READ, (request.memory - _INTERPRETER) // 4)
    return OnDisk(files, shapes, request.seed if request.score == "random" else None, room & ~7)


def _streamed(path: Path, request: MaskRequest) -> Path:
    """Where the masks are streamed to: their file, or one beside it that is then converted."""
    return (
        path
        if path.suffix == ".safetensors" and request.layout == "packed"
        else path.with_name(f".{path.name}.streamed")
    )


def _facts(
    request: MaskRequest,
    share: float,
    shapes: Mapping[str, tuple[int, ...]],
    turned: frozenset[str],
    zeros: int | None,
) -> dict[str, Any]:
    elements = sum(int(numpy.prod(shape, dtype=numpy.int64)) for shape in shapes.values())
    known = elements if zeros is None else zeros
    facts = {
        **request.facts,
        "score": request.score,
        "structure": request.structure,
        "scope": request.scope,
        "exclude": sorted(request.exclude),
        "asked": share,
        "zeros": known,
        "elements": elements,
        "reached": known / elements,
    }
    if ":" in request.structure:  # each group of M chooses for itself
        del facts["scope"]
    if request.modules is not None:
        facts["modules"] = sorted(request.modules)
    if turned:
        facts[INPUT_FIRST] = modules_turned(turned, shapes)
    return facts | ({"seed": request.seed} if request.score == "random" else {})


def _finished(
    path: Path,
    share: float,
    stream: StreamedMasks,
    request: MaskRequest,
    shapes: Mapping[str, tuple[int, ...]],
    turned: frozenset[str],
) -> Computed:
    elements = sum(int(numpy.prod(shape, dtype=numpy.int64)) for shape in shapes.values())
    zeros = elements - sum(stream.kept(name) for name in shapes)
    facts = _facts(request, share, shapes, turned, zeros)
    sha256 = stream.finish(facts)
    if stream.path != path:
        try:
            masks = MaskFile(stream.path)
            write_mask_file(path, shapes, facts, masks.packed, request.layout)
        finally:
            stream.path.unlink()
    return Computed(path, share, zeros, elements, sha256)
