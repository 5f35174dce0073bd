"""Information measures: what follows from their functions, and where a kernel stays positive definite."""

from typing import Any

import numpy as np
import pytest

from nextlabel.maths.information_measures import information_measure
from nextlabel.maths.similarity import factor_directions
from nextlabel.strategies.submodular import submodular
from nextlabel.testing.definitions.submodular import cosines, value_of
from nextlabel.testing.laws import Question

FUNCTIONS = ("facility_location", "graph_cut", "log_det")


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def question(seed: int) -> Question:
    """Seven items, and six labelled ones of three classes."""
    pool, labelled = rng(seed).normal(size=(7, 3)), rng(seed + 100).normal(size=(6, 3))
    return Question({"embedding": pool}, 4, labelled={"embedding": labelled}, labels=np.arange(6) % 3)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_measures_follow_from_the_function_by_their_identities(function: str) -> None:
    """I(A;Q) = f(A) + f(Q) − f(A∪Q), f(A|P) = f(A∪P) − f(P), and both at once; over one ground set."""
    options = {"function": function, "mutual": "flvmi", "jitter": 0.1}
    for seed in range(10):
        about = question(seed)
        named = value_of(about, **options, measure="mutual_information", query_classes=(1,))
        given = value_of(about, **options, measure="conditional_gain", private_classes=(0,))
        both = value_of(
            about,
            **options,
            measure="conditional_mutual_information",
            query_classes=(1,),
            private_classes=(0,),
        )
        f = base(about, function)
        batch, q, p = [0, 3, 4], [8, 11], [7, 10]  # labelled rows come after the pool of 7
        assert named(batch) == pytest.approx(f(batch) + f(q) - f([*batch, *q]), abs=1e-10)
        assert given(batch) == pytest.approx(f([*batch, *p]) - f(p), abs=1e-10)
        shared = f([*batch, *p]) + f([*q, *p]) - f([*batch, *q, *p]) - f(p)
        assert both(batch) == pytest.approx(shared, abs=1e-10)


def base(about: Question, function: str) -> Any:
    """f over pool and labelled rows together, summed over the pool."""
    assert about.labelled is not None
    s = cosines(np.concatenate([about.signals["embedding"], about.labelled["embedding"]]))
    clipped, n = np.maximum(s, 0.0), about.n

    def f(batch: list[int]) -> float:
        if function == "facility_location":
            return float(clipped[:n, batch].max(axis=1).sum())
        if function == "graph_cut":
            return float(clipped[:n, batch].sum() - 0.5 * clipped[np.ix_(batch, batch)].sum())
        return float(np.linalg.slogdet(s[np.ix_(batch, batch)] + 0.1 * np.eye(len(batch)))[1])

    return f


def test_graph_cut_shares_twice_lambda_times_the_similarity() -> None:
    about = question(1)
    value = value_of(about, function="graph_cut", measure="mutual_information", query_classes=(1,), lam=0.3)
    assert about.labelled is not None
    s = np.maximum(cosines(np.concatenate([about.signals["embedding"], about.labelled["embedding"]])), 0.0)
    assert value([0, 3, 4]) == pytest.approx(0.6 * s[np.ix_([0, 3, 4], [8, 11])].sum(), abs=1e-12)
    query = factor_directions(about.labelled["embedding"][[1, 4]])
    ours = information_measure(
        "graph_cut", factor_directions(about.signals["embedding"]), query=query, lam=0.3
    )
    assert ours.gains(np.array([0, 3, 4])).sum() == pytest.approx(value([0, 3, 4]), abs=1e-12)


def test_a_clipped_kernel_has_no_log_determinant() -> None:
    """Why cosines of log-determinants are not clipped: an eigenvalue would be negative."""
    turns = np.arange(8) * np.pi / 4.0
    s = cosines(np.column_stack([np.cos(turns), np.sin(turns)]))
    # circulant: eigenvalues of the clipped one are 1 + sqrt(2)·cos(k·π/4), at k = 4 below zero
    assert np.linalg.eigvalsh(s).min() > -1e-12
    assert np.linalg.eigvalsh(np.maximum(s, 0.0)).min() == pytest.approx(1.0 - np.sqrt(2.0))


def test_unequal_weights_keep_the_kernel_positive_definite_only_if_all_blocks_are_scaled() -> None:
    """The paper scales the cosines with the query and with the private set, not those between the two.

    With one direction for all, ν = 1 and η = 0 that kernel has a negative eigenvalue.
    """
    s = np.ones((3, 3))
    paper = s * np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
    ours = s * np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    assert np.linalg.eigvalsh(paper).min() < -0.4
    assert np.linalg.eigvalsh(ours).min() > -1e-12
    one = np.ones((4, 1))
    picked = submodular(
        one, 4, function="log_det", measure="conditional_mutual_information", eta=0.0, nu=1.0,
        labelled=one[:2], labels=np.array([0, 1]), query_classes=(0,), rng=rng(),
    )  # fmt: skip
    assert sorted(picked.tolist()) == [0, 1, 2, 3]


def test_a_private_set_is_never_summed_over_the_query() -> None:
    items, query, private = (factor_directions(rng(seed).normal(size=(5, 3))) for seed in range(3))
    for over_query in (True, False):
        both = information_measure(
            "facility_location", items, query=query, private=private, over_query=over_query
        )
        pool = np.maximum(cosines(np.concatenate([items[0], query[0], private[0]])), 0.0)[:5]
        ceiling, floor = pool[:, 5:10].max(axis=1), pool[:, 10:].max(axis=1)
        gains = np.maximum(np.minimum(pool[:, :5], ceiling[:, None]) - floor[:, None], 0.0).sum(axis=0)
        np.testing.assert_allclose(both.gains(np.arange(5)), gains, atol=1e-12)


def test_rounding_never_takes_a_variance_below_the_jitter() -> None:
    items = factor_directions(np.repeat(np.random.default_rng(0).standard_normal((3, 4)), 20, axis=0))
    objective = information_measure("log_det", items, jitter=1e-16)
    for position in (0, 20, 40, 1):
        objective.take(position)
    copies = objective.gains(np.arange(1, 60))
    assert np.isfinite(copies).all()
    assert copies.min() >= np.log(1e-16)
