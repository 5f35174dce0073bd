"""What a cell of an experiment is, and the name under which its lines are found again."""

import ast
import json
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, final

import numpy as np

from nextlabel.core.dataset import Dataset

__all__ = ["Cell", "cell_id", "code_version", "data_digest", "libraries", "versions"]

_DECIDES = (
    "maths",
    "core",
    "strategies",
    "learners",
    "campaign/control.py",
    "campaign/turn.py",
    "experiment/arms.py",
    "experiment/lockstep.py",
)
_RUNNER = "experiment/runner.py"
_READS = ("comparisons", "intervals", "penalties", "ranks", "summaries")  # of maths: only what a report reads
_LIBRARIES = ("numpy", "scipy", "scikit-learn")
_DIGEST_BYTES = 16


@final
@dataclass(frozen=True)
class Cell:
    """One strategy, by its name in the experiment, with one seed."""

    strategy: str
    seed: int


def cell_id(spec: Mapping[str, Any]) -> str:
    """The digest of what decides a cell's lines.

    Parameters
    ----------
    spec : mapping of str to JSON value
        Data, learner, strategy, sizes, seed, code and library versions; the order of keys does not matter.

    Returns
    -------
    str
        32 hexadecimal digits.

    Examples
    --------
    >>> cell_id({"seed": 0, "batch": 10}) == cell_id({"batch": 10, "seed": 0})
    True
    """
    return _digest([json.dumps(spec, sort_keys=True, ensure_ascii=False).encode()])


def data_digest(dataset: Dataset) -> str:
    """A digest of items, labels, classes and official test items: what a data set brings to a result.

    Parameters
    ----------
    dataset : Dataset

    Returns
    -------
    str
        32 hexadecimal digits.
    """
    test = b"" if dataset.test is None else np.asarray(dataset.test, dtype=np.int64).tobytes()
    return _digest(
        [
            dataset.pool.fingerprint.encode(),
            json.dumps(list(dataset.pool.ids)).encode(),
            json.dumps([dataset.task.kind, *dataset.task.classes]).encode(),
            np.asarray(dataset.labels, dtype=np.int64).tobytes(),
            test,
        ]
    )


@cache
def code_version() -> str:
    """A digest of the code that decides results: its meaning, without comments, docstrings and layout.

    Returns
    -------
    str
        32 hexadecimal digits.

    Notes
    -----
    The rooms of readers and data sets are left out: what they made is in the digest of the data. So is what
    turns results into a report.
    Departs from hashing the files as they are: a corrected sentence would throw away days of computing.
    """
    root = Path(__file__).parents[1]
    found = [root / _RUNNER]
    for place in _DECIDES:
        where = root / place
        files = sorted(where.rglob("*.py")) if where.is_dir() else [where]
        found += [one for one in files if place != "maths" or one.stem not in _READS]
    return _digest(
        part for one in found for part in (one.relative_to(root).as_posix().encode(), _meaning(one))
    )


def libraries(learner: Any) -> dict[str, str]:
    """The versions of Python and of the numerical libraries that a learner may use.

    Parameters
    ----------
    learner : JSON value
        As the protocol writes it; torch counts where it is spoken of.
    """
    wanted = [*_LIBRARIES, *(["torch"] if "torch" in json.dumps(learner, default=repr) else [])]
    return {"python": platform.python_version(), **{name: _version(name) for name in wanted}}


def versions(learner: Any) -> dict[str, str]:
    """What a report says of versions: that of nextlabel, and those of `libraries`.

    Parameters
    ----------
    learner : JSON value
        As the protocol writes it.

    Notes
    -----
    A cell is not named by the version of nextlabel: `code_version` tells what of it decides.
    """
    return {"nextlabel": _version("nextlabel"), **libraries(learner)}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _meaning(path: Path) -> bytes:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_text(body[0]):
            del body[0]
    return ast.dump(tree).encode()


def _is_text(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _digest(parts: Iterable[bytes]) -> str:
    digest = blake2b(digest_size=_DIGEST_BYTES)
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()
