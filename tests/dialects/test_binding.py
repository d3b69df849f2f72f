"""What a dialect never does: guess, go before an explicit key, or call what nobody could know a pass."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from framework.conformance import Severity, Stage, Status
from framework.dialects import registry
from framework.dialects.key_tables import read_table
from framework.dialects.terms import Dialect, Key, Recognition, Said
from framework.errors import InputError
from framework.manifest.loading import load
from framework.repair.proposal import propose
from framework.stages.check import CheckResult, check
from tests.dialects.examples import EXAMPLES, MANIFEST, PHASE
from tests.support.texts import replaced

TEXTS = {example.dialect: example.text for example in EXAMPLES}
ARGS = TEXTS["hf-training-arguments"]


def held(root: Path, configs: str, files: dict[str, str], *changes: tuple[str, str]) -> CheckResult:
    manifest = replaced(MANIFEST, *changes)
    for name, text in files.items():
        (root / name).write_text(text)
    (root / "experiment.yaml").write_text(f"{manifest}configs:\n{configs}")
    return check(load(root / "experiment.yaml"))


def errors(result: CheckResult) -> list[tuple[str, str | None]]:
    return [(each.code, each.clause) for each in result.findings if each.severity is Severity.ERROR]


def status(result: CheckResult, clause: str) -> Status:
    return result.statuses[clause]


HF = "  - {file: a.yaml, dialect: hf-training-arguments, describes: phases.train}\n"


def test_explicit_keys_go_before_what_the_dialect_would_bind(tmp_path: Path) -> None:
    keys = HF.replace("}", ", keys: {weight_decay: optimizer.eps}}")
    result = held(tmp_path, keys, {"a.yaml": ARGS})
    assert ("C101", f"{PHASE}.optimizer.eps") in errors(result)


def test_an_item_of_a_list_can_be_bound_explicitly(tmp_path: Path) -> None:
    configs = "  - {file: a.yaml, describes: phases.train, keys: {beta: 'optimizer.betas[1]'}, ignore: [lr]}\n"
    assert errors(held(tmp_path, configs, {"a.yaml": "beta: 0.95\n"})) == []
    result = held(tmp_path, configs, {"a.yaml": "beta: 0.99\n"})
    assert errors(result) == [("C101", f"{PHASE}.optimizer.betas")]
    assert "betas[1] = 0.95" in result.findings[0].message


def test_ignored_keys_state_nothing(tmp_path: Path) -> None:
    configs = HF.replace("}", ", ignore: [weight_decay]}")
    result = held(tmp_path, configs, {"a.yaml": ARGS.replace("weight_decay: 0.1", "weight_decay: 0.5")})
    assert ("C101", f"{PHASE}.optimizer.weight_decay") not in errors(result)


def test_auto_is_unverified_and_no_error(tmp_path: Path) -> None:
    text = """\
{"train_batch_size": "auto", "train_micro_batch_size_per_gpu": "auto", "gradient_accumulation_steps": "auto",
 "gradient_clipping": "auto",
 "optimizer": {"type": "AdamW", "params": {"lr": "auto", "betas": "auto", "weight_decay": "auto"}},
 "scheduler": {"type": "WarmupCosineLR", "params": {"warmup_num_steps": "auto", "total_num_steps": "auto"}},
 "zero_optimization": {"stage": 3}, "bf16": {"enabled": "auto"}}
