"""KECOR: where entropy enters, what labels leave, what happens without full rank."""

from typing import Any

import numpy as np
import pytest

from nextlabel import Signals, build, select
from nextlabel.errors import BatchSizeError, MissingSignal, ParameterError, SignalError
from nextlabel.maths.information import entropy
from nextlabel.strategies.kecor import KECOR, NoFullRank, kecor
from nextlabel.testing.definitions.kecor import DEFINITION
from nextlabel.testing.laws import Question


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def example(seed: int, n: int = 12, r: int = 4) -> dict[str, Any]:
    return {"tangent": rng(seed).standard_normal((n, r)), "proba": rng(seed + 1).dirichlet(np.ones(3), n)}


@pytest.mark.parametrize("labels", [0, 1, 6])
@pytest.mark.parametrize("seed", range(5))
def test_it_follows_its_definition(seed: int, labels: int) -> None:
    given = example(seed)
    seen = {"tangent": rng(seed + 2).standard_normal((labels, 4))}
    picks = select("kecor", labelled=seen, batch=9, seed=seed, **given).tolist()
    question = Question(given, 9, seen)
    assert DEFINITION.weights is not None
    for k, pick in enumerate(picks):
        assert DEFINITION.weights(question, picks[:k])[pick] > 0.0


def test_with_a_linear_kernel_and_no_entropy_it_is_the_d_optimal_greedy_batch() -> None:
    """det(σ²·I + Σ x·xᵀ) over rows x: the information matrix of the design, grown one row at a time."""
    rows = rng(7).standard_normal((20, 5))
    picked = kecor(rows, 8, sigma=0.3, eta=0, rng=rng()).tolist()
    information, expected = 0.09 * np.eye(5), list[int]()
    for _ in range(8):
        gains = [np.linalg.det(information + np.outer(x, x)) for x in rows]
        gains = [-np.inf if i in expected else gain for i, gain in enumerate(gains)]
        expected.append(int(np.argmax(gains)))
        information += np.outer(rows[expected[-1]], rows[expected[-1]])
    assert picked == expected


def test_entropy_is_a_noise_on_the_diagonal_or_an_added_term() -> None:
    """Rows of squared length 4 and 1, entropies 0 and log 2.

    On the diagonal 4 + σ² = 4.01 stays above 1 + σ² + η·log 2 up to η = 3 / log 2 = 4.3; added, ½·log 4.01
    = 0.694 stays above ½·log 1.01 + η·log 2 up to η = 0.994.
    """
    rows, mixed = np.array([[2.0, 0.0], [0.0, 1.0]]), np.array([0.0, np.log(2)])

    def first(mode: Any, eta: float) -> int:
        return int(kecor(rows, 1, entropies=mixed, entropy_mode=mode, eta=eta, rng=rng())[0])

    assert [first("diagonal", eta) for eta in (4.2, 4.4)] == [0, 1]
    assert [first("additive", eta) for eta in (0.98, 1.01)] == [0, 1]


def test_entropies_on_the_diagonal_are_not_the_sum_that_the_paper_writes() -> None:
    """Two copies and a shorter row that is new, all as mixed as can be: as noise, much entropy makes copies
    worth having again, which an added term cannot do, since it is the same for all three."""
    rows, mixed = np.array([[2.0, 0.0], [2.0, 0.0], [0.0, 0.5]]), np.full(3, np.log(2))
    new = {
        mode: kecor(rows, 2, entropies=mixed, entropy_mode=mode, eta=2.0, rng=rng()).tolist()[1] == 2
        for mode in ("diagonal", "additive")
    }
    assert new == {"diagonal": False, "additive": True}


def test_scores_are_the_pivots_or_the_gains() -> None:
    given = example(3)
    signals = Signals(given)
    mixed = entropy(given["proba"])
    kernel = given["tangent"] @ given["tangent"].T
    picks = KECOR().pick(signals, 2, rng())
    i, j = picks.positions
    noisy = kernel + np.diag(0.01 + 0.1 * mixed)
    ratio = np.linalg.det(noisy[np.ix_([i, j], [i, j])]) / noisy[i, i]
    assert picks.scores is not None
    np.testing.assert_allclose(picks.scores, [noisy[i, i], ratio], rtol=1e-12)
    added = KECOR(entropy_mode="additive", eta=0.5).pick(signals, 1, rng())
    assert added.scores is not None
    gains = 0.5 * np.log(np.diag(kernel) + 0.01) + 0.5 * mixed
    assert added.positions[0] == gains.argmax()
    np.testing.assert_allclose(added.scores, [gains.max()], rtol=1e-12)


