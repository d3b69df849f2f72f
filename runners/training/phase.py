"""A phase as a plan step: data, model, masks and adapters put together, trained, measured and saved."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from torch import Tensor, nn

from framework.errors import FrameworkError
from framework.evidence.record import MODEL
from framework.planning.steps import Training
from runners.adapters import ADAPTERS
from runners.adapters.adapter import TrainedAdapter
from runners.adapters.merging import MergeEvidence, dead_adapters, probe
from runners.data.longest import Longest
from runners.data.preparing import Prepared, prepare
from runners.models.building import classifier_over, describe
from runners.models.checkpoints import TENSORS, Checkpoint, load_tokenizer, save_checkpoint, unique_tensors
from runners.models.classifier import SequenceClassifier
from runners.processes import on_cpu
from runners.sparsity.facts import sparsity_facts
from runners.sparsity.held import HeldMasks
from runners.sparsity.masks import Masks, apply_masks, intersection, masked_parameters, save_masks
from runners.step_context import RunContext
from runners.training.acceleration import checkpoint_gradients, compile_model
from runners.training.batches import Geometry
from runners.training.checkpointing.circumstances import circumstances
from runners.training.checkpointing.saving import Saver
from runners.training.evaluating.evaluation import losses_of_text
from runners.training.loop import Loop
from runners.training.methods import Method
from runners.training.optimizers import needs_groups
from runners.training.parameter_groups import Group, grouped, parts_of
from runners.training.threads import training_threads
from runners.transforms import LEARNED_MASKS
from runners.transforms.learned import LearnedMask

_ACCELERATE_NAMES = {"fp32": "no", "bf16": "bf16", "fp16": "fp16"}


def train_phase(context: RunContext, work: Training) -> None:
    """Train, and fill the record and the run's folder.

    Raises:
        FrameworkError: the data, the model or a method cannot be had; the loss became no number; an adapter was dead.
    """
    step = context.step
    precision = work.recipe.precision or step.knobs.precision or "fp32"
    accelerator = _accelerator(precision)
    tokenizer = load_tokenizer(context.parent.folder) if context.parent else None
    data = prepare(work, step.model_name, step.model, tokenizer, context.project)
    if context.trial is not None:
        data = replace(data, train=Longest(data.train, context.trial.examples))
        context.trial.ready()
    context.record.data = data.facts
    checkpoint = context.starting_model(data.tokenizer)
    if context.parent is None:
        context.record.parameters["model"] = sum(tensor.numel() for tensor in unique_tensors(checkpoint.model).values())
    model = _for_objective(context, work, checkpoint, data)
    _fits(model, work, step.model_name)
    with training_threads(sum(parameter.numel() for parameter in model.parameters())) as threads:
        context.record.environment["hardware"]["threads"] = threads
        _Phase(context, work, accelerator, data, checkpoint, model, precision).run()


class _Phase:
    """The parts of one training, and what is done with them in order."""

    def __init__(
        self,
        context: RunContext,
        work: Training,
        accelerator: Accelerator,
        data: Prepared,
        checkpoint: Checkpoint,
        model: nn.Module,
        precision: str,
    ):
        self.context, self.work, self.data, self.model = context, work, data, model
        self.family = checkpoint.family
        self.masks: Masks = context.inherited_masks()
        self.sparsity: dict[str, Any] = {}
        self.evidence = MergeEvidence(model, self.masks)
        methods: list[Method] = [HeldMasks(model, self.masks)] if self.masks else []
        self.total = sum(tensor.numel() for tensor in unique_tensors(model).values())
        self.learned = self._learned()
        self.adapter = self._adapter()
        methods += [method for method in (self.learned, self.adapter) if method is not None]
        trained = self.adapter.model if self.adapter else model
        if context.step.knobs.gradient_checkpointing:
            checkpoint_gradients(model)
        own = {id(value) for method in methods for group in method.parameter_groups() for value in group["params"]}
        parameters = [value for value in trained.parameters() if value.requires_grad and id(value) not in own]
        groups = self._groups(trained, parameters)
        parameters = [value for value in parameters if value.requires_grad]
        context.record.parameters |= {"total": self.total, "trainable": sum(value.numel() for value in parameters)}
        prepared = accelerator.prepare(trained)
        if context.step.knobs.compile:
            compile_model(trained, accelerator.device, fixed_shapes=work.recipe.objective == "causal_lm")
        geometry = Geometry.of(work.recipe.batch_size, context.step.knobs.micro_batch_size, accelerator.num_processes)
        self.loop = Loop(
            accelerator=accelerator,
            model=prepared,
            parameters=parameters,
            data=data,
            phase=work.recipe,
            knobs=context.step.knobs,
            seed=context.step.seed,
            methods=methods,
            folder=context.folder if context.is_main else None,
            saver=Saver(context.folder, context.step.knobs, circumstances(context, geometry, torch.get_num_threads())),
            progress=context.progress,
            groups=groups,
        )
        self.precision = precision

    def _groups(self, trained: nn.Module, parameters: list[nn.Parameter]) -> list[Group] | None:
        """How the optimizer treats the parameters, where not all alike; frozen ones are from here on."""
        optimizer = self.work.recipe.optimizer
        if not needs_groups(optimizer):
            return None
        groups = grouped(optimizer, parts_of(trained, self.family.backbone), parameters)
        for group in groups:
            for parameter in group.parameters if group.frozen else ():
                parameter.requires_grad_(False)
        return groups

    def _learned(self) -> LearnedMask | None:
        if self.work.mask is None:
            return None
        name, specification = self.work.mask.chosen
        return LEARNED_MASKS.get(name)(specification, self.model, self.family, self.work.recipe, self.context.step.seed)

    def _adapter(self) -> TrainedAdapter | None:
        if self.work.adapter is None:
            return None
        name, specification = self.work.adapter.chosen
        return ADAPTERS.get(name)(specification, self.model, self.masks, self.context.step.seed)

    def run(self) -> None:
        context, record, loop = self.context, self.context.record, self.loop
        context.progress.begin(context.step, loop.steps)
        try:
            done = loop.begin()
            self._begun(done)
            loop.run(done)
        finally:
            described = {"precision": self.precision, "model": describe(self.family, self.model.config)}
            record.observed = {**loop.observed, **described, **context.origin}
        metrics = {"initial_validation_loss": loop.initial["loss"]}
        if self.learned is not None:
            learned, self.sparsity = self.learned.harden()
            self.masks = intersection(self.masks, learned)
        if self.adapter is not None:
            metrics |= self._merge(self.adapter)
        final = loop.validated(loop.observed["optimizer_steps"])
        metrics |= {"validation_loss" if name == "loss" else name: value for name, value in final.items()}
        metrics |= losses_of_text(final["loss"], self.data.facts)
        if self.adapter is not None:
            metrics["loss_after_merge"] = final["loss"]
        record.metrics = metrics
        record.observed |= loop.result(metrics)
        if self.masks:
            record.sparsity = {**self.sparsity, **sparsity_facts(masked_parameters(self.model, self.masks), self.masks)}
        context.progress.message(", ".join(f"{name} {value:.4f}" for name, value in metrics.items()))
        self._save()

    def _begun(self, done: int) -> None:
        """Tell, and note in the record while it still says `running`, from where this attempt starts."""
        context, attempt = self.context, self.context.record.attempts[-1]
        attempt["from_step"] = done
        if done:
            attempt["seconds_before"] = round(self.loop.saver.seconds_before, 3)
            context.progress.event("resumed", step=done)
            context.progress.message(f"goes on after optimizer step {done} of {self.loop.steps}")
        else:
            context.progress.message(f"validation loss {self.loop.initial['loss']:.4f} before training")
        if context.is_main:
            context.record.write(context.folder)

    def _merge(self, adapter: TrainedAdapter) -> dict[str, float]:
        """Check, save and merge the adapter: W' = (W + update) * mask."""
        facts = self.context.record.adapter = adapter.facts()
        if dead := dead_adapters(facts, self.masks):
            raise FrameworkError(dead)
        before, logits = self.loop.validated(self.loop.observed["optimizer_steps"])["loss"], self._probe(adapter.model)
        self.evidence.trained(adapter, self.masks)
        if self.context.is_main:
            adapter.save(self.context.folder)
        self.model = adapter.merge()
        apply_masks(masked_parameters(self.model, self.masks), self.masks)
        self.loop.model = self.model
        self.evidence.merged(self.model, self.masks)
        self.evidence.compare(logits, self._probe(self.model))
        return {"loss_before_merge": before}

    def _probe(self, model: nn.Module) -> Tensor:
        return probe(self.loop.accelerator, model, self.data.validation, getattr(self.model.config, "vocab_size", 1))

    def _save(self) -> None:
        context = self.context
        if not context.is_main:
            return
        save_checkpoint(context.folder, self.model, self.data.tokenizer)
        if self.adapter is not None:
            self.evidence.reloaded(context.folder / MODEL / TENSORS, self.masks)
            context.record.adapter |= self.evidence.facts()
        if self.masks:
            said = {key: value for key, value in context.record.sparsity.items() if not isinstance(value, dict)}
            save_masks(context.folder, self.masks, {**said, "seed": context.step.seed})


