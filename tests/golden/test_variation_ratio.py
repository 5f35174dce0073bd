"""Variation ratios by counting."""

import re

import numpy as np
import pytest

from nextlabel import Signals, select
from nextlabel.errors import ParameterError, SignalError
from nextlabel.strategies.variation_ratio import VariationRatio, variation_ratio

RNG = np.random.default_rng(0)


def test_five_members_voting_three_to_two() -> None:
    assert variation_ratio(np.array([[3.0, 2.0]])).tolist() == [0.4]


def test_one_voice_scores_zero() -> None:
    assert variation_ratio(np.array([[0.0, 7.0, 0.0]])).tolist() == [0.0]


def test_two_opposite_certainties_score_a_half() -> None:
    assert variation_ratio(np.array([[1.0, 1.0]])).tolist() == [0.5]
    signals = Signals({"draws": [[[1.0, 0.0], [0.0, 1.0]]]})
    assert VariationRatio(form="mean").score(signals, RNG).tolist() == [0.5]


def test_scores_are_the_ratios_to_six_digits() -> None:
    draws = np.random.default_rng(0).dirichlet(np.ones(3), size=(200, 5))
    signals = Signals({"draws": draws})
    ratios = variation_ratio(signals["votes"])
    assert set(ratios.round(12).tolist()) == {0.0, 0.2, 0.4, 0.6}
    scores = VariationRatio().score(signals, RNG)
    assert (scores >= ratios).all()
    assert scores - ratios == pytest.approx(np.zeros(200), abs=1e-6)


def test_equal_votes_are_ordered_by_the_mean_prediction() -> None:
    # all vote 1 to 1; the means of the largest class are 0.75, 0.55 and 0.65
    draws = [
        [[1.0, 0.0], [0.5 - 1e-9, 0.5 + 1e-9]],
        [[0.6, 0.4], [0.5 - 0.1, 0.6]],
        [[0.8, 0.2], [0.45, 0.55]],
    ]
    means = np.asarray(draws).mean(axis=1).max(axis=1)
    assert select("variation_ratio", draws=draws, batch=3, seed=0).tolist() == np.argsort(means).tolist()


def test_the_mean_prediction_never_outvotes_a_vote() -> None:
    # 49 to 51 votes with a confident mean, before 48 to 52 with a mean that could not be less confident
    votes = [[51.0, 49.0], [52.0, 48.0]]
    mean = [[1.0, 0.0], [0.5, 0.5]]
    assert select("variation_ratio", votes=votes, mean_proba=mean, batch=2, seed=0).tolist() == [0, 1]


def test_the_mean_form_reads_no_votes() -> None:
    assert VariationRatio(form="mean").needs == {"mean_proba"}
    assert VariationRatio().needs == {"mean_proba", "votes"}
    score = VariationRatio(form="mean").score(Signals({"mean_proba": [[0.2, 0.8], [1.00005, 0.0]]}), RNG)
    assert score.tolist() == pytest.approx([0.2, 0.0])


@pytest.mark.parametrize("votes", [[0.0, 0.0], [3.0, -1.0]])
def test_items_without_votes_are_refused(votes: list[float]) -> None:
    with pytest.raises(SignalError, match=re.escape(f"at least one an item; row 1 is {votes}")):
        variation_ratio(np.array([[1.0, 1.0], votes]))


def test_items_without_votes_are_refused_before_anything_is_divided() -> None:
    with pytest.raises(SignalError, match=re.escape("row 1 is [0.0, 0.0]")):
        select(
            "variation_ratio", votes=[[1.0, 0.0], [0.0, 0.0]], mean_proba=[[0.5, 0.5]] * 2, batch=1, seed=0
        )


def test_another_form_is_refused() -> None:
    with pytest.raises(ParameterError, match="'form' must be 'count' or 'mean'; received 'median'"):
        select({"name": "variation_ratio", "form": "median"}, draws=[[[0.5, 0.5]]], batch=1, seed=0)
