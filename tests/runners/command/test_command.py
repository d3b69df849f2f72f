"""Commands of the user's own as steps: started without a shell, ended when asked, gone on with, and read back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from framework.conformance import Stage, Status
from framework.errors import FrameworkError
from framework.evidence.record import RunRecord, read_lines
from framework.evidence.store import RunStore, changed_artefacts
from framework.evidence.tensors import TensorFile
from framework.planning.reasons import reason
from framework.planning.steps import Step
from framework.stages.verify import VerifyResult
from runners import preflight
from runners.command import process
from runners.execute import execute
from runners.progress import Silent
from tests.support.scripted import ScriptedStudy
from tests.support.statuses import codes, status_of

PYTHON = json.dumps(sys.executable)
KEYS = "{optimizer: optimizer.name, lr: optimizer.learning_rate, floor: schedule.min_learning_rate, eps: optimizer.eps,\
 wd: optimizer.weight_decay, betas: optimizer.betas, schedule: schedule.name, warmup: schedule.warmup.steps,\
 micro: batch_size.micro, accum: batch_size.accumulation, steps: max_steps, length: sequence_length,\
 clip: max_grad_norm, precision: precision, seed: seed}"
SMALL = (
    ("batch_size: 64\n    epochs: 3", "batch_size: 8\n    max_steps: 20"),
    ("count: 2", "count: 1"),
)
LOGS = """
import json, math, sys
given = dict(zip(sys.argv[2::2], sys.argv[3::2]))
out, peak, floor = sys.argv[1], float(given["--lr"]), float(given["--floor"])
steps, warmup = int(given["--steps"]), int(given["--warmup"])
def rate(done):
    if done < warmup:
        return peak * done / warmup
    return floor + (peak - floor) * 0.5 * (1 + math.cos(math.pi * (done - warmup) / (steps - warmup)))
with open(out + "/log.jsonl", "w") as log:
    for step in range(1, steps + 1):
        print(json.dumps({"step": step, "lr": rate(step - 1), "loss": 1 / step, "samples": 8}), file=log)
    print(json.dumps({"step": steps, "val_loss": 0.5}), file=log)
