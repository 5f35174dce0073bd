"""Discriminative batches: what is exact without refits, what refits change, what is refused."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import brentq

from nextlabel import Signals, build, select
from nextlabel.errors import LabelError, ParameterError, SignalError
from nextlabel.maths.information import entropy
from nextlabel.maths.predictions import softmax
from nextlabel.strategies.discriminative_batch import AscentEnded, DiscriminativeBatch, discriminative_batch
from nextlabel.testing.definitions import discriminative_batch as plain
from nextlabel.testing.laws import Question

Floats = NDArray[np.float64]
FROZEN = {"name": "discriminative_batch", "refit": False}
ENTROPY = {**FROZEN, "include_label_term": False}


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def binary(*likeliest: float) -> Floats:
    return np.array([[p, 1.0 - p] for p in likeliest])


def features(proba: Floats) -> Floats:
    return np.zeros((len(proba), 1))


def asked(spec: Any, proba: Floats, batch: int) -> list[int]:
    return [int(one) for one in select(spec, proba=proba, embedding=features(proba), batch=batch, seed=0)]


def scores(spec: Any, proba: Floats, batch: int) -> Floats:
    picks = build("strategy", spec).pick(
        Signals({"proba": proba, "embedding": features(proba)}), batch, rng()
    )
    return np.asarray(picks.scores)


def question(
    seed: int, *, classes: int = 2, n: int = 6, d: int = 2, batch: int = 2, labelled: int = 6
) -> Question:
    draw = np.random.default_rng(seed)
    means = 1.5 * draw.normal(size=(classes, d))
    labels = np.arange(labelled) % classes
    pool = means[draw.integers(classes, size=n)] + draw.normal(size=(n, d))
    return Question(
        {"proba": np.asarray(softmax(pool @ means.T)), "embedding": pool},
        batch,
        labelled={"embedding": means[labels] + draw.normal(size=(labelled, d))},
        labels=labels,
    )


def answer(this: Question, **options: Any) -> list[int]:
    spec = {"name": "discriminative_batch", **options}
    known: dict[str, Any] = {"labelled": this.labelled, "labels": this.labels, **this.signals}
    return [int(one) for one in select(spec, batch=this.batch, seed=0, **known)]


@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_frozen_without_labels_is_entropy_for_every_batch(classes: int, dtype: type) -> None:
    proba: Any = softmax(2.0 * rng().normal(size=(17, classes))).astype(dtype)
    for batch in range(1, 18):
        for objective in ("optimistic", "expected"):
            ours = asked({**ENTROPY, "objective": objective}, proba, batch)
            assert ours == select("entropy", proba=proba, batch=batch, seed=0).tolist()


def test_frozen_with_labels_prefers_the_surer_of_two() -> None:
    # log 0.5 + log 2 = 0, and log 0.782 + H(0.782) = 0.2785
    proba = binary(0.5, 0.782)
    assert asked(FROZEN, proba, 1) == [1]
    np.testing.assert_allclose(scores(FROZEN, proba, 1), [0.2785], atol=5e-5)
    np.testing.assert_allclose(scores({**FROZEN, "class_caps": False}, proba, 2), [0.2785, 0.0], atol=5e-5)


@pytest.mark.parametrize(
    ("entropy_weight", "best"), [(0.5, 0.902), (1.0, 0.782), (2.0, 0.677), (5.0, 0.585), (20.0, 0.524)]
)
def test_the_frozen_optimum_is_not_one_half(entropy_weight: float, best: float) -> None:
    # where the derivative of log p + α·H(p) is 0: 1/p = α·log(p/(1 − p))
    optimum = brentq(lambda p: 1.0 / p - entropy_weight * np.log(p / (1.0 - p)), 0.5, 1.0 - 1e-9)
    assert optimum == pytest.approx(best, abs=5e-4)  # the figures have three decimals
    grid = np.arange(0.5, 1.0, 0.001)
    picked = asked({**FROZEN, "entropy_weight": entropy_weight}, binary(*grid), 1)[0]
    assert grid[picked] == pytest.approx(best, abs=1e-9)


def test_frozen_by_expectation_is_entropy_its_opposite_or_a_tie() -> None:
    proba = binary(0.9, 0.6, 0.99, 0.75)
    by = {**FROZEN, "objective": "expected"}
    assert asked({**by, "entropy_weight": 1.5}, proba, 4) == [1, 3, 0, 2]
    assert asked({**by, "entropy_weight": 0.5}, proba, 4) == [2, 0, 3, 1]
    assert {select(by, proba=proba, embedding=features(proba), batch=1, seed=k)[0] for k in range(40)} == {
        0,
        1,
        2,
        3,
    }


def test_frozen_with_caps_is_the_best_assignment() -> None:
    """Against all batches and classes: no greedy order finds it always, since items have a second class."""
    draw = rng()
    for _ in range(20):
        proba: Any = softmax(draw.normal([2.0, 0.0], 1.0, size=(6, 2)))
        doubt = entropy(proba)

        def best(batch: tuple[int, ...], p: Any = proba, h: Any = doubt) -> float:
            this = Question({"proba": p}, 4)
            return max(
                sum(float(np.log(p[i, y]) + h[i]) for i, y in zip(batch, labels, strict=True))
                for labels in plain.best_labels(this, batch)
            )

        picked = sorted(asked(FROZEN, proba, 4))  # at most ⌊0.6·4⌋ = 2 of a class
        assert best(tuple(picked)) == pytest.approx(max(map(best, combinations(range(6), 4))), rel=1e-9)


def test_frozen_takes_probabilities_of_zero_and_one() -> None:
    proba = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.5, 0.5]])
    assert set(asked(FROZEN, proba, 3)) < {0, 1, 2, 3}
    assert (scores(FROZEN, proba, 4) <= 0.0).all()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("classes", [2, 3])
def test_the_batch_is_worth_nearly_the_best_by_the_definition(seed: int, classes: int) -> None:
    this = question(seed, classes=classes, n=5)
    worths = {pair: plain._worth(this, pair) for pair in combinations(range(5), 2)}
    reached = worths[tuple(sorted(answer(this)))]  # type: ignore[index]
    least, most = min(worths.values()), max(worths.values())
    assert reached >= least + plain.DEFINITION.share * (most - least)


def test_the_definition_of_another_worth_is_not_followed() -> None:
    """The twin: the opposite sign of the entropy term picks batches that the share refuses."""
    refused = 0
    for seed in range(6):
        this = question(seed, n=5)
        worths = {pair: plain._worth(this, pair) for pair in combinations(range(5), 2)}
        twin = max(
            worths,
            key=lambda pair, q=this: max(  # type: ignore[misc]
                plain.worth_with_labels(q, pair, labels, entropy_weight=-1.0)
                for labels in plain.best_labels(q, pair)
            ),
        )
        least, most = min(worths.values()), max(worths.values())
        refused += worths[twin] < least + plain.DEFINITION.share * (most - least)
    assert refused >= 1


def test_a_rotation_into_more_features_than_rows_changes_nothing() -> None:
    this = question(3, d=3, n=8, labelled=6)
    turn = np.linalg.qr(rng().normal(size=(40, 3)))[0].T
    assert this.labelled is not None
    wide = Question(
        {"proba": this.signals["proba"], "embedding": this.signals["embedding"] @ turn},
        2,
        labelled={"embedding": this.labelled["embedding"] @ turn},
        labels=this.labels,
    )
    for counted in ("candidates", "pool"):
        assert answer(wide, counted=counted, candidates=5) == answer(this, counted=counted, candidates=5)


def test_only_candidates_are_picked_and_a_larger_batch_has_enough() -> None:
    this = question(4, n=12)
    order = np.argsort(-entropy(this.signals["proba"]))
    assert set(answer(this, candidates=3)) < set(order[:3].tolist())
    assert set(answer(Question(this.signals, 5, this.labelled, this.labels), candidates=3)) == set(
        order[:5].tolist()
    )


def test_whose_entropy_counts_changes_the_batch() -> None:
    answers = [
        answer(question(seed, n=30), candidates=8, counted=counted, entropy_weight=5.0)
        for seed in range(4)
        for counted in ("candidates", "pool")
    ]
    assert answers[::2] != answers[1::2]


def test_items_other_than_candidates_count_as_they_lie() -> None:
    this = question(5, n=20)
    order = rng().permutation(20)
    moved = Question({name: one[order] for name, one in this.signals.items()}, 2, this.labelled, this.labels)
    straight = answer(this, candidates=5, counted="pool")
    assert order[answer(moved, candidates=5, counted="pool")].tolist() == straight


def test_the_labels_matter() -> None:
    answers = []
    for seed in range(3):
        this = question(seed)
        assert this.labels is not None
        other = Question(this.signals, 2, this.labelled, np.sort(this.labels))
        answers.append(answer(this) == answer(other))
    assert not all(answers)


def test_one_class_alone_among_the_labels_will_do() -> None:
    this = question(1)
    alone = Question(this.signals, 2, this.labelled, np.zeros(6, np.int64))
    assert len(set(answer(alone))) == 2


def test_copies_of_an_item_are_alike() -> None:
    this = question(2, n=4)
    doubled = Question(
        {name: np.repeat(one, 2, axis=0) for name, one in this.signals.items()}, 2, this.labelled, this.labels
    )
    assert len(set(answer(doubled))) == 2


def test_the_function_takes_what_the_strategy_takes() -> None:
    this = question(0)
    assert this.labelled is not None
    found = discriminative_batch(
        this.signals["proba"],
        this.signals["embedding"],
        2,
        rng=np.random.default_rng(0),
        labelled=this.labelled["embedding"],
        labels=this.labels,
    )
    assert sorted(found.tolist()) == sorted(answer(this))


def test_an_ascent_cut_short_warns_and_names_the_gap() -> None:
    this = question(7, n=12)
    with pytest.warns(AscentEnded, match=r"ended after 1 steps with a gap of [0-9.]+ .* worth of -[0-9.]+"):
        picked = answer(this, steps=1, entropy_weight=10.0, starts=("even",))
    assert len(set(picked)) == 2


def test_labelled_rows_without_labels_are_refused() -> None:
    this = question(0)
    with pytest.raises(LabelError, match="received 6 labelled rows and 0 labels"):
        answer(Question(this.signals, 2, this.labelled, None))
    with pytest.raises(LabelError, match="received 0 labelled rows and 6 labels"):
        discriminative_batch(
            this.signals["proba"], this.signals["embedding"], 2, rng=rng(), labels=this.labels
        )


def test_one_class_is_refused() -> None:
    with pytest.raises(SignalError, match="two classes or more; 'proba' has 1"):
        asked("discriminative_batch", np.ones((3, 1)), 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"penalty": 0.0}, "'penalty' must be a finite number above 0; received 0.0"),
        ({"entropy_weight": -1.0}, "'entropy_weight' must be a finite number of at least 0; received -1.0"),
        ({"trust": np.nan}, "'trust' .* received nan"),
        ({"class_slack": "much"}, "'class_slack' .* received 'much'"),
        ({"objective": "sure"}, "'objective' must be 'optimistic' or 'expected'; received 'sure'"),
        ({"counted": "all"}, "'counted' must be 'candidates' or 'pool'; received 'all'"),
        ({"refit": 1}, "'refit' must be True or False; received 1"),
        ({"include_label_term": None}, "'include_label_term' .* received None"),
        ({"class_caps": "no"}, "'class_caps' .* received 'no'"),
        ({"candidates": 0}, "'candidates' must be a whole number from 1 up; received 0"),
        ({"steps": 0}, "'steps' .* received 0"),
        ({"exchanges": -1}, "'exchanges' .* received -1"),
        ({"starts": ()}, r"'starts' must be a list .* received \(\)"),
        ({"starts": ("even", "odd")}, r"'starts' .* received \('even', 'odd'\)"),
        ({"starts": "even"}, "'starts' .* received 'even'"),
    ],
)
def test_a_parameter_out_of_its_range_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        DiscriminativeBatch(**options)


def test_starts_go_through_json_as_a_list() -> None:
    spec = {"name": "discriminative_batch", "starts": ["entropy"]}
    assert build("strategy", spec) == DiscriminativeBatch(starts=("entropy",))
