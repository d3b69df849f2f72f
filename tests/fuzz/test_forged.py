"""Of consistent single-fact forgeries those pass that a second run alone could tell, each named in the docs."""

from __future__ import annotations

import random
import re
import time
from pathlib import Path

import pytest

from tests.fuzz.forging import Forger, Forgery, forgeries
from tests.fuzz.second_runs import ALONE, alone

pytestmark = pytest.mark.slow
SECONDS = 15.0


def all_of(forger: Forger) -> list[Forgery]:
    return [forgery for folder in forger.steps for forgery in forgeries(folder, forger.files(folder))]


def test_honest_runs_have_no_error(forger: Forger) -> None:
    assert {line for seen in forger.honest.values() for line in seen if not line.startswith("R141")} == set()


def test_no_other_fact_changes_in_silence(forger: Forger) -> None:
    """A part of them, as time allows; `make fuzz` goes through all."""
    found = [forgery for forgery in all_of(forger) if alone(forgery.fact) is None]
    assert len(found) > 2000
    random.Random(0).shuffle(found)
    end, silent, tried = time.monotonic() + SECONDS, [], 0
    for forgery in found:
        if time.monotonic() > end:
            break
        tried += 1
        if not forger.noticed(forgery):
            silent.append(f"{forgery.folder}: {forgery.fact}")
    assert silent == []
    assert tried > 20


FOUND: dict[str, tuple[str, str, str]] = {
    "a wrong step number of a run that stopped early": ("stopped.1", r"steps\.jsonl:2\.step", "R101"),
    "a better metric": ("dense.1", r"record\.json:metrics\.accuracy", "T122"),
    "another perplexity": ("dense.0", r"record\.json:metrics\.perplexity", "T122"),
    "masks that keep all": ("pruned.1", r"masks\.safetensors:.*in_proj.* \(all kept\)", "T122"),
    "a module without its adapter": ("to_sparse.2", r"adapter/adapter_model.*x_proj\.lora_B\.weight \(gone\)", "T130"),
    "a merged weight of a hybrid": ("hybrid.2", r"model/.*layers\.0\.mixer\.in_proj\.weight \(noise\)", "T133"),
    "an embedding beside adapters": ("to_dense.2", r"model/.*embeddings\.weight \(one weight\)", "T104"),
    "a norm of a pruned model": ("pruned.1", r"model/.*norm_f\.weight \(one weight\)", "T104"),
    "one weight that is no number": ("dense.1", r"model/.*norm_f\.weight \(one NaN\)", "T105"),
    "another kind of scaling": ("dense_lora.1", r"adapter/adapter_config\.json:use_rslora", "T130"),
    "another rank of peft's": ("to_dense.2", r"adapter/adapter_config\.json:r", "T130"),
    "another default mode": ("dense_lora.1", r"record\.json:adapter\.mode", "T122"),
    "an order that does nothing": ("permuted.2", r"permutation\.safetensors:.* \(identity\)", "T150"),
    "a measured number of parameters": ("pruned.3", r"record\.json:measurements\.0\.value", "T122"),
    "a measured number of other zeros": ("pruned.3", r"record\.json:measurements\.1\.value", "T122"),
    "examples that the data has not": ("dense.0", r"record\.json:observed\.train_examples", "T122"),
    "an identity of other values": ("dense.1", r"record\.json:identity\.does\.phase\.batch_size", "T122"),
    "a loss before a pruning": ("pruned.1", r"record\.json:metrics\.initial_validation_loss", "T122"),
    "what an adapter's masks say of themselves": ("to_dense.2", r"adapter/masks\.safetensors:metadata\.facts", "T122"),
    "another key": ("dense.1", r"record\.json:key", "T123"),
}


@pytest.mark.parametrize("case", FOUND)
def test_a_forgery_is_found_by_its_rule(forger: Forger, case: str) -> None:
    folder, fact, code = FOUND[case]
    (step,) = [each for each in forger.steps if each.startswith(f"{folder}-")]
    found = [each for each in forgeries(step, forger.files(step)) if re.fullmatch(fact, each.fact)]
    assert found
    assert {line.split()[0] for line in forger.noticed(found[0])} >= {code}


def test_the_documentation_names_what_only_a_second_run_tells(repository: Path) -> None:
    text = (repository / "docs" / "runs.md").read_text("utf-8")
    section = text.partition("## What only a second run tells")[2].partition("\n## ")[0]
    assert set(re.findall(r"^- \*\*(.+?)\*\*", section, re.MULTILINE)) == set(ALONE.values())
