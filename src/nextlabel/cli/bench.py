"""``nextlabel bench``: a grid of experiments from a file, run into a folder, with a report."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console


__all__ = ["bench"]


def bench(
    grid: Annotated[Path, typer.Argument(help="A TOML file such as experiments/letter.toml.")],
    out: Annotated[
        Path | None,
        typer.Option(help="The folder for report and results; bench-NAME of the file when left out."),
    ] = None,
    processes: Annotated[
        int, typer.Option(min=0, help="Worker processes of one thread each; 0 takes one for each core.")
    ] = 0,
) -> None:
    """Run a grid of experiments: killed, it goes on where it was; made larger, it is extended."""
    import time

    from rich.console import Console

    from nextlabel.cli.comparison import show
    from nextlabel.experiment.bench import run_settings
    from nextlabel.experiment.comparison import claim, rows
    from nextlabel.experiment.grid import read_grid, settings
    from nextlabel.experiment.processes import usable_cores

    console = Console(markup=False, highlight=False)
    read = read_grid(grid)
    planned = settings(read)
    folder = out if out is not None else Path(f"bench-{grid.stem}")
    began = time.monotonic()
    with _progress(console) as progress:
        results = run_settings(folder, planned, processes=processes or usable_cores(), progress=progress)
    seconds = time.monotonic() - began
    for setting, one in zip(planned, results, strict=True):
        said = claim(one, setting.lead, setting.baseline)
        console.print(f"\n{setting.name}", style="bold")
        show(console, said, rows(one, setting.baseline))
        console.print(f"\n{said.sentence()}")
    console.print(f"\n{seconds:.0f} seconds. The lines of every round: {folder / 'runs'}", soft_wrap=True)


@contextmanager
def _progress(console: "Console") -> "Iterator[Callable[[int, int], None]]":
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
