"""Stochastic batches where chance leaves no choice, and their propensities."""

import re
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import pytest

from nextlabel import Signals, select
from nextlabel.core.registry import build
from nextlabel.core.strategy import Picks, Scorer
from nextlabel.errors import ParameterError
from nextlabel.maths.axes import Scores
from nextlabel.strategies.stochastic import Stochastic


@final
@dataclass(frozen=True)
class Given(Scorer):
    """The scores are a signal, so that a test can say them."""

    lowest_score: float = 0.0

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"loss"})

    @property
    def needs_labelled(self) -> frozenset[str]:
        return frozenset({"embedding"})

    @property
    def lowest(self) -> float:
        return self.lowest_score

    def score(self, signals: Signals, rng: np.random.Generator) -> Scores:
        return np.asarray(signals["loss"], np.float64)


def picks(scores: Any, batch: int, *, seed: int = 0, **parameters: Any) -> Picks:
    of = Given(parameters.pop("lowest", 0.0))
    signals = Signals({"loss": np.asarray(scores, np.float64)})
    return Stochastic(of, **parameters).pick(signals, batch, np.random.default_rng(seed))


@pytest.mark.parametrize(("kind", "beta"), [("power", 1e4), ("softmax", 1e5), ("softrank", 1e4)])
def test_a_large_beta_takes_the_best(kind: str, beta: float) -> None:
    # weights of neighbours differ by a factor of e^40 and more, so another order has a chance below 1e-17
    scores = np.random.default_rng(1).permutation(30) / 30.0 + 0.1
    assert picks(scores, 8, kind=kind, beta=beta).positions.tolist() == np.argsort(-scores)[:8].tolist()


@pytest.mark.parametrize(("kind", "weights"), [("power", [4, 1, 9]), ("softrank", [1 / 4, 1 / 9, 1])])
def test_propensities_are_those_of_the_weights(kind: str, weights: list[float]) -> None:
    found = picks([2.0, 1.0, 3.0], 3, kind=kind, beta=2.0)
    weight = np.array(weights)[found.positions]
    left = weight[::-1].cumsum()[::-1]
    assert found.propensities is not None
    assert found.propensities == pytest.approx(weight / left, abs=1e-12)


def test_softmax_weights_are_exponentials() -> None:
    found = picks([2.0, 1.0, 3.0], 1, kind="softmax", beta=0.5)
    weight = np.exp(0.5 * np.array([2.0, 1.0, 3.0]))
    assert found.propensities is not None
    assert found.propensities[0] == pytest.approx(weight[found.positions[0]] / weight.sum(), abs=1e-12)


def test_power_is_invariant_to_scale_softmax_to_shift_and_softrank_to_any_increasing_map() -> None:
    scores = np.random.default_rng(1).random(40) + 0.05
    for kind, changed in (
        ("power", 37.0 * scores),
        ("softmax", scores + 5.0),
        ("softrank", np.exp(9.0 * scores)),
    ):
        before, after = (picks(s, 6, kind=kind, seed=3) for s in (scores, changed))
        assert before.positions.tolist() == after.positions.tolist()
        assert before.propensities == pytest.approx(after.propensities, rel=1e-9)


def test_scores_of_zero_only_fill() -> None:
    found = picks([0.0, 2.0, 0.0, 1.0], 3, seed=5)
    assert set(found.positions[:2].tolist()) == {1, 3}
    assert found.propensities is not None
    assert found.propensities[2] == pytest.approx(0.5)


def test_scores_that_are_all_zero_are_drawn_uniformly() -> None:
    found = picks([0.0] * 4, 2)
    assert found.propensities is not None
    assert found.propensities.tolist() == pytest.approx([1 / 4, 1 / 3])


def test_power_measures_from_the_lowest_score() -> None:
    # 1 − margin: weights 0.5 and 1
    found = picks([-0.5, 0.0], 2, lowest=-1.0)
    first = {0: 1.0 / 3.0, 1: 2.0 / 3.0}[int(found.positions[0])]
    assert found.propensities is not None
    assert found.propensities.tolist() == pytest.approx([first, 1.0])


def test_margin_certain_items_only_fill() -> None:
    proba = [[1.0, 0.0], [0.6, 0.4], [1.0, 0.0]]
    spec = {"name": "stochastic", "of": "margin"}
    assert [select(spec, proba=proba, batch=1, seed=seed)[0] for seed in range(20)] == [1] * 20


def test_a_beta_beyond_reason_does_not_overflow() -> None:
    for kind in ("power", "softmax"):
        assert picks([1.0, 3.0, 2.0], 3, kind=kind, beta=1e300).positions.tolist() == [1, 2, 0]


def test_scores_are_those_of_the_scorer() -> None:
    found = picks([5.0, 7.0, 6.0], 2)
    assert found.scores is not None
    assert found.scores.tolist() == [np.array([5.0, 7.0, 6.0])[i] for i in found.positions]


def test_it_needs_what_its_scorer_needs() -> None:
    assert Stochastic(Given()).needs == {"loss"}
    assert Stochastic(Given()).needs_labelled == {"embedding"}


def test_power_refuses_a_score_below_the_lowest() -> None:
    says = "needs scores from 0 up, the lowest that Given declares; the item at 1 scores -0.25"
    with pytest.raises(ParameterError, match=re.escape(says)):
        picks([1.0, -0.25], 1)
    assert picks([1.0, -0.25], 2, kind="softmax").positions.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"of": "badge"}, "'of' must be a scorer, whose scores are perturbed; received BADGE("),
        ({"of": "bald", "beta": 0.0}, "'beta' must be a finite number above 0; received 0.0"),
        ({"of": "bald", "beta": float("inf")}, "above 0; received inf"),
        ({"of": "bald", "beta": "1"}, "above 0; received '1'"),
        (
            {"of": "bald", "kind": "gumbel"},
            "'kind' must be 'power', 'softmax' or 'softrank'; received 'gumbel'",
        ),
        (
            {"of": {"name": "margin", "of": "marginals", "reduce": "sum"}},
            "needs scores with a lowest value, which Margin(of='marginals', reduce='sum') has not",
        ),
    ],
)
def test_parameters_that_make_no_sense_are_refused(parameters: dict[str, Any], says: str) -> None:
    with pytest.raises(ParameterError, match=re.escape(says)):
        build("strategy", {"name": "stochastic", **parameters})
