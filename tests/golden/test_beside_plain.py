"""A learner round the usual one is compared with the same strategy without it, paired by seed."""

from typing import Any

import numpy as np

from nextlabel.experiment.beside_plain import beside_plain, plain_of
from nextlabel.experiment.curves import Results, Run
from nextlabel.experiment.sections import setting_section
from nextlabel.experiment.study import study
from nextlabel.figures.page import Picture, Table

USUAL, MARGIN = {"name": "sklearn"}, {"name": "margin"}
PROTOCOL: dict[str, Any] = {
    "learner": USUAL,
    "strategies": {"sure": MARGIN, "lone": {"name": "badge"}, "margin": MARGIN, "random": {"name": "random"}},
    "learners": {name: {"name": "self_training", "of": USUAL} for name in ("sure", "lone")},
}
OFF = (0.04, 0.05, 0.06, 0.05, 0.05)  # what self-training takes from margin, seed by seed


def results(**changes: Any) -> Results:
    rng = np.random.default_rng(0)
    base = rng.normal(0.7, 0.05, size=len(OFF))
    runs = []
    for strategy in PROTOCOL["strategies"]:
        for seed, (level, off) in enumerate(zip(base, OFF, strict=True)):
            said = level - off * (strategy == "sure") + rng.normal(0, 0.02) * (strategy == "random")
            name = f"{strategy}{seed}"
            asked = ((f"{name}a",), (f"{name}b",))
            runs.append(Run(strategy, seed, (10, 20), (said, said), asked, (0.0, 0.0), (0.0,)))
    return Results({**PROTOCOL, **changes}, runs)


def test_a_wrapped_arm_is_paired_with_the_same_strategy_alone() -> None:
    assert plain_of(PROTOCOL) == {"sure": "margin"}


def test_another_learner_of_its_own_is_no_wrapped_one() -> None:
    own = {"sure": {"name": "self_training", "of": {"name": "torch"}}, "lone": {"name": "torch"}}
    assert plain_of({**PROTOCOL, "learners": own}) == {}
    assert beside_plain(study(results(learners=own), "set")) is None


def test_the_difference_is_paired_by_seed() -> None:
    """Seeds differ by far more than the learners do."""
    table = beside_plain(study(results(), "set"))
    assert table is not None
    ((name, other, gain, p, verdict, below),) = table.rows
    assert (name, other, verdict, below) == ("sure", "margin", "worse", "5 of 5")
    # a mean of 5 points, a deviation of 0.707: t of 4 degrees is 2.776
    assert gain == "−5.0 (−5.9 to −4.1)"
    assert p == "< 0.001"


def test_the_report_has_the_table_where_there_is_such_an_arm() -> None:
    def captions(found: Results) -> list[str]:
        section = setting_section(study(found, "set"), Picture("", "", ""))
        return [part.caption for part in section.parts if isinstance(part, Table)]

    said = "Beside the same strategy with the usual learner: 5 seeds"
    assert said in captions(results())
    assert said not in captions(results(learners={}))
