"""The chance that targets are exact without a message: against enumeration, and against blind guesses."""

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from nextlabel.core.disclosure import Array
from nextlabel.leakage.targets import TargetLaw, target_law


def law_of(values: Any) -> TargetLaw:
    found = target_law(np.asarray(values, np.float64))
    assert found is not None
    return found


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def claims_of(*messages: list[float]) -> list[Array]:
    return [np.array(one)[:, None] for one in messages]


def hits(drawn: Array, claims: list[Array]) -> int:
    """How many of the values drawn are claimed, message by message, each claim used once."""
    found = 0
    for own, claim in zip(drawn, claims, strict=True):
        left = claim.ravel().tolist()
        for one in own.tolist():
            if one in left:
                left.remove(one)
                found += 1
    return found


ONE, TWO, MANY = [[3.0, 5.0, 5.0]], [[3.0, 5.0], [5.0, 7.0]], [[3.0, 4.0, 5.0, 6.0, 7.0], [5.0, 5.0, 7.0]]


@pytest.mark.parametrize("said", [ONE, TWO, MANY], ids=["one", "two", "more than records"])
def test_the_chance_is_that_of_drawing_from_all_targets(said: list[list[float]]) -> None:
    """Drawn where it is not added up, until 50 hits or 50,000 times, with 40 seeds.

    Five standard deviations, a false alarm 6e-7; and for stopping at 50 hits and for the one that is counted
    beside those drawn, at least a hundred of them, 2 % and 1/100.
    """
    values, claims = np.array([3.0, 3.0, 5.0, 5.0, 5.0, 6.0, 7.0]), claims_of(*said)
    batch = 3 if len(said) == 1 else 2
    of = batch * len(said)
    orders = np.array(list(permutations(values)))[:, :of].reshape(-1, len(said), batch)
    counts, law = np.array([hits(one, claims) for one in orders]), law_of(values)
    for exact in range(of + 1):
        true = float((counts >= exact).mean())
        spread = np.sqrt(true * (1 - true) / min(50_000, max(100, 50 / max(true, 1e-9))))
        seeds = range(1 if len(said) == 1 else 40)
        found = np.mean([law.chance_of(claims, exact, batch, np.random.default_rng(k)) for k in seeds])
        drawn = 5 * spread / np.sqrt(40) + 0.02 * true + 0.01 * (true > 0) * (true < 1)
        assert found == pytest.approx(true, abs=1e-9 + drawn * (len(said) > 1))


def test_one_of_distinct_targets_is_named_as_seldom_as_there_are_many() -> None:
    law = law_of(np.arange(200.0))
    assert law.chance_of(claims_of([7.0]), 1, 1, rng()) == pytest.approx(1 / 200)
    assert law.chance_of(claims_of([7.0], [9.0]), 2, 1, rng()) == pytest.approx(1 / (200 * 199))
    assert law.chance_of(claims_of([1e9]), 0, 1, rng()) == 1.0


def test_claims_that_may_hit_the_same_target_are_of_one_class() -> None:
    """In units of their spread the first three lie within 0.001 of the next, and 0.0016 of one another."""
    values = np.array([0.0, 0.0008, 0.0016, 1.0, -1.0, 2.0, -2.0, 1.5, -1.5, 0.5])
    law = law_of(values / values.std())
    units = law.values.ravel()
    assert law.chance_of([units[:1, None]], 1, 1, rng()) == pytest.approx(2 / 10)
    assert law.chance_of([units[[0, 2], None]], 1, 1, rng()) == pytest.approx(3 / 10)


def test_all_columns_must_be_hit() -> None:
    law = law_of([[0.0, 5.0], [0.0, 5.0], [0.0, 6.0], [1.0, 6.0]])
    assert law.chance_of([np.array([[0.0, 5.0]])], 1, 1, rng()) == pytest.approx(1 / 2)
    assert law.chance_of([np.array([[1.0, 5.0]])], 1, 1, rng()) == 0.0
    assert law.chance_of([np.array([[np.nan, np.inf]])], 1, 1, rng()) == 0.0


