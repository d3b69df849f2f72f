"""Facts that have no clause of their own: which keys of a config are hyperparameters, and what they are called."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from typing import Any

from framework.dialects.key_tables import interpolated
from framework.dialects.synonyms import ELSEWHERE, normal
from framework.dialects.terms import words
from framework.dialects.trainers.general.generic import SILENT
from framework.names import Path

ALSO = {
    name: fact
    for fact, names in {
        "optimizer.learning_rate": "lrate learningrate peak_lrate",
        "optimizer.betas[0]": "adam_b1 b1 beta_one",
        "optimizer.betas[1]": "adam_b2 b2 beta_two",
        "epochs": "epoch nepochs nepoch n_epoch num_epoch max_epoch total_epoch training_epochs",
        "max_steps": "training_steps n_steps num_steps train_iterations num_iterations",
        "batch_size": "bsize bsz batchsize minibatch_size mini_batch_size batch train_bs",
        "optimizer.momentum": "momentum sgd_momentum",
        "optimizer.weight_decay": "l2_reg weight_decay_rate",
        "optimizer.eps": "optimizer_eps adam_eps",
    }.items()
    for name in names.split()
}
"""Names that home-grown files have for what dialects only know by others: bound by an explicit key."""
_NO_FACT = frozenset(
    words(
        "path paths dir dirs directory folder file files filename root log logs logger logging logdir save saved saving"
        " ckpt ckpts checkpoint checkpoints wandb tensorboard comet mlflow neptune project entity tag tags"
        " group notes note device devices gpu gpus cuda cpu rank nodes worker workers thread threads port url uri host"
        " address debug verbose verbosity resume resumed restart print cache cached tmp output outputs out id ids uuid"
        " version user username email token password key keys secret seed seeds author description comment help title"
        " plot plots visualize visualise vis video render display show progress bar backend nproc nnodes dist"
        " distributed master local partition account job qos mail time timeout slurm launcher prefetch pin persistent"
        " overwrite force dry profile profiler benchmark deterministic eval evaluate evaluation val valid validation"
        " test testing frequency freq interval every download upload push repo revision hub trust remote ddp fsdp"
        " deepspeed compile jit amp apex local_rank pretrained load module import class target component type_ template"
        " fn func function callback callbacks monitor extension ext suffix prefix script entrypoint command cmd"
        " exp experiment run accelerator strategy num_nodes"
    )
)
"""Words of a key that say it is a path, a name, logging, a machine or an evaluation, and no hyperparameter."""
_TELLING = frozenset(
    words(
        "lr lrs lrate rate learning epoch epochs nepochs batch bsz bsize batchsize minibatch optim optimizer"
        " optimiser opt step steps iters iterations decay momentum warmup scheduler schedule loss lambda dropout"
        " hidden dim dims layers heads gamma beta betas alpha tau temperature weight weights horizon horizons clip"
        " grad entropy coef kl embed patience discount reg regularization penalty"
    )
)
"""Words of keys that a config of a training has, and of another file hardly two."""
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_PLAIN_TEXT = re.compile(r"[\w.+@-]+(?: [\w.+@-]+){0,2}")
_FILE = re.compile(r"\.(?:\w*[a-z]\w*)$")
LONGEST_TEXT, LONGEST_LIST = 32, 32
_WRAPPERS = frozenset(
    words(
        "train training trainer config cfg conf args arguments hparams params parameters default defaults base common"
        " hyperparameters hyperparams hyperparameter settings experiment exp general options kwargs init_args"
    )
)
"""Sections that only group keys: the names of their keys say all."""


def whole_leaves(data: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value of plain data with its place; a list without mappings in it is one value: `[[1, 3], [1, 5]]`."""
    if isinstance(data, dict) and data:
        for key, value in data.items():
            yield from whole_leaves(value, (*path, key))
    elif isinstance(data, list) and _has_mapping(data):
        for index, value in enumerate(data):
            yield from whole_leaves(value, (*path, index))
    else:
        yield path, data


def _has_mapping(items: list[Any]) -> bool:
    return any(isinstance(each, dict) or (isinstance(each, list) and _has_mapping(each)) for each in items)


def words_of(name: str) -> list[str]:
    """The words of a key, in lower case: of `numEpochs` and `num_epochs` they are the same."""
    return [word.casefold() for word in _WORD.findall(name)]


def telling(name: str) -> bool:
    """Whether a key's name is one that a training's config has."""
    return bool(_TELLING & set(words_of(name)))


def is_setting(path: Path, value: Any) -> bool:
    """Whether what stands at a path is a hyperparameter, by its names and its value."""
    names = [part for part in path if isinstance(part, str)]
    if not names or any(isinstance(part, int) for part in path):
        return False
    if any(normal(name) in ELSEWHERE or name.startswith("_") for name in names):
        return False
    if normal(names[-1]) in SILENT or (
        (words_of(names[-1]) or [""])[-1] in ("name", "names") and names[-1] != "dataset_name"
    ):
        return False
    if any(_NO_FACT & set(words_of(name)) for name in names[-2:]):
        return False
    return is_value(value)


def is_value(value: Any) -> bool:
    """Whether a value is a hyperparameter's: a number, a word, a switch or a list of them."""
    if isinstance(value, bool):
        return True
    if isinstance(value, (int, float)):
        return math.isfinite(value)
    if isinstance(value, str):
        short = len(value) <= LONGEST_TEXT and _PLAIN_TEXT.fullmatch(value) is not None
        return short and not interpolated(value) and not _FILE.search(value)
    if isinstance(value, list):
        return 0 < len(value) <= LONGEST_LIST and all(is_value(item) for item in value)
    return False


def settings_path(path: Path, wrapped: Iterable[str] = ()) -> Path:
    """Where a setting stands below `settings`: under its own names, without sections that only group keys, and without
    ``wrapped`` ones."""
    outer = set(wrapped)
    names = [str(part).lstrip("-") for part in path]
    while len(names) > 1 and (names[0] in outer or path[0] in outer or normal(names[0]) in _WRAPPERS):
        names, path = names[1:], path[1:]
    last = names[-1].replace("-", "_") if str(path[-1]).startswith("-") else names[-1]
    return (*names[:-1], last)


def alike(one: str, other: str) -> bool:
    """Whether two names mean one setting: `penalty coefficient` and `penalty_coef`, word by word."""
    first, second = words_of(one), words_of(other)
    if "".join(first) == "".join(second):
        return True
    return len(first) == len(second) and all(
        _short_for(a, b) or _short_for(b, a) for a, b in zip(first, second, strict=True)
    )


def _short_for(short: str, long: str) -> bool:
    return short == long or (len(short) >= 3 and long.startswith(short)) or (long.rstrip("s") == short.rstrip("s"))
