"""Who picks: the strategy, or before there is anything to train on, the opening."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import cast, final

import numpy as np

from nextlabel.campaign.auto import AutoPart
from nextlabel.campaign.fitting import Learned, Trainer, turn
from nextlabel.campaign.journal import Journal
from nextlabel.campaign.parts import StrategyPart, strategy_part
from nextlabel.campaign.rebuilding import Parts
from nextlabel.campaign.state import State
from nextlabel.core.learner import Model
from nextlabel.core.pool import Pool
from nextlabel.core.strategy import Picks
from nextlabel.errors import MissingSignal, NoLabels
from nextlabel.maths.axes import Positions

__all__ = ["Picker", "picker"]


@final
@dataclass(frozen=True, eq=False)
class Picker:
    """A strategy, and the model that it reads; none where it reads no signals.

    Parameters
    ----------
    part : StrategyPart
    learned : Learned or None
    is_settled : bool
        Whether a model was fitted to find out who picks.
    """

    part: StrategyPart
    learned: Learned | None = None
    is_settled: bool = False

    @property
    def fingerprint(self) -> str | None:
        """Of the model."""
        return None if self.learned is None else self.learned.fingerprint

    def of(self, state: State, pool: Pool) -> Callable[[Positions, int], Picks]:
        """Picks from positions of this pool, for `drawn`; with the labels that the model has seen."""

        def pick(available: Positions, batch: int) -> Picks:
            seen = self.learned.turn if self.learned else turn(state, pool, state.round, available)
            this = replace(seen, pool=pool, round=state.round, unlabelled=available)
            strategy = self.part.strategy
            model = cast("Model", self.learned and self.learned.model)  # not read where nothing is needed
            said = this.signals(model, strategy.needs, strategy.needs_labelled)
            return this.pick(strategy, said, batch, self.part.name)

        return pick


def picker(journal: Journal, parts: Parts, trainer: Trainer, batch: int) -> Picker:
    """Who picks next; fits a model, once at most, where one is needed, and then the journal moves on.

    Parameters
    ----------
    journal : Journal
    parts : Parts
        The strategy picks as soon as there are labels to train on. The opening picks before: with a model
        fitted without labels, or, where the learner has none or it does not say what the opening needs, a
        uniform draw takes its place.
    trainer : Trainer
    batch : int
        Items wanted.
    """
    has_labels = journal.state.active_labels > 0
    part = _strategy(journal.state, parts, batch) if has_labels else parts.opening
    if not part.strategy.needs | part.strategy.needs_labelled:
        return Picker(part)
    if has_labels:
        learned = trainer.model(journal, parts)
        return Picker(part, learned, learned.is_new)
    is_settled = False
    try:
        learned = trainer.model(journal, parts)
        is_settled = learned.is_new
        first = np.zeros(1, dtype=np.int64)  # says what it can: a model without labels offers less
        replace(learned.turn, round=0, unlabelled=first).signals(learned.model, part.strategy.needs)
    except (NoLabels, MissingSignal):
        return Picker(strategy_part("random"), is_settled=is_settled)
    return Picker(part, learned, is_settled)


def _strategy(state: State, parts: Parts, batch: int) -> StrategyPart:
    """The strategy, or the one that advice names now."""
    if isinstance(parts.strategy, AutoPart):
        return parts.strategy.at(state, parts.learner.learner, batch)
    return parts.strategy
