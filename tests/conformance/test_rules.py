"""One table of rules: each has a fixture that breaks it, and it alone, and one that conforms."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy
import pytest

from framework.conformance import Rule, Severity
from framework.stages.catalogue import rules
from framework.stages.claim.verdicts import REFUTED
from framework.stages.document.verdicts import STALE
from framework.stages.plan.verdicts import DIFFERS
from tests.support.evidence import Evidence
from tests.support.project import Project
from tests.support.run_folders import change_lines, change_record, seal, write_lines
from tests.support.saved_models import ZEROS, kept, write_model, write_order
from tests.support.statuses import codes
from tests.support.tensors import save_tensors, stored

CODES: dict[str, Rule] = {**rules(), **{rule.code: rule for rule in (DIFFERS, STALE, REFUTED)}}


def conforming(folder: Path) -> Project:
    return Project(folder).replace("{permute: csp}", "{permute: {method: csp, dimension: channel}}")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return conforming(tmp_path)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs of the project, all as they should be."""
    return Evidence(conforming(tmp_path_factory.mktemp("finished"))).experiment.runs


@pytest.fixture
def evidence(project: Project, finished: Path) -> Evidence:
    """A copy of these runs, to break."""
    shutil.copytree(finished, project.path("runs"))
    return Evidence(project, there=True)


@pytest.mark.usefixtures("evidence")
def test_what_conforms_has_no_finding(project: Project) -> None:
    assert project.check().findings == []
    result = project.verify()
    assert result.findings == []
    assert result.finished == len(result.steps) == 15


# The manifest and config stages

BROKEN_FILES: dict[str, tuple[str, Callable[[Project], object]]] = {
    "another value": ("C101", lambda project: project.config("lr: 2e-4", "lr: «3e-4")),
    "another list": ("C101", lambda project: project.config("[0.9, 0.98]", "«[0.9, 0.99]")),
    "a shorter list": ("C101", lambda project: project.config("[0.9, 0.98]", "«[0.9]")),
    "another word": ("C101", lambda project: project.config("name: AdamW", "name: «Adam")),
    "true for one": ("C101", lambda project: project.config("epochs: 4", "epochs: «true")),
    "nothing": ("C101", lambda project: project.config("epochs: 4", "epochs: «null")),
    "not a number": ("C101", lambda project: project.config("epochs: 4", "epochs: «.nan")),
    "more digits than a number has": ("C101", lambda project: project.config("epochs: 4", "epochs: «" + "4" * 400)),
    "another share": ("C101", lambda project: project.config("warmup_ratio: 0.2", "warmup_ratio: «0.1")),
    "a key that is gone": ("C102", lambda project: project.config("epochs: 4\n", "")),
    "a number in quotes": ("C103", lambda project: project.config("lr: 2e-4", "lr: «'2e-4'")),
    "a number that PyYAML takes for a string": (
        "C103",
        lambda project: (
            project.replace("    keys:\n", "    reader: pyyaml\n    keys:\n"),
            project.config("min_lr: 2e-5", "min_lr: 2.0e-5"),
            project.config("lr: 2e-4", "lr: «2e-4"),
        ),
    ),
    "a product that is another": (
        "C110",
        lambda project: project.config("{micro: 1, accumulation: 2}", "{micro: «2, accumulation: 2}"),
    ),
    "a factor that does not divide": (
        "C110",
        lambda project: (
            project.replace("      batch.accumulation: batch_size.accumulation\n", ""),
            project.config("{micro: 1, accumulation: 2}", "{micro: «3}"),
        ),
    ),
    "a factor that is no number": ("C110", lambda project: project.config("{micro: 1,", "{micro: «1.5,")),
    "a key that nothing covers": ("C120", lambda project: project.config("optim:\n", "optim:\n  nesterov: «false\n")),
    "a key that stands twice": (
        "C121",
        lambda project: project.config("  lr: 2e-4\n", "  lr: 3e-4\n  «lr: 2e-4\n"),
    ),
    "more differences than admitted": (
        "M110",
        lambda project: (
            project.replace("          mask: {sdm", "          set: {max_grad_norm: 2.0}\n          mask: {sdm")
            and project.replace("  masked:\n", "  «masked:\n")
        ),
    ),
    "no difference at all": (
        "M111",
        lambda project: (
            project.replace("[dense, masked], clauses", "[dense, again], clauses")
            and project.replace("  masked:\n", "  «again: {steps: [pretrain]}\n  masked:\n")
        ),
    ),
    "a waiver that ended": (
        "M120",
        lambda project: project.append(
            "waivers: [{clause: hardware, stage: run, reason: r, owner: o, until: «2026-05-31}]\n"
        ),
    ),
}


