"""What several annotators say together: perfect ones, contrary ones, one alone; an objective that climbs."""

import numpy as np
import pytest

from nextlabel.errors import ConvergenceError, LabelError, ParameterError, SignalError
from nextlabel.maths.dawid_skene import dawid_skene

Votes = list[tuple[int, int, int]]


def votes_of(truth: list[int], *annotators: "list[int]") -> Votes:
    """Annotators as lists: what each says of an item of class 0, 1, ..."""
    return [(i, a, says[k]) for i, k in enumerate(truth) for a, says in enumerate(annotators)]


def objective(votes: Votes, classes: int, smoothing: float, rounds: int) -> list[float]:
    """The same in loops: the penalised log-likelihood after each round."""
    items, people = max(v[0] for v in votes) + 1, max(v[1] for v in votes) + 1
    posterior = np.zeros((items, classes))
    for item, _, said in votes:
        posterior[item, said] += 1
    posterior /= posterior.sum(axis=1, keepdims=True)
    values = []
    for _ in range(rounds):
        prior = posterior.mean(axis=0)
        theta = np.full((people, classes, classes), smoothing)
        for item, person, said in votes:
            theta[person, :, said] += posterior[item]
        theta /= theta.sum(axis=2, keepdims=True)
        value = smoothing * np.log(theta).sum()
        for item in range(items):
            joint = prior.copy()
            for other, person, said in votes:
                if other == item:
                    joint *= theta[person, :, said]
            value += np.log(joint.sum())
            posterior[item] = joint / joint.sum()
        values.append(float(value))
    return values


def test_perfect_annotators_are_seen_as_such() -> None:
    truth = [0, 1, 2, 1] * 5
    found = dawid_skene(votes_of(truth, [0, 1, 2], [0, 1, 2]), 3)
    assert found.posterior.argmax(axis=1).tolist() == truth
    # a row of 5 votes and three smoothed counts: (5 + .01) / (5 + .03) at the least
    assert (found.posterior.max(axis=1) > 1.0 - 1e-4).all()
    assert np.diagonal(found.confusion, axis1=1, axis2=2).min() >= 5.01 / 5.03 - 1e-4
    assert found.prior.round(4).tolist() == [0.25, 0.5, 0.25]


def test_without_smoothing_perfect_annotators_have_no_confusion_at_all() -> None:
    truth = [0, 1, 2, 1] * 5
    found = dawid_skene(votes_of(truth, [0, 1, 2], [0, 1, 2]), 3, smoothing=0.0)
    np.testing.assert_array_equal(found.posterior, np.eye(3)[truth])
    np.testing.assert_array_equal(found.confusion, np.stack([np.eye(3)] * 2))


def test_who_always_says_the_contrary_is_turned_round() -> None:
    truth = [0, 1] * 6
    found = dawid_skene(votes_of(truth, [0, 1], [0, 1], [1, 0]), 2)
    assert found.posterior.argmax(axis=1).tolist() == truth
    assert found.confusion[2].round(1).tolist() == [[0.0, 1.0], [1.0, 0.0]]


def test_one_annotator_is_believed() -> None:
    found = dawid_skene(votes_of([0, 1, 1], [0, 1]), 2)
    np.testing.assert_array_equal(found.posterior, np.eye(2)[[0, 1, 1]])
    assert found.prior.round(3).tolist() == [0.333, 0.667]
    assert (found.confusion > 0.0).all()  # a short row is not proof of a perfect annotator
    assert found.loglik == ()


def test_items_that_no_two_have_in_common_keep_what_was_said_of_them() -> None:
    found = dawid_skene([(0, 0, 1), (1, 1, 0), (2, 2, 1)], 2)
    np.testing.assert_array_equal(found.posterior, np.eye(2)[[1, 0, 1]])


def test_an_item_without_votes_has_the_prior() -> None:
    found = dawid_skene([(0, 0, 1), (0, 1, 1), (2, 0, 0), (2, 1, 0), (3, 0, 1), (3, 1, 1)], 2)
    np.testing.assert_allclose(found.posterior[1], found.prior, atol=1e-3)


def test_a_class_that_nobody_names_has_no_share() -> None:
    found = dawid_skene(votes_of([0, 1], [0, 1], [0, 1]), 3)
    assert found.prior[2] == 0.0
    assert np.isfinite(found.posterior).all()
    assert np.isfinite(dawid_skene(votes_of([0, 1], [0, 1]), 3, smoothing=0.0).confusion).all()


@pytest.mark.parametrize("smoothing", [0.01, 1.0])
def test_rounds_are_those_of_the_definition_and_never_fall(smoothing: float) -> None:
    rng = np.random.default_rng(4)
    votes = [(i, a, int(rng.integers(3))) for i in range(12) for a in range(4) if rng.random() < 0.8]
    found = dawid_skene(votes, 3, smoothing=smoothing)
    loops = objective(votes, 3, smoothing, len(found.loglik))
    np.testing.assert_allclose(found.loglik, loops, rtol=1e-10)
    assert (np.diff(found.loglik) >= -1e-9).all()
    assert found.loglik[-1] - found.loglik[-2] < 1e-6
    np.testing.assert_allclose(found.posterior.sum(axis=1), 1.0)
    np.testing.assert_allclose(found.confusion.sum(axis=2), 1.0)


def test_the_order_of_votes_does_not_matter() -> None:
    rng = np.random.default_rng(5)
    votes = np.array([(i, a, int(rng.integers(2))) for i in range(20) for a in range(3)])
    first, second = dawid_skene(votes, 2), dawid_skene(votes[rng.permutation(len(votes))], 2)
    np.testing.assert_allclose(first.posterior, second.posterior, atol=1e-9)


def test_what_are_no_votes_is_refused() -> None:
    with pytest.raises(ParameterError, match="at least one vote; received none"):
        dawid_skene([], 2)
    with pytest.raises(LabelError, match=r"classes below 2; received an array of shape \(1, 3\) .* up to 2"):
        dawid_skene([(0, 0, 2)], 2)
    with pytest.raises(LabelError, match="values from -1"):
        dawid_skene([(0, -1, 1)], 2)
    with pytest.raises(LabelError, match=r"shape \(1, 2\)"):
        dawid_skene([(0, 1)], 2)
    with pytest.raises(LabelError, match="each a whole number from 0"):
        dawid_skene([(0, 0.5, 1)], 2)
    with pytest.raises(SignalError, match="'votes' must have the axes"):
        dawid_skene([0, 1, 1], 2)
    with pytest.raises(ParameterError, match="'classes' must be a whole number from 1 up; received 0"):
        dawid_skene([(0, 0, 0)], 0)
    with pytest.raises(ParameterError, match="'smoothing' must be"):
        dawid_skene([(0, 0, 0)], 1, smoothing=-1.0)
    with pytest.raises(ParameterError, match="'tolerance' must be"):
        dawid_skene([(0, 0, 0)], 1, tolerance=0.0)


def test_an_estimate_that_does_not_settle_is_refused() -> None:
    votes = [(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 1), (2, 0, 0), (2, 1, 0)]
    with pytest.raises(ConvergenceError, match=r"within 2 rounds; the last one still gained .* 1e-12"):
        dawid_skene(votes, 2, rounds=2, tolerance=1e-12)
    with pytest.raises(ConvergenceError, match="within 1 rounds"):
        dawid_skene(votes, 2, rounds=1)
