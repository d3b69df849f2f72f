"""Print what completes the command line of a shell: commands, options, files, and the names that the manifest of the
folder states. Bash and zsh: `eval "$(framework completion bash)"`; fish: `framework completion fish | source`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from framework.errors import FrameworkError, UsageError
from framework.manifest.experiment import Experiment

HELP = "print the completion of a shell: bash, zsh, fish"

SHELLS = ("bash", "zsh", "fish")


def _runs(experiment: Experiment) -> Iterable[str]:
    from framework.evidence.record import RECORD

    return [path.parent.name for path in experiment.runs.glob(f"*/{RECORD}")]


def _tasks(experiment: Experiment) -> Iterable[str]:
    return dict.fromkeys(task for phase in experiment.stated.phases.values() for task in phase.tasks)


NAMES: dict[str, Callable[[Experiment], Iterable[str]]] = {
    "variants": lambda experiment: experiment.stated.variants,
    "models": lambda experiment: experiment.stated.models,
    "tasks": _tasks,
    "seeds": lambda experiment: map(str, experiment.stated.seeds),
    "profiles": lambda experiment: experiment.stated.profiles,
    "searches": lambda experiment: experiment.stated.searches,
    "runs": _runs,
}
"""What a shell asks for while somebody types, by kind."""

_KINDS = {
    "--variant": "variants",
    "--model": "models",
    "--task": "tasks",
    "--seed": "seeds",
    "--profile": "profiles",
    "RUN": "runs",
    "A": "variants",
    "B": "variants",
    "SEARCH": "searches",
}
"""By an option, or what an argument is called in the help, the kind of names that it takes."""
_FILES = ("FILE", "FOLDER", "PATH")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", nargs="?", choices=SHELLS, help="the shell that it is for")
    parser.add_argument("--names", choices=tuple(NAMES), help="print names of the manifest, one a line")


def main(options: argparse.Namespace) -> int:
    if options.names is not None:
        _print_names(options.manifest, options.names)
        return 0
    if options.shell is None:
        raise UsageError(f"name the shell: {', '.join(SHELLS)}")
    try:
        import shtab
    except ImportError:
        raise UsageError("completion needs shtab: pip install shtab") from None
    from framework.cli.main import parser_of

    parser = parser_of()
    for action in _actions(parser):
        _complete(action, shtab)
    sys.stdout.write(shtab.complete(parser, options.shell) + "\n")
    return 0


def _print_names(manifest: str, kind: str) -> None:
    """Nothing where there is no manifest, or none that can be read: a shell asks, and nobody reads an error."""
    from framework.manifest.loading import load

    try:
        names = NAMES[kind](load(manifest))
    except (FrameworkError, OSError):
        return
    sys.stdout.writelines(f"{name}\n" for name in sorted(names))


def _actions(parser: argparse.ArgumentParser) -> Iterator[Any]:
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from _actions(inner)


def _complete(action: Any, shtab: Any) -> None:
    kind = next((_KINDS[name] for name in (*action.option_strings, str(action.metavar)) if name in _KINDS), None)
    if kind is not None:
        action.complete = shtab.cmd(f"framework completion --names {kind} 2>/dev/null")
    elif action.type is Path or action.metavar in _FILES:
        action.complete = shtab.DIRECTORY if action.metavar == "FOLDER" else shtab.FILE
