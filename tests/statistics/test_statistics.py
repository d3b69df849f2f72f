"""Statistics against published numbers, exhaustive counts, and identities."""

from __future__ import annotations

import math
from itertools import combinations, product
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("scipy", reason="statistics need the extra `reports`")

from framework.statistics.aggregates import iqm, performance_profile, profile_bands, stratified_interval
from framework.statistics.corrections import benjamini_hochberg, corrected, holm
from framework.statistics.effects import (
    bias_factor,
    cliffs_delta,
    hedges_g,
    hedges_g_interval,
    paired_d,
    paired_d_interval,
    superiority,
    superiority_interval,
)
from framework.statistics.expected_best import expected_best, expected_best_interval
from framework.statistics.hypothesis_tests import equivalence, mann_whitney, paired_t, sign_flip, welch
from framework.statistics.intervals import bootstrap_interval, jackknife, resampled, t_interval
from framework.statistics.power import paired_power, seeds_for_paired, seeds_for_superiority

DARWIN = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
"""Darwin's maize, crossed less selfed, in eighths of an inch (Fisher 1935, section 17)."""
DRUG_1 = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
DRUG_2 = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
"""Student's sleep data (R's `sleep`)."""
SLEEP = [second - first for first, second in zip(DRUG_1, DRUG_2, strict=True)]
FINITE = st.floats(-100, 100).map(lambda value: round(value, 3))


def test_fisher_s_count_of_darwin_s_maize() -> None:
    """'In 1,726 out of 32,768 possible cases the total deviation is as great' (Fisher 1935, section 21)."""
    found = sign_flip(DARWIN)
    assert found.p * 32_768 == 1_726
    assert sign_flip(DARWIN, "greater").p * 32_768 == 863


def test_student_s_sleep_as_r_prints_it() -> None:
    """R 4: `t.test(sleep$extra[11:20], sleep$extra[1:10], paired = TRUE)`, and without `paired`."""
    assert paired_t(SLEEP).p == pytest.approx(0.002833, abs=5e-7)
    interval = t_interval(SLEEP)
    assert (interval.low, interval.high) == pytest.approx((0.7001142, 2.4598858), abs=5e-8)
    assert welch(DRUG_1, DRUG_2).p == pytest.approx(0.07939, abs=5e-6)
    assert "17.8 degrees" in welch(DRUG_1, DRUG_2).method


@pytest.mark.parametrize(
    ("seeds", "paired", "unpaired"),
    [(3, 0.25, 0.1), (5, 0.0625, 2 / 252), (6, 0.03125, 2 / 924), (10, 2 / 1024, 2 / 184_756)],
)
def test_the_least_p_that_so_few_seeds_can_reach(seeds: int, paired: float, unpaired: float) -> None:
    first, second = [float(value) for value in range(seeds)], [value + 100.5 for value in range(seeds)]
    flipped = sign_flip([one - other for one, other in zip(first, second, strict=True)])
    assert flipped.p == flipped.attainable == paired
    ranked = mann_whitney(first, second)
    assert ranked.p == pytest.approx(unpaired)
    assert ranked.attainable == pytest.approx(unpaired)
    assert flipped.powerless is (seeds < 6)


@given(st.lists(FINITE, min_size=1, max_size=7))
def test_sign_flips_are_all_counted(values: list[float]) -> None:
    sums = [
        math.fsum(sign * value for sign, value in zip(signs, values, strict=True))
        for signs in product((1, -1), repeat=len(values))
    ]
    total, slack = math.fsum(values), 1e-9
    assert sign_flip(values).p == sum(abs(each) >= abs(total) - slack for each in sums) / len(sums)
    assert sign_flip(values, "less").p == sum(each <= total + slack for each in sums) / len(sums)


def test_drawn_sign_flips_are_near_the_t_test_where_there_are_many() -> None:
    values = list(np.random.default_rng(1).normal(0.3, 1.0, 60))
    assert sign_flip(values).p == pytest.approx(paired_t(values).p, abs=0.01)
    assert sign_flip(values) == sign_flip(values)


def test_alike_results_differ_in_nothing() -> None:
    assert sign_flip([0.0, 0.0, 0.0]).p == 1
    assert paired_t([0.0, 0.0]).p == 1
    assert paired_t([0.5, 0.5]).p == 0
    assert mann_whitney([1.0, 1.0], [1.0, 1.0]).p == 1


@pytest.mark.parametrize("values", [[], [1.0]])
def test_too_few_are_said(values: list[float]) -> None:
    with pytest.raises(ValueError, match="at least 2"):
        paired_t(values)
    with pytest.raises(ValueError, match="at least 2"):
        t_interval(values)
    with pytest.raises(ValueError, match="at least 2"):
        jackknife([values], fmean)


def test_equivalence_is_the_ninety_percent_interval_within_the_margin() -> None:
    """Two tests at 5% are the two-sided 90% interval (Schuirmann 1987)."""
    half = t_interval(SLEEP, 0.9).high
    assert equivalence(SLEEP, half * 1.001).p < 0.05 < equivalence(SLEEP, half * 0.999).p


