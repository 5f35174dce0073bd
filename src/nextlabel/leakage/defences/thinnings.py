"""Fewer numbers in a message: the large ones only, or signs only."""

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from nextlabel.core.defence import Defence, changed
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.maths.parameters import checked_number, settle

__all__ = ["Prune", "Sign"]


@final
@dataclass(frozen=True)
class Prune(Defence):
    """Sets the numbers of smallest magnitude to zero, in each array by itself.

    Parameters
    ----------
    share : float
        Of the numbers of each array, from 0 to below 1; the count is rounded down, and is exact also where
        magnitudes are equal: of those the first are set to zero.

    Raises
    ------
    ParameterError
        A share outside [0, 1).

    Examples
    --------
    >>> message = Disclosure("full", {"bias": np.array([1.0, -1.0, 1.0, 2.0])}, items=1)
    >>> Prune(0.5).apply(message, np.random.default_rng(0))["bias"].tolist()
    [0.0, 0.0, 1.0, 2.0]
    """

    share: float = 0.3

    name: ClassVar[str] = "prune"

    def __post_init__(self) -> None:
        advice = "Give a share, for example 0.3."
        settle(
            self, {"share": checked_number(self.share, "share", least=0, below=1, of="prune", advice=advice)}
        )

    @property
    def strength(self) -> float:
        """The share that is set to zero."""
        return self.share

    @property
    def sentence(self) -> str:
        """The share, and that it is taken array by array."""
        return f"Of each array the {100 * self.share:.3g} % of smallest magnitude are set to zero."

    def apply(self, disclosure: Disclosure, rng: np.random.Generator) -> Disclosure:
        """The message with zeros in it."""

        def pruned(one: Array) -> Array:
            left = one.flatten()
            count = int(self.share * left.size + 1e-9)  # 0.29 · 100 is a little below 29
            left[np.argsort(np.abs(left), kind="stable")[:count]] = 0.0
            return left.reshape(one.shape)

        return changed(disclosure, pruned)


@final
@dataclass(frozen=True)
class Sign(Defence):
    """Sends the sign of every number and nothing else.

    References
    ----------
    Bernstein, Wang, Azizzadenesheli, Anandkumar. signSGD: compressed optimisation for non-convex problems.
    ICML 2018.

    Examples
    --------
    >>> message = Disclosure("full", {"bias": np.array([0.3, 0.0, -2.0])}, items=1)
    >>> Sign().apply(message, np.random.default_rng(0))["bias"].tolist()
    [1.0, 0.0, -1.0]
    """

    name: ClassVar[str] = "sign"

    @property
    def strength(self) -> None:
        """There is nothing to vary."""
        return

    @property
    def sentence(self) -> str:
        """That magnitudes are not sent."""
        return "Of every number only the sign is sent: -1, 0 or 1."

    def apply(self, disclosure: Disclosure, rng: np.random.Generator) -> Disclosure:
        """The signs."""
        return changed(disclosure, np.sign)
