"""Features that are kept in memory: of a window into a large pool, of large items a few at a time."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from nextlabel import arrays, classes
from nextlabel.core.learner import Learner
from nextlabel.core.rng import generator
from nextlabel.learners import features
from nextlabel.learners.encode_images import Hog
from nextlabel.learners.kept import size_of
from nextlabel.learners.sklearn import SklearnLearner
from nextlabel.readers.arrays import ArrayPool
from nextlabel.readers.images import images

TASK = classes("a", "b", "c")
POOL = arrays(np.random.default_rng(0).normal(size=(40, 3)))
LABELLED, UNLABELLED = np.arange(0, 20, 2), np.arange(1, 20, 2)


def fit(learner: Learner, pool: Any) -> Any:
    return learner.fit(pool, LABELLED, LABELLED % 3, UNLABELLED, generator(0), task=TASK)


def embedding(model: Any, pool: Any, positions: list[int]) -> Any:
    return model.signals(pool, np.array(positions), {"embedding"}, generator(0))["embedding"]


@pytest.mark.parametrize("is_even", [True, False])
def test_large_items_are_taken_a_few_at_a_time(
    is_even: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of one size they are 12,000 bytes each in single precision, else 3,000 in bytes; 10,000 are a piece."""
    monkeypatch.setattr(features, "_PIECE_BYTES", 10_000)
    draws = np.random.default_rng(0)
    for number in range(40):
        height = 50 if is_even else 49 + number % 3
        pixels = draws.integers(0, 255, (height, 60), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    made: list[int] = []
    plain = Hog.reader

    def counted(settings: Hog, learnt: Any) -> Any:
        reader = plain(settings, learnt)
        rows = reader.rows

        def count(items: Any) -> Any:
            made.append(len(items))
            return rows(items)

        object.__setattr__(reader, "rows", count)
        return reader

    monkeypatch.setattr(Hog, "reader", counted)
    pytest.importorskip("skimage")
    fit(SklearnLearner(features="hog"), images(tmp_path))
    assert max(made) == (1 if is_even else 3)
    assert sum(made) == 40


@pytest.mark.parametrize("kind", ["numbers", "texts"])
@pytest.mark.parametrize("by", ["a large pool", "a small budget"])
def test_of_a_window_into_a_pool_the_features_are_kept(
    kind: str, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Items learnt of are not read again; others are, and come in the order that was asked."""
    plain = fit(SklearnLearner(features="scale"), POOL)
    learner, pool = SklearnLearner(features="scale"), POOL
    if kind == "texts":
        learner = SklearnLearner(features={"name": "tfidf", "least_texts": 1})
        pool = arrays(np.array([f"word{n} and word{n % 3}" for n in range(40)], dtype=object))
        plain = fit(learner, pool)
    if by == "a large pool":
        monkeypatch.setattr(features, "_WINDOW", 1)
    else:
        monkeypatch.setattr(features, "_PIECE", 1)
        one = size_of(plain.features.rows(pool.take(np.array([0]))))
        monkeypatch.setattr(features, "_KEPT_BYTES", 20 * one)
    model = fit(learner, pool)
    kept = model.features.on(pool).kept
    assert kept.rows.shape[0] == 20
    read: list[int] = []
    take = ArrayPool.take

    def counted(of: ArrayPool, positions: Any) -> Any:
        read.extend(positions)
        return take(of, positions)

    monkeypatch.setattr(ArrayPool, "take", counted)
    for asked, again in (
        (range(19, -1, -1), set()),
        (range(30, 25, -1), set(range(26, 31))),
        ([39, 3, 25, 0, 19, 20], {39, 25, 20}),
    ):
        read.clear()
        said = embedding(model, pool, list(asked))
        assert set(read) == again
        np.testing.assert_array_equal(said, embedding(plain, pool, list(asked)))
