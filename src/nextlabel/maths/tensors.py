"""Symmetric tensors of order three taken apart: by two of their slices, by power iteration, alternating."""

from itertools import permutations

import numpy as np
from numpy.typing import ArrayLike

from nextlabel.errors import SignalError
from nextlabel.maths.axes import Floats
from nextlabel.maths.parameters import checked_whole

__all__ = ["alternated", "common_directions", "power_directions", "symmetrised", "tensor_of", "weights_along"]


def tensor_of(directions: ArrayLike, weights: ArrayLike) -> Floats:
    """The tensor Σ weight_i · u_i ⊗ u_i ⊗ u_i.

    Parameters
    ----------
    directions : array of float, axes (b, d)
        The u_i.
    weights : array of float, axes (b,)

    Returns
    -------
    array of float64, axes (d, d, d)

    Examples
    --------
    >>> tensor_of([[1.0, 2.0]], [3.0])[1, 1].tolist()
    [12.0, 24.0]
    """
    rows = np.asarray(directions, dtype=np.float64)
    weighted = rows * np.asarray(weights, dtype=np.float64)[:, None]
    pairs = (rows[:, :, None] * rows[:, None, :]).reshape(len(rows), -1)
    return np.asarray((weighted.T @ pairs).reshape(rows.shape[1], rows.shape[1], rows.shape[1]))


def symmetrised(tensor: ArrayLike) -> Floats:
    """The mean of a tensor over all orders of its three axes.

    Raises
    ------
    SignalError
        Not three axes of one length.

    Examples
    --------
    >>> symmetrised([[[0.0, 6.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]])[0].tolist()
    [[0.0, 2.0], [2.0, 0.0]]
    """
    cube = _cube(tensor)
    return np.asarray(sum(np.transpose(cube, axes) for axes in permutations(range(3))) / 6.0)


def common_directions(first: ArrayLike, second: ArrayLike) -> Floats:
    """The directions in which two matrices are diagonal at once (Jennrich, Leurgans, Ross and Abel).

    Parameters
    ----------
    first, second : array of float, axes (d, d)
        Both of the form Σ weight_i · u_i u_iᵀ with the same d independent u_i.

    Returns
    -------
    array of float64, axes (d, d)
        One direction a row, of length 1, up to sign; real parts where noise makes them complex.

    Raises
    ------
    SignalError
        Not two square matrices of one size.

    Notes
    -----
    first · second⁻¹ = U diag(ratios of weights) U⁻¹: its eigenvectors are the u_i where the ratios differ.
    Time O(d³).

    References
    ----------
    Leurgans, Ross, Abel. A decomposition for three-way arrays. SIAM Journal on Matrix Analysis and
    Applications 14(4), 1993.

    Examples
    --------
    >>> u = np.array([[1.0, 0.0], [0.6, 0.8]])
    >>> found = common_directions(u.T @ np.diag([1.0, 2.0]) @ u, u.T @ np.diag([3.0, -1.0]) @ u)
    >>> np.round(np.sort(np.abs(found[:, 0])), 6).tolist()
    [0.6, 1.0]
    """
    above, below = (np.asarray(one, dtype=np.float64) for one in (first, second))
    if above.ndim != 2 or above.shape[0] != above.shape[1] or above.shape != below.shape:
        message = (
            f"Two square matrices of one size are needed; received {above.shape} and {below.shape}. "
            "Give two slices of one tensor."
        )
        raise SignalError(message)
    values, vectors = np.linalg.eig(above @ np.linalg.pinv(below))
    # real and imaginary part of a complex pair span the plane in which two directions could not be told
    rows = np.where(values.imag < 0, vectors.imag, vectors.real).T
    return _unit(rows)


