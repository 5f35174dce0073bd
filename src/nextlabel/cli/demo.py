"""``nextlabel demo``: handwritten digits labelled batch by batch, strategies side by side."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from nextlabel.core.learner import Learner
    from nextlabel.core.strategy import Strategy
    from nextlabel.experiment.curves import Results
    from nextlabel.experiment.runner import Experiment

__all__ = ["demo"]

_BASELINE = "random"
_TEST_ITEMS = 597


def demo(
    learner: Annotated[
        str, typer.Option(help="sklearn; or torch, with dropout draws, where it is installed.")
    ] = "sklearn",
    strategies: Annotated[
        str,
        typer.Option(
            help="Names with commas between them. The first is the one whose saving is stated; "
            "random is always there to compare with."
        ),
    ] = "badge,margin,entropy,random",
    seeds: Annotated[
        int, typer.Option(help="At least 2; each draws split, start set and weights anew.")
    ] = 10,
    start: Annotated[int, typer.Option(help="Labels before the first batch, drawn at random.")] = 20,
    batch: Annotated[int, typer.Option(help="Labels asked at once.")] = 20,
    budget: Annotated[int, typer.Option(help="Labels at the end.")] = 300,
    out: Annotated[Path, typer.Option(help="The folder for page, pictures and results.")] = Path("demo"),
    processes: Annotated[
        int, typer.Option(min=0, help="Worker processes of one thread each; 0 takes one for each core.")
    ] = 0,
) -> None:
    """Label handwritten digits batch by batch, strategies side by side, and say what was saved."""
    import time

    from rich.console import Console

    from nextlabel.cli.comparison import show
    from nextlabel.core.registry import build
    from nextlabel.experiment.comparison import claim, rows
    from nextlabel.experiment.report import write
    from nextlabel.experiment.runner import Experiment

    console = Console(markup=False, highlight=False)
    compared = _strategies(strategies)
    dataset = build("dataset", "digits")
    experiment = Experiment(
        dataset,
        _learner(learner, start),
        compared,
        start=start,
        batch=batch,
        budget=budget,
        seeds=seeds,
        test=_TEST_ITEMS,
    )
    command = (
        f"nextlabel demo --learner {learner} --strategies {strategies} --seeds {seeds} --start {start} "
        f"--batch {batch} --budget {budget}"
    )
    lead = next(iter(compared))
    with _prepared(out):
        console.print(
            f"Digits: {', '.join(compared)}; {seeds} seeds; {start} to {budget} labels in batches of {batch}."
        )
        began = time.monotonic()
        results = _run(experiment, console, _worker_count(processes))
        seconds = time.monotonic() - began
        said, table = claim(results, lead, _BASELINE), rows(results, _BASELINE)
        show(console, said, table)
        console.print(f"\n{said.sentence()}\n")  # before writing, which a full disk may prevent
        files = write(
            out,
            results,
            said,
            table,
            dataset,
            title=f"Labelling digits: {lead} against {_BASELINE}",
            command=command,
            seconds=seconds,
            caveats=[
                "The network's settings were chosen on these digits, labelled at random, "
                "before any comparison."
            ],
        )
    console.print(f"The page: {files[0]}", soft_wrap=True)
    console.print(f"Beside it: {', '.join(path.name for path in files[1:])}")


@contextmanager
def _prepared(out: Path) -> Iterator[None]:
    """The folder of the results; when the block fails, folders that were made for nothing go again."""
    from nextlabel.experiment.report import prepare

    made = prepare(out)
    try:
        yield
    except BaseException:
        for folder in made:
            with suppress(OSError):  # it is not empty
                folder.rmdir()
        raise


def _learner(name: str, start: int) -> "Learner":
    """A small network; its settings were fixed on items labelled at random, before any comparison."""
    from nextlabel.core.registry import build

    made: Learner
    if name == "torch":
        dropping = {"name": "mlp", "dropout": 0.5}
        made = build("learner", {"name": "torch", "network": dropping, "draws": 20})  # draws for who asks
    elif name == "sklearn":
        network = {
            "name": "mlp",
            "hidden_layer_sizes": [128],
            "learning_rate_init": 0.01,
            "batch_size": max(1, min(20, start)),  # scikit-learn warns of a chunk above the number of labels
            "max_iter": 30,
        }
        made = build("learner", {"name": "sklearn", "estimator": network})
    else:
        made = _by_name("learner", name)
    return made


def _strategies(listed: str) -> "dict[str, Strategy]":
    """The strategies by the names that a reader sees, the baseline among them."""
    wanted = [name.strip() for name in listed.split(",") if name.strip()]
    made = {}
    for name in dict.fromkeys([*wanted, _BASELINE]):
        strategy = _by_name("strategy", name)
        spelling = type(strategy).__name__  # BADGE as its paper writes it, margin as an ordinary word
        made[name if spelling.istitle() else spelling] = strategy
    if len(made) < 2:
        from nextlabel.errors import ParameterError

        message = (
            f"--strategies must name at least one strategy to compare with {_BASELINE}; received {listed!r}. "
            "Name for example badge,margin."
        )
        raise ParameterError(message)
    return made


def _by_name(kind: str, name: str) -> Any:
    """What the registry makes of a name alone: an option of the command line takes no settings."""
    from nextlabel.core.registry import REGISTRY, build, nested_kinds, resolve
    from nextlabel.errors import ParameterError

    try:
        return build(kind, name)
    except ParameterError as error:
        free = (
            ["sklearn", "torch"]
            if kind == "learner"
            else [one for one in REGISTRY[kind] if not nested_kinds(resolve(kind, one))]
        )
        message = (
            f"The demo takes a {kind} by its name alone; {name!r} needs settings, which take Python. "
            f"Choose from: {', '.join(free)}."
        )
        raise ParameterError(message) from error


def _worker_count(processes: int) -> int:
    import os

    if processes:
        return processes
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return usable or 1


def _run(experiment: "Experiment", console: "Console", processes: int) -> "Results":
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("runs, time left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("labelling", total=len(experiment.cells()))
        return experiment.run(processes=processes, progress=lambda _: bar.advance(task))
