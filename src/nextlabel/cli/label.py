"""``nextlabel label``: a file, labelled in the browser."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import socket

    from nextlabel.campaign.campaign import Campaign
    from nextlabel.campaign.state import State
    from nextlabel.cli.beginning import Wanted
    from nextlabel.core.pool import Pool
    from nextlabel.server.people import People

__all__ = ["label"]


def label(
    file: Annotated[
        Path,
        typer.Argument(
            help="csv, tsv, jsonl, parquet, xlsx, a folder of images; or a journal (.db), to go on with it."
        ),
    ],
    text: Annotated[str | None, typer.Option(help="The column whose texts are to be labelled.")] = None,
    features: Annotated[
        str, typer.Option(help="The columns that a model may read, with commas between them; else all.")
    ] = "",
    labels: Annotated[
        str, typer.Option(help="The classes, with commas between them; else those of the label column.")
    ] = "",
    kind: Annotated[
        str, typer.Option("--task", help="class: one class an item; classes: those that apply.")
    ] = "class",
    label_column: Annotated[
        str | None,
        typer.Option(help="The column of labels that are there already; `label` where there is one."),
    ] = None,
    id: Annotated[
        str | None, typer.Option(help="The column that names each item; else its content does.")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Of the file, where it is not found out rightly: for example latin-1.")
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="Of an xlsx file; the first when left out.")] = None,
    image: Annotated[
        str | None, typer.Option(help="The column of a table that names an image file for each row.")
    ] = None,
    skip_faulty: Annotated[
        bool, typer.Option("--skip-faulty", help="Leave out what cannot be read; else nothing is begun.")
    ] = False,
    encoder: Annotated[
        str | None,
        typer.Option(
            help="A transformers model whose vectors take the place of word counts: name or folder."
        ),
    ] = None,
    learner: Annotated[
        str | None, typer.Option(help="A name of `nextlabel list learners`, JSON, or file.py:function.")
    ] = None,
    strategy: Annotated[
        str,
        typer.Option(help="A name of `nextlabel list strategies`, or JSON; auto follows `nextlabel advise`."),
    ] = "auto",
    control: Annotated[
        float,
        typer.Option(help="The share of what is asked that measures quality: 0, or from 0.05 to 0.2."),
    ] = 0.1,
    overlap: Annotated[int, typer.Option(min=1, help="How many people each item is asked of.")] = 1,
    batch: Annotated[int, typer.Option(min=1, help="How many items the model chooses at once.")] = 20,
    candidates: Annotated[
        int | None,
        typer.Option(min=1, help="How many items the model sees at once; 50,000 in larger files."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of everything random.")] = 0,
    guidelines: Annotated[
        Path | None, typer.Option(help="A text file that is shown beside the items.")
    ] = None,
    suggestions: Annotated[
        bool, typer.Option("--suggestions/--no-suggestions", help="Show what the model would say.")
    ] = True,
    people: Annotated[
        str, typer.Option(help="Who may label, with roles: for example ann:annotator,bob:owner.")
    ] = "",
    new_token: Annotated[
        bool, typer.Option("--new-token", help="Make all tokens anew: whoever was in is out.")
    ] = False,
    host: Annotated[
        str, typer.Option(help="The address to listen on; any but this machine's own needs --people.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="The port, or the next one that is free; 0 is any.")
    ] = 8000,
    model_memory: Annotated[
        float | None, typer.Option(min=0.1, help="Gigabytes that the process of the model may have.")
    ] = None,
    open_browser: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the page in a browser.")
    ] = True,
) -> None:
    """Label in the browser: one command from a file to finished labels."""
    from nextlabel.cli.beginning import Wanted, listed
    from nextlabel.server.people import roles
    from nextlabel.server.settings import Settings

    wanted = Wanted(
        file=file,
        params={
            "id": id,
            "text": text,
            "features": listed(features) or None,
            "encoding": encoding,
            "sheet": sheet,
            "image": image,
            "skip_faulty": skip_faulty or None,
        },
        labels=listed(labels),
        label_column=label_column,
        kind=kind,
        strategy=strategy,
        learner=learner,
        control=control,
        seed=seed,
        overlap=overlap,
        candidates=candidates,
        has_window=True,
        encoder=encoder,
    )
    named = roles(people)
    words = "" if guidelines is None else _read(guidelines)
    journal, begun = _begun(wanted)
    settings = Settings(
        batch=batch, has_suggestions=suggestions, guidelines=words, file=file.name or str(file.resolve())
    )
    _run(journal, begun, settings, named, host, port, new_token, model_memory, open_browser)


def _read(guidelines: Path) -> str:
    from nextlabel.errors import ParameterError

    try:
        return guidelines.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as cause:
        message = f"--guidelines must be a text file in UTF-8; {guidelines} is not ({cause}). Name another."
        raise ParameterError(message) from cause


def _begun(wanted: "Wanted") -> "tuple[Path, Pool | None]":
    """The journal, made now or there already, and the pool where it was read for that."""
    from nextlabel.cli.beginning import begin, beside, say
    from nextlabel.cli.going_on import require_same

    if wanted.file.suffix == ".db":
        if wanted.file.exists():
            require_same(wanted.file, wanted)
        return wanted.file, None
    journal = beside(wanted.file)
    if journal.exists():
        require_same(journal, wanted)
        typer.echo(f"Going on with the journal {journal}.")
        return journal, None
    pool, state, column = begin(journal, wanted)
    say(wanted, pool, state, column)
    typer.echo(f"Journal: {journal}")
    return journal, pool


def _run(
    journal: Path,
    pool: "Pool | None",
    settings: Any,
    named: Any,
    host: str,
    port: int,
    new_token: bool,
    memory: float | None,
    open_browser: bool,
) -> None:
    from nextlabel.campaign.campaign import Campaign
    from nextlabel.campaign.rebuilding import rebuilt_pool
    from nextlabel.cli.source import read_pool
    from nextlabel.core.registry import build
    from nextlabel.server.app import make_app
    from nextlabel.server.chronicle import Chronicle
    from nextlabel.server.clock import SteadyClock
    from nextlabel.server.desk import Desk
    from nextlabel.server.people import People
    from nextlabel.server.serving import hosts, is_loopback, listening, serve
    from nextlabel.server.training import Training

    persons, tokens = People.beside(journal, named, is_local=is_loopback(host), new_token=new_token)
    clock = SteadyClock()
    campaign = Campaign.open(journal, clock=clock, only_answers=True)
    read = pool or read_pool(journal, campaign.state, None)
    ordered = rebuilt_pool(campaign.state, journal.parent, read)
    _say_size(campaign.state)
    sock = listening(host, port)
    store = build("store", {"name": "sqlite", "path": str(journal), "read_only": True})
    training = Training(journal.absolute(), settings.batch, memory=memory)
    desk = Desk(campaign, ordered, Chronicle(store), training, persons, settings, clock)

    def ready() -> None:
        _announce(sock, host, port, persons, tokens, open_browser)
        training.start()

    try:
        serve(
            make_app(desk, hosts=hosts(host)),
            sock,
            ready,
        )
    finally:
        desk.close()
    _say_end(journal, campaign)


def _say_size(state: "State") -> None:
    if state.created.candidates is not None:
        typer.echo(
            f"Of {len(state.roster):,} items the model sees {state.created.candidates:,} at a time, drawn at "
            "random; labels of all others count too."
        )


def _announce(
    sock: "socket.socket",
    host: str,
    port: int,
    people: "People",
    tokens: dict[str, str],
    open_browser: bool,
) -> None:
    from nextlabel.server.serving import address

    here = sock.getsockname()[1]
    if port not in (0, here):
        typer.echo(f"Port {port} is taken; this is {here}.")
    if people.is_local:
        where = address(host, here, people.token)
        typer.echo(f"Label at: {where}")
        if open_browser:
            import webbrowser

            webbrowser.open(where)
    else:
        for name, role in people.names().items():
            own = address(host, here, tokens[name]) if name in tokens else "(the address given before)"
            typer.echo(f"{name} ({role}): {own}")
        if tokens:
            typer.echo("These addresses are shown once. Anybody on the network path can read what is sent.")
    typer.echo("Ctrl-C ends it; nothing that was saved is lost.")


def _say_end(journal: Path, campaign: "Campaign") -> None:
    from nextlabel.cli.journal import call, counted

    labelled = counted(campaign.state.labelled, "item")
    typer.echo(f"\n{labelled} labelled, all in {journal}. To go on: {call('label', journal)}")
