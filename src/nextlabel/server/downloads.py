"""What can be taken away: made in a temporary file, for owners."""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from nextlabel.campaign.campaign import Campaign
from nextlabel.campaign.export import FORMATS, Export, write_export
from nextlabel.campaign.predicting import Remembered
from nextlabel.core.pool import Pool
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
    pool : Pool
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
        There is no such format.
    CampaignError
        The campaign has not what the format needs: no model yet, for example.

    Notes
    -----
    Opens the journal by itself, so that whoever writes need not wait.
    """
    formats = {one.name: one for one in FORMATS.values() if person.role in one.roles}
    if name not in formats:
        message = f"The format must be one of {', '.join(formats)}; received {name[:40]!r}."
        raise RequestError(f"{message} See the page of exports.", status=404, kind="missing")
    made = formats[name]
    with Campaign.open(journal, pool) as campaign:
        state, entries = campaign.state, campaign.journal()
        model = campaign.newest() if made.needs_model else None
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
