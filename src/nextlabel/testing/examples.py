"""An example of every registered thing, made by a rule, so that a new registry line is tested at once."""

import dataclasses
from typing import Any

from nextlabel.core.registry import build, nested_kinds, resolve

__all__ = ["example"]

_SMALL = {"strategy": "margin", "learner": "sklearn"}


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
        margin, or scikit-learn's.

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
    filled = {
        one.name: _SMALL[nested[one.name]]
        for one in (dataclasses.fields(made) if dataclasses.is_dataclass(made) else ())
        if one.name in nested
        and one.default is dataclasses.MISSING
        and one.default_factory is dataclasses.MISSING
    }
    return build(kind, {"name": name, **filled})
