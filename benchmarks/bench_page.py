"""The page in a real browser: from the command to the first item, from a key to the next. Wall time."""

import csv
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import Row, shown
from nextlabel.testing.serving import Serving

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ROWS, LABELS = 10_000, 1_000
FIRST, KEY, BLOCKED = 10.0, 0.100, 0.200
WORDS = {"positive": ("delightful", "warm", "clever"), "negative": ("dreadful", "dull", "lazy")}
FILLER = ("the", "film", "story", "cast", "scene", "music", "ending", "hour", "plot", "camera", "voice")


def rows() -> list[Row]:
    from playwright.sync_api import sync_playwright

    found = next(path for name in BROWSERS if (path := shutil.which(name)))
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=found, args=arguments)
        page = browser.new_page()
        file = Path(folder) / "reviews.csv"
        write(file)
        before = time.perf_counter()
        with Serving(file, "--text", "body", "--labels", "positive,negative") as serving:
            page.goto(serving.address)
            page.fill("#name-field", "Ann")
            page.keyboard.press("Enter")
            page.wait_for_selector("#facts span")
            first = time.perf_counter() - before
            keys = sorted(label(page))
            page.wait_for_selector("#saved[data-state=saved]")
        browser.close()
    worst = keys[int(0.95 * len(keys))]
    return [
        Row(
            f"`nextlabel label` on {ROWS:,} rows to the first item on the screen, name typed",
            *(shown(first), "", "", f"{FIRST:g} s, two cores", first <= FIRST),
        ),
        Row(
            f"key to next item, {len(keys):,} labels as fast as items come, beside training: 95th percentile",
            *(shown(worst), "", f"median {shown(statistics.median(keys))}", "100 ms", worst <= KEY),
        ),
        Row(
            "the same: the slowest of all",
            *(shown(keys[-1]), "", "", "never over 200 ms because of training", keys[-1] <= BLOCKED),
        ),
    ]


def write(file: Path) -> None:
    rng = np.random.default_rng(0)
    with file.open("w", encoding="utf-8", newline="") as written:
        writer = csv.writer(written)
        writer.writerow(["body"])
        for number in range(ROWS):
            words = [*rng.choice(FILLER, 25), rng.choice(WORDS["positive" if number % 2 else "negative"])]
            writer.writerow([f"{number}: {' '.join(rng.permutation(words))}."])


def label(page: Any) -> list[float]:
    """Give the labels that are right, each as soon as its item is there; seconds from key to next item."""
    for place in range(LABELS):
        text = page.inner_text("#content")
        page.keyboard.press("p" if any(word in text for word in WORDS["positive"]) else "n")
        while True:
            measured = page.evaluate("performance.getEntriesByName('key-to-next').length")
            if measured > place:
                break
    return [one / 1000 for one in page.evaluate(_DURATIONS)]


_DURATIONS = "performance.getEntriesByName('key-to-next').map((one) => one.duration)"