def test_corrections_as_r_s_p_adjust_gives_them() -> None:
    """R 4: `p.adjust(c(0.01, 0.04, 0.03, 0.02, 0.5), "holm")` and `"BH"`."""
    p_values = [0.01, 0.04, 0.03, 0.02, 0.5]
    assert holm(p_values) == pytest.approx([0.05, 0.09, 0.09, 0.08, 0.5])
    assert benjamini_hochberg(p_values) == pytest.approx([0.05, 0.05, 0.05, 0.05, 0.5])
    assert corrected(p_values, "none") == p_values


def test_the_fifteen_hypotheses_of_benjamini_and_hochberg() -> None:
    """Their section 3.3: four are rejected at 5%, where Bonferroni's and Holm's way reject three."""
    published = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.3240,
        0.4262,
        0.5719,
        0.6528,
        0.7590,
        1.0,
    ]
    assert sum(p <= 0.05 for p in benjamini_hochberg(published)) == 4
    assert sum(p <= 0.05 for p in holm(published)) == 3


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_a_correction_never_helps_and_never_reorders(p_values: list[float]) -> None:
    for adjusted in (holm(p_values), benjamini_hochberg(p_values)):
        assert all(after >= before or after == 1 for before, after in zip(p_values, adjusted, strict=True))
        ordered = [after for _, after in sorted(zip(p_values, adjusted, strict=True))]
        assert ordered == sorted(ordered)


@pytest.mark.parametrize(("freedom", "published"), [(2, 0.5642), (3, 0.7236), (10, 0.9227), (20, 0.9619)])
def test_hedges_s_factor_as_published(freedom: int, published: float) -> None:
    """Hedges 1981, table 1."""
    assert bias_factor(freedom) == pytest.approx(published, abs=5e-5)


def test_effect_sizes() -> None:
    assert paired_d(SLEEP) == pytest.approx(1.284558, abs=1e-6)
    spread = math.sqrt((np.var(DRUG_1, ddof=1) + np.var(DRUG_2, ddof=1)) / 2)
    assert hedges_g(DRUG_2, DRUG_1) == pytest.approx(bias_factor(18) * 1.58 / spread)
    with pytest.raises(ValueError, match="spread"):
        hedges_g([1.0, 1.0], [1.0, 1.0])


@given(st.lists(st.integers(0, 5), min_size=1, max_size=6), st.lists(st.integers(0, 5), min_size=1, max_size=6))
def test_superiority_counts_pairs(first: list[int], second: list[int]) -> None:
    pairs = [1.0 if one > other else 0.5 if one == other else 0.0 for one in first for other in second]
    assert superiority(first, second) == pytest.approx(fmean(pairs))
    assert cliffs_delta(first, second) == pytest.approx(2 * fmean(pairs) - 1)


def test_superiority_has_an_interval_around_it() -> None:
    found = superiority_interval(DRUG_2, DRUG_1)
    assert 0.5 < found.low < found.estimate < found.high <= 1


def test_a_bootstrap_of_many_values_is_the_t_interval() -> None:
    values = list(np.random.default_rng(2).normal(5, 2, 200))
    for method in ("percentile", "basic", "BCa"):
        found = bootstrap_interval([values], np.mean, method=method)
        exact = t_interval(values)
        assert (found.low, found.high) == pytest.approx((exact.low, exact.high), abs=0.05)


def test_equal_values_have_an_interval_of_no_width() -> None:
    found = bootstrap_interval([[2.0, 2.0, 2.0]], np.mean)
    assert (found.low, found.estimate, found.high) == (2.0, 2.0, 2.0)


def test_a_paired_bootstrap_keeps_pairs_together() -> None:
    first = [10.0, 20.0, 30.0, 40.0, 50.0]
    found = bootstrap_interval([first, [value + 1 for value in first]], lambda a, b: float(np.mean(b - a)), paired=True)
    assert (found.low, found.high) == (1.0, 1.0)


@given(st.lists(st.tuples(FINITE, FINITE), min_size=2, max_size=8))
def test_the_jackknife_of_a_difference_of_means_is_the_paired_values(pairs: list[tuple[float, float]]) -> None:
    first, second = [one for one, _ in pairs], [other for _, other in pairs]
    found = jackknife([first, second], lambda a, b: fmean(a) - fmean(b))
    assert found == pytest.approx([one - other for one, other in pairs], abs=1e-9)


def test_the_interquartile_mean_leaves_a_quarter_off_each_end() -> None:
    scores = np.arange(16.0).reshape(4, 4)
    assert iqm(scores) == fmean(range(4, 12))


def test_a_profile_is_the_share_above_each_threshold() -> None:
    scores = np.array([[0.1, 0.5], [0.3, 0.9]])
    assert performance_profile(scores, [0.0, 0.3, 0.6, 1.0]) == [1.0, 0.5, 0.25, 0.0]
    for band in profile_bands(scores, [0.3], resamples=200):
        assert band.low <= band.estimate <= band.high


