"""Models on the disk that share the files of their features."""

import os
import pickle
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from nextlabel.errors import LearnerError
from nextlabel.learners.features import Features

__all__ = ["read", "write"]

_MODEL = "model.pickle"


def write(kept: Mapping[str, Any], features: Features | None, path: Path) -> None:
    """Write what a model has learnt: a file, or a folder where there are features.

    Parameters
    ----------
    kept : mapping
        What is pickled.
    features : Features or None
        In a file of their own, named after what they are. Where a folder beside this one holds the same
        file, it is linked instead of written again: of fifty models on one pool, one takes the space.
    path : Path

    Notes
    -----
    Each folder is whole by itself: it can be moved, copied and deleted without the others.
    """
    if features is None:
        path.write_bytes(pickle.dumps(kept))
        return
    if path.is_file():
        path.unlink()
    path.mkdir(exist_ok=True)
    _replaced(path / _MODEL, pickle.dumps(kept))
    _link_or_write(path / _name(features.fingerprint), features.to_bytes())


def read(path: Path) -> tuple[Any, Features | None]:
    """What was pickled there, and the features beside it.

    Raises
    ------
    LearnerError
        The features have been changed.

    Notes
    -----
    Of files of former versions the features are within the pickle, and None is returned for them.
    """
    if not path.is_dir():
        return pickle.loads(path.read_bytes()), None
    kept = pickle.loads((path / _MODEL).read_bytes())
    there = path / _name(kept["features"])
    features = Features.from_bytes(there.read_bytes())
    if features.fingerprint != kept["features"]:
        message = (
            f"The features in {there} must be what was saved there; they are others. Restore the file, or "
            "fit the model again."
        )
        raise LearnerError(message)
    return kept, features


def _name(fingerprint: str) -> str:
    return f"features-{fingerprint}.npz"


def _link_or_write(there: Path, content: bytes) -> None:
    for other in sorted(there.parent.parent.glob(f"*/{there.name}")):
        with suppress(OSError):  # just deleted, or on a file system without links
            if other.read_bytes() == content:
                if not there.exists() or not other.samefile(there):
                    half = _half(there)
                    os.link(other, half)
                    half.replace(there)
                return
    _replaced(there, content)


def _replaced(there: Path, content: bytes) -> None:
    """Whole or not at all, and not in place: others may be linked to the same file."""
    half = _half(there)
    half.write_bytes(content)
    half.replace(there)


def _half(there: Path) -> Path:
    half = there.with_name(f".{there.name}.part")
    half.unlink(missing_ok=True)
    return half
