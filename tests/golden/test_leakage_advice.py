"""Advice after a sweep: the least that ended an attack, its bound, its price, and no comfort beyond that."""

import dataclasses
import json
import re

import pytest

from nextlabel.errors import ParameterError
from nextlabel.leakage.advice import INSTEAD, advise, findings, instead
from nextlabel.leakage.trials import ALL, UNDEFENDED, Trial, sweep_words


def trial(
    defence: str,
    strength: float | None,
    leaked: int,
    *,
    records: int = 20,
    by_attack: dict[str, int] | None = None,
    accuracies: tuple[float, ...] = (),
) -> Trial:
    words = "no defence" if defence == UNDEFENDED else f"{defence} of {strength}"
    return Trial(defence, strength, words, records, leaked, leaked, by_attack or {}, accuracies)


BARE = trial(UNDEFENDED, None, 20, by_attack={"peel": 20, "matching": 18}, accuracies=(0.95, 0.96, 0.94))


def test_the_least_strength_is_the_one_from_which_on_nothing_comes_back() -> None:
    tried = [trial("gaussian", 0.1, 0), trial("gaussian", 0.001, 7), trial("gaussian", 0.01, 0)]
    (found,) = [one for one in findings([BARE, *tried]) if one.attack == ALL]
    assert [one.strength for one in found.tried] == [0.001, 0.01, 0.1]
    assert found.least is not None
    assert found.least.strength == 0.01


def test_a_strength_that_ended_an_attack_does_not_count_where_a_greater_one_did_not() -> None:
    tried = (trial("prune", 0.1, 0), trial("prune", 0.3, 1), trial("prune", 0.5, 0))
    assert findings([BARE, *tried])[0].least == tried[2]
    assert findings([BARE, *tried, trial("prune", 0.7, 2)])[0].least is None


def test_each_attack_has_its_own_least_strength() -> None:
    weak = trial("gaussian", 0.001, 7, by_attack={"peel": 0, "matching": 7})
    strong = trial("gaussian", 0.01, 0, by_attack={"peel": 0, "matching": 0, "span": 0})
    found = {one.attack: one.least for one in findings([BARE, strong, weak])}
    assert found == {ALL: strong, "peel": weak, "matching": strong}


def test_an_attack_that_took_all_that_was_taken_is_not_told_twice() -> None:
    bare = trial(UNDEFENDED, None, 20, by_attack={"peel": 20, "matching": 20})
    weak = trial("gaussian", 0.001, 7, by_attack={"peel": 3, "matching": 7})
    assert [one.attack for one in findings([bare, weak])] == [ALL, "peel"]


def test_an_attack_that_ended_is_told_where_the_clock_leaves_all_together_open() -> None:
    bare = trial(UNDEFENDED, None, 20, by_attack={"peel": 20, "matching": 20})
    strong = dataclasses.replace(
        trial("gaussian", 0.1, 0), unsettled=20, unsettled_by_attack={"matching": 20}
    )
    found = {one.attack: one.least for one in findings([bare, strong])}
    assert found == {ALL: None, "peel": strong}


def test_an_attack_that_reads_no_such_messages_was_not_ended_by_them() -> None:
    bare = trial(UNDEFENDED, None, 20, by_attack={"peel": 20, "matching": 15})
    joined = dataclasses.replace(trial("batch", 4, 0), refused={"peel": 20})
    both, peel, matching = findings([bare, joined])
    assert (both.attack, peel.attack, matching.attack) == (ALL, "peel", "matching")
    assert (both.least, peel.least, matching.least) == (joined, None, joined)
    assert (peel.upper(joined), both.applies_to(joined), peel.applies_to(joined)) == (1.0, True, False)
    said = peel.sentence()
    assert said == (
        "The attack peel by itself took 20 of 20 items without a defence and 0 of 20 items with batch of 4: "
        "it does not apply there, since it reads no such messages, which bounds nothing for other attacks."
    )
    alone = dataclasses.replace(bare, by_attack={"peel": 20})
    (whole,) = findings([alone, joined])
    assert whole.least is None
    assert "what took them does not apply there" in whole.sentence()


def test_records_that_an_attack_does_not_read_are_no_evidence() -> None:
    bare = trial(UNDEFENDED, None, 20, by_attack={"peel": 19})
    half = dataclasses.replace(trial("prune", 0.9, 0), refused={"peel": 10})
    found = next(one for one in findings([bare, half]) if one.attack == "peel")
    assert found.least == half
    assert found.upper(half) == pytest.approx(1.0 - 0.025**0.1)
    assert "0 of 20 items (10 in messages that it does not read) with prune of 0.9" in found.sentence()
    with pytest.raises(ParameterError, match="21 for 'peel'"):
        dataclasses.replace(half, refused={"peel": 21})


