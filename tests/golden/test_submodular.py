"""Submodular functions and information measures against their set functions, and on cases done by hand."""

from collections.abc import Mapping
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest

from nextlabel import Signals, build, select
from nextlabel.errors import BatchSizeError, LabelError, ParameterError, SignalError
from nextlabel.maths.axes import Array
from nextlabel.strategies.submodular import Submodular, submodular
from nextlabel.testing.definitions.submodular import cosines, defined, value_of
from nextlabel.testing.laws import Question

FUNCTIONS = ("facility_location", "graph_cut", "log_det")
MEASURES = ("plain", "mutual_information", "conditional_gain", "conditional_mutual_information")
SETS: dict[str, dict[str, Any]] = {
    "plain": {},
    "mutual_information": {"query_classes": (1,)},
    "conditional_gain": {},
    "conditional_mutual_information": {"query_classes": (1,), "private_classes": (0, 2)},
}
FORMS: list[dict[str, Any]] = [
    {"function": function, "measure": measure, **SETS[measure]}
    for function, measure in product(FUNCTIONS, MEASURES)
]
FORMS += [
    {"function": "facility_location", "mutual": "flvmi", **FORMS[1]},
    {"function": "graph_cut", "lam": 2.0},
    {"function": "facility_location", **FORMS[2], "nu": 0.5},
    {"function": "facility_location", **FORMS[3], "eta": 0.8, "nu": 0.6},
    {"function": "facility_location", **FORMS[1], "eta": 0.3},
    {"function": "graph_cut", "lam": 0.4, "nu": 1.5, "measure": "conditional_gain", "private_classes": (2,)},
    {**FORMS[11], "eta": 0.7, "nu": 0.4, "jitter": 1e-3},
    {**FORMS[9], "eta": 0.5},
    {"function": "facility_location", "similarity": "gradient"},
    {"function": "log_det", "similarity": "gradient", "measure": "conditional_gain"},
    {**FORMS[3], "similarity": "gradient", "private_classes": None},
]


def name_of(form: Mapping[str, Any]) -> str:
    return "-".join(f"{value}" for value in form.values())


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def question(seed: int, n: int = 7, *, batch: int = 4, d: int = 3) -> Question:
    """Ties are rare; a zero row and a copy are among the items."""
    draw = rng(seed)

    def some(rows: int) -> dict[str, Array]:
        return {"embedding": draw.normal(size=(rows, d)), "residual": draw.normal(size=(rows, 3)) / 9.0}

    pool = some(n)
    pool["embedding"][1] = 0.0
    pool["embedding"][2] = pool["embedding"][0]
    return Question(pool, batch, labelled=some(6), labels=np.array([0, 1, 2, 0, 1, 2]))


def asked(form: Mapping[str, Any], about: Question, seed: int, **more: Any) -> Any:
    strategy = build("strategy", {"name": "submodular", **form, **more})
    signals = Signals(about.signals, labelled=Signals(about.labelled or {}), labels=about.labels)
    return strategy.pick(signals, about.batch, rng(seed))


@pytest.mark.parametrize("form", FORMS, ids=name_of)
def test_every_form_follows_its_set_function(form: dict[str, Any]) -> None:
    weights = defined(**form).weights
    assert weights is not None
    for seed in range(6):
        about = question(seed)
        picks = asked(form, about, seed)
        for place, item in enumerate(picks.positions):
            assert weights(about, picks.positions[:place].tolist())[item] > 0.0


@pytest.mark.parametrize("form", FORMS, ids=name_of)
def test_scores_are_the_gains_of_the_set_function(form: dict[str, Any]) -> None:
    about = question(3, batch=7)
    picks = asked(form, about, 0)
    value = value_of(about, **form)
    batches = [picks.positions[:k].tolist() for k in range(8)]
    gains = np.diff([value(batch) for batch in batches])
    # a variance of the size of the jitter, 1e-6, is known to about 1e-15, and its logarithm to 1e-9
    np.testing.assert_allclose(picks.scores, gains, atol=1e-7 if form["function"] == "log_det" else 1e-12)


