"""The examination of laws: right ones pass as often as promised, wrong ones are refused."""

from functools import partial
from math import comb
from typing import Any

import numpy as np
import pytest

from nextlabel import select
from nextlabel.testing.conformance import definition_of, examine
from nextlabel.testing.conformity.answers import Asked
from nextlabel.testing.conformity.chance import binomial_chance, split_chance, unlawful
from nextlabel.testing.conformity.questions import example
from nextlabel.testing.definitions.badge import definition as badge
from nextlabel.testing.faults import PLANTED, follow
from nextlabel.testing.twins import TWINS

LAWS = {"law", "permutation"}


@pytest.mark.parametrize("trials", [1, 7, 40])
@pytest.mark.parametrize("share", [0.003, 0.3, 0.5, 0.93])
def test_a_binomial_tail_is_below_a_level_as_seldom_as_it_says(trials: int, share: float) -> None:
    """Exact: the law is summed over all counts, nothing is drawn."""
    law = [comb(trials, one) * share**one * (1 - share) ** (trials - one) for one in range(trials + 1)]
    chances = [binomial_chance(one, trials, share) for one in range(trials + 1)]
    for level in (0.2, 0.01, 1e-4, 1e-7):
        below = sum(weight for weight, chance in zip(law, chances, strict=True) if chance < level)
        assert below <= level * (1 + 1e-9)
    # and no larger than need be: twice the smaller tail
    for count in range(trials + 1):
        tails = min(sum(law[: count + 1]), sum(law[count:]))
        assert chances[count] == pytest.approx(min(1.0, 2.0 * tails), rel=1e-9)


@pytest.mark.parametrize(("total", "draws"), [(1, 5), (6, 5), (10, 5), (30, 40)])
def test_a_hypergeometric_tail_is_that_of_equal_shares(total: int, draws: int) -> None:
    """Exact: the law is summed over all splits, nothing is drawn."""
    splits = range(max(0, total - draws), min(total, draws) + 1)
    law = {one: comb(draws, one) * comb(draws, total - one) / comb(2 * draws, total) for one in splits}
    for one in splits:
        below = sum(weight for other, weight in law.items() if other <= one)
        above = sum(weight for other, weight in law.items() if other >= one)
        assert split_chance(one, total - one, draws) == pytest.approx(
            min(1.0, 2.0 * min(below, above)), rel=1e-9
        )


@pytest.mark.parametrize("name", ["badge", "random", "stochastic"])
def test_a_law_that_is_kept_is_not_refused(name: str, seed: int) -> None:
    """Null: the picks follow the definition. Statistic: exact binomial tails, level divided by their number.

    1,600 draws for each of two pools; a right implementation is refused with a chance below 5e-7.
    """
    definition = definition_of(name)
    found = examine(
        partial(select, {"name": name, **definition.parameters}), definition, seed=seed, promises=LAWS
    )
    assert found.of("law").outcome == "kept", found.text()
    assert found.of("permutation").outcome == "kept", found.text()


@pytest.mark.parametrize("name", ["random", "stochastic", "mixture"])
def test_right_implementations_are_refused_as_seldom_as_the_level_says(name: str) -> None:
    """Null: the picks follow the law. Statistic: how many of 300 examinations refuse at a level of 0.2.

    The level is shared out over all tests, so each examination refuses with a chance of at most 0.2, and more
    than 100 of 300 do so with a chance below 1e-7 (binomial tail). Its twin, weights that lean to the first
    rows, is refused in more than half of them.
    """
    definition = definition_of(name)
    refused = {"right": 0, "leaning": 0}
    pools = [example(definition, n=4, batch=2, seed=seed) for seed in range(300)]
    picks = {"right": follow(definition), "leaning": PLANTED["law"](follow(definition), definition)}
    for which, pick in picks.items():
        for seed, pool in enumerate(pools if which == "right" else pools[:40]):
            settings: Any = {"level": 0.2, "draws": 48, "seed": 1_000 * seed}
            refused[which] += unlawful(Asked(pick), definition, pool, **settings) is not None
    assert refused["right"] <= 100
    assert refused["leaning"] > 20


@pytest.mark.parametrize("key", [key for key, twin in TWINS.items() if twin.breaks == "law"])
def test_a_law_that_is_not_kept_is_refused(key: str, seed: int) -> None:
    """The twins of the test above: D in place of D², a centre at the origin, and others."""
    verdict = examine(TWINS[key].pick, TWINS[key].definition, seed=seed, promises={"law"})[0]
    assert verdict.outcome == "broken"
    assert verdict.smallest is not None
    assert verdict.smallest.n <= 6
    assert "the law says" in verdict.says or "of weight zero" in verdict.says


@pytest.mark.parametrize("name", ["badge", "random", "stochastic"])
def test_a_law_that_leans_to_the_first_rows_is_refused_in_either_order(name: str, seed: int) -> None:
    """Twins again: each weight divided by one more than the position."""
    definition = definition_of(name)
    found = examine(PLANTED["law"](follow(definition), definition), definition, seed=seed, promises=LAWS)
    assert {"law", "permutation"} <= set(found.broken), found.text()


@pytest.mark.parametrize("first", ["uniform", "norm", "largest"])
def test_the_first_pick_of_badge_has_the_law_it_is_said_to_have(first: Any, seed: int) -> None:
    """Null and statistic as above, for each of the three rules; its twins are the two other rules."""
    pick = partial(select, {"name": "badge", "first": first})
    for other in ("uniform", "norm", "largest"):
        outcome = examine(pick, badge(other), seed=seed, promises={"law"})[0].outcome
        assert outcome == ("kept" if other == first else "broken")


def test_ties_are_let_pass_and_a_fixed_winner_is_not(seed: int) -> None:
    """Null: each of 4 equal items is first with probability 1/4; one of them misses all of 64 seeds with a
    chance of at most 4 · (3/4)⁶⁴ < 5e-8. Its twin passes over the seed.
    """
    definition = definition_of("margin")
    assert examine(follow(definition), definition, seed=seed, promises={"ties"})[0].outcome == "kept"
    fixed = PLANTED["ties"](follow(definition), definition)
    assert examine(fixed, definition, seed=seed, promises={"ties"})[0].outcome == "broken"


def test_single_precision_may_turn_one_near_tie(seed: int) -> None:
    """Null: picks in both precisions part on near ties alone; on two pools of eight with a chance below 1e-7.

    Here one pool of eight differs, and then all do: the first is let pass, its twin is not.
    """
    right = partial(select, "margin")

    def parting(often: int) -> Any:
        asked: dict[bytes, int] = {}

        def pick(**call: Any) -> Any:
            picks = right(**call)
            if call["proba"].dtype == np.float32:
                place = asked.setdefault(call["proba"].tobytes(), len(asked))
                picks = picks[::-1] if place < often else picks
            return picks

        return pick

    assert examine(parting(1), "margin", seed=seed, promises={"precision"})[0].outcome == "kept"
    assert examine(parting(8), "margin", seed=seed, promises={"precision"})[0].outcome == "broken"
