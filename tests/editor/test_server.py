"""`framework lsp`, spoken to over pipes as an editor does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.editor.client import Editor
from tests.support.project import CONFIG, MANIFEST, Project
from tests.support.texts import replaced

pytest.importorskip("pygls", reason="pygls, of the extra `editor`, is not installed")

BOUND = "configs/pretrain.yaml"
DRIFT = replaced(CONFIG, ("lr: 2e-4", "lr: 3e-4"))
LINE = 3  # of `lr`, from 0
LEARNING_RATE = "phases.pretrain.optimizer.learning_rate"
SOURCED = replaced(
    MANIFEST,
    (
        "  authors: [A. Researcher]\n",
        (
            f"  authors: [A. Researcher]\n  sources: {{{LEARNING_RATE}: table 2}}\n"
            "  why: {phases.pretrain: a short run}\n"
        ),
    ),
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("edited"), SOURCED, DRIFT)


@pytest.fixture(scope="module")
def editor(project: Project) -> Iterator[Editor]:
    editor = Editor(project.root)
    editor.open(BOUND)
    editor.told_of(BOUND)
    yield editor
    before = {path: path.read_bytes() for path in project.root.rglob("*") if path.is_file()}
    assert editor.close() == 0
    assert before[project.root / BOUND] == DRIFT.encode()  # whatever was typed, nothing was written
    assert before[project.root / "experiment.yaml"] == SOURCED.encode()


@pytest.fixture
def drifted(editor: Editor) -> Editor:
    """The editor with both texts as they lie on disk."""
    editor.change(BOUND, DRIFT)
    assert [each["code"] for each in editor.told_of(BOUND)] == ["C101"]
    return editor


def _stated(text: str) -> int:
    return next(number for number, line in enumerate(text.split("\n")) if "learning_rate: 2e-4" in line)


def test_drift_is_told_with_both_places_and_the_page_of_the_rule(drifted: Editor) -> None:
    (found,) = drifted.shown[BOUND]
    assert (found["code"], found["severity"], found["source"]) == ("C101", 1, "framework")
    assert found["range"] == {"start": {"line": LINE, "character": 6}, "end": {"line": LINE, "character": 10}}
    (related,) = found["relatedInformation"]
    assert related["location"]["uri"] == drifted.uri("experiment.yaml")
    assert related["location"]["range"]["start"]["line"] == _stated(SOURCED)
    assert found["codeDescription"]["href"].endswith("/C101.md")


def test_an_unsaved_change_mends_it_and_another_breaks_it_again(drifted: Editor) -> None:
    drifted.change(BOUND, CONFIG)
    assert drifted.told_of(BOUND) == []
    drifted.change(BOUND, replaced(CONFIG, ("epochs: 4", "epochs: 5")))
    assert [each["range"]["start"]["line"] for each in drifted.told_of(BOUND)] == [7]


def test_a_hover_tells_the_statement_the_paper_the_status_and_the_layers(drifted: Editor) -> None:
    for character in (3, 7):  # on the key, and on its value
        text = drifted.at(BOUND, LINE, character, "hover")["contents"]["value"]
        assert f"**{LEARNING_RATE}** = `0.0002`" in text
        assert f"experiment.yaml:{_stated(SOURCED) + 1}" in text
        assert "in the paper: table 2" in text
        assert "why: a short run" in text
        assert "here: violated" in text
        assert f"{BOUND}:{LINE + 1}:7" in text
    assert drifted.at(BOUND, 0, 3, "hover") is None


def test_the_quick_fix_is_an_edit_that_mends(drifted: Editor) -> None:
    where = {"start": {"line": LINE, "character": 7}, "end": {"line": LINE, "character": 7}}
    asked = {"textDocument": {"uri": drifted.uri(BOUND)}, "range": where, "context": {"diagnostics": []}}
    (action,) = drifted.ask("textDocument/codeAction", **asked)
    assert action["kind"] == "quickfix"
    ((edit,),) = action["edit"]["changes"].values()
    lines = DRIFT.split("\n")
    start, end = edit["range"]["start"], edit["range"]["end"]
    assert start["line"] == end["line"] == LINE
    lines[LINE] = lines[LINE][: start["character"]] + edit["newText"] + lines[LINE][end["character"] :]
    drifted.change(BOUND, "\n".join(lines))
    assert drifted.told_of(BOUND) == []
    assert drifted.ask("textDocument/codeAction", **asked) == []


def test_the_way_leads_to_the_other_side_and_back(drifted: Editor) -> None:
    (stated,) = drifted.at(BOUND, LINE, 7, "definition")
    assert stated["uri"] == drifted.uri("experiment.yaml")
    start = stated["range"]["start"]
    (back,) = drifted.at("experiment.yaml", start["line"], start["character"], "definition")
    assert (back["uri"], back["range"]["start"]["line"]) == (drifted.uri(BOUND), LINE)
    both = drifted.at(BOUND, LINE, 7, "references", context={"includeDeclaration": True})
    assert both == [stated, back]


def test_a_manifest_that_is_being_typed_is_told_at_its_places(drifted: Editor) -> None:
    drifted.open("experiment.yaml", replaced(SOURCED, ("learning_rate: 2e-4", "learning_rate: 3e-4")))
    # The statement moved to the file, and what follows from it away.
    assert ["min_lr" in each["message"] for each in drifted.told_of(BOUND)] == [True]
    drifted.change("experiment.yaml", replaced(SOURCED, ("batch_size: 4", "batch_sise: 4")))
    line = next(number for number, line in enumerate(SOURCED.split("\n")) if "batch_size: 4" in line)
    assert line in [each["range"]["start"]["line"] for each in drifted.told_of("experiment.yaml")]
    drifted.change("experiment.yaml", "version: [1\n")
    assert drifted.told_of("experiment.yaml")
    drifted.tell("textDocument/didClose", textDocument={"uri": drifted.uri("experiment.yaml")})
    assert [each["code"] for each in drifted.told_of(BOUND)] == ["C101"]


WIDE = replaced(CONFIG, ("optim:\n  name: AdamW\n  lr: 2e-4", 'optim: {name: AdamW, "𝛼é": 1, lr: 3e-4'))
WIDE = replaced(WIDE, ("\n  min_lr: 2e-5\n  betas: [0.9, 0.98]", ", min_lr: 2e-5, betas: [0.9, 0.98]}"))


@pytest.mark.parametrize(("encodings", "start"), [((), 35), (("utf-8",), 38), (("utf-32",), 34)])
def test_columns_count_as_the_editor_counts(tmp_path: Path, encodings: tuple[str, ...], start: int) -> None:
    project = Project(tmp_path, config=WIDE)
    editor = Editor(project.root, *encodings)
    editor.open(BOUND)
    (found,) = [each for each in editor.told_of(BOUND) if each["code"] == "C101"]
    assert found["range"]["start"]["character"] == start
    assert found["range"]["end"]["character"] == start + 4
    where = editor.at(BOUND, 1, start, "definition")
    assert [each["uri"] for each in where] == [editor.uri("experiment.yaml")]
    assert editor.close() == 0


def test_each_manifest_of_a_workspace_holds_its_own_files(tmp_path: Path) -> None:
    for name, config in (("one", DRIFT), ("two", replaced(CONFIG, ("epochs: 4", "epochs: 9")))):
        (tmp_path / name).mkdir()
        Project(tmp_path / name, config=config)
    editor = Editor(tmp_path)
    editor.open(f"one/{BOUND}")
    assert [each["range"]["start"]["line"] for each in editor.told_of(f"one/{BOUND}")] == [LINE]
    assert f"two/{BOUND}" not in editor.shown
    editor.open(f"two/{BOUND}")
    assert [each["range"]["start"]["line"] for each in editor.told_of(f"two/{BOUND}")] == [7]
    assert editor.close() == 0
