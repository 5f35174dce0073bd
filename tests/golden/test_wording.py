"""A protocol in words says what it holds, and nothing else."""

from typing import Any

import pytest

from nextlabel.experiment.wording import facts

PROTOCOL = {
    "description": "letters",
    "fingerprint": "ab12",
    "items": 100,
    "test": 30,
    "official_test": False,
    "start": 10,
    "batch": 5,
    "budget": 40,
    "seeds": [0, 1, 2],
    "learner": {"name": "sklearn", "estimator": {"name": "mlp"}, "chunk": None},
    "strategies": {"BADGE": {"name": "badge"}},
    "versions": {"numpy": "2.4"},
    "code": "c0de",
}


def test_every_fact_is_told() -> None:
    found = facts(PROTOCOL)
    assert found["Data"] == "letters (fingerprint ab12)"
    assert found["Split"] == "30 items measure accuracy, drawn anew for each seed; 70 are the pool"
    assert (
        found["Labels"]
        == "10 drawn at random to start, then batches of 5 up to 40; answered from the data set"
    )
    assert found["Seeds"] == "0 to 2"
    assert found["Learner"] == "sklearn (estimator mlp)"
    assert found["Strategies"] == "BADGE: badge"
    assert found["Versions"] == "numpy 2.4"
    assert found["Code"] == "c0de"


def test_other_starts_splits_and_seeds_are_told() -> None:
    assert facts({**PROTOCOL, "per_class": 1})["Labels"].startswith("10 drawn at random to start, 1 of each")
    assert facts({**PROTOCOL, "drawn": 0})["Labels"].startswith(
        "none drawn to start: the first batch is picked by strategies that can without a trained model, and "
        "drawn at random for the others, then batches of 5"
    )
    assert facts({**PROTOCOL, "official_test": True, "pool": 50})["Split"] == (
        "30 items measure accuracy, the official test items; 70 are the pool, cut to 50 for each seed"
    )
    assert facts({**PROTOCOL, "seeds": [3, 7, 8]})["Seeds"] == "3, 7, 8"
    assert facts({**PROTOCOL, "seeds": 10})["Seeds"] == "0 to 9"


@pytest.mark.parametrize(
    ("learners", "said"),
    [
        ([{"continues": False}, {"of": {"continues": False}}], "; trained from scratch each round"),
        (
            [{"continues": True}, {"of": {"continues": True}}],
            "; each round goes on from the weights of the one before",
        ),
        ([{"continues": True}, {"of": {}}], "or where continues is True from the weights of the one before"),
        ([{"name": "sklearn"}, {"name": "ceal", "of": {"continues": True}}], "or where continues is True"),
    ],
)
def test_whether_rounds_begin_anew_is_as_the_learners_say(learners: list[dict[str, Any]], said: str) -> None:
    usual, own = learners
    assert said in facts({**PROTOCOL, "learner": usual, "learners": {"CEAL": own}})["Held equal"]


def test_what_is_not_known_is_left_out() -> None:
    assert list(facts({})) == ["Held equal"]
