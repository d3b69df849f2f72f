"""Alternatives of one phase: what all its trainings state, what each has of its own, and what tells them apart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Literal

from framework.conformance.meaning import same
from framework.dialects.synonyms import normal
from framework.dialects.terms import leaves, words
from framework.drafting.clauses_of_trainings import Clauses, clauses_beside, clauses_of, excluded
from framework.drafting.stated import Evidence, Stating
from framework.drafting.trainings import Arranged, Training

Kind = Literal["", "tasks", "variants"]
MOST = 24
"""Alternatives after which they are too many to be a comparison."""
_DATA_KEYS = frozenset(words("dataset dataset_name data data_name task task_name env env_name env_id benchmark corpus"))
_MODEL_KEYS = frozenset(
    words("model model_name arch architecture backbone network net model_size model_name_or_path base_model encoder")
)
_DATASETS = frozenset(
    words(
        "cifar cifar10 cifar100 imagenet imagenet1k imagenet21k tinyimagenet mnist fashionmnist svhn stl10 celeba"
        " coco voc ade20k cityscapes kitti nuscenes lsun ffhq wikitext wikitext2 wikitext103 ptb enwik8 text8"
        " openwebtext c4 pile squad cola mnli mrpc qnli qqp rte sst2 stsb wnli gsm8k boolq hellaswag mmlu alpaca"
        " imdb agnews librispeech ljspeech vctk hopper halfcheetah walker walker2d ant humanoid cartpole pong"
        " breakout atari pendulum antmaze cora citeseer pubmed ogbn arxiv zinc qm9 etth1 etth2 ettm1 ettm2"
        " electricity traffic weather movielens"
    )
)
"""Names of data and environments that say so by themselves."""
_VAGUE = frozenset(
    words(
        "config configs conf cfg exp exps experiment experiments run runs test new old final tmp temp copy train"
        " training trainer params args settings default defaults my the main file setup script launch job first"
        " second third one two three foo bar baz demo example examples yaml json toml"
    )
)
_SIZE = re.compile(r"\d+(?:\.\d+)?[mbk]|v\d+|[a-z]+\d+|\d+[a-z]+")


@dataclass
class Split:
    """The clauses of a phase, and those of its alternatives."""

    shared: Clauses
    kind: Kind = ""
    own: dict[str, Clauses] = field(default_factory=dict)
    """By alternative, what it has of its own: a task's or a variant's."""
    differing: Clauses = field(default_factory=dict)
    """What they state differently, where nothing tells what they are."""
    names: dict[str, str] = field(default_factory=dict)
    """File -> the alternative that it is."""
    stated: bool = False
    """Whether they are a statement's, and not those of files."""


def split(arranged: Arranged, phase: str, count: int, datasets: dict[str, str]) -> Split:
    """Sort the clauses of a phase; ``datasets`` are those that files name by their repositories."""
    trainings = arranged.phases[phase]
    beside = arranged.companions.get(phase, ())
    if len(trainings) == 1:
        return Split(_with_dataset(clauses_of(trainings[0], beside, count), trainings[0], datasets))
    kind, names = called(trainings)
    each = [_with_dataset(clauses_of(training, (), count), training, datasets) for training in trainings]
    made = Split({}, kind, {name: {} for name in names} if kind else {})
    if kind:
        made.names = {training.main.name: name for training, name in zip(trainings, names, strict=True)}
        made.names |= {one.name: made.names[t.main.name] for t in trainings for one in t.companions}
    for clause in dict.fromkeys(clause for clauses in each for clause in clauses):
        held = [clauses[clause] for clauses in each if clause in clauses]
        agree = all(same(found[0].value, held[0][0].value) for found in held[1:])
        if agree and len(held) == len(each):
            made.shared[clause] = _merged(held)
        elif kind:
            for name, clauses in zip(names, each, strict=True):
                made.own[name].update({clause: clauses[clause]} if clause in clauses else {})
        elif agree and not excluded(clause, made.shared) and not _rivals(clause, held, trainings):
            made.shared[clause] = _merged(held)
        else:
            made.differing[clause] = _merged(held) + _rivals(clause, held, trainings)
    _add_beside(made, clauses_beside(beside, count))
    return made


