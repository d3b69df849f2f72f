"""Write what goes on elsewhere: the configs of other trainers, and checkpoints as other families.

`gpt2` and `llama` write the checkpoints that the selected variants ended with, where their model is a `gpt` whose
switches are that family's: a folder for each run, with the same logits, which transformers loads by itself.

`cerebras` is the trainer YAML of Cerebras Model Zoo 2.10. What a file cannot say stands in comments at its head; what
would be trained otherwise than it is declared is refused. Beside the files lies bindings.yaml: the entries of `configs`
by which `framework check` holds them to the manifest.
"""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path

from framework.cli.options import add_profile, add_selection, selected
from framework.cli.terminal import console
from framework.errors import UsageError
from framework.evidence.store import Run, RunStore
from framework.isolation import own
from framework.manifest.experiment import Experiment
from framework.planning.build import Plan
from framework.planning.chosen_variants import matching_variants

HELP = "write configs for a trainer that runs elsewhere, or checkpoints of a `gpt` as a gpt2 or a llama"
TRAINERS, FAMILIES = ("cerebras",), ("gpt2", "llama")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what",
        metavar="WHAT",
        choices=(*TRAINERS, *FAMILIES),
        help="cerebras: Model Zoo's trainer YAML; gpt2, llama: finished checkpoints of a `gpt` as that family",
    )
    add_selection(parser)
    add_profile(parser)
    parser.add_argument("--all", action="store_true", help="all variants")
    parser.add_argument(
        "--output",
        metavar="DIR",
        help="where to write (default: configs/cerebras, or exported/FAMILY, beside the manifest)",
    )
    parser.add_argument(
        "--force", action="store_true", help="replace files that say something else, and checkpoints that are there"
    )


def main(options: argparse.Namespace) -> int:
    from framework.exporters.exported import BINDINGS, bindings_text, write_all

    if not options.variant and not options.all:
        raise UsageError("name what to export: --variant NAME (repeatable), or --all")
    experiment, plan = selected(options, options.all)
    if options.what in FAMILIES:
        return _checkpoints(experiment, plan, options)
    variants = matching_variants(experiment, options.variant) or list(experiment.manifest.variants)
    exported = import_module(f"framework.exporters.{options.what}").export(experiment, plan, variants)
    if not exported:
        raise UsageError("nothing to export: the selection trains nothing")
    folder = Path(options.output) if options.output else experiment.root / "configs" / options.what
    root, place = experiment.root.resolve(), folder.resolve()
    shown = place.relative_to(root) if place.is_relative_to(root) else folder
    files = {folder / each.name: each.text for each in exported}
    files[folder / BINDINGS] = bindings_text(exported, folder, shown.as_posix())
    new = write_all(files, options.force)
    for each in exported:
        console.literal(f"{'wrote' if folder / each.name in new else 'as it was'} {shown / each.name}")
    for note in dict.fromkeys(note for each in exported for note in each.notes):
        console.literal(f"  not said: {note}")
    console.literal(f"{len(exported)} files; {shown / BINDINGS} has the entries of `configs` that bind them")
    return 0


def _checkpoints(experiment: Experiment, plan: Plan, options: argparse.Namespace) -> int:
    """Write the last checkpoint of each chosen variant as another family's.

    Raises:
        UsageError: a run is not there, its model is no `gpt`, has a switch that the family does not have, or the
            folder to write is there; nothing was written.
    """
    store, seen = RunStore(experiment.runs), dict[str, Run]()
    variants = matching_variants(experiment, options.variant) or list(experiment.manifest.variants)
    for variant in variants:
        for step in plan.final(variant):
            run = store.done(step.key)
            if run is None:
                raise UsageError(f"{step.label} has no finished run in {experiment.runs}: run it first")
            seen[step.key] = run
    target = Path(options.output) if options.output else experiment.root / "exported" / options.what
    for run in seen.values():
        if (target / run.folder.name).exists() and not options.force:
            raise UsageError(f"{target / run.folder.name} is there already: --force replaces it")
    exporting = own("runners.models.gpt.exporting")
    models = [(run, exporting.converted(run.folder, options.what)) for run in seen.values()]
    for run, found in models:
        place = target / run.folder.name
        apart = exporting.write(place, found)
        console.literal(
            f"wrote {place}: a {options.what}; its logits are within {apart:.1e} of those of {run.folder.name}"
        )
    return 0
