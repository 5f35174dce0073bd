"""scikit-activeml: models that answer with the given arrays; rows are told apart by a column of numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from skactiveml.base import SkactivemlClassifier
from skactiveml.classifier import ParzenWindowClassifier
from skactiveml.pool import (
    Badge,
    BatchBALD,
    CoreSet,
    DiscriminativeAL,
    GreedyBALD,
    ProbCover,
    RandomSampling,
    TypiClust,
    UncertaintySampling,
)

from benchmarks.peers.held import Held, free_end, free_start, stars
from nextlabel.testing.conformance import definition_of
from nextlabel.testing.laws import Question

PACKAGE = "scikit-activeml"

NOTE = "Seeds are given as `random_state`. Models are its own kind of classifier, fitted before."
_RADIUS = 1.0
_EXACT = 10_000  # joint labels enumerated, not sampled, up to this many


class Given(SkactivemlClassifier):
    """A fitted classifier that says what the arrays say of the rows whose numbers it is asked about."""

    def __init__(
        self,
        proba: Any = None,
        embedding: Any = None,
        draws: Any = None,
        classes: Any = None,
        missing_label: float = np.nan,
    ) -> None:
        super().__init__(classes=classes, missing_label=missing_label)
        self.proba, self.embedding, self.draws = proba, embedding, draws

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "Given":
        return self

    def predict_proba(self, X: Any, **_: Any) -> Any:
        rows = _rows(X)
        proba = np.array(self.proba[rows])
        return proba if self.embedding is None else (proba, np.array(self.embedding[rows]))

    def sample_proba(self, X: Any) -> Any:
        return np.array(self.draws[_rows(X)].swapaxes(0, 1))


def _rows(numbers: Any) -> Any:
    return np.asarray(numbers)[:, 0].astype(int)


def _pool(n: int) -> dict[str, Any]:
    return {"X": np.arange(n, dtype=float)[:, None], "y": np.full(n, np.nan)}


def _uncertainty(*, batch: int, seed: int, proba: Any, method: str) -> Any:
    model = Given(proba, classes=list(range(proba.shape[1])))
    strategy = UncertaintySampling(method=method, random_state=seed)
    return strategy.query(**_pool(len(proba)), clf=model, fit_clf=False, batch_size=batch)


def _badge(*, batch: int, seed: int, proba: Any, embedding: Any) -> Any:
    model = Given(proba, embedding, classes=list(range(proba.shape[1])))
    return Badge(random_state=seed).query(**_pool(len(proba)), clf=model, fit_clf=False, batch_size=batch)


def _random(*, batch: int, seed: int, embedding: Any) -> Any:
    return RandomSampling(random_state=seed).query(**_pool(len(embedding)), batch_size=batch)


def _bald(*, batch: int, seed: int, draws: Any, kind: Any) -> Any:
    model = Given(draws=draws, classes=list(range(draws.shape[2])))
    strategy = kind(sample_predictions_method_name="sample_proba", random_state=seed)
    return strategy.query(**_pool(len(draws)), ensemble=model, fit_ensemble=False, batch_size=batch)


def _features(
    *,
    batch: int,
    seed: int,
    embedding: Any,
    strategy: Any,
    labelled: Mapping[str, Any] | None = None,
    **more: Any,
) -> Any:
    """The labelled rows first, then the pool; positions in the pool."""
    seen = embedding[:0] if labelled is None else labelled["embedding"]
    y = np.concatenate([np.arange(len(seen)) % 2, np.full(len(embedding), np.nan)])
    made = strategy(random_state=seed)
    return np.asarray(made.query(np.concatenate([seen, embedding]), y, batch_size=batch, **more)) - len(seen)


def _is_covered(question: Question, picked: Sequence[int]) -> bool:
    points = np.asarray(question.signals["embedding"], np.float64)
    seen = points[:0] if question.labelled is None else np.asarray(question.labelled["embedding"], np.float64)
    centres = [*seen, *points[list(picked)]]
    nearest = [min((np.linalg.norm(one - centre) for centre in centres), default=np.inf) for one in points]
    return max(nearest) < _RADIUS


def methods() -> list[Held]:
    exact = partial(BatchBALD, n_MC_samples=_EXACT)
    return [
        *(
            Held(
                f'UncertaintySampling("{method}")', partial(_uncertainty, method=method), definition_of(name)
            )
            for method, name in (
                ("margin_sampling", "margin"),
                ("entropy", "entropy"),
                ("least_confident", "least_confident"),
            )
        ),
        Held("RandomSampling", _random, definition_of("random")),
        Held("Badge", _badge, definition_of("badge")),
        Held(
            "CoreSet",
            partial(_features, strategy=CoreSet),
            free_start("coreset"),
            "Without labelled rows any first pick is admitted.",
        ),
        Held(
            "ProbCover(deltas=[1.0])",
            partial(_features, strategy=partial(ProbCover, deltas=[_RADIUS])),
            free_end("probcover", _is_covered),
            "One radius given; once all is covered any pick is admitted.",
        ),
        Held(
            "TypiClust",
            partial(_features, strategy=TypiClust),
            stars(),
            "Asked of clusters whose middle is most typical for any number of neighbours.",
        ),
        Held("GreedyBALD", partial(_bald, kind=GreedyBALD), definition_of("bald")),
        Held(
            f"BatchBALD(n_MC_samples={_EXACT})",
            partial(_bald, kind=exact),
            definition_of("batch_bald"),
            "So many that joint entropies are exact, not sampled.",
        ),
        Held(
            "DiscriminativeAL",
            partial(_features, strategy=DiscriminativeAL, discriminator=ParzenWindowClassifier()),
            replace(definition_of("dal")),
            "With its ParzenWindowClassifier as discriminator.",
        ),
    ]
