"""What settings say together: penalties, ranks, probabilities, and whether a ranking is stable."""

import builtins
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from nextlabel.errors import MissingExtra, ParameterError
from nextlabel.experiment.across import Ranks, agreements, posteriors, ranking
from nextlabel.experiment.curves import Results, Run
from nextlabel.experiment.penalty import common_strategies, penalty

LABELS = (10, 20, 30, 40, 50)
RANDOM = (0.2, 0.4, 0.6, 0.7, 0.9)


def setting(
    gains: Mapping[str, float], *, seeds: int = 4, labels: tuple[int, ...] = LABELS, **protocol: Any
) -> Results:
    """Random's curve, and the others above it by their gains after the start; a seed is hard for all."""
    runs = [
        Run(
            name,
            seed,
            labels,
            tuple(
                height + 0.01 * seed + gain * (1.0 + 0.02 * (seed % 2)) * (k > 0)
                for k, height in enumerate(RANDOM)
            ),
            tuple((f"{name}-{k}",) for k in range(len(labels))),
            (0.1,) * len(labels),
            (0.2,) * (len(labels) - 1),
        )
        for name, gain in gains.items()
        for seed in range(seeds)
    ]
    return Results({"dataset": "letters", "learner": "mlp", "start": 10, "batch": 10, **protocol}, runs)


BETTER = {"badge": 0.05, "margin": 0.03, "random": 0.0}
WORSE = {"badge": -0.05, "margin": -0.02, "random": 0.0}


def test_the_matrix_is_a_sum_over_settings() -> None:
    # the start counts, and batches 1 and 2: after 4 random is at its end. Differences are certain at both.
    found = penalty(
        [setting(BETTER), setting(WORSE, dataset="digits"), setting(BETTER, dataset="dna")], "random"
    )
    assert found.strategies == ("badge", "margin", "random")
    assert np.array(found.matrix) == pytest.approx(np.array([[0, 4, 4], [2, 0, 4], [2, 2, 0]]) / 3)
    assert found.penalties == pytest.approx((4 / 9, 6 / 9, 8 / 9))
    assert (found.settings, found.seeds, found.checkpoints) == (3, (4, 4), (3, 3, 3))


def test_errors_stand_beside_the_baselines_with_weights_that_sum_to_one() -> None:
    found = penalty([setting(BETTER, seeds=2), setting(BETTER, seeds=5, dataset="dna")], "random")
    assert found.seeds == (2, 5)
    assert found.ratios["random"] == (1.0,) * 6
    assert sum(found.weights) == pytest.approx(1.0)
    # at 20 labels random errs 0.595 on average over two seeds, badge 0.0505 less
    assert found.ratios["badge"][0] == 1.0  # at the start all are equal
    assert found.ratios["badge"][1] == pytest.approx(1.0 - 0.0505 / 0.595)


def test_a_strategy_that_did_not_run_everywhere_is_left_out() -> None:
    settings = [setting(BETTER), setting({"badge": 0.1, "random": 0.0})]
    assert common_strategies(settings) == ("badge", "random")
    assert penalty(settings, "random").strategies == ("badge", "random")


def test_a_matrix_without_the_baseline_is_refused() -> None:
    with pytest.raises(
        ParameterError, match=r"ran the baseline 'uniform'; received 1 settings with badge, margin"
    ):
        penalty([setting(BETTER)], "uniform")
    with pytest.raises(ParameterError, match="received 0 settings with nothing"):
        penalty([], "random")


def test_settings_of_one_data_set_count_once() -> None:
    # badge is better on the mean of the two settings of letters, and on dna
    settings = [setting(WORSE), setting({**BETTER, "badge": 0.2}, batch=20), setting(BETTER, dataset="dna")]
    found = ranking(settings)
    assert (found.strategies, found.ranks, found.sets) == (("badge", "margin", "random"), (1.0, 2.0, 3.0), 2)
    assert found.p_value is None
    assert found.sentence() == (
        "No test: Friedman's asks for 3 strategies and about 10 data sets, and there are 3 and 2. "
        "The mean ranks describe these data sets alone."
    )


def test_ten_data_sets_are_tested() -> None:
    found = ranking([setting(BETTER, dataset=f"set {i}") for i in range(10)])
    assert found.p_value == pytest.approx(np.exp(-10.0))  # chi-square 20 with two degrees of freedom
    assert found.difference == pytest.approx(2.343 * np.sqrt(12 / 60), rel=1e-3)
    assert found.sentence() == (
        "Over 10 data sets the ranks differ (Friedman's test, p 4.5e-05); mean ranks closer than 1.05 are "
        "not distinguishable (Nemenyi's test, 5 %)."
    )


