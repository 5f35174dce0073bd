"""The two-dimensional pool on which the page of each method shows what it picks, and a small model of it.

Three clusters of 100, 44 and 16 points and one outlier; the first two touch. Five, three and one of their
points are labelled: few, and not evenly. A logistic regression is fitted to these.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from nextlabel.core.signals import Signals, derivable
from nextlabel.core.strategy import Strategy

BATCH, DRAWS, SEED = 8, 20, 0
CLUSTERS = ("the large cluster", "the middle cluster", "the small cluster", "the outlier")
_CENTRES = ((-1.2, -0.2), (0.75, 0.5), (0.5, -1.9), (3.0, 2.2))
_SPREADS = (0.65, 0.5, 0.2, 0.0)
_SIZES = (100, 44, 16, 1)
_LABELLED = (5, 3, 1, 0)
Array = NDArray[np.float64]

STAND_INS = {
    "uncertainty": "the entropy of the class probabilities",
    "descriptor": "the points",
    "tangent": "the gradients of the loss with respect to the last layer, as their outer products",
    "class_histogram": "the class probabilities",
    "marginals": "the class probabilities",
    "loss": "the entropy of the class probabilities",
    "output_change": "the entropy of the class probabilities",
}
"""What is given where a method needs what no classifier of points says."""


@dataclass(frozen=True)
class Pool:
    """Points, where each is from, which are labelled, and the model of these."""

    points: Array
    cluster: NDArray[np.int64]
    labelled: NDArray[np.int64]
    unlabelled: NDArray[np.int64]
    weights: Array
    biases: Array
    proba: Array
    draws: Array

    @property
    def classes(self) -> NDArray[np.int64]:
        """The outlier is of the class of the middle cluster."""
        return np.where(self.cluster == 3, 1, self.cluster)

    def signals(self, strategy: Strategy) -> Signals:
        """What the model says to a strategy: what it needs, of the unlabelled and of the labelled points."""
        return Signals(
            self._said(strategy.needs, self.unlabelled),
            labelled=Signals(self._said(strategy.needs_labelled, self.labelled), n=len(self.labelled)),
            labels=self.classes[self.labelled],
            n=len(self.unlabelled),
        )

    def _said(self, needs: frozenset[str], rows: NDArray[np.int64]) -> dict[str, Array]:
        proba, points = self.proba[rows], self.points[rows]
        said: dict[str, Array] = {}
        for name in sorted(needs):
            if name in derivable({"proba"}):
                said["proba"] = proba
            elif name in derivable({"draws"}):
                said["draws"] = self.draws[rows]
            else:
                said[name] = points if name == "embedding" else stand_in(name, points, proba)
        return said

    def picked(self, strategy: Strategy) -> NDArray[np.int64]:
        """Rows of the points, most wanted first."""
        picks = strategy.pick(self.signals(strategy), BATCH, np.random.default_rng(SEED))
        return self.unlabelled[picks.positions]


def stand_in(name: str, points: Array, proba: Array) -> Array:
    """An array of the shape of a signal that no classifier of points gives: see `STAND_INS`."""
    entropy = -np.sum(proba * np.log(np.maximum(proba, 1e-300)), axis=1)
    if name == "tangent":
        residual = proba - np.eye(proba.shape[1])[proba.argmax(axis=1)]
        return (residual[:, :, None] * points[:, None, :]).reshape(len(points), -1)
    return {"descriptor": points, "class_histogram": proba, "marginals": proba}.get(name, entropy)


def made() -> Pool:
    """The pool, the same each time."""
    rng = np.random.default_rng(4)
    parts = [
        np.asarray(centre) + spread * rng.standard_normal((size, 2))
        for centre, spread, size in zip(_CENTRES, _SPREADS, _SIZES, strict=True)
    ]
    points = np.round(np.concatenate(parts), 3)
    cluster = np.repeat(np.arange(len(_SIZES)), _SIZES)
    labelled = np.concatenate(
        [
            rng.choice(np.flatnonzero(cluster == one), many, replace=False)
            for one, many in enumerate(_LABELLED)
        ]
    )
    classes = np.where(cluster == 3, 1, cluster)[labelled]
    fit = _fitted(points[labelled], classes, np.ones(len(labelled)))
    draws = [
        _fitted(points[labelled], classes, rng.exponential(size=len(labelled))).predict_proba(points)
        for _ in range(DRAWS)
    ]
    return Pool(
        points=points,
        cluster=cluster,
        labelled=np.sort(labelled),
        unlabelled=np.setdiff1d(np.arange(len(points)), labelled),
        weights=fit.coef_,
        biases=fit.intercept_,
        proba=fit.predict_proba(points),
        draws=np.stack(draws, axis=1),
    )


def _fitted(points: Array, classes: NDArray[np.int64], weights: Array) -> LogisticRegression:
    return LogisticRegression(C=10.0, max_iter=1000).fit(points, classes, sample_weight=weights)
