"""Remove prepared data; a run that has it open keeps it until it ends, and a later one prepares it again."""

from __future__ import annotations

import argparse

from framework.cli.terminal import console
from framework.errors import UsageError
from framework.isolation import own

HELP = "remove what is prepared"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("key", nargs="*", metavar="KEY", help="the first letters of a key, as `list` shows it")
    parser.add_argument("--all", action="store_true", help="all that is prepared")


def main(options: argparse.Namespace) -> int:
    if bool(options.key) == options.all:
        raise UsageError("name what to remove: KEY (repeatable), or --all")
    module = own("runners.data.store.prepared_store")
    known = module.keys()
    chosen = set(known) if options.all else set()
    for asked in options.key:
        fitting = [key for key in known if key.startswith(asked)]
        if len(fitting) != 1:
            what = "no prepared data" if not fitting else f"{len(fitting)} stores"
            raise UsageError(f"{what} of the key {asked!r}: `framework data list` shows them")
        chosen.add(fitting[0])
    size = sum(module.removed(key) for key in sorted(chosen))
    console.text(f"{len(chosen)} stores removed, {size / 1e6:.1f} MB")
    return 0
