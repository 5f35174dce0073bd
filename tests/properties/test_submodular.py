"""Every form of the submodular measures on drawn features, where ties, copies and zeros come up often."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nextlabel import Signals, build
from nextlabel.testing.definitions.submodular import defined, value_of
from nextlabel.testing.laws import Question

PROFILE = settings.get_profile(settings.get_current_profile_name())
FEW = settings(max_examples=PROFILE.max_examples // 4)  # of each form, so that all of them stay quick
FUNCTIONS = ("facility_location", "graph_cut", "log_det")
MEASURES = ("plain", "mutual_information", "conditional_gain", "conditional_mutual_information")
FORMS = [(function, measure, "flqmi") for function in FUNCTIONS for measure in MEASURES]
FORMS.append(("facility_location", "mutual_information", "flvmi"))
WHOLE = st.integers(-2, 2).map(float)


@st.composite
def questions(draw: st.DrawFn, similarity: str) -> Question:
    n, labelled = draw(st.integers(1, 6)), draw(st.integers(0, 4))
    wide = {"embedding": draw(st.integers(1, 3))} | ({"residual": 3} if similarity == "gradient" else {})

    def some(rows: int) -> dict[str, Any]:
        return {
            name: draw(arrays(np.float64, (rows, width), elements=WHOLE))
            / (3.0 if name == "residual" else 1.0)
            for name, width in wide.items()
        }

    labels = np.array(draw(st.lists(st.integers(0, 2), min_size=labelled, max_size=labelled)), np.int64)
    return Question(some(n), draw(st.integers(1, n)), labelled=some(labelled), labels=labels)


@pytest.mark.parametrize("similarity", ["embedding", "gradient"])
@pytest.mark.parametrize(("function", "measure", "mutual"), FORMS)
@FEW
@given(data=st.data())
def test_picks_and_scores_follow_the_set_function(
    function: str, measure: str, mutual: str, similarity: str, data: st.DataObject
) -> None:
    share = st.sampled_from([0.0, 0.25, 1.0])
    form = {
        "function": function, "measure": measure, "mutual": mutual, "similarity": similarity,
        "eta": data.draw(share, label="eta"), "nu": data.draw(share, label="nu"),
        "lam": data.draw(st.sampled_from([0.0, 0.5, 3.0]), label="lam"), "jitter": 1e-3,
        "query_classes": (1,) if "mutual" in measure else None,
        "private_classes": data.draw(st.sampled_from([None, (0,), (0, 2)]), label="private"),
    }  # fmt: skip
    about = data.draw(questions(similarity), label="question")
    signals = Signals(about.signals, labelled=Signals(about.labelled or {}), labels=about.labels)
    solver = data.draw(st.sampled_from(["lazy", "naive"]), label="solver")
    strategy = build("strategy", {"name": "submodular", **form, "solver": solver})
    picks = strategy.pick(signals, about.batch, np.random.default_rng(data.draw(st.integers(0, 9))))
    weights, value = defined(**form).weights, value_of(about, **form)
    assert weights is not None
    for place, item in enumerate(picks.positions):
        before = picks.positions[:place].tolist()
        assert weights(about, before)[item] > 0.0
        # a variance of the size of the jitter, 1e-3, is known to about 1e-15
        assert abs(picks.scores[place] - (value([*before, item]) - value(before))) < 1e-9
