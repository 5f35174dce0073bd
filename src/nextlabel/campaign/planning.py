"""What to ask next, worked out ahead: by a process of its own, so that nobody waits for a model."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, final

import numpy as np

from nextlabel.campaign.asking import Active, Basis, Chosen, chosen, drawn, room
from nextlabel.campaign.events import ACTIVE
from nextlabel.campaign.fitting import Learned, Trainer
from nextlabel.campaign.journal import Journal
from nextlabel.campaign.picking import picker
from nextlabel.campaign.proposing import without_picking
from nextlabel.campaign.rebuilding import Parts
from nextlabel.campaign.state import State
from nextlabel.campaign.telling import check_open
from nextlabel.campaign.turn import REST, is_telling
from nextlabel.core.pool import Pool
from nextlabel.core.rng import generator
from nextlabel.core.strategy import Picks
from nextlabel.core.task import Label
from nextlabel.errors import MissingSignal, ParameterError
from nextlabel.maths.axes import Positions

__all__ = ["Plan", "checked_plan", "followed", "planned"]

_PROBABLE = 0.5  # from here on, a class by itself is suggested
_RANDOM = {"name": "random"}


@final
@dataclass(frozen=True)
class Plan:
    """Items picked ahead, most wanted first; made by `Campaign.plan`, asked by ``Campaign.ask(plan=...)``.

    Parameters
    ----------
    round : int
        How many queries there were before.
    through : int
        How many entries of the journal it has seen.
    ids : tuple of str
        Of the active arm.
    scores, propensities : tuple of (float or None), or None
        Of the strategy, where it has them.
    value : float or None
        What the strategy estimates the mean score of its picks to be, where it does.
    strategy : mapping
        The spec used.
    learner : str
        Fingerprint of the learner.
    model : str or None
        Fingerprint of the model; None where the strategy reads none.
    why : str or None
        Why advice named the strategy.
    suggestions : mapping of str to (label, float)
        Of these ids, the label that the model finds most probable, and how probable; empty without a model,
        and while all labels that it has seen are the same.

    Examples
    --------
    >>> shown = {"a": ("cat", 0.75)}
    >>> plan = Plan(0, 1, ("a",), (0.5,), None, None, {"name": "margin"}, "l", "m", None, shown)
    >>> Plan.from_json(plan.to_json()) == plan
    True
    """

    round: int
    through: int
    ids: tuple[str, ...]
    scores: tuple[float | None, ...] | None
    propensities: tuple[float | None, ...] | None
    value: float | None
    strategy: Mapping[str, Any]
    learner: str
    model: str | None = None
    why: str | None = None
    suggestions: Mapping[str, tuple[Label, float]] = field(default_factory=dict)

    def to_json(self) -> str:
        """The plan as one line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Plan":
        """The plan that `to_json` wrote.

        Raises
        ------
        ParameterError
            The text is no plan.
        """
        try:
            values = json.loads(text)
            made = {one.name: values.pop(one.name) for one in fields(cls)}
            shown = {id: (_label(label), float(sure)) for id, (label, sure) in made["suggestions"].items()}
            lists = {name: None if made[name] is None else tuple(made[name]) for name in _PARALLEL}
            sizes = {len(one) for one in lists.values() if one is not None}
            if values or len(sizes) != 1 or not all(isinstance(one, str) for one in lists["ids"] or ()):
                raise ValueError("other fields, or lists of unequal lengths")
        except (ValueError, KeyError, TypeError, AttributeError) as cause:
            message = (
                f"A plan must be the JSON that Plan.to_json wrote; received {str(text)[:80]!r} ({cause!r}). "
                "Make a new one: campaign.plan(batch)."
            )
            raise ParameterError(message) from cause
        return cls(**{**made, **lists, "suggestions": shown})


_PARALLEL = ("ids", "scores", "propensities")


def checked_plan(value: object) -> Plan:
    """A plan.

    Raises
    ------
    ParameterError
        Anything else.
    """
    if isinstance(value, Plan):
        return value
    message = (
        f"ask's 'plan' must be a plan; received {value!r}. Give what campaign.plan(batch) made, or "
        "Plan.from_json(text)."
    )
    raise ParameterError(message)


def _label(written: Any) -> Label:
    return tuple(written) if isinstance(written, list) else str(written)