@pytest.mark.parametrize("case", BROKEN_FILES)
def test_a_broken_file_is_found_at_its_place_and_nothing_else_is(project: Project, case: str) -> None:
    code, change = BROKEN_FILES[case]
    change(project)
    findings = project.check().findings
    assert {finding.code for finding in findings} == {code}, findings
    assert len(findings) == 1
    (finding,) = findings
    if case != "a key that is gone":
        assert str(finding.location) == project.place
    assert finding.rule == CODES[code]
    assert finding.advice
    if finding.clause is not None:
        clause = next(each for each in project.load().clauses if each.id == finding.clause)
        assert finding.declared == clause.location


QUIET_FILES: dict[str, Callable[[Project], object]] = {
    "another spelling of a number": lambda project: project.config("lr: 2e-4", "lr: 0.0002"),
    "a whole number as a fraction": lambda project: project.config("epochs: 4", "epochs: 4.0"),
    "a derived value as computed": lambda project: project.config("min_lr: 2e-5", f"min_lr: {0.1 * 2e-4}"),
    "another spelling of a word": lambda project: project.config("name: AdamW", "name: adam_w"),
    "another layout": lambda project: project.config("[0.9, 0.98]", "\n  - 0.9\n  - 0.980"),
    "another split of the batch": lambda project: project.config(
        "{micro: 1, accumulation: 2}", "{micro: 2, accumulation: 1}"
    ),
    "a key that is ignored": lambda project: project.config("every: 20", "every: 20\n  more: {and: more}"),
    "a key that need not be there": lambda project: (
        project.replace("    knobs:\n", "    required: false\n    knobs:\n"),
        project.config("epochs: 4\n", ""),
    ),
    "a difference that follows from an admitted one": lambda project: (
        project.replace("          mask: {sdm", "          set: {optimizer.learning_rate: 1e-3}\n          mask: {sdm"),
        project.replace("clauses: [mask]", "clauses: [mask, optimizer]"),
    ),
    "a waiver on its last day": lambda project: project.append(
        "waivers: [{clause: hardware, stage: run, reason: r, owner: o, until: 2026-06-01}]\n"
    ),
}


@pytest.mark.parametrize("case", QUIET_FILES)
def test_what_says_the_same_in_other_words_is_no_finding(project: Project, case: str) -> None:
    QUIET_FILES[case](project)
    assert project.check().findings == []


# The run and checkpoint stages

Break = Callable[[Evidence], object]


def recorded(variant: str, name: str, change: Callable[[object], object]) -> Break:
    """Change the record of a run."""
    return lambda evidence: change_record(evidence.folder(variant, name), change)


def observed(variant: str, step: str, /, *path: str, to: object) -> Break:
    """Change one recorded fact of a run."""

    def change(record: object) -> None:
        value = getattr(record, path[0])
        if len(path) == 1:
            setattr(record, path[0], to)
            return
        for part in path[1:-1]:
            value = value[part]
        value[path[-1]] = to

    return recorded(variant, step, change)


def line(variant: str, step: str, number: int, /, **facts: object) -> Break:
    """Change a line of a run's trace."""
    return lambda evidence: change_lines(
        evidence.folder(variant, step) / "steps.jsonl", lambda lines: lines[number - 1].update(facts)
    )


def traced(variant: str, step: str, keep: int) -> Break:
    """Cut a run's trace off."""
    return lambda evidence: change_lines(
        evidence.folder(variant, step) / "steps.jsonl", lambda lines: lines.__delitem__(slice(keep, None))
    )


def evaluated(*values: float, stopped: bool) -> Break:
    """Evaluations of the fine-tuning, and whether it stopped early."""

    def change(evidence: Evidence) -> None:
        folder = evidence.folder("pruned", "finetune")
        write_lines(folder / "events.jsonl", [{"event": "evaluation", "accuracy": value} for value in values])
        observed("pruned", "finetune", "observed", "stopped_early", to=stopped)(evidence)
        seal(folder)

    return change


