"""Items of a two-layer network's gradient by moments of the head's gradient: the published tensor method."""

from dataclasses import dataclass, replace
from typing import final

import numpy as np

from nextlabel.core.attack import Attack, Knowledge, Recovery
from nextlabel.core.disclosure import Disclosure
from nextlabel.leakage.precisions import widened
from nextlabel.leakage.two_layer.network import Pointwise, TwoLayerMessage, read_message
from nextlabel.maths.axes import Floats
from nextlabel.maths.hermite import hermite_coefficients, hermite_tensors
from nextlabel.maths.parameters import checked_number, checked_whole, settle
from nextlabel.maths.tensors import alternated, common_directions, power_directions, weights_along

__all__ = ["TensorDecomposition"]


_LEAST_COEFFICIENT = 0.02  # of the largest: an order with less vanishes
_ABOVE_CHANCE = 1.5  # times the largest eigenvalue of the moments of shuffled gradients
_SHUFFLES = 3
_MOST_ITEMS = 10  # of which all ways round are tried
_CLEARLY = 1.02  # times the residual of the best way round
# Seeds 1000 to 1007, six activations, d = 16, 20 and 32 with 3, 2 and 4 items, 2,000 to 30,000 units: of 576
# messages 222 leave less, and each of their items has a cosine of 0.9 or more; from 1 up they fall to 0.1.
_TOLERANCE = 0.5
_TINY = float(np.finfo(np.float64).tiny)


