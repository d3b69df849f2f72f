"""The record of one run: what was asked, what was observed, and the hashes of what it left on disk.

A run folder holds `record.json` (this), `steps.jsonl` (one line per optimizer step: `step`, `epoch`,
`learning_rate`, `samples`, `tokens`, `loss`), `events.jsonl`, and `model/` with safetensors. Everything is read
here without torch.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from framework.errors import InputError
from framework.evidence.atomic import write_json
from framework.evidence.typed.record_shapes import RecordShape
from framework.locations import Location
from framework.reading.decoding import open_regular
from framework.reading.json_file import parse_json

FORMAT = 1
RECORD, STEPS, EVENTS, MODEL = "record.json", "steps.jsonl", "events.jsonl", "model"
VALIDATION = "validation"
"""The event of a look at the validation split on the way, which decides nothing."""
CHECKPOINTS = "checkpoints"
LOGS = "logs"
"""The folder of the journals, beside those of the runs: what happened when, one JSON object a line."""
SETTINGS = "settings.json"
"""What another program wrote of its settings, as data: it is held like a config file."""
CHANGED = "changed_while_running"
"""Where ``observed`` names the local files that were changed while the step ran."""
REMOVED = "removed"
"""Where ``observed`` names the files of an ended trial that its search does not keep, with their digests."""
LARGEST = 256 * 2**20
"""Bytes above which JSON is no evidence: tokenizers of large vocabularies have some 30 MiB."""
_LONGEST_LINE = 64 * 2**20
ADOPTED = "adopted"
"""Of a run that another program made: the first part of its folder's name, its identity, and what in ``observed`` tells
where it was taken from."""
RECORDED = "recorded"
"""The same of a run whose script recorded it: in ``observed`` it tells by which script."""


@dataclass(slots=True)
class RunRecord:
    """What is known of one run.

    ``observed`` holds what really happened: `optimizer_steps`, `planned_steps`, `epochs` (steps by steps per epoch),
    `train_examples`, `batch_size`, `micro_batch_size`, `accumulation`, `processes`, `seed`, `objective`, `optimizer`
    {class, learning_rate, weight_decay, betas, eps}, `schedule`, `max_grad_norm`, `precision`, `sequence_length`,
    `master_weights` (the number format of the trained weights), `loss_normalization` (`batch`), `decayed` and
    `undecayed` {tensors, parameters, names_sha256} (over the sorted names, one a line), `stopped_early`, `best`,
    `model` (its sizes), `source` where it started from no other run, and `adopted` where it was not made here but
    taken in: `format`, `from`, and `sources` [{file, sha256, bytes}]. `changed_while_running` names local files,
    `samples_counted` are those of all steps, where another program logged every one of them. Where its script recorded
    it: `recorded` {script, sha256, attempt}, `seeds`, `settings` as the script says them, `kinds` of parameters {norms,
    biases, ...: names}, `untrained` {tensors, parameters, names}, `named` (whether every trained parameter is),
    `updates_skipped`, `checkpoints` [{step, path, files}], and `unheard` processes. Of a trial whose search keeps no
    tensors of it `removed` has their digests and sizes: it is evidence, and no run that others can start from.
    ``sparsity`` holds `asked`, `reached`, `zeros`, `elements` and `tensors` {name: [zeros, elements]}, and of its
    method `asked_zeros`, `score`, `structure`, `scope`, `channels`. ``parameters`` holds `total`, `trainable` and,
    where it started from no other run, those of the `model` without a head for classes; ``adapter`` its `kind`,
    settings, `targets`, `dead` ones and `mask_sha256`; and of its merge `masked_weights` {total, nonzero} and `logits`
    (see `docs/adapters.md`).

    ``attempts`` holds one entry for each time that the work was started: `started`, `finished` and `error` (neither if
    it was killed), the state of `git` and, for a training, `from_step`, the optimizer steps that an earlier attempt's
    checkpoint had done, and `seconds_before`, the time that these took. ``started`` is the last attempt's, ``seconds``
    its time and that of the steps before it. ``energy`` holds the joules that `accelerators` and `processors` used in
    the last attempt, and under `missing` why there is no number.

    ``chosen`` are values that were the best of a grid: the `clause`, the grid (`best_of`), the metric (`by`), the
    `variant` that has it, and `among` which it was chosen [{variant, measured, runs}].

    ``measurements`` are those of a measuring step: `quantity`, `unit`, `value` (None with `missing`, the reason),
    `batch_size` and `sequence_length` where it depends on them, `adapter` (`merged`, `unmerged`, or None where there is
    none), and where passes were repeated `warmup`, `seconds` of each of them and `quartiles`.
    """

    key: str
    folder: str
    step: str
    variants: list[str]
    model: str
    task: str | None
    seed: int
    profile: str | None
    identity: dict[str, Any]
    parent: str | None = None
    references: dict[str, str] = field(default_factory=dict)
    status: Literal["running", "done", "failed"] = "running"
    error: str | None = None
    started: str | None = None
    finished: str | None = None
    seconds: float | None = None
    attempts: list[dict[str, Any]] = field(default_factory=list)
    environment: dict[str, Any] = field(default_factory=dict)
    knobs: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    observed: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, int] = field(default_factory=dict)
    sparsity: dict[str, Any] = field(default_factory=dict)
    adapter: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    measurements: list[dict[str, Any]] = field(default_factory=list)
    deviations: list[dict[str, Any]] = field(default_factory=list)
    chosen: list[dict[str, Any]] = field(default_factory=list)
    energy: dict[str, Any] = field(default_factory=dict)
    artefacts: dict[str, dict[str, Any]] = field(default_factory=dict)
    format: int = FORMAT

    def write(self, folder: Path) -> None:
        """Write `record.json` atomically."""
        write_json(folder / RECORD, asdict(self))

    @classmethod
    def read(cls, folder: Path) -> RunRecord:
        """The record in a run folder.

        Raises:
            InputError: there is none, or it is not a record of this format.
        """
        path = folder / RECORD
        where = Location(str(path), 1, 1)
        try:
            with open_regular(path) as stream:
                text = _bounded(stream.read(LARGEST + 1)).decode()
            data = _plain_json(text)
            if data.get("format") != FORMAT:
                raise InputError.at(where, f"a run record of format {data.get('format')!r}, not {FORMAT}")
            for validated in (record_adapter(), _shape()):
                validated.validate_json(text, strict=True)
            _inside(data.get("artefacts", {}))
            return cls(**data)
        except FileNotFoundError:
            raise InputError.at(where, "no run record here") from None
        except ValidationError as failure:
            error = failure.errors(include_url=False)[0]
            named = ".".join(map(str, error["loc"]))
            place = _place_in(text, str(path), error["loc"])
            raise InputError.at(place, f"not a run record: {named}: {error['msg']}") from None
        except OSError as problem:
            raise InputError.at(where, f"not a run record: {problem.strerror or problem}") from None
        except (ValueError, TypeError, AttributeError, RecursionError) as problem:
            raise InputError.at(where, f"not a run record: {problem}") from None


def journal_of(folder: Path) -> Path:
    """The journal of the run in a folder."""
    return folder.parent / LOGS / f"{folder.name}.jsonl"


@cache
def record_adapter() -> TypeAdapter[RunRecord]:
    """What holds a record to its types; made once in a process."""
    return TypeAdapter(RunRecord)


@cache
def _shape() -> TypeAdapter[RecordShape]:
    return TypeAdapter(RecordShape)


def _place_in(text: str, shown: str, where: tuple[int | str, ...]) -> Location:
    """Where a value stands in a record; its first line where that cannot be told."""
    try:
        document = parse_json(text, shown)
    except InputError:
        return Location(shown, 1, 1)
    for length in range(len(where), 0, -1):
        if (found := document.walk(where[:length])) is not None:
            return document.location(found[1], where[:length])
    return Location(shown, 1, 1)


def _bounded(data: bytes) -> bytes:
    if len(data) > LARGEST:
        raise ValueError(f"it is larger than {LARGEST // 2**20} MiB")
    return data


def _inside(artefacts: dict[str, Any]) -> None:
    """Files of a run lie in its folder.

    Raises:
        ValueError: one does not.
    """
    for name in artefacts:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name:
            raise ValueError(f"artefacts: {name!r} is no file of its folder")


def _plain_json(text: str | bytes) -> Any:
    """JSON as this program writes it: no key twice, no number that is none, and none of more digits than a machine's.

    Raises:
        ValueError: it is something else.
    """
    return json.loads(
        text, parse_constant=_no_number, parse_int=_machine_number, parse_float=_finite, object_pairs_hook=_once
    )


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _finite(text: str) -> float:
    found = float(text)
    return found if math.isfinite(found) else _no_number(text)


def _machine_number(text: str) -> int:
    if len(text) > 20:
        raise ValueError(f"a number of {len(text)} digits")
    return int(text)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(name for name in names if names.count(name) > 1)!r} stands twice")
    return found


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSON-lines file; a last line that was cut off by a kill is left out.

    Raises:
        InputError: another line is not a JSON object.
    """
    try:
        stream = open_regular(path)
    except FileNotFoundError:
        return
    except OSError as problem:
        raise InputError.at(Location(str(path), 1, 1), f"cannot be read: {problem.strerror or problem}") from None
    with stream:
        for number, line in enumerate(iter(lambda: stream.readline(_LONGEST_LINE), b""), 1):
            where = Location(str(path), number, 1)
            if len(line) == _LONGEST_LINE:
                raise InputError.at(where, f"a line of more than {_LONGEST_LINE // 2**20} MiB")
            if not line.endswith(b"\n"):
                return
            yield _object(line, where, _plain_json)