def test_graph_cut_information_lets_copies_in_and_facility_location_does_not() -> None:
    cut = {"function": "graph_cut", "measure": "mutual_information", "query_classes": (1,)}
    location = {**cut, "function": "facility_location", "eta": 0.0}
    about = Question({"embedding": np.array([[1.0, 0.1]] * 2)}, 2, {"embedding": np.eye(2)}, np.array([1, 1]))
    gains = asked(cut, about, 0).scores
    assert gains[0] == pytest.approx(gains[1], abs=1e-15)
    assert gains[0] > 0.5
    assert asked(location, about, 0).scores[1] == 0.0


def test_one_query_item_and_no_eta_pick_its_nearest_neighbour() -> None:
    for seed in range(20):
        pool, query = rng(seed).normal(size=(30, 4)), rng(seed + 100).normal(size=(1, 4))
        near = cosines(np.concatenate([pool, query]))[-1, :-1].argmax()
        picked = submodular(
            pool, 1, labelled=query, labels=np.array([5]), measure="mutual_information",
            query_classes=[5], eta=0.0, rng=rng(),
        )  # fmt: skip
        assert picked.tolist() == [near]


def test_a_copy_of_a_private_item_adds_nothing_to_facility_location() -> None:
    pool = rng(1).normal(size=(12, 3))
    method = Submodular(measure="conditional_gain")
    signals = Signals({"embedding": pool}, labelled=Signals({"embedding": 3.0 * pool[:2]}))
    picks = method.pick(signals, 12, rng())
    gain = dict(zip(picks.positions.tolist(), picks.scores if picks.scores is not None else (), strict=True))
    assert gain[0] == gain[1] == 0.0
    assert picks.positions[0] not in (0, 1)
    first = picks.scores
    assert first is not None
    assert first[0] > 0.0


def test_a_copy_of_a_private_item_spans_no_volume() -> None:
    # its variance given the original: 1 + j - 1/(1 + j), about twice the jitter; and nothing is lower here
    pool = rng(1).normal(size=(6, 9))
    method = Submodular(function="log_det", measure="conditional_gain", jitter=1e-4)
    picks = method.pick(Signals({"embedding": pool}, labelled=Signals({"embedding": pool[:1]})), 6, rng())
    assert picks.positions[-1] == 0
    assert picks.scores is not None
    assert np.exp(picks.scores[-1]) == pytest.approx(1.0001 - 1.0 / 1.0001, rel=0.6)


@pytest.mark.parametrize("measure", MEASURES[1:])
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("labelled", [None, np.empty((0, 3)), rng(9).normal(size=(3, 3))])
def test_an_empty_query_or_private_set_leaves_the_function(
    function: Any, measure: Any, labelled: Any
) -> None:
    pool = rng(2).normal(size=(9, 3))
    # nothing is of the classes named
    options: dict[str, Any] = {"private_classes": (8,)}
    if "mutual" in measure:
        options["query_classes"] = (9,)
    plain = submodular(pool, 5, function=function, rng=rng()).tolist()
    labels = None if labelled is None else np.zeros(len(labelled), np.int64)
    picked = submodular(
        pool, 5, function=function, measure=measure, labelled=labelled, labels=labels, rng=rng(), **options
    )
    assert picked.tolist() == plain


@pytest.mark.parametrize("mutual", ["flqmi", "flvmi"])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_an_empty_private_set_leaves_the_mutual_information(function: Any, mutual: Any) -> None:
    pool, labelled, labels = rng(2).normal(size=(9, 3)), rng(3).normal(size=(2, 3)), np.array([1, 1])
    options: dict[str, Any] = {
        "labelled": labelled,
        "labels": labels,
        "query_classes": (1,),
        "mutual": mutual,
    }
    both = submodular(
        pool, 5, function=function, measure="conditional_mutual_information", rng=rng(), **options
    )
    # the conditional one is summed over the pool
    options["mutual"] = "flvmi"
    alone = submodular(pool, 5, function=function, measure="mutual_information", rng=rng(), **options)
    assert both.tolist() == alone.tolist()


def test_all_labelled_items_but_the_query_are_private_when_nothing_is_said() -> None:
    about = question(5, 9)
    form = {
        "function": "facility_location",
        "measure": "conditional_mutual_information",
        "query_classes": [1],
    }
    left_out = asked(form, about, 0)
    said = asked({**form, "private_classes": [0, 2]}, about, 0)
    assert left_out.positions.tolist() == said.positions.tolist()
    assert left_out.scores.tolist() == said.scores.tolist()


