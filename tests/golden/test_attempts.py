"""A recovery beside the truth: texts, odd shapes, counts, features, and what a guess would give."""

import re
import zlib
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nextlabel.core.attack import Knowledge, Recovery
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.core.registry import resolve
from nextlabel.core.rng import generator
from nextlabel.errors import DisclosureError
from nextlabel.leakage import Report, audit
from nextlabel.leakage.attempts import Batch, attempt, scored
from nextlabel.leakage.cases import Case, CaseSetting
from nextlabel.leakage.guesses import Guess, guess
from nextlabel.leakage.scores import ItemScore
from nextlabel.testing.plain_attacks import Blind, Told

NOTHING = Guess(ItemScore(), None)


def batch_of(items: Array, **changes: Any) -> Batch:
    settings: dict[str, Any] = {
        "positions": np.arange(len(items)),
        "items": items,
        "labels": np.arange(len(items)) % 3,
        "said": None,
        "features": None,
        "guesses": [NOTHING] * len(items),
        "span": 1.0,
        **changes,
    }
    return Batch(**settings)


def laid(recovery: Recovery, batch: Batch, kind: str = "full") -> Any:
    return scored("some", recovery, batch, kind=kind, message=0, classes=3)


def test_items_are_matched_and_those_too_many_are_counted() -> None:
    items = np.eye(3)
    found = laid(
        Recovery("recovered", items=np.stack([items[2], np.ones(3), items[0], items[1]])), batch_of(items)
    )
    assert found.verdicts == ("EXACT",) * 3
    assert found.is_whole
    assert found.false_items == 1
    assert found.why == ""


def test_fewer_items_than_records_leave_some_without_a_score() -> None:
    found = laid(Recovery("recovered", items=np.eye(3)[:1], residual=0.0), batch_of(np.eye(3)))
    assert found.verdicts == ("EXACT", "NOT SHOWN", "NOT SHOWN")
    assert found.scores[1] is None
    assert not found.is_whole


def test_items_of_another_layout_are_reshaped_and_of_another_size_are_false() -> None:
    items = np.arange(8.0).reshape(2, 2, 2)
    flat = laid(Recovery("recovered", items=items.reshape(2, 4)), batch_of(items))
    assert flat.is_whole
    other = laid(Recovery("recovered", items=np.ones((2, 5))), batch_of(items))
    assert other.verdicts == ("NOT SHOWN",) * 2
    assert other.false_items == 2


def test_counts_and_labels_are_claims_and_a_refusal_claims_nothing() -> None:
    batch = batch_of(np.eye(3), labels=np.array([0, 0, 2]))
    assert laid(Recovery("recovered", counts=np.array([2, 1, 0])), batch).overlap == 2
    by_label = laid(Recovery("recovered", labels=np.array([0, 2, 0])), batch)
    assert (by_label.claimed, by_label.overlap) == ((2, 0, 1), 3)
    assert laid(Recovery("refused", labels=np.array([0, 0, 2])), batch).claimed is None
    assert laid(Recovery("recovered", labels=np.array([0.5, 0.1])), batch).claimed is None
    assert laid(Recovery("recovered", labels=np.array([7, -1, 2])), batch).claimed == (0, 0, 1)
    assert (
        laid(Recovery("recovered", counts=np.array([1, 1, 1])), batch_of(np.eye(3), labels=None)).claimed
        is None
    )


def test_labels_of_an_embedding_are_scored_against_the_models_own() -> None:
    batch = batch_of(np.eye(3), labels=np.zeros(3, np.int64), said=np.array([1, 2, 2]))
    recovery = Recovery("recovered", labels=np.array([2, 2, 1]))
    assert laid(recovery, batch, kind="embedding").overlap == 3
    assert laid(recovery, batch, kind="full").overlap == 0


def test_features_are_compared_where_they_have_the_right_width() -> None:
    features = np.array([[1.0, 2.0]])
    batch = batch_of(np.eye(3)[:1], features=features)
    ((cosine, score),) = [
        one for one in laid(Recovery("recovered", features=features), batch).features if one
    ]
    assert (cosine, score.relative) == pytest.approx((1.0, 0.0))
    assert laid(Recovery("recovered", features=np.ones((1, 3))), batch).features == ()
    assert laid(Recovery("recovered", features=np.ones((0, 2))), batch).features == ()


