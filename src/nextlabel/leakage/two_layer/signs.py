"""Which way round recovered items are, where turning one round changes the gradient by little or nothing."""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from nextlabel.leakage.two_layer.fit import Guess, Reduced
from nextlabel.maths.axes import Floats

__all__ = ["Turning", "turned"]


_MOST_LISTED = 18  # items of which all ways are tried
_DISTINCT = 30.0  # so many times worse than the best way is another one that can be told from it


@final
@dataclass(frozen=True, eq=False)
class Turning:
    """Which items are the other way round than found, and whether anything said so.

    Parameters
    ----------
    is_turned : array of bool, axes (b,)
    is_told : bool
        Whether every other choice explains the message worse.
    """

    is_turned: NDArray[np.bool_]
    is_told: bool


def turned(problem: Reduced, guess: Guess, bias_gradient: Floats | None, precision: float) -> Turning:
    """Which items of a fit with free numbers must be turned round for the free numbers to be 0.

    Parameters
    ----------
    problem : Reduced
        Its activation has a symmetry.
    guess : Guess
        What fits it, with the free numbers found.
    bias_gradient : array of float64, axes (k,), or None
        The gradient by the bias of the head: the sum of the shares.
    precision : float
        The residual of the fit.

    Returns
    -------
    Turning

    Notes
    -----
    Where s(t) + s(−t) = κ, an item (share r, u) and (−r, −u) differ in the head's gradient by κ·r only, which
    does not depend on the unit; the free constants are then −κ·Σ r_i over the items that are the wrong way
    round, and the bias of the head adds 2·Σ r_i = Σ_all r_i − ∂L/∂c. For the tanh, κ = 0: without a bias
    nothing tells (x, y) from (−x, −y). Where s(t) − s(−t) = κ·t, (r, u) and (r, −u) differ by a linear
    function, and the free vectors are −κ·Σ r_i·u_i over the wrong ones: u_i are independent, so that each is
    told. The equations are linear in an unknown of 0 or 1 for each item; they are solved by rounding least
    squares where there are enough of them, and otherwise by trying all ways, up to 18 items.
    """
    rows, wanted = _equations(problem, guess, bias_gradient)
    many = len(guess.items)
    if not len(rows):
        return Turning(np.zeros(many, dtype=bool), False)
    scale = max(float(np.abs(rows).max()), 1e-300)
    rows, wanted = rows / scale, wanted / scale
    if np.linalg.matrix_rank(rows, tol=1e-6 * np.linalg.norm(rows, 2)) == many:
        solved = np.linalg.lstsq(rows, wanted, rcond=None)[0]
        return Turning(solved > 0.5, bool(np.abs(solved - np.round(np.clip(solved, 0, 1))).max() < 0.25))
    if many > _MOST_LISTED:
        return Turning(np.zeros(many, dtype=bool), False)
    ways = (np.arange(2**many)[:, None] >> np.arange(many)) & 1
    misses = np.linalg.norm(ways @ rows.T - wanted, axis=1)
    first, second = np.partition(misses, 1)[:2] if many else (0.0, np.inf)
    is_told = bool(second > _DISTINCT * max(float(first), precision))
    return Turning(ways[int(misses.argmin())].astype(bool), is_told)


def _equations(problem: Reduced, guess: Guess, bias_gradient: Floats | None) -> tuple[Floats, Floats]:
    """Rows and right-hand sides of equations in the items' unknowns."""
    rows, wanted = [], []
    odd, even = problem.activation.odd_about, problem.activation.even_but_for
    if odd is not None:
        if odd:
            rows.append(-odd * guess.shares.T)
            wanted.append(guess.free[:, 0])
        if bias_gradient is not None:
            rows.append(2.0 * guess.shares.T)
            wanted.append(guess.shares.sum(0) - bias_gradient)
    elif even:
        outer = guess.shares[:, :, None] * guess.items[:, None, :]
        rows.append(-even * outer.reshape(len(outer), -1).T)
        wanted.append(guess.free.ravel())
    many = len(guess.items)
    return (np.vstack(rows), np.concatenate(wanted)) if rows else (np.zeros((0, many)), np.zeros(0))
