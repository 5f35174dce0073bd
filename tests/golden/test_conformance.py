"""Every strategy against its plain definition, and faults of every kind against the examination."""

from functools import partial
from typing import Any

import numpy as np
import pytest

from nextlabel import names, select
from nextlabel.errors import ParameterError, UnknownName
from nextlabel.testing.conformance import PROMISES, definition_of, examine, memory_of
from nextlabel.testing.definitions.submodular import MEASURES
from nextlabel.testing.faults import PLANTED, follow
from nextlabel.testing.laws import Definition, Question, uniform
from nextlabel.testing.twins import TWINS

FEW = 160  # draws: the full number is tried in tests/statistics
FAMILIES = ("badge", "coreset", "margin")
NOT_OF = {
    "badge": {"sequence", "worth"},  # a law: 'law' says more
    "coreset": {"law", "worth", "zeros_and_ones"},
    "margin": {"law", "worth"},
}
PLANTS = [(name, promise) for name in FAMILIES for promise in PROMISES if promise not in NOT_OF[name]]


def ours(name: str) -> Any:
    return partial(select, {"name": name, **definition_of(name).parameters})


@pytest.mark.parametrize("name", names("strategy"))
def test_every_registered_strategy_keeps_what_its_definition_promises(name: str) -> None:
    found = examine(ours(name), name, memory=memory_of(name), draws=FEW)
    assert found.name == name
    assert found.is_kept, found.text()
    assert {one.promise for one in found if one.outcome == "kept"} >= {"distinct", "seed", "memory", "ties"}
    assert any(found.of(one).outcome == "kept" for one in ("law", "sequence", "worth"))


@pytest.mark.parametrize(("name", "promise"), PLANTS)
def test_a_planted_fault_breaks_the_promise_it_is_planted_for(name: str, promise: str) -> None:
    definition = definition_of(name)
    spoilt = PLANTED[promise](ours(name), definition)
    memory = memory_of(name) if promise == "memory" else None
    verdict = examine(spoilt, definition, memory=memory, promises={promise})[0]
    assert verdict.outcome == "broken", verdict


@pytest.mark.parametrize("key", MEASURES)
def test_every_submodular_measure_keeps_what_its_definition_promises(key: str) -> None:
    one = MEASURES[key]
    found = examine(partial(select, {"name": "submodular", **one.parameters}), one)
    assert found.is_kept, found.text()


def test_there_is_a_fault_for_every_promise() -> None:
    assert PLANTED.keys() == PROMISES.keys()


@pytest.mark.parametrize("key", [key for key, twin in TWINS.items() if twin.breaks != "law"])
def test_a_faulty_twin_breaks_the_promise_it_is_known_to_break(key: str) -> None:
    twin = TWINS[key]
    memory = memory_of(twin.of) if twin.breaks == "memory" else None
    assert examine(twin.pick, twin.definition, memory=memory, promises={twin.breaks}).broken == (twin.breaks,)


@pytest.mark.parametrize("name", ["badge", "bald", "coreset", "probcover", "stochastic"])
def test_following_a_definition_keeps_its_promises(name: str) -> None:
    definition = definition_of(name)
    found = examine(follow(definition), definition, draws=FEW)
    assert found.is_kept, found.text()


def test_the_smallest_input_is_small_and_shows_the_fault_when_copied() -> None:
    def least_confident(*, batch: int, seed: int, proba: Any) -> Any:
        return np.argsort(np.asarray(proba).max(axis=1))[:batch]

    verdict = examine(least_confident, "margin").of("sequence")
    assert verdict.smallest is not None
    assert verdict.smallest.signals["proba"].shape == (2, 3)  # with two classes it is the same as the margin
    assert verdict.smallest.batch == 1
    picks = eval(verdict.call, {"pick": least_confident, "np": np})
    wanted = eval(verdict.call, {"pick": ours("margin"), "np": np})
    assert picks.tolist() != wanted.tolist()
    assert verdict.says.startswith(f"pick 1 was item {picks[0]}; the definition admits item {wanted[0]}")


