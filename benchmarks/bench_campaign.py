"""A campaign that is killed and one that is large: what survives, how long it takes to go on. CPU seconds.

``python -m benchmarks.bench_campaign large FOLDER`` opens the large one in a process of its own, so that its
memory is known; ``python -m benchmarks.bench_campaign work FOLDER`` asks and tells until it is killed.
"""

import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import Row, median, shown

KILLS, TOGETHER = 50, 2
ITEMS, EVENTS, CLASSES, FEATURES, BATCH, ASKS = 1_000_000, 100_000, 10, 16, 100, 5
NAMES = tuple("abcdefghij")
OPEN, ASK = 10.0, 0.5
STAGES = ("store", "fold", "open", "ask", "beside")


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        killed_row = killed(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        make_large(Path(folder))
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.bench_campaign", "large", folder],
            check=True,
            stdout=subprocess.PIPE,
        )
    said = json.loads(done.stdout)
    size = f"{ITEMS:,} items, {EVENTS:,} events"
    asks = f"`ask` of {BATCH} from {size}, {ASKS} times with an answer between"
    return [
        killed_row,
        Row(
            f"`Campaign.open` of {size}, items and learner made again",
            f"{shown(said['open'])}, {said['bytes'] / 2**30:.2g} GB at most",
            f"reading and checking {shown(said['store'])}, fold {shown(said['fold'])}",
            "",
            f"{OPEN:g} s",
            said["open"] <= OPEN,
        ),
        Row(
            f"{asks}, beside the model's work",
            f"{shown(said['beside'])}",
            f"with it {shown(said['ask'])}",
            "",
            f"{ASK:g} s",
            said["beside"] <= ASK,
        ),
    ]


# Kills


def killed(folder: Path) -> Row:
    """Pairs of processes at work on one campaign, killed at random moments, again and again."""
    from nextlabel import Campaign
    from nextlabel.stores.repair import examine

    make_pool(folder, 20_000)
    create(folder)
    seed = random.SystemRandom().randrange(2**32)
    print(f"  the moments of {KILLS} kills are drawn with the seed {seed}", flush=True)
    rng = random.Random(seed)
    asked: list[str] = []
    told: list[str] = []
    for _ in range(KILLS // TOGETHER):
        for line in worked(folder, rng):
            what, *ids = line.split()
            (asked if what == "asked" else told).extend(ids)
    found = examine(folder / "a.db")
    with Campaign.open(folder / "a.db") as campaign:
        entries, labels = campaign.journal(), campaign.state.labels()
    there = [id for entry in entries if entry["event"] == "asked" for id in entry["ids"]]
    answers = [id for entry in entries if entry["event"] == "told" for id in entry["labels"]]
    lost = len(set(asked) - set(there)) + len(set(told) - set(labels))
    doubled = len(there) - len(set(there)) + len(answers) - len(set(answers))
    return Row(
        f"{KILLS} kills (-9) of {TOGETHER} processes that ask and tell one campaign",
        f"{lost} lost, {doubled} doubled, {'sound' if found.is_sound else 'damaged'}",
        f"of {len(told):,} answers acknowledged",
        "",
        "none lost, none doubled, sound",
        lost == doubled == 0 and found.is_sound and len(told) >= KILLS,
    )


def worked(folder: Path, rng: random.Random) -> Iterator[str]:
    """What some processes acknowledged before they were killed, in half a second each."""
    words = [sys.executable, "-m", "benchmarks.bench_campaign", "work", str(folder)]
    workers = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(TOGETHER)]
    first = [str(worker.stdout and worker.stdout.readline()) for worker in workers]
    for worker, line in zip(workers, first, strict=True):
        time.sleep(rng.random() * 0.5)
        worker.kill()
        rest = worker.communicate()[0]
        assert worker.returncode == -signal.SIGKILL, "a process ended before it was killed"
        yield from (line + rest).split("\n")[:-1]  # what has no end was not said


def work(folder: Path) -> None:
    from nextlabel import Campaign

    campaign = Campaign.open(folder / "a.db")
    while True:
        query = campaign.ask(3)
        print("asked", *query.ids, flush=True)
        campaign.tell(dict.fromkeys(query.ids, "a"), token=query.token, request=query.token)
        print("told", *query.ids, flush=True)


