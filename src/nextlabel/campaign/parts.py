"""The parts of a campaign from what is written down: a registered name, or ``file.py:function``."""

import inspect
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from importlib.util import module_from_spec, spec_from_file_location
from os.path import normpath, relpath
from pathlib import Path
from typing import Any, final

from nextlabel.core.dataset import Dataset
from nextlabel.core.learner import Learner
from nextlabel.core.pool import Pool
from nextlabel.core.registry import build, names, spec_of
from nextlabel.core.spec import Spec
from nextlabel.core.strategy import Strategy
from nextlabel.errors import CampaignError, NextlabelError, ParameterError, UnknownName

__all__ = ["LearnerPart", "PoolPart", "StrategyPart", "learner_part", "pool_part", "strategy_part"]

_FILE = re.compile(r"(?P<file>.+\.py):(?P<function>\w+)")
_PATHS = ("path", "source")  # parameters that name a file, kept relative to the journal
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


@final
@dataclass(frozen=True, eq=False)
class PoolPart:
    """A pool, and the spec that makes it again; None where nobody knows one."""

    pool: Pool
    spec: dict[str, Any] | None


@final
@dataclass(frozen=True, eq=False)
class LearnerPart:
    """A learner, the spec that makes it again, and a digest that is equal for equal learners.

    The digest is that of the learner's own spec, paths beginning at the journal, or else of what Python
    prints of it, without addresses.
    """

    learner: Learner
    spec: dict[str, Any] | None
    fingerprint: str


