"""``nextlabel conformance``: which promises each strategy keeps, ours or a callable of the caller's."""

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from nextlabel.testing.conformance import Conformance
    from nextlabel.testing.laws import Definition

__all__ = ["conformance"]

_COLUMNS = {
    "pick": ("law", "sequence", "worth"),
    "dist": ("distinct",),
    "dupl": ("duplicates",),
    "exha": ("exhaustion",),
    "ties": ("ties",),
    "seed": ("seed",),
    "perm": ("permutation",),
    "prec": ("precision",),
    "0/1": ("zeros_and_ones",),
    "mem": ("memory",),
    "inp": ("inputs",),
    "nan": ("refusals",),
}
_WIDTH = 80
_BROKEN = 1


def conformance(
    names: Annotated[
        list[str] | None, typer.Argument(help="Strategies to examine; all registered ones when left out.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Chooses the inputs.")] = 0,
    seeds: Annotated[int, typer.Option(help="Examine with so many seeds, from --seed on.")] = 1,
    draws: Annotated[int | None, typer.Option(help="How many draws show a law.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write all verdicts to this file as well.")] = None,
    callable: Annotated[
        str | None, typer.Option(help="A callable of yours in place of ours, as module:function.")
    ] = None,
    as_: Annotated[str | None, typer.Option("--as", help="The strategy that your callable is.")] = None,
) -> None:
    """Hold strategies against their plain definitions; ends with 1 if a promise is broken."""
    from nextlabel.maths.parameters import checked_whole

    checked_whole(seeds, "seeds", least=1, advice="Leave it out for one.")
    every = range(seed, seed + seeds)
    if callable is not None or as_ is not None:
        results = _foreign(callable, as_, names or [], every, draws)
        for one in results:
            typer.echo(one.text(width=_WIDTH))
    else:
        results = _own(names or [], every, draws)
        _say_broken(results)
    if json is not None:
        _write(results, json)
    if any(not one.is_kept for one in results):
        raise typer.Exit(_BROKEN)


def _own(names: list[str], seeds: range, draws: int | None) -> "list[Conformance]":
    """Examine strategies of ours, a line of the table for each."""
    from functools import partial

    from nextlabel.core.registry import names as registered
    from nextlabel.core.select import select
    from nextlabel.errors import UnknownName
    from nextlabel.testing.conformance import definition_of, memory_of

    known = {name: definition_of(name) for name in names}
    without = []
    for name in () if names else registered("strategy"):
        try:
            known[name] = definition_of(name)
        except UnknownName:
            without.append(name)
    typer.echo(_line("", list(_COLUMNS)))
    results: list[Conformance] = []
    for name, definition in known.items():
        pick = partial(select, {"name": name, **definition.parameters})
        found = _examined(pick, definition, seeds, draws, memory_of(name))
        results += found
        typer.echo(_line(name, [_cell(found, promises) for promises in _COLUMNS.values()]))
    typer.echo()
    legend = "; ".join(f"{short}: {' or '.join(promises)}" for short, promises in _COLUMNS.items())
    for line in textwrap.wrap(f"yes: kept; NO: broken; -: not asked. {legend}.", _WIDTH):
        typer.echo(line)
    if without:
        typer.echo(f"Without a plain definition, so not examined: {', '.join(without)}.")
    return results


def _foreign(
    written: str | None, name: str | None, names: list[str], seeds: range, draws: int | None
) -> "list[Conformance]":
    from nextlabel.errors import ParameterError
    from nextlabel.testing.conformance import definition_of

    if written is None or name is None or names:
        message = (
            "--callable and --as go together, without other names: a callable, and the strategy that it "
            f"is; received --callable {written}, --as {name} and {len(names)} names. "
            "Write for example: nextlabel conformance --callable my_module:pick --as badge"
        )
        raise ParameterError(message)
    return _examined(_loaded(written), definition_of(name), seeds, draws, None)


def _loaded(written: str) -> Any:
    import sys
    from importlib import import_module

    from nextlabel.errors import ParameterError

    module, colon, function = written.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    try:
        found = getattr(import_module(module), function) if colon else None
    except (ImportError, AttributeError, ValueError) as error:
        message = (
            f"--callable must be module:function, importable from here; received {written!r}, and Python "
            f"says: {error}. Start where the module is, or install it."
        )
        raise ParameterError(message) from error
    finally:
        sys.path.pop(0)
    if not callable(found):
        message = (
            f"--callable must be module:function; received {written!r}, which is no function. "
            "Write for example my_module:pick."
        )
        raise ParameterError(message)
    return found


def _examined(
    pick: Any, definition: "Definition", seeds: range, draws: int | None, memory: Any
) -> "list[Conformance]":
    from nextlabel.testing.conformance import DRAWS, examine

    return [
        examine(pick, definition, seed=seed, memory=memory, draws=DRAWS if draws is None else draws)
        for seed in seeds
    ]


def _cell(found: "list[Conformance]", promises: tuple[str, ...]) -> str:
    outcomes = {one.of(promise).outcome for one in found for promise in promises}
    return "NO" if "broken" in outcomes else "yes" if "kept" in outcomes else "-"


def _line(name: str, cells: list[str]) -> str:
    return f"{name:<20}" + "".join(f" {cell:>4}" for cell in cells)


def _say_broken(results: "list[Conformance]") -> None:
    for one in results:
        for verdict in one:
            if verdict.outcome == "broken":
                typer.echo()
                for line in textwrap.wrap(f"{one.name}, {verdict.promise}: {verdict.says}", _WIDTH):
                    typer.echo(line)
                if verdict.call:
                    typer.echo(verdict.call)


def _write(results: "list[Conformance]", file: Path) -> None:
    from json import dumps

    text = dumps([one.to_dict() for one in results], indent=1, ensure_ascii=False)
    file.write_text(text + "\n", encoding="utf-8")
