"""Hydra and OmegaConf trees: `defaults` lists, `_target_` components, Lightning's Trainer, and the usual names.

An interpolation is resolved where the file reader could; any other is known only when the program composes its config.
Where an argument of a PyTorch optimizer is left out, PyTorch's default applies.
"""

from __future__ import annotations

from typing import Any

from framework.dialects import values
from framework.dialects.key_tables import state
from framework.dialects.terms import Dialect, Key, Recognition, Said, mappings, words
from framework.dialects.trainers.general import generic

_LIGHTNING: dict[str, Key] = {
    "devices": Key("hardware.count|batch_size.processes", values.per_node),
    "precision": Key("precision", values.precision),
}
_TRAINER = frozenset(
    words(
        "accelerator strategy deterministic benchmark check_val_every_n_epoch default_root_dir sync_batchnorm"
        " log_every_n_steps num_sanity_val_steps enable_progress_bar enable_model_summary enable_checkpointing"
        " callbacks logger plugins profiler val_check_interval num_nodes use_distributed_sampler inference_mode"
    )
)
"""Arguments of Lightning's Trainer that state nothing about a paper."""
_OF_HYDRA = ("_target_", "_partial_", "_recursive_", "_convert_")
_SILENT = ("defaults", "hydra", "callbacks", "paths", "extras")


def _recognise(data: Any) -> Recognition | None:
    if not isinstance(data, dict):
        return None
    targets = [str(scope["_target_"]) for _, scope in mappings(data) if "_target_" in scope]
    if isinstance(data.get("defaults"), list) or isinstance(data.get("hydra"), dict):
        return Recognition(0.9, "a Hydra `defaults` list" if "defaults" in data else "a `hydra` section")
    return Recognition(0.9, f"_target_: {targets[0]}") if targets else None


def _read(data: Any) -> Said:
    said = generic.read(data)
    for path, scope in mappings(data):
        target = str(scope.get("_target_", ""))
        said.silent |= {(*path, name) for name in _OF_HYDRA if name in scope}
        if target.endswith(".Trainer"):
            said.silent |= {(*path, name) for name in _TRAINER & scope.keys()}
            for name in _LIGHTNING.keys() & scope.keys():
                if isinstance(scope[name], list) or scope[name] == "auto":
                    continue
                said.statements = [each for each in said.statements if each.path != (*path, name)]
                found = state((*path, name), _LIGHTNING[name], scope[name], scope)
                said.statements += [found] if found else []
    if isinstance(data, dict):
        said.silent |= {(name,) for name in _SILENT if name in data}
    named = {statement.path for statement in said.statements}
    said.silent -= named
    return said


DIALECT = Dialect("hydra", "Hydra", _recognise, _read, "omegaconf", by_name=True)
