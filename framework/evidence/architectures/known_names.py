"""Names by which transformers' models call what is no plain weight, and how stacked experts lie.

Measured with transformers 5.23.0: the base and task classes of its 804 `model_type`s were built on the meta device, and
each tensor of two dimensions or more was sorted by the class of its module (`nn.Embedding`, `nn.Linear`, `Conv1D`, a
parameter of its own, a persistent buffer) and by whether the base model has it. A name is general where no model has a
weight of another kind by it; the others stand under their `model_type`. Buffers that no version saves any more are
those of transformers before 4.31 (`GPT2Attention.bias`, `GPTNeoXAttention.bias`), which the published files still hold.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


EMBEDDINGS = _words(
    """
    embed_tokens embed_in embed_positions embed_tokens_per_layer embed_text_tokens embed_audio_tokens embed_global
    embed_timestep embed_char wte wpe shared embedding embeddings word_embedding word_embeddings position_embedding
    position_embeddings positional_embedding token_embedding token_type_embeddings tok_embeddings tokens_embed
    positions_embed pos_embed pos_emb tok_emb position_embedding_table visual_embeddings_table
    x_position_embeddings y_position_embeddings h_position_embeddings w_position_embeddings row_position_embeddings
    col_position_embeddings box_position_embeddings char_position_embeddings query_position_embeddings
    visual_position_embeddings visual_token_type_embeddings text_token_embedding text_position_embedding
    row_embeddings column_embeddings row_embedder column_embedder rel_embeddings rel_pos_emb
    relative_attention_bias distance_embedding rel_attn_embed segment_embedding segment_emb speaker_embedding
    language_embedding unit_embedding entity_embeddings tile_embedding label_embeddings ngram_embeddings
    generation_embeddings value_embeddings input_embeds_layer input_embeds_layers position_embeds_layer
    encoder_hash_tok_embedding
    HashBucketCodepointEmbedder xpath_tag_sub_embeddings xpath_subs_sub_embeddings bias_values pe_k freq_emb
    codebook centroids res_centroids codec_embed
    pronunciation_embed shape_embed num_speakers_embed label_embed cls_embed query_embed
    level_embed point_embed not_a_point_embed no_mask_embed iou_token mask_tokens obj_score_token hq_token
    presence_token reference_points reference_point_embed queries_embedder queries_features query_feat
    denoising_class_embed audio_bos_eos_token
    """
)
"""Modules that look a row up, wherever their `.weight` stands."""

EMBEDDING_PARAMETERS = _words(
    """
    cls_token mask_token mask_tokens distillation_token register_tokens cls_register_token query_tokens group_token
    detection_tokens segment_token_input segment_token_prompt type_token_semantic type_token_instance mask_emb
    cls_emb class_embedding class_pos_emb position_embeddings position_embedding positional_embedding
    positional_embedding_vlm position_embedding_table pos_embed pos_embed_window decoder_pos_embed position_enc
    mid_position_embeddings time_embeddings embedding level_embed seg_embed label_embeddings_concat
    relative_attention_bias relative_position_bias_table rel_pos_h rel_pos_w emb_rel_k emb_rel_v attention_biases
    position_bias no_memory_embedding no_memory_positional_encoding memory_temporal_positional_encoding
    no_object_pointer occlusion_spatial_embedding_parameter probe latents latents_1d latents_2d latent_query
    pooling_attention_query text_prompt codevectors global_img_feature_extensor sub_img_feature_extensor pad_up
    pad_down pad_left pad_right
    """
)
"""Parameters of their own (no module's `.weight`) that are added, put in front or looked up."""

HEADS = _words(
    """
    lm_head lm_heads audio_lm_head generator_lm_head qa_outputs score cls predictions generator_predictions
    discriminator_predictions entity_predictions classification_head class_predictor classifier_distill
    cls_classifier distillation_classifier sop_classifier qa_classifier pre_classifier class_labels_classifier
    bbox_predictor logits_proj logits_dense codebooks_head sequence_summary pred_layer vocab_transform
    vocab_projector embed_out lm_loss segmentation_head answer_head mlm_head mim_head itm_head mmm_image_head
    mmm_text_head class_head splinter_qass projection_head output_projection decode_head auxiliary_head
    word_timestamp_head char_head bpe_head wp_head objectness_head obj_predict_head ctc_head ctc_proj
    eos_head flow_head unembedding_projection horizon_ff_layer output_projection_point output_projection_quantiles
    """
)
"""Modules outside the base model that give the outputs of a task, with all that lies below them."""

TOP_HEADS = frozenset(["classifier"])
"""Heads where they stand at the top, beside the base model; below it they may be something else (the router's
`classifier` of LongCat)."""

_AUDIO = ["data2vec-audio", "unispeech-sat", "wav2vec2", "wav2vec2-bert", "wav2vec2-conformer", "wavlm"]
TOP_HEADS_OF = {
    "bbox_embed": _words(
        """
    d_fine deimv2 grounding-dino lw_detr mm-grounding-dino rt_detr_v2
    """
    ),
    "box_head": frozenset(["owlv2", "owlvit"]),
    "class_embed": frozenset(["d_fine", "deimv2", "lw_detr", "rf_detr", "rt_detr_v2"]),
    "decoder": _words(
        """
    deit focalnet glpn modernbert modernbert-decoder swin swinv2 tipsv2_dpt videomae vit vit_mae
    """
    ),
    "dense": frozenset(["eurobert"]),
    "fc": frozenset(["hgnet_v2", "textnet"]),
    "head": _words(
        """
    depth_pro dpt glpn modernbert modernbert-decoder modernvbert patchtsmixer patchtst pp_ocrv5_mobile_det
    pp_ocrv5_mobile_rec pp_ocrv5_server_rec
    pp_lcnet pp_ocrv6_small_det pp_ocrv6_small_rec pp_ocrv6_tiny_rec
    rwkv slanet slanext swiftformer ultrabert videoprism_vision_model
    """
    ),
    "objective": frozenset(_AUDIO),
    "output": frozenset(["git"]),
    "proj": frozenset(["jev"]),
    "proj_out": frozenset(["canary", "cohere_asr", "moonshine", "whisper"]),
    "projector": frozenset([*_AUDIO, "hubert", "sew", "sew-d", "unispeech"]),
    "tdnn": frozenset(_AUDIO),
}
"""The same for names that are part of other base models, by the `model_type`s in which they are heads."""

EMBEDDINGS_OF = {
    "cpmant": frozenset(["input_embedding"]),
    "ctrl": frozenset(["w"]),
    "dia": frozenset(["embed"]),
    "eomt": frozenset(["query"]),
    "eomt_dinov3": frozenset(["query"]),
    "fastspeech2_conformer": frozenset(["embed"]),
    "fastspeech2_conformer_with_hifigan": frozenset(["embed"]),
    "videomt": frozenset(["query"]),
}
"""Embeddings by a name that is a linear map's elsewhere."""

CONV1D = {
    **dict.fromkeys(
        ("decision_transformer", "gpt-sw3", "gpt2", "imagegpt"), frozenset(["c_attn", "c_fc", "c_proj", "q_attn"])
    ),
    "clvp": frozenset(["c_fc", "c_proj"]),
    "openai-gpt": frozenset(["c_attn", "c_fc", "c_proj"]),
}
"""Modules of the class Conv1D, whose weight is [inputs, outputs]."""

INTO_EXPERTS = _words(
    """
    gate_up_proj gate_proj up_proj input_linear w1 w3
    """
)
OUT_OF_EXPERTS = frozenset(["down_proj", "output_linear", "w2"])
"""Experts stacked in one tensor of three dimensions: what reads the hidden state, and what writes it."""

PARALLEL_EXPERTS = frozenset(["input_linear", "output_linear"])
EXPERTS = frozenset(["experts", "moe", "block_sparse_moe"])
"""Where a module's `.weight` of three dimensions stacks experts: by its own name (Granite, JetMoE), or within these."""

EXPERTS_INPUT_FIRST = _words(
    """
    aria aria_text gpt_oss llama4 llama4_text openai_privacy_filter
    """
)
"""Stacked experts are [experts, inputs, outputs] (`GptOssExperts`, `Llama4TextExperts`, `AriaGroupedExpertsGemm`)."""

EXPERTS_OUTPUT_FIRST = _words(
    """
    afmoe axk1 axk2 cohere2_moe deepseek_v2 deepseek_v3 deepseek_v4 dots1 ernie4_5_moe ernie4_5_vl_moe exaone_moe
    flex_olmo glm4_moe glm4_moe_lite glm4v_moe glm4v_moe_text granitemoe granitemoe_swa granitemoehybrid
    granitemoeshared hunyuan_v1_moe hy_v3 inkling_text jamba jetmoe kimi_linear laguna longcat_flash mellum
    mimo_v2_flash minimax minimax_m2 minimax_m3_vl minimax_m3_vl_text mistral4 mixtral nemotron_h olmoe phimoe
    qwen2_moe qwen3_5_moe qwen3_5_moe_text qwen3_moe qwen3_next qwen3_omni_moe_thinker solar_open unlimited_ocr
    zaya
    """
)
"""Stacked experts are [experts, outputs, inputs]. Of qwen3_vl_moe transformers writes the one and has the other in
memory, so that only its sizes tell."""

OTHER_WEIGHTS = _words(
    """
    in_proj_weight q_proj_weight k_proj_weight v_proj_weight weight_ih weight_hh weight_ih_l weight_hh_l
    x_proj_weight dt_proj_weight mm_input_projection_weight prompts_visual_projection input_gate_weight
    recurrent_gate_weight
    """
)
"""Linear maps that are parameters of their own, [..., outputs, inputs]: those of nn.MultiheadAttention, nn.LSTM
and Zamba."""

OTHER_WEIGHTS_OF = {
    "dbrx": frozenset(["w1", "v1", "w2"]),
    "funnel": frozenset(["r_kernel"]),
    "xlnet": frozenset(["q", "k", "v", "o", "r"]),
}
"""The same, with inputs and outputs in an order of their own: no groups along the inputs are known of them."""

PACKED = _words(
    """
    weight_packed qweight weight_int8 gate_up_proj_blocks down_proj_blocks W_q codes indices dense_weights B _data
    """
)
"""Several weights in one integer, or codes of them: compressed-tensors' pack-quantized, GPTQ and AWQ, gpt-oss' MXFP4,
HQQ, AQLM, VPTQ, SpQR, GPTQ's Marlin layout, and quanto's (`src/transformers/integrations/`, and each format's own
linear layer)."""
