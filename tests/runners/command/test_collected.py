"""What a script of the user's own leaves is read back and held to the manifest; what it does not say is no pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Stage, Status
from framework.errors import FrameworkError
from framework.evidence.record import read_lines
from framework.evidence.store import RunStore
from framework.planning.reasons import Reasons
from tests.runners.command.commanded import LOGS, PYTHON, Telling, failed, run, study, verified
from tests.support.statuses import codes, status_of


def test_what_the_script_logged_is_held_to_the_manifest(tmp_path: Path) -> None:
    made = study(tmp_path, LOGS, "outputs: {log: log.jsonl}")
    record, folder = run(made)
    assert record.status == "done"
    assert record.observed["optimizer_steps"] == 20
    assert record.metrics["validation_loss"] == 0.5
    assert "perplexity" not in record.metrics, "nothing says that the loss is per token"
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
    ("units", "metric", "perplexity", "unit"),
    [
        ("{loss: per token}", "", True, None),
        ("{val_loss: nats/token}", "", True, None),
        ("{eval_loss: per character}", "", False, None),
        ("{loss: bits per token}", "", False, None),
        ("{}", "loss", False, None),
        ("{}", "perplexity", True, None),
        ("{}", "{name: loss, unit: per token}", True, Status.UNVERIFIED),
        ("{}", "{name: loss, unit: per character}", False, Status.UNVERIFIED),
        ("{loss: per token}", "{name: loss, unit: nats per token}", True, Status.CONFORMS),
        ("{loss: per byte}", "{name: eval/loss, unit: per byte}", False, Status.CONFORMS),
        ("{loss: per byte}", "{name: loss, unit: per token}", False, Status.VIOLATED),
    ],
)
def test_a_perplexity_is_of_a_loss_per_token_and_units_are_held(
    tmp_path: Path, units: str, metric: str, perplexity: bool, unit: Status | None
) -> None:
    stated = [("dataset: corpus\n", f"dataset: corpus\n    metric: {metric}\n")] if metric else []
    made = study(tmp_path, LOGS, f"outputs: {{log: log.jsonl, units: {units}}}", "", *stated)
    telling = Telling()
    record, _ = run(made, telling)
    assert record.metrics.get("perplexity") == (pytest.approx(1.6487, abs=1e-4) if perplexity else None)
    assert any("no perplexity" in line for line in telling.told) is not perplexity
    if unit is not None:
        assert status_of(verified(made), "phases.train.metric.unit", Stage.RUN) is unit


@pytest.mark.parametrize(
    ("old", "new", "code", "clause"),
    [
        ('float(given["--lr"])', "1e-3", "R110", "optimizer.learning_rate"),
        ("rate(step - 1)", "0.99 * rate(step - 1)", "R110", "optimizer.learning_rate"),
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


@pytest.mark.parametrize(
    ("old", "new", "clause", "said"),
    [
        (
            "peak * done / warmup",
            "peak",
            "schedule.warmup",
            "step 1 of 20 used 0.0002, not 0: its warmup starts from 0.0002",
        ),
        ('float(given["--floor"])', "0.0", "schedule.min_learning_rate", "its floor is 0, not 2e-05"),
        ("(steps - warmup)))", "(2 * steps - warmup)))", "schedule.name", "stretched over 40 steps, not 20"),
        (
            "rate(step - 1)",
            "rate(step - 1) * (1 + step % 3)",
            "schedule.name",
            "no one or two other values explain them",
        ),
    ],
)
def test_one_finding_names_the_first_step_and_what_differs(
    tmp_path: Path, old: str, new: str, clause: str, said: str
) -> None:
    assert old in LOGS
    made = study(tmp_path, LOGS.replace(old, new), "outputs: {log: log.jsonl}")
    run(made)
    result = verified(made)
    (finding,) = [each for each in result.findings if each.code == "R110"]
    assert finding.clause == f"phases.train.{clause}"
    assert said in finding.message
    stated = ("optimizer.learning_rate", "schedule.name", "schedule.warmup", "schedule.min_learning_rate")
    others = {status_of(result, f"phases.train.{name}", Stage.RUN) for name in stated if name != clause}
    assert others == ({Status.UNVERIFIED} if "no one" in said else {Status.CONFORMS})


@pytest.mark.parametrize(("steps", "violated"), [(2, True), (3, False), (4, False), (5, True)])
def test_a_share_of_the_steps_may_be_rounded_up_and_down(tmp_path: Path, steps: int, violated: bool) -> None:
    """17 % of 20 steps are 3.4: what the config stage takes for that is taken here."""
    body = LOGS.replace('int(given["--warmup"])', str(steps))
    made = study(tmp_path, body, "outputs: {log: log.jsonl}", "", ("warmup: 10%", "warmup: 17%"))
    run(made)
    result = verified(made)
    assert set(codes(result)) == ({"R110"} if violated else set())


FACTORED = LOGS.replace("return peak * done / warmup", "return peak * (0.1 + 0.9 * done / warmup)")


@pytest.mark.parametrize(
    ("warmup", "steps", "violated"),
    [
        ("{ratio: 0.17, factor: 0.1}", 3, False),
        ("{ratio: 0.17, factor: 0.1}", 4, False),
        ("{ratio: 0.17, factor: 0.1, rounded: down}", 3, False),
        ("{ratio: 0.17, factor: 0.1, rounded: down}", 4, True),
        ("{ratio: 0.17, factor: 0.1, rounded: up}", 3, True),
        ("{ratio: 0.17, from: 2e-5, rounded: up}", 4, False),
        ("{ratio: 0.17, factor: 0.2}", 4, True),
        ("{ratio: 0.17}", 4, True),
    ],
)
def test_a_warmup_that_starts_above_0_is_held_as_it_is_rounded(
    tmp_path: Path, warmup: str, steps: int, violated: bool
) -> None:
    """As torch's LinearLR has it: from a factor of the peak, over a share of 20 steps that is 3.4."""
    body = FACTORED.replace('int(given["--warmup"])', str(steps))
    more = "outputs: {log: log.jsonl}\nunpassed: [schedule.warmup]"
    made = study(tmp_path, body, more, "", ("warmup: 10%", f"warmup: {warmup}"))
    run(made)
    result = verified(made)
    assert codes(result) == (["R110"] if violated else [])
    parts = [each for each in result.matrix.clauses if ".schedule.warmup." in each.id]
    found = {result.matrix.status(each, Stage.RUN) for each in parts}
    assert found >= {Status.VIOLATED} if violated else found == {Status.CONFORMS}