@pytest.mark.parametrize("form", FORMS, ids=name_of)
def test_lazy_and_naive_greedy_are_one_sequence(form: dict[str, Any]) -> None:
    for seed in range(3):
        about = question(seed, 60, batch=25)
        lazy, naive = (asked(form, about, seed, solver=solver) for solver in ("lazy", "naive"))
        assert lazy.positions.tolist() == naive.positions.tolist()
        np.testing.assert_allclose(lazy.scores, naive.scores, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    "form",
    [form for form in FORMS if form["function"] != "log_det" or "mutual" not in form.get("measure", "")],
    ids=name_of,
)
def test_gains_never_rise(form: dict[str, Any]) -> None:
    about = question(4, 30, batch=30)
    assert np.diff(asked(form, about, 0).scores).max() <= 1e-7


def test_what_log_determinants_share_with_a_query_can_rise() -> None:
    """Two items that together tell of the query what neither tells alone: so no lazy bounds there."""
    # the query is the difference of two items at a right angle; the first tells of it by half, both all
    pool = np.array([[1.0, 0.0], [0.0, 1.0]])
    about = Question({"embedding": pool}, 2, {"embedding": np.array([[1.0, -1.0]])}, np.array([1]))
    form = {"function": "log_det", "measure": "mutual_information", "query_classes": (1,), "jitter": 1e-3}
    gains = asked(form, about, 0).scores
    assert gains[1] > gains[0] + 1.0
    assert gains.min() > 0.0


def test_greedy_is_near_the_best_of_all_batches() -> None:
    """At least 1 − 1/e of the optimum for monotone submodular forms, all of which are 0 on the empty set."""
    monotone = [form for form in FORMS if form["function"] != "log_det" and form.get("lam", 0.5) <= 0.5]
    for form, seed in product(monotone, range(3)):
        if form["function"] == "graph_cut" and form.get("measure") == "conditional_gain":
            continue  # a private set can make a gain negative
        about = question(seed, 8, batch=3)
        value = value_of(about, **form)
        best = max(value(list(batch)) for batch in combinations(range(8), 3))
        assert value(asked(form, about, 0).positions.tolist()) >= (1.0 - 1.0 / np.e) * best - 1e-12


def test_a_batch_is_filled_where_every_gain_is_negative() -> None:
    about = question(2, 12, batch=12)
    picks = asked({"function": "graph_cut", "lam": 5.0}, about, 0)
    assert sorted(picks.positions.tolist()) == list(range(12))
    assert picks.scores[-1] < -5.0
    volume = asked({"function": "log_det"}, about, 0)
    # three dimensions, and then nothing but the jitter is left
    assert (volume.scores[:3] > -5.0).all()
    assert (volume.scores[3:] < -10.0).all()


def test_log_determinants_begin_near_the_middle_of_the_pool() -> None:
    turns = np.array([0.0, 0.5, 0.9, 1.2])
    circle = np.column_stack([np.cos(turns), np.sin(turns)])
    for seed in range(10):  # all are equal at first; the mean direction is at about 0.65
        assert submodular(circle, 2, function="log_det", rng=rng(seed)).tolist()[0] == 1


def test_gradients_are_compared_as_outer_products() -> None:
    about = question(6, 15, batch=9)
    gradient = asked({"similarity": "gradient"}, about, 0).positions.tolist()
    written = np.einsum("nc,nd->ncd", about.signals["residual"], about.signals["embedding"]).reshape(15, -1)
    assert submodular(written, 9, rng=rng()).tolist() == gradient
    residual, embedding = about.signals["residual"], about.signals["embedding"]
    assert submodular(embedding, 9, residual=residual, rng=rng()).tolist() == gradient
    assert asked({}, about, 0).positions.tolist() != gradient
    seen = about.labelled or {}
    given = submodular(
        embedding, 9, residual=residual, measure="conditional_gain", labelled=seen["embedding"],
        labelled_residual=seen["residual"], rng=rng(),
    )  # fmt: skip
    expected = asked({"similarity": "gradient", "measure": "conditional_gain"}, about, 0).positions
    assert given.tolist() == expected.tolist()


def test_scaling_an_item_changes_nothing() -> None:
    about = question(7, 15, batch=9)
    scales = 2.0 ** rng(1).integers(-300, 300, size=(15, 1))
    for form in FORMS[::3]:
        straight = asked(form, about, 0).positions.tolist()
        moved = Question(
            {**about.signals, "embedding": about.signals["embedding"] * scales},
            9,
            about.labelled,
            about.labels,
        )
        assert asked(form, moved, 0).positions.tolist() == straight


