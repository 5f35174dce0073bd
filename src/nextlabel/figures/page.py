"""One self-contained page: no script, no request, readable on a phone, by day and by night."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import final

__all__ = ["Listing", "Picture", "Section", "Strip", "Table", "Terms", "long_page", "page"]

_STYLE = Path(__file__).with_name("page.css")
_FEW = 12  # links that fit into a line or two


@final
@dataclass(frozen=True)
class Table:
    """Rows under a header; the first cell of a row names it.

    Parameters
    ----------
    caption : str
    header : sequence of str
    rows : sequence of sequence of str
        As many cells as the header.
    notes : sequence of str
        What the columns mean, a sentence each.
    """

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()


@final
@dataclass(frozen=True)
class Strip:
    """A picture with its name.

    Parameters
    ----------
    name : str
    alt : str
        What it shows, in words.
    png : bytes
    """

    name: str
    alt: str
    png: bytes


@final
@dataclass(frozen=True)
class Picture:
    """A drawing, and the same drawn small for narrow screens.

    Parameters
    ----------
    broad, slim : str
        SVG as `nextlabel.figures.canvas.inline` makes it; trusted, where all else is escaped.
    caption : str
        Below it.
    """

    broad: str
    slim: str
    caption: str


@final
@dataclass(frozen=True)
class Listing:
    """Sentences, one to a line.

    Parameters
    ----------
    lines : sequence of str
    """

    lines: Sequence[str]


@final
@dataclass(frozen=True)
class Terms:
    """Facts by name.

    Parameters
    ----------
    facts : mapping of str to str
    """

    facts: Mapping[str, str]


@final
@dataclass(frozen=True)
class Section:
    """A part of a long page, under a heading of its own.

    Parameters
    ----------
    title : str
    parts : sequence of str, Table, Picture, Listing or Terms
        A str is a paragraph.
    """

    title: str
    parts: Sequence["str | Table | Picture | Listing | Terms"]


def long_page(
    *, title: str, lead: str, sections: Sequence[Section], command: str, files: Sequence[str]
) -> str:
    """A page of many sections, with a list of them where there are more than three.

    Parameters
    ----------
    title : str
        Of the page.
    lead : str
        The sentence that comes first.
    sections : sequence of Section
    command : str
        Does it again.
    files : sequence of str
        Names of the files beside the page.

    Returns
    -------
    str
    """
    names = [f"part-{number}" for number in range(1, len(sections) + 1)]
    links = "".join(
        f'<li><a href="#{name}">{escape(one.title)}</a></li>'
        for name, one in zip(names, sections, strict=True)
    )
    contents = f'<nav aria-label="Contents"><ul>{links}</ul></nav>' if len(sections) > 3 else ""
    body = "".join(
        f'<section aria-labelledby="{name}"><h2 id="{name}">{escape(one.title)}</h2>'
        f"{''.join(_part(part) for part in one.parts)}</section>\n"
        for name, one in zip(names, sections, strict=True)
    )
    return _document(title, lead, f"{contents}\n{body}{_end(command, files)}")


def _part(part: "str | Table | Picture | Listing | Terms") -> str:
    if isinstance(part, Table):
        return _table(part)
    if isinstance(part, Picture):
        return _picture(part)
    if isinstance(part, Listing):
        return _list(part.lines)
    return _terms(part.facts) if isinstance(part, Terms) else f"<p>{escape(part)}</p>"


def page(
    *,
    title: str,
    lead: str,
    picture: str,
    phone_picture: str,
    caption: str,
    table: Table,
    strips: Sequence[Strip],
    strips_title: str,
    facts: Mapping[str, str],
    caveats: Sequence[str],
    command: str,
    files: Sequence[str],
) -> str:
    """The page as HTML.

    Parameters
    ----------
    title : str
        Of the page.
    lead : str
        The sentence that comes first.
    picture : str
        An SVG as `nextlabel.figures.canvas.inline` makes it; trusted, as is the next, and all else escaped.
    phone_picture : str
        The same drawn small, shown in its place on narrow screens, where its text is still large enough.
    caption : str
        Below the picture.
    table : Table
    strips : sequence of Strip
        May be empty.
    strips_title : str
        The heading above them.
    facts : mapping of str to str
        How it was done, term by term.
    caveats : sequence of str
        What the figures do not say.
    command : str
        Does it again.
    files : sequence of str
        Names of the files beside the page.

    Returns
    -------
    str
    """
    shown = "".join(
        f"<div class=strip><span>{escape(one.name)}</span>"
        f'<img alt="{escape(one.alt)}" src="data:image/png;base64,{b64encode(one.png).decode()}"></div>'
        for one in strips
    )
    gallery = f"<h2>{escape(strips_title)}</h2>{shown}" if strips else ""
    return _document(
        title,
        lead,
        f"""{_picture(Picture(picture, phone_picture, caption))}
{_table(table)}
{gallery}
<h2>What this does not say</h2>
{_list(caveats)}
<h2>How it was done</h2>
{_terms(facts)}
{_end(command, files)}""",
    )


def _document(title: str, lead: str, body: str) -> str:
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{_STYLE.read_text(encoding="utf-8")}</style>
</head>
<body>
<main>
<h1>{escape(title)}</h1>
<p class="lead">{escape(lead)}</p>
{body}
</main>
</body>
</html>
"""


def _end(command: str, files: Sequence[str]) -> str:
    again = f"<p>Again: <code>{escape(command)}</code></p>"
    if len(files) <= _FEW:
        return f"{again}\n<p>Beside this page: {_links(files)}.</p>"
    pictures = [name for name in files if name.endswith((".svg", ".png"))]
    rest = [name for name in files if name not in pictures]
    return (
        f"{again}\n<p>Beside this page: {_links(rest)}.</p>\n<details><summary>{len(pictures)} pictures"
        f"</summary><p>{_links(pictures)}</p></details>"
    )


def _links(files: Sequence[str]) -> str:
    return ", ".join(f'<a href="{escape(name)}">{escape(name)}</a>' for name in files)


def _picture(picture: Picture) -> str:
    return (
        f'<figure><div class="broad">{picture.broad}</div><div class="slim">{picture.slim}</div>\n'
        f"<figcaption>{escape(picture.caption)}</figcaption></figure>"
    )


def _terms(facts: Mapping[str, str]) -> str:
    terms = "".join(f"<dt>{escape(term)}</dt><dd>{escape(fact)}</dd>" for term, fact in facts.items())
    return f"<dl>{terms}</dl>"


def _list(lines: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(one)}</li>' for one in lines)}</ul>"


def _table(table: Table) -> str:
    """A table, laid out row by row on narrow screens; the roles keep it a table for those who listen."""
    names = [escape(name) for name in table.header]
    header = "".join(f'<th scope="col" role="columnheader">{name}</th>' for name in names)
    body = "".join(_row(names, [escape(cell) for cell in row]) for row in table.rows)
    notes = "".join(f"<li>{escape(note)}</li>" for note in table.notes)
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(table.caption)}">'
        f'<table role="table"><caption>{escape(table.caption)}</caption>'
        f'<thead role="rowgroup"><tr role="row">{header}</tr></thead>'
        f'<tbody role="rowgroup">{body}</tbody></table></div>'
        f'<ul class="notes">{notes}</ul>'
    )


def _row(names: Sequence[str], cells: Sequence[str]) -> str:
    rest = "".join(
        f'<td role="cell" data-name="{name}">{cell}</td>'
        for name, cell in zip(names[1:], cells[1:], strict=True)
    )
    return f'<tr role="row"><th scope="row" role="rowheader">{cells[0]}</th>{rest}</tr>'
