"""The audit: messages are made, attacked within a budget, laid beside the truth, and reported."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, final

from nextlabel.core import progress, registry
from nextlabel.core.attack import Attack, Knowledge, Recovery
from nextlabel.core.defence import Defence
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.errors import ParameterError
from nextlabel.leakage.attempts import Attempt, attempt, scored
from nextlabel.leakage.by_chance import Bystanders
from nextlabel.leakage.cases import Case, CaseSetting
from nextlabel.leakage.controls import known_controls, own_control
from nextlabel.leakage.defences.promises import promised
from nextlabel.leakage.ladder import Budget, Rung, ladder
from nextlabel.leakage.model_copies import copied
from nextlabel.leakage.notes import remarks_on, said_once
from nextlabel.leakage.report.again import written_call
from nextlabel.leakage.report.report import Report, Spent
from nextlabel.leakage.standings import exhibits, outcome_of, standings, summaries
from nextlabel.leakage.verdicts import Accountant, overall
from nextlabel.leakage.witnesses import Witnesses

__all__ = ["KNOWN", "audit"]

KNOWN: Final = ("batch", "bounds", "images", "public", "public_labels", "rate", "sketch", "steps")
"""What an attacker is told unless it is switched off: all but the labels, where it is given or holds."""

_RATE = 0.1
_GLANCE = 1e-3  # seconds: enough for an attack to say that it does not apply


def audit(
    model: Any,
    items: Array,
    labels: Array,
    *,
    share: str = "full",
    batch: int = 1,
    records: int | None = None,
    loss: str = "cross_entropy",
    reduction: str = "mean",
    defences: str | Defence | Sequence[str | Defence] = (),
    attacks: str | Attack | Sequence[str | Attack] | None = None,
    seconds: float = 120.0,
    seed: int = 0,
    knows: str | Sequence[str] = KNOWN,
    bounds: tuple[float, float] | None = None,
    is_image: bool | None = None,
    public: Array | None = None,
    public_labels: Array | None = None,
    steps: int = 1,
    rate: float = _RATE,
    sketch: Array | None = None,
    controls: bool = True,
    accountant: Accountant | None = None,
    delta: float | None = None,
    prior: float | None = None,
) -> Report:
    """Find what messages made from these records reveal to attacks, the cheapest first.

    Parameters
    ----------
    model : torch.nn.Module
        With the weights at which messages are made, in evaluation mode.
    items : array, first axis n
        The private records, as the model takes them; token ids (int64) for text. Records are drawn from them.
    labels : array, first axis n
        Their labels.
    share : str
        What is shared: ``"full"`` gradients, gradients of the ``"last_layer"``, a gradient ``"embedding"``,
        or an ``"update"`` after local steps.
    batch : int
        Records in a message.
    records : int, optional
        How many records are audited: by default 20, or 3 messages where that is more.
    loss, reduction : str
        As the messages are made, which the attacker knows.
    defences : sequence of str or Defence
        Applied to each message in turn, for example ``"gaussian:1e-3"``.
    attacks : sequence of str or Attack, optional
        Names, or attacks with parameters of one's own; by default all that read this kind of message. Of
        these, of defences and of what is known, a single one may stand alone.
    seconds : float
        The budget of the report: shared evenly over the attempts that take time by the clock and can use it:
        an attack that says at once that it does not apply has no share. What one leaves unused passes on to
        those after it, and what is left at the end goes to attempts that the clock ended, the cheapest
        first, which begin anew.
    seed : int
        Settles records and randomness: equal seeds give equal reports, but for times, and for attempts that
        the clock ended.
    knows : sequence of str
        What the attacker is told beyond the model, its loss and the shape of an item: of ``batch``,
        ``bounds``, ``images``, ``labels``, ``public``, ``public_labels``, ``rate``, ``sketch``, ``steps``.
        Without ``batch`` nothing is hidden: a message says how many items it speaks of. Of ``public``,
        ``public_labels`` and ``sketch`` those whose arrays are given, or all three, as in `KNOWN`.
    bounds : tuple of two floats, optional
        The range of values, also that of PSNR; by default PSNR has the range of the data, which no attacker
        is told.
    is_image : bool, optional
        Whether items are images; by default read off their axes.
    public, public_labels : array, optional
        Items of the same kind that are not private, for attacks that use some and for the baseline.
    steps, rate : int and float
        Of an update, and of no other message.
    sketch : array, axes (r, k·d), optional
        The matrix of a sketched embedding.
    controls : bool
        Whether the report makes its controls; a sweep makes them once.
    accountant : Accountant, optional
        ε, δ, a prior and the chance of reconstruction that they allow, for the verdict BOUNDED. It counts
        clipped and noised messages, so ``private`` must be among the defences.
    delta, prior : float, optional
        In place of an accountant: the bound is computed from the noise of the defence ``private``, for one
        message, as `nextlabel.leakage.defences.promises.promised` does.

    Returns
    -------
    Report

    Raises
    ------
    DisclosureError
        The data or the model cannot be audited: named before any attack runs.
    ParameterError
        A size, a switch or a time that makes no sense; steps or a rate without an update; an array that is
        known and not given; an accountant that bounds nothing, or a bound without the defence ``private``.
    UnknownName
        A message, an attack or a defence that there is not.

    Notes
    -----
    An attack is given the message and the stated knowledge, with a copy of the model; truth and scores stay
    here. When the attempts on a message have brought back every record exactly, the dearer ones are left out
    for it. Records are scored by the attack that came nearest to each, which only an auditor can choose. The
    time is that of the attacks, and of the controls: about a second.

    Examples
    --------
    >>> import numpy as np
    >>> from nextlabel.core.registry import resolve
    >>> network = resolve("network", "known_leak")((4,), 3)
    >>> items = np.random.default_rng(0).uniform(size=(20, 4)).astype(np.float32)
    >>> labels = np.arange(20) % 3
    >>> report = audit(network, items, labels, attacks=["fully_connected"], controls=False)
    >>> report.verdict
    'EXACT'
    """
    asked = dict(locals())  # before anything else has a name: what makes this report again
    setting = CaseSetting(
        share=share,
        batch=batch,
        records=records,
        loss=loss,
        reduction=reduction,
        defences=tuple([defences] if isinstance(defences, str | Defence) else defences),
        seed=seed,
        knows=knows,
        bounds=bounds,
        is_image=is_image,
        steps=steps,
        rate=rate,
    )
    _require_read(setting, public=public, public_labels=public_labels, sketch=sketch)
    accountant = promised(setting.applied, accountant, delta=delta, prior=prior)
    overall([], accountant)  # an accountant that bounds nothing is refused before anything long begins
    seconds = Budget(
        seconds
    ).seconds  # refused now where it makes no sense; the clock starts with the attacks
    case = Case(model, items, labels, setting, public=public, public_labels=public_labels, sketch=sketch)
    told = [case.knowledge(message) for message in range(len(case.batches))]
    rungs, skipped = ladder(setting.share, attacks, told[0])
    sent = [case.disclosure(message) for message in range(len(case.batches))]
    # before any defence: noise is no sign of another model or loss
    noted = _checked([case.undefended(message) for message in range(len(case.batches))], _judged(case, told))
    run = _Run(case, sent, told, rungs, Budget(seconds))
    run.climb()
    of_labels = {rung.name for rung in rungs if rung.attack.recovers <= {"labels", "counts"}}
    attempts = Witnesses(case, sent, of_labels).settle(run.attempts, run.recoveries)
    made = (*known_controls(seed), own_control(case, attempts, run.recoveries)) if controls else ()
    found = standings(case, attempts)
    return Report(
        setting=case.described
        | {
            "seconds": seconds,
            "attacks": [rung.name for rung in rungs],
            "command": written_call(audit, asked),
        },
        knows=told[0].declared,
        remarks=(*remarks_on(case, attempts), *noted),
        standings=found,
        summaries=summaries(case, attempts),
        outcomes=tuple(outcome_of(one) for one in attempts),
        skipped=skipped,
        controls=made,
        budget=run.spent(),
        exhibits=exhibits(case, found, attempts),
        bound=None if accountant is None else _bound(accountant),
    )


@final
class _Run:
    """The ladder climbed, rung by rung, by messages that are still open; then again where time is left."""

    def __init__(
        self,
        case: Case,
        sent: Sequence[Disclosure],
        told: Sequence[Knowledge],
        rungs: Sequence[Rung],
        budget: Budget,
    ) -> None:
        self._case, self._sent, self._told = case, sent, told
        self._rungs, self._budget = rungs, budget
        self._bystanders = Bystanders(case)
        self._open = list(range(len(sent)))
        self._refusing: set[int] | None = None
        self._unrun: dict[str, int] = {}
        self._ended_early = self._again = 0
        self._seconds = 0.0
        # by rung and message: what was made of it, and that beside what the attack shows of other records
        self._made: dict[tuple[int, int], Attempt] = {}
        self._settled: dict[tuple[int, int], Attempt] = {}
        self._found: dict[tuple[int, int], Recovery] = {}

    @property
    def attempts(self) -> list[Attempt]:
        """All that were made, by rung and message."""
        return [self._settled[place] for place in sorted(self._settled)]

    @property
    def recoveries(self) -> list[Recovery]:
        """What they are made of, in their order."""
        return [self._found[place] for place in sorted(self._settled)]

    def climb(self) -> None:
        """Try every attack on every message that is not exact yet."""
        of = len(self._rungs) * len(self._sent)
        for number, rung in enumerate(self._rungs):
            self._ended_early += len(self._sent) - len(self._open)
            for place, message in enumerate(tuple(self._open)):
                progress.report(f"attacking with {rung.name}", number * len(self._sent) + place, of)
                given = self._budget.share(self._left(number, place)) if rung.is_timed else None
                if given == 0.0 and number in (self._refusing or ()):
                    given = _GLANCE  # it need not be said to lack time
                if given == 0.0:
                    self._unrun[rung.name] = self._unrun.get(rung.name, 0) + 1
                else:
                    self._try(number, message, given)
            self._settle(number)
        self._spend_the_rest()
        progress.report("attacks done", of, of)
        self._seconds = self._budget.spent

    def spent(self) -> Spent:
        """The time that it took, and where it went."""
        timed = [one for one in self.attempts if one.given is not None and one.outcome != "refused"]
        return Spent(
            seconds=self._budget.seconds,
            spent=self._seconds,
            overrun=max(0.0, self._seconds - self._budget.seconds),
            timed=len(timed),
            cut=sum(one.is_cut for one in timed),
            unrun=sum(self._unrun.values()),
            ended_early=self._ended_early,
            left_out=dict(self._unrun),
            again=self._again,
        )

    def _left(self, number: int, place: int) -> int:
        """How many attempts are left that can use time, this one included, if no message is exact before."""
        if self._refusing is None:
            self._refusing = self._asked(number)
        later = sum(
            rung.is_timed and place not in self._refusing
            for place, rung in enumerate(self._rungs)
            if place > number
        )
        return len(self._open) - place + later * len(self._open)

    def _asked(self, number: int) -> set[int]:
        """The later rungs that refuse the first open message, as they will the others: they need no share."""
        later = [place for place, rung in enumerate(self._rungs) if place > number and rung.is_timed]
        said = {place: self._attempted(place, self._open[0], _GLANCE)[0] for place in later}
        return {place for place, recovery in said.items() if recovery.outcome == "refused"}

    def _attempted(self, number: int, message: int, given: float | None) -> tuple[Recovery, float]:
        rung = self._rungs[number]
        return attempt(
            rung.name,
            rung.attack if given is None else rung.within(given),
            self._sent[message],
            _apart(self._told[message]),
            message=message,
            seed=self._case.setting.seed,
        )

    def _try(self, number: int, message: int, given: float | None) -> None:
        before = self._made.get((number, message))
        recovery, seconds = self._attempted(number, message, given)
        self._found[number, message] = recovery
        self._made[number, message] = scored(
            self._rungs[number].name,
            recovery,
            self._case.batches[message],
            kind=self._case.setting.share,
            message=message,
            classes=self._case.classes,
            seconds=seconds + (0.0 if before is None else before.seconds),
            given=None if given is None else given + (0.0 if before is None else before.given or 0.0),
        )

    def _settle(self, number: int) -> None:
        """Lay what a rung shows beside other records, and close the messages that are exact."""
        places = sorted(place for place in self._made if place[0] == number)
        settled = self._bystanders.settle(
            [self._made[place] for place in places], [self._found[place] for place in places]
        )
        self._settled |= dict(zip(places, settled, strict=True))
        whole = {one.message for one in self._settled.values() if one.is_whole}
        self._open = [message for message in self._open if message not in whole]

    def _spend_the_rest(self) -> None:
        """Make attempts that the clock ended again, the cheapest first, with the time that is left."""
        had = {
            place: one.given or 0.0
            for place, one in self._made.items()
            if one.is_cut and self._rungs[place[0]].limit > (one.given or 0.0)
        }
        is_over = False
        while not is_over:
            cut = [place for place in sorted(had) if self._made[place].is_cut and place[1] in self._open]
            is_over = True
            for number, place in enumerate(cut):
                due = self._budget.more(len(cut) - number, had[place])
                if due > 0.0 and place[1] in self._open:
                    is_over = False
                    had[place] = due
                    self._again += 1
                    self._try(*place, due)
                    self._settle(place[0])


def _require_read(setting: CaseSetting, **arrays: Array | None) -> None:
    """Refuse what nothing would read, so that no report is taken for that of another setting."""
    if setting.share != "update" and (setting.steps, setting.rate) != (1, _RATE):
        message = (
            f"Steps and rate are those of an update; received steps={setting.steps}, rate={setting.rate} "
            f"with share={setting.share!r}. Share an 'update', or leave both out."
        )
        raise ParameterError(message)
    named = [name for name in arrays if name in setting.knows]
    missing = [name for name in named if arrays[name] is None]
    if missing and len(named) < len(arrays):  # all of them: whatever there is
        message = (
            f"What the attacker knows must be given; 'knows' has {', '.join(missing)}, and no such array came"
            f". Give {', '.join(f'{one}=' for one in missing)} too, or leave the name out of 'knows'."
        )
        raise ParameterError(message)


def _judged(case: Case, told: list[Knowledge]) -> list[Knowledge]:
    """With the soft labels that the audit itself made messages of: they are no sign of another loss."""
    rows = case.labels[case.positions]
    if rows.dtype.kind != "f" or case.setting.loss != "cross_entropy" or case.setting.share == "embedding":
        return told
    return [replace(one, labels=row) for one, row in zip(told, rows, strict=True)]


def _checked(sent: Sequence[Disclosure], told: Sequence[Knowledge]) -> tuple[str, ...]:
    """Refuse what is not what it is said to be; what else is to be said of the messages, once each."""
    known = registry.names("inspection")
    if "check" in known:
        check = registry.resolve("inspection", "check")
        for disclosure, knowledge in zip(sent, told, strict=True):
            check(disclosure, knowledge)
    if "remarks" not in known:
        return ()
    look = registry.resolve("inspection", "remarks")
    return said_once([look(*pair) for pair in zip(sent, told, strict=True)])


def _apart(told: Knowledge) -> Knowledge:
    """With a copy of the model, so that what an attack does to it hurts no other attack and no user."""
    return replace(told, model=copied(told.model))


def _bound(accountant: Accountant) -> dict[str, float]:
    return {name: float(getattr(accountant, name)) for name in ("epsilon", "delta", "prior", "chance")}
