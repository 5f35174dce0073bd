"""Any scikit-learn classifier with `predict_proba` as a learner."""

import pickle
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any, final

import numpy as np
from sklearn.base import clone
from sklearn.neural_network import MLPClassifier

from nextlabel.core.learner import Learner, Model
from nextlabel.core.pool import Pool
from nextlabel.core.signals import Signals
from nextlabel.core.spec import Spec
from nextlabel.core.task import Task
from nextlabel.errors import LearnerError, NoLabels, ParameterError, UnknownName
from nextlabel.learners.border import (
    as_spec,
    checked_labels,
    checked_positions,
    gathered,
    sources,
)
from nextlabel.learners.estimators import (
    ESTIMATORS,
    classifier,
    constant,
    fitted,
    has_logits,
    hidden_layer,
    named,
    seed,
    transformers,
)
from nextlabel.maths.axes import Array, Labels, Positions
from nextlabel.maths.parameters import checked_whole, settle

__all__ = ["SklearnLearner", "SklearnModel"]

_IMPOSSIBLE = 1000.0  # below the best logit: e^-1000 is 0 in float64, and the value itself is finite
_FORMAT = "nextlabel sklearn model 1"


@final
@dataclass(frozen=True)
class SklearnLearner(Learner):
    """Trains a scikit-learn classifier afresh on every call.

    Parameters
    ----------
    estimator : str, mapping or estimator
        ``"logistic"``, ``"mlp"`` (one hidden layer of 128) or ``"random_forest"``; or a mapping of
        one of these names and settings, ``{"name": "mlp", "hidden_layer_sizes": [64]}``; or any
        classifier or pipeline with `predict_proba`, which is cloned for every fit and never changed.
        Learners round an object are equal when it is the same object, and cannot be written as JSON.
    embedding : str, optional
        ``"features"``: the items as they are, flattened; ``"hidden"``: the last hidden layer of an
        `MLPClassifier`; or the name of a pipeline step: its output. When left out: the hidden layer of
        an `MLPClassifier`, else the output of a pipeline's last transformer, else the features.
    chunk : int
        Items predicted at once.

    Raises
    ------
    UnknownName
        The estimator's name is not known.
    ParameterError
        A setting that the estimator does not have, or a chunk below 1.
    LearnerError
        No `predict_proba`, or an embedding that the estimator does not have.

    Notes
    -----
    Numeric items are flattened to (n, d). An MLP and a multinomial logistic regression publish
    `logits`, so that residuals of confident items do not round to zero; others publish `proba`.
    Classes of the task without a label have a column: probability 0, written in `logits` as 1000
    below the best class. Labels of one class alone give a constant prediction.

    Every `random_state`, nested ones included, is set from one integer of the generator, so a state of
    the generator and a labelled set decide the model, initial weights included. A fit that stops at
    its cap of iterations raises no warning; the model's `converged` says so.

    Without labels, a model that offers only `embedding` is made where the embedding is the features.

    Cost: that of the estimator, and O(n·(c + d)) memory for the signals of n items.

    References
    ----------
    Pedregosa et al. Scikit-learn: machine learning in Python. JMLR 12, 2011.

    Examples
    --------
    >>> from nextlabel import arrays, classes
    >>> pool = arrays([[0.0], [0.1], [0.9], [1.0]])
    >>> learner = SklearnLearner("logistic")
    >>> model = learner.fit(pool, np.array([0, 3]), np.array([0, 1]), np.array([1, 2]),
    ...                     np.random.default_rng(0), task=classes("low", "high"))
    >>> said = model.signals(pool, np.array([1, 2]), {"proba"}, np.random.default_rng(0))
    >>> said["proba"].argmax(axis=1).tolist()
    [0, 1]
    """

    estimator: Any = "logistic"
    embedding: str | None = None
    chunk: int = 4096

    def __post_init__(self) -> None:
        chunk = checked_whole(self.chunk, "chunk", least=1, of="SklearnLearner")
        settle(self, {"estimator": as_spec(self.estimator), "chunk": chunk})
        made = self._fresh()
        if not hasattr(made, "predict_proba"):
            message = (
                f"SklearnLearner needs a classifier with predict_proba; {named(made)} has none. "
                "Wrap it in sklearn.calibration.CalibratedClassifierCV, or use another classifier."
            )
            raise LearnerError(message)
        self._place(made)

    @property
    def provides(self) -> frozenset[str]:
        """`embedding`, and `logits` where the estimator has them, else `proba`."""
        return frozenset({_scores(self._fresh()), "embedding"})

    def fit(
        self,
        pool: Pool,
        labelled: Positions,
        labels: Labels,
        unlabelled: Positions,
        rng: np.random.Generator,
        *,
        task: Task,
        previous: Model | None = None,
    ) -> "SklearnModel":
        """A classifier trained from scratch on the labelled items; `previous` is not used.

        Raises
        ------
        NoLabels
            There are no labels, and the embedding needs a fitted estimator.
        LabelError
            Labels outside the task, or of another number than the positions.
        PoolError
            Positions outside the pool.
        LearnerError
            The estimator refuses the data; the message quotes it.
        """
        labelled, labels = checked_labels(pool, labelled, labels, task)
        estimator = self._fresh()
        place = self._place(estimator)
        classes = len(task.classes)
        if not len(labels):
            if place != "features":
                message = (
                    f"{named(estimator)} must be fitted before it has the embedding {place!r}; received no "
                    "labels. Label some items first, or use embedding='features'."
                )
                raise NoLabels(message)
            return SklearnModel(None, place, None, self.chunk, classes, ())
        scores = _scores(estimator)
        present = tuple(int(one) for one in np.unique(labels))
        if len(present) == 1 and not isinstance(classifier(estimator), MLPClassifier):
            estimator = constant(estimator)  # most classifiers refuse to learn a single class
        seed(estimator, int(rng.integers(2**31)))
        converged = fitted(estimator, _rows(pool.take(labelled)), labels)
        return SklearnModel(estimator, place, scores, self.chunk, classes, present, converged)

    def load(self, path: Path) -> "SklearnModel":
        """The model saved there. Files are pickles: load only those you trust.

        Raises
        ------
        LearnerError
            The file holds something else.
        """
        kept = pickle.loads(Path(path).read_bytes())
        if not isinstance(kept, dict) or kept.get("format") != _FORMAT:
            message = (
                f"A file written by SklearnModel.save was expected; {path} holds something else. "
                "Give the path that the model was saved to."
            )
            raise LearnerError(message)
        model = SklearnModel(
            pickle.loads(kept["estimator"]),
            kept["place"],
            kept["scores"],
            self.chunk,
            kept["classes"],
            kept["present"],
            kept["converged"],
        )
        model.__dict__["_pickled"] = kept["estimator"]  # the same bytes, so the same fingerprint
        return model

    def _fresh(self) -> Any:
        if not isinstance(self.estimator, Spec):
            if isinstance(self.estimator, type) or not hasattr(self.estimator, "get_params"):
                message = (
                    "'estimator' must be a name or a scikit-learn classifier; received "
                    f"{self.estimator!r}. Give an object, for example LogisticRegression(), not its class."
                )
                raise LearnerError(message)
            return clone(self.estimator)
        name, settings = self.estimator.name, self.estimator.params
        if name not in ESTIMATORS:
            message = (
                f"{name!r} is not a named estimator. The names are: {', '.join(ESTIMATORS)}. "
                "Give any other scikit-learn classifier as an object."
            )
            raise UnknownName(message)
        try:
            return ESTIMATORS[name](**settings)
        except TypeError as cause:
            known = ", ".join(sorted(ESTIMATORS[name]().get_params()))
            message = f"The estimator {name!r} has no such setting ({cause}). It takes: {known}."
            raise ParameterError(message) from cause

    def _place(self, estimator: Any) -> str:
        """Where the embedding is read: ``"features"``, ``"hidden"`` or a pipeline step."""
        steps = [name for name, _ in transformers(estimator)]
        is_mlp = isinstance(classifier(estimator), MLPClassifier)
        if self.embedding is None:
            return "hidden" if is_mlp else (steps[-1] if steps else "features")
        places = [*steps, "features", *(["hidden"] if is_mlp else [])]
        if self.embedding not in places:
            message = (
                f"The embedding of {named(estimator)} is one of {', '.join(map(repr, places))}; received "
                f"{self.embedding!r}. Use one of these."
            )
            raise LearnerError(message)
        return self.embedding


