"""`framework export cerebras`: what is written says what the manifest says when it is read back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
import yaml

from framework.conformance import Status
from framework.errors import InputError
from framework.evidence.record import RunRecord
from framework.manifest.sections.methods import Prune
from tests.support.exported import ATTENTION, FOLDER, ExportedStudy

FULL = "full.0-train.small.seed42.yaml"
BOOLQ, ARC = "lora.0-tune.boolq.small.seed42.yaml", "lora.0-tune.arc.small.seed42.yaml"
CASES: dict[str, tuple[tuple[str, str], ...]] = {
    "as it is": (),
    "linear": (("name: cosine", "name: linear"), (", min_learning_rate: 0.1 * learning_rate", "")),
    "constant with a warmup": (("name: cosine", "name: constant"), (", min_learning_rate: 0.1 * learning_rate", "")),
    "constant": (("cosine, warmup: 10%, min_learning_rate: 0.1 * learning_rate", "constant"),),
    "no warmup": (("warmup: 10%", "warmup: 0 steps"),),
    "adam": (("name: adamw, learning_rate: 2e-4", "name: adam, learning_rate: 2e-4"),),
    "sgd": (("adamw, learning_rate: 2e-4, weight_decay: 0.1, betas: [0.9, 0.95], eps: 1e-8",
             "sgd, learning_rate: 2e-4, momentum: 0.9"),),
    "steps": (("epochs: 3\n    sequence_length: 256", "max_steps: 700\n    sequence_length: 256"),),
    "fp16": (("max_grad_norm: 1.0\n    precision: bf16", "max_grad_norm: 1.0\n    precision: fp16"),),
    "all linear layers": ((ATTENTION, "targets: [q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj]"),),
    "the feed-forward": ((ATTENTION, "targets: [gate_proj, up_proj, down_proj]"),),
    "no shared keys": (("key_value_heads: 2, ", ""),),
    "a variant's own rate": (
        (", min_learning_rate: 0.1 * learning_rate", ""),
        ("full: {steps: [train]}", "full: {steps: [{train: {set: {optimizer.learning_rate: 7e-4}}}]}"),
    ),
    "mixtral": (("family: llama", "family: mixtral, experts: 4, experts_per_token: 2"),),
    "heads of their own": (("key_value_heads: 2", "key_value_heads: 4"),),
    "mistral": (("family: llama", "family: mistral"),),
    "of a hub": (("weights: random, layers: 2, hidden: 64,", "hub: example/llama, layers: 2, hidden: 64,"),),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_an_export_passes_its_check_without_a_finding(tmp_path: Path, case: str) -> None:
    study = ExportedStudy(tmp_path, *CASES[case])
    study.written("lora")
    result = study.check()
    assert [f"{each.location}: {each.message}" for each in result.findings] == []
    held = {
        clause.id for clause in result.experiment.clauses if clause.id.startswith(("phases.", "variants.", "models."))
    }
    for name in ("optimizer.learning_rate", "batch_size", "precision"):
        assert f"phases.train.{name}" in held
    judged = {look.clause for look in result.matrix.verdicts if look.status is Status.CONFORMS} & held
    for name in ("variants.pruned.steps[0].prune.sparsity", "variants.pruned.steps[0].prune.tensors",
                 "variants.lora.steps[0].tune.adapter.lora.rank", "variants.lora.steps[0].tune.adapter.lora.targets",
                 "models.small.heads", "phases.tune.tasks.boolq.learning_rate", "phases.tune.tasks.arc.epochs",
                 "phases.train.schedule.name"):  # fmt: skip
        assert name in judged


def numbers(text: str) -> list[re.Match[str]]:
    """Every number in the text of a file that is no comment."""
    return [
        found
        for found in re.finditer(r"(?m)^(?!#)[^\n#]*?[ -] ?(-?\d[\d.e+-]*)$", text)
        if re.fullmatch(r"-?\d+(\.\d+)?(e[+-]?\d+)?", found[1])
    ]


KNOBS = re.compile(
    r"(num_workers|prefetch_factor|shuffle_seed|log_steps|  steps|rotary_dim|dropout_rate|initial_learning_rate: 0.0"
    r"|end_learning_rate: 0.0)"
)
"""Lines that state nothing of the manifest: loading, saving, constants of the family, schedulers' zeros."""


