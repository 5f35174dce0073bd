"""``nextlabel list``: what is registered, a line each."""

from typing import Annotated, Any

import typer

__all__ = ["show"]


def show(
    kind: Annotated[
        str, typer.Argument(help="strategies, learners, networks, datasets, readers or commands.")
    ] = "strategies",
) -> None:
    """Say what is registered: strategies, learners, networks, data sets, readers, commands."""
    from rich.console import Console
    from rich.table import Table

    from nextlabel.core.registry import names

    kind = _singular(kind)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(kind, no_wrap=True)
    table.add_column("in one line")
    column = {"strategy": "needs", "learner": "provides"}.get(kind)
    if column:
        table.add_column(column)
    for name in names(kind):
        summary, signals = _described(kind, name)
        table.add_row(name, summary, *([signals] if column else []))
    Console(markup=False, highlight=False).print(table)  # the names of extras stand in square brackets


def _singular(kind: str) -> str:
    from nextlabel.core.registry import REGISTRY

    plurals = {one[:-1] + "ies" if one.endswith("y") else one + "s": one for one in REGISTRY}
    return plurals.get(kind, kind)


def _described(kind: str, name: str) -> tuple[str, str]:
    """The first line of a thing's documentation, and the signals it needs or provides."""
    from nextlabel.core.registry import resolve
    from nextlabel.errors import MissingExtra

    try:
        made = resolve(kind, name)
    except MissingExtra as error:
        return str(error), ""
    summary = (made.__doc__ or "").strip().partition("\n")[0]
    return summary, _signals(kind, name) if kind in ("strategy", "learner") else ""


def _signals(kind: str, name: str) -> str:
    from nextlabel.core.registry import build, nested_kinds, resolve
    from nextlabel.errors import NextlabelError

    try:
        made: Any = build(kind, name)
    except NextlabelError:  # it has no default form
        wraps = kind in nested_kinds(resolve(kind, name)).values()
        return f"as the {kind} that it wraps" if wraps else "as its settings say"
    if kind == "learner":
        return ", ".join(sorted(made.provides))
    seen = [f"{one} of labelled items" for one in sorted(made.needs_labelled)]
    return ", ".join([*sorted(made.needs), *seen]) or "nothing"
