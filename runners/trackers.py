"""Experiment trackers, through accelerate's: TensorBoard, Weights & Biases, MLflow.

They are told what the run writes as evidence anyhow (`steps.jsonl`, `events.jsonl`, the final metrics), read from
these very files, and can therefore influence nothing. A tracker that breaks is left out from then on, with a message.
"""

from __future__ import annotations

import json
import netrc
import os
import re
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from framework.errors import UsageError
from framework.evidence.record import EVENTS, STEPS, RunRecord
from framework.isolation import to_install
from framework.names import did_you_mean
from framework.planning.steps import Step
from runners.progress import Progress, Silent

DEFAULT = "tensorboard"
NONE = "none"


@dataclass(frozen=True, slots=True)
class Kind:
    """A tracker: the package that it needs, and how one is started for a run. ``start`` takes the run's name, the
    project's name and the folder of runs, and returns one of accelerate's. ``module`` is what it imports to begin."""

    package: str
    start: Callable[[str, str, Path], Any]
    module: str


def chosen(step: Step, asked: Sequence[str] = ()) -> list[Any]:
    """The trackers of a step: those that were asked for, else those that a bound config names, else TensorBoard where
    it is installed.

    Raises:
        UsageError: there is no such tracker, or it is not installed.
    """
    names: Sequence[str] | None = asked or step.knobs.trackers
    if names is None:
        return [DEFAULT] if installed(DEFAULT) else []
    names = list(dict.fromkeys(name for name in names if name != NONE))
    for name in names:
        if name not in KINDS:
            raise UsageError(f"no tracker is called {name!r}: {did_you_mean(name, [*KINDS, NONE])}")
        if not installed(name):
            advice = f"{to_install(name)}, or leave it out (--tracker {NONE})"
            raise UsageError(f"the tracker {name} is not installed: {advice}")
    return list(names)


def installed(name: str) -> bool:
    return find_spec(KINDS[name].package) is not None


def imported_by(name: str) -> str:
    """The module that a tracker imports to begin."""
    return KINDS[name].module


def with_trackers(steps: Iterable[Step], asked: Sequence[str] = (), done: Collection[str] = ()) -> list[Step]:
    """The steps, each with the trackers that it will tell; see :func:`chosen`. Those that are done tell none."""
    return [
        step if step.key in done else replace(step, knobs=replace(step.knobs, trackers=chosen(step, asked)))
        for step in steps
    ]


class Tracking(Silent):
    """One tracker of one run. It is started with the first figures: what does not train has none to tell."""

    def __init__(self, name: str, step: Step, root: Path, tell: Progress):
        self._name, self._step, self._root, self._tell = name, step, root, tell
        self._files = {name: Tail(root / step.folder / name) for name in (STEPS, EVENTS)}
        self._tracker: Any = None
        self._broken = False

    def update(self, done: int, loss: float, learning_rate: float) -> None:
        self._safely(self._follow)

    def end(self, record: RunRecord) -> None:
        def last() -> None:
            if self._tracker is None and self._step.command is None:
                return
            self._follow()  # what a command of the user's own logged is known only now
            steps = record.observed.get("optimizer_steps")
            self._tracker.log({f"final/{name}": value for name, value in record.metrics.items()}, step=steps)
            self._tracker.finish()

        self._safely(last)

    def _safely(self, act: Callable[[], None]) -> None:
        if self._broken:
            return
        try:
            act()
        except Exception as problem:  # whatever a tracker's library raises: it must not end a training
            self._broken = True
            self._tell.message(
                f"the tracker {self._name} is left out from here on: {type(problem).__name__}: {problem}"
            )

    def _follow(self) -> None:
        """Pass on what was written since."""
        if self._tracker is None:
            self._tracker = KINDS[self._name].start(self._step.folder, project_name(self._root), self._root)
            self._tracker.store_init_configuration(configuration(self._step))
        lines = [(line, kind) for kind, tail in self._files.items() for line in tail.lines()]
        lines = [(line, kind) for line, kind in lines if line.get("event") != "result"]  # which `end` is told
        # In the order of the steps: what comes late for its step some trackers do not take.
        for line, kind in sorted(lines, key=lambda found: (found[0].get("step", 0), found[1] == EVENTS)):
            prefix = "train" if kind == STEPS else str(line.pop("event", "event"))
            step = line.pop("step", None)
            values = {f"{prefix}/{name}": value for name, value in line.items() if isinstance(value, (int, float))}
            self._tracker.log(values, step=step)


