"""DAL and the wrappers follow their plain definitions, pick by pick."""

import numpy as np
import pytest

from nextlabel import select
from nextlabel.testing.conformance import definition_of, memory_of
from nextlabel.testing.conformity.questions import questions
from nextlabel.testing.laws import SIZES

NAMES = ("class_balanced", "dal", "mixture", "schedule", "self_correcting")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(3))
def test_every_pick_may_come_next(name: str, seed: int) -> None:
    definition = definition_of(name)
    assert definition.weights is not None
    for question in questions(definition, seed):
        picked = select(
            {"name": name, **definition.parameters},
            batch=question.batch,
            seed=seed,
            labelled=question.labelled,
            labels=question.labels,
            **question.signals,
        ).tolist()
        for place, item in enumerate(picked):
            weights = np.asarray(definition.weights(question, picked[:place]))
            assert weights[item] > 0.0
            assert (weights[picked[:place]] == 0.0).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_definition_leaves_something_out(name: str) -> None:
    """In some question some item cannot come first, so the test above can fail."""
    definition = definition_of(name)
    assert definition.weights is not None
    first = [np.asarray(definition.weights(question, [])) for question in questions(definition, 0)]
    if name == "mixture":  # half of the first places are a random draw: shares differ, none is zero
        assert all(len(set(weights.round(9).tolist())) > 1 for weights in first)
    else:
        assert any((weights == 0.0).any() for weights in first)


@pytest.mark.parametrize("name", NAMES)
def test_declared_memory_grows_with_the_pool_at_most_in_proportion(name: str) -> None:
    sizes = {**SIZES, "r": 0}
    memory = memory_of(name)
    assert memory is not None
    assert memory(sizes) <= memory({**sizes, "n": 2 * sizes["n"]}) <= 2.0 * memory(sizes)
