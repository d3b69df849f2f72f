"""Where a command ran: what is certain of it, since nothing of ours looked from inside."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from framework.planning.commands.command import Command
from runners.command.places import environment_of, program_of


def surroundings(environment: dict[str, Any], command: Command, project: Path) -> dict[str, Any]:
    """The environment of a run record, for a command.

    The versions of packages are those of this interpreter only where the program lies beside it, as `python`,
    `accelerate` and `torchrun` of one virtual environment do. Of the machine's accelerators it is not known whether the
    command used them; where there are none it used none. What is not certain is kept as the machine's, under `machine`.
    """
    program = program_of(command.argv, environment_of(command, {}), project)
    ours = program is not None and program.parent.absolute() == Path(sys.executable).parent.absolute()
    known: dict[str, Any] = {name: environment[name] for name in ("platform", "git") if name in environment}
    known["machine"] = {name: environment[name] for name in ("hardware",) if name in environment}
    if ours:
        known |= {name: environment[name] for name in ("python", "packages") if name in environment}
    hardware = environment.get("hardware", {})
    if hardware.get("accelerator") == "cpu":
        known["hardware"] = {name: value for name, value in hardware.items() if name != "threads"}
    return known
