"""Draw masks: how sparse each tensor is, how sparse the outputs are, and how much the masks overlap."""

from __future__ import annotations

import argparse
from pathlib import Path

from framework.cli.mask.mask_inputs import mask_file
from framework.cli.terminal import console
from framework.isolation import own

HELP = "draw masks into a PNG"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("masks", nargs="+", metavar="MASK", help="mask files, runs' folders or variants' names")
    parser.add_argument("--output", required=True, metavar="FILE", help="the .png (or .svg, .pdf) to write")


def main(options: argparse.Namespace) -> int:
    from itertools import combinations

    found = own("runners.sparsity.statistics")
    masks = [mask_file(name, options) for name in options.masks]
    pairs = combinations(range(len(masks)), 2)
    overlaps = {(one, other): found.overlap(masks[one], masks[other]).total.kept_iou for one, other in pairs}
    own("reports.mask_figure").draw(
        list(options.masks),
        [found.statistics(each) for each in masks],
        overlaps,
        Path(options.output),
    )
    console.literal(options.output)
    return 0