def modelled(variant: str, step: str, zeros: dict[str, int], **changes: object) -> Break:
    """Write a run's model and masks anew."""

    def change(evidence: Evidence) -> None:
        folder = evidence.folder(variant, step)
        write_model(folder, {name: kept(name, count) for name, count in zeros.items()}, **changes)
        seal(folder)

    return change


def in_file(variant: str, step: str, name: str, old: str, new: str) -> Break:
    """Change a text file of a run."""

    def change(evidence: Evidence) -> None:
        path = evidence.folder(variant, step) / name
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
        seal(path.parents[len(Path(name).parts) - 1])

    return change


def adapter(name: str, shape: tuple[int, ...]) -> Break:
    def change(evidence: Evidence) -> None:
        folder = evidence.folder("pruned", "finetune")
        save_tensors(folder / "adapter" / "adapter_model.safetensors", {name: stored(numpy.ones(shape))})
        seal(folder)

    return change


def flipped(evidence: Evidence) -> None:
    """Change the last byte of a saved model, behind the record's back."""
    path = evidence.folder("pruned", "finetune") / "model" / "model.safetensors"
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def returned(evidence: Evidence) -> None:
    """One masked weight that is not zero any more, and another in its place: the numbers are right."""
    folder = evidence.folder("pruned", "finetune")
    masks = {name: kept(name) for name in ZEROS}
    weights = {name: mask * 2.0 for name, mask in masks.items()}
    weights["h.1.in_proj.weight"] = weights["h.1.in_proj.weight"][::-1]
    save_tensors(folder / "model" / "model.safetensors", {name: stored(value) for name, value in weights.items()})
    seal(folder)


def last_gone(evidence: Evidence) -> None:
    """As many zeros in each tensor, but of the last and not of the first weights."""
    folder = evidence.folder("pruned", "prune")
    write_model(folder, {name: kept(name)[::-1, ::-1] for name in ZEROS})
    seal(folder)


def permuted(**changes: str) -> Break:
    def change(evidence: Evidence) -> None:
        folder = evidence.folder("reordered", "permute")
        write_order(folder, range(6), **{"method": "csp", "dimension": "channel", **changes})
        seal(folder)

    return change


def in_manifest(old: str, new: str) -> Break:
    """State something else after the runs, which changes no key."""
    return lambda evidence: evidence.project.replace(old, new)


