"""Whatever a YAML file looks like: exactly the line of the value changes, and all other bytes are what they were."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.project import Project

_COMMENTS = st.sampled_from(["", " # note", "   #: 3e-4 [x]", "  # lr: 1"])
_BEFORE = st.lists(st.sampled_from(["", "# 3e-4", "other_one: {a: [1, 'b'], c: \"d # e\"}", "é: 'ü'"]), max_size=3)
_NUMBERS = st.floats(1e-7, 10).filter(lambda value: value != 2e-4).map(repr) | st.sampled_from(
    ["3e-4", "3.0e-4", "3E-04", "0.0003", '"3e-4"', "'5e-5'", "1", "7e+1"]
)


@settings(max_examples=120, deadline=None)
@given(
    number=_NUMBERS,
    before=_BEFORE,
    comment=_COMMENTS,
    spaces=st.integers(1, 3),
    indent=st.integers(1, 6),
    quoted_key=st.booleans(),
    newline=st.sampled_from(["\n", "\r\n"]),
    mark=st.booleans(),
    ends=st.booleans(),
)
def test_only_the_line_of_the_value_changes(
    number: str,
    before: list[str],
    comment: str,
    spaces: int,
    indent: int,
    quoted_key: bool,
    newline: str,
    mark: bool,
    ends: bool,
) -> None:
    key = '"lr"' if quoted_key else "lr"
    lead = f"{' ' * indent}{key}:{' ' * spaces}"
    others = [f"{line}_{place}" if line.endswith("4") else line for place, line in enumerate(before)]
    lines = [*dict.fromkeys(others), "optim:", f"{lead}{number}{comment}", f"{' ' * indent}betas: [0.9,  0.98] # b"]
    data = (b"\xef\xbb\xbf" if mark else b"") + newline.join(lines + ([""] if ends else [])).encode()
    with TemporaryDirectory() as folder:
        project = Project(Path(folder))
        project.write("configs/lr.yaml", data)
        project.append(
            "  - {file: configs/lr.yaml, describes: phases.pretrain, ignore: [other_one, é],\n"
            "     keys: {optim.lr: optimizer.learning_rate, optim.betas: optimizer.betas}}\n"
        )
        assert project.cli("check").code == 1
        done = project.cli("check", "--fix")
        after = project.path("configs/lr.yaml").read_bytes()
    assert done.code == 0, done.out
    place = lines.index(f"{lead}{number}{comment}")
    text = after.decode("utf-8-sig").split(newline)
    written = text[place].removeprefix(lead).removesuffix(comment)
    assert float(written) == 2e-4
    assert ("e" in written.lower()) == ("e" in number.lower()) or number == "1"
    lines[place] = f"{lead}{written}{comment}"
    assert after == (b"\xef\xbb\xbf" if mark else b"") + newline.join(lines + ([""] if ends else [])).encode()
