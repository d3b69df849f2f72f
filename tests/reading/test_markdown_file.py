"""Markdown: the labels, tables and blocks of a document are keys, each value at its place."""

from __future__ import annotations

import time
from typing import Any

import pytest

from framework.reading.nodes import ComputedNode, Document, Opaque
from framework.reading.prose.markdown_file import parse_markdown


def _said(text: str) -> dict[str, Any]:
    document = parse_markdown(text, "f.md")
    return document.value(document.root) if document.root is not None else {}


def _found(document: Document, name: str) -> tuple[Any, str]:
    """The value that a name leads to, and its text in the document."""
    path = document.called(name, document.value(document.root) if document.root else {})
    assert path is not None, name
    node = document.node(path)
    assert node is not None
    return document.value(node), document.text[node.start : node.stop]


@pytest.mark.parametrize(
    ("line", "label", "value", "token"),
    [
        ("- Learning rate: 2e-4", "Learning rate", 2e-4, "2e-4"),
        ("* **Learning rate:** 2 × 10⁻⁴", "Learning rate", 2e-4, "2 × 10⁻⁴"),
        ("* **Learning rate**: `2e-4`", "Learning rate", 2e-4, "2e-4"),
        ("+ `learning_rate` = 2e-4;", "learning_rate", 2e-4, "2e-4"),
        ("1. lr=2e-4", "lr", 2e-4, "2e-4"),
        ("2) lr — 2e-4", "lr", 2e-4, "2e-4"),
        ("- [x] lr: **2e-4**.", "lr", 2e-4, "2e-4"),
        ("Learning rate: $2\\times10^{-4}$", "Learning rate", 2e-4, "$2\\times10^{-4}$"),
        ("> - lr: 2e-4", "lr", 2e-4, "2e-4"),
        ("- [Learning rate](https://x.y/a:b): 2e-4", "Learning rate", 2e-4, "2e-4"),
        ("- Optimizer: [AdamW](https://x.y)", "Optimizer", "AdamW", "[AdamW](https://x.y)"),
        ("- betas: (0.9, 0.95)", "betas", [0.9, 0.95], "(0.9, 0.95)"),
        ("- seeds: 1, 2, 3", "seeds", [1, 2, 3], "1, 2, 3"),
        ("- Batch size: 1,024", "Batch size", 1024, "1,024"),
        ("- Learning rate: 2e-4 <!-- as before: 3e-4 -->", "Learning rate", 2e-4, "2e-4"),
    ],
)
def test_a_label_with_a_value(line: str, label: str, value: Any, token: str) -> None:
    document = parse_markdown(f"Wörds\r\n\r\n{line}\r\n", "f.md")
    assert _found(document, label) == (value, token)
    path = document.called(label, {})
    assert path is not None
    node = document.node(path)
    assert node is not None
    assert (node.line, node.column) == (3, line.index(token) + 1)


@pytest.mark.parametrize(
    "line",
    [
        "See https://example.org/a?b=c for more.",
        "<!-- - Learning rate: 2e-4 -->",
        "The results are good",
        "[logo]: https://example.org",
        "if a == b",
        "a >= b",
        '<img width=3 height="4">',
        "[see https://x.y/z?a=3](https://x.y)",
        'x; a == "3"',
        "- :",
        "12:30",
    ],
)
def test_running_text_states_no_number(line: str) -> None:
    assert [value for value in _said(f"{line}\n").values() if isinstance(value, (int, float))] == []


def test_what_stands_in_brackets_stands_below_its_label() -> None:
    document = parse_markdown("- Optimizer: AdamW (β1 = 0.9, β2 = 0.95)\n  - Weight decay: 0.1\n", "f.md")
    for name, value in {"Optimizer": "AdamW", "β1": 0.9, "Optimizer.β2": 0.95, "weight decay": 0.1}.items():
        assert _found(document, name)[0] == value
    card = "- optimizer: Adam with betas=(0.9,0.999) and epsilon=1e-08\n"
    assert _said(card) == {"optimizer": {"=": "Adam", "betas": [0.9, 0.999], "epsilon": 1e-8}}
    assert _said("- Optimizer: AdamW (decoupled, β1 = 0.9)\n") == {"Optimizer": "AdamW (decoupled, β1 = 0.9)"}


