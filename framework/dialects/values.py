"""How trainers spell the manifest's terms: names of optimizers, schedules and number formats."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from framework.dialects.terms import UNSET, Instead, Key, Scope, Unknown, words
from framework.manifest.hyperparameters import plain_metric
from framework.reading.scalars import resolve

_ADAMW = {
    "adamw", "adamwtorch", "adamwtorchfused", "adamwhf", "adamwapexfused", "adamwtorchxla", "adamwtorchnpufused",
    "fusedadamw", "pagedadamw", "pagedadamw32bit",
}  # fmt: skip
_OPTIMIZERS = {**dict.fromkeys(_ADAMW, "adamw"), "adam": "adam", "sgd": "sgd"}
"""Composer's `DecoupledAdamW` is not among them: its decay is not multiplied by the learning rate (mosaicml 0.32)."""
_DECOUPLED = (
    frozenset({"adam_beta1", "adam_beta2", "lr_decay_style", "lr_warmup_fraction", "lr_warmup_iters", "lr_decay_iters",
               "train_iters", "tensor_model_parallel_size", "ffn_hidden_size"}),
    frozenset({"adam_betas", "update_freq", "max_tokens", "lr_scheduler", "warmup_updates", "max_update", "criterion",
               "clip_norm"}),
)  # fmt: skip
"""Flags of trainers whose `adam` decays as AdamW does: Megatron (megatron-core 0.16.1, core/optimizer; it refuses
`adamw`) and fairseq (0.12.2, optim/adam.py), in files that are read by their keys' names."""
_NARROW = re.compile(r"(8|4)bit(layerwise)?$|fp8$|galore|apollo|anyprecision|schedulefree|cpuadam|optimi")
"""Optimizers that change AdamW's arithmetic; whether a paper's AdamW means them cannot be known from the name."""
_SCHEDULES = {
    "constant": "constant",
    "constantwithwarmup": "constant",
    "constantlr": "constant",
    "linear": "linear",
    "linearwithwarmup": "linear",
    "cosine": "cosine",
    "cosinewithminlr": "cosine",
    "cosinewarmupwithminlr": "cosine",
    "cosinewithwarmup": "cosine",
    "cosinedecay": "cosine",
    "cosinedecaylr": "cosine",
    "cosineannealing": "cosine",
    "cosineannealinglr": "cosine",
    "linearwarmupcosinedecay": "cosine",
    "linearwarmupcosineannealing": "cosine",
    **dict.fromkeys(("polynomiallr", "polynomialdecay", "polynomialdecaylr", "poly", "polylr"), "polynomial"),
    **dict.fromkeys(("exponentiallr", "exponentialdecay"), "exponential"),
    **dict.fromkeys(("steplr", "stepdecay"), "step"),
    **dict.fromkeys(("multisteplr", "multistep", "multistepdecay"), "milestones"),
    **dict.fromkeys(("inversesqrt", "inversesquareroot", "inversesqrtlr", "rsqrt"), "inverse_sqrt"),
    **dict.fromkeys(("onecycle", "onecyclelr"), "one_cycle"),
    **dict.fromkeys(("wsd", "warmupstabledecay", "trapezoidal"), "warmup_stable_decay"),
    "cosineannealingwarmrestarts": "cosine_restarts",
    "cosinerestarts": "cosine_restarts",
}
_PRECISIONS = {
    **dict.fromkeys(("fp32", "float32", "32", "32true", "no", "float", "full"), "fp32"),
    **dict.fromkeys(("bf16", "bfloat16", "bf16mixed", "ampbf16", "bf16true"), "bf16"),
    **dict.fromkeys(("fp16", "float16", "16", "16mixed", "half", "ampfp16"), "fp16"),
}
_FUNCTION = re.compile(r"^get_(\w+?)_schedule(?:_with_warmup)?$")


def folded(word: Any) -> str:
    """A word without case, dashes, underscores and spaces."""
    return re.sub(r"[-_ ]", "", str(word)).casefold()


def last(word: str) -> str:
    """The class or function of a dotted path: `torch.optim.AdamW` -> `AdamW`."""
    return word.rpartition(".")[2]


def optimizer(word: Any, scope: Scope) -> Any:
    if word is None or word == "":
        return UNSET
    if not isinstance(word, str):
        return word
    name = folded(last(word))
    if _NARROW.search(name) and "adam" in name:
        return Unknown(f"{word!r} is another arithmetic of Adam; bind it explicitly if the paper's optimizer means it")
    if name == "adam" and any(len(marks & scope.keys()) >= 3 for marks in _DECOUPLED):
        return "adam" if scope.get("decoupled_weight_decay") is False else "adamw"
    if name in ("fusedadam", "distributedfusedadam"):  # Apex, DeepSpeed, NeMo: AdamW unless told otherwise
        return "adam" if scope.get("adam_w_mode") is False else "adamw"
    return _OPTIMIZERS.get(name, word)


def schedule(word: Any, scope: Scope) -> Any:
    if word is None or word == "":
        return UNSET
    if not isinstance(word, str):
        return word
    name = last(word)
    if match := _FUNCTION.match(name):
        name = match[1]
    return _SCHEDULES.get(folded(name), word)


def precision(word: Any, scope: Scope) -> Any:
    if word is None:
        return UNSET
    if word is False or word is True:
        return "fp32" if word is False else word
    return _PRECISIONS.get(folded(word), word)


def half(name: str, other: str) -> Callable[[Any, Scope], Any]:
    """For a pair of switches such as `bf16` and `fp16`: true names the precision; both off are full precision."""

    def translate(word: Any, scope: Scope) -> Any:
        if word is True:
            return name
        if word is None or (word is False and scope.get(other) not in (None, False)):
            return UNSET
        if word is False:
            return "fp32"
        return Unknown(f"{word!r} is decided on the machine")

    return translate


