"""What a trainer makes of a key depends on the training: its objective, its devices, its model's family.

transformers 5.23.0 and peft 0.21.2, by running them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Status
from framework.errors import InputError
from tests.dialects.held_rows import ADAPTER, ARGS, CONFORMS, LORA, SFT, UNVERIFIED, VIOLATED, Row, assert_held, checked

FOUR = "output_dir: x\nper_device_train_batch_size: 4\ngradient_accumulation_steps: 4\nlearning_rate: 0.00002\n"
CLASSES = "objective: causal_lm|objective: classification"
SGD = "name: adamw, learning_rate: 2e-5, weight_decay: 0.1, betas: [0.9, 0.95]|name: sgd, learning_rate: 2e-5"
MIXTURE, MAMBA = "family: llama|family: qwen2_moe", "family: llama|family: mamba"
MODULES = "targets: [q_proj, v_proj]|targets: [{}]"
BALANCED = "    early_stopping:|    settings: {load_balancing_weight: 0.01}\n    early_stopping:"
WEIGHT = "settings.load_balancing_weight"
ADAPTED = ADAPTER.replace("REST", '"lora_dropout": 0.05')
ROUTED = f"{FOUR}router_aux_loss_coef: 0.01\n"

ROWS: dict[str, tuple[str, str, list[str], dict[str, Status]]] = {
    # what: dialect, text, changes of the manifest, clause -> status
    "SGD on gradients that are added up": (
        "hf-training-arguments",
        f"{FOUR}optim: sgd\nmax_grad_norm: 0.3\n",
        [CLASSES, SGD],
        {"optimizer.learning_rate": UNVERIFIED, "max_grad_norm": UNVERIFIED},
    ),
    "SGD on those of a language model": (
        "hf-training-arguments",
        f"{FOUR}optim: sgd\nmax_grad_norm: 0.3\n",
        [SGD],
        {"optimizer.learning_rate": CONFORMS, "max_grad_norm": CONFORMS},
    ),
    "Adam scales them": (
        "hf-training-arguments",
        FOUR,
        [CLASSES],
        {"optimizer.learning_rate": CONFORMS, "max_grad_norm": UNVERIFIED},
    ),
    "a mixture's experts": (
        "trl",
        f"{SFT}use_peft: true\nlora_r: 16\nlora_dropout: 0.05\nlora_target_modules: [gate_proj, up_proj]\n",
        [MIXTURE, MODULES.format("gate_proj, up_proj")],
        {f"{LORA}rank": UNVERIFIED, f"{LORA}targets": UNVERIFIED, f"{LORA}dropout": UNVERIFIED},
    ),
    "a mixture's attention": (
        "peft-adapter",
        ADAPTED,
        [MIXTURE],
        {f"{LORA}rank": CONFORMS, f"{LORA}targets": CONFORMS, f"{LORA}dropout": CONFORMS},
    ),
    "a mixture that its number of experts tells": (
        "axolotl",
        "base_model: org/model\nadapter: lora\nlora_r: 16\nlora_target_modules: [up_proj]\ndatasets: []\n",
        ["family: llama|family: new, experts: 8", MODULES.format("up_proj")],
        {f"{LORA}rank": UNVERIFIED, f"{LORA}targets": UNVERIFIED},
    ),
    "the same modules of a dense model": (
        "peft-adapter",
        ADAPTED.replace("q_proj", "gate_proj").replace("v_proj", "up_proj"),
        [MODULES.format("gate_proj, up_proj")],
        {f"{LORA}rank": CONFORMS, f"{LORA}targets": CONFORMS},
    ),
    "modules of a Mamba that peft refuses": (
        "peft-adapter",
        ADAPTED.replace("q_proj", "in_proj").replace("v_proj", "out_proj"),
        [MAMBA, MODULES.format("in_proj, out_proj")],
        {f"{LORA}rank": CONFORMS, f"{LORA}targets": UNVERIFIED},
    ),
    "modules of a Mamba that it adapts": (
        "trl",
        f"{SFT}use_peft: true\nlora_target_modules: [in_proj, x_proj]\n",
        [MAMBA, MODULES.format("in_proj, x_proj")],
        {f"{LORA}targets": CONFORMS},
    ),
    "a balancing loss that is added up": (
        "hf-training-arguments",
        ROUTED,
        [MIXTURE, BALANCED],
        {WEIGHT: UNVERIFIED},
    ),
    "one that is not": (
        "hf-training-arguments",
        f"{ARGS}router_aux_loss_coef: 0.01\n",
        [MIXTURE, BALANCED],
        {WEIGHT: CONFORMS},
    ),
    "one that TRL divides": ("trl", f"{SFT}{ROUTED}", [MIXTURE, BALANCED], {WEIGHT: CONFORMS}),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_key_means_what_its_training_makes_of_it(tmp_path: Path, name: str) -> None:
    dialect, text, changes, expected = ROWS[name]
    row: Row = (dialect, text, "", "&&".join(changes), expected)
    assert_held(tmp_path, row)


def test_a_file_of_which_nothing_is_known_says_why(tmp_path: Path) -> None:
    text = ADAPTED.replace("q_proj", "gate_proj").replace("v_proj", "up_proj")
    changes = f"{MIXTURE}&&{MODULES.format('gate_proj, up_proj')}"
    with pytest.raises(InputError) as raised:
        checked(tmp_path, ("peft-adapter", text, "", changes, {}))
    messages = [each.message for each in raised.value.problems]
    assert messages[0] == "nothing of what the config files state is known here: there is nothing to check"
    assert any("lora_alpha settles nothing: peft makes parameters of twice the rank" in each for each in messages)


def test_the_reason_names_the_module_and_the_family(tmp_path: Path) -> None:
    text = ADAPTED.replace("q_proj", "conv1d")
    result = checked(tmp_path, ("peft-adapter", text, "", f"{MAMBA}&&{MODULES.format('conv1d, v_proj')}", {}))
    found = [each.message for each in result.findings if each.code == "C109"]
    assert any("peft refuses an adapter on conv1d of a mamba" in message for message in found)


RESUMED = f"{ARGS}learning_rate: 0.00002\nweight_decay: 0.1\nadam_beta2: 0.95\nlr_scheduler_type: cosine\n"


@pytest.mark.parametrize("checkpoint", ["true", "x/checkpoint-9", "null"])
def test_a_run_that_goes_on_has_its_own_settings(tmp_path: Path, checkpoint: str) -> None:
    held = {"optimizer.weight_decay": CONFORMS, "optimizer.learning_rate": CONFORMS, "schedule.name": CONFORMS}
    assert_held(tmp_path, ("hf-training-arguments", f"{RESUMED}resume_from_checkpoint: {checkpoint}\n", "", "", held))


def test_one_that_goes_on_from_another_has_that_ones_optimizer(tmp_path: Path) -> None:
    held = {"optimizer.weight_decay": UNVERIFIED, "optimizer.betas": UNVERIFIED, "schedule.name": CONFORMS}
    text = f"{RESUMED}resume_from_checkpoint: runs/first/checkpoint-9\n"
    assert_held(tmp_path, ("hf-training-arguments", text, "", "", held))
    assert_held(tmp_path, ("trl", f"{SFT}{text.partition('epochs: 3')[2]}", "", "", {"optimizer.betas": UNVERIFIED}))


LITGPT = "precision: bf16-true\ntrain: {global_batch_size: 20, micro_batch_size: 4, "
DEVICES = "models: {{m:|hardware: {{count: {}}}\nmodels: {{m:"


def test_litgpt_rounds_its_accumulation_down(tmp_path: Path) -> None:
    """floor(floor(20 / 3) / 4) is 1: 3 devices take 12, not 20 (litgpt 0.5.13, `litgpt/args.py`)."""
    changes = f"{DEVICES.format(3)}&&batch_size: 16|batch_size: 20"
    result = checked(tmp_path, ("generic", f"{LITGPT}lr_warmup_steps: 10}}\n", "", changes, {}))
    messages = [each.message for each in result.findings if each.code == "C110"]
    assert messages == ["4 (micro) x 3 (processes) does not divide the declared batch of 20"]


def test_a_share_of_litgpts_first_epoch_is_no_share_of_the_training(tmp_path: Path) -> None:
    """`lr_warmup_fraction` is of an epoch's micro batches, not of all optimizer steps (litgpt 0.5.13)."""
    result = checked(tmp_path, ("generic", f"{LITGPT}lr_warmup_fraction: 0.1}}\nlr: 2e-5\n", "", "", {}))
    assert "schedule.warmup" not in {each.clause for each in result.findings if each.code in ("C101", "C109")}
    assert any("train.lr_warmup_fraction" in each.message for each in result.findings if each.code == "C120")


@pytest.mark.parametrize(
    ("name", "kwargs", "status"),
    [
        ("constant_with_warmup", "{num_warmup_steps: 100}", CONFORMS),
        ("constant", "{num_warmup_steps: 100}", VIOLATED),
    ],
)
def test_a_constant_rate_reads_no_arguments_of_its_schedule(
    tmp_path: Path, name: str, kwargs: str, status: Status
) -> None:
    """transformers 5.23.0 hands `lr_scheduler_kwargs` to neither of them, misspelled ones included."""
    text = f"{ARGS}lr_scheduler_type: {name}\nwarmup_steps: 19\nlr_scheduler_kwargs: {kwargs}\n"
    change = "name: cosine, warmup: 10%, min_learning_rate: 0|name: constant, warmup: 19 steps"
    held = {"schedule.name": CONFORMS, "schedule.warmup": status}
    assert_held(tmp_path, ("hf-training-arguments", text, "", change, held))
    result = checked(tmp_path, ("hf-training-arguments", text, "", change, {}))
    assert any("num_warmup_steps" in each.message for each in result.findings if each.code == "C120")