@final
class SklearnModel(Model):
    """A fitted classifier, and where its embedding is read.

    Attributes
    ----------
    estimator : object or None
        The fitted classifier; None where there were no labels.
    converged : bool
        False when the fit stopped at its cap of iterations.
    """

    def __init__(
        self,
        estimator: Any,
        place: str,
        scores: str | None,
        chunk: int,
        classes: int,
        present: tuple[int, ...],
        converged: bool = True,
    ) -> None:
        self.estimator = estimator
        self.converged = converged
        self._place = place
        self._scores = scores
        self._chunk = chunk
        self._classes = classes
        self._present = present

    @property
    def fingerprint(self) -> str:
        """A digest of the fitted estimator."""
        digest = blake2b(f"{self._place}{self._classes}{self._present}".encode(), digest_size=16)
        digest.update(self._pickled)
        return digest.hexdigest()

    def signals(
        self, pool: Pool, positions: Positions, names: Collection[str], rng: np.random.Generator
    ) -> Signals:
        """What the classifier says of some items; draws nothing.

        Notes
        -----
        Memory: the signals in float32, and one chunk of items.
        """
        positions = checked_positions(pool, positions)
        wanted = sources(names, self._offered, f"A model of {named(self.estimator)}")
        made = gathered(pool, positions, self._chunk, lambda items: self._answer(_rows(items), wanted))
        return Signals(made, n=len(positions))

    def save(self, path: Path) -> None:
        """Write the fitted estimator as a pickle."""
        kept = {
            "format": _FORMAT,
            "estimator": self._pickled,
            "place": self._place,
            "scores": self._scores,
            "classes": self._classes,
            "present": self._present,
            "converged": self.converged,
        }
        Path(path).write_bytes(pickle.dumps(kept))

    @cached_property
    def _pickled(self) -> bytes:
        return pickle.dumps(self.estimator, protocol=5)

    @property
    def _offered(self) -> frozenset[str]:
        if self.estimator is None:
            return frozenset({"embedding"})
        return frozenset({"embedding"} | ({self._scores} if self._scores else set()))

    def _answer(self, items: Any, wanted: Collection[str]) -> dict[str, Array]:
        made: dict[str, Array] = {}
        inputs = items
        embedding = items if self._place == "features" else None
        for name, step in transformers(self.estimator):
            inputs = step.transform(inputs)
            if name == self._place:
                embedding = inputs
        last = classifier(self.estimator)
        hidden = None
        if isinstance(last, MLPClassifier):
            hidden = hidden_layer(last, inputs)
            if self._place == "hidden":
                embedding = hidden
        if "embedding" in wanted:
            made["embedding"] = _dense(embedding)
        if "logits" in wanted:
            made["logits"] = self._logits(last, inputs, hidden)
        if "proba" in wanted:
            made["proba"] = self._spread_out(last.predict_proba(inputs), 0.0)
        return made

    def _logits(self, last: Any, inputs: Any, hidden: Any) -> Array:
        if len(self._present) == 1:
            scores = np.zeros((inputs.shape[0], 1))
        elif hidden is not None:
            scores = hidden @ last.coefs_[-1] + last.intercepts_[-1]
        else:
            scores = last.decision_function(inputs).reshape(inputs.shape[0], -1)
        if scores.shape[1] == 1 and len(self._present) == 2:
            scores = np.hstack([np.zeros_like(scores), scores])  # two classes, one unit: softmax of (0, u)
        return self._spread_out(scores, scores.max(axis=1, keepdims=True) - _IMPOSSIBLE)

    def _spread_out(self, columns: Array, absent: Any) -> Array:
        """Columns of the classes that were seen, among those of the task."""
        result = np.empty((len(columns), self._classes), np.float32)
        result[:] = absent
        result[:, self._present] = columns[:, : len(self._present)]
        return result


def _scores(estimator: Any) -> str:
    """Which of the two signals an estimator gives."""
    return "logits" if has_logits(classifier(estimator)) else "proba"


def _rows(items: Array) -> Any:
    """Numbers flattened to (n, d); text and other objects as they are."""
    return items.reshape(len(items), -1) if items.dtype.kind in "fiub" else items


def _dense(embedding: Any) -> Array:
    array = embedding.toarray() if hasattr(embedding, "toarray") else np.asarray(embedding)
    if array.dtype.kind not in "fiub":
        message = (
            f"An embedding must be numbers; the items are of type {array.dtype}. "
            "Use a pipeline, and as embedding the step that turns items into numbers."
        )
        raise LearnerError(message)
    return array.reshape(len(array), -1).astype(np.float32)
