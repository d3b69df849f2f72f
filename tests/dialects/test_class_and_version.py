"""What a file means depends on the class that runs, and on its release.

Measured with, or read in, the releases that the dialects' docstrings name.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Stage
from tests.dialects.held_rows import (
    ARGS,
    CONFORMS,
    LORA,
    SFT,
    UNVERIFIED,
    VIOLATED,
    Row,
    assert_held,
    checked,
    clause_of,
)
from tests.support.project import Project

ROWS: dict[str, Row] = {
    # what: dialect, file, text, requirements, clause -> status
    "TRL's supervised fine-tuning since 0.12": (
        "hf-training-arguments",
        SFT,
        "trl==1.16.0",
        "",
        {"optimizer.learning_rate": CONFORMS, "precision": CONFORMS, "sequence_length": CONFORMS},
    ),
    "the same before": (
        "trl",
        SFT,
        "trl==0.11.4\ntransformers==4.57.1",
        "",
        {"optimizer.learning_rate": VIOLATED, "precision": VIOLATED, "sequence_length": UNVERIFIED},
    ),
    "the same where nothing tells the release": (
        "trl",
        SFT,
        "",
        "",
        {"optimizer.learning_rate": UNVERIFIED, "precision": UNVERIFIED, "optimizer.weight_decay": VIOLATED},
    ),
    "a range of releases that agree": ("trl", SFT, "trl>=0.20,<2", "", {"optimizer.learning_rate": CONFORMS}),
    "a range of releases that do not": ("trl", SFT, "trl>=0.9", "", {"optimizer.learning_rate": UNVERIFIED}),
    "every release has another value": (
        "trl",
        SFT,
        "",
        "learning_rate: 2e-5|learning_rate: 3e-4",
        {"optimizer.learning_rate": VIOLATED},
    ),
    "GRPO": (
        "trl",
        "num_generations: 8\nper_device_train_batch_size: 16\n",
        "",
        "learning_rate: 2e-5|learning_rate: 1e-6",
        {"optimizer.learning_rate": CONFORMS},
    ),
    "a reward model before 0.24": (
        "trl",
        "center_rewards_coefficient: 0.01\nper_device_train_batch_size: 16\n",
        "trl==0.23.1",
        "learning_rate: 2e-5|learning_rate: 1e-4",
        {"optimizer.learning_rate": VIOLATED},
    ),
    "and from it on": (
        "trl",
        "center_rewards_coefficient: 0.01\nper_device_train_batch_size: 16\n",
        "trl==0.24.0",
        "learning_rate: 2e-5|learning_rate: 1e-4",
        {"optimizer.learning_rate": CONFORMS},
    ),
    "one of TRL's trainers": (
        "trl",
        "use_peft: true\nlora_task_type: CAUSAL_LM\nper_device_train_batch_size: 16\n",
        "trl==1.16.0",
        "",
        {"optimizer.learning_rate": UNVERIFIED},
    ),
    "LoRA without its switch": (
        "trl",
        f"{SFT}lora_r: 16\nlora_alpha: 32\nlora_target_modules: [q_proj, v_proj]\n",
        "",
        "",
        {f"{LORA}rank": VIOLATED, f"{LORA}alpha": VIOLATED, f"{LORA}targets": VIOLATED},
    ),
    "LoRA with its switch alone": (
        "trl",
        f"{SFT}use_peft: true\n",
        "",
        "",
        {f"{LORA}rank": CONFORMS, f"{LORA}alpha": CONFORMS, f"{LORA}dropout": CONFORMS},
    ),
    "rank-stabilised scaling": (
        "trl",
        f"{SFT}use_peft: true\nlora_alpha: 32\nuse_rslora: true\n",
        "",
        "",
        {f"{LORA}alpha": UNVERIFIED, f"{LORA}rank": CONFORMS},
    ),
    "a key that TRL dropped": (
        "trl",
        f"{SFT}max_seq_length: 1024\n",
        "trl==0.20.0",
        "",
        {"sequence_length": UNVERIFIED},
    ),
    "a key that TRL still read": (
        "trl",
        f"{SFT}max_seq_length: 1024\n",
        "trl==0.19.1",
        "",
        {"sequence_length": CONFORMS},
    ),
    "a ratio that transformers no longer has": (
        "trl",
        f"{SFT}warmup_ratio: 0.1\n",
        "transformers==5.16.0",
        "",
        {"schedule.warmup": UNVERIFIED},
    ),
    "a ratio that transformers 4 has": (
        "trl",
        f"{SFT}warmup_ratio: 0.1\n",
        "transformers==4.57.1",
        "",
        {"schedule.warmup": CONFORMS},
    ),
    "a ratio that a plain Trainer of transformers refuses": (
        "hf-training-arguments",
        f"{ARGS}warmup_ratio: 0.1\n",
        "transformers==5.23.0",
        "",
        {"schedule.warmup": UNVERIFIED},
    ),
    "one that whatever ran has taken": (
        "hf-training-arguments",
        f"{ARGS}warmup_ratio: 0.1\n",
        "transformers>=4.40",
        "",
        {"schedule.warmup": CONFORMS},
    ),
    "a ratio of a constant rate": (
        "trl",
        f"{SFT}warmup_ratio: 0.1\nlr_scheduler_type: constant\n",
        "",
        "",
        {"schedule.warmup": VIOLATED},
    ),
    "packed examples": ("trl", f"{SFT}packing: true\nnum_train_epochs: 3\n", "", "", {"epochs": UNVERIFIED}),
    "ms-swift": (
        "hf-training-arguments",
        "tuner_type: full\nmodel: org/model\nper_device_train_batch_size: 4\nlearning_rate: 0.00002\n",
        "ms-swift==4.6.0",
        "",
        {
            "optimizer.weight_decay": CONFORMS,
            "optimizer.betas": CONFORMS,
            "schedule.name": CONFORMS,
            "batch_size": CONFORMS,
            "epochs": CONFORMS,
        },
    ),
    "ms-swift of 2.x": (
        "ms-swift",
        "sft_type: lora\nper_device_train_batch_size: 4\n",
        "ms-swift==2.6.1",
        "",
        {"epochs": VIOLATED, "schedule.warmup": UNVERIFIED, f"{LORA}alpha": CONFORMS, f"{LORA}rank": VIOLATED},
    ),
    "a warmup of steps that are not whole, since transformers 5": (
        "hf-training-arguments",
        f"{ARGS}warmup_steps: 19.5\n",
        "transformers==5.0.0",
        "warmup: 10%|warmup: 19 steps",
        {"schedule.warmup": CONFORMS},
    ),
    "and before, when it was refused": (
        "hf-training-arguments",
        f"{ARGS}warmup_steps: 19.5\n",
        "transformers==4.57.6",
        "warmup: 10%|warmup: 19 steps",
        {"schedule.warmup": UNVERIFIED},
    ),
    "and where nothing tells the release": (
        "trl",
        f"{SFT}warmup_steps: 19.5\n",
        "",
        "warmup: 10%|warmup: 19 steps",
        {"schedule.warmup": UNVERIFIED},
    ),
    "a length of no steps": (
        "hf-training-arguments",
        f"{ARGS}max_steps: 0\n",
        "",
        "",
        {"epochs": VIOLATED},
    ),
    "a length that is not set": ("hf-training-arguments", f"{ARGS}max_steps: -1\n", "", "", {"epochs": CONFORMS}),
}


@pytest.mark.parametrize("name", ROWS)
def test_the_meaning_is_that_of_the_class_that_runs(tmp_path: Path, name: str) -> None:
    assert_held(tmp_path, ROWS[name])


def test_the_manifest_may_state_the_release(tmp_path: Path) -> None:
    dialect, text, _, _, _ = ROWS["TRL's supervised fine-tuning since 0.12"]
    hardware = "models: {m:|hardware: {packages: {trl: 1.16.0}}\nmodels: {m:"
    result = checked(tmp_path, (dialect, text, "", hardware, {}))
    rate = clause_of(result, "phases.p.optimizer.learning_rate")
    assert result.matrix.seen(rate, Stage.CONFIG) is CONFORMS


def test_the_program_of_a_command_tells_the_trainer(tmp_path: Path) -> None:
    """`trl sft` without `--use_peft`: no adapter, whatever the other flags say."""
    flags = "--learning_rate 2e-5 --lora_r 16 --per_device_train_batch_size 16"
    for command, status in ((f"trl sft {flags}", VIOLATED), (f"trl sft {flags} --use_peft", CONFORMS)):
        result = checked(tmp_path, ("hf-training-arguments", ARGS, "", "", {}))
        project = Project(tmp_path, (tmp_path / "experiment.yaml").read_text().replace("a.yaml", "run.sh"))
        project.write("run.sh", f"{command}\n")
        result = project.check()
        assert result.matrix.seen(clause_of(result, f"{LORA}rank"), Stage.CONFIG) is status
