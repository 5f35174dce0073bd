"""Scikit-learn classifiers for several classes an item: one for each class, or one for all where it can."""

import warnings
from typing import Any

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline

from nextlabel.learners.estimators import classifier, fitted
from nextlabel.maths.axes import Array, Labels

__all__ = ["fitted_several", "marginals", "of_several"]

_ONE_WAY = r"Label (not )?\d+ is present in all training examples"  # what we answer by a constant
_LEAST = np.float32(2.0**-24)  # one minus it is still below 1 in float32


def of_several(estimator: Any) -> Any:
    """An estimator, not fitted, that learns several classes an item.

    Parameters
    ----------
    estimator : object
        A classifier or a pipeline with `predict_proba`.

    Returns
    -------
    object
        Of an `MLPClassifier` itself, which has an output for each class; else the same with the classifier in
        a `OneVsRestClassifier`.
    """
    last = classifier(estimator)
    if isinstance(last, MLPClassifier):
        return estimator
    each = OneVsRestClassifier(last)
    if not isinstance(estimator, Pipeline):
        return each
    return Pipeline([*estimator.steps[:-1], (estimator.steps[-1][0], each)])


def fitted_several(estimator: Any, items: Any, labels: Labels) -> bool:
    """Fit in place what `of_several` has made.

    Parameters
    ----------
    estimator : object
    items : array or sparse matrix
    labels : array of int64, axes (l, c)
        1 where a class applies.

    Returns
    -------
    bool
        Whether each fit ended before its cap of iterations.

    Raises
    ------
    LearnerError
        The estimator refuses the data.

    Notes
    -----
    Cost: that of the estimator, for each class. A class that all labelled items have, or none, teaches
    nothing about items: its probability is (k + 1) / (l + 2) for k of l, the rule of succession.
    """
    last = classifier(estimator)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=_ONE_WAY)
        if isinstance(last, MLPClassifier):
            return fitted(estimator, items, _two_at_least(labels))
        has_converged = fitted(estimator, items, labels)
    for number, column in enumerate(labels.T):
        if column.min() == column.max():
            last.estimators_[number] = _constant(last, (column.sum() + 1) / (len(column) + 2))
    return has_converged


def marginals(last: Any, inputs: Any, classes: int) -> Array:
    """The probability of each class by itself.

    Parameters
    ----------
    last : object
        A fitted classifier of `of_several`.
    inputs : array or sparse matrix, first axis n
    classes : int

    Returns
    -------
    array of float32, axes (n, c)
        Above 0 and below 1.
    """
    if isinstance(last, MLPClassifier):
        found = last.predict_proba(inputs)[:, :classes]
    else:
        found = np.stack([each.predict_proba(inputs)[:, 1] for each in last.estimators_], axis=1)
    return np.asarray(np.clip(found.astype(np.float32), _LEAST, 1 - _LEAST))


def _two_at_least(labels: Labels) -> Labels:
    """Of one class its opposite too: a lone column would be taken for one class out of two."""
    return np.hstack([labels, 1 - labels]) if labels.shape[1] == 1 else labels


def _constant(last: OneVsRestClassifier, probability: float) -> Any:
    """A classifier of two classes, the second of which has this probability for every item."""
    width = getattr(last, "n_features_in_", None)
    if width is not None and isinstance(last.estimator, LogisticRegression):
        made = LogisticRegression()  # other formats know this one, and not the one below
        made.classes_ = np.array([0, 1])
        made.coef_ = np.zeros((1, width))
        made.intercept_ = np.array([np.log(probability) - np.log1p(-probability)])
        made.n_features_in_ = width
        made.n_iter_ = np.array([0])
        return made
    weights = [1.0 - probability, probability]
    return DummyClassifier(strategy="prior").fit(np.zeros((2, 1)), [0, 1], sample_weight=weights)
