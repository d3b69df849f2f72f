"""What the values of a run record are: their types and bounds, as far as anything reads them.

A record is made by programs and changed by hands. What is read from it is checked once, here, so that a value of
another kind is one clear error at its place. What no rule computes with is not listed, and may be anything.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

LARGEST = 2**63 - 1
"""Counts are those of a machine: above it arithmetic with floats ends."""

Count = Annotated[int, Field(ge=0, le=LARGEST)]
Number = Annotated[float, Field(allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Text = str | None
Words = list[str] | None


class Shape(BaseModel):
    """Facts of a record: None says as little as a fact that is not there, and further ones may be beside them."""

    model_config = ConfigDict(strict=True, extra="allow", defer_build=True)


class Group(Shape):
    """Parameters that are trained alike."""

    group: int | None = None
    names: Words = None


class Optimizer(Shape):
    groups: list[Group] | None = None


class Decay(Shape):
    tensors: Count | None = None
    parameters: Count | None = None
    names_sha256: Text = None


class Source(Shape):
    file: Text = None
    sha256: Text = None
    bytes: Count | None = None


class Adopted(Shape):
    from_: Annotated[Text, Field(alias="from")] = None
    sources: list[Source] | None = None


class Log(Shape):
    tolerance: NonNegative | None = None


class Layer(Shape):
    before: Number | None = None
    after: Number | None = None


class Permutation(Layer):
    layers: dict[str, Layer] | None = None


class Observed(Shape):
    optimizer_steps: Count | None = None
    events: Count | None = None
    planned_steps: Count | None = None
    optimizer_steps_between: list[Count] | None = None
    train_examples: Count | None = None
    accumulation: Count | None = None
    processes: Count | None = None
    epochs: NonNegative | None = None
    optimizer: Optimizer | None = None
    decayed: Decay | None = None
    undecayed: Decay | None = None
    adopted: Adopted | None = None
    log: Log | None = None
    permutation: Permutation | None = None
    source: dict[str, Any] | None = None
    removed: dict[str, dict[str, Any]] | None = None


class Channels(Shape):
    reached: Number | None = None
    removed: dict[str, Count] | None = None
    total: Count | None = None


class Sparsity(Shape):
    tensors: dict[str, Annotated[list[Count], Field(min_length=2, max_length=2)]] | None = None
    zeros: Count | None = None
    elements: Count | None = None
    channels: Channels | None = None


class Masked(Shape):
    total: Count | None = None
    nonzero: dict[str, Count] | None = None


class Logits(Shape):
    mean_magnitude: NonNegative | None = None
    mean_difference: NonNegative | None = None
    largest_difference: NonNegative | None = None
    changed_predictions: NonNegative | None = None


class Module(Shape):
    importance: Number | None = None
    group: Text = None


class Adapter(Shape):
    modules: dict[str, Module] | None = None
    targets: Words = None
    doubts: dict[str, str] | None = None
    mask_sha256: Text = None
    masked_weights: Masked | None = None
    logits: Logits | None = None


class Measured(Shape):
    quantity: Text = None
    adapter: Text = None
    batch_size: Count | None = None
    sequence_length: Count | None = None
    seconds: list[Annotated[float, Field(gt=0, allow_inf_nan=False)]] | None = None
    quartiles: list[Number] | None = None
    precision: Text = None
    missing: Text = None


class Hardware(Shape):
    accelerator: Text = None
    memory_gb: NonNegative | None = None
    cuda: Text = None


class Environment(Shape):
    hardware: Hardware | None = None
    packages: dict[str, Text] | None = None


class Attempt(Shape):
    started: Text = None
    finished: Text = None
    error: Text = None


class Artefact(Shape):
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    bytes: Count


class RecordShape(Shape):
    """A whole record."""

    key: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    folder: str
    step: str
    variants: Annotated[list[str], Field(min_length=1)]
    model: str
    task: Text
    seed: Annotated[int, Field(ge=-LARGEST, le=LARGEST)]
    profile: Text
    identity: dict[str, Any]
    status: Literal["running", "done", "failed"]
    seconds: NonNegative | None = None
    attempts: list[Attempt] = []
    environment: Environment | None = None
    data: dict[str, Any] = {}
    observed: Observed = Observed.model_construct()
    parameters: dict[str, Count] = {}
    sparsity: Sparsity = Sparsity.model_construct()
    adapter: Adapter = Adapter.model_construct()
    metrics: dict[str, Number] = {}
    measurements: list[Measured] = []
    artefacts: dict[str, Artefact] = {}
