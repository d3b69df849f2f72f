"""The catalogue for people: a fact's page, its data, and the reference of all."""

from __future__ import annotations

from typing import Any

from framework.dialects.well_known.facts import FACTS, KINDS, Fact
from framework.dialects.well_known.named import fact_called, sections_for
from framework.dialects.well_known.trainer_words import words_for
from framework.errors import UsageError
from framework.names import near

_SECTIONS = {
    "phase": "phases:\n  PHASE:\n    settings: {{{name}: ...}}",
    "model": "models:\n  MODEL:\n    settings: {{{name}: ...}}",
    "dataset": "datasets:\n  DATASET:\n    settings: {{{name}: ...}}",
}


def find(text: str) -> Fact | None:
    """The fact of a name, or of a spelling that means one thing, in any case; None where there is none."""
    return fact_called(text.removeprefix("settings."))


def unknown(text: str, rules: list[str]) -> UsageError:
    """What to say of a name that is neither a rule's nor a fact's; ``rules`` are the near rules."""
    alike = rules or near(text.lower(), [name for fact in FACTS for name in (fact.name, *fact.spellings)])
    every = "`framework explain` lists all rules, `framework explain --facts` all facts"
    advice = "did you mean " + " or ".join(alike[:3]) + "?" if alike else every
    return UsageError(f"no rule and no fact {text!r}: {advice}")


def as_dict(fact: Fact) -> dict[str, Any]:
    """A fact as JSON data."""
    return {
        "name": fact.name,
        "clause": f"settings.{fact.name}",
        "section": fact.section,
        "kind": fact.kind,
        "meaning": fact.meaning,
        "spellings": list(fact.spellings),
        "sections": sections_for(fact.name),
        "trainers": words_for(fact.name),
    }


def page(fact: Fact) -> str:
    """A fact's whole page, in Markdown."""
    example = _SECTIONS[fact.section].format(name=fact.name)
    lines = [f"# settings.{fact.name}", "", f"{fact.meaning} ({KINDS[fact.kind]})."]
    lines += ["", f"## Where it stands\n\nUsually in a {fact.section}'s settings:\n\n```yaml\n{example}\n```"]
    if others := [*fact.spellings, *sections_for(fact.name)]:
        lines += ["", "## Also called", "", _listed(others)]
    if words := words_for(fact.name):
        lines += ["", "## What trainers call it", "", "| trainer | key |", "| --- | --- |"]
        lines += [f"| {trainer} | {_listed(keys)} |" for trainer, keys in words.items()]
    return "\n".join(lines) + "\n"


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def reference() -> str:
    """The reference of all facts, in Markdown."""
    lines = [
        "<!-- Rendered by `framework explain --facts --write docs/facts.md`; edit framework/dialects/well_known. -->",
        "# Well-known facts",
        "",
        "What papers state beside the manifest's own fields stands under `settings:`, by any names. These are known:",
        "[dialects](dialects.md) bind to them what their trainers call otherwise, and a manifest that has another",
        "spelling is read as if it had the name. `framework explain NAME` prints one of them.",
        "",
        "A name in the last column means the fact in that trainer's files, and one with a dot in that section.",
    ]
    for section in _SECTIONS:
        lines += ["", f"## Of a {section}", "", "| name | meaning | kind | also called | trainers |"]
        lines.append("| --- | --- | --- | --- | --- |")
        lines += [_row(fact) for fact in FACTS if fact.section == section]
    return "\n".join(lines) + "\n"


def _row(fact: Fact) -> str:
    others = _listed([*fact.spellings, *sections_for(fact.name)]) or "-"
    words = "; ".join(f"{trainer}: {_listed(keys)}" for trainer, keys in words_for(fact.name).items())
    return f"| `{fact.name}` | {fact.meaning} | {KINDS[fact.kind]} | {others} | {words or '-'} |"
