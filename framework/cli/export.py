"""Write the configs of trainers that run elsewhere: one file for each training of the selected runs.

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

HELP = "write configs for a trainer that runs elsewhere"
TRAINERS = ("cerebras",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "trainer", choices=TRAINERS, help="whose config it is to be: cerebras (Model Zoo's trainer YAML)"
    )
    add_selection(parser)
    add_profile(parser)
    parser.add_argument("--all", action="store_true", help="all variants")
    parser.add_argument("--output", metavar="DIR", help="where to write (default: configs/TRAINER beside the manifest)")
    parser.add_argument("--force", action="store_true", help="replace files that say something else")


def main(options: argparse.Namespace) -> int:
    from framework.exporters.exported import BINDINGS, bindings_text, write_all
    from framework.planning.chosen_variants import matching_variants

    if not options.variant and not options.all:
        raise UsageError("name what to export: --variant NAME (repeatable), or --all")
    experiment, plan = selected(options, options.all)
    variants = matching_variants(experiment, options.variant) or list(experiment.manifest.variants)
    exported = import_module(f"framework.exporters.{options.trainer}").export(experiment, plan, variants)
    if not exported:
        raise UsageError("nothing to export: the selection trains nothing")
    folder = Path(options.output) if options.output else experiment.root / "configs" / options.trainer
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
