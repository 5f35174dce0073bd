"""Names to things: one line each, alphabetical, imported when looked up."""

import dataclasses
import inspect
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Any, get_args, get_type_hints

from nextlabel.core.attack import Attack
from nextlabel.core.defence import Defence
from nextlabel.core.learner import Learner
from nextlabel.core.registered import REGISTRY
from nextlabel.core.spec import Spec, listed
from nextlabel.core.strategy import Strategy
from nextlabel.errors import BrokenEntryPoint, MissingExtra, NameClash, ParameterError, UnknownName

__all__ = ["REGISTRY", "build", "names", "nested_kinds", "resolve", "spec_of", "target"]

_NESTED = {"attack": Attack, "defence": Defence, "learner": Learner, "strategy": Strategy}
_EXTRAS = {
    "PIL": "data",
    "baycomp": "plot",
    "matplotlib": "plot",
    "opacus": "leakage",
    "openpyxl": "data",
    "pyarrow": "data",
    "torch": "torch",
}


def names(kind: str) -> tuple[str, ...]:
    """The registered names of a kind, alphabetical.

    Parameters
    ----------
    kind : str
        ``"strategy"``, ``"learner"``, ``"network"``, ``"reader"``, ``"dataset"``, ``"store"``, ``"attack"``,
        ``"message"``, ``"command"``, and others.

    Raises
    ------
    UnknownName
        There is no such kind.
    NameClash
        An installed package registers a name that is taken.
    """
    return tuple(sorted(_table(kind)))


def target(kind: str, name: str) -> str:
    """Where a registered thing is, as ``module:attribute``.

    Raises
    ------
    UnknownName
        The name is not registered; the message offers the nearest and lists the rest.
    """
    table = _table(kind)
    if name not in table:
        near = get_close_matches(name, table, n=1, cutoff=0.5)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        if (kind, name) == ("strategy", "auto"):
            hint = "Only a campaign follows it; nextlabel.advise(...) names a strategy for a call. "
        message = f"{name!r} is not a registered {kind}. {hint}The names are: {', '.join(sorted(table))}."
        raise UnknownName(message)
    return table[name]


def resolve(kind: str, name: str) -> Any:
    """The registered class or function, imported now.

    Raises
    ------
    UnknownName
        The name is not registered.
    MissingExtra
        Its module needs a library that is not installed; the message names the extra.
    BrokenEntryPoint
        Another package registers the name, and what it points to is not there or fails when imported.

    Examples
    --------
    >>> resolve("strategy", "badge").__name__
    'BADGE'
    """
    where = target(kind, name)
    module, _, attribute = where.partition(":")
    try:
        made = getattr(import_module(module), attribute)
        if not callable(made):
            raise TypeError(f"{type(made).__name__} is neither a class nor a function")
        return made
    except Exception as cause:  # the module of a stranger may raise anything
        root = (getattr(cause, "name", "") or "").partition(".")[0]
        if isinstance(cause, ModuleNotFoundError) and root in _EXTRAS:
            message = (
                f"The {kind} {name!r} needs the library {root!r}, which is not installed. "
                f"Install it with: pip install 'nextlabel[{_EXTRAS[root]}]'."
            )
            raise MissingExtra(message, extra=_EXTRAS[root]) from cause
        if name in REGISTRY[kind]:
            raise
        raise BrokenEntryPoint(_broken(kind, name, where, cause)) from cause


def build(kind: str, source: Any) -> Any:
    """The object that a name, a mapping or a spec describes, nested ones included.

    Parameters
    ----------
    kind : str
        ``"strategy"``, ``"learner"``, ``"network"``, ...
    source : str, mapping, Spec or object
        A finished object of the kind is returned as it is.

    Returns
    -------
    object
        An instance of the registered class.

    Raises
    ------
    UnknownName
        A name is not registered.
    ParameterError
        A parameter is unknown, missing or has an impossible value.
    BrokenEntryPoint
        Another package registers what cannot be imported, or makes something of another kind.

    Examples
    --------
    >>> build("strategy", {"name": "stochastic", "of": "margin", "beta": 2.0}).of
    Margin(of='proba', reduce=None)
    """
    if kind in _NESTED and isinstance(source, _NESTED[kind]):
        return source
    spec = Spec.read(source)
    made = resolve(kind, spec.name)
    known = _parameters(made) if isinstance(made, type) else inspect.signature(made).parameters
    for key in spec.params:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            hint = f"Did you mean {near[0]!r}? " if near else ""
            takes = f"It takes: {', '.join(known)}." if known else "It takes none."
            message = f"{spec.name!r} has no parameter {key!r}. {hint}{takes}"
            raise ParameterError(message)
    nested = nested_kinds(made)
    params = {
        key: _built(nested[key], value) if key in nested and value is not None else _tupled(value)
        for key, value in spec.params.items()
    }
    left_out = [
        key
        for key, parameter in known.items()
        if parameter.default is parameter.empty
        and key not in params
        and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    ]
    if left_out:
        message = (
            f"{spec.name!r} needs the parameters {', '.join(map(repr, left_out))}; received "
            f"{', '.join(map(repr, params)) or 'none'}. "
            f"Write for example {{'name': {spec.name!r}, {left_out[0]!r}: ...}}."
        )
        raise ParameterError(message)
    thing = made(**params)
    if kind in _NESTED and not isinstance(thing, _NESTED[kind]):
        cause = TypeError(f"{type(thing).__name__} is no {_NESTED[kind].__name__}")
        raise BrokenEntryPoint(_broken(kind, spec.name, target(kind, spec.name), cause))
    return thing


