"""What each rule is about: its page, and the catalogue of all rules. Nothing of this is loaded by a check."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from framework.conformance.model import Rule
from framework.conformance.registry import rules
from framework.errors import UsageError
from framework.names import near

PAGES = Path(__file__).parent / "pages"
SECTIONS = ("Why it matters in a paper", "Bad", "Good", "How to waive")
"""The headings that each page has, after the paragraph that says what the rule is."""

_STAGES = ("manifest", "config", "plan", "run", "checkpoint", "document", "claim")


@cache
def catalogue() -> dict[str, Rule]:
    """Every rule by its code, in the order of the stages; those of other distributions included."""
    from framework.conformance import claims, damaged, planned, since

    found = rules()
    for module in (claims, damaged, planned, since):
        found |= {value.code: value for value in vars(module).values() if isinstance(value, Rule)}
    return _ordered(found.values())


def with_rules(more: Iterable[Rule]) -> dict[str, Rule]:
    """The catalogue and further rules, such as those of the packages that `framework` may not import."""
    return _ordered((*catalogue().values(), *more))


def _ordered(found: Iterable[Rule]) -> dict[str, Rule]:
    ordered = sorted(found, key=lambda rule: (_STAGES.index(rule.stage), rule.code))
    return {rule.code: rule for rule in ordered}


def rule_named(text: str, known: dict[str, Rule] | None = None) -> Rule:
    """The rule of a code or a name, in any case.

    Raises:
        UsageError: there is none; the near ones are named.
    """
    known = catalogue() if known is None else known
    by_name = {rule.name: rule for rule in known.values()}
    found = known.get(text.upper()) or by_name.get(text.lower())
    if found is not None:
        return found
    begun = [code for code in known if text and code.startswith(text.upper())]
    alike = begun or near(text.upper(), known) + near(text.lower(), by_name)
    advice = "did you mean " + " or ".join(alike[:3]) + "?" if alike else "`framework explain` lists all rules"
    raise UsageError(f"no rule {text!r}: {advice}")


def explanation(rule: Rule) -> str:
    """What a rule's page says below its heading; its summary where nothing more is written."""
    if rule.explanation:
        return rule.explanation.strip()
    path = PAGES / f"{rule.code}.md"
    return path.read_text("utf-8").strip() if path.is_file() else f"{rule.summary[0].upper()}{rule.summary[1:]}."


def page(rule: Rule) -> str:
    """A rule's whole page, in Markdown."""
    return (
        f"# {rule.code} {rule.name}\n\n*{rule.severity}, stage {rule.stage}*: {rule.summary}.\n\n{explanation(rule)}\n"
    )


def as_dict(rule: Rule) -> dict[str, Any]:
    """A rule as JSON data, without its page."""
    return {
        "code": rule.code,
        "name": rule.name,
        "severity": str(rule.severity),
        "stage": str(rule.stage),
        "summary": rule.summary,
    }


def rendered(known: dict[str, Rule] | None = None) -> Iterator[tuple[str, str]]:
    """The reference of the rules: file names and their Markdown, an index first."""
    known = catalogue() if known is None else known
    lines = [
        "<!-- Rendered by `framework explain --write docs/rules`; edit framework/conformance/pages instead. -->",
        "# Rules",
        "",
        "Every finding has the code of its rule. `framework explain CODE` prints the rule's page.",
    ]
    for stage in _STAGES:
        own = [rule for rule in known.values() if rule.stage == stage]
        if own:
            lines += ["", f"## Stage {stage}", "", "| code | name | severity | what |", "| --- | --- | --- | --- |"]
            lines += [
                f"| [{rule.code}]({rule.code}.md) | {rule.name} | {rule.severity} | {rule.summary} |" for rule in own
            ]
    yield "README.md", "\n".join(lines) + "\n"
    for rule in known.values():
        yield f"{rule.code}.md", page(rule)
