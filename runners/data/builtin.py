"""Text that every CPython carries: the language reference in `pydoc_data.topics`.

Its paragraphs repeat (the topic `compound` holds all of `for`, `try`, ...), so each one counts once, in the first topic
by name that has it. What the text says depends on the Python version; the data fingerprint in the run record tells.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from pydoc_data.topics import topics

from framework.errors import FrameworkError
from framework.manifest.sections.models import Dataset
from runners.data.splits import Corpus

VALIDATION_SHARE = {"language-reference": 0.1, "reference-topics": 0.2}
_SHORTEST = 40


def load(name: str, dataset: Dataset, split: str, labelled: bool) -> Corpus:
    """A split of a built-in corpus.

    Raises:
        FrameworkError: classes asked of running text, their number not stated, or too many.
    """
    validation = {dataset.train_split: False, dataset.validation_split: True}[split]
    origin = f"builtin {dataset.builtin}"
    if dataset.builtin == "language-reference":
        if labelled:
            raise FrameworkError(f"datasets.{name}: language-reference is running text and has no classes")
        texts = [(text,) for text in running_text(validation)]
        return Corpus(origin, texts, None, lambda index: f"{origin}, text {index + 1}")
    if dataset.labels is None:
        raise FrameworkError(f"datasets.{name}.labels: reference-topics needs the number of classes")
    rows, names = labelled_paragraphs(name, dataset.labels, validation)
    return Corpus(
        origin,
        [(text,) for text, _ in rows],
        [label for _, label in rows] if labelled else None,
        lambda index: f"{origin}, paragraph {index + 1}",
        names,
    )


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
    found = {topic: _long(paragraphs.split("\n\n")) for topic, paragraphs in topics.items()}
    occurrences = Counter(paragraph for own in found.values() for paragraph in own)
    single = {
        topic: sorted((paragraph for paragraph in own if occurrences[paragraph] == 1), key=_hash)
        for topic, own in found.items()
    }
    if labels > len(single):
        raise FrameworkError(f"datasets.{name}.labels: {labels} classes are asked of {len(single)} topics")
    names = sorted(sorted(single, key=lambda topic: (-len(single[topic]), topic))[:labels])
    size = min(len(single[topic]) for topic in names)
    held_out = max(1, round(VALIDATION_SHARE["reference-topics"] * size))
    rows = [
        (paragraph, number)
        for number, topic in enumerate(names)
        for paragraph in (single[topic][:held_out] if validation else single[topic][held_out:size])
    ]
    return sorted(rows, key=lambda row: _hash(row[0])), tuple(names)


def _squeezed(paragraph: str) -> str:
    return " ".join(paragraph.split())


def _long(paragraphs: Iterable[str]) -> set[str]:
    return {text for paragraph in paragraphs if len(text := _squeezed(paragraph)) >= _SHORTEST}


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
