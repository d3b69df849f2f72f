"""Parameter counts, held to those of released checkpoints and to one counted by hand."""

from __future__ import annotations

import pytest

from framework.manifest.sections.models import Model
from framework.stages.manifest.parameter_counts import bert, bert_masked_lm, counts, gpt2, llama, mamba, mixtral


@pytest.mark.parametrize(
    ("layers", "hidden", "total"), [(24, 768, 129_135_360), (48, 1024, 371_516_416), (48, 1536, 793_204_224)]
)
def test_mamba(layers: int, hidden: int, total: int) -> None:
    """state-spaces/mamba-130m-hf, -370m-hf and -790m-hf."""
    assert mamba(layers=layers, hidden=hidden, state=16, expand=2, vocabulary=50280) == total


def test_mamba_by_hand() -> None:
    layer = 8 * 32 + (16 * 4 + 16) + 16 * (1 + 2 * 4) + (1 * 16 + 16) + (16 * 4 + 16) + 16 * 8 + 8
    assert layer == 256 + 80 + 144 + 32 + 80 + 128 + 8 == 728
    assert mamba(layers=3, hidden=8, state=4, expand=2, vocabulary=10) == 10 * 8 + 3 * 728 + 8


@pytest.mark.parametrize(
    ("layers", "hidden", "total"), [(12, 768, 124_439_808), (24, 1024, 354_823_168), (48, 1600, 1_557_611_200)]
)
def test_gpt2(layers: int, hidden: int, total: int) -> None:
    """openai-community/gpt2, gpt2-medium and gpt2-xl."""
    assert gpt2(layers=layers, hidden=hidden, intermediate=4 * hidden, vocabulary=50257) == total


def test_llama() -> None:
    """meta-llama/Llama-2-7b-hf, Llama-3.1-8B (8 key-value heads), and Llama-3.2-1B (tied)."""
    two = llama(layers=32, hidden=4096, intermediate=11008, vocabulary=32000, heads=32, groups=32)
    three = llama(layers=32, hidden=4096, intermediate=14336, vocabulary=128256, heads=32, groups=8)
    tied = llama(layers=16, hidden=2048, intermediate=8192, vocabulary=128256, heads=32, groups=8, tied=True)
    assert (two, three, tied) == (6_738_415_616, 8_030_261_248, 1_235_814_400)


def test_mistral_and_mixtral() -> None:
    """mistralai/Mistral-7B-v0.1 and mistralai/Mixtral-8x7B-v0.1."""
    sizes = {"layers": 32, "hidden": 4096, "intermediate": 14336, "vocabulary": 32000, "heads": 32, "groups": 8}
    assert (llama(**sizes), mixtral(**sizes, experts=8)) == (7_241_732_096, 46_702_792_704)
    assert mixtral(**sizes, experts=1) == llama(**sizes) + 32 * 4096, "one expert is a Mistral and a router's row"


def test_minilm() -> None:
    """sentence-transformers/all-MiniLM-L6-v2."""
    assert bert(layers=6, hidden=384, intermediate=1536, vocabulary=30522) == 22_713_216


@pytest.mark.parametrize(
    ("layers", "hidden", "vocabulary", "total"), [(12, 768, 30522, 109_482_240), (24, 1024, 30522, 335_141_888)]
)
def test_bert(layers: int, hidden: int, vocabulary: int, total: int) -> None:
    """google-bert/bert-base-uncased and bert-large-uncased, the encoder with its pooler."""
    assert bert(layers=layers, hidden=hidden, intermediate=4 * hidden, vocabulary=vocabulary) == total


def test_bert_with_heads() -> None:
    """BertForMaskedLM and BertForPreTraining of bert-base-uncased."""
    assert bert_masked_lm(hidden=768, vocabulary=30522, encoder=109_482_240) == 109_514_298
    model = Model(family="bert", hub="google-bert/bert-base-uncased", layers=12, hidden=768, vocabulary=30522)
    assert [count for count, _ in counts(model)] == [109_482_240, 108_891_648, 109_514_298, 110_106_428]


def test_what_is_declared_leaves_no_choice() -> None:
    sizes = {"layers": 2, "hidden": 16, "heads": 4, "intermediate": 24, "vocabulary": 64, "weights": "random"}
    free, stated = (Model(family="mistral", **sizes, key_value_heads=groups) for groups in (None, 2))
    assert [kind.split(",")[0] for _, kind in counts(free)[::2]] == [f"{n} key-value heads" for n in (4, 2, 1)]
    assert [kind.split(",")[0] for _, kind in counts(stated)[::2]] == ["2 key-value heads"]
    assert len(counts(Model(family="gpt2", **sizes, positions=32))) == 1
    assert counts(Model(family="mixtral", **sizes)) == []


@pytest.mark.parametrize(
    "model",
    [
        Model(family="mamba", hub="x", layers=24, hidden=768, state=16, vocabulary=50280),
        Model(family="llama", hub="x", layers=2, hidden=8, vocabulary=16, intermediate=16),
        Model(family="mamba2", hub="x", layers=24, hidden=768, state=16, expand=2, vocabulary=50280),
    ],
    ids=["a size is missing", "heads are missing", "an unknown family"],
)
def test_what_is_not_declared_is_not_guessed(model: Model) -> None:
    assert counts(model) == []
