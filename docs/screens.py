"""Pictures of the pages: short reviews are labelled by the API, then every page is looked at.

Needs the extra ``app``, Playwright, and Chromium. Run it as ``python docs/screens.py``; what it writes are
``docs/pages/<page>-<light or dark>.webp``.
"""

import csv
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen
from uuid import uuid4

import numpy as np
from PIL import Image

from nextlabel.testing.serving import Serving

HERE = Path(__file__).parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ITEMS, LABELS, PEOPLE = 1_500, 560, ("Ann", "Ben")
PAGES = {
    "label": "/",
    "items": "/items?filter=labelled&sort=disagreement&size=20",
    "item": "/item?number=7",
    "history": "/history?limit=12",
    "status": "/status",
    "export": "/export",
}
THINGS = (
    "kettle",
    "lamp",
    "tent",
    "radio",
    "backpack",
    "chair",
    "keyboard",
    "bicycle pump",
    "blender",
    "clock",
)
OPENINGS = ("Bought this {} in spring.", "The {} came on time.", "My second {}.", "A {} for my mother.")
VERDICTS = {
    "positive": (
        "It does what it says, quietly, every day.",
        "Light, solid, and easy to clean. I would buy it again.",
        "Better than the one it replaced, for half the price.",
        "Everyone who visits asks where it is from.",
    ),
    "negative": (
        "It broke in the second week and nobody answers my letters.",
        "Too loud, too heavy, and the handle gets hot.",
        "The colour is nothing like the picture. It goes back.",
        "Worked once. Never again.",
    ),
    "neutral": (
        "It is a plain thing, neither good nor bad.",
        "As described. I have not used it much yet.",
        "Fine for the price, though the manual is thin.",
    ),
}
GUIDELINES = """Say what the writer feels, not what you would feel.

Positive: praise outweighs blame.
Negative: blame outweighs praise.
Neutral: neither does, or nothing is felt."""


def main() -> int:
    from playwright.sync_api import sync_playwright

    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        print(f"Needs one of {', '.join(BROWSERS)}; none was found. Install it, for example with apt-get.")
        return 1
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    (HERE / "pages").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        file, truth = write(Path(folder))
        guidelines = file.with_name("guidelines.txt")
        guidelines.write_text(GUIDELINES, encoding="utf-8")
        options = ("--text", "body", "--id", "number", "--labels", ",".join(VERDICTS), "--overlap", "1")
        with Serving(file, *options, "--control", "0.15", "--guidelines", str(guidelines)) as serving:
            work(serving, truth)
            browser = play.chromium.launch(executable_path=found, args=arguments)
            for scheme in ("light", "dark"):
                look(browser, serving, scheme)
            browser.close()
    return 0


def write(folder: Path) -> tuple[Path, dict[str, str]]:
    """Reviews made of a few sentences, and what each is."""
    rng = np.random.default_rng(0)
    truth = {}
    file = folder / "reviews.csv"
    with file.open("w", encoding="utf-8", newline="") as written:
        writer = csv.writer(written)
        writer.writerow(["number", "body"])
        for number in range(ITEMS):
            label = str(rng.choice(list(VERDICTS), p=(0.5, 0.35, 0.15)))
            opening = str(rng.choice(OPENINGS)).format(rng.choice(THINGS))
            writer.writerow([f"r{number:04d}", f"{opening} {rng.choice(VERDICTS[label])}"])
            # people err, and sentences are read in more than one way: one label in twelve is another
            truth[f"r{number:04d}"] = label if rng.random() > 1 / 12 else str(rng.choice(list(VERDICTS)))
    return file, truth


def work(serving: Serving, truth: dict[str, str]) -> None:
    """Label by the API, as two people do; the model is given time to learn."""
    token = serving.address.partition("token=")[2]
    done = 0
    while done < LABELS:
        who = PEOPLE[done // 40 % len(PEOPLE)]
        items = call(serving, token, who, "/api/next", {"want": 20, "have": []})["items"]
        actions = [
            {
                "kind": "answer",
                "id": one["id"],
                "label": truth[one["id"]],
                "token": one["token"],
                "seconds": 3.0,
            }
            for one in items
        ]
        actions = [{**one, "request": uuid4().hex} for one in actions]
        call(serving, token, who, "/api/actions", {"actions": actions, "want": 0, "have": []})
        done += len(items)
        wait_for_model(serving, token, who)
    note = {
        "kind": "note",
        "request": uuid4().hex,
        "id": "r0006",
        "text": "Praise and blame in one sentence.",
    }
    change = {"kind": "answer", "request": uuid4().hex, "id": "r0006", "label": "neutral"}
    call(serving, token, PEOPLE[0], "/api/actions", {"actions": [change, note], "want": 0, "have": []})
    wait_for_model(serving, token, PEOPLE[0])


def wait_for_model(serving: Serving, token: str, who: str) -> None:
    time.sleep(1)
    for _ in range(100):
        progress = call(serving, token, who, "/api/next", {"want": 0, "have": []})["progress"]
        if progress["training"]["state"] == "idle":
            return
        time.sleep(0.2)


def call(serving: Serving, token: str, who: str, path: str, body: dict[str, Any]) -> Any:
    headers = {"Authorization": f"Bearer {token}", "X-Nextlabel-Person": who, "X-Nextlabel": "1"}
    headers["Content-Type"] = "application/json"
    with urlopen(Request(serving.base + path, json.dumps(body).encode(), headers)) as answer:
        return json.load(answer)


def look(browser: Any, serving: Serving, scheme: str) -> None:
    for name, size in {"": (1280, 800), "-phone": (390, 800)}.items():
        context = browser.new_context(
            color_scheme=scheme, viewport={"width": size[0], "height": size[1]}, has_touch=bool(name)
        )
        page = context.new_page()
        page.goto(serving.address)
        page.fill("#name-field", PEOPLE[0])
        page.keyboard.press("Enter")
        page.wait_for_selector("#facts span")
        page.wait_for_timeout(500)
        for title, path in PAGES.items() if not name else [("label", "/")]:
            page.goto(serving.base + path)
            page.wait_for_timeout(800)
            if title == "label" and not name:
                page.keyboard.press("g")
            page.wait_for_timeout(200)
            keep(page.screenshot(full_page=title != "label"), f"{title}{name}-{scheme}")
        context.close()


def keep(png: bytes, name: str) -> None:
    from io import BytesIO

    file = HERE / "pages" / f"{name}.webp"
    Image.open(BytesIO(png)).convert("RGB").save(file, lossless=True, method=6)
    print(f"wrote {file.relative_to(HERE.parent)}, {file.stat().st_size // 1000} kB")


if __name__ == "__main__":
    sys.exit(main())
