"""What `framework export cerebras` writes, run by the vendor's own classes, beside what the manifest says.

In an environment of its own, since cerebras_pytorch 2.10.0 wants other versions than this project, and its compiled
part, which is for torch 2.4, is stubbed (schedulers, optimizers and sparsity are Python):

    python -m venv vendor
    vendor/bin/pip install -e . torch "numpy<2" "pydantic==2.8.*" "psutil==7.1.*" "datasets==3.6.*" \
        "transformers==4.57.*" grpcio protobuf h5py hdf5plugin tabulate tblib PyJWT zstandard tensorboard dill
    vendor/bin/pip install --no-deps cerebras_pytorch==2.10.0 cerebras_appliance==2.10.0
    vendor/bin/python benchmarks/model_zoo.py --lora MODELZOO/src/cerebras/modelzoo/common/utils/model/lora.py

LoRA is no part of those packages: `--lora` is that file of a checkout of Cerebras' Model Zoo. The modules that LoRA and
sparsity are given have the classes and the names of Model Zoo's decoder, and nothing else of it. The rows are those of
docs/cerebras.md; the exit status is 1 where one of them is not as expected.
"""

from __future__ import annotations

import argparse
import copy
import importlib.util
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path = [str(REPOSITORY), *(entry for entry in sys.path if Path(entry).resolve() != Path(__file__).parent)]
sys.modules["cerebras.pytorch.lib.cerebras_pytorch_lib"] = MagicMock()

import torch  # noqa: E402
import yaml  # noqa: E402
from torch import nn  # noqa: E402

from benchmarks.model_zoo_decoder import decoder  # noqa: E402
from framework.dialects.families import model_zoo  # noqa: E402
from framework.exporters.cerebras import export  # noqa: E402
from framework.manifest.lengths import scale_of  # noqa: E402
from framework.manifest.loading import load  # noqa: E402
from framework.planning.build import build  # noqa: E402
from framework.planning.steps import Training  # noqa: E402
from framework.stages.run.recomputed.learning_rate import learning_rate_at  # noqa: E402
from runners.sparsity.scored import masks_of  # noqa: E402
from runners.sparsity.structures import Amount, Wanted  # noqa: E402

MANIFEST = """\
version: 1
paper: {{title: A study}}
models:
  small:
    {{family: {family}, weights: random, layers: 2, hidden: 32, heads: 4, key_value_heads: {shared}, intermediate: 64,
     positions: 64, vocabulary: 96, tokenizer: bytes}}
datasets: {{corpus: {{hub: example/corpus, train_examples: 6400}}}}
phases:
  train:
    objective: causal_lm
    dataset: corpus
    optimizer: {{{optimizer}}}
    schedule: {{{schedule}}}
    batch_size: 64
    epochs: 3
    sequence_length: 64
variants:
  full: {{steps: [train]}}
  pruned: {{from: full, steps: [{{prune: {{score: magnitude, scope: layer, sparsity: {level}, tensors: {modules}}}}}]}}
  tuned:
    from: pruned
    steps: [{{train: {{adapter: {{lora: {{rank: 4, alpha: 8, dropout: 0.0, targets: {targets}}}}}}}}}]
seeds: [42]
"""
ATTENTION, FEED_FORWARD = ["q_proj", "k_proj", "v_proj", "o_proj"], ["gate_proj", "up_proj", "down_proj"]
STATED: dict[str, Any] = {
    "family": "llama", "shared": 2, "optimizer": "name: adamw, learning_rate: 2e-4", "schedule": "name: constant",
    "level": 0.5, "modules": ATTENTION, "targets": ATTENTION,
}  # fmt: skip
SCHEDULES = {
    "cosine, warmup 10%, down to a tenth": "name: cosine, warmup: 10%, min_learning_rate: 0.1 * learning_rate",
    "cosine, warmup of 1 step": "name: cosine, warmup: 1 steps",
    "linear, warmup of an epoch": "name: linear, warmup: 1 epochs",
    "linear, no warmup": "name: linear, warmup: 0 steps",
    "linear, warmup of all steps but one": "name: linear, warmup: 299 steps",
    "constant, warmup 17 steps": "name: constant, warmup: 17 steps",
    "constant": "name: constant",
}
OPTIMIZERS = {
    "AdamW": ("name: adamw, learning_rate: 2e-4, weight_decay: 0.1, betas: [0.9, 0.95], eps: 1e-8", torch.optim.AdamW),
    "AdamW, of which only the rate is stated": ("name: adamw, learning_rate: 2e-4", torch.optim.AdamW),
    "AdamW with a large epsilon": ("name: adamw, learning_rate: 2e-4, eps: 1e-3", torch.optim.AdamW),
    "Adam, an L2 penalty": ("name: adam, learning_rate: 2e-4, weight_decay: 0.1, eps: 1e-8", torch.optim.Adam),
    "SGD with momentum": ("name: sgd, learning_rate: 2e-2, momentum: 0.9, weight_decay: 0.01", torch.optim.SGD),
}
KNOWN = ("AdamW with a large epsilon",)
"""Theirs adds it before the second moment's bias is corrected: as if it were eps / sqrt(1 - beta2 ** step)."""
TORCH_ARGUMENTS = ("betas", "eps", "weight_decay", "momentum")
LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lora", type=Path, help="lora.py of a checkout of Model Zoo; LoRA is left out without it")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    import cerebras.pytorch as cstorch

    cstorch.backend("CPU")
    print(f"cerebras_pytorch {cstorch.__version__}, torch {torch.__version__}, its compiled part stubbed\n")
    print("| ours | theirs | difference |\n| --- | --- | --- |")
    rows = [*learning_rates(cstorch), *updates(cstorch), *static_masks(cstorch), *levels(cstorch)]
    if options.lora is not None:
        rows += adapters(options.lora)
    for ours, theirs, difference, _ in rows:
        print(f"| {ours} | {theirs} | {difference} |")
    return 0 if all(fine for *_, fine in rows) else 1


