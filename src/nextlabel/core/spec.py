"""A name and parameters: how a strategy or learner is written down and read back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

from nextlabel.errors import ParameterError

__all__ = ["Spec", "listed"]


@final
@dataclass(frozen=True)
class Spec:
    """A registered name and its parameters, which are JSON values or further specs.

    Parameters
    ----------
    name : str
        A name in the registry.
    params : mapping of str to object
        Hyperparameters; those left out take their defaults.

    Examples
    --------
    >>> Spec.read({"name": "stochastic", "of": "bald", "beta": 2.0}).params["beta"]
    2.0
    >>> Spec.read("margin").to_json()
    '{"name": "margin"}'
    """

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, source: "str | Mapping[str, Any] | Spec") -> "Spec":
        """A spec from a name, a mapping with the key ``name``, or a spec.

        Raises
        ------
        ParameterError
            Anything else.
        """
        if isinstance(source, Spec):
            return source
        if isinstance(source, str):
            return cls(source)
        if isinstance(source, Mapping) and isinstance(source.get("name"), str):
            return cls(source["name"], {key: value for key, value in source.items() if key != "name"})
        message = (
            "A spec must be a name, or a mapping with the key 'name' and parameters; "
            f"received {source!r}. Write for example 'badge' or {{'name': 'margin', 'of': 'mean_proba'}}."
        )
        raise ParameterError(message)

    def to_dict(self) -> dict[str, Any]:
        """The flat form, with nested specs and lists of them flattened likewise."""
        return {"name": self.name, **{key: _flat(value) for key, value in self.params.items()}}

    def to_json(self) -> str:
        """The flat form as JSON.

        Raises
        ------
        ParameterError
            A parameter is an object that JSON cannot hold.
        """
        try:
            return json.dumps(self.to_dict())
        except TypeError as cause:
            message = (
                f"What is written down must be names, numbers and lists; {self.name!r} holds an object: "
                f"{cause}. Give a registered name and its settings instead of the object."
            )
            raise ParameterError(message) from cause

    def __hash__(self) -> int:
        # names only: values may be lists, and 1 and 1.0 are equal though JSON writes them differently
        return hash((self.name, *sorted(self.params)))


def _flat(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_flat(one) for one in value]
    return value.to_dict() if isinstance(value, Spec) else value


def listed(value: Any) -> Any:
    """Tuples and lists as lists, at every depth, as JSON writes them; anything else as it is.

    Examples
    --------
    >>> listed((64, (3, 3)))
    [64, [3, 3]]
    """
    return [listed(one) for one in value] if isinstance(value, list | tuple) else value