"""
    result = held(tmp_path, "  - {file: ds.json, dialect: deepspeed, describes: phases.train}\n", {"ds.json": text})
    assert errors(result) == []
    for clause in ("optimizer.learning_rate", "batch_size", "schedule.warmup", "max_grad_norm", "precision"):
        assert status(result, f"{PHASE}.{clause}") is Status.UNVERIFIED
    assert status(result, f"{PHASE}.optimizer.name") is Status.CONFORMS


def test_an_interpolation_that_nobody_can_resolve_is_unverified(tmp_path: Path) -> None:
    text = TEXTS["hydra"].replace("lr: 2e-4", 'lr: "${oc.env:LR}"')
    result = held(tmp_path, "  - {file: t.yaml, dialect: hydra, describes: phases.train}\n", {"t.yaml": text})
    assert errors(result) == []
    assert status(result, f"{PHASE}.optimizer.learning_rate") is Status.UNVERIFIED


def test_a_searched_parameter_that_includes_the_value_is_unverified(tmp_path: Path) -> None:
    configs = "  - {file: s.yaml, dialect: wandb-sweep, describes: phases.train}\n"
    result = held(tmp_path, configs, {"s.yaml": TEXTS["wandb-sweep"]})
    assert status(result, f"{PHASE}.optimizer.learning_rate") is Status.UNVERIFIED
    assert status(result, f"{PHASE}.optimizer.weight_decay") is Status.UNVERIFIED


def test_a_fact_of_several_phases_is_ambiguous_without_describes(tmp_path: Path) -> None:
    second = MANIFEST[MANIFEST.index("  train:\n") : MANIFEST.index("variants:")].replace("  train:", "  tune:", 1)
    second = second.replace("learning_rate: 2e-4", "learning_rate: 1e-4")
    configs = "  - {file: a.yaml, dialect: hf-training-arguments}\n"
    result = held(tmp_path, configs, {"a.yaml": ARGS}, ("variants:", f"{second}variants:"))
    found = [each for each in result.findings if each.code == "C130" and "learning_rate" in each.message]
    assert len(found) == 1
    assert "`learning_rate: phases.train.optimizer.learning_rate`" in (found[0].advice or "")
    assert "`learning_rate: phases.tune.optimizer.learning_rate`" in (found[0].advice or "")
    assert errors(result) == []


def test_a_bare_batch_size_on_one_device_is_the_whole(tmp_path: Path) -> None:
    configs = "  - {file: a.yaml, dialect: generic, describes: phases.train}\n"
    for size, expected in (("64", []), ("32", [("C101", f"{PHASE}.batch_size")])):
        result = held(tmp_path, configs, {"a.yaml": f"lr: 2e-4\nbatch_size: {size}\n"}, ("count: 2", "count: 1"))
        assert errors(result) == expected


def test_one_number_of_epochs_for_tasks_that_differ_is_not_guessed(tmp_path: Path) -> None:
    tasks = ("    epochs: 3\n", "    tasks: {a: {dataset: corpus, epochs: 5}, b: {dataset: corpus, epochs: 9}}\n")
    configs = "  - {file: a.yaml, dialect: generic, describes: phases.train}\n"
    result = held(tmp_path, configs, {"a.yaml": "lr: 2e-4\nepochs: 5\n"}, tasks)
    assert [each.code for each in result.findings if "epochs" in each.message].count("C130") == 1
    named = held(tmp_path, configs, {"a.yaml": "lr: 2e-4\nepochs: {a: 5, b: 10, c: 1}\n"}, tasks)
    assert ("C101", f"{PHASE}.tasks.b.epochs") in errors(named)
    assert status(named, f"{PHASE}.tasks.a.epochs") is Status.CONFORMS


def test_a_default_is_no_finding_where_another_file_of_the_run_states_it(tmp_path: Path) -> None:
    without = ARGS.replace("bf16: true\nfp16: false\n", "")
    assert errors(held(tmp_path, HF, {"a.yaml": without})) == []  # from 5 on it is the checkpoint's own
    (tmp_path / "requirements.txt").write_text("transformers==4.57.1\n")
    alone = held(tmp_path, HF, {"a.yaml": without})
    assert errors(alone) == [("C131", f"{PHASE}.precision")]
    assert errors(held(tmp_path, HF.replace("}", ", required: false}"), {"a.yaml": without})) == []
    beside = "  - {file: acc.yaml, dialect: accelerate, describes: phases.train}\n"
    both = held(tmp_path, HF + beside, {"a.yaml": without, "acc.yaml": TEXTS["accelerate"]})
    assert errors(both) == []
    apart = HF.replace("}", ", variant: full}") + beside.replace("}", ", variant: lora}")
    assert ("C131", f"{PHASE}.precision") in errors(held(tmp_path, apart, {}))


def test_a_default_that_is_what_the_manifest_states_conforms(tmp_path: Path) -> None:
    result = held(tmp_path, HF, {"a.yaml": ARGS})
    looks = [each for each in result.matrix.verdicts if each.clause == f"{PHASE}.max_grad_norm"]
    assert [each.status for each in looks if each.stage is Stage.CONFIG] == [Status.CONFORMS]
    assert any("max_grad_norm" in each.reason for each in looks)


def test_the_one_seed_of_the_trainer_is_not_held_against_several(tmp_path: Path) -> None:
    one = held(tmp_path, HF, {"a.yaml": ARGS}, ("seeds: [42]", "seeds: [1]"))
    assert errors(one) == [("C131", "seeds")]
    several = held(tmp_path, HF, {"a.yaml": ARGS}, ("seeds: [42]", "seeds: [1, 2]"))
    assert errors(several) == []
    assert status(several, "seeds") is Status.UNVERIFIED


def test_steps_are_unverified_against_epochs_where_the_dataset_is_of_unknown_size(tmp_path: Path) -> None:
    unknown = (", train_examples: 64_000", "")
    text = ARGS.replace("max_steps: -1", "max_steps: 1500").replace("warmup_ratio: 0.1", "warmup_steps: 150")
    result = held(tmp_path, HF, {"a.yaml": text.replace("warmup_steps: 0\n", "")}, unknown)
    assert errors(result) == []
    assert status(result, f"{PHASE}.epochs") is Status.UNVERIFIED
    assert status(result, f"{PHASE}.schedule.warmup") is Status.UNVERIFIED


def test_a_translated_value_is_never_repaired_by_the_manifests_word(tmp_path: Path) -> None:
    text = ARGS.replace("adamw_torch_fused", "sgd").replace("max_steps: -1", "max_steps: 1500")
    result = held(tmp_path, HF, {"a.yaml": text})
    assert (tmp_path / "experiment.yaml").exists()
    proposal = propose(result.experiment, result.findings)
    repaired = {finding.clause for patch in proposal.patches for finding, _, _ in patch.repairs}
    assert f"{PHASE}.epochs" not in repaired
    assert f"{PHASE}.optimizer.name" not in repaired


def test_an_unknown_dialect_is_refused_with_the_near_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did you mean 'deepspeed'") as refused:
        held(tmp_path, "  - {file: a.yaml, dialect: deepsped}\n", {"a.yaml": ARGS})
    assert "experiment.yaml:" in str(refused.value)


def _house(data: object) -> Said:
    return read_table(data, {"step_size": Key("optimizer.learning_rate")})


HOUSE = Dialect("house", "our trainer", lambda data: Recognition(1.0, "ours") if "step_size" in data else None, _house)


def test_another_distribution_adds_a_dialect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("house", f"{__name__}:HOUSE", registry.GROUP)
    monkeypatch.setattr(registry, "_others", lambda: {"house": point})
    registry.dialect.cache_clear()
    try:
        assert "house" in registry.names()
        result = held(tmp_path, "  - {file: a.yaml, dialect: house}\n", {"a.yaml": "step_size: 1.0\n"})
        assert errors(result) == [("C101", f"{PHASE}.optimizer.learning_rate")]
    finally:
        registry.dialect.cache_clear()


def test_a_check_without_dialects_imports_none(tmp_path: Path, repository: Path) -> None:
    shutil.copytree(repository / "configs", tmp_path / "configs")
    shutil.copy(repository / "experiment.yaml", tmp_path)
    code = (
        "import sys; from framework.stages.check import check; from framework.manifest.loading import load;"
        "check(load('experiment.yaml'));"
        "print([name for name in sys.modules if name.startswith('framework.dialects')])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_warmup_in_the_other_unit_of_a_mapping_is_unverified(tmp_path: Path) -> None:
    text = ARGS.replace("warmup_ratio: 0.1\nwarmup_steps: 0", "warmup_steps: 300")
    result = held(tmp_path, HF, {"a.yaml": text}, ("warmup: 10%", "warmup: {ratio: 0.1}"))
    assert errors(result) == []
    assert status(result, f"{PHASE}.schedule.warmup.ratio") is Status.UNVERIFIED


COMMAND = """\
#!/bin/bash
accelerate launch --num_processes 2 --mixed_precision bf16 train.py --output_dir out \\
  --learning-rate 2e-4 --weight_decay 0.1 --adam_beta2 0.95 --optim adamw_torch --lr_scheduler_type cosine \\
  --warmup_ratio 0.1 --num_train_epochs 3 --per_device_train_batch_size 8 --gradient_accumulation_steps 4