def read_json(path: Path) -> dict[str, Any]:
    """The object of a JSON file.

    Raises:
        InputError: it cannot be read, or holds something else.
    """
    where = Location(str(path), 1, 1)
    try:
        with open_regular(path) as stream:
            data = _bounded(stream.read(LARGEST + 1))
    except OSError as problem:
        raise InputError.at(where, f"cannot be read: {problem.strerror or problem}") from None
    except ValueError as problem:
        raise InputError.at(where, f"not JSON: {problem}") from None
    return _object(data, where, json.loads)


def _object(data: bytes, where: Location, parsed: Callable[[bytes], Any]) -> dict[str, Any]:
    try:
        found = parsed(data)
    except (ValueError, RecursionError) as problem:
        raise InputError.at(where, f"not JSON: {problem}") from None
    if not isinstance(found, dict):
        raise InputError.at(where, "not a JSON object")
    return found


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with open_regular(path) as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def artefacts_below(folder: Path, *names: str) -> dict[str, dict[str, Any]]:
    """Hash and size of each file under the named files and folders, by its path in the run folder."""
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        top = folder / name
        files = [top] if top.is_file() else sorted(path for path in top.rglob("*") if path.is_file())
        for path in files:
            found[path.relative_to(folder).as_posix()] = {"sha256": sha256_of(path), "bytes": path.stat().st_size}
    return found
