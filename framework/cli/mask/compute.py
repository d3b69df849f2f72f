"""Compute the masks of a checkpoint, with exactly as many zeros as asked, for one or several sparsities at once.

Embeddings and heads are left out unless --everything or --tensors says otherwise; which ones is printed, and written
into the file. What is no weight (buffers, norms, positions) is never pruned; packed integer weights are refused.
Scores that are measured on data need a run, --dataset and --calibration-examples.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.cli.mask.mask_inputs import checkpoint_files
from framework.cli.options import add_format
from framework.cli.terminal import console
from framework.errors import UsageError
from framework.evidence.architectures.roles import Architecture
from framework.evidence.mask_layout import LAYOUTS
from framework.isolation import own
from framework.planning.tuned.best_of_grids import load

if TYPE_CHECKING:
    from framework.evidence.checkpoints import CheckpointFiles

HELP = "compute the masks of a checkpoint"
SCORES = ("magnitude", "random", "gradient", "taylor", "wanda", "sparsegpt")
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoint", help="a safetensors file, a checkpoint's folder, a run's, or a variant's name")
    parser.add_argument("--sparsity", type=_share, nargs="+", required=True, metavar="S", help="shares to remove")
    parser.add_argument("--score", choices=SCORES, default="magnitude", help="the lowest go (default: magnitude)")
    parser.add_argument(
        "--structure", default="unstructured", help="unstructured, 2:4, 4:8, ..., channel, head or output"
    )
    parser.add_argument("--scope", choices=("model", "layer", "output"), default="model", help="who competes")
    parser.add_argument("--tensors", nargs="+", metavar="MODULE", help="only the weights of these modules")
    parser.add_argument("--exclude", nargs="+", default=[], metavar="MODULE", help="not the weights of these modules")
    parser.add_argument("--everything", action="store_true", help="embeddings and heads too")
    parser.add_argument("--seed", type=int, default=0, help="of random scores and of the calibration (default: 0)")
    parser.add_argument("--output", required=True, metavar="PATH", help="a .safetensors, .npz or .pt file, or a folder")
    parser.add_argument("--layout", choices=LAYOUTS, default="packed", help="how masks are stored (docs/masks.md)")
    parser.add_argument("--memory", type=_bytes, metavar="SIZE", help="what the process may take, such as 256M")
    parser.add_argument("--dataset", metavar="NAME", help="a dataset of the manifest to measure on")
    parser.add_argument("--calibration-examples", type=int, metavar="N", help="how many of its examples")
    parser.add_argument("--model", metavar="NAME", help="what the file says about the model (default: the folder)")
    parser.add_argument("--revision", metavar="COMMIT", help="what the file says about its revision")
    add_format(parser)


def main(options: argparse.Namespace) -> int:
    computing, kinds = own("runners.sparsity.computing"), own("runners.sparsity.kinds")

    with checkpoint_files(options.checkpoint, options) as files:
        exclude = list(options.exclude)
        if options.tensors is None and not options.everything:
            exclude = sorted({*exclude, *kinds.default_exclusions(files)})
        request = _request(options, files, exclude)
        paths = _paths(options)
        scored = None
        if options.score not in ("magnitude", "random"):
            scored, facts = _measured(options, files)
            request = _with_facts(request, facts)
        found = computing.compute(files, request, paths, scored)
        left_out, tied = kinds.left_out(files, request.modules, exclude)
        forms, unfamiliar = files.kinds, Architecture.of(files.config()).unfamiliar
    if options.format == "json":
        console.as_json(
            {
                "masks": [{**_as_dict(each), "exclude": exclude} for each in found],
                "left_out": left_out,
                "tied": tied,
                "forms": forms,
                "unfamiliar": unfamiliar,
            }
        )
        return 0
    for form, count in forms.items():
        console.literal(f"{form}: {count:,} weights, taken as the model has them")
    if unfamiliar is not None and not options.everything:
        console.literal(f"{unfamiliar}: embeddings and heads are told by the names that are usual, and may be others")
    if exclude:
        console.literal(f"left out: {', '.join(exclude)}")
    elif options.tensors is None and not options.everything:
        console.literal("left out: nothing; no tensor is known as an embedding or a head")
    for kind, names in left_out.items():
        console.literal(f"not pruned, {kind}: {', '.join(names)}")
    for name, other in tied.items():
        console.literal(f"{name} is {other}, stored twice: masked under that name")
    for each in found:
        console.literal(
            f"{each.path}: {each.zeros:,} of {each.elements:,} weights are removed "
            f"({each.zeros / each.elements:.6%}, asked {each.asked:.6%}), SHA-256 {each.sha256[:12]}"
        )
    return 0


def _request(options: argparse.Namespace, files: CheckpointFiles, exclude: list[str]) -> Any:
    structure = options.structure
    if not re.fullmatch(r"unstructured|channel|head|output|[1-9]\d*:[1-9]\d*", structure):
        raise UsageError(f"no structure {structure!r}: unstructured, channel, head, output, or N:M such as 2:4")
    if ":" in structure:
        kept, size = map(int, structure.split(":"))
        if any(abs(share - (1 - kept / size)) > 1e-9 for share in options.sparsity) or kept >= size:
            raise UsageError(f"the sparsity of {structure} is {1 - kept / size:g}")
    if options.scope == "output" and structure != "unstructured":
        raise UsageError("--scope output is for single weights")
    facts = {"model": options.model or files.config().get("_name_or_path") or files.folder.resolve().name}
    if options.revision:
        facts["revision"] = options.revision
    request: Any = own("runners.sparsity.computing").MaskRequest(
        sparsities=options.sparsity,
        score=options.score,
        structure=structure,
        scope=options.scope,
        modules=options.tensors,
        exclude=exclude,
        seed=options.seed,
        memory=options.memory,
        layout=options.layout,
        facts=facts,
    )
    return request


def _measured(options: argparse.Namespace, files: CheckpointFiles) -> tuple[Any, dict[str, Any]]:
    """Scores of the model that the checkpoint is, measured on a dataset of the manifest."""
    if options.score == "sparsegpt":
        raise UsageError(
            "sparsegpt changes the weights that stay, so a mask alone is not its result: "
            "use a `prune` step of the manifest, which saves both"
        )
    if options.dataset is None or options.calibration_examples is None:
        raise UsageError(f"{options.score} is measured on data: state --dataset and --calibration-examples")
    if options.memory is not None:
        raise UsageError("a memory budget can be kept for magnitude and random scores only")

    experiment = load(options.manifest, options.profile)
    measure = own("runners.sparsity.measured_scores").measure
    found: tuple[Any, dict[str, Any]] = measure(
        experiment, files, options.score, options.dataset, options.calibration_examples, options.seed
    )
    return found


def _with_facts(request: Any, facts: dict[str, Any]) -> Any:
    from dataclasses import replace

    return replace(request, facts={**request.facts, **facts})


def _paths(options: argparse.Namespace) -> list[Path]:
    """The files to write: the one named, or one for each sparsity in the folder named."""
    output = Path(options.output)
    if output.suffix in (".safetensors", ".npz", ".pt"):
        if len(options.sparsity) > 1:
            raise UsageError("several sparsities need a folder as --output")
        return [output]
    if len(set(options.sparsity)) < len(options.sparsity):
        raise UsageError("a sparsity is named twice")
    stem = f"{options.score}-{options.structure.replace(':', 'of')}"
    return [output / f"{stem}-{share!r}.safetensors" for share in options.sparsity]


def _as_dict(each: Any) -> dict[str, Any]:
    return {
        "file": str(each.path),
        "asked": each.asked,
        "zeros": each.zeros,
        "elements": each.elements,
        "reached": each.zeros / each.elements,
        "sha256": each.sha256,
    }


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = float("nan")
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not a share from 0 to 1")
    return share


def _bytes(text: str) -> int:
    match = re.fullmatch(r"(\d+)\s*([KMG]?)i?B?", text.strip(), re.IGNORECASE)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no size such as 256M")
    return int(match[1]) * _UNITS[match[2].upper()]
