"""Splits as stores: running text as one stream of tokens, rows with classes, questions with answers.

A store is written once for each content of the source, its columns or templates, the tokenizer's content and how texts
are framed. It may hold the first rows only, where a `limit` needs no more; it is written anew when more is needed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from framework.errors import FrameworkError
from runners.data.prompts import Question, question_ids
from runners.data.showing import Tell, shown, waiting
from runners.data.sources.splits import Split
from runners.data.store.prepared_store import Making, Store, key_of, made
from runners.data.texts import batches, parts_of
from runners.data.tokenizing import byte_level, content_of, encode, pieces_of, plain_ids, trained, width_of

_LETTERS = 1 << 20
"""Letters that are tokenised at a time."""
EVERYTHING = 1 << 62


def _stored(identity: dict[str, Any], split: Split, need: int, tokenizer: Any, write: Any) -> Store:
    """The store of a split with at least ``need`` entries of what it counts, or all that there are."""
    identity = {**identity, "source": split.content(), "tokenizer": content_of(tokenizer)}

    def writing(making: Making) -> dict[str, Any]:
        with shown(split.origin, split.meter) as tell:
            counts = write(making, tell)
        return {**identity, "origin": split.origin, "library": type(tokenizer).__name__, **counts}

    return made(
        key_of(identity),
        writing,
        split.files,
        lambda store: bool(store.facts["whole"] or store.facts["count"] >= need),
        waiting(split.origin),
    )


def running_store(split: Split, columns: Sequence[str], tokenizer: Any, need: int = EVERYTHING) -> Store:
    """Running text as one stream: `tokens` [at least ``need``, or all], rows joined as they are, without special
    tokens. Sequences of any length are cut from it."""

    def write(making: Making, tell: Tell) -> dict[str, Any]:
        tokens = making.array("tokens", width_of(tokenizer))
        documents = _Counted(split.documents(columns))
        letters = 0
        for batch in batches(documents.parts(lambda texts: plain_ids(tokenizer, texts)), _LETTERS):
            for ids in plain_ids(tokenizer, batch):
                tokens.add(ids)
            letters += sum(map(len, batch))
            tell(documents.count)
            if tokens.entries >= need:
                break
        return {
            "rows": documents.count,
            "count": tokens.entries,
            "tokens": tokens.entries,
            "letters": letters,
            "whole": documents.ended,
        }

    return _stored({"kind": "running text", "columns": list(columns)}, split, need, tokenizer, write)


class _Counted:
    """Documents on their way, how many there were, and whether all."""

    def __init__(self, documents: Iterable[Iterable[str]]):
        self._documents, self.count, self.ended = documents, 0, False

    def parts(self, read: Any) -> Iterator[str]:
        for document in self._documents:
            self.count += 1
            yield from parts_of(document, read)
        self.ended = True


def labelled_store(
    split: Split, columns: Sequence[str], label: str, tokenizer: Any, longest: int, need: int = EVERYTHING
) -> Store:
    """Rows with classes: `tokens` and `segments` of the first ``need`` rows, cut to ``longest``, `ends` of each row,
    and `labels` of all rows: numbers in the list `labels` of the facts, in which classes are as they are stated."""

    def write(making: Making, tell: Tell) -> dict[str, Any]:
        tokens, segments = making.array("tokens", width_of(tokenizer)), making.array("segments", "uint8")
        ends, labels = making.array("ends", "uint64"), making.array("labels", "int32")
        codes: dict[tuple[type, Any], int] = {}
        rows = count = 0
        for batch in _batches_of_rows(_labelled(split, columns, label)):
            labels.add([codes.setdefault((type(value), value), len(codes)) for _, value in batch])
            texts = [row for row, _ in batch][: max(0, need - count)]
            if texts:
                found, sides = encode(tokenizer, texts, longest)
                ends.add(tokens.entries + np.cumsum([len(row) for row in found]))
                tokens.add(list(chain.from_iterable(found)))
                segments.add(list(chain.from_iterable(sides)))
            rows, count = rows + len(batch), count + len(texts)
            tell(rows)
        return {
            "rows": rows,
            "count": count,
            "tokens": tokens.entries,
            "labels": [value for _, value in codes],
            "whole": count == rows,
        }

    framing = {"kind": "rows with classes", "columns": list(columns), "label": label, "longest": longest}
    return _stored(framing, split, need, tokenizer, write)


def _labelled(split: Split, columns: Sequence[str], label: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each row's texts and its class as it is stated."""
    for index, row in enumerate(split.read([*columns, label])):
        found = split.label(row[-1])
        if found is None:
            raise FrameworkError(f"{split.place(index)}: {label!r} is {row[-1]!r}, not a class")
        yield split.text(index, columns, row), found


