"""Value, gradient and curvature of a penalised softmax likelihood with an entropy term, in one matrix."""

from dataclasses import dataclass, field, replace
from typing import final

import numpy as np
from numpy.typing import NDArray

from nextlabel.maths.axes import Array

__all__ = ["Problem", "with_ones"]

_Floats = NDArray[np.float64]


def with_ones(features: Array) -> _Floats:
    """Features in float64 and a last column of ones, whose weight is the bias.

    Examples
    --------
    >>> with_ones(np.array([[2.0], [3.0]])).tolist()
    [[2.0, 1.0], [3.0, 1.0]]
    """
    rows = np.ones((len(features), features.shape[1] + 1))
    rows[:, :-1] = features
    return rows


@final
@dataclass(frozen=True, eq=False)
class Problem:
    """A function of a matrix (c, w) of weights, the bias its last column; nothing is checked.

    Parameters
    ----------
    rows : array of float64, axes (l, w)
        Features of the labelled items, the last one 1.
    targets : array of float64, axes (l, c)
        Weights from 0 up.
    unlabelled : array of float64, axes (u, w)
    penalty : float
        λ, of the weights but the bias.
    bias_penalty : array of float64, axes (c,)
        Of the squared differences from the mean bias.
    entropy_weight : float
        α.
    share : float
        What each unlabelled item's entropy counts: 1 for a sum.
    copies : array of float64, axes (c,)
        How many classes a row of the matrix stands for: classes that are alike have equal weights. Targets
        are then of all copies together. Ones by default.
    """

    rows: _Floats
    targets: _Floats
    unlabelled: _Floats
    penalty: float
    bias_penalty: _Floats
    entropy_weight: float = 0.0
    share: float = 1.0
    copies: _Floats = field(default_factory=lambda: np.ones(1))

    @property
    def shape(self) -> tuple[int, int]:
        """Classes, and weights of a class with its bias."""
        return self.targets.shape[1], self.rows.shape[1]

    @property
    def scale(self) -> float:
        """The size that a gradient can have: what it is compared with to call it zero."""
        mass = self.targets.sum(axis=1)
        largest = float((mass @ np.abs(self.rows)).max(initial=0.0))
        if self.entropy_weight != 0.0:
            entropies = float(np.abs(self.unlabelled).sum(axis=0).max(initial=0.0))
            largest += abs(self.entropy_weight) * self.share * entropies
        return 1.0 + largest

    def weighted(self, entropy_weight: float) -> "Problem":
        """The same with another α."""
        return replace(self, entropy_weight=entropy_weight)

    def centred(self, matrix: _Floats) -> _Floats:
        """The matrix without what all classes share; predictions stay."""
        every = np.broadcast_to(self.copies, len(matrix))
        return np.asarray(matrix - every @ matrix / every.sum())

    def value_and_gradient(self, matrix: _Floats) -> tuple[float, _Floats]:
        """The value, and its derivatives in the shape of the matrix. Time O((l + u)·c·w)."""
        log_proba, proba = self._log_softmax(self.rows, matrix)
        slopes = self.targets - self.targets.sum(axis=1, keepdims=True) * proba
        gradient: _Floats = slopes.T @ self.rows
        value = float(np.einsum("lc,lc->", self.targets, log_proba))
        pull = self.penalty * self.copies[:, None] * matrix[:, :-1]
        gradient[:, :-1] -= pull
        value -= 0.5 * float(np.einsum("cw,cw->", pull, matrix[:, :-1]))
        drag = self.drag(matrix[:, -1])
        gradient[:, -1] -= drag
        value -= 0.5 * float(drag @ matrix[:, -1])
        if self.entropy_weight != 0.0 and len(self.unlabelled):
            weight = self.entropy_weight * self.share
            log_proba, proba = self._log_softmax(self.unlabelled, matrix)
            entropy = -np.einsum("uc,uc->u", proba, log_proba)
            value -= weight * float(entropy.sum())
            gradient += weight * (proba * (log_proba + entropy[:, None])).T @ self.unlabelled
        return value, gradient

    def hessian(self, matrix: _Floats) -> _Floats:
        """Minus the second derivatives without the entropy term, and more for shifts of all classes alike.

        Gradients hold no such shift, nor do solutions; without more, nothing or the penalty alone would
        resist it, which large features drown. Time O(l·c²·w²), memory 8·(c·w)² bytes.
        """
        classes, width = self.shape
        proba = self._log_softmax(self.rows, matrix)[1]
        mass = self.targets.sum(axis=1)
        curved = np.empty((classes, width, classes, width))
        for one in range(classes):
            for other in range(one, classes):
                weight = mass * proba[:, one] * ((one == other) - proba[:, other])
                block = (self.rows * weight[:, None]).T @ self.rows
                curved[one, :, other, :] = block
                curved[other, :, one, :] = block
        every, copies = np.arange(classes), np.broadcast_to(self.copies, classes)
        shared = np.outer(copies, copies) / copies.sum()
        for weight_of in range(width - 1):
            of_data = float(np.mean(curved[every, weight_of, every, weight_of]))
            curved[every, weight_of, every, weight_of] += self.penalty * copies
            curved[:, weight_of, :, weight_of] += shared * (of_data if self.penalty > 0.0 else 1.0)
        curved[:, -1, :, -1] += np.stack([self.drag(one) for one in np.eye(classes)]) + shared
        return curved.reshape(classes * width, classes * width)

    def drag(self, bias: _Floats) -> _Floats:
        """The gradient of the penalty of biases, axes (c,); half its product with them is the penalty."""
        every = np.broadcast_to(self.copies, len(bias))
        pull = every * self.bias_penalty * (bias - every @ bias / every.sum())
        return np.asarray(pull - every * (pull.sum() / every.sum()))

    def _log_softmax(self, rows: _Floats, matrix: _Floats) -> tuple[_Floats, _Floats]:
        """Logarithms of the probabilities of a class, and the probabilities of all its copies together."""
        shifted = rows @ matrix.T
        shifted -= shifted.max(axis=1, keepdims=True)
        proba = np.exp(shifted)
        proba *= self.copies
        total = proba.sum(axis=1, keepdims=True)
        shifted -= np.log(total)
        proba /= total
        return shifted, proba
