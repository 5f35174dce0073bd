"""How well logistic regression on weighted words does with few labels, by its penalty: decision 0025.

python -m benchmarks.text_penalty [SETS]

Items to label are drawn at random; accuracy and cross-entropy are those of 3,000 others of the same pool, the
mean of six draws. No official test part is read of any set that has one.
"""

import sys

import numpy as np

from nextlabel.core.registry import resolve
from nextlabel.learners.sklearn import SklearnLearner

SETS = ("rt_polarity", "sms_spam", "sst2", "banking77")
LABELS = (20, 50, 100, 200, 500)
STRENGTHS = (1, 3, 10, 30, 100)
DRAWS, OTHERS = 6, 3000
LEAST = 1e-4  # probability that a class without a label is given, so that a cross-entropy is finite


def row(name: str, count: int) -> list[str]:
    """Accuracy in percent and, in parentheses, cross-entropy in nats, for each C."""
    known = resolve("dataset", name)()
    own = np.setdiff1d(np.arange(len(known.pool.ids)), [] if known.test is None else known.test)
    cells = []
    for strength in STRENGTHS:
        learner = SklearnLearner({"name": "logistic", "C": strength}, features="tfidf")
        right, nats, model = [], [], None
        for seed in range(DRAWS):
            rng = np.random.default_rng(seed)
            order = rng.permutation(own)
            labelled, others = order[:count], order[-OTHERS:]
            labels = known.labels[labelled]
            model = learner.fit(
                known.pool, labelled, labels, order[count:], rng, task=known.task, previous=model
            )
            said = model.signals(known.pool, others, {"proba"}, rng)["proba"]
            said = np.maximum(said, LEAST) / np.maximum(said, LEAST).sum(axis=1, keepdims=True)
            actual = known.labels[others]
            right.append((said.argmax(axis=1) == actual).mean())
            nats.append(-np.log(said[np.arange(OTHERS), actual]).mean())
        cells.append(f"{100 * np.mean(right):.1f} ({np.mean(nats):.2f})")
    return cells


def main() -> None:
    print("| set | labels |", " | ".join(f"C = {one}" for one in STRENGTHS), "|")
    print("| --- " * (2 + len(STRENGTHS)) + "|")
    for name in sys.argv[1:] or SETS:
        for count in LABELS:
            print(f"| {name} | {count} |", " | ".join(row(name, count)), "|", flush=True)


if __name__ == "__main__":
    main()
