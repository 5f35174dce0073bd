"""What several annotators say of an item, weighed by how each of them errs (Dawid and Skene, 1979)."""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nextlabel.errors import ConvergenceError, LabelError, ParameterError
from nextlabel.maths.axes import checked
from nextlabel.maths.parameters import checked_number, checked_whole

__all__ = ["DawidSkene", "dawid_skene"]


@final
@dataclass(frozen=True, eq=False)
class DawidSkene:
    """What the votes say of items, annotators and classes.

    Parameters
    ----------
    posterior : array of float, axes (n, c)
        How probable each class of an item is, given all votes.
    confusion : array of float, axes (a, c, c)
        Of each annotator: row k holds how often an item of class k is called each class.
    prior : array of float, axes (c,)
        The share of each class among items.
    loglik : tuple of float
        The penalised log-likelihood, in nats, of what each round begins with; it never falls. Empty where no
        item has two votes.
    """

    posterior: NDArray[np.float64]
    confusion: NDArray[np.float64]
    prior: NDArray[np.float64]
    loglik: tuple[float, ...]


def dawid_skene(
    votes: ArrayLike,
    classes: int,
    *,
    smoothing: float = 0.01,
    tolerance: float = 1e-6,
    rounds: int = 10_000,
) -> DawidSkene:
    """Class probabilities of items, and the confusions of annotators, from votes alone.

    Better than a majority where annotators differ in care; an annotator who errs more often than not is
    turned round. Where no item has two votes there is nothing to learn from, and it says what the votes say.
    With two annotators the votes do not settle who errs, and it stays near what both say.

    Parameters
    ----------
    votes : array of int, axes (v, 3)
        A row for each vote: the item, the annotator, the class; each counted from 0.
    classes : int
        How many there are, at least one.
    smoothing : float
        Added to every count of a confusion, at least 0.
    tolerance : float
        It ends when the penalised log-likelihood gains less, in nats.
    rounds : int
        The most it may take.

    Returns
    -------
    DawidSkene
        Items and annotators up to the largest that has a vote; items without any have the prior.

    Raises
    ------
    SignalError
        Votes of other axes or not finite.
    LabelError
        Votes that are no whole numbers from 0, or name a class that there is not.
    ParameterError
        No votes, or parameters outside their range.
    ConvergenceError
        It did not settle within the rounds.

    Notes
    -----
    Expectation and maximisation: posterior ∝ prior_k Π θ^a_{k, vote}; θ^a_{kl} ∝ Σ_i posterior_ik [a voted
    l] + smoothing. Begins with the shares of votes, which also settles which class is which. It climbs
    Σ_i log Σ_k prior_k Π θ + smoothing · Σ log θ, a Dirichlet prior of 1 + smoothing on every row. It finds a
    local maximum, near where the majority is. A round takes O(v·c), memory O(v·c + a·c²).

    References
    ----------
    Dawid, Skene. Maximum likelihood estimation of observer error-rates using the EM algorithm. Applied
    Statistics 28(1), 1979.

    Examples
    --------
    Ten items; the third annotator always says the contrary, and is read so:

    >>> truth = [0, 1] * 5
    >>> votes = [(i, a, k if a < 2 else 1 - k) for i, k in enumerate(truth) for a in range(3)]
    >>> found = dawid_skene(votes, 2)
    >>> found.posterior.argmax(axis=1).tolist() == truth, found.confusion[2].round(2).tolist()
    (True, [[0.0, 1.0], [1.0, 0.0]])
    """
    classes = checked_whole(classes, "classes", least=1)
    smoothing = checked_number(smoothing, "smoothing", least=0, advice="Give for example 0.01.")
    tolerance = checked_number(tolerance, "tolerance", above=0, advice="Give for example 1e-6.")
    rounds = checked_whole(rounds, "rounds", least=1, advice="Give for example 10000.")
    estimate = _Estimate(_checked_votes(votes, classes), classes, smoothing)
    loglik: list[float] = []
    if not estimate.has_common_items:
        return DawidSkene(estimate.posterior, estimate.confusion, estimate.prior, ())
    while len(loglik) < rounds:
        loglik.append(estimate.step())
        if len(loglik) > 1 and loglik[-1] - loglik[-2] < tolerance:
            return DawidSkene(estimate.posterior, estimate.confusion, estimate.prior, tuple(loglik))
    message = (
        f"The votes must settle within {rounds:,} rounds; the last one still gained "
        f"{loglik[-1] - loglik[-2] if rounds > 1 else loglik[-1]:.3g} nats, and {tolerance:g} was asked for. "
        "Give more rounds, or a larger tolerance."
    )
    raise ConvergenceError(message)


def _checked_votes(votes: ArrayLike, classes: int) -> NDArray[np.int64]:
    array = checked(np.reshape(votes, (0, 3)) if np.size(votes) == 0 else votes, "v 3", "votes")
    if not len(array):
        raise ParameterError("There must be at least one vote; received none. Gather answers first.")
    whole = array.astype(np.int64)
    if array.shape[1] != 3 or (whole != array).any() or whole.min() < 0 or whole[:, 2].max() >= classes:
        message = (
            "Votes must be rows of item, annotator and class, each a whole number from 0, classes below "
            f"{classes}; received an array of shape {array.shape} with values from {array.min():g} and a "
            f"last column up to {array[:, -1].max():g}. Encode names as positions in a list."
        )
        raise LabelError(message)
    return whole


@final
class _Estimate:
    """The votes, and what is believed of them so far."""

    def __init__(self, votes: NDArray[np.int64], classes: int, smoothing: float) -> None:
        from scipy.sparse import csr_matrix

        item, annotator, vote = votes.T
        items, self._annotators = int(item.max()) + 1, int(annotator.max()) + 1
        self._classes, self._smoothing = classes, smoothing
        shape = (items, self._annotators * classes)
        # which items got which answer of whom: every sum over votes is a product with this
        self._said = csr_matrix((np.ones(len(votes)), (item, annotator * classes + vote)), shape=shape)
        self._said_by = self._said.T.tocsr()
        counts = np.bincount(item * classes + vote, minlength=items * classes).reshape(items, classes)
        total = counts.sum(axis=1, keepdims=True)
        shares = counts.sum(axis=0) / counts.sum()
        self.posterior: NDArray[np.float64] = np.where(total > 0, counts / np.maximum(total, 1), shares)
        self.has_common_items = bool((total > 1).any())
        self._maximise()

    def step(self) -> float:
        """One round; the penalised log-likelihood of the parameters that it begins with."""
        theta = _log(self.confusion)
        joint = _log(self.prior) + self._said @ theta.swapaxes(1, 2).reshape(-1, self._classes)
        most = joint.max(axis=1, keepdims=True)
        weight = np.exp(joint - most)
        total = weight.sum(axis=1, keepdims=True)
        self.posterior = weight / total
        self._maximise()
        penalty = self._smoothing * float(theta.sum()) if self._smoothing else 0.0
        return float((most + np.log(total)).sum()) + penalty

    def _maximise(self) -> None:
        counts = (self._said_by @ self.posterior).reshape(self._annotators, self._classes, self._classes)
        counts = counts.swapaxes(1, 2) + self._smoothing  # rows were votes, and are classes from here on
        total = counts.sum(axis=2, keepdims=True)
        even = np.full_like(counts, 1.0 / self._classes)
        self.confusion = np.divide(counts, total, out=even, where=total > 0)
        self.prior = self.posterior.mean(axis=0)


def _log(values: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(divide="ignore"):
        found: NDArray[np.float64] = np.log(values)
    return found
