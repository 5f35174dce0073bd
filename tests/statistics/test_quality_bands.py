"""All bands of a campaign hold together, however the models change and however often one looks."""

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import betaincinv
from scipy.stats import binom, norm

from nextlabel import Campaign, arrays, classes
from nextlabel.core.task import Label
from nextlabel.evaluation import quality
from nextlabel.evaluation.quality import LOOKS, band
from nextlabel.maths.axes import Array

FALSE_ALARM = 1e-6
RUNS = 2_000
NOMINAL = 0.05


@cache
def tables() -> dict[int, NDArray[np.float64]]:
    """The band of every count of every look, so that thousands of campaigns cost a look-up each."""
    return {asked: np.array([band(right, asked) for right in range(asked + 1)]) for asked in LOOKS}


def walk(rng: np.random.Generator, looks: int) -> NDArray[np.float64]:
    """Accuracies of the models that a campaign comes by: up and down, between .5 and .99."""
    return np.clip(rng.uniform(0.5, 0.99) + rng.normal(scale=0.05, size=looks).cumsum(), 0.5, 0.99)


def is_refused(misses: int, runs: int = RUNS) -> bool:
    return bool(misses > binom.isf(FALSE_ALARM, runs, NOMINAL))


def one_look(x: Array, asked: Array) -> tuple[Array, Array]:
    """The exact 95 % interval for one look, by Clopper and Pearson."""
    low = np.where(x == 0, 0.0, betaincinv(np.maximum(x, 1), asked - x + 1, 0.025))
    return low, np.where(x == asked, 1.0, betaincinv(x + 1, np.maximum(asked - x, 1), 0.975))


def naive_misses(rng: np.random.Generator, accuracy: float, most: int) -> bool:
    """The broken twin: an exact 95 % interval of one look, at 40 looks of growing samples."""
    asked = np.linspace(50, most, 40).astype(int)
    low, high = one_look((rng.random(most) < accuracy).cumsum()[asked - 1], asked)
    return bool(((accuracy < low) | (accuracy > high)).any())


def test_all_bands_of_a_campaign_hold_while_the_model_changes(seed: int) -> None:
    """Null law: in each of 2,000 campaigns some band misses with probability at most .05.

    Statistic: how many have a miss, whatever the models; what they have right is drawn afresh at every look.
    Refused above the binomial quantile at 1 − 1e-6, so a correct band fails with probability at most 1e-6.
    The twin is the exact interval for one look, looked at 40 times: it misses in about a fifth of runs.
    """
    rng = np.random.default_rng(seed)
    known = tables()
    misses = naive = 0
    for _ in range(RUNS):
        accuracy = walk(rng, len(LOOKS))
        ends = np.array([known[m][rng.binomial(m, p)] for m, p in zip(LOOKS, accuracy, strict=True)])
        misses += bool(((accuracy < ends[:, 0]) | (accuracy > ends[:, 1])).any())
        naive += naive_misses(rng, float(accuracy[0]), 600)
    assert not is_refused(misses)
    assert is_refused(naive)


def test_all_bands_hold_where_the_same_items_are_looked_at_again(seed: int) -> None:
    """Null law: as before, with control items that are kept from look to look, and models that have the same
    items wrong: each item has a difficulty, and a model is right below its own accuracy.

    Statistic: how many of 2,000 campaigns have a miss. The twin takes items that were picked for being hard
    into the count, as labels of a strategy would be.
    """
    rng = np.random.default_rng(seed)
    known = tables()
    misses = biased = 0
    for _ in range(RUNS):
        accuracy, difficulty = walk(rng, len(LOOKS)), rng.random(LOOKS[-1])
        for use, is_twin in ((difficulty, False), (np.maximum(difficulty, rng.random(LOOKS[-1])), True)):
            right = np.array([(use[:m] < p).sum() for m, p in zip(LOOKS, accuracy, strict=True)])
            ends = np.array([known[m][x] for m, x in zip(LOOKS, right, strict=True)])
            missed = bool(((accuracy < ends[:, 0]) | (accuracy > ends[:, 1])).any())
            misses, biased = misses + (missed and not is_twin), biased + (missed and is_twin)
    assert not is_refused(misses)
    assert is_refused(biased)


