"""Pack the study into one ZIP, an RO-Crate: manifest, configs, evidence, seals, documents. `framework verify --bundle`
holds it anywhere."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

from framework.cli.checking.answers import Recorder
from framework.cli.options import loaded
from framework.cli.terminal import console
from framework.errors import UsageError

HELP = "pack manifest, configs and evidence into one file that is verified anywhere"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the bundle to write, such as study.zip")
    parser.add_argument("--with-models", action="store_true", help="the tensors of models, too, and not their hashes")
    parser.add_argument("--agent", action="append", metavar="NAME", help="who made the runs (default: the authors)")
    parser.add_argument("--license", metavar="TEXT", help="the licence of what is packed, best a URL of spdx.org")
    parser.add_argument("--force", action="store_true", help="replace a file that is there")
    parser.set_defaults(set=[], profile=None)


def main(options: argparse.Namespace) -> int:
    import rocrate  # noqa: F401  # before the long work, so that its absence is told at once

    from framework import api
    from framework.exporters.bundles.packing import write_bundle

    output = Path(options.file)
    if output.exists() and not options.force:
        raise UsageError(f"{output} is there already: --force replaces it")
    if not output.absolute().parent.is_dir():
        raise UsageError(f"there is no folder {output.absolute().parent}")
    recorder = Recorder(states=True)
    try:
        experiment = loaded(options)
        result = api.verify(experiment, api.plan(experiment))
    finally:
        recorder.stop()
    if result.finished == 0:
        raise UsageError(f"{experiment.runs} holds no finished run of this plan: there is nothing to hold a bundle to")
    agents = options.agent or experiment.stated.paper.authors
    read = recorder.paths()
    contents, sha256 = write_bundle(experiment, read, output, options.with_models, agents, options.license)
    size = output.stat().st_size
    console.literal(f"wrote {output}: {len(contents.files):,} files, {size / 1e6:,.1f} MB")
    if contents.left_out:
        console.literal(f"  not in it: {len(contents.left_out):,} files of models, by their hashes; see --with-models")
    console.literal(f"  sha256 {sha256}")
    return 0


@contextmanager
def opened(options: argparse.Namespace) -> Iterator[None]:
    """While the block runs, the manifest is that of the bundle which the options name, in a folder of its own.

    Raises:
        UsageError: another option makes no sense of a bundle.
        InputError: the bundle is not whole, or not what it says.
    """
    from framework.evidence.bundles.left_out import left_out
    from framework.evidence.bundles.opened import unpack

    if options.fix or options.quick:
        raise UsageError("--bundle: a bundle is read, whole and as it is: neither --fix nor --quick is for it")
    file = Path(options.bundle)
    if not file.is_file():
        raise UsageError(f"--bundle: there is no file {file}")
    with tempfile.TemporaryDirectory(prefix="bundle-") as folder:
        bundle = unpack(file, Path(folder).resolve())
        console.note(f"{file}: sha256 {bundle.sha256}")
        if bundle.left_out:
            console.note(f"  {len(bundle.left_out):,} files of models are not in it: what they say is unverified")
        for name in ("allowed_signers", "authorities"):
            if getattr(options, name) is not None:
                setattr(options, name, str(Path(getattr(options, name)).absolute()))
        options.manifest = str(bundle.manifest.relative_to(Path(folder).resolve()))
        with chdir(folder), left_out(bundle.left_out):  # so that places are told as in the project
            yield
