"""``nextlabel data``: which public sets there are, fetching one, checking what lies here."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from nextlabel.datasets.listing import Listing

__all__ = ["check", "data", "fetch"]

_ACTIONS = ("list", "fetch", "check")


def data(
    action: Annotated[str, typer.Argument(help="list, fetch or check.")] = "list",
    name: Annotated[
        str, typer.Argument(help="A data set: needed to fetch; left out, check looks at all that lie here.")
    ] = "",
    to: Annotated[
        Path | None,
        typer.Option(
            help="The folder of data sets to fetch into; else NEXTLABEL_DATA, else the user's cache."
        ),
    ] = None,
) -> None:
    """List public data sets and where they lie, fetch one by its digest, or check the files that lie here."""
    _refuse(action, name, to)
    if action == "list":
        _list()
    elif action == "fetch":
        fetch(_listing(name), to)
    else:
        _check(name)


def _refuse(action: str, name: str, to: Path | None) -> None:
    from difflib import get_close_matches

    from nextlabel.errors import ParameterError, UnknownName

    if action not in _ACTIONS:
        near = get_close_matches(action, _ACTIONS, n=1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        raise UnknownName(
            f"{action!r} is nothing to do with data. {hint}Write one of: {', '.join(_ACTIONS)}."
        )
    if action == "fetch" and not name:
        message = "Fetching needs the name of a data set; received none. Write: nextlabel data fetch mnist."
        raise ParameterError(message)
    if action == "list" and name:
        raise ParameterError(f"Listing takes no name; received {name!r}. Write: nextlabel data list.")
    if action != "fetch" and to is not None:
        raise ParameterError(f"--to is for fetching; received it with {action!r}. Leave it out.")


def _listing(name: str) -> "Listing":
    """What is known of a registered set."""
    from nextlabel.core.registry import target
    from nextlabel.datasets.listings import LISTINGS
    from nextlabel.errors import ParameterError

    where = target("dataset", name)
    if name not in LISTINGS:
        message = (
            f"The files of a data set must be listed to be fetched or checked; {name!r} is registered by "
            f"another package ({where}), which lists none. See that package."
        )
        raise ParameterError(message)
    return LISTINGS[name]


def _list() -> None:
    from rich.console import Console
    from rich.table import Table

    from nextlabel.core.registry import names
    from nextlabel.datasets.listings import LISTINGS

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("data set", no_wrap=True)
    table.add_column("items", justify="right")
    table.add_column("classes", justify="right")
    for title in ("medium", "licence"):
        table.add_column(title)
    table.add_column("where", overflow="fold")
    for name in names("dataset"):
        if name in LISTINGS:
            one = LISTINGS[name]
            table.add_row(
                name,
                f"{one.items:,}",
                f"{one.classes:,}",
                one.medium,
                one.licence,
                _place(one) or _absent(one),
            )
        else:
            table.add_row(name, "", "", "", "", "in another package")
    Console(markup=False, highlight=False).print(table)


def _place(listing: "Listing") -> str:
    """The folders where all files of a set lie; nothing when one is missing."""
    from nextlabel.datasets.places import find

    if not listing.files:
        return "comes with nextlabel"
    found = [find(listing, file) for file in listing.files]
    return ", ".join(sorted({str(place.parent) for place in found if place})) if all(found) else ""


def _absent(listing: "Listing") -> str:
    return "not here; can be fetched" if all(file.address for file in listing.files) else "not here"


def fetch(listing: "Listing", to: Path | None) -> None:
    """Fetch a set with a progress bar, and say where its files lie.

    Parameters
    ----------
    listing : Listing
        The set.
    to : Path, optional
        The folder of data sets; the first one that is looked in when left out.
    """
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    from nextlabel.datasets.fetching import fetch as fetched
    from nextlabel.datasets.places import folders

    console = Console(markup=False, highlight=False)
    if not listing.files:
        console.print(f"{listing.name} comes with nextlabel: there is nothing to fetch.")
        return
    folder = to if to is not None else folders()[0]
    total = sum(file.size for file in listing.files)
    console.print(f"{listing.description}. Licence: {listing.licence}. {total:,} bytes.", soft_wrap=True)
    shown = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=shown, transient=True, disable=not shown.is_terminal) as progress:
        tasks = {file.name: progress.add_task(file.name, total=file.size) for file in listing.files}
        places = fetched(
            listing, folder, report=lambda file, count: progress.update(tasks[file.name], completed=count)
        )
    for place in places:
        console.print(f"{place}: as published", soft_wrap=True)
    if folder.resolve() not in [one.resolve() for one in folders()]:
        console.print(f"To use it, set NEXTLABEL_DATA={folder.resolve()}", soft_wrap=True)


def _check(name: str) -> None:
    from nextlabel.datasets.listings import LISTINGS

    listings = [_listing(name)] if name else [one for one in LISTINGS.values() if one.files and _place(one)]
    check(listings)


def check(listings: "list[Listing]") -> None:
    """Read every file of some sets and say of each whether it is the published one; exit code 2 when not.

    Parameters
    ----------
    listings : list of Listing
        The sets.
    """
    from rich.console import Console

    from nextlabel.datasets.places import read
    from nextlabel.errors import DatasetMissing, DigestError

    console, faults = Console(markup=False, highlight=False), 0
    for listing in listings:
        for file in listing.files:
            try:
                read(listing, file.name)
                console.print(f"{listing.name}: {file.name}: as published", soft_wrap=True)
            except (DatasetMissing, DigestError) as fault:
                faults += 1
                console.print(f"{listing.name}: {fault}", soft_wrap=True)
    if not any(listing.files for listing in listings):
        console.print("There are no files to check.")
    if faults:
        raise typer.Exit(2)
