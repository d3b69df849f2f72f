"""The command line: one file per command, each thin over the Python interface.

Exit codes: 0 conforms or done; 1 findings, a stale document or a failed run; 2 the question could not be asked;
101 a bug in the program.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

from framework.cli import console
from framework.errors import FrameworkError

COMMANDS = ("check", "plan", "run", "reproduce", "verify", "docs")
CONFORMS, FINDINGS, REFUSED, INTERRUPTED, BUG = 0, 1, 2, 130, 101


def run(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    try:
        parser = _parser(arguments)
        options = parser.parse_args(arguments)
        if not hasattr(options, "command"):
            parser.print_help()
            return REFUSED
        return int(options.command(options))
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else REFUSED
    except FrameworkError as problem:
        console.refusal(problem)
        return REFUSED
    except KeyboardInterrupt:
        console.note("interrupted; what was finished is kept")
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return CONFORMS
    except Exception:
        traceback.print_exc()
        console.note("this is a bug in framework, not in your files: please report the lines above")
        return BUG


def _parser(arguments: list[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="framework",
        description="Hold configs, runs, checkpoints and documents to one manifest, clause by clause.",
    )
    parser.add_argument("--version", action="version", version=f"framework {_version()}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    asked = next((argument for argument in arguments if argument in COMMANDS), None)
    for name in COMMANDS if asked is None else (asked,):
        module = import_module(f"framework.cli.{name}")
        command = commands.add_parser(name, help=module.HELP, description=module.__doc__)
        command.add_argument(
            "--manifest", metavar="FILE", default="experiment.yaml", help="the manifest (default: experiment.yaml)"
        )
        module.add_arguments(command)
        command.set_defaults(command=module.main)
    return parser


def _version() -> str:
    try:
        return version("experiment-framework")
    except PackageNotFoundError:
        return "(not installed)"
