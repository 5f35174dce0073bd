"""What an audit found, as a value: its verdict in words, JSON, and a page.

More than 400 lines: most are the documentation of what report.json holds, which one place should tell.
"""

import dataclasses
import hashlib
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

from nextlabel.errors import ParameterError
from nextlabel.leakage.controls import Control
from nextlabel.leakage.ladder import Skipped
from nextlabel.leakage.report.written import plain, read
from nextlabel.leakage.scores import ItemScore
from nextlabel.leakage.trials import Trial
from nextlabel.leakage.verdicts import BOUNDED, NOT_SHOWN, Share, overall, shares

__all__ = ["VOID", "Exhibit", "Outcome", "Report", "Spent", "Standing", "Summary"]

VOID = "VOID"
"""In place of a verdict, where a control failed."""

_VERSION = 1
_PASSING = {"again", "command", "given", "overrun", "seconds", "spent"}  # times, and how files were called


@final
@dataclass(frozen=True)
class Standing:
    """What became of one record.

    Parameters
    ----------
    position : int
        In the user's data.
    message : int
        The number of its message.
    verdict : str
    attack : str
        Which attack came nearest; empty where none gave anything.
    score : ItemScore, optional
        How near it came.
    baseline : ItemScore
        How near one comes without the message.
    why : str
        Where the record was not shown, why not: what each kind of attack ended with.
    """

    position: int
    message: int
    verdict: str
    attack: str
    score: ItemScore | None
    baseline: ItemScore
    why: str = ""


@final
@dataclass(frozen=True)
class Outcome:
    """One attack on one message, as a line of the report.

    Parameters
    ----------
    attack : str
    message : int
    outcome, reason : str
        As the attack says.
    why : str
        Where nothing was shown, why not.
    residual : float, optional
        The share of the message that it leaves unexplained.
    error : float, optional
        The largest relative error over the records of the message; of text, of wrong tokens.
    verdicts : tuple of str
        By record.
    seconds, given : float
    is_cut : bool
    evaluations : int
    singular_values : tuple of float
        The spectrum that the attack looked at, if it did.
    rank : int, optional
        That it read off the spectrum.
    is_of_labels : bool
        Whether the attack gives labels alone, so that its failing says nothing of the records themselves.
    """

    attack: str
    message: int
    outcome: str
    reason: str
    why: str
    residual: float | None
    error: float | None
    verdicts: tuple[str, ...]
    seconds: float
    given: float | None
    is_cut: bool
    evaluations: int
    singular_values: tuple[float, ...] = ()
    rank: int | None = None
    is_of_labels: bool = False


@final
@dataclass(frozen=True)
class Summary:
    """One attack on all messages that it was tried on.

    Parameters
    ----------
    attack : str
    messages, records : int
    shown : tuple of Share
        Verdicts of the records by their items.
    labels_right, labels_of : int
        Labels claimed rightly, of how many records; 0 of 0 where none were claimed.
    labels_chance : float, optional
        How probably a guess by the prior would be right so often.
    count_error : float, optional
        Mean over messages of half the sum of |claimed − true| counts.
    features_exact : int, optional
        Records of which the input of the last layer came back, every feature in units of its spread.
    features_cosine : float, optional
        The median cosine of these inputs.
    false_items : int
        Items given back beyond those that match a record.
    targets_exact, targets_of : int
        Of a regression, targets that came back exactly, and of how many; None where none was claimed.
    targets_error : float, optional
        The median error of these targets, in units of their spread.
    targets_chance : float, optional
        How probably guesses would be exact so often.
    words_named, words_right, words_of : int
        Of text: different words named, those that their messages have, and all that these have.
    """

    attack: str
    messages: int
    records: int
    shown: tuple[Share, ...]
    labels_right: int = 0
    labels_of: int = 0
    labels_chance: float | None = None
    count_error: float | None = None
    features_exact: int | None = None
    features_cosine: float | None = None
    false_items: int = 0
    targets_exact: int | None = None
    targets_of: int = 0
    targets_error: float | None = None
    targets_chance: float | None = None
    words_named: int = 0
    words_right: int = 0
    words_of: int = 0


@final
@dataclass(frozen=True)
class Exhibit:
    """A record beside what came back of it, for the page.

    Parameters
    ----------
    place : str
        ``"best"``, ``"median"`` or ``"worst"``.
    position : int
    verdict, attack : str
        The attack whose work is shown, or nothing; the label of LABEL ONLY another may have named.
    shape : tuple of int
    original, recovered : tuple of float
        Values in row-major order; token ids for text. Nothing recovered: empty.
    is_unordered : bool
        Whether these are the words of the message in no order.
    """

    place: str
    position: int
    verdict: str
    attack: str
    shape: tuple[int, ...]
    original: tuple[float, ...]
    recovered: tuple[float, ...]
    is_unordered: bool = False


@final
@dataclass(frozen=True)
class Spent:
    """The time of a report.

    Parameters
    ----------
    seconds : float
        The budget of all attacks together.
    spent : float
        What they took.
    overrun : float
        Beyond the budget.
    timed : int
        Attempts that were given a share of it, and did not refuse.
    cut : int
        Of these, ended by the clock.
    unrun : int
        Attempts for which no time was left.
    ended_early : int
        Attempts that were not needed, since every record of the message had come back exactly.
    left_out : mapping of str to int
        The attacks for which no time was left, with the number of messages.
    again : int
        How often an attempt that the clock ended was made again with time that others had left.
    """

    seconds: float
    spent: float
    overrun: float
    timed: int
    cut: int
    unrun: int
    ended_early: int
    left_out: Mapping[str, int] = field(default_factory=dict)
    again: int = 0


