"""The inner loops of exact D² sampling over outer products; see `nextlabel.maths.seeding` for the law.

A row is g = q ⊗ z, with q a row of `residual` and z a row of `embedding` that may carry one constant more,
`bias`. For each item four numbers are kept: `weight`, an upper bound of the squared distance to the nearest
centre; `seen`, how many centres that bound has been compared with; `square`, ‖g‖²; and `length`, ‖z‖.
"""

# The functions below carry no annotations: their types are those of each call, decided by the compiler.
# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# ruff: noqa: ANN001, ANN201, ANN202

import numpy as np

from nextlabel.maths.kernels.compiler import compiled

__all__ = ["BRANCH", "LEAF", "advance", "norms"]

# The tree of sums: 256 weights a leaf, 64 leaves a branch. A parent is always added up anew from its
# children, never updated by a difference, so that a sum of zeros is zero.
LEAF = 256
BRANCH = 64

# Work is counted in multiply-adds, with what a call and a loop cost beside them, measured.
_PRODUCT = 50
_PAIR = 10
_BLOCK = 256

# A refresh comes when the work rejected since the last one exceeds its price, and sooner when so large a
# share of the price was rejected since the last pick: then all clusters are covered and nobody knows yet.
_STUCK = 16.0

# A refresh passes over the items that weigh less than this share of the mean: together they weigh less
# than this share of all, so proposals of them are rare.
_HEAVY = 0.25

# A pass over all norms pays off once the smallest norm among the centres has fallen by this factor.
_FALL = 0.9


@compiled(fastmath={"reassoc", "contract", "nsz"})
def _dot(x, y):
    """⟨x, y⟩ in float64, where the product of two float32 is exact."""
    total = 0.0
    for k in range(len(x)):
        total += np.float64(x[k]) * np.float64(y[k])
    return total


@compiled
def norms(residual, embedding, bias, square, length):
    """Write ‖q ⊗ z‖² into `square` and ‖z‖ into `length`, reading each row once."""
    for i in range(len(square)):
        z = _dot(embedding[i], embedding[i]) + bias
        square[i] = _dot(residual[i], residual[i]) * z
        length[i] = np.sqrt(z)


@compiled(fastmath={"reassoc", "contract", "nsz"})
def _add_up(values, sums, parent, width):
    """Add up the children of one parent anew."""
    total = 0.0
    for k in range(parent * width, min((parent + 1) * width, len(values))):
        total += values[k]
    sums[parent] = total


