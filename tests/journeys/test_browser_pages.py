"""Every page in a real browser: hostile words stay words, everybody can use it, no width breaks it."""

import csv
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Literal

import pytest

from nextlabel.testing.serving import Serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

PAYLOADS = (
    "<img src=x onerror=alert(1)>",
    "<script>alert(2)</script>",
    '"><svg onload=alert(3)>',
    "' autofocus onfocus=alert(4) x='",
    "{{ 7 * 7 }}</div></body>",
    "javascript:alert(5)",
    "</title><script>alert(6)</script>",
)
CLASSES = [*PAYLOADS[:4], *(f"class {letter}" for letter in "abcdefgh")]
_HERE = "document.activeElement"
PATHS = ("/", "/items", "/item?number=1", "/history", "/status", "/export")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A campaign whose file name, texts, classes, notes ... try to be markup."""
    folder = tmp_path_factory.mktemp("hostile")
    file = folder / '<img src=x onerror=alert(7)>".csv'
    with file.open("w", encoding="utf-8", newline="") as written:
        writer = csv.writer(written)
        writer.writerow(["body", PAYLOADS[0]])
        writer.writerows([f"{payload} {number}", payload] for number in range(20) for payload in PAYLOADS)
    guidelines = folder / "guidelines.txt"
    guidelines.write_text("\n".join(PAYLOADS), encoding="utf-8")
    labels = ",".join(CLASSES)
    options = ("--text", "body", "--labels", labels, "--task", "classes", "--guidelines", str(guidelines))
    with Serving(file, *options) as serving:
        yield serving


def test_what_people_and_data_say_stays_text(
    page: "Page", hostile: Serving, enter: Callable[..., None]
) -> None:
    enter(page, hostile, PAYLOADS[0])
    first = page.inner_text("#content")
    assert any(payload in first for payload in PAYLOADS)
    page.keyboard.press("Shift+G")
    assert PAYLOADS[1] in page.inner_text("#guidelines")
    page.keyboard.press("Shift+N")
    page.fill("#text-field", PAYLOADS[1])
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#facts .mark")
    page.keyboard.press("Shift+W")
    page.fill("#text-field", PAYLOADS[2])
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(f"#content:not(:has-text({first!r}))")
    for name in CLASSES[:2]:  # classes by the beginning of their names, then the item is done
        page.keyboard.type(name[:4])
        page.keyboard.press("Enter")
    page.wait_for_selector("#submit-words:has-text('These 2')")
    second = page.inner_text("#content")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"#content:not(:has-text({second!r}))")
    page.wait_for_selector("#saved[data-state=saved]")
    for path in PATHS:
        page.goto(hostile.base + path)
        assert page.title()
        assert page.locator("h1").count() == 1
        assert page.locator("main img[src='x'], main script, main svg[onload]").count() == 0
    page.goto(f"{hostile.base}/history")
    said = page.inner_text("main")
    assert PAYLOADS[1] in said  # the note
    assert PAYLOADS[2] in said  # why it was skipped
    assert f"{CLASSES[0]}, {CLASSES[1]}" in said  # the label


def test_axe_finds_nothing_serious_by_day_and_by_night(
    page: "Page", hostile: Serving, enter: Callable[..., None]
) -> None:
    axe = import_module("axe_playwright_python.sync_playwright")  # missing beside a browser is a failure
    found: list[tuple[str, str, str]] = []
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")

    def look(where: str) -> None:
        for scheme in schemes:  # without motion: colours that are still changing are not those one reads
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            found.extend((where, scheme, one) for one in _serious(axe.Axe().run(page).response))

    page.goto(hostile.address)
    look("name")
    enter(page, hostile, "Ann")
    page.click("[data-command=guidelines]")
    page.click("[data-command=sofar]")
    for path in PATHS:
        page.goto(hostile.base + path)
        if path == "/":
            page.wait_for_selector("#facts span")
        look(path)
    page.goto(hostile.base)
    page.keyboard.press("?")
    look("keys")
    assert found == []


def _serious(response: dict[str, list[dict[str, str]]]) -> list[str]:
    return [one["id"] for one in response["violations"] if one["impact"] in ("serious", "critical")]


def _contexts(browser: "Browser") -> Iterator[tuple[str, "BrowserContext"]]:
    yield "phone", browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True)
    yield "200 % zoom", browser.new_context(viewport={"width": 640, "height": 400}, device_scale_factor=2)
    yield (
        "forced colours",
        browser.new_context(viewport={"width": 1280, "height": 800}, forced_colors="active"),
    )


def test_no_page_is_wider_than_its_window(
    browser: "Browser", hostile: Serving, enter: Callable[..., None]
) -> None:
    for name, context in _contexts(browser):
        page = context.new_page()
        enter(page, hostile, name)
        for path in PATHS:
            page.goto(hostile.base + path)
            page.wait_for_timeout(100)
            across = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
            assert across[0] <= across[1], (name, path, across)
        page.goto(hostile.base)
        page.wait_for_selector("#facts span")
        for selector in ("#type", "#submit", "[data-command=undo]", "[data-command=help]"):
            place = page.locator(selector)
            place.scroll_into_view_if_needed()
            box = place.bounding_box()
            assert box is not None, (name, selector)
            assert box["x"] >= 0, (name, selector)
        context.close()


def test_everything_can_be_reached_by_tab(page: "Page", hostile: Serving, enter: Callable[..., None]) -> None:
    enter(page, hostile, "Tab")
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate(f"{_HERE}.id || {_HERE}.dataset.command || {_HERE}.getAttribute('href')"))
    assert {"#main", "/items", "/history", "/status", "/export", "who", "item", "type", "submit"} <= reached
    assert {"undo", "skip", "why", "flag", "note", "guidelines", "sofar", "help"} <= reached


def test_pages_name_nothing_outside(page: "Page", hostile: Serving, enter: Callable[..., None]) -> None:
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    enter(page, hostile, "Ann")
    for path in PATHS:
        page.goto(hostile.base + path)
    page.wait_for_timeout(200)
    assert asked
    outside = [url for url in asked if not url.startswith(hostile.base + "/")]
    assert outside == []
    assert not re.search(r"https?://(?!127\.0\.0\.1)", page.content().replace("http://www.w3.org/", ""))
