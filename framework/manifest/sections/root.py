"""The whole manifest."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from framework.manifest.sections.adopted import Adopted
from framework.manifest.sections.base import Section
from framework.manifest.sections.bindings import Binding, Documents
from framework.manifest.sections.grids import Grid
from framework.manifest.sections.measurements import Measurement
from framework.manifest.sections.models import Dataset, Model
from framework.manifest.sections.paper import Hardware, Paper
from framework.manifest.sections.phases import Phase
from framework.manifest.sections.runners import Runner
from framework.manifest.sections.statements import Claim, Profile, Rule, Waiver
from framework.manifest.sections.values.free_settings import Settings
from framework.manifest.sections.variants import Variant


class Manifest(Section):
    """`experiment.yaml`: the one statement of the experiment."""

    version: Literal[1]
    """The version of this schema."""
    paper: Paper
    """The publication whose experiment this is."""
    hardware: Hardware = Hardware.model_construct()
    """The machine and the software that the paper's runs used."""
    settings: Settings = None
    """Facts of the whole experiment, under any names."""
    models: dict[str, Model] = {}
    """The models, by name."""
    datasets: dict[str, Dataset] = {}
    """The datasets, by name."""
    phases: dict[str, Phase] = {}
    """The training stages, by name."""
    variants: dict[str, Variant] = {}
    """The models of the comparison, by name; where none is stated there is one, `default`, which runs the phases in
    their order."""
    grids: dict[str, Grid] = {}
    """Further variants, many at a time, by what they differ in."""
    rules: list[Rule] = []
    """What must hold between variants."""
    frozen: list[str] = []
    """Clauses, or paths above several, that no variant, grid, model, dataset, task or profile states otherwise:
    `phases.train.epochs`, `seeds`, `datasets.titles`."""
    seeds: Annotated[list[int], Field(min_length=1)] = [0]
    """The seeds that each variant is run with."""
    measurements: dict[str, Measurement] = {}
    """What is measured of the variants' checkpoints, by name."""
    claims: list[Claim] = []
    """What the paper says about the results."""
    configs: list[Binding] = []
    """Which keys of which config files state which clauses."""
    runners: dict[str, Runner] = {}
    """Training scripts of one's own, by name, for phases that they train in the place of the built-in training."""
    adopted: list[Adopted] = []
    """Finished runs of other programs, which `framework adopt` takes in as evidence."""
    waivers: list[Waiver] = []
    """Deviations with a reason, an owner and an end."""
    profiles: dict[str, Profile] = {}
    """Named sets of deviations."""
    documents: Documents = Documents.model_construct()
    """Where rendered documents go."""

    @model_validator(mode="after")
    def _with_a_variant(self) -> Self:
        if "variants" not in self.model_fields_set and not self.grids and self.phases:
            # Frozen for everybody else: the one thing that follows from what is left out.
            steps: list[Any] = list(self.phases)
            self.__dict__["variants"] = {DEFAULT: Variant.model_construct(steps=steps)}
        return self


DEFAULT = "default"
"""The name of the one variant of a manifest that states none."""
CLAUSE_SECTIONS = (
    "paper", "hardware", "settings", "models", "datasets", "phases", "variants", "rules", "seeds", "measurements",
    "claims",
)  # fmt: skip
"""The sections whose leaves are clauses; the others say how the clauses are held."""