def planned(journal: Journal, trainer: Trainer, batch: int, whole: Callable[[], Parts]) -> Plan:
    """What a query of this size would pick now.

    Parameters
    ----------
    journal : Journal
        Moves on when a model is fitted; nothing else is written.
    trainer : Trainer
    batch : int
        Items of a query, those of the control arm among them.
    whole : callable
        Gives the parts, the pool as it is now.

    Raises
    ------
    CampaignError
        Nothing is left to ask, or the campaign was stopped.
    """
    by = None
    while True:
        state, now = journal.refresh(), journal.clock()
        check_open(state)
        parts = whole()
        there = room(state, now, batch)
        if by is None or not by.is_settled:
            by = picker(journal, parts, trainer, batch)
            if journal.state is not state:
                continue
        active = drawn(state, there, by.of(state, parts.pool))
        ids = tuple(row[0] for row in active.rows)
        return Plan(
            state.round,
            state.position,
            ids,
            tuple(row[3] for row in active.rows) if active.has_scores else None,
            tuple(row[4] for row in active.rows) if active.has_propensities else None,
            active.value,
            by.part.to_dict(),
            parts.learner.fingerprint,
            by.fingerprint,
            by.part.why,
            _suggestions(state, parts.pool, by.learned, ids),
        )


def _suggestions(
    state: State, pool: Pool, learned: Learned | None, ids: tuple[str, ...]
) -> dict[str, tuple[Label, float]]:
    """The most probable label of some items; none without probabilities, or where only one label is known."""
    if learned is None or not ids or not is_telling(learned.turn.labels):
        return {}
    positions = np.array([state.roster.index[id] for id in ids], dtype=np.int64)
    turn = replace(learned.turn, pool=pool, round=state.round, unlabelled=positions)
    name = "marginals" if state.task.is_several else "proba"
    try:
        said = turn.signals(learned.model, {name})[name]
    except MissingSignal:
        return {}
    if state.task.is_several:
        labels = state.task.decode((said >= _PROBABLE).astype(np.int64))
        sure = np.maximum(said, 1 - said).min(axis=1)
    else:
        labels = state.task.decode(said.argmax(axis=1))
        sure = said.max(axis=1)
    return {id: (label, float(one)) for id, label, one in zip(ids, labels, sure, strict=True)}


def followed(state: State, now: float, batch: int, holder: str, plan: Plan) -> tuple[Basis, Chosen]:
    """What is asked of somebody when a plan is followed, and by whom it was picked.

    Parameters
    ----------
    state : State
    now : float
        Seconds since 1970.
    batch : int
    holder : str
        Who asks.
    plan : Plan
        Items that were taken meanwhile are left out. Where all were, a uniform draw of what is available
        takes its place.

    Raises
    ------
    CampaignError
        Nothing is left to ask.
    """
    rows = _left(state, now, plan)
    there = room(state, now, batch, len(rows) or None, holder=holder)
    if not there.active and (there.begun or there.sample):
        return without_picking(state, there, plan.learner)
    if rows or not there.active:
        basis = Basis(plan.strategy, plan.learner, plan.model, plan.why)
        return basis, chosen(state, there, _first(plan, rows[: there.active]))
    active = drawn(state, there, lambda available, few: _uniform(state, available, few))
    return Basis(_RANDOM, plan.learner), chosen(state, there, active)


def _left(state: State, now: float, plan: Plan) -> list[tuple[str, str, int, float | None, float | None]]:
    """What is planned and new to everybody."""
    none = (None,) * len(plan.ids)
    columns = zip(plan.ids, plan.scores or none, plan.propensities or none, strict=True)
    return [
        (id, ACTIVE, rank, score, propensity)
        for rank, (id, score, propensity) in enumerate(columns)
        if id in state and id not in state.walled and not state.people(id, now)
    ]


def _first(plan: Plan, rows: list[tuple[str, str, int, float | None, float | None]]) -> Active:
    """What is asked of a plan; the value is that of the whole."""
    has_scores, has_propensities = plan.scores is not None, plan.propensities is not None
    value = plan.value if len(rows) == len(plan.ids) else None
    return Active(tuple(rows), has_scores and bool(rows), has_propensities and bool(rows), value)


def _uniform(state: State, available: Positions, few: int) -> Picks:
    rng = generator(state.created.seed, REST, state.round)
    return Picks(rng.choice(len(available), few, replace=False).astype(np.int64))
