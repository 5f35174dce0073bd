"""What a page is: a path, a title, a template, who may see it, and what the template is given."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, final

from nextlabel.core.registry import names, resolve
from nextlabel.errors import MissingExtra

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["Desk", "Page", "Somebody", "message_page", "pages", "render"]

_ORDER = ("label", "items", "history", "status", "export")


class Somebody(Protocol):
    """Who is at the page."""

    @property
    def name(self) -> str:
        """What they are called; empty where they have not said."""

    @property
    def role(self) -> str:
        """``"annotator"`` or ``"owner"``."""


class Desk(Protocol):
    """What pages ask of the server: the answers of the calls of the same name."""

    @property
    def path(self) -> Path | None:
        """Of the journal."""

    def campaign(self, person: Any) -> Mapping[str, Any]:
        """Name, task, medium, number of items, what the person may do."""

    def status(self, person: Any) -> Mapping[str, Any]:
        """Progress, quality, the learning curve, counts, stopping advice, training."""

    def items(self, person: Any, query: Mapping[str, str]) -> Mapping[str, Any]:
        """One page of the items that match the query."""

    def item(self, person: Any, number: int) -> Mapping[str, Any]:
        """One item whole: its view, answers, notes and history."""

    def history(self, person: Any, query: Mapping[str, str]) -> Mapping[str, Any]:
        """What the person did, newest first."""

    def formats(self, person: Any) -> Sequence[Mapping[str, Any]]:
        """What can be downloaded: ``name``, ``suffix`` and ``sentence`` of each."""


@final
@dataclass(frozen=True)
class Page:
    """A page of the server.

    Parameters
    ----------
    path : str
        Where it is, for example ``"/items"``.
    title : str
        Its name, in the browser's bar and as its heading.
    template : str
        A file among the templates.
    roles : tuple of str
        Who may see it.
    context : callable
        ``context(desk, person, query)`` gives what the template needs beside the campaign, the person
        and the pages; query is a mapping from str to str.
    """

    path: str
    title: str
    template: str
    roles: tuple[str, ...]
    context: Callable[[Desk, Any, Mapping[str, str]], Mapping[str, Any]]


@cache
def pages() -> Mapping[str, Page]:
    """Every registered page by name, in the order of the navigation; others come last."""
    known = names("page")
    ordered = [*(name for name in _ORDER if name in known), *(name for name in known if name not in _ORDER)]
    return {name: resolve("page", name)() for name in ordered}


def render(page: Page, desk: Desk, person: Somebody, query: Mapping[str, str]) -> str:
    """A page as HTML; all that comes from data is escaped.

    Parameters
    ----------
    page : Page
    desk : Desk
        Answers what the page asks.
    person : Somebody
        Who is at the page.
    query : mapping of str to str
        What the address asks for.

    Returns
    -------
    str

    Raises
    ------
    NextlabelError
        The desk refuses the query.
    MissingExtra
        Jinja2 is not installed (the extra ``app``).
    """
    return (
        _environment()
        .get_template(page.template)
        .render(
            page=page,
            navigation=[one for name, one in pages().items() if name in _ORDER and person.role in one.roles],
            campaign=desk.campaign(person),
            person=person,
            **page.context(desk, person, query),
        )
    )


def message_page(title: str, message: str) -> str:
    """A page that says one thing: why something cannot be shown, and what to do.

    Parameters
    ----------
    title : str
        A few words.
    message : str
        What was expected, what was received, what to do; escaped.

    Returns
    -------
    str
        HTML, without any request for data.
    """
    return _environment().get_template("message.html").render(title=title, message=message)


@cache
def _environment() -> "Environment":
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ModuleNotFoundError as cause:
        message = (
            "Pages need the library 'jinja2', which is not installed. "
            "Install it with: pip install 'nextlabel[app]'."
        )
        raise MissingExtra(message, extra="app") from cause

    from nextlabel.evaluation.words import percent_above, percent_below
    from nextlabel.server import wording

    made = Environment(
        loader=PackageLoader("nextlabel.server", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update({name: getattr(wording, name) for name in wording.__all__})
    made.filters.update({"above": percent_above, "below": percent_below})  # ends of a band, never narrower
    return made
