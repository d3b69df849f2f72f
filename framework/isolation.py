"""Which `runners` and `reports` a command uses: the ones beside this package, whatever the current folder holds.

Commands are run inside other projects, and most of those have folders of their own called `reports`, `runners`,
`datasets` or `utils`, which `python -m` and `PYTHONPATH=.` put in front of everything that is installed. Nothing
happens on `import framework`: a notebook keeps its own `reports`.

Nothing but what every interpreter has loaded anyway is imported here, since this runs before each command.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

OWN = ("reports", "runners")
"""The top-level packages that are ours beside `framework`."""

_HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class _OwnPackages:
    """Finds the packages of :data:`OWN` in the folder that holds this one, and nowhere else."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in OWN:
            return None
        spec = PathFinder.find_spec(name, [_HOME])
        if spec is None or spec.loader is None:
            raise ModuleNotFoundError(f"the package {name!r} is missing beside {_HOME}/framework", name=name)
        return spec


def isolate() -> None:
    """Make this process use our packages and the installed ones, not what lies in the current folder.

    That folder and the entries of PYTHONPATH stay importable, behind everything else: a plugin that is found
    only there still is.
    """
    if _OwnPackages not in sys.meta_path:
        sys.meta_path.insert(0, _OwnPackages)
    sys.path[:] = _reordered(sys.path, os.environ.get("PYTHONPATH", ""))


def own(name: str) -> ModuleType:
    """Import `runners`, `reports` or a module below one of them: ours, also in a process that is not isolated.

    Raises:
        UsageError: another package of that name is already imported in this process, or what ours needs is not
            installed.
    """
    top = name.partition(".")[0]
    try:
        if top not in sys.modules:
            _import_ours(top)
        file = _file(sys.modules[top])
        if os.path.dirname(os.path.realpath(file)) == os.path.realpath(os.path.join(_HOME, top)):
            return import_module(name)
        problem = (
            f"this process has already imported another package named {top!r}, from {file}, which hides the one of "
            "this framework; start a new process that does not import it first"
        )
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.partition(".")[0] in ("framework", *OWN):
            raise
        extra = EXTRAS.get(missing.name.partition(".")[0], "reports" if top == "reports" else "all")
        problem = f"{missing.name!r} is not installed: {to_install(extra)}"
    from framework.errors import UsageError

    raise UsageError(problem)


EXTRAS = {
    "numpy": "verify",
    "scipy": "reports",
    "matplotlib": "reports",
    "optuna": "sweeps",
    "cmaes": "sweeps",
    "torch": "run",
    "transformers": "run",
    "accelerate": "run",
    "peft": "run",
    "datasets": "run",
    "tokenizers": "run",
    "safetensors": "run",
    "huggingface_hub": "run",
    "pyarrow": "run",
    "rocrate": "bundle",
    "pygls": "editor",
    "lsprotocol": "editor",
}
"""Which extra of this distribution brings a package that only some commands need."""


def missing_extra(missing: ModuleNotFoundError) -> str | None:
    """What to install where a package is missing that an extra brings; None for any other."""
    package = (missing.name or "").partition(".")[0]
    if package not in EXTRAS:
        return None
    return f"{package!r} is not installed, and this needs it: {to_install(EXTRAS[package])}"


def to_install(extra: str) -> str:
    """What to call for an extra of this package, which is on no index: its checkout, where it runs from one."""
    if os.path.isfile(os.path.join(_HOME, "pyproject.toml")):
        return f"pip install '{_HOME}[{extra}]'"
    return f"pip install '.[{extra}]' in a checkout of the framework"


def _import_ours(top: str) -> None:
    isolated = _OwnPackages in sys.meta_path
    if not isolated:
        sys.meta_path.insert(0, _OwnPackages)
    try:
        import_module(top)
    finally:
        if not isolated:
            sys.meta_path.remove(_OwnPackages)


def _reordered(entries: Sequence[str], pythonpath: str) -> list[str]:
    """The entries of a search path, those of the current folder and of PYTHONPATH last, ours before the others."""
    here = os.path.realpath("")
    last = {here, *(os.path.realpath(entry) for entry in pythonpath.split(os.pathsep))}
    home = os.path.realpath(_HOME)

    def rank(entry: str) -> int:
        folder = os.path.realpath(entry)
        if folder not in last or os.path.basename(folder) in ("site-packages", "dist-packages"):
            return 0
        return 1 if folder == home else 2

    return sorted(entries, key=rank)


def _file(module: ModuleType) -> str:
    """Where a module comes from; for a namespace package, its first folder."""
    return getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), "")
