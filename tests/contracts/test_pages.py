"""What every page keeps: one heading, landmarks, no script or style of its own, words that stay words."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from nextlabel import Campaign, classes, names
from nextlabel.core.registry import resolve
from nextlabel.evaluation.quality import Look
from nextlabel.server import page as page_module
from nextlabel.server.app import make_app
from nextlabel.server.chronicle import Chronicle
from nextlabel.server.desk import Desk
from nextlabel.server.page import message_page, pages, render
from nextlabel.server.people import People, Person, roles
from nextlabel.server.settings import Settings
from nextlabel.server.training import Training
from nextlabel.stores.sqlite import SQLiteStore

HOSTILE = "<script>alert('x')</script>"
STATIC = Path(page_module.__file__).parent / "static"
PAGES = names("page")
ADDRESSES = {"item": "/item?number=1"}


class Marks(HTMLParser):
    """The tags of a page, and the text of its title and headings."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: dict[str, list[str]] = {"title": [], "h1": []}
        self._open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, words: str) -> None:
        if self._open and self._open[-1] in self.words:
            self.words[self._open[-1]].append(words.strip())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def desk_of(folder: Path) -> Desk:
    """A campaign in which everything has happened that a page may show."""
    rows = "".join(f'k{one},"{HOSTILE} {one}"\n' for one in range(600))
    (folder / "items.csv").write_text(f"key,body\n{rows}")
    pool = {"name": "csv", "path": str(folder / "items.csv"), "text": "body", "id": "key"}
    learner = {"name": "sklearn", "estimator": "logistic", "features": "tfidf"}
    path = folder / "a.db"
    task = classes(HOSTILE, "plain")
    with Campaign.create(path, pool, learner, "random", task, 0, control=0.1, overlap=2) as made:
        for who in ("Ann", HOSTILE):
            first, second, third = (made.ask(1, who).ids[0] for _ in range(3))
            made.tell({first: HOSTILE, second: "plain"}, annotator=who)
            made.skip([third], HOSTILE, annotator=who)
            made.note(HOSTILE, [first], author=who)
        for labels, right in ((100, 40), (200, 54)):
            look = Look(
                look=int(labels == 200),
                asked=50 if labels == 100 else 63,
                right=right,
                skipped=0,
                low=right / 100,
                high=right / 60,
                why="",
                macro_f1=0.75,
                macro_f1_low=0.5,
                macro_f1_high=0.9,
                f1={HOSTILE: 0.7, "plain": None},
                labels=labels,
                items=600,
                through=1,
            )
            made.measure("quality", look.values(), model="0" * 32)
    people = People.beside(path, roles("Ann:owner,Bo:annotator"), is_local=True)[0]
    settings = Settings(file=HOSTILE, guidelines=HOSTILE)
    store = SQLiteStore(path, read_only=True)
    with Campaign.open(path) as whole:
        items = whole.pool
    campaign = Campaign.open(path, only_answers=True)
    return Desk(campaign, items, Chronicle(store), Training(path, 20), people, settings, lambda: 1e9)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    desk = desk_of(tmp_path_factory.mktemp("pages"))
    yield desk
    desk.close()


def shown(desk: Desk, name: str, role: str = "owner", **query: str) -> str:
    person = Person("Ann" if role == "owner" else "Bo", role)  # type: ignore[arg-type]
    return render(pages()[name], desk, person, {"number": "1", **query} if name == "item" else query)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_named_and_laid_out(desk: Desk, name: str) -> None:
    marks = Marks(shown(desk, name))
    page = resolve("page", name)()
    assert marks.all("html") == [{"lang": "en"}]
    assert len(marks.words["h1"]) == 1
    assert page.title in marks.words["title"][0]
    assert [len(marks.all(tag)) for tag in ("main", "header")] == [1, 1]
    assert any(one.get("href") == "#main" for one in marks.all("a"))
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in marks.all("meta")
    assert page.path.startswith("/")
    assert set(page.roles) <= {"annotator", "owner"}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_no_script_and_no_style_of_its_own(desk: Desk, name: str) -> None:
    marks = Marks(shown(desk, name))
    scripts = marks.all("script")
    assert scripts
    for one in scripts:
        assert one["type"] == "module"
        assert (STATIC / str(one["src"]).removeprefix("/static/")).is_file()
    assert not marks.all("style")
    for tag, attributes in marks.tags:
        assert "style" not in attributes, tag
        assert not [one for one in attributes if one.startswith("on")], tag
        for where in ("src", "href", "action"):
            assert (attributes.get(where) or "/").startswith(("/", "#")), (tag, attributes)


