"""What stands in the way of starting a command, found before anything is started."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from framework.manifest.sections.runners import placeholders
from framework.planning.commands.command import Command
from framework.planning.commands.read_back import contradictions
from framework.planning.steps import Step
from runners.command.places import environment_of, places_of, program_of


def unstartable(step: Step, command: Command, project: Path) -> Iterator[tuple[str, str, str]]:
    """Clause, what is declared, and what is wrong: a program or script that is not there, a value that would not say
    what the manifest says."""
    place = f"runners.{command.runner}.command"
    places = places_of(step, command, project / "runs" / step.folder, project, None)
    if program_of(command.argv, environment_of(command, places), project) is None:
        found = "no such program" if "/" in command.argv[0] else "no such program on the PATH"
        yield place, command.argv[0], found
    for argument in command.argv[1:]:
        if argument.startswith("-") or any(placeholders(argument)) or not argument.endswith((".py", ".sh")):
            continue
        if not (project / argument).is_file():
            yield place, argument, f"no such file below {project}"
        break
    for name, digest in command.sources.items():
        if digest is None:
            yield f"runners.{command.runner}.sources", name, f"no such file below {project}"
    for line in contradictions(step, command):
        yield f"runners.{command.runner}", "the manifest's values", f"would be passed otherwise: {line}"
