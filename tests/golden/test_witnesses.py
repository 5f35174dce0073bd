"""Not identifiable is said of a message, and only where another item explains it as the record does."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nextlabel.core.attack import Attack, Knowledge, Recovery
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.core.registry import resolve
from nextlabel.errors import DisclosureError
from nextlabel.leakage.auditing import audit
from nextlabel.leakage.report.report import Report
from nextlabel.leakage.witnesses import _Beside

ITEMS = np.random.default_rng(0).uniform(0.2, 0.8, size=(20, 6)).astype(np.float32)
LABELS = np.arange(20) % 3


class Given(Attack):
    """Gives what it was made with, and says of it what it was told to say."""

    def __init__(
        self,
        item: Array | None,
        outcome: str = "recovered",
        residual: float | None = 1e-6,
        *,
        is_cut: bool = False,
        recovers: str = "items",
        label: float | None = None,
    ) -> None:
        self._said = Recovery(
            outcome,
            items=None if item is None else item[None],
            labels=None if label is None else np.array([label]),
            residual=residual,
            is_cut=is_cut,
        )
        self._recovers = recovers

    @property
    def reads(self) -> frozenset[str]:
        return frozenset({"full", "last_layer", "update"})

    @property
    def recovers(self) -> frozenset[str]:
        return frozenset({self._recovers})

    @property
    def cost(self) -> str:
        return "labels"

    def recover(self, disclosure: Disclosure, knowledge: Knowledge, rng: np.random.Generator) -> Recovery:
        return self._said


def blind_to_differences() -> nn.Module:
    """A network that reads the sums of pairs of values: their differences are in no message."""
    torch.manual_seed(0)
    mixing = nn.Linear(6, 3, bias=False)
    mixing.weight.data = torch.eye(3).repeat(1, 2)
    mixing.weight.requires_grad_(False)
    return nn.Sequential(mixing, nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 3)).eval()


def heavy_at_the_top() -> nn.Module:
    """A network whose last layer holds all but a hundred thousandth of the length of a message."""
    torch.manual_seed(0)
    top = nn.Linear(16, 3)
    with torch.no_grad():
        top.weight.mul_(1e-5)
    return nn.Sequential(nn.Linear(6, 16), nn.Sigmoid(), top).eval()


def frozen_but_for_the_last(width: int) -> nn.Module:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(6, width), nn.Tanh(), nn.Linear(width, 3)).eval()
    network[0].requires_grad_(False)
    return network


def audited(network: nn.Module, *attacks: Attack, defences: tuple[str, ...] = (), **options: Any) -> Report:
    told: dict[str, Any] = {
        "records": 1,
        "controls": False,
        "is_image": False,
        "defences": defences,
    } | options
    return audit(network, ITEMS, told.pop("labels", LABELS), attacks=attacks, **told)


def record(network: nn.Module) -> Array:
    """The item that an audit of one record takes."""
    return np.asarray(ITEMS[position(network)])


def position(network: nn.Module) -> int:
    [one] = audited(network, Given(ITEMS[0])).standings
    return one.position


def turned() -> Array:
    """Another item with the same sums of pairs, and so of the same message."""
    shift = np.float32(0.6)
    return record(blind_to_differences()) + np.array([shift] * 3 + [-shift] * 3, np.float32)


def why(report: Report) -> str:
    [said] = {one.why for one in report.outcomes}
    return said


@pytest.mark.parametrize(("outcome", "residual"), [("recovered", 1e-6), ("failed", 0.4), ("recovered", None)])
def test_another_item_of_the_same_message_is_a_witness_whatever_is_said(
    outcome: str, residual: float | None
) -> None:
    report = audited(blind_to_differences(), Given(turned(), outcome, residual))
    assert report.verdict == "NOT SHOWN"
    assert why(report) == "not identifiable"
    assert report.standings[0].why == "not identifiable: Given"


@pytest.mark.parametrize("share", ["last_layer", "update"])
def test_messages_of_every_kind_have_witnesses(share: str) -> None:
    network = blind_to_differences()
    steps: dict[str, Any] = {"steps": 3} if share == "update" else {}
    assert why(audited(network, Given(turned()), share=share, **steps)) == "not identifiable"
    other = record(network) + np.float32(3.0)
    assert why(audited(network, Given(other), share=share, **steps)) == "claimed, and wrong"


def test_the_targets_of_a_regression_are_those_of_the_record() -> None:
    targets = np.random.default_rng(1).normal(size=(20, 3)).astype(np.float32)
    report = audited(blind_to_differences(), Given(turned()), labels=targets, loss="squared_error")
    assert why(report) == "not identifiable"


@pytest.mark.parametrize("label", [0, 1, 2, 99])
def test_a_witness_needs_its_label(label: int) -> None:
    network = blind_to_differences()
    is_right = label == LABELS[position(network)]
    said = why(audited(network, Given(turned(), label=label)))
    assert said == ("not identifiable" if is_right else "claimed, and wrong")


def test_a_part_of_the_message_that_hardly_counts_in_its_length_counts() -> None:
    network = heavy_at_the_top()
    item = record(network)
    other = item + np.float32(0.3) * np.array([1, -1, 1, -1, 1, -1], np.float32)
    maker = resolve("message", "full")
    label = LABELS[[position(network)]]
    sent, found = (maker(network, one[None], label).arrays for one in (item, other))
    first = "0.weight"
    assert np.linalg.norm(found[first] - sent[first]) > 0.1 * np.linalg.norm(sent[first])
    length = np.sqrt(sum((one**2).sum() for one in sent.values()))
    assert np.linalg.norm(found[first] - sent[first]) < 1e-4 * length
    assert why(audited(network, Given(other, residual=1e-5))) == "claimed, and wrong"
    assert why(audited(network, Given(other, "failed", residual=1e-5))) == "optimiser failed"


def test_a_column_that_is_huge_hides_no_others() -> None:
    """Of the first layer one column holds all but a ten millionth of the length."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 1)).eval()
    items, targets = ITEMS.copy(), np.ones((20, 1), np.float32)
    items[:, 0] *= np.float32(1e7)
    own = items[position(blind_to_differences())]
    other = own + np.float32(0.6) * np.array([0, 1, -1, 1, -1, 1], np.float32)
    one, two = (
        resolve("message", "full")(network, item[None], targets[:1], loss="squared_error").arrays["0.weight"]
        for item in (own, other)
    )
    assert np.linalg.norm(one - two) < 16 * np.finfo(np.float32).eps * np.linalg.norm(one)
    report = audit(
        network, items, targets, attacks=[Given(other)], records=1, controls=False, loss="squared_error"
    )
    assert why(report) == "claimed, and wrong"


