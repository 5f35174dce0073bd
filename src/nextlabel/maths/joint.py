"""Entropy of the labels of several items together, exact and sampled, in nats.

Several items are spoken of through their *configurations*: one label for each of them. What is known of a
configuration is how probable it is and how probable it makes each draw of the model; that is enough for the
entropy of any further item given the labels of the first ones.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from nextlabel.errors import SignalError
from nextlabel.maths.axes import Draws, Scores, reads
from nextlabel.maths.information import entropy_terms, normalised
from nextlabel.maths.parameters import checked_whole

__all__ = [
    "Configurations",
    "conditional_entropy",
    "every_configuration",
    "information_gain",
    "joint_entropy",
    "sampled_configurations",
    "sampled_joint_entropy",
]

_CHUNK_VALUES = 1 << 16  # numbers of which a chunk has some: half a megabyte in float64, in the cache


@final
@dataclass(frozen=True, eq=False)
class Configurations:
    """Labels that some items may have together, each with what it says of the draws of the model.

    Parameters
    ----------
    weights : array of float64, axes (configurations,)
        How much each counts in an average; they sum to one.
    log_probability : array of float64, axes (configurations,)
        Logarithm of the probability of the labels, averaged over draws.
    posterior : array of float64, axes (configurations, m)
        Probability of each draw given the labels; rows sum to one.
    """

    weights: NDArray[np.float64]
    log_probability: NDArray[np.float64]
    posterior: NDArray[np.float64]


@reads("n m c", probabilities=True)
def every_configuration(draws: Draws) -> Configurations:
    """All joint labels of a few items, weighted by their probability.

    Parameters
    ----------
    draws : array of float, axes (n, m, c)
        Class probabilities of the few items under each draw, the same draws for every item.

    Returns
    -------
    Configurations
        In lexicographic order, the label of the last item changing fastest; those of probability zero
        are left out. No items have one configuration, the empty one.

    Raises
    ------
    SignalError
        Wrong axes, or rows that do not sum to one.

    Notes
    -----
    The joint probability of labels y is the mean over draws of Π_i p_i(y_i). Time and memory
    O(cⁿ·m): ten classes and four items make 10,000 configurations.

    Examples
    --------
    >>> certain = np.array([[[1.0, 0.0], [0.0, 1.0]]])
    >>> every_configuration(certain[[0, 0]]).weights.tolist()
    [0.5, 0.5]
    """
    m = draws.shape[1]
    joint = np.full((1, m), 1.0 / m)
    for item in normalised(draws):
        joint = (joint[:, None, :] * item.T).reshape(-1, m)
        joint = joint[joint.any(axis=1)]
    probability = joint.sum(axis=1)
    return Configurations(probability, np.log(probability), joint / probability[:, None])


@reads("n m c", probabilities=True)
def sampled_configurations(draws: Draws, size: int, *, rng: np.random.Generator) -> Configurations:
    """Joint labels drawn from the model, all of equal weight.

    Parameters
    ----------
    draws : array of float, axes (n, m, c)
        Class probabilities of the items under each draw, the same draws for every item.
    size : int
        How many configurations, at least one.
    rng : numpy.random.Generator
        Picks a draw of the model for each configuration, then a label for each item from that draw.

    Returns
    -------
    Configurations

    Raises
    ------
    SignalError
        Wrong axes, or rows that do not sum to one.
    ParameterError
        The size is not a whole number from one up.

    Notes
    -----
    Likelihoods are added up as logarithms, so that hundreds of items do not underflow.
    Time O(size·n·(m + c)), memory O(size·(m + c)).

    Examples
    --------
    >>> certain = np.array([[[1.0, 0.0], [0.0, 1.0]]])
    >>> sampled_configurations(certain, 2, rng=np.random.default_rng(0)).posterior.tolist()
    [[0.0, 1.0], [0.0, 1.0]]
    """
    size = checked_whole(size, "size", least=1, advice="Ask for some thousands.")
    m = draws.shape[1]
    model = rng.integers(m, size=size)
    log_likelihood = np.zeros((size, m))
    for item in normalised(draws):
        steps = np.cumsum(item, axis=1)
        steps /= steps[:, -1:]  # the last step is 1 exactly, so no class of probability zero is drawn
        labels = (rng.random(size)[:, None] >= steps[model]).sum(axis=1)
        with np.errstate(divide="ignore"):  # the logarithm of zero is minus infinity, as it should be
            log_likelihood += np.log(item.T)[labels]
    largest = log_likelihood.max(axis=1, keepdims=True)  # finite: the draw that made the labels allows them
    posterior = np.exp(log_likelihood - largest)
    total = posterior.sum(axis=1, keepdims=True)
    posterior /= total
    log_probability = (largest + np.log(total / m))[:, 0]
    return Configurations(np.full(size, 1.0 / size), log_probability, posterior)


@reads("n m c", probabilities=True)
def conditional_entropy(draws: Draws, given: Configurations) -> Scores:
    """Entropy of each item's label given the labels of other items.

    Parameters
    ----------
    draws : array of float, axes (n, m, c)
        Class probabilities under each draw, the draws that the configurations speak of.
    given : Configurations
        The other items' labels; of `every_configuration` the result is exact, of
        `sampled_configurations` an unbiased estimate.

    Returns
    -------
    array of float64, axes (n,)
        In nats, between 0 and log c.

    Raises
    ------
    SignalError
        Wrong axes, rows that do not sum to one, or a number of draws that is not the configurations'.

    Notes
    -----
    Σ_y w_y H[Σ_m p(m | y) p_m]: equal to H(labels, item) − H(labels) without the subtraction, which
    would lose digits. Logarithms in float64. Time O(n·configurations·m·c), a few megabytes beside the result.

    Examples
    --------
    Two draws that are certain of different classes: a first label settles the second.

    >>> certain = np.array([[[1.0, 0.0], [0.0, 1.0]]])
    >>> conditional_entropy(certain, every_configuration(certain)).tolist()
    [0.0]
    """
    _check_same_draws(draws, given)
    result = np.empty(len(draws))
    for items in _item_chunks(draws, given):
        result[items] = _conditional_entropies(normalised(draws[items]), given)
    return np.maximum(result, 0.0, out=result)


@reads("n m c", probabilities=True)
def information_gain(draws: Draws, given: Configurations) -> Scores:
    """What each item's label tells of the draw of the model, given the labels of other items.

    Parameters
    ----------
    draws : array of float, axes (n, m, c)
        Class probabilities under each draw, the draws that the configurations speak of.
    given : Configurations
        The other items' labels, as for `conditional_entropy`.

    Returns
    -------
    array of float64, axes (n,)
        In nats, between 0 and log c; `mutual_information` where no labels are given. Of
        `every_configuration` it can only fall when an item joins those given.

    Raises
    ------
    SignalError
        Wrong axes, rows that do not sum to one, or a number of draws that is not the configurations'.

    Notes
    -----
    H[label | labels] − mean over m of H[p_m], all in float64 and of `normalised` draws: of rows that sum
    to one only within float32, the gain could grow as labels are added, or fall below zero by more than
    rounding. Cost as `conditional_entropy`.

    Examples
    --------
    >>> certain = np.array([[[1.0, 0.0], [0.0, 1.0]]])
    >>> information_gain(certain, every_configuration(certain)).tolist()
    [0.0]
    """
    _check_same_draws(draws, given)
    n, m, classes = draws.shape
    result = np.empty(n)
    for items in _item_chunks(draws, given):
        exact = normalised(draws[items])
        within = entropy_terms(exact).reshape(len(exact), m * classes).sum(axis=1) / m
        result[items] = _conditional_entropies(exact, given) - within
    return np.maximum(result, 0.0, out=result)


def joint_entropy(draws: Draws) -> float:
    """Entropy of the labels of a few items together, exact.

    Parameters
    ----------
    draws : array of float, axes (n, m, c)
        Class probabilities of the few items under each draw, the same draws for every item.

    Returns
    -------
    float
        In nats, between 0 and n·log c; 0 for no items.

    Raises
    ------
    SignalError
        Wrong axes, or rows that do not sum to one.

    Notes
    -----
    All configurations are enumerated: time and memory O(cⁿ·m).

    Examples
    --------
    A copy of an item adds nothing where its label says which draw is right:

    >>> certain = np.array([[[1.0, 0.0], [0.0, 1.0]]])
    >>> round(joint_entropy(certain), 4), round(joint_entropy(certain[[0, 0]]), 4)
    (0.6931, 0.6931)
    """
    joint = every_configuration(draws)
    return max(0.0, -float(joint.weights @ joint.log_probability))


def sampled_joint_entropy(draws: Draws, size: int, *, rng: np.random.Generator) -> float:
    """Entropy of the labels of many items together, estimated from sampled configurations.

    Parameters
    ----------
    draws : array of float, axes (n, m, c)
        Class probabilities of the items under each draw, the same draws for every item; at least one item.
    size : int
        How many configurations of all items but the last are drawn, anew in every call.
    rng : numpy.random.Generator
        Draws them.

    Returns
    -------
    float
        In nats; unbiased, with a standard error that falls as 1/√size.

    Raises
    ------
    SignalError
        Wrong axes, rows that do not sum to one, or no items.
    ParameterError
        The size is not a whole number from one up.

    Notes
    -----
    −(1/M) Σ_y Σ_c (q_yc / q_y) log q_yc over M configurations y drawn from q, with q_yc the probability of y
    together with class c of the last item. Time O(size·n·(m + c)), memory O(size·(m + c)).

    References
    ----------
    Kirsch, van Amersfoort, Gal. BatchBALD: efficient and diverse batch acquisition for deep Bayesian active
    learning. NeurIPS 2019, arXiv 1906.08158. Section 3.3.

    Examples
    --------
    >>> certain = np.array([[[1.0, 0.0], [0.0, 1.0]]])
    >>> round(sampled_joint_entropy(certain[[0, 0, 0]], 100, rng=np.random.default_rng(0)), 4)
    0.6931
    """
    if len(draws) == 0:
        message = "A joint entropy is estimated for one item at least; received none. Give their draws."
        raise SignalError(message)
    sampled = sampled_configurations(draws[:-1], size, rng=rng)
    last = conditional_entropy(draws[-1:], sampled)
    return float(last[0] - sampled.weights @ sampled.log_probability)


def _check_same_draws(draws: Draws, given: Configurations) -> None:
    known = given.posterior.shape[1]
    if draws.shape[1] != known:
        message = (
            f"'draws' must have the {known} draws that the configurations speak of; received "
            f"{draws.shape[1]}. Make the configurations from the same draws of the model."
        )
        raise SignalError(message)


def _item_chunks(draws: Draws, given: Configurations) -> list[slice]:
    """Slices of items, of whom one chunk with all configurations is some tens of thousands of numbers."""
    m, classes = draws.shape[1:]
    step = max(1, _CHUNK_VALUES // max(1, classes * max(m, len(given.weights))))
    return [slice(start, start + step) for start in range(0, len(draws), step)]


def _conditional_entropies(exact: NDArray[np.float64], given: Configurations) -> NDArray[np.float64]:
    """The entropies of a chunk of items, over slices of configurations that stay in the cache."""
    step = max(1, _CHUNK_VALUES // exact.shape[2])
    total = np.zeros(len(exact))
    for start in range(0, len(given.weights), step):
        # one product for each item, whatever its neighbours: equal items have equal entropies to the bit
        predictive = given.posterior[start : start + step] @ exact
        entropies = entropy_terms(predictive).sum(axis=2)
        total += np.vecdot(entropies, given.weights[start : start + step])
    return total
