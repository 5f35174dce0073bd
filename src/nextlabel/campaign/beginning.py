"""The first event of a campaign, and the parts that it speaks of."""

from pathlib import Path
from typing import Any

import nextlabel
from nextlabel.campaign.auto import AutoPart, advised_opening, picking_part
from nextlabel.campaign.control import checked_share, reserve
from nextlabel.campaign.events import Created
from nextlabel.campaign.given import checked_task, checked_word
from nextlabel.campaign.parts import learner_part, pool_part
from nextlabel.campaign.rebuilding import Parts, opening_part
from nextlabel.core.learner import Learner
from nextlabel.core.rng import generator
from nextlabel.core.select import check_needs
from nextlabel.core.signals import derivable
from nextlabel.core.strategy import Strategy
from nextlabel.core.task import Task
from nextlabel.errors import LearnerError, MissingSignal
from nextlabel.maths.parameters import checked_whole

__all__ = ["beginning", "check_offer"]

_LONGEST = 1000  # a learner round arrays prints them


def beginning(
    path: Path | None,
    pool: Any,
    learner: Any,
    strategy: Any,
    task: Task,
    seed: int,
    *,
    control: float,
    opening: Any,
    name: str | None,
    overlap: int,
    candidates: int | None,
    now: float,
) -> tuple[Parts, Created]:
    """Check what a campaign is made of, and write it down.

    Parameters
    ----------
    path : Path or None
        The journal; relative paths are kept from its folder.
    pool, learner, strategy, task, seed, control, opening, name, overlap, candidates
        As for `Campaign.create`.
    now : float
        Seconds since 1970.

    Raises
    ------
    MissingSignal
        The learner does not provide what the strategy needs.
    LearnerError
        It fits no task of several classes an item, and this is one; or it cannot read the items.
    ParameterError, UnknownName, CampaignError
        A setting that makes no sense, or a part that cannot be made.
    """
    generator(seed)  # refuses what is no seed
    task = checked_task(task, of="a campaign")
    name = checked_word(name, "name", of="a campaign")
    share = checked_share(control)
    advice = "Give 1, or for example 3 for three people's answers to each item."
    overlap = checked_whole(overlap, "overlap", least=1, of="a campaign", advice=advice)
    if candidates is not None:
        advice = "Give for example 20000, or None for the whole pool."
        candidates = checked_whole(candidates, "candidates", least=2, of="a campaign", advice=advice)
    base = None if path is None else path.parent
    items = pool_part(pool, base)
    trained = learner_part(learner, base)
    _check_several(trained.learner, task)
    ids = tuple(items.pool.ids)
    picking = picking_part(strategy, name)
    if isinstance(picking, AutoPart) or picking.strategy.needs:  # else nobody asks the model
        trained.learner.require(items.pool, task)
    if isinstance(picking, AutoPart):
        if opening is None:
            opening = advised_opening(trained.learner, task, min(len(ids), candidates or len(ids)))
    else:
        check_offer(picking.strategy, trained.learner, task)
        if opening is None and picking.strategy.opening is not picking.strategy:
            opening = picking.strategy.opening
    first = opening_part("random" if opening is None else opening, picking.spec, picking.name)
    created = Created(
        at=now,
        seed=int(seed),
        task={"kind": task.kind, "classes": list(task.classes)},
        ids=ids,
        pool_fingerprint=items.pool.fingerprint,
        pool_source=items.spec,
        learner=trained.spec,
        learner_repr=" ".join(repr(trained.learner).split())[:_LONGEST],
        strategy=picking.spec,
        opening=first.spec,
        name=picking.name,
        control=share,
        reserve=reserve(len(ids), share, int(seed)),
        nextlabel=nextlabel.__version__,
        overlap=overlap,
        candidates=candidates,
    )
    return Parts(items.pool, trained, picking, first), created


def _check_several(learner: Learner, task: Task) -> None:
    """Refuse a learner that cannot fit the task: now, and not when people have labelled."""
    if task.is_several and not learner.provides_for(task):
        message = (
            f"{type(learner).__name__} fits one class an item; received a task of several "
            f"({', '.join(task.classes)}). Use the learner 'sklearn', or a task of nextlabel.classes."
        )
        raise LearnerError(message)


def check_offer(strategy: Strategy, learner: Learner, task: Task) -> None:
    """Refuse a strategy whose signals, of unlabelled or labelled items, the learner does not provide.

    Parameters
    ----------
    strategy : Strategy
    learner : Learner
    task : Task

    Raises
    ------
    MissingSignal
        Likewise. Of several classes an item the message names strategies that read ``marginals``.
    """
    provider, provided = type(learner).__name__, learner.provides_for(task)
    if task.is_several and (lacking := strategy.needs - derivable(provided)):
        message = (
            f"{type(strategy).__name__} needs {' and '.join(map(repr, sorted(lacking)))}, which no model of "
            f"several classes an item gives ({provider} gives {', '.join(sorted(provided)) or 'none'}). Use "
            "'auto', 'random', or a strategy that reads marginals: "
            '{"name": "margin", "of": "marginals", "reduce": "max"}; likewise entropy and least_confident.'
        )
        raise MissingSignal(message)
    check_needs(strategy, provided, provider)
    if missing := strategy.needs_labelled - derivable(provided):
        message = (
            f"{type(strategy).__name__} needs the signals {', '.join(sorted(missing))} of the labelled "
            f"items, which {provider} does not provide (it provides {', '.join(sorted(provided))}). "
            "Use another learner or another strategy."
        )
        raise MissingSignal(message)
