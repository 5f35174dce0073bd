"""A long page of sections: headings, a list of them, and every kind of part."""

from nextlabel.figures.page import Listing, Picture, Section, Table, Terms, long_page

PARTS: list[str | Table | Picture | Listing | Terms] = [
    "Better & <worse>.",
    Table("Figures", ["strategy", "seeds"], [["BADGE", "10"]], ["Seeds: how many."]),
    Picture('<svg class="a"></svg>', '<svg class="b"></svg>', "Means & bands."),
    Listing(["One < two."]),
    Terms({"Seeds": "0 to 9"}),
]


def made(sections: int) -> str:
    return long_page(
        title="Letters & more",
        lead="It is <so>.",
        sections=[Section(f"Part & {number}", PARTS) for number in range(1, sections + 1)],
        command="nextlabel bench a.toml",
        files=["curves.csv"],
    )


def test_every_kind_of_part_is_shown_and_escaped() -> None:
    text = made(1)
    assert "<p>Better &amp; &lt;worse&gt;.</p>" in text
    assert "<caption>Figures</caption>" in text
    assert (
        '<div class="broad"><svg class="a"></svg></div><div class="slim"><svg class="b"></svg></div>' in text
    )
    assert "<figcaption>Means &amp; bands.</figcaption>" in text
    assert "<ul><li>One &lt; two.</li></ul>" in text
    assert "<dl><dt>Seeds</dt><dd>0 to 9</dd></dl>" in text
    assert '<p class="lead">It is &lt;so&gt;.</p>' in text
    assert "<code>nextlabel bench a.toml</code>" in text
    assert '<a href="curves.csv">curves.csv</a>' in text


def test_a_section_is_named_by_its_heading() -> None:
    assert '<section aria-labelledby="part-2"><h2 id="part-2">Part &amp; 2</h2>' in made(2)


def test_more_than_three_sections_have_a_list_of_contents() -> None:
    assert "<nav" not in made(3)
    text = made(4)
    assert '<nav aria-label="Contents"><ul><li><a href="#part-1">Part &amp; 1</a></li>' in text
    assert text.index("<nav") < text.index("<section")
