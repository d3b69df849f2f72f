"""Prepared data: tokens of the plan's datasets, made before the runs, listed, and removed."""

from __future__ import annotations

import argparse
from importlib import import_module

HELP = "prepare the data of runs ahead, list what is prepared, remove it"
ACTIONS = ("prepare", "list", "remove")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    for name in ACTIONS:
        module = import_module(f"framework.cli.data.{name}")
        action = actions.add_parser(name, help=module.HELP, description=module.__doc__)
        module.add_arguments(action)
        action.set_defaults(action=module.main)


def main(options: argparse.Namespace) -> int:
    return int(options.action(options))
