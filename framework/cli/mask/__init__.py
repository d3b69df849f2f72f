"""Masks of a checkpoint: compute them exactly, hold a checkpoint to one, and look at what they keep."""

from __future__ import annotations

import argparse
from importlib import import_module

from framework.cli.options import add_profile

HELP = "compute masks, hold checkpoints to them, compare them"
ACTIONS = ("compute", "convert", "apply", "validate", "stats", "compare", "plot")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    for name in ACTIONS:
        module = import_module(f"framework.cli.mask.{name}")
        action = actions.add_parser(name, help=module.HELP, description=module.__doc__)
        module.add_arguments(action)
        add_profile(action)
        action.set_defaults(action=module.main)


def main(options: argparse.Namespace) -> int:
    return int(options.action(options))
