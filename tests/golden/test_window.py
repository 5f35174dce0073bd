"""The window on a large pool: what strategies and learners see of it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nextlabel import Campaign, arrays, classes
from nextlabel.campaign.window import Window
from nextlabel.errors import ParameterError
from nextlabel.stores.memory import MemoryStore

TASK = classes("low", "high")


def made(items: int = 1000, candidates: Any = 40, **options: Any) -> Campaign:
    pool = arrays(np.random.default_rng(0).normal(size=(items, 2)))
    strategy = options.pop("strategy", "margin")
    return Campaign.create(None, pool, "sklearn", strategy, TASK, 3, candidates=candidates, **options)


def test_so_many_candidates_are_seen_and_half_of_them_are_left() -> None:
    campaign = made()
    seen = set(campaign.state.unlabelled().tolist())
    assert len(seen) == 40
    assert set(campaign.state.available(0.0).tolist()) == seen
    inside = [str(place) for place in sorted(seen)]
    campaign.tell(dict.fromkeys(inside[:20], "low"))
    assert set(campaign.state.unlabelled().tolist()) == seen - {int(id) for id in inside[:20]}
    campaign.tell({inside[20]: "high"})
    wider = set(campaign.state.unlabelled().tolist())
    assert len(wider) == 80 - 21
    assert seen - {int(id) for id in inside[:21]} < wider


def test_labels_outside_the_window_train_and_do_not_widen_it() -> None:
    campaign = made()
    seen = set(campaign.state.unlabelled().tolist())
    outside = [id for id in campaign.state.ids if int(id) not in seen]
    campaign.tell(dict.fromkeys(outside[:100], "low"))
    assert set(campaign.state.unlabelled().tolist()) == seen
    assert campaign.state.active_labels == 100


def test_queries_are_of_the_window_and_it_widens_until_all_is_asked() -> None:
    campaign = made(200, candidates=10, strategy="random")
    asked: list[str] = []
    while len(asked) < 200:
        query = campaign.ask(7)
        asked += query.ids
    assert len(set(asked)) == 200


def test_the_reserve_is_outside_the_window_until_it_is_released() -> None:
    campaign = made(500, candidates=400, control=0.2)
    reserve = {int(id) for id in campaign.state.reserve}
    assert campaign.state.window is not None
    order = campaign.state.window.order.tolist()
    assert len(order) == 400
    assert not reserve & set(order)
    campaign.release()
    assert campaign.state.window.order.tolist() == [*order, *campaign.state.window.reserve]
    assert set(campaign.state.window.reserve) == reserve


def test_new_items_come_into_the_window_too() -> None:
    rows = np.random.default_rng(0).normal(size=(1000, 2))
    campaign = made(800, candidates=40, control=0.2)
    campaign.extend(arrays(rows))
    assert campaign.state.window is not None
    order = campaign.state.window.order.tolist()
    assert len(order) == 1000 - len(campaign.state.reserve)
    assert max(order) > 800
    assert not {int(id) for id in campaign.state.reserve} & set(order)


def test_a_window_repeats_itself(tmp_path: Path) -> None:
    store = MemoryStore()
    campaign = made(store=store)
    seen = campaign.state.unlabelled()
    other = Campaign.open(tmp_path / "a.db", only_answers=True, store=store)
    assert other.state.unlabelled().tolist() == seen.tolist()
    assert campaign.state.created.candidates == 40


def test_without_candidates_all_is_seen() -> None:
    campaign = made(candidates=None)
    assert campaign.state.window is None
    assert len(campaign.state.unlabelled()) == 1000


def test_a_window_larger_than_the_pool_is_the_pool() -> None:
    none = np.array([], dtype=np.int64)
    assert Window(0, 64, 9, (1,)).positions(none).tolist() == [0, 2, 3, 4, 5, 6, 7, 8]
    assert len(Window(0, 4, 9, ()).positions(np.arange(9))) == 9


def test_the_opening_of_advice_is_for_so_many_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is advised before there are labels reads the number of items that are seen."""
    few, many = (
        Campaign.create(
            None, arrays(np.zeros((1000, 2))), "sklearn", "auto", TASK, 0, candidates=candidates
        ).state.created.opening
        for candidates in (40, None)
    )
    same = Campaign.create(None, arrays(np.zeros((40, 2))), "sklearn", "auto", TASK, 0).state.created.opening
    assert few == same
    assert many is not None


@pytest.mark.parametrize("candidates", [0, 1, "all"])
def test_candidates_that_make_no_sense_are_refused(candidates: Any) -> None:
    with pytest.raises(
        ParameterError, match=rf"candidates.*received {candidates!r}\. Give for example 20000"
    ):
        made(candidates=candidates)


def test_an_item_that_is_gone_for_two_reasons_is_gone_once() -> None:
    campaign = made(candidates=40)
    inside = [str(place) for place in campaign.state.unlabelled()]
    campaign.tell(dict.fromkeys(inside[:20], "low"), annotator="Ada")
    campaign.skip(inside[:20], annotator="Bob")
    assert set(map(str, campaign.state.available(0.0))) == set(inside[20:])
