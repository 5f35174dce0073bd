"""``nextlabel doctor``: what is installed, and whether a journal is sound."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from nextlabel.stores.repair import Examination

__all__ = ["doctor"]

_PACKAGES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "numba",
    "typer",
    "rich",
    "torch",
    "matplotlib",
    "baycomp",
    "pyarrow",
    "Pillow",
)
_UNSOUND = 2
_RACE = ((3, 7, 0), (3, 51, 3))  # from here, and before here: the WAL-reset race
_DAMAGE = (11, 26)  # what SQLite calls SQLITE_CORRUPT and SQLITE_NOTADB


def doctor(
    journal: Annotated[Path | None, typer.Argument(help="A campaign's journal to examine.")] = None,
    backup: Annotated[
        Path | None, typer.Option(help="Copy the journal to this new file, also while others write.")
    ] = None,
    repair: Annotated[
        Path | None,
        typer.Option(help="Save what is readable in this new file; the journal stays as it is."),
    ] = None,
) -> None:
    """Say the versions installed, examine a journal, back it up, repair it into a new file."""
    if journal is None:
        _require_journal(backup, repair)
        _say_versions()
        return
    from nextlabel.cli.journal import call
    from nextlabel.stores.repair import back_up

    found = _examined(journal)
    is_sound = _say_found(found) and _is_campaign(journal)
    if backup is not None:
        count = back_up(journal, backup)
        typer.echo(f"Backup: {backup}, {count:,} entries.")
    if repair is not None:
        is_sound = _repaired(journal, repair)
    elif not found.is_sound:
        typer.echo(f"Next: {call('doctor', journal, '--repair', _free(journal))}")
    if not is_sound:
        raise typer.Exit(_UNSOUND)


def _examined(journal: Path) -> "Examination":
    from nextlabel.errors import JournalError
    from nextlabel.stores.repair import examine

    try:
        return examine(journal)
    except JournalError as error:
        if getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF in _DAMAGE:
            error.add_note("The doctor can do nothing for it: not one entry could be read.")
        raise


def _say_found(found: "Examination") -> bool:
    if found.is_sound:
        typer.echo(f"{found.path.name} is sound: {found.entries:,} entries, each with the right digest.")
        return True
    typer.echo(f"{found.path.name} is damaged:")
    for fault in found.faults:
        typer.echo(f"  {fault}")
    typer.echo(
        f"{found.entries:,} entries from the beginning are sound; {found.later:,} after them can be read."
    )
    return False


def _is_campaign(journal: Path) -> bool:
    """Whether the entries make a campaign, which is said."""
    from nextlabel.cli.journal import read_state
    from nextlabel.errors import JournalError

    try:
        state = read_state(journal)
    except JournalError as error:
        typer.echo(f"Its entries do not make a campaign: {error}")
        return False
    items, labels = len(state.roster), state.labelled
    typer.echo(f"Its campaign: {items:,} items, {labels:,} labelled, batches asked: {state.round:,}.")
    return True


def _repaired(journal: Path, to: Path) -> bool:
    from nextlabel.stores.repair import repair

    saved = repair(journal, to)
    if saved.rest is not None:
        typer.echo(f"Saved apart: {saved.found.later:,} entries after the first fault, in {saved.rest}.")
    if saved.to is None:
        typer.echo("Not even the first entry is sound, so there is no new journal.")
        if saved.rest is not None:
            typer.echo(
                "Make the campaign anew from the same data with nextlabel new; how to tell it the answers in "
                f"{saved.rest.name} is in the documentation, under 'Back up and rescue a journal'."
            )
        return False
    typer.echo(f"Repaired: {saved.found.entries:,} entries in {saved.to}. {journal} is as it was.")
    return _is_campaign(to)


def _free(journal: Path) -> Path:
    return journal.with_name(f"{journal.stem}-repaired{journal.suffix}")


def _require_journal(*options: Path | None) -> None:
    from nextlabel.errors import ParameterError

    if any(option is not None for option in options):
        message = (
            "--backup and --repair need a journal; received none. "
            "Write for example: nextlabel doctor reviews.db --backup copy.db"
        )
        raise ParameterError(message)


def _say_versions() -> None:
    import platform
    import sqlite3
    from importlib.metadata import PackageNotFoundError, version

    from nextlabel import __version__

    typer.echo(f"nextlabel {__version__}")
    typer.echo(f"python {platform.python_version()}, {platform.system()} {platform.machine()}")
    typer.echo(f"sqlite {sqlite3.sqlite_version}{_risk(sqlite3.sqlite_version_info)}")
    for package in _PACKAGES:
        try:
            typer.echo(f"{package} {version(package)}")
        except PackageNotFoundError:
            typer.echo(f"{package} is not installed")


def _risk(version: tuple[int, ...]) -> str:
    """What is known of a version of SQLite that could concern a journal."""
    if not _RACE[0] <= version < _RACE[1]:
        return ""
    return (
        ": versions 3.7.0 to 3.51.2 can, very rarely, damage a file in WAL mode when two connections write "
        "and checkpoint at once; journals of nextlabel are never in that mode"
    )