def _batches_of_rows(rows: Iterable[tuple[Any, Any]]) -> Iterator[list[tuple[Any, Any]]]:
    batch: list[tuple[Any, Any]] = []
    letters = 0
    for row in rows:
        batch.append(row)
        letters += 64 + sum(map(len, row[0]))
        if letters >= _LETTERS:
            yield batch
            batch, letters = [], 0
    if batch:
        yield batch


def question_store(
    split: Split, stated: dict[str, Any], questions: Iterable[Question], tokenizer: Any, need: int
) -> Store:
    """Questions with the right answers: `tokens` of each row, uncut, with `ends` and `starts` (where an answer begins),
    and the questions themselves as JSON lines, `text` with `text_ends`.

    Args:
        stated: What makes questions of rows: templates, columns.
        questions: Those of the split, which are read only where the store is to be written.
    """

    def write(making: Making, tell: Tell) -> dict[str, Any]:
        tokens, ends = making.array("tokens", width_of(tokenizer)), making.array("ends", "uint64")
        starts, text, text_ends = (making.array(*each) for each in _QUESTION_ARRAYS)
        count, whole = 0, True
        for batch in _batches_of_rows((_spelled(question), question) for question in questions):
            if count >= need:
                whole = False
                break
            if len(batch) > need - count:
                batch, whole = batch[: need - count], False
            found = question_ids(tokenizer, [question for _, question in batch])
            ends.add(tokens.entries + np.cumsum([len(row) for row, _ in found]))
            tokens.add(list(chain.from_iterable(row for row, _ in found)))
            starts.add([start for _, start in found])
            lines = [line.encode() for (line,), _ in batch]
            text_ends.add(text.entries + np.cumsum([len(line) for line in lines]))
            text.add(np.frombuffer(b"".join(lines), np.uint8))
            count += len(batch)
            tell(count)
        return {"rows": count, "count": count, "tokens": tokens.entries, "whole": whole}

    return _stored({"kind": "questions", **stated}, split, need, tokenizer, write)


_QUESTION_ARRAYS = (("starts", "uint32"), ("text", "uint8"), ("text_ends", "uint64"))


def _spelled(question: Question) -> tuple[str]:
    return (json.dumps([question.prompt, question.answer, question.choices, question.right]),)


def learned_store(
    split: Split, stated: dict[str, Any], texts: Iterable[Iterable[str]], vocabulary: int, special: Sequence[str]
) -> Store:
    """A tokenizer that is trained on a split, as `json`; ``stated`` and ``texts`` are what of it is read."""
    from tokenizers import __version__

    plain = byte_level({})
    identity = {
        "kind": "tokenizer",
        **stated,
        "vocabulary": vocabulary,
        "special": list(special),
        "library": __version__,
    }
    identity["source"] = split.content()

    def write(making: Making) -> dict[str, Any]:
        with shown(f"tokenizer of {split.origin}", split.meter) as tell:
            documents = _Counted(texts)
            parts = _told(documents.parts(lambda read: pieces_of(plain, read)), documents, tell)
            learned: Tokenizer = trained(parts, vocabulary, special)
        making.array("json", "uint8").add(np.frombuffer(learned.to_str().encode(), np.uint8))
        return {**identity, "origin": split.origin, "rows": documents.count, "whole": True}

    return made(key_of(identity), write, split.files, wait=waiting(f"a tokenizer of {split.origin}"))


def _told(parts: Iterable[str], documents: _Counted, tell: Tell) -> Iterator[str]:
    for part in parts:
        tell(documents.count)
        yield part
