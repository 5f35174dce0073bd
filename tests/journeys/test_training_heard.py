"""What a learner round a learner did beside the labels is said to whoever asked for the training."""

import csv
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from nextlabel import arrays, build, classes
from nextlabel.core.learner import Model
from nextlabel.core.spec import Spec

WORDS = {"good": ("fine", "lovely", "bright"), "bad": ("awful", "dull", "broken")}


def heard(learner: dict[str, Any], items: Any, rounds: int = 2) -> tuple[str, ...]:
    made, pool = build("learner", Spec.read(learner)), arrays(items)
    labels, model = np.arange(len(items)) % 2, None
    for count in range(10, 10 + 10 * rounds, 10):
        known, rest = np.arange(count), np.arange(count, len(items))
        model = made.fit(
            pool,
            known,
            labels[:count],
            rest,
            np.random.default_rng(0),
            task=classes("a", "b"),
            previous=model,
        )
    assert isinstance(model, Model)
    return model.remarks


def rows(count: int = 60) -> Any:
    spots = np.random.default_rng(0).normal(size=(count, 3)).astype(np.float32)
    spots[1::2] += 3
    return spots


def test_labels_of_its_own_are_counted() -> None:
    own = {"name": "pseudo_label", "of": "sklearn", "threshold": 0.6}
    (said,) = heard(own, rows())
    assert re.fullmatch(r"Trained on \d+ labels of its own too, of 40 items that it looked at\.", said)
    assert heard(own, rows(), rounds=1) == ()  # there was no model to ask yet
    outer, inner = heard({**own, "of": {"name": "self_training", "of": "sklearn"}}, rows())
    assert "of its own too" in outer
    assert "of its own too" in inner


def test_a_learner_that_does_nothing_else_says_nothing() -> None:
    assert heard({"name": "sklearn"}, rows()) == ()
    assert heard({"name": "generative", "of": "sklearn", "generation": "none"}, rows()) == ()


def test_a_generator_that_diverges_is_heard_of() -> None:
    images = np.random.default_rng(1).random((60, 8, 8)).astype(np.float32)
    coder = {"name": "vae_acgan", "epochs": 5, "channels": 4, "learning_rate": 1e6}
    (said,) = heard({"name": "generative", "of": "sklearn", "autoencoder": coder}, images)
    assert said.startswith("No generated item was trained on: diverged")
    (twice,) = heard({"name": "generative", "of": "sklearn", "autoencoder": "identity"}, images)
    assert re.match(
        r"Trained on \d+ generated items too; of 10 made, 0 were too far and \d+ of another", twice
    )


def test_the_command_that_asks_says_it(tmp_path: Path) -> None:
    def run(*words: str) -> str:
        call = [sys.executable, "-m", "nextlabel", *words]
        return subprocess.run(call, cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    rng = np.random.default_rng(0)
    texts = [
        (f"a {rng.choice(WORDS[name])} one {number}", name)
        for number, name in enumerate(["good", "bad"] * 30)
    ]
    with (tmp_path / "films.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("text",), *((text,) for text, _ in texts)])
    learner = json.dumps({"name": "self_training", "of": {"name": "sklearn", "features": "tfidf"}})
    run("new", "films.csv", "--text", "text", "--labels", "good,bad", "--learner", learner)
    said = run("ask", "films.db", "--batch", "12", "--out", "one.csv")
    assert "of its own" not in said  # nothing was trained
    truth = dict(texts)
    with (tmp_path / "one.csv").open(newline="") as file:
        sheet = list(csv.DictReader(file))
    with (tmp_path / "one.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(sheet[0]))
        writer.writeheader()
        writer.writerows({**row, "label": truth[row["text"]]} for row in sheet)
    run("tell", "films.db", "one.csv")
    said = run("ask", "films.db", "--batch", "12")
    assert re.search(r"Trained on \d+ labels of its own too, of 4\d items that it looked at\.", said), said