def test_entropy_may_be_that_of_a_histogram_or_of_nothing() -> None:
    rows = np.eye(3)
    counts = np.array([[3.0, 0.0], [0.0, 0.0], [2.0, 1.0]])
    of_counts = {"name": "kecor", "of": "embedding", "entropy": "class_histogram"}
    assert select(of_counts, embedding=rows, class_histogram=counts, batch=1, seed=0).tolist() == [2]
    # counted from one, the image without any object is the most mixed
    smoothed = {**of_counts, "smoothing": 1}
    assert select(smoothed, embedding=rows, class_histogram=counts, batch=1, seed=0).tolist() == [1]
    of_nothing = {"name": "kecor", "of": "embedding", "entropy": None}
    assert build("strategy", of_nothing).needs == {"embedding"}
    found = {int(select(of_nothing, embedding=rows, batch=1, seed=seed)[0]) for seed in range(60)}
    assert found == {0, 1, 2}


def test_labels_keep_it_away_from_what_is_known() -> None:
    rows = np.array([[3.0, 0.0], [2.9, 0.1], [0.0, 1.0]])
    assert kecor(rows, 1, rng=rng()).tolist() == [0]
    assert kecor(rows, 1, labelled=np.array([[1.0, 0.0]]), rng=rng()).tolist() == [2]


def test_a_kernel_without_full_rank_stops_early_and_entropy_fills_the_batch() -> None:
    rows = np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [1.0, 2.0], [3.0, 0.0]])
    mixed = np.array([0.3, 0.1, 0.2, 0.6, 0.1])
    with pytest.warns(NoFullRank, match=r"rank 4 was expected; .* 5 items, .* has rank 2 .* other 2 picks"):
        picked = kecor(rows, 4, entropies=mixed, sigma=0, eta=0, rng=rng()).tolist()
    assert picked == [4, 3, 0, 2]
    method = KECOR(of="embedding", sigma=0.0, eta=0.0)
    proba = np.full((5, 2), 0.5)
    with pytest.warns(NoFullRank, match="The other 3 picks are those of largest entropy"):
        picks = method.pick(Signals({"embedding": rows, "proba": proba}), 5, rng())
    assert sorted(picks.positions.tolist()) == [0, 1, 2, 3, 4]
    assert picks.scores is None


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"of": "proba"}, "KECOR's 'of' must be 'tangent', 'embedding', 'descriptor' or 'logits'"),
        ({"entropy": "votes"}, "'entropy' must be 'proba' or 'class_histogram'; received 'votes'.*or None"),
        ({"entropy_mode": "sum"}, "'entropy_mode' must be 'diagonal' or 'additive'; received 'sum'"),
        ({"sigma": -0.1}, "'sigma' must be a finite number of at least 0; received -0.1"),
        ({"eta": float("nan")}, "'eta' must be a finite number of at least 0; received nan"),
        (
            {"smoothing": -1, "entropy": "class_histogram"},
            "'smoothing' must be a finite number of at least 0",
        ),
    ],
)
def test_parameters_out_of_range_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        KECOR(**wrong)


@pytest.mark.parametrize("wrong", [{"sigma": -1}, {"eta": -1}, {"entropy_mode": "x"}])
def test_the_function_refuses_them_too(wrong: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=f"{next(iter(wrong))}"):
        kecor(np.eye(2), 1, rng=rng(), **wrong)


def test_arrays_that_do_not_fit_are_refused() -> None:
    with pytest.raises(BatchSizeError, match="the 2 items at hand; received 3"):
        kecor(np.eye(2), 3, rng=rng())
    with pytest.raises(SignalError, match="'entropies' and 'features' must agree on axis 'n'"):
        kecor(np.eye(2), 1, entropies=np.zeros(3), rng=rng())
    with pytest.raises(SignalError, match=r"0 or more for every item; received -0\.19"):
        kecor(np.eye(2), 1, entropies=np.array([0.0, -2.0]), rng=rng())
    with pytest.raises(MissingSignal, match="needs the signal 'tangent', which the call does not provide"):
        select("kecor", proba=[[0.5, 0.5]], batch=1, seed=0)
