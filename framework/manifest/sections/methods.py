"""What a step may do beside plain training: masks, adapters, permutation and pruning."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from framework.manifest.sections.base import Count, NonNegative, OneOf, Positive, Section, Share


def _structure(value: Any) -> Any:
    if isinstance(value, str) and not re.fullmatch(r"unstructured|channel|head|output|[1-9]\d*:[1-9]\d*", value):
        raise ValueError(
            f"no structure {value!r}: write `unstructured`, `channel`, `head`, `output`, or N of each M weights such "
            "as `2:4`"
        )
    return value


Structure = Annotated[str, BeforeValidator(_structure)]
"""What is removed as one: single weights, inner channels, heads, outputs, or all but N of each M weights."""


class SDM(Section):
    """Structured differentiable masking: one logit per inner channel, Gumbel-sigmoid samples while training, a
    hard mask at the end (Louizos et al. 2018, "Learning Sparse Neural Networks through L0 Regularization"; Jang et
    al. 2017, "Categorical Reparameterization with Gumbel-Softmax")."""

    target_sparsity: Share
    """The share of channels that the sparsity loss pulls towards removing."""
    temperature: Annotated[list[Positive], Field(min_length=2, max_length=2)] = [5.0, 0.1]
    """Temperature of the samples at the first and the last step; geometric in between."""
    sparsity_weight: NonNegative = 1.0
    """Weight of the sparsity loss (achieved - target)^2 beside the training loss."""
    initial_logit: Annotated[float, Field(allow_inf_nan=False)] = 1.0
    """Where each channel's logit starts; positive keeps."""
    learning_rate: Positive | None = None
    """Learning rate of the logits, where it is not the phase's."""
    tensors: Annotated[list[str], Field(min_length=1)] = ["in_proj", "conv1d", "x_proj", "out_proj"]
    """The modules whose weights are zeroed along the masked channels, and over which sparsity is counted; where they
    are not stated, those of the model's family (the default here is a mamba's)."""


class Mask(OneOf):
    """A mask that is learned while a phase trains."""

    sdm: SDM | None = None
    """Structured differentiable masking."""


class LoRA(Section):
    """Low-rank adapters on every target alike (Hu et al. 2021)."""

    rank: Count
    """The rank of the update."""
    alpha: Positive
    """The update is scaled by alpha / rank."""
    dropout: Share = 0.0
    """Dropout on the adapter's input."""
    targets: Annotated[list[str], Field(min_length=1)] = ["in_proj", "x_proj"]
    """The modules that get an adapter; where they are not stated, those of the model's family (the default here is a
    mamba's)."""
    mode: Literal["dense", "sparse_to_dense", "sparse_to_sparse"] | None = None
    """How the update and the masks of a step before meet. `sparse_to_dense`: training sees W * M + s B A, and the merge
    alone masks the update. `sparse_to_sparse`: training sees (W + s B A) * M, and the merged model is the trained one.
    `dense`: plain LoRA, on targets that no mask holds. By default `sparse_to_dense` where a target is masked, else
    `dense`."""


class SGH(Section):
    """Sparsity-guided hybrid adapters: modules by importance get high-rank LoRA, low-rank LoRA, IA3
    (Liu et al. 2022: a learned factor per output), or stay frozen. Where masks hold, the updates are masked."""

    importance: Literal["magnitude", "mask"]
    """What makes a module important: the mean absolute value of its weights, or the share of them that the masks of a
    step before keep."""
    high_rank: Count = 16
    """The rank of the most important modules' LoRA."""
    low_rank: Count = 4
    """The rank of the next modules' LoRA."""
    alpha: Positive | None = None
    """The updates' alpha; by default twice each rank."""
    dropout: Share = 0.0
    """Dropout on the input of the LoRA adapters."""
    thresholds: Annotated[list[Share], Field(min_length=3, max_length=3)] = [0.75, 0.5, 0.25]
    """Importance at or above which a module gets high-rank LoRA, low-rank LoRA and IA3, in falling order; below the
    last it is frozen."""
    threshold_kind: Literal["percentile", "absolute"] = "percentile"
    """What the thresholds count in: `absolute` is the importance itself; `percentile` p means the (1 - p) * n most
    important of n modules, rounded half up, ties broken by the modules' names."""
    targets: Annotated[list[str], Field(min_length=1)] = ["in_proj", "x_proj"]
    """The modules that may get an adapter; where they are not stated, those of the model's family (the default here is
    a mamba's)."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if sorted(self.thresholds, reverse=True) != self.thresholds:
            raise ValueError(f"thresholds fall from high-rank LoRA to IA3: {self.thresholds} do not")
        if self.low_rank > self.high_rank:
            raise ValueError(f"low_rank {self.low_rank} is above high_rank {self.high_rank}")
        return self


class Adapter(OneOf):
    """What is trained in the place of the full weights."""

    lora: LoRA | None = None
    """Low-rank adapters."""
    sgh: SGH | None = None
    """Sparsity-guided hybrid adapters."""


class SameAs(Section):
    """As many zeroed weights as another variant's checkpoint has, as an integer."""

    same_as: str
    """The variant whose zeros are counted."""


