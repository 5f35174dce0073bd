"""The page needs nothing but itself, and says everything to everybody."""

from html.parser import HTMLParser

import pytest

from nextlabel.figures.page import Strip, Table, page


class Reader(HTMLParser):
    """Collects tags, attributes and text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture
def made() -> str:
    return page(
        title="Digits & others",
        lead="BADGE needed fewer <labels>.",
        picture='<svg role="img" aria-label="curves"></svg>',
        phone_picture='<svg role="img" aria-label="small curves"></svg>',
        caption="Means and bands.",
        table=Table(
            "Figures", ["strategy", "AUBC"], [["BADGE", "93.1"], ["random", "> 300"]], ["AUBC: an area."]
        ),
        strips=[Strip("BADGE", "The first digits: 3, 8", b"\x89PNG")],
        strips_title="What was asked first",
        facts={"Seeds": "0 to 9"},
        caveats=["One data set."],
        command="nextlabel demo",
        files=["curves.png"],
    )


@pytest.fixture
def read(made: str) -> Reader:
    reader = Reader()
    reader.feed(made)
    return reader


def test_nothing_is_fetched_and_nothing_runs(made: str, read: Reader) -> None:
    fetched = [value for _, name, value in read.attributes if name in ("src", "href", "srcset", "data")]
    assert all(value.startswith("data:image/png;base64,") or value == "curves.png" for value in fetched)
    assert not {"script", "link", "iframe", "object"} & set(read.tags)
    assert "url(" not in made
    assert "@import" not in made


def test_what_is_said_is_escaped(made: str, read: Reader) -> None:
    assert "BADGE needed fewer &lt;labels&gt;." in made
    assert "BADGE needed fewer <labels>." in "".join(read.text)
    assert "&gt; 300" in made


def test_the_sentence_comes_before_the_picture_and_the_table(made: str) -> None:
    assert made.index("needed fewer") < made.index("<svg") < made.index("<table")


def test_it_can_be_read_aloud(read: Reader) -> None:
    assert ("html", "lang", "en") in read.attributes
    assert ("img", "alt", "The first digits: 3, 8") in read.attributes
    assert read.attributes.count(("th", "scope", "col")) == 2
    assert read.attributes.count(("th", "scope", "row")) == 2
    assert {"title", "h1", "main", "caption", "figcaption"} <= set(read.tags)


def test_it_fits_phones_and_the_night(made: str, read: Reader) -> None:
    assert ("meta", "content", "width=device-width, initial-scale=1") in read.attributes
    assert "prefers-color-scheme: dark" in made


def test_on_a_narrow_screen_every_figure_has_its_name_and_is_still_a_table(read: Reader) -> None:
    assert [value for tag, name, value in read.attributes if (tag, name) == ("td", "data-name")] == [
        "AUBC"
    ] * 2
    roles = [value for _, name, value in read.attributes if name == "role"]
    assert roles.count("table") == 1
    assert roles.count("row") == 3
    assert (roles.count("columnheader"), roles.count("rowheader"), roles.count("cell")) == (2, 2, 2)


def test_a_narrow_screen_has_a_picture_of_its_own(made: str) -> None:
    broad = made.index('<div class="broad"><svg role="img" aria-label="curves">')
    assert broad < made.index('<div class="slim"><svg role="img" aria-label="small curves">')
    always, narrow = made.split("@media (max-width: 40rem)")
    assert ".slim { display: none; }" in always
    assert ".broad { display: none; }" in narrow


def test_without_strips_there_is_no_heading_for_them() -> None:
    bare = page(
        title="t",
        lead="l",
        picture="",
        phone_picture="",
        caption="c",
        table=Table("f", ["strategy"], [["BADGE"]]),
        strips=[],
        strips_title="What was asked first",
        facts={},
        caveats=[],
        command="c",
        files=[],
    )
    assert "What was asked first" not in bare


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb, as the Web Content Accessibility Guidelines define it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_text_stands_out_by_day_and_by_night(made: str) -> None:
    day, night = made.split("prefers-color-scheme: dark")
    for rules in (day, night):
        colours = {name: rules.split(f"--{name}: ")[1][:7] for name in ("paper", "ink", "soft", "tint")}
        for text in ("ink", "soft"):
            for ground in ("paper", "tint"):
                light, dark = sorted((luminance(colours[text]), luminance(colours[ground])), reverse=True)
                assert (light + 0.05) / (dark + 0.05) >= 4.5
