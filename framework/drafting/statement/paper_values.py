"""Values as papers write them: `2 × 10⁻⁴`, `(0.9, 0.95)`, `AdamW (β₁ = 0.9)`, `10%`, `500 steps`, `8× A100`."""

from __future__ import annotations

import re
from typing import Any

from framework.dialects import values
from framework.drafting.finding.own_names import is_value
from framework.drafting.fitting_values import COUNTS, fits
from framework.manifest.sections.schedules import SHAPES
from framework.manifest.sections.values.batch_sizes import Batch
from framework.manifest.sections.values.durations import UNITS
from framework.manifest.sections.values.quantities import NUMBER, About, number_of

_HIGH = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_POWER = re.compile(
    r"(?:(\d+(?:\.\d+)?)\s*(?:×|x|\*|·|\\times|\\cdot)\s*)?10\s*\^?\s*\{?\s*([-+]\s*\d+|(?<=[\^{])\d+)\}?"
)
_RAISED = re.compile(r"(?<=10)([⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+)")
_BETA = re.compile(r"(?:β|beta|b)\s*_?\s*([12₁₂])\s*=\s*(0?\.\d+|0)", re.IGNORECASE)
_PAIR = re.compile(r"(?:betas?|β)?\s*=?\s*[(\[]?\s*(0?\.\d+)\s*[,/;]\s*(0?\.\d+)\s*[)\]]?")
_LEADING = re.compile(rf"({NUMBER})(?![\w.])")
_BOOLEANS = {"yes": True, "true": True, "✓": True, "on": True, "no": False, "false": False, "✗": False, "off": False}
_CARDS = re.compile(r"(\d+)\s*(?:×|x|\*)?\s*((?:NVIDIA |AMD )?[A-Z][\w -]*?)?(?:\s*GPUs?)?")
Stated = list[tuple[str, Any]]


