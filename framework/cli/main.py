"""The command line: one file per command, each thin over the Python interface.

Exit codes: 0 conforms or done; 1 findings, a stale document or a failed run; 2 the question could not be asked;
101 a bug in the program.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    import argparse

COMMANDS = {
    "status": "inspecting.status",
    "check": "check",
    "sweep": "sweep",
    "plan": "plan",
    "run": "run",
    "find": "find",
    "watch": "inspecting.watch",
    "reproduce": "reproduce",
    "adopt": "adopt",
    "verify": "verify",
    "seal": "seal",
    "docs": "docs",
    "runs": "inspecting.runs",
    "show": "inspecting.show",
    "compare": "inspecting.side_by_side",
    "analyse": "analyse",
    "diff": "inspecting.diff",
    "gc": "inspecting.gc",
    "mask": "mask",
    "data": "data",
    "schema": "schema",
    "explain": "explain",
    "init": "init",
    "export": "export",
    "bundle": "bundle",
    "completion": "completion",
    "lsp": "editor",
}
"""The commands, in the order of the help, and the module below this folder that each is in."""
_KEEPING = ("check", "plan", "verify", "docs", "runs", "analyse", "diff", "status", "watch", "show", "compare", "gc")
MANIFEST = "experiment.yaml"
CONFORMS, FINDINGS, REFUSED, INTERRUPTED, UNHEARD, BUG = 0, 1, 2, 130, 141, 101


def run(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    if arguments[:1] == ["check"] or (arguments[:1] == ["verify"] and "--quick" in arguments):
        # Before all else, and before anything that takes time to import.
        from framework.cli.checking.answers import replay

        if (answer := replay(arguments)) is not None:
            return _say(*answer)
    if arguments[:1] in ([name] for name in _KEEPING):
        _keep_all()
    _end_at_once()
    return _run(arguments)


def _keep_all() -> None:
    """What such a command makes stays until its end: looking for garbage every few hundred objects finds none."""
    import gc

    gc.set_threshold(100_000, 20, 100)


def _end_at_once() -> None:
    """Looking through all that is there for garbage at the end of the process takes longer than many a command did:
    two seconds, once torch and transformers are imported."""
    import atexit
    import gc

    atexit.register(gc.freeze)


def _say(output: str, code: int) -> int:
    try:
        sys.stdout.write(output)
        sys.stdout.flush()
    except BrokenPipeError:
        _stop_writing()
    return code


def _stop_writing() -> None:
    """What is still to be written goes nowhere: the reader is gone, and the interpreter would complain at its end."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _told(code: int) -> int:
    """The exit code, with the answer written to the end."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _stop_writing()
    return code


def _run(arguments: list[str]) -> int:
    from framework.errors import FrameworkError, UsageError
    from framework.isolation import missing_extra

    options = None
    try:
        parser = parser_of(arguments)
        options = parser.parse_args(_keys_as_words(arguments))
        if not hasattr(options, "command"):
            parser.print_help()
            return REFUSED
        options.arguments = arguments
        options.passed_by = []
        if options.manifest == MANIFEST and _asked_of_a_project(options):
            options.manifest, options.passed_by = _above()
        return _told(int(options.command(options)))
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else REFUSED
    except FrameworkError as problem:
        from framework.cli.terminal import console

        console.refusal(problem, options)
        # Bad input and a bad request have types of their own; what else stops a command is a run that failed.
        return FINDINGS if type(problem) is FrameworkError else REFUSED
    except BrokenPipeError:
        # In the middle of an answer, so that there is no verdict: as if the signal had ended it, and never a pass.
        _stop_writing()
        return UNHEARD
    except ModuleNotFoundError as missing:
        from framework.cli.terminal import console

        if (advice := missing_extra(missing)) is None:
            return _bug()
        console.refusal(UsageError(advice), options)
        return REFUSED
    except OSError as problem:
        from framework.cli.terminal import console

        where = f"{problem.filename}: " if problem.filename is not None else ""
        console.refusal(FrameworkError(f"{where}{problem.strerror or problem}"), options)
        return REFUSED
    except KeyboardInterrupt:
        from framework.cli.terminal import console

        console.note("interrupted; what was finished is kept")
        return INTERRUPTED
    except Exception:
        return _bug()


def _bug() -> int:
    import traceback

    from framework.cli.terminal import console

    traceback.print_exc()
    console.note("this is a bug in framework, not in your files: please report the lines above")
    return BUG


def _keys_as_words(arguments: list[str]) -> list[str]:
    """`explain --value run.sh --lr`: the flag is a key of the script, and no option of this program."""
    if arguments[:1] != ["explain"] or "--value" not in arguments:
        return arguments
    at = arguments.index("--value") + 2
    return [*arguments[:at], *(key.lstrip("-") for key in arguments[at : at + 1]), *arguments[at + 1 :]]


def _asked_of_a_project(options: argparse.Namespace) -> bool:
    """Whether a command is about the manifest of the folder that it is called in, or of one above."""
    return options.command.__module__.rpartition(".")[2] not in ("init", "schema", "explain", "completion", "editor")


def _above() -> tuple[str, list[str]]:
    """The manifest of this folder or of the nearest one above, up to the root of the repository, as seen from here; and
    the paths at which there is none."""
    import os

    name, missing = MANIFEST, []
    while not os.path.lexists(name):
        here = os.path.abspath(os.path.dirname(name))
        missing.append(os.path.join(here, MANIFEST))
        if os.path.lexists(os.path.join(here, ".git")) or os.path.dirname(here) == here:
            return MANIFEST, missing
        name = os.path.join("..", name)
    return name, missing


def parser_of(arguments: list[str] | None = None) -> argparse.ArgumentParser:
    """The parser of all commands, or of the one that some arguments ask for: the others are not imported then."""
    import argparse
    from importlib import import_module

    class Version(argparse.Action):
        """Asks for the version only when somebody wants it: that takes longer than a check."""

        def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
            from framework.version import installed_version

            print(f"framework {installed_version() or '(not installed)'}")
            parser.exit()

    class Parser(argparse.ArgumentParser):
        """Tells a program that asked for a format of its own what is wrong with the question, too."""

        def error(self, message: str) -> NoReturn:
            _say_to_programs(message, arguments or [])
            super().error(message)

    class Formatter(argparse.HelpFormatter):
        """Knows the width of the terminal without `shutil`, whose import takes longer than parsing the options."""

        def __init__(self, prog: str):
            super().__init__(prog, width=_width() - 2)

    parser = Parser(
        prog="framework",
        description="Hold configs, runs, checkpoints and documents to one manifest, clause by clause.",
        formatter_class=Formatter,
    )
    parser.add_argument("--version", nargs=0, action=Version, help="show the version and end")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", prog=parser.prog)
    asked = next((argument for argument in arguments or () if argument in COMMANDS), None)
    for name in COMMANDS if asked is None else (asked,):
        module = import_module(f"framework.cli.{COMMANDS[name]}")
        command = commands.add_parser(name, help=module.HELP, description=module.__doc__, formatter_class=Formatter)
        command.add_argument(
            "--manifest",
            metavar="FILE",
            default=MANIFEST,
            help=f"the manifest (default: {MANIFEST} in this folder, or in the nearest one above)",
        )
        module.add_arguments(command)
        command.set_defaults(command=module.main)
    return parser


def _say_to_programs(message: str, arguments: list[str]) -> None:
    """A command that could not be read, in the format that it names: an empty answer would be taken for one."""
    import argparse

    from framework.cli.terminal.console import for_programs
    from framework.errors import FrameworkError

    asked = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    asked.add_argument("--format", default="text")
    try:
        named, _ = asked.parse_known_args(arguments)
    except argparse.ArgumentError:  # no format after `--format`
        return
    if (text := for_programs(FrameworkError(message), named)) is not None:
        sys.stdout.write(text)


def _width() -> int:
    """Columns of the terminal, as `shutil.get_terminal_size` says."""
    import os

    try:
        columns = int(os.environ["COLUMNS"])
    except (KeyError, ValueError):
        columns = 0
    if columns > 0:
        return columns
    try:
        assert sys.__stdout__ is not None
        return os.get_terminal_size(sys.__stdout__.fileno()).columns or 80
    except (AttributeError, ValueError, OSError, AssertionError):
        return 80
