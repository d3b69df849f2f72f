"""Which files of a repository may be configs: bounded, inside the folder, none that is known to be no config."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path as FilePath

from framework.reading.formats import readable

SUFFIXES = (
    ".yaml",
    ".yml",
    ".json",
    ".toml",
    ".sh",
    ".bash",
    ".slurm",
    ".sbatch",
    ".py",
    ".ipynb",
    ".ini",
    ".cfg",
    ".conf",
    ".gin",
)
DOCUMENTS = (".md", ".markdown")
"""Files for people, which may say in words what a training is."""
PROGRAMS = (".py", ".ipynb")
"""Files that hold a program, of which only some sections are settings."""
_FOLDERS = frozenset(
    str.split(
        "node_modules venv env site-packages __pycache__ build dist wandb mlruns runs outputs output results"
        " result logs log checkpoints ckpts lightning_logs multirun tests test testing __tests__ unittests doc"
        " docs _build site docker third_party thirdparty vendor vendors external submodules ci assets figures"
        " images licenses deploy"
    )
)
"""Folders that hold no config of the experiment itself; so do all whose name starts with a dot."""
_FILES = frozenset(
    str.split(
        "package package-lock npm-shrinkwrap tsconfig jsconfig composer bower lerna mkdocs codecov appveyor"
        " environment conda conda-env meta pyproject cargo pipfile poetry pnpm-lock yarn setup conftest noxfile"
        " fabfile dodo versioneer azure-pipelines bitbucket-pipelines cloudbuild renovate dependabot action"
        " netlify vercel readthedocs citation codemeta labels chart kustomization tokenizer tokenizer_config"
        " special_tokens_map added_tokens vocab merges generation_config preprocessor_config trainer_state"
        " all_results train_results eval_results predict_results dataset_info dataset_infos datapackage manifest"
        " index config_sentence_transformers modules model_index"
    )
)
"""Names, without their suffix, of package manifests, CI configs, lock files, and what tools write."""
_NO_CONFIG = re.compile(r"(?:^|[-_.])(?:lock|compose|requirements|schema|workflow)(?:$|[-_.])|^tests?[-_]|[-_]tests?$")
LARGEST = 256 * 1024
"""Bytes above which a file is data and no config."""
MOST = 20_000
"""Files after which the search ends."""


def candidates(
    root: FilePath, suffixes: tuple[str, ...] = SUFFIXES, known: Collection[str] = frozenset()
) -> Iterator[FilePath]:
    """The files below a folder that may be configs, by path; none that is ``known`` by its name in its resolved
    folder."""
    real = root.resolve()
    seen = 0
    for folder, folders, files in os.walk(root, followlinks=False):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and name.casefold() not in _FOLDERS
            and not (FilePath(folder) / name / "pyvenv.cfg").exists()
        )
        known_as = os.path.realpath(folder)
        for name in sorted(files):
            seen += 1
            if seen > MOST:
                return
            if not may_be_config(name, suffixes) or os.path.join(known_as, name) in known:
                continue
            path = FilePath(folder, name)
            if not readable(path) or (path.is_symlink() and not path.resolve().is_relative_to(real)):
                continue
            if path.is_file() and path.stat().st_size <= LARGEST:
                yield path


def may_be_config(name: str, suffixes: tuple[str, ...] = SUFFIXES) -> bool:
    """Whether a file of this name may be a config: no test, package manifest, lock file or CI config."""
    stem, suffix = os.path.splitext(name.casefold())
    if name.startswith(".") or suffix not in suffixes:
        return False
    return suffix in DOCUMENTS or (stem not in _FILES and not _NO_CONFIG.search(stem))
