"""``nextlabel bench``: a grid of experiments from a file, run into a folder, with a report."""

from pathlib import Path
from typing import Annotated

import typer

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
    from nextlabel.experiment.grid import read_grid, settings

    console = Console(markup=False, highlight=False)
    read = read_grid(grid)
    folder = out if out is not None else Path(f"bench-{grid.stem}")
    title = read.title or f"Benchmark {grid.stem}"
    command = shlex.join(["nextlabel", "bench", str(grid), "--out", str(folder)])
    if report_only:
        report(console, folder, load(folder), title=title, command=command, notes=read.notes)
        return
    carry_out(
        console,
        folder,
        settings(read),
        title=title,
        command=command,
        notes=read.notes,
        processes=processes,
    )
