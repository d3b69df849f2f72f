"""Python files: their literals are read, and nothing in them is run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framework.errors import InputError
from framework.reading.nodes import Opaque
from framework.reading.python.reader import parse_python


def _read(text: str) -> dict[str, Any]:
    document = parse_python(text, "train.py")
    return document.value(document.root) if document.root else {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("LR = 3e-4\nMIN = 0.1 * LR\n", {"LR": 3e-4, "MIN": 0.1 * 3e-4}),
        ("STEPS = 2**16\nNEG = -1\n", {"STEPS": 65536, "NEG": -1}),
        ("x: int = 129_135_360\nname = 'a' 'b'\nnone = None\n", {"x": 129135360, "name": "ab", "none": None}),
        ("betas = (0.9, 0.98)\n", {"betas": [0.9, 0.98]}),
        ("config = {'lr': 1, 'model': {'d': 2}}\n", {"config": {"lr": 1, "model": {"d": 2}}}),
        ("config = dict(lr=1, model=dict(d=2))\n", {"config": {"lr": 1, "model": {"d": 2}}}),
        ("config['lr'] = 1\nconfig.optim.wd = 2\n", {"config": {"lr": 1, "optim": {"wd": 2}}}),
        ("class C:\n    lr: float = 1\n    wd = 2\n    other: int\n", {"C": {"lr": 1, "wd": 2}}),
        ("class C:\n    lr: float = field(default=1, metadata={})\n", {"C": {"lr": 1}}),
        ("class C:\n    p: int = Field(3, gt=0)\n", {"C": {"p": 3}}),
        ("class C:\n    b: list = field(default_factory=lambda: [1, 2])\n", {"C": {"b": [1, 2]}}),
        ("def train(a, lr=1, *, n: int = 2): ...\n", {"train": {"lr": 1, "n": 2}}),
        ("class M:\n    def __init__(self, d=4): ...\n", {"M": {"d": 4}}),
        ("def main():\n    args = TrainingArguments(output_dir='x', learning_rate=2e-5)\n",
         {"TrainingArguments": {"output_dir": "x", "learning_rate": 2e-5}}),
        ("a = LoraConfig(r=1)\nb = LoraConfig(r=2)\n", {"LoraConfig": {"r": 1}, "LoraConfig#2": {"r": 2}}),
        ("p.add_argument('-l', '--lr', type=float, default=3e-4)\n", {"--lr": 3e-4}),
        ("p.add_argument('--lr', type=float, default='3e-4')\n", {"--lr": 3e-4}),
        ("p.add_argument('--lr', default='3e-4')\n", {"--lr": "3e-4"}),
        ("p.add_argument('--fp16', action='store_true')\np.add_argument('--need')\n", {"--fp16": False}),
        ("@click.option('--lr', default=1)\ndef main(lr): ...\n", {"--lr": 1}),
        ("if __name__ == '__main__':\n    SEED = 42\n", {"SEED": 42}),
        ("print('x', end='')\nos.makedirs('x', exist_ok=True)\n", {}),
    ],
)  # fmt: skip
def test_what_a_file_states(text: str, expected: dict[str, Any]) -> None:
    assert _read(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "LR = get()\n",
        "LR = float(os.environ['LR'])\n",
        "LR = f'{x}'\n",
        "LR = 1 if x else 2\n",
        "LR = 1\nLR = 2\n",
        "LR = 1\nLR += 1\n",
        "if debug:\n    LR = 1\n",
        "for LR_ in x:\n    LR = 1\n",
        "try:\n    LR = 1\nexcept E:\n    LR = 2\n",
        "LR = 9 ** 9 ** 9 ** 9\n",
        "LR = OTHER * 2\n",
        "LR = 1 / 0\n",
        "LR = 1j\n",
    ],
)
def test_what_only_running_it_could_tell_is_opaque(text: str) -> None:
    assert isinstance(_read(text)["LR"], Opaque)


def test_an_argument_without_a_type_is_noted() -> None:
    document = parse_python("p.add_argument('--lr', default='3e-4')\np.add_argument('--n', default=3)\n", "train.py")
    assert [(note.kind, note.path) for note in document.notes] == [
        ("untyped-argument", ("--lr",)),
        ("untyped-argument", ("--n",)),
    ]


@pytest.mark.parametrize(
    ("text", "path", "place", "token"),
    [
        ("LR = 3e-4\n", ("LR",), (1, 6), "3e-4"),
        ("é = 1; LR = '3'\n", ("LR",), (1, 13), "'3'"),
        ("# é\r\nclass C:\r\n    lr: float = -1.5\r\n", ("C", "lr"), (3, 17), "-1.5"),
        ("c = {\n  'a': [1,\n  22]}\n", ("c", "a", 1), (3, 3), "22"),
        ("p.add_argument('--lr', default=\"x\")\n", ("--lr",), (1, 32), '"x"'),
    ],
)
def test_places(text: str, path: tuple[str | int, ...], place: tuple[int, int], token: str) -> None:
    document = parse_python(text, "train.py")
    found = document.walk(path)
    assert found is not None
    assert (found[1].line, found[1].column) == place
    assert text[found[1].start : found[1].stop] == token
    assert document.editable(found[1])


def test_a_constant_that_another_one_uses_is_its_origin() -> None:
    document = parse_python("LR = 3e-4\nconfig = dict(lr=LR, wd=LR * 2)\n", "train.py")
    lr, wd = document.walk(("config", "lr")), document.walk(("config", "wd"))
    assert lr is not None
    assert wd is not None
    assert document.value(lr[1]) == 3e-4
    assert document.origin(lr[1]).line == 1
    assert not document.editable(wd[1])


def test_a_flag_of_absl_has_its_default() -> None:
    text = "flags.DEFINE_float('lr', 1e-3, 'The rate.')\nDEFINE_integer(name='steps', default=9, help='n')\n"
    document = parse_python(text, "train.py")
    assert document.root is not None
    assert document.value(document.root) == {"--lr": 1e-3, "--steps": 9}
    found = document.walk(("--lr",))
    assert found is not None
    assert (found[1].line, found[1].column, document.editable(found[1])) == (1, 26, True)
    assert parse_python("flags.DEFINE_float(NAME, 1e-3)\n", "train.py").root is None


def test_two_parsers_with_one_flag_are_a_duplicate() -> None:
    document = parse_python("p.add_argument('--lr', default=1)\nq.add_argument('--lr', default=2)\n", "train.py")
    assert [duplicate.path for duplicate in document.duplicates] == [("--lr",)]
    assert document.absent == {"--lr": "several parsers declare it"}


@pytest.mark.parametrize("text", ["x = (\n", "def\n", "x = 'a\n", "\x00"])
def test_what_is_no_python_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"train.py:\d+:\d+: not Python"):
        parse_python(text, "train.py")


def test_nothing_is_run(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    parse_python(f"open({str(mark)!r}, 'w').write('x')\nLR = __import__('os').system('touch {mark}')\n", "train.py")
    assert not mark.exists()


_IMPORTS = "import torch\nfrom torch import optim\nfrom torch.optim import AdamW as Named\n"


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("torch.optim.AdamW(m.parameters(), 1e-4)", {"lr": 1e-4}),
        ("optim.AdamW(m.parameters(), 1e-4, (0.9, 0.95), weight_decay=0.1)",
         {"lr": 1e-4, "betas": [0.9, 0.95], "weight_decay": 0.1}),
        ("Named(list(m.parameters()), lr=1e-4)", {"lr": 1e-4}),
    ],
)  # fmt: skip
def test_arguments_by_position_of_what_is_imported(call: str, expected: dict[str, Any]) -> None:
    found = next(iter(_read(f"{_IMPORTS}o = {call}\n").values()))
    assert found == {"_target_": "torch.optim.AdamW", **expected}


def test_groups_of_parameters_and_what_is_unpacked_leave_the_defaults_open() -> None:
    assert isinstance(_read(_IMPORTS + "o = optim.AdamW(groups, lr=1)\n")["AdamW"]["params"], Opaque)
    assert _read(_IMPORTS + "o = optim.AdamW(m.parameters(), lr=1, **more)\n")["AdamW"] == {"lr": 1}
    assert "AdamW" not in _read("o = AdamW(m.parameters(), 1)\n")


_PARSER = "p.add_argument('--lr', type=float, default=3e-4)\nargs = p.parse_args()\n"


def test_the_default_of_an_argument_on_its_way_to_a_call() -> None:
    document = parse_python(_PARSER + "o = Optimizer(lr=args.lr)\n", "train.py")
    found = document.walk(("Optimizer", "lr"))
    assert found is not None
    assert (document.value(found[1]), document.origin(found[1]).line) == (3e-4, 1)
    text = "class C:\n    lr: float = 1\ndef main(c: C):\n    o = Optimizer(lr=c.lr)\n"
    assert _read(text)["Optimizer"] == {"lr": 1}


@pytest.mark.parametrize(
    "change",
    [
        "args.lr = args.lr * 8",
        "setattr(args, 'lr', 1)",
        "vars(args).update(file)",
        "p.set_defaults(lr=1)",
        "args = o()",
    ],
)
def test_an_argument_that_is_changed_is_not_its_default(change: str) -> None:
    assert isinstance(_read(f"{_PARSER}{change}\no = Optimizer(lr=args.lr)\n")["Optimizer"]["lr"], Opaque)
