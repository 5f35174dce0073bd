"""Files of a report: JSON that any reader takes."""

import json
from dataclasses import dataclass

from nextlabel.experiment.files import as_json


@dataclass(frozen=True)
class Figure:
    value: float
    ends: tuple[float, float]


def test_dataclasses_become_objects_and_what_is_no_number_null() -> None:
    written = as_json({1: Figure(float("nan"), (0.5, float("inf"))), "name": "é", "none": None})
    assert json.loads(written) == {"1": {"value": None, "ends": [0.5, None]}, "name": "é", "none": None}
    assert "é".encode() in written
    assert written.endswith(b"\n")
