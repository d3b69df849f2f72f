"""A loss per character and per byte, against texts that are counted by hand."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer, decoders, models
from transformers import PreTrainedTokenizerFast

from framework.conformance import Stage, Status
from framework.evidence.record import RunRecord
from framework.manifest.sections.models import Model
from runners.data.examples import Sequences
from runners.data.spelled import spelled_sizes, summed
from runners.data.tokenizing import plain_ids, tokenizer_for
from runners.training.evaluating.evaluation import losses_of_text
from tests.support import executed
from tests.support.statuses import status_of

TEXTS = ["naïve café, 10 €\n", "Ω 🙂 plain words, plain words and more of the plain words"]
TRAINED = {"tokenizer": "train", "vocabulary": 270}


def tokenizer(**stated: Any) -> Any:
    model = Model.model_validate({"family": "gpt", "weights": "random", "layers": 1, "hidden": 8, **stated})
    return tokenizer_for("tiny", model, TEXTS, Path())


@pytest.mark.parametrize("stated", [{"tokenizer": "bytes"}, TRAINED])
def test_the_sizes_of_all_tokens_are_those_of_the_text(stated: dict[str, Any]) -> None:
    """Also where a token holds a part of a character (every `€` and `🙂` of a byte-level vocabulary does)."""
    made = tokenizer(**stated)
    sizes = spelled_sizes(made)
    assert sizes is not None
    for text, ids in zip(TEXTS, plain_ids(made, TEXTS), strict=True):
        characters, count = (summed(size, np.array(ids)) for size in sizes)
        assert (characters, count) == (len(text), len(text.encode()))


def test_the_first_token_of_a_sequence_is_not_predicted_and_does_not_count() -> None:
    stream = np.array(plain_ids(made := tokenizer(tokenizer="bytes"), ["é1ab€"])[0])  # 2, 1, 1, 1, 3 bytes
    assert Sequences(stream, 4, None).predicted_text(made) == {"characters": 3 + 0, "bytes": 6}
    facts = {"validation_predictions": 6, "validation_characters": 3, "validation_bytes": 6}
    assert losses_of_text(0.5, facts) == {
        "validation_loss_per_character": 1.0,
        "validation_loss_per_byte": 0.5,
    }


def test_another_tokenizer_does_not_tell() -> None:
    words = Tokenizer(models.WordLevel({"a": 0, "[UNK]": 1}, unk_token="[UNK]"))
    assert spelled_sizes(PreTrainedTokenizerFast(tokenizer_object=words)) is None
    words.decoder = decoders.ByteLevel()
    assert spelled_sizes(PreTrainedTokenizerFast(tokenizer_object=words)) is not None
    assert losses_of_text(0.5, {"validation_predictions": 6}) == {}


def test_a_run_records_both_and_they_are_held(tmp_path: Path) -> None:
    stated = (
        "{family: gpt, weights: random, layers: 1, hidden: 16, heads: 2, positions: 32, vocabulary: 300,"
        " tokenizer: train}"
    )
    done = executed.study(tmp_path, "  base: {steps: [pretrain]}\n", stated)
    manifest = tmp_path / "experiment.yaml"
    unit = "metric: {name: loss, unit: per character}\n    dataset: text"
    claims = 'claims:\n  - {id: low, assert: "validation_loss_per_byte(base) < 5.6"}\n'
    manifest.write_text(manifest.read_text().replace("dataset: text", unit, 1) + claims)
    done.execute()
    record = RunRecord.read(done.folder("base", "pretrain"))
    metrics, data = record.metrics, record.data
    per_token = metrics["validation_loss"]
    assert data["validation_predictions"] == 16 * 31
    for name in ("character", "byte"):
        expected = per_token * 16 * 31 / data[f"validation_{name}s"]
        assert math.isclose(metrics[f"validation_loss_per_{name}"], expected, rel_tol=1e-9)
        assert metrics[f"validation_loss_per_{name}"] < per_token
    result = done.verify()
    assert status_of(result, "phases.pretrain.metric.unit", Stage.RUN) is Status.CONFORMS
    assert {each.status for each in result.matrix.verdicts if each.stage is Stage.CLAIM} == {Status.CONFORMS}


@pytest.mark.parametrize("unit", ["per word", "bits per byte"])
def test_a_unit_that_is_not_counted_is_refused_before_anything_starts(tmp_path: Path, unit: str) -> None:
    study = executed.study(tmp_path, "  base: {steps: [pretrain]}\n")
    manifest = tmp_path / "experiment.yaml"
    stated = f"metric: {{name: loss, unit: {unit}}}\n    dataset: text"
    manifest.write_text(manifest.read_text().replace("dataset: text", stated, 1))
    (step,) = study.plan().steps
    assert f"does not count a loss {unit}" in "; ".join(map(str, step.missing))
