"""A campaign over weeks and processes: closed, reopened, shared, killed; nothing lost or asked twice."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nextlabel import Campaign, arrays, build, classes
from nextlabel.campaign.events import CONTROL_ARM, Asked, read_entry
from nextlabel.campaign.folding import fold
from nextlabel.core.dataset import Dataset
from nextlabel.core.pool import Pool
from nextlabel.experiment.runner import Cell, Experiment, run_group
from nextlabel.stores.sqlite import SQLiteStore

LEARNER = {"name": "sklearn", "estimator": "logistic"}
MANY = 520  # enough for a control reserve


def blobs(items: int = 90) -> tuple[Pool, dict[str, str]]:
    """Three clouds in the plane, and the name of each item's cloud."""
    rng = np.random.default_rng(7)
    of = rng.integers(3, size=items)
    spots = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]])[of] + rng.normal(scale=0.7, size=(items, 2))
    pool = arrays(spots.astype(np.float32), [f"item {number}" for number in range(items)])
    return pool, {id: "abc"[one] for id, one in zip(pool.ids, of, strict=True)}


ROUND = """
import sys
import numpy as np
from nextlabel import Campaign, arrays
path, items, batch = sys.argv[1], np.load(sys.argv[2]), int(sys.argv[3])
pool = arrays(items[:, :2], [f"item {number}" for number in range(len(items))])
with Campaign.open(path, pool) as campaign:
    if batch:
        query = campaign.ask(batch)
        campaign.tell({id: "abc"[int(items[pool.ids.index(id), 2])] for id in query.ids}, token=query.token)
        print(*query.ids, sep=";")
    else:
        print(campaign.fit().fingerprint)
"""


