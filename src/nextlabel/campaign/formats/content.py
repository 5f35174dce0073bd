"""What is exported: the state of a campaign, and what is known beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, final

from nextlabel.campaign.formats.statements import Statements, statements
from nextlabel.campaign.predicting import Guesses
from nextlabel.campaign.shown import Shown, owned
from nextlabel.core.learner import Model
from nextlabel.core.pool import Pool
from nextlabel.core.store import Entry

if TYPE_CHECKING:
    from nextlabel.campaign.state import State

__all__ = ["Export"]


@final
@dataclass(frozen=True, eq=False)
class Export:
    """What a format may write.

    Parameters
    ----------
    state : State
    entries : sequence of Entry
        The journal, for times; without it they are left out.
    pool : Pool, optional
        Shows the items; ids and answers alone where it is left out.
    predictions : Guesses, optional
        Of a model, for probabilities and suggestions.
    model : Model, optional
        For the formats that are a model.
    is_whole : bool
        All items, those without an answer too.
    is_raw : bool
        Cells of CSV files as they are, also those that a spreadsheet takes for formulas.
    positive : str, optional
        The class that ASReview calls relevant.
    """

    state: "State"
    entries: Sequence[Entry] = ()
    pool: Pool | None = None
    predictions: Guesses | None = None
    model: Model | None = None
    is_whole: bool = False
    is_raw: bool = False
    positive: str | None = None

    @cached_property
    def statements(self) -> Statements:
        """What each annotator says now."""
        return statements(self.state, self.entries)

    @cached_property
    def owned(self) -> Shown | None:
        """The columns of the data; None where there is no pool."""
        return None if self.pool is None else owned(self.pool)

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """The items that are exported, in the order of the data: those that somebody spoke of, or all."""
        state = self.state
        if self.is_whole:
            return state.roster.ids
        return tuple(id for id in state.roster.ids if id in state.kept or id in state.skips)

    def is_shown(self, id: str) -> bool:
        """Whether a prediction may stand beside an item: not beside one to measure by, answered or not."""
        return id not in self.state.walled
