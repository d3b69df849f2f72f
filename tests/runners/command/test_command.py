"""Commands of the user's own as steps: started without a shell, ended when asked, gone on with, and read back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from framework.errors import FrameworkError
from runners import preflight
from runners.command import process
from tests.runners.command.commanded import PYTHON, SMALL, Telling, failed, run, script, study
from tests.support.scripted import ScriptedStudy

# Running


def test_it_runs_in_the_projects_folder_with_what_is_declared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = """
    import json, os, sys
    facts = {"cwd": os.getcwd(), "argv": sys.argv[1:], "stdin": sys.stdin.read(), "mine": os.environ["MINE"],
             "rank": os.environ.get("RANK"), "group": os.getpgid(0) == os.getpid()}
    json.dump(facts, open(sys.argv[1] + "/facts.json", "w"))
    """
    monkeypatch.setenv("RANK", "3")
    made = study(tmp_path, body, "environment: {MINE: '{output}/x;y {seed}'}", ", 'a b', '$HOME', '`id`', '{folder}'")
    record, folder = run(made)
    facts = json.loads((folder / "output" / "facts.json").read_text())
    assert facts["argv"][:5] == [str(folder / "output"), "a b", "$HOME", "`id`", str(folder)]
    assert facts["mine"] == f"{folder / 'output'}/x;y 42"
    assert (facts["cwd"], facts["stdin"], facts["rank"], facts["group"]) == (str(tmp_path), "", None, True)
    assert record.observed["command"]["argv"][1:3] == ["train.py", str(folder / "output")]


def test_a_config_is_written_for_it_with_the_places_filled(tmp_path: Path) -> None:
    script(tmp_path, "import shutil, sys\nshutil.copy(sys.argv[1], sys.argv[2] + '/seen.yaml')\n")
    runner = (
        f"    command: [{PYTHON}, train.py, '{{c.yaml}}', '{{output}}']\n"
        "    configs: {c.yaml: {dialect: generic, values: {out: '{output}', n: 3}}}\n"
    )
    _, folder = run(ScriptedStudy(tmp_path, runner, *SMALL))
    seen = (folder / "output" / "seen.yaml").read_text()
    assert seen == (folder / "configs" / "c.yaml").read_text()
    assert f"out: {folder / 'output'}\n" in seen
    assert "learning_rate: 0.0002\n" in seen


def test_a_failure_tells_the_end_of_what_it_wrote(tmp_path: Path) -> None:
    body = "import sys\nfor n in range(99): print('line', n, file=sys.stderr)\nprint('to standard output')\nsys.exit(3)"
    made = study(tmp_path, body)
    with pytest.raises(FrameworkError, match="exit code 3") as caught:
        run(made)
    assert "line 98" in str(caught.value)
    assert "line 70\n" not in str(caught.value)
    record = failed(made)
    assert (record.status, "line 98" in (record.error or "")) == ("failed", True)
    folder = tmp_path / "runs" / made.step().folder
    assert (folder / "stdout.log").read_text() == "to standard output\n"
    state = json.loads((folder / "command.json").read_text())
    assert state["exit_code"] == 3


def test_a_progress_bar_is_told_by_its_last_state(tmp_path: Path) -> None:
    telling = Telling()
    run(study(tmp_path, "import sys\nsys.stderr.write('1%\\r50%\\r100%\\n')\nprint('a\\nb')"), telling)
    assert {"100%", "a", "b"} <= set(telling.told)
    assert not any("50%" in line for line in telling.told)


def test_a_program_killed_by_a_signal(tmp_path: Path) -> None:
    made = study(tmp_path, "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)")
    with pytest.raises(FrameworkError, match="signal SIGSEGV"):
        run(made)


def test_it_is_ended_after_its_declared_time_with_all_that_it_started(tmp_path: Path) -> None:
    body = """
    import subprocess, sys, time
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    open(sys.argv[1] + "/pid", "w").write(str(child.pid))
    time.sleep(600)
    """
    made = study(tmp_path, body, "timeout_hours: 0.0005")
    with pytest.raises(FrameworkError, match=r"ended after 0\.0005 hours"):
        run(made)
    pid = int((tmp_path / "runs" / made.step().folder / "output" / "pid").read_text())
    assert gone(pid)


def test_who_does_not_end_when_asked_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "GRACE_SECONDS", 0.3)
    body = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(600)"
    with pytest.raises(FrameworkError, match="ended after"):
        run(study(tmp_path, body, "timeout_hours: 0.0003"))


def gone(pid: int) -> bool:
    """Whether a process has ended, within a moment: who inherits it reaps it."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


SLEEPS = """
import json, os, signal, sys, time
out = sys.argv[1]
def asked(number, frame):
    open(out + "/asked", "w").write(signal.Signals(number).name)
    sys.exit(0)
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, asked)
os.makedirs(out + "/checkpoint-9", exist_ok=True)
os.makedirs(out + "/checkpoint-10", exist_ok=True)
if "--from" in sys.argv:
    json.dump(sys.argv, open(out + "/resumed.json", "w"))
    sys.exit(0)
open(out + "/pid", "w").write(str(os.getpid()))
open(out + "/ready", "w").close()
time.sleep(600)
"""


