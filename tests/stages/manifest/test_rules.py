"""The rules of the manifest stage: each on a manifest that is consistent, and on one that breaks it alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Finding
from tests.support.project import MARK, Project

MANIFEST = """\
version: 1
paper: {title: A study}
hardware: {count: 1}
models:
  tiny: {family: mamba, weights: random, layers: 2, hidden: 16, state: 4, expand: 2, vocabulary: 64, tokenizer: bytes,
         parameters: 5488}
datasets:
  text: {builtin: language-reference, train_examples: 3200}
phases:
  pretrain:
    objective: causal_lm
    dataset: text
    optimizer: {name: adamw, learning_rate: 2e-4, weight_decay: 0.1}
    schedule: {name: cosine, warmup: 10%, min_learning_rate: 2e-5}
    batch_size: 32
    epochs: 5
variants:
  M_base: {steps: [pretrain]}
  M_sdm: {steps: [{pretrain: {mask: {sdm: {target_sparsity: 0.3}}}}]}
  M_pruned: {from: M_base, steps: [{prune: {sparsity: {same_as: M_sdm}}}]}
rules:
  - iso_sparsity: {variants: [M_sdm, M_pruned]}
  - differ_only_in: {variants: [M_base, M_sdm], clauses: [mask]}
seeds: [42, 43, 44, 45, 46]
claims:
  - {id: cost, assert: "perplexity(M_sdm) <= 1.05 * perplexity(M_base)", confidence: 0.95}
configs:
  - {file: configs/pretrain.yaml, describes: phases.pretrain, keys: {epochs: epochs}}
waivers: []
profiles:
  smoke: {reason: a laptop, set: {phases.pretrain.epochs: 1, seeds: [42], models.tiny: {hidden: 8, parameters: null}}}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, MANIFEST, "epochs: 5\n")


def findings(project: Project) -> list[Finding]:
    return project.check().findings


def test_the_project_conforms(project: Project) -> None:
    assert findings(project) == []