class Tail:
    """The lines of a file that grows, each once; a line that is not whole yet is left for later."""

    def __init__(self, path: Path):
        self._path, self._offset = path, 0

    def lines(self) -> Iterator[dict[str, Any]]:
        if not self._path.exists():
            return
        with self._path.open("rb") as stream:
            stream.seek(self._offset)
            for line in stream:
                if not line.endswith(b"\n"):
                    return
                self._offset += len(line)
                yield json.loads(line)


def configuration(step: Step) -> dict[str, int | float | str | bool]:
    """The resolved configuration of a run, flat, as trackers take it."""
    names = {"variant": step.variant, "model_name": step.model_name, "task": step.task, "profile": step.profile}
    return dict(_flat("", {**step.identity, **names, "knobs": _stated(step)}))


def _stated(step: Step) -> dict[str, Any]:
    found = {name: getattr(step.knobs, name) for name in step.knobs.__dataclass_fields__}
    return {name: value for name, value in found.items() if value is not None}


def _flat(path: str, value: Any) -> Iterator[tuple[str, int | float | str | bool]]:
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from _flat(f"{path}.{name}" if path else str(name), each)
    elif isinstance(value, (int, float, str, bool)):
        yield path, value
    elif value is not None:
        yield path, json.dumps(value)


def project_name(root: Path) -> str:
    """The name that runs are grouped by: that of the project's folder, in characters that every tracker takes."""
    return re.sub(r"[^\w.-]+", "_", root.resolve().parent.name) or "experiment"


def _tensorboard(run: str, project: str, root: Path) -> Any:
    """Event files below `runs/tensorboard/<run>`. A run that goes on is written there anew, from its first step on."""
    from accelerate.tracking import TensorBoardTracker

    folder = root / "tensorboard"
    shutil.rmtree(folder / run, ignore_errors=True)
    return _started(TensorBoardTracker(run, folder))


def _wandb(run: str, project: str, root: Path) -> Any:
    """Online with a key, else offline below `runs/wandb`, to be sent later by `wandb sync`."""
    from accelerate.tracking import WandBTracker

    mode = os.environ.get("WANDB_MODE") or ("online" if _wandb_key() else "offline")
    return _started(WandBTracker(project, name=run, dir=str(root), mode=mode, reinit="finish_previous"))


def _wandb_key() -> bool:
    if os.environ.get("WANDB_API_KEY"):
        return True
    host = re.sub(r"^https?://|/.*$", "", os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai"))
    try:
        return netrc.netrc().authenticators(host) is not None
    except (OSError, netrc.NetrcParseError):
        return False


def _mlflow(run: str, project: str, root: Path) -> Any:
    """At `MLFLOW_TRACKING_URI`, else in the database `runs/mlflow.db`."""
    import mlflow
    from accelerate.tracking import MLflowTracker

    if not os.environ.get("MLFLOW_TRACKING_URI"):
        mlflow.set_tracking_uri(f"sqlite:///{(root / 'mlflow.db').resolve()}")
    return _started(MLflowTracker(project, logging_dir=str((root / "mlflow").resolve()), run_name=run))


def _started(tracker: Any) -> Any:
    tracker.start()
    return tracker


KINDS = {
    "tensorboard": Kind("tensorboard", _tensorboard, "torch.utils.tensorboard"),
    "wandb": Kind("wandb", _wandb, "wandb"),
    "mlflow": Kind("mlflow", _mlflow, "mlflow"),
}
