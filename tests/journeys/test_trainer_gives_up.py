"""A learner that raises is tried once over the same labels, and again when these change."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nextlabel import Campaign, classes
from nextlabel.server.training import Training

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes of POSIX systems")

LEARNER = """
from pathlib import Path

from sklearn.linear_model import LogisticRegression

from nextlabel.learners.sklearn import SklearnLearner


class Broken(LogisticRegression):
    def fit(self, X, y, sample_weight=None):
        with Path(__file__).with_name("tries").open("a") as tries:
            tries.write(f"{len(y)}\\n")
        raise RuntimeError("no such thing")


def make():
    return SklearnLearner(Broken(), features="tfidf")
"""


def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it does not hold in time"
        time.sleep(0.05)


def test_a_fit_that_fails_is_tried_again_when_labels_change_and_not_before(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(LEARNER)
    (tmp_path / "items.csv").write_text("key,body\n" + "".join(f"{one},number {one}\n" for one in range(40)))
    pool = {"name": "csv", "path": str(tmp_path / "items.csv"), "text": "body", "id": "key"}
    path, tries = tmp_path / "a.db", tmp_path / "tries"
    learner = f"{tmp_path / 'broken.py'}:make"
    with Campaign.create(path, pool, learner, "random", classes("no", "yes"), 0) as campaign:
        campaign.tell({"0": "no", "1": "yes"})
        training = Training(path, 5)
        training.start()
        try:
            until(lambda: training.says(campaign.state)["state"] == "failed")
            assert "no such thing" in training.says(campaign.state)["message"]
            campaign.note("what changes no label")
            time.sleep(1.0)  # five looks at the journal
            assert tries.read_text() == "2\n"
            campaign.tell({"2": "no"})
            until(lambda: tries.read_text() == "2\n3\n")
        finally:
            training.close()