def test_bands_hold_where_people_skip_what_the_model_has_wrong(seed: int) -> None:
    """Null law: as before; of the control items that the model has wrong, people skip some, a tenth at most.

    Statistic: how many of 2,000 campaigns have a miss, with skipped items wrong for the lower end and right
    for the upper. The twin, of 300 campaigns, leaves skipped items out of the count.
    """
    rng = np.random.default_rng(seed)
    known = tables()
    misses = left_out = 0
    for run in range(RUNS):
        accuracy = walk(rng, len(LOOKS))
        missed = without = False
        for m, p in zip(LOOKS, accuracy, strict=True):
            right = rng.binomial(m, p)
            skipped = min(m - right, m // 10)
            low, high = known[m][right][0], known[m][right + skipped][1]
            missed |= not low <= p <= high
            if run < 300 and not without:
                low, high = band(right, m - skipped)
                without = not low <= p <= high
        misses, left_out = misses + missed, left_out + without
    assert not is_refused(misses)
    assert is_refused(left_out, 300)


CENTRES = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]])
TASK = classes("a", "b", "c")


def clouds(rng: np.random.Generator, items: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    of = rng.integers(3, size=items)
    return (CENTRES[of] + rng.normal(scale=0.8, size=(items, 2))).astype(np.float32), of


def campaign_misses(seed: int, fresh: int) -> tuple[bool, bool]:
    """Whether a band of a whole campaign misses; whether a 95 % interval from the strategy's labels does."""
    rng = np.random.default_rng(seed)
    points, of = clouds(rng, 700)
    new, truth = clouds(rng, fresh)
    ids = [str(place) for place in range(700)]
    campaign = Campaign.create(
        None, arrays(points, ids=ids), "sklearn", "margin", TASK, seed=seed, control=0.2
    )
    slack = norm.isf(FALSE_ALARM / 2) * 0.5 / np.sqrt(fresh)  # the truth is measured too
    missed = False
    while campaign.state.labelled < 450:
        query = campaign.ask(50)
        campaign.tell({id: TASK.classes[of[int(id)]] for id in query.ids})
        if quality.due(campaign.state) is None:
            continue
        model = campaign.fit()
        said = model.signals(campaign.pool, np.arange(700), {"proba"}, rng)["proba"].argmax(axis=1)
        accuracy = float((predict(model, new) == truth).mean())
        known: dict[str, Label] = {id: TASK.classes[k] for id, k in zip(ids, said, strict=True)}
        found = quality.look(campaign.state, known)
        campaign.measure("quality", found.values(), model=model.fingerprint)
        assert found.low is not None
        assert found.high is not None
        missed |= not found.low - slack <= accuracy <= found.high + slack
    active = [int(id) for id in campaign.state.training()]
    x, m = int((said[active] == of[active]).sum()), len(active)
    low, high = one_look(np.array(x), np.array(m))
    return missed, not low <= accuracy <= high


def predict(model: object, points: NDArray[np.float32]) -> NDArray[np.int64]:
    found = model.signals(arrays(points), np.arange(len(points)), {"proba"}, np.random.default_rng(0))  # type: ignore[attr-defined]
    return np.asarray(found["proba"].argmax(axis=1))


@pytest.mark.slow
def test_bands_of_real_campaigns_hold_the_accuracy_on_new_items(seed: int) -> None:
    """Null law: in each of 200 campaigns by margin, on clouds whose new items can be drawn at will, some band
    misses with probability at most .05.

    Statistic: how many have a miss, the truth being the accuracy on 50,000 new items with its own error
    allowed for. Refused above the binomial quantile at 1 − 1e-6. The twin is an interval from the labels
    that the strategy has picked.
    """
    ended = [campaign_misses(1_000 * seed + one, 50_000) for one in range(200)]
    assert not is_refused(sum(missed for missed, _ in ended), 200)
    assert is_refused(sum(twin for _, twin in ended), 200)
