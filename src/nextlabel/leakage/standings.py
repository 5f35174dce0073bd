"""From attempts to what is said: of each record, of each attack, and what is shown on the page."""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, median
from typing import Any, Final

import numpy as np

from nextlabel.core.disclosure import Array
from nextlabel.core.rng import generator
from nextlabel.leakage.attempts import BROKE_OFF, Attempt
from nextlabel.leakage.cases import Case
from nextlabel.leakage.chances import chance_of_labels
from nextlabel.leakage.report.report import Exhibit, Outcome, Standing, Summary
from nextlabel.leakage.scores import ItemScore
from nextlabel.leakage.target_counts import targets_by_attack
from nextlabel.leakage.verdicts import EXACT, LABEL_ONLY, LIMITS, NOT_SHOWN, VERDICTS, is_same, shares

__all__ = ["exhibits", "outcome_of", "standings", "summaries"]

_MOST_VALUES: Final = 20_000  # numbers of an item that a report keeps to draw it
_MOST_SINGULAR: Final = 200


def standings(case: Case, attempts: Sequence[Attempt]) -> tuple[Standing, ...]:
    """What became of each record, by the attack that came nearest to it.

    Parameters
    ----------
    case : Case
    attempts : sequence of Attempt
        All that were made.

    Returns
    -------
    tuple of Standing
        By message, in its order. A record of which no item was shown has the verdict LABEL ONLY where an
        attack whose labels are clearly better than a guess by the prior counts its class rightly, or, of a
        regression, gave its target exactly.
    """
    leaking = _attacks_with_labels(case, attempts) | _attacks_with_targets(case, attempts)
    made = []
    for message, batch in enumerate(case.batches):
        own = [one for one in attempts if one.message == message]
        for place, position in enumerate(batch.positions):
            best = max(own, key=lambda one, at=place: _nearness(one, at), default=None)  # type: ignore[misc]
            verdict = NOT_SHOWN if best is None else best.verdicts[place]
            score = None if best is None else best.scores[place]
            guessed = batch.guesses[place]
            attack = "" if best is None or score is None else best.attack
            if verdict == NOT_SHOWN:
                named = _names_label(case, own, leaking, message, place)
                verdict, attack = (LABEL_ONLY, named) if named else (verdict, attack)
            made.append(
                Standing(
                    position=int(position),
                    message=message,
                    verdict=verdict,
                    attack=attack,
                    score=score,
                    baseline=guessed.score if score is None else guessed.beside(score, best and best.words),
                    why="" if verdict not in (NOT_SHOWN, LABEL_ONLY) else _reasons(own),
                )
            )
    return tuple(made)


def summaries(case: Case, attempts: Sequence[Attempt]) -> tuple[Summary, ...]:
    """What each attack made of all messages that it was tried on, in the order of the ladder.

    Where it broke off it was not tried.
    """
    return tuple(
        _summary(case, name, [one for one in attempts if one.attack == name and one.why != BROKE_OFF])
        for name in dict.fromkeys(one.attack for one in attempts)
    )


def outcome_of(one: Attempt) -> Outcome:
    """An attempt as a line of the report."""
    errors = [_error(score) for score in one.scores if score is not None and score.words is None]
    spectrum = one.details.get("singular_values", ())
    rank = one.details.get("rank")
    return Outcome(
        attack=one.attack,
        message=one.message,
        outcome=one.outcome,
        reason=one.reason,
        why=one.why,
        residual=None if one.residual is None else float(one.residual),
        error=max(errors) if errors else None,
        verdicts=one.verdicts,
        seconds=one.seconds,
        given=one.given,
        is_cut=one.is_cut,
        evaluations=one.evaluations,
        singular_values=tuple(float(value) for value in np.ravel(spectrum)[:_MOST_SINGULAR]),
        rank=int(rank) if isinstance(rank, int | np.integer) else None,
        # of such attacks nothing is said of why no record came back
        is_of_labels=not one.why and set(one.verdicts) == {NOT_SHOWN},
    )


