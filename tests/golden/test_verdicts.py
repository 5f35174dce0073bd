"""Verdicts at their thresholds, and the chance of labels against enumeration."""

import re
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.stats import fisher_exact

from nextlabel.errors import ParameterError
from nextlabel.leakage.chances import chance_of_hits, chance_of_more
from nextlabel.leakage.scores import ItemScore
from nextlabel.leakage.verdicts import (
    BOUNDED,
    EXACT,
    LABEL_ONLY,
    LIMITS,
    MEANINGS,
    NOT_SHOWN,
    RECOGNISABLE,
    VERDICTS,
    item_verdict,
    overall,
    shares,
    why_not,
    worst,
)


@dataclass(frozen=True)
class Bound:
    epsilon: float = 1.0
    delta: float = 1e-5
    prior: float = 0.1
    chance: float = 0.3


FAR = ItemScore(relative=0.9, mse=0.1, psnr=10.0, ssim=0.1)


def by_error(relative: float, mse: float, psnr: float, ssim: float | None = None) -> ItemScore:
    return ItemScore(relative=relative, mse=mse, psnr=psnr, ssim=ssim)


@pytest.mark.parametrize(
    ("score", "verdict"),
    [
        (by_error(0.000999, 1e-7, 70.0), EXACT),
        (by_error(0.001, 1e-7, 70.0), RECOGNISABLE),
        (by_error(0.2, 0.01, 20.0), RECOGNISABLE),
        (by_error(0.2, 0.01, 19.99), NOT_SHOWN),
        (by_error(0.2, 0.02, 17.0, ssim=0.6), RECOGNISABLE),
        (by_error(0.2, 0.02, 17.0, ssim=0.599), NOT_SHOWN),
        (ItemScore(), NOT_SHOWN),
    ],
)
def test_thresholds_are_where_they_are_said_to_be(score: ItemScore, verdict: str) -> None:
    assert item_verdict(score, FAR, mean_mse=0.1) == verdict


@pytest.mark.parametrize(
    ("psnr", "guessed", "verdict"),
    [(24.0, 21.0, RECOGNISABLE), (23.9, 21.0, NOT_SHOWN), (30.0, np.inf, NOT_SHOWN)],
)
def test_a_record_is_recognisable_only_clearly_above_the_guess(
    psnr: float, guessed: float, verdict: str
) -> None:
    guess = ItemScore(relative=0.1, mse=0.01, psnr=guessed, ssim=0.9)
    assert item_verdict(by_error(0.1, 0.004, psnr, ssim=0.95), guess, mean_mse=0.1) == verdict


def test_structural_similarity_must_exceed_that_of_the_guess() -> None:
    guess = ItemScore(relative=0.5, mse=0.1, psnr=10.0, ssim=0.7)
    assert item_verdict(by_error(0.3, 0.05, 13.0, ssim=0.8), guess, mean_mse=0.1) == RECOGNISABLE
    assert item_verdict(by_error(0.3, 0.05, 13.0, ssim=0.79), guess, mean_mse=0.1) == NOT_SHOWN


def test_where_items_hardly_differ_a_small_error_is_no_news() -> None:
    # values about 1000 with a spread of 1: the mean alone has a relative error below 0.001
    score = by_error(0.0009, 0.8, 1.0)
    assert item_verdict(score, ItemScore(psnr=-19.0), mean_mse=1.0) == NOT_SHOWN
    assert item_verdict(score, ItemScore(psnr=-19.0), mean_mse=81.0) == EXACT
    assert item_verdict(score, ItemScore(psnr=-19.0), mean_mse=None) == EXACT


@pytest.mark.parametrize(
    ("psnr", "nearest", "verdict"),
    [(90.0, 87.0, EXACT), (90.0, 87.1, NOT_SHOWN), (np.inf, 87.0, EXACT), (np.inf, np.inf, NOT_SHOWN)],
)
def test_what_another_record_tells_as_well_is_not_exact(psnr: float, nearest: float, verdict: str) -> None:
    assert item_verdict(by_error(0.0, 0.0, psnr), ItemScore(psnr=nearest), mean_mse=0.1) == verdict


@pytest.mark.parametrize(
    ("values", "psnr", "verdict"),
    [(1, 79.9, NOT_SHOWN), (1, 80.0, EXACT), (3, 39.9, NOT_SHOWN), (3, 40.0, EXACT), (64, 23.0, EXACT)],
)
def test_of_few_values_a_near_miss_is_chance(values: int, psnr: float, verdict: str) -> None:
    score, guess = by_error(1e-4, 1e-9, psnr), ItemScore(psnr=20.0)
    assert item_verdict(score, guess, mean_mse=0.1, values=values) == verdict


