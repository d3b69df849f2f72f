"""`framework mask compute` prunes weights: no buffers, no positions, nothing packed, experts along their inputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy
import pytest

from framework.evidence.masks import MaskFile
from tests.support.project import Project
from tests.support.tensors import save_tensors, stored

Entry = tuple[str, tuple[int, ...], bytes]


def checkpoint(folder: Path, config: dict[str, Any] | None, tensors: dict[str, Entry]) -> Project:
    save_tensors(folder / "checkpoint" / "model.safetensors", tensors)
    if config is not None:
        (folder / "checkpoint" / "config.json").write_text(json.dumps(config))
    return Project(folder)


def random(*shape: int) -> Entry:
    return stored(numpy.random.default_rng(len(shape) + sum(shape)).standard_normal(shape))


def compute(project: Project, *arguments: str) -> Any:
    found = project.cli("mask", "compute", "checkpoint", *arguments, "--output", "out.npz", "--format", "json")
    assert found.code == 0, found.err
    return found.json


def gpt2(dtype: str = "F32") -> dict[str, Entry]:
    causal = stored(numpy.tril(numpy.ones((1, 1, 32, 32))), dtype)
    return {
        "wte.weight": random(40, 8),
        "wpe.weight": random(32, 8),
        "h.0.attn.bias": causal,
        "h.1.attn.bias": causal,
        "h.0.attn.c_attn.weight": random(8, 24),
        "h.1.attn.c_attn.weight": random(8, 24),
        "h.0.ln_1.weight": random(8),
    }


@pytest.mark.parametrize("dtype", ["F32", "BOOL"])
def test_causal_masks_are_no_weights(tmp_path: Path, dtype: str) -> None:
    project = checkpoint(tmp_path, {"model_type": "gpt2"}, gpt2(dtype))
    found = compute(project, "--sparsity", "0.1")
    (mask,) = found["masks"]
    assert (mask["zeros"], mask["elements"]) == (round(0.1 * 2 * 8 * 24), 2 * 8 * 24)
    assert found["left_out"]["buffers"] == ["h.*.attn.bias (2)"]
    assert list(MaskFile(tmp_path / "out.npz").tensors) == ["h.0.attn.c_attn.weight", "h.1.attn.c_attn.weight"]
    told = project.cli("mask", "compute", "checkpoint", "--sparsity", "0.1", "--output", "out.npz").out
    assert "left out: wpe, wte\n" in told
    assert "not pruned, buffers: h.*.attn.bias (2)\n" in told
    everything = compute(project, "--sparsity", "0.1", "--everything")
    assert everything["masks"][0]["elements"] == 2 * 8 * 24 + 40 * 8 + 32 * 8
    assert everything["left_out"]["buffers"] == ["h.*.attn.bias (2)"]


def test_embeddings_and_heads_by_other_names_are_left_out(tmp_path: Path) -> None:
    tensors = {
        "shared.weight": random(32, 8),
        "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight": random(4, 2),
        "encoder.block.0.layer.0.SelfAttention.q.weight": random(8, 8),
        "decoder.block.0.layer.0.SelfAttention.out_proj.weight": random(8, 8),
        "classifier.dense.weight": random(8, 8),
        "classifier.out_proj.weight": random(3, 8),
    }
    (mask,) = compute(checkpoint(tmp_path, {"model_type": "t5"}, tensors), "--sparsity", "0.5")["masks"]
    assert mask["elements"] == 128
    assert mask["exclude"] == ["classifier.out_proj", "dense", "relative_attention_bias", "shared"]


def test_that_nothing_is_known_as_an_embedding_is_said(tmp_path: Path) -> None:
    project = checkpoint(tmp_path, None, {"a.weight": random(4, 4), "state": random(4, 4)})
    told = project.cli("mask", "compute", "checkpoint", "--sparsity", "0.5", "--output", "out.npz").out
    assert "left out: nothing; no tensor is known as an embedding or a head\n" in told
    assert "not pruned, parameters that are no weights of a known kind: state\n" in told


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (None, "no config.json tells the model type: embeddings and heads are told by the names that are usual"),
        ({"model_type": "own"}, "the model type 'own' is none that is known here: embeddings and heads are told by"),
        ({"model_type": "llama"}, None),
    ],
)
def test_an_architecture_that_is_in_no_table_is_said(
    tmp_path: Path, config: dict[str, Any] | None, said: str | None
) -> None:
    project = checkpoint(tmp_path, config, {"tok.weight": random(8, 8), "lm_head.weight": random(8, 8)})
    told = project.cli("mask", "compute", "checkpoint", "--sparsity", "0.5", "--output", "out.npz").out
    assert (said in told) if said else ("told by" not in told)
    assert compute(project, "--sparsity", "0.5")["unfamiliar"] == (said.partition(":")[0] if said else None)


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        *(
            ("weight_packed", "I32"),
            ("qweight", "I32"),
            ("weight", "U8"),
            ("weight", "I8"),
            ("W_q", "U8"),
            ("codes", "I8"),
        ),
        *(("indices", "I32"), ("dense_weights", "I64"), ("B", "I32"), ("weight._data", "I8")),
    ],
)
def test_packed_weights_are_refused_and_can_be_left_out(tmp_path: Path, name: str, dtype: str) -> None:
    tensors = {
        "model.embed_tokens.weight": random(8, 8),
        f"model.layers.0.up_proj.{name}": stored(numpy.ones((8, 2)), dtype),
        "model.layers.0.up_proj.weight_scale": random(8, 1),
        "model.layers.0.down_proj.weight": random(8, 8),
    }
    project = checkpoint(tmp_path, {"model_type": "llama"}, tensors)
    refused = project.cli("mask", "compute", "checkpoint", "--sparsity", "0.5", "--output", "out.npz")
    assert refused.code == 2
    assert f"model.layers.0.up_proj.{name} is {dtype}" in refused.err
    named = project.cli(
        "mask", "compute", "checkpoint", "--sparsity", "0.5", "--output", "out.npz", "--tensors", "up_proj"
    )
    assert named.code == 2
    assert "packed" in named.err
    found = compute(project, "--sparsity", "0.5", "--exclude", "up_proj")
    assert found["masks"][0]["elements"] == 64
    assert found["left_out"]["packed weights"] == [f"model.layers.*.up_proj.{name}"]


@pytest.mark.parametrize(("model_type", "axis"), [("gpt_oss", 1), ("llama4_text", 1), ("mixtral", 2)])
@pytest.mark.parametrize("inputs", [8, 4])
def test_stacked_experts_keep_their_pattern_along_the_inputs(
    tmp_path: Path, model_type: str, axis: int, inputs: int
) -> None:
    shape = (3, inputs, 5 if inputs == 8 else 4)
    if axis == 2:
        shape = (shape[0], shape[2], shape[1])
    config = {"model_type": model_type}
    project = checkpoint(tmp_path, config, {"model.layers.0.mlp.experts.gate_up_proj": random(*shape)})
    compute(project, "--sparsity", "0.5", "--structure", "2:4")
    mask = MaskFile(tmp_path / "out.npz").mask("model.layers.0.mlp.experts.gate_up_proj")
    assert (numpy.moveaxis(mask, axis, 2).reshape(-1, 4).sum(axis=1) == 2).all()
    stats = project.cli("mask", "stats", "out.npz", "--format", "json").json
    assert stats["tensors"][0]["pattern"] == "2:4"
    compute(project, "--sparsity", "0.25", "--structure", "output", "--scope", "layer")
    kept = numpy.moveaxis(MaskFile(tmp_path / "out.npz").mask("model.layers.0.mlp.experts.gate_up_proj"), axis, 2)
    assert (kept.all(axis=2) | ~kept.any(axis=2)).all()


def test_experts_of_an_unknown_model_have_no_pattern_along_the_inputs(tmp_path: Path) -> None:
    project = checkpoint(tmp_path, {"model_type": "own"}, {"layers.0.experts.gate_up_proj": random(2, 8, 8)})
    refused = project.cli(
        "mask", "compute", "checkpoint", "--sparsity", "0.5", "--structure", "2:4", "--output", "out.npz"
    )
    assert refused.code == 2
    assert "layers.0.experts.gate_up_proj (2, 8, 8) lie is not known of the model type 'own'" in refused.err
    assert compute(project, "--sparsity", "0.5")["masks"][0]["zeros"] == 64


@pytest.mark.parametrize(("stated", "pruned"), [({}, 64), ({"tie_word_embeddings": False}, 128)])
def test_a_tied_matrix_that_is_stored_twice_is_one(tmp_path: Path, stated: dict[str, Any], pruned: int) -> None:
    tensors = {"model.embed_tokens.weight": random(8, 8), "lm_head.weight": random(8, 8)}
    project = checkpoint(tmp_path, {"model_type": "llama", **stated}, tensors)
    found = compute(project, "--sparsity", "0.5", "--everything")
    assert found["masks"][0]["elements"] == pruned
    assert found["tied"] == ({"lm_head.weight": "model.embed_tokens.weight"} if pruned == 64 else {})


def test_a_shared_expert_beside_stacked_ones_lies_its_own_way(tmp_path: Path) -> None:
    """Llama 4: experts are [experts, inputs, outputs], the shared one of the same name is [outputs, inputs]."""
    inside = "model.layers.0.feed_forward"
    tensors = {
        f"{inside}.experts.down_proj": random(3, 8, 8),
        f"{inside}.shared_expert.down_proj.weight": random(8, 8),
    }
    project = checkpoint(tmp_path, {"model_type": "llama4_text"}, tensors)
    compute(project, "--sparsity", "0.5", "--structure", "2:4")
    stats = project.cli("mask", "stats", "out.npz", "--format", "json").json
    assert [tensor["pattern"] for tensor in stats["tensors"]] == ["2:4", "2:4"]
    assert MaskFile(tmp_path / "out.npz").facts["input_first"] == ["experts.down_proj"]
