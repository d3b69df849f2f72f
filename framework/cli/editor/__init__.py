"""Serve an editor over standard input and output, by the Language Server Protocol: drift in bound configs and the
manifest as it is typed, what the manifest states at a key, a quick fix, and the way to the other side. It writes no
file. Manifests are found above each file that is opened; `--manifest` names one that is called otherwise."""

from __future__ import annotations

import argparse

HELP = "serve an editor (Language Server Protocol)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stdio", action="store_true", help="what is done anyway: editors say it")


def main(options: argparse.Namespace) -> int:
    from pathlib import Path

    from framework.editor.server import Server
    from framework.manifest.experiment import MANIFEST

    Server(None if options.manifest == MANIFEST else Path(options.manifest)).run()
    return 0
