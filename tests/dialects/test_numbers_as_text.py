"""What becomes of a number that a config has as text: `2e-5`, which YAML 1.1 takes for a string, and `"2e-5"`.

Each row names where it was read or run. "a number": the trainer's parser converts it. "text": it does not, and the
training fails on it. "open": two parsers may read the file.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from framework.conformance import Status
from framework.manifest.loading import load
from framework.repair.fixing import fix
from framework.stages.check import check
from tests.dialects.held_rows import ARGS, SFT, checked

RATE = "phases.p.optimizer.learning_rate"
AXOLOTL = "base_model: org/model\nmicro_batch_size: 16\nnum_epochs: 3\nsequence_len: 1024\noptimizer: adamw_torch\n"
FACTORY = f"stage: sft\nfinetuning_type: full\ncutoff_len: 1024\n{ARGS}"
TUNE = "optimizer:\n  _component_: torch.optim.AdamW\n  lr: VALUE\nepochs: 3\nbatch_size: 16\n"
LIGHTNING = (
    "seed_everything: 1\ntrainer: {max_epochs: 3}\nmodel: {class_path: x.M}\n"
    "optimizer:\n  class_path: torch.optim.AdamW\n  init_args:\n    lr: VALUE\n"
)
HYDRA = "optimizer:\n  _target_: torch.optim.AdamW\n  lr: VALUE\n"
RATE_LINE = "learning_rate: VALUE\n"
NUMBER, TEXT, OPEN = "a number", "text", "open"
CONSUMERS: dict[str, tuple[str, str, str, str]] = {
    # who reads it: dialect, file, what 2e-5 is, what "2e-5" is
    "HfArgumentParser, TrainingArguments (ran 5.23: TypeError at the optimizer)": (
        "hf-training-arguments",
        ARGS + RATE_LINE,
        TEXT,
        TEXT,
    ),
    "a script of transformers' examples, or of TRL": (
        "hf-training-arguments",
        f"{ARGS}dataset_name: org/data\n{RATE_LINE}",
        OPEN,
        OPEN,
    ),
    "TrlParser (1.16.0 scripts/utils.py: argparse's defaults)": ("trl", SFT + RATE_LINE, NUMBER, NUMBER),
    "ms-swift (4.6.0 cli/main.py: a file becomes flags)": (
        "ms-swift",
        f"model: org/model\ntuner_type: full\n{ARGS}{RATE_LINE}",
        NUMBER,
        NUMBER,
    ),
    "LLaMA-Factory (0.9.5 hparams/parser.py: OmegaConf, then TrainingArguments)": (
        "llama-factory",
        FACTORY + RATE_LINE,
        NUMBER,
        TEXT,
    ),
    "axolotl (0.19.0 utils/schemas/training.py: float() of a string)": ("axolotl", AXOLOTL + RATE_LINE, NUMBER, NUMBER),
    "torchtune (OmegaConf, the class is called with it)": ("torchtune", TUNE, NUMBER, TEXT),
    "Hydra (OmegaConf, the class is called with it)": ("hydra", HYDRA, NUMBER, TEXT),
    "LightningCLI (ran jsonargparse 4.53: by the parameter's type)": ("lightning-cli", LIGHTNING, NUMBER, NUMBER),
    "timm's train.py (argparse's defaults)": ("timm", "opt: adamw\nsched: cosine\nlr: VALUE\n", NUMBER, NUMBER),
    "yacs (0.1.8 config.py, _decode_cfg_value: Python literals)": (
        "detectron2",
        "SOLVER:\n  BASE_LR: VALUE\n  MAX_ITER: 100\n",
        NUMBER,
        NUMBER,
    ),
}


@pytest.mark.parametrize("quoted", [False, True], ids=["bare", "quoted"])
@pytest.mark.parametrize("name", CONSUMERS)
def test_a_number_as_text_is_what_its_consumer_makes_of_it(tmp_path: Path, name: str, quoted: bool) -> None:
    dialect, text, bare, quotes = CONSUMERS[name]
    wanted = quotes if quoted else bare
    for value, equal in (("2e-5", True), ("3e-4", False)):
        spelled = f'"{value}"' if quoted else value
        (tmp_path / value).mkdir()
        result = checked(tmp_path / value, (dialect, text.replace("VALUE", spelled), "", "", {}))
        codes = {each.code for each in result.findings if each.clause == RATE}
        status = result.statuses[RATE]
        if not equal:
            assert status is Status.VIOLATED, codes
            assert "C101" in codes or wanted == TEXT
        elif wanted == NUMBER:
            assert (status, codes) == (Status.CONFORMS, set())
        else:
            assert codes == {"C103" if wanted == TEXT else "C109"}


def fixed(folder: Path, text: str) -> str:
    """A file after `--fix`."""
    result = checked(folder, ("hf-training-arguments", text, "", "", {}))
    fix(result, result.findings, lambda: check(load(folder / "experiment.yaml")))
    return (folder / "a.yaml").read_text()


def test_the_advice_is_a_number_to_every_reader(tmp_path: Path) -> None:
    """`2e-05` would be text again."""
    text = f"{ARGS}learning_rate: 2e-5\n"
    result = checked(tmp_path, ("hf-training-arguments", text, "", "", {}))
    (finding,) = [each for each in result.findings if each.clause == RATE]
    assert "write 2.0e-05" in (finding.advice or "")
    rate = yaml.safe_load(fixed(tmp_path, text))["learning_rate"]
    assert rate == 2e-5


def test_what_one_parser_reads_is_left_as_it_is(tmp_path: Path) -> None:
    text = f"{ARGS}dataset_name: org/data\nlearning_rate: 2e-5\nwarmup_steps: 19.5\n"
    assert fixed(tmp_path, text) == text