def _with_dataset(clauses: Clauses, training: Training, datasets: dict[str, str]) -> Clauses:
    """The clauses with the dataset that a file names by its repository."""
    for each in (training.main, *training.companions):
        if each.name in datasets and "dataset" not in clauses and not training.tasks:
            hub = each.project["dataset.hub"]
            return {"dataset": [Evidence(datasets[each.name], hub.file, hub.line, hub.path, hub.home)], **clauses}
    return clauses


def _add_beside(made: Split, clauses: Clauses) -> None:
    """What goes beside all alternatives is said about all; what one of them says otherwise is its own."""
    for clause, evidence in clauses.items():
        if clause in made.shared:
            made.shared[clause] += [each for each in evidence if each not in made.shared[clause]]
        elif not excluded(clause, made.shared) and not any(
            clause in one for one in (made.differing, *made.own.values())
        ):
            made.shared[clause] = evidence


def _merged(held: Iterable[list[Evidence]]) -> list[Evidence]:
    """All evidence, that of the first training first."""
    found: list[Evidence] = []
    for evidence in held:
        found += [each for each in evidence if each not in found]
    return found


def _rivals(clause: str, held: list[list[Evidence]], trainings: list[Training]) -> list[Evidence]:
    """What trainers take otherwise where the file of a training does not state the clause."""
    silent = [one.main for one in trainings if one.main.name not in {each.file for found in held for each in found}]
    assumed = [each.defaults[clause] for each in silent if clause in each.defaults]
    return [each for each in assumed if not same(each.value, held[0][0].value)]


def called(trainings: Sequence[Training]) -> tuple[Kind, list[str]]:
    """What tells the alternatives apart: a dataset, or something else; empty where their names say nothing."""
    mains = [training.main for training in trainings]
    files = distinguished([each.name for each in mains])
    data, models = (_distinct([_value(each, keys) for each in mains]) for keys in (_DATA_KEYS, _MODEL_KEYS))
    telling = all(_tells(name) for name in files) and len(set(files)) == len(files)
    if len(trainings) > MOST:
        return "", files
    if telling and all(is_data(name) for name in files):
        return "tasks", files
    if data and not models:
        return "tasks", data
    if telling:
        return "variants", files
    return ("variants", models) if models else ("", files)


def distinguished(names: Sequence[str]) -> list[str]:
    """What of some files' names the others do not have, in their own words."""
    parts = [
        [word for word in re.split(r"[/_.\s-]+", str(PurePosixPath(name).with_suffix(""))) if word] for name in names
    ]
    common = set.intersection(*(set(each) for each in parts)) if parts else set()
    found = ["_".join(word for word in each if word not in common) for each in parts]
    stems = [slug(PurePosixPath(name).stem) for name in names]
    return [name or stem for name, stem in zip(found, stems, strict=True)]


def slug(text: str) -> str:
    """A name for a task or a variant."""
    return re.sub(r"[^\w.+-]+", "_", text.strip().rstrip("/").rpartition("/")[2]).strip("_.").casefold() or "other"


def is_data(name: str) -> bool:
    """Whether a name is a dataset's or an environment's."""
    parts = [word for word in re.split(r"[^a-z0-9]+", name.casefold()) if word]
    return any(word in _DATASETS or re.sub(r"v?\d+$", "", word) in _DATASETS for word in parts) or (
        "".join(parts) in _DATASETS
    )


def _tells(name: str) -> bool:
    parts = [word for word in re.split(r"[^a-z0-9.]+", name.casefold()) if word]
    return any((len(word) > 2 and word.isalpha() and word not in _VAGUE) or _sized(word) for word in parts)


def _sized(word: str) -> bool:
    letters = re.sub(r"[\d.]", "", word)
    return bool(_SIZE.fullmatch(word)) and letters not in _VAGUE and (len(word) > 2 or letters in "mbkvr")


def _value(stating: Stating, keys: frozenset[str]) -> str:
    """What a file says under one of these names."""
    if not isinstance(stating.found.data, dict):
        return ""
    found = [
        word
        for path, word in leaves(stating.found.data)
        if path and normal(str(path[-1])) in keys and isinstance(word, str) and 0 < len(word) <= 64
    ]
    return found[0] if found else ""


def _distinct(values: list[str]) -> list[str]:
    """Names made of values, if there is another one for each."""
    found = [slug(value) if value else "" for value in values]
    return found if all(found) and len(set(found)) == len(found) else []
