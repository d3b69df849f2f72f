"""How much masks overlap, tensor by tensor: intersection over union of what they keep, and of what they remove."""

from __future__ import annotations

import argparse
from itertools import combinations

from framework.cli.mask.mask_inputs import mask_file
from framework.cli.options import add_format
from framework.cli.terminal import console
from framework.errors import UsageError
from framework.isolation import own

HELP = "show how much masks overlap"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "masks", nargs="+", metavar="MASK", help="two or more mask files, runs' folders or variants' names"
    )
    add_format(parser)


def main(options: argparse.Namespace) -> int:
    overlap = own("runners.sparsity.statistics").overlap
    if len(options.masks) < 2:
        raise UsageError("name two masks or more to compare")
    pairs = [
        overlap(one, other) for one, other in combinations([mask_file(name, options) for name in options.masks], 2)
    ]
    if options.format == "json":
        console.as_json({"pairs": [pair.as_dict() for pair in pairs]})
        return 0
    for pair in pairs:
        console.literal(f"{pair.one} and {pair.other}")
        width = max((len(each.name) for each in pair.tensors), default=6)
        console.literal(f"{'tensor':{width}}  IoU kept  IoU removed   removed by both  only by 1st  only by 2nd")
        for each in (*pair.tensors, pair.total):
            console.literal(
                f"{each.name:{width}}  {each.kept_iou:8.4f}  {each.removed_iou:11.4f}  {each.both:16,}  "
                f"{each.first:11,}  {each.second:11,}"
            )
        for name in pair.alone:
            console.literal(f"only one of them masks {name}")
    return 0