SCORES = ("magnitude", "gradient", "taylor", "random", "wanda", "sparsegpt")
"""The scores that the built-in pruning has."""
CALIBRATED = ("gradient", "taylor", "wanda", "sparsegpt")
"""The scores that are measured on data."""


class Prune(Section):
    """Setting weights to zero once, exactly as many as asked."""

    score: Annotated[str, Field(min_length=1, json_schema_extra={"examples": list(SCORES)})] = "magnitude"
    """What decides which weights go, the lowest first: `magnitude` |W|; `gradient` |∇W| and `taylor` |W·∇W|, averaged
    over the calibration batches; `random`, by the run's seed and the tensor's name; `wanda` |W|·‖x‖ of the weight's
    input (Sun et al. 2023; as published with `scope: output`); `sparsegpt` (Frantar & Alistarh 2023), which also
    changes the weights that stay, in the saved model; or another one that a distribution adds or a paper names. Those
    two prune layer by layer, each measured with the layers before it already pruned; `wanda` with `scope: model` or
    whole units is measured once, on the model as it was."""
    structure: Structure = "unstructured"
    """What is removed as one: `unstructured` (single weights), N:M (all but N of each M neighbouring inputs), `channel`
    (inner channels: the neurons of a feed-forward layer, a Mamba mixer's channels), `head` (attention heads, with the
    key-value head that they share), or `output` (an output of one weight, with its bias). Channels and heads go with
    all their coupled tensors."""
    scope: Literal["model", "layer", "output"] = "model"
    """Whether scores compete over the whole model, within each layer (single weights: each tensor), or within each
    output of a weight."""
    sparsity: Share | SameAs
    """The share to zero, of the weights, or of the units for `channel`, `head` and `output`; or `{same_as: VARIANT}`:
    exactly that variant's zeros, over its tensors."""
    tensors: list[str] | None = None
    """The modules that are pruned, by name or the end of it after a dot; by default those of the variant that `same_as`
    names, with `exclude` all others, and for channels and heads all their coupled tensors."""
    exclude: Annotated[list[str], Field(min_length=1)] | None = None
    """The modules that are not pruned, such as `[embed_tokens, lm_head]`. Tensors of one dimension (norms, biases)
    never are, but for the biases of whole outputs."""
    calibration_examples: Count | None = None
    """Training examples on which a score is measured, drawn by the run's seed."""
    calibration_batch_size: Count | None = None
    """Examples in each calibration batch; by default 1, so that nothing is padded."""
    dataset: str | None = None
    """The dataset that they are drawn from; by default that of the last phase before."""

    @property
    def calibrated(self) -> bool:
        """Whether its score is measured on data."""
        return self.score in CALIBRATED

    @model_validator(mode="after")
    def _tensors_known(self) -> Self:
        units = self.structure in ("channel", "head")
        if self.tensors is None and self.exclude is None and not isinstance(self.sparsity, SameAs) and not units:
            raise ValueError("name the `tensors` to prune, or those to `exclude`: only `same_as` implies them")
        return self

    @model_validator(mode="after")
    def _calibration_stated(self) -> Self:
        if self.calibrated and self.calibration_examples is None:
            raise ValueError(f"{self.score} is measured on data: state its calibration_examples")
        stated = [name for name in ("calibration_examples", "calibration_batch_size", "dataset") if getattr(self, name)]
        if not self.calibrated and stated:
            raise ValueError(f"{self.score} is not measured on data: leave out {', '.join(stated)}")
        return self

    @model_validator(mode="after")
    def _possible(self) -> Self:
        same_as = isinstance(self.sparsity, SameAs)
        if ":" in self.structure:
            kept, size = map(int, self.structure.split(":"))
            if kept >= size:
                raise ValueError(f"{self.structure} prunes nothing: N of each M weights are kept")
            if same_as or abs(self.sparsity - (1 - kept / size)) > 1e-9:  # type: ignore[operator]
                raise ValueError(f"the sparsity of {self.structure} is {1 - kept / size:g}")
            if "scope" in self.model_fields_set:
                raise ValueError(f"{self.structure} chooses within each {size} weights: leave out the scope")
        if self.scope == "output" and (self.structure != "unstructured" or same_as):
            raise ValueError("`scope: output` is for single weights and a sparsity that is a share")
        if self.score == "sparsegpt":
            if self.structure == "unstructured" and self.scope != "layer":
                raise ValueError("sparsegpt solves one weight after the other: state `scope: layer`")
            if self.structure in ("channel", "head", "output") or same_as:
                raise ValueError("sparsegpt removes single weights or N:M, and a share of them")
        return self


class Permute(Section):
    """Reordering channels or states without changing the function."""

    method: Literal["csp"]
    """`csp`: correlation-based scan permutation: what is correlated comes to lie next to each other."""
    dimension: Literal["state", "channel"] = "state"
    """The dimension that is reordered, in each layer by an order of its own."""
    calibration_examples: Count = 32
    """Training examples over which the correlations are measured, drawn by the run's seed."""
    dataset: str | None = None
    """The dataset that they are drawn from; by default that of the last phase before."""

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: Any) -> Any:
        return {"method": value} if isinstance(value, str) else value