def test_a_run_that_the_clock_ended_is_no_witness() -> None:
    assert why(audited(blind_to_differences(), Given(turned(), "failed", is_cut=True))) == "optimiser failed"


def test_what_has_the_same_message_has_it_under_noise_too() -> None:
    report = audited(blind_to_differences(), Given(turned()), defences=("gaussian:1e-2",))
    assert why(report) == "not identifiable"


def wide() -> nn.Module:
    """A network of many units: each tells a little of the item, and their mean a lot, whatever the noise."""
    torch.manual_seed(0)
    first, last = nn.Linear(6, 4000), nn.Linear(4000, 1)
    with torch.no_grad():
        first.weight.mul_(0.02)
        last.weight.mul_(20.0)
    return nn.Sequential(first, nn.Tanh(), last).eval()


@pytest.mark.parametrize(("kind", "outcome"), [("gaussian", "failed"), ("laplace", "recovered")])
def test_what_is_about_as_near_under_noise_is_no_witness(kind: str, outcome: str) -> None:
    """Within 1 % as far from what is sent as the record, in 24,000 numbers, and e⁵⁰ times less likely."""
    network, size = wide(), 3.0
    targets = np.full((20, 1), 3.0, np.float32)
    item = record(blind_to_differences())
    other = item + np.float32(0.7) * np.array([1, -1, 1, 1, -1, -1], np.float32)
    sent, found = (
        resolve("message", "full")(network, one[None], targets[:1], loss="squared_error").arrays["0.weight"]
        for one in (item, other)
    )
    apart = float(((sent - found) ** 2).sum())
    assert apart / (2.0 * size**2) > 50.0  # what the record is expected to have over it, in nats
    assert np.sqrt(1.0 + apart / (sent.size * size**2)) < 1.01
    options: dict[str, Any] = {"labels": targets, "loss": "squared_error", "defences": (f"{kind}:{size:g}",)}
    said = why(audited(network, Given(other, outcome, 0.5 if outcome == "failed" else 1e-6), **options))
    assert said == ("optimiser failed" if outcome == "failed" else "claimed, and wrong")


def test_what_another_attack_brings_back_was_left_open_and_is_not_unidentifiable() -> None:
    network = blind_to_differences()
    silent = Given(None, "unidentifiable", None)
    assert why(audited(network, silent)) == "not identifiable"
    report = audited(network, silent, Given(record(network)))
    assert report.verdict == "EXACT"
    assert {one.attack: one.why for one in report.outcomes if one.why} == {
        report.outcomes[0].attack: "left open by this attack"
    }