def number(word: Any, scope: Scope) -> Any:
    """A number, also where the file has it as text and the trainer converts it."""
    if word is None or word == "":
        return UNSET
    if isinstance(word, str):
        value = resolve(word.strip() or "~", "yaml-1.2")
        return value if isinstance(value, (int, float)) and not isinstance(value, bool) else word
    return word


def from_text(keys: Mapping[str, Key]) -> dict[str, Key]:
    """The keys of a trainer whose parser makes numbers of text, whatever its YAML reader takes for one: argparse of
    defaults that are strings, a typed field, yacs' literals."""

    def reading(key: Key) -> Key:
        def translate(word: Any, scope: Scope) -> Any:
            word = number(word, scope) if isinstance(word, str) and word else word
            return key.translate(word, scope) if key.translate is not None else word

        return Key(key.fact, translate) if key.fact.rpartition(".")[2] in NUMERIC else key

    return {name: reading(key) for name, key in keys.items()}


NUMERIC = frozenset(
    words(
        "learning_rate weight_decay betas[0] betas[1] eps momentum min_learning_rate steps ratio epochs max_steps micro"
        " accumulation processes batch_size max_grad_norm seed rank alpha dropout sequence_length patience min_delta"
    )
)
"""The last names of facts that are numbers."""


def auto(inner: Callable[[Any, Scope], Any] | None = None) -> Callable[[Any, Scope], Any]:
    """`auto`: filled in from the trainer's own arguments when it starts."""

    def translate(word: Any, scope: Scope) -> Any:
        if word == "auto":
            return Unknown("'auto' is filled in when the trainer starts")
        return inner(word, scope) if inner else given(word, scope)

    return translate


def given(word: Any, scope: Scope) -> Any:
    """As it is; an empty value says nothing."""
    return UNSET if word is None or word == "" else word


_NODES = ("nnodes", "num_nodes", "n_nodes", "num_machines", "nodes")


def per_node(word: Any, scope: Scope) -> Any:
    """The devices of all machines, from those of one."""
    nodes = next((scope[name] for name in _NODES if scope.get(name) is not None), 1)
    known = all(isinstance(each, int) and not isinstance(each, bool) for each in (word, nodes))
    return word * nodes if known else Unknown("how many processes start is decided by the launcher")


def repository(word: Any, scope: Scope) -> Any:
    """A repository of the hub; of a local folder nobody can tell here what it holds."""
    if isinstance(word, str) and (word[:1] in (".", "/", "~") or word.count("/") > 1):
        return Unknown("a local folder: what it holds is not known here")
    return given(word, scope)


def positive(word: Any, scope: Scope) -> Any:
    """A number of which 0, -1 and an empty value say 'not set'."""
    if word is None or (isinstance(word, (int, float)) and not isinstance(word, bool) and word <= 0):
        return UNSET
    return word


def clipping(word: Any, scope: Scope) -> Any:
    """The norm at which gradients are scaled down, unless Lightning or timm is told to cut off each element's value."""
    if "value" in (scope.get("gradient_clip_algorithm"), scope.get("clip_mode")):
        return Instead("settings.max_grad_value", word)
    return given(word, scope)


_PEAKS = ("lr", "learning_rate", "max_lr", "peak_lr", "max_learning_rate", "peak_learning_rate")


def share_of_peak(word: Any, scope: Scope) -> Any:
    """A share of the peak that stands beside it."""
    peak = next((value for name in _PEAKS if isinstance(value := number(scope.get(name), scope), (int, float))), None)
    share = number(word, scope)
    if share is UNSET or not isinstance(share, (int, float)):
        return share
    return Unknown("a share of a learning rate that does not stand beside it") if peak is None else share * peak


def warmup_steps(word: Any, scope: Scope) -> Any:
    """Steps, of which a number below 1 is a share; 0 says nothing where a ratio is given beside it."""
    if word is None:
        return UNSET
    if isinstance(word, (int, float)) and not isinstance(word, bool):
        if word < 0 or (word == 0 and scope.get("warmup_ratio")):
            return UNSET
        if 0 < word < 1:
            return Instead("schedule.warmup.ratio", word)
        if isinstance(word, float) and word.is_integer():
            return int(word)
    return word


def warmup_ratio(word: Any, scope: Scope) -> Any:
    """A share of all steps; steps beside it go before it."""
    steps = scope.get("warmup_steps")
    if word is None or (isinstance(steps, (int, float)) and not isinstance(steps, bool) and steps > 0):
        return UNSET
    return word


def metric(word: Any, scope: Scope) -> Any:
    """The metric that is watched: `val/acc` is the accuracy."""
    return plain_metric(word) if isinstance(word, str) and word else given(word, scope)


def parallel(how: str) -> Callable[[Any, Scope], Any]:
    """The degree of a parallelism that several devices share one batch in: with it the processes that the batch is
    multiplied by are fewer than the devices."""

    def translate(word: Any, scope: Scope) -> Any:
        if word is None or word == 1:
            return UNSET
        return Unknown(f"{how} of {word}: so many devices share one micro batch")

    return translate


def modules(word: Any, scope: Scope) -> Any:
    """Names of adapted modules: one, several with commas, or what only the model can tell."""
    if word is None or word == "" or word == []:
        return UNSET
    if isinstance(word, str):
        if word.replace("_", "-") in ("all", "all-linear"):
            return Unknown(f"{word!r} is all linear modules: which those are, only the model can tell")
        if re.fullmatch(r"[\w.]+(?:\s*,\s*[\w.]+)*", word):
            return [part.strip() for part in word.split(",")]
        return Unknown(f"{word!r} is a pattern: which modules it matches, only the model can tell")
    return word
