"""From a phase's dataset to examples for training and validation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framework.errors import FrameworkError
from framework.manifest.sections.models import DEFAULT_PROTOCOL, Model
from framework.planning.steps import Training
from runners.data.completions import Completions
from runners.data.corpus import class_numbers, classes_of, load, source_of
from runners.data.examples import Examples, LabelledTexts, Sequences
from runners.data.prompts import questions
from runners.data.protocols import protocol_of
from runners.data.splits import Corpus
from runners.data.tokenizing import encode, token_stream, tokenizer_for
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


def prepare(work: Training, model_name: str, model: Model, tokenizer: Any | None, project: Path) -> Prepared:
    """Load and tokenise both splits.

    Args:
        tokenizer: That of the parent's checkpoint; without one it comes from the model's statement.

    Raises:
        FrameworkError: the data or the tokenizer cannot be had, or make no example.
    """
    dataset, name = work.dataset, work.dataset_name
    family = FAMILIES.get(model.family)
    if work.recipe.objective == "completion":
        return _questions(work, model_name, model, tokenizer, project)
    labelled = work.recipe.objective == "classification"
    train = load(name, dataset, dataset.train_split, project, labelled)
    validation = load(name, dataset, dataset.validation_split, project, labelled)
    if tokenizer is None:
        texts = ("".join(row) for row in train.texts)
        tokenizer = tokenizer_for(model_name, model, texts, project, family.encoder)
    classes = classes_of(name, dataset, train) if labelled else ()
    train_examples = _examples(train, work, tokenizer, classes, dataset.limit, family.segments)
    validation_examples = _examples(validation, work, tokenizer, classes, dataset.validation_limit, family.segments)
    facts = {
        "name": name,
        "source": source_of(dataset),
        "train": train.origin,
        "validation": validation.origin,
        "revision": dataset.revision,
        "train_examples": len(train_examples),
        "validation_examples": len(validation_examples),
        "train_tokens": train_examples.tokens,
        "validation_tokens": validation_examples.tokens,
        "vocabulary": len(tokenizer),
        "classes": list(classes),
        "fingerprint": train_examples.fingerprint(),
        "validation_fingerprint": validation_examples.fingerprint(),
    }
    return Prepared(train_examples, validation_examples, tokenizer, classes, facts)


def _questions(work: Training, model_name: str, model: Model, tokenizer: Any | None, project: Path) -> Prepared:
    """As :func:`prepare`, for a dataset with a prompt."""
    dataset, name = work.dataset, work.dataset_name
    origins, splits = [], []
    for split, limit in ((dataset.train_split, dataset.limit), (dataset.validation_split, dataset.validation_limit)):
        origin, rows = questions(name, dataset, split, project)
        origins.append(origin)
        splits.append(rows[:limit])
    if tokenizer is None:
        texts = (row.prompt + row.answer for row in splits[0])
        tokenizer = tokenizer_for(model_name, model, texts, project)
    length, protocol, longest = work.recipe.sequence_length, protocol_of(dataset), dataset.answer_tokens
    train, validation = (Completions(rows, tokenizer, length, protocol, longest) for rows in splits)
    facts: dict[str, Any] = {
        "name": name,
        "source": source_of(dataset),
        "train": origins[0],
        "validation": origins[1],
        "revision": dataset.revision,
        "train_examples": len(train),
        "validation_examples": len(validation),
        "train_tokens": train.tokens,
        "validation_tokens": validation.tokens,
        "vocabulary": len(tokenizer),
        "classes": [],
        "fingerprint": train.fingerprint(),
        "validation_fingerprint": validation.fingerprint(),
        "protocol": dataset.protocol or DEFAULT_PROTOCOL,
    }
    return Prepared(train, validation, tokenizer, (), facts)


def _examples(
    corpus: Corpus, work: Training, tokenizer: Any, classes: tuple[str, ...], limit: int | None, segmented: bool
) -> Examples:
    length = work.recipe.sequence_length
    examples: Examples
    if not classes:
        stream = token_stream(tokenizer, corpus.texts, length * limit if limit else None)
        examples = Sequences(stream, length, limit)
        if len(examples) == 0:
            raise FrameworkError(f"{corpus.origin} is shorter than one sequence of {length} tokens")
        return examples
    rows, segments = encode(tokenizer, corpus.texts[:limit], longest=length)
    for index, row in enumerate(rows):
        if not row:
            raise FrameworkError(f"{corpus.place(index)}: an empty text has no token to classify")
    padding = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0
    return LabelledTexts(rows, class_numbers(corpus, classes), padding, limit, segments if segmented else None)
