"""Put a mask on a checkpoint: a copy of it in a new folder, its masked weights zero, and all else to the bit as it was.

Copied is what lies beside the tensors, too (config, tokenizer), but no other file of weights: nobody masked those.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from framework.cli.mask.mask_inputs import checkpoint_files, mask_file
from framework.cli.options import add_format
from framework.cli.terminal import console
from framework.isolation import own

HELP = "write a copy of a checkpoint whose masked weights are zero"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("mask", help="a mask file, a run's folder, or a variant's name")
    parser.add_argument("checkpoint", help="a safetensors file, a checkpoint's folder, a run's, or a variant's name")
    parser.add_argument("--output", required=True, metavar="FOLDER", help="a new folder")
    add_format(parser)


def main(options: argparse.Namespace) -> int:
    masks = mask_file(options.mask, options)
    with checkpoint_files(options.checkpoint, options) as files:
        found: Any = own("runners.sparsity.applied").apply(masks, files, Path(options.output))
    masked, changed = (sum(each[place] for each in found.counts.values()) for place in (0, 1))
    if options.format == "json":
        tensors = {name: {"masked": each[0], "changed": each[1]} for name, each in found.counts.items()}
        whole = {"folder": str(found.folder), "sha256": masks.sha256, "masked": masked, "changed": changed}
        console.as_json({**whole, "tensors": tensors, "left_out": list(found.left_out)})
        return 0
    for name in found.left_out:
        console.literal(f"left out: {name}, which holds weights that are not masked")
    said = f"{masked:,} masked weights of {len(found.counts)} tensors are zero, {changed:,} of them were not before"
    console.literal(f"{found.folder}: {said}")
    return 0