def test_labelled_rows_and_labels_are_handed_over_and_written_down() -> None:
    seen: list[set[str]] = []

    def pick(*, batch: int, seed: int, **given: Any) -> list[int]:
        seen.append({*given})
        return list(range(batch))[::-1]

    definition = Definition(
        "first",
        frozenset({"embedding"}),
        frozenset({"embedding"}),
        weights=lambda question, picked: uniform(question.n, [*picked, *range(len(picked) + 1, question.n)]),
        is_law=False,
        reads_labels=True,
    )
    verdict = examine(pick, definition).of("sequence")
    assert {"embedding", "labelled", "labels"} in seen
    assert "labelled={'embedding': np.array([[" in verdict.call
    assert "labels=np.array([" in verdict.call


def worth(question: Question, batch: Any) -> float:
    """How far the farthest item is from the batch, less is better."""
    points = question.signals["embedding"]
    return -float(np.min([np.linalg.norm(points - points[one], axis=1) for one in batch], axis=0).max())


CENTRES = Definition("centres", frozenset({"embedding"}), worth=worth, share=0.5)


def test_a_method_that_looks_at_whole_batches_is_held_to_their_worth() -> None:
    def best(*, batch: int, seed: int, embedding: Any) -> list[int]:
        from itertools import combinations

        question = Question({"embedding": np.asarray(embedding)}, batch)
        order = np.random.default_rng(seed).permutation(len(embedding)).tolist()
        return list(max(combinations(order, batch), key=lambda one: worth(question, one)))

    found = examine(best, CENTRES, promises={"sequence", "worth", "permutation"})
    assert (found.of("worth").outcome, found.of("permutation").outcome) == ("kept", "kept")
    assert found.of("sequence").says == "whole batches count, see 'worth'"
    broken = examine(PLANTED["worth"](best, CENTRES), CENTRES, promises={"worth"})[0]
    assert broken.outcome == "broken"
    assert "is worth" in broken.says


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda n, batch: list(range(batch + 1)), r"expected 1 positions; received 2"),
        (lambda n, batch: [*range(n, n + batch)], r"expected positions in 0\.\.0; received \(1,\)"),
        (lambda n, batch: [0.5] * batch, "whole numbers; received shape .* of type float64"),
        (lambda n, batch: [[0], [0, 1]], "the answer is no array"),
        (lambda n, batch: 1 // 0, "it raised ZeroDivisionError: integer division or modulo by zero"),
        (lambda n, batch: [0] * batch, "a position came twice"),
    ],
)
def test_answers_of_a_wrong_form_are_told(answer: Any, says: str) -> None:
    import re

    def pick(*, batch: int, seed: int, proba: Any) -> Any:
        return answer(len(proba), batch)

    verdict = examine(pick, "margin", promises={"distinct"})[0]
    assert verdict.outcome == "broken"
    assert re.search(says, verdict.says), verdict.says


def test_whole_numbers_in_floats_and_lists_are_positions() -> None:
    def pick(**call: Any) -> Any:
        return [float(one) for one in ours("margin")(**call)]

    assert examine(pick, "margin").is_kept


def test_an_error_for_want_of_an_argument_breaks_every_promise_that_asks() -> None:
    def pick(*, batch: int) -> list[int]:
        return list(range(batch))

    found = examine(pick, "random", memory=memory_of("random"), draws=16)
    asked = {one.promise for one in found if one.outcome != "not asked"}
    assert set(found.broken) == asked
    assert "unexpected keyword argument 'seed'" in found.of("memory").says


def test_warnings_of_an_implementation_are_no_fault() -> None:
    def pick(**call: Any) -> Any:
        import warnings

        warnings.warn("old", DeprecationWarning, stacklevel=1)
        return ours("margin")(**call)

    assert examine(pick, "margin", memory=lambda sizes: 1e9).is_kept