@final
@dataclass(frozen=True, eq=False)
class StrategyPart:
    """A strategy, the spec that makes it again, what it is called, and why it picks where advice names it."""

    strategy: Strategy
    spec: dict[str, Any] | None
    name: str
    why: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The spec, or what Python prints where there is none."""
        return self.spec if self.spec is not None else {"repr": _ADDRESS.sub("", repr(self.strategy))}


def pool_part(source: Any, base: Path | None, *, from_journal: bool = False) -> PoolPart:
    """The pool that a source describes.

    Parameters
    ----------
    source : Pool, Dataset, str, mapping or Spec
        A finished pool, or the pool of a data set; the name of a registered reader or data set, with its
        parameters in a mapping; or ``"file.py:function"``, a function that returns one of these.
    base : Path or None
        The folder that paths are kept relative to; None keeps them as they are.
    from_journal : bool
        Whether relative paths of the source start at `base` already, and not in the working folder.

    Raises
    ------
    CampaignError
        A file or function is not there, fails, or makes something else.
    UnknownName, ParameterError
        The name or a parameter is not known.
    """
    if not isinstance(source, str | Mapping | Spec):
        pool = source.pool if isinstance(source, Dataset) else source
        if not all(hasattr(pool, one) for one in ("ids", "take", "fingerprint")):
            message = (
                "A pool must have ids, take and fingerprint, or be the name of a reader or data set; "
                f"received {type(source).__name__}. Give for example arrays(...), or 'photos.py:make_pool'."
            )
            raise CampaignError(message)
        kept = getattr(pool, "source", None)
        return PoolPart(pool, None if kept is None else _relative(kept, base, from_journal=False))
    spec = Spec.read(source)
    made = _made(spec, _pool_kind(spec.name), base if from_journal else None)
    return PoolPart(pool_part(made, None).pool, _relative(spec, base, from_journal=from_journal))


def learner_part(source: Any, base: Path | None, *, from_journal: bool = False) -> LearnerPart:
    """The learner that a source describes: a learner, a registered name, or ``"file.py:function"``.

    Parameters
    ----------
    source, base, from_journal
        As for `pool_part`.

    Raises
    ------
    CampaignError
        A file or function is not there, fails, or makes something else.
    """
    if isinstance(source, Learner):
        written = _written(source)
        kept = None if written is None else _relative(Spec.read(written), base, from_journal=False)
        return LearnerPart(source, kept, _fingerprint(source, base))
    spec = Spec.read(source)
    made = _checked(_made(spec, "learner", base if from_journal else None), spec.name)
    kept = _relative(spec, base, from_journal=from_journal)
    return LearnerPart(made, kept, _fingerprint(made, base))


def strategy_part(source: Any, name: str | None = None) -> StrategyPart:
    """The strategy that a source describes; it is called as it is registered, unless it is named here.

    Parameters
    ----------
    source : Strategy, str, mapping or Spec
    name : str, optional
        Names its stream of random numbers.
    """
    strategy: Strategy = build("strategy", source)
    spec = _written(strategy)
    called = type(strategy).__name__ if spec is None else str(spec["name"])
    return StrategyPart(strategy, spec, name if name is not None else called)


def _written(thing: Learner | Strategy) -> dict[str, Any] | None:
    try:
        spec = spec_of(thing)
        spec.to_json()
    except (UnknownName, ParameterError):
        return None
    return spec.to_dict()


def _fingerprint(learner: Learner, base: Path | None) -> str:
    written = _written(learner)
    if written is None:
        text = _ADDRESS.sub("", repr(learner))
    else:
        near = {
            key: relpath(value, base) if base is not None and _is_path(key, value) else value
            for key, value in written.items()
        }
        text = Spec.read(near).to_json()
    return blake2b(text.encode(), digest_size=16).hexdigest()


def _pool_kind(name: str) -> str:
    known = {kind: names(kind) for kind in ("reader", "dataset")}
    kind = next((kind for kind, listed in known.items() if name in listed), None)
    if kind is None and not _FILE.fullmatch(name):
        message = (
            f"A pool is named by a reader ({', '.join(known['reader'])}), by a data set "
            f"({', '.join(known['dataset'])}), or as 'file.py:function'; received {name!r}. "
            "Use one of these, for example {'name': 'csv', 'path': 'reviews.csv', 'text': 'body'}."
        )
        raise UnknownName(message)
    return kind or "reader"


def _made(spec: Spec, kind: str, base: Path | None) -> Any:
    """What a spec makes, relative paths beginning at `base`."""
    file = _FILE.fullmatch(spec.name)
    params = {
        key: normpath(base / value) if base is not None and _is_path(key, value) else value
        for key, value in spec.params.items()
    }
    if file is None:
        return build(kind, Spec(spec.name, params))
    path = Path(file["file"] if base is None else normpath(base / file["file"]))
    return _called(path, file["function"], params)


def _called(path: Path, function: str, params: Mapping[str, Any]) -> Any:
    """What a function of somebody's file returns."""
    if not path.is_file():
        message = (
            f"{path} must be a Python file with the function {function}; there is no such file. "
            "Put it back, or give the part itself when you open the campaign."
        )
        raise CampaignError(message)
    try:
        made = getattr(_module(path), function, None)
        if not callable(made):
            message = f"{path} must define the function {function}; it does not. Define it, or name another."
            raise CampaignError(message)
        inspect.signature(made).bind(**params)
        return made(**params)
    except NextlabelError:
        raise
    except Exception as cause:  # somebody's file may raise anything
        message = (
            f"{path}:{function} must return a part of the campaign; it raised {type(cause).__name__}: "
            f"{cause}. Repair the file, or give the part itself."
        )
        raise CampaignError(message) from cause


def _module(path: Path) -> Any:
    # named by its place: two files of one name stay apart; and listed: pickles find its classes
    name = f"nextlabel_part_{blake2b(str(path.resolve()).encode(), digest_size=8).hexdigest()}"
    found = spec_from_file_location(name, path)
    assert found is not None
    assert found.loader is not None
    module = module_from_spec(found)
    sys.modules[name] = module
    try:
        found.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _checked(made: Any, name: str) -> Learner:
    if not isinstance(made, Learner):
        message = (
            f"{name!r} must make a learner; it makes {type(made).__name__}. "
            "Return for example SklearnLearner('logistic')."
        )
        raise CampaignError(message)
    return made


def _relative(spec: Spec, base: Path | None, *, from_journal: bool) -> dict[str, Any]:
    """The spec as the journal keeps it: relative paths begin in the journal's folder, absolute ones stay."""
    if from_journal or base is None:
        return spec.to_dict()
    file = _FILE.fullmatch(spec.name)
    name = f"{_moved(file['file'], base)}:{file['function']}" if file else spec.name
    params = {
        key: _moved(value, base) if _is_path(key, value) else value for key, value in spec.params.items()
    }
    return Spec(name, params).to_dict()


def _is_path(key: str, value: Any) -> bool:
    return key in _PATHS and isinstance(value, str)


def _moved(path: str, base: Path) -> str:
    return path if Path(path).is_absolute() else Path(relpath(path, base)).as_posix()
