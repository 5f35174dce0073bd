"""``nextlabel ask``: a batch to label, as a sheet."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nextlabel.campaign.asking import Query
    from nextlabel.campaign.campaign import Campaign
    from nextlabel.campaign.state import Lease
    from nextlabel.core.pool import Pool
    from nextlabel.core.task import Task

__all__ = ["ask"]

_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_SHOWN, _CLASSES = 5, 20
_LONGEST = 100 * 365 * 86_400


def ask(
    journal: Annotated[Path, typer.Argument(help="The campaign's journal, as `nextlabel new` wrote it.")],
    batch: Annotated[int, typer.Option(min=1, help="How many items.")] = 20,
    holder: Annotated[str, typer.Option(help="Who is going to label them.")] = "",
    out: Annotated[
        Path | None, typer.Option(help="The sheet; a name made from the journal's when left out.")
    ] = None,
    lease: Annotated[
        str, typer.Option(help="How long nobody else is asked these items: for example 14d, 12h or 30m.")
    ] = "14d",
    token: Annotated[
        str, typer.Option(help="Write the sheet of this query, asked before, again; nothing new is asked.")
    ] = "",
    data: Annotated[
        Path | None, typer.Option(help="Where the data are now, if they have moved since `nextlabel new`.")
    ] = None,
) -> None:
    """Ask for the next batch: a CSV sheet to fill in and tell."""
    from nextlabel.cli.journal import call, counted, until

    seconds = _duration(lease)
    _require_place(out)
    with _opened(journal, data) as campaign:
        heard: tuple[str, ...] = ()
        value = None
        if not token:
            _require_holder(campaign.state.overlap, holder)
            asked = _asked(campaign, batch, holder, seconds)
            token, value, heard = asked.token, asked.value, _heard(campaign)
            is_new = True
        else:
            is_new = False
        query = _query(campaign.state.leases, token)
        try:
            path = _written(journal, out, query, campaign.pool)
        except BaseException:
            if is_new:
                campaign.renew(token, 0)  # the items are free for the next one who asks
            raise
        wanted = _wanted(campaign.state.task)
    fewer = f" (no more are left to ask; {batch} were wanted)" if is_new and len(query.ids) < batch else ""
    lease = f" They are yours {until(query.expires)}."
    typer.echo(f"{counted(len(query.ids), 'item')} to label in {path}{fewer}.{lease}")
    if value is not None:
        typer.echo(f"By the strategy's estimate an item of this batch scores {value:.3g} on average.")
    for remark in heard:
        typer.echo(remark)
    typer.echo(f"Fill the column label with {wanted}; or the column skip with a reason.")
    typer.echo(f"Then: {call('tell', journal, path)}")


def _opened(journal: Path, data: Path | None) -> "Campaign":
    """The campaign; what is wrong with its data is said in words of the command line."""
    from nextlabel.campaign.campaign import Campaign
    from nextlabel.cli.journal import read_state
    from nextlabel.cli.source import moved, read_pool
    from nextlabel.errors import CampaignError, PoolChanged

    try:
        return Campaign.open(journal, None if data is None else moved(read_state(journal), data))
    except (CampaignError, PoolChanged):
        read_pool(journal, read_state(journal), data)
        raise  # something else is missing


def _asked(campaign: "Campaign", batch: int, holder: str, seconds: float) -> "Query":
    from nextlabel.errors import CampaignError

    try:
        return campaign.ask(batch, holder, lease_seconds=seconds)
    except CampaignError as error:
        if not campaign.state.is_stopped:
            error.add_note(
                "Answers are told with nextlabel tell. In Python, campaign is "
                f"nextlabel.Campaign.open({str(campaign.path)!r})."
            )
        raise


def _heard(campaign: "Campaign") -> tuple[str, ...]:
    """What the newest training says of itself."""
    model = campaign.newest()
    return () if model is None else model.remarks


def _require_holder(overlap: int, holder: str) -> None:
    from nextlabel.errors import ParameterError

    if overlap > 1 and not holder.strip():
        message = (
            f"--holder must say who is going to label: this campaign asks {overlap} different people each "
            "item; received none. Write for example --holder Ada, and tell with --annotator Ada."
        )
        raise ParameterError(message)


def _wanted(task: "Task") -> str:
    """What belongs in the column of labels."""
    from nextlabel.core.task import NONE

    if not task.is_several:
        return f"one of: {_listed(task.classes)}"
    names = _listed(task.classes)
    return f"the classes that apply, with semicolons between them, of: {names}; with {NONE} where none does"


def _listed(classes: "Sequence[str]") -> str:
    more = len(classes) - _CLASSES
    return ", ".join(classes[:_CLASSES]) + (f" and {more} more (nextlabel status)" if more > 0 else "")


def _duration(text: str) -> float:
    from nextlabel.errors import ParameterError

    number, unit = text[:-1], text[-1:]
    try:
        seconds = float(number) * _SECONDS[unit]
        if 0 < seconds < _LONGEST:
            return seconds
    except (KeyError, ValueError):
        pass
    message = (
        "--lease must be a number above zero and a unit, d (days), h (hours), m (minutes) or s (seconds); "
        f"received {text!r}. Write for example 14d."
    )
    raise ParameterError(message)


def _query(leases: "Mapping[str, Lease]", token: str) -> "Lease":
    from nextlabel.errors import CampaignError

    if token not in leases:
        message = (
            f"--token must name a query of this campaign; received {token!r}. "
            f"The latest are: {', '.join([*leases][-_SHOWN:]) or 'none yet'}."
        )
        raise CampaignError(message)
    return leases[token]


def _written(journal: Path, out: Path | None, query: "Lease", pool: "Pool") -> Path:
    """Where the sheet is: a name of our own goes out of the way of files that are there."""
    from nextlabel.campaign.batch_sheet import write_batch

    path = out or journal.with_name(f"{journal.stem}-batch-{query.round + 1}.csv")
    number = 2
    while out is None and path.exists():
        path = journal.with_name(f"{journal.stem}-batch-{query.round + 1}-{number}.csv")
        number += 1
    write_batch(path, query.ids, query.token, pool)
    return path


def _require_place(out: Path | None) -> None:
    """Refuse what can be refused before anything is asked."""
    from nextlabel.errors import CampaignError

    if out is not None and (out.exists() or not out.parent.is_dir()):
        what = "it is there already" if out.exists() else f"there is no folder {out.parent}"
        raise CampaignError(
            f"--out must be a new file in a folder; received {out}: {what}. Name another; nothing was asked."
        )
