"""How the results of a benchmark are read: what is named before they are seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from nextlabel.maths.parameters import checked_number, settle

__all__ = ["ROPE", "Reading", "first_named"]

ROPE = 0.01
"""A difference in accuracy that does not matter where nobody says: one point."""

_NAMED = ("lead", "lead_is_default", "baseline", "rope", "seeds")
_FIRST = "first_"


@final
@dataclass(frozen=True)
class Reading:
    """Which strategy's saving is quoted, against what, and what counts.

    Parameters
    ----------
    lead : str
        The strategy whose saving is quoted.
    baseline : str
        What the others are compared with.
    rope : float
        A difference in accuracy that does not matter, from 0 to below 1.
    lead_is_default : bool
        Whether nobody named the lead: it is the first of the list.
    target : float or sequence of float
        Accuracies whose labels are counted, above 0, at most 1.

    Raises
    ------
    ParameterError
        A value outside its range.

    Examples
    --------
    >>> Reading("margin", target=0.8).target
    (0.8,)
    """

    lead: str
    baseline: str = "random"
    rope: float = ROPE
    lead_is_default: bool = False
    target: Any = ()

    def __post_init__(self) -> None:
        listed = self.target if isinstance(self.target, Sequence) else [self.target]
        advice = "An accuracy, for example 0.8."
        targets = [
            checked_number(one, "target", above=0, most=1, advice=advice)
            for one in ([listed] if isinstance(listed, str) else listed)
        ]
        rope = checked_number(self.rope, "rope", least=0, below=1, advice="Give for example 0.01.")
        settle(self, {"rope": rope, "target": tuple(targets)})

    def protocol(self) -> dict[str, Any]:
        """As JSON values; no target where there is none."""
        return {
            "lead": self.lead,
            "lead_is_default": self.lead_is_default,
            "baseline": self.baseline,
            "rope": self.rope,
            **({"target": list(self.target)} if self.target else {}),
        }

    def of(self, protocol: Mapping[str, Any]) -> dict[str, Any]:
        """A protocol read this way instead; what was named first stays."""
        rest = {key: one for key, one in protocol.items() if key != "target"}
        return {**rest, **first_named(protocol), **self.protocol()}


def first_named(protocol: Mapping[str, Any]) -> dict[str, Any]:
    """What a protocol says was named first, seeds too: under names of its own, so that changes can be told.

    Parameters
    ----------
    protocol : mapping of str to JSON value

    Examples
    --------
    >>> first_named({"lead": "badge", "first_lead": "margin", "baseline": "random", "rope": 0.01})
    {'first_lead': 'margin', 'first_baseline': 'random', 'first_rope': 0.01}
    """
    return {_FIRST + key: protocol.get(_FIRST + key, protocol[key]) for key in _NAMED if key in protocol}