@pytest.mark.parametrize("name", [FULL, BOOLQ])
def test_every_exported_number_that_is_changed_is_found_at_its_line(tmp_path: Path, name: str) -> None:
    """Of the validation's batch nothing is declared, and where nothing is declared of an optimizer nothing is held."""
    study = ExportedStudy(tmp_path)
    study.written("lora")
    path = tmp_path / FOLDER / name
    text = path.read_text()
    training = text[: text.index("    val_dataloader:")]
    ignored = next(
        each for each in yaml.safe_load(study.manifest.read_text())["configs"] if each["file"].endswith(name)
    )
    unstated = {key.rpartition(".")[2].partition("[")[0] for key in ignored.get("ignore", ())}
    looked = 0
    for found in numbers(training):
        line = found[0].strip()
        if KNOBS.search(found[0]) or line.partition(":")[0] in unstated | {"- 0.999", "- 0.9" if unstated else ""}:
            continue
        value = yaml.safe_load(found[1])
        path.write_text(text[: found.start(1)] + repr(value * 3) + text[found.end(1) :])
        number = text.count("\n", 0, found.start(1)) + 1
        places = {(each.location.file, each.location.line) for each in study.check().findings if each.location}
        above = (
            {number, number - 1, number - 2} if line.startswith("- ") else {number}
        )  # a list is found where it starts
        assert any(file.endswith(name) and at in above for file, at in places), f"{line} (line {number}): {places}"
        looked += 1
    assert looked >= 15


def test_schedulers_are_nested_and_take_all_steps(tmp_path: Path) -> None:
    (chain,) = ExportedStudy(tmp_path).data(FULL, "full")["init"]["schedulers"]
    assert chain == {
        "SequentialLR": {
            "schedulers": [
                {"LinearLR": {"initial_learning_rate": 0.0, "end_learning_rate": 2e-4, "total_iters": 30}},
                {"CosineDecayLR": {"initial_learning_rate": 2e-4, "end_learning_rate": 2e-5, "total_iters": 270}},
            ]
        }
    }


def test_one_scheduler_needs_no_sequence(tmp_path: Path) -> None:
    data = ExportedStudy(tmp_path, *CASES["constant"]).data(FULL, "full")
    assert data["init"]["schedulers"] == [{"ConstantLR": {"learning_rate": 2e-4}}]


GPT2 = {
    "position_embedding_type": "learned", "norm_type": "layernorm", "nonlinearity": "gelu", "dropout_rate": 0.1,
    "embedding_dropout_rate": 0.1, "attention_dropout_rate": 0.1, "use_projection_bias_in_attention": True,
    "use_ffn_bias_in_attention": True, "use_ffn_bias": True, "share_embedding_weights": True,
}  # fmt: skip
"""What Model Zoo 2.10 takes where a decoder's file says nothing (`models/nlp/gpt2/model.py`)."""


@pytest.mark.parametrize("family", ["llama", "mistral", "mixtral"])
@pytest.mark.parametrize("case", ["as it is", "of a hub"])
def test_nothing_of_a_model_is_left_to_the_defaults_of_another_family(tmp_path: Path, case: str, family: str) -> None:
    from transformers import AutoConfig

    study = ExportedStudy(tmp_path, *CASES[case], ("family: llama", f"family: {family}"))
    model = study.data(FULL, "full")["init"]["model"]
    assert {key: model[key] for key in GPT2 if model.get(key, GPT2[key]) == GPT2[key]} == {}
    made = AutoConfig.for_model(family)
    assert model["layer_norm_epsilon"] == made.rms_norm_eps
    assert model["rope_theta"] == made.rope_parameters["rope_theta"]
    assert model["share_embedding_weights"] is made.tie_word_embeddings is False


def test_heads_of_their_own_are_no_groups(tmp_path: Path) -> None:
    """`num_kv_groups` belongs to `multiquery_attention`: without it the attention's class does not take it."""
    model = ExportedStudy(tmp_path, ("key_value_heads: 2", "key_value_heads: 4")).data(FULL, "full")["init"]["model"]
    assert "extra_attention_params" not in model
    assert "attention_module" not in model
    grouped = ExportedStudy(tmp_path).data(FULL, "full")["init"]["model"]
    assert grouped["attention_module"] == "multiquery_attention"
    assert grouped["extra_attention_params"] == {"num_kv_groups": 2}


