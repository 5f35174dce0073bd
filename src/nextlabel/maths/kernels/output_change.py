"""The inner loops of the expected change of a last layer's outputs; see `nextlabel.maths.output_change`."""

# The functions below carry no annotations: their types are those of each call, decided by the compiler.
# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# ruff: noqa: ANN001, ANN201, ANN202

import numpy as np

from nextlabel.maths.kernels.compiler import compiled

__all__ = ["mean_changes", "mean_products"]


@compiled
def mean_products(rows, others, bias, result):
    """Write the mean over columns of `others`, axes (d, x), of |⟨row, column⟩ + bias| for each row."""
    products = np.empty(others.shape[1])
    for i in range(len(rows)):
        _multiply(rows[i], others, bias, products)
        total = 0.0
        for product in products:
            total += abs(product)
        result[i] = total / len(products)


@compiled
def mean_changes(rows, proba, orders, others, other_proba, other_orders, bias, is_marginal, result):
    """Write the mean over columns of |⟨row, column⟩ + bias| times the change of the column's probabilities.

    `orders` and `other_orders` hold the classes of each row and each column, most probable first.
    """
    products = np.empty(others.shape[1])
    for i in range(len(rows)):
        _multiply(rows[i], others, bias, products)
        total = 0.0
        for x in range(len(products)):
            if is_marginal:
                change = _marginal(proba[i], orders[i], other_proba[x], other_orders[x])
            else:
                change = _under(proba[i], other_proba[x], orders[i, 0])
            total += abs(products[x]) * change
        result[i] = total / len(products)


@compiled
def _multiply(row, others, bias, products):
    """⟨row, column⟩ + bias for each column: feature by feature, so that equal rows have equal products."""
    products[:] = bias
    for j in range(len(row)):
        value = row[j]
        for x in range(len(products)):
            products[x] += value * others[j, x]


@compiled
def _under(proba, other, label):
    """‖(diag q − q·qᵀ)(p − e_y)‖₁ for one label y, with q the probabilities of the other item."""
    mean = -other[label]
    for k in range(len(proba)):
        mean += other[k] * proba[k]
    total = 0.0
    for k in range(len(proba)):
        residual = proba[k] - 1.0 if k == label else proba[k]
        total += other[k] * abs(residual - mean)
    return total


@compiled
def _marginal(proba, order, other, other_order):
    """The mean of `_under` over labels y drawn from p, in time O(c).

    The entries of the vector sum to zero and only that of y is negative for certain: half of its length is
    the sum over k ≠ y of q_k·(p_k − θ_y) where that is above 0, θ_y = Σ q·p − q_y. Labels are taken in the
    order of θ, largest first, so that the classes with p_k > θ only become more.
    """
    mean = 0.0
    for k in range(len(proba)):
        mean += other[k] * proba[k]
    weighted, weight, place, total = 0.0, 0.0, 0, 0.0
    for at in range(len(proba) - 1, -1, -1):
        label = other_order[at]
        threshold = mean - other[label]
        while place < len(proba) and proba[order[place]] > threshold:
            weighted += other[order[place]] * proba[order[place]]
            weight += other[order[place]]
            place += 1
        if proba[label] > 0.0:
            half = weighted - threshold * weight
            if proba[label] > threshold:
                half -= other[label] * (proba[label] - threshold)
            total += 2.0 * proba[label] * max(half, 0.0)
    return total
