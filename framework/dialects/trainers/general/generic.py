"""Home-grown configs, by the names that most of them give to the same things.

A section that is named as a phase, a task or a variant of the manifest says what its keys are about. What a name does
not settle is never guessed: `batch_size` may be one device's or the whole; two keys of one section that state one fact
with two values contradict each other.

Configs of nanoGPT's kind (`block_size`, `max_iters`) divide `gradient_accumulation_steps` by the number of processes,
so the whole batch is `batch_size` times it, on any number of devices.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any

from framework.dialects import synonyms
from framework.dialects.components import CLIPPING, assume_optimizer, section
from framework.dialects.key_tables import at, interpolated, state
from framework.dialects.sections import rough
from framework.dialects.switches.applying import switched
from framework.dialects.switches.programs import PROGRAMS
from framework.dialects.terms import (
    DEVICES,
    UNSET,
    Dialect,
    Recognition,
    Said,
    Statement,
    Unknown,
    Unset,
    leaves,
    mappings,
    words,
)
from framework.dialects.well_known import named
from framework.dialects.well_known.keys import about_fields, meaning
from framework.names import Path
from framework.reading.nodes import Opaque

_BY_NAME = frozenset({"epochs", "optimizer.learning_rate", "batch_size"})
"""Facts that a mapping may state by the names of tasks: `epochs: {sst2: 5, mnli: 10}`."""
SILENT = frozenset(
    words(
        "output_dir log_dir logging_dir save_dir run_name experiment_name num_workers pin_memory device wandb_project"
        " project entity logging_steps log_every log_interval save_steps save_every save_interval eval_steps eval_every"
        " eval_interval resume verbose debug notes tags data_dir root_dir ckpt_path task_name compile torch_compile"
        " wandb_log wandb_run_name wandb_entity wandb_group use_wandb log_wandb out_dir always_save_checkpoint"
        " eval_iters eval_only ckpt_dir checkpoint_dir device_map gpu_ids gpu backend master_port prefetch_factor"
        " progress_bar persistent_workers report_to gradient_checkpointing"
    )
)


def read(data: Any) -> Said:
    """What plain data states by its keys' names."""
    said = Said()
    if isinstance(data, dict) and data.keys() >= _NANO:
        said.silent |= {(name,) for name in ("gradient_accumulation_steps",) if data.keys() & {"max_iters"}}
        same = data.get("lr_decay_iters") is not None and data.get("lr_decay_iters") == data.get("max_iters")
        said.silent |= {("lr_decay_iters",)} if same else set()
    every = list(leaves(data))
    bare = named.beside({part for path, _ in every for part in path if isinstance(part, str)})
    for path, word in every:
        names = [part for part in path if isinstance(part, str)]
        if not names:
            continue
        if names[-1] == "=" and len(names) > 1:
            names.pop()  # what a label itself states, where further values stand below it
        own, above = names[-1], names[-2] if len(names) > 1 else None
        # A section such as `ema` says what is below it where it is about more than the training, too.
        outer = names[:-2] if named.below(own, above) else names[:-1]
        beside = [name for name in map(synonyms.normal, outer) if name in synonyms.BESIDE]
        if beside and not synonyms.OWN_OPTIMIZERS.issuperset(beside):
            continue
        if synonyms.normal(own) in SILENT:
            if not beside:
                said.silent.add(path)
            continue
        if isinstance(path[-1], int):
            continue
        scope = at(data, *path[:-1])
        scope = scope if isinstance(scope, dict) else {}
        kind = section(scope) if "_target_" in scope else None
        about = kind or ("optimizer" if synonyms.meaning("_target_", above) is not None else None)
        if own == "_target_" and about not in ("optimizer", "scheduler"):
            said.silent.add(path)
            continue
        if kind is not None:
            above = kind
            said.silent |= {(*path[:-1], "params")} if "params" in scope else set()
        found = _says(path, own, above, word, scope, tuple(names[:-1]), bare)
        if beside:
            if isinstance(found, Statement) and found.fact.startswith("optimizer."):
                said.statements.append(replace(found, named=beside[-1]))
        elif found is UNSET:
            said.silent.add(path)
        elif isinstance(found, Statement):
            said.statements.append(found)
    for base, scope in mappings(data):
        switched(said, scope, base, PROGRAMS)
    said.statements = _contradicting(batches(_nano(data, _certain(said))))
    assume_optimizer(said, data)
    return said


def _certain(said: Said) -> list[Statement]:
    """The statements without those that only the program knows, where another key of the section states the same; and
    without a dataclass's `field(...)`, which states what the class does."""
    known = {(each.fact, rough(each.within)) for each in said.statements if not isinstance(each.word, Opaque)}
    kept = []
    for each in said.statements:
        opaque = isinstance(each.word, Opaque)
        if opaque and ((each.fact, rough(each.within)) in known or each.word.tag.startswith("field(")):
            said.silent.add(each.path)
        else:
            kept.append(each)
    return kept