TABLES = {
    "names and values": ("| Setting | Value |\n|---|---|\n| lr | 2e-4 |\n| Epochs | 3 |\n", {"lr": 2e-4, "Epochs": 3}),
    "a column of values among words": (
        "| Setting | Value | Description |\n|---|---|---|\n| lr | 2e-4 | the peak |\n| wd | 0.1 | all |\n",
        {"lr": 2e-4, "wd": 0.1},
    ),
    "rows and columns": (
        "Task | lr | epochs\n:--|--:|:-:\nSST-2 | 1e-5 | **3**\nMNLI | `2e-5` | 10\n",
        {"SST-2": {"lr": 1e-5, "epochs": 3}, "MNLI": {"lr": 2e-5, "epochs": 10}},
    ),
    "one row": ("| lr | epochs |\n|---|---|\n| 2e-4 | 3 |\n", {"lr": 2e-4, "epochs": 3}),
    "rows that share a name": (
        "| Model | Task | lr |\n|--|--|--|\n| A | x | 1 |\n| A | y | 2 |\n|  | z | 3 |\n",
        {"A / x": {"lr": 1}, "A / y": {"lr": 2}, "A / z": {"lr": 3}},
    ),
    "a bar in a cell": ("| a | b |\n|--|--|\n| x \\| y | 1 |\n", {"x | y": 1}),
    "a table in HTML": (
        (
            '<table border="1">\n<tr><th></th><th align="left">Base</th><th><b>Large</b></th></tr>\n'
            "<!-- <td>9</td> -->\n"
            "<tr><td><code>lr</code></td> <td>\n  1e-4 </td><td><tt>2e-4</tt><br></td></tr>\n"
            "<tr><td>Epochs</td><td>100</td><td></td></tr>\n</table>\n"
        ),
        {"lr": {"Base": 1e-4, "Large": 2e-4}, "Epochs": {"Base": 100}},
    ),
    "a table in HTML that leaves out ends": (
        "<table><th>lr<th>Epochs<tr><td>1<td>2</table>\n\n- a: 3\n",
        {"lr": 1, "Epochs": 2, "a": 3},
    ),
    "a table under its caption": (
        "**Table 2.** Settings\n\n| a | b |\n|--|--|\n| lr | 1 |\n",
        {"Table 2": {"lr": 1}},
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables(name: str) -> None:
    text, said = TABLES[name]
    assert _said(text) == said


def test_a_cell_is_found_by_row_and_column_in_either_order_and_stands_in_its_place() -> None:
    document = parse_markdown("## T\n\n" + TABLES["rows and columns"][0], "f.md")
    for name in ("MNLI.lr", "lr.MNLI", "T.MNLI.lr", "mnli.LR"):
        assert _found(document, name) == (2e-5, "2e-5")
    path = document.called("MNLI.lr", {})
    assert path is not None
    node = document.node(path)
    assert node is not None
    assert str(document.location(node, path)) == "f.md:6:9"


def test_sections_tell_labels_apart_and_a_label_that_stands_once_needs_none() -> None:
    text = "# Paper\n## Pretraining\n- lr: 1\n- wd: 5\n\nFine-tuning\n----\nlr: 2\n### Data\nlr: 3\n"
    assert _said(text) == {"Pretraining": {"lr": 1, "wd": 5}, "Fine-tuning": {"lr": 2, "Data": {"lr": 3}}}
    document = parse_markdown(text, "f.md")
    assert _found(document, "wd")[0] == 5
    assert _found(document, "Data.lr")[0] == 3
    assert document.called("lr", document.value(document.root)) is None
    assert document.absent["lr"].startswith("3 places are called so: name one of Pretraining.lr, Fine-tuning.lr")


def test_a_label_that_stands_twice_in_a_section_is_numbered() -> None:
    document = parse_markdown("- lr: 1\n- lr: 2\n", "f.md")
    assert document.value(document.root) == {"lr#1": 1, "lr#2": 2}
    assert document.called("lr", document.value(document.root)) is None
    assert "lr#1" in document.absent["lr"]


def test_numbers_of_a_block_and_of_a_section_are_not_confused() -> None:
    block = "```python\nTrainer(a=1)\nTrainer(a=2)\n```\n"
    said = _said(block + "```python\nTrainer(a=3)\n```\n")
    assert sorted(each["a"] for each in said.values()) == [1, 2, 3]


def test_items_below_an_item_and_below_a_line_that_introduces_them() -> None:
    text = "**Pretraining**\n\n- Optimizer\n  - lr: 1\n  - betas: [0.9, 0.98]\n- wd: 2\n\n"
    text += "Fine-tuning:\n\n1. lr: 3\n\nText.\n\n- lr: 4\n"
    assert _said(text) == {
        "Pretraining": {"Optimizer": {"lr": 1, "betas": [0.9, 0.98]}, "wd": 2},
        "Fine-tuning": {"lr": 3},
        "lr": 4,
    }


README = """# Name

## Training

```bash
export LR=2e-4
torchrun --nproc_per_node 8 train.py \\
    --lr $LR --epochs 3   # all
```

Then:

```console
$ python eval.py --split test
accuracy: 0.9
(env) me@host:~/x$ python more.py \\
    --k 5
```

1. Config:

   ~~~yaml
   optimizer:
     lr: 1e-4
     betas: [0.9, 0.95]
   ~~~

```json
{"a": {"b": 1}}
```
```toml
[t]
c = 2
```
```python
d = 3
```
```ini
[s]
e = 4
```
```text
f: 5
```
```
python plain.py --g 6
```
"""


@pytest.mark.parametrize(
    ("name", "value", "place"),
    [
        ("LR", 2e-4, (6, 11)),
        ("--nproc_per_node", 8, (7, 27)),
        ("--epochs", 3, (8, 23)),
        ("--split", "test", (14, 26)),
        ("--k", 5, (17, 9)),
        ("Config.optimizer.lr", 1e-4, (24, 10)),
        ("optimizer.betas[1]", 0.95, (25, 19)),
        ("Training.a.b", 1, (29, 13)),
        ("t.c", 2, (33, 5)),
        ("d", 3, (36, 5)),
        ("s.e", 4, (40, 5)),
        ("--g", 6, (46, 21)),
    ],
)
def test_blocks_are_read_as_what_they_are_at_their_places(name: str, value: Any, place: tuple[int, int]) -> None:
    document = parse_markdown(README, "README.md")
    path = document.called(name, document.value(document.root))
    assert path is not None
    node = document.node(path)
    assert node is not None
    assert document.value(node) == value
    assert (node.line, node.column) == place
    assert str(value) in (token := document.text[node.start : node.stop]) or float(token) == value


def test_a_variable_leads_to_where_it_is_set_and_output_states_nothing() -> None:
    document = parse_markdown(README, "README.md")
    (node,) = [node for path, node in document.leaves() if path[-1] == "--lr"]
    assert isinstance(node, ComputedNode)
    assert document.value(node) == 2e-4
    assert document.location(document.origin(node)).line == 6
    assert not any(path[-1] in ("accuracy", "f") for path, _ in document.leaves())


def test_a_block_that_is_none_is_left_out_and_said() -> None:
    text = "```yaml\na: [1\n```\n\n```bash\npython t.py --a '1\n```\n\n```bash\npython u.py --b 2\n```\n\n- c: 3\n"
    document = parse_markdown(text, "f.md")
    assert document.value(document.root) == {"c": 3, "--b": 2}
    assert "the block at line 2 could not be read" in document.absent[""]


def test_front_matter_is_read_as_yaml() -> None:
    document = parse_markdown("---\nbase_model: a/b\nlr: 1\n---\n# T\n", "f.md")
    assert document.value(document.root) == {"base_model": "a/b", "lr": 1}
    assert _found(document, "lr") == (1, "1")


def test_comments_over_lines_and_open_fences_end_somewhere() -> None:
    assert _said("<!-- a: 1\nb: 2 -->\nc: 3\n") == {"c": 3}
    assert _said("c: 3\n```yaml\na: 1\n") == {"c": 3, "a": 1}
    assert _said("c: 3\n<!-- a: 1\n") == {"c": 3}


def test_a_remark_behind_a_number_makes_it_a_text_and_no_number() -> None:
    said = _said("- lr: 2e-4 (for the base model)\n- ctx: 4k\n")
    assert said["lr"] == "2e-4 (for the base model)"
    assert isinstance(said["ctx"], Opaque)


PIECES = [
    "- a: 1\n",
    "# h\n",
    "  - x\n",
    "| a | b |\n|--|--|\n| c | 1 |\n",
    "```bash\npython t.py --a 1\n```\n",
    "<!-- x\n",
    "<table>\n",
    "<table><td>1</table>\n",
    "<td>",
    "```yaml\na: 1\n```\n",
    "a = b, c = d\n",
    "[a](",
    "$x = ",
    "**a",
    "|",
    "lr: 1,000,000,000 x\n",
    "(" * 9 + "=",
]


@pytest.mark.parametrize("piece", PIECES)
def test_time_grows_with_the_length(piece: str) -> None:
    def seconds(times: int) -> float:
        start = time.perf_counter()
        document = parse_markdown(piece * times, "f.md")
        document.leaf_values()
        return time.perf_counter() - start

    seconds(10)
    small, large = seconds(300), seconds(3000)
    assert large < 60 * small + 0.5
