"""One precision, two trainings: weights of 16 bits, or of 32 beside the passes.

lightning 2.6.6, litgpt 0.5.13, axolotl 0.19.0, LLaMA-Factory 0.9.5, torchtune 0.6.1, transformers 5.23.0 and
mosaicml 0.32.1.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Stage, Status
from tests.dialects.held_rows import ARGS, CONFORMS, SFT, UNVERIFIED, VIOLATED, checked, clause_of

GENERIC = "lr: 2e-5\nbatch_size: 16\nprecision: "
AXOLOTL = "base_model: org/model\nmicro_batch_size: 16\ndatasets: []\nlearning_rate: 2e-5\n"
FACTORY = "stage: sft\nfinetuning_type: full\nmodel_name_or_path: org/model\ntemplate: x\nlearning_rate: 2.0e-5\n"
TUNE = "optimizer: {_component_: torch.optim.AdamW, lr: 2e-5}\nepochs: 3\nbatch_size: 16\n"
LIGHTNING = "trainer: {max_epochs: 3, precision: %s}\nmodel: {class_path: x, init_args: {}}\n"
SHORT, WHOLE = "bf16", "fp32"

FILES = {
    # what: dialect, text, the format of the weights; None where nothing tells it
    "LitGPT's true": ("generic", f"{GENERIC}bf16-true\n", SHORT),
    "and mixed": ("generic", f"{GENERIC}bf16-mixed\n", WHOLE),
    "Composer's": ("generic", f"{GENERIC}amp_bf16\n", WHOLE),
    "the format alone": ("generic", f"{GENERIC}bf16\n", None),
    "Lightning's true": ("lightning-cli", LIGHTNING % "bf16-true", SHORT),
    "and Lightning's mixed": ("lightning-cli", LIGHTNING % "bf16-mixed", WHOLE),
    "axolotl's full": ("axolotl", f"{AXOLOTL}bf16: full\n", SHORT),
    "axolotl's switch": ("axolotl", f"{AXOLOTL}bf16: true\n", None),
    "LLaMA-Factory's pure": ("llama-factory", f"{FACTORY}pure_bf16: true\n", SHORT),
    "torchtune's": ("torchtune", f"{TUNE}dtype: bf16\n", SHORT),
    "a checkpoint in 16 bits": ("hf-training-arguments", f"{ARGS}bf16: true\ndtype: bfloat16\n", SHORT),
    "in 32": ("hf-training-arguments", f"{ARGS}bf16: true\ntorch_dtype: float32\n", WHOLE),
    "TRL's": ("trl", f"{SFT}bf16: true\ndtype: bfloat16\n", SHORT),
    "under an adapter": ("trl", f"{SFT}bf16: true\ndtype: bfloat16\nuse_peft: true\n", None),
}


def seen(folder: Path, dialect: str, text: str, change: str, clause: str) -> Status | None:
    result = checked(folder, (dialect, text, "", f"precision: bf16|{change}", {}))
    return result.matrix.seen(clause_of(result, f"phases.p.{clause}"), Stage.CONFIG)


@pytest.mark.parametrize("stated", [SHORT, WHOLE])
@pytest.mark.parametrize("what", FILES)
def test_what_is_kept_of_the_weights_is_told_by_the_word(tmp_path: Path, what: str, stated: str) -> None:
    dialect, text, held = FILES[what]
    found = seen(tmp_path, dialect, text, f"precision: bf16\n    master_weights: {stated}", "master_weights")
    assert found is (None if held is None else CONFORMS if held == stated else VIOLATED)


@pytest.mark.parametrize("what", FILES)
def test_the_passes_are_the_same(tmp_path: Path, what: str) -> None:
    dialect, text, _ = FILES[what]
    assert seen(tmp_path, dialect, text, "precision: bf16", "precision") is CONFORMS


@pytest.mark.parametrize(
    ("stated", "file", "status"),
    [
        ("bf16-mixed", "bf16-mixed", CONFORMS),
        ("bf16-true", "bf16-true", CONFORMS),
        ("bf16-mixed", "bf16-true", VIOLATED),
        ("bf16-true", "bf16-mixed", VIOLATED),
        ("bf16-mixed", "16-mixed", VIOLATED),
        ("bf16-mixed", "bf16", UNVERIFIED),
        ("bf16-mixed", "fp32", VIOLATED),
    ],
)
def test_a_manifest_may_say_it_in_one_word(tmp_path: Path, stated: str, file: str, status: Status) -> None:
    assert seen(tmp_path, "generic", f"{GENERIC}{file}\n", f"precision: {stated}", "precision") is status
