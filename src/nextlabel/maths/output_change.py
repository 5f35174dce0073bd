"""How much one step of training on an item is expected to change what a model says of others."""

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from nextlabel.maths.axes import (
    Array,
    Embeddings,
    Probabilities,
    Scores,
    Sizes,
    checked_probabilities,
)
from nextlabel.maths.distances import checked_points
from nextlabel.maths.information import normalised
from nextlabel.maths.parameters import checked_choice, checked_flag

__all__ = ["Labelling", "Output", "last_layer_change"]

Labelling = Literal["marginal", "map"]
Output = Literal["probabilities", "logits"]

# Up to so many multiply-adds in the plain form, NumPy answers before the compiled kernel is loaded.
_PLAIN_WORK = 50_000_000
_BLOCK_BYTES = 1 << 24


def last_layer_change(
    proba: Probabilities,
    embedding: Embeddings,
    reference_proba: Probabilities,
    reference_embedding: Embeddings,
    *,
    labels: Labelling = "marginal",
    of: Output = "probabilities",
    normalise: bool = False,
    include_bias: bool = False,
) -> Scores:
    """Expected change of the outputs of reference items by one gradient step on an item, last layer alone.

    Parameters
    ----------
    proba : array of float, axes (n, c)
        Class probabilities; rows sum to one.
    embedding : array of float, axes (n, d)
        The input of the last layer.
    reference_proba : array of float, axes (x, c)
        Class probabilities of the items whose outputs are watched; at least one row.
    reference_embedding : array of float, axes (x, d)
        Their input of the last layer.
    labels : {"marginal", "map"}
        The label stepped on: the mean over all, weighted by their probabilities; or the most probable one.
    of : {"probabilities", "logits"}
        Which outputs are watched.
    normalise : bool
        Whether embeddings are scaled to length one first; a row of zeros stays.
    include_bias : bool
        Whether the last layer has a bias, which changes as well.

    Returns
    -------
    array of float64, axes (n,)
        For a step of size 1, from 0: absolute changes summed over outputs, mean over the references.

    Raises
    ------
    SignalError
        Wrong axes or sizes, values that are not finite or overflow float64 when squared, or rows that do not
        sum to one.
    ParameterError
        An unknown choice, or a flag that is neither True nor False.

    Notes
    -----
    For an item with p, z and label y the gradient is r ⊗ z with r = p − e_y; to first order the logits of x
    change by κ·r, κ = z·z_x (+ 1 with a bias), and its probabilities q by κ·(diag q − q·qᵀ)·r. So the
    change of logits is |κ|·‖r‖₁ = |κ|·2(1 − p_y): marginal 2·mean|κ|·(1 − Σp²), map 2·mean|κ|·(1 − max p).
    For probabilities the marginal would take O(c²) a pair; the entries of the vector in the order of p and
    the labels in the order of q make that O(c). Equal items have equal scores to the last bit.

    Time O(n·x·(d + c)); memory beside the inputs: the references twice in float64, and up to 100 MB of
    rows and pairs.

    References
    ----------
    Freytag, Rodner, Denzler. Selecting influential examples: active learning with expected model output
    changes. ECCV 2014. Equation 4.
    Käding, Rodner, Freytag, Denzler. Active and continuous exploration with deep neural networks and expected
    model output changes. arXiv 1612.06129, 2016. The first-order form.

    Examples
    --------
    One item in doubt and one nearly sure, seen by themselves:

    >>> proba, one = np.array([[0.5, 0.5], [0.9, 0.1]]), np.ones((2, 1))
    >>> last_layer_change(proba, one, proba, one, of="logits").round(2).tolist()
    [1.0, 0.36]
    """
    checked_choice(labels, "labels", get_args(Labelling))
    checked_choice(of, "of", get_args(Output))
    sizes: Sizes = {}
    proba = checked_probabilities(proba, "n c", "proba", sizes)
    embedding = checked_points(embedding, "n d", "embedding", sizes)
    q = normalised(checked_probabilities(reference_proba, "x c", "reference_proba", sizes))
    others = checked_points(reference_embedding, "x d", "reference_embedding", sizes).astype(np.float64)
    has_unit_rows = checked_flag(normalise, "normalise")
    bias = float(checked_flag(include_bias, "include_bias"))
    others = _directions(others) if has_unit_rows else others
    work = len(proba) * len(q) * (embedding.shape[1] + q.shape[1] ** 2)
    change = _plain if work <= _PLAIN_WORK else _compiled
    result = np.empty(len(proba))
    step = max(1, _BLOCK_BYTES // (8 * (embedding.shape[1] + q.shape[1])))
    for start in range(0, len(proba), step):
        rows = slice(start, start + step)
        z = embedding[rows].astype(np.float64)
        z = _directions(z) if has_unit_rows else z
        result[rows] = change(normalised(proba[rows]), z, q, others, bias, labels, of)
    return result


def _plain(
    p: Array, z: Array, q: Array, others: Array, bias: float, labels: Labelling, of: Output
) -> NDArray[np.float64]:
    """Label by label, as it is written; sooner done than loading a kernel where the work is small."""
    step = max(1, _BLOCK_BYTES // (8 * q.size))
    return np.concatenate(
        [
            _plain_rows(p[start : start + step], z[start : start + step], q, others, bias, labels, of)
            for start in range(0, len(p), step)
        ]
    )


def _plain_rows(
    p: Array, z: Array, q: Array, others: Array, bias: float, labels: Labelling, of: Output
) -> NDArray[np.float64]:
    # einsum adds up each pair in one order wherever it lies: equal items stay equal
    closeness = np.abs(np.einsum("nd,xd->nx", z, others) + bias)
    if of == "logits":
        return np.asarray(_logit_change(p, labels) * closeness.mean(axis=1))
    change = np.zeros_like(closeness)
    likeliest = np.eye(p.shape[1])[p.argmax(axis=1)]
    for label in range(p.shape[1]):
        residual = p.copy()
        residual[:, label] -= 1.0
        moved = residual[:, None, :] - np.einsum("nc,xc->nx", residual, q)[:, :, None]
        size = np.einsum("xc,nxc->nx", q, np.abs(moved, out=moved))
        change += (p if labels == "marginal" else likeliest)[:, label, None] * size
    return np.asarray((closeness * change).mean(axis=1))


def _compiled(
    p: Array, z: Array, q: Array, others: Array, bias: float, labels: Labelling, of: Output
) -> NDArray[np.float64]:
    from nextlabel.maths.kernels import output_change as kernel
    from nextlabel.maths.kernels.compiler import announced

    result = np.empty(len(p))
    columns = np.ascontiguousarray(others.T)
    with announced("the kernel of expected output changes", kernel.mean_changes):
        if of == "logits":
            kernel.mean_products(z, columns, bias, result)
            return np.asarray(_logit_change(p, labels) * result)
        orders, other_orders = (np.argsort(-one, axis=1, kind="stable") for one in (p, q))
        is_marginal = labels == "marginal"
        kernel.mean_changes(z, p, orders, columns, q, other_orders, bias, is_marginal, result)
    return result


def _logit_change(p: Array, labels: Labelling) -> NDArray[np.float64]:
    if labels == "map":
        return np.asarray(2.0 * (1.0 - p.max(axis=1)))
    return np.asarray(2.0 * (p * (1.0 - p)).sum(axis=1))


def _directions(rows: Array) -> Array:
    """Rows scaled to length one; a row of zeros has no direction and stays."""
    largest = np.abs(rows).max(axis=1, keepdims=True)  # first, so that no square leaves its range
    scaled = rows / np.where(largest > 0.0, largest, 1.0)
    length = np.linalg.norm(scaled, axis=1, keepdims=True)
    directions: Array = scaled / np.where(length > 0.0, length, 1.0)
    return directions