def test_random_parts_find_most_of_what_all_items_give() -> None:
    about = question(8, 200, batch=20)
    value = value_of(about)
    lazy, part = (asked({"solver": solver}, about, 1).positions for solver in ("lazy", "stochastic"))
    assert len(set(part.tolist())) == 20
    assert lazy.tolist() != part.tolist()
    assert value(part.tolist()) >= 0.9 * value(lazy.tolist())
    assert Submodular(solver="stochastic").is_random
    assert not Submodular().is_random


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"function": "cut"}, "Submodular's 'function' must be 'facility_location', .* received 'cut'"),
        ({"measure": "gain"}, "Submodular's 'measure' must be 'plain', .* received 'gain'"),
        ({"similarity": "x"}, "Submodular's 'similarity' must be 'embedding' or 'gradient'; received 'x'"),
        ({"mutual": "flmi"}, "Submodular's 'mutual' must be 'flqmi' or 'flvmi'; received 'flmi'"),
        ({"solver": "exact"}, "Submodular's 'solver' must be .* received 'exact'"),
        ({"eta": -1.0}, "Submodular's 'eta' must be a finite number of at least 0; received -1.0"),
        ({"nu": float("inf")}, "Submodular's 'nu' must be a finite number of at least 0; received inf"),
        ({"function": "log_det", "eta": 1.5}, "'eta' must be a number of at least 0 and at most 1; .* 1.5"),
        ({"function": "log_det", "nu": 1.5}, "'nu' must be a number of at least 0 and at most 1; .* 1.5"),
        ({"lam": -0.1}, "Submodular's 'lam' must be a finite number of at least 0; received -0.1"),
        ({"jitter": 0.0}, "Submodular's 'jitter' must be a finite number of at least 1e-08; received 0.0"),
        ({"missed": 1.0}, "Submodular's 'missed' must be a number above 0 and below 1; received 1.0"),
        ({"query_classes": "ab"}, "'query_classes' must be whole numbers from 0 up; received 'ab'"),
        ({"query_classes": 3}, "'query_classes' must be whole numbers from 0 up; received 3"),
        ({"private_classes": (-1,)}, "'private_classes' must be a whole number from 0 up; received -1"),
        (
            {"measure": "mutual_information"},
            "measure 'mutual_information' needs 'query_classes'.* received None",
        ),
        (
            {"measure": "conditional_mutual_information", "query_classes": ()},
            r"measure 'conditional_mutual_information' needs 'query_classes'.* received \(\)",
        ),
        (
            {"query_classes": (1, 2), "private_classes": (2, 3)},
            r"no class in common; received \[2\] in both",
        ),
    ],
)
def test_parameters_that_make_no_sense_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        Submodular(**wrong)
    with pytest.raises(ParameterError, match=message):
        select({"name": "submodular", **wrong}, embedding=np.eye(2), batch=1, seed=0)


def test_labels_are_needed_where_classes_are_named() -> None:
    method = Submodular(measure="mutual_information", query_classes=(1,))
    with pytest.raises(
        LabelError, match=r"query_classes=\(1,\) and private_classes=None .* received 2 labelled"
    ):
        select(method, embedding=np.eye(2), labelled={"embedding": np.eye(2)}, batch=1, seed=0)
    # all labelled items, whatever their class
    every = Submodular(measure="conditional_gain")
    assert len(select(every, embedding=np.eye(2), labelled={"embedding": np.eye(2)}, batch=1, seed=0)) == 1


def test_bad_arrays_are_refused() -> None:
    with pytest.raises(BatchSizeError, match="the 2 items at hand; received 3"):
        submodular(np.eye(2), 3, rng=rng())
    with pytest.raises(SignalError, match="'labelled' and 'embedding' must agree on axis 'd'"):
        submodular(np.eye(2), 1, labelled=np.eye(3), rng=rng())
    with pytest.raises(SignalError, match="'residual' and 'embedding' must agree on axis 'n'"):
        submodular(np.eye(2), 1, residual=np.eye(3), rng=rng())
    with pytest.raises(ParameterError, match="needs the residual of the labelled items too; received none"):
        submodular(np.eye(2), 1, residual=np.eye(2), labelled=np.eye(2), rng=rng())