"""
"""A script that trains nothing and logs what one would that is passed its settings after its output folder."""


def script(root: Path, body: str) -> None:
    (root / "train.py").write_text(dedent(body))


def study(root: Path, body: str, more: str = "", arguments: str = "", *changes: tuple[str, str]) -> ScriptedStudy:
    script(root, body)
    betas = "betas: optimizer.betas"  # argparse's way of a list would not pair up
    keys = KEYS.replace(betas, "b1: 'optimizer.betas[0]', b2: 'optimizer.betas[1]'")
    command = f"    command: [{PYTHON}, train.py, '{{output}}'{arguments}]\n    flags: {{keys: {keys}}}\n"
    return ScriptedStudy(root, command + indent(dedent(more), "    "), *SMALL, *changes)


class Telling(Silent):
    """Keeps what a run tells."""

    verbose = True

    def __init__(self) -> None:
        self.told: list[str] = []

    def message(self, text: str) -> None:
        self.told.append(text)


def run(made: ScriptedStudy, progress: Silent | None = None, step: Step | None = None) -> tuple[RunRecord, Path]:
    step = step or made.step()
    store = RunStore(made.root / "runs")
    record = execute(step, store, made.root, progress or Silent())
    return record, store.folder(step.folder)


def failed(made: ScriptedStudy) -> RunRecord:
    return RunRecord.read(made.root / "runs" / made.step().folder)


def verified(made: ScriptedStudy) -> VerifyResult:
    return made.verify(plan=made.plan("full"))


# Evidence


def test_what_the_script_logged_is_held_to_the_manifest(tmp_path: Path) -> None:
    made = study(tmp_path, LOGS, "outputs: {log: log.jsonl}")
    record, folder = run(made)
    assert record.status == "done"
    assert record.observed["optimizer_steps"] == 20
    assert record.metrics["validation_loss"] == 0.5
    assert record.metrics["perplexity"] == pytest.approx(1.6487, abs=1e-4)
    assert len(list(read_lines(folder / "steps.jsonl"))) == 20
    assert {"log/log.jsonl", "command.json", "stdout.log", "stderr.log"} <= set(record.artefacts)
    result = verified(made)
    assert codes(result) == []
    for clause in ("optimizer.learning_rate", "schedule.warmup", "max_steps", "batch_size"):
        assert status_of(result, f"phases.train.{clause}", Stage.RUN) is Status.CONFORMS, clause
    for clause in ("optimizer.weight_decay", "optimizer.betas", "max_grad_norm", "precision", "dataset"):
        assert status_of(result, f"phases.train.{clause}", Stage.RUN) is Status.UNVERIFIED, clause
    assert status_of(result, "seeds", Stage.RUN) is Status.UNVERIFIED


@pytest.mark.parametrize(
    ("old", "new", "code", "clause"),
    [
        ('float(given["--lr"])', "1e-3", "R110", "optimizer.learning_rate"),
        ("rate(step - 1)", "0.99 * rate(step - 1)", "R110", "schedule.name"),
        ("rate(step - 1)", "rate(step)", "R110", "schedule.warmup"),
        ('int(given["--steps"])', "19", "R101", "max_steps"),
        ('"samples": 8', '"samples": 4', "R102", "batch_size"),
    ],
)
def test_a_script_that_does_otherwise_is_found(tmp_path: Path, old: str, new: str, code: str, clause: str) -> None:
    assert old in LOGS
    made = study(tmp_path, LOGS.replace(old, new), "outputs: {log: log.jsonl}")
    run(made)
    result = verified(made)
    assert code in codes(result)
    assert status_of(result, f"phases.train.{clause}", Stage.RUN) is Status.VIOLATED


def test_a_log_of_the_learning_rate_that_is_set_after_a_step(tmp_path: Path) -> None:
    late = LOGS.replace("rate(step - 1)", "rate(step)")
    made = study(tmp_path, late, "outputs: {log: log.jsonl, learning_rate: next}")
    run(made)
    result = verified(made)
    assert codes(result) == []
    assert status_of(result, "phases.train.schedule.warmup", Stage.RUN) is Status.CONFORMS


def test_a_log_that_rounds(tmp_path: Path) -> None:
    rounding = LOGS.replace("rate(step - 1)", "float(f'{rate(step - 1):.3g}')")
    made = study(tmp_path, rounding, "outputs: {log: log.jsonl}")
    run(made)
    assert "R110" in codes(verified(made))
    (tmp_path / "other").mkdir()
    made = study(tmp_path / "other", rounding, "outputs: {log: log.jsonl, tolerance: 0.005}")
    run(made)
    result = verified(made)
    assert codes(result) == []
    looks = [
        each.reason for each in result.matrix.verdicts if each.clause.endswith("warmup") and each.stage is Stage.RUN
    ]
    assert looks == ["20 steps follow the declared schedule, to 0.005 of it, as the log rounds"]


def test_every_tenth_step_is_no_proof_of_the_last(tmp_path: Path) -> None:
    sparse = LOGS.replace("        print(json", "        if step % 6 == 0: print(json").replace(', "samples": 8', "")
    sparse = sparse.replace('"step": steps, "val', '"step": 18, "val')
    made = study(tmp_path, sparse, "outputs: {log: log.jsonl}")
    record, _ = run(made)
    assert record.observed["optimizer_steps_between"] == [18, 23]
    result = verified(made)
    assert status_of(result, "phases.train.max_steps", Stage.RUN) is Status.UNVERIFIED
    assert status_of(result, "phases.train.batch_size", Stage.RUN) is Status.UNVERIFIED
    assert status_of(result, "phases.train.optimizer.learning_rate", Stage.RUN) is Status.CONFORMS
    assert codes(result) == []


@pytest.mark.parametrize(("batch", "status"), [(8, Status.CONFORMS), (4, Status.VIOLATED)])
def test_the_batch_as_a_trainers_summary_leaves_only_one(tmp_path: Path, batch: int, status: Status) -> None:
    """20 steps in 2 seconds, at as many samples per second as that batch makes."""
    state = {"global_step": 20, "max_steps": 20, "epoch": 1.0, "log_history": [
        {"step": 20, "loss": 1.0, "epoch": 1.0},
        {"step": 20, "train_runtime": 2.0, "train_samples_per_second": 20 * batch / 2, "train_loss": 1.0},
    ]}  # fmt: skip
    body = f"import json, sys\njson.dump({state!r}, open(sys.argv[1] + '/trainer_state.json', 'w'))"
    made = study(tmp_path, body, "outputs: {log: trainer_state.json}")
    run(made)
    result = verified(made)
    assert status_of(result, "phases.train.batch_size", Stage.RUN) is status
    assert codes(result) == ([] if status is Status.CONFORMS else ["R102"])


def test_without_outputs_nothing_passes(tmp_path: Path) -> None:
    made = study(tmp_path, "print('done')")
    record, _ = run(made)
    assert record.metrics == {}
    result = verified(made)
    passed = {
        verdict.clause
        for verdict in result.matrix.verdicts
        if verdict.stage is Stage.RUN and verdict.status is Status.CONFORMS
    }
    # That it is this step, and that a machine without an accelerator used none.
    assert passed == {"variants.full.steps[0]", "hardware.accelerator"}


def test_the_versions_are_not_this_interpreters_where_another_program_runs(tmp_path: Path) -> None:
    made = study(tmp_path, "print('done')")
    ours, _ = run(made)
    assert "torch" in ours.environment["packages"]
    (tmp_path / "other").mkdir()
    other = study(tmp_path / "other", "")
    text = (other.root / "experiment.yaml").read_text().replace(f"[{PYTHON}, train.py", "[/bin/true, train.py")
    (other.root / "experiment.yaml").write_text(text)
    theirs, _ = run(other)
    assert "packages" not in theirs.environment
    assert theirs.environment["machine"]["hardware"]["cpu"] == ours.environment["machine"]["hardware"]["cpu"]


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        ("{log: none.jsonl}", "left no log: 'none.jsonl' matches nothing"),
        ("{metrics: all_results.json}", "left no metrics"),
        ("{checkpoint: final}", "left no checkpoint"),
        ("{checkpoint: .}", "has no config.json"),
        ("{log: log.jsonl, names: {step: it}}", "holds no step: say under `names`"),
    ],
)
def test_an_output_that_is_missing_is_a_failure(tmp_path: Path, outputs: str, words: str) -> None:
    made = study(tmp_path, LOGS, f"outputs: {outputs}")
    with pytest.raises(FrameworkError, match=words):
        run(made)
    assert failed(made).status == "failed"


def test_outputs_that_were_not_found_are_read_again_without_training_again(tmp_path: Path) -> None:
    counting = LOGS + "open('count', 'a').write('x')\n"
    made = study(tmp_path, counting, "outputs: {log: lgo.jsonl}")
    with pytest.raises(FrameworkError, match="left no log"):
        run(made)
    made = study(tmp_path, counting, "outputs: {log: log.jsonl}")
    assert reason(made.step(), RunStore(tmp_path / "runs")) == "it failed before"
    telling = Telling()
    record, _ = run(made, telling)
    assert record.status == "done"
    assert "only its outputs are read again" in telling.told[0]
    assert (tmp_path / "count").read_text() == "x"


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


# Checkpoints

COPIES = "import shutil, sys\nshutil.copytree('left', sys.argv[1] + '/left')\n"
LLAMA = {
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 8, "num_hidden_layers": 1,
    "num_attention_heads": 2, "num_key_value_heads": 2, "intermediate_size": 16, "vocab_size": 256,
    "tie_word_embeddings": False,
}  # fmt: skip
TINY = (
    (
        "small: {family: llama, hub: example/small, layers: 12, hidden: 768, heads: 12, vocabulary: 32000}",
        "small: {family: llama, path: base, layers: 1, hidden: 8, heads: 2, vocabulary: 256, tokenizer: bytes}",
    ),
)
PRUNES = (
    "  tuned: {from: full, steps: [tune]}",
    "  pruned: {from: full, steps: [{prune: {sparsity: 0.5, tensors: [q_proj]}}]}",
)


def base(root: Path) -> Any:
    """A small model below the project, as the manifest's `path`."""
    from transformers import AutoModelForCausalLM, LlamaConfig

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(LlamaConfig(**LLAMA))
    model.save_pretrained(root / "base")
    return model