def test_what_no_attack_took_is_said_once_for_all_defences() -> None:
    bare = dataclasses.replace(
        trial(UNDEFENDED, None, 6, records=6, by_attack={"peel": 6}), unsettled_by_attack={"matching": 6}
    )
    weak = [trial(name, 1.0, 0, records=6, by_attack={"matching": 1}) for name in ("prune", "gaussian")]
    said = [one for one in advise([bare, *weak]) if "attack matching by itself" in one]
    assert len(said) == 1
    assert "0 of 6 items (6 more cut short) without a defence" in said[0]


def test_the_bound_allows_for_the_strengths_that_were_tried() -> None:
    # 0 of 20 at confidence 1 - 0.05 / k: the upper end is 1 - (0.025 / k)^(1 / 20).
    for count in (1, 2, 5):
        tried = [trial("gaussian", 1.0 + one, 0) for one in range(count)]
        found = findings([BARE, *tried])[0]
        assert found.upper(tried[0]) == pytest.approx(1.0 - (0.025 / count) ** (1 / 20), rel=1e-9)


def test_a_finding_says_count_bound_and_price() -> None:
    weak = trial("gaussian", 0.001, 7, accuracies=(0.95, 0.95, 0.94))
    strong = trial("gaussian", 0.01, 0, accuracies=(0.90, 0.92, 0.88))
    said = findings([BARE, weak, strong])[0].sentence()
    # 1 - 0.0125^(1/20) = 0.1967; losses 5, 4, 6 points: 5 +- 4.3027 / sqrt(3) = 2.5 to 7.5
    assert said == (
        "The attacks together took 20 of 20 items without a defence and 0 of 20 items with gaussian of 0.01 "
        "(with gaussian of 0.001 still 7 of 20 items). The chance for a record is at most 19.7 % with 95 % "
        "confidence, allowing for the 2 strengths tried, for these attacks and this budget. Test accuracy "
        "90.0 % instead of 95.0 % (2.5 to 7.5 points lower, 3 seeds)."
    )


def test_labels_that_still_come_back_are_told() -> None:
    strong = Trial("gaussian", 0.1, "noise of 0.1", 20, leaked=0, labels=19)
    assert (
        "this budget. The labels of 19 of 20 still came back. What" in findings([BARE, strong])[0].sentence()
    )


def test_a_defence_that_ended_nothing_is_said_to_have_ended_nothing() -> None:
    said = findings([BARE, trial("prune", 0.1, 20), trial("prune", 0.3, 14)])[0].sentence()
    assert "still 14 of 20 items with prune of 0.3: nothing that was tried of it ended this" in said
    assert "What it costs in accuracy was not measured" in said


def test_an_attack_that_took_nothing_to_begin_with_proves_nothing_of_a_defence() -> None:
    nothing = trial(UNDEFENDED, None, 0)
    said = findings([nothing, trial("gaussian", 0.1, 0)])[0].sentence()
    assert said == "The attacks together took 0 of 20 items without a defence: a defence shows nothing here."


@pytest.mark.parametrize(
    ("accuracies", "said"),
    [
        ((0.95, 0.96, 0.94), r"\(between 0.0 points higher and 0.0 lower: not told apart, 3 seeds\)"),
        ((0.99, 0.999, 0.981), "points higher, 3 seeds"),
        ((0.99, 0.91, 0.95), "points higher and .* lower: not told apart, 3 seeds"),
        ((0.9,), r"Test accuracy 90.0 % instead of 95.0 % \(one seed, so without an interval\)"),
    ],
)
def test_a_price_is_given_as_the_seeds_allow(accuracies: tuple[float, ...], said: str) -> None:
    strong = trial("gaussian", 0.1, 0, accuracies=accuracies)
    assert re.search(said, findings([BARE, strong])[0].sentence())


def cut(strength: float, leaked: int, unsettled: int) -> Trial:
    """A trial in which the clock left records open."""
    words = f"gaussian of {strength}"
    return Trial(
        "gaussian",
        strength,
        words,
        20,
        leaked,
        20,
        {"peel": 0, "matching": leaked},
        unsettled=unsettled,
        unsettled_by_attack={"matching": unsettled},
        cut=unsettled,
    )


