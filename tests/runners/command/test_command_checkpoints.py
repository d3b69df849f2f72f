"""A script's checkpoint becomes the run's model, and is held like one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from framework.conformance import Stage, Status
from framework.errors import FrameworkError
from framework.evidence.remembering.run_contents import changed_artefacts
from framework.evidence.store import RunStore
from framework.evidence.tensors import TensorFile
from tests.runners.command.commanded import LOGS, run, study
from tests.support.statuses import codes, status_of

COPIES = "import shutil, sys\nshutil.copytree('left', sys.argv[1] + '/left')\n"
LLAMA = {
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 8, "num_hidden_layers": 1,
    "num_attention_heads": 2, "num_key_value_heads": 2, "intermediate_size": 16, "vocab_size": 256,
    "tie_word_embeddings": False,
}  # fmt: skip
TINY = (
    (
        "small: {family: llama, hub: example/small, layers: 12, hidden: 768, heads: 12, vocabulary: 32000}",
        "small: {family: llama, path: base, layers: 1, hidden: 8, heads: 2, vocabulary: 256, tokenizer: bytes}",
    ),
)
PRUNES = (
    "  tuned: {from: full, steps: [tune]}",
    "  pruned: {from: full, steps: [{prune: {sparsity: 0.5, tensors: [q_proj]}}]}",
)


def base(root: Path) -> Any:
    """A small model below the project, as the manifest's `path`."""
    from transformers import AutoModelForCausalLM, LlamaConfig

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(LlamaConfig(**LLAMA))
    model.save_pretrained(root / "base")
    return model


def test_a_checkpoint_becomes_the_runs_model_and_later_steps_work_on_it(tmp_path: Path) -> None:
    base(tmp_path).save_pretrained(tmp_path / "left")
    made = study(tmp_path, COPIES, "outputs: {checkpoint: left}", "", *TINY, PRUNES)
    record, folder = run(made)
    assert record.parameters["total"] == sum(
        each.elements for each in TensorFile(folder / "model" / "model.safetensors").tensors.values()
    )
    pruned = made.step("pruned", "prune")
    after, _ = run(made, step=pruned)
    assert after.sparsity["zeros"] == 32  # half of 8 x 8
    result = made.verify(plan=made.plan("pruned"))
    assert [code for code in codes(result) if not code.startswith("M")] == []
    assert status_of(result, "variants.pruned.steps[0].prune.sparsity", Stage.CHECKPOINT) is Status.CONFORMS
    assert status_of(result, "models.small.hidden", Stage.CHECKPOINT) is Status.CONFORMS


def test_shards_become_one_file(tmp_path: Path) -> None:
    model = base(tmp_path)
    model.save_pretrained(tmp_path / "left", max_shard_size="2KB")
    assert len(list((tmp_path / "left").glob("model-*.safetensors"))) > 1
    _, folder = run(study(tmp_path, COPIES, "outputs: {checkpoint: left}", "", *TINY))
    saved = load_file(folder / "model" / "model.safetensors")
    assert saved.keys() == model.state_dict().keys()
    assert all(torch.equal(saved[name], tensor) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"config.json": b"{}", "pytorch_model.bin": b"x"}, "pickled weights are not read"),
        ({"config.json": b"{}"}, "has no model.safetensors"),
        ({"model.safetensors": b"x"}, "has no config.json"),
        ({"config.json": b"{}", "model.safetensors": b"xxxxxxxxxxxx"}, "not a safetensors file"),
        (
            {"config.json": b"{}", "model.safetensors.index.json": b'{"weight_map": {"a": "../x.safetensors"}}'},
            "which is not a file of this folder",
        ),
        ({"adapter_config.json": b"{}"}, "has no adapter_model.safetensors"),
    ],
)
def test_what_is_no_checkpoint_is_refused(tmp_path: Path, files: dict[str, bytes], words: str) -> None:
    (tmp_path / "left").mkdir()
    for name, data in files.items():
        (tmp_path / "left" / name).write_bytes(data)
    made = study(tmp_path, COPIES, "outputs: {checkpoint: left}")
    with pytest.raises(FrameworkError, match=words):
        run(made)
    assert not (tmp_path / "runs" / made.step().folder / "model").exists()


