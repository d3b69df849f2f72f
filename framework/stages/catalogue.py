"""What each rule is about: its page, and the catalogue of all rules. Nothing of this is loaded by a check."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from framework.conformance import Rule, Stage
from framework.conformance.registry import families, rules_of
from framework.names import near
from framework.stages import since
from framework.stages.claim import verdicts as claims
from framework.stages.document import bound_verdicts as own_documents
from framework.stages.document import verdicts as documents
from framework.stages.plan import verdicts as plans
from framework.stages.run import run_folders, sealed_evidence, unreadable

PAGES = Path(__file__).parent / "pages"
SECTIONS = ("Why it matters in a paper", "Bad", "Good", "How to waive")
"""The headings that each page has, after the paragraph that says what the rule is."""

_STAGES = tuple(Stage)


_RULES = tuple(
    import_module(f"framework.stages.{stage}.rules") for stage in ("manifest", "config", "run", "checkpoint")
)
"""The stages' packages of rule families."""


def rules() -> dict[str, Rule]:
    """Every rule that a family declares, by its code.

    Raises:
        ValueError: two rules have one code.
    """
    found: dict[str, Rule] = {}
    for rule in (rule for package in _RULES for rule in rules_of(families(package))):
        if found.setdefault(rule.code, rule) != rule:
            raise ValueError(f"two rules with the code {rule.code}: {rule.name}, {found[rule.code].name}")
    return found


@cache
def catalogue() -> dict[str, Rule]:
    """Every rule by its code, in the order of the stages; those of other distributions included."""
    modules = (claims, documents, own_documents, run_folders, sealed_evidence, unreadable, plans, since)
    return _ordered([*rules().values(), *rules_of(modules)])


def _ordered(found: Iterable[Rule]) -> dict[str, Rule]:
    ordered = sorted(found, key=lambda rule: (_STAGES.index(rule.stage), rule.code))
    return {rule.code: rule for rule in ordered}


def rule_named(text: str, known: dict[str, Rule] | None = None) -> Rule | None:
    """The rule of a code or a name, in any case; None where there is none."""
    known = catalogue() if known is None else known
    by_name = {rule.name: rule for rule in known.values()}
    return known.get(text.upper()) or by_name.get(text.lower())


def near_rules(text: str, known: dict[str, Rule] | None = None) -> list[str]:
    """The codes and names of rules that a text which names none could have meant."""
    known = catalogue() if known is None else known
    by_name = {rule.name: rule for rule in known.values()}
    begun = [code for code in known if text and code.startswith(text.upper())]
    return begun or near(text.upper(), known) + near(text.lower(), by_name)


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
        "<!-- Rendered by `framework explain --write docs/rules`; edit framework/stages/pages instead. -->",
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
