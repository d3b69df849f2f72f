"""What a tensor is, by its architecture: not by how many dimensions it has."""

from __future__ import annotations

import pytest

from framework.evidence.architectures.renamed import canonical
from framework.evidence.architectures.roles import Architecture, Role
from framework.evidence.orientation import input_first, without_orientation

KINDS = [
    # Buffers of GPT-2's, GPT-Neo's and GPT-NeoX's published files
    ("gpt2", "h.0.attn.bias", (1, 1, 1024, 1024), "F32", Role.BUFFER),
    ("gpt_neo", "transformer.h.0.attn.attention.bias", (1, 1, 2048, 2048), "F32", Role.BUFFER),
    ("gpt_neox", "gpt_neox.layers.0.attention.bias", (1, 1, 2048, 2048), "BOOL", Role.BUFFER),
    ("gpt2", "h.0.attn.masked_bias", (), "F32", Role.VECTOR),
    ("bert", "bert.embeddings.position_ids", (1, 512), "I64", Role.BUFFER),
    ("gpt2", "h.0.attn.c_attn.weight", (768, 2304), "F32", Role.WEIGHT),
    ("gpt2", "h.0.ln_1.weight", (768,), "F32", Role.VECTOR),
    # Embeddings by other names
    ("t5", "shared.weight", (32128, 512), "F32", Role.EMBEDDING),
    ("bart", "model.shared.weight", (50265, 768), "F32", Role.EMBEDDING),
    ("clip", "text_model.embeddings.token_embedding.weight", (49408, 512), "F32", Role.EMBEDDING),
    ("clip", "text_model.embeddings.position_embedding.weight", (77, 512), "F32", Role.EMBEDDING),
    ("deberta-v2", "deberta.encoder.rel_embeddings.weight", (512, 768), "F32", Role.EMBEDDING),
    ("xlnet", "transformer.word_embedding.weight", (32000, 768), "F32", Role.EMBEDDING),
    ("t5", "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight", (32, 8), "F32", Role.EMBEDDING),
    ("vit", "vit.embeddings.cls_token", (1, 1, 768), "F32", Role.EMBEDDING),
    ("vit", "vit.embeddings.position_embeddings", (1, 197, 768), "F32", Role.EMBEDDING),
    ("swin", "swin.encoder.layers.0.relative_position_bias_table", (169, 3), "F32", Role.EMBEDDING),
    ("musicgen", "decoder.model.decoder.embed_tokens.3.weight", (2049, 1024), "F32", Role.EMBEDDING),
    ("canine", "char_embeddings.HashBucketCodepointEmbedder_3.weight", (16384, 96), "F32", Role.EMBEDDING),
    ("neomme", "value_embeddings.weight", (131072, 256), "F32", Role.EMBEDDING),
    ("fastspeech2_conformer_with_hifigan", "model.encoder.embed.weight", (78, 384), "F32", Role.EMBEDDING),
    ("dia", "model.decoder.embeddings.embed.weight", (9252, 1024), "F32", Role.EMBEDDING),
    ("vit", "vit.embeddings.patch_embeddings.projection.weight", (768, 3, 16, 16), "F32", Role.WEIGHT),
    # Heads
    ("roberta", "classifier.out_proj.weight", (2, 768), "F32", Role.HEAD),
    ("bert", "cls.predictions.decoder.weight", (30522, 768), "F32", Role.HEAD),
    ("unispeech", "ctc_proj.weight", (80, 256), "F32", Role.HEAD),
    ("rf_detr", "model.class_embed.weight", (91, 256), "F32", Role.WEIGHT),
    ("rf_detr", "class_embed.weight", (91, 256), "F32", Role.HEAD),
    ("hgnet_v2", "fc.weight", (1000, 2048), "F32", Role.HEAD),
    ("lxmert", "obj_predict_head.decoder_dict.attr.weight", (400, 768), "F32", Role.HEAD),
    ("owlvit", "box_head.dense0.weight", (768, 768), "F32", Role.HEAD),
    ("sam3", "detr_decoder.box_head.layer1.weight", (256, 256), "F32", Role.WEIGHT),
    ("whisper", "proj_out.weight", (51865, 384), "F32", Role.HEAD),
    ("rwkv", "head.weight", (50277, 768), "F32", Role.HEAD),
    ("clip", "vision_model.head.weight", (4, 4), "F32", Role.WEIGHT),
    ("longcat_flash", "model.layers.0.mlp.router.classifier.weight", (8, 64), "F32", Role.WEIGHT),
    ("bart", "model.decoder.layers.0.self_attn.out_proj.weight", (768, 768), "F32", Role.WEIGHT),
    ("roberta", "roberta.encoder.layer.0.output.dense.weight", (768, 3072), "F32", Role.WEIGHT),
    # Parameters of their own
    ("mixtral", "model.layers.0.mlp.experts.gate_up_proj", (8, 28672, 4096), "BF16", Role.WEIGHT),
    ("falcon_mamba", "backbone.layers.0.mixer.A_log", (8192, 16), "F32", Role.OTHER),
    ("mamba", "backbone.layers.0.mixer.conv1d.weight", (1536, 1, 4), "F32", Role.WEIGHT),
    ("convnextv2", "convnextv2.encoder.stages.0.layers.0.grn.weight", (1, 1, 1, 160), "F32", Role.VECTOR),
    ("bark", "codec_model.encoder.layers.3.lstm.weight_hh_l1", (2048, 512), "F32", Role.WEIGHT),
    ("xlnet", "transformer.layer.0.rel_attn.q", (768, 12, 64), "F32", Role.WEIGHT),
    ("bert", "transformer.layer.0.rel_attn.q", (768, 12, 64), "F32", Role.OTHER),
    ("wav2vec2", "encoder.pos_conv_embed.conv.parametrizations.weight.original0", (1, 1, 128), "F32", Role.VECTOR),
    ("wav2vec2", "encoder.pos_conv_embed.conv.parametrizations.weight.original1", (768, 48, 128), "F32", Role.NORMED),
    ("wav2vec2", "encoder.pos_conv_embed.conv.weight_g", (1, 1, 128), "F32", Role.VECTOR),
    # Several weights in one integer
    ("llama", "model.layers.0.mlp.up_proj.weight_packed", (64, 8), "I32", Role.PACKED),
    ("llama", "model.layers.0.mlp.up_proj.weight_scale", (64, 1), "BF16", Role.VECTOR),
    ("llama", "model.layers.0.mlp.up_proj.qweight", (8, 64), "I32", Role.PACKED),
    ("llama", "model.layers.0.mlp.up_proj.qzeros", (1, 8), "I32", Role.BUFFER),
    ("llama", "model.layers.0.mlp.up_proj.weight", (2048, 1), "U8", Role.PACKED),
    ("llama", "model.layers.0.mlp.up_proj.W_q", (16, 16), "U8", Role.PACKED),
    ("llama", "model.layers.0.mlp.up_proj.codes", (4, 2, 1), "I8", Role.PACKED),
    ("llama", "model.layers.0.mlp.up_proj.indices", (1, 32, 2), "I32", Role.PACKED),
    ("llama", "model.layers.0.mlp.up_proj.dense_weights", (1024,), "I64", Role.PACKED),
    ("llama", "model.layers.0.mlp.up_proj.B", (1, 64), "I32", Role.PACKED),
    ("llama", "model.layers.0.mlp.up_proj.weight._data", (32, 16), "I8", Role.PACKED),
    ("llama", "model.layers.0.mlp.up_proj.g_idx", (16,), "I32", Role.BUFFER),
    ("deepseek_v3", "model.layers.0.mlp.up_proj.weight", (64, 64), "F8_E4M3", Role.PACKED),
    ("deepseek_v3", "model.layers.0.mlp.up_proj.weight_scale_inv", (1, 1), "F32", Role.VECTOR),
    ("gpt_oss", "model.layers.0.mlp.experts.gate_up_proj_blocks", (32, 5760, 90, 16), "U8", Role.PACKED),
]


