"""What can be taken away: made in a temporary file, for owners."""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from nextlabel.campaign.campaign import Campaign
from nextlabel.campaign.export import FORMATS, Export, write_export
from nextlabel.campaign.predicting import Remembered
from nextlabel.campaign.state import State
from nextlabel.core.pool import Pool
from nextlabel.core.registry import build
from nextlabel.core.store import Entry, Store
from nextlabel.errors import RequestError
from nextlabel.server.people import Person
from nextlabel.server.predictions import Predictions

__all__ = ["download", "offered"]


def offered(person: Person) -> Sequence[Mapping[str, str]]:
    """The formats that somebody may download: ``name``, ``suffix`` and a ``sentence`` of each."""
    return [
        {"name": one.name, "suffix": one.suffix, "sentence": one.sentence}
        for one in FORMATS.values()
        if person.role in one.roles
    ]


def download(
    journal: Path,
    state: State,
    pool: Pool,
    predictions: Predictions | None,
    person: Person,
    name: str,
    positive: str | None = None,
) -> tuple[Path, str, str]:
    """Make a file.

    Parameters
    ----------
    journal : Path
    state : State
        As of the last commit.
    pool : Pool
        In the journal's order.
    predictions : Predictions or None
        Of the newest model.
    person : Person
    name : str
        Of the format.
    positive : str, optional
        The class that a format of two classes calls relevant.

    Returns
    -------
    Path
        Alone in a folder of its own, which the caller removes.
    str
        What to call it.
    str
        Its media type.

    Raises
    ------
    RequestError
        There is no such format, or items are being taken in.
    CampaignError
        The campaign has not what the format needs: no model yet, for example.

    Notes
    -----
    Reads the journal by itself, so that whoever writes need not wait; the state and the pool are those that
    there are, since a second copy of a million ids would be a fifth of a gigabyte.
    """
    formats = {one.name: one for one in FORMATS.values() if person.role in one.roles}
    if name not in formats:
        message = f"The format must be one of {', '.join(formats)}; received {name[:40]!r}."
        raise RequestError(f"{message} See the page of exports.", status=404, kind="missing")
    made = formats[name]
    if len(pool.ids) != len(state.roster):
        message = "Items can be exported when they are all there; more are being taken in. Try again."
        raise RequestError(message, status=409, kind="campaign")
    entries, model = _entries(journal, state), None
    if made.needs_model:
        with Campaign.open(journal, pool) as campaign:
            model = campaign.newest()
    said = None
    if predictions is not None and predictions.classes == state.task.classes:
        index, known = state.roster.index, predictions
        said = Remembered(state.task, predictions.model, lambda id: known.at(index[id]))
    whole = Export(state, entries, pool=pool, predictions=said, model=model, positive=positive)
    folder = Path(tempfile.mkdtemp(prefix="nextlabel-"))
    file = folder / f"{journal.stem}-{name}{made.suffix}"
    try:
        write_export(name, file, whole)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return file, file.name, made.mime


def _entries(journal: Path, state: State) -> Sequence[Entry]:
    """What the state follows from, each in its place; of the first, which holds all ids, only its name."""
    store: Store = build("store", {"name": "sqlite", "path": str(journal), "read_only": True})
    try:
        return [{"event": "created"}, *store.read(1)[: state.position - 1]]
    finally:
        store.close()
