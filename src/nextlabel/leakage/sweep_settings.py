"""The strengths of defences that a sweep tries, read from how they are written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import final

from nextlabel.core.defence import Defence
from nextlabel.errors import ParameterError
from nextlabel.leakage.defences.catalogue import parse
from nextlabel.leakage.defences.noises import Private
from nextlabel.leakage.trials import UNDEFENDED
from nextlabel.maths.parameters import checked_whole

__all__ = ["SweepSetting", "settings"]

_NAMES = {"gaussian": "Gaussian", "laplace": "Laplace"}
_FORMATS = {"float16": "half precision", "bfloat16": "bfloat16", "int8": "int8", "sign": "signs alone"}


@final
@dataclass(frozen=True)
class SweepSetting:
    """One strength of one defence, as a sweep tries it.

    Parameters
    ----------
    family : str
        What is compared along the strengths: the name of the defence, with ``%`` where its strength is
        relative; ``batch``, ``clients`` or ``steps``; `UNDEFENDED`.
    strength : float or None
    words : str
        For a reader.
    defences : tuple of Defence
        Applied to the message.
    sizes : mapping of str to int
        What it changes of ``batch``, ``clients`` or ``steps``.
    """

    family: str
    strength: float | None
    words: str
    defences: tuple[Defence, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)


def settings(written: Sequence[str], share: str = "full") -> tuple[SweepSetting, ...]:
    """The settings of a sweep: the message as it is, then each that is written.

    Parameters
    ----------
    written : sequence of str
        Defences as `nextlabel.leakage.defences.catalogue.parse` reads them, such as ``"gaussian:1e-3"``;
        ``"batch:8"``; ``"clients:4"``, messages of so many clients joined by secure aggregation;
        ``"steps:5"``, local steps of an update.
    share : str
        The registered name of the message.

    Raises
    ------
    UnknownName
        A defence that there is not.
    ParameterError
        None at all, a strength that makes no sense, one that is written twice, or one that this message
        cannot have.

    Examples
    --------
    >>> [one.words for one in settings(["gaussian:1e-3", "prune:30%", "batch:8"])]
    ['no defence', 'Gaussian noise of 0.001', '30 % pruned', 'batches of 8 items']
    """
    made = [_setting(one.strip(), share) for one in written if one.strip()]
    if not made:
        message = (
            "A sweep tries at least one defence; received none. Write for example "
            "gaussian:1e-3,gaussian:1e-2,prune:30%,batch:8."
        )
        raise ParameterError(message)
    kept = {(one.family, one.strength): one for one in made}
    if len(kept) < len(made):
        message = (
            f"Each setting of a sweep must be written once; received {', '.join(written)}. Leave out what "
            "comes twice."
        )
        raise ParameterError(message)
    return (SweepSetting(UNDEFENDED, None, "no defence"), *made)


def _setting(text: str, share: str) -> SweepSetting:
    name, _, strength = text.partition(":")
    if name in ("batch", "clients", "steps"):
        return _size(name, strength, share)
    defence = parse(text)
    is_relative = bool(getattr(defence, "is_relative", False))
    family = f"{name}%" if is_relative else name if defence.strength is not None else str(defence)
    if isinstance(defence, Private):  # noise is in units of the length: another length is another defence
        family = f"{name} clipped to {defence.clip:g}"
    return SweepSetting(family, defence.strength, _words(defence, is_relative=is_relative), (defence,))


def _size(name: str, strength: str, share: str) -> SweepSetting:
    count = checked_whole(int(strength) if strength.isdigit() else strength, name, least=1)
    if name == "steps" and share != "update":
        message = (
            f"Local steps are made before an update is sent; the message is {share!r}. "
            "Share an update, or leave steps out."
        )
        raise ParameterError(message)
    if name == "clients" and share not in ("full", "last_layer"):
        message = (
            f"Clients are joined here by the mean of their gradients; the message is {share!r}. "
            "Share a gradient, or leave clients out."
        )
        raise ParameterError(message)
    words = {
        "batch": f"batches of {count} items",
        "clients": f"secure aggregation of {count} clients",
        "steps": f"{count} local step{'s' if count > 1 else ''}",
    }
    return SweepSetting(name, float(count), words[name], sizes={name: count})


def _words(defence: Defence, *, is_relative: bool) -> str:
    strength = defence.strength
    if defence.name in _NAMES and strength is not None:
        of = f"{100 * strength:.3g} % of the message's size" if is_relative else f"{strength:.3g}"
        return f"{_NAMES[defence.name]} noise of {of}"
    if defence.name == "prune" and strength is not None:
        return f"{100 * strength:.3g} % pruned"
    return _FORMATS.get(str(defence), str(defence))
