"""What people are given: leases that are half over, plans that are used up and that are not."""

from pathlib import Path
from typing import Any

from nextlabel import Campaign, classes
from nextlabel.campaign.planning import Plan
from nextlabel.server.dealing import Dealt, deal

LEASE = 600.0


class Clock:
    """Set by the test."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def journal(folder: Path, items: int = 600, **options: Any) -> Path:
    rows = "".join(f"{one},{('fine', 'dull')[one % 2]} number {one}\n" for one in range(items))
    (folder / "items.csv").write_text(f"key,body\n{rows}")
    pool = {"name": "csv", "path": str(folder / "items.csv"), "text": "body", "id": "key"}
    learner = {"name": "sklearn", "estimator": "logistic", "features": "tfidf"}
    path = folder / "a.db"
    Campaign.create(path, pool, learner, "random", classes("no", "yes"), 0, **options).close()
    return path


def plan(*ids: str) -> Plan:
    return Plan(0, 1, ids, None, None, None, {"name": "margin"}, "l")


def free(campaign: Campaign) -> list[str]:
    return [id for id in campaign.state.ids if id not in campaign.state.walled]


def given(campaign: Campaign, by: Plan | None, want: int, who: str = "ann", **more: Any) -> Dealt:
    now = {"now": Clock.now, "lease_seconds": LEASE, **more}
    return deal(campaign, by, who, want, (), **now)


def test_a_lease_that_is_half_over_begins_anew_with_a_reload(tmp_path: Path) -> None:
    clock = Clock()
    with Campaign.open(journal(tmp_path, 30), clock=clock) as campaign:
        first = given(campaign, None, 2, now=clock.now)
        ends = clock.now + LEASE
        assert {expires for _, _, expires in first.items} == {ends}
        clock.now += LEASE / 2 - 1
        assert {one[2] for one in given(campaign, None, 2, now=clock.now).items} == {ends}
        clock.now += 2
        again = given(campaign, None, 2, now=clock.now)
        assert [one[:2] for one in again.items] == [one[:2] for one in first.items]
        assert {expires for _, _, expires in again.items} == {clock.now + LEASE}
        assert [one["event"] for one in campaign.journal()].count("renewed") == 1


def test_control_items_do_not_use_a_plan_up(tmp_path: Path) -> None:
    with Campaign.open(journal(tmp_path, control=0.2)) as campaign:
        dealt = given(campaign, plan(*free(campaign)[:60]), 50)
        assert set(campaign.state.control_order()) & {id for id, _, _ in dealt.items}
        assert not dealt.is_used_up


def test_items_that_others_have_begun_do_not_use_a_plan_up(tmp_path: Path) -> None:
    with Campaign.open(journal(tmp_path, overlap=2)) as campaign:
        first = given(campaign, None, 5)
        second = given(campaign, plan(*free(campaign)[:5]), 8, who="bob")
        assert {id for id, _, _ in first.items} <= {id for id, _, _ in second.items}
        assert not second.is_used_up


def test_the_sample_of_a_certificate_does_not_use_a_plan_up(tmp_path: Path) -> None:
    with Campaign.open(journal(tmp_path, 30)) as campaign:
        campaign.tell({str(one): ("yes", "no")[one % 2] for one in range(8)})
        campaign.fit()
        sample = campaign.certify(6)
        dealt = given(campaign, plan("20"), 6)
        assert {id for id, _, _ in dealt.items} == set(sample)
        assert not dealt.is_used_up


def test_a_plan_is_used_up_when_others_are_drawn_in_its_place(tmp_path: Path) -> None:
    with Campaign.open(journal(tmp_path, 30)) as campaign:
        assert not given(campaign, plan("3", "4"), 2).is_used_up
        assert given(campaign, plan("3", "4"), 1, who="bob").is_used_up
        assert not given(campaign, None, 2, who="cyd").is_used_up  # there was none
