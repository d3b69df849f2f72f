"""What a mask file says and keeps: its facts, a table of its tensors, and how sparse their outputs are."""

from __future__ import annotations

import argparse

from framework.cli.mask.mask_inputs import mask_file
from framework.cli.options import add_format
from framework.cli.terminal import console
from framework.isolation import own

HELP = "show what a mask keeps, tensor by tensor"
_BAR = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("mask", help="a mask file, a run's folder, or a variant's name")
    add_format(parser)


def main(options: argparse.Namespace) -> int:
    masks = mask_file(options.mask, options)
    found = own("runners.sparsity.statistics").statistics(masks)
    if options.format == "json":
        said = {"sha256": masks.sha256, "layout": masks.header.layout, "facts": dict(masks.facts)}
        console.as_json({"file": str(masks.path), **said, **found.as_dict()})
        return 0
    for name, value in sorted(masks.facts.items()):
        console.literal(f"{name}: {value}")
    console.literal(f"sha256: {masks.sha256}")
    width = max((len(each.name) for each in found.tensors), default=6)
    console.literal(f"\n{'tensor':{width}}  {'shape':>16}  {'removed':>14}  sparsity  pattern")
    for each in found.tensors:
        shape = "x".join(map(str, each.shape))
        row = f"{each.name:{width}}  {shape:>16}  {each.zeros:14,}  {each.sparsity:8.4%}"
        console.literal(f"{row}  {each.pattern or '-'}")
    console.literal(f"{'all':{width}}  {found.elements:16,}  {found.zeros:14,}  {found.sparsity:8.4%}")
    console.literal("\noutputs by their own sparsity")
    most = max(found.histogram) or 1
    for index, count in enumerate(found.histogram):
        bounds = f"{index * 10:3d}% to {index * 10 + 10:3d}%"
        console.literal(f"{bounds}  {count:10,}  {'#' * round(_BAR * count / most)}")
    return 0
