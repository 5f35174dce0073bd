"""BADGE: k-means++ seeding on the gradients of the last layer under each item's own most probable class."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from nextlabel.maths.axes import Array
from nextlabel.testing.laws import Definition, Question, Sizes, Weights, first_of, uniform

__all__ = ["DEFINITION", "definition", "memory"]


def _gradients(question: Question) -> Array:
    """Each item's (p − e_ŷ) ⊗ z, written out."""
    residual = np.array(question.signals["proba"], np.float64)
    residual[np.arange(question.n), residual.argmax(axis=1)] -= 1.0
    embedding = np.asarray(question.signals["embedding"], np.float64)
    return np.stack([np.outer(one, other).ravel() for one, other in zip(residual, embedding, strict=True)])


def _next(question: Question, picked: Sequence[int]) -> Weights:
    """The squared distance to the nearest pick; uniform once all are zero."""
    gradients = _gradients(question)
    weights: Weights = np.min([((gradients - gradients[one]) ** 2).sum(axis=1) for one in picked], axis=0)
    weights[list(picked)] = 0.0
    return weights if weights.any() else uniform(question.n, picked)


def _largest(question: Question, picked: Sequence[int]) -> Weights:
    norms = (_gradients(question) ** 2).sum(axis=1)
    return _next(question, picked) if picked else first_of(norms)


def _uniform(question: Question, picked: Sequence[int]) -> Weights:
    return _next(question, picked) if picked else uniform(question.n)


def _norm(question: Question, picked: Sequence[int]) -> Weights:
    norms: Weights = (_gradients(question) ** 2).sum(axis=1)
    return _next(question, picked) if picked else norms if norms.any() else uniform(question.n)


DEFINITION = Definition("badge", frozenset({"proba", "embedding"}), weights=_largest, is_scale_free=True)


def definition(first: Literal["largest", "uniform", "norm"] = "largest") -> Definition:
    """The definition with another rule for the first pick: the paper has one, its authors' code another.

    Parameters
    ----------
    first : {"largest", "uniform", "norm"}
        Of the longest gradient, uniform, or in proportion to its square.

    Returns
    -------
    Definition
    """
    weights = {"largest": _largest, "uniform": _uniform, "norm": _norm}[first]
    return replace(DEFINITION, weights=weights, parameters={"first": first})


def memory(sizes: Sizes) -> float:
    """Bytes that nextlabel's implementation may use beside its inputs."""
    n, c, d = sizes["n"], sizes["c"], sizes["d"]
    return 8.0 * n * (3 * c + d) + 100.0 * n + 8.0 * sizes["b"] * (c + d) + 1e6
