"""Look-ahead: frozen as entropy, refits as fits from scratch, weights, losses, and what it cannot do."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nextlabel import Signals, select
from nextlabel.errors import ConvergenceError, MissingSignal, NoLabels, ParameterError, SignalError
from nextlabel.maths.refits import refits
from nextlabel.maths.regression import SoftmaxHead
from nextlabel.maths.remaining import left_by_heads, losses
from nextlabel.strategies.look_ahead import LookAhead, look_ahead
from nextlabel.testing.definitions.look_ahead import defined, left
from nextlabel.testing.laws import Question

Floats = NDArray[np.float64]
WEIGHTS = ("posterior", "uniform", "optimistic", "pessimistic")


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def asked(seed: int, n: int = 6, c: int = 2, d: int = 2, rows: int = 5) -> Question:
    """A pool, what a model says of it, and labelled items of all classes but for none that is named."""
    draw = rng(seed)
    return Question(
        {"proba": draw.dirichlet(np.ones(c), n), "embedding": draw.standard_normal((n, d))},
        3,
        {"embedding": draw.standard_normal((rows, d))},
        np.arange(rows) % c,
    )


def picked(question: Question, **settings: Any) -> list[int]:
    seed = settings.pop("seed", 0)
    method = {"name": "look_ahead", **settings}
    needed = {"proba"} if settings.get("refit") == "frozen" else {"proba", "embedding"}
    positions = select(
        method,
        batch=question.batch,
        seed=seed,
        labelled=question.labelled,
        labels=question.labels,
        **{name: question.signals[name] for name in needed},
    )
    return [int(one) for one in positions]


def scored(question: Question, batch: int, **settings: Any) -> tuple[list[int], Floats]:
    signals = Signals(
        question.signals,
        labelled=None if question.labelled is None else Signals(question.labelled),
        labels=question.labels,
    )
    picks = LookAhead(**settings).pick(signals, batch, rng())
    assert picks.scores is not None
    return picks.positions.tolist(), picks.scores


def by_loop(question: Question, weights: str, loss: str, penalty: float = 1.0) -> Floats:
    """The value of each item by a fit from scratch for each label, with SciPy's BFGS."""
    assert question.labelled is not None
    assert question.labels is not None
    proba, pool = question.signals["proba"], question.signals["embedding"]
    values = np.zeros(question.n)
    for item in range(question.n):
        others = np.delete(pool, item, axis=0)
        inner = np.zeros(proba.shape[1])
        for label in range(proba.shape[1]):
            rows = np.vstack([question.labelled["embedding"], pool[item]])
            head = from_scratch(rows, np.append(question.labels, label), proba.shape[1], penalty)
            said = np.exp(head.log_proba(others))
            inner[label] = losses(said, loss).sum()  # type: ignore[arg-type]
        together = {"uniform": inner.sum(), "optimistic": inner.min(), "pessimistic": inner.max()}
        values[item] = together.get(weights, inner @ proba[item])
    return values


def from_scratch(features: Floats, labels: NDArray[np.int64], c: int, penalty: float) -> SoftmaxHead:
    """Every class has a label here, so that no bias is penalised."""
    from scipy.optimize import minimize

    d = features.shape[1]

    def lost(flat: Floats) -> float:
        head = SoftmaxHead(flat[: c * d].reshape(c, d), flat[c * d :])
        fit = head.log_proba(features)[np.arange(len(labels)), labels].sum()
        return float(0.5 * penalty * np.square(head.weights).sum() - fit)

    def slope(flat: Floats) -> Floats:
        head = SoftmaxHead(flat[: c * d].reshape(c, d), flat[c * d :])
        off = np.exp(head.log_proba(features)) - np.eye(c)[labels]
        return np.concatenate([(off.T @ features + penalty * head.weights).ravel(), off.sum(axis=0)])

    done = minimize(lost, np.zeros(c * d + c), jac=slope, method="BFGS", options={"gtol": 1e-11})
    return SoftmaxHead(done.x[: c * d].reshape(c, d), done.x[c * d :])


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("c", [2, 3, 4])  # of three labelled rows: one class, then, has none
def test_it_follows_its_definition(seed: int, c: int) -> None:
    question = asked(seed, n=7, c=c, rows=3)
    weights = defined().weights
    assert weights is not None
    picks = picked(question)
    for place, pick in enumerate(picks):
        assert weights(question, picks[:place])[pick] > 0.0


