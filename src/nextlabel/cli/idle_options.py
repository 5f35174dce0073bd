"""Options of ``nextlabel leakage`` that nothing would read are refused, each in one sentence."""

from collections.abc import Sequence
from typing import Any

import typer

__all__ = ["require_effect", "share_kind", "shown_kind"]

_OF_ACTION = {"demo": ("seed", "out"), "list": ()}  # all belong to audit
_OF_SWEEP = ("trainings", "epochs", "evaluations")
_LISTS = {"sweep": "defences", "attacks": "attacks"}
_ARRAYS = ("public", "public_labels", "sketch")


def require_effect(context: typer.Context, kind: str, knows: Sequence[str]) -> None:
    """Refuse options that were written and that this command would not read.

    Parameters
    ----------
    context : typer.Context
        Of the command that runs.
    kind : str
        The registered name of the message.
    knows : sequence of str
        What the attacker is told, as written.

    Raises
    ------
    ParameterError
        Steps or a rate without an update, sizes of a sweep without one, a list of nothing but commas, or
        arrays among what is known.
    """
    written = _written(context)
    action = context.params["action"]
    if action in _OF_ACTION:
        _require_of_action(action, written)
        return
    for name, what in _LISTS.items():
        text = context.params[name]
        if text and not text.replace(",", "").strip():
            _refuse(f"--{name} takes {what} with commas between them; received {text!r}. Name one at least.")
    _require_read(written, kind, swept=bool(context.params["sweep"]), trainings=context.params["trainings"])
    if arrays := [one for one in knows if one in _ARRAYS]:
        _refuse(
            "--knows takes what can be written on a command line: batch, bounds, images, labels, rate, "
            f"steps; received {', '.join(arrays)}, which are arrays. Leave them out, or give the arrays to "
            "nextlabel.leakage.audit in Python."
        )


def share_kind(share: str) -> str:
    """The registered name of a message that is written with hyphens.

    Raises
    ------
    UnknownName
        There is none; the message has the names as one writes them.
    """
    from difflib import get_close_matches

    from nextlabel.core.registry import names
    from nextlabel.errors import UnknownName

    kind = share.replace("-", "_")
    if kind in names("message"):
        return kind
    shown = [shown_kind(one) for one in names("message")]
    near = get_close_matches(share, shown, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    message = f"{share!r} is not a registered message. {hint}The names are: {', '.join(sorted(shown))}."
    raise UnknownName(message)


def shown_kind(name: str) -> str:
    """A registered message as one writes it after ``--share``."""
    return name.replace("_", "-")


def _written(context: typer.Context) -> list[str]:
    """The options that stand on the command line, whatever their values."""
    found = [one.name for one in context.command.params if one.name and one.param_type_name == "option"]
    sources: dict[str, Any] = {name: context.get_parameter_source(name) for name in found}
    return [name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"]


def _require_of_action(action: str, written: Sequence[str]) -> None:
    taken = _OF_ACTION[action]
    if idle := [f"--{name}" for name in written if name not in taken]:
        takes = f"takes {' and '.join(f'--{one}' for one in taken)}" if taken else "takes no options"
        _refuse(f"nextlabel leakage {action} {takes}; received {', '.join(idle)}. Leave it out.")


def _require_read(written: Sequence[str], kind: str, *, swept: bool, trainings: int) -> None:
    """Of an update, and of a sweep and its trainings."""
    is_update = kind == "update"
    if "steps" in written and not is_update:
        _refuse(
            f"--steps are those of an update; the message is {shown_kind(kind)!r}, which has none. Add "
            "--share update, or leave --steps out."
        )
    if idle := [f"--{name}" for name in _OF_SWEEP if name in written and not swept]:
        _refuse(
            f"{', '.join(idle)} speak of a sweep; received no --sweep. Add for example --sweep "
            "gaussian:1e-2,prune:30%, or leave that out."
        )
    if "rate" in written and not is_update and not (swept and trainings):
        _refuse(
            f"--rate is that of an update, or of the trainings of a sweep; the message is "
            f"{shown_kind(kind)!r}, and nothing is trained. Add --share update, or leave --rate out."
        )


def _refuse(message: str) -> None:
    from nextlabel.errors import ParameterError

    raise ParameterError(message)
