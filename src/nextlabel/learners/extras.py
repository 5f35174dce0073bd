"""Libraries that only some features need, imported when they are used."""

from importlib import import_module
from typing import Any

from nextlabel.errors import MissingExtra

__all__ = ["needed"]


def needed(module: str, extra: str, *, by: str) -> Any:
    """A module of an optional library.

    Parameters
    ----------
    module : str
        Its full name.
    extra : str
        The extra of nextlabel that brings it.
    by : str
        What needs it, the subject of the message.

    Raises
    ------
    MissingExtra
        It is not installed; the message names the extra.

    Examples
    --------
    >>> needed("math", "app", by="The example").tau > 6
    True
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as cause:
        library = module.partition(".")[0]
        message = (
            f"{by} needs the library {library!r}, which is not installed. "
            f"Install it with: pip install 'nextlabel[{extra}]'."
        )
        raise MissingExtra(message, extra=extra) from cause