@pytest.mark.parametrize("values", [1, 2, 5, 15])
def test_the_margin_of_few_values_is_beaten_once_in_a_thousand_times(values: int, seed: int) -> None:
    """A guess drawn uniformly in the ball that ends at the nearest record: its radius is R·U^(1/d).

    Under the null the count beyond the margin is binomial with 200,000 trials and chance 10⁻³, of mean 200
    and deviation 14.1; a count off by more than 75 has a chance below 1e-6.
    """
    radius = np.random.default_rng(seed).uniform(size=200_000) ** (1 / values)
    beyond = int((-20 * np.log10(radius) >= LIMITS.few / values).sum())
    assert abs(beyond - 200) <= 75
    assert int((-20 * np.log10(radius) >= LIMITS.psnr_margin).sum()) > 275


def test_a_text_that_another_record_repeats_is_not_shown() -> None:
    assert item_verdict(ItemScore(tokens=1.0), ItemScore(tokens=1.0), None) == NOT_SHOWN


@pytest.mark.parametrize(
    ("shown", "of", "elsewhere", "of_elsewhere"),
    [(1, 20, 1, 380), (3, 20, 1, 380), (5, 8, 9, 16), (8, 8, 0, 16), (0, 4, 3, 9), (4, 4, 9, 9)],
)
def test_hits_fall_as_fisher_has_it(shown: int, of: int, elsewhere: int, of_elsewhere: int) -> None:
    table = [[shown, of - shown], [elsewhere, of_elsewhere - elsewhere]]
    want = fisher_exact(table, alternative="greater").pvalue
    assert chance_of_more(shown, of, elsewhere, of_elsewhere) == pytest.approx(want, rel=1e-9)


def test_hits_of_unequal_chances_are_added_up_as_all_outcomes_are() -> None:
    chances = np.random.default_rng(4).uniform(size=7)
    outcomes = (np.arange(2**7)[:, None] >> np.arange(7)) & 1
    probable = np.where(outcomes == 1, chances, 1.0 - chances).prod(1)
    for hits in range(9):
        want = probable[outcomes.sum(1) >= hits].sum()
        assert chance_of_hits(hits, chances.tolist()) == pytest.approx(want, rel=1e-9, abs=1e-15)


@pytest.mark.parametrize(
    ("tokens", "guess", "verdict"),
    [
        (1.0, 0.9, EXACT),
        (0.99, 0.5, RECOGNISABLE),
        (0.5, 0.3, RECOGNISABLE),
        (0.49, 0.0, NOT_SHOWN),
        (0.6, 0.45, NOT_SHOWN),
    ],
)
def test_texts_have_their_own_thresholds(tokens: float, guess: float, verdict: str) -> None:
    assert item_verdict(ItemScore(tokens=tokens), ItemScore(tokens=guess), None) == verdict


def test_the_worst_that_happened_to_any_record_is_the_verdict() -> None:
    assert worst([NOT_SHOWN, EXACT, LABEL_ONLY]) == EXACT
    assert worst([]) == NOT_SHOWN
    assert overall([NOT_SHOWN, RECOGNISABLE]) == RECOGNISABLE


def test_bounded_needs_an_accountant_and_no_leak() -> None:
    assert overall([NOT_SHOWN], Bound()) == BOUNDED
    assert overall([NOT_SHOWN]) == NOT_SHOWN
    assert overall([NOT_SHOWN, LABEL_ONLY], Bound()) == LABEL_ONLY


@pytest.mark.parametrize("bound", [Bound(epsilon=np.inf), Bound(chance=1.0), Bound(chance=np.nan)])
def test_a_bound_that_bounds_nothing_is_refused(bound: Bound) -> None:
    said = re.escape(f"received epsilon={bound.epsilon!r} and chance={bound.chance!r}")
    with pytest.raises(ParameterError, match=said):
        overall([NOT_SHOWN], bound)


def test_shares_come_with_the_exact_interval() -> None:
    found = shares([EXACT] * 3 + [NOT_SHOWN] * 17)
    assert [(one.verdict, one.records, one.of) for one in found] == [(EXACT, 3, 20), (NOT_SHOWN, 17, 20)]
    # Clopper and Pearson, 3 of 20
    assert (found[0].low, found[0].high) == pytest.approx((0.0321, 0.3789), abs=5e-5)


@pytest.mark.parametrize(
    ("outcome", "residual", "why"),
    [
        ("refused", None, "did not apply"),
        ("unidentifiable", 0.9, "not identifiable"),
        ("recovered", LIMITS.residual, "claimed, and wrong"),
        ("failed", LIMITS.residual, "optimiser failed"),
        ("recovered", 1.1 * LIMITS.residual, "optimiser failed"),
        ("failed", None, "optimiser failed"),
        ("recovered", None, "claimed, and wrong"),
    ],
)
def test_an_optimiser_that_failed_is_told_from_what_cannot_be_identified(
    outcome: str, residual: float | None, why: str
) -> None:
    assert why_not(outcome, residual) == why


def test_every_verdict_has_a_meaning_and_none_promises() -> None:
    assert set(MEANINGS) == set(VERDICTS)
    assert not any(re.search(r"\bsafe\b", one, re.IGNORECASE) for one in MEANINGS.values())
    assert "no proof of safety" in MEANINGS[NOT_SHOWN]
