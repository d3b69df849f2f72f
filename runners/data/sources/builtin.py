"""Text that every CPython carries: the language reference in `pydoc_data.topics`.

Its paragraphs repeat (the topic `compound` holds all of `for`, `try`, ...), so each one counts once, in the first topic
by name that has it. What the text says depends on the Python version; the data fingerprint in the run record tells.
"""

from __future__ import annotations

import hashlib
import pydoc_data.topics
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

from framework.errors import FrameworkError
from framework.evidence.remembering.file_digest import digest_of
from framework.manifest.sections.models import Dataset
from runners.data.sources.splits import Split

VALIDATION_SHARE = {"language-reference": 0.1, "reference-topics": 0.2}
_SHORTEST = 40


def split_of_topics(name: str, dataset: Dataset, split: str, labelled: bool) -> Split:
    """A split of a built-in corpus, with the column `text` and that of the class.

    Raises:
        FrameworkError: classes asked of running text, their number not stated, or too many.
    """
    validation = {dataset.train_split: False, dataset.validation_split: True}[split]
    origin = f"builtin {dataset.builtin}"
    running = dataset.builtin == "language-reference"
    if running and labelled:
        raise FrameworkError(f"datasets.{name}: language-reference is running text and has no classes")
    if not running and dataset.labels is None:
        raise FrameworkError(f"datasets.{name}.labels: reference-topics needs the number of classes")
    names = None if running else topics_of(name, dataset.labels or 0)

    def read(columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        if running:
            yield from ((text,) * len(columns) for text in running_text(validation))
            return
        rows, _ = labelled_paragraphs(name, dataset.labels or 0, validation)
        for text, label in rows:
            yield tuple(label if column == dataset.label else text for column in columns)

    what = "text" if running else "paragraph"
    code = [digest_of(Path(file)) for file in (pydoc_data.topics.__file__, __file__)]
    content = f"builtin {dataset.builtin} {dataset.labels} {validation} {' '.join(code)}"
    return Split(origin, read, lambda index: f"{origin}, {what} {index + 1}", lambda: content, names=names)


def running_text(validation: bool) -> list[str]:
    """The topics of one split, each one text, in order of their names.

    Topics go to the validation split in the order of their names' hashes, each that still fits into a tenth of all
    characters: whole topics, so that no paragraph of the training text is measured on.
    """
    texts: dict[str, str] = {}
    seen: set[str] = set()
    for topic in sorted(topics):
        own = [paragraph for paragraph in topics[topic].split("\n\n") if paragraph.strip()]
        new = [paragraph for paragraph in own if _squeezed(paragraph) not in seen]
        seen.update(map(_squeezed, new))
        if new:
            texts[topic] = "\n\n".join(new) + "\n\n"
    room = VALIDATION_SHARE["language-reference"] * sum(map(len, texts.values()))
    held_out = set()
    for topic in sorted(texts, key=_hash):
        if len(texts[topic]) <= room:
            held_out.add(topic)
            room -= len(texts[topic])
    return [text for topic, text in texts.items() if (topic in held_out) == validation]


def labelled_paragraphs(name: str, labels: int, validation: bool) -> tuple[list[tuple[str, int]], tuple[str, ...]]:
    """Paragraphs with the number of the topic they come from, and the topics' names.

    Paragraphs of at least 40 characters that occur in one topic only; the classes are the topics with most of them, cut
    to the size of the smallest so that all are equally frequent. In the order of their hashes, the first fifth of each
    class is the validation split.

    Raises:
        FrameworkError: there are fewer topics than ``labels``.
    """
    single = _paragraphs()
    names = topics_of(name, labels)
    size = min(len(single[topic]) for topic in names)
    held_out = max(1, round(VALIDATION_SHARE["reference-topics"] * size))
    rows = [
        (paragraph, number)
        for number, topic in enumerate(names)
        for paragraph in (single[topic][:held_out] if validation else single[topic][held_out:size])
    ]
    return sorted(rows, key=lambda row: _hash(row[0])), names


def topics_of(name: str, labels: int) -> tuple[str, ...]:
    """The topics that are the classes: those with most paragraphs of their own, by name.

    Raises:
        FrameworkError: there are fewer topics than ``labels``.
    """
    single = _paragraphs()
    if labels > len(single):
        raise FrameworkError(f"datasets.{name}.labels: {labels} classes are asked of {len(single)} topics")
    return tuple(sorted(sorted(single, key=lambda topic: (-len(single[topic]), topic))[:labels]))


@cache
def _paragraphs() -> dict[str, list[str]]:
    """The paragraphs of each topic that no other topic has, in the order of their hashes."""
    found = {topic: _long(paragraphs.split("\n\n")) for topic, paragraphs in topics.items()}
    occurrences = Counter(paragraph for own in found.values() for paragraph in own)
    return {
        topic: sorted((paragraph for paragraph in own if occurrences[paragraph] == 1), key=_hash)
        for topic, own in found.items()
    }


def _squeezed(paragraph: str) -> str:
    return " ".join(paragraph.split())


def _long(paragraphs: Iterable[str]) -> set[str]:
    return {text for paragraph in paragraphs if len(text := _squeezed(paragraph)) >= _SHORTEST}


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