BROKEN_RUNS: dict[str, tuple[str, Break, str]] = {
    # what is wrong: (code, how, where the finding points below the runs)
    "a step too few": ("R101", traced("dense", "pretrain", 11), "dense.0-pretrain.tiny.seed1/steps.jsonl:11"),
    "an end within an epoch": (
        "R101",
        lambda evidence: (
            traced("pruned", "finetune", 4)(evidence),
            evaluated(0.5, 0.4, 0.4, 0.4, stopped=True)(evidence),
        ),
        "pruned.1-finetune.topics.tiny.seed1/steps.jsonl:4",
    ),
    "another batch": ("R102", line("dense", "pretrain", 2, samples=3), "dense.0-pretrain.tiny.seed1/steps.jsonl:2"),
    "a last batch that is filled up": (
        "R102",
        line("dense", "pretrain", 3, samples=4),
        "dense.0-pretrain.tiny.seed1/steps.jsonl:3",
    ),
    "other examples": (
        "R103",
        in_manifest("language-reference, train_examples: 10", "language-reference, train_examples: 11"),
        "dense.0-pretrain.tiny.seed1/record.json:1",
    ),
    "another learning rate": (
        "R110",
        line("dense", "pretrain", 5, learning_rate=1.9e-4),
        "dense.0-pretrain.tiny.seed1/steps.jsonl:5",
    ),
    "another optimizer": (
        "R120",
        observed("dense", "pretrain", "observed", "optimizer", "class", to="SGD"),
        "dense.0-pretrain.tiny.seed1/record.json:1",
    ),
    "another weight decay": (
        "R120",
        observed("dense", "pretrain", "observed", "optimizer", "weight_decay", to=0.01),
        "dense.0-pretrain.tiny.seed1/record.json:1",
    ),
    "other betas": (
        "R120",
        observed("dense", "pretrain", "observed", "optimizer", "betas", to=[0.9, 0.999]),
        "dense.0-pretrain.tiny.seed1/record.json:1",
    ),
    "another sequence length": (
        "R121",
        observed("dense", "pretrain", "observed", "sequence_length", to=16),
        "dense.0-pretrain.tiny.seed1/record.json:1",
    ),
    "no clipping": (
        "R121",
        observed("dense", "pretrain", "observed", "max_grad_norm", to=None),
        "dense.0-pretrain.tiny.seed1/record.json:1",
    ),
    "more patience than declared": (
        "R122",
        evaluated(0.5, 0.4, 0.4, 0.4, 0.4, stopped=False),
        "pruned.1-finetune.topics.tiny.seed1/events.jsonl:1",
    ),
    "less patience than declared": (
        "R122",
        lambda evidence: (
            traced("pruned", "finetune", 3)(evidence),
            evaluated(0.5, 0.4, 0.4, stopped=True)(evidence),
        ),
        "pruned.1-finetune.topics.tiny.seed1/events.jsonl:1",
    ),
    "a metric that was not measured": (
        "R123",
        recorded("pruned", "finetune", lambda record: record.metrics.pop("f1")),  # type: ignore[attr-defined]
        "pruned.1-finetune.topics.tiny.seed1/record.json:1",
    ),
    "another seed": (
        "R130",
        observed("dense", "pretrain", "observed", "seed", to=7),
        "dense.0-pretrain.tiny.seed1/record.json:1",
    ),
    "another accelerator": (
        "R131",
        observed("dense", "pretrain", "environment", "hardware", "accelerator", to="NVIDIA A10"),
        "dense.0-pretrain.tiny.seed1/record.json:1",
    ),
    "less memory": (
        "R131",
        observed("dense", "pretrain", "environment", "hardware", "memory_gb", to=40.0),
        "dense.0-pretrain.tiny.seed1/record.json:1",
    ),
    "fewer processes": (
        "R131",
        observed("dense", "pretrain", "observed", "processes", to=1),
        "dense.0-pretrain.tiny.seed1/record.json:1",
    ),
    "another CUDA": (
        "R131",
        observed("dense", "pretrain", "environment", "hardware", "cuda", to="12.10"),
        "dense.0-pretrain.tiny.seed1/record.json:1",
    ),
    "another version": (
        "R132",
        observed("dense", "pretrain", "environment", "packages", "torch", to="2.10.0"),
        "dense.0-pretrain.tiny.seed1/record.json:1",
    ),
    "another version of a package": (
        "R132",
        observed("dense", "pretrain", "environment", "packages", "transformers", to="4.9"),
        "dense.0-pretrain.tiny.seed1/record.json:1",
    ),
    "other data under one name": (
        "R133",
        observed("masked", "pretrain", "data", "fingerprint", to="another"),
        "masked.0-pretrain.tiny.seed1/record.json:1",
    ),
    "data from elsewhere": (
        "R134",
        observed("dense", "pretrain", "data", "source", "builtin", to="reference-topics"),
        "dense.0-pretrain.tiny.seed1/record.json:1",
    ),
    "another model": (
        "R135",
        observed("dense", "pretrain", "observed", "source", "weights", to="pretrained"),
        "dense.0-pretrain.tiny.seed1/record.json:1",
    ),
    "another parent": (
        "R136",
        observed("reordered", "permute", "parent", to="f" * 64),
        "reordered.0-permute.tiny.seed1/record.json:1",
    ),
    "another rank than declared": (
        "R140",
        observed("pruned", "finetune", "adapter", "rank", to=8),
        "pruned.1-finetune.topics.tiny.seed1/record.json:1",
    ),
    "another target": (
        "R140",
        observed("masked", "pretrain", "sparsity", "asked", to=0.4),
        "masked.0-pretrain.tiny.seed1/record.json:1",
    ),
    "another score recorded": (
        "R140",
        observed("pruned", "prune", "sparsity", "score", to="random"),
        "pruned.0-prune.tiny.seed1/record.json:1",
    ),
    "a mask far from its target": (
        "R141",
        observed("masked", "pretrain", "sparsity", "channels", "reached", to=0.44),
        "masked.0-pretrain.tiny.seed1/record.json:1",
    ),
    "a mask that removes nothing": (
        "R142",
        observed("masked", "pretrain", "sparsity", "channels", "reached", to=0.0),
        "masked.0-pretrain.tiny.seed1/record.json:1",
    ),
    "a masked weight that came back": (
        "T101",
        returned,
        "pruned.1-finetune.topics.tiny.seed1/model/model.safetensors:1",
    ),
    "one weight too many pruned": (
        "T102",
        modelled("pruned", "prune", {**ZEROS, "h.1.in_proj.weight": 11}),
        "pruned.0-prune.tiny.seed1/model/model.safetensors:1",
    ),
    "larger weights pruned than some that stayed": (
        "T103",
        last_gone,
        "pruned.0-prune.tiny.seed1/masks.safetensors:1",
    ),
    "as many zeros, in other layers": (
        "T110",
        modelled("pruned", "finetune", {"h.0.in_proj.weight": 11, "h.1.in_proj.weight": 11}),
        "pruned.1-finetune.topics.tiny.seed1/model/model.safetensors:1",
    ),
    "one zero more": (
        "T110",
        modelled("pruned", "finetune", {**ZEROS, "h.0.in_proj.weight": 13}),
        "pruned.1-finetune.topics.tiny.seed1/model/model.safetensors:1",
    ),
    "as many zeros, over other tensors": (
        "T110",
        modelled("pruned", "finetune", {"h.0.in_proj.weight": 12, "wte.weight": 10}),
        "pruned.1-finetune.topics.tiny.seed1/model/model.safetensors:1",
    ),
    "a file that was changed": ("T120", flipped, "pruned.1-finetune.topics.tiny.seed1/model/model.safetensors:1"),
    "another rank on disk": (
        "T130",
        adapter("base.h.0.in_proj.lora_A.weight", (3, 6)),
        "pruned.1-finetune.topics.tiny.seed1/adapter/adapter_config.json:1",
    ),
    "another module with an adapter": (
        "T130",
        adapter("base.h.0.out_proj.lora_A.weight", (2, 6)),
        "pruned.1-finetune.topics.tiny.seed1/adapter/adapter_config.json:1",
    ),
    "another alpha on disk": (
        "T130",
        in_file("pruned", "finetune", "adapter/adapter_config.json", '"lora_alpha": 4', '"lora_alpha": 8'),
        "pruned.1-finetune.topics.tiny.seed1/adapter/adapter_config.json:1",
    ),
    "another number of layers": (
        "T140",
        in_file("dense", "pretrain", "model/config.json", '"n_layer": 2', '"n_layer": 3'),
        "dense.0-pretrain.tiny.seed1/model/config.json:1",
    ),
    "another number of parameters": (
        "T140",
        observed("dense", "pretrain", "parameters", "total", to=2609),
        "dense.0-pretrain.tiny.seed1/record.json:1",
    ),
    "an order that is not the saved one": (
        "T150",
        permuted(),
        "reordered.0-permute.tiny.seed1/permutation.safetensors:1",
    ),
    "another dimension": (
        "T150",
        permuted(dimension="state"),
        "reordered.0-permute.tiny.seed1/permutation.safetensors:1",
    ),
}


