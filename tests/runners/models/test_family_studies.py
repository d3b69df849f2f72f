"""A small study of each family from the manifest to the verdicts: nothing is named that the family implies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from framework.conformance import Stage, Status
from framework.manifest.architectures import ARCHITECTURES
from framework.stages.manifest.parameter_counts import counts
from runners.models.families import FAMILIES
from tests.runners.models.tiny import tiny
from tests.support.executed import study

VARIANTS = """\
  M_dense: {steps: [finetune]}
  M_sdm:
    steps:
      - finetune:
          mask: {sdm: {target_sparsity: 0.5, sparsity_weight: 0.0, initial_logit: 0.01, learning_rate: 0.05}}
  M_lora:
    from: M_dense
    steps: [{finetune: {adapter: {lora: {rank: 2, alpha: 4}}}}]
  M_challenge:
    from: M_dense
    steps:
      - prune: {structure: channel, sparsity: {same_as: M_sdm}}
      - finetune: {adapter: {sgh: {importance: magnitude}}}
"""
PERMUTED = "  M_csp: {from: M_dense, steps: [{permute: {method: csp, dimension: channel, calibration_examples: 4}}]}\n"
RULES = "rules: [{iso_sparsity: {variants: [M_sdm, M_challenge], scope: model}}]\n"


@pytest.mark.parametrize("family", FAMILIES.names())
def test_a_study_of_the_family_holds(family: str, tmp_path: Path) -> None:
    model = tiny(family)
    if admitted := counts(model):
        model = model.model_copy(update={"parameters": admitted[0][0]})
    stated = json.dumps(model.model_dump(mode="json", exclude_none=True))
    variants = VARIANTS + (PERMUTED if FAMILIES.get(family).dimensions else "") + RULES
    result = study(tmp_path, variants, stated).execute().verify()
    unused = ("R141", "M180")  # another machine than stated, and a phase of the small study that no variant runs
    assert [str(finding.message) for finding in result.findings if finding.code not in unused] == []
    assert result.finished == len(result.steps)
    matrix = result.matrix
    by_id = {clause.id: clause for clause in matrix.clauses}
    for stage in (Stage.RUN, Stage.CHECKPOINT):
        for clause in matrix.clauses:
            if {"mask", "adapter", "prune", "permute", "iso_sparsity"} & set(clause.path):
                assert matrix.status(clause, stage) in (Status.CONFORMS, None), (clause.id, stage)
    sizes = [by_id[f"models.tiny.{field}"] for field in ARCHITECTURES[family].sizes if f"models.tiny.{field}" in by_id]
    assert {matrix.status(clause, Stage.CHECKPOINT) for clause in sizes} == {Status.CONFORMS}
    if admitted:
        assert matrix.status(by_id["models.tiny.parameters"], Stage.CHECKPOINT) is Status.CONFORMS