@final
@dataclass(frozen=True)
class Report:
    """What an audit found.

    Parameters
    ----------
    setting : mapping
        How messages were made.
    knows : tuple of str
        What the attacker was told, a phrase each.
    remarks : tuple of str
        What a reader must know: few records, a range that was not declared, labels that are the model's.
    standings : tuple of Standing
        One for each record.
    summaries : tuple of Summary
        One for each attack, cheapest first.
    outcomes : tuple of Outcome
    skipped : tuple of Skipped
        Attacks that were not tried.
    controls : tuple of Control
        Empty where the report was made without controls of its own.
    budget : Spent
    exhibits : tuple of Exhibit
    bound : mapping of str to float, optional
        ε, δ, prior and chance of an accountant.
    trials : tuple of Trial
        Of a sweep over defences, if one was run.
    advice : tuple of str
    """

    setting: Mapping[str, Any]
    knows: tuple[str, ...]
    remarks: tuple[str, ...]
    standings: tuple[Standing, ...]
    summaries: tuple[Summary, ...]
    outcomes: tuple[Outcome, ...]
    skipped: tuple[Skipped, ...]
    controls: tuple[Control, ...]
    budget: Spent
    exhibits: tuple[Exhibit, ...] = ()
    bound: Mapping[str, float] | None = None
    trials: tuple[Trial, ...] = ()
    advice: tuple[str, ...] = field(default=())

    @property
    def verdicts(self) -> tuple[str, ...]:
        """One for each record, whatever the controls say."""
        return tuple(one.verdict for one in self.standings)

    @property
    def is_void(self) -> bool:
        """Whether a control failed, so that nothing in the report may be believed."""
        return not all(one.is_passed for one in self.controls if one.is_run)

    @property
    def is_tried(self) -> bool:
        """Whether any attack was brought to bear on any record; else nothing is known of them."""
        from nextlabel.leakage.report.tried import messages_tried  # as sentences

        return bool(messages_tried(self))

    @property
    def verdict(self) -> str:
        """The worst that happened to any record; `VOID` where a control failed."""
        if self.is_void:
            return VOID
        found = overall(self.verdicts)
        return BOUNDED if found == NOT_SHOWN and self.bound is not None else found

    @property
    def shares(self) -> tuple[Share, ...]:
        """How many records have each verdict, with exact intervals."""
        return shares(self.verdicts)

    @property
    def seconds(self) -> float:
        """What the attacks took."""
        return self.budget.spent

    def sentences(self) -> tuple[str, ...]:
        """The report in sentences: verdict and interval first, then controls, knowledge and time."""
        from nextlabel.leakage.report.wording import sentences  # it reads reports, and this file makes them

        return sentences(self)

    def to_json(self) -> str:
        """All of it as JSON; equal audits at one seed differ in times only."""
        content = plain(self) | {"version": _VERSION, "verdict": self.verdict}
        return json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Report":
        """The report that `to_json` wrote.

        Raises
        ------
        ParameterError
            Not the JSON of a report, or of a version that is not known.
        """
        try:
            content = json.loads(text)
            version = content.pop("version")
            content.pop("verdict")
        except (ValueError, AttributeError, KeyError, TypeError) as cause:
            message = (
                f"A report is read from the JSON that it wrote; received {text[:40]!r}. Give report.json."
            )
            raise ParameterError(message) from cause
        if version != _VERSION:
            message = (
                f"The report has version {version!r}; this one reads version {_VERSION}. Use the nextlabel "
                "that wrote it."
            )
            raise ParameterError(message)
        found: Report = read(cls, content)
        return found

    @property
    def fingerprint(self) -> str:
        """A digest of all but times and the command: equal for two audits of equal data at one seed."""
        return hashlib.sha256(json.dumps(_lasting(plain(self)), sort_keys=True).encode()).hexdigest()[:16]

    def html(self) -> str:
        """One self-contained page, by day and by night.

        Raises
        ------
        MissingExtra
            Matplotlib is not installed.
        """
        from nextlabel.leakage.report.pages import page  # it reads reports, and this file makes them

        return page(self)

    def write(self, folder: str | Path) -> tuple[Path, Path]:
        """Write ``report.html`` and ``report.json``, each whole or not at all.

        Parameters
        ----------
        folder : str or Path
            Made where there is none.

        Returns
        -------
        tuple of Path
            The page, then the JSON.

        Raises
        ------
        ParameterError
            The folder cannot be made or written.
        """
        folder = Path(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder, prefix=".unfinished-") as aside:
                made = {"report.html": self.html(), "report.json": self.to_json()}
                for name, content in made.items():
                    (Path(aside) / name).write_text(content, encoding="utf-8")
                for name in made:
                    (Path(aside) / name).replace(folder / name)
        except OSError as cause:
            message = (
                f"The report needs a folder that can be written; {folder} cannot ({cause.strerror}). "
                "Name another one, for example 'leakage-report'."
            )
            raise ParameterError(message) from cause
        return folder / "report.html", folder / "report.json"

    def with_trials(self, trials: tuple[Trial, ...], advice: tuple[str, ...] = ()) -> "Report":
        """The report with what a sweep over defences measured."""
        return dataclasses.replace(self, trials=trials, advice=advice)


def _lasting(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _lasting(one) for name, one in value.items() if name not in _PASSING}
    return [_lasting(one) for one in value] if isinstance(value, list) else value