def test_the_steps_of_a_warmup_are_passed_as_they_are_rounded(tmp_path: Path) -> None:
    for rounded, steps in (("up", "4"), ("down", "3")):
        (tmp_path / rounded).mkdir()
        change = ("warmup: 10%", f"warmup: {{ratio: 0.17, rounded: {rounded}}}")
        made = study(tmp_path / rounded, LOGS, "outputs: {log: log.jsonl}", "", change)
        argv = made.command().argv
        assert argv[argv.index("--warmup") + 1] == steps
        run(made)
        assert codes(verified(made)) == []


def test_a_log_of_the_learning_rate_that_is_set_after_a_step(tmp_path: Path) -> None:
    late = LOGS.replace("rate(step - 1)", "rate(step)")
    made = study(tmp_path, late, "outputs: {log: log.jsonl, learning_rate: next}")
    run(made)
    result = verified(made)
    assert codes(result) == []
    assert status_of(result, "phases.train.schedule.warmup", Stage.RUN) is Status.CONFORMS


def test_evaluations_among_the_steps_of_a_log_of_any_name(tmp_path: Path) -> None:
    """Rows of several kinds in a `.log`: the steps are held, and the evaluation's loss is no step's."""
    rows = LOGS.replace('{"step": step,', '{"event": "training_step", "step": step,')
    rows = rows.replace('{"step": steps, "val_loss"', '{"event": "evaluation", "step": steps, "loss"')
    assert rows.count("event") == 2
    rows = rows.replace("log.jsonl", "events.log")
    made = study(tmp_path, rows, "outputs: {log: events.log, step_rows: {event: training_step}, "
                 "evaluation_rows: {event: evaluation}}")  # fmt: skip
    record, folder = run(made)
    assert record.metrics["validation_loss"] == 0.5
    assert [line["loss"] for line in read_lines(folder / "steps.jsonl")] == [1 / step for step in range(1, 21)]
    assert codes(verified(made)) == []


