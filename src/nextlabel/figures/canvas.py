"""Matplotlib without its global state: a figure in, bytes or text out."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any

from nextlabel.errors import MissingExtra

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["INK", "inline", "new_figure", "png", "require_matplotlib", "svg"]

INK = "#1b1f24"
"""The colour of text and axes; on a page it becomes the page's own."""

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: it can be read aloud, searched and copied
    "svg.hashsalt": "nextlabel",  # the same picture gives the same file
    "figure.autolayout": False,
    "figure.constrained_layout.use": False,
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK),
}


def require_matplotlib() -> None:
    """Raise `MissingExtra` where pictures cannot be drawn: better now than after a long run.

    Raises
    ------
    MissingExtra
        Matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ModuleNotFoundError as cause:
        message = (
            "Pictures need the library 'matplotlib', which is not installed. "
            "Install it with: pip install 'nextlabel[plot]'."
        )
        raise MissingExtra(message, extra="plot") from cause


@contextmanager
def new_figure(width: float, height: float) -> "Iterator[Figure]":
    """An empty figure of so many inches; what is drawn inside the block has our style.

    At the end of the block its parts are laid out, once for all files that it is written to.

    Raises
    ------
    MissingExtra
        Matplotlib is not installed.
    """
    require_matplotlib()
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure
        if figure.axes and (layout := figure.get_layout_engine()) is not None:
            layout.execute(figure)  # and no more: drawing it for this would take half as long again
        figure.set_layout_engine(None)  # "none" is an engine too, for which each file would be drawn twice


def png(figure: "Figure", *, dots_per_inch: int = 160) -> bytes:
    """The figure as a PNG on white."""
    from matplotlib import rc_context

    with rc_context(_STYLE):
        written = BytesIO()
        figure.savefig(written, format="png", dpi=dots_per_inch, metadata={"Software": None})
        return written.getvalue()


def svg(figure: "Figure") -> str:
    """The figure as SVG on a transparent ground, the same text each time."""
    from matplotlib import rc_context

    with rc_context(_STYLE):
        written = StringIO()
        figure.savefig(written, format="svg", transparent=True, metadata={"Date": None})
        return written.getvalue()


def inline(drawing: str, *, alt: str, mark: str = "") -> str:
    """An SVG as a part of a page: described for those who cannot see it, in the page's colour and font.

    Parameters
    ----------
    drawing : str
        What `svg` made.
    alt : str
        What the picture shows, in words.
    mark : str
        Put before every id, so that two pictures on a page do not take each other's parts.
    """
    from html import escape

    body = drawing[drawing.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r'\s(width|height)="[\d.]+pt"', "", body, count=2)
    body = re.sub(r"font: ([\d.]+px) [^;\"]*", r"font-size: \1", body).replace(INK, "currentColor")
    body = re.sub(r'(\bid="|url\(#|href="#)', rf"\1{mark}", body)
    return body.replace("<svg", f'<svg role="img" aria-label="{escape(alt)}"', 1)
