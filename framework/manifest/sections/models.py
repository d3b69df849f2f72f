"""What is trained and on what: the sections `models` and `datasets`."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from framework.manifest.sections.base import Count, Section
from framework.manifest.sections.values.free_settings import Settings
from framework.manifest.sections.values.quantities import StatedCount
from framework.manifest.sections.values.switches import Switches

Setting = Annotated[Any, Field(description="any value that the manifest's own schema takes at that path")]


class Model(Section):
    """One model: a name alone, a pretrained checkpoint, or an architecture with sizes that is initialised anew."""

    family: str = ""
    """The architecture's name: of those that run here as transformers spells it (`bert`, `gpt2`, `llama`, `mamba`,
    `mistral`, `mixtral`, or one that an installed package adds) or the project's own `gpt`, else whatever the paper
    calls it."""
    weights: Literal["pretrained", "random"] = "pretrained"
    """Start from the checkpoint's weights, or from a random initialisation of the same sizes."""
    hub: str | None = None
    """The repository on the Hugging Face hub."""
    revision: str | None = None
    """The commit of that repository."""
    path: str | None = None
    """A local folder with config.json and safetensors, relative to the manifest; goes before `hub`."""
    parameters: StatedCount | None = None
    """How many parameters the paper says it has."""
    layers: Count | None = None
    """Number of blocks."""
    hidden: Count | None = None
    """Width of the residual stream."""
    state: Count | None = None
    """State-space models: size of the state per channel."""
    expand: Count | None = None
    """State-space models: inner width as a multiple of `hidden`."""
    heads: Count | None = None
    """Transformers: attention heads."""
    key_value_heads: Count | None = None
    """Transformers: heads of keys and values, shared by groups of attention heads; by default as many as `heads`."""
    intermediate: Count | None = None
    """Transformers: width of the feed-forward layer, of each expert where there are several."""
    experts: Count | None = None
    """Mixtures of experts: feed-forward experts in each block."""
    experts_per_token: Count | None = None
    """Mixtures of experts: how many of them the router sends a token to."""
    positions: Count | None = None
    """Transformers: the longest sequence that it reads."""
    vocabulary: Count | None = None
    """Number of tokens that the embedding knows."""
    architecture: Switches | None = None
    """Of the family `gpt`: norms, positions, activation, initialisation, dropout, tying, biases."""
    tokenizer: str | None = None
    """`train` (a byte-level BPE of `vocabulary` tokens, trained on the dataset), `bytes`, a folder, or a hub
    repository; by default the checkpoint's own. The first two frame texts with `[CLS]` and `[SEP]` for an encoder."""

    settings: Settings = None
    """Facts of the model under any names: dropout, kernel sizes, patch size."""
    set: dict[str, Setting] | None = None
    """What phases do otherwise with this model, by path: `{optimizer.learning_rate: 1e-4}`, of one phase
    `phases.finetune.epochs`, of masks and adapters `mask.sdm.target_sparsity`."""


DEFAULT_PROTOCOL = "framework"
"""How answers are judged where a dataset names nobody's protocol."""


class Dataset(Section):
    """One dataset: a name alone, or where it lies: on the hub, in local files of the same schema, or built in."""

    hub: str | None = None
    """The repository on the Hugging Face hub."""
    name: str | None = None
    """The configuration's name within that repository, such as `wikitext-103-raw-v1`."""
    revision: str | None = None
    """The commit of that repository."""
    path: str | None = None
    """A local folder with one file per split (`train.jsonl`, `validation.txt`, ...), relative to the manifest."""
    builtin: Literal["language-reference", "reference-topics"] | None = None
    """Text that every CPython carries: the language reference as running text, or its paragraphs by topic."""
    train_split: str = "train"
    """The split that is trained on."""
    validation_split: str = "validation"
    """The split that is measured on."""
    text: list[str] = ["text"]
    """The columns that make the input: one, or two for sentence pairs."""
    label: str = "label"
    """The column of the class."""
    labels: Annotated[int, Field(ge=2)] | None = None
    """Number of classes, for classification."""
    prompt: str | None = None
    """What a language model is given before it answers, with columns in braces: `Question: {question} Answer:`."""
    choices: Annotated[list[str], Field(min_length=2)] | str | None = None
    """The answers among which it chooses: texts, or the column that holds them; `label` is the right one's number."""
    answer: str | None = None
    """The answer that it writes, with columns in braces, in the place of `choices`."""
    protocol: str | None = None
    """Whose protocol tells right answers from wrong ones. Runs know `lm-eval` for choices (`accuracy_normalized` by
    characters), `lm-eval/strict-match` and `lm-eval/flexible-extract` for written answers (compared as texts), as
    EleutherAI's lm-evaluation-harness has them, and `framework`, which is used where nothing is stated (by bytes with
    the space before them; `final_answer` as numbers)."""
    final_answer: str = r"-?\$?\d[\d,]*(?:\.\d+)?"
    """Under the protocol `framework` written answers are right when the last match of this regular expression is that
    of `answer` (its first group, if it has one); by default the last number."""
    answer_tokens: Count = 256
    """Tokens after which a written answer is cut off."""
    train_examples: StatedCount | None = None
    """How many training examples there are (rows, or sequences of `sequence_length`); held against what was loaded."""
    limit: Count | None = None
    """Use only the first so many training examples."""
    validation_limit: Count | None = None
    """Measure only on the first so many validation examples."""

    settings: Settings = None
    """Facts of the data under any names: image size, augmentations, horizons."""
    set: dict[str, Setting] | None = None
    """What phases do otherwise on this dataset, by path: `{settings.penalty: 0.1}`."""

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        return {} if value is None else value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.prompt is not None and (self.choices is None) == (self.answer is None):
            raise ValueError("a `prompt` needs either `choices` or `answer`: what should follow it")
        if self.prompt is None and (self.choices is not None or self.answer is not None):
            raise ValueError("`choices` and `answer` follow a `prompt`: state it")
        try:
            if "final_answer" in self.model_fields_set:
                re.compile(self.final_answer)
        except re.error as problem:
            raise ValueError(f"final_answer is no regular expression: {problem}") from None
        return self