@final
@dataclass(frozen=True)
class TensorDecomposition(Attack):
    """The published tensor method: items of length 1 from the head's gradient of a very wide network.

    Parameters
    ----------
    starts : int
        Slices tried for the decomposition, from 1.
    tolerance : float
        How much of the weakest item's own trace in the head's gradient may be left unexplained for items to
        count as recovered, above 0: moments of m units are estimates, and leave some.

    Notes
    -----
    With weights of the normal law, ∂L/∂a_j = h(w_j) = Σ_i r_i·s(w_j·x_i), and Stein's identity gives
    E[h(w)·He_p(w)] = Σ_i r_i·E[s^(p)(w·x_i)]·x_i^{⊗p}. The coefficients E[s^(p)] are computed first. The
    span of the items comes from order 2, or, where that vanishes (tanh, sigmoid), from the sum of
    T_3(·, ·, u)² over random u; in the span, order 3 is decomposed, or, where that vanishes (the rectifier,
    softplus), orders 2 and 4 together. Shares r_i, and so the targets, by least squares. Items are assumed to
    have length 1. No tensor of more than two axes of an item's length is formed. What is left of h after its
    constant and linear part is used for the higher orders: the same expectation, and less noise.

    Items are judged by the curved part of h alone, since its constant and linear part hold most of its length
    and tell the sums of items only: what they leave of it is held against the part that each item makes by
    itself, apart from the others. Wrong items of a small loss would else pass beside right ones of a large.
    Where order 2 outweighs the higher ones by far (softplus), items that are turned into one another hide it.

    Fails where hidden units are few: the error falls as √(d/m), and 10⁵ units are usual. Fails for several
    outputs, biases that are not 0, items that depend on one another, coefficients that vanish in orders 2 to
    4, and many items. An odd activation hides which way round an item is.

    Time O(m·d³) where order 2 vanishes, else O(m·d²); memory O(m·d).

    Departs from the paper, which decomposes the plain moments: lower orders are taken away first. Where as
    many directions as the message has items explain nothing, those are tried that stand out beside the
    moments of shuffled gradients: of equal items one is found.

    References
    ----------
    Wang, Lee, Lei. Reconstructing training data from model gradient, provably. AISTATS 2023.

    Examples
    --------
    >>> import torch
    >>> from nextlabel.leakage.messages import full
    >>> from nextlabel.leakage.two_layer.network import TwoLayer
    >>> _ = torch.manual_seed(0)
    >>> model, items = TwoLayer(4, 20_000, activation="tanh"), np.eye(4, dtype=np.float32)[:2]
    >>> message = full(model, items, np.array([[1.0], [-2.0]], np.float32), loss="squared_error")
    >>> knowledge = Knowledge(model, (4,), 1, loss="squared_error")
    >>> found = TensorDecomposition().recover(message, knowledge, np.random.default_rng(0))
    >>> found.outcome, np.abs(found.items @ items.T).max(axis=0).min() > 0.95
    ('unidentifiable', np.True_)
    """

    starts: int = 6
    tolerance: float = _TOLERANCE

    def __post_init__(self) -> None:
        advice = "Give for example 0.1."
        settle(
            self,
            {
                "starts": checked_whole(self.starts, "starts", least=1),
                "tolerance": checked_number(self.tolerance, "tolerance", above=0, below=1, advice=advice),
            },
        )

    @property
    def reads(self) -> frozenset[str]:
        """Full gradients."""
        return frozenset({"full"})

    @property
    def recovers(self) -> frozenset[str]:
        """Items, and what was asked of them."""
        return frozenset({"items", "labels"})

    @property
    def cost(self) -> str:
        """A fit of a few numbers for each item."""
        return "decomposition"

    def recover(self, disclosure: Disclosure, knowledge: Knowledge, rng: np.random.Generator) -> Recovery:
        """Items of length 1 with their targets (float64), axes (r, 1), and how well they explain it all."""
        knowledge = widened(knowledge)
        message = read_message(disclosure, knowledge)
        refusal = message if isinstance(message, str) else _refusal(message)
        if isinstance(message, str) or refusal:
            return Recovery("refused", refusal)
        if not np.abs(message.head_gradient).max():
            return Recovery("failed", "the gradient of the head is zero: it tells of no item")
        weights = message.weights[:, :-1] if message.has_bias else message.weights
        scale = float(np.sqrt((weights**2).mean()))
        moments = _Moments(weights / scale, message.head_gradient[:, 0], message.activation, scale)
        if moments.orders is None:
            return Recovery("refused", "the activation's Hermite coefficients of orders 2 to 4 vanish")
        values, axes = moments.spectrum(rng)
        items = disclosure.items if knowledge.batch is None else knowledge.batch
        most = min(len(axes) - 1, _MOST_ITEMS)

        def tried(many: int) -> Recovery:
            basis = axes[:, :many]
            directions = moments.directions(basis, self.starts, rng) @ basis.T
            return self._told(message, knowledge, scale, moments, directions, values, items)

        if items <= most:
            found = tried(items)
            if found.outcome != "failed":
                return found
        else:
            found = Recovery("failed", f"the message speaks of {items} items; it can tell 1 to {most}")
        # equal items share a direction, and an item of little loss does not show
        fewer = moments.standing_out(values, rng)
        if not 0 < fewer <= min(items - 1, most):
            return found
        second = tried(fewer)
        return found if second.outcome == "failed" else _of_fewer(second, fewer, items)

    def _told(
        self,
        message: TwoLayerMessage,
        knowledge: Knowledge,
        scale: float,
        moments: "_Moments",
        directions: Floats,
        values: Floats,
        number: int,
    ) -> Recovery:
        ways = 1.0 - 2.0 * ((np.arange(2 ** len(directions))[:, None] >> np.arange(len(directions))) & 1)
        tried = [moments.shares(scale * way[:, None] * directions) for way in ways]
        lefts = np.array([left for _, left in tried])
        best = int(lefts.argmin())
        items, shares = directions * ways[best][:, None], tried[best][0][:, None]
        others = np.delete(lefts, best)
        is_told = bool(others.min() > _CLEARLY * lefts[best]) and message.activation.odd_about != 0
        rows = np.column_stack([items, np.ones(len(items))]) if message.has_bias else items
        residual = message.residual(rows, shares)
        many = number if knowledge.reduction == "mean" else 1
        # equal items share one direction, and the mean of their targets is nobody's
        has_labels = len(items) == number
        outcome, reason = "recovered", "items are assumed to have length 1, and are estimates"
        doubt = moments.doubt(scale * items, shares[:, 0])
        if doubt > self.tolerance:
            outcome = "failed"
            reason = (
                f"items leave {doubt:.2g} of what the weakest of them makes of the head's gradient, more "
                f"than the tolerance of {self.tolerance:g}: the network has too few units for its moments, "
                "or it is another"
            )
        elif not is_told:
            # with biases, or an activation that is not odd, the rest of the message tells what moments do not
            is_odd = message.activation.odd_about == 0 and not message.has_bias
            # targets that are known tell it too, and are not used here
            outcome = "unidentifiable" if is_odd and knowledge.labels is None else "failed"
            reason = (
                "the activation hides which way round an item is: each item and its opposite explain the "
                f"{'message' if is_odd else 'moments'} equally well, and one of the two is given"
            )
        return Recovery(
            outcome,
            reason,
            items=items.reshape(len(items), *knowledge.item_shape),
            labels=message.outputs_of(rows) - many * shares
            if outcome == "recovered" and has_labels
            else None,
            residual=residual,
            evaluations=len(ways),
            details={
                "coefficients": moments.coefficients.tolist(),
                "orders": list(moments.orders or ()),
                "eigenvalues": np.abs(values[:16]).tolist(),
                "residual_of_head": float(lefts[best]),
                "doubt": doubt,
            },
        )


def _of_fewer(found: Recovery, many: int, items: int) -> Recovery:
    said = f"{many} of {items} items show{'s' * (many == 1)} above chance in the moments"
    return replace(found, reason=f"{said}; {found.reason}")


def _refusal(message: TwoLayerMessage) -> str:
    if len(message.head) != 1:
        return f"it reads networks of one output; this one has {len(message.head)}"
    if message.has_bias and message.weights[:, -1].any():
        return "it takes the weights for normal, and the biases of the hidden layer are not 0"
    return ""