WARMUP = "schedule: {name: cosine, warmup: 10%, min_learning_rate: 2e-5}"
ADAMW = "optimizer: {name: adamw, learning_rate: 2e-4, weight_decay: 0.1}"
SMOKE = "  smoke: {reason: a laptop, set: {phases.pretrain.epochs: 1, "
BROKEN = {
    "a warmup longer than 500 steps": ("M130", WARMUP, WARMUP.replace("10%", f"{MARK}501 steps")),
    "a warmup of all steps": ("M131", WARMUP, WARMUP.replace("10%", f"{MARK}500 steps")),
    "a decay upwards": ("M131", WARMUP, WARMUP.replace("2e-5", f"{MARK}2e-3")),
    "one run twice": (
        "M112",
        "  M_base: {steps: [pretrain]}\n",
        f"  M_base: {{steps: [pretrain]}}\n  {MARK}M_dense: {{steps: [{{pretrain: {{}}}}]}}\n",
    ),
    "two sparsities": ("M150", "{same_as: M_sdm}", f"{MARK}0.5, tensors: [in_proj]"),
    "no sparsity": ("M150", "steps: [{prune: {sparsity: {same_as: M_sdm}}}]", "steps: [{permute: csp}]"),
    "another parameter count": ("M160", "parameters: 5488", f"parameters: {MARK}5489"),
    "a seed twice": ("M170", "[42, 43, 44, 45, 46]", f"{MARK}[42, 43, 44, 45, 46, 46]"),
    "one seed for a claim": ("M171", "seeds: [42, 43, 44, 45, 46]", "seeds: [41]"),
    "three seeds for 95%": ("M172", "seeds: [42, 43, 44, 45, 46]", "seeds: [42, 43, 44]"),
    "a misspelled metric": ("M173", '"perplexity(M_sdm)', f'{MARK}"perplexty(M_sdm)'),
    "a metric that is not measured": ("M173", '"perplexity(M_sdm)', f'{MARK}"accuracy(M_sdm)'),
    "momentum for adamw": ("M180", ADAMW, ADAMW.replace("0.1}", f"0.1, momentum: {MARK}0.9}}")),
    "betas for sgd": ("M180", ADAMW, ADAMW.replace("adamw", "sgd").replace("0.1}", f"0.1, {MARK}betas: [0.9, 0.98]}}")),
    "the end of a constant schedule": (
        "M180",
        WARMUP,
        WARMUP.replace("cosine", "constant").replace("2e-5", f"{MARK}2e-5"),
    ),
    "a dataset that nothing uses": (
        "M180",
        "  text: {builtin: language-reference, train_examples: 3200}\n",
        (
            "  text: {builtin: language-reference, train_examples: 3200}\n"
            f"  {MARK}more: {{builtin: language-reference}}\n"
        ),
    ),
    "a phase that nothing runs": (
        "M180",
        "variants:\n",
        (
            f"  {MARK}other: {{objective: causal_lm, dataset: text, optimizer: {{learning_rate: 1e-4}}, batch_size: 1, "
            "epochs: 1}\nvariants:\n"
        ),
    ),
    "heads of a mamba": ("M180", "parameters: 5488", f"parameters: 5488, heads: {MARK}4"),
    "a slip of a setting": (
        "M182",
        "    batch_size: 32\n",
        f"    batch_size: 32\n    settings: {{dropout: 0.1, lambda_tr: 0.5, drop_out_rat: {MARK}0.2}}\n",
    ),
    "a profile with another method": (
        "M190",
        SMOKE,
        SMOKE + f'"variants.M_pruned.steps[0].prune.score": {MARK}random, ',
    ),
    "a profile with another claim": ("M190", SMOKE, SMOKE + f'"claims[0].confidence": {MARK}0.9, '),
    "a profile without a rule": ("M190", SMOKE, SMOKE + "rules: [], "),
    "a profile for one of a pair": (
        "M191",
        SMOKE,
        SMOKE.replace("smoke", f"{MARK}smoke")
        + '"variants.M_sdm.steps[0].pretrain.set": {optimizer.learning_rate: 1e-3}, ',
    ),
    "a profile of a wrong type": ("M192", SMOKE, SMOKE + f"phases.pretrain.batch_size: {MARK}many, "),
    "a profile without effect": ("M193", SMOKE, SMOKE + f"phases.pretrain.batch_size: {MARK}32, "),
    "a waiver for what conforms": (
        "M121",
        "waivers: []\n",
        "waivers:\n  - {clause: "
        + MARK
        + "phases.pretrain.epochs, stage: config, reason: x, owner: y, until: 2027-01-01}\n",
    ),
    "a waiver for a stage that never looks": (
        "M121",
        "waivers: []\n",
        "waivers:\n  - {clause: " + MARK + "seeds, stage: checkpoint, reason: x, owner: y, until: 2027-01-01}\n",
    ),
    "a waiver that ended": (
        "M120",
        "waivers: []\n",
        "waivers:\n  - {clause: seeds, stage: config, reason: x, owner: y, until: " + MARK + "2026-05-31}\n",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_manifest_is_found_at_its_place(project: Project, case: str) -> None:
    code, old, new = BROKEN[case]
    project.replace(old, new)
    seen = findings(project)
    assert {finding.code for finding in seen} == {code}, seen
    assert all(finding.advice for finding in seen), "a finding says what to do"
    if MARK in new:
        assert project.place in [str(finding.location) for finding in seen]


QUIET = {
    "a profile may drop a variant": (SMOKE, SMOKE + "variants.M_pruned: null, "),
    "a profile may change both of a pair": (SMOKE, SMOKE + "phases.pretrain.optimizer.learning_rate: 1e-3, "),
    "a profile may change hardware": (SMOKE, SMOKE + "hardware: {accelerator: cpu}, "),
    "a waiver for all stages": (
        "waivers: []\n",
        "waivers:\n  - {clause: phases.pretrain.epochs, reason: x, owner: y, until: 2027-01-01}\n",
    ),
    "a waiver for a later stage": (
        "waivers: []\n",
        "waivers:\n  - {clause: phases.pretrain.epochs, stage: run, reason: x, owner: y, until: 2027-01-01}\n",
    ),
    "momentum of an optimizer without a name": (ADAMW, ADAMW.replace("name: adamw, ", "momentum: 0.9, ")),
    "an end of a schedule without a name": (WARMUP, WARMUP.replace("name: cosine, ", "")),
    "a family whose formula is not known": ("family: mamba", "family: rwkv"),
    "an unknown number of steps": (", train_examples: 3200", ""),
    "two variants of another order": (
        "rules:\n",
        (
            "  M_ab: {steps: [{permute: {method: csp, dataset: text}}, pretrain]}\n"
            "  M_ba: {steps: [pretrain, {permute: csp}]}\nrules:\n"
        ),
    ),
}


@pytest.mark.parametrize("case", QUIET)
def test_what_is_right_is_no_finding(project: Project, case: str) -> None:
    project.replace(*QUIET[case])
    assert findings(project) == []


def test_a_run_is_the_same_whatever_the_names_on_its_way(project: Project) -> None:
    project.replace("rules:\n", "  M_x: {steps: [pretrain]}\n  M_y: {from: M_x, steps: [{permute: csp}]}\nrules:\n")
    project.replace("  M_x:", "  M_z: {steps: [pretrain, {permute: csp}]}\n  M_x:")
    same = [finding.message for finding in findings(project) if finding.code == "M112"]
    assert same == [
        "M_x and M_base are two variants, and resolve to the same run",
        "M_y and M_z are two variants, and resolve to the same run",
    ]


def test_a_waiver_without_reason_or_owner_is_refused(project: Project) -> None:
    project.replace("waivers: []", "waivers:\n  - {clause: seeds, until: 2027-01-01}")
    assert "lacks 'reason'" in "\n".join(project.problems())
    assert "lacks 'owner'" in "\n".join(project.problems())


def test_the_repository_s_own_profile_is_admitted(repository: Path) -> None:
    from framework.manifest.loading import load
    from framework.stages.check import check

    experiment = load(repository)
    assert experiment.stated.profiles
    assert [finding.message for finding in check(experiment).findings if finding.code.startswith("M")] == []


@pytest.mark.parametrize(
    ("metric", "code"), [("perplexity", []), ("bits_per_byte", []), ("perplexty", ["M173"]), ("latency", [])]
)
def test_a_script_of_one_s_own_may_record_other_metrics(project: Project, metric: str, code: list[str]) -> None:
    flags = "flags: hf-training-arguments, unpassed: [objective, sequence_length, dataset]"
    script = f"runners:\n  own: {{phase: pretrain, variants: [M_base], command: [python, train.py], {flags}}}\n"
    project.replace("waivers: []\n", script).replace("* perplexity(M_base)", f"* {metric}(M_base)")
    assert [finding.code for finding in findings(project) if finding.code == "M173"] == code
    project.replace('"perplexity(M_sdm)', '"bits_per_byte(M_sdm)')
    assert [finding.code for finding in findings(project) if finding.code == "M173"] == [*code, "M173"]


@pytest.mark.parametrize(
    ("old", "new", "meant"),
    [
        ("name: cosine", "name: cosin", "cosine"),
        ("objective: causal_lm", "objective: casual_lm", "causal_lm"),
        ("name: adamw", "name: adamv", "adamw"),
        ("prune: {sparsity", "prune: {score: magnitud, sparsity", "magnitude"),
    ],
)
def test_a_slip_of_a_known_term_is_told(project: Project, old: str, new: str, meant: str) -> None:
    (found,) = findings(project.replace(old, new))
    assert (found.code, found.expected) == ("M181", meant)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("name: cosine", "name: rex"),
        ("objective: causal_lm", "objective: next token"),
        ("name: adamw, learning_rate: 2e-4", "name: sophia, learning_rate: 2e-4, momentum: 0.9"),
        ("prune: {sparsity", "prune: {score: fisher, sparsity"),
    ],
)
def test_a_term_of_the_paper_s_own_is_none(project: Project, old: str, new: str) -> None:
    assert findings(project.replace(old, new)) == []


