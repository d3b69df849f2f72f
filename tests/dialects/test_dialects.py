"""Every dialect by one table: it knows its own files, binds what is certain, and sees what differs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from framework.conformance import Severity, Stage, Status
from framework.dialects.flags import recognised
from framework.dialects.registry import dialect, names, recognise
from framework.manifest.loading import load
from framework.reading.shell.reader import parse_shell
from framework.reading.yaml.parsing import parse_yaml
from framework.stages.check import CheckResult, check
from framework.stages.config.meaning.dialect_targets import read
from tests.dialects.examples import EXAMPLES, MANIFEST, Change, Example
from tests.support.texts import replaced

IDS = [example.dialect for example in EXAMPLES]
CHANGES = [(example, change) for example in EXAMPLES for change in example.changes]
DOUBTS = [(example, doubt) for example in EXAMPLES for doubt in example.doubts]


def data(example: Example) -> Any:
    """The example's text as its file's format has it."""
    parse = parse_shell if example.file.endswith(".sh") else parse_yaml
    document = parse(example.text, example.file)
    assert document.root is not None
    return document.value(document.root)


def held(root: Path, example: Example, text: str, keys: str = "") -> CheckResult:
    """The example, with this text, held to the manifest."""
    manifest = replaced(MANIFEST, *example.manifest)
    binding = f"configs:\n  - file: {example.file}\n    dialect: {example.dialect}\n"
    binding += f"    describes: {example.describes}\n" if example.describes else ""
    binding += f"    variant: {example.variant}\n" if example.variant else ""
    binding += f"    keys: {{{keys}}}\n" if keys else ""
    (root / "experiment.yaml").write_text(manifest + binding)
    path = root / example.file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return check(load(root / "experiment.yaml"))


def changed(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new, 1)


def test_every_dialect_has_an_example() -> None:
    assert sorted(IDS) == names()


@pytest.mark.parametrize("example", EXAMPLES, ids=IDS)
def test_a_dialect_recognises_its_own_files_and_no_others(example: Example) -> None:
    found = recognise(data(example))
    assert found is not None
    assert found[0].name == example.dialect
    assert found[1].why
    for other in EXAMPLES:
        if example.dialect not in ("generic", other.dialect):
            assert recognised(dialect(example.dialect), data(other)) is None, other.dialect


@pytest.mark.parametrize("example", EXAMPLES, ids=IDS)
def test_what_says_the_same_is_bound_and_conforms(tmp_path: Path, example: Example) -> None:
    result = held(tmp_path, example, example.text)
    assert [str(finding.message) for finding in result.findings if finding.severity is Severity.ERROR] == []
    unbound = {finding.location.key for finding in result.findings if finding.code == "C120" and finding.location}
    assert unbound == set(example.unbound)
    assert not [finding for finding in result.findings if finding.code == "C130"]
    looked = {verdict.clause for verdict in result.matrix.verdicts if verdict.stage is Stage.CONFIG}
    assert set(example.binds) <= looked


@pytest.mark.parametrize(("example", "change"), CHANGES, ids=[f"{e.dialect}: {c.new!r}" for e, c in CHANGES])
def test_what_differs_is_found_in_both_words(tmp_path: Path, example: Example, change: Change) -> None:
    result = held(tmp_path, example, changed(example.text, change.old, change.new))
    found = [finding for finding in result.findings if (finding.code, finding.clause) == (change.code, change.clause)]
    assert len(found) == 1, [(f.code, f.clause, f.message) for f in result.findings if f.severity is Severity.ERROR]
    for word in change.words:
        assert word in found[0].message
    assert result.statuses[change.clause] is Status.VIOLATED


@pytest.mark.parametrize(("example", "doubt"), DOUBTS, ids=[f"{e.dialect}: {d[2]}" for e, d in DOUBTS])
def test_what_is_not_certain_is_reported_with_the_line_to_write(
    tmp_path: Path, example: Example, doubt: tuple[str, str, str]
) -> None:
    old, new, key = doubt
    text = changed(example.text, old, new)
    result = held(tmp_path, example, text)
    found = [finding for finding in result.findings if finding.code == "C130" and finding.location.key == key]
    assert len(found) == 1, [(f.code, f.message) for f in result.findings]
    assert found[0].severity is Severity.WARNING
    assert f"`{key}: " in (found[0].advice or "")
    line = (found[0].advice or "").split("`")[3]
    settled = held(tmp_path, example, text, line)
    assert not [finding for finding in settled.findings if finding.code == "C130" and finding.location.key == key]


ODD: tuple[Any, ...] = (
    None,
    "",
    "x",
    "auto",
    "${a.b}",
    -1,
    0,
    1.5,
    float("inf"),
    True,
    [],
    ["a", 1],
    {},
    {"a": 1},
    [{}],
)


def each_replaced(value: Any, odd: Any) -> Iterator[Any]:
    """The data with each of its values in turn replaced."""
    yield odd
    items = list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ())
    for key, inner in items:
        for other in each_replaced(inner, odd):
            copy = dict(value) if isinstance(value, dict) else list(value)
            copy[key] = other
            yield copy


@pytest.mark.parametrize("example", EXAMPLES, ids=IDS)
def test_no_value_of_any_kind_is_too_odd(tmp_path: Path, example: Example) -> None:
    experiment = held(tmp_path, example, example.text).experiment
    binding = experiment.stated.configs[0]
    for odd in ODD:
        for value in each_replaced(data(example), odd):
            dialect(example.dialect).recognise(value)
            read(experiment, binding, dialect(example.dialect), value)
