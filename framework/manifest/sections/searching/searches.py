"""How hyperparameters were searched before production: the section `searches`."""

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from framework.manifest.sections.base import Count, Positive, Section
from framework.manifest.sections.models import Setting
from framework.manifest.sections.searching.foreign_trials import ForeignTrials
from framework.manifest.sections.searching.searched_values import Dimension, Values
from framework.manifest.sections.searching.stated_optima import StatedOptima
from framework.manifest.sections.values.stated_metrics import StatedMetric, falls, name_of


class Sampler(Section):
    """How points are proposed."""

    name: Literal["grid", "random", "tpe", "cmaes", "sobol"]
    """`grid` in the order of the space, the last key the fastest; `random`; `tpe` (Bergstra et al. 2011); `cmaes`
    (Hansen & Ostermeier 2001); `sobol` (Sobol 1967), a sequence that fills the space evenly."""
    seed: int = 0
    """What the proposals are drawn with, trial by trial."""
    startup_trials: Count = 10
    """`tpe`: how many trials are random, before there is something to learn from; failed ones do not count."""
    candidates: Count = 24
    """`tpe`: how many points a proposal is the best of, by the expected improvement."""
    multivariate: bool = True
    """`tpe`: whether keys are drawn together."""
    constant_liar: bool = True
    """`tpe`: whether points that are still being tried are avoided."""
    population: Annotated[int, Field(ge=2)] | None = None
    """`cmaes`: points of a generation; by default 4 + 3 ln(dimensions), rounded down."""
    sigma: Positive = 1 / 6
    """`cmaes`: the first standard deviation, as a share of each range."""
    scramble: bool = True
    """`sobol`: whether the sequence is shifted at random, by the seed."""


def _kind_of_sampler(value: Any) -> str:
    return "name" if isinstance(value, str) else "settings"


StatedSampler = Annotated[
    Annotated[Literal["grid", "random", "tpe", "cmaes", "sobol"], Tag("name")] | Annotated[Sampler, Tag("settings")],
    Discriminator(_kind_of_sampler),
]
"""A sampler's name, or the sampler with its settings."""


class Budget(Section):
    """When a search is over: in one unit."""

    completed_trials: Count | None = None
    """Trials with a value; pruned ones have none."""
    optimizer_steps: Count | None = None
    """Optimizer steps of all trials together."""
    gpu_hours: Positive | None = None
    """Hours of all trials' runs together, times the accelerators of each (on the CPU, times one)."""
    at_most: Count | None = None
    """An end by the number of all trials, however they ended."""

    @model_validator(mode="after")
    def _one_unit(self) -> Self:
        if len(self.given()) != 1:
            raise ValueError(f"give one of {', '.join(UNITS)}")
        return self

    def given(self) -> list[str]:
        """The units that are given."""
        return [name for name in UNITS if getattr(self, name) is not None]

    @property
    def unit(self) -> str:
        """One of :data:`UNITS`."""
        return self.given()[0]

    @property
    def amount(self) -> float:
        """How many of its unit."""
        return float(getattr(self, self.unit))


UNITS = ("completed_trials", "optimizer_steps", "gpu_hours")


class Selection(Section):
    """Which trial is taken: the best of those that are complete, finite and of full length, the first of equals."""

    metric: StatedMetric | None = None
    """What trials are compared by; by default the objective."""
    split: Annotated[str, Field(min_length=1, json_schema_extra={"examples": ["validation"]})] = "validation"
    """The data it is measured on."""
    value: Literal["restored", "last", "best"] = "restored"
    """Of which moment: of the model that is kept (`restored`: the best state under early stopping, else the last), of
    the last evaluation, or of the best one."""
    seeds: Literal["mean", "median", "worst"] = "mean"
    """What of several search seeds counts."""


class Pruning(Section):
    """When a trial is ended early because others did better."""

    name: Literal["median", "asha"]
    """`median` (below the median of the others at the same evaluation); `asha` (asynchronous successive halving, Li et
    al. 2018)."""
    startup_trials: Annotated[int, Field(ge=0)] = 5
    """`median`: how many trials are completed before one is ended."""
    warmup_evaluations: Annotated[int, Field(ge=0)] = 0
    """`median`: how many evaluations of a trial are waited for."""
    first_rung: Count = 1
    """`asha`: after how many evaluations trials are compared first."""
    reduction: Annotated[int, Field(ge=2)] = 4
    """`asha`: one of so many trials goes on at each rung."""


