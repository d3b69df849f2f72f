"""From a phase's dataset to examples for training and validation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from framework.errors import FrameworkError
from framework.manifest.sections.models import DEFAULT_PROTOCOL, Dataset, Model
from framework.planning.steps import Training
from runners.data.asked import note, statement
from runners.data.completions import Completions, StoredQuestions
from runners.data.corpus import class_numbers, classes_of, columns_of_text, source_of, split_of
from runners.data.examples import Examples, LabelledTexts, Sequences
from runners.data.prompts import questions
from runners.data.protocols import protocol_of
from runners.data.ragged import Ragged
from runners.data.sources.splits import Split
from runners.data.store.prepared_store import Store
from runners.data.storing import EVERYTHING, labelled_store, learned_store, question_store, running_store
from runners.data.tokenizing import as_left_by, files_of_tokenizer, tokenizer_for
from runners.models.families import FAMILIES


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a training needs of its data. ``classes`` are the classes' names, empty for language modelling; ``facts``
    is what the run record keeps."""

    train: Examples
    validation: Examples
    tokenizer: Any
    classes: tuple[str, ...]
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Part:
    """One of both splits: its name in the source, how many of its examples are used, and where it is read."""

    name: str
    limit: int | None
    split: Split


def prepare(work: Training, model_name: str, model: Model, tokenizer: Any | None, project: Path) -> Prepared:
    """Both splits as examples, from stores that are written where they are not there yet.

    Args:
        tokenizer: That of the parent's checkpoint; without one it comes from the model's statement.

    Raises:
        FrameworkError: the data or the tokenizer cannot be had, or make no example; there is no room for a store.
    """
    dataset, name, recipe = work.dataset, work.dataset_name, work.recipe
    labelled = recipe.objective == "classification"
    asked = ((dataset.train_split, dataset.limit), (dataset.validation_split, dataset.validation_limit))
    train, validation = (
        _Part(split, limit, split_of(name, dataset, split, project, labelled)) for split, limit in asked
    )
    family, trained_before = FAMILIES.get(model.family), tokenizer is not None and model.tokenizer == "train"
    answers = recipe.objective == "completion"
    learned: list[Store] = []
    if tokenizer is None:
        framed = family.encoder and not answers
        tokenizer = _starting(model_name, model, train, dataset, answers, project, framed, learned)
    classes: tuple[str, ...] = ()
    examples: list[Examples] = []
    stores = [_store(part, work, tokenizer) for part in (train, validation)]
    for part, store in zip((train, validation), stores, strict=True):
        if answers:
            examples.append(_questions(store, part, work, tokenizer))
        elif labelled:
            classes = classes or classes_of(name, dataset, part.split, store.facts["labels"])
            examples.append(_labelled(store, part, classes, tokenizer, family.segments))
        else:
            examples.append(_sequences(store, part, work))
    if not trained_before:
        stated = statement(dataset, model, recipe.objective, recipe.sequence_length, project)
        files = [*train.split.files, *validation.split.files, *files_of_tokenizer(model, project)]
        note(stated, [*stores, *learned], files)
    as_left_by(tokenizer, recipe.objective, recipe.sequence_length, len(columns_of_text(dataset)))
    facts: dict[str, Any] = {
        "name": name,
        "source": source_of(dataset),
        "train": train.split.origin,
        "validation": validation.split.origin,
        "revision": dataset.revision,
        "train_examples": len(examples[0]),
        "validation_examples": len(examples[1]),
        "train_tokens": examples[0].tokens,
        "validation_tokens": examples[1].tokens,
        "vocabulary": len(tokenizer),
        "classes": list(classes),
        "fingerprint": examples[0].fingerprint(),
        "validation_fingerprint": examples[1].fingerprint(),
        **_predicted_text(examples[1], tokenizer),
        **({"protocol": dataset.protocol or DEFAULT_PROTOCOL} if answers else {}),
    }
    return Prepared(examples[0], examples[1], tokenizer, classes, facts)