def started(made: ScriptedStudy) -> tuple[subprocess.Popen[str], Path]:
    """`framework run` in a process of its own, once its command runs."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    arguments = [sys.executable, "-m", "framework", "run", "--variant", "full"]
    ours = subprocess.Popen(
        arguments, cwd=made.root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    output = made.root / "runs" / made.step().folder / "output"
    for _ in range(1200):
        if (output / "ready").exists() or ours.poll() is not None:
            break
        time.sleep(0.05)
    assert (output / "ready").exists(), ours.communicate(timeout=60)
    return ours, output


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_signals_are_passed_on(tmp_path: Path, number: signal.Signals, code: int) -> None:
    made = study(tmp_path, SLEEPS)
    ours, output = started(made)
    ours.send_signal(number)
    told, _ = ours.communicate(timeout=60)
    assert ours.returncode == code, told
    assert (output / "asked").read_text() == number.name
    assert failed(made).status == "failed"


@pytest.mark.slow
def test_a_killed_framework_does_not_start_the_command_twice(tmp_path: Path) -> None:
    resume = "resume: {arguments: [--from, '{checkpoint}']}"
    made = study(tmp_path, SLEEPS, resume)
    ours, output = started(made)
    ours.kill()
    ours.communicate(timeout=60)
    pid = int((output / "pid").read_text())
    assert failed(made).status == "running"
    with pytest.raises(FrameworkError, match=f"still runs as process {pid}"):
        run(made)
    assert (output / "checkpoint-10").is_dir()
    os.kill(pid, signal.SIGKILL)
    assert gone(pid)
    # The same command then goes on from the last checkpoint, by number.
    record, _ = run(made)
    assert record.observed["command"]["resumed"] is True
    assert json.loads((output / "resumed.json").read_text())[-2:] == ["--from", str(output / "checkpoint-10")]


def test_a_cut_off_attempt_starts_anew_where_nothing_says_how_it_goes_on(tmp_path: Path) -> None:
    body = "import os, sys\nassert os.listdir(sys.argv[1]) == []\nopen(sys.argv[1] + '/left', 'w')\nsys.exit(1)"
    made = study(tmp_path, body)
    for _ in range(2):
        with pytest.raises(FrameworkError, match="exit code 1"):
            run(made)
    assert failed(made).observed["command"]["resumed"] is False


def test_it_goes_on_only_from_a_checkpoint_that_is_there(tmp_path: Path) -> None:
    body = """
    import os, sys
    out = sys.argv[1]
    if "--from" in sys.argv:
        sys.exit(0 if sys.argv[-1] == out + "/c-2" else 4)
    os.makedirs(out + "/c-2"); os.makedirs(out + "/c-11")
    open(out + "/c-2/done", "w")
    sys.exit(1)
    """
    made = study(tmp_path, body, "resume: {arguments: [--from, '{checkpoint}'], checkpoint: c-*/done}")
    with pytest.raises(FrameworkError, match="exit code 1"):
        run(made)
    record, _ = run(made)  # c-11 holds no `done`: it is half of a checkpoint
    assert record.observed["command"]["resumed"] is True


# Before anything starts


def obstacles(made: ScriptedStudy) -> list[str]:
    step = made.step()
    found = preflight.obstacles(made.load().manifest.hardware, [step], made.root)
    return [f"{each.clause} = {each.declared}: {each.found}" for each in found]


def test_what_stands_in_the_way_is_told_before_anything_starts(tmp_path: Path) -> None:
    made = study(tmp_path, "")
    assert obstacles(made) == []
    manifest = tmp_path / "experiment.yaml"
    text = manifest.read_text()
    manifest.write_text(text.replace(PYTHON, "no-such-launcher"))
    assert obstacles(made) == ["runners.train.command = no-such-launcher: no such program on the PATH"]
    manifest.write_text(text.replace("train.py,", "trian.py,"))
    assert obstacles(made) == [f"runners.train.command = trian.py: no such file below {tmp_path}"]
    hf = f"    command: [{PYTHON}, train.py, --seed, '43']\n    unpassed: [sequence_length]\n"
    drifting = ScriptedStudy(tmp_path, hf + "    flags: hf-training-arguments\n", *SMALL)
    (found,) = obstacles(drifting)
    assert "would be passed otherwise" in found
    assert "43" in found
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_plan_shows_it_and_neither_plan_nor_check_nor_verify_starts_it(tmp_path: Path) -> None:
    study(tmp_path, "open('started', 'w')")

    def framework(*arguments: str) -> subprocess.CompletedProcess[str]:
        call = [sys.executable, "-m", "framework", *arguments]
        return subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)

    shown = framework("plan", "--variant", "full")
    assert shown.returncode == 0, shown.stderr
    assert "is trained by a program that the manifest names:" in shown.stdout
    assert f"runners.train: {sys.executable} train.py '{{output}}' --optimizer adamw" in shown.stdout
    (step,) = json.loads(framework("plan", "--variant", "full", "--format", "json").stdout)["steps"]
    assert step["command"]["argv"][:3] == [sys.executable, "train.py", "{output}"]
    for command in ("check", "verify", "docs"):
        framework(command)
    assert not (tmp_path / "started").exists()
    ran = framework("run", "--variant", "full")
    assert "starts programs that the manifest names, without a shell: runners.train" in ran.stdout
    assert (tmp_path / "started").exists()