@pytest.mark.parametrize("rows", [1, 2, 7])
@pytest.mark.parametrize("refit", ["newton", "last_layer"])
def test_values_are_those_of_the_definition(refit: str, rows: int) -> None:
    # six classes: of one, two or six the labelled items have some, so that absent ones are taken together
    question = asked(3, n=5, c=6, d=3, rows=rows)
    positions, scores = scored(question, 5, refit=refit)
    expected = left(question, steps=1 if refit == "newton" else 100)
    np.testing.assert_allclose(-scores, expected[positions], rtol=1e-9)


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("loss", ["entropy", "zero_one"])
def test_last_layer_is_a_double_loop_of_fits_from_scratch(weights: str, loss: str) -> None:
    for seed in range(3):
        question = asked(seed, n=6, c=2, rows=4)
        positions, scores = scored(question, 6, refit="last_layer", weights=weights, loss=loss)
        np.testing.assert_allclose(-scores, by_loop(question, weights, loss)[positions], atol=1e-8)


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("sequential", [False, True])
def test_a_frozen_model_ranks_as_entropy_does(weights: str, sequential: bool) -> None:
    question = asked(1, n=30, c=3)
    proba = question.signals["proba"]
    by_entropy = select("entropy", proba=proba, batch=30, seed=0).tolist()
    settings: dict[str, Any] = {"refit": "frozen", "weights": weights, "sequential": sequential}
    some = select({"name": "look_ahead", **settings, "candidates": 1}, proba=proba, batch=30, seed=0)
    assert some.tolist() == by_entropy
    positions, scores = scored(question, 30, **settings)
    doubt = losses(proba, "entropy")
    times = 3 if weights == "uniform" else 1
    np.testing.assert_allclose(-scores, times * (doubt.sum() - doubt[positions]), rtol=1e-12)
    least_sure = select("least_confident", proba=proba, batch=30, seed=0).tolist()
    assert scored(question, 30, **settings, loss="zero_one")[0] == least_sure


def test_a_certain_posterior_counts_one_label_alone() -> None:
    question = asked(2, n=6, c=3, rows=6)
    sure = np.eye(3)[[0, 1, 2, 0, 1, 2]]
    question = Question({**question.signals, "proba": sure}, 3, question.labelled, question.labels)
    positions, scores = scored(question, 6)
    one = refits(question.labelled["embedding"], question.labels, 3, penalty=1.0)  # type: ignore[index, arg-type]
    for position, score in zip(positions, scores, strict=True):
        heads = one.newton(np.append(question.signals["embedding"][position], 1.0))
        others = np.delete(question.signals["embedding"], position, axis=0)
        rows = np.column_stack([others, np.ones(5)])
        values = left_by_heads(heads, rows, np.ones(5), "entropy")
        assert -score == pytest.approx(values[sure[position].argmax()], rel=1e-9)


def test_weights_join_the_values_of_single_labels() -> None:
    question = asked(4, n=8, c=3, rows=6)

    def values(weights: str) -> Floats:
        positions, scores = scored(question, 8, weights=weights)
        return -scores[np.argsort(positions)]

    posterior, uniform, least, most = (values(weights) for weights in WEIGHTS)
    for label in range(3):  # a sure posterior gives the value of one label
        proba = np.tile(np.eye(3)[label], (8, 1))
        sure = Question({**question.signals, "proba": proba}, 3, question.labelled, question.labels)
        positions, scores = scored(sure, 8)
        single = -scores[np.argsort(positions)]
        uniform, posterior = uniform - single, posterior - question.signals["proba"][:, label] * single
        assert (least <= single + 1e-9).all()
        assert (single <= most + 1e-9).all()
    np.testing.assert_allclose(uniform, 0.0, atol=1e-8)
    np.testing.assert_allclose(posterior, 0.0, atol=1e-8)


