"""An example of every registered thing, made by a rule, so that a new registry line is tested at once."""

import dataclasses
from typing import Any, get_origin, get_type_hints

from nextlabel.core.registry import build, names, nested_kinds, resolve, target

__all__ = ["example"]

_FOREST = {"name": "sklearn", "estimator": {"name": "random_forest", "n_estimators": 3}}  # two fits differ
_SMALL: dict[str, Any] = {"strategy": "margin", "learner": _FOREST}
_OTHER: dict[str, Any] = {"strategy": "random", "learner": "sklearn"}


def example(kind: str, name: str) -> Any:
    """The registered thing with its default parameters.

    Parameters
    ----------
    kind : str
        ``"strategy"`` or ``"learner"``.
    name : str
        A registered name.

    Returns
    -------
    object
        Where a parameter without a default holds another strategy or learner, a small one fills it:
        margin, or a small forest, or of the class that it asks for; margin and random where it holds several.
        Whole numbers between these are 2.

    Raises
    ------
    UnknownName
        The name is not registered.
    ParameterError
        A parameter of another sort has no default.

    Examples
    --------
    >>> example("strategy", "stochastic").of
    Margin(of='proba', reduce=None)
    """
    made = resolve(kind, name)
    nested = nested_kinds(made)
    hints = get_type_hints(made) if dataclasses.is_dataclass(made) else {}
    filled: dict[str, Any] = {}
    for one in dataclasses.fields(made) if dataclasses.is_dataclass(made) else ():
        if one.default is not dataclasses.MISSING or one.default_factory is not dataclasses.MISSING:
            continue
        several = get_origin(hints[one.name]) is tuple
        if one.name in nested:
            small, other = _SMALL[nested[one.name]], _OTHER[nested[one.name]]
            small = _registered(nested[one.name], hints[one.name]) or small
            filled[one.name] = [small, other] if several else small
        elif several:
            filled[one.name] = [2]
    return build(kind, {"name": name, **filled})


def _registered(kind: str, hint: Any) -> str | None:
    """The name of a registered class; None where a parameter takes others too."""
    where = f"{getattr(hint, '__module__', '')}:{getattr(hint, '__qualname__', '')}"
    return next((name for name in names(kind) if target(kind, name) == where), None)
