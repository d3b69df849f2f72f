"""Explain a rule by its code or name: what it is, why it matters, a bad and a good example, and how to waive it; or a
well-known fact of a paper (`dropout`): its meaning, its spellings, and what each trainer calls it. Without one, list
all rules, or with `--facts` all facts. With `--value FILE KEY`, show where a config file's key gets its value."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from framework.cli.options import add_format
from framework.cli.terminal import console
from framework.dialects.well_known import pages as facts
from framework.dialects.well_known.facts import FACTS, KINDS
from framework.stages.catalogue import as_dict, catalogue, explanation, near_rules, page, rendered, rule_named

HELP = "explain a rule or a well-known fact, or list all"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    known = "a rule's code or name, such as C101 or drift, or a fact's, such as dropout"
    parser.add_argument("code", nargs="?", metavar="NAME", help=known)
    parser.add_argument("--facts", action="store_true", help="list the well-known facts in the place of the rules")
    parser.add_argument(
        "--write", metavar="PATH", help="write all rules' pages and an index of them into a folder; of facts, one file"
    )
    parser.add_argument(
        "--value", nargs=2, metavar=("FILE", "KEY"), help="where a key of a bound config file gets its value, in order"
    )
    add_format(parser)


def main(options: argparse.Namespace) -> int:
    if options.value is not None:
        from framework.cli.terminal.chains import show

        return show(options)
    if options.write is not None:
        _write(Path(options.write), options.facts)
        return 0
    if options.code is None:
        (_list_facts if options.facts else _list)(options.format)
        return 0
    _explain(*_found(options.code), options.format)
    return 0


def _write(path: Path, of_facts: bool) -> None:
    if of_facts:
        path.write_text(facts.reference(), "utf-8")
        return
    path.mkdir(parents=True, exist_ok=True)
    for name, text in rendered(catalogue()):
        (path / name).write_text(text, "utf-8")


def _found(text: str) -> tuple[dict[str, Any], str, str]:
    """A rule, or else a fact: its data, what the data call its page, and the page as people read it.

    Raises:
        UsageError: there is neither of that name; the near ones are named.
    """
    if (rule := rule_named(text)) is not None:
        return as_dict(rule), explanation(rule), page(rule)
    if (fact := facts.find(text)) is not None:
        return facts.as_dict(fact), facts.page(fact), facts.page(fact)
    raise facts.unknown(text, near_rules(text))


def _explain(data: dict[str, Any], text: str, whole: str, form: str) -> None:
    if form == "json":
        console.as_json({**data, "page": text})
    elif sys.stdout.isatty():
        from rich.markdown import Markdown

        console.out().print(Markdown(whole))
    else:
        sys.stdout.write(whole)


def _list(form: str) -> None:
    rules = list(catalogue().values())
    if form == "json":
        console.as_json([as_dict(rule) for rule in rules])
        return
    widest = max(len(rule.name) for rule in rules)
    for rule in rules:
        sys.stdout.write(f"{rule.code}  {rule.name:{widest}}  {rule.severity:7}  {rule.stage:10}  {rule.summary}\n")


def _list_facts(form: str) -> None:
    if form == "json":
        console.as_json([facts.as_dict(fact) for fact in FACTS])
        return
    widest = max(len(fact.name) for fact in FACTS)
    for fact in FACTS:
        sys.stdout.write(f"{fact.name:{widest}}  {fact.section:7}  {fact.meaning} ({KINDS[fact.kind]})\n")