def elsewhere(path: Path, batch: int, hash_seed: int) -> tuple[str, ...]:
    """What another process asks, and answers; with a batch of 0, the model that it has."""
    pool, truth = blobs()
    of = [["abc".index(truth[id])] for id in pool.ids]
    np.save(path.with_name("items.npy"), np.hstack([pool.take(np.arange(90)), of]).astype(np.float32))
    done = subprocess.run(
        [sys.executable, "-c", ROUND, str(path), str(path.with_name("items.npy")), str(batch)],
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return tuple(done.stdout.strip().split(";"))


def begun(path: Path, items: int = 90, **options: Any) -> tuple[Campaign, Pool, dict[str, str]]:
    pool, truth = blobs(items)
    given: dict[str, Any] = {"strategy": "badge", "seed": 5} | options
    campaign = Campaign.create(path, pool, LEARNER, task=classes("a", "b", "c"), **given)
    campaign.tell({id: truth[id] for id in pool.ids[:6]})
    return campaign, pool, truth


def unbroken(rounds: int, batch: int, items: int = 90, **options: Any) -> list[tuple[str, ...]]:
    """The ids of each round of a campaign in memory that nobody closes."""
    pool, truth = blobs(items)
    given: dict[str, Any] = {"strategy": "badge", "seed": 5} | options
    campaign = Campaign.create(None, pool, LEARNER, task=classes("a", "b", "c"), **given)
    campaign.tell({id: truth[id] for id in pool.ids[:6]})
    asked = []
    for _ in range(rounds):
        query = campaign.ask(batch)
        campaign.tell({id: truth[id] for id in query.ids}, token=query.token)
        asked.append(query.ids)
    return asked


def held_out(pool: Pool, truth: dict[str, str]) -> Dataset:
    """The pool, and one item more, far from all others, held out: what is left is the campaign's pool."""
    labels = np.array([*("abc".index(truth[id]) for id in pool.ids), 0])
    items = np.concatenate([pool.take(np.arange(90)), [[50.0, 50.0]]]).astype(np.float32)
    ids = [*pool.ids, "held out"]
    task = classes("a", "b", "c")
    return Dataset("blobs", "three clouds", arrays(items, ids), labels, task, test=np.array([90]))


@pytest.mark.parametrize("strategy", ["badge", "margin", "coreset", "typiclust"])
@pytest.mark.parametrize("start", [0, 8])
def test_a_campaign_told_by_an_oracle_asks_what_the_experiment_asks(strategy: str, start: int) -> None:
    pool, truth = blobs()
    dataset, strategies = held_out(pool, truth), {strategy: build("strategy", strategy)}
    experiment = Experiment(dataset, build("learner", LEARNER), strategies, start=start, batch=5, budget=28)
    queried = run_group(experiment, (Cell(strategy, 3),))[0].queried
    campaign = Campaign.create(None, pool, LEARNER, strategy, dataset.task, seed=3, opening=strategy)
    for place, expected in enumerate(queried):
        if place or not start:
            query = campaign.ask(len(expected))
            if not place and strategy in {"badge", "margin"}:  # nothing to go by: each draws its own
                campaign.renew(query.token, 0)
            else:
                assert query.ids == expected
        campaign.tell({id: truth[id] for id in expected})


def test_reopened_after_each_round_it_asks_what_the_unbroken_one_asked(tmp_path: Path) -> None:
    campaign, pool, truth = begun(tmp_path / "pets.db")
    asked = []
    for _ in range(4):
        campaign.close()
        campaign = Campaign.open(tmp_path / "pets.db", pool)
        asked.append(campaign.ask(7).ids)
        campaign.close()
        campaign = Campaign.open(tmp_path / "pets.db", pool)
        campaign.tell({id: truth[id] for id in asked[-1]})
    assert asked == unbroken(4, 7)


def test_another_process_asks_what_this_one_would_have_asked(tmp_path: Path) -> None:
    campaign, _, _ = begun(tmp_path / "pets.db")
    campaign.close()
    asked = [elsewhere(tmp_path / "pets.db", 7, hash_seed) for hash_seed in (1, 2)]
    assert asked == unbroken(2, 7)


def test_items_in_another_order_are_asked_all_the_same(tmp_path: Path) -> None:
    campaign, pool, truth = begun(tmp_path / "pets.db")
    campaign.close()
    order = np.random.default_rng(0).permutation(90)
    mixed = arrays(pool.take(order), [pool.ids[place] for place in order])
    asked = []
    for _ in range(3):
        with Campaign.open(tmp_path / "pets.db", mixed) as campaign:
            query = campaign.ask(7)
            campaign.tell({id: truth[id] for id in query.ids})
            asked.append(query.ids)
            assert campaign.pool.columns == {}
            assert campaign.pool.fingerprint == pool.fingerprint
            assert campaign.pool.source is None
            assert campaign.pool.show("item 3").content.tolist() == pool.show("item 3").content.tolist()
    assert asked == unbroken(3, 7)


def on_disk(folder: Path, items: int) -> tuple[Pool, dict[str, str]]:
    """A pool and a learner that reads its signals: a process that uses them starts fast."""
    (folder / "signals").mkdir()
    proba = np.random.default_rng(0).dirichlet([1.0, 1.0], size=items).astype(np.float32)
    np.save(folder / "signals" / "proba.npy", proba)
    return arrays(np.arange(float(items))[:, None]), {
        "name": "precomputed",
        "source": str(folder / "signals"),
    }


ASKING = """
import sys
import numpy as np
from nextlabel import Campaign, arrays
campaign = Campaign.open(sys.argv[1], arrays(np.arange(400.0)[:, None]))
print("ready", flush=True)
sys.stdin.readline()
for _ in range(5):
    for id in campaign.ask(10, holder=sys.argv[2]).ids:
        print(id, flush=True)
"""


def test_four_processes_that_ask_at_once_get_different_items(tmp_path: Path) -> None:
    path, (pool, learner) = tmp_path / "pets.db", on_disk(tmp_path, 400)
    campaign = Campaign.create(path, pool, learner, "margin", classes("a", "b"), seed=0)
    campaign.tell({"0": "a", "1": "b"})
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", ASKING, str(path), str(who)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for who in range(4)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    answers = [worker.communicate()[0].splitlines() for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * 4
    ids = [id for answer in answers for id in answer]
    assert len(ids) == len(set(ids)) == 200
    state = campaign.refresh()
    assert set(state.pending(time.time())) == set(ids)
    assert {lease.holder for lease in state.leases.values()} == {"0", "1", "2", "3"}
    fitted = [entry for entry in campaign.journal() if entry["event"] == "fitted"]
    assert len(fitted) == 1  # one of them trained the model, whoever was first
    campaign.close()


WORK = """
import sys
import numpy as np
from nextlabel import Campaign, arrays
campaign = Campaign.open(sys.argv[1], arrays(np.arange(3000.0)[:, None]))
while True:
    query = campaign.ask(3)
    print("asked", *query.ids, flush=True)
    campaign.tell({id: "ab"[int(id) % 2] for id in query.ids}, token=query.token, request=query.token)
    print("told", *query.ids, flush=True)
"""


def test_nothing_acknowledged_is_lost_when_processes_are_killed(tmp_path: Path) -> None:
    path = tmp_path / "pets.db"
    pool, learner = on_disk(tmp_path, 3000)
    Campaign.create(path, pool, learner, "margin", classes("a", "b"), seed=0).close()
    rng = np.random.default_rng()  # moments of a kill; what is checked holds whenever they fall
    acknowledged: dict[str, list[str]] = {"asked": [], "told": []}
    command = [sys.executable, "-c", WORK, str(path)]
    for _ in range(4):
        workers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        said = []
        for worker in workers:
            assert worker.stdout is not None
            said.append(worker.stdout.readline())  # at work
        for worker, first in zip(workers, said, strict=True):
            time.sleep(rng.uniform(0.0, 0.15))
            os.kill(worker.pid, signal.SIGKILL)
            rest = worker.communicate()[0]
            lines = (first + rest).split("\n")[:-1]  # what has no end was not said
            for line in lines:
                what, *ids = line.split()
                acknowledged[what] += ids
    with Campaign.open(path, pool) as campaign:
        state = campaign.state
        asked = [id for entry in campaign.journal() if entry["event"] == "asked" for id in entry["ids"]]
        assert len(asked) == len(set(asked))
        assert set(acknowledged["asked"]) <= set(asked)
        told = [id for entry in campaign.journal() if entry["event"] == "told" for id in entry["labels"]]
        assert len(told) == len(set(told))
        assert len(acknowledged["told"]) >= 8
        assert {id: "ab"[int(id) % 2] for id in acknowledged["told"]}.items() <= state.labels().items()
        assert len(campaign.ask(3).ids) == 3


def walk(path: Path, relabel: dict[str, str], rounds: int = 4) -> tuple[list[tuple[str, ...]], list[bytes]]:
    """Ids of the active arm round by round, and the models, of a campaign with a control arm."""
    campaign, _, truth = begun(path, MANY, control=0.2, strategy="margin")
    with campaign:
        for _ in range(rounds):
            query = campaign.ask(10)
            campaign.tell({id: relabel.get(id, truth[id]) for id in query.ids})
        events = [read_entry(entry) for entry in campaign.journal()]
    active = [
        tuple(id for id, arm in zip(one.ids, one.arms, strict=True) if arm != CONTROL_ARM)
        for one in events
        if isinstance(one, Asked)
    ]
    models = sorted(Path(f"{path}.models").iterdir())
    assert len(models) == 3  # of all rounds, the newest
    return active, [model.name.encode() + model.read_bytes() for model in models]


def test_control_labels_decide_neither_queries_nor_models(tmp_path: Path) -> None:
    _, truth = blobs(MANY)
    with begun(tmp_path / "reserve.db", MANY, control=0.2, strategy="margin")[0] as campaign:
        reserve = campaign.state.reserve
    others = {id: {"a": "b", "b": "c", "c": "a"}[truth[id]] for id in reserve}
    plain, turned = walk(tmp_path / "plain.db", {}), walk(tmp_path / "turned.db", others)
    assert plain == turned
    # the same exchange in the active arm does decide, so the comparison can see a difference
    active = {id: {"a": "b", "b": "c", "c": "a"}[label] for id, label in truth.items() if id not in reserve}
    assert walk(tmp_path / "active.db", active) != plain


@pytest.mark.parametrize("strategy", ["margin", "badge", "random"])
def test_the_active_arm_never_asks_the_reserve_which_is_asked_in_its_order(
    strategy: str, tmp_path: Path
) -> None:
    campaign, _, truth = begun(tmp_path / "pets.db", MANY, control=0.1, strategy=strategy)
    with campaign:
        for _ in range(6):
            query = campaign.ask(15)
            campaign.tell({id: truth[id] for id in query.ids})
        state = campaign.state
        asked = [one for one in map(read_entry, campaign.journal()) if isinstance(one, Asked)]
    arms = {id: arm for one in asked for id, arm in zip(one.ids, one.arms, strict=True)}
    control = [id for id, arm in arms.items() if arm == CONTROL_ARM]
    assert control == list(state.reserve[: len(control)])
    assert not set(state.reserve) & {id for id, arm in arms.items() if arm != CONTROL_ARM}
    active = state.active_labels
    told_first = [id for id in state.kept if id in state.reserve and id not in arms]
    # a ninth of the active labels; items of the reserve told without being asked count when their turn comes
    assert len(control) == active // 9 or len(control) + len(told_first) >= active // 9
    assert state.control_labels == len(control) + len(told_first)


COUNTING = """
from dataclasses import dataclass
from pathlib import Path
from nextlabel.core.learner import Learner
from nextlabel.learners.sklearn import SklearnLearner

@dataclass(frozen=True)
class Counting(Learner):
    @property
    def provides(self):
        return SklearnLearner().provides
    def fit(self, *args, **named):
        with Path(__file__).with_name("fits.txt").open("a") as file:
            file.write("fit ")
        return SklearnLearner().fit(*args, **named)
    def load(self, path):
        return SklearnLearner().load(path)

def make():
    return Counting()
"""


def test_a_model_is_loaded_by_another_process_and_not_fitted_again(tmp_path: Path) -> None:
    (tmp_path / "learner.py").write_text(COUNTING, encoding="utf-8")
    path, (pool, truth) = tmp_path / "pets.db", blobs()
    with Campaign.create(
        path, pool, f"{tmp_path}/learner.py:make", "margin", classes("a", "b", "c"), 0
    ) as campaign:
        campaign.tell({id: truth[id] for id in pool.ids[:9]})
        first = campaign.fit().fingerprint
        assert campaign.fit().fingerprint == first
    assert elsewhere(path, 0, 1) == (first,)
    assert (tmp_path / "fits.txt").read_text("utf-8") == "fit "
    (model,) = Path(f"{path}.models").iterdir()
    model.write_bytes(model.read_bytes()[:50])  # damaged: fitted again, and the same
    assert elsewhere(path, 0, 2) == (first,)
    assert (tmp_path / "fits.txt").read_text("utf-8") == "fit fit "
    with Campaign.open(path, pool) as campaign:
        assert campaign.fit().fingerprint == first
        assert [entry["event"] for entry in campaign.journal()] == ["created", "told", "fitted"]
    assert (tmp_path / "fits.txt").read_text("utf-8") == "fit fit "


def test_an_old_journal_opens_and_folds_to_what_was_recorded() -> None:
    data = Path(__file__).parents[1] / "data"
    store = SQLiteStore(data / "journal-1.db", read_only=True)
    entries = store.read(0)
    store.close()
    state = fold(None, [read_entry(entry) for entry in entries])
    recorded = json.loads((data / "journal-1.json").read_text("utf-8"))
    assert summary(state) == recorded
    assert {entry["version"] for entry in entries} == {1}


def summary(state: Any) -> dict[str, Any]:
    """A state as JSON values, orders included."""
    return {
        "items": len(state.ids),
        "position": state.position,
        "round": state.round,
        "classes": list(state.task.classes),
        "labels": [[id, state.label(id), state.answers(id)] for id in state.kept],
        "training": state.training(),
        "skipped": state.skipped,
        "out": dict(state.out),
        "pending": {str(now): sorted(state.pending(now)) for now in (0.0, 1e6, 1e12)},
        "reserve": list(state.reserve)[:5],
        "control_asked": state.control_asked,
        "control": state.control,
        "requests": dict(state.requests),
        "newest": None if state.newest is None else state.newest.model,
        "changed": state.changed,
        "stopped": state.stopped,
    }
