"""All settings of a benchmark together, worked out before any of it is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

from nextlabel.errors import ParameterError
from nextlabel.experiment.across import Agreement, Posterior, Ranks, agreements, posteriors, ranking
from nextlabel.experiment.curves import Results
from nextlabel.experiment.penalty import PUBLISHED_SEEDS, Penalties, penalty
from nextlabel.experiment.reading import ROPE
from nextlabel.experiment.study import Study, study

__all__ = ["Overview", "overview", "studied"]


@final
@dataclass(frozen=True)
class Overview:
    """What the settings say one by one, and together.

    Parameters
    ----------
    studies : tuple of Study
        One for each setting.
    penalties : Penalties
    penalties_first_five : Penalties or None
        Of the first five seeds, as published matrices are; None where no setting has more.
    ranks : Ranks
    posteriors : tuple of Posterior
    agreements : tuple of Agreement
    """

    studies: tuple[Study, ...]
    penalties: Penalties
    penalties_first_five: Penalties | None
    ranks: Ranks
    posteriors: tuple[Posterior, ...]
    agreements: tuple[Agreement, ...]

    @property
    def baseline(self) -> str:
        """What the others are compared with."""
        return self.studies[0].baseline

    @property
    def seeds(self) -> str:
        """How many seeds a setting has: one number, or the fewest and the most."""
        counts = sorted({one.seeds for one in self.studies})
        return f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"

    def to_dict(self) -> dict[str, Any]:
        """Everything, runs included."""
        return {
            "settings": [one.to_dict() for one in self.studies],
            "penalties": self.penalties,
            "penalties_first_five": self.penalties_first_five,
            "ranks": self.ranks,
            "posteriors": self.posteriors,
            "agreements": self.agreements,
        }


def studied(settings: Sequence[Results]) -> tuple[Study, ...]:
    """Work out each setting by itself, under a name that no other has.

    Parameters
    ----------
    settings : sequence of Results
        As `nextlabel.experiment.report.write_report` describes them.

    Returns
    -------
    tuple of Study

    Raises
    ------
    ParameterError
        No settings, one without its lead or baseline, or fewer than two seeds.
    """
    if not settings:
        message = "A report needs the results of at least one setting; received none. Run a benchmark."
        raise ParameterError(message)
    return tuple(study(one, name) for one, name in zip(settings, _names(settings), strict=True))


def overview(settings: Sequence[Results]) -> Overview:
    """Work out all settings.

    Parameters
    ----------
    settings : sequence of Results
        As `nextlabel.experiment.report.write_report` describes them.

    Returns
    -------
    Overview

    Raises
    ------
    ParameterError
        No settings, settings with different baselines, one without its lead, or fewer than two
        seeds.
    MissingExtra
        Baycomp is not installed, and there are data sets enough for it.
    """
    studies = studied(settings)
    first = studies[0]
    if any(one.baseline != first.baseline for one in studies):
        message = (
            "The settings of a report share their baseline; received "
            f"{', '.join(sorted({one.baseline for one in studies}))}. Write a report for each."
        )
        raise ParameterError(message)
    return Overview(
        studies=studies,
        penalties=penalty(settings, first.baseline),
        penalties_first_five=(
            penalty(settings, first.baseline, most_seeds=PUBLISHED_SEEDS)
            if any(one.seeds > PUBLISHED_SEEDS for one in studies)
            else None
        ),
        ranks=ranking(settings),
        posteriors=posteriors(settings, first.lead, rope=first.rope or ROPE),
        agreements=agreements(settings),
    )


def _names(settings: Sequence[Results]) -> list[str]:
    """What each setting is called: different names, though the protocols may say the same or nothing."""
    found = [
        str(one.protocol.get("setting") or one.protocol.get("dataset") or "experiment") for one in settings
    ]
    return [
        name if found.count(name) == 1 else f"{name} ({1 + found[:number].count(name)})"
        for number, name in enumerate(found)
    ]
