"""Was the baseline trained the same way? What runs of two variants differ in though no clause covers it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from framework import api
from framework.adoption.adopting import adopt
from framework.conformance import Finding
from framework.evidence.record import RECORD
from framework.evidence.store import RunStore
from framework.manifest.loading import load
from framework.stages.verify import VerifyResult
from tests.adoption.left_runs import MANIFEST, lightning, trainer_output, wandb, write

OUT = "out/{variant}/seed{seed}"


def study(root: Path, left: Any, settings: str, said: dict[tuple[str, int], dict[str, Any]], **changed: Any) -> Any:
    """Adopted runs of two variants, whose programs wrote these settings beside their usual ones."""
    for (variant, seed), more in said.items():
        folder = left(root / f"out/{variant}/seed{seed}")
        file = folder / settings
        before = yaml.safe_load(file.read_text("utf-8")) if file.is_file() else {}
        write(file, yaml.safe_dump(before | more))
    data = yaml.safe_load(MANIFEST.replace("2e-5", "2.0e-5"))
    data["adopted"] = [{"path": OUT, "task": "sst2"}]
    data |= {name: value for name, value in changed.items() if name != "phase"}
    data["phases"]["finetune"] |= changed.get("phase", {})
    write(root / "experiment.yaml", yaml.safe_dump(data, sort_keys=False))
    experiment = load(root / "experiment.yaml")
    _, problems = adopt(experiment)
    assert not problems
    return experiment


def apart(result: VerifyResult) -> list[Finding]:
    return [finding for finding in result.findings if finding.code == "R147"]


def lightning_study(root: Path, dense: dict[str, Any], lora: dict[str, Any], **changed: Any) -> list[Finding]:
    said = {("dense", 1): dense, ("lora", 1): lora}
    return apart(api.verify(study(root, lightning, "hparams.yaml", said, **changed)))


def test_a_setting_that_no_clause_covers_is_named_with_both_places(tmp_path: Path) -> None:
    (finding,) = lightning_study(tmp_path, {"adam_beta2": 0.999, "mixup": 0.2}, {"adam_beta2": 0.95, "mixup": 0.2})
    assert "differ in adam_beta2, which no clause covers: 0.999 (" in finding.message
    assert "/adopted.dense." in finding.message
    assert "settings.json:2:17" in finding.message
    assert finding.location is not None
    assert "/adopted.lora." in finding.location.file
    assert finding.location.file.endswith("/settings.json")
    assert (finding.expected, finding.actual) == (0.999, 0.95)


def test_a_name_that_nobody_knows_counts_as_well(tmp_path: Path) -> None:
    (finding,) = lightning_study(tmp_path, {"augment": {"crop": 0.5}}, {"augment": {"crop": 0.9}})
    assert "differ in augment.crop" in finding.message


def test_a_warning_fails_no_gate(tmp_path: Path) -> None:
    experiment = study(tmp_path, lightning, "hparams.yaml", {("dense", 1): {"mixup": 0.1}, ("lora", 1): {"mixup": 0.2}})
    assert [str(finding.severity) for finding in apart(api.verify(experiment))] == ["warning"]


@pytest.mark.parametrize(
    ("dense", "lora"),
    [
        ({"mixup": 0.2}, {"mixup": 0.20}),
        ({"eps_of_mine": 1e-6}, {"eps_of_mine": "1e-06"}),
        ({"mixup": 0.2}, {}),  # of one run only: nothing is known
        ({"exported_to": "models/dense/1"}, {"exported_to": "models/lora/1"}),  # what the run is called
        ({"exported_to": "dense-best.pt"}, {"exported_to": "LORA-best.pt"}),
        ({"output_dir": "a", "wandb_project": "x"}, {"output_dir": "b", "wandb_project": "y"}),
        ({"weight_decay": 0.01}, {"weight_decay": 0.5}),  # of a clause: R125
    ],
)
def test_what_is_no_difference(tmp_path: Path, dense: dict[str, Any], lora: dict[str, Any]) -> None:
    assert not lightning_study(tmp_path, dense, lora)


def test_what_each_variant_states_is_a_clause_of_each(tmp_path: Path) -> None:
    rank = {"adapter": {"lora": {"rank": 8, "alpha": 16}}}
    variants = {
        "dense": {"steps": [{"finetune": {"set": {"settings.mixup": 0.1}}}]},
        "lora": {"steps": [{"finetune": {**rank, "set": {"settings.mixup": 0.2}}}]},
    }
    assert not lightning_study(tmp_path, {"mixup": 0.1}, {"mixup": 0.2}, variants=variants)


def test_runs_of_one_seed_are_compared(tmp_path: Path) -> None:
    """What follows the seed, and what differs within a variant, is none between variants."""
    said = {(variant, seed): {"data_order": seed * 7} for variant in ("dense", "lora") for seed in (1, 2)}
    assert not apart(api.verify(study(tmp_path, lightning, "hparams.yaml", said)))
    said["lora", 2] = {"data_order": 5}
    (finding,) = apart(api.verify(study(tmp_path, lightning, "hparams.yaml", said)))
    assert "seed 2" in finding.message
    assert "14 (" in finding.message


def test_runs_of_another_task_are_not_compared(tmp_path: Path) -> None:
    said = {("dense", 1): {"mixup": 0.1}, ("lora", 1): {"mixup": 0.2}}
    adopted = [
        {"path": "out/dense/seed1", "variant": "dense", "seed": 1, "task": "sst2"},
        {"path": "out/lora/seed1", "variant": "lora", "seed": 1, "task": "mrpc"},
    ]
    assert not apart(api.verify(study(tmp_path, lightning, "hparams.yaml", said, adopted=adopted)))


def test_versions_that_no_clause_states(tmp_path: Path) -> None:
    for variant, version in (("dense", "2.4.0"), ("lora", "2.5.1")):
        wandb(tmp_path / f"out/{variant}/seed2")
        write(tmp_path / f"out/{variant}/seed2/files/requirements.txt", f"torch=={version}\ntransformers==4.44.2\n")
    said: dict[tuple[str, int], dict[str, Any]] = {}
    experiment = study(tmp_path, wandb, "files/notes.yaml", said)
    (finding,) = apart(api.verify(experiment))
    assert "other versions, which no clause covers: torch 2.4.0 and 2.5.1 (runs/adopted.dense." in finding.message
    stated = study(tmp_path, wandb, "files/notes.yaml", said, hardware={"torch": "2.4.0"})
    assert not apart(api.verify(stated))  # then it is R132


def test_model_cards_of_two_versions(tmp_path: Path) -> None:
    for variant in ("dense", "lora"):
        trainer_output(tmp_path / f"out/{variant}/seed1")
    card = tmp_path / "out/lora/seed1/README.md"
    card.write_text(card.read_text("utf-8").replace("Transformers 4.44.2", "Transformers 5.0.0"), "utf-8")
    (finding,) = apart(api.verify(study(tmp_path, trainer_output, "notes.yaml", {})))
    assert "transformers 4.44.2 and 5.0.0" in finding.message


@pytest.mark.parametrize("fact", ["optimizer.betas", "max_grad_norm", "settings.mixup", "settings.learning_rate"])
def test_what_a_script_recorded_of_itself_is_compared(tmp_path: Path, fact: str) -> None:
    """By what was seen of the optimizer; an argument such as `learning_rate` proves nothing beside it."""
    experiment = study(tmp_path, lightning, "hparams.yaml", {("dense", 1): {}, ("lora", 1): {}})
    for run in RunStore(experiment.runs).readable("adopted.*"):
        record = json.loads((run.folder / RECORD).read_text("utf-8"))
        (variant,) = record["variants"]
        section, _, name = fact.rpartition(".")
        value = [0.9, 0.95 if variant == "lora" else 0.999] if name == "betas" else 1.0 + (variant == "lora")
        facts: dict[str, Any] = {section: {name: value}} if section else {name: value}
        record["observed"] = facts | {"seed": 1, "recorded": {"script": "train.py", "attempt": 1}}
        record["identity"] = {"recorded": record["identity"].pop("adopted")}
        (run.folder / "settings.json").unlink()
        record["artefacts"] = {name: each for name, each in record["artefacts"].items() if name != "settings.json"}
        folder = run.folder.with_name(run.folder.name.replace("adopted", "recorded"))
        run.folder.rename(folder)
        write(folder / RECORD, json.dumps(record))
    found = apart(api.verify(experiment))
    if fact == "settings.learning_rate":
        assert not found
        return
    (finding,) = found
    assert f"differ in {fact.removeprefix('settings.')}, which no clause covers" in finding.message
