"""A config file that a script writes states its values at their places in the script."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Stage, Status
from framework.reading.nodes import Opaque
from framework.reading.shell.reader import parse_shell
from framework.repair.proposal import propose
from tests.dialects import programs
from tests.support.project import Project
from tests.support.statuses import status_of

BODY = {"yaml": "lr: 3e-4\n", "yml": "lr: 3e-4\n", "json": '{"lr": 3e-4}\n', "toml": "lr = 3e-4\n"}


@pytest.mark.parametrize("suffix", BODY)
@pytest.mark.parametrize(
    "command",
    [
        "cat > {} <<EOF",
        "cat << EOF >{}",
        "cat <<'EOF' > {}",
        "tee {} <<EOF",
        "tee {} <<EOF > /dev/null",
        "cat >| {} <<EOF",
    ],
)
def test_its_values_stand_below_its_name(command: str, suffix: str) -> None:
    document = parse_shell(f"{command.format(f'configs/a.{suffix}')}\n{BODY[suffix]}EOF\n", "run.sh")
    assert document.root is not None
    assert document.value(document.root) == {f"a.{suffix}": {"lr": 3e-4}}
    node = document.node((f"a.{suffix}", "lr"))
    assert node is not None
    assert document.place(node) == f"run.sh:2:{BODY[suffix].index('3e-4') + 1}"


def test_variables_are_what_they_are_there() -> None:
    text = 'LR=3e-4\ncat > a.yaml <<-EOF\n\tlr: $LR\n\tb: ${B:-4}\n\tc: $C-x\n\td:\n\t  e: "$LR"\n\tEOF\nLR=5e-4\n'
    document = parse_shell(f"{text}python t.py $LR\n", "run.sh")
    data = document.value(document.root)["a.yaml"]  # type: ignore[arg-type]
    assert (data["lr"], data["d"]) == (3e-4, {"e": "3e-4"})
    assert isinstance(data["b"], Opaque)
    assert isinstance(data["c"], Opaque)
    assert "outside" in data["b"].reason


@pytest.mark.parametrize(
    "text",
    [
        "cat >> a.yaml <<EOF\nlr: 1\nEOF\n",
        "tee -a a.yaml <<EOF\nlr: 1\nEOF\n",
        "cat > a.yaml <<EOF\nlr: 1\nEOF\ncat >> a.yaml <<EOF\nb: 1\nEOF\n",
        "cat > a.yaml <<EOF\nlr: 1\nEOF\ncat > a.yaml <<EOF\nlr: 2\nEOF\n",
        "if x; then\ncat > a.yaml <<EOF\nlr: 1\nEOF\nfi\n",
        "write() {\ncat > a.yaml <<EOF\nlr: 1\nEOF\n}\n",
        "cat > $NAME.yaml <<EOF\nlr: 1\nEOF\n",
        "cat > a.txt <<EOF\nlr: 1\nEOF\n",
        "cat > a.yaml <<EOF\nlr: [\nEOF\n",
        "cat head > a.yaml <<EOF\nlr: 1\nEOF\n",
        "python t.py > a.yaml <<EOF\nlr: 1\nEOF\n",
    ],
)
def test_what_is_not_written_whole_for_certain_states_nothing(text: str) -> None:
    document = parse_shell(text, "run.sh")
    assert document.node(("a.yaml", "lr")) is None


@pytest.mark.parametrize(
    ("rate", "status"), [("1e-4", Status.CONFORMS), ("3e-4", Status.VIOLATED), ("$RATE", Status.UNVERIFIED)]
)
def test_it_is_held_like_any_config(tmp_path: Path, rate: str, status: Status) -> None:
    project = Project(tmp_path, programs.MANIFEST.replace("file: train.py", "file: run.sh"))
    body = f"learning_rate: {rate}\nbatch_size: 32\nepochs: 3\n"
    project.write("run.sh", f"cat > cfg.yaml <<EOF\n{body}EOF\npython t.py --config cfg.yaml\n")
    result = project.check()
    assert status_of(result, "phases.train.optimizer.learning_rate", Stage.CONFIG) is status
    assert [str(each.location) for each in result.findings if each.code == "C101"] == (
        ["run.sh:2:16"] if status is Status.VIOLATED else []
    )
    assert propose(result.experiment, result.findings).patches == []