def test_no_attack_is_said_to_have_ended_where_the_clock_did() -> None:
    """Nothing came back at either strength, and at the greater one nine attempts were cut short."""
    weak = trial("gaussian", 0.001, 7, by_attack={"peel": 0, "matching": 7})
    ended = trial("gaussian", 0.01, 0, by_attack={"peel": 0, "matching": 0})
    found = {one.attack: one for one in findings([BARE, weak, ended, cut(0.1, 0, 9)])}
    assert found["peel"].least == weak  # of which no attempt was cut
    for name in (ALL, "matching"):
        assert found[name].least is None
        assert "0 of 20 items (9 more cut short) with gaussian of 0.1: whether that ends it is unknown" in (
            found[name].sentence()
        )
        assert "Give more seconds" in found[name].sentence()
    # its twin, cut short nowhere
    finished = trial("gaussian", 0.1, 0, by_attack={"peel": 0, "matching": 0})
    twins = findings([BARE, weak, ended, finished])
    assert [one.least for one in twins if one.attack != "peel"] == [ended, ended]


def test_a_weaker_strength_that_was_cut_short_is_not_the_least() -> None:
    strong = trial("gaussian", 0.1, 0, by_attack={"peel": 0, "matching": 0})
    found = findings([BARE, cut(0.01, 0, 3), strong])[0]
    assert found.least == strong
    assert "With gaussian of 0.01 the clock cut attempts short: it may do as well." in found.sentence()


def test_an_attack_that_was_cut_short_without_a_defence_says_nothing_of_one() -> None:
    bare = Trial(UNDEFENDED, None, "no defence", 20, 0, 20, unsettled=20, cut=20)
    said = findings([bare, trial("gaussian", 0.1, 0)])[0].sentence()
    assert "took 0 of 20 items (20 more cut short) without a defence: what a defence does is unknown" in said


@pytest.mark.parametrize(("taken", "is_chance"), [(3, True), (5, True), (6, False), (20, False)])
def test_few_items_lost_may_be_lost_by_chance(taken: int, is_chance: bool) -> None:
    """Two strengths, k items: 2·2⁻ᵏ is .25, .0625, .031, and next to nothing."""
    bare = trial(UNDEFENDED, None, taken)
    found = findings([bare, trial("gaussian", 0.01, 1), trial("gaussian", 0.1, 0)])[0]
    assert found.chance == pytest.approx(2 * 0.5**taken)
    assert ("losing them may be chance" in found.sentence()) == is_chance


def test_what_a_sweep_could_do_and_what_the_clock_cut_is_said() -> None:
    limits = {"gradient_matching": {"restarts": 8, "evaluations": 100}}
    bare = Trial(UNDEFENDED, None, "no defence", 20, 20, 20, limits=limits, seconds=3.0, given=60.0)
    calm = Trial("gaussian", 0.1, "noise of 0.1", 20, 0, 20, limits=limits, seconds=4.25, given=60.0)
    work, time = sweep_words([bare, calm])
    assert work.endswith("no more: gradient matching 8 restarts, 100 evaluations.")
    assert time == (
        "The attacks of the sweep took 7.2 of 60 seconds; the clock ended none, so that one seed gives one "
        "sweep."
    )
    hurried = dataclasses.replace(calm, cut=4, unsettled=4)
    _, time = sweep_words([bare, hurried])
    assert "the clock ended 4 attempts or left no time for them (noise of 0.1 4)" in time
    assert hurried.cut_words() == " (4 more cut short)"
    assert sweep_words([]) == ()


def test_advice_never_promises_anything() -> None:
    tried = [trial("gaussian", 0.1, 0), trial("prune", 0.3, 0), trial("int8", None, 0)]
    for share in ("full", "embedding", "last_layer"):
        said = " ".join(advise([BARE, *tried], share)).lower()
        assert "safe" not in said
        assert "secure" not in said
        assert "only an accountant bounds" in said


def test_pruning_comes_with_a_warning_and_so_do_formats() -> None:
    assert "pruned by 30 %" in " ".join(advise([BARE, trial("prune", 0.3, 0)]))
    assert "pruned by" not in " ".join(advise([BARE, trial("prune", 0.9, 0)]))
    assert "pruned by" not in " ".join(advise([BARE, trial("gaussian", 0.1, 0)]))
    assert "formats, not defences" in " ".join(advise([BARE, trial("int8", None, 0)]))


