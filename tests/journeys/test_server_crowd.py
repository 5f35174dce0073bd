"""Ten people at once, with bad networks: exact overlap, nothing lost, nobody starved.

Fifty people and 2,000 items are in ``benchmarks/bench_server.py``.
"""

import sys
from collections import Counter
from pathlib import Path

import pytest

from nextlabel import Campaign
from nextlabel.testing.crowd import labelled_by
from nextlabel.testing.serving import Serving

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX systems")

ITEMS, PEOPLE = 200, tuple(f"p{one}" for one in range(10))


@pytest.mark.parametrize("overlap", [pytest.param(1, marks=pytest.mark.slow), 3])
def test_ten_people_share_two_hundred_items(tmp_path: Path, overlap: int, seed: int) -> None:
    file = tmp_path / "items.csv"
    file.write_text("key,body\n" + "".join(f"i{one},text {one}\n" for one in range(ITEMS)))
    options = ("--text", "body", "--id", "key", "--labels", "a,b", "--overlap", str(overlap))
    with Serving(file, *options) as serving:
        token = serving.journal.with_name(f"{serving.journal.name}.key").read_text().strip()
        crowd = labelled_by(serving.port, token, PEOPLE, seed=seed)
    with Campaign.open(serving.journal, only_answers=True) as campaign:
        kept = {id: campaign.state.answers(id) for id in campaign.state.ids}
    assert crowd.problems == ()
    assert crowd.doubled() == []
    assert crowd.twice > 0
    assert Counter(len(said) for said in kept.values()) == {overlap: ITEMS}
    assert set(crowd.answers) == {(who, id) for id, said in kept.items() for who in said}
    assert min(crowd.done) > sum(crowd.done) / len(PEOPLE) / 2
