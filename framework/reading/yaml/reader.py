"""YAML as a config file's own consumer reads it: parsed, then composed and resolved as Hydra and OmegaConf would."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path as FilePath

from framework.reading.nodes import Document
from framework.reading.scalars import Rules
from framework.reading.yaml.parsing import read_yaml

SUFFIXES = (".yaml", ".yml")
READERS = ("yaml-1.2", "pyyaml", "omegaconf")
"""How the file may be read; the first one where nothing else is said."""


def read(path: FilePath | str, shown: str, reader: Rules, bases: Sequence[str] = ()) -> Document:
    """The format's entry: :func:`read_yaml`, with base files, interpolations and Hydra's defaults resolved where they
    can be. ``bases`` are further keys under which such a file names its bases."""
    document = read_yaml(path, shown, reader)
    if "_BASE_" in document.text or "_base_" in document.text or any(f"{key}:" in document.text for key in bases):
        from framework.reading.layers.base_files import OWN_WORDS, over_bases

        keys = (*OWN_WORDS, *bases)
        document = over_bases(document, FilePath(path), keys, lambda base, name: read_yaml(base, name, reader))
    if reader in ("yaml-1.2", "omegaconf"):
        if "defaults:" in document.text:
            from framework.reading.hydra.composition import composed

            document = composed(document, FilePath(path))
        if "MULTIRUN" in document.text or (document.homes and document.node(("hydra", "sweeper")) is not None):
            from framework.reading.hydra.sweeps import swept

            document = swept(document)
        if "${" in document.text or document.homes:
            from framework.reading.interpolation import interpolate

            interpolate(document)
    return document