WRITES = (
    LOGS.replace('"lr": rate(step - 1), ', "")
    + """
def typed(text):
    try:
        return json.loads(text)
    except ValueError:
        return text
values = {name.lstrip("-"): typed(value) for name, value in given.items()}
json.dump({**values, "unknown": 3}, open(out + "/args.json", "w"))
"""
)
WRITTEN = "outputs: {log: log.jsonl, settings: args.json}"


def test_the_settings_that_a_script_wrote_are_held(tmp_path: Path) -> None:
    """Where the log says nothing, what the script wrote under the names that it was passed settles it."""
    made = study(tmp_path, WRITES, WRITTEN)
    run(made)
    result = verified(made)
    assert codes(result) == []
    for clause in ("optimizer.learning_rate", "optimizer.weight_decay", "max_grad_norm", "max_steps", "schedule.name"):
        assert status_of(result, f"phases.train.{clause}", Stage.RUN) is Status.CONFORMS, clause


@pytest.mark.parametrize(
    ("name", "value", "clause"),
    [
        ("lr", 1e-3, "optimizer.learning_rate"),
        ("wd", 0.2, "optimizer.weight_decay"),
        ("clip", 2.0, "max_grad_norm"),
        ("steps", 19, "max_steps"),
    ],
)
def test_settings_of_another_value_are_found(tmp_path: Path, name: str, value: float, clause: str) -> None:
    other = WRITES.replace('"unknown": 3', f'"{name}": {value}')
    made = study(tmp_path, other, WRITTEN)
    run(made)
    result = verified(made)
    assert "R125" in codes(result)
    assert status_of(result, f"phases.train.{clause}", Stage.RUN) is Status.VIOLATED


def test_the_epochs_of_the_settings_are_held(tmp_path: Path) -> None:
    change = ("max_steps: 20", "epochs: 3")
    keys = "outputs: {settings: args.json, settings_dialect: hf-training-arguments}"
    for epochs, status in ((3, Status.CONFORMS), (2, Status.VIOLATED)):
        body = f"import sys; open(sys.argv[1] + '/args.json', 'w').write('{{\"num_train_epochs\": {epochs}}}')"
        (tmp_path / str(epochs)).mkdir()
        made = study(tmp_path / str(epochs), body, keys, "", change)
        made.manifest.write_text(made.manifest.read_text().replace("steps: max_steps", "epochs: epochs"))
        run(made)
        assert status_of(verified(made), "phases.train.epochs", Stage.RUN) is status


def test_settings_that_are_none_are_refused(tmp_path: Path) -> None:
    body = "import sys; open(sys.argv[1] + '/args.json', 'w').write('[1]')"
    with pytest.raises(FrameworkError, match=r"args\.json holds no settings"):
        run(study(tmp_path, body, "outputs: {settings: args.json}"))


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
    assert Reasons(RunStore(tmp_path / "runs")).of(made.step()) == "it failed before"
    telling = Telling()
    record, _ = run(made, telling)
    assert record.status == "done"
    assert "only its outputs are read again" in telling.told[0]
    assert (tmp_path / "count").read_text() == "x"
