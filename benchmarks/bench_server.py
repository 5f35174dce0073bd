"""The labelling server under load: a crowd, a model being fitted meanwhile, kills, and a million rows.

``python -m benchmarks.bench_server crowd`` prints one part: ``crowd``, ``training``, ``kills``, ``million``,
``first``.
"""

import csv
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path

import psutil

from benchmarks.measure import Row, shown
from nextlabel import Campaign
from nextlabel.testing.crowd import Crowd, labelled_by
from nextlabel.testing.killing import killed
from nextlabel.testing.serving import Serving

PEOPLE, ITEMS, THINKING = 50, 2_000, 0.3
KILLS, MILLION, FIRST = 200, 1_000_000, 10_000
NEXT, BLOCKED, START, OPEN, PAGE = 0.150, 0.200, 10.0, 60.0, 0.050
MEMORY = 1.5 * 2**30
LETTERS = "about a hundred"
WORDS = ("delightful", "warm", "clever", "dreadful", "dull", "silly")


def rows() -> list[Row]:
    return [row for part in PARTS.values() for row in part()]


def items(folder: Path, number: int, words: int = 1) -> Path:
    """A file of short texts."""
    file = folder / "items.csv"
    with file.open("w", newline="") as written:
        writer = csv.writer(written)
        writer.writerow(["key", "body", "stars"])
        for one in range(number):
            text = " ".join(WORDS[(one * 7 + place * 5) % 6] for place in range(words))
            writer.writerow([f"i{one}", f"number {one} was {text}", one % 5])
    return file


def options(*more: str) -> tuple[str, ...]:
    return ("--text", "body", "--id", "key", "--labels", "a,b", *more)


def token(serving: Serving) -> str:
    return serving.journal.with_name(f"{serving.journal.name}.key").read_text().strip()


def crowd() -> list[Row]:
    return [crowded(overlap) for overlap in (1, 3)]


def crowded(overlap: int) -> Row:
    people = [f"p{one}" for one in range(PEOPLE)]
    with tempfile.TemporaryDirectory() as folder:
        with Serving(
            items(Path(folder), ITEMS), *options("--overlap", str(overlap), "--control", "0")
        ) as serving:
            met: Crowd = labelled_by(serving.port, token(serving), people, seed=0, pause=THINKING)
        with Campaign.open(serving.journal, only_answers=True) as campaign:
            counts = Counter(len(campaign.state.answers(id)) for id in campaign.state.ids)
            kept = {(who, id) for id in campaign.state.ids for who in campaign.state.answers(id)}
    share = min(met.done) / (sum(met.done) / PEOPLE)
    is_exact = counts == {overlap: ITEMS} and kept == set(met.answers) and not met.problems
    p95 = met.percentile(0.95)
    return Row(
        f"{PEOPLE} people × {ITEMS:,} items, overlap {overlap}, bad networks, {THINKING} s of thought",
        f"p95 {shown(p95)}, p50 {shown(met.percentile(0.5))}",
        f"fewest items of one {share:.0%} of the mean; overlap {'exact' if is_exact else 'NOT exact'}",
        "",
        f"p95 {NEXT * 1000:g} ms, half the mean",
        p95 <= NEXT and share >= 0.5 and is_exact,
    )


def training() -> list[Row]:
    """One person labels while the model of 10,000 longer texts is fitted again and again."""
    with tempfile.TemporaryDirectory() as folder:
        file = items(Path(folder), FIRST, words=60)
        with Serving(file, *options()) as serving:
            end = time.monotonic() + 40
            one = labelled_by(
                serving.port,
                token(serving),
                ["ann"],
                seed=0,
                pause=0.05,
                is_over=lambda: time.monotonic() > end,
            )
        with Campaign.open(serving.journal, only_answers=True) as campaign:
            fits = sum(entry["event"] == "fitted" for entry in campaign.journal())
    longest = max(one.waits)
    return [
        Row(
            f"the longest of {len(one.waits):,} round trips while {fits} models see {FIRST:,} texts",
            shown(longest),
            f"p95 {shown(one.percentile(0.95))}",
            "",
            f"{BLOCKED * 1000:g} ms",
            longest <= BLOCKED and fits > 2,
        )
    ]