@pytest.mark.parametrize(("model_type", "name", "shape", "dtype", "role"), KINDS)
def test_the_kind_of_a_tensor(model_type: str, name: str, shape: tuple[int, ...], dtype: str, role: Role) -> None:
    assert Architecture(model_type).role(name, shape, dtype) is role


@pytest.mark.parametrize(
    "stored",
    [
        "_orig_mod.h.0.attn.c_attn.weight",
        "module.h.0.attn.c_attn.weight",
        "module._orig_mod.h.0.attn.c_attn.weight",
        "h.0._orig_mod.attn.c_attn.weight",
        "base_model.model.h.0.attn.c_attn.base_layer.weight",
        "h.0.attn.c_attn.weight_orig",
        "h.0.attn.c_attn.weight",
    ],
)
def test_one_name_under_any_wrapper(stored: str) -> None:
    assert canonical(stored) == "h.0.attn.c_attn.weight"


EXPERTS = "model.layers.0.mlp.experts.gate_up_proj"
DOWN = "model.layers.0.mlp.experts.down_proj"


@pytest.mark.parametrize(
    ("architecture", "shapes", "turned", "unknown"),
    [
        (Architecture("gpt_oss"), {EXPERTS: (4, 64, 64), DOWN: (4, 32, 64)}, [EXPERTS, DOWN], []),
        (Architecture("llama4"), {EXPERTS: (4, 64, 64)}, [EXPERTS], []),
        (Architecture("mixtral"), {EXPERTS: (4, 64, 64), DOWN: (4, 64, 32)}, [], []),
        # One of the sizes is the model's: that says it, whatever the table
        (Architecture("qwen3_vl_moe", 64), {EXPERTS: (4, 64, 48), DOWN: (4, 24, 64)}, [EXPERTS, DOWN], []),
        (Architecture("qwen3_vl_moe", 64), {EXPERTS: (4, 48, 64), DOWN: (4, 64, 24)}, [], []),
        (Architecture("qwen3_vl_moe", 64), {EXPERTS: (4, 64, 64)}, [], [EXPERTS]),
        (Architecture(None), {EXPERTS: (4, 48, 64)}, [], [EXPERTS]),
        (Architecture("gpt2"), {"h.0.mlp.c_fc.weight": (4, 8), "h.0.x.weight": (4, 8)}, ["h.0.mlp.c_fc.weight"], []),
        (Architecture("imagegpt"), {"h.0.mlp.c_proj.weight": (4, 8)}, ["h.0.mlp.c_proj.weight"], []),
        (Architecture("clvp"), {"h.0.mlp.c_fc.weight": (4, 8)}, ["h.0.mlp.c_fc.weight"], []),
        (Architecture("xlnet"), {"layer.0.rel_attn.q": (8, 2, 4)}, [], ["layer.0.rel_attn.q"]),
        (Architecture("granitemoe"), {"block_sparse_moe.input_linear.weight": (4, 64, 64)}, [], []),
        (Architecture(None), {"conv.up_proj.weight": (4, 8, 3)}, [], []),
    ],
)
def test_which_dimension_the_inputs_lie_along(
    architecture: Architecture, shapes: dict[str, tuple[int, ...]], turned: list[str], unknown: list[str]
) -> None:
    assert (input_first(architecture, shapes), without_orientation(architecture, shapes)) == (
        frozenset(turned),
        unknown,
    )


def test_every_architecture_of_transformers_is_familiar_and_any_other_is_named() -> None:
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    assert [name for name in [*CONFIG_MAPPING_NAMES, "gpt"] if Architecture(name).unfamiliar] == []
    assert "'own'" in (Architecture("own").unfamiliar or "")
    assert "config.json" in (Architecture(None).unfamiliar or "")