def test_one_in_turn_takes_each_pick_as_labelled() -> None:
    question = asked(6, n=9, c=3, rows=5)
    proba, pool = question.signals["proba"], question.signals["embedding"]
    picks = picked(question, sequential=True)
    assert picks[0] == picked(question)[0]
    assert question.labelled is not None
    assert question.labels is not None
    rest = np.delete(np.arange(9), picks[0])
    # what is left is a question of its own, since every class has a label already
    after = Question(
        {"proba": proba[rest], "embedding": pool[rest]},
        2,
        {"embedding": np.vstack([question.labelled["embedding"], pool[picks[0]]])},
        np.append(question.labels, proba[picks[0]].argmax()),
    )
    assert picks[1:] == rest[picked(after, sequential=True)].tolist()
    # what is picked is no longer in the pool, so that the values agree too
    of_batch, of_rest = scored(question, 3, sequential=True)[1], scored(after, 2, sequential=True)[1]
    np.testing.assert_allclose(of_batch[1:], of_rest, rtol=1e-8)
    assert picked(question, sequential=True) != picked(question)


@pytest.mark.parametrize("seed", range(4))
def test_items_that_mirror_one_another_are_a_tie(seed: int) -> None:
    # the labelled items, the pool and its probabilities stay as they are when x turns into −x and the two
    # classes change places; so the two best items are of equal value, and rounding must not choose. That one
    # of them is never first in 40 seeds has a chance of 2 · 2⁻⁴⁰
    draw = rng(seed)
    half, said, seen = (
        draw.standard_normal((9, 7)),
        draw.dirichlet(np.ones(2), 9),
        draw.standard_normal((8, 7)),
    )
    question = Question(
        {"proba": np.concatenate([said, said[:, ::-1]]), "embedding": np.concatenate([half, -half])},
        1,
        {"embedding": np.concatenate([seen, -seen])},
        np.repeat([0, 1], 8),
    )
    found = {picked(question, seed=one)[0] for one in range(40)}
    assert len(found) == 2
    assert len({item % 9 for item in found}) == 1


def test_candidates_are_the_items_of_largest_entropy() -> None:
    question = asked(8, n=40, c=3)
    doubt = losses(question.signals["proba"], "entropy")
    for candidates, batch in ((3, 3), (5, 3), (1, 4)):
        one = Question(question.signals, batch, question.labelled, question.labels)
        offered = np.argsort(-doubt)[: max(candidates, batch)].tolist()
        assert set(picked(one, candidates=candidates)) <= set(offered)
    assert len(set(picked(question)) - set(np.argsort(-doubt)[:3].tolist())) > 0


def test_a_sum_over_some_items_stands_for_the_pool_and_not_for_the_seed() -> None:
    question = asked(9, n=400, c=3, rows=12)
    whole = dict(zip(*scored(question, 50, evaluation=400, candidates=50), strict=True))
    some = dict(zip(*scored(question, 50, evaluation=100, candidates=50), strict=True))
    assert whole.keys() == some.keys()
    ratio = np.array([some[item] / whole[item] for item in whole])
    assert np.abs(ratio - 1.0).max() < 0.1
    method = LookAhead(evaluation=100)
    seeds = [
        select(
            method, batch=5, seed=seed, labelled=question.labelled, labels=question.labels, **question.signals
        )
        for seed in range(3)
    ]
    assert (seeds[0] == seeds[1]).all()
    assert (seeds[0] == seeds[2]).all()
    order = rng().permutation(400)
    moved = {name: array[order] for name, array in question.signals.items()}
    again = select(method, batch=5, seed=0, labelled=question.labelled, labels=question.labels, **moved)
    assert order[again].tolist() == seeds[0].tolist()


def test_the_items_summed_over_are_the_middles_of_equal_parts() -> None:
    question = asked(7, n=9, c=2, rows=4)
    proba, pool = question.signals["proba"], question.signals["embedding"]
    middles = np.argsort(losses(proba, "entropy"))[[1, 4, 7]]  # of the three least sure, and so on
    rows = np.column_stack([pool[middles], np.ones(3)])
    positions, scores = scored(question, 9, evaluation=3)
    head = refits(question.labelled["embedding"], question.labels, 2, penalty=1.0)  # type: ignore[index, arg-type]
    for position, score in zip(positions, scores, strict=True):
        row = np.append(pool[position], 1.0)
        heads = head.newton(row)
        values = 3.0 * left_by_heads(heads, rows, np.ones(3), "entropy")  # each stands for three
        values -= left_by_heads(heads, row[None], np.ones(1), "entropy")  # it is labelled then
        assert -score == pytest.approx(float(values @ proba[position]), rel=1e-9)


