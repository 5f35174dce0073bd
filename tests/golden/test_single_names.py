"""What may be given as one or as several, and is read as such."""

import numpy as np
import pytest

from nextlabel.core.registry import resolve
from nextlabel.errors import ParameterError, UnknownName
from nextlabel.leakage import audit
from nextlabel.testing.plain_attacks import Blind

LABELS = np.arange(40) % 3


def test_a_single_name_may_stand_alone() -> None:
    network = resolve("network", "known_leak")((4,), 3, seed=1)
    items = np.random.default_rng(5).uniform(size=(40, 4)).astype(np.float32)
    several, one = (
        audit(network, items, LABELS, attacks=attacks, knows=knows, defences=defences, controls=False)
        for attacks, knows, defences in (
            (["label_inference"], ["batch"], ["gaussian:1"]),
            ("label_inference", "batch", "gaussian:1"),
        )
    )
    assert one.setting["attacks"] == ["label_inference"]
    assert one.fingerprint == several.fingerprint
    assert audit(network, items, LABELS, attacks=Blind(), controls=False).setting["attacks"] == ["Blind"]
    with pytest.raises(UnknownName, match=r"'label' is not a registered attack"):
        audit(network, items, LABELS, attacks="label", controls=False)
    with pytest.raises(ParameterError, match=r"'knows' takes .*; received 'batches'\. Name"):
        audit(network, items, LABELS, knows="batches", controls=False)
    with pytest.raises(
        ParameterError, match=r"'share' must be one of .*full.*; received \['full'\]\. Name one"
    ):
        audit(network, items, LABELS, share=["full"], controls=False)  # type: ignore[arg-type]
