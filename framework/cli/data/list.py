"""What is prepared in the cache folder: of which source, how much, and when."""

from __future__ import annotations

import argparse
import time

from framework.cli.options import add_format
from framework.cli.terminal import console
from framework.isolation import own

HELP = "show what is prepared"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_format(parser)


def main(options: argparse.Namespace) -> int:
    found = own("runners.data.store.prepared_store").stores()
    rows = [(store.folder.name, store.size, store.facts) for store in found]
    if options.format == "json":
        console.as_json([{"key": key, "bytes": size, **facts} for key, size, facts in rows])
        return 0
    for key, size, facts in rows:
        tokens = f", {facts['tokens']:,} tokens" if "tokens" in facts else ""
        part = "" if facts["whole"] else ", the first part"
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(facts["made"]))
        said = (
            f"{facts['kind']} of {facts['origin']}: {facts['rows']:,} rows{tokens}{part}, {size / 1e6:.1f} MB, {when}"
        )
        console.literal(f"{key[:10]} {said}")
    place = own("runners.data.store.data_folder").data_folder()
    console.literal(f"{len(rows)} stores, {sum(size for _, size, _ in rows) / 1e6:.1f} MB in {place}")
    return 0
