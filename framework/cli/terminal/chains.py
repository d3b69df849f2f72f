"""`framework explain --value FILE KEY`: where a value comes from."""

from __future__ import annotations

import argparse
import sys

from framework.cli.terminal import console
from framework.conformance.finding import plain
from framework.conformance.meaning import said


def show(options: argparse.Namespace) -> int:
    """Print the chain of places that state a key of a bound file."""
    from framework.manifest.loading import load
    from framework.stages.config.layers.chain import chains

    file, key = options.value
    found = chains(load(options.manifest), file, key)
    if options.format == "json":
        console.as_json(
            {
                "chains": [
                    {
                        "file": each.file,
                        "key": each.key,
                        "layers": [layer.as_dict() for layer in each.layers],
                        "clause": each.clause.id if each.clause else None,
                        "declared": plain(each.clause.value) if each.clause else None,
                        "meaning": each.meaning,
                    }
                    for each in found
                ]
            }
        )
        return 0
    for each in found:
        sys.stdout.write(f"{each.file}: {each.key}\n")
        widest = max(len(layer.kind) for layer in each.layers)
        for number, layer in enumerate(each.layers, 1):
            counts = "  <- counts" if number == len(each.layers) else ""
            note = f"  ({layer.note})" if layer.note else ""
            sys.stdout.write(f"  {number}. {layer.kind:{widest}}  {layer.text}  {layer.place}{note}{counts}\n")
        if each.meaning:
            sys.stdout.write(f"  {each.meaning}\n")
        if each.clause is None:
            sys.stdout.write("  it states no clause of the manifest\n")
        else:
            stated = f"{each.clause.id} = {said(each.clause.value)}"
            sys.stdout.write(f"  the manifest states {stated} at {each.clause.location}\n")
    return 0
