"""A forward pass of a training asks the device for no number: what a model would look up there, the host knows."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from runners.data.examples import Batch
from runners.models import known_masks
from runners.models.building import classifier_over
from runners.models.families import FAMILIES
from runners.training.objectives import logits_of
from tests.runners.models.tiny import CAUSAL, SIZES, build, randomised
from tests.support.transfers import counted

ROUTED = ("mixtral",)
"""Its experts get the tokens that chose them: how many these are is read off the device in each layer."""


def batch(padding: int, classes: bool) -> Batch:
    ids = torch.arange(22).view(2, 11)
    mask = torch.ones_like(ids)
    if padding:
        mask[1, -padding:] = 0
    return Batch(ids, mask, torch.tensor([0, 1]) if classes else None, int(mask.sum()), 2)


@pytest.mark.parametrize("padding", [0, 3])
@pytest.mark.parametrize("family", [name for name in SIZES if name not in ROUTED])
@pytest.mark.parametrize("classes", [True, False])
def test_the_same_logits_without_a_look_at_the_device(family: str, classes: bool, padding: int) -> None:
    if not classes and (family not in CAUSAL or padding):
        pytest.skip("a language model reads whole sequences; an encoder is none")
    model: Any = randomised(build(family))
    if classes:
        model = randomised(classifier_over(model, FAMILIES.get(family), ["a", "b"], 0)).eval()
    given = batch(padding, classes)
    arguments = {"attention_mask": given.attention_mask} if classes else {"use_cache": False}
    with torch.no_grad():
        plain = model(input_ids=given.input_ids, **arguments)
        with counted() as transfers:
            told = logits_of(model, given)
    assert torch.equal(told, plain if classes else plain.logits)
    # A mask becomes one of booleans where the states are: that is a copy to the CPU here, and to a device there.
    assert [name for name in transfers.seen if name != "_to_copy"] == []


def test_a_model_that_is_not_told_looks() -> None:
    model, given = build("llama"), batch(0, False)
    with torch.no_grad(), counted() as transfers:
        model(input_ids=given.input_ids, use_cache=False)
    assert transfers.seen
    with torch.no_grad(), known_masks.known_padding(True), counted() as transfers:
        model(input_ids=given.input_ids, use_cache=False)
    assert transfers.seen == []


def test_a_mask_that_hides_something_is_held_where_it_is_said_to() -> None:
    model, given = randomised(build("llama")), batch(3, False)
    given.attention_mask[1, :3] = 0  # on the left, so that it counts for all that follows
    with torch.no_grad():
        plain = model(input_ids=given.input_ids, attention_mask=given.attention_mask).logits
        with known_masks.known_padding(False):
            told = model(input_ids=given.input_ids, attention_mask=given.attention_mask).logits
        with known_masks.known_padding(True):
            wrong = model(input_ids=given.input_ids, attention_mask=given.attention_mask).logits
    assert torch.equal(told, plain)
    assert not torch.equal(wrong, plain)