def _predicted_text(validation: Examples, tokenizer: Any) -> dict[str, int]:
    """What the loss per character and per byte divide by."""
    if not isinstance(validation, Sequences):
        return {}
    predictions = {"predictions": validation.predictions(range(len(validation)))}
    found = {**predictions, **validation.predicted_text(tokenizer)}
    return {f"validation_{name}": count for name, count in found.items()}


def _store(part: _Part, work: Training, tokenizer: Any) -> Store:
    """The store of a split.

    Raises:
        FrameworkError: the split cannot be read, or has no rows.
    """
    dataset, length, split = work.dataset, work.recipe.sequence_length, part.split
    columns, need = columns_of_text(dataset), part.limit or EVERYTHING
    if work.recipe.objective == "completion":
        store = question_store(split, _stated(dataset), questions(dataset, split), tokenizer, need)
    elif work.recipe.objective == "classification":
        store = labelled_store(split, columns, dataset.label, tokenizer, length, need)
    else:
        store = running_store(split, columns, tokenizer, length * need if part.limit else EVERYTHING)
    if store.facts["rows"] == 0:
        raise FrameworkError(f"datasets.{work.dataset_name}: the split {part.name!r} of {split.origin} has no rows")
    return store


def _starting(
    model_name: str,
    model: Model,
    part: _Part,
    dataset: Dataset,
    answers: bool,
    project: Path,
    framed: bool,
    learned: list[Store],
) -> Any:
    """The tokenizer of a model without a parent; one that is trained is kept in a store, too, put into ``learned``."""
    if answers:
        stated = {**_stated(dataset), "limit": part.limit}
    else:
        stated = {"columns": columns_of_text(dataset)}

    def texts() -> Iterator[Iterable[str]]:
        if not answers:
            yield from part.split.documents(columns_of_text(dataset))
            return
        for row in islice(questions(dataset, part.split), part.limit):
            yield (row.prompt, row.answer)

    def learn(vocabulary: int, special: Sequence[str]) -> Tokenizer:
        store = learned_store(part.split, stated, texts(), vocabulary, special)
        learned.append(store)
        return Tokenizer.from_str(store.array("json").tobytes().decode())

    return tokenizer_for(model_name, model, (), project, framed, learn)


def _stated(dataset: Dataset) -> dict[str, Any]:
    """What makes questions of rows."""
    return {name: getattr(dataset, name) for name in ("prompt", "choices", "answer", "label")}


def _sequences(store: Store, part: _Part, work: Training) -> Sequences:
    length = work.recipe.sequence_length
    found = Sequences(store.array("tokens"), length, part.limit, store.remembered)
    if len(found) == 0:
        raise FrameworkError(f"{part.split.origin} is shorter than one sequence of {length} tokens")
    return found


def _labelled(store: Store, part: _Part, classes: tuple[str, ...], tokenizer: Any, segmented: bool) -> LabelledTexts:
    ends = store.array("ends")
    rows = Ragged(store.array("tokens"), ends)
    if len(empty := np.flatnonzero(rows[: part.limit].lengths == 0)):
        raise FrameworkError(f"{part.split.place(int(empty[0]))}: an empty text has no token to classify")
    labels = class_numbers(part.split, store.facts["labels"], store.array("labels"), classes)
    padding = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0
    segments = Ragged(store.array("segments"), ends) if segmented else None
    return LabelledTexts(rows, labels, padding, part.limit, segments, store.remembered)


def _questions(store: Store, part: _Part, work: Training, tokenizer: Any) -> Completions:
    return Completions(
        StoredQuestions(Ragged(store.array("text"), store.array("text_ends"))[: part.limit]),
        tokenizer,
        work.recipe.sequence_length,
        protocol_of(work.dataset),
        work.dataset.answer_tokens,
        (Ragged(store.array("tokens"), store.array("ends"))[: part.limit], store.array("starts")[: part.limit]),
        store.remembered,
    )