def test_a_guess_is_the_better_of_the_mean_and_the_nearest() -> None:
    others = np.array([[0.0, 0.0], [1.0, 1.0], [0.2, 0.0]])
    near = guess(np.array([0.2, 0.1]), others, span=1.0)
    assert near.score.mse == pytest.approx(0.005)  # the third: differences 0 and 0.1
    assert near.mean_mse == pytest.approx(((0.4 - 0.2) ** 2 + (1 / 3 - 0.1) ** 2) / 2)
    middle = guess(np.array([0.4, 1 / 3]), others, span=1.0)
    assert middle.score.mse == pytest.approx(0.0, abs=1e-30)
    assert guess(np.array([0.2, 0.1]), others[:0], span=1.0).mean_mse is None


def test_a_guess_of_a_text_is_the_nearest_text() -> None:
    texts = np.array([[1, 2, 3, 4], [1, 9, 9, 9]])
    assert guess(np.array([1, 2, 3, 9]), texts, span=1.0, is_text=True).score.tokens == 0.75


def test_each_attempt_has_randomness_of_its_own() -> None:
    sent = Disclosure("full", {"bias": np.ones(1)}, items=1)
    told = Knowledge(None, (1,), 2)

    def drawn(name: str, message: int, seed: int) -> float:
        recovery, _ = attempt(name, Blind(), sent, told, message=message, seed=seed)
        assert recovery.items is not None
        return float(recovery.items[0, 0])

    # the same in every process: Python's own hash of a name is another in each
    assert drawn("one", 2, 4) == generator(4, 1, 2, zlib.crc32(b"one")).uniform()
    ways = [("one", 0, 0), ("two", 0, 0), ("one", 1, 0), ("one", 0, 1)]
    assert len({drawn(*way) for way in ways}) == 4
    assert drawn(*ways[0]) == drawn(*ways[0])


