"""TRL's arguments: its trainers' own defaults, and LoRA behind a switch.

Read in its releases from 0.9.6 to 1.16.0 (`trl/trainer/*_config.py`, `base_config.py`, `model_config.py`, `scripts/`):

- Each trainer has defaults of its own, which changed: supervised fine-tuning 2e-5 since 0.12, DPO, KTO and its kin 1e-6
  since 0.12, GRPO 1e-6, reward models 1e-4 since 0.24; before, those of TrainingArguments.
- bf16 is on since 0.19, unless fp16 is. `max_length` is 1024 since 0.16; `max_seq_length` is read up to 0.19.
- The parser of the scripts makes numbers of text (`2e-4`), and drops keys of a file that no dataclass has: with a
  transformers that has no `warmup_ratio` (5.10.1 has it, 5.16.0 has not) there is no warmup.
- Without `use_peft: true` there is no adapter, whatever `lora_r` says (`get_peft_config`); with it rank 16, alpha 32
  and dropout 0.05 are the defaults.
- `packing` joins examples into rows of the length, so that an epoch has another number of steps.
"""

from __future__ import annotations

import re
from typing import Any

from framework.dialects import values
from framework.dialects.families import trainer_arguments as arguments
from framework.dialects.families.trainer_surroundings import judge
from framework.dialects.families.weight_formats import loaded_in
from framework.dialects.key_tables import by_marks, scopes
from framework.dialects.terms import (
    PROGRAM,
    UNSET,
    ByVersion,
    Default,
    Dialect,
    Instead,
    Key,
    Said,
    Scope,
    Translate,
    Unknown,
    words,
)
from framework.dialects.well_known.keys import keys_of

_KINDS: dict[str, frozenset[str]] = {
    "grpo": frozenset(words("num_generations reward_weights scale_rewards epsilon_high mask_truncated_completions")),
    "kto": frozenset(words("desirable_weight undesirable_weight")),
    "reward": frozenset(words("center_rewards_coefficient")),
    "dpo": frozenset(words("rpo_alpha reference_free precompute_ref_log_probs max_prompt_length")),
    "sft": frozenset(
        words("dataset_text_field packing packing_strategy completion_only_loss assistant_only_loss padding_free")
    ),
}
"""Arguments by which a trainer is told from the others; the first that has one is it."""
MARKS = frozenset().union(*_KINDS.values()) | frozenset(
    words("use_peft lora_task_type dataset_mixer dataset_mixture max_completion_length lora_target_parameters")
)
"""Arguments that only TRL has."""
_PROGRAM = re.compile(r"\btrl (sft|dpo|grpo|kto|reward|rloo|orpo|cpo|bco|prm|ppo|onlinedpo|nashmd|xpo|gkd)\b")
_CLASS = re.compile(r"(SFT|DPO|GRPO|KTO|Reward|RLOO|ORPO|CPO|BCO|PRM|PPO|OnlineDPO|NashMD|XPO|GKD)Config(?:#\d+)?")
"""The arguments' class in a program. Which defaults those beyond :data:`_RATES` have is left open."""
_CALLED = "called: "
"""Before the trainer of a class that a program calls itself: an argument that it does not have is an error there."""
_BEFORE = 5e-5
_SINCE_12 = ByVersion("trl", (("0", _BEFORE), ("0.12", 1e-6)))
_RATES: dict[str, ByVersion | float] = {
    "sft": ByVersion("trl", (("0", _BEFORE), ("0.12", 2e-5))),
    "dpo": _SINCE_12,
    "kto": ByVersion("trl", (("0", _BEFORE), ("0.11", 5e-7), ("0.12", 1e-6))),
    "grpo": 1e-6,
    "reward": ByVersion("trl", (("0", _BEFORE), ("0.24", 1e-4))),
    "rloo": ByVersion("trl", (("0", Unknown("RLOO was another trainer before 0.22")), ("0.22", 1e-6))),
}
_OPEN = Unknown("each of TRL's trainers has a default of its own, and nothing here tells which one it is")
_NO_WARMUP = Unknown("transformers dropped `warmup_ratio` by 5.16, and TRL's scripts drop a key that they do not know")
_NO_LENGTH = Unknown("TRL reads no `max_seq_length` from 0.20 on: the length is that of `max_length`")
_UNSLOTH = "unsloth"
_REWRITTEN = words(
    "optimizer.learning_rate optimizer.name optimizer.weight_decay schedule.warmup.steps batch_size.micro"
    " batch_size.accumulation seed precision sequence_length"
)
"""Facts whose defaults unsloth rewrites (2026.10.9, read only: `models/rl.py` makes the classes anew at the import:
3407, 4 x 2, 0.001, 8-bit AdamW, 5e-5, a tenth of warmup, `bf16` off, a `max_seq_length` of its own)."""
_PACKED = Unknown("`packing` joins examples, so that an epoch has another number of steps")