@pytest.mark.parametrize(
    ("name", "meant"), [("clip_rangs", "clip_range"), ("discaunt", "discount"), ("label_smothing", "label_smoothing")]
)
def test_a_slip_of_a_known_setting_is_told(project: Project, name: str, meant: str) -> None:
    project.replace("    epochs: 5\n", f"    epochs: 5\n    settings: {{{name}: 0.1}}\n")
    (found,) = findings(project)
    assert (found.code, found.expected, found.actual) == ("M182", meant, name)


@pytest.mark.parametrize("key", ["clip_rangs", "actor.clip_rangs"])
def test_what_a_program_calls_a_setting_is_no_slip(project: Project, key: str) -> None:
    project.replace("    epochs: 5\n", "    epochs: 5\n    settings: {clip_rangs: 0.1, discaunt: 0.1}\n")
    project.replace("keys: {epochs: epochs}", f"keys: {{epochs: epochs, {key}: settings.clip_rangs}}")
    assert [found.actual for found in findings(project) if found.code == "M182"] == ["discaunt"]


@pytest.mark.parametrize("name", ["clip_range", "anything_else", "my_clip_range"])
def test_settings_of_other_names_are_no_slips(project: Project, name: str) -> None:
    project.replace("    epochs: 5\n", f"    epochs: 5\n    settings: {{{name}: 0.1}}\n")
    assert findings(project) == []
