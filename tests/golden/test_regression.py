"""Softmax regression: closed forms, derivatives, the way to an entropy term, fits without a solution."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nextlabel.errors import ConvergenceError, ParameterError, SignalError
from nextlabel.maths import solvers
from nextlabel.maths.regression import SoftmaxHead, gradient, hessian, objective, softmax_regression
from nextlabel.maths.softmax import Problem, with_ones
from nextlabel.maths.solvers import climbed, newton

Floats = NDArray[np.float64]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def drawn(seed: int, c: int, d: int, rows: int) -> tuple[Floats, Floats]:
    """Features and one-hot targets; each class has some, and none can be told from another for certain."""
    draw = rng(seed)
    return draw.standard_normal((rows, d)), np.eye(c)[np.arange(rows) % c]


def some_head(seed: int, c: int, d: int) -> SoftmaxHead:
    draw = rng(seed + 100)
    return SoftmaxHead(draw.standard_normal((c, d)), draw.standard_normal(c))


def differences(function: Any, head: SoftmaxHead, step: float = 1e-5) -> Floats:
    """Central differences of a function of a head, in the order of its matrix."""
    matrix = head.matrix
    found = []
    for place in np.ndindex(*matrix.shape):
        moved = []
        for sign in (1.0, -1.0):
            there = matrix.copy()
            there[place] += sign * step
            moved.append(np.asarray(function(SoftmaxHead.of_matrix(there))))
        found.append((moved[0] - moved[1]) / (2.0 * step))
    return np.array(found)


TERMS: list[dict[str, Any]] = [
    {"penalty": 0.7},
    {"penalty": 0.7, "bias_penalty": np.array([0.0, 2.0, 0.3])},
    {"penalty": 0.2, "unlabelled": rng(5).standard_normal((7, 2)), "entropy_weight": 0.9},
    {
        "penalty": 0.2,
        "unlabelled": rng(5).standard_normal((7, 2)),
        "entropy_weight": -2.0,
        "reduction": "mean",
    },
]


@pytest.mark.parametrize("terms", TERMS)
def test_the_gradient_is_that_of_central_differences(terms: dict[str, Any]) -> None:
    # fractional targets, whose rows do not sum to one
    features, targets = rng(1).standard_normal((9, 2)), rng(2).random((9, 3))
    head = some_head(1, 3, 2)
    found = gradient(head, features, targets, **terms)
    expected = differences(lambda one: objective(one, features, targets, **terms), head)
    np.testing.assert_allclose(found.ravel(), expected, atol=1e-6 * np.abs(found).max())


@pytest.mark.parametrize("terms", TERMS[:2])
def test_the_hessian_is_that_of_central_differences(terms: dict[str, Any]) -> None:
    features, targets = rng(1).standard_normal((9, 2)), rng(2).random((9, 3))
    head = some_head(1, 3, 2)
    found = hessian(head, features, targets, **terms)
    expected = -differences(lambda one: gradient(one, features, targets, **terms).ravel(), head)
    # but for shifts of all classes alike, whose curvature is a choice
    apart = np.kron(np.eye(3) - 1.0 / 3.0, np.eye(3))
    np.testing.assert_allclose(apart @ found @ apart, apart @ expected @ apart, atol=1e-8)
    np.testing.assert_allclose(apart @ found, found @ apart, atol=1e-12)
    assert np.linalg.eigvalsh(found).min() > 0.0
    steps = np.linalg.solve(found, gradient(head, features, targets, **terms).ravel() @ apart)
    np.testing.assert_allclose(steps.reshape(3, 3).sum(axis=0), 0.0, atol=1e-12)


def test_two_classes_have_the_closed_forms_of_a_logit() -> None:
    # logit t = (w₁ − w₀)·x: dH/dt = −t·σ(t)·σ(−t), and ∇ log p₊ = σ(−t)·x
    for t in (-3.0, -0.2, 0.0, 1.5):
        head = SoftmaxHead(np.array([[0.0], [t]]), np.zeros(2))
        above, below = 1.0 / (1.0 + np.exp(-t)), 1.0 / (1.0 + np.exp(t))
        none = np.empty((0, 1)), np.empty((0, 2))
        of_entropy = gradient(head, *none, penalty=0.0, unlabelled=[[1.0]], entropy_weight=1.0)
        np.testing.assert_allclose(of_entropy[1, 0], t * above * below, atol=1e-15)
        of_label = gradient(head, [[1.0]], [[0.0, 1.0]], penalty=0.0)
        np.testing.assert_allclose(of_label[1], [below, below], atol=1e-15)


def test_many_classes_have_the_slope_of_entropy_by_logits() -> None:
    # dH/du_k = −p_k (log p_k + H)
    head = some_head(3, 4, 1)
    none = np.empty((0, 1)), np.empty((0, 4))
    found = gradient(head, *none, penalty=0.0, unlabelled=[[1.0]], entropy_weight=1.0)[:, 0]
    log_proba = head.log_proba([[1.0]])[0]
    entropy = -(np.exp(log_proba) * log_proba).sum()
    np.testing.assert_allclose(found, np.exp(log_proba) * (log_proba + entropy), atol=1e-15)


def test_without_features_the_bias_gives_the_class_frequencies() -> None:
    head = softmax_regression(np.zeros((4, 1)), np.eye(3)[[0, 0, 1, 2]], penalty=1.0)
    np.testing.assert_allclose(np.exp(head.log_proba([[0.0]]))[0], [0.5, 0.25, 0.25], atol=1e-12)
    assert abs(head.bias.sum()) < 1e-12
    weighted = softmax_regression(np.zeros((2, 1)), [[0.6, 0.1], [0.0, 0.3]], penalty=1.0)
    np.testing.assert_allclose(np.exp(weighted.log_proba([[0.0]]))[0], [0.6, 0.4], atol=1e-12)


@pytest.mark.parametrize(("c", "d", "rows"), [(3, 2, 30), (5, 6, 40)])
def test_without_entropy_it_is_ridge_logistic_regression(c: int, d: int, rows: int) -> None:
    from sklearn.linear_model import LogisticRegression

    features, targets = drawn(2, c, d, rows)
    theirs = LogisticRegression(C=1.0 / 0.6, tol=1e-10, max_iter=10_000).fit(features, targets.argmax(axis=1))
    ours = softmax_regression(features, targets, penalty=0.6)
    np.testing.assert_allclose(ours.weights, theirs.coef_ - theirs.coef_.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(ours.bias, theirs.intercept_ - theirs.intercept_.mean(), atol=1e-6)
    none_of_it = softmax_regression(
        features, targets, penalty=0.6, unlabelled=features, entropy_weight=0.0, reduction="sum"
    )
    assert (none_of_it.matrix == ours.matrix).all()


def test_both_solvers_find_one_solution_from_anywhere() -> None:
    features, targets = drawn(3, 3, 4, 50)
    head = softmax_regression(features, targets, penalty=0.3)
    from_afar = softmax_regression(features, targets, penalty=0.3, start=some_head(1, 3, 4))
    np.testing.assert_allclose(from_afar.matrix, head.matrix, atol=1e-8)
    problem = Problem(with_ones(features), targets, np.empty((0, 5)), 0.3, np.zeros(3))
    start = np.zeros(problem.shape)
    np.testing.assert_allclose(climbed(problem, start, 1e-9), newton(problem, start, 1e-9), atol=1e-6)


def test_many_weights_are_fitted_by_gradients() -> None:
    features, targets = rng(1).standard_normal((30, 300)), np.eye(6)[np.arange(30) % 6]
    head = softmax_regression(features, targets, penalty=2.0)
    slope = gradient(head, features, targets, penalty=2.0)
    assert np.abs(slope).max() < 1e-5
    # strongly concave: so small a gradient is so near the solution
    assert (np.exp(head.log_proba(features)) * targets).sum(axis=1).mean() > 0.5


def test_mean_reduction_is_the_sum_with_other_weights() -> None:
    features, targets = drawn(4, 2, 3, 10)
    others = rng(5).standard_normal((25, 3))
    mean = softmax_regression(
        features, targets, penalty=0.1, unlabelled=others, entropy_weight=0.5, reduction="mean"
    )
    total = softmax_regression(
        features, targets, penalty=1.0, unlabelled=others, entropy_weight=0.5 * 10 / 25
    )
    np.testing.assert_allclose(mean.matrix, total.matrix, atol=1e-5)


def pool_entropy(head: SoftmaxHead, features: Floats) -> float:
    log_proba = head.log_proba(features)
    return float(-(np.exp(log_proba) * log_proba).sum())


def blobs(seed: int) -> tuple[Floats, Floats]:
    """Two labelled items, badly placed in their blobs, and two hundred without labels."""
    draw = rng(seed)
    features = np.concatenate([draw.normal(-2.0, 0.5, (100, 1)), draw.normal(3.0, 0.5, (100, 1))])
    return features, np.array([[-3.5], [2.0]])


def test_the_boundary_moves_into_the_gap_as_entropy_counts_more() -> None:
    others, seen = blobs(0)
    gap = 0.5 * (others[others < 0.5].max() + others[others > 0.5].min())
    boundary, entropy = [], []
    for weight in (0.0, 0.01, 0.1, 1.0):
        head = softmax_regression(seen, np.eye(2), penalty=0.1, unlabelled=others, entropy_weight=weight)
        boundary.append(float((head.bias[0] - head.bias[1]) / (head.weights[1] - head.weights[0])[0]))
        entropy.append(pool_entropy(head, others))
    assert boundary[0] == pytest.approx(-0.75, abs=1e-9)  # half way between the two labels
    away = np.abs(np.array(boundary) - gap)
    assert (np.diff(away) < 0.0).all()
    assert (np.diff(entropy) < 0.0).all()
    assert others[others < 0.5].max() < boundary[-1] < others[others > 0.5].min()


@pytest.mark.parametrize("seed", range(5))
def test_entropy_that_is_wanted_grows_and_that_is_not_shrinks(seed: int) -> None:
    features, targets = drawn(seed, 3, 2, 9)
    others = rng(seed + 50).standard_normal((40, 2))
    more, plain, less = (
        pool_entropy(
            softmax_regression(features, targets, penalty=0.5, unlabelled=others, entropy_weight=weight),
            others,
        )
        for weight in (-0.3, 0.0, 0.3)
    )
    assert more > plain > less


def test_the_best_pool_entropy_never_grows_with_its_weight() -> None:
    # the global optimum by many starts: for α < α′, optimality of both gives H(w′) ≤ H(w)
    features, targets = drawn(7, 2, 1, 6)
    others = rng(8).standard_normal((15, 1))
    problem = Problem(with_ones(features), targets, with_ones(others), 0.5, np.zeros(2))
    found = []
    for weight in (0.0, 0.05, 0.2, 0.5, 1.0, 3.0):
        one = problem.weighted(weight)
        starts = [np.zeros((2, 2))] + [
            side * np.array([[a, b], [-a, -b]]) for a in (0, 1, -2) for b in (0, 2, -4) for side in (0.5, 2)
        ]
        ends = [climbed(one, start, 1e-9) for start in starts]
        best = max(ends, key=lambda end: one.value_and_gradient(end)[0])
        found.append(pool_entropy(SoftmaxHead.of_matrix(best), others))
    assert (np.diff(found) <= 1e-6).all()
    assert found[-1] < 0.5 * found[0]


def test_separable_classes_without_penalty_have_no_solution() -> None:
    for features, labels in (
        ([[0.0], [1.0]], [0, 1]),
        ([[0.0, 1.0], [1.0, 1.0], [1.0, 1.0], [2.0, 2.0]], [0, 1, 0, 1]),  # apart but for a tie
    ):
        with pytest.raises(
            ConvergenceError, match=r"the last one moved a weight by .*can be separated: give one above 0"
        ):
            softmax_regression(features, np.eye(2)[labels], penalty=0.0)
    for penalty in (0.0, 1.0):  # the bias of a class without a target goes down and down
        with pytest.raises(ConvergenceError, match="Class 2 has neither a target nor a penalty"):
            softmax_regression([[0.0], [0.0]], np.eye(3)[:2], penalty=penalty, bias_penalty=np.zeros(3))


def test_collinear_features_without_penalty_have_the_shortest_solution() -> None:
    line = np.array([-1.0, 0.5, 1.0, 2.0])
    targets = np.eye(2)[[0, 1, 0, 1]]
    alone = softmax_regression(line[:, None], targets, penalty=0.0)
    twice = softmax_regression(np.column_stack([line, 2.0 * line]), targets, penalty=0.0)
    np.testing.assert_allclose(
        alone.log_proba(line[:, None]), twice.log_proba(np.outer(line, [1, 2])), atol=1e-9
    )
    np.testing.assert_allclose(twice.weights[:, 1], 2.0 * twice.weights[:, 0], atol=1e-12)
    np.testing.assert_allclose(gradient(alone, line[:, None], targets, penalty=0.0), 0.0, atol=1e-9)


def test_where_only_rounding_is_left_the_place_is_given() -> None:
    features, targets = drawn(3, 3, 4, 50)
    problem = Problem(with_ones(features), targets, np.empty((0, 5)), 0.3, np.zeros(3))
    start = np.zeros(problem.shape)
    expected = newton(problem, start, 1e-9)
    for solver in (newton, climbed):  # no step and no gradient is ever as small as that
        np.testing.assert_allclose(solver(problem, start, 1e-300), expected, atol=1e-6)


def test_large_features_are_no_reason_to_give_up() -> None:
    features, targets = drawn(4, 3, 4, 30)
    for scale in (1e4, 1e7):
        head = softmax_regression(features * scale, targets, penalty=1.0)
        plain = softmax_regression(features, targets, penalty=1.0 / scale**2)
        np.testing.assert_allclose(head.weights * scale, plain.weights, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("penalty", "advice"),
    [(0.0, "give one above 0"), (1e-3, "Bring the features to one scale, or give a larger penalty")],
)
def test_a_climb_that_ends_too_early_is_an_error_and_not_a_stale_answer(
    penalty: float, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(solvers, "_CLIMBS", 2)
    monkeypatch.setattr(solvers, "_RUNS", 1)
    features, targets = drawn(3, 3, 4, 50)
    problem = Problem(with_ones(features), targets, np.empty((0, 5)), penalty, np.zeros(3))
    with pytest.raises(
        ConvergenceError, match=rf"it ended with an entry of \d.* is its natural size.*{advice}"
    ):
        climbed(problem, np.zeros(problem.shape), 1e-9)


def test_a_class_without_targets_has_a_penalty_on_its_bias() -> None:
    features = np.zeros((5, 1))
    head = softmax_regression(features, np.eye(3)[[0, 0, 0, 1, 1]], penalty=0.5)
    # biases sum to zero, so d/db of ½ λ (b − mean)² is λ b (1 − 1/3), and that of the likelihood −5 p
    absent = np.exp(head.log_proba([[0.0]]))[0, 2]
    assert 5.0 * absent == pytest.approx(-0.5 * head.bias[2] * (1.0 - 1.0 / 3.0), abs=1e-9)
    free = softmax_regression(features, np.eye(3)[[0, 0, 0, 1, 2]], penalty=0.5)
    np.testing.assert_allclose(np.exp(free.log_proba([[0.0]]))[0], [0.6, 0.2, 0.2], atol=1e-10)


def test_one_class_alone_and_no_rows_have_a_solution() -> None:
    alone = softmax_regression([[1.0], [2.0]], np.eye(3)[[1, 1]], penalty=1.0)
    assert alone.log_proba([[1.5]]).argmax() == 1
    only = softmax_regression([[1.0], [2.0]], np.ones((2, 1)), penalty=1.0)
    assert only.log_proba([[1.5]]).tolist() == [[0.0]]
    nothing = softmax_regression(np.empty((0, 2)), np.empty((0, 3)), penalty=1.0)
    assert not nothing.matrix.any()


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"targets": [[1.0, -0.5]]}, SignalError, "weights from 0 up; row 0 holds -0.5"),
        ({"targets": [[1.0, 0.0]] * 2}, SignalError, "'targets' and 'features' must agree on axis 'l'"),
        ({"features": [[np.nan]]}, SignalError, "'features' must be finite; row 0"),
        ({"penalty": -1.0}, ParameterError, "'penalty' must be a finite number of at least 0; received -1.0"),
        (
            {"entropy_weight": np.inf},
            ParameterError,
            "'entropy_weight' must be a finite number; received inf",
        ),
        ({"reduction": "max"}, ParameterError, "'reduction' must be 'sum' or 'mean'; received 'max'"),
        ({"tolerance": 0.0}, ParameterError, "'tolerance' must be a finite number above 0; received 0.0"),
        ({"bias_penalty": [1.0]}, SignalError, "'bias_penalty' and 'targets' must agree on axis 'c'"),
        ({"start": some_head(0, 2, 3)}, SignalError, "2 classes and 1 features was expected; .* of 2 and 3"),
        ({"unlabelled": [[1.0, 2.0]]}, SignalError, "'unlabelled' and 'features' must agree on axis 'd'"),
    ],
)
def test_wrong_arguments_are_refused(wrong: dict[str, Any], error: type[Exception], message: str) -> None:
    given: dict[str, Any] = {"features": [[1.0]], "targets": [[1.0, 0.0]], "penalty": 1.0, **wrong}
    with pytest.raises(error, match=message):
        softmax_regression(given.pop("features"), given.pop("targets"), **given)