def test_stratified_resampling_keeps_each_task_s_share() -> None:
    """Tasks far apart whose seeds agree: nothing varies, though scores do."""
    scores = np.array([[0.0, 100.0], [0.0, 100.0], [0.0, 100.0]])
    found = stratified_interval(scores, lambda drawn: float(drawn.mean()), resamples=100)
    assert found.low == found.high == 50.0


@pytest.mark.parametrize("lower", [False, True])
@given(values=st.lists(FINITE, min_size=1, max_size=7), trials=st.integers(1, 7))
def test_the_expected_best_is_the_mean_over_all_subsets(values: list[float], trials: int, lower: bool) -> None:
    if trials > len(values):
        with pytest.raises(ValueError, match="cannot be told"):
            expected_best(values, trials, lower)
        return
    best = fmean((min if lower else max)(subset) for subset in combinations(values, trials))
    assert expected_best(values, trials, lower) == pytest.approx(best, abs=1e-9)


def test_the_expected_best_has_an_interval() -> None:
    values = list(np.random.default_rng(3).uniform(0, 1, 20))
    found = expected_best_interval(values, 5, resamples=300)
    assert found.low < found.estimate < found.high


@pytest.mark.parametrize(("effect", "sides", "published"), [(0.5, 2, 34), (0.8, 2, 15), (0.2, 2, 199), (0.5, 1, 27)])
def test_the_number_of_pairs_as_published(effect: float, sides: int, published: int) -> None:
    """G*Power 3.1's a priori sizes of a paired t test at 5% and power 0.8."""
    assert seeds_for_paired(effect, sides=sides) == published


@given(st.floats(0.1, 5), st.integers(2, 60))
def test_power_is_one_side_s_or_more_and_grows(effect: float, seeds: int) -> None:
    assert paired_power(seeds, effect) + 1e-9 >= 0.05
    assert paired_power(seeds, effect) <= paired_power(seeds + 1, effect) + 1e-9


@pytest.mark.parametrize(("probability", "published"), [(0.75, 29), (0.7, 46)])
def test_noether_s_number_as_bouthillier_gives_it(probability: float, published: int) -> None:
    assert seeds_for_superiority(probability) == published


def _noncentral_cdf(t: float, freedom: int, shift: float) -> float:
    """P(T <= t) = E Φ(t·s - shift), s the root of a chi-square over its degrees of freedom, by midpoints."""
    s = (np.arange(40_000) + 0.5) * 1e-4
    log_density = math.log(2) + freedom / 2 * math.log(freedom / 2) - math.lgamma(freedom / 2)
    density = np.exp(log_density + (freedom - 1) * np.log(s) - freedom * s * s / 2)
    below = np.array([0.5 * math.erfc(-(t * each - shift) / math.sqrt(2)) for each in s])
    return float((density * below).sum() * 1e-4)


def test_effect_sizes_have_exact_intervals() -> None:
    """Each end is the effect under which the observed t lies at a tail."""
    found = paired_d_interval(SLEEP)
    t = found.estimate * math.sqrt(10)
    assert found.estimate == paired_d(SLEEP)
    assert _noncentral_cdf(t, 9, found.low * math.sqrt(10)) == pytest.approx(0.975, abs=1e-5)
    assert _noncentral_cdf(t, 9, found.high * math.sqrt(10)) == pytest.approx(0.025, abs=1e-5)
    grouped = hedges_g_interval(DRUG_1, DRUG_2)
    assert grouped.estimate == pytest.approx(hedges_g(DRUG_1, DRUG_2))
    scale = math.sqrt(5) / bias_factor(18)
    assert _noncentral_cdf(grouped.estimate * scale, 18, grouped.low * scale) == pytest.approx(0.975, abs=1e-5)
    assert _noncentral_cdf(grouped.estimate * scale, 18, grouped.high * scale) == pytest.approx(0.025, abs=1e-5)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_effects_of_any_size_have_an_interval_around_them(scale: float, sign: float) -> None:
    found = paired_d_interval([sign * (1 + scale * each) for each in (0.0, 1.0, 3.0)])
    assert found.low < found.estimate < found.high
    mirrored = paired_d_interval([-sign * (1 + scale * each) for each in (0.0, 1.0, 3.0)])
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low))


def test_next_to_no_spread_has_no_effect_size() -> None:
    with pytest.raises(ValueError, match="needs a spread"):
        paired_d_interval([1.0, 1.0 + 1e-9, 1.0 + 3e-9])


def test_all_percentile_bootstraps_are_one() -> None:
    drawn = resampled([DRUG_1, DRUG_2], lambda one, other: float(one.mean() - other.mean()), paired=True)
    found = bootstrap_interval([DRUG_1, DRUG_2], lambda one, other: one.mean() - other.mean(), 0.9, "percentile", True)
    assert (found.low, found.high) == tuple(np.quantile(drawn, [0.05, 0.95]))
    scores = np.array([DRUG_1, DRUG_2]).T
    stratified = stratified_interval(scores, lambda array: float(array.mean()), 0.9, 500)
    alike = bootstrap_interval([DRUG_1, DRUG_2], lambda *tasks: np.mean(tasks), 0.9, "percentile", resamples=500)
    assert (stratified.low, stratified.high) == pytest.approx((alike.low, alike.high))
