"""Whether repositories of the Hugging Face hub can be had: cached, or reachable within a moment."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from huggingface_hub import HfApi, constants, try_to_load_from_cache
from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.file_download import repo_folder_name

SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository on the hub."""

    kind: Literal["model", "dataset"]
    name: str
    revision: str | None


def missing_repositories(repositories: Iterable[Repository]) -> dict[Repository, str]:
    """The repositories that are neither cached nor can be reached, and why.

    All are asked for at once, in threads that nobody waits for after the deadline: looking up a host's name cannot be
    given a timeout. With `HF_HUB_OFFLINE` nothing is asked.
    """
    unknown = [repository for repository in repositories if not is_cached(repository)]
    if constants.is_offline_mode():
        return dict.fromkeys(unknown, "not cached, and HF_HUB_OFFLINE forbids to ask the hub")
    answers: dict[Repository, str | None] = {}
    threads = [threading.Thread(target=_ask, args=(one, answers), daemon=True) for one in unknown]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + SECONDS
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    late = f"not cached, and {constants.ENDPOINT} does not answer within {SECONDS:g} s"
    reasons = {repository: answers.get(repository, late) for repository in unknown}
    return {repository: reason for repository, reason in reasons.items() if reason is not None}


def _ask(repository: Repository, answers: dict[Repository, str | None]) -> None:
    try:
        HfApi().repo_info(repository.name, repo_type=repository.kind, revision=repository.revision, timeout=SECONDS)
        answers[repository] = None
    except RevisionNotFoundError:
        answers[repository] = f"the hub has no revision {repository.revision} of it"
    except GatedRepoError:
        answers[repository] = "the hub wants a login with access to it"
    except RepositoryNotFoundError:
        answers[repository] = "the hub has no such repository, or not for everybody"
    except Exception as problem:  # the network stack raises errors of many kinds
        answers[repository] = f"not cached, and {constants.ENDPOINT} cannot be reached ({type(problem).__name__})"


def is_cached(repository: Repository) -> bool:
    """Whether a whole model, or any data of a dataset, is in the local caches."""
    if repository.kind == "dataset" and any(_datasets_cache(repository).glob("*/**/*.arrow")):
        return True
    folder = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=repository.name, repo_type=repository.kind)
    for snapshot in folder.glob(f"snapshots/{repository.revision or '*'}"):
        if repository.kind == "dataset":
            return any(path.is_file() for path in snapshot.rglob("*"))
        if (snapshot / "config.json").exists() and any(snapshot.glob("*.safetensors")):
            return True
    return False


def cached_commit(name: str, revision: str | None) -> str | None:
    """The commit of a model's repository that its cached config.json is from; None where it is not cached."""
    found = try_to_load_from_cache(name, "config.json", revision=revision, cache_dir=constants.HF_HUB_CACHE)
    return Path(found).parent.name if isinstance(found, str) else None


def _datasets_cache(repository: Repository) -> Path:
    root = os.environ.get("HF_DATASETS_CACHE") or Path(constants.HF_HOME) / "datasets"
    return Path(root) / repository.name.replace("/", "___")