def test_a_checkpoint_becomes_the_runs_model_and_later_steps_work_on_it(tmp_path: Path) -> None:
    base(tmp_path).save_pretrained(tmp_path / "left")
    made = study(tmp_path, COPIES, "outputs: {checkpoint: left}", "", *TINY, PRUNES)
    record, folder = run(made)
    assert record.parameters["total"] == sum(
        each.elements for each in TensorFile(folder / "model" / "model.safetensors").tensors.values()
    )
    pruned = made.step("pruned", "prune")
    after, _ = run(made, step=pruned)
    assert after.sparsity["zeros"] == 32  # half of 8 x 8
    result = made.verify(plan=made.plan("pruned"))
    assert codes(result) == []
    assert status_of(result, "variants.pruned.steps[0].prune.sparsity", Stage.CHECKPOINT) is Status.CONFORMS
    assert status_of(result, "models.small.hidden", Stage.CHECKPOINT) is Status.CONFORMS


def test_shards_become_one_file(tmp_path: Path) -> None:
    model = base(tmp_path)
    model.save_pretrained(tmp_path / "left", max_shard_size="2KB")
    assert len(list((tmp_path / "left").glob("model-*.safetensors"))) > 1
    _, folder = run(study(tmp_path, COPIES, "outputs: {checkpoint: left}", "", *TINY))
    saved = load_file(folder / "model" / "model.safetensors")
    assert saved.keys() == model.state_dict().keys()
    assert all(torch.equal(saved[name], tensor) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"config.json": b"{}", "pytorch_model.bin": b"x"}, "pickled weights are not read"),
        ({"config.json": b"{}"}, "has no model.safetensors"),
        ({"model.safetensors": b"x"}, "has no config.json"),
        ({"config.json": b"{}", "model.safetensors": b"xxxxxxxxxxxx"}, "not a safetensors file"),
        (
            {"config.json": b"{}", "model.safetensors.index.json": b'{"weight_map": {"a": "../x.safetensors"}}'},
            "which is not there",
        ),
        ({"adapter_config.json": b"{}"}, "has no adapter_model.safetensors"),
    ],
)
def test_what_is_no_checkpoint_is_refused(tmp_path: Path, files: dict[str, bytes], words: str) -> None:
    (tmp_path / "left").mkdir()
    for name, data in files.items():
        (tmp_path / "left" / name).write_bytes(data)
    made = study(tmp_path, COPIES, "outputs: {checkpoint: left}")
    with pytest.raises(FrameworkError, match=words):
        run(made)
    assert not (tmp_path / "runs" / made.step().folder / "model").exists()