def clean(text: str) -> str:
    """A cell or an item without Markdown's and LaTeX's marks, its powers of ten as `2e-4`."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)  # a link is its words
    text = re.sub(r"<br\s*/?>|</?\w+>", " ", text)
    text = re.sub(r"[`*$]+(?![\d ])|(?<![\d ])[`*$]+", "", text).replace("−", "-").replace("\\|", "|")
    text = _RAISED.sub(lambda match: "^" + match[1].translate(_HIGH), text)
    text = _POWER.sub(lambda match: f"{match[1] or 1}e{match[2].replace(' ', '')}", text)
    return text.replace("\\%", "%").strip().strip("`").strip()


def is_number(text: str) -> bool:
    """Whether a text begins with a number: a value, and no sentence."""
    return _LEADING.match(text.lstrip("~(≈[")) is not None


def clauses_for(fact: str, text: Any) -> Stated:
    """What a value says about a fact: clauses below a phase with their values; nothing where it cannot be."""
    if fact in ("optimizer.name", "schedule.name"):
        return _names(fact, text)
    if fact == "optimizer.betas":
        pair = list(text) if isinstance(text, list) else _betas(str(text))
        return [(fact, pair)] if fits(fact, pair) else []
    if fact.startswith("schedule.warmup"):
        return _warmup(fact.rpartition(".")[2], text)
    if fact == "length":
        return _length(str(text))
    if fact == "batch_size" and isinstance(text, str) and (batch := Batch.of(text)) is not None:
        return [(fact, str(batch) if isinstance(batch, Batch) else batch)]
    if fact in ("precision", "objective", "metric"):
        word = values.precision(text, {}) if fact == "precision" else text
        return [(fact, word)] if isinstance(word, str) and 0 < len(word) <= 64 else []
    return _number(fact, text)


def _number(fact: str, text: Any) -> Stated:
    value = text
    if isinstance(text, str):
        if (about := About.of(text)) is not None:
            return [(fact, str(about))]
        value = _amount(text)
    if isinstance(value, float) and fact in COUNTS and value.is_integer():
        value = int(value)
    return [(fact, value)] if fits(fact, value) else []


def _amount(text: str) -> float | None:
    """The number that a text is, or begins with: `2e-4 (peak)`."""
    whole = number_of(text)
    if whole is not None:
        return whole
    if (match := _LEADING.match(text)) is None:
        return None
    value = number_of(match[1])
    return value / 100 if value is not None and text[match.end() :].lstrip().startswith("%") else value


def _names(fact: str, text: Any) -> Stated:
    """An optimizer or a schedule by its name, and what stands in brackets behind it."""
    if not isinstance(text, str) or not text.strip():
        return []
    core = re.split(r"\s*[(\[,;]|\s+with\s+", text.strip())[0]
    if fact == "schedule.name":
        word = values.schedule(core, {})
        first = core.casefold().split()[0] if core.split() else ""
        named = word if word in SHAPES else first if first in SHAPES else word
        return [(fact, named)] if fits(fact, named) and not is_number(core) else []
    word = values.optimizer(core, {})
    found: Stated = (
        [(fact, word if isinstance(word, str) else core)] if fits(fact, core) and not is_number(core) else []
    )
    if len(pair := _betas(text[len(core) :])) == 2:
        found.append(("optimizer.betas", pair))
    for clause, name in (("optimizer.weight_decay", "weight decay|wd"), ("optimizer.momentum", "momentum")):
        if match := re.search(rf"(?:{name})\s*(?:=|of|:)?\s*({NUMBER})", text[len(core) :], re.IGNORECASE):
            found += _number(clause, match[1])
    return found


def _betas(text: str) -> list[float]:
    named = dict(_BETA.findall(text.replace("₁", "1").replace("₂", "2")))
    if {"1", "2"} <= named.keys():
        return [float(named["1"]), float(named["2"])]
    match = _PAIR.search(text)
    return [float(match[1]), float(match[2])] if match else []


def _warmup(unit: str, text: Any) -> Stated:
    """A length with its unit: by the text, else by the name, else a share or steps."""
    if isinstance(text, str) and (match := re.match(rf"({NUMBER})\s*%", text)):
        return [("schedule.warmup", f"{number_of(match[1]):g}%")]
    if isinstance(text, str) and (named := _with_unit(text)) is not None:
        return [("schedule.warmup", named)]
    value = text if isinstance(text, (int, float)) and not isinstance(text, bool) else _amount(str(text))
    if value is None or value < 0:
        return []
    if unit == "ratio" or (unit == "warmup" and 0 < value < 1):
        return [("schedule.warmup", f"{100 * value:g}%")] if value < 1 else []
    return [("schedule.warmup", f"{value:.12g} {'epochs' if unit == 'epochs' else 'steps'}")]


def _length(text: str) -> Stated:
    """`600B tokens`, `100 epochs`, `50k steps`; a bare number of a length is one of tokens."""
    if (named := _with_unit(text)) is not None:
        return [("length", named)]
    return [("length", f"{text.strip()} tokens")] if number_of(text) is not None else []


def _with_unit(text: str) -> str | None:
    """A length that says its unit, in the manifest's words."""
    for unit, named in UNITS.items():
        if match := re.match(rf"({NUMBER})\s*(?:{named})\b", text, re.IGNORECASE):
            return f"{match[1].strip()} {unit.replace('_', ' ')}"
    return None


def machine(text: Any) -> Stated:
    """How many devices, and which: `8× NVIDIA A100`."""
    if isinstance(text, int) and not isinstance(text, bool) and text > 0:
        return [("count", text)]
    match = _CARDS.fullmatch(str(text).strip())
    if match is None or int(match[1]) < 1:
        return []
    return [("count", int(match[1])), *([("accelerator", match[2].strip())] if match[2] else [])]


def seeds(text: Any) -> list[int]:
    """The seeds that a text lists."""
    if isinstance(text, int) and not isinstance(text, bool):
        return [text]
    found = text if isinstance(text, list) else re.split(r"[\s,;]+|and", str(text).strip("()[]{} "))
    whole = [int(each) for each in found if re.fullmatch(r"\d+", str(each))]
    return whole if len(whole) == len([each for each in found if each != ""]) else []


def own_value(text: Any) -> Any:
    """The value of a fact of the paper's own; None where it is a sentence."""
    if not isinstance(text, str):
        return text if is_value(text) else None
    if text.casefold() in _BOOLEANS:
        return _BOOLEANS[text.casefold()]
    if (number := number_of(text)) is not None:
        return number
    items = [number_of(item) for item in re.split(r"\s*[,;]\s*", text.strip("()[]{} "))]
    if len(items) > 1 and all(item is not None for item in items):
        return items
    if (About.of(text)) is not None:
        return text
    if is_value(text):
        return text
    amount = _amount(text)
    return amount if amount is not None and "(" in text else None