"""


def test_flags_state_what_the_arguments_state(tmp_path: Path) -> None:
    configs = "  - {file: run.sh, dialect: hf-training-arguments, describes: phases.train}\n"
    result = held(tmp_path, configs, {"run.sh": COMMAND})
    assert errors(result) == []
    for clause in ("optimizer.learning_rate", "batch_size", "precision", "schedule.warmup", "max_grad_norm"):
        assert status(result, f"{PHASE}.{clause}") is Status.CONFORMS
    drifted = held(tmp_path, configs, {"run.sh": COMMAND.replace("2e-4", "3e-4").replace("--weight_decay 0.1", "")})
    assert sorted(errors(drifted)) == [
        ("C101", f"{PHASE}.optimizer.learning_rate"),
        ("C131", f"{PHASE}.optimizer.weight_decay"),
    ]
    assert any("--weight_decay" in (each.advice or "") for each in drifted.findings)


def test_a_command_that_names_a_config_assumes_no_defaults(tmp_path: Path) -> None:
    configs = "  - {file: run.sh, dialect: hf-training-arguments, describes: phases.train}\n"
    text = "python train.py --config a.yaml --learning_rate 2e-4 --num_train_epochs 3\n"
    assert errors(held(tmp_path, configs, {"run.sh": text})) == []


def test_two_sections_that_state_one_fact_differently_are_not_guessed(tmp_path: Path) -> None:
    """An actor's learning rate and another component's: which of them the phase's is, only the user can say."""
    configs = "  - {file: a.yaml, dialect: generic, describes: phases.train}\n"
    text = "actor: {lr: 2e-4, epochs: 3}\nbackbone2: {lr: 1e-5}\n"
    result = held(tmp_path, configs, {"a.yaml": text})
    found = [each for each in result.findings if each.code == "C130"]
    assert {each.location.key for each in found if each.location} == {"actor.lr", "backbone2.lr"}
    assert errors(result) == []
    assert status(result, f"{PHASE}.optimizer.learning_rate") is Status.UNVERIFIED
    alike = held(tmp_path, configs, {"a.yaml": text.replace("1e-5", "2e-4")})
    assert status(alike, f"{PHASE}.optimizer.learning_rate") is Status.CONFORMS