def test_few_records_are_said_to_be_few() -> None:
    few = trial("gaussian", 0.1, 0, records=6)
    assert "Only 6 records" in " ".join(advise([BARE, few]))
    assert "Only" not in " ".join(advise([BARE, trial("gaussian", 0.1, 0)])).replace("Only an accountant", "")


def test_messages_of_active_learning_are_told_what_to_send_instead_and_what_that_tells() -> None:
    said = instead()
    assert len(said) == len(INSTEAD) + 1
    assert all(
        f"Still tells {tells}." in line for line, (_, tells) in zip(said[1:], INSTEAD.values(), strict=True)
    )
    assert advise((), "embedding") == said
    for share in ("full", "last_layer", "update"):
        assert advise((), share) == ()


def test_attacks_are_named_as_they_are_spoken() -> None:
    bare = trial(UNDEFENDED, None, 20, by_attack={"relu_sparsity": 18, "matching": 20})
    said = " ".join(advise([bare, trial("gaussian", 0.1, 3, by_attack={"relu_sparsity": 3})]))
    assert "The attack relu sparsity by itself took 18 of 20" in said
    assert "relu_sparsity" not in said


def test_a_trial_is_read_back_from_what_it_wrote() -> None:
    one = dataclasses.replace(
        trial("gaussian", 0.1, 3, by_attack={"peel": 3}, accuracies=(0.5, 0.75)),
        unsettled=2,
        unsettled_by_attack={"peel": 2},
        cut=2,
        limits={"peel": {"rounds": 4}},
        seconds=1.5,
        given=9.0,
    )
    assert Trial.read(json.loads(json.dumps(one.to_dict()))).given == 9.0
    assert Trial.read(json.loads(json.dumps(one.to_dict()))) == one
    assert one.accuracy == 0.625
    assert one.seeds == 2
    assert trial("int8", None, 0).accuracy is None


@pytest.mark.parametrize(("leaked", "by_attack"), [(21, {}), (0, {"peel": 21}), (-1, {})])
def test_a_count_beyond_the_records_is_refused(leaked: int, by_attack: dict[str, int]) -> None:
    count = by_attack.get("peel", leaked)
    with pytest.raises(ParameterError, match=f"between 0 and the 20 records attacked; received {count}"):
        trial("gaussian", 0.1, leaked, by_attack=by_attack)


@pytest.mark.parametrize("count", [0, 2])
def test_a_sweep_without_one_undefended_trial_is_refused(count: int) -> None:
    with pytest.raises(
        ParameterError, match=f"one trial without a defence, to compare with; received {count}"
    ):
        findings([*[BARE] * count, trial("gaussian", 0.1, 0)])


@pytest.mark.parametrize(("defence", "whose"), [("batch", ", and not whose they are"), ("prune", "")])
def test_words_that_still_come_back_are_told(defence: str, whose: str) -> None:
    """Of a batch no text came back, and every word of it did; also where the clock leaves the rest open."""
    by_words = {"bag_of_words": 20, "matching": 3}
    bare = trial(UNDEFENDED, None, 20, by_attack=by_words)
    strong = trial(defence, 4, 0, by_attack=dict.fromkeys(by_words, 0))
    told = f"Of the 91 different words in the texts of their messages 91 were still named{whose}."
    for open_ones in ({}, {"unsettled": 20, "unsettled_by_attack": {"matching": 20}, "cut": 20}):
        silent = dataclasses.replace(strong, **open_ones)  # type: ignore[arg-type]
        named = dataclasses.replace(silent, words_right=91, words_of=91)
        found = {one.attack: one.sentence() for one in findings([bare, named])}
        assert told in found[ALL]
        assert ("bag_of_words" in found) == bool(open_ones)
        assert told in found.get("bag_of_words", told)
        assert "different words" not in found["matching"]
        assert not any("different words" in one for one in advise([bare, silent]))
        assert Trial.read(named.to_dict()) == named


def test_records_of_larger_messages_need_not_be_as_many() -> None:
    limits = {"matching": {"starts": 2}}
    bare, noisy, joined = (
        dataclasses.replace(one, limits=limits)
        for one in (trial(UNDEFENDED, None, 20), trial("gaussian", 1, 0), trial("batch", 8, 0, records=24))
    )
    assert "has the same records, the same" in sweep_words([bare, noisy])[0]
    said = "has the same records (but that the last message is to be full), the same"
    assert said in sweep_words([bare, joined])[0]
