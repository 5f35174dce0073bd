"""``nextlabel bench``: a grid of experiments from a file, run into a folder, with a report."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from nextlabel.experiment.grid import Grid

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
    report_only: Annotated[
        bool,
        typer.Option("--report-only", help="Write the report anew from what the folder holds; run nothing."),
    ] = False,
) -> None:
    """Run a grid of experiments: killed, it goes on where it was; made larger, it is extended."""
    import shlex

    from rich.console import Console

    from nextlabel.cli.benchmark import carry_out, report
    from nextlabel.experiment.bench import load
    from nextlabel.experiment.grid import read_grid, reading, settings

    console = Console(markup=False, highlight=False)
    read = read_grid(grid)
    folder = out if out is not None else Path(f"bench-{grid.stem}")
    notes = [*read.notes, *_control(read)]
    title = read.title or f"Benchmark {grid.stem}"
    command = shlex.join(["nextlabel", "bench", str(grid), "--out", str(folder)])
    if report_only:
        report(console, folder, load(folder, reading(read)), title=title, command=command, notes=notes)
        return
    carry_out(
        console,
        folder,
        settings(read),
        title=title,
        command=command,
        notes=notes,
        processes=processes,
    )


def _control(read: "Grid") -> list[str]:
    """What a reader must know where there is a control arm."""
    if not read.control:
        return []
    return [
        f"{100 * read.control:g} % of the labels are control items, drawn at random beforehand: they count "
        "in the budget, no strategy sees them and no model is trained on them. A pool of fewer than 500 "
        "items beside the start set has none."
    ]
