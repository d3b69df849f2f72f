"""What a script reads from a here-document into a variable is followed to the command that it becomes."""

from __future__ import annotations

import pytest

from framework.reading.shell.reader import parse_shell


@pytest.mark.parametrize(
    "opening", ["read -r -d '' cmd <<EOF", 'read -rd "" -d "" cmd << EOF', "read -r -d '' cmd <<\"EOF\""]
)
def test_a_command_that_is_read_states_its_flags(opening: str) -> None:
    text = f"{opening}\nt.py --n 1 --lr 3e-4\nEOF\ndeepspeed $cmd --x 2\n"
    document = parse_shell(text, "run.sh")
    assert document.value(document.root) == {"--n": 1, "--lr": 3e-4, "--x": 2}  # type: ignore[arg-type]
    node = document.node(("--lr",))
    assert node is not None
    assert str(document.location(document.origin(node))) == "run.sh:2:17"


def test_lines_are_continued_and_variables_expanded() -> None:
    text = (
        "LR=3e-4\nread -r -d '' cmd <<EOF\npkg.train \\\n  --lr $LR \\\n  --cost \\$5\nEOF\ndeepspeed --module $cmd\n"
    )
    document = parse_shell(text, "run.sh")
    assert document.node(("--lr",)) is not None
    data = document.value(document.root)  # type: ignore[arg-type]
    assert data["--lr"] == 3e-4
    assert data["--cost"] == "$5"


@pytest.mark.parametrize("opening", ["read -r cmd <<EOF", "cat <<EOF"])
def test_what_is_read_otherwise_is_not_followed(opening: str) -> None:
    document = parse_shell(f"{opening}\nt.py --lr 3e-4\nEOF\ndeepspeed $cmd\n", "run.sh")
    assert document.node(("--lr",)) is None


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("CMD=$(cat <<EOF", ")"),
        ('CMD="$(cat << "EOF"', ')"'),
        ("CMD=$(\n  cat <<\\EOF", "  )"),
        ("export CMD=$(cat <<EOF", ")"),
    ],
)
def test_what_a_substitution_prints_is_the_command(opening: str, closing: str) -> None:
    text = f"{opening}\nt.py --lr 3e-4\n  --said don't\nEOF\n{closing}\npython $CMD --x 2\n"
    document = parse_shell(text, "run.sh")
    assert document.value(document.root) == {"--lr": 3e-4, "--said": "don't", "--x": 2}  # type: ignore[arg-type]
    node = document.node(("--lr",))
    assert node is not None
    assert document.location(document.origin(node)).line == text[: text.index("3e-4")].count("\n") + 1


@pytest.mark.parametrize(("word", "value"), [("EOF", 3e-4), ("'EOF'", "$LR")])
@pytest.mark.parametrize("opening", ["CMD=$(cat <<-{}\n{}\n)", "read -r -d '' CMD <<-{}\n{}"])
def test_tabs_before_the_lines_are_no_part_of_it(opening: str, word: str, value: object) -> None:
    body = "\tt.py --lr $LR\n\t\t--b 4\n\t--c 5\n\tEOF"
    document = parse_shell(f"LR=3e-4\n{opening.format(word, body)}\npython $CMD\n", "run.sh")
    data = document.value(document.root)  # type: ignore[arg-type]
    assert (data["--lr"], data["--b"], data["--c"]) == (value, 4, 5)


@pytest.mark.parametrize("inside", ["cat <<EOF | head", "head <<EOF", "cat <<EOF >file"])
def test_what_is_printed_otherwise_is_not_followed(inside: str) -> None:
    document = parse_shell(f"CMD=$({inside}\nt.py --lr 3e-4\nEOF\n)\npython $CMD\n", "run.sh")
    assert document.node(("--lr",)) is None
