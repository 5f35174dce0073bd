"""What L-BFGS remembers of many descents at once: pairs of steps and changes of gradient."""

from typing import final

import torch
from torch import Tensor

__all__ = ["Curvature", "fitting_history"]

_NUMBERS = 2**26  # of all pairs of all starts together: half a gigabyte in float64
_LEAST = 5  # pairs, below which L-BFGS is hardly more than gradient descent


def fitting_history(starts: int, width: int, history: int) -> int:
    """How many pairs to remember where so many are wanted: fewer where they would take half a gigabyte.

    Parameters
    ----------
    starts : int
    width : int
        Numbers of a point.
    history : int
        Pairs wanted.

    Returns
    -------
    int
        At least 5, or what is wanted where that is less.

    Examples
    --------
    >>> fitting_history(8, 868, 100), fitting_history(8, 150_528, 100), fitting_history(32, 10**7, 100)
    (100, 27, 5)
    """
    return min(history, max(_LEAST, _NUMBERS // (2 * starts * width)))


@final
class Curvature:
    """The last steps and changes of gradient of each start, and the inverse Hessian that they imply.

    Parameters
    ----------
    starts : Tensor of float, axes (r, d)
        Says how many starts there are, of which width, precision and device.
    history : int
        Pairs that each start remembers; a new one takes the place of the oldest.

    Attributes
    ----------
    counts : Tensor of int64, axes (r,)
        How many pairs each start remembers.

    Notes
    -----
    The product with the inverse Hessian is that of the two loops of L-BFGS, in the compact form

    H = γI + [S, γY] [[R⁻ᵀ(D + γYᵀY)R⁻¹, −R⁻ᵀ], [−R⁻¹, 0]] [Sᵀ; γYᵀ],

    with steps S, changes Y, the upper triangle R of SᵀY, its diagonal D, and γ = sᵀy/yᵀy of the newest pair:
    a few products of matrices for all starts, where the loops would be twice ``history`` small calls.
    Starts are named in ascending order. Those with fewer pairs than others are padded by zeros.

    Memory O(r·history·d), time of a product O(r·history·d + r·history²).

    References
    ----------
    Byrd, Nocedal, Schnabel. Representations of quasi-Newton matrices and their use in limited memory methods.
    Mathematical Programming 63, 1994. Section 2.

    Examples
    --------
    A pair tells the curvature along itself: 4 there, 1 nowhere else.

    >>> curvature = Curvature(torch.zeros(1, 2), history=3)
    >>> curvature.push(torch.tensor([0]), torch.tensor([[1.0, 0.0]]), torch.tensor([[4.0, 0.0]]))
    >>> curvature.applied(torch.tensor([0]), torch.tensor([[8.0, 0.0]]))
    tensor([[2., 0.]])
    """

    def __init__(self, starts: Tensor, history: int) -> None:
        count, width = starts.shape
        # the step and the change of a pair lie side by side, so that one pass reads all pairs in use
        self._pairs = starts.new_zeros(count, 2 * history, width)
        self._across, self._within = (starts.new_zeros(count, history, history) for _ in range(2))
        self._scales = starts.new_ones(count)
        self._next = torch.zeros(count, dtype=torch.int64, device=starts.device)
        self.counts = torch.zeros_like(self._next)
        self._history = history

    def clear(self, rows: Tensor) -> None:
        """Forget all pairs of some starts."""
        self.counts[rows], self._next[rows], self._scales[rows] = 0, 0, 1.0
        for array in (self._pairs, self._across, self._within):
            array[rows] = 0.0

    def push(self, rows: Tensor, steps: Tensor, changes: Tensor) -> None:
        """Remember a pair of each of some starts, unless the curvature along it is not above rounding."""
        products = (steps * changes).sum(1)
        lengths = steps.norm(dim=1) * changes.norm(dim=1)
        is_kept = products > torch.finfo(steps.dtype).eps * lengths
        rows, steps, changes = rows[is_kept], steps[is_kept], changes[is_kept]
        place = self._next[rows]
        self._pairs[rows, 2 * place], self._pairs[rows, 2 * place + 1] = steps, changes
        used = min(int(self.counts.max()) + 1, self._history)  # places fill from the first on
        along, against = _products(self._pairs[:, : 2 * used], rows, changes)
        # of steps times changes only those with an older step are read: the others need not be kept
        self._across[rows, :used, place] = along
        self._within[rows, place, :used] = self._within[rows, :used, place] = against
        self._scales[rows] = products[is_kept] / (changes**2).sum(1)
        self._next[rows] = (place + 1) % self._history
        self.counts[rows] = (self.counts[rows] + 1).clamp(max=self._history)

    def applied(self, rows: Tensor, gradients: Tensor) -> Tensor:
        """The approximate inverse Hessian of each of some starts times its gradient."""
        used = int(self.counts[rows].max()) if len(rows) else 0  # the places in use, too: they fill in order
        scale = self._scales[rows, None]
        if not used:
            return scale * gradients
        # from the oldest to the newest; places not yet used are zero and come first
        order = (self._next[rows, None] - used + torch.arange(used, device=rows.device)) % used
        each = rows[:, None]
        across = self._across[each[:, :, None], order[:, :, None], order[:, None, :]].triu()
        within = self._within[each[:, :, None], order[:, :, None], order[:, None, :]]
        diagonal = across.diagonal(dim1=1, dim2=2)
        upper = across + torch.diag_embed((diagonal == 0).to(across.dtype))
        pairs = self._pairs[:, : 2 * used]
        along, against = (one.gather(1, order) for one in _products(pairs, rows, gradients))
        inner = torch.linalg.solve_triangular(upper, along[:, :, None], upper=True)
        middle = diagonal[:, :, None] * inner + scale[:, :, None] * (within @ inner - against[:, :, None])
        outer = torch.linalg.solve_triangular(upper.mT, middle, upper=False)
        # back to the places in which the pairs lie, so that these need not be copied
        shares = gradients.new_zeros(len(rows), used, 2)
        shares[:, :, 0].scatter_(1, order, outer[:, :, 0])
        shares[:, :, 1].scatter_(1, order, -scale * inner[:, :, 0])
        return scale * gradients + _times(shares.flatten(1), pairs, rows)


def _products(pairs: Tensor, rows: Tensor, vectors: Tensor) -> tuple[Tensor, Tensor]:
    """The steps and the changes of some starts, each times a vector of its start: axes (r, used)."""
    both = _times(vectors, pairs.mT, rows).reshape(len(rows), pairs.shape[1] // 2, 2)
    return both[:, :, 0], both[:, :, 1]


def _times(vectors: Tensor, matrices: Tensor, rows: Tensor) -> Tensor:
    """The vectors of some starts times their matrices; vectors first, which is several times as fast."""
    if len(rows) == len(matrices):  # all of them, in order
        return (vectors[:, None] @ matrices)[:, 0]
    if 2 * len(rows) < len(matrices):
        return (vectors[:, None] @ matrices[rows])[:, 0]
    # most starts take part: to leave out the others would copy more than it saves
    whole = vectors.new_zeros(len(matrices), vectors.shape[1])
    whole[rows] = vectors
    return (whole[:, None] @ matrices)[rows, 0]
