"""Explain a rule by its code or name: what it is, why it matters, a bad and a good example, and how to waive it.
Without one, list all rules."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from framework.cli.options import add_format
from framework.cli.terminal import console
from framework.stages.catalogue import as_dict, catalogue, explanation, page, rendered, rule_named

HELP = "explain a rule, or list all"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("code", nargs="?", metavar="CODE", help="a rule's code or name, such as C101 or drift")
    parser.add_argument("--write", metavar="DIR", help="write all pages and an index of them into a folder")
    add_format(parser)


def main(options: argparse.Namespace) -> int:
    if options.write is not None:
        folder = Path(options.write)
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in rendered(catalogue()):
            (folder / name).write_text(text, "utf-8")
        return 0
    if options.code is None:
        _list(options.format)
        return 0
    rule = rule_named(options.code)
    if options.format == "json":
        console.as_json({**as_dict(rule), "page": explanation(rule)})
    elif sys.stdout.isatty():
        from rich.markdown import Markdown

        console.out().print(Markdown(page(rule)))
    else:
        sys.stdout.write(page(rule))
    return 0


def _list(form: str) -> None:
    rules = list(catalogue().values())
    if form == "json":
        console.as_json([as_dict(rule) for rule in rules])
        return
    widest = max(len(rule.name) for rule in rules)
    for rule in rules:
        sys.stdout.write(f"{rule.code}  {rule.name:{widest}}  {rule.severity:7}  {rule.stage:10}  {rule.summary}\n")
