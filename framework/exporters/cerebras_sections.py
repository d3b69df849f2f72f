"""Sections of Model Zoo's trainer YAML that no training clause states: model, data, saving; and the order of all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from framework.dialects.families.model_zoo import CONSTANTS, MULTI_QUERY_MODULE
from framework.dialects.rendering.sheet import Facts
from framework.manifest.sections.models import Model
from framework.planning.steps import Knobs, Step, Training

_SIZES = {
    "vocabulary": "vocab_size",
    "hidden": "hidden_size",
    "layers": "num_hidden_layers",
    "heads": "num_heads",
    "intermediate": "filter_size",
    "positions": "max_position_embeddings",
}
_FAMILIES: Mapping[str, Mapping[str, float]] = {
    "llama": {"layer_norm_epsilon": 1e-6, "rope_theta": 10000.0},
    "mistral": {"layer_norm_epsilon": 1e-6, "rope_theta": 10000.0},
    "mixtral": {"layer_norm_epsilon": 1e-5, "rope_theta": 1000000.0},
}
"""What the configs of transformers 5.23 have where nothing is said, and so the models of a run here; Model Zoo's own
defaults are 1e-5 and 10000."""
UNDECLARED = ("layer_norm_epsilon", "rope_theta", "share_embedding_weights")
"""Settings of a model that no clause of a manifest states, and that are written all the same."""
SETTINGS = {
    "tie_word_embeddings": "share_embedding_weights",
    "rms_norm_eps": "layer_norm_epsilon",
    "rope_theta": "rope_theta",
}
"""Of what a manifest states of a model as its own settings: those that Model Zoo has a name for."""
_ORDER = (
    "model_dir", "seed", "backend", "model", "optimizer", "schedulers", "precision", "sparsity", "loop", "checkpoint",
    "logging", "callbacks",
)  # fmt: skip
_PROCESSOR = "GptHDF5MapDataProcessor"
_LOADING = {"num_workers": 8, "prefetch_factor": 10, "persistent_workers": True}


def model_section(model: Model, facts: Facts) -> tuple[dict[str, Any], list[str]]:
    """`trainer.init.model`, and what of it is not known here.

    Sizes as the manifest states them, and always what makes the family of Model Zoo's decoder: rotary positions, RMS
    norms, a gated SwiGLU, no biases, no dropout. Not said, they are a GPT-2's (`GPT2ModelConfig` of release 2.10). A
    model made from sizes alone has the embedding, the epsilon and the rotary base that a run here gives it; a
    checkpoint brings its own, and the values written for one are those that most checkpoints of its family have, but
    where the manifest states them under the model's `settings`.
    """
    section: dict[str, Any] = {"name": model.family}
    section |= {theirs: getattr(model, ours) for ours, theirs in _SIZES.items() if getattr(model, ours) is not None}
    if model.key_value_heads is not None and model.key_value_heads != model.heads:
        section["attention_module"] = MULTI_QUERY_MODULE
        section["extra_attention_params"] = {"num_kv_groups": model.key_value_heads}
    if model.experts is not None:
        section["moe"] = {"num_experts": model.experts}
        section["moe"] |= {} if model.experts_per_token is None else {"top_k": model.experts_per_token}
    section |= CONSTANTS
    if model.hidden and model.heads:
        section["rotary_dim"] = model.hidden // model.heads
    section |= {"share_embedding_weights": False, **_FAMILIES[model.family]}
    stated = {
        theirs: facts[f"model.settings.{ours}"]
        for ours, theirs in SETTINGS.items()
        if f"model.settings.{ours}" in facts
    }
    section |= stated
    section |= dict.fromkeys(("dropout_rate", "attention_dropout_rate", "embedding_dropout_rate"), 0.0)
    biases = ("use_projection_bias_in_attention", "use_ffn_bias_in_attention", "use_ffn_bias", "use_bias_in_output")
    section |= dict.fromkeys(biases, False)
    missing = [name for name in _SIZES if getattr(model, name) is None]
    notes = [f"sizes that the manifest does not state: {', '.join(missing)}"] if missing else []
    usual = [name for name in UNDECLARED if name not in stated]
    if usual and (model.weights == "pretrained" or model.hub or model.path):
        notes.append(
            f"the family's usual {', '.join(usual)}, which may be others in this checkpoint: hold them, and the sizes,"
            " to the config that the conversion of its checkpoint writes"
        )
    return section, notes


def data_sections(trainer: dict[str, Any], step: Step, notes: list[str]) -> None:
    """`fit` and `validate`: where the prepared data is to lie, below the folder that the trainer is started in."""
    work = step.work
    assert isinstance(work, Training)
    loader = trainer["fit"]["train_dataloader"]
    folder = f"data/{work.dataset_name}"
    seed = {"shuffle": True, "shuffle_seed": step.seed}
    train = {"data_processor": _PROCESSOR, "data_dir": f"{folder}/train", **loader, **seed, **_LOADING}
    held = {"data_dir": f"{folder}/validation", "shuffle": False, "num_workers": _LOADING["num_workers"]}
    validation = {"data_processor": _PROCESSOR, **held, "batch_size": loader["batch_size"]}
    trainer["fit"] = {"train_dataloader": train, "val_dataloader": validation}
    trainer["validate"] = {"val_dataloader": validation}
    limit = f", the first {work.dataset.limit} examples of it" if work.dataset.limit else ""
    notes.append(f"the data: HDF5 files of {work.dataset_name}{limit}, which Model Zoo's data preparation makes")
    if work.phase.objective == "completion":
        notes.append(
            "objective completion: that only answers are learned is the data preparation's to do (fine-tuning)"
        )
    notes.append("the measurements and metrics of the manifest: taken here, from the checkpoint converted back")
    if step.knobs.micro_batch_size is not None:
        notes.append("micro batches: left to the compiler; those of the manifest's configs are for other accelerators")


def saving(knobs: Knobs, steps: int | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """`checkpoint` and `logging`: as the bound configs say, else once, at the end."""
    every = knobs.checkpoint_every or steps
    checkpoint = {"save_initial_checkpoint": False}
    return checkpoint if every is None else {"steps": every, **checkpoint}, {"log_steps": knobs.log_every or 1}


def tidy(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The file in the Model Zoo's own order, with a folder of its own for what the trainer writes: it goes on from the
    last checkpoint that it finds in there."""
    trainer = data["trainer"]
    init = {"model_dir": f"model_dir/{name}", **trainer["init"]}
    ordered = {name: init[name] for name in _ORDER if name in init}
    return {"trainer": {"init": ordered, "fit": trainer["fit"], "validate": trainer["validate"]}}
