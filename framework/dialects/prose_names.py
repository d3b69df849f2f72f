"""What papers and READMEs call the facts of a training, in words: `Peak learning rate`, `β₂`, `Warm-up epochs`."""

from __future__ import annotations

import re

FACTS = {
    "optimizer.learning_rate": "learning rate|lr|peak learning rate|peak lr|max learning rate|maximum learning rate"
    "|initial learning rate|initial lr|step size|learning rate η",
    "optimizer.name": "optimizer|optimiser|optimization algorithm|optimizer type|optimization method",
    "optimizer.weight_decay": "weight decay|wd|weight decay λ|l2 regularization|l2 penalty",
    "optimizer.momentum": "momentum|sgd momentum|optimizer momentum",
    "optimizer.eps": "epsilon|eps|adam epsilon|adam eps|optimizer epsilon|ε|adam ε",
    "optimizer.betas": "betas|adam betas|adam beta|(β1 β2)|β1 β2|beta1 beta2|optimizer betas|adamw betas|β",
    "optimizer.betas[0]": "beta1|beta 1|β1|adam beta1|adam beta 1|adam β1|beta one",
    "optimizer.betas[1]": "beta2|beta 2|β2|adam beta2|adam beta 2|adam β2|beta two",
    "schedule.name": "schedule|scheduler|lr schedule|learning rate schedule|lr scheduler|learning rate scheduler"
    "|learning rate decay|lr decay schedule|decay schedule|lr scheduler type",
    "schedule.min_learning_rate": "minimum learning rate|min learning rate|min lr|final learning rate"
    "|end learning rate",
    "schedule.warmup": "warmup|warm up|lr warmup|learning rate warmup|warmup period|warmup length",
    "schedule.warmup.steps": "warmup steps|warm up steps|lr warmup steps|number of warmup steps|warmup iterations",
    "schedule.warmup.epochs": "warmup epochs|warm up epochs|number of warmup epochs|lr warmup epochs",
    "schedule.warmup.ratio": "warmup ratio|warm up ratio|warmup fraction|warmup proportion|lr warmup ratio",
    "batch_size": "batch size|batch|global batch size|total batch size|effective batch size|mini batch size"
    "|minibatch size|training batch size|train batch size",
    "batch_size.micro": "micro batch size|per device batch size|batch size per device|batch size per gpu",
    "batch_size.accumulation": "gradient accumulation|gradient accumulation steps|accumulation steps",
    "epochs": "epochs|number of epochs|training epochs|num epochs|total epochs|max epochs|epoch",
    "max_steps": "steps|training steps|number of steps|iterations|training iterations|number of iterations|updates"
    "|gradient steps|total steps|max steps|total iterations|optimizer steps|number of updates|train steps",
    "length": "training length|training tokens|tokens|total tokens|number of tokens|training budget|training duration",
    "sequence_length": "sequence length|context length|max sequence length|maximum sequence length|context size"
    "|context window|block size|seq length|seq len",
    "max_grad_norm": "gradient clipping|gradient clip|grad clip|gradient norm clip|clip norm|max grad norm"
    "|gradient clipping norm|gradient norm clipping|max gradient norm|clipping|gradient norm|grad norm clip",
    "precision": "precision|mixed precision|training precision|number format|numerical precision|dtype",
    "objective": "objective|training objective",
    "metric": "metric|evaluation metric",
    "seeds": "seed|seeds|random seed|random seeds",
    "hardware.count": "gpus|number of gpus|num gpus|devices|number of devices|accelerators|gpu count|hardware",
    "early_stopping.patience": "early stopping patience|patience",
    "adapter.lora.rank": "lora rank|lora r",
    "adapter.lora.alpha": "lora alpha|lora α",
    "adapter.lora.dropout": "lora dropout",
    "model": "model|base model|backbone|pretrained model|model name|architecture",
    "dataset": "dataset|training data|data|training dataset|dataset name|training set",
}
"""Fact -> what people call it, in lower case."""
_BY_NAME = {name: fact for fact, names in FACTS.items() for name in names.split("|")}
_INDICES = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_GREEK = {"\\beta": "β", "\\epsilon": "ε", "\\alpha": "α", "\\lambda": "λ", "\\eta": "η"}
_BRACKET = re.compile(r"\s*[(\[]([^)\]]*)[)\]]\s*$")
_REMARKS = frozenset(["peak", "max", "maximum", "lr", "η", "wd", "λ", "default", "adam", "adamw"])
"""What stands in brackets behind a name without changing what it is."""
_WORD, _JOINED = re.compile(r"[A-Za-z]+"), re.compile(r"(?<=[a-z])(?=[A-Z])")
_NAMED = re.compile(r"(?=(?:rs)?[A-Z])(?!\w*LR$)\w*[A-Z](?![a-z])\w*")
"""What has capitals of its own and is one word: LoRA, AdamW, RoPE, SwiGLU; and neither `LearningRate` nor `PeakLR`."""
_IDENTIFIER = re.compile(r"-{0,2}[a-z_][\w-]*|-{0,2}[A-Za-z_]\w*")
_VAGUE = frozenset(("step size", "learning rate decay", "gradient norm", "clipping", "β", "updates"))
"""Names that say in a statement what they may not say in any document: `learning rate decay: 0.1`."""
_NOT_ONE = ("batch_size", "objective", "metric", "model", "dataset", "length", "hardware.count", "seeds")
"""Facts that a name in words does not settle: whose batch, which of several models."""


def spoken(title: str) -> str:
    """A title as people say it: lower case, without symbols and units in brackets, words apart."""
    text = _BRACKET.sub("", title.translate(_INDICES)) or title
    text = _WORD.sub(lambda word: word[0] if _NAMED.fullmatch(word[0]) else _JOINED.sub(" ", word[0]), text)
    for letters, letter in _GREEK.items():
        text = text.replace(letters, letter)
    text = text.replace("{", "").replace("}", "").replace("$", "")
    return re.sub(r"[\s_/,.-]+", " ", re.sub(r"_(?=\d)", "", text)).strip(" :#").casefold()


def fact_spoken(title: str) -> str | None:
    """The fact that people call so, wherever that is said."""
    return _BY_NAME.get(spoken(title))


def fact_labelled(label: str) -> str | None:
    """The fact that a label in words is for certain; None for a name of a program, and for what could be another."""
    if _IDENTIFIER.fullmatch(label):
        return None
    bracket = _BRACKET.search(label)
    if bracket is not None and bracket.start() and not _REMARKS.issuperset(bracket[1].casefold().split()):
        return None
    name = re.sub(r"^(?:number|no\.?|num) of | \(?s\)$", "", spoken(label))
    fact = _BY_NAME.get(spoken(label)) or _BY_NAME.get(name)
    return None if fact in _NOT_ONE or name in _VAGUE else fact