def test_the_table_says_every_promise_and_the_smallest_input() -> None:
    found = examine(TWINS["margin: ties by place"].pick, "margin")
    text = found.text(width=80)
    assert text.startswith("margin: 10 promises kept, 1 broken\n")
    assert max(map(len, text.split("\n\nties, the smallest")[0].splitlines())) <= 80
    assert all(f"\n{promise} " in text for promise in PROMISES)
    assert "ties, the smallest input that shows it:\npick(\n    batch=1," in text
    assert [one["promise"] for one in found.to_dict()["promises"]] == list(PROMISES)
    assert found[0].promise == "law"
    assert [one.promise for one in found[:2]] == ["law", "sequence"]
    assert len(found) == len(PROMISES)


def test_what_is_too_large_to_print_is_described() -> None:
    from nextlabel.testing.conformity.writing import as_call

    written = as_call(Question({"embedding": np.zeros((300, 2), np.float32)}, 1), 0)
    assert "embedding=...  # float32, shape (300, 2)," in written
    assert "np.array([[0.0]], np.float32)" in as_call(
        Question({"embedding": np.zeros((1, 1), np.float32)}, 1), 0
    )


def test_unknown_names_and_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(UnknownName, match=r"'marginn' has no plain definition\. .* badge, bald"):
        examine(ours("margin"), "marginn")
    with pytest.raises(UnknownName, match=r"'../margin' has no plain definition"):
        definition_of("../margin")
    with pytest.raises(UnknownName, match=r"'laws' is no promise\. The promises are: law, sequence"):
        examine(ours("margin"), "margin", promises=["laws"])
    with pytest.raises(
        UnknownName, match=r"'law' is none of the promises examined\. These are: ties, inputs"
    ):
        examine(ours("margin"), "margin", promises=["inputs", "ties"]).of("law")
    with pytest.raises(ParameterError, match="'draws' must be a whole number from 16 up; received 15"):
        examine(ours("margin"), "margin", draws=15)
    with pytest.raises(ParameterError, match="'seed' must be a whole number from 0 up; received -1"):
        examine(ours("margin"), "margin", seed=-1)


def test_a_method_that_may_miss_is_asked_often_and_missing_always_is_refused() -> None:
    from dataclasses import replace

    margin = replace(definition_of("margin"), often=0.75)

    def missing(every: int) -> Any:
        def pick(*, seed: int, **call: Any) -> Any:
            picks = ours("margin")(seed=seed, **call)
            return picks[::-1] if seed % every == 0 else picks

        return pick

    kept = examine(missing(8), margin, promises={"sequence", "permutation"})
    assert kept.is_kept, kept.text()
    assert "24 seeds each, of which 75% are asked" in kept.of("sequence").says
    broken = examine(missing(1), margin, promises={"sequence", "permutation"})
    assert broken.broken == ("sequence", "permutation")
    assert broken.of("sequence").says.startswith("24 of 24 seeds were wrong, as in: pick 1 was item")
    repeated = examine(PLANTED["distinct"](missing(8), margin), margin, promises={"sequence"})[0]
    assert "a position came twice" in repeated.says


def test_precision_is_not_asked_of_what_cannot_be_repeated() -> None:
    hidden = np.random.default_rng(1)

    def unrepeatable(*, batch: int, seed: int, **signals: Any) -> Any:
        return hidden.permutation(len(next(iter(signals.values()))))[:batch]

    found = examine(unrepeatable, "random", promises=["seed", "precision"])
    assert found.broken == ("seed",)
    assert found.of("precision").outcome == "not asked"
    assert "see seed" in found.of("precision").says


def test_what_cannot_be_called_is_refused() -> None:
    with pytest.raises(ParameterError, match="a callable from arrays to positions; received 'margin'"):
        examine("margin", "margin")  # type: ignore[arg-type]