class Failures(Section):
    """What becomes of a trial that failed: an error, or an objective that is no finite number."""

    retries: Annotated[int, Field(ge=0)] = 0
    """How many times the same point is tried again after an error."""
    counted: bool = True
    """Whether it uses up a trial of a budget in completed trials."""


class Search(Section):
    """One search: a study of its own for each variant, model and task."""

    phase: str
    """The phase whose values are searched."""
    variants: list[str] = []
    """Of which variants, or patterns; by default of all that run the phase themselves."""
    models: list[str] = []
    """With which models; by default with all."""
    tasks: list[str] = []
    """For which tasks; by default for all of the phase."""
    space: Annotated[dict[str, Values], Field(min_length=1)] | None = None
    """What is searched, by path within the phase (`optimizer.learning_rate`, `adapter.lora.rank`)."""
    best_of: Annotated[dict[str, Annotated[list[Setting], Field(min_length=1)]], Field(min_length=1)] | None = None
    """A plain grid in the place of `space`, `sampler` and `budget`: every combination is tried, and the best taken."""
    first: list[dict[str, Setting]] = []
    """Points that are tried before all others."""
    sampler: StatedSampler = "tpe"
    """How points are proposed."""
    budget: Budget | None = None
    """When it is over; a grid is over when all of it was tried."""
    objective: StatedMetric
    """What is optimised, and in which direction."""
    selection: Selection = Selection.model_construct()
    """Which trial is taken."""
    pruning: Pruning | None = None
    """When trials are ended early."""
    failures: Failures = Failures.model_construct()
    """What becomes of trials that failed."""
    seeds: Annotated[list[int], Field(min_length=1)]
    """The seeds that each point is tried with."""
    production_seeds: Annotated[list[int], Field(min_length=1)] | None = None
    """The seeds that the chosen values are run with, where not `seeds` of the manifest."""
    keep: Literal["best", "none", "all"] = "best"
    """Of which trials that ended the tensors stay on disk: of the one that would be taken, of none, or of all. Record,
    curve and events of every trial stay, and so does what trials build on."""
    trials: ForeignTrials | None = None
    """The trials of another tool, which are read and judged in the place of trials made here."""
    optima: list[StatedOptima] = []
    """Files of the project that state the chosen values: they are held to the space, to what was chosen, and to each
    other."""
    set: dict[str, Setting] = {}
    """What trials do otherwise than production, by path: `{epochs: 1, early_stopping.patience: 2}`."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.space is None) == (self.best_of is None):
            raise ValueError("give one of space and best_of")
        if self.best_of is not None and self.model_fields_set & {"sampler", "budget"}:
            raise ValueError("best_of tries every combination: it has no sampler and no budget of its own")
        if self.sampling.name == "grid":
            endless = [key for key, values in self.dimensions.items() if _is_endless(values)]
            if endless:
                raise ValueError(f"a grid has no end over {endless[0]}: give a step, or choices")
        elif self.budget is None:
            raise ValueError(f"the sampler {self.sampling.name} never ends by itself: give a budget")
        if self.pruning is not None and len(self.seeds) > 1:
            raise ValueError("a trial over several seeds is not pruned: give one search seed, or no pruning")
        if self.sampling.name == "cmaes":
            whole = [key for key, values in self.dimensions.items() if values.choices is not None or values.when]
            if whole:
                raise ValueError(f"cmaes draws numbers that are always there, and {whole[0]} is none; use tpe")
        return self

    @property
    def dimensions(self) -> dict[str, Dimension]:
        """The searched keys with their values, choices as choices however they are written."""
        stated: dict[str, Any] = (self.space if self.space is not None else self.best_of) or {}
        return {
            key: Dimension.model_construct(_fields_set={"choices"}, choices=values)
            if isinstance(values, list)
            else values
            for key, values in stated.items()
        }

    @property
    def sampling(self) -> Sampler:
        """The sampler with its settings."""
        if self.best_of is not None:
            return Sampler.model_construct(name="grid")
        return self.sampler if isinstance(self.sampler, Sampler) else Sampler.model_construct(name=self.sampler)

    @property
    def falls(self) -> bool:
        """Whether the objective improves by falling."""
        return falls(self.objective)

    @property
    def selected_by(self) -> StatedMetric:
        """The metric that trials are compared by at the end."""
        return self.selection.metric if self.selection.metric is not None else self.objective

    @property
    def metric_name(self) -> str:
        """The objective's name alone."""
        return str(name_of(self.objective))


def _is_endless(values: Dimension) -> bool:
    return values.choices is None and values.step is None and not values.whole


def _choices(values: list[Any]) -> Dimension:
    return Dimension.model_construct(_fields_set={"choices"}, choices=values)