LORA = (
    "  lora: {steps: [{train: {adapter: {lora: {rank: 16, alpha: 32, dropout: 0.05, targets: [q_proj, v_proj]}}}}]}",
    """\
  sparse:
    steps:
      - {prune: {sparsity: 0.5, tensors: [q_proj, v_proj]}}
      - {train: {adapter: {lora: {rank: 2, alpha: 4, targets: [q_proj, v_proj]}}}}""",
)


def test_an_adapter_is_kept_and_merged_and_what_was_pruned_stays_zero(tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model

    model = base(tmp_path)
    config = LoraConfig(r=2, lora_alpha=4, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    adapted = get_peft_model(model, config)
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter)
    adapted.save_pretrained(tmp_path / "left")
    lora = "rank: adapter.lora.rank, alpha: adapter.lora.alpha, on: adapter.lora.targets, seed: seed"
    made = study(tmp_path, COPIES, "outputs: {checkpoint: left}", ", '{model}'", *TINY, LORA)
    manifest = tmp_path / "experiment.yaml"
    manifest.write_text(manifest.read_text().replace("seed: seed", lora))
    run(made, step=made.step("sparse", "prune"))
    record, folder = run(made, step=made.step("sparse", "train"))
    assert record.observed["command"]["argv"][3].endswith("/model")
    assert record.parameters["trainable"] == 4 * 8 * 2
    assert (record.adapter["rank"], record.adapter["alpha"]) == (2, 4)
    zeros = TensorFile(folder / "model" / "model.safetensors").zeros("model.layers.0.self_attn.q_proj.weight")
    assert (
        zeros + TensorFile(folder / "model" / "model.safetensors").zeros("model.layers.0.self_attn.v_proj.weight") == 64
    )
    result = made.verify(plan=made.plan("sparse"))
    assert [code for code in codes(result) if not code.startswith("M")] == []
    adapter = "variants.sparse.steps[1].train.adapter.lora"
    for name in ("rank", "alpha", "targets"):
        assert status_of(result, f"{adapter}.{name}", Stage.CHECKPOINT) is Status.CONFORMS
    assert record.adapter["mode"] == "sparse_to_dense"
    clause = next(each for each in result.matrix.clauses if each.id == f"{adapter}.rank")
    assert any("are (W + s B A) * M" in look.reason for look in result.matrix.looks(clause, Stage.CHECKPOINT))
    assert status_of(result, "variants.sparse.steps[0].prune.sparsity", Stage.CHECKPOINT) is Status.CONFORMS


def test_a_script_that_loses_the_zeros_is_found(tmp_path: Path) -> None:
    base(tmp_path)
    body = """
    import shutil, sys
    from safetensors.torch import load_file, save_file
    shutil.copytree(sys.argv[2], sys.argv[1] + "/left")
    tensors = load_file(sys.argv[1] + "/left/model.safetensors")
    tensors["model.layers.0.self_attn.q_proj.weight"] += 1
    save_file(tensors, sys.argv[1] + "/left/model.safetensors", metadata={"format": "pt"})
    """
    dense = (LORA[0], LORA[1].replace("{adapter: {lora: {rank: 2, alpha: 4, targets: [q_proj, v_proj]}}}", "{}"))
    made = study(tmp_path, body, "outputs: {checkpoint: left}", ", '{model}'", *TINY, dense)
    run(made, step=made.step("sparse", "prune"))
    run(made, step=made.step("sparse", "train"))
    result = made.verify(plan=made.plan("sparse"))
    assert codes(result) == ["T101"]


def test_a_changed_checkpoint_or_log_is_seen(tmp_path: Path) -> None:
    made = study(tmp_path, LOGS, "outputs: {log: log.jsonl}")
    _, folder = run(made)
    (folder / "log" / "log.jsonl").write_text("")
    found = RunStore(tmp_path / "runs").finished(made.step().key)
    assert found is not None
    assert changed_artefacts(found) == ["log/log.jsonl"]


def test_safetensors_are_written_by_the_library(tmp_path: Path) -> None:
    """The refusal of a file that is none does not refuse one that is."""
    (tmp_path / "left").mkdir()
    (tmp_path / "left" / "config.json").write_text("{}")
    save_file({"a": torch.zeros(3)}, tmp_path / "left" / "model.safetensors")
    record, _ = run(study(tmp_path, COPIES, "outputs: {checkpoint: left}"))
    assert record.parameters == {"total": 3}
