"""The data of a campaign for the commands that need them: as the journal names them, or moved elsewhere."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nextlabel.campaign.state import State
    from nextlabel.core.pool import Pool

__all__ = ["moved", "read_pool"]


def moved(state: "State", data: Path) -> dict[str, Any]:
    """What the journal says of its data, with another place.

    Parameters
    ----------
    state : State
    data : Path
        From the working folder.

    Returns
    -------
    dict
        A spec of a pool.

    Raises
    ------
    ParameterError
        The data were not read from a file or folder.
    """
    from nextlabel.errors import ParameterError

    source = state.pool_source
    if source is None or "path" not in source:
        was = "they were handed over in Python" if source is None else f"they are from {dict(source)}"
        message = (
            "--data names the file or folder of data that have moved; those of this campaign have none: "
            f"{was}. "
            "Leave --data out."
        )
        raise ParameterError(message)
    return {**source, "path": str(data.absolute())}


def read_pool(journal: Path, state: "State", data: Path | None) -> "Pool":
    """The items that a journal speaks of.

    Parameters
    ----------
    journal : Path
    state : State
    data : Path or None
        Where they are now; None is where the journal says.

    Raises
    ------
    CampaignError
        The journal does not say what they are made from.
    PoolChanged
        They are others; the message says how many have come and gone.
    NextlabelError
        They cannot be read.
    """
    from nextlabel.campaign.parts import pool_part
    from nextlabel.errors import CampaignError, NextlabelError, PoolChanged

    if data is not None:
        pool: Pool = pool_part(moved(state, data), None).pool
    elif state.pool_source is None:
        message = (
            "Data that a reader or a function makes again are needed here; these were handed over in Python, "
            "and the journal does not know where they are from. Use Campaign.open(path, pool=...) there."
        )
        raise CampaignError(message)
    else:
        try:
            pool = pool_part(state.pool_source, journal.parent, from_journal=True).pool
        except NextlabelError as error:
            error.add_note("Data that have moved are named with --data.")
            raise
    if pool.fingerprint != state.pool_fingerprint:
        came, gone = (len(set(one) - set(other)) for one, other in _both(pool.ids, state.ids))
        what = (
            f"{came:,} have come and {gone:,} have gone"
            if came or gone
            else "the content of items is another"
        )
        new = " New items are taken in by Campaign.extend, in Python." if came and not gone else ""
        message = (
            f"The data must be the {len(state.ids):,} items of the journal {journal}; {what}. "
            f"Put them back, or name a copy of them with --data.{new}"
        )
        raise PoolChanged(message)
    return pool


def _both(one: Any, other: Any) -> list[tuple[Any, Any]]:
    return [(one, other), (other, one)]
