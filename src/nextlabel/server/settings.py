"""How the page of a campaign is served: what is no part of the campaign itself."""

from dataclasses import dataclass
from typing import final

__all__ = ["Settings"]


@final
@dataclass(frozen=True)
class Settings:
    """What `nextlabel label` was told.

    Parameters
    ----------
    batch : int
        How many items a plan holds for one person; more for several.
    lease_seconds : float
        How long an item is kept for somebody at most; after each sign of life, at least half of it.
    has_suggestions : bool
        Whether the model's guess is shown with an item; never with control items.
    guidelines : str
        Shown beside the items; plain text.
    file : str
        What the items were read from, as the page calls it.
    """

    batch: int = 20
    lease_seconds: float = 600.0
    has_suggestions: bool = True
    guidelines: str = ""
    file: str = ""
