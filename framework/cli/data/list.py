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
    module = own("runners.data.store.prepared_store")
    rows = [(store.folder.name, store.size, store.facts) for store in module.stores()]
    broken = [(key, module.size_of(key)) for key in sorted({*module.keys()} - {key for key, _, _ in rows})]
    if options.format == "json":
        torn = [{"key": key, "bytes": size, "kind": "damaged"} for key, size in broken]
        console.as_json([{"key": key, "bytes": size, **facts} for key, size, facts in rows] + torn)
        return 0
    for key, size, facts in rows:
        tokens = f", {facts['tokens']:,} tokens" if "tokens" in facts else ""
        part = "" if facts["whole"] else ", the first part"
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(facts["made"]))
        said = (
            f"{facts['kind']} of {facts['origin']}: {facts['rows']:,} rows{tokens}{part}, {size / 1e6:.1f} MB, {when}"
        )
        console.literal(f"{key[:10]} {said}")
    for key, size in broken:
        console.literal(f"{key[:10]} damaged or unfinished, made anew when it is needed: {size / 1e6:.1f} MB")
    place = own("runners.data.store.data_folder").data_folder()
    whole = sum(size for _, size, _ in rows)
    console.literal(f"{len(rows)} stores, {whole / 1e6:.1f} MB in {place}")
    return 0
