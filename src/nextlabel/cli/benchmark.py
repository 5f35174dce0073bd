"""Run experiments into a folder, show what came out, and write the report: for ``bench`` and ``simulate``."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from nextlabel.experiment.curves import Results
    from nextlabel.experiment.grid import Setting

__all__ = ["carry_out", "report"]

_MOST_TABLES = 3


def carry_out(
    console: "Console",
    folder: Path,
    settings: "Sequence[Setting]",
    *,
    title: str,
    command: str,
    notes: Sequence[str],
    processes: int,
) -> None:
    """Run what is not there yet, print a table for each setting, and write the report.

    Parameters
    ----------
    console : Console
    folder : Path
    settings : sequence of Setting
    title : str
        Of the report.
    command : str
        Does it again; it is named when somebody stops this.
    notes : sequence of str
        What a reader should know.
    processes : int
        Worker processes; 0 takes one for each core.
    """
    from nextlabel.experiment.bench import run_settings
    from nextlabel.experiment.processes import usable_cores
    from nextlabel.experiment.report import prepare

    prepare(folder)
    try:
        with _bar(console) as progress:
            results = run_settings(folder, settings, processes=processes or usable_cores(), progress=progress)
    except KeyboardInterrupt:
        console.print(f"Every round that was finished is kept. To go on: {command}", soft_wrap=True)
        raise
    report(console, folder, results, title=title, command=command, notes=notes)


def report(
    console: "Console",
    folder: Path,
    results: "Sequence[Results]",
    *,
    title: str,
    command: str,
    notes: Sequence[str],
) -> None:
    """Print a table for each setting, of more than three one table for all, and write the report.

    Parameters
    ----------
    console : Console
    folder : Path
    results : sequence of Results
        As a benchmark gives them.
    title, command : str
        Of the report.
    notes : sequence of str
        What a reader should know.
    """
    from nextlabel.cli.comparison import show, show_table
    from nextlabel.experiment.bench import spent
    from nextlabel.experiment.overview import studied
    from nextlabel.experiment.remarked import remarked
    from nextlabel.experiment.report import write_report
    from nextlabel.experiment.sections import lead_sentence
    from nextlabel.experiment.tables import summary, targets

    studies = studied(results)
    if len(studies) > _MOST_TABLES:
        console.print()
        show_table(console, summary(studies))
        console.print(f"\n{lead_sentence(studies)}")
    else:
        for one in studies:
            console.print(f"\n{one.name}", style="bold")
            show(console, one.claim, one.rows, one.standings)
            for table in (targets(one), remarked(one)):
                if table:
                    console.print()
                    show_table(console, table)
            console.print(f"\n{lead_sentence([one])}")
    written = write_report(
        folder, results, title=title, command=command, seconds=spent(folder), notes=list(notes)
    )
    console.print(f"\nThe page: {written[0]}", soft_wrap=True)
    console.print(f"Beside it: {', '.join(path.name for path in written[1:])}")


@contextmanager
def _bar(console: "Console") -> "Iterator[Callable[[int, int], None]]":
    """A bar over rounds, with the time left."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("rounds, time left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("labelling", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
