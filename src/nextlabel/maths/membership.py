"""Is an item labelled or not? A small network that is trained to tell."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from nextlabel.maths.axes import Array, Embeddings, Scores, row_chunks

__all__ = ["ENOUGH", "Membership", "membership", "one_scale"]

ENOUGH = 0.98
"""Training stops above this share of the accuracy that is possible, before all is learned by heart."""

_STEP = 128  # items in a step of the optimiser
_STEPS = 10  # the fewest in an epoch: small sets are gone through several times
_DECIMALS = 3  # items that agree to so many decimals of the common scale count as copies


@final
@dataclass(frozen=True, eq=False)
class Membership:
    """A classifier of unlabelled against labelled items.

    Parameters
    ----------
    network : object
        scikit-learn's multi-layer perceptron, fitted.
    accuracy : float
        On the items it was trained on, weighted as in training.
    possible : float
        The accuracy that no classifier can pass: below 1 where copies stand on both sides.
    wanted : float
        The accuracy above which training ends.
    epochs : int
        How many were needed.
    """

    network: Any
    accuracy: float
    possible: float
    wanted: float
    epochs: int

    @property
    def is_enough(self) -> bool:
        """Whether training came to its end."""
        return self.accuracy > self.wanted

    def logits(self, features: Embeddings) -> Scores:
        """The logarithm of the odds of being unlabelled.

        Parameters
        ----------
        features : array of float32, axes (n, d)
            Scaled as those it was trained on.

        Returns
        -------
        array of float64, axes (n,)
            Unlike probabilities, which come to be exactly 1, these order the surest items too.
        """
        return _logits(self.network, features)


def one_scale(labelled: Embeddings, unlabelled: Embeddings) -> tuple[NDArray[np.float64], float]:
    """The mean of all rows, and the root mean square of all their deviations from it.

    Parameters
    ----------
    labelled, unlabelled : array of float, axes (l, d) and (n, d)
        Checked rows; n is at least 1.

    Returns
    -------
    centre : array of float64, axes (d,)
    scale : float
        1 where all rows are equal. One number for all features keeps the geometry.

    Notes
    -----
    Time O((l + n)·d), a few megabytes beside the input.

    Examples
    --------
    >>> centre, scale = one_scale(np.array([[0.0, 1.0]]), np.array([[4.0, 1.0]]))
    >>> centre.tolist(), round(scale, 3)
    ([2.0, 1.0], 1.414)
    """
    total = len(labelled) + len(unlabelled)
    sums = [part.sum(axis=0, dtype=np.float64) for part in (labelled, unlabelled)]
    centre: NDArray[np.float64] = (sums[0] + sums[1]) / total
    squares = 0.0
    for part in (labelled, unlabelled):
        for rows in row_chunks(part):
            off = part[rows] - centre
            squares += float(np.einsum("nd,nd->", off, off))
    scale = float(np.sqrt(squares / (total * len(centre))))
    return centre, scale if scale > 0.0 else 1.0


def membership(
    labelled: Array,
    unlabelled: Array,
    *,
    rng: np.random.Generator,
    hidden: tuple[int, ...],
    learning_rate: float,
    max_epochs: int,
    is_balanced: bool = True,
    enough: float = ENOUGH,
) -> Membership:
    """A network trained to tell unlabelled from labelled items, until it does so well enough.

    Parameters
    ----------
    labelled, unlabelled : array of float32, axes (l, d) and (u, d)
        At least one row each, of about unit scale.
    rng : numpy.random.Generator
        For the first weights and for the order of the items.
    hidden : tuple of int
        Units of each hidden layer, rectified.
    learning_rate : float
        Of Adam.
    max_epochs : int
        Passes over all items, of at least ten steps each.
    is_balanced : bool
        Whether both sides weigh the same, as under inverse-frequency weights; else each item does.
    enough : float
        Training ends above this share of the accuracy that is possible; above 1 all epochs are run.

    Returns
    -------
    Membership

    Notes
    -----
    Weights are made by repetition: in each epoch every item of the smaller side comes ⌊u/l⌋ times, and the
    remainder, a draw of other ones in each epoch, once more. The sums of both sides' weights are equal so in
    every epoch, and each item's weight is exact on average, in any version of scikit-learn. Training stops
    when the accuracy, weighted likewise, passes what is enough of what is possible: of items with copies on
    both sides, to three decimals, only the heavier side can be right.

    A sigmoid of one number is the two-way softmax of Gissin and Shalev-Shwartz. Time for each epoch: about
    2·u items forwards and backwards through the network.

    References
    ----------
    Gissin, Shalev-Shwartz. Discriminative active learning. arXiv 1907.06347, 2019; the stop as in their
    code.

    Examples
    --------
    >>> left, right = np.full((5, 1), -1.0, np.float32), np.full((5, 1), 1.0, np.float32)
    >>> found = membership(left, right, rng=np.random.default_rng(0), hidden=(8,), learning_rate=0.01,
    ...     max_epochs=100)
    >>> found.is_enough, bool(found.logits(right)[0] > 0.0)
    (True, True)
    """
    from sklearn.neural_network import MLPClassifier

    features = np.concatenate([labelled, unlabelled])
    side = np.repeat([0, 1], [len(labelled), len(unlabelled)])
    sizes = np.bincount(side)
    weights = (0.5 / sizes if is_balanced else np.full(2, 1.0 / len(side)))[side]
    possible = _possible(features, side, weights)
    copies = sizes.max() if is_balanced else 0
    network = MLPClassifier(
        hidden,
        alpha=0.0,
        batch_size=min(_STEP, max(int(2 * copies), len(side))),
        learning_rate_init=learning_rate,
        shuffle=False,  # each epoch comes in an order of our own
        random_state=int(rng.integers(2**32)),
    )
    accuracy, epoch = 0.0, 0
    while epoch < max_epochs and not accuracy > enough * possible:
        rows = _epoch(sizes, copies, rng)
        network.partial_fit(features[rows], side[rows], classes=[0, 1])
        accuracy = float(weights[(_logits(network, features) > 0.0) == side].sum())
        epoch += 1
    return Membership(network, accuracy, possible, enough * possible, epoch)


def _epoch(sizes: NDArray[np.int64], copies: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Rows in random order, each side `copies` times in all; passes enough for ten steps."""
    sides = (np.arange(sizes[0]), sizes[0] + np.arange(sizes[1]))
    length = 2 * copies if copies else int(sizes.sum())
    passes = max(1, -(-_STEPS * min(_STEP, length) // length))
    parts = []
    for _ in range(passes):
        rows = np.concatenate([_repeated(one, copies or len(one), rng) for one in sides])
        parts.append(rng.permutation(rows))
    return np.concatenate(parts)


def _repeated(rows: NDArray[np.int64], length: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Each row as often as any other, but for a remainder that is drawn."""
    times, remainder = divmod(length, len(rows))
    return np.concatenate([np.tile(rows, times), rng.choice(rows, remainder, replace=False)])


def _possible(features: Array, side: NDArray[np.int64], weights: Scores) -> float:
    """The accuracy of the best classifier there is: among copies, of the heavier side."""
    rounded = np.round(features, _DECIMALS) + 0.0  # no negative zero
    group = np.unique(rounded, axis=0, return_inverse=True)[1].reshape(-1)
    by_side = [np.bincount(group, weights * (side == one)) for one in (0, 1)]
    return float(np.maximum(*by_side).sum())


def _logits(network: Any, features: Array) -> Scores:
    found = np.empty(len(features))
    for rows in row_chunks(features, megabytes=1.0):
        layer = features[rows]
        for weights, bias in zip(network.coefs_[:-1], network.intercepts_[:-1], strict=True):
            layer = layer @ weights
            layer += bias
            np.maximum(layer, 0.0, out=layer)
        found[rows] = (layer @ network.coefs_[-1] + network.intercepts_[-1])[:, 0]
    return found
