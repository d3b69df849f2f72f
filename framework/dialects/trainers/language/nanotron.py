"""nanotron's YAML.

Read in nanotron 0.4 (`config/config.py`, `helpers.py`). The whole batch is micro batch x accumulation x
`parallelism.dp`; the devices are dp x tp x pp (x context parallelism). After the warmup the rate stays at its peak
until `lr_decay_starting_step`, where one is given, then it decays for `lr_decay_steps`, by default for the rest of the
training. Without `min_decay_lr` the minimum is the learning rate itself: it never falls. The optimizer's arguments
stand below `optimizer_factory`, in older files beside it. `model.dtype` is that of the weights, and bf16 by default.
"""

from __future__ import annotations

from math import prod
from typing import Any

from framework.dialects import values
from framework.dialects.key_tables import assume, at, read_table
from framework.dialects.terms import Default, Dialect, Key, Recognition, Said, Scope, Statement, Unknown, words
from framework.dialects.well_known.keys import keys_of

_RATE = "optimizer.learning_rate_scheduler"


def _schedule(word: Any, scope: Scope) -> Any:
    rate = at(scope, "optimizer", "learning_rate_scheduler") or {}
    begin, warmup = rate.get("lr_decay_starting_step"), rate.get("lr_warmup_steps") or 0
    if type(begin) is int and type(warmup) is int and begin > warmup:
        return "warmup_stable_decay"
    least = rate.get("min_decay_lr")
    if word is not None and (least is None or least == rate.get("learning_rate")):
        return Unknown("without a `min_decay_lr` below it the learning rate stays what it is")
    return values.schedule(word, scope)


def _warmup(word: Any, scope: Scope) -> Any:
    """A warmup of the style `constant` is none."""
    style = at(scope, "optimizer", "learning_rate_scheduler", "lr_warmup_style")
    return 0 if style == "constant" and word is not None else values.given(word, scope)


KEYS: dict[str, Key] = {
    f"{_RATE}.learning_rate": Key("optimizer.learning_rate"),
    f"{_RATE}.lr_warmup_steps": Key("schedule.warmup.steps", _warmup),
    f"{_RATE}.lr_decay_style": Key("schedule.name", _schedule),
    f"{_RATE}.min_decay_lr": Key("schedule.min_learning_rate", values.given),
    "optimizer.optimizer_factory.name": Key("optimizer.name", values.optimizer),
    **{
        f"optimizer.{above}{key}": Key(fact)
        for above in ("", "optimizer_factory.")
        for key, fact in (
            ("adam_beta1", "optimizer.betas[0]"),
            ("adam_beta2", "optimizer.betas[1]"),
            ("adam_eps", "optimizer.eps"),
        )
    },
    "optimizer.weight_decay": Key("optimizer.weight_decay"),
    "optimizer.clip_grad": Key("max_grad_norm", lambda word, scope: word),
    "tokens.micro_batch_size": Key("batch_size.micro"),
    "tokens.batch_accumulation_per_replica": Key("batch_size.accumulation"),
    "tokens.sequence_length": Key("sequence_length"),
    "tokens.train_steps": Key("max_steps"),
    "model.dtype": Key("precision", values.precision),
    "general.seed": Key("seed", values.given),
    **{
        f"model.model_config.{key}": Key(f"model.{fact}", values.given)
        for key, fact in (
            ("num_hidden_layers", "layers"),
            ("hidden_size", "hidden"),
            ("num_attention_heads", "heads"),
            ("num_key_value_heads", "key_value_heads"),
            ("intermediate_size", "intermediate"),
            ("max_position_embeddings", "positions"),
            ("vocab_size", "vocabulary"),
        )
    },
    **keys_of("nanotron"),
}
SILENT = words(
    "checkpoints data_stages.*.name data_stages.*.start_training_step data_stages.*.data.num_loading_workers"
    " data_stages.*.data.seed data.num_loading_workers data.seed lighteval logging profiler s3_upload"
    " benchmark_csv_path general.benchmark_csv_path general.consumed_train_samples general.ignore_sanity_checks"
    " general.project general.run general.step model.ddp_bucket_cap_mb model.make_vocab_size_divisible_by"
    " model.model_config.bos_token_id model.model_config.eos_token_id model.model_config.pad_token_id"
    " model.model_config.use_cache model.model_config.pretraining_tp model.model_config.is_llama_config"
    " model.model_config.is_qwen2_config model.model_config._attn_implementation optimizer.accumulate_grad_in_fp32"
    " optimizer.zero_stage optimizer.torch_adam_is_fused optimizer.optimizer_factory.torch_adam_is_fused parallelism"
    " tokens.limit_test_batches tokens.limit_val_batches tokens.val_check_interval tokenizer.tokenizer_max_length"
    " tokenizer.tokenizer_revision optimizer.learning_rate_scheduler.lr_warmup_style"
)