LORA = (
    "  lora: {steps: [{train: {adapter: {lora: {rank: 16, alpha: 32, dropout: 0.05, targets: [q_proj, v_proj]}}}}]}",
    """\
  sparse:
    steps:
      - {prune: {sparsity: 0.5, tensors: [q_proj, v_proj]}}
      - {train: {adapter: {lora: {rank: 2, alpha: 4, targets: [q_proj, v_proj]}}}}""",
)


def test_an_adapter_is_kept_and_merged_and_what_was_pruned_stays_zero(tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model

    model = base(tmp_path)
    config = LoraConfig(r=2, lora_alpha=4, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    adapted = get_peft_model(model, config)
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter)
    adapted.save_pretrained(tmp_path / "left")
    lora = "rank: adapter.lora.rank, alpha: adapter.lora.alpha, on: adapter.lora.targets, seed: seed"
    made = study(tmp_path, COPIES, "outputs: {checkpoint: left}", ", '{model}'", *TINY, LORA)
    manifest = tmp_path / "experiment.yaml"
    manifest.write_text(manifest.read_text().replace("seed: seed", lora))
    run(made, step=made.step("sparse", "prune"))
    record, folder = run(made, step=made.step("sparse", "train"))
    assert record.observed["command"]["argv"][3].endswith("/model")
    assert record.parameters["trainable"] == 4 * 8 * 2
    assert (record.adapter["rank"], record.adapter["alpha"]) == (2, 4)
    zeros = TensorFile(folder / "model" / "model.safetensors").zeros("model.layers.0.self_attn.q_proj.weight")
    assert (
        zeros + TensorFile(folder / "model" / "model.safetensors").zeros("model.layers.0.self_attn.v_proj.weight") == 64
    )
    result = made.verify(plan=made.plan("sparse"))
    assert codes(result) == []
    adapter = "variants.sparse.steps[1].train.adapter.lora"
    for name in ("rank", "alpha", "targets"):
        assert status_of(result, f"{adapter}.{name}", Stage.CHECKPOINT) is Status.CONFORMS
    assert record.adapter["mode"] == "sparse_to_dense"
    clause = next(each for each in result.matrix.clauses if each.id == f"{adapter}.rank")
    assert any("are (W + s B A) * M" in look.reason for look in result.matrix.looks(clause, Stage.CHECKPOINT))
    assert status_of(result, "variants.sparse.steps[0].prune.sparsity", Stage.CHECKPOINT) is Status.CONFORMS


def test_a_script_that_loses_the_zeros_is_found(tmp_path: Path) -> None:
    base(tmp_path)
    body = """
    import shutil, sys
    from safetensors.torch import load_file, save_file
    shutil.copytree(sys.argv[2], sys.argv[1] + "/left")
    tensors = load_file(sys.argv[1] + "/left/model.safetensors")
    tensors["model.layers.0.self_attn.q_proj.weight"] += 1
    save_file(tensors, sys.argv[1] + "/left/model.safetensors", metadata={"format": "pt"})
    """
    dense = (LORA[0], LORA[1].replace("{adapter: {lora: {rank: 2, alpha: 4, targets: [q_proj, v_proj]}}}", "{}"))
    made = study(tmp_path, body, "outputs: {checkpoint: left}", ", '{model}'", *TINY, dense)
    run(made, step=made.step("sparse", "prune"))
    run(made, step=made.step("sparse", "train"))
    result = made.verify(plan=made.plan("sparse"))
    assert codes(result) == ["T101"]


def test_a_changed_checkpoint_or_log_is_seen(tmp_path: Path) -> None:
    made = study(tmp_path, LOGS, "outputs: {log: log.jsonl}")
    _, folder = run(made)
    (folder / "log" / "log.jsonl").write_text("")
    found = RunStore(tmp_path / "runs").finished(made.step().key)
    assert found is not None
    assert changed_artefacts(found) == ["log/log.jsonl"]


def test_safetensors_are_written_by_the_library(tmp_path: Path) -> None:
    """The refusal of a file that is none does not refuse one that is."""
    (tmp_path / "left").mkdir()
    (tmp_path / "left" / "config.json").write_text("{}")
    save_file({"a": torch.zeros(3)}, tmp_path / "left" / "model.safetensors")
    record, _ = run(study(tmp_path, COPIES, "outputs: {checkpoint: left}"))
    assert record.parameters == {"total": 3}