def test_what_is_none_in_both_needs_no_clause(tmp_path: Path) -> None:
    """`clip_grad_norm: null` where the manifest states no clipping is covered; a number is not."""
    configs = "  - {file: t.yaml, dialect: torchtune, describes: phases.train, variant: lora}\n"
    without = ("    max_grad_norm: 1.0\n", "")
    text = TEXTS["torchtune"].replace("clip_grad_norm: 1.0", "clip_grad_norm: null")

    def unbound(text: str) -> set[str | None]:
        result = held(tmp_path, configs, {"t.yaml": text}, without)
        return {each.location.key for each in result.findings if each.code == "C120" and each.location}

    assert "clip_grad_norm" not in unbound(text)
    assert "clip_grad_norm" in unbound(TEXTS["torchtune"])


def test_a_variable_that_a_flag_takes_is_stated_once(tmp_path: Path) -> None:
    script = "GPUS=2\nRATE=2e-4\nUNUSED=1\naccelerate launch --num_processes $GPUS t.py --learning_rate $RATE"
    script += " --num_train_epochs 3 --per_device_train_batch_size 8\n"
    configs = "  - {file: run.sh, dialect: hf-training-arguments, describes: phases.train}\n"
    result = held(tmp_path, configs, {"run.sh": script})
    unbound = {each.location.key for each in result.findings if each.code == "C120" and each.location}
    assert unbound == set()
