"""What is rendered for a trainer, taken by the trainer's own code where it is installed: it means what was meant."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from framework.planning.commands.argument_texts import as_arguments
from framework.planning.steps import Training
from framework.stages.run.recomputed.learning_rate import learning_rate_at
from tests.support.scripted import ON_FLAGS, ScriptedStudy

LORA = "    command: [python, train.py, '{c.json}', '{model}']\n    unpassed: [optimizer, schedule, batch_size, epochs,\
 sequence_length, max_grad_norm, precision, seed]\n    configs: {c.json: peft-adapter}\n"
LAUNCH = LORA.replace("c.json: peft-adapter", "c.yaml: accelerate").replace("c.json", "c.yaml")
SCHEDULES = {
    "cosine, to a tenth": (),
    "cosine, to 0": (("min_learning_rate: 0.1 * learning_rate", "min_learning_rate: 0"),),
    "linear": (("name: cosine", "name: linear"), ("min_learning_rate: 0.1 * learning_rate", "min_learning_rate: 0")),
    "constant": (("name: cosine", "name: constant"),),
    "constant, not warmed up": (("name: cosine", "name: constant"), ("warmup: 10%", "warmup: 0 steps")),
    "a share that rounds badly": (("warmup: 10%", "warmup: 7%"),),
}
SHORT = ("batch_size: 64\n    epochs: 3", "batch_size: 64\n    max_steps: 30")


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_transformers_makes_the_declared_schedule_of_its_arguments(tmp_path: Path, schedule: str) -> None:
    from transformers import HfArgumentParser, TrainingArguments, get_scheduler

    study = ScriptedStudy(tmp_path, ON_FLAGS, SHORT, *SCHEDULES[schedule])
    command, work = study.command(), study.step().work
    assert isinstance(work, Training)
    argv = [str(tmp_path) if each == "{output}" else each for each in command.argv[2:]]
    precise = argv.index("--bf16")
    del argv[precise : precise + 2]  # which a machine without an accelerator does not take
    block = argv.index("--block_size")
    del argv[block : block + 2]
    (training,) = HfArgumentParser(TrainingArguments).parse_args_into_dataclasses([*argv, "--use_cpu", "True"])
    assert (training.adam_beta1, training.adam_beta2, training.weight_decay) == (0.9, 0.95, 0.1)
    assert (training.max_steps, training.seed, training.max_grad_norm) == (30, 42, 1.0)
    optimizer = torch.optim.AdamW([torch.zeros(1, requires_grad=True)], lr=training.learning_rate)
    scheduler = get_scheduler(
        training.lr_scheduler_type,
        optimizer,
        training.get_warmup_steps(30),
        30,
        training.lr_scheduler_kwargs or {},
    )
    for step in range(1, 31):
        assert scheduler.get_last_lr()[0] == pytest.approx(learning_rate_at(work.phase, step, 30), rel=1e-9, abs=1e-18)
        optimizer.step()
        scheduler.step()


def test_accelerate_takes_its_launch_configuration(tmp_path: Path) -> None:
    from accelerate.commands.config.config_args import ClusterConfig

    command = ScriptedStudy(tmp_path, LAUNCH).command()
    (tmp_path / "c.yaml").write_text(command.text("c.yaml", {}))
    config = ClusterConfig.from_yaml_file(str(tmp_path / "c.yaml"))
    assert (config.num_processes, config.mixed_precision, config.use_cpu) == (2, "bf16", True)
    assert str(config.distributed_type).endswith("MULTI_CPU")


def test_peft_takes_its_adapter_configuration(tmp_path: Path) -> None:
    from peft import LoraConfig

    command = ScriptedStudy(tmp_path, LORA).command("lora")
    (tmp_path / "adapter_config.json").write_text(command.text("c.json", {"model": "base"}))
    config = LoraConfig.from_pretrained(str(tmp_path))
    assert (config.r, config.lora_alpha, config.lora_dropout) == (16, 32, 0.05)
    assert set(config.target_modules) == {"q_proj", "v_proj"}
    assert config.base_model_name_or_path == "example/small"


@pytest.mark.parametrize(
    ("family", "sizes"),
    [
        ("gpt2", {"layers": 3, "hidden": 24, "heads": 2, "intermediate": 48, "vocabulary": 99}),
        ("llama", {"layers": 3, "hidden": 24, "heads": 2, "intermediate": 48, "vocabulary": 99}),
        ("mamba", {"layers": 3, "hidden": 24, "state": 4, "expand": 2, "vocabulary": 99}),
        ("distilbert", {"layers": 3, "hidden": 24, "heads": 2, "vocabulary": 99}),
        ("opt", {"layers": 3, "hidden": 24, "heads": 2, "intermediate": 48, "vocabulary": 99}),
    ],
)
def test_transformers_makes_the_declared_sizes_of_a_model_config(
    tmp_path: Path, family: str, sizes: dict[str, int]
) -> None:
    from transformers import AutoConfig

    stated = ", ".join(f"{name}: {value}" for name, value in sizes.items())
    model = ("layers: 12, hidden: 768, heads: 12, vocabulary: 32000", stated)
    runner = LORA.replace("peft-adapter", "hf-model-config")
    data = ScriptedStudy(tmp_path, runner, model, ("family: llama", f"family: {family}")).data("c.json")
    (tmp_path / "config.json").write_text(json.dumps(data))
    config = AutoConfig.from_pretrained(tmp_path)
    assert config.model_type == family
    assert config.hidden_size == 24
    assert config.num_hidden_layers == 3
    assert config.vocab_size == 99
    if "heads" in sizes:
        assert config.num_attention_heads == 2
    if "intermediate" in sizes:
        assert 48 in (getattr(config, name, None) for name in ("intermediate_size", "n_inner", "ffn_dim"))


def test_flags_are_what_argparse_reads() -> None:
    import argparse

    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float)
    parser.add_argument("--betas", type=float, nargs=2)
    parser.add_argument("--name")
    read = parser.parse_args(as_arguments({"lr": 1e-7, "betas": [0.9, 0.95], "name": "a b"}, "--key value"))
    assert (read.lr, read.betas, read.name) == (1e-7, [0.9, 0.95], "a b")
