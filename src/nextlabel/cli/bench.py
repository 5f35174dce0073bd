"""``nextlabel bench``: a grid of experiments from a file, run into a folder, with a report."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from nextlabel.experiment.curves import Results

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
    title = read.title or f"Benchmark {grid.stem}"
    command = shlex.join(["nextlabel", "bench", str(grid), "--out", str(folder)])
    if report_only:
        results = load(folder, reading(read))
        notes = [*read.notes, *_control(_share(results))]
        report(console, folder, results, title=title, command=command, notes=notes)
        return
    carry_out(
        console,
        folder,
        settings(read),
        title=title,
        command=command,
        notes=[*read.notes, *_control(read.control)],
        processes=processes,
    )


def _share(results: "Sequence[Results]") -> float:
    """The share of control items that was run, whatever a file says now; the same in all settings."""
    return max(float(one.protocol.get("control", 0.0)) for one in results)


def _control(share: float) -> list[str]:
    """What a reader must know where there is a control arm."""
    if not share:
        return []
    return [
        f"{100 * share:g} % of the labels are control items, drawn at random beforehand: they count "
        "in the budget, no strategy sees them and no model is trained on them. A pool of fewer than 500 "
        "items beside the start set has none."
    ]
