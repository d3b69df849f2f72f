"""A spoiled file of a run ends no verification: it is a finding, and the rest is judged."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest

from framework.evidence.record import RECORD, RunRecord
from framework.stages.verify import verify
from tests.fuzz.forging import Forger
from tests.fuzz.spoiling import answered, asked, no_files, spoilings

pytestmark = pytest.mark.slow
SECONDS = 12.0


def test_any_spoiled_file_is_answered(forger: Forger) -> None:
    chance = random.Random(0)
    endless = [spoilings(folder, forger.files(folder), chance) for folder in forger.steps]
    end, found, tried = time.monotonic() + SECONDS, [], 0
    while time.monotonic() < end:
        spoiling = next(chance.choice(endless))
        tried += 1
        if (outcome := answered(forger, spoiling)) is not None:
            found.append(f"{spoiling.folder} {spoiling.what}: {outcome}")
    assert found == []
    assert tried > 20


@pytest.mark.parametrize(
    "name", [RECORD, "steps.jsonl", "events.jsonl", "model/config.json", "model/model.safetensors"]
)
def test_what_is_no_file_is_a_finding(forger: Forger, name: str) -> None:
    """A pipe is not waited for, a device not read to its end."""
    folder = next(each for each in forger.steps if each.startswith("dense.1-"))
    path = forger.runs / folder / name
    kept = path.read_bytes()
    for what, make in no_files(path):
        path.unlink()
        make()
        try:
            seen: set[str] = set()
            assert asked(lambda: seen.update(forger.seen(folder))) is None, what  # noqa: B023
            assert {line.split()[0] for line in seen} & {"T120", "T121", "T123"}, what
        finally:
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
            path.write_bytes(kept)


SPOILED: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda data: data[: len(data) // 2],
    "nested": lambda data: b"[" * 100_000,
    "a number without end": lambda data: data.replace(b'"seed": 3', b'"seed": 1' + b"0" * 400),
    "no number": lambda data: data.replace(b'"seconds": ', b'"seconds": NaN, "x": '),
    "a key twice": lambda data: data.replace(b'"status": "done"', b'"status": "failed", "status": "done"'),
}


@pytest.mark.parametrize("case", SPOILED)
def test_one_unreadable_record_leaves_the_other_runs(forger: Forger, case: str) -> None:
    folder = next(each for each in forger.steps if each.startswith("dense.1-"))
    with forger.changed(folder, lambda files: files.update({RECORD: SPOILED[case](files[RECORD])})):
        result = verify(forger.experiment, forger.plan)
        assert [finding.code for finding in result.findings if folder in str(finding.location)][:1] == ["T121"]
        assert result.finished == len(result.steps) - 1


def test_a_bad_value_is_named_at_its_place(forger: Forger) -> None:
    folder = next(each for each in forger.steps if each.startswith("dense.1-"))
    text = (forger.runs / folder / RECORD).read_text()
    line = next(number for number, row in enumerate(text.splitlines(), 1) if '"epochs"' in row)
    RunRecord.read(forger.runs / folder)
    with forger.changed(
        folder, lambda files: files.update({RECORD: text.replace('"epochs": ', '"epochs": "x", "was": ').encode()})
    ):
        found = [each for each in verify(forger.experiment, forger.plan).findings if each.code == "T121"]
    assert found[0].location is not None
    assert found[0].location.line == line
    assert "observed.epochs: Input should be a valid number" in found[0].message
