"""Where a command runs: the folders and files that its placeholders stand for."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from framework.evidence.record import MODEL
from framework.evidence.store import Run
from framework.planning.commands.command import Command, filled
from framework.planning.steps import Step, Training

OUTPUT, CONFIGS, LOG = "output", "configs", "log"
"""Within the run's folder: what the script writes, the config files written for it, and the logs as they were read."""
STATE, STDOUT, STDERR = "command.json", "stdout.log", "stderr.log"
KEPT = (OUTPUT, STATE, STDOUT, STDERR)
"""What of an unfinished attempt stays: what the script may go on from, and how it ended."""


def places_of(step: Step, command: Command, folder: Path, project: Path, parent: Run | None) -> dict[str, str]:
    """What each placeholder of a place stands for, absolute; ``folder`` is the run's."""
    places = {"output": folder / OUTPUT, "folder": folder, "project": project}
    places |= {name: folder / CONFIGS / name for name in command.configs}
    if parent is not None:
        places["model"] = parent.folder / MODEL
    elif step.model.path is not None:
        places["model"] = project / step.model.path
    if isinstance(step.work, Training) and step.work.dataset.path is not None:
        places["dataset"] = project / step.work.dataset.path
    return {name: str(path.absolute()) for name, path in places.items()}


def environment_of(command: Command, places: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with the declared variables; not what tells a process that it is one of several."""
    own = {name: value for name, value in os.environ.items() if name not in _OF_A_LAUNCHER}
    return own | filled(dict(command.environment), places)


_OF_A_LAUNCHER = frozenset(
    ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "GROUP_RANK", "ROLE_RANK", "MASTER_ADDR", "MASTER_PORT")
)


def program_of(argv: tuple[str, ...], environment: Mapping[str, str], project: Path) -> Path | None:
    """The program that would be started, as the system finds it; None where there is none that may be executed."""
    name = argv[0]
    if os.sep in name:
        found = shutil.which(str(project / name))
    else:
        found = shutil.which(name, path=environment.get("PATH"))
    return Path(found) if found else None
