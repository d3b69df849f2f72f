"""LLaMA-Factory's training YAML: transformers' arguments with those of its own for the model, the data and LoRA.

It reads YAML with OmegaConf, for which `1e-4` is a number. `lora_rank` is 8 by default, `lora_alpha` twice the rank,
`lora_dropout` 0, `cutoff_len` 2048; the rest are transformers' defaults. `dataset` names entries of its own
`dataset_info.json`, not datasets of the hub.
"""

from __future__ import annotations

from typing import Any

from framework.dialects import values
from framework.dialects.model import Default, Dialect, Key, Said, words
from framework.dialects.tables import by_marks
from framework.dialects.trainers import hf_training_arguments as hf

KEYS: dict[str, Key] = {
    **hf.TRAINING,
    "model_name_or_path": Key("model.hub", values.given),
    "cutoff_len": Key("sequence_length", values.given),
    "lora_rank": Key("adapter.lora.rank", values.given),
    "lora_alpha": Key("adapter.lora.alpha", values.given),
    "lora_dropout": Key("adapter.lora.dropout", values.given),
    "lora_target": Key("adapter.lora.targets", values.modules),
    "early_stopping_steps": Key("early_stopping.patience", values.given),
}
SILENT = (
    *hf.SILENT,
    *words(
        "stage finetuning_type template dataset_dir dataset eval_dataset preprocessing_batch_size flash_attn"
        " enable_thinking tokenized_path swanlab_project use_swanlab ray_run_name ray_storage_path ray_num_workers"
        " placement_strategy resources_per_worker export_dir upcast_layernorm enable_liger_kernel use_unsloth"
        " image_max_pixels video_max_pixels disable_gradient_checkpointing"
    ),
)
DEFAULTS = (*hf.DEFAULTS, Default("sequence_length", 2048, "cutoff_len"))
LORA = (Default("adapter.lora.rank", 8, "lora_rank"), Default("adapter.lora.dropout", 0.0, "lora_dropout"))
MARKS = frozenset(
    words("stage finetuning_type template cutoff_len dataset_dir lora_target lora_rank flash_attn plot_loss")
)


def _read(data: Any) -> Said:
    lora = isinstance(data, dict) and data.get("finetuning_type", "lora") == "lora"
    said = hf.read(data, KEYS, SILENT, (*DEFAULTS, *LORA) if lora else DEFAULTS)
    ranks = [each.value for each in said.statements if each.fact == "adapter.lora.rank"]
    if lora and not any(each.fact == "adapter.lora.alpha" for each in said.statements):
        rank = ranks[0] if ranks else 8
        if isinstance(rank, int):
            said.defaults.append(Default("adapter.lora.alpha", 2 * rank, "lora_alpha"))
    return said


DIALECT = Dialect(
    "llama-factory",
    "LLaMA-Factory",
    by_marks(MARKS, 2, "arguments of LLaMA-Factory", frozenset({"base_model", "peft_type", "architectures"})),
    _read,
    "omegaconf",
    KEYS,
)
