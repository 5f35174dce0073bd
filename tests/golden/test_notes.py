"""What is to be said of many messages is said once, with how many they are."""

from typing import Any

import numpy as np

from nextlabel.core.registry import resolve
from nextlabel.leakage import audit
from nextlabel.leakage.notes import said_once

NOISY = "Its bias sums to 0.0123: noised."


def test_the_same_of_every_message_stands_as_it_is() -> None:
    assert said_once([["A of 8 items."]] * 3) == ("A of 8 items.",)
    assert said_once([[NOISY]]) == (NOISY,)
    assert said_once([[], []]) == ()


def test_what_differs_in_numbers_is_said_once_and_counted() -> None:
    others = [
        "Its bias sums to -4: noised.",
        "Its bias sums to 1,024.5: noised.",
        "Its bias sums to 3e-07: noised.",
    ]
    (said,) = said_once([[NOISY], *([one] for one in others)])
    assert said == f"{NOISY} So, but for the numbers, of 4 of 4 messages."


def test_what_is_said_of_some_messages_is_counted_over_all() -> None:
    assert said_once([["Tied."], [], ["Tied.", "Soft."]]) == (
        "Tied. So of 2 of 3 messages.",
        "Soft. So of 1 of 3 messages.",
    )


def test_other_words_are_another_remark() -> None:
    assert len(said_once([["It has 3 classes."], ["It has 3 items."]])) == 2


def test_an_audit_of_soft_labels_remarks_on_them_once() -> None:
    """The labels differ from record to record, and the audit gave them itself: nothing is guessed of them."""
    network = resolve("network", "known_leak")((6,), 3)
    rng = np.random.default_rng(0)
    items, labels = rng.uniform(size=(20, 6)), rng.dirichlet(np.ones(3), size=20)
    options: dict[str, Any] = {"attacks": ["label_inference"], "controls": False}
    report = audit(network, items, labels, **options)
    (said,) = [one for one in report.remarks if "label is" in one or "labels are soft" in one]
    assert said.startswith("The labels are soft")
    assert "messages" not in said
