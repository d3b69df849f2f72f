"""The names that home-grown configs give to the facts of a training, also short ones below a section that tells."""

from __future__ import annotations

from functools import cache

from framework.dialects import values
from framework.dialects.prose_names import fact_labelled
from framework.dialects.terms import UNSET, Key, words

_NAMES: dict[str, str] = {
    "optimizer.learning_rate": "lr learning_rate max_lr max_learning_rate peak_lr peak_learning_rate",
    "schedule.min_learning_rate": "min_lr min_learning_rate lr_min final_lr end_lr eta_min end_learning_rate",
    "optimizer.weight_decay": "weight_decay wd",
    "optimizer.betas": "betas adam_betas",
    "optimizer.betas[0]": "beta1 beta_1 adam_beta1",
    "optimizer.betas[1]": "beta2 beta_2 adam_beta2",
    "optimizer.eps": "adam_eps adam_epsilon",
    "epochs": "epochs num_epochs max_epochs num_train_epochs n_epochs total_epochs train_epochs",
    "max_steps": "max_steps max_train_steps num_train_steps num_training_steps total_steps train_steps max_iters"
    " total_training_steps train_iters num_iters max_iterations",
    "batch_size.micro": "micro_batch_size per_device_train_batch_size per_gpu_train_batch_size per_device_batch_size"
    " train_micro_batch_size_per_gpu device_batch_size micro_bsz",
    "batch_size.accumulation": "gradient_accumulation_steps grad_accumulation_steps grad_accum_steps"
    " gradient_accumulation accumulate_grad_batches grad_accum accumulation_steps accum_steps",
    "batch_size": "global_batch_size effective_batch_size total_batch_size total_train_batch_size",
    "hardware.count|batch_size.processes": "num_processes num_gpus n_gpus",
    "max_grad_norm": "max_grad_norm grad_clip gradient_clipping gradient_clip_val clip_grad_norm grad_clip_norm"
    " gradient_clip grad_norm_clip max_gradient_norm clip_grad",
    "sequence_length": "sequence_length seq_length seq_len sequence_len max_seq_length max_seq_len"
    " max_sequence_length block_size context_length",
    "seed": "seed random_seed",
    "seeds": "seeds random_seeds",
    "early_stopping.patience": "early_stopping_patience",
    "early_stopping.metric": "early_stopping_metric",
    "early_stopping.min_delta": "early_stopping_min_delta early_stopping_threshold",
    "adapter.lora.rank": "lora_r lora_rank",
    "adapter.lora.alpha": "lora_alpha",
    "adapter.lora.dropout": "lora_dropout",
    "model.hub": "model_name_or_path pretrained_model_name_or_path",
}
_PLAIN = {name: Key(fact) for fact, names in _NAMES.items() for name in names.split()}
_MEANING = {
    **_PLAIN,
    **dict.fromkeys(("warmup_steps", "num_warmup_steps", "warmup_iters", "lr_warmup_steps",
                     "lr_scheduler_warmup_steps"),
                    Key("schedule.warmup.steps", values.warmup_steps)),
    **dict.fromkeys(("warmup_ratio", "warmup_steps_ratio", "warmup_fraction", "warmup_proportion", "warmup_frac",
                     "lr_warmup_steps_ratio", "lr_warmup_ratio", "lr_scheduler_warmup_ratio"),
                    Key("schedule.warmup.ratio", values.warmup_ratio)),
    **dict.fromkeys(("optim", "optimizer", "optimizer_name", "optimizer_type"),
                    Key("optimizer.name", values.optimizer)),
    **dict.fromkeys(("lr_scheduler_type", "lr_scheduler", "scheduler", "scheduler_type", "lr_schedule", "schedule",
                     "scheduler_name"), Key("schedule.name", values.schedule)),
    **dict.fromkeys(("precision", "mixed_precision"), Key("precision", values.precision)),
    **dict.fromkeys(("n_gpus_per_node", "gpus_per_node", "num_gpus_per_node", "nproc_per_node"),
                    Key("hardware.count|batch_size.processes", values.per_node)),
    **dict.fromkeys(("gradient_clip_val", "clip_grad"), Key("max_grad_norm", values.clipping)),
    "world_size": Key("hardware.count|batch_size.processes", lambda word, scope: UNSET if word == 1 else word),
    **dict.fromkeys(("min_lr_ratio", "min_lr_rate", "lr_min_ratio", "min_lr_factor", "final_lr_ratio"),
                    Key("schedule.min_learning_rate", values.share_of_peak)),
    "n_layer": Key("model.layers"),
    "n_head": Key("model.heads"),
    "n_embd": Key("model.hidden"),
    "early_stopping_metric": Key("early_stopping.metric", values.metric),
    "bf16": Key("precision", values.half("bf16", "fp16")),
    "fp16": Key("precision", values.half("fp16", "bf16")),
    **dict.fromkeys(("lora_target_modules", "lora_targets", "lora_target"),
                    Key("adapter.lora.targets", values.modules)),
    **{name: Key(key.fact, values.positive) for name, key in _PLAIN.items() if key.fact == "max_steps"},
    **{name: Key(key.fact, values.given) for name, key in _PLAIN.items()
       if key.fact in ("seed", "model.hub", "sequence_length")},
}  # fmt: skip
_CLASS = ("name", "type", "_target_", "class", "class_path")
_SECTIONS: dict[str, tuple[str, dict[str, Key]]] = {
    "optimizer": (
        "optimizer optim",
        {
            **dict.fromkeys(_CLASS, Key("optimizer.name", values.optimizer)),
            **dict.fromkeys(("eps", "epsilon"), Key("optimizer.eps")),
            "momentum": Key("optimizer.momentum"),
        },
    ),
    "schedule": (
        "scheduler lr_scheduler schedule lr_schedule",
        {
            **dict.fromkeys(_CLASS, Key("schedule.name", values.schedule)),
            "warmup": Key("schedule.warmup"),
        },
    ),
    "early_stopping": (
        "early_stopping earlystopping early_stop",
        {
            "patience": Key("early_stopping.patience"),
            "min_delta": Key("early_stopping.min_delta"),
            **dict.fromkeys(("metric", "monitor"), Key("early_stopping.metric", values.metric)),
        },
    ),
    "lora": (
        "lora lora_config peft peft_config adapter",
        {
            **dict.fromkeys(("r", "rank"), Key("adapter.lora.rank")),
            "alpha": Key("adapter.lora.alpha"),
            "dropout": Key("adapter.lora.dropout"),
            **dict.fromkeys(("target_modules", "targets"), Key("adapter.lora.targets", values.modules)),
        },
    ),
    "sdm": (
        "sdm",
        {
            "target_sparsity": Key("mask.sdm.target_sparsity"),
            "temperature": Key("mask.sdm.temperature"),
        },
    ),
    "model": (
        "model model_config architecture",
        {
            **dict.fromkeys(("num_layers", "n_layers", "n_layer", "num_hidden_layers", "layers"), Key("model.layers")),
            **dict.fromkeys(("hidden_size", "d_model", "n_embd", "hidden"), Key("model.hidden")),
            **dict.fromkeys(("d_state", "state_size"), Key("model.state")),
            **dict.fromkeys(("num_heads", "n_heads", "n_head", "num_attention_heads"), Key("model.heads")),
            **dict.fromkeys(("vocab_size", "vocabulary"), Key("model.vocabulary")),
            "expand": Key("model.expand"),
        },
    ),
}
DOUBTFUL = frozenset({"batch_size", "train_batch_size", "bs"})
"""Names of a batch that may be one device's or the whole."""
ELSEWHERE = frozenset(
    words(
        "eval evaluation evaluate validation val valid validate test testing inference infer generate generation"
        " predict prediction logging logger log wandb checkpoint checkpointing ema teacher discriminator"
        " throughput benchmark benchmarks benchmarking latency timing"
        " search sweep hydra profiler global_profiler critic reward reward_model ref reference rollout sampler sampling"
    )
)
"""Sections whose keys are about something else than the training."""
SEARCHERS = frozenset(
    words(
        "randomsampler gridsampler tpesampler cmaessampler gpsampler nsgaiisampler nsgaiiisampler qmcsampler"
        " bruteforcesampler botorchsampler optunasearch hyperoptsearch bayesoptsearch tunebohb randomizedsearchcv"
        " bayessearchcv randomsearch bayesianoptimization hyperband"
    )
)
"""Classes that propose the trials of a search, whose seed is no training's: Optuna's (`optuna/samplers`), Ray Tune's
(`ray/tune/search`), scikit-learn's, scikit-optimize's and Keras Tuner's."""
BESIDE = ELSEWHERE | SEARCHERS | frozenset(("track", "tracker", "tracking"))
"""Those, and sections of a tracker, whose `LR` is how fast it takes on a template while it runs (pysot, SiamCAR): a
paper may state it as a setting, and never as the learning rate."""
OWN_OPTIMIZERS = frozenset(("discriminator", "critic"))
"""Those that are trained beside it: their optimizer is the paper's where it states one of that name."""


def normal(name: str) -> str:
    """A key's name in lower case with underscores."""
    return name.lstrip("-").replace("-", "_").replace(" ", "_").casefold()


@cache
def _sections() -> dict[str, dict[str, Key]]:
    return {name: keys for names, keys in _SECTIONS.values() for name in names.split()}


def meaning(name: str, above: str | None) -> Key | None:
    """What a key of this name below a section of that name states; None where it is no known name."""
    own = normal(name)
    if above is not None and (section := _sections().get(normal(above))) and own in section:
        return section[own]
    if own in _MEANING:
        return _MEANING[own]
    return None if name.isascii() and name.isidentifier() else _labelled(name)


@cache
def _labelled(label: str) -> Key | None:
    """What a label in words states: `Peak learning rate`, `β₁`, `# epochs`."""
    fact = fact_labelled(label)
    if fact is None:
        return None
    known = next((key for key in _MEANING.values() if key.fact.partition("|")[0] == fact), None)
    return known or Key(fact)
