"""Print the JSON schema of the manifest, for editors: completion, descriptions, and errors while typing."""

from __future__ import annotations

import argparse
import sys

HELP = "print the JSON schema of the manifest"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", metavar="FILE", help="write it to a file")


def main(options: argparse.Namespace) -> int:
    from framework.output.schema import schema_text

    text = schema_text()
    if options.output is None:
        sys.stdout.write(text)
    else:
        from pathlib import Path

        from framework.evidence.atomic import write_text

        write_text(Path(options.output), text)
    return 0