@final
class _Moments:
    """Moments of the head's gradient with Hermite polynomials of the weights, lower orders taken away."""

    def __init__(self, weights: Floats, gradient: Floats, activation: Pointwise, scale: float) -> None:
        self.weights, self.gradient, self.activation = weights, gradient, activation
        self.scale = scale
        self.coefficients = hermite_coefficients(activation, 4, scale=scale)
        present = np.abs(self.coefficients) > _LEAST_COEFFICIENT * np.abs(self.coefficients[1:]).max()
        self.orders: tuple[int, ...] | None = None
        if present[3]:
            self.orders = (2, 3) if present[2] else (3,)
        elif present[2] and present[4]:
            self.orders = (2, 4)
        self._flat = np.linalg.qr(np.column_stack([weights, np.ones(len(weights))]))[0]
        self.left = self._curved(gradient)

    def spectrum(self, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Eigenvalues, the largest magnitude first, and their axes, of what spans the items."""
        return self._spectrum(self.left, rng)

    def standing_out(self, values: Floats, rng: np.random.Generator) -> int:
        """How many eigenvalues are larger than any of gradients dealt to other units."""
        chance = max(
            float(np.abs(self._spectrum(rng.permutation(self.left), rng)[0][0])) for _ in range(_SHUFFLES)
        )
        return int((np.abs(values) > _ABOVE_CHANCE * chance).sum())

    def _spectrum(self, left: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
        width = self.weights.shape[1]
        if self.orders is not None and self.orders[0] == 2:
            matrix = self._second(left)
        else:
            matrix = np.zeros((width, width))
            for u in rng.standard_normal((width, width)):
                slice_ = self._third(left, u)
                matrix += slice_ @ slice_
        values, axes = np.linalg.eigh(matrix)
        order = np.argsort(-np.abs(values))
        return values[order], axes[:, order]

    def _second(self, left: Floats) -> Floats:
        found = (self.weights * left[:, None]).T @ self.weights / len(left)
        return np.asarray(found - left.mean() * np.eye(len(found)))

    def _third(self, left: Floats, u: Floats) -> Floats:
        """T_3(·, ·, u): the mean of left · ((w·u)·w wᵀ − (w·u)·1 − u wᵀ − w uᵀ)."""
        along = left * (self.weights @ u)
        mean = left @ self.weights / len(left)
        found = (self.weights * along[:, None]).T @ self.weights / len(left)
        return np.asarray(found - along.mean() * np.eye(len(u)) - np.outer(u, mean) - np.outer(mean, u))

    def directions(self, basis: Floats, starts: int, rng: np.random.Generator) -> Floats:
        """Directions in the span, of length 1."""
        projected = self.weights @ basis
        many = basis.shape[1]
        if self.orders == (2, 4):
            return self._of_fourth(projected, starts, rng)
        cube = hermite_tensors(projected, self.gradient[:, None], 3)[3][..., 0]
        tried = [alternated(cube, power_directions(cube, many, rng))]
        for _ in range(starts):
            one, other = rng.standard_normal((2, many))
            tried.append(alternated(cube, common_directions(cube @ one, cube @ other)))
        return min(tried, key=lambda found: weights_along(cube, found)[1])

    def _of_fourth(self, projected: Floats, starts: int, rng: np.random.Generator) -> Floats:
        """Where order 2 and a slice T_4(·, ·, q, q) are diagonal at once, the best of several q."""
        tensors = hermite_tensors(projected, self.gradient[:, None], 2)
        own = np.eye(projected.shape[1])
        pairs = (projected[:, :, None] * projected[:, None, :]).reshape(len(projected), -1)
        fitted = tensors[0][0] + projected @ tensors[1][:, 0] + (pairs @ tensors[2][..., 0].ravel()) / 2
        # least squares leave nothing of the orders up to 2, so that what He_4 takes away of them is 0
        left = self.gradient - fitted + np.trace(tensors[2][..., 0]) / 2
        best, least = own, np.inf
        for q in rng.standard_normal((starts, len(own))):
            along = projected @ q
            slice_ = (projected * (left * along**2)[:, None]).T @ projected / len(left)
            found = common_directions(slice_, tensors[2][..., 0])
            _, left_over = self._shares(projected, np.vstack([self.scale * found, -self.scale * found]))
            if left_over < least:
                best, least = found, left_over
        return best

    def shares(self, items: Floats) -> tuple[Floats, float]:
        """Shares of items by least squares, and what they leave of the head's gradient."""
        return self._shares(self.weights, items)

    def doubt(self, items: Floats, shares: Floats) -> float:
        """What items leave of the curved part, over what the weakest makes of it apart from the others."""
        made = self._curved(self.activation(self.weights @ items.T))
        apart = float(np.linalg.norm(made @ shares - self.left))
        # one over the length of a column that the others do not explain
        alone = np.linalg.norm(np.linalg.pinv(made), axis=1)
        return float((apart * alone / np.maximum(np.abs(shares), _TINY)).max())

    def _curved(self, values: Floats) -> Floats:
        """Without the constant and the linear part in the weights."""
        return np.asarray(values - self._flat @ (self._flat.T @ values))

    def _shares(self, weights: Floats, items: Floats) -> tuple[Floats, float]:
        values = self.activation(weights @ items.T)
        shares = np.linalg.lstsq(values, self.gradient, rcond=1e-8)[0]
        left = float(np.linalg.norm(values @ shares - self.gradient) / np.linalg.norm(self.gradient))
        return np.asarray(shares), left