def exhibits(case: Case, found: Sequence[Standing], attempts: Sequence[Attempt]) -> tuple[Exhibit, ...]:
    """The best, the median and the worst record, beside what came back of each; of images and texts."""
    if not (case.is_image or case.is_text) or not found:
        return ()
    ranked = sorted(range(len(found)), key=lambda k: _standing_error(found[k]))
    places = {"best": ranked[0], "median": ranked[(len(ranked) - 1) // 2], "worst": ranked[-1]}
    rows = {position: k for k, position in enumerate(case.positions.ravel())}
    made = []
    for name, k in places.items():
        one = found[k]
        place = rows[one.position] % case.setting.batch
        original = np.asarray(case.items[one.position])
        if original.size > _MOST_VALUES:
            continue
        maker, recovered = _item_of(one, place, attempts)
        made.append(
            Exhibit(
                place=name,
                position=one.position,
                verdict=one.verdict,
                attack=maker,
                shape=tuple(int(side) for side in original.shape),
                original=_rounded(original),
                recovered=() if recovered is None else _rounded(recovered),
                is_unordered=one.score is not None and one.score.words is not None,
            )
        )
    return tuple(made)


def _attacks_with_labels(case: Case, attempts: Sequence[Attempt]) -> dict[str, float]:
    """The attacks whose claimed labels are clearly better than a guess by the prior, with the chance."""
    claimed = _claims(attempts)
    if case.population is None or "labels" in case.setting.knows or not claimed:
        return {}
    chances = {name: _labels_chance(case, case.population, own) for name, own in claimed.items()}
    return {name: chance for name, chance in chances.items() if chance <= LIMITS.chance / len(claimed)}


def _labels_chance(case: Case, population: Array, own: Sequence[Attempt]) -> float:
    """How probably labels that one attack claims would be right as often without the messages."""
    sizes, overlap = [case.setting.batch] * len(own), sum(one.overlap for one in own)
    rng = generator(case.setting.seed, 4)
    return chance_of_labels([one.claimed or () for one in own], sizes, overlap, population, rng)


def _attacks_with_targets(case: Case, attempts: Sequence[Attempt]) -> dict[str, float]:
    """The attacks whose claimed targets are exact clearly more often than a guess is, with the chance."""
    if "labels" in case.setting.knows:
        return {}
    counted = targets_by_attack(case.targets, case.setting.batch, attempts, case.setting.seed)
    chances = {name: targets.chance for name, targets in counted.items()}
    return {name: chance for name, chance in chances.items() if chance <= LIMITS.chance / len(chances)}


def _claims(attempts: Sequence[Attempt]) -> dict[str, list[Attempt]]:
    found: dict[str, list[Attempt]] = {}
    for one in attempts:
        if one.claimed is not None:
            found.setdefault(one.attack, []).append(one)
    return found


def _names_label(
    case: Case, own: Sequence[Attempt], leaking: Mapping[str, float], message: int, place: int
) -> str:
    """The attack that gives the class or the target of a record, among those that do better than a guess."""
    exact = [one.attack for one in own if one.attack in leaking and EXACT in one.target_verdicts[place:][:1]]
    if exact:
        return exact[0]
    batch = case.batches[message]
    true = batch.said if case.setting.share == "embedding" else batch.labels
    if true is None:
        return ""
    label, counts = int(true[place]), np.bincount(true, minlength=case.classes)
    for one in own:
        if one.attack in leaking and one.claimed is not None and one.claimed[label] == counts[label]:
            return one.attack
    return ""


def _nearness(one: Attempt, place: int) -> tuple[int, bool, float]:
    """A worse verdict is nearer, then a text in its order than its words, then the smaller error."""
    score = one.scores[place]
    error = math.inf if score is None else _error(score)
    return -VERDICTS.index(one.verdicts[place]), score is not None and score.words is None, -error


def _error(score: ItemScore) -> float:
    if score.words is not None:
        return 1.0 - score.words
    if score.tokens is not None:
        return 1.0 - score.tokens
    return math.inf if score.relative is None else score.relative


def _standing_error(one: Standing) -> tuple[int, float]:
    return VERDICTS.index(one.verdict), math.inf if one.score is None else _error(one.score)


def _reasons(own: Sequence[Attempt]) -> str:
    """What the attacks on a message ended with, each reason once."""
    found: dict[str, list[str]] = {}
    for one in own:
        if one.why:
            found.setdefault(one.why, []).append(one.attack)
    return "; ".join(f"{why}: {', '.join(dict.fromkeys(names))}" for why, names in found.items())


def _summary(case: Case, name: str, own: Sequence[Attempt]) -> Summary:
    claims = [one for one in own if one.claimed is not None]
    population = case.population
    overlap = sum(one.overlap for one in claims)
    features = [pair for one in own for pair in one.features if pair is not None]
    targets = targets_by_attack(case.targets, case.setting.batch, own, case.setting.seed).get(name)
    words = [one.words for one in own if one.words is not None]
    chance = None
    if claims and population is not None:
        chance = _labels_chance(case, population, claims)
    return Summary(
        attack=name,
        messages=len(own),
        records=len(own) * case.setting.batch,
        shown=shares([verdict for one in own for verdict in one.verdicts]),
        labels_right=overlap,
        labels_of=len(claims) * case.setting.batch,
        labels_chance=chance,
        count_error=fmean(_count_error(case, one) for one in claims) if claims else None,
        features_exact=sum(is_same(score) for _, score in features) if features else None,
        features_cosine=median(cosine for cosine, _ in features) if features else None,
        false_items=sum(one.false_items for one in own),
        targets_exact=None if targets is None else targets.exact,
        targets_of=0 if targets is None else targets.of,
        targets_error=None if targets is None else targets.error,
        targets_chance=None if targets is None else targets.chance,
        words_named=sum(one.named for one in words),
        words_right=sum(one.right for one in words),
        words_of=sum(one.of for one in words),
    )


def _count_error(case: Case, one: Attempt) -> float:
    """Half the sum of |claimed − true|, which of equal totals is how many items are in a wrong class."""
    claimed = sum(one.claimed or ())
    return 0.5 * (claimed + case.setting.batch) - one.overlap


def _item_of(one: Standing, place: int, attempts: Sequence[Attempt]) -> tuple[str, Array | None]:
    """What came nearest to a record, and the attack that made it: a label may be named by another."""
    for made in attempts:
        if made.message == one.message and one.score is not None and made.scores[place] == one.score:
            return made.attack, made.items[place]
    return "", None


def _rounded(item: Any) -> tuple[float, ...]:
    """Five significant figures: enough to draw, and short in JSON."""
    return tuple(float(f"{value:.5g}") for value in np.ravel(np.asarray(item, np.float64)))
