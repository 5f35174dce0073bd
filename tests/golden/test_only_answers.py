"""A campaign opened for answers only: the journal is enough to be told, and no more than that."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nextlabel import Campaign, arrays, classes
from nextlabel.core.pool import Pool
from nextlabel.errors import CampaignError, ParameterError

PARTS = """
import numpy as np
from nextlabel import arrays
from nextlabel.learners.sklearn import SklearnLearner


def pool():
    return arrays(np.arange(12.0)[:, None])


def learner():
    return SklearnLearner()
"""


def line(items: int = 12) -> Pool:
    return arrays(np.arange(items, dtype=np.float32)[:, None])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal whose pool and learner are gone."""
    parts = tmp_path / "parts.py"
    parts.write_text(PARTS, encoding="utf-8")
    task = classes("low", "high")
    with Campaign.create(
        tmp_path / "line.db", f"{parts}:pool", f"{parts}:learner", "margin", task, seed=0
    ) as campaign:
        campaign.ask(3)
    parts.unlink()
    return tmp_path / "line.db"


def test_without_pool_and_learner_it_is_told(path: Path) -> None:
    with pytest.raises(CampaignError, match="The pool of this campaign"):
        Campaign.open(path)
    with Campaign.open(path, only_answers=True) as campaign:
        (query,) = campaign.state.leases.values()
        first, second, third = query.ids
        assert campaign.tell({first: "low", second: "high"}, token=query.token) == 2
        campaign.skip([third], "cut off")
        campaign.retract([second])
        campaign.note("by post", [first])
        assert campaign.state.labels() == {first: "low"}
        assert campaign.state.skipped == {third: "cut off"}
        assert [entry["event"] for entry in campaign.journal()][-4:] == [
            "told",
            "skipped",
            "retracted",
            "noted",
        ]
        assert [event["event"] for event in campaign.history(first)] == ["asked", "told", "noted"]


@pytest.mark.parametrize(
    ("call", "verb"),
    [
        (lambda one: one.ask(1), "ask"),
        (lambda one: one.fit(), "fit a model"),
        (lambda one: one.pool, "give its pool"),
    ],
)
def test_what_needs_the_parts_says_how_to_open_it(
    path: Path, call: Callable[[Campaign], Any], verb: str
) -> None:
    with Campaign.open(path, only_answers=True) as campaign:
        with pytest.raises(CampaignError, match=rf"cannot {verb}\. Close it, and open it whole: Campaign"):
            call(campaign)
        assert len(campaign.journal()) == 2


def test_new_items_may_be_taken_in(path: Path) -> None:
    with Campaign.open(path, only_answers=True) as campaign:
        assert campaign.extend(line(15)) == 3
        assert campaign.tell({"14": "high"}) == 1


def test_parts_are_not_taken_for_answers_only(path: Path) -> None:
    with pytest.raises(ParameterError, match="received pool and learner as well"):
        Campaign.open(path, line(), "sklearn", only_answers=True)
    with pytest.raises(ParameterError, match="'only_answers' must be True or False; received 1"):
        Campaign.open(path, only_answers=1)  # type: ignore[arg-type]
