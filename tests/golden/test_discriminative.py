"""The worth of a relaxed batch, its gradient, and the way uphill."""

from itertools import combinations, product

import numpy as np
import pytest
from numpy.typing import NDArray

from nextlabel.errors import ConvergenceError
from nextlabel.maths import discriminative
from nextlabel.maths.ascent import climb
from nextlabel.maths.discriminative import BatchProblem, State
from nextlabel.maths.discriminative_search import best_batch
from nextlabel.maths.exchange import Whole, exchanged
from nextlabel.maths.polytope import Polytope, largest_first
from nextlabel.maths.predictions import softmax
from nextlabel.maths.softmax import with_ones
from nextlabel.testing.definitions.discriminative_batch import worth_with_labels
from nextlabel.testing.laws import Question

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


def problem(
    seed: int,
    *,
    classes: int = 2,
    d: int = 3,
    labelled: int = 8,
    n: int = 6,
    others: int = 0,
    penalty: float = 0.5,
    entropy_weight: float = 1.0,
    trust: float = 1.0,
    has_label_term: bool = True,
    seen: int | None = None,
) -> BatchProblem:
    """Items of a random linear model; labels of the first `seen` classes alone where that is given."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(labelled + n + others, d))
    scores = rows @ rng.normal(size=(d, classes)) + rng.gumbel(size=(len(rows), classes))
    labels = scores[:labelled, : seen or classes].argmax(axis=1)
    return BatchProblem(
        with_ones(rows[:labelled]),
        np.eye(classes)[labels],
        with_ones(rows[labelled : labelled + n]),
        with_ones(rows[labelled + n :]),
        penalty,
        entropy_weight,
        trust,
        has_label_term,
    )


def predicted(this: BatchProblem) -> Floats:
    """What the head fitted to the labelled items alone says of the candidates."""
    nothing = np.zeros((len(this.candidates), this.targets.shape[1]))
    return np.asarray(softmax(this.candidates @ this.state(nothing).matrix.T))


def guessed(this: BatchProblem, seed: int) -> Floats:
    """Guesses in the interior: each row a part of a distribution."""
    rng = np.random.default_rng(seed)
    classes = this.targets.shape[1]
    return rng.dirichlet(np.ones(classes + 1), size=len(this.candidates))[:, :classes]


def as_question(this: BatchProblem) -> Question:
    return Question(
        {"proba": predicted(this), "embedding": this.candidates[:, :-1]},
        2,
        labelled={"embedding": this.labelled[:, :-1]},
        labels=this.targets.argmax(axis=1),
    )


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("others", [0, 4])
@pytest.mark.parametrize(
    ("has_label_term", "trust", "entropy_weight"), [(True, 1.0, 1.0), (True, 0.3, 7.0), (False, 1.0, 0.1)]
)
def test_the_gradient_is_that_of_central_differences(
    classes: int, others: int, has_label_term: bool, trust: float, entropy_weight: float
) -> None:
    this = problem(
        0,
        classes=classes,
        others=others,
        has_label_term=has_label_term,
        trust=trust,
        entropy_weight=entropy_weight,
    )
    guesses, length = guessed(this, 1), 1e-5
    gradient = this.gradient(this.state(guesses))[0]
    for entry in np.ndindex(*gradient.shape):
        change = np.zeros_like(guesses)
        change[entry] = length
        rise = this.state(guesses + change).value - this.state(guesses - change).value
        assert abs(rise / (2.0 * length) - gradient[entry]) <= 1e-6 * np.abs(gradient).max()


def test_the_gradient_holds_where_a_class_has_no_label() -> None:
    this = problem(1, classes=3, seen=1)
    guesses, length = guessed(this, 2), 1e-5
    gradient = this.gradient(this.state(guesses))[0]
    change = np.zeros_like(guesses)
    change[2, 2] = length
    rise = this.state(guesses + change).value - this.state(guesses - change).value
    assert rise / (2.0 * length) == pytest.approx(gradient[2, 2], rel=1e-6)


def test_the_gradient_without_its_third_term_is_wrong() -> None:
    """The twin of the tests above: what holds for frozen weights does not for refitted ones."""
    this = problem(0)
    state = this.state(guessed(this, 1))
    logs = np.log(softmax(this.candidates @ state.matrix.T))
    entropy = -(np.exp(logs) * logs).sum(axis=1)
    frozen = logs + entropy[:, None]
    gradient = this.gradient(state)[0]
    assert np.abs(frozen - gradient).max() > 0.1 * np.abs(gradient).max()


def test_conjugate_gradients_give_the_gradient_of_the_dense_solution() -> None:
    # 260 classes of 6 weights are 1,560: too many for a dense Hessian
    this = problem(2, classes=260, d=5, labelled=12, n=4, seen=12)
    guesses, length = np.full((4, 260), 0.5 / 260), 1e-3
    state = this.state(guesses)
    gradient, response = this.gradient(state)
    for entry in [(0, 1), (3, 200)]:
        change = np.zeros_like(guesses)
        change[entry] = length
        rises = [
            this.state(guesses + k * change).value - this.state(guesses - k * change).value for k in (1, 2)
        ]
        slope = (8.0 * rises[0] - rises[1]) / (12.0 * length)
        assert slope == pytest.approx(gradient[entry], rel=1e-6)
        moved = this.state(guesses + change).matrix - this.state(guesses - change).matrix
        np.testing.assert_allclose(response(change), moved / 2.0, atol=1e-4 * np.abs(moved).max())


def test_conjugate_gradients_that_do_not_end_say_so() -> None:
    spectrum = np.logspace(0.0, 16.0, 5_000)
    with pytest.raises(ConvergenceError, match=r"residual of 1e-11 .* after 2000 steps"):
        discriminative._conjugate(lambda one: spectrum * one, np.outer([1.0, -1.0], np.ones(5_000)))


@pytest.mark.parametrize("classes", [2, 3])
def test_at_whole_guesses_the_worth_is_that_of_the_definition(classes: int) -> None:
    this = problem(3, classes=classes, penalty=1.0)
    question = as_question(this)
    for batch, labels in [((0, 4), (1, 0)), ((2, 3), (1, 1))]:
        guesses = np.zeros((6, classes))
        guesses[list(batch), list(labels)] = 1.0
        assert this.state(guesses).value == pytest.approx(
            worth_with_labels(question, batch, labels), abs=1e-7
        )


def test_the_worth_without_labels_is_minus_the_entropy_that_is_left() -> None:
    this = problem(3, has_label_term=False, entropy_weight=2.0, others=3)
    guesses = np.zeros((6, 2))
    guesses[1, 0] = 1.0
    state = this.state(guesses)
    rest = np.concatenate([np.delete(this.candidates, 1, axis=0), this.others])
    proba = np.asarray(softmax(rest @ state.matrix.T))
    assert state.value == pytest.approx(2.0 * float((proba * np.log(proba)).sum()), rel=1e-12)


def test_the_local_model_is_exact_to_first_order() -> None:
    this = problem(4, classes=3)
    state = this.state(guessed(this, 1))
    gradient, response = this.gradient(state)
    change = np.random.default_rng(0).normal(size=gradient.shape)
    along = this.along(state, change, response(change))
    assert along(0.0) == pytest.approx(state.value, rel=1e-12)
    slope = (along(1e-5) - along(-1e-5)) / 2e-5
    assert slope == pytest.approx(float((gradient * change).sum()), rel=1e-6)


@pytest.mark.parametrize(("classes", "cap"), [(2, 2), (2, 3), (3, 1), (1, 3)])
def test_every_step_stays_inside_and_none_goes_down(classes: int, cap: int) -> None:
    for seed in range(2):
        this = problem(seed, classes=max(classes, 2), entropy_weight=3.0)
        proba = predicted(this)
        polytope = Polytope(6, classes, 3, cap)
        expected = {
            "spread": lambda at, p=proba: at * p,
            "back": lambda g, p=proba: (g * p).sum(1, keepdims=True),
        }
        how = expected if classes == 1 else {}
        values: tuple[float, ...] = ()
        for steps in (1, 2, 3, 5, 8, 12):
            summit = climb(this, polytope, polytope.even(), steps=steps, **how)
            assert polytope.excess(summit.point) <= 1e-8
            assert summit.values[: len(values)] == values
            values = summit.values
            assert (np.diff(values) >= 0.0).all()
            assert summit.state.value == values[-1]


@pytest.mark.parametrize("start", ["even", "corner"])
def test_at_a_summit_no_corner_promises_more(start: str) -> None:
    this = problem(5, classes=3)
    polytope = Polytope(6, 3, 2, 2)
    point = polytope.even() if start == "even" else polytope.corner(np.array([0, 1]), np.array([0, 1]))
    summit = climb(this, polytope, point, steps=200)
    assert summit.is_reached
    # the step that ends it is below 1e-4 in each entry
    assert summit.gap <= 1e-2


def test_an_ascent_that_is_cut_short_says_what_might_be_left() -> None:
    this = problem(5, classes=3, entropy_weight=10.0)
    polytope = Polytope(6, 3, 2, 2)
    summit = climb(this, polytope, polytope.even(), steps=1)
    assert not summit.is_reached
    best = climb(this, polytope, polytope.even(), steps=200)
    assert summit.gap > 0.05 * (1.0 + abs(summit.state.value))
    assert best.state.value > summit.state.value


def test_frank_and_wolfe_take_over_where_the_quadratic_model_is_too_large(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from nextlabel.maths import ascent

    this = problem(6, n=8)
    polytope = Polytope(8, 2, 2, 2)
    quadratic = climb(this, polytope, polytope.even(), steps=200)
    monkeypatch.setattr(ascent, "_QUADRATIC", 15)
    plain = climb(this, polytope, polytope.even(), steps=200)
    assert polytope.excess(plain.point) <= 1e-8
    assert (np.diff(plain.values) >= 0.0).all()
    assert plain.values != quadratic.values
    assert plain.state.value > this.state(polytope.even()).value
    assert plain.is_reached


def test_a_whole_pool_is_climbed_too() -> None:
    this = problem(7, classes=3, n=4)
    polytope = Polytope(4, 3, 4, 4)
    summit = climb(this, polytope, polytope.even())
    assert polytope.excess(summit.point) <= 1e-8
    assert summit.state.value > this.state(polytope.even()).value


def improved(this: BatchProblem, polytope: Polytope, tries: int) -> Whole:
    def evaluated(items: Places, classes: Places, near: State) -> Whole:
        state = this.state(polytope.corner(items, classes), near.matrix)
        return Whole(items, classes, state.value, state)

    first = this.state(polytope.corner(np.array([0, 1]), np.array([0, 1])))
    given = Whole(np.array([0, 1]), np.array([0, 1]), first.value, first)
    return exchanged(
        polytope,
        given,
        evaluated=evaluated,
        slopes=lambda batch: this.gradient(batch.state)[0],
        tries=tries,
        rounds=50,
    )


def test_no_exchange_makes_an_exchanged_batch_better() -> None:
    for seed in range(3):
        this = problem(seed, classes=3, n=5)
        polytope = Polytope(5, 3, 2, 1)
        found = improved(this, polytope, tries=50)
        point = polytope.corner(found.items, found.classes)
        assert polytope.excess(point) == 0.0
        assert found.value == pytest.approx(this.state(point).value, rel=1e-9)
        for place, item, label in product(range(2), range(5), range(3)):
            items, classes = found.items.copy(), found.classes.copy()
            items[place], classes[place] = item, label
            point = polytope.corner(items, classes)
            if len(set(items)) == 2 and polytope.excess(point) == 0.0:
                assert this.state(point).value <= found.value + 1e-8


@pytest.mark.parametrize("n", [2, 5])  # of two items both are in the batch, and labels alone can change
def test_exchanges_of_a_sum_end_at_the_largest(n: int) -> None:
    """Of a sum that no cap limits: every exchange, of items and of labels, leads to the largest entries."""
    nothing = State(np.zeros((n, 3)), np.zeros((3, 1)), 0.0)
    for seed in range(5):
        gain = np.random.default_rng(seed).normal(size=(n, 3))

        def summed(items: Places, classes: Places, near: State, gain: Floats = gain) -> Whole:
            return Whole(items, classes, float(gain[items, classes].sum()), near)

        def of_sum(_: Whole, gain: Floats = gain) -> Floats:
            return gain

        found = exchanged(
            Polytope(n, 3, 2, 2),
            summed(np.array([0, 1]), np.array([0, 1]), nothing),
            evaluated=summed,
            slopes=of_sum,
            tries=50,
            rounds=50,
        )
        assert found.value == pytest.approx(float(np.sort(gain.max(axis=1))[-2:].sum()))


def test_without_tries_a_batch_stays() -> None:
    found = improved(problem(0), Polytope(6, 2, 2, 2), tries=0)
    assert (found.items.tolist(), found.classes.tolist()) == ([0, 1], [0, 1])


def average(this: BatchProblem, proba: Floats, batch: tuple[int, ...]) -> float:
    """The expected worth of a batch: all label vectors, each as probable as the model says."""
    total = 0.0
    for labels in product(range(proba.shape[1]), repeat=len(batch)):
        guesses = np.zeros_like(proba)
        guesses[list(batch), list(labels)] = 1.0
        total += float(np.prod(proba[list(batch), list(labels)])) * this.state(guesses).value
    return total


def test_the_expected_worth_is_the_average_over_label_vectors() -> None:
    this = problem(8, classes=2)
    proba = predicted(this)
    found = best_batch(this, proba, 2, cap=2, objective="expected")
    assert found.value == pytest.approx(average(this, proba, tuple(found.items.tolist())), rel=1e-9)


def test_by_expectation_no_exchange_makes_the_batch_better() -> None:
    for seed in range(3):
        this = problem(seed + 20, classes=2, n=5)
        proba = predicted(this)
        found = best_batch(this, proba, 2, cap=2, objective="expected", exchanges=10)
        chosen = tuple(sorted(found.items.tolist()))
        assert found.value == pytest.approx(average(this, proba, chosen), rel=1e-9)
        near = [pair for pair in combinations(range(5), 2) if len({*pair, *chosen}) == 3]
        assert found.value >= max(average(this, proba, pair) for pair in near) - 1e-8


def test_expected_scores_are_derivatives_by_the_share_of_an_item() -> None:
    this, length = problem(8, classes=2), 1e-5
    proba = predicted(this)
    found = best_batch(this, proba, 2, cap=2, objective="expected", exchanges=0)
    for item, score in zip(found.items, found.scores, strict=True):
        slope = 0.0
        for labels in product(range(2), repeat=2):
            guesses = np.zeros_like(proba)
            guesses[found.items, labels] = 1.0
            change = np.zeros_like(proba)
            change[item] = length * guesses[item]
            rise = this.state(guesses + change).value - this.state(guesses - change).value
            slope += float(np.prod(proba[found.items, labels])) * rise / (2.0 * length)
        assert score == pytest.approx(slope, rel=1e-5)


def test_sixteen_label_vectors_come_near_the_whole_expectation() -> None:
    this = problem(9, classes=3, n=6)
    proba = predicted(this)
    found = best_batch(this, proba, 3, cap=3, objective="expected", exchanges=0)
    whole = average(this, proba, tuple(sorted(found.items.tolist())))
    values = [
        this.state(Polytope(6, 3, 3, 3).corner(found.items, np.array(labels))).value
        for labels in product(range(3), repeat=3)
    ]
    assert abs(found.value - whole) <= 0.1 * (max(values) - min(values))


def test_the_better_of_two_starts_is_taken() -> None:
    for seed in range(4):
        this = problem(seed + 40, classes=3, entropy_weight=10.0)
        proba = predicted(this)
        alone = [
            best_batch(this, proba, 2, cap=2, starts=(one,), exchanges=0).value for one in ("even", "entropy")
        ]
        assert best_batch(this, proba, 2, cap=2, exchanges=0).value == max(alone)


def test_the_start_by_entropy_is_the_least_sure_items() -> None:
    this = problem(11)
    proba = predicted(this)
    found = best_batch(this, proba, 2, cap=2, starts=("entropy",), steps=0, exchanges=0)
    assert set(found.items) == set(np.argsort(proba.max(axis=1))[:2])


def test_what_the_worth_depends_on_most_comes_first() -> None:
    this = problem(10, classes=2)
    found = best_batch(this, predicted(this), 3, cap=3)
    assert (np.diff(found.scores) <= 0.0).all()


def test_rounding_prefers_the_worthier_of_equal_entries() -> None:
    even = np.full((3, 2), 1.0 / 3.0)
    items, classes = largest_first(Polytope(3, 2, 1, 1), even, np.array([[0.0, 1.0], [3.0, 2.0], [0.0, 0.0]]))
    assert (items.tolist(), classes.tolist()) == ([1], [0])