def test_a_thousand_classes_cost_no_more_than_those_seen() -> None:
    question = asked(3, n=4, c=1000, d=4, rows=4)
    positions, scores = scored(question, 4)
    assert sorted(positions) == [0, 1, 2, 3]
    assert np.isfinite(scores).all()


def test_one_class_among_the_labels_is_answered() -> None:
    question = asked(5, n=6, c=3, rows=4)
    for label in range(3):
        one = Question(question.signals, 3, question.labelled, np.full(4, label))
        for refit in ("newton", "last_layer"):
            assert len(set(picked(one, refit=refit))) == 3


@pytest.mark.parametrize("refit", ["newton", "last_layer"])
def test_no_labelled_items_are_refused_unless_frozen(refit: str) -> None:
    question = asked(5)
    for labelled, labels, said in (
        (None, None, "0 labelled rows and no labels"),
        ({"embedding": np.empty((0, 2))}, [], "0 labelled rows and 0 labels"),
        (question.labelled, None, "5 labelled rows and no labels"),
    ):
        with pytest.raises(
            NoLabels, match=f"refit='{refit}' fits .*; received {said}. Label some .*'frozen'"
        ):
            select(
                {"name": "look_ahead", "refit": refit},
                batch=1,
                seed=0,
                labelled=labelled,
                labels=labels,
                **question.signals,
            )
    frozen = {"name": "look_ahead", "refit": "frozen"}
    assert len(select(frozen, batch=2, seed=0, proba=question.signals["proba"])) == 2


def test_without_penalty_separable_classes_and_lone_features_are_refused() -> None:
    question = asked(5)
    apart = Question(
        question.signals, 1, {"embedding": np.array([[-1.0, 0.0], [1.0, 0.0]])}, np.array([0, 1])
    )
    with pytest.raises(ConvergenceError, match="Without a penalty there is no solution"):
        picked(apart, penalty=0.0)
    mixed = np.array([[-1.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [1.0, 0.0]])
    flat = Question(question.signals, 1, {"embedding": mixed}, np.array([0, 1, 1, 0]))
    message = r"an inverse; it has none, since some weights .* by the 4 labelled items and the penalty of 0\."
    with pytest.raises(ConvergenceError, match=message):
        picked(flat, penalty=0.0)


def test_the_function_is_the_strategy() -> None:
    question = asked(4, n=12, c=3)
    proba, pool = question.signals["proba"], question.signals["embedding"]
    assert question.labelled is not None
    for settings in ({}, {"weights": "uniform", "loss": "zero_one"}, {"refit": "frozen"}):
        found = look_ahead(
            proba,
            3,
            embedding=pool,
            labelled=question.labelled["embedding"],
            labels=question.labels,
            rng=rng(),
            **settings,  # type: ignore[arg-type]
        )
        assert found.tolist() == picked(question, **settings)
    with pytest.raises(MissingSignal, match=r"refit='newton' needs 'embedding', .*or use refit='frozen'"):
        look_ahead(proba, 1, rng=rng())
    with pytest.raises(SignalError, match="'labelled' and 'embedding' must agree on axis 'd'"):
        look_ahead(proba, 1, embedding=pool, labelled=np.ones((1, 3)), labels=np.array([0]), rng=rng())


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"refit": "thawed"}, "'refit' must be 'frozen', 'newton' or 'last_layer'; received 'thawed'"),
        ({"weights": "prior"}, "'weights' must be .* or 'pessimistic'; received 'prior'"),
        ({"loss": "hinge"}, "'loss' must be 'entropy' or 'zero_one'; received 'hinge'"),
        ({"candidates": 0}, "'candidates' must be a whole number from 1 up; received 0"),
        ({"evaluation": 0.5}, "'evaluation' must be a whole number from 1 up; received 0.5"),
        ({"penalty": -1.0}, "'penalty' must be a finite number of at least 0; received -1.0"),
        ({"sequential": 1}, "'sequential' must be True or False; received 1"),
    ],
)
def test_parameters_out_of_range_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=f"LookAhead's {message}"):
        LookAhead(**wrong)


def test_what_is_needed_follows_the_refit() -> None:
    assert LookAhead(refit="frozen").needs == {"proba"}
    assert LookAhead(refit="frozen").needs_labelled == set()
    assert LookAhead().needs == {"proba", "embedding"}
    assert LookAhead().needs_labelled == {"embedding"}
