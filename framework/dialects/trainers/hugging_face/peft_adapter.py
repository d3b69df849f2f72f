"""peft's `adapter_config.json`, and the same keys in other files: a `LoraConfig`.

Defaults are peft's: rank 8, alpha 8, dropout 0. With `use_rslora` alpha is divided by the root of the rank, so it is
not the manifest's alpha. `target_modules` is saved from a set: its order says nothing. A `SPARSE_LORA` is this
project's own over masked weights (`docs/adapters.md`), with a `mode` beside what peft states. A file of another method
than LoRA has no rank at all.
"""

from __future__ import annotations

from typing import Any

from framework.dialects import values
from framework.dialects.families.trainer_surroundings import judge_adapter
from framework.dialects.key_tables import assume, mappings_with, read_table
from framework.dialects.switches.adapters import ADAPTERS
from framework.dialects.switches.applying import switched
from framework.dialects.terms import Default, Dialect, Key, Recognition, Said, Scope, Statement, Unknown


def _rank(word: Any, scope: Scope) -> Any:
    return Unknown("`rank_pattern` gives some modules another rank") if scope.get("rank_pattern") else word


def _alpha(word: Any, scope: Scope) -> Any:
    if scope.get("use_rslora"):
        return Unknown("with `use_rslora` the update is scaled by alpha / sqrt(rank)")
    if scope.get("use_dora"):
        return Unknown("DoRA scales the columns of the whole weight, beside the update")
    return Unknown("`alpha_pattern` gives some modules another alpha") if scope.get("alpha_pattern") else word


def _targets(word: Any, scope: Scope) -> Any:
    for key, why in _ELSEWHERE.items():
        if scope.get(key):
            return Unknown(f"`{key}` {why}")
    return values.modules(word, scope)


_ELSEWHERE = {
    "layers_to_transform": "adapts some of the layers only",
    "exclude_modules": "leaves out some of them",
    "modules_to_save": "trains further modules whole",
    "target_parameters": "adapts further parameters",
    "trainable_token_indices": "trains rows of the embedding beside them",
}
"""Options that make of `target_modules` less or more than it says."""


KEYS: dict[str, Key] = {
    "r": Key("adapter.lora.rank", _rank),
    "lora_alpha": Key("adapter.lora.alpha", _alpha),
    "lora_dropout": Key("adapter.lora.dropout"),
    "target_modules": Key("adapter.lora.targets", _targets),
    "mode": Key("adapter.lora.mode"),
    "base_model_name_or_path": Key("model.hub", values.repository),
    "revision": Key("model.revision", values.given),
}
_OF_ALL = ("base_model_name_or_path", "revision")
DEFAULTS = (
    Default("adapter.lora.rank", 8, "r"),
    Default("adapter.lora.alpha", 8, "lora_alpha"),
    Default("adapter.lora.dropout", 0.0, "lora_dropout"),
)
SILENT = (
    "peft_type",
    "task_type",
    "inference_mode",
    "auto_mapping",
    "peft_version",
    "fan_in_fan_out",
    "runtime_config",
    "mask_sha256",
)
AS_USUAL = {
    "bias": ("none",), "init_lora_weights": (True,), "layer_replication": (None,), "layers_pattern": (None,),
    "layers_to_transform": (None,), "loftq_config": (None, {}), "megatron_config": (None,), "modules_to_save": (None,),
    "megatron_core": ("megatron.core",), "rank_pattern": ({},), "alpha_pattern": ({},), "use_dora": (False,),
    "use_rslora": (False,), "exclude_modules": (None,), "lora_bias": (False,), "trainable_token_indices": (None,),
    "corda_config": (None,), "eva_config": (None,), "use_qalora": (False,), "qalora_group_size": (16,),
    "target_parameters": (None,), "ensure_weight_tying": (False,), "arrow_config": (None,),
    "alora_invocation_tokens": (None,), "kasa_config": (None,), "lora_ga_config": (None,),
    "monteclora_config": (None,), "use_bdlora": (None,), "velora_config": (None,), "revision": (None,),
}  # fmt: skip
"""Options that state nothing while they hold these values."""


def _recognise(data: Any) -> Recognition | None:
    if isinstance(data, dict) and "peft_type" in data:
        return Recognition(0.98, f"peft_type: {data['peft_type']}")
    if (
        isinstance(data, dict)
        and {"r", "lora_alpha"} <= data.keys()
        and not data.keys() & {"learning_rate", "optimizer"}
    ):
        return Recognition(0.8, "r and lora_alpha: a LoraConfig")
    return None


def _read(data: Any) -> Said:
    said = Said()
    for base, scope in mappings_with(data, "lora_alpha", "r", "peft_type"):
        kind = scope.get("peft_type", "LORA")
        if str(kind).upper() not in ("LORA", "SPARSE_LORA"):
            said.statements.append(Statement((*base, "peft_type"), "adapter.lora.rank", None, kind))
            read_table(scope, {name: KEYS[name] for name in _OF_ALL}, SILENT[1:], base, said)
            continue
        usual = tuple(key for key, held in AS_USUAL.items() if key in scope and scope[key] in held)
        read_table(scope, KEYS, (*SILENT, *usual), base, said)
        switched(said, scope, base, ADAPTERS)
        assume(said, DEFAULTS)
    return said


DIALECT = Dialect("peft-adapter", "peft", _recognise, _read, "yaml-1.2", KEYS, judge=judge_adapter, beside=True)
