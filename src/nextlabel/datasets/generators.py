"""Generated sets in two dimensions on which a strategy can be seen to fail."""

import numpy as np

from nextlabel.core.dataset import Dataset
from nextlabel.core.rng import generator
from nextlabel.core.spec import Spec
from nextlabel.core.task import classes
from nextlabel.maths.axes import Array
from nextlabel.readers.arrays import ArrayPool

__all__ = ["clusters", "curves", "diverging_sine", "honeypot"]

_CLUSTER = 150
_CENTRES = (
    ((0.0, 0.0), "positive"),
    ((4.0, 3.0), "positive"),
    ((0.0, 6.0), "negative"),
    ((4.0, 3.0), "negative"),
)
_CURVE, _END, _NOISE = 100, 10.0, 0.3


def honeypot(seed: int = 0) -> Dataset:
    """600 points in four clusters, two of which coincide and carry both classes.

    Parameters
    ----------
    seed : int
        Zero or larger; another seed draws other points of the same law.

    Returns
    -------
    Dataset
        Items are two numbers (float64) from 0 to 1; ids ``"cluster-0-000"`` and on. There is no
        official split.

    Raises
    ------
    ParameterError
        The seed is not a whole number from zero up.

    Notes
    -----
    Unit Gaussians of 150 items each round (0, 0) positive, (4, 3) positive, (0, 6) negative and (4, 3)
    negative, then scaled to [0, 1] axis by axis. The clusters at (4, 3) cannot be told apart: an uncertain
    model asks for them for ever and learns nothing. Its ceiling is an accuracy near 3/4.

    Examples
    --------
    >>> data = honeypot(seed=1)
    >>> data.pool.take(np.array([0])).shape, data.task.classes
    ((1, 2), ('negative', 'positive'))
    """
    points = clusters(generator(seed))
    ids = [f"cluster-{cluster}-{i:03d}" for cluster in range(len(_CENTRES)) for i in range(_CLUSTER)]
    names = [name for _, name in _CENTRES for _ in range(_CLUSTER)]
    about = "600 generated points in four clusters, two of which coincide and carry both classes"
    return _dataset("honeypot", about, seed, points, ids, names)


def diverging_sine(seed: int = 0) -> Dataset:
    """200 points on two sine curves that start together and drift apart.

    Parameters
    ----------
    seed : int
        Zero or larger; another seed draws other points of the same law.

    Returns
    -------
    Dataset
        Items are two numbers (float64) from 0 to 1; ids ``"rising-000"`` and on, then ``"falling-000"`` and
        on. There is no official split.

    Raises
    ------
    ParameterError
        The seed is not a whole number from zero up.

    Notes
    -----
    100 items each on sin 2x + x/2 and sin 2x − x/2, x uniform in [0, 10], with Gaussian noise of standard
    deviation 0.3 on the height, then scaled to [0, 1] axis by axis.

    Examples
    --------
    >>> data = diverging_sine(seed=1)
    >>> data.pool.take(np.array([0])).shape, data.task.classes
    ((1, 2), ('falling', 'rising'))
    """
    points = curves(generator(seed))
    names = ["rising"] * _CURVE + ["falling"] * _CURVE
    ids = [f"{name}-{position % _CURVE:03d}" for position, name in enumerate(names)]
    about = "200 generated points on two sine curves that start together and drift apart"
    return _dataset("diverging_sine", about, seed, points, ids, names)


def clusters(rng: np.random.Generator) -> Array:
    """The points of the honeypot before they are scaled, axes (600, 2).

    Parameters
    ----------
    rng : numpy.random.Generator
        Drawn from 1,200 times.
    """
    return np.concatenate([rng.standard_normal((_CLUSTER, 2)) + centre for centre, _ in _CENTRES])


def curves(rng: np.random.Generator) -> Array:
    """The points of the diverging sine before they are scaled, axes (200, 2): the rising curve first.

    Parameters
    ----------
    rng : numpy.random.Generator
        Drawn from 400 times.
    """
    across = rng.uniform(0.0, _END, 2 * _CURVE)
    slope = np.repeat([0.5, -0.5], _CURVE)
    height = np.sin(2.0 * across) + slope * across + rng.normal(0.0, _NOISE, 2 * _CURVE)
    return np.column_stack([across, height])


def _dataset(name: str, about: str, seed: int, points: Array, ids: list[str], names: list[str]) -> Dataset:
    low, high = points.min(axis=0), points.max(axis=0)
    task = classes(sorted(set(names)))
    return Dataset(
        name=name,
        description=about,
        pool=ArrayPool((points - low) / (high - low), ids, source=Spec(name, {"seed": seed})),
        labels=task.encode(names),
        task=task,
    )