def test_an_attacks_own_word_is_no_witness() -> None:
    """A first layer with bias tells one item, so that no other makes its message."""
    network = heavy_at_the_top()
    assert why(audited(network, Given(None, "unidentifiable", None))) == "gave no item"
    other = record(network) + np.float32(0.3)
    assert why(audited(network, Given(other, "unidentifiable"))) == "optimiser failed"


@pytest.mark.parametrize("share", ["full", "last_layer", "update"])
def test_a_record_beside_the_own_bears_it_out(share: str) -> None:
    """Without its first layer's gradient a message is seen through fewer units than the item has values."""
    said = {
        width: why(audited(frozen_but_for_the_last(width), Given(None, "unidentifiable", None), share=share))
        for width in (5, 6)
    }
    assert said == {5: "not identifiable", 6: "gave no item"}


@pytest.mark.parametrize(
    ("outcome", "said"), [("unidentifiable", ""), ("failed", ""), ("refused", "did not apply")]
)
def test_an_attack_on_labels_gives_no_reason_about_items(outcome: str, said: str) -> None:
    report = audited(blind_to_differences(), Given(None, outcome, None, recovers="counts"))
    assert why(report) == said
    assert report.standings[0].why == (f"{said}: Given" if said else "")


def test_what_makes_no_message_explains_none() -> None:
    network = blind_to_differences()
    for item in (np.full(6, np.nan, np.float32), np.zeros(5, np.float32)):
        assert why(audited(network, Given(item))) == "claimed, and wrong"


@pytest.mark.parametrize(
    ("bounds", "said"),
    [(None, "not identifiable"), ((0.0, 1.0), "optimiser failed"), ((-1.0, 2.0), "not identifiable")],
)
def test_an_item_out_of_the_range_that_is_known_is_no_witness(bounds: Any, said: str) -> None:
    """Pairs of the same value at an end of the range: within it no others have the same sums."""
    items = np.tile(np.random.default_rng(0).integers(2, size=(20, 3)), 2).astype(np.float32)
    network = blind_to_differences()
    told: dict[str, Any] = {"records": 1, "controls": False, "is_image": False, "bounds": bounds}
    [one] = audit(network, items, LABELS, attacks=[Given(items[0])], **told).standings
    other = items[one.position] + np.array([0.6] * 3 + [-0.6] * 3, np.float32)
    for outcome in ("recovered", "unidentifiable"):
        report = audit(network, items, LABELS, attacks=[Given(other, outcome)], **told)
        assert why(report) == said


def test_another_item_within_the_range_is_a_witness_beside_one_that_is_not() -> None:
    """The answer lies out of the range; of values between its ends others have the same sums."""
    assert turned().max() > 1.0
    assert why(audited(blind_to_differences(), Given(turned()), bounds=(0.0, 1.0))) == "not identifiable"


def test_a_search_for_others_that_runs_off_ends_there() -> None:
    """The message of a squared error grows as the square of its items: led back, they went further off each
    time, until the numbers overflowed, and the whole report was lost."""
    reached = []

    def message(items: Any) -> Any:
        reached.append(float(np.abs(items).max()))
        if reached[-1] > 1e9:
            raise DisclosureError("The disclosed array must hold finite numbers.")
        return {"weight": items**2 + 1e-3 * items}

    beside = _Beside(message, np.ones((1, 4)), 1e-5, None)
    beside._back = 1e3 * beside._back  # what leads back leads beyond
    assert [list(beside.messages(share * way)) for way in beside.ways for share in (1.0, 0.01)]
    assert max(reached) < 1e9


def test_a_search_for_others_ends_where_no_message_can_be_made() -> None:
    def message(items: Any) -> Any:
        if np.abs(items - 1.0).max() > 0.5:
            raise DisclosureError("The model takes no such item.")
        return {"weight": items.sum(keepdims=True)}

    beside = _Beside(message, np.ones((1, 4)), 1e-5, None)
    assert [list(beside.messages(way)) for way in beside.ways] == [[], []]


@pytest.mark.parametrize(("knows", "said"), [((), "not identifiable"), (("labels",), "optimiser failed")])
def test_an_item_of_another_target_is_no_witness_where_targets_are_known(
    knows: tuple[str, ...], said: str
) -> None:
    """Without biases, an item of twice the length makes the same message with a target of its own."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(6, 8, bias=False), nn.ReLU(), nn.Linear(8, 1, bias=False)).eval()
    targets = np.zeros((20, 1), np.float32)
    told: dict[str, Any] = {"labels": targets, "loss": "squared_error", "knows": knows}
    [one] = audited(network, Given(ITEMS[0]), **told).standings
    item = ITEMS[one.position]
    output = float(network(torch.tensor(item)[None]).detach())
    longer = Given(2.0 * item, label=2.0 * output - output / 2.0)
    assert why(audited(network, longer, **told)) == said