def with_program(data: Any) -> Any:
    """Data of a Python program, with the trainer of each class of arguments: `SFTConfig(...)` is `trl sft`."""
    if not isinstance(data, dict):
        return data
    named = {key: found[1].lower() for key in data if isinstance(key, str) and (found := _CLASS.fullmatch(key))}
    beside = f"{data[PROGRAM]} " if data.get(PROGRAM) == _UNSLOTH else ""
    started = {
        key: {PROGRAM: f"{_CALLED}{beside}trl {kind}", **data[key]}
        for key, kind in named.items()
        if isinstance(data[key], dict)
    }
    return {**data, **started} if started else data


def is_trl(scope: Scope) -> bool:
    """Whether these arguments are TRL's."""
    return bool(MARKS & scope.keys()) or _PROGRAM.search(str(scope.get(PROGRAM))) is not None


def _kind(scope: Scope) -> str | None:
    started = _PROGRAM.search(str(scope.get(PROGRAM)))
    if started:
        return started[1] if started[1] in _RATES else None
    return next((kind for kind, marks in _KINDS.items() if marks & scope.keys()), None)


def _lora(inner: Translate) -> Translate:
    """What a key of LoRA states: none of it holds without `use_peft`."""

    def translate(word: Any, scope: Scope) -> Any:
        if scope.get("use_peft") is not True:
            return None if is_trl(scope) else inner(word, scope)
        return inner(word, scope)

    return translate


def _warmup(word: Any, scope: Scope) -> Any:
    found = arguments.warmup_ratio(word, scope)
    called = str(scope.get(PROGRAM)).startswith(_CALLED)
    return (
        found
        if found is UNSET or isinstance(found, Instead) or not word or called
        else ByVersion("transformers", (("0", found), ("5.10.2", _NO_WARMUP)))
    )


def _length(word: Any, scope: Scope) -> Any:
    return UNSET if word is None else ByVersion("trl", (("0", word), ("0.20", _NO_LENGTH)))


def _epochs(word: Any, scope: Scope) -> Any:
    found = arguments.epochs(word, scope)
    return _PACKED if found is not UNSET and scope.get("packing") is True else found


_TABLE: dict[str, Key] = {
    **arguments.KEYS,
    **keys_of("hf-training-arguments", values.number),
    "num_train_epochs": Key("epochs", _epochs),
    "warmup_ratio": Key("schedule.warmup.ratio", _warmup),
    "max_seq_length": Key("sequence_length", _length),
    **{
        name: Key(key.fact, _lora(key.translate or values.given))
        for name, key in arguments.KEYS.items()
        if key.fact.startswith("adapter.lora.")
    },
}
KEYS = values.from_text(_TABLE)
SILENT = (
    *arguments.SILENT,
    *words("use_peft lora_task_type dataset_text_field eos_token pad_token chat_template_path"),
)


def defaults(scope: Scope) -> tuple[Default, ...]:
    """What the trainer of these arguments does by itself."""
    kind = _kind(scope)
    own: dict[str, Any] = {
        "optimizer.learning_rate": _OPEN if kind is None else _RATES[kind],
        "precision": ByVersion("trl", (("0", "fp32"), ("0.19", "bf16"))),
    }
    if scope.get("packing") is True:
        own["epochs"] = _PACKED
    if str(scope.get(PROGRAM)).startswith(f"{_CALLED}{_UNSLOTH} "):
        own |= dict.fromkeys(_REWRITTEN, Unknown("unsloth gives TRL's arguments other defaults when it is imported"))
    found = [Default(each.fact, own.get(each.fact, each.value), each.key) for each in arguments.DEFAULTS]
    if kind in ("sft", "reward") and "max_seq_length" not in scope:
        before = Unknown("before 0.16 the length is the tokenizer's, or 1024")
        length = own.get("sequence_length", ByVersion("trl", (("0", before), ("0.16", 1024))))
        found.append(Default("sequence_length", length, "max_length"))
    found += loaded_in(scope)
    if scope.get("use_peft") is True:
        found.append(Default("adapter.lora.rank", 16, "lora_r"))
        found.append(Default("adapter.lora.alpha", 32, "lora_alpha"))
        found.append(Default("adapter.lora.dropout", 0.05, "lora_dropout"))
    return tuple(found)


_marked = by_marks(MARKS, 1, "arguments of TRL", arguments.FOREIGN)


def _recognise(data: Any) -> Any:
    return _marked(data) if scopes(data, arguments.PROOF | {"learning_rate", "max_length"}, 1) else None


def read(data: Any) -> Said:
    """What arguments of TRL state."""
    data = with_program(data)
    said = arguments.read(data, KEYS, SILENT, defaults)
    said.trainer = "TRL"
    return said


DIALECT = Dialect("trl", "TRL", _recognise, read, "pyyaml", KEYS, judge=judge)
