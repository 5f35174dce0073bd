"""Signals from arrays on disk, for people who train elsewhere."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, final

import numpy as np

from nextlabel.core.learner import Learner, Model
from nextlabel.core.pool import Pool
from nextlabel.core.signals import Signals, signal_kind
from nextlabel.core.task import Task
from nextlabel.errors import LearnerError, SignalError
from nextlabel.learners.border import checked_labels, checked_positions, sources
from nextlabel.maths.axes import Array, Labels, Positions, row_chunks

__all__ = ["Precomputed", "PrecomputedModel"]


@final
@dataclass(frozen=True, eq=False)
class Precomputed(Learner):
    """Reads what another program's model says, rows in pool order.

    Parameters
    ----------
    source : str, path or mapping
        A folder of ``.npy`` files named after their signals, ``logits.npy``, ``embedding.npy``; an ``.npz``
        of the same names; or a mapping from name to array. Every array has one row for each item of the
        pool, labelled ones included.

    Raises
    ------
    LearnerError
        Nothing is there, or no array in it.
    SignalError
        A name that is not a signal.

    Notes
    -----
    ``.npy`` files are mapped, so only the rows asked for are read; an ``.npz`` is read whole. `fit`
    trains nothing: it opens the files anew, so replace them before the next round and fit again.
    Learners over a path are equal when the paths are; over a mapping, when names and contents are, and
    those cannot be written as JSON.

    Cost: O(n·(c + d)) time and memory for the rows of n items.

    References
    ----------
    NumPy's own format: numpy.lib.format, NEP 1.

    Examples
    --------
    >>> from nextlabel import arrays, classes
    >>> learner = Precomputed({"proba": [[0.5, 0.5], [0.9, 0.1]]})
    >>> model = learner.fit(arrays([[0.0], [1.0]]), [], [], [0, 1], np.random.default_rng(0),
    ...                     task=classes("cat", "dog"))
    >>> model.signals(arrays([[0.0], [1.0]]), [1], {"proba"}, np.random.default_rng(0))["proba"].tolist()
    [[0.9, 0.1]]
    """

    source: Any

    def __post_init__(self) -> None:
        if isinstance(self.source, Mapping):
            object.__setattr__(self, "source", {name: np.asarray(a) for name, a in self.source.items()})
        else:
            object.__setattr__(self, "source", str(self.source))
        self._open()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Precomputed) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def provides(self) -> frozenset[str]:
        """The names of the arrays."""
        return frozenset(self._open())

    @property
    def provides_without_labels(self) -> frozenset[str]:
        """The same: nothing is learnt."""
        return self.provides

    def provides_for(self, task: Task) -> frozenset[str]:
        """The arrays at hand, whatever the task."""
        return self.provides

    def fit(
        self,
        pool: Pool,
        labelled: Positions,
        labels: Labels,
        unlabelled: Positions,
        rng: np.random.Generator,
        *,
        task: Task,
        previous: Model | None = None,
    ) -> "PrecomputedModel":
        """A model that reads the arrays as they are now; labels are checked and not used.

        Raises
        ------
        LabelError
            Labels outside the task, or of another number than the positions.
        PoolError
            Positions outside the pool.
        SignalError
            An array has not one row for each item of the pool.
        """
        checked_labels(pool, labelled, labels, task, learner="Precomputed", several=True)
        model = PrecomputedModel(self._open())
        model.check(pool)
        return model

    def load(self, path: Path) -> "PrecomputedModel":
        """The model whose arrays were saved in this folder."""
        return PrecomputedModel(_opened(path))

    @property
    def _key(self) -> str:
        return self.source if isinstance(self.source, str) else _digest(self.source)

    def _open(self) -> Mapping[str, Array]:
        return _opened(self.source)


@final
class PrecomputedModel(Model):
    """Arrays with one row for each item of a pool.

    Parameters
    ----------
    arrays : mapping of str to array, first axis the items of the pool
        By signal; read when asked for.
    """

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        self._arrays = arrays

    @property
    def fingerprint(self) -> str:
        """A digest of names and contents; reads everything."""
        return _digest(self._arrays)

    def check(self, pool: Pool) -> None:
        """Raise `SignalError` where an array has not one row for each item of the pool."""
        for name in self._arrays:
            self._rows_of(name, pool)

    def signals(
        self, pool: Pool, positions: Positions, names: Collection[str], rng: np.random.Generator
    ) -> Signals:
        """The rows of these items; other rows are not read from mapped files.

        Raises
        ------
        SignalError
            An array has not one row for each item of the pool, or rows that cannot be this signal.
        """
        positions = checked_positions(pool, positions)
        wanted = sources(names, self._arrays.keys(), "A precomputed model")
        return Signals({name: self._rows_of(name, pool)[positions] for name in wanted}, n=len(positions))

    def save(self, path: Path) -> None:
        """Write a folder of ``.npy`` files."""
        Path(path).mkdir(parents=True, exist_ok=True)
        for name in self._arrays:
            np.save(Path(path) / f"{name}.npy", self._arrays[name])

    def _rows_of(self, name: str, pool: Pool) -> Array:
        array = self._arrays[name]
        if array.ndim == 0 or len(array) != len(pool.ids):
            message = (
                f"Precomputed {name!r} must have one row for each of the pool's {len(pool.ids)} items, in "
                f"pool order; received shape {array.shape}. Compute it for the whole pool."
            )
            raise SignalError(message)
        return array


def _opened(source: Any) -> Mapping[str, Array]:
    """Arrays by signal name, mapped where the format allows."""
    arrays: Mapping[str, Array]
    if isinstance(source, Mapping):
        arrays = source
    else:
        path = Path(source)
        if path.is_dir():
            arrays = {one.stem: np.load(one, mmap_mode="r") for one in sorted(path.glob("*.npy"))}
        elif path.suffix == ".npz" and path.is_file():
            with np.load(path) as archive:
                arrays = {name: archive[name] for name in archive.files}
        else:
            message = (
                f"Precomputed signals are read from a folder of .npy files or from an .npz; {path} is "
                "neither. Give the path that the arrays were written to."
            )
            raise LearnerError(message)
    if not arrays:
        message = (
            f"Precomputed signals need at least one array; {'the mapping' if source == {} else source} holds "
            "none. Write for example logits.npy and embedding.npy there."
        )
        raise LearnerError(message)
    for name in arrays:
        signal_kind(name)
    return arrays


def _digest(arrays: Mapping[str, Array]) -> str:
    digest = blake2b(digest_size=16)
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name}{array.dtype.str}{array.shape}".encode())
        for rows in row_chunks(array) if array.ndim else []:
            digest.update(np.ascontiguousarray(array[rows]).tobytes())
    return digest.hexdigest()
