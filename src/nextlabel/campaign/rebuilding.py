"""The parts of a campaign that is opened again: those given, and the others from what its journal says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, final

from nextlabel.campaign.auto import AutoPart, picking_part
from nextlabel.campaign.ordering import matched
from nextlabel.campaign.parts import (
    LearnerPart,
    StrategyPart,
    learner_part,
    pool_part,
    strategy_part,
)
from nextlabel.campaign.state import State
from nextlabel.core.pool import Pool
from nextlabel.errors import (
    CampaignError,
    DatasetMissing,
    DigestError,
    MissingExtra,
    NextlabelError,
    ParameterError,
)

__all__ = ["Parts", "check_none", "opening_part", "rebuilt", "rebuilt_pool"]

T = TypeVar("T")


@final
@dataclass(frozen=True, eq=False)
class Parts:
    """What a campaign works with; the pool is in the journal's order."""

    pool: Pool
    learner: LearnerPart
    strategy: StrategyPart | AutoPart
    opening: StrategyPart


def rebuilt(
    state: State,
    base: Path | None,
    *,
    pool: Any = None,
    learner: Any = None,
    strategy: Any = None,
    opening: Any = None,
) -> Parts:
    """The parts of a journal's campaign.

    Parameters
    ----------
    state : State
    base : Path or None
        The journal's folder, where relative paths begin.
    pool, learner, strategy, opening : object, optional
        Given in place of what the journal says.

    Raises
    ------
    CampaignError
        A part was an object that could not be written down, and is not given; or what it was made from is
        not there any more.
    PoolChanged
        The pool is not that of the journal.
    """
    created = state.created
    given = {"pool": pool, "learner": learner, "strategy": strategy, "opening": opening}
    kept = {
        "pool": state.pool_source,
        "learner": created.learner,
        "strategy": created.strategy,
        "opening": created.opening,
    }
    missing = [name for name in given if given[name] is None and kept[name] is None]
    if missing:
        was = f" (the learner was {created.learner_repr})" if "learner" in missing else ""
        message = (
            f"To open this campaign, nextlabel needs its {' and its '.join(missing)}, which could not be "
            f"written in the journal{was}. Give: Campaign.open(path, "
            f"{', '.join(f'{name}=...' for name in missing)}), as in the program that made it."
        )
        raise CampaignError(message)
    return Parts(
        rebuilt_pool(state, base, pool),
        _part(
            "learner", learner, kept["learner"], lambda one, own: learner_part(one, base, from_journal=own)
        ),
        _part("strategy", strategy, kept["strategy"], lambda one, _: picking_part(one, created.name)),
        _part(
            "opening",
            opening,
            kept["opening"],
            lambda one, _: opening_part(one, kept["strategy"], created.name),
        ),
    )


def check_none(given: Mapping[str, object]) -> None:
    """Refuse parts for a campaign that is opened without any."""
    if named := [name for name, one in given.items() if one is not None]:
        message = (
            "A campaign opened with only_answers=True is opened without its parts; received "
            f"{' and '.join(named)} as well. Leave them out, or leave only_answers out."
        )
        raise ParameterError(message)


def opening_part(source: Any, strategy: Any, name: str) -> StrategyPart:
    """The opening; where it is the strategy itself, it draws from the strategy's stream."""
    part = strategy_part(source)
    return strategy_part(source, name) if part.spec is not None and part.spec == strategy else part


def rebuilt_pool(state: State, base: Path | None, pool: Any = None) -> Pool:
    """The pool of the journal as it is now, in its order; made from its spec where none is given."""
    part = _part("pool", pool, state.pool_source, lambda one, own: pool_part(one, base, from_journal=own))
    return matched(part.pool, state)


def _part(name: str, given: Any, kept: Any, make: Callable[[Any, bool], T]) -> T:
    if given is not None:
        return make(given, False)
    try:
        return make(kept, True)
    except (MissingExtra, DatasetMissing, DigestError):
        raise  # these say themselves what to do
    except NextlabelError as cause:
        message = (
            f"The {name} of this campaign is made from {kept}, relative paths beginning at the journal; that "
            f"fails: {cause} Put back what is missing, or give {name}=... to Campaign.open."
        )
        raise CampaignError(message) from cause
