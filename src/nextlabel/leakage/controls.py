"""Whether a report may be believed: attacks must find what is there, and nothing where nothing is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np

from nextlabel.core import registry
from nextlabel.core.attack import Attack, Recovery
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.core.rng import generator
from nextlabel.leakage.attempts import Attempt, Batch, attempt, scored
from nextlabel.leakage.by_chance import is_alike
from nextlabel.leakage.cases import Case, CaseSetting
from nextlabel.leakage.chances import chance_of_hits, chance_of_labels
from nextlabel.leakage.target_counts import targets_by_attack
from nextlabel.leakage.verdicts import EXACT, NOT_SHOWN

__all__ = ["FALSE_ALARM", "Control", "known_case", "known_controls", "own_control"]

FALSE_ALARM: Final = 1e-6
"""Labels, or records, right by chance with at most this probability make a null control fail."""

_RECORDS = 20
_NO_LABELS = "no labels claimed"
_LEAKING = ("fully_connected", "label_inference")


@final
@dataclass(frozen=True)
class Control:
    """One control of a report.

    Parameters
    ----------
    name : str
    is_passed : bool
    said : str
        What was found, with counts; why not, where it was not run.
    is_run : bool
        Whether there was anything to try it on; what was not run has not passed, and makes nothing void.
    """

    name: str
    is_passed: bool
    said: str
    is_run: bool = True


def known_controls(seed: int, attacks: Mapping[str, Attack] | None = None) -> tuple[Control, ...]:
    """The controls on a network known to leak: found where there is something, not found where there is not.

    Parameters
    ----------
    seed : int
        Of the report.
    attacks : mapping of str to Attack, optional
        By name; by default the two registered closed forms that must succeed here.

    Returns
    -------
    tuple of Control
        Positive: gradients of single digits must give every digit exactly, and its label. Null: gradients
        scored against another digit, and arrays of the same shapes drawn at random, must give none, and
        labels no more often than by chance.

    Notes
    -----
    Through the same messages, attacks and scores as the report itself.
    """
    case = known_case(seed)
    if attacks is None:
        attacks = {name: registry.build("attack", name) for name in _LEAKING}
    real = [_recovered(case, attacks, case.disclosure(k), k, seed) for k in range(len(case.batches))]
    drawn = [
        _recovered(case, attacks, _random_like(case.disclosure(k), generator(seed, 3, k)), k, seed)
        for k in range(len(case.batches))
    ]
    return (
        _positive(case, real),
        _null("null control, gradient of another record", case, real, shift=1),
        _null("null control, random arrays", case, drawn, shift=0),
    )


def own_control(case: Case, attempts: Sequence[Attempt], recoveries: Sequence[Recovery]) -> Control:
    """The null control on the report's own messages: what came back, scored against another message.

    Parameters
    ----------
    case : Case
    attempts : sequence of Attempt
    recoveries : sequence of Recovery
        What the attempts are made of, in their order.

    Returns
    -------
    Control
        It fails where a record of another message counts as EXACT, or more of them as shown, or labels or
        targets of another message are claimed more often, than chance has it. Pairs of records that are alike
        in truth are left out.

    Notes
    -----
    To count as shown, an answer must come nearer to a record than n other items do. One that knows nothing of
    the record does so with a chance of at most one in n + 1, if it is drawn like them; of several answers,
    each may.
    """
    name = "null control, your own messages scored against other records"
    if len(case.batches) < 2:
        return Control(name, False, "not possible with a single message", is_run=False)
    found: list[tuple[str, Attempt]] = []
    shown = exact = alike = 0
    chances: list[float] = []
    for one, recovery in zip(attempts, recoveries, strict=True):
        other = case.batches[(one.message + 1) % len(case.batches)]
        score = _against(case, one.attack, recovery, one.message, other)
        found.append((one.attack, score))
        if all(each is None or not len(each) for each in (recovery.items, recovery.words)):
            continue
        for place, verdict in enumerate(score.verdicts):
            own = case.batches[one.message]
            if is_alike(own, other, place, by_words=recovery.items is None):
                alike += 1
                continue
            answers = 1 if recovery.items is None else len(recovery.items)
            chances.append(min(1.0, answers / (1 + other.guesses[place].others)))
            shown += verdict != NOT_SHOWN
            exact += verdict == EXACT
    claims = _claims(case, found)
    if not (chances or alike) and claims[1] == _NO_LABELS:
        return Control(name, False, "no attack gave a record or claimed a label", is_run=False)
    apart = f", {alike} pairs left out that are alike in truth" if alike else ""
    is_chance = not exact and chance_of_hits(shown, chances) > FALSE_ALARM
    by_chance = ", no more than by chance" if shown and is_chance else ""
    said = f"{shown} of {len(chances)} records of another message shown{by_chance}{apart}; {claims[1]}"
    return Control(name, is_chance and claims[0], said)


def known_case(seed: int) -> Case:
    """Single digits, and the network that gives them away: what the controls are made on.

    Parameters
    ----------
    seed : int
        Draws the digits.
    """
    from sklearn.datasets import load_digits  # for the controls only

    data, target = load_digits(return_X_y=True)
    items = (data / 16.0).astype(np.float32)
    network = registry.resolve("network", "known_leak")((64,), 10)
    setting = CaseSetting(records=_RECORDS, seed=seed, knows=("batch",), bounds=(0.0, 1.0))
    return Case(network, items, target.astype(np.int64), setting)


def _recovered(
    case: Case, attacks: Mapping[str, Attack], sent: Disclosure, message: int, seed: int
) -> dict[str, Recovery]:
    told = case.knowledge(message)
    return {
        name: attempt(name, attack, sent, told, message=message, seed=seed)[0]
        for name, attack in attacks.items()
    }


def _positive(case: Case, real: Sequence[dict[str, Recovery]]) -> Control:
    found = [
        (name, _against(case, name, recovery, message, case.batches[message]))
        for message, row in enumerate(real)
        for name, recovery in row.items()
    ]
    exact = {one.message for _, one in found if set(one.verdicts) == {EXACT}}
    labels = {one.message for _, one in found if one.claimed is not None and one.overlap == 1}
    count = len(case.batches)
    said = f"{len(exact)} of {count} known records exact, {len(labels)} of {count} labels right"
    return Control("positive control, a network known to leak", len(exact) == len(labels) == count, said)


def _null(name: str, case: Case, rows: Sequence[dict[str, Recovery]], *, shift: int) -> Control:
    count = len(case.batches)
    found = [
        (attack, _against(case, attack, recovery, message, case.batches[(message + shift) % count]))
        for message, row in enumerate(rows)
        for attack, recovery in row.items()
    ]
    shown = sum(verdict != NOT_SHOWN for _, one in found for verdict in one.verdicts)
    is_by_chance, claims = _claims(case, found)
    return Control(name, shown == 0 and is_by_chance, f"{shown} of {count} records shown; {claims}")


def _against(case: Case, name: str, recovery: Recovery, message: int, truth: Batch) -> Attempt:
    return scored(name, recovery, truth, kind=case.setting.share, message=message, classes=case.classes)


def _claims(case: Case, found: Sequence[tuple[str, Attempt]]) -> tuple[bool, str]:
    """Whether labels, or targets, that each attack claims are right no more often than chance has it."""
    population = case.population
    right = of = 0
    is_by_chance = True
    for name in {name for name, _ in found}:
        own = [one for attack, one in found if attack == name and one.claimed is not None]
        if population is None or not own:
            continue
        overlap = sum(one.overlap for one in own)
        claims, sizes = [one.claimed or () for one in own], [case.setting.batch] * len(own)
        chance = chance_of_labels(claims, sizes, overlap, population, generator(case.setting.seed, 5))
        is_by_chance = is_by_chance and chance > FALSE_ALARM
        right, of = right + overlap, of + case.setting.batch * len(own)
    made = [one for _, one in found]
    told = targets_by_attack(case.targets, case.setting.batch, made, case.setting.seed).values()
    if told:
        is_by_chance = all(one.chance > FALSE_ALARM for one in told)
        exact, claimed = sum(one.exact for one in told), sum(one.of for one in told)
        return is_by_chance, f"{exact} of {claimed} targets exact"
    return is_by_chance, f"{right} of {of} labels right" if of else _NO_LABELS


def _random_like(sent: Disclosure, rng: np.random.Generator) -> Disclosure:
    def drawn(one: Array) -> Array:
        size = float(np.sqrt((one.astype(np.float64) ** 2).mean())) or 1.0
        made: Any = rng.normal(scale=size, size=one.shape).astype(one.dtype)
        return np.asarray(made)

    return Disclosure(sent.kind, {name: drawn(one) for name, one in sent.arrays.items()}, sent.items)