@pytest.mark.parametrize("case", BROKEN_RUNS)
def test_a_broken_run_is_found_at_its_place_and_nothing_else_is(
    project: Project, evidence: Evidence, case: str
) -> None:
    code, change, place = BROKEN_RUNS[case]
    change(evidence)
    result = project.verify()
    assert codes(result) == [code], [(finding.code, finding.message) for finding in result.findings]
    finding = result.findings[0]
    assert finding.location is not None
    folder, _, name = finding.location.file.removeprefix("runs/").partition("/")
    assert f"{folder.rsplit('.', 1)[0]}/{name}:{finding.location.line}" == place
    if finding.clause is not None:
        clause = next(each for each in project.load().clauses if each.id == finding.clause)
        assert finding.declared == clause.location
    assert result.failed == (CODES[code].severity is Severity.ERROR)


QUIET_RUNS: dict[str, Break] = {
    "an end that early stopping demands": lambda evidence: (
        traced("pruned", "finetune", 3)(evidence),
        evaluated(0.5, 0.4, 0.4, 0.4, stopped=True)(evidence),
    ),
    "patience that runs out at the very end": evaluated(0.5, 0.4, 0.4, 0.4, stopped=False),
    "the last digits of a learning rate": lambda evidence: change_lines(
        evidence.folder("dense", "pretrain") / "steps.jsonl",
        lambda lines: lines[5].update(learning_rate=lines[5]["learning_rate"] * (1 + 1e-8)),
    ),
    "the optimizer's own spelling": observed("dense", "pretrain", "observed", "optimizer", "class", to="adam_w"),
    "a fuller name of the accelerator": observed(
        "dense", "pretrain", "environment", "hardware", "accelerator", to="nvidia a100 80gb pcie"
    ),
    "a patch of the declared version": observed(
        "dense", "pretrain", "environment", "packages", "torch", to="2.1.9+cpu"
    ),
    "a mask near its target": observed("masked", "pretrain", "sparsity", "channels", "reached", to=0.54),
    "more of what nobody declares": observed("dense", "pretrain", "observed", "tokens_per_second", to=1.0),
}


