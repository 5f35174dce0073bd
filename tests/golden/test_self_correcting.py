"""The value of a batch beside its picks: from halves of the draws, while all draws rank."""

import re
from typing import Any

import numpy as np
import pytest

from nextlabel import Signals, build, names
from nextlabel.core.registry import resolve
from nextlabel.core.signals import derivable
from nextlabel.core.strategy import Picks, Scorer, Strategy
from nextlabel.errors import BatchSizeError, ParameterError
from nextlabel.maths.maxima import self_correcting
from nextlabel.strategies.bald import BALD
from nextlabel.strategies.margin import Margin
from nextlabel.strategies.mean_std import MeanSTD
from nextlabel.strategies.self_correcting import SelfCorrecting
from nextlabel.testing.examples import example
from nextlabel.testing.signals import example_arrays

NOISY = ("bald", "entropy", "least_confident", "margin", "mean_std", "variation_ratio")


def drawn(n: int = 30, m: int = 8, seed: int = 0) -> Signals:
    return Signals(example_arrays({"draws"}, n=n, m=m, seed=seed))


def pick(of: Scorer, signals: Signals, batch: int = 4, **options: Any) -> Picks:
    return SelfCorrecting(of, **options).pick(signals, batch, np.random.default_rng(0))


@pytest.mark.parametrize("name", NOISY)
def test_picks_and_scores_are_those_of_the_scorer_on_all_draws(name: str) -> None:
    signals, of = drawn(m=7), build("strategy", name)
    plain = of.pick(signals, 5, np.random.default_rng(0))
    found = pick(of, signals, 5)
    assert found.positions.tolist() == plain.positions.tolist()
    assert found.scores is not None
    assert found.scores.tolist() == plain.scores.tolist()
    assert plain.value is None
    assert found.value is not None


def test_the_value_is_read_on_the_half_that_did_not_choose() -> None:
    signals = drawn(m=8)
    first, other = (
        BALD().score(Signals({"draws": signals["draws"][:, half]}), np.random.default_rng(0))
        for half in (slice(0, 4), slice(4, 8))
    )
    for beta in (0.0, 0.75, 1.0):
        expected = [self_correcting(a, b, beta=beta, batch=4) for a, b in ((first, other), (other, first))]
        assert pick(BALD(), signals, beta=beta).value == pytest.approx(np.mean(expected))


def test_the_value_is_below_the_mean_of_the_best_scores() -> None:
    signals = drawn(n=200, m=4)
    found = pick(MeanSTD(), signals)
    assert found.value is not None
    assert found.scores is not None
    assert found.value < found.scores.mean()
    assert found.value < pick(MeanSTD(), signals, beta=0.0).value  # type: ignore[operator]


def test_of_an_odd_number_of_draws_the_last_is_left_out_of_the_value() -> None:
    draws = np.array(drawn(m=5)["draws"])
    spoilt = draws.copy()
    spoilt[:, 4] = spoilt[::-1, 4]
    one, other = (pick(BALD(), Signals({"draws": some})) for some in (draws, spoilt))
    assert one.value == other.value
    assert one.scores is not None
    assert other.scores is not None
    assert one.scores.tolist() != other.scores.tolist()


def test_draws_that_agree_give_the_score_itself() -> None:
    proba = np.random.default_rng(0).dirichlet(np.ones(3), size=9)
    signals = Signals({"draws": np.repeat(proba[:, None], 4, axis=1)})
    found = pick(Margin(of="mean_proba"), signals, 3)
    assert found.scores is not None
    assert found.value == pytest.approx(found.scores.mean())


def test_of_one_draw_no_value_can_be_told() -> None:
    found = pick(BALD(), drawn(m=1))
    assert found.value is None
    assert len(found.positions) == 4


def test_what_a_model_says_without_draws_is_not_read() -> None:
    """The halves can only tell the mean over draws, so the ranking is by that too."""
    draws = drawn(n=6)["draws"]
    proba = np.roll(draws.mean(axis=1), 1, axis=0)
    both, alone = (
        pick(Margin(), Signals(arrays), 2) for arrays in ({"draws": draws, "proba": proba}, {"draws": draws})
    )
    assert both.positions.tolist() == alone.positions.tolist()


def test_it_needs_draws() -> None:
    assert SelfCorrecting(BALD()).needs == {"draws"}
    assert SelfCorrecting(BALD()).needs_labelled == frozenset()


def test_a_batch_above_the_pool_is_refused() -> None:
    with pytest.raises(BatchSizeError, match="the 4 items at hand; received 5"):
        pick(BALD(), drawn(n=4), 5)


def test_something_else_than_a_scorer_is_refused() -> None:
    others: list[Any] = ["bald", build("strategy", "random")]
    for of in others:
        says = f"SelfCorrecting's 'of' must be a scorer, whose scores are averaged; received {of!r}"
        with pytest.raises(ParameterError, match=re.escape(says)):
            SelfCorrecting(of)


def test_a_scorer_of_more_than_draws_is_refused() -> None:
    says = (
        "must need draws alone, or what follows from them; Margin needs 'marginals'. Use for example 'bald'"
    )
    with pytest.raises(ParameterError, match=re.escape(says)):
        SelfCorrecting(Margin(of="marginals", reduce="sum"))


@pytest.mark.parametrize("name", names("strategy"))
def test_it_wraps_every_scorer_that_draws_can_serve(name: str) -> None:
    made: type[Strategy] = resolve("strategy", name)
    if not issubclass(made, Scorer):
        return
    of = example("strategy", name)
    if of.needs <= derivable({"draws"}) and not of.needs_labelled:
        assert pick(of, drawn()).value is not None
    else:
        with pytest.raises(ParameterError, match=f"{made.__name__} needs "):
            SelfCorrecting(of)


@pytest.mark.parametrize("beta", [-1.0, float("nan"), "1"])
def test_a_beta_that_makes_no_sense_is_refused(beta: Any) -> None:
    says = f"SelfCorrecting's 'beta' must be a finite number of at least 0; received {beta!r}"
    with pytest.raises(ParameterError, match=re.escape(says)):
        SelfCorrecting(BALD(), beta=beta)