Row = tuple[str, str, str, bool]


def exported(variant: str, **changes: Any) -> tuple[dict[str, Any], Training, int]:
    """`trainer.init` of the last file of a variant, and its training with the number of its steps."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "experiment.yaml"
        path.write_text(MANIFEST.format(**STATED | changes))
        experiment = load(path)
        plan = build(experiment, variants=[variant])
        found = export(experiment, plan, [variant])[-1]
        work = [step.work for step in plan.steps if isinstance(step.work, Training)][-1]
    return yaml.safe_load(found.text)["trainer"]["init"], work, 300


def learning_rates(cstorch: Any) -> Iterator[Row]:
    for name, stated in SCHEDULES.items():
        init, work, steps = exported("full", schedule=stated)
        optimizer = _optimizer(cstorch, init, [nn.Parameter(torch.zeros(1))])
        (chosen,) = init["schedulers"]
        scheduler = _scheduler(cstorch, optimizer, chosen)
        theirs = []
        for _ in range(steps):
            theirs.append(float(optimizer.param_groups[0]["lr"]))
            optimizer.step()
            scheduler.step()
        scale = scale_of(work.phase, 6400)
        ours = [learning_rate_at(work.phase, step + 1, steps, scale) for step in range(steps)]
        peak = max(ours)
        worst = max(range(steps), key=lambda step: abs(ours[step] - theirs[step]))
        difference = abs(ours[worst] - theirs[worst]) / peak
        said = "none" if difference == 0 else f"{difference:.1e} of the peak, at step {worst + 1}"
        yield f"{name}: {steps} steps", f"`{_words(chosen)}`", said, difference < 1e-6


def updates(cstorch: Any) -> Iterator[Row]:
    """300 updates of a small regression from the same start, theirs as exported, ours torch's as runs here have it."""
    for name, (stated, ours) in OPTIMIZERS.items():
        init, work, steps = exported("full", optimizer=stated)
        fields = work.phase.optimizer.model_dump(exclude_none=True)
        arguments = {key: fields[key] for key in TORCH_ARGUMENTS if key in fields}
        rate = float(fields["learning_rate"])
        torch.manual_seed(0)
        start, data, target = nn.Linear(16, 8), torch.randn(64, 16), torch.randn(64, 8)
        models = [copy.deepcopy(start) for _ in range(2)]
        optimizers = [
            ours(models[0].parameters(), lr=rate, **arguments),
            _optimizer(cstorch, init, list(models[1].parameters()), rate),
        ]
        for model, optimizer in zip(models, optimizers, strict=True):
            for _ in range(steps):
                optimizer.zero_grad()
                nn.functional.mse_loss(model(data), target).backward()
                optimizer.step()
        moved = (models[0].weight - start.weight).norm()
        difference = float((models[0].weight - models[1].weight).norm() / moved)
        said = f"{difference:.1e} of how far {steps} updates moved the weights"
        fine = difference < 1e-3 or name in KNOWN
        yield name, f"`{next(iter(init['optimizer']))}` as exported", said, fine


def static_masks(cstorch: Any) -> Iterator[Row]:
    """The exported sparsity on weights that our mask zeroed: their mask is ours, and updates bring nothing back."""
    for modules in (ATTENTION, [*ATTENTION, *FEED_FORWARD]):
        init, _, _ = exported("tuned", modules=modules, targets=modules)
        model = decoder(grouped=True)
        weights = {name: weight for name, weight in model.named_parameters() if weight.dim() == 2}
        patterns = {f"{name}." for name in (model_zoo.PROJECTIONS["llama"][module] for module in modules)}
        meant = {name: each for name, each in weights.items() if any(part in f"{name}." for part in patterns)}
        (masks,) = masks_of(
            {name: each.detach().abs() for name, each in meant.items()},
            "unstructured",
            Wanted([Amount(share=0.5)], "layer"),
        )
        with torch.no_grad():
            for name, mask in masks.items():
                meant[name].mul_(mask)
        sparsity = cstorch.sparse.configure(init["sparsity"])
        sparsity.apply(model)
        optimizer = cstorch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.1)
        optimizer.apply(sparsity)
        sparsity.initialize()
        theirs = {each.name: each.mask for each in sparsity.get_sparse_params(model)}
        same = theirs.keys() == masks.keys() and all(bool((theirs[name] == masks[name]).all()) for name in masks)
        for _ in range(20):
            optimizer.zero_grad()
            model(torch.randint(0, 96, (2, 8))).square().mean().backward()
            optimizer.step()
        back = sum(int((meant[name].detach()[~mask] != 0).sum()) for name, mask in masks.items())
        count = sum(int((~mask).sum()) for mask in masks.values())
        said = f"{'the same' if same else 'OTHER'} masks; after 20 updates {back} of {count} zeros are weights again"
        yield f"mask at 0.5 on {', '.join(modules)}", "`Static`, `from_zeros`, `param_filter`", said, same and not back