@compiled
def _set_weight(weight, leaves, branches, i, value):
    weight[i] = value
    leaf = i // LEAF
    _add_up(weight, leaves, leaf, LEAF)
    _add_up(leaves, branches, leaf // BRANCH, BRANCH)


@compiled
def _add_up_all(weight, leaves, branches):
    for leaf in range(len(leaves)):
        _add_up(weight, leaves, leaf, LEAF)
    for branch in range(len(branches)):
        _add_up(leaves, branches, branch, BRANCH)


@compiled
def _descend(values, start, stop, target):
    """The child in which a target falls, and what remains of it there; never a child that weighs nothing."""
    last = -1
    for k in range(start, min(stop, len(values))):
        if values[k] > 0.0:
            if target < values[k]:
                return k, target
            last = k
        target -= values[k]
    return last, 0.0  # rounding carried the target past the end


@compiled
def _draw(weight, leaves, branches, target):
    """The item in whose weight the target falls."""
    branch, rest = _descend(branches, 0, len(branches), target)
    leaf, rest = _descend(leaves, branch * BRANCH, (branch + 1) * BRANCH, rest)
    item, _ = _descend(weight, leaf * LEAF, (leaf + 1) * LEAF, rest)
    return item


@compiled
def _bound_by_norms(square, weight, smallest):
    """Lower every weight to (‖g‖ + the smallest norm among the centres)² where that is less."""
    for i in range(len(weight)):
        bound = (np.sqrt(square[i]) + smallest) ** 2
        weight[i] = min(weight[i], bound)


@compiled
def _compare(q, z, bias, square, length, bound, threshold, start, count, noise, qs, zs, squares, lengths):
    """Compare one item with the centres from `start` on, until all are seen or it is clearly rejected.

    Returns the least squared distance found (or `bound`), the number of centres seen, the multiply-adds.
    """
    least, work, norm = bound, 0, np.sqrt(square)
    for j in range(start, count):
        gap = norm - np.sqrt(squares[j])
        if gap * gap >= least:
            continue
        both = square + squares[j]
        inner = _dot(q, qs[j])
        work += len(q) + _PRODUCT
        # |⟨z, z'⟩| is at most ‖z‖‖z'‖: the short factor alone often shows that the centre is too far
        if both * (1.0 - noise) - 2.0 * abs(inner) * length * lengths[j] >= least:
            continue
        distance = both - 2.0 * inner * (_dot(z, zs[j]) + bias)
        work += len(z) + _PRODUCT
        # norms and products come from one dot, so copies cancel; unless a compiler inlines it in two ways
        if distance < noise * both:
            distance = 0.0
        if distance < least:
            least = distance
            if least <= threshold:
                return least, j + 1, work
    return least, count, work


@compiled
def _price(weight, seen, count, least, width):
    """The multiply-adds of a refresh of all items that weigh at least so much, and of passing the rest."""
    pairs = 0
    for i in range(len(weight)):
        if weight[i] >= least:
            pairs += count - seen[i]
    return _PAIR * len(weight) + pairs * (width + _PAIR)


@compiled
def _refresh(residual, embedding, bias, square, weight, seen, noise, qs, zs, squares, count, least):
    """Compare the items that weigh at least so much with all centres, in blocks of centres side by side."""
    features, classes = embedding.shape[1], residual.shape[1]
    for low in range(0, count, _BLOCK):
        width = min(_BLOCK, count - low)
        q_columns, z_columns = np.empty((classes, width)), np.empty((features, width))
        for j in range(width):
            q_columns[:, j] = qs[low + j]
            z_columns[:, j] = zs[low + j]
        inner, outer = np.empty(width), np.empty(width)
        for i in range(len(weight)):
            if weight[i] < least or seen[i] >= low + width:
                continue
            inner[:] = 0.0
            for k in range(classes):
                value, column = np.float64(residual[i, k]), q_columns[k]
                for j in range(width):
                    inner[j] += value * column[j]
            outer[:] = bias
            for k in range(features):
                value, column = np.float64(embedding[i, k]), z_columns[k]
                for j in range(width):
                    outer[j] += value * column[j]
            nearest = weight[i]
            for j in range(width):
                both = square[i] + squares[low + j]
                distance = both - 2.0 * inner[j] * outer[j]
                nearest = min(nearest, 0.0 if distance < noise * both else distance)
            weight[i], seen[i] = nearest, low + width


@compiled
def advance(
    residual,
    embedding,
    bias,
    noise,
    square,
    length,
    weight,
    seen,
    leaves,
    branches,
    centres,
    distances,
    qs,
    zs,
    squares,
    lengths,
    count,
    state,
    uniforms,
):
    """Pick centres until the batch is full, nothing is left to pick, or the uniform numbers run out.

    `state` carries over: the smallest norm among the centres, what it was at the last pass over all
    norms, the multiply-adds spent on rejected items since the last refresh, and the price of the next
    one when it was last asked. Returns the number of centres and whether anything is left to pick.
    """
    n, classes = residual.shape
    features = embedding.shape[1]
    at = 0
    while count < len(centres):
        if state[0] < _FALL * state[1]:
            _bound_by_norms(square, weight, state[0])
            _add_up_all(weight, leaves, branches)
            state[1] = state[0]
        total = 0.0
        for k in range(len(branches)):
            total += branches[k]
        if total <= 0.0:
            return count, False
        if state[2] > state[3] or _STUCK * state[4] > state[3]:
            heavy = _HEAVY * total / n
            state[3] = _price(weight, seen, count, heavy, classes + features)
            if state[2] > state[3] or _STUCK * state[4] > state[3]:
                _refresh(
                    residual, embedding, bias, square, weight, seen, noise, qs, zs, squares, count, heavy
                )
                _add_up_all(weight, leaves, branches)
                state[2], state[3], state[4] = 0.0, _PAIR * n, 0.0
                continue
        if at + 2 > len(uniforms):
            break
        i = _draw(weight, leaves, branches, uniforms[at] * total)
        threshold = uniforms[at + 1] * weight[i]
        at += 2
        least, known, work = _compare(
            residual[i], embedding[i], bias, square[i], length[i], weight[i], threshold, seen[i], count,
            noise, qs, zs, squares, lengths,
        )  # fmt: skip
        seen[i] = known
        if least <= threshold:
            state[2] += work
            state[4] += work
            _set_weight(weight, leaves, branches, i, least)
            continue
        _set_weight(weight, leaves, branches, i, 0.0)
        centres[count], distances[count] = i, least
        qs[count], zs[count] = residual[i], embedding[i]
        squares[count], lengths[count] = square[i], length[i]
        state[0] = min(state[0], np.sqrt(square[i]))
        state[4] = 0.0
        count += 1
    return count, True