def power_directions(tensor: ArrayLike, rank: int, rng: np.random.Generator, *, starts: int = 10) -> Floats:
    """Directions by power iteration, the heaviest first, each subtracted before the next.

    For tensors whose directions are nearly at right angles.

    Parameters
    ----------
    tensor : array of float, axes (d, d, d)
        Symmetric.
    rank : int
        How many directions, from 1.
    rng : numpy.random.Generator
        Draws the starts.
    starts : int
        How many for each direction.

    Returns
    -------
    array of float64, axes (rank, d)
        Of length 1.

    Raises
    ------
    SignalError
        Not three axes of one length.
    ParameterError
        A rank or starts below 1.

    Notes
    -----
    u ← T(·, u, u) / length, 60 times; of all starts that with the largest |T(u, u, u)| is kept.
    Time O(rank · starts · d³).

    References
    ----------
    Anandkumar, Ge, Hsu, Kakade, Telgarsky. Tensor decompositions for learning latent variable models.
    JMLR 15, 2014. Algorithm 1.

    Examples
    --------
    >>> tensor = tensor_of([[1.0, 0.0], [0.0, 1.0]], [3.0, -1.0])
    >>> np.abs(power_directions(tensor, 2, np.random.default_rng(0))).round(6).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    left = np.array(_cube(tensor))
    rank = checked_whole(rank, "rank", least=1)
    starts = checked_whole(starts, "starts", least=1)
    found = []
    for _ in range(rank):
        tried = _unit(rng.standard_normal((starts, len(left))))
        for _ in range(60):
            tried = _unit(np.einsum("lpq,sp,sq->sl", left, tried, tried, optimize=True))
        heights = np.einsum("lpq,sl,sp,sq->s", left, tried, tried, tried, optimize=True)
        best = int(np.abs(heights).argmax())
        found.append(tried[best])
        left = left - tensor_of(tried[best : best + 1], heights[best : best + 1])
    return np.array(found)


def alternated(tensor: ArrayLike, directions: ArrayLike, *, rounds: int = 60) -> Floats:
    """Directions improved by alternating least squares.

    Parameters
    ----------
    tensor : array of float, axes (d, d, d)
        Symmetric.
    directions : array of float, axes (b, d)
        Where to begin; of length 1.
    rounds : int
        How often all directions are solved for, from 0.

    Returns
    -------
    array of float64, axes (b, d)
        Of length 1, each with the sign nearer to its start.

    Raises
    ------
    SignalError
        Not three axes of one length, or directions of another.
    ParameterError
        Rounds that are no whole number from 0 up.

    Notes
    -----
    One factor is solved for with the other two held at the directions, min ‖T − Σ a_i ⊗ u_i ⊗ u_i‖, and its
    rows, scaled to length 1, are the directions of the next round. Time O(rounds · (d³·b + b³)).

    Examples
    --------
    >>> tensor = tensor_of([[1.0, 0.0], [0.6, 0.8]], [1.0, 2.0])
    >>> alternated(tensor, [[0.9, 0.1], [0.5, 0.9]], rounds=200).round(6).tolist()
    [[1.0, 0.0], [0.6, 0.8]]
    """
    cube, rows = _cube(tensor), _unit(_matching(tensor, directions))
    flat = cube.reshape(len(cube), -1)
    for _ in range(checked_whole(rounds, "rounds", least=0)):
        pairs = (rows[:, :, None] * rows[:, None, :]).reshape(len(rows), -1)
        solved = np.linalg.pinv((rows @ rows.T) ** 2, rcond=1e-12, hermitian=True) @ (pairs @ flat.T)
        signs = np.where((solved * rows).sum(1, keepdims=True) < 0, -1.0, 1.0)
        rows = _unit(solved * signs)
    return rows


def weights_along(tensor: ArrayLike, directions: ArrayLike) -> tuple[Floats, float]:
    """The weights of given directions in a tensor, by least squares, and the share that they leave.

    Parameters
    ----------
    tensor : array of float, axes (d, d, d)
        Symmetric.
    directions : array of float, axes (b, d)
        Of length 1.

    Returns
    -------
    weights : array of float64, axes (b,)
    left : float
        The length of what is left, as a share of the length of the tensor; 0 for a tensor of zeros.

    Raises
    ------
    SignalError
        Not three axes of one length, or directions of another.

    Examples
    --------
    >>> tensor = tensor_of([[1.0, 0.0], [0.6, 0.8]], [1.0, 2.0])
    >>> weights, left = weights_along(tensor, [[1.0, 0.0], [0.6, 0.8]])
    >>> weights.round(6).tolist(), left < 1e-12
    ([1.0, 2.0], True)
    """
    cube, rows = _cube(tensor), _matching(tensor, directions)
    heights = np.einsum("lpq,il,ip,iq->i", cube, rows, rows, rows, optimize=True)
    weights = np.linalg.pinv((rows @ rows.T) ** 3, rcond=1e-12, hermitian=True) @ heights
    length = float(np.linalg.norm(cube))
    left = float(np.linalg.norm(cube - tensor_of(rows, weights)))
    return np.asarray(weights), left / length if length else 0.0


def _cube(tensor: ArrayLike) -> Floats:
    cube = np.asarray(tensor, dtype=np.float64)
    if cube.ndim != 3 or len(set(cube.shape)) != 1:
        message = (
            f"A tensor must have three axes of one length; received shape {cube.shape}. Give axes (d, d, d)."
        )
        raise SignalError(message)
    return cube


def _matching(tensor: ArrayLike, directions: ArrayLike) -> Floats:
    rows, length = np.asarray(directions, dtype=np.float64), len(np.asarray(tensor))
    if rows.ndim != 2 or rows.shape[1] != length:
        message = (
            f"Directions must have axes (b, {length}), as the tensor has; received shape {rows.shape}. "
            "Give one direction a row."
        )
        raise SignalError(message)
    return rows


def _unit(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1.0))
