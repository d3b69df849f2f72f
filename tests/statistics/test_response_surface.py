"""What pairs decide together, against indices that follow by hand."""

from __future__ import annotations

import numpy as np
import pytest

from framework.statistics.response_surface import Axis, interactions

GENERATOR = np.random.default_rng(3)
U = GENERATOR.random((60, 3))
AXES = [Axis(U[:, place]) for place in range(3)]


def test_a_product_has_the_index_of_its_integrals() -> None:
    """Of u·v on the unit square V = 1/9 - 1/16 = 7/144, the main effects 1/48 each: a seventh is left for the pair."""
    found = interactions(AXES, U[:, 0] * U[:, 1])
    assert found.fit == pytest.approx(1.0)
    assert found.pairs[0, 1] == pytest.approx(1 / 7)
    assert found.pairs[0, 2] == pytest.approx(0.0, abs=1e-12)


def test_additive_keys_have_none_whatever_their_curvature() -> None:
    found = interactions(AXES, (U[:, 0] - 0.3) ** 2 + 2 * U[:, 1])
    assert max(found.pairs.values()) == pytest.approx(0.0, abs=1e-12)


def test_choices_interact_by_their_contrasts() -> None:
    """An exclusive or is nothing but interaction; of three choices each counts alike."""
    first, second = GENERATOR.integers(0, 2, 60), GENERATOR.integers(0, 3, 60)
    axes = [Axis(first.astype(float), 2), Axis(second.astype(float), 3)]
    effect = np.array([[-1.0, 0.0, 1.0], [1.0, 0.0, -1.0]])[first, second]
    assert interactions(axes, effect).pairs[0, 1] == pytest.approx(1.0)
    additive = np.array([0.0, 1.0])[first] + np.array([0.0, 5.0, 1.0])[second]
    assert interactions(axes, additive).pairs[0, 1] == pytest.approx(0.0, abs=1e-12)


def test_the_fit_is_that_of_points_left_out_one_by_one() -> None:
    y = U[:, 0] * U[:, 1] + 0.05 * GENERATOR.standard_normal(60)
    found = interactions(AXES[:2], y)
    errors = []
    for place in range(60):
        kept = np.arange(60) != place
        x = 2 * U[:, :2] - 1
        whole = np.column_stack([np.ones(60), x, x**2, x[:, 0] * x[:, 1]])
        coefficients, *_ = np.linalg.lstsq(whole[kept], y[kept], rcond=None)
        errors.append(y[place] - whole[place] @ coefficients)
    assert found.fit == pytest.approx(1 - np.mean(np.square(errors)) / y.var())


@pytest.mark.parametrize(
    ("axes", "values", "why"),
    [
        ([Axis(U[:10, 0]), Axis(U[:10, 1])], U[:10, 0], "10 trials, and 12 are needed"),
        (AXES[:2], GENERATOR.standard_normal(60), "no quadratic surface"),
        (AXES[:2], np.full(60, 0.5), "do not tell the keys apart"),
        ([AXES[0], AXES[0]], U[:, 0], "do not tell the keys apart"),
    ],
)
def test_what_the_trials_do_not_tell_is_not_told(axes: list[Axis], values: np.ndarray, why: str) -> None:
    found = interactions(axes, list(values))
    assert found.pairs == {}
    assert why in found.why
