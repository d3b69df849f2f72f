"""Cerebras Model Zoo's trainer YAML (2.x). The model's own settings and the data are its user's to give, under
`values`; `framework export cerebras` writes those too, as far as the manifest states them."""

from __future__ import annotations

from framework.dialects.families import model_zoo
from framework.dialects.rendering.sheet import Facts, Sheet

_OPTIMIZERS = {"adamw": "AdamW", "adam": "Adam", "sgd": "SGD"}
_INIT, _LOADER = "trainer.init", "trainer.fit.train_dataloader"
_SAID = ("optimizer.learning_rate", "schedule.name", "schedule.warmup", "schedule.min_learning_rate")
UNKNOWN_LENGTH = "Model Zoo's schedulers count steps, and their number is not known here"
_DECAYS = {"linear": "LinearLR", "cosine": "CosineDecayLR"}
_OWN = {
    "master_weights": "the number format of the weights that are updated",
    "loss_normalization": "what the loss of several micro-batches is the mean of",
}
_HALF = {"bf16": "bfloat16", "fp16": "float16"}


def write(sheet: Sheet) -> None:
    facts = sheet.facts
    _optimizer(sheet)
    sheet.say(f"{_INIT}.seed", "seed")
    sheet.put(f"{_INIT}.backend.cluster_config.num_csx", facts["batch_size.processes"], "hardware.count")
    sheet.say(f"{_INIT}.precision.max_gradient_norm", "max_grad_norm")
    precision = facts.get("precision")
    if precision in ("fp32", *_HALF):
        sheet.put(f"{_INIT}.precision.enabled", precision != "fp32", "precision")
        if precision in _HALF:
            sheet.put(f"{_INIT}.precision.fp16_type", _HALF[precision])
        if precision == "fp16":
            sheet.put(f"{_INIT}.precision.loss_scaling_factor", "dynamic")
    elif precision is not None:
        sheet.refuse("precision", f"Model Zoo has no number format for {precision!r} here")
    if facts.steps is None:
        sheet.say(f"{_INIT}.loop.num_epochs", "epochs")
    else:
        sheet.put(f"{_INIT}.loop.max_steps", facts.steps, "epochs", "max_steps")
    sheet.put(f"{_LOADER}.batch_size", facts["batch_size"], "batch_size")
    sheet.say(f"{_LOADER}.max_sequence_length", "sequence_length")
    for fact, what in _OWN.items():
        sheet.refuse(fact, f"{what} is the trainer's own matter, which no key of Model Zoo's states")
    _schedulers(sheet)
    _lora(sheet)


def _optimizer(sheet: Sheet) -> None:
    kind = _OPTIMIZERS.get(sheet.facts["optimizer.name"])
    if kind is None:
        sheet.refuse("optimizer.name", f"known of Model Zoo's optimizers are {', '.join(_OPTIMIZERS)}")
        return
    sheet.put(f"{_INIT}.optimizer.{kind}", {}, "optimizer.name")
    for name in ("betas", "eps", "weight_decay", "momentum"):
        sheet.say(f"{_INIT}.optimizer.{kind}.{name}", f"optimizer.{name}")


def _lora(sheet: Sheet) -> None:
    """The callback that puts adapters on the layers of the named classes: all of it or, since adapters elsewhere would
    be another training, nothing."""
    facts = sheet.facts
    if "adapter.lora.rank" not in facts:
        return
    place = f"{_INIT}.callbacks[0].Lora.lora_params"
    shared = _shares_keys(facts)
    classes = model_zoo.classes_of(facts["model.family"], facts["adapter.lora.targets"], shared)
    if classes is None:
        why = "Model Zoo's LoRA reaches all linear layers of a block, of its attention or of its feed-forward, no fewer"
        for name in ("targets", "rank", "alpha", "dropout"):
            unknown = "; which attention it is, `heads` and `key_value_heads` would tell" if shared is None else ""
            sheet.refuse(f"adapter.lora.{name}", why + unknown)
        return
    sheet.say_all({"adapter.lora.rank": f"{place}.r", "adapter.lora.alpha": f"{place}.alpha"})
    sheet.say(f"{place}.dropout", "adapter.lora.dropout")
    sheet.put(f"{place}.target_modules", classes, "adapter.lora.targets")


def _shares_keys(facts: Facts) -> bool | None:
    """Whether several heads share keys and values; None where only the checkpoint knows."""
    heads, shared = facts.get("model.heads"), facts.get("model.key_value_heads")
    if heads is None or (shared is None and facts.get("model.weights") == "pretrained"):
        return None
    return shared is not None and bool(shared != heads)


def _schedulers(sheet: Sheet) -> None:
    """The warmup and what follows, one after the other, each with its number of steps."""
    facts = sheet.facts
    peak, least, warmup = facts["optimizer.learning_rate"], facts["schedule.min_learning_rate"], facts.warmup_steps
    name, stages = facts["schedule.name"], []
    if name != "constant" and name not in _DECAYS:
        why = f"known of Model Zoo's schedulers are constant, {', '.join(_DECAYS)}, and not {name}"
    elif warmup is None or (name != "constant" and facts.steps is None):
        why = UNKNOWN_LENGTH
    elif name != "constant" and warmup >= (facts.steps or 0):
        why = f"a warmup of {warmup} of {facts.steps} steps leaves none for the decay"
    else:
        why = None
    if why is not None:
        for fact in _SAID:
            sheet.refuse(fact, why)
        return
    assert warmup is not None
    if warmup:
        rise = {"initial_learning_rate": 0.0, "end_learning_rate": peak, "total_iters": warmup}
        stages.append({"LinearLR": rise})
    if name == "constant":
        stages.append({"ConstantLR": {"learning_rate": peak}})
    else:
        assert facts.steps is not None
        fall = {"initial_learning_rate": peak, "end_learning_rate": least, "total_iters": facts.steps - warmup}
        stages.append({_DECAYS[name]: fall})
    chain = stages if len(stages) == 1 else [{"SequentialLR": {"schedulers": stages}}]
    sheet.put(f"{_INIT}.schedulers", chain, *_SAID)
