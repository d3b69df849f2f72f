"""Metrics, with their direction and unit where the paper states them."""

import re
from typing import Annotated, Literal

from pydantic import Field

from framework.manifest.hyperparameters import METRICS, folded, plain_metric
from framework.manifest.sections.base import Section

LOWER_IS_BETTER = frozenset(
    {"loss", "perplexity", "error", "error_rate", "mae", "mse", "rmse", "wer", "cer", "fid", "nll"}
)
"""Metrics that improve by falling, where the paper does not say."""
_WORDS = re.compile(r"[^\W_]+")


class Metric(Section):
    """A metric as the paper defines it."""

    name: Annotated[str, Field(min_length=1)]
    """Its name, any text. `accuracy`, `eval_accuracy`, `eval/accuracy`, `val_accuracy`, `val/accuracy` and
    `validation_accuracy` are one metric."""
    direction: Literal["higher", "lower"] | None = None
    """Which is better; by default lower for losses and errors, else higher."""
    unit: str | None = None
    """What it is counted in, such as `per token`, `per character` or `dB`."""


StatedMetric = Annotated[Annotated[str, Field(min_length=1)] | Metric, Field()]
"""A metric's name, or the metric with its direction and unit."""


def name_of(metric: str | Metric | None) -> str | None:
    """The name of a stated metric."""
    return metric.name if isinstance(metric, Metric) else metric


def falls(metric: str | Metric) -> bool:
    """Whether a metric improves by falling."""
    if isinstance(metric, Metric) and metric.direction is not None:
        return metric.direction == "lower"
    name = plain_metric(str(name_of(metric))).lower()
    words = [METRICS.get(folded(word), word) for word in _WORDS.findall(name)]
    last = words[-1] if words else name
    return name.endswith(("loss", "error_rate")) or last in LOWER_IS_BETTER or words[0:1] == ["loss"]


PER_TOKEN = "per token"


def plain_unit(unit: str) -> str:
    """A unit in one spelling: `nats/token` and `nats per token` are `per token`, since a loss is in nats where nothing
    else is said; `bits per byte` stays."""
    words = unit.casefold().replace("/", " per ").split()
    return " ".join(words[1:] if words[:1] in (["nats"], ["nat"]) else words)


def unit_of(metric: str | Metric | None) -> str | None:
    """What a stated metric is counted in, in one spelling; None where the paper does not say."""
    return plain_unit(metric.unit) if isinstance(metric, Metric) and metric.unit is not None else None