def spec_of(thing: Any) -> Spec:
    """The spec that builds an equal object: its registered name and its fields.

    Raises
    ------
    UnknownName
        The class of the object is not registered.

    Examples
    --------
    >>> spec_of(build("strategy", "margin")).name
    'margin'
    """
    made = type(thing)
    where = f"{made.__module__}:{made.__qualname__}"
    for kind in _NESTED:
        for name, line in _table(kind).items():
            if line == where:
                return Spec(name, _params(thing))
    message = (
        f"{made.__name__} ({where}) is not registered, so it cannot be written down. "
        "Register it: one line in the registry, or an entry point of your package."
    )
    raise UnknownName(message)


def nested_kinds(made: Any) -> Mapping[str, str]:
    """The fields of a registered class that hold another registered object, or a tuple, with their kinds.

    Parameters
    ----------
    made : type
        A dataclass, as the registry resolves it; anything else has no such fields.
    """
    return _nested_kinds(made) if isinstance(made, type) and dataclasses.is_dataclass(made) else {}


# each is a third of the time of `select` on a small pool when it is found out anew
@cache
def _parameters(made: type) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(made).parameters


@cache
def _nested_kinds(made: Any) -> Mapping[str, str]:
    hints = get_type_hints(made)
    found = {}
    for one in dataclasses.fields(made):
        options = get_args(hints[one.name]) or (hints[one.name],)
        for kind, base in _NESTED.items():
            if any(isinstance(option, type) and issubclass(option, base) for option in options):
                found[one.name] = kind
    return MappingProxyType(found)


def _params(thing: Any) -> dict[str, Any]:
    nested = nested_kinds(type(thing))
    values = {one.name: getattr(thing, one.name) for one in dataclasses.fields(thing) if one.init}
    return {
        key: _written(value) if key in nested and value is not None else listed(value)
        for key, value in values.items()
    }


def _built(kind: str, value: Any) -> Any:
    """One nested object, or a tuple of them from a list."""
    return tuple(build(kind, one) for one in value) if isinstance(value, list | tuple) else build(kind, value)


def _written(value: Any) -> Any:
    """The spec of a nested object, or the list of those of several."""
    return [spec_of(one) for one in value] if isinstance(value, tuple) else spec_of(value)


def _tupled(value: Any) -> Any:
    return tuple(_tupled(one) for one in value) if isinstance(value, list) else value


def _broken(kind: str, name: str, where: str, cause: Exception) -> str:
    points = entry_points(group=f"nextlabel.{kind}", name=name)
    packages = sorted({point.dist.name for point in points if point.dist is not None})
    by = f"the package {', '.join(map(repr, packages))}" if packages else "another package"
    return (
        f"The {kind} {name!r} of {by} cannot be used: {where!r} gives {type(cause).__name__}: {cause}. "
        f"It must be 'module:attribute', a class or function for a {kind}. Repair or uninstall that package."
    )


@cache
def _table(kind: str) -> Mapping[str, str]:
    if kind not in REGISTRY:
        message = f"{kind!r} is not a kind of thing in the registry. The kinds are: {', '.join(REGISTRY)}."
        raise UnknownName(message)
    table = dict(REGISTRY[kind])
    for point in entry_points(group=f"nextlabel.{kind}"):
        if table.get(point.name, point.value) != point.value:
            message = (
                f"The {kind} {point.name!r} is registered twice, as {table[point.name]} and as "
                f"{point.value}. "
                "Uninstall one of the packages, or ask its authors for another name."
            )
            raise NameClash(message)
        table[point.name] = point.value
    return MappingProxyType(table)