def levels(cstorch: Any) -> Iterator[Row]:
    """How many weights go at a level: ours exactly, theirs (which no export asks for) by float32 arithmetic."""
    from cerebras.pytorch.sparse.init import topk

    found = []
    torch.manual_seed(0)
    for size in (1000, 4096 * 11008 // 64):
        score = nn.Parameter(torch.randn(size))
        for level in LEVELS:
            (mask,) = masks_of({"w": score.detach().abs()}, "unstructured", Wanted([Amount(share=level)], "layer"))
            theirs = topk(score, torch.tensor(level))
            counts = [int((~each).sum()) for each in (mask["w"], theirs)]
            if counts[0] != counts[1]:
                found.append(f"{level:g} of {size}: {counts[0]} and {counts[1]}")
            smaller, larger = sorted([~mask["w"], ~theirs], key=lambda each: int(each.sum()))
            assert not bool((smaller & ~larger).any())
    said = "; ".join(found) or "none"
    yield f"magnitude at {', '.join(map(str, LEVELS))}", "`topk`, which the export does not use", said, True


def adapters(path: Path) -> Iterator[Row]:
    specification = importlib.util.spec_from_file_location("lora", path)
    assert specification is not None
    assert specification.loader is not None
    theirs = importlib.util.module_from_spec(specification)
    sys.modules["lora"] = theirs
    specification.loader.exec_module(theirs)
    for shared in (2, 4):
        for targets in (ATTENTION, FEED_FORWARD, [*ATTENTION, *FEED_FORWARD]):
            init, _, _ = exported("tuned", shared=shared, targets=targets)
            (parameters,) = [each["Lora"]["lora_params"] for each in init["callbacks"] if "Lora" in each]
            model = theirs.make_model_lora(decoder(grouped=shared == 2), dict(parameters))
            reached = {name for name, module in model.named_modules() if hasattr(module, "lora_A")}
            own = {
                f"transformer_decoder.layers.{layer}.{model_zoo.PROJECTIONS['llama'][target]}"
                for layer in range(2)
                for target in targets
            }
            layer = model.get_submodule(min(own & reached))
            with torch.no_grad():
                layer.lora_B.normal_()
                inputs = torch.randn(3, layer.in_features)
                update = layer(inputs) - nn.functional.linear(inputs, layer.weight, layer.bias)
                difference = float((update - inputs @ (2 * layer.lora_B @ layer.lora_A).T).abs().max())
            said = "the same modules" if reached == own else f"OTHER modules: {sorted(reached ^ own)}"
            said += f"; scaling {layer.scaling:g}, update within {difference:.0e}"
            classes = ", ".join(parameters["target_modules"])
            fine = reached == own and layer.scaling == 2 and difference < 1e-5
            yield f"LoRA, rank 4, alpha 8, on {', '.join(targets)}", f"`[{classes}]`", said, fine


def _optimizer(cstorch: Any, init: dict[str, Any], parameters: list[nn.Parameter], rate: float = 0.1) -> Any:
    """As the trainer makes it; its rate is overwritten by the schedulers at once (0.1 where none is stated)."""
    ((name, arguments),) = init["optimizer"].items()
    return getattr(cstorch.optim, name)(parameters, lr=rate, **arguments)


def _scheduler(cstorch: Any, optimizer: Any, chosen: dict[str, Any]) -> Any:
    """As `trainer/validate.py` makes it: milestones are the sums of the lengths."""
    ((name, arguments),) = chosen.items()
    if "schedulers" in arguments:
        inner = [_scheduler(cstorch, optimizer, each) for each in arguments["schedulers"]]
        ends = [each.total_iters for each in inner[:-1]]
        arguments = {"schedulers": inner, "milestones": [sum(ends[: index + 1]) for index in range(len(ends))]}
    return getattr(cstorch.optim.lr_scheduler, name)(optimizer, **arguments)


def _words(chosen: dict[str, Any]) -> str:
    ((name, arguments),) = chosen.items()
    return ", ".join(_words(each) for each in arguments["schedulers"]) if "schedulers" in arguments else name


if __name__ == "__main__":
    sys.exit(main())