_NANO = frozenset({"batch_size", "block_size", "gradient_accumulation_steps"})


def _nano(data: Any, statements: list[Statement]) -> list[Statement]:
    """With nanoGPT's keys: the whole batch from its two factors."""
    if not isinstance(data, dict) or not (data.keys() >= _NANO and data.keys() & {"max_iters", "lr_decay_iters"}):
        return statements
    size, folds = data["batch_size"], data["gradient_accumulation_steps"]
    known = all(type(each) is int for each in (size, folds))
    value = size * folds if known else Unknown("its program works out the accumulation")
    kept = [each for each in statements if each.path not in (("batch_size",), ("gradient_accumulation_steps",))]
    return [*kept, Statement(("batch_size",), "batch_size", value, size)]


def _says(
    path: Path,
    own: str,
    above: str | None,
    word: Any,
    scope: dict[str, Any],
    within: tuple[str, ...],
    bare: dict[str, str],
) -> Statement | Unset | None:
    if above == "clipping" and own in CLIPPING:
        return state(path, CLIPPING[own], word, scope, within) or UNSET
    if synonyms.normal(own) in synonyms.DOUBTFUL:
        if word is None:
            return UNSET  # left to the program, as a parser's `default=None`
        return Statement(path, "batch_size", word, word, ("batch_size", "batch_size.micro"), DEVICES, within)
    if synonyms.normal(own) == "warmup" and not isinstance(word, (str, dict, type(None), bool)):
        return _warmup(path, word, within)
    key = meaning(own, above, bare)
    if key is not None:
        return state(path, key, word, scope, within) or UNSET
    outer = synonyms.meaning(above, within[-2] if len(within) > 1 else None) if above is not None else None
    if outer is not None and (outer.fact in _BY_NAME or not str(above).isidentifier()):
        found = state(path, outer, word, scope, (*within, own))
        return None if found is None else Statement(path, found.fact, found.value, word, within=found.within, named=own)
    return None


def _warmup(path: Path, word: Any, within: tuple[str, ...]) -> Statement:
    if isinstance(word, float) and 0 < word < 1:
        return Statement(path, "schedule.warmup.ratio", word, word, within=within)
    units = ("schedule.warmup.steps", "schedule.warmup.ratio")
    return Statement(
        path, units[0], word, word, units, "its unit is not in its name: steps, epochs, or a share", within
    )


def batches(statements: list[Statement]) -> list[Statement]:
    """A bare `batch_size` is the whole where a micro batch stands beside it, and doubtful beside an accumulation."""
    micro = any(each.fact == "batch_size.micro" for each in statements)
    folds = [each for each in statements if each.fact == "batch_size.accumulation" and each.value not in (1, None)]
    result = []
    for each in statements:
        if each.why == DEVICES and micro:
            each = Statement(each.path, each.fact, each.value, each.word, within=each.within)
        elif each.why == DEVICES and folds:
            name = next(part for part in reversed(folds[0].path) if part not in ("value", "values"))
            why = f"beside {name}: {folds[0].word} it is one device's, or the whole"
            each = Statement(each.path, each.fact, each.value, each.word, each.doubt, why, each.within)
        result.append(each)
    return result


def _contradicting(statements: list[Statement]) -> list[Statement]:
    """Mark the keys that state one fact with two values, below the same names, as doubtful."""
    groups: dict[tuple[str, tuple[str, ...]], list[Statement]] = defaultdict(list)
    for each in statements:
        groups[each.fact, rough(each.within)].append(each)
    result = []
    for each in statements:
        rivals = [other for other in groups[each.fact, rough(each.within)] if other.value != each.value]
        if rivals and not each.doubt and not interpolated(each.word):
            other = ".".join(str(part) for part in rivals[0].path)
            why = f"{other} states the same with another value, {rivals[0].word}"
            each = Statement(each.path, each.fact, each.value, each.word, (each.fact,), why, each.within, each.named)
        result.append(each)
    return result


def _recognise(data: Any) -> Recognition | None:
    if not isinstance(data, dict):
        return None
    found = {each.fact: each for each in about_fields(read(data).statements) if not each.named}
    trains = [fact for fact in found if not fact.startswith(("model.", "hardware.", "seed"))]
    if len(trains) < 2:
        return None
    keys = [".".join(str(part) for part in found[fact].path) for fact in trains[:3]]
    return Recognition(0.5, f"names that most configs use: {', '.join(keys)}")


BASES = words("inherit_from inherits_from inherit extends base_config base_cfg base_file parent_config __base__ BASE")
"""What programs call the files that a config is laid over."""

DIALECT = Dialect("generic", "its program", _recognise, read, by_name=True, bases=BASES)
