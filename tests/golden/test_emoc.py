"""EMOC: its definition, its limits, which items are watched, and what is left to the learner."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nextlabel import Signals, build, select
from nextlabel.errors import MissingSignal, ParameterError, SignalError
from nextlabel.maths.output_change import last_layer_change
from nextlabel.strategies.emoc import EMOC, emoc
from nextlabel.testing.definitions.emoc import defined
from nextlabel.testing.laws import Question

Floats = NDArray[np.float64]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def pool(seed: int, n: int = 10, c: int = 3, d: int = 4) -> tuple[Floats, Floats]:
    return rng(seed).dirichlet(np.ones(c), n), rng(seed + 1).standard_normal((n, d))


@pytest.mark.parametrize("seed", range(5))
def test_it_follows_its_definition(seed: int) -> None:
    proba, embedding = pool(seed)
    picks = select("emoc", proba=proba, embedding=embedding, batch=5, seed=seed).tolist()
    question = Question({"proba": proba, "embedding": embedding}, 5)
    weights = defined().weights
    assert weights is not None
    for k, pick in enumerate(picks):
        assert weights(question, picks[:k])[pick] > 0.0


def test_no_item_is_watched_twice() -> None:
    proba, embedding = pool(4, n=6)
    of_five = [
        last_layer_change(proba, embedding, np.delete(proba, one, axis=0), np.delete(embedding, one, axis=0))
        for one in range(6)
    ]
    for seed in range(5):
        found = emoc(proba, embedding, reference=5, rng=rng(seed))
        assert min(np.abs(found - expected).max() for expected in of_five) < 1e-12


def test_equal_features_leave_the_gini_impurity_or_least_confidence() -> None:
    proba = rng(2).dirichlet(np.ones(4), 40)
    same = np.full((40, 3), 0.7)
    gini, doubt = 1 - (proba**2).sum(axis=1), 1 - proba.max(axis=1)
    for labels, expected in (("marginal", gini), ("map", doubt)):
        method = {"name": "emoc", "labels": labels, "of": "logits"}
        picks = select(method, proba=proba, embedding=same, batch=40, seed=0)
        assert picks.tolist() == np.argsort(-expected).tolist()


def test_certain_items_change_nothing_and_come_last() -> None:
    proba, embedding = pool(3)
    proba[4] = [0.0, 1.0, 0.0]
    for labels in ("marginal", "map"):
        scores = emoc(proba, embedding, labels=labels, rng=rng())
        assert scores[4] == 0.0
        assert scores.argmin() == 4


def test_where_the_prediction_is_certain_marginal_and_map_are_the_same() -> None:
    proba, embedding = np.eye(3)[[0, 2, 1, 1]], rng().standard_normal((4, 2))
    both = [emoc(proba, embedding, labels=labels, rng=rng()).tolist() for labels in ("marginal", "map")]
    assert both[0] == both[1] == [0.0] * 4


def test_long_embeddings_win_unless_they_are_normalised() -> None:
    proba = np.array([[0.5, 0.5], [0.8, 0.2]])
    embedding = np.array([[1.0, 0.0], [9.0, 0.0]])
    assert emoc(proba, embedding, rng=rng()).argmax() == 1
    assert emoc(proba, embedding, normalise=True, rng=rng()).argmax() == 0


def test_a_pool_no_larger_than_the_reference_is_watched_whole() -> None:
    proba, embedding = pool(5)
    whole = last_layer_change(proba, embedding, proba, embedding)
    for seed, reference in ((0, 10), (1, 1000)):
        assert (emoc(proba, embedding, reference=reference, rng=rng(seed)) == whole).all()


def test_a_larger_pool_is_watched_on_a_uniform_draw() -> None:
    """With one item watched, the scores are those of one of the ten, and each of them comes up.

    One of ten missing in 200 draws: 10·(9/10)²⁰⁰ < 1e-8.
    """
    proba, embedding = pool(6)
    of_each = [
        last_layer_change(proba, embedding, proba[i : i + 1], embedding[i : i + 1]).tolist()
        for i in range(10)
    ]
    generator = rng()
    watched = {of_each.index(emoc(proba, embedding, reference=1, rng=generator).tolist()) for _ in range(200)}
    assert watched == set(range(10))
    first, again = (emoc(proba, embedding, reference=4, rng=rng(3)).tolist() for _ in range(2))
    assert first == again


@pytest.mark.parametrize(
    "option",
    [{"labels": "map"}, {"of": "logits"}, {"reference": 3}, {"normalise": True}, {"include_bias": True}],
)
def test_the_strategy_hands_on_each_of_its_parameters(option: dict[str, Any]) -> None:
    proba, embedding = pool(8)
    signals = Signals({"proba": proba, "embedding": embedding})
    found = EMOC(**option).score(signals, rng())
    assert found.tolist() == emoc(proba, embedding, rng=rng(), **option).tolist()
    assert found.tolist() != EMOC().score(signals, rng()).tolist()


def test_a_scale_multiplies_all_scores_by_its_square() -> None:
    proba, embedding = pool(7)
    straight = emoc(proba, embedding, rng=rng())
    np.testing.assert_allclose(emoc(proba, 8.0 * embedding, rng=rng()), 64.0 * straight, rtol=1e-12)


def test_the_full_jacobian_is_the_learner_s_own_answer() -> None:
    method = build("strategy", {"name": "emoc", "jacobian": "full"})
    assert method.needs == {"output_change"}
    signals = Signals({"output_change": np.array([0.1, 0.4, 0.2])})
    picks = method.pick(signals, 2, rng())
    assert picks.positions.tolist() == [1, 2]
    assert picks.scores.tolist() == [0.4, 0.2]
    with pytest.raises(MissingSignal, match="needs the signal 'output_change', which the call does not"):
        select(method, proba=[[0.5, 0.5]], embedding=[[1.0]], batch=1, seed=0)


def test_the_full_jacobian_takes_no_parameter_of_the_last_layer() -> None:
    with pytest.raises(ParameterError, match=r"takes no other parameter; received labels, normalise\. Give"):
        EMOC(jacobian="full", labels="map", normalise=True)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"jacobian": "half"}, "EMOC's 'jacobian' must be 'last_layer' or 'full'; received 'half'"),
        ({"labels": "all"}, "EMOC's 'labels' must be 'marginal' or 'map'; received 'all'"),
        ({"of": "votes"}, "EMOC's 'of' must be 'probabilities' or 'logits'; received 'votes'"),
        ({"reference": 0}, "EMOC's 'reference' must be a whole number from 1 up; received 0"),
        ({"normalise": 1}, "EMOC's 'normalise' must be True or False; received 1"),
        ({"include_bias": None}, "EMOC's 'include_bias' must be True or False; received None"),
    ],
)
def test_parameters_out_of_range_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        EMOC(**wrong)


def test_the_function_refuses_what_does_not_fit() -> None:
    proba, embedding = pool(0)
    with pytest.raises(ParameterError, match="'reference' must be a whole number from 1 up; received 0"):
        emoc(proba, embedding, reference=0, rng=rng())
    with pytest.raises(SignalError, match="'embedding' and 'proba' must agree on axis 'n'"):
        emoc(proba, embedding[:4], rng=rng())
