"""YAML as a config file's own consumer reads it: parsed, then composed and resolved as Hydra and OmegaConf would."""

from __future__ import annotations

from pathlib import Path as FilePath

from framework.reading.nodes import Document
from framework.reading.scalars import Rules
from framework.reading.yaml.parsing import read_yaml

SUFFIXES = (".yaml", ".yml")
READERS = ("yaml-1.2", "pyyaml", "omegaconf")
"""How the file may be read; the first one where nothing else is said."""


def read(path: FilePath | str, shown: str, reader: Rules) -> Document:
    """The format's entry: :func:`read_yaml`, with interpolations and Hydra's defaults resolved where they can be."""
    document = read_yaml(path, shown, reader)
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