def test_ranks_that_do_not_differ_are_said_not_to() -> None:
    sentence = Ranks(("a", "b", "c"), (1.9, 2.0, 2.1), 12, 0.9, 0.96).sentence()
    assert sentence == "Over 12 data sets the ranks are not distinguishable (Friedman's test, p 0.9)."


def test_the_signed_rank_says_better_worse_and_practically_equal() -> None:
    gains = {"badge": 0.1, "margin": 0.098, "coreset": 0.3, "random": 0.0}
    found = posteriors([setting(gains, seeds=5, dataset=f"set {i}") for i in range(8)], "badge", rope=0.01)
    by_name = {one.other: one for one in found}
    assert list(by_name) == ["margin", "coreset", "random"]
    assert by_name["random"].better > 0.95
    assert by_name["coreset"].worse > 0.95
    assert by_name["margin"].equal > 0.95
    for one in found:
        assert (one.strategy, one.sets, one.rope) == ("badge", 8, 0.01)
        assert one.better + one.equal + one.worse == pytest.approx(1.0)


def test_the_sampler_follows_its_seed() -> None:
    rng = np.random.default_rng(0)
    settings = [
        setting({"badge": float(rng.normal(0.01, 0.01)), "random": 0.0}, seeds=5, dataset=f"set {i}")
        for i in range(6)
    ]
    first, again = (posteriors(settings, "badge", rope=0.01, seed=3) for _ in range(2))
    assert first == again


def test_data_sets_with_too_few_seeds_do_not_count_for_probabilities() -> None:
    settings = [setting(BETTER, seeds=5, dataset=f"set {i}") for i in range(5)]
    few = [setting(WORSE, seeds=4, dataset=f"other {i}") for i in range(5)]
    assert posteriors(few, "badge", rope=0.01) == ()
    assert posteriors([*settings[:4], *few], "badge", rope=0.01) == ()
    assert posteriors([*settings, *few], "badge", rope=0.01) == posteriors(settings, "badge", rope=0.01)


def test_the_published_matrix_takes_the_first_five_seeds() -> None:
    # the sixth seed turns what the first five say, the settings with fewer stay as they are
    results, short = setting(BETTER, seeds=6), setting(WORSE, seeds=3, dataset="dna")
    turned = Results(
        results.protocol,
        [
            replace(run, accuracy=(0.2, 0.0, 0.0, 0.0, 0.9))
            if run.seed == 5 and run.strategy != "random"
            else run
            for run in results.runs
        ],
    )
    five = Results(results.protocol, [run for run in turned.runs if run.seed < 5])
    found = penalty([turned, short], "random", most_seeds=5)
    assert found == penalty([five, short], "random")
    assert found.seeds == (3, 5)
    assert found != penalty([turned, short], "random")


def test_few_data_sets_or_an_absent_lead_have_no_probabilities() -> None:
    settings = [setting(BETTER, seeds=5, dataset=f"set {i}") for i in range(5)]
    assert posteriors(settings[:4], "badge", rope=0.01) == ()
    assert posteriors(settings, "coreset", rope=0.01) == ()
    assert len(posteriors(settings, "badge", rope=0.01)) == 2


def test_without_baycomp_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = builtins.__import__

    def absent(name: str, *rest: Any, **more: Any) -> Any:
        if name.partition(".")[0] == "baycomp":
            raise ModuleNotFoundError(name=name)
        return kept(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(MissingExtra, match=r"'baycomp'.* pip install 'nextlabel\[plot\]'"):
        posteriors([setting(BETTER, seeds=5, dataset=f"set {i}") for i in range(5)], "badge", rope=0.01)


def test_the_ranking_is_compared_where_one_thing_differs() -> None:
    settings = [
        setting(BETTER, seeds=3),
        setting(WORSE, seeds=3, batch=20),
        setting(BETTER, seeds=3, start=20),
        setting(BETTER, seeds=3, learner={"name": "forest"}),
        setting(BETTER, seeds=3, dataset="dna", batch=20),
    ]
    # worse turns the order badge, margin, random round; other pairs differ in two things, or in the data
    found = agreements(settings)
    assert [(one.nuisance, one.first, one.second) for one in found] == [
        ("batch", 0, 1),
        ("start", 0, 2),
        ("learner", 0, 3),
    ]
    assert [one.tau for one in found] == pytest.approx([-1.0, 1.0, 1.0])


def test_halves_of_the_seeds_are_compared() -> None:
    (found,) = agreements([setting(BETTER)])
    assert (found.nuisance, found.first, found.second) == ("seeds", 0, 0)
    assert found.tau == pytest.approx(1.0)
    assert agreements([setting(BETTER, seeds=3)]) == ()
    assert agreements([setting({"badge": 0.1, "random": 0.0})]) == ()