def test_a_precision_that_is_not_stated_is_none_of_the_trainers(tmp_path: Path) -> None:
    study = ExportedStudy(tmp_path, ("max_grad_norm: 1.0\n    precision: bf16", "max_grad_norm: 1.0"))
    found = study.data(FULL, "full")["init"]["precision"]
    assert found == {"max_gradient_norm": 1.0, "enabled": True, "fp16_type": "bfloat16"}
    study.written("full")
    assert study.check().findings == []


def test_half_precision_needs_scaled_losses(tmp_path: Path) -> None:
    found = ExportedStudy(tmp_path, *CASES["fp16"]).data(FULL, "full")["init"]["precision"]
    assert found == {
        "max_gradient_norm": 1.0, "enabled": True, "fp16_type": "float16", "loss_scaling_factor": "dynamic"
    }  # fmt: skip


def test_what_is_not_stated_of_an_optimizer_is_what_pytorch_takes(tmp_path: Path) -> None:
    init = ExportedStudy(tmp_path).data(BOOLQ, "lora")["init"]
    assert init["optimizer"] == {"AdamW": {"betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.01}}
    taken = torch.optim.AdamW([torch.zeros(1)]).defaults
    assert {name: taken[name] for name in ("eps", "weight_decay")} == {"eps": 1e-8, "weight_decay": 0.01}
    assert list(taken["betas"]) == [0.9, 0.999]


@pytest.mark.parametrize(("eps", "said"), [("1e-8", False), ("1e-6", False), ("1e-3", True)])
def test_an_epsilon_that_the_trainer_adds_elsewhere_is_said_where_it_counts(
    tmp_path: Path, eps: str, said: bool
) -> None:
    exported = ExportedStudy(tmp_path, ("eps: 1e-8", f"eps: {eps}")).export("full")
    assert any("before the bias correction" in note for note in exported[0].notes) is said


def test_weight_decay_is_no_difference(tmp_path: Path) -> None:
    """Model Zoo leaves out biases, which these families lack, and torch's norms, of which its RMSNorm is none."""
    assert not any("decay" in note for each in ExportedStudy(tmp_path).export("full") for note in each.notes)


def test_the_length_is_in_steps_where_the_data_is_counted_and_in_epochs_where_not(tmp_path: Path) -> None:
    assert ExportedStudy(tmp_path).data(FULL, "full")["init"]["loop"] == {"max_steps": 300}  # 3 epochs of 6400 / 64
    unknown = ExportedStudy(tmp_path, *CASES["constant"], ("example/corpus, train_examples: 6400", "example/corpus"))
    assert unknown.data(FULL, "full")["init"]["loop"] == {"num_epochs": 3}


def test_lora_names_the_classes_that_reach_the_declared_modules(tmp_path: Path) -> None:
    def callback(*changes: tuple[str, str]) -> object:
        return ExportedStudy(tmp_path, *changes).data(BOOLQ, "lora")["init"]["callbacks"][0]["Lora"]["lora_params"]

    common = {"r": 16, "alpha": 32, "dropout": 0.05}
    assert callback() == {**common, "target_modules": ["MultiQueryAttention", "Linear"]}
    assert callback(*CASES["no shared keys"]) == {**common, "target_modules": ["MultiheadAttention", "Linear"]}
    assert callback(*CASES["all linear layers"]) == {**common, "target_modules": ["TransformerDecoderLayer", "Linear"]}
    assert callback(*CASES["the feed-forward"]) == {**common, "target_modules": ["FeedForwardNetwork", "Linear"]}


def test_other_classes_than_the_declared_modules_are_a_finding(tmp_path: Path) -> None:
    study = ExportedStudy(tmp_path)
    study.written("lora")
    path = tmp_path / FOLDER / BOOLQ
    path.write_text(path.read_text().replace("- MultiQueryAttention", "- TransformerDecoderLayer"))
    (found,) = study.check().findings
    assert found.clause == "variants.lora.steps[0].tune.adapter.lora.targets"
    assert "gate_proj" in found.message


def test_sparsity_is_static_and_taken_from_the_zeros_of_the_checkpoint(tmp_path: Path) -> None:
    init = ExportedStudy(tmp_path).data(BOOLQ, "lora")["init"]
    assert init["sparsity"] == {
        "algorithm": "static",
        "sparsity": 0.5,
        "init_method": "from_zeros",
        "param_filter": [
            "*.self_attn.proj_q_dense_layer.weight",
            "*.self_attn.proj_k_dense_layer.weight",
            "*.self_attn.proj_v_dense_layer.weight",
            "*.self_attn.proj_output_dense_layer.weight",
        ],
    }
    assert init["checkpoint"]["disable_strict_checkpoint_loading"] is True
    assert {"LoadCheckpointStates": {"load_checkpoint_states": "model"}} in init["callbacks"]


def test_nothing_is_sparse_where_nothing_is_pruned(tmp_path: Path) -> None:
    study = ExportedStudy(tmp_path, ("sparsity: 0.5", "sparsity: 0"))
    assert "sparsity" not in study.data(BOOLQ, "lora")["init"]
    assert "sparsity" not in study.data(FULL, "lora")["init"]


def test_what_a_file_cannot_say_stands_at_its_head(tmp_path: Path) -> None:
    early = ("batch_size: 32", "batch_size: 32\n    early_stopping: {metric: accuracy, patience: 3}")
    exported = ExportedStudy(tmp_path, early).export("lora")
    text = next(each.text for each in exported if each.name == BOOLQ)
    comments = [line for line in text.splitlines() if line.startswith("#")]
    assert any("phases.tune.early_stopping.patience = 3" in line for line in comments)
    assert any("pruned · prune" in line and "fit.ckpt_path" in line for line in comments)
    assert text.splitlines()[: len(comments)] == comments


@pytest.mark.parametrize("stated", ["master_weights: fp32", "loss_normalization: micro_batch"])
def test_what_no_key_of_the_trainer_states_is_refused(tmp_path: Path, stated: str) -> None:
    study = ExportedStudy(tmp_path, ("max_grad_norm: 1.0", f"max_grad_norm: 1.0\n    {stated}"))
    with pytest.raises(InputError) as refused:
        study.export("full")
    assert f"phases.train.{stated.replace(':', ' =')} cannot be exported" in str(refused.value)


def test_a_warmup_in_epochs_is_counted(tmp_path: Path) -> None:
    for stated in ("1 epochs", "6400 samples", "1_638_400 tokens"):
        (chain,) = ExportedStudy(tmp_path, ("warmup: 10%", f"warmup: {stated}")).data(FULL, "full")["init"][
            "schedulers"
        ]
        warmup, decay = chain["SequentialLR"]["schedulers"]
        assert (warmup["LinearLR"]["total_iters"], decay["CosineDecayLR"]["total_iters"]) == (100, 200), stated


def test_settings_of_the_model_that_have_a_name_there_are_written(tmp_path: Path) -> None:
    stated = "settings: {tie_word_embeddings: true, rms_norm_eps: 1e-5, rope_theta: 500000.0}"
    study = ExportedStudy(tmp_path, ("family: llama,", f"hub: example/llama, family: llama, {stated},"))
    model = study.data(FULL, "full")["init"]["model"]
    found = (model["share_embedding_weights"], model["layer_norm_epsilon"], model["rope_theta"])
    assert found == (True, 1e-5, 500000.0)
    (full,) = [each for each in study.export("full") if each.name == FULL]
    assert not any("usual" in note for note in full.notes)


def test_modules_that_are_only_excluded_are_those_that_the_run_masked(tmp_path: Path) -> None:
    study = ExportedStudy(tmp_path, ("tensors: [q_proj, k_proj, v_proj, o_proj]", "exclude: [embed_tokens, lm_head]"))
    with pytest.raises(InputError, match="there is none yet"):
        study.export("lora")
    pruned_run(study)
    assert len(study.data(BOOLQ, "lora")["init"]["sparsity"]["param_filter"]) == 2
    study.written("lora")
    assert study.check().findings == []


def test_as_many_zeros_as_another_variant_need_its_run(tmp_path: Path) -> None:
    twin = "  twin:\n    from: full\n    steps: [{prune: {sparsity: {same_as: pruned}}}]\n"
    other = ("  lora:\n    from: pruned", f"{twin}  lora:\n    from: twin")
    with pytest.raises(InputError, match="there is none yet"):
        ExportedStudy(tmp_path, other).export("lora")


def test_two_models_are_told_apart(tmp_path: Path) -> None:
    sizes = "layers: 3, hidden: 32, heads: 4, intermediate: 64, positions: 128, vocabulary: 512"
    other = f"  other: {{family: mistral, weights: random, {sizes}, tokenizer: bytes}}\n"
    second = ("datasets:\n", f"{other}datasets:\n")
    study = ExportedStudy(tmp_path, second)
    assert len(study.written("lora")) == 6
    assert study.check().findings == []
    path = tmp_path / FOLDER / FULL.replace("small", "other")
    path.write_text(path.read_text().replace("num_hidden_layers: 3", "num_hidden_layers: 2"))
    (found,) = study.check().findings
    assert found.clause == "models.other.layers"


def test_only_what_the_selection_trains_is_exported(tmp_path: Path) -> None:
    study = ExportedStudy(tmp_path)
    assert [each.name for each in study.export("full")] == [FULL]
    assert [each.name for each in study.export("pruned")] == [FULL]
    assert [each.name for each in study.export("lora")] == [FULL, BOOLQ, ARC]


def test_a_second_export_is_the_same_to_the_byte(tmp_path: Path) -> None:
    study = ExportedStudy(tmp_path)
    assert [each.text for each in study.export("lora")] == [each.text for each in study.export("lora")]


def test_the_mask_file_of_the_run_before_goes_with_the_training(tmp_path: Path) -> None:
    study = ExportedStudy(tmp_path)
    folder = pruned_run(study)
    text = next(each.text for each in study.export("lora") if each.name == BOOLQ)
    callbacks = yaml.safe_load(text)["trainer"]["init"]["callbacks"]
    place = f"runs/{folder.name}/masks.safetensors"
    assert callbacks[-1] == {"ReapplyMasks": {"masks": place, "family": "llama", "heads": 4, "key_value_heads": 2}}
    assert f"# - masks: {place}, 30 of 64 weights zero, SHA-256 {'a' * 64}\n" in text


def test_heads_come_from_the_checkpoint_where_the_manifest_states_none(tmp_path: Path) -> None:
    study = ExportedStudy(
        tmp_path, *CASES["of a hub"][:1], ("heads: 4, key_value_heads: 2, ", ""), *CASES["all linear layers"]
    )
    folder = pruned_run(study)
    assert "ReapplyMasks" not in str(study.data(BOOLQ, "lora"))
    (folder / "model").mkdir()
    (folder / "model" / "config.json").write_text('{"num_attention_heads": 8, "num_key_value_heads": 4}')
    found = study.data(BOOLQ, "lora")["init"]["callbacks"][-1]["ReapplyMasks"]
    assert (found["heads"], found["key_value_heads"]) == (8, 4)


def test_as_many_zeros_as_another_variant_are_counted_by_the_run(tmp_path: Path) -> None:
    other = "  other: {from: full, steps: [{prune: {sparsity: 0.25, tensors: [v_proj]}}]}\n"
    same = ("sparsity: 0.5, tensors: [q_proj, k_proj, v_proj, o_proj]", "sparsity: {same_as: other}")
    study = ExportedStudy(tmp_path, same, ("variants:\n", f"variants:\n{other}"))
    pruned_run(study)
    sparsity = study.data(BOOLQ, "lora")["init"]["sparsity"]
    assert sparsity["sparsity"] == 30 / 64
    assert sorted(sparsity["param_filter"]) == [
        "*.self_attn.proj_output_dense_layer.weight",
        "*.self_attn.proj_v_dense_layer.weight",
    ]
    study.written("lora")
    assert study.check().findings == []


def pruned_run(study: ExportedStudy) -> Path:
    """The folder of the pruning's run, as it would be left: 30 of 64 weights zero."""
    step = next(each for each in study.plan("lora").steps if isinstance(each.work, Prune) and "pruned" in each.variants)
    folder = study.root / "runs" / step.folder
    folder.mkdir(parents=True)
    (folder / "masks.safetensors").write_bytes(b"the bits")
    names = {
        f"model.layers.0.self_attn.{module}.weight": [zeros, 32] for module, zeros in (("v_proj", 20), ("o_proj", 10))
    }
    RunRecord(
        key=step.key, folder=step.folder, step=step.name, variants=list(step.variants), model=step.model_name,
        task=None, seed=step.seed, profile=None, identity={}, status="done", sparsity={"tensors": names},
        artefacts={"masks.safetensors": {"bytes": 8, "sha256": "a" * 64}},
    ).write(folder)  # fmt: skip
    return folder
