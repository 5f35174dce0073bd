"""Who picks: the strategy, or before there is anything to train on, the opening."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast, final

import numpy as np

from nextlabel.campaign.fitting import Trainer, turn
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
    """A strategy and the model that it reads; none where it reads no signals."""

    part: StrategyPart
    fingerprint: str | None = None
    model: Model | None = None

    def of(self, state: State, pool: Pool) -> Callable[[Positions, int], Picks]:
        """Picks from positions of this pool, for `chosen`."""

        def pick(available: Positions, batch: int) -> Picks:
            this = turn(state, pool, state.round, available)
            strategy = self.part.strategy
            model = cast("Model", self.model)  # not looked at where the strategy needs nothing
            said = this.signals(model, strategy.needs, strategy.needs_labelled)
            return this.pick(strategy, said, batch, self.part.name)

        return pick


def picker(journal: Journal, parts: Parts, trainer: Trainer) -> Picker:
    """Who picks next; fits a model where one is needed, and then the journal moves on.

    Parameters
    ----------
    journal : Journal
    parts : Parts
        The strategy picks as soon as there are labels to train on. The opening picks before: with a model
        fitted without labels, or, where the learner has none or it does not say what the opening needs, a
        uniform draw takes its place.
    trainer : Trainer
    """
    has_labels = journal.state.active_labels > 0
    part = parts.strategy if has_labels else parts.opening
    if not part.strategy.needs | part.strategy.needs_labelled:
        return Picker(part)
    if has_labels:
        return Picker(part, *trainer.model(journal, parts))
    try:
        fingerprint, model = trainer.model(journal, parts)
        first = np.zeros(1, dtype=np.int64)  # says what it can: a model without labels offers less
        turn(journal.state, parts.pool, 0, first).signals(model, part.strategy.needs)
    except (NoLabels, MissingSignal):
        return Picker(strategy_part("random"))
    return Picker(part, fingerprint, model)
