"""rt_polarity labelled through the page's calls with true labels: what an experiment of that seed says."""

import csv
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import numpy as np
import pytest

from nextlabel import Campaign, arrays, build
from nextlabel.core.dataset import Dataset
from nextlabel.errors import DatasetMissing
from nextlabel.experiment.runner import Cell, Experiment, run_group
from nextlabel.testing.serving import Serving

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX systems")

SEED, START, BATCH, BATCHES = 5, 20, 20, 5
POOL, TEST = 1_000, 500
LEARNER = {"name": "sklearn", "estimator": {"name": "logistic", "C": 10}, "features": "tfidf"}


def sentences() -> Dataset:
    """A part of rt_polarity, drawn at random: the pool first, then the items that measure."""
    try:
        whole: Dataset = build("dataset", "rt_polarity")
    except DatasetMissing as cause:
        pytest.skip(f"needs rt_polarity: {cause}")
    places = np.random.default_rng(0).permutation(len(whole.pool.ids))[: POOL + TEST]
    ids = [f"s{one}" for one in range(POOL + TEST)]
    pool = arrays(whole.pool.take(places), ids)
    labels = np.asarray(whole.labels)[places]
    return replace(whole, pool=pool, labels=labels, test=np.arange(POOL, POOL + TEST))


def wait_for_a_plan(caller: httpx.Client, labels: int) -> None:
    """Until the model has seen so many labels and has said what to ask next."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        training = caller.get("/api/status").json()["training"]
        if training["state"] == "idle" and training["model_labels"] == labels:
            return
        time.sleep(0.05)
    raise AssertionError(f"no plan: {training}")


@pytest.mark.skipif("NEXTLABEL_DATA" not in os.environ, reason="needs rt_polarity: set NEXTLABEL_DATA")
def test_the_page_asks_and_learns_what_the_experiment_does(tmp_path: Path) -> None:
    dataset = sentences()
    names, texts = dataset.task.classes, dataset.pool.take(np.arange(POOL))
    truth = {id: names[label] for id, label in zip(dataset.pool.ids, np.asarray(dataset.labels), strict=True)}
    budget = START + BATCHES * BATCH
    experiment = Experiment(
        dataset,
        build("learner", LEARNER),
        {"margin": build("strategy", "margin")},
        start=START,
        batch=BATCH,
        budget=budget,
    )
    predicted = run_group(experiment, (Cell("margin", SEED),))[0]
    file = tmp_path / "sentences.csv"
    with file.open("w", encoding="utf-8", newline="") as written:
        writer = csv.writer(written)
        writer.writerow(["key", "body"])
        writer.writerows(zip(dataset.pool.ids, texts.tolist(), strict=False))
    options: tuple[str, ...] = (
        "--text",
        "body",
        "--id",
        "key",
        "--labels",
        ",".join(names),
        "--strategy",
        "margin",
    )
    options += ("--control", "0", "--seed", str(SEED), "--batch", str(BATCH))
    asked = [predicted.queried[0]]
    with Serving(file, *options) as serving:
        key = serving.journal.with_name(f"{serving.journal.name}.key").read_text().strip()
        headers = {"Authorization": f"Bearer {key}", "X-Nextlabel": "1", "X-Nextlabel-Person": "ann"}
        with httpx.Client(base_url=serving.base, headers=headers, timeout=60) as caller:
            for _ in range(BATCHES + 1):
                tell(caller, asked[-1], truth)
                wait_for_a_plan(caller, sum(map(len, asked)))
                if len(asked) <= BATCHES:
                    items = caller.post("/api/next", json={"want": BATCH}).json()["items"]
                    asked.append(tuple(one["id"] for one in items))
    assert asked == list(predicted.queried)
    with Campaign.open(serving.journal) as campaign:
        model = campaign.newest()
    assert model is not None
    places = np.asarray(dataset.test)
    said = model.signals(dataset.pool, places, {"proba"}, np.random.default_rng(0))["proba"].argmax(axis=1)
    accuracy = float(np.mean(said == np.asarray(dataset.labels)[places]))
    assert accuracy == predicted.accuracy[-1]


def tell(caller: httpx.Client, ids: Any, truth: dict[str, str]) -> None:
    actions = [{"kind": "answer", "request": uuid4().hex, "id": id, "label": truth[id]} for id in ids]
    done = caller.post("/api/actions", json={"actions": actions, "want": 0}).json()["results"]
    assert all(one["ok"] for one in done), done
