"""List every weight of a checkpoint that a mask removes and that is not zero. Exits with 1 where there is one.

Names are compared whole; tensors that peft renamed around an adapter (`base_layer`) are found. Weights that are NaN, as
checkpoints of Cerebras store what was pruned, are counted apart.
"""

from __future__ import annotations

import argparse

from framework.cli.mask.mask_inputs import checkpoint_files, mask_file
from framework.cli.options import add_format
from framework.cli.terminal import console
from framework.evidence.mask_violations import Held, hold

HELP = "list every weight of a checkpoint that should be zero and is not"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("mask", help="a mask file, a run's folder, or a variant's name")
    parser.add_argument("checkpoint", help="a safetensors file, a checkpoint's folder, a run's, or a variant's name")
    parser.add_argument("--nan-is-pruned", action="store_true", help="a masked weight that is NaN counts as zero")
    add_format(parser)


def main(options: argparse.Namespace) -> int:
    masks = mask_file(options.mask, options)
    with checkpoint_files(options.checkpoint, options) as files:
        held = hold(masks, files)
    accepted = options.nan_is_pruned
    wrong = [each for each in held if each.returned or (each.not_numbers and not accepted)]
    masked = sum(each.masked for each in held)
    if options.format == "json":
        data = {
            "mask": str(masks.path),
            "sha256": masks.sha256,
            "checkpoint": str(files.path),
            "masked": masked,
            "returned": sum(each.returned for each in held),
            "not_numbers": sum(each.not_numbers for each in held),
            "violations": [_as_dict(each) for each in wrong],
        }
        console.as_json(data)
    else:
        _show(held, wrong, masked, accepted)
    return 1 if wrong else 0


def _show(held: list[Held], wrong: list[Held], masked: int, accepted: bool) -> None:
    for each in wrong:
        renamed = f" (stored as {each.tensor})" if each.tensor != each.name else ""
        kinds = [f"{each.returned:,} are not zero"] if each.returned else []
        kinds += [f"{each.not_numbers:,} are NaN"] if each.not_numbers else []
        places = ", ".join(str(list(place)) for place in each.first)
        what = f"of {each.masked:,} masked weights {' and '.join(kinds)}"
        console.literal(f"{each.name}{renamed}: {what}; first at {places}")
    nan = sum(each.not_numbers for each in held)
    if nan:
        said = "taken for zero" if accepted else "so Cerebras stores what was pruned; --nan-is-pruned takes it for zero"
        console.literal(f"{nan:,} masked weights are NaN; {said}")
    if wrong:
        console.text(f"[bold red]violated[/]: in {len(wrong)} of {len(held)} tensors masked weights are not zero")
    else:
        console.text(f"[bold green]holds[/]: all {masked:,} masked weights of {len(held)} tensors are zero")


def _as_dict(each: Held) -> dict[str, object]:
    return {
        "name": each.name,
        "tensor": each.tensor,
        "masked": each.masked,
        "returned": each.returned,
        "not_numbers": each.not_numbers,
        "first": [list(place) for place in each.first],
    }