# A large campaign


def make_pool(folder: Path, items: int) -> None:
    rng = np.random.default_rng(0)
    np.save(folder / "items.npy", rng.random((items, FEATURES), dtype=np.float32))
    (folder / "signals").mkdir()
    proba = rng.random((items, CLASSES), dtype=np.float32) ** 4
    np.save(folder / "signals" / "proba.npy", proba / proba.sum(axis=1, keepdims=True))


def create(folder: Path) -> None:
    from nextlabel import Campaign, classes

    learner = {"name": "precomputed", "source": str(folder / "signals")}
    pool = {"name": "npy", "path": str(folder / "items.npy")}
    Campaign.create(folder / "a.db", pool, learner, "margin", classes(*NAMES), seed=0).close()


def make_large(folder: Path) -> None:
    """A campaign in which queries of four items were answered in three parts by two annotators."""
    from nextlabel.campaign.events import Asked, Told, read_entry, to_entry
    from nextlabel.stores.sqlite import SQLiteStore

    make_pool(folder, ITEMS)
    create(folder)
    with closing(SQLiteStore(folder / "a.db")) as store:
        created: Any = read_entry(store.read()[0])
        events: list[Any] = []
        for round, start in enumerate(range(0, EVENTS, 4)):
            ids, token = created.ids[start : start + 4], f"{round:016x}"
            arms, ranks, scores = ("active",) * 4, (0, 1, 2, 3), (-0.1, -0.2, -0.3, -0.4)
            spec = {"name": "margin"}
            events.append(
                Asked(1e9 + round, token, round, "", 2e9, ids, arms, ranks, scores, None, spec, "l", "m", 0)
            )
            for part, who in ((ids[:2], "ann"), (ids[2:3], "ben"), (ids[3:], "ann")):
                labels = {id: NAMES[(start + place) % CLASSES] for place, id in enumerate(part)}
                events.append(Told(1e9 + round + 0.5, labels, who, f"{token}-{part[0]}", token))
        store.append([to_entry(event) for event in events], 1)


def large(folder: Path) -> dict[str, float]:
    """Seconds of opening and asking, and the peak of memory."""
    import resource

    from nextlabel import Campaign
    from nextlabel.campaign.events import read_entry
    from nextlabel.campaign.folding import fold
    from nextlabel.learners.precomputed import Precomputed, PrecomputedModel
    from nextlabel.stores.sqlite import SQLiteStore

    campaign, opening = timed(lambda: Campaign.open(folder / "a.db"))
    spent = watched(
        (Precomputed, "fit"), *((PrecomputedModel, one) for one in ("signals", "save", "fingerprint"))
    )
    asks, besides = [], []
    for number in range(ASKS):
        campaign.tell({campaign.pool.ids[-1 - number]: "a"})
        spent.clear()
        _, asking = timed(lambda: campaign.ask(BATCH))
        asks.append(asking)
        besides.append(asking - sum(spent))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    campaign.close()
    with closing(SQLiteStore(folder / "a.db")) as store:
        entries, reading = timed(store.read)
    _, folding = timed(lambda: fold(None, map(read_entry, entries)))
    assert len(entries) > EVENTS
    figures = (reading, folding, opening, median(asks), median(besides))
    return {**dict(zip(STAGES, figures, strict=True)), "bytes": peak}


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    before = time.process_time()
    result = call()
    return result, time.process_time() - before


def watched(*methods: tuple[type, str]) -> list[float]:
    """A list that grows by the seconds of each call of these methods: the model's part of an ask."""
    spent: list[float] = []
    for made, name in methods:
        method: Any = vars(made)[name]
        is_property = isinstance(method, property)
        setattr(made, name, property(counted(method.fget, spent)) if is_property else counted(method, spent))
    return spent


def counted(method: Callable[..., Any], spent: list[float]) -> Callable[..., Any]:
    def call(*arguments: Any, **options: Any) -> Any:
        result, seconds = timed(lambda: method(*arguments, **options))
        spent.append(seconds)
        return result

    return call


if __name__ == "__main__":
    task, place = sys.argv[1:]
    if task == "work":
        work(Path(place))
    print(json.dumps(large(Path(place))))
