"""Which tensors of a checkpoint on disk a pruning means, and by which names the others are left out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from framework.errors import InputError
from framework.evidence.architectures.renamed import canonical
from framework.evidence.architectures.roles import Architecture, Role
from framework.evidence.checkpoints import CheckpointFiles
from runners.sparsity.selection import PRUNABLE, belongs, module_of, names_meant

_NUMBER = re.compile(r"(?<=\.)\d+(?=\.|$)")


def roles_of(files: CheckpointFiles, architecture: Architecture) -> dict[str, Role]:
    """The kind of every tensor."""
    return {
        name: architecture.role(canonical(name), tensor.shape, tensor.dtype) for name, tensor in files.tensors.items()
    }


def default_exclusions(files: CheckpointFiles) -> list[str]:
    """The embeddings and heads that this checkpoint has, by the shortest names that mean nothing else."""
    roles = roles_of(files, Architecture.of(files.config()))
    out = [name for name, role in roles.items() if role in (Role.EMBEDDING, Role.HEAD)]
    kept = [name for name, role in roles.items() if role is Role.WEIGHT]
    return sorted({_shortest(name, kept) for name in out})


def prunable(
    files: CheckpointFiles, modules: Sequence[str] | None, exclude: Iterable[str], architecture: Architecture
) -> list[str]:
    """The tensors to prune, sorted by name. Of a matrix that is stored twice, under the names of a tied embedding and
    its head, only the embedding is.

    Raises:
        UsageError: a module's name that no tensor has.
        InputError: some of what is meant is packed, so that single weights of it cannot be removed.
    """
    roles, exclude = roles_of(files, architecture), list(exclude)
    shapes = {name: files.tensors[name].shape for name in roles}
    for name, role in roles.items():
        own = [module for module in modules or () if _belongs_packed(name, module)]
        meant = (modules is None or own) and not any(_belongs_packed(name, module) for module in exclude)
        if role is Role.PACKED and meant:
            packed = sum(each is Role.PACKED for each in roles.values())
            raise InputError.at(
                files.place(name),
                f"{packed} tensors hold packed weights, which cannot be pruned one by one: {name} is "
                f"{files.tensors[name].dtype}",
                "compute masks before quantising, or leave these modules out with --exclude",
            )
    known = {name: shape for name, shape in shapes.items() if roles[name] in PRUNABLE or len(shape) < 2}
    rest = [unwanted for unwanted in exclude if any(belongs(name, unwanted) for name in known)]
    if missing := [unwanted for unwanted in exclude if not any(_belongs_packed(name, unwanted) for name in shapes)]:
        names_meant(shapes, None, missing, architecture)  # says what is near
    names = names_meant(known, modules, rest, architecture)
    twice = tied(files, architecture)
    return [name for name in names if twice.get(name) not in names]


def tied(files: CheckpointFiles, architecture: Architecture) -> dict[str, str]:
    """Embeddings and heads that hold the very bits of another embedding, with its name: a tied matrix that was stored
    twice. A `config.json` that says it is not tied has two."""
    if files.config().get("tie_word_embeddings") is False:
        return {}
    roles = roles_of(files, architecture)
    found: dict[str, str] = {}
    firsts: dict[tuple[object, ...], list[str]] = {}
    for name in sorted(roles, key=lambda name: (roles[name] is Role.HEAD, name)):
        tensor = files.tensors[name]
        if roles[name] not in (Role.EMBEDDING, Role.HEAD) or len(tensor.shape) != 2 or tensor.elements == 0:
            continue
        same = firsts.setdefault((tensor.shape, tensor.dtype), [])
        first = next((each for each in same if (files.bits(each) == files.bits(name)).all()), None)
        if first is None:
            same.append(name)
        else:
            found[name] = first
    return found


def left_out(
    files: CheckpointFiles, modules: Sequence[str] | None, exclude: Iterable[str]
) -> tuple[Mapping[str, list[str]], Mapping[str, str]]:
    """What of two dimensions or more is not pruned, by kind: names with `*` for numbers, and how many; and the tied
    matrices among it, each with the name that it is pruned by."""
    architecture = Architecture.of(files.config())
    chosen = set(prunable(files, modules, exclude, architecture))
    twice = {name: first for name, first in tied(files, architecture).items() if first in chosen}
    found: dict[str, dict[str, int]] = {}
    for name, role in roles_of(files, architecture).items():
        if name not in chosen and role is not Role.VECTOR and name not in twice:
            own = found.setdefault(role.value, {})
            pattern = _NUMBER.sub("*", name)
            own[pattern] = own.get(pattern, 0) + 1
    said = {
        kind: [name if count == 1 else f"{name} ({count})" for name, count in sorted(own.items())]
        for kind, own in sorted(found.items())
    }
    return said, twice


def _belongs_packed(name: str, module: str) -> bool:
    """Whether a tensor is that of a module, whatever the module's tensor is called."""
    inside = name.rpartition(".")[0].removesuffix(".weight")  # quanto's `up_proj.weight._data`
    return belongs(name, module) or f".{inside}".endswith(f".{module}")


def _shortest(name: str, kept: Sequence[str]) -> str:
    parts = module_of(name).split(".")
    for start in range(len(parts) - 1, 0, -1):
        end = ".".join(parts[start:])
        if not parts[start].isdigit() and not any(belongs(other, end) for other in kept):
            return end
    return module_of(name)