@pytest.mark.parametrize("size", [2, 50, 400])
def test_where_the_law_takes_too_long_a_bound_is_no_less(size: int) -> None:
    """Half of 800 targets in one message: all are drawn anew so often that no other law is needed."""
    values = np.arange(800.0) // size
    said, order = np.unique(values)[:1], np.random.default_rng(1)
    claims = [np.full((200, 1), said)]
    law = law_of(values)
    drawn = order.hypergeometric(size, 800 - size, 400, size=20_000)
    right = np.minimum(drawn, 200)
    for exact in np.unique(np.quantile(right, [0.5, 0.9, 0.99]).astype(int)):
        found = law.chance_of(claims, int(exact), 400, rng())
        assert (right >= exact).mean() <= found + 5 * np.sqrt(0.25 / 20_000)
    assert law.chance_of([values[:400, None]], 400, 400, rng()) <= 1e-6 or size == 400


def chances(values: Array, batch: int, claims: list[Array], seed: int, audits: int, *, is_old: bool) -> Array:
    """Of audits with claims that read nothing; or of the broken twin, by independent targets."""
    order, law, seen = np.random.default_rng(seed), law_of(values), {}
    made = []
    for _ in range(audits):
        drawn = order.permutation(values)[: batch * len(claims)].reshape(len(claims), batch)
        exact = hits(drawn, claims)
        if exact not in seen:
            share = min(
                1.0, batch * max(1e-3, (np.unique(values, return_counts=True)[1].max() - 1) / len(values))
            )
            old = float(binom.sf(exact - 1, batch * len(claims), share))
            seen[exact] = old if is_old else law.chance_of(claims, exact, batch, rng())
        made.append(seen[exact])
    return np.array(made)


NULLS = {
    "distinct": (np.arange(200.0), 10, [list(np.arange(10.0))] * 20),
    "pairs": (np.repeat(np.arange(50.0), 2), 10, [list(np.arange(10.0))] * 10),
    "halves": (np.repeat([0.0, 1.0], 50), 10, [[0.0] * 5 + [1.0] * 5] * 10),
    "commonest": (np.repeat([0.0, 1.0], [70, 30]), 1, [[0.0]] * 20),
}


@pytest.mark.parametrize("name", NULLS)
def test_what_reads_nothing_is_seldom_given_a_small_chance(name: str, seed: int) -> None:
    """Of 300 audits at most 15 have a chance of 1 in 100: the binomial tail beyond is 4e-7; none 1e-9."""
    values, batch, said = NULLS[name]
    found = chances(values, batch, claims_of(*said), seed, 300, is_old=False)
    assert (found <= 0.01).sum() <= 15
    assert found.min() > 1e-9


def test_the_test_rejects_a_law_that_takes_targets_for_hardly_ever_hit(seed: int) -> None:
    values, batch, said = NULLS["distinct"]
    assert (chances(values, batch, claims_of(*said), seed, 300, is_old=True) <= 0.01).sum() > 15


@pytest.mark.parametrize(
    ("values", "off", "is_known"),
    [
        (np.arange(20) % 2, 0.12, True),
        (np.arange(20) % 2, 0.13, False),
        (np.arange(20) % 5 + 1 + (np.arange(20) == 19) * 4, 0.013, True),
        (18.0 + np.arange(60), 0.1, True),
        (18.0 + np.arange(60), 0.3, False),
        (np.random.default_rng(0).normal(size=60), 0.01, False),
    ],
    ids=["0/1", "0/1 too far", "ratings", "ages", "ages too far", "spread"],
)
def test_a_target_that_rounding_tells_came_back(values: Array, off: float, is_known: bool) -> None:
    """Off by up to an eighth of the least gap between targets."""
    law = law_of(values)
    targets = law.among(np.arange(4))
    found = targets.verdicts(targets.scores(targets.values + off * np.array([[1], [-1], [1], [-1]])))
    assert set(found) == ({"EXACT"} if is_known else {"NOT SHOWN"})
    claim = [targets.values[:1] + off]
    share = float((law.values == targets.values[0]).mean()) if is_known else 0.0
    assert law.chance_of(claim, 1, 1, rng()) == pytest.approx(share)


def test_a_target_that_the_mean_names_too_is_not_given_away() -> None:
    law = law_of([-1.0, 1.0, 0.0, 1.0, -1.0])
    targets = law.among(np.arange(3))
    assert targets.verdicts(targets.scores(targets.values + 0.01)) == ("EXACT", "EXACT", "NOT SHOWN")