def _accelerator(precision: str) -> Accelerator:
    """A fresh accelerator: the shared state of an earlier run in this process would keep that run's precision.

    Raises:
        FrameworkError: the precision is not available on this machine.
    """
    AcceleratorState._reset_state()
    try:
        return Accelerator(mixed_precision=_ACCELERATE_NAMES[precision], cpu=on_cpu())
    except ValueError as problem:
        raise FrameworkError(f"precision {precision}: {problem}") from problem


def _for_objective(context: RunContext, work: Training, checkpoint: Checkpoint, data: Prepared) -> nn.Module:
    """The starting model with the head that the objective needs; a classifier keeps its own for the same task."""
    model = checkpoint.model
    if work.recipe.objective != "classification":
        if isinstance(model, SequenceClassifier):
            raise FrameworkError(f"{context.step.label}: its parent is a classifier and has no language-model head")
        if checkpoint.family.encoder:
            why = checkpoint.family.refuses["causal_lm"]
            raise FrameworkError(f"{context.step.label}: a {checkpoint.family.name} has no objective causal_lm: {why}")
        return model
    same_task = context.parent is not None and context.parent.record.task == context.step.task
    if isinstance(model, SequenceClassifier) and same_task and model.classes == data.classes:
        return model
    return classifier_over(model, checkpoint.family, data.classes, context.step.seed)


def _fits(model: Any, work: Training, name: str) -> None:
    longest = getattr(model.config, "max_position_embeddings", None)
    if longest is not None and work.recipe.sequence_length > longest:
        raise FrameworkError(
            f"models.{name} reads at most {longest} tokens, {work.recipe.sequence_length} are declared"
        )
