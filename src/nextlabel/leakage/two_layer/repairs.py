"""A fit of a two-layer network's gradient that is right but for a few items, begun again in these."""

import numpy as np

from nextlabel.leakage.two_layer.fit import Guess, Reduced

__all__ = ["repaired"]


_FAR = 4.0  # times the usual length: a component that has run away


def repaired(problem: Reduced, guess: Guess, rng: np.random.Generator) -> Guess:
    """A guess whose least useful items are replaced by what the others leave unexplained.

    Parameters
    ----------
    problem : Reduced
        The message.
    guess : Guess
        Where a fit got stuck.
    rng : numpy.random.Generator
        Draws by which mixture of the missing items they are replaced.

    Returns
    -------
    Guess

    Notes
    -----
    A stuck fit has found most items, and has a few that ran away: without end long, with hardly any share,
    each a step function that a few units see. Without them, what is left of the hidden gradient is
    R_j = Σ over missing items of (Σ_k r_ik·a_kj)·s'(v_j·u_i)·u_i, so that any sum Σ_j φ_j·R_j lies in their
    span: where one is missing, it is its direction. The φ_j here are a random mixture of the
    head's weights, times a random even function of the weights v_j.
    """
    lengths = np.linalg.norm(guess.items, axis=1)
    _, slope, _ = problem.activation.with_slopes(problem.weights @ guess.items.T)
    parts = np.sqrt(((problem.head.T @ guess.shares.T * slope) ** 2).sum(0)) * lengths
    usual = float(np.median(lengths))
    is_weak = lengths > _FAR * usual
    order = np.argsort(parts)
    is_weak[order[: rng.integers(1, 3) if not is_weak.any() else rng.integers(0, 2)]] = True
    is_weak[order[-1]] = False  # never all
    kept, shares = guess.items[~is_weak], guess.shares[~is_weak]
    left = problem.hidden_gradient - (problem.head.T @ shares.T * slope[:, ~is_weak]) @ kept
    if problem.free == "linear":
        left = left - problem.head.T @ guess.free
    items, made = guess.items.copy(), guess.shares.copy()
    for place in np.flatnonzero(is_weak):
        along = problem.weights @ rng.standard_normal(len(lengths)) / np.sqrt(len(lengths))
        weights = problem.head.T @ rng.standard_normal(len(problem.head))
        direction = (weights * (rng.standard_normal() + along**2)) @ left
        items[place] = usual * direction / max(float(np.linalg.norm(direction)), 1e-300)
    value = problem.activation(problem.weights @ items[is_weak].T)
    wanted = problem.head_gradient - problem.activation(problem.weights @ kept.T) @ shares
    if problem.free == "constant":
        wanted = wanted - guess.free[:, 0]
    elif problem.free == "linear":
        wanted = wanted - problem.weights @ guess.free.T
    made[is_weak] = np.linalg.lstsq(value, wanted, rcond=1e-8)[0]
    return Guess(items, made, guess.free)
