"""The strategy ``"auto"`` of a campaign: at every query what `advise` names, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

from nextlabel.campaign.advice import Advice, advise
from nextlabel.campaign.events import Noted
from nextlabel.campaign.parts import StrategyPart, strategy_part
from nextlabel.campaign.state import State
from nextlabel.campaign.turn import counted
from nextlabel.core.learner import Learner
from nextlabel.core.spec import Spec
from nextlabel.core.task import Task
from nextlabel.errors import ParameterError
from nextlabel.maths.axes import Labels

__all__ = ["AUTO", "AutoPart", "advised_now", "advised_opening", "changes", "is_auto", "picking_part"]

AUTO = "auto"


@final
@dataclass(frozen=True, eq=False)
class AutoPart:
    """In the place of a strategy: names one for each query.

    Parameters
    ----------
    name : str
        What it is called. The strategy that it names draws from the stream of its own registered name.
    """

    name: str = AUTO

    @property
    def spec(self) -> dict[str, Any]:
        """What the journal keeps."""
        return {"name": AUTO}

    def at(self, state: State, learner: Learner, batch: int) -> StrategyPart:
        """The strategy for a query in this state.

        Parameters
        ----------
        state : State
        learner : Learner
        batch : int
            Items wanted.
        """
        advice = advised_now(state, learner, batch)
        part = strategy_part(advice.strategy)
        return StrategyPart(part.strategy, part.spec, part.name, why=f"{advice.rule}: {advice.reason}")


def is_auto(source: Any) -> bool:
    """Whether somebody asks for ``"auto"``: the name, or a mapping or spec of it.

    Raises
    ------
    ParameterError
        It comes with settings.
    """
    if not isinstance(source, str | Mapping | Spec):
        return False
    spec = Spec.read(source)
    if spec.name == AUTO and spec.params:
        message = (
            f"The strategy 'auto' takes no settings; received {', '.join(map(repr, spec.params))}. Leave "
            "them out, or name a strategy that has them."
        )
        raise ParameterError(message)
    return spec.name == AUTO


def advised_now(state: State, learner: Learner, batch: int) -> Advice:
    """The advice for the next query of a campaign, whatever its strategy.

    Parameters
    ----------
    state : State
    learner : Learner
    batch : int
        Items wanted.
    """
    labels = state.task.encode(state.training().values())
    signals = learner.provides_for(state.task) if len(labels) else learner.provides_without_labels
    return _advised(signals, learner, max(1, len(state.unlabelled())), state.task, labels, batch)


def picking_part(source: Any, name: str | None = None) -> StrategyPart | AutoPart:
    """What picks where there are labels: a strategy, or ``"auto"``."""
    return AutoPart(AUTO if name is None else name) if is_auto(source) else strategy_part(source, name)


def advised_opening(learner: Learner, task: Task, pool: int) -> Spec:
    """The strategy that picks before there is any label, where advice is followed.

    Parameters
    ----------
    learner : Learner
    task : Task
    pool : int
        Items.
    """
    return _advised(learner.provides_without_labels, learner, pool, task, task.encode(()), 1).strategy


def _advised(
    signals: frozenset[str], learner: Learner, pool: int, task: Task, labels: Labels, batch: int
) -> Advice:
    return advise(
        signals=signals,
        pool=pool,
        labelled=len(labels),
        label_counts=counted(labels, task),
        batch=batch,
        fixed_embedding="embedding" in learner.provides_without_labels,
        several=task.is_several,
    )


def changes(state: State, strategy: Mapping[str, Any], why: str | None, now: float) -> list[Noted]:
    """The remark that a query comes with where advice names another strategy than for the last one.

    Parameters
    ----------
    state : State
    strategy : mapping
        Who picks, as the journal keeps it.
    why : str or None
        Why advice names it; None where nobody followed advice.
    now : float
        Seconds since 1970.
    """
    if why is None or state.picking == strategy:
        return []
    return [Noted(now, f"auto: {Spec.read(strategy).to_json()}. {why}", author=AUTO)]
