"""Make masks that another program stored into a mask file of this project, and hold every count to where it came from.

Read are torch.save's mappings of names to masks (.pt, .pth, .bin, with weights_only: nothing is unpickled), .npz,
safetensors, checkpoints that torch.nn.utils.prune has masked, and checkpoints that compressed-tensors stored with
bitmasks. What a file does not show (whose masks they are, which way they lie) the model's --checkpoint tells; where
that does not, either, the mask is refused by name.
"""

from __future__ import annotations

import argparse
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.cli.mask.mask_inputs import checkpoint_files
from framework.cli.options import add_format
from framework.cli.terminal import console
from framework.errors import UsageError
from framework.evidence.mask_layout import LAYOUTS
from framework.isolation import own

if TYPE_CHECKING:
    from framework.evidence.checkpoints import CheckpointFiles

HELP = "make another program's masks into a mask file"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", help="a .pt, .pth, .bin, .npz or .safetensors file, or a checkpoint's folder")
    parser.add_argument("--output", required=True, metavar="PATH", help="a .safetensors, .npz or .pt file")
    parser.add_argument("--checkpoint", metavar="MODEL", help="the model that the masks are for: names and shapes")
    parser.add_argument("--rename", nargs="+", default=[], metavar="OLD=NEW", help="a mask's tensor; * in both")
    parser.add_argument("--names", metavar="FILE", help="a YAML or JSON file of OLD: NEW")
    parser.add_argument("--inverted", action="store_true", help="1 stands for what is pruned")
    parser.add_argument(
        "--transposed", nargs="+", default=[], metavar="MODULE", help="modules whose masks lie the other way round"
    )
    parser.add_argument("--bits", choices=("big", "little"), help="packed masks: numpy.packbits' bitorder")
    parser.add_argument("--layout", choices=LAYOUTS, default="packed", help="how masks are stored (docs/masks.md)")
    add_format(parser)


def main(options: argparse.Namespace) -> int:
    output, source = Path(options.output), Path(options.source)
    if output.suffix not in (".safetensors", ".npz", ".pt"):
        raise UsageError(f"--output {output}: masks are written as .safetensors, .npz or .pt")
    reading = own("runners.sparsity.foreign.fitting").Reading(options.inverted, tuple(options.transposed), options.bits)
    stated = own("runners.sparsity.foreign.renaming").renames_of(
        options.rename, Path(options.names) if options.names else None
    )
    foreign = own("runners.sparsity.foreign.sources").read_foreign(source)
    opened: Any = checkpoint_files(options.checkpoint, options) if options.checkpoint else nullcontext()
    with opened as files:
        model: CheckpointFiles | None = files
        found = own("runners.sparsity.foreign.converting").convert(
            foreign, output, stated, reading, model, options.layout
        )
    if options.format == "json":
        console.as_json(_as_dict(found, foreign))
    else:
        _show(found, foreign)
    return 0


def _show(found: Any, foreign: Any) -> None:
    rest = f"; {foreign.rest:,} further tensors are no masks" if foreign.rest else ""
    console.literal(f"read: {foreign.form}{rest}")
    width = max(len(name) for name in found.counts)
    for name, (elements, zeros) in found.counts.items():
        console.literal(f"{name:{width}}  {zeros:14,} of {elements:14,} removed  {zeros / max(elements, 1):10.4%}")
    if found.returned is not None:
        said = f"{found.returned:,} removed weights are not zero in it, {found.kept_zeros:,} kept ones are"
        console.literal(f"held to the checkpoint: {said}")
    share = found.zeros / max(found.elements, 1)
    console.literal(
        f"{found.path}: {found.zeros:,} of {found.elements:,} weights are removed ({share:.6%}), "
        f"SHA-256 {found.sha256[:12]}"
    )


def _as_dict(found: Any, foreign: Any) -> dict[str, Any]:
    return {
        "file": str(found.path),
        "form": foreign.form,
        "rest": foreign.rest,
        "sha256": found.sha256,
        "zeros": found.zeros,
        "elements": found.elements,
        "tensors": {name: {"elements": size, "zeros": zeros} for name, (size, zeros) in found.counts.items()},
        "returned": found.returned,
        "kept_zeros": found.kept_zeros,
    }