@pytest.mark.parametrize("case", QUIET_RUNS)
def test_what_the_manifest_admits_is_no_finding(project: Project, evidence: Evidence, case: str) -> None:
    QUIET_RUNS[case](evidence)
    result = project.verify()
    assert result.findings == []


# The plan, document and claim stages


def test_a_plan_of_other_values_is_found(project: Project, tmp_path: Path) -> None:
    other = Project(tmp_path / "other", project.read()).replace("learning_rate: 1e-4", "learning_rate: 5e-4")
    result = project.verify(plan=other.plan())
    assert codes(result) == ["P101"]
    (finding,) = result.findings
    assert (finding.clause, finding.expected, finding.actual) == (
        "phases.finetune.optimizer.learning_rate",
        1e-4,
        5e-4,
    )


def test_a_variant_s_setting_that_a_task_overrules_is_found(project: Project) -> None:
    project.replace("          adapter: {lora", "          set: {epochs: 5}\n          adapter: {lora")
    result = project.verify()
    assert codes(result) == ["P101"]
    assert result.findings[0].clause == "variants.pruned.steps[1].finetune.set.epochs"


def test_a_document_that_says_something_else_is_found(project: Project) -> None:
    assert project.cli("docs").code == 0
    assert project.verify_all().findings == []
    project.replace("title: A small study", "title: «A great study")
    result = project.verify_all()
    assert codes(result) == ["D101"]
    (finding,) = result.findings
    assert (finding.clause, str(finding.declared)) == ("paper.title", project.place)
    assert str(finding.location) == "documents/EXPERIMENTAL_SETUP.md:1:1"


def test_a_claim_that_the_runs_do_not_support_is_found(project: Project, evidence: Evidence) -> None:
    for seed in (1, 2, 3):
        change_record(
            evidence.folder("masked", "pretrain", seed), lambda record: record.metrics.update(perplexity=11.0)
        )
    result = project.verify()
    assert codes(result) == ["A101"]
    assert {finding.clause for finding in result.findings} == {
        "claims[0].id",
        "claims[0].assert",
        "claims[0].confidence",
    }


# The table itself

ELSEWHERE = {"P101", "D101", "A101"}
"""What the tests right above break."""


def test_every_rule_of_every_stage_has_a_fixture_that_breaks_it(repository: Path) -> None:
    here = {code for code, *_ in (*BROKEN_FILES.values(), *BROKEN_RUNS.values())} | ELSEWHERE
    assert here <= set(CODES)
    stages = {str(CODES[code].stage) for code in here}
    assert stages == {"manifest", "config", "plan", "run", "checkpoint", "document", "claim"}
    missing = set(CODES) - here
    for path in repository.glob("tests/**/test_*.py"):
        missing -= _strings(path)
    missing -= _strings(repository / "tests" / "dialects" / "examples.py")
    assert not missing, f"no test breaks {sorted(missing)}"


def _strings(path: Path) -> set[str]:
    """The codes that a test names."""
    tree = ast.parse(path.read_text()) if path.exists() else ast.Module([], [])
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_a_code_says_its_stage() -> None:
    letters = {"C": "config", "M": "manifest", "P": "plan", "R": "run", "T": "checkpoint", "D": "document"}
    for code, rule in CODES.items():
        assert str(rule.stage) == {**letters, "A": "claim"}[code[0]]
        assert rule.summary
        assert rule.name


def test_two_rules_with_one_code_are_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    from types import ModuleType

    from framework.stages import catalogue

    clash = ModuleType("clash")
    clash.CLASH = Rule("C101", "other", Severity.ERROR, CODES["C101"].stage, "another rule")  # type: ignore[attr-defined]
    known = catalogue.families
    monkeypatch.setattr(catalogue, "families", lambda stage: (*known(stage), clash))
    with pytest.raises(ValueError, match="two rules with the code C101"):
        catalogue.rules()