class Words(nn.Module):
    """Says a word for each position."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(9, 4)
        self.out = nn.Linear(4, 9)

    def forward(self, tokens: torch.Tensor) -> Any:
        return self.out(self.table(tokens))


def test_texts_are_audited_token_by_token() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Words().eval()
    texts = np.random.default_rng(1).integers(0, 9, (12, 5))
    setting = CaseSetting(batch=3, seed=4, loss="language_model")
    truth = Case(model, texts, texts, setting).batches[0].items
    # a single message: it would say the same of every other one, which shows nothing of any
    options: dict[str, Any] = {
        "batch": 3,
        "records": 3,
        "seed": 4,
        "loss": "language_model",
        "controls": False,
    }
    report: Report = audit(model, texts, texts, attacks=[Told(truth[::-1])], **options)
    assert report.verdicts[:3] == ("EXACT",) * 3
    assert report.setting["is_text"] is True
    assert report.setting["records"] == 3
    assert report.exhibits[0].recovered == report.exhibits[0].original
    assert "Token ids" in report.html()


@pytest.mark.parametrize(
    ("labels", "loss"),
    [
        ("one", "language_model"),
        ("one", "cross_entropy"),
        ("next", "cross_entropy"),
        ("long", "language_model"),
    ],
)
def test_labels_that_a_language_model_cannot_use_come_with_those_that_it_can(labels: str, loss: str) -> None:
    model = Words().eval()
    texts = np.random.default_rng(1).integers(0, 9, (12, 5))
    following = np.roll(texts, -1, axis=1)
    following[:, -1] = -100
    given = {"one": texts[:, 0], "next": following, "long": np.repeat(texts, 2, axis=1)}[labels]
    said = rf"labels of the axes {re.escape(str(given.shape))} and the loss '{loss}'\. .*numpy.roll"
    with pytest.raises(DisclosureError, match=rf"axes \(n, 5\), -100 .* received {said}"):
        Case(model, texts, given, CaseSetting(loss=loss))
    Case(model, texts, following, CaseSetting(loss="language_model"))
    Case(model, texts, texts[:, 0], CaseSetting(share="embedding"))


def test_a_clipped_and_noised_message_is_made_from_each_record() -> None:
    network = resolve("network", "known_leak")((4,), 3)
    items = np.random.default_rng(0).uniform(size=(12, 4)).astype(np.float32)
    labels = np.arange(12) % 3
    case = Case(network, items, labels, CaseSetting(batch=4, defences="private:1e-6:1e-3"))
    sent = case.disclosure(0)
    length = np.sqrt(sum(float((one.astype(np.float64) ** 2).sum()) for one in sent.arrays.values()))
    # four gradients, each cut to 0.001, and their mean: no longer than that
    assert 0.0 < length <= 1.001e-3
    plain = Case(network, items, labels, CaseSetting(batch=4)).disclosure(0)
    assert max(float(np.abs(one).max()) for one in plain.arrays.values()) > 1e-2


def test_a_sketch_is_sent_and_known_where_it_is_given() -> None:
    network = resolve("network", "known_leak")((4,), 3, hidden=5)
    items = np.random.default_rng(0).uniform(size=(12, 4)).astype(np.float32)
    sketch = np.random.default_rng(1).normal(size=(7, 15))
    setting = CaseSetting(share="embedding", knows=("sketch",))
    case = Case(network, items, np.arange(12) % 3, setting, sketch=sketch)
    assert case.disclosure(0)["sketch"].shape == (1, 7)
    assert case.knowledge(0).sketch is sketch
    hidden = Case(network, items, np.arange(12) % 3, CaseSetting(share="embedding"), sketch=sketch)
    assert hidden.knowledge(0).sketch is None


def test_an_update_tells_its_steps_where_they_are_known() -> None:
    network = resolve("network", "known_leak")((4,), 3, hidden=5)
    items = np.random.default_rng(0).uniform(size=(12, 4)).astype(np.float32)
    setting = CaseSetting(share="update", steps=3, rate=0.2, knows=("steps", "rate"))
    case = Case(network, items, np.arange(12) % 3, setting)
    assert (case.knowledge(0).steps, case.knowledge(0).rate) == (3, 0.2)
    assert case.described["steps"] == 3
    full = Case(network, items, np.arange(12) % 3, CaseSetting(steps=3, knows=("steps", "rate")))
    assert full.knowledge(0).steps is None


@pytest.mark.parametrize(
    ("shape", "is_image"),
    [((8, 8), True), ((3, 8, 8), True), ((8, 8, 3), True), ((3, 8), False), ((64,), False)],
)
def test_images_are_told_by_their_axes(shape: tuple[int, ...], is_image: bool) -> None:
    network = resolve("network", "known_leak")(shape, 3, hidden=5)
    items = np.random.default_rng(0).uniform(size=(6, *shape)).astype(np.float32)
    case = Case(network, items, np.arange(6) % 3, CaseSetting(knows=("images",)))
    assert case.is_image == is_image
    assert case.knowledge(0).is_image == is_image
    assert not Case(network, items, np.arange(6) % 3, CaseSetting()).knowledge(0).is_image


def test_the_population_is_of_all_classes_given_audited_or_not() -> None:
    network = resolve("network", "known_leak")((4,), 3, hidden=5)
    items = np.random.default_rng(0).uniform(size=(40, 4)).astype(np.float32)
    labels = np.arange(40) % 3
    plain = Case(network, items, labels, CaseSetting(records=6))
    assert plain.population is not None
    assert plain.population.tolist() == [14, 13, 13]
    rest = np.setdiff1d(np.arange(40), plain.positions)
    labels[rest] = 2
    found = Case(network, items, labels, CaseSetting(records=6)).population
    assert found is not None
    assert found.tolist() == np.bincount(labels, minlength=3).tolist()


def test_the_baseline_takes_public_items_where_there_are_some() -> None:
    network = resolve("network", "known_leak")((4,), 3, hidden=5)
    items = np.random.default_rng(0).uniform(size=(6, 4)).astype(np.float32)
    case = Case(network, items, np.arange(6) % 3, CaseSetting(), public=items)
    # the records themselves are public: a guess finds them
    assert {one.score.mse for batch in case.batches for one in batch.guesses} == {0.0}
    # without public items, the other records are: never the record itself
    private = Case(network, items, np.arange(6) % 3, CaseSetting())
    assert all((one.score.mse or 0.0) > 0.0 for batch in private.batches for one in batch.guesses)
