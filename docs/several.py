"""Measure strategies on items that may have several classes, for docs/explanation/several-classes.md.

    NEXTLABEL_DATA=FOLDER python docs/several.py

Every seed's curve is written beside the page, and the page's tables between its two marks; with --table the
tables alone, from the curves that are there.
"""

import csv
import gzip
import io
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from sklearn.metrics import average_precision_score, f1_score

from nextlabel import arrays, build, multilabel
from nextlabel.campaign.turn import Turn
from nextlabel.core.task import Task
from nextlabel.maths.intervals import student_interval

DATA = Path(os.environ.get("NEXTLABEL_DATA", "data"))
PAGE = Path(__file__).parent / "explanation" / "several-classes.md"
CURVES = PAGE.with_suffix(".csv.gz")
BEGIN, END = "<!-- made by docs/several.py -->", "<!-- end of what is made -->"

START, BATCH, LABELS, SEEDS, POOL, TEST = 20, 20, 300, 10, 3_000, 2_000
STRATEGIES = {
    "random": "random",
    "max": {"name": "margin", "of": "marginals", "reduce": "max"},
    "margin sum": {"name": "margin", "of": "marginals", "reduce": "sum"},
    "entropy sum": {"name": "entropy", "of": "marginals", "reduce": "sum"},
    "typiclust": "typiclust",
}
LEARNER = {"name": "sklearn", "estimator": "logistic", "features": "tfidf"}
KINDS = {
    "btc_ner": ("PER", "LOC", "ORG"),
    "wnut17": ("corporation", "creative-work", "group", "location", "person", "product"),
}


def sentences(file: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each sentence, and the kinds of names in it."""
    for block in file.read_text(encoding="utf-8").replace("\r", "").split("\n\n"):
        rows = [line.split("\t") for line in block.splitlines() if "\t" in line]
        if rows:
            kinds = {row[-1].strip()[2:] for row in rows if row[-1].strip() != "O"}
            yield " ".join(row[0] for row in rows), tuple(sorted(kinds))


def named(name: str) -> tuple[Task, list[str], list[tuple[str, ...]]]:
    """Messages, each with the kinds of names that it mentions."""
    task = multilabel(KINDS[name])
    both = [one for file in sorted((DATA / name).iterdir()) if file.is_file() for one in sentences(file)]
    kept = [(text, kinds) for text, kinds in dict(both).items() if set(kinds) <= set(task.classes)]
    return task, [text for text, _ in kept], [kinds for _, kinds in kept]


def joined() -> tuple[Task, list[str], list[tuple[str, ...]]]:
    """Two news stories joined, with the topics of both."""
    names = ("world", "sports", "business", "science")
    with (DATA / "ag_news" / "train_sample_5000.csv").open(encoding="utf-8", newline="") as file:
        stories = [(text, names[int(number)]) for text, number in csv.reader(file)]
    order = np.random.default_rng(0).permutation(len(stories))
    one, other = order[: len(order) // 2], order[len(order) // 2 :]
    pairs = [(stories[a], stories[b]) for a, b in zip(one, other, strict=False)]
    texts = [f"{a[0]} {b[0]}" for a, b in pairs]
    return multilabel(names), texts, [tuple({a[1], b[1]}) for a, b in pairs]


def runs(setting: str) -> Iterator[dict[str, object]]:
    """A row for each checkpoint of each strategy and seed."""
    task, texts, labels = joined() if setting == "news pairs" else named(setting)
    pool = arrays(np.array(texts, dtype=object))
    truth = task.encode(labels)
    for seed in range(SEEDS):
        order = np.random.default_rng(seed).permutation(len(texts))
        size = min(POOL, len(order) * 3 // 5)
        there, test = np.sort(order[:size]), np.sort(order[size : size + TEST])
        first = order[:START]
        for name, spec in STRATEGIES.items():
            strategy, learner, model = build("strategy", spec), build("learner", LEARNER), None
            labelled = first
            while True:
                rest = np.setdiff1d(there, labelled)
                turn = Turn(
                    pool, task, seed, len(labelled), labelled, truth[labelled], np.asarray(rest, np.int64)
                )
                model = learner.fit_many(pool, [turn.fit(model)], task=task)[0]
                rng = np.random.default_rng(0)
                said = model.signals(pool, test, {"marginals"}, rng)["marginals"]
                yield {
                    "setting": setting,
                    "strategy": name,
                    "seed": seed,
                    "labels": len(labelled),
                    "precision": round(precision(truth[test], said), 5),
                    "f1": round(float(f1_score(truth[test], said >= 0.5, average="micro")), 5),
                }
                if len(labelled) >= LABELS:
                    break
                signals = turn.signals(model, strategy.needs, strategy.needs_labelled)
                picks = turn.pick(strategy, signals, BATCH, name)
                labelled = np.concatenate([labelled, rest[picks.positions]])


def precision(truth: np.ndarray, said: np.ndarray) -> float:
    """Average precision, averaged over the classes that some test item has."""
    there = truth.any(axis=0)
    return float(average_precision_score(truth[:, there], said[:, there], average="macro"))


def table(rows: list[dict[str, object]], measure: str) -> list[str]:
    """The gain of each strategy on random over all checkpoints, paired by seed, with its 95 % interval."""
    settings = list(dict.fromkeys(str(row["setting"]) for row in rows))
    names = [name for name in STRATEGIES if name != "random"]
    lines = ["| " + " | ".join(["data", "random", *names]) + " |", "|" + " --- |" * (len(names) + 2)]
    for setting in settings:
        means = {
            name: [
                np.mean(
                    [
                        float(str(row[measure]))
                        for row in rows
                        if (row["setting"], row["strategy"], row["seed"]) == (setting, name, seed)
                    ]
                )
                for seed in range(SEEDS)
            ]
            for name in STRATEGIES
        }
        cells = [setting, f"{np.mean(means['random']):.3f}"]
        for name in names:
            gain = student_interval(np.subtract(means[name], means["random"]).tolist())
            middle = np.mean(means[name]) - np.mean(means["random"])
            cells.append(f"{middle:+.3f} ({gain.low:+.3f}, {gain.high:+.3f})")
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def measured() -> list[dict[str, object]]:
    """Every row, also kept beside the page."""
    began = time.perf_counter()
    rows: list[dict[str, object]] = []
    for setting in ("btc_ner", "wnut17", "news pairs"):
        rows += list(runs(setting))
        print(setting, f"{time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0].keys(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    with gzip.GzipFile(CURVES, "wb", mtime=0) as file:
        file.write(text.getvalue().encode())
    return rows


def kept() -> list[dict[str, object]]:
    """The rows beside the page."""
    with gzip.open(CURVES, "rt", encoding="utf-8", newline="") as file:
        return [
            {**row, "seed": int(row["seed"]), "precision": float(row["precision"]), "f1": float(row["f1"])}
            for row in csv.DictReader(file)
        ]


def main() -> None:
    rows = kept() if "--table" in sys.argv[1:] else measured()
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    parts = [BEGIN, "Average precision:", "\n".join(table(rows, "precision"))]
    parts += ["F1 where a class is named from a probability of a half on:", "\n".join(table(rows, "f1")), END]
    PAGE.write_text(before + "\n\n".join(parts) + after, encoding="utf-8")


if __name__ == "__main__":
    main()
