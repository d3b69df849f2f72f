"""The table of expert layouts is transformers' own: by its mapping, and by what it writes of a model."""

from __future__ import annotations

from pathlib import Path

import numpy
import pytest
from transformers import MixtralConfig, MixtralForCausalLM, Qwen2MoeConfig, Qwen2MoeForCausalLM
from transformers.conversion_mapping import get_checkpoint_conversion_mapping

from framework.evidence.architectures.expert_layouts import LAYOUTS
from framework.evidence.checkpoints import CheckpointFiles

SIZES = {"hidden_size": 8, "intermediate_size": 6, "num_hidden_layers": 2, "vocab_size": 16}
HEADS = {"num_attention_heads": 2, "num_key_value_heads": 1}


@pytest.mark.parametrize("model_type", LAYOUTS)
def test_the_table_is_that_of_transformers(model_type: str) -> None:
    layout, found, renamed = LAYOUTS[model_type], {}, set()
    for entry in get_checkpoint_conversion_mapping(model_type) or []:
        sources, targets = entry.source_patterns, entry.target_patterns
        if any(".experts.*." in source for source in sources):
            (target,) = targets
            found[target.rpartition(".")[2]] = tuple(source.split(".")[-2] for source in sources)
            kinds = [type(each).__name__ for each in entry.operations]
            assert kinds == ["MergeModulelist", "Concatenate"][: 1 + (len(sources) > 1)]
            assert [each.dim for each in entry.operations] == [0, 1][: len(kinds)]
        else:
            renamed.add((*sources, *targets))
    assert found == layout.stacked
    assert any("block_sparse_moe" in source for source, _ in renamed) is (layout.block is not None)


@pytest.mark.parametrize("family", ["mixtral", "qwen2_moe"])
def test_a_checkpoint_that_transformers_wrote_has_the_tensors_of_the_model(tmp_path: Path, family: str) -> None:
    if family == "mixtral":
        model = MixtralForCausalLM(MixtralConfig(**SIZES, **HEADS, num_local_experts=11))
    else:
        experts = {"num_experts": 11, "moe_intermediate_size": 5, "shared_expert_intermediate_size": 4}
        model = Qwen2MoeForCausalLM(Qwen2MoeConfig(**SIZES, **HEADS, **experts))
    model.save_pretrained(tmp_path)
    files = CheckpointFiles(tmp_path)
    assert files.kinds["stored expert by expert"] == 4
    inside = {name: value for name, value in model.state_dict().items() if name in files.tensors}
    assert set(model.state_dict()) - set(inside) <= {"lm_head.weight"}
    assert set(files.tensors) == set(inside)
    for name, value in inside.items():
        assert numpy.array_equal(files.bits(name).view("<f4"), value.numpy()), name
