"""What the attacks take at one strength of a defence after another, and what each strength costs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, final

import numpy as np

from nextlabel.core import registry
from nextlabel.core.attack import Attack
from nextlabel.core.disclosure import Array
from nextlabel.core.progress import report
from nextlabel.core.rng import generator
from nextlabel.leakage.attempts import BROKE_OFF
from nextlabel.leakage.auditing import audit
from nextlabel.leakage.ladder import Rung
from nextlabel.leakage.report.report import Report
from nextlabel.leakage.sweep_settings import SweepSetting, settings
from nextlabel.leakage.trials import Trial
from nextlabel.leakage.verdicts import EXACT, LABEL_ONLY, RECOGNISABLE
from nextlabel.maths.parameters import checked_number, checked_whole

__all__ = ["accuracy_with", "sweep"]

_TRAINED = ("full", "last_layer", "update")
_LOSS = "cross_entropy"
_WORK = ("restarts", "evaluations", "iterations", "rounds", "samples", "repairs")
_LEAST = 1e-6  # seconds, where none are left: whatever takes time by the clock is then not tried
_MORE = 1.25  # times what an attack had: less is no reason to try again
_BOUNDING = ("accountant", "delta", "prior")
_HELD = 0.25  # of the items, to measure the accuracy on
_Made = Callable[[SweepSetting, Rung, float], Report]


def sweep(
    model: Any,
    items: Array,
    labels: Array,
    written: Sequence[str],
    *,
    share: str = "full",
    batch: int = 1,
    records: int | None = None,
    attacks: str | Attack | Sequence[str | Attack] | None = None,
    seconds: float = 120.0,
    evaluations: int = 100,
    seed: int = 0,
    seeds: int = 3,
    epochs: int = 2,
    rate: float = 0.1,
    **known: Any,
) -> tuple[Trial, ...]:
    """Run every attack against every setting, and train with every setting.

    Parameters
    ----------
    model : torch.nn.Module
    items, labels : array, first axis n
        As `nextlabel.leakage.audit` takes them.
    written : sequence of str
        As `settings` reads them.
    share, batch, records, seed
        As `nextlabel.leakage.audit` takes them.
    attacks : sequence of str or Attack, optional
        Each is run by itself, so that it is known what ended which; None for all that read the message.
    seconds : float
        For the attacks of all settings together, shared evenly over settings and the attacks that take time
        by the clock; what one leaves unused passes on.
    evaluations : int
        Gradients that each start of an attack that moves whole items may take, the same at every strength, so
        that what comes back does not depend on how busy the machine is; fewer where the attack says so.
    seeds : int
        Trainings for each setting, on the same orders of the items; 0 measures no accuracy.
    epochs, rate
        Of the training, as `nextlabel.leakage.defended.defended_accuracy` has them; ``rate`` is that of an
        update as well.
    **known
        What else `nextlabel.leakage.audit` takes. What bounds a message (``accountant``, ``delta``,
        ``prior``) is of the report's own defence, and is left out here.

    Returns
    -------
    tuple of Trial
        The one without a defence first, then in the order written.

    Notes
    -----
    Records are drawn in one order for all settings, so that they are the same, but for those that fill a last
    message: of 20 records in batches of 8 there are 24, or 16 where there are no more items. Each trial says
    how many it had. Noise of different strengths is the same draw, larger or smaller, and attacks begin at
    the same points, so that strengths are compared message by message. A training makes the messages of its
    setting, local steps included.

    Attempts that the clock ends all the same are counted in the trial, and no attack is said to have ended
    there: give more seconds or fewer evaluations.

    Time: settings · (attacks on all records + seeds · one training). No controls are run here: they belong to
    the report that the sweep is added to.
    """
    seeds = checked_whole(seeds, "seeds", least=0)
    evaluations = checked_whole(evaluations, "evaluations", least=1)
    seconds = checked_number(seconds, "seconds", above=0, advice="Give for example 120.")
    every = settings(written, share)
    run = [_limited(one, evaluations) for one in _attacks(share, attacks)]
    common: dict[str, Any] = {
        "share": share,
        "batch": batch,
        "records": records,
        "seed": seed,
        "rate": rate,
        "known": known,
    }
    attacked = _Attacked(seconds)
    attacked.all(
        every,
        run,
        lambda setting, one, given: _report(model, items, labels, setting, one, given, **common),
    )
    trains = np.ndim(labels) == 1 and known.get("loss", _LOSS) == _LOSS
    trials = []
    for done, setting in enumerate(every):
        report("trying accuracies", done, len(every))
        accuracies = accuracy_with(
            setting,
            model,
            items,
            labels,
            share=share,
            batch=batch,
            steps=known.get("steps", 1),
            seed=seed,
            seeds=seeds if trains else 0,
            epochs=epochs,
            rate=rate,
            reduction=known.get("reduction", "mean"),
        )
        trials.append(attacked.trial(setting, run, accuracies))
    report("trying defences", len(every), len(every))
    return tuple(trials)


def accuracy_with(
    setting: SweepSetting,
    model: Any,
    items: Array,
    labels: Array,
    *,
    share: str = "full",
    batch: int = 1,
    steps: int = 1,
    seed: int = 0,
    seeds: int = 3,
    epochs: int = 2,
    rate: float = 0.1,
    reduction: str = "mean",
) -> tuple[float, ...]:
    """The accuracies of models trained on messages so defended, one for each seed.

    Parameters
    ----------
    setting : SweepSetting
    model : torch.nn.Module
        Where each training begins.
    items, labels : array, first axis n
        A quarter, the same for every setting, is held out to measure on.
    share, batch, steps, seed, seeds, epochs, rate, reduction
        As in `sweep`; steps are those of an update, where the setting has none of its own.

    Returns
    -------
    tuple of float
        Empty where there is nothing to measure: a message that trains no model, as an embedding, or clipping
        of messages of several items.
    """
    sizes = {"batch": batch, "steps": steps, **setting.sizes}
    # what each item brought to a message of several is not known, so that nothing can be clipped
    clips_several = sizes["batch"] > 1 and any(one.name == "private" for one in setting.defences)
    if share not in _TRAINED or clips_several:
        return ()
    train, held = _split(len(items), seed)
    trained = registry.resolve("inspection", "defended_accuracy")
    return tuple(
        trained(
            model,
            items[train],
            labels[train],
            items[held],
            labels[held],
            rng=generator(seed, 3, one),
            defences=setting.defences,
            share=share,
            epochs=epochs,
            rate=rate,
            reduction=reduction,
            **sizes,
        )
        for one in range(seeds)
    )


def _attacks(share: str, wanted: str | Attack | Sequence[str | Attack] | None) -> tuple[str | Attack, ...]:
    if wanted is not None:
        return (wanted,) if isinstance(wanted, str | Attack) else tuple(wanted)
    every = registry.names("attack")
    return tuple(name for name in every if share in registry.build("attack", name).reads)


def _limited(attack: str | Attack, evaluations: int) -> Rung:
    """An attack with the work that it may do at every strength; the other attacks end by themselves."""
    made = registry.build("attack", attack.replace("-", "_")) if isinstance(attack, str) else attack
    if made.cost == "optimisation" and hasattr(made, "evaluations"):
        made = replace(made, evaluations=min(made.evaluations, evaluations))  # type: ignore[type-var]
    return Rung(attack if isinstance(attack, str) else type(attack).__name__, made)


def _limits(rung: Rung) -> dict[str, int]:
    """What bounds the work of an attack, by the names of its parameters."""
    if not rung.is_timed:
        return {}
    values = {one: getattr(rung.attack, one, None) for one in _WORK}
    return {one: int(value) for one, value in values.items() if value is not None}


def _report(
    model: Any,
    items: Array,
    labels: Array,
    setting: SweepSetting,
    rung: Rung,
    seconds: float,
    *,
    share: str,
    batch: int,
    records: int | None,
    seed: int,
    rate: float,
    known: Mapping[str, Any],
) -> Report:
    sizes = {"batch": batch, **setting.sizes}
    # the mean of the gradients of several clients is the gradient of all their items
    sizes["batch"] *= sizes.pop("clients", 1)
    rates = {"rate": rate} if share == "update" else {}  # elsewhere it is that of the trainings alone
    return audit(
        model,
        items,
        labels,
        share=share,
        records=records,
        defences=setting.defences,
        attacks=[rung.attack],
        seconds=seconds,
        seed=seed,
        controls=False,
        **{**known, **rates, **sizes} | dict.fromkeys(_BOUNDING),
    )


@final
class _Attacked:
    """What each attack made of each setting, within the seconds of the sweep."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._found: dict[tuple[str, str], Report] = {}
        self._spent: dict[tuple[str, str], float] = {}

    @property
    def _left(self) -> float:
        return max(_LEAST, self._seconds - sum(self._spent.values()))

    def all(self, every: Sequence[SweepSetting], run: Sequence[Rung], made: _Made) -> None:
        """Try all; then again, with what is left, where the clock ended attempts and more time is left."""
        places = [(setting, rung) for setting in every for rung in run]
        had: dict[tuple[str, str], float] = {}
        while places:
            timed = sum(rung.is_timed for _, rung in places)
            cut = []
            for done, (setting, rung) in enumerate(places):
                report(f"trying {setting.words}", done, len(places))
                at, given = (setting.words, rung.name), self._left / max(1, timed)
                timed -= rung.is_timed
                if given < _MORE * had.get(at, 0.0):
                    continue
                found = self._found[at] = made(setting, rung, given)
                self._spent[at] = self._spent.get(at, 0.0) + found.budget.spent
                had[at] = given
                if rung.is_timed and (found.budget.cut or found.budget.unrun):
                    cut.append((setting, rung))
            places = cut

    def trial(self, setting: SweepSetting, run: Sequence[Rung], accuracies: tuple[float, ...]) -> Trial:
        """What a setting came to."""
        found = {rung.name: self._found[setting.words, rung.name] for rung in run}
        verdicts = {name: np.array(one.verdicts) for name, one in found.items()}
        taken = {name: np.isin(one, (EXACT, RECOGNISABLE)) for name, one in verdicts.items()}
        told = [np.isin(one, (EXACT, RECOGNISABLE, LABEL_ONLY)) for one in verdicts.values()]
        unsettled = {name: _is_cut(one) & ~taken[name] for name, one in found.items()}
        broken = {name: _is_broken(one) & ~taken[name] for name, one in found.items()}
        refused = {name: _is_refused(one) & ~taken[name] for name, one in found.items()}
        leaked = np.any(list(taken.values()), axis=0)
        named = [one for report in found.values() for one in report.summaries]
        words = max(((one.words_right, one.words_of) for one in named), default=(0, 0))
        return Trial(
            setting.family,
            setting.strength,
            setting.words,
            records=len(leaked),
            leaked=int(leaked.sum()),
            labels=int(np.any(told, axis=0).sum()),
            by_attack={name: int(one.sum()) for name, one in taken.items()},
            accuracies=accuracies,
            unsettled=int((np.any(list(unsettled.values()), axis=0) & ~leaked).sum()),
            unsettled_by_attack={name: int(one.sum()) for name, one in unsettled.items() if one.any()},
            broken={name: int(one.sum()) for name, one in broken.items() if one.any()},
            refused={name: int(one.sum()) for name, one in refused.items() if one.any()},
            words_right=words[0],
            words_of=words[1],
            cut=sum(one.budget.cut + one.budget.unrun for one in found.values()),
            limits={rung.name: limits for rung in run if (limits := _limits(rung))},
            seconds=sum(spent for (words, _), spent in self._spent.items() if words == setting.words),
            given=self._seconds,
        )


def _is_cut(found: Report) -> Array:
    """Of each record, whether the clock ended the attack on its message, or left it no time."""
    ended = {one.message for one in found.outcomes if not one.is_cut}
    is_tried = bool(found.outcomes) or found.budget.unrun > 0
    return np.array([is_tried and one.message not in ended for one in found.standings])


def _is_broken(found: Report) -> Array:
    """Of each record, whether the attack on its message broke off with an error of its own."""
    broken = {one.message for one in found.outcomes if one.why == BROKE_OFF}
    return np.array([one.message in broken for one in found.standings])


def _is_refused(found: Report) -> Array:
    """Of each record, whether the attack does not read its message."""
    refused = {one.message for one in found.outcomes if one.outcome == "refused"}
    return np.array([one.message in refused for one in found.standings])


def _split(count: int, seed: int) -> tuple[Array, Array]:
    order = generator(seed, 2).permutation(count)
    held = max(1, int(_HELD * count))
    return order[held:], order[:held]
