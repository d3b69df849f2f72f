"""Cerebras Model Zoo's trainer YAML (2.x). The model's own settings and the data are its user's to give, under
`values`."""

from __future__ import annotations

from framework.dialects.rendering.sheet import Sheet

_OPTIMIZERS = {"adamw": "AdamW", "adam": "Adam", "sgd": "SGD"}
_INIT, _LOADER = "trainer.init", "trainer.fit.train_dataloader"
_SAID = ("optimizer.learning_rate", "schedule.name", "schedule.warmup", "schedule.min_learning_rate")
_DECAYS = {"linear": "LinearLR", "cosine": "CosineDecayLR"}


def write(sheet: Sheet) -> None:
    facts = sheet.facts
    kind = _OPTIMIZERS[facts["optimizer.name"]]
    sheet.put(f"{_INIT}.optimizer.{kind}", {}, "optimizer.name")
    for name in ("betas", "eps", "weight_decay", "momentum"):
        sheet.say(f"{_INIT}.optimizer.{kind}.{name}", f"optimizer.{name}")
    sheet.say(f"{_INIT}.seed", "seed")
    sheet.put(f"{_INIT}.backend.cluster_config.num_csx", facts["batch_size.processes"], "hardware.count")
    sheet.say(f"{_INIT}.precision.max_gradient_norm", "max_grad_norm")
    if (precision := facts.get("precision")) is not None:
        sheet.put(f"{_INIT}.precision.enabled", precision != "fp32", "precision")
        if precision != "fp32":
            sheet.put(f"{_INIT}.precision.fp16_type", {"bf16": "bfloat16", "fp16": "float16"}[precision])
    sheet.say_all({"max_steps": f"{_INIT}.loop.max_steps", "epochs": f"{_INIT}.loop.num_epochs"})
    sheet.put(f"{_LOADER}.batch_size", facts["batch_size"], "batch_size")
    sheet.say(f"{_LOADER}.max_sequence_length", "sequence_length")
    _schedulers(sheet)


def _schedulers(sheet: Sheet) -> None:
    """The warmup and what follows, one after the other, each with its number of steps."""
    facts = sheet.facts
    peak, least, warmup = facts["optimizer.learning_rate"], facts["schedule.min_learning_rate"], facts.warmup_steps
    name, stages = facts["schedule.name"], []
    if warmup is None or (name != "constant" and facts.steps is None):
        for fact in _SAID:
            sheet.refuse(fact, "Model Zoo's schedulers count steps, and their number is not known here")
        return
    if warmup:
        rise = {"initial_learning_rate": 0.0, "end_learning_rate": peak, "total_iters": warmup}
        stages.append({"LinearLR": rise})
    if name == "constant":
        stages.append({"ConstantLR": {"learning_rate": peak}})
    else:
        assert facts.steps is not None
        fall = {"initial_learning_rate": peak, "end_learning_rate": least, "total_iters": facts.steps - warmup}
        stages.append({_DECAYS[name]: fall})
    sheet.put(f"{_INIT}.schedulers", [{"SequentialLR": {"schedulers": stages}}], *_SAID)
