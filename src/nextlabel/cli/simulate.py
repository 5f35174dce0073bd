"""``nextlabel simulate``: what strategies would have saved on items that are labelled already."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from nextlabel.core.learner import Learner
    from nextlabel.core.pool import Pool
    from nextlabel.core.strategy import Strategy
    from nextlabel.experiment.recipes import Recipe

__all__ = ["simulate"]

_BASELINE = "random"
_BATCHES = 20  # of a budget that nobody names
_CEILING_SEEDS = 3


def simulate(
    file: Annotated[
        Path,
        typer.Argument(
            help="Labelled items: csv, tsv, jsonl, parquet, npz, or a folder with images in folders."
        ),
    ],
    text: Annotated[str | None, typer.Option(help="The column whose texts a model reads.")] = None,
    label: Annotated[
        str | None, typer.Option(help="The column of labels; `label`, or an image's folder, when left out.")
    ] = None,
    features: Annotated[
        str, typer.Option(help="The columns that a model may read, with commas between them; else all.")
    ] = "",
    id: Annotated[
        str | None, typer.Option(help="The column that names each item; else its content does.")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Of the file, where it is not UTF-8: for example latin-1.")
    ] = None,
    strategies: Annotated[
        str,
        typer.Option(
            help="Names with commas between them. The first is the one whose saving is stated; "
            "random is always there to compare with."
        ),
    ] = "badge,margin,random",
    recipe: Annotated[
        str,
        typer.Option(
            help="Published systems (nextlabel list recipes) with commas between them, compared too; "
            "the first of them leads. Each has its own network; the strategies have that of the first."
        ),
    ] = "",
    learner: Annotated[
        str | None,
        typer.Option(
            help="One learner for all strategies and recipes: a name of `nextlabel list learners`, or JSON "
            "with settings; else logistic regression on what suits the items, or what recipes bring."
        ),
    ] = None,
    seeds: Annotated[
        int, typer.Option(help="At least 2; each draws split, start set and weights anew.")
    ] = 10,
    start: Annotated[
        int, typer.Option(help="Labels before the first batch, drawn at random; 0 for none.")
    ] = 20,
    batch: Annotated[int, typer.Option(help="Labels asked at once.")] = 20,
    budget: Annotated[
        int,
        typer.Option(
            min=0, help="Labels at the end; 0 takes 20 batches, or half of the items if those are fewer."
        ),
    ] = 0,
    test: Annotated[
        float, typer.Option(help="Items held out to measure accuracy: a share, or how many.")
    ] = 0.3,
    target: Annotated[
        str, typer.Option(help="Accuracies with commas between them, for example 0.8: the labels each needs.")
    ] = "",
    out: Annotated[
        Path | None, typer.Option(help="The folder for report and results; NAME-simulated when left out.")
    ] = None,
    processes: Annotated[
        int, typer.Option(min=0, help="Worker processes of one thread each; 0 takes one for each core.")
    ] = 0,
) -> None:
    """Find out on your own labelled items what strategies would have saved."""
    import shlex

    from rich.console import Console

    from nextlabel.cli.benchmark import carry_out
    from nextlabel.cli.items import label_column, read_items
    from nextlabel.experiment.grid import Setting, held_out
    from nextlabel.experiment.labelled import copies, labelled
    from nextlabel.experiment.reading import Reading
    from nextlabel.experiment.runner import Experiment

    console = Console(markup=False, highlight=False)
    columns = [one.strip() for one in features.split(",") if one.strip()]
    params = {"text": text, "features": columns or None, "id": id, "encoding": encoding}
    pool, column = read_items(file, params, label)
    dataset, left_out = labelled(file.stem, pool, label_column(pool, column, "--label"))
    recipes = _recipes(recipe)
    compared = {name: one.picks() for name, one in recipes.items()} | _strategies(strategies, recipes)
    lead = next(iter(compared))
    reading = Reading(lead, _BASELINE, lead_is_default=True, target=_accuracies(target))
    items = len(dataset.pool.ids)
    measured = held_out(items, int(test) if test >= 1 and test.is_integer() else test)
    usual, own = _learners(pool, recipes, learner)
    experiment = Experiment(
        dataset,
        usual,
        compared,
        start=start,
        batch=batch,
        budget=budget or min(start + _BATCHES * batch, (items - measured) // 2),
        seeds=seeds,
        test=measured,
        learners={
            name: recipes[name].around(one)
            for name, one in own.items()
            if recipes[name].wraps or one != usual
        },
    )
    folder = out if out is not None else Path(f"{file.resolve().stem}-simulated")
    given = {"text": text, "label": label, "features": features or None, "id": id, "encoding": encoding}
    said = {
        "strategies": strategies,
        "recipe": recipe or None,
        "learner": learner,
        "seeds": seeds,
        "start": start,
        "batch": batch,
        "budget": budget,
        "test": test,
        "target": target or None,
    }
    options = [
        part
        for name, value in {**given, **said, "out": folder}.items()
        if value is not None
        for part in (f"--{name}", str(value))
    ]
    counts = f"{items:,} labelled items of {file}"
    notes = [
        f"{counts}; {left_out:,} without a label were left out.",
        "Learners were not tuned."
        if learner or recipes
        else "The learner suits the items; it was not tuned.",
        *(f"{name}: {one.source}." for name, one in recipes.items() if one.source),
        *_apart(usual, own),
        *_equal(copies(dataset.pool)),
    ]
    console.print(
        f"{notes[0]} {', '.join(compared)}; {seeds} seeds; {experiment.sizes[0]} to {experiment.budget} "
        "labels."
    )
    for note in notes[2:]:
        console.print(note)
    top = tuple(experiment.all_seeds[:_CEILING_SEEDS])
    carry_out(
        console,
        folder,
        [Setting(file.stem, experiment, top, reading)],
        title=f"{file.stem}: what {lead} would have saved",
        command=shlex.join(["nextlabel", "simulate", str(file), *options]),
        notes=notes,
        processes=processes,
    )


def _equal(count: int) -> list[str]:
    """What a reader must know where items come more than once."""
    if not count:
        return []
    told = "item equals an earlier one and was" if count == 1 else "items equal an earlier one and were"
    return [
        f"{count:,} {told} kept: copies may fall on both sides of the split, and then "
        "accuracies are too high."
    ]


def _accuracies(listed: str) -> list[float]:
    from nextlabel.errors import ParameterError

    try:
        return [float(one) for one in listed.split(",") if one.strip()]
    except ValueError as cause:
        message = (
            f"--target must be numbers above 0 and at most 1, with commas between them; received {listed!r}. "
            "Write for example 0.8,0.9."
        )
        raise ParameterError(message) from cause


def _recipes(listed: str) -> "dict[str, Recipe]":
    from inspect import signature

    from nextlabel.core.registry import build, resolve
    from nextlabel.errors import ParameterError

    made = {}
    for name in (one.strip() for one in listed.split(",")):
        if not name:
            continue
        needed = [
            one for one in signature(resolve("recipe", name)).parameters.values() if one.default is one.empty
        ]
        if needed:
            message = (
                f"--recipe takes recipes that need no settings; {name!r} needs "
                f"{' and '.join(one.name for one in needed)}. Write it in the file of an experiment, "
                "see docs/how-to/compare-strategies.md, or name another of `nextlabel list recipes`."
            )
            raise ParameterError(message)
        made[name] = build("recipe", name)
    return made


def _learners(
    pool: "Pool", recipes: "Mapping[str, Recipe]", named: str | None
) -> "tuple[Learner, dict[str, Learner]]":
    """What plain strategies run with, and what each recipe wraps: its own, unless one is named for all."""
    import numpy as np

    from nextlabel.cli.beginning import spec
    from nextlabel.cli.items import suited
    from nextlabel.core.registry import build

    if named is not None:
        usual: Learner = build("learner", spec(named, "--learner"))
        return usual, dict.fromkeys(recipes, usual)
    fits = suited(pool)
    is_image = pool.show(pool.ids[0]).medium == "image" and pool.take(np.array([0])).dtype.kind != "O"
    own = {name: build("learner", one.own(fits, name, is_image=is_image)) for name, one in recipes.items()}
    return next(iter(own.values()), None) or build("learner", fits), own


def _apart(usual: "Learner", own: "Mapping[str, Learner]") -> list[str]:
    """Which recipes differ from the plain strategies in their network too."""
    apart = [name for name, one in own.items() if one != usual]
    if not apart:
        return []
    return [
        f"{', '.join(apart)}: wrapped round a learner of its own, which is not that of the strategies; what "
        "it gains may be that. --learner gives all of them one."
    ]


def _strategies(listed: str, beside: "Collection[str]") -> "dict[str, Strategy]":
    """The strategies by the names that a reader sees, the baseline among them."""
    from nextlabel.core.registry import build
    from nextlabel.errors import ParameterError

    wanted = [name.strip() for name in listed.split(",") if name.strip()]
    if not {*wanted, *beside} - {_BASELINE}:
        message = (
            f"--strategies must name at least one strategy to compare with {_BASELINE}; received {listed!r}. "
            "Name for example badge,margin."
        )
        raise ParameterError(message)
    made = {}
    for name in dict.fromkeys([*wanted, _BASELINE]):
        strategy = build("strategy", name)
        spelling = type(strategy).__name__  # BADGE as its paper writes it, margin as an ordinary word
        made[name if spelling.istitle() else spelling] = strategy
    return made
