"""What no attack can tell is said in the verdict's sentence, and told apart from an attack that failed."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nextlabel.core.registry import resolve
from nextlabel.leakage import audit
from nextlabel.leakage.attempts import AS_GUESSED
from nextlabel.leakage.report.report import Report
from nextlabel.testing.plain_attacks import Blind

ITEMS = np.random.default_rng(3).uniform(size=(20, 12)).astype(np.float32)
LABELS = np.arange(20) % 2


def audited(hidden: int, **options: Any) -> Report:
    network = resolve("network", "known_leak")((12,), 2, hidden=hidden, seed=1)
    return audit(network, ITEMS, LABELS, controls=False, **options)


def test_two_classes_before_a_narrow_layer_are_not_identifiable() -> None:
    report = audited(10, share="embedding", attacks="embedding_inversion")
    lead = report.sentences()[0]
    assert report.verdict == "NOT SHOWN"
    assert "The records are not identifiable, as embedding inversion found: different ones explain" in lead
    assert "That is more than an optimiser that failed; this is no proof of safety" in lead
    assert "The attacks tried failed" not in lead
    assert "not identifiable" in report.html()


def test_two_classes_before_a_wide_layer_come_back() -> None:
    """More units are on than an item has numbers, so that one length alone is an item's."""
    report = audited(100, share="embedding", attacks="embedding_inversion")
    assert set(report.verdicts) == {"EXACT"}
    assert "not identifiable" not in report.sentences()[0]


@pytest.mark.parametrize("outcome", ["failed", "recovered"])
def test_an_attack_that_failed_is_not_called_so(outcome: str) -> None:
    lead = audited(6, attacks=Blind(0.5, outcome)).sentences()[0]
    assert "not identifiable" not in lead
    assert "The attacks tried failed; this is no proof of safety." in lead


def test_some_records_are_counted() -> None:
    report = audited(6, attacks=Blind(0.5, "unidentifiable"), records=4)
    whys = ("not identifiable", *("optimiser failed",) * 3)
    others = tuple(type(one)(**{**vars(one), "why": whys[one.message]}) for one in report.outcomes)
    lead = type(report)(**{**vars(report), "outcomes": others}).sentences()[0]
    assert "Of 4 records 1 is not identifiable, as Blind found" in lead
    assert "On the others: the attacks tried failed; this is no proof of safety" in lead


def test_of_the_others_it_is_said_how_their_attacks_ended() -> None:
    report = audited(6, attacks=Blind(0.5, "unidentifiable"), records=4)
    whys = ("not identifiable", AS_GUESSED, AS_GUESSED, "optimiser failed")
    others = tuple(type(one)(**{**vars(one), "why": whys[one.message]}) for one in report.outcomes)
    lead = type(report)(**{**vars(report), "outcomes": others}).sentences()[0]
    assert "Of 4 records 1 is not identifiable, as Blind found" in lead
    assert "On the others: in 2 of 3 messages what an attack gave is near to the record" in lead
    assert "on the rest the attacks tried failed; this is no proof of safety" in lead


def test_a_side_that_was_given_by_chance_is_said_to_be() -> None:
    """Of two classes and no biases the opposite of a record, with the other class, makes its message."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(12, 60, bias=False), nn.Tanh(), nn.Linear(60, 2, bias=False)).eval()
    report = audit(
        network, ITEMS - 0.5, LABELS, controls=False, attacks="subspace_decomposition", is_image=False
    )
    verdicts = {one.verdict for one in report.standings}
    assert verdicts == {"EXACT", "NOT SHOWN"}
    assert {one.why for one in report.standings if one.verdict == "NOT SHOWN"} == {
        "not identifiable: subspace_decomposition"
    }
    came = sum(one.verdict == "EXACT" for one in report.standings)
    lead = report.sentences()[0]
    assert lead.startswith(f"EXACT: {came} of")
    assert "For them several answers explain the message equally well, as subspace decomposition says" in lead
    assert "how often is partly chance" in lead


def test_of_more_unknowns_than_numbers_no_search_is_said_to_have_failed() -> None:
    """Eight records of 30 values and a linear model of 62 numbers: other records make the message as well."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    items, labels = rng.normal(size=(40, 30)).astype(np.float32), rng.integers(2, size=40)
    options: dict[str, Any] = {"batch": 8, "records": 16, "attacks": "gradient_matching", "seconds": 20}
    model = nn.Sequential(nn.Linear(30, 2)).eval()
    report = audit(model, items, labels, controls=False, **options)
    assert [one.why for one in report.outcomes] == ["not identifiable", "not identifiable"]
    assert all(one.residual is not None and one.residual < 1e-5 for one in report.outcomes)