@pytest.mark.parametrize("name", PAGES)
def test_what_data_say_is_escaped(desk: Desk, name: str) -> None:
    html = shown(desk, name)
    assert HOSTILE not in html
    if name not in ("export",):
        assert "&lt;script&gt;" in html or r"\u003cscript\u003e" in html


@pytest.mark.parametrize("name", PAGES)
def test_every_field_has_a_label_and_every_button_a_name(desk: Desk, name: str) -> None:
    html = shown(desk, name)
    marks = Marks(html)
    labelled = {one.get("for") for one in marks.all("label")}
    for tag in ("input", "select", "textarea"):
        for one in marks.all(tag):
            assert one.get("aria-label") or one.get("id") in labelled, one
    for words in re.findall(r"<button[^>]*>(.*?)</button>", html, re.DOTALL):
        assert re.sub(r"<[^>]*>", "", words).strip()
    ids = [one["id"] for _, one in marks.tags if "id" in one]
    assert len(ids) == len(set(ids))


def test_annotators_are_not_led_to_what_only_owners_may_see(desk: Desk) -> None:
    for_annotators = shown(desk, "status", "annotator")
    assert "/export" not in for_annotators
    assert "Draw the sample" not in for_annotators
    assert "End it for good" not in for_annotators
    for_owners = shown(desk, "status")
    assert "/export" in for_owners
    assert "Draw the sample" in for_owners
    assert "End it for good" in for_owners


def test_the_quality_page_draws_the_band_and_the_curve(desk: Desk) -> None:
    html = shown(desk, "status")
    assert "between 54.0 % and 90.0 %" in html
    assert html.count("<circle") == 2
    assert 'aria-label="The band, from 54.0 % to 90.0 %"' in html
    assert "No saving shown yet" in html


def test_lists_are_turned_by_links_that_keep_the_question(desk: Desk) -> None:
    html = shown(desk, "items", search="script", size="20", page="2")
    assert "/items?search=script&amp;size=20&amp;page=1" in html
    assert "/items?search=script&amp;size=20&amp;page=3" in html
    assert 'rel="next"' not in shown(desk, "items", size="20", page="30")


def test_a_number_that_no_item_has_is_refused(desk: Desk) -> None:
    person = Person("Ann", "owner")
    for number in ("0", "601", "", "one", "²"):
        with pytest.raises(ValueError, match=f"between 1 and 600; received {number!r}"):
            render(pages()["item"], desk, person, {"number": number})


def test_a_message_is_a_page(desk: Desk) -> None:
    marks = Marks(message_page("Not here", HOSTILE))
    assert marks.words["h1"] == ["Not here"]
    assert not marks.all("script")


@pytest.mark.parametrize("name", sorted(one.name for one in STATIC.iterdir()))
def test_every_file_beside_the_pages_is_served_and_used(desk: Desk, name: str) -> None:
    with TestClient(make_app(desk), "http://127.0.0.1") as client:
        answer = client.get(f"/static/{name}")
    assert answer.status_code == 200
    assert answer.headers["etag"]
    folder = STATIC.parent
    sources = [*(folder / "templates").iterdir(), *STATIC.iterdir()]
    assert any(name in one.read_text() for one in sources if one.name != name)


@pytest.mark.parametrize("name", sorted(one.name for one in STATIC.glob("*.js")))
def test_scripts_put_text_into_pages_and_never_markup(name: str) -> None:
    script = (STATIC / name).read_text()
    assert not re.search(r"innerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", script)
    assert "http://" not in script
    assert "https://" not in script
    for imported in re.findall(r'from "\./([\w.]+)"|^import "\./([\w.]+)"', script, re.MULTILINE):
        assert (STATIC / "".join(imported)).is_file()


def test_every_command_has_a_key_a_button_and_a_line_of_help(desk: Desk) -> None:
    keys = (STATIC / "keys.js").read_text()
    found = re.search(r"const COMMANDS = \{(.*?)\};", keys)
    assert found is not None
    commands = dict(re.findall(r'(\w): "(\w+)"', found.group(1)))
    html = shown(desk, "label")
    buttons = set(re.findall(r'data-command="(\w+)"', html))
    assert buttons == {*commands.values(), "help"}
    script = (STATIC / "label.js").read_text()
    table = script[script.index("const COMMANDS = {") :]
    assert buttons <= set(re.findall(r"^  (\w+): ", table, re.MULTILINE))