def _recognise(data: Any) -> Recognition | None:
    tokens, rate = at(data, "tokens"), at(data, "optimizer", "learning_rate_scheduler")
    if isinstance(tokens, dict) and "batch_accumulation_per_replica" in tokens:
        return Recognition(0.97, "nanotron's tokens.batch_accumulation_per_replica")
    if isinstance(rate, dict) and "lr_decay_style" in rate and at(data, "parallelism", "dp") is not None:
        return Recognition(0.9, "nanotron's optimizer.learning_rate_scheduler and parallelism.dp")
    return None


def _read(data: Any) -> Said:
    if not isinstance(data, dict):
        return Said()
    said = read_table(data, KEYS, SILENT)
    said.statements += _devices(at(data, "parallelism"))
    rate = at(data, "optimizer", "learning_rate_scheduler")
    if not isinstance(rate, dict):
        return said
    begin = rate.get("lr_decay_starting_step")
    begin = (rate.get("lr_warmup_steps") or 0) if begin is None else begin
    length, total = rate.get("lr_decay_steps"), at(data, "tokens", "train_steps")
    if length is None or (all(type(each) is int for each in (begin, length, total)) and begin + length == total):
        said.silent |= {("optimizer", "learning_rate_scheduler", name) for name in _LENGTHS if name in rate}
    peak = rate.get("learning_rate")
    defaults = [
        Default("schedule.warmup.steps", 0, f"{_RATE}.lr_warmup_steps"),
        Default("schedule.name", "linear", f"{_RATE}.lr_decay_style"),
        Default("precision", "bf16", "model.dtype"),
    ]
    if isinstance(peak, (int, float)) and rate.get("min_decay_lr") is None:
        defaults.append(Default("schedule.min_learning_rate", peak, f"{_RATE}.min_decay_lr"))
        defaults = [default for default in defaults if default.fact != "schedule.name"]
    if at(data, "optimizer", "optimizer_factory") is None and at(data, "optimizer", "adam_beta1") is not None:
        defaults.append(Default("optimizer.name", "adamw", "optimizer.optimizer_factory.name"))
    return assume(said, defaults)


_LENGTHS = ("lr_decay_steps", "lr_decay_starting_step")


def _devices(parallelism: Any) -> list[Statement]:
    """The replicas, which multiply the batch, and the devices, which are all that work together."""
    if not isinstance(parallelism, dict) or type(replicas := parallelism.get("dp")) is not int:
        return []
    degrees = [parallelism.get(name) for name in ("dp", "tp", "pp", "context_parallel_size")]
    known = [degree for degree in degrees if type(degree) is int]
    word = " x ".join(map(str, known))  # of all these keys: which of them is wrong, nobody can tell
    found = [Statement(("parallelism", "dp"), "batch_size.processes", replicas, replicas)]
    if type(parallelism.get("tp")) is int:
        found.append(Statement(("parallelism", "tp"), "hardware.count", prod(known), word))
    return found


DIALECT = Dialect("nanotron", "nanotron", _recognise, _read, "pyyaml", KEYS)