def kills() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        found = killed(Path(folder), kills=KILLS, people=3, seed=1)
    return [
        Row(
            f"`kill -9` of the server under load, {found.kills} times, {found.acknowledged:,} answers kept",
            f"{len(found.complaints)} lost, doubled or damaged",
            "",
            "",
            "none",
            not found.complaints,
        )
    ]


def first() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        file = items(Path(folder), FIRST)
        begun = time.monotonic()
        with Serving(file, *options()) as serving:
            ask(serving, "/api/next", "POST")
            took = time.monotonic() - begun
    what = f"`nextlabel label` of {FIRST:,} rows to the first item"
    return [Row(what, shown(took), "", "", f"{START:g} s", took <= START)]


def million() -> list[Row]:
    """Start, memory, pages and an export; memory is that of all processes together at its highest.

    A text has about a hundred characters, as in the benchmark of the readers.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = items(Path(folder), MILLION, words=12)
        begun = time.monotonic()
        with Serving(file, *options("--control", "0.1"), seconds=300) as serving:
            opened = time.monotonic() - begun
            peaks: dict[str, int] = Counter()
            stop = threading.Event()
            watcher = threading.Thread(target=watch, args=(serving.pid, peaks, stop), daemon=True)
            watcher.start()
            met = labelled_by(
                serving.port,
                token(serving),
                ["ann"],
                seed=0,
                pause=0.2,
                is_over=lambda: time.monotonic() - begun > opened + 60,
            )
            pages = {path: page(serving, path) for path in ("/", "/api/items?page=9000", "/items")}
            labelling = dict(peaks)
            exporting = time.monotonic()
            ask(serving, "/api/export?format=csv")
            exported = time.monotonic() - exporting
            stop.set()
            watcher.join()
    slowest = max(pages.values())
    size = f"{MILLION:,} rows of csv"
    return [
        Row(f"{size}: opens, journal made", shown(opened), "", "", f"{OPEN:g} s", opened <= OPEN),
        Row(
            f"{size} of {LETTERS} characters: resident memory of all processes together at most",
            f"{labelling['all'] / 2**30:.2f} GB; with an export as csv {peaks['all'] / 2**30:.2f} GB",
            f"server alone {labelling['server'] / 2**30:.2f} GB, trainer alone "
            f"{labelling['trainer'] / 2**30:.2f} GB; export {shown(exported)}",
            "",
            "1.5 GB",
            peaks["all"] <= MEMORY,
        ),
        Row(
            f"{size}: the slowest of {', '.join(pages)}",
            shown(slowest),
            f"next item p95 {shown(met.percentile(0.95))}",
            "",
            f"{PAGE * 1000:g} ms",
            slowest <= PAGE,
        ),
    ]


def watch(pid: int, peaks: dict[str, int], stop: threading.Event) -> None:
    """The highest resident memory of a server, of what it has started, and of all together."""
    while not stop.wait(0.1):
        now: dict[str, int] = Counter()
        with suppress(psutil.Error):  # one that ends meanwhile
            for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
                resident = process.memory_info().rss
                now["server" if process.pid == pid else "trainer"] += resident
                now["all"] += resident
        for name, resident in now.items():
            peaks[name] = max(peaks[name], resident)


def page(serving: Serving, path: str) -> float:
    """The median of nine calls, in seconds, after one that warms up."""
    times = []
    for _ in range(10):
        begun = time.perf_counter()
        ask(serving, path)
        times.append(time.perf_counter() - begun)
    return sorted(times[1:])[4]


def ask(serving: Serving, path: str, method: str = "GET") -> None:
    connection = HTTPConnection("127.0.0.1", serving.port, timeout=60)
    headers = {
        "Authorization": f"Bearer {token(serving)}",
        "X-Nextlabel": "1",
        "X-Nextlabel-Person": "ann",
        "Content-Type": "application/json",
    }
    connection.request(method, path, "{}" if method == "POST" else None, headers)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    assert answer.status == 200, text


PARTS: dict[str, Callable[[], list[Row]]] = {
    "first": first,
    "crowd": crowd,
    "training": training,
    "million": million,
    "kills": kills,
}


if __name__ == "__main__":
    for name in sys.argv[1:]:
        for row in PARTS[name]():
            print(row)
