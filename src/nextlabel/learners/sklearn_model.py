"""A fitted scikit-learn classifier, and what it says of items."""

import pickle
from collections.abc import Collection
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any, final

import numpy as np
from sklearn.neural_network import MLPClassifier

from nextlabel.core.learner import Model
from nextlabel.core.pool import Pool
from nextlabel.core.signals import Signals
from nextlabel.core.task import Task
from nextlabel.errors import LearnerError
from nextlabel.learners.border import checked_positions, gathered, sources
from nextlabel.learners.estimators import classifier, has_logits, hidden_layer, named, seed, transformers
from nextlabel.learners.features import Features
from nextlabel.learners.model_files import write
from nextlabel.learners.several import marginals
from nextlabel.maths.axes import Array, Positions

__all__ = ["FORMAT", "SklearnModel", "as_rows", "scores_of"]

FORMAT = "nextlabel sklearn model 1"
"""What a file begins to say of itself."""

_IMPOSSIBLE = 1000.0  # below the best logit: e^-1000 is 0 in float64, and the value itself is finite


@final
class SklearnModel(Model):
    """A fitted classifier, and where its embedding is read.

    Attributes
    ----------
    estimator : object or None
        The fitted classifier; None where there were no labels.
    converged : bool
        False when the fit stopped at its cap of iterations.
    features : Features or None
        What items are turned into before the classifier reads them; None where it reads them as they are.
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
        features: Features | None = None,
    ) -> None:
        self.estimator = estimator
        self.converged = converged
        self.features = features
        self._place = place
        self._scores = scores
        self._chunk = chunk
        self._classes = classes
        self._present = present

    @property
    def fingerprint(self) -> str:
        """A digest of the fitted estimator, and of the features where it has any."""
        digest = blake2b(f"{self._place}{self._classes}{self._present}".encode(), digest_size=16)
        digest.update(self._pickled)
        if self.features is not None:
            digest.update(self.features.fingerprint.encode())
        return digest.hexdigest()

    @property
    def seedless(self) -> str:
        """A digest of what was learnt, with every `random_state` alike."""
        estimator = pickle.loads(self._pickled)
        if estimator is not None:
            seed(estimator, 0)
        learnt = "" if self.features is None else self.features.fingerprint
        return blake2b(pickle.dumps(estimator) + learnt.encode(), digest_size=16).hexdigest()

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
        source = pool if self.features is None else self.features.on(pool)
        made = gathered(source, positions, self._chunk, lambda items: self._answer(as_rows(items), wanted))
        return Signals(made, n=len(positions))

    def save(self, path: Path) -> None:
        """Write the fitted estimator, as a pickle, and the features beside it; see `model_files.write`."""
        kept = {
            "format": FORMAT,
            "estimator": self._pickled,
            "place": self._place,
            "scores": self._scores,
            "classes": self._classes,
            "present": self._present,
            "converged": self.converged,
            "features": None if self.features is None else self.features.fingerprint,
        }
        write(kept, self.features, Path(path))

    def portable(self, task: Task) -> Any:
        """A scikit-learn pipeline from raw items to names of classes; see `learners.portable.pipeline`.

        Raises
        ------
        LearnerError
            There were no labels.
        """
        from nextlabel.learners.portable import pipeline

        return pipeline(self.estimator, self.features, self._present, task)

    def write_portable(self, task: Task, path: Path) -> None:
        """Write that pipeline with joblib, and beside it a text about it; see `learners.portable.write`.

        Raises
        ------
        LearnerError
            There were no labels.
        """
        from nextlabel.learners import portable

        portable.write(self.portable(task), task, Path(path))

    def onnx(self, task: Task) -> bytes:
        """The same as an ONNX file; see `learners.onnx.converted`.

        Raises
        ------
        LearnerError
            There were no labels, or the features or the estimator cannot be written so.
        MissingExtra
            skl2onnx is not installed.
        """
        from nextlabel.learners.onnx import converted

        return converted(self.estimator, self.features, self._present, task)

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
            if self.features is not None and self._place == "features":
                embedding = self.features.dense(embedding)
            made["embedding"] = _dense(embedding)
        if "logits" in wanted:
            made["logits"] = self._logits(last, inputs, hidden)
        if "marginals" in wanted:
            made["marginals"] = marginals(last, inputs, self._classes)
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


def scores_of(estimator: Any) -> str:
    """Which of the two signals an estimator gives."""
    return "logits" if has_logits(classifier(estimator)) else "proba"


def as_rows(items: Any) -> Any:
    """Numbers flattened to (n, d); text, other objects and sparse features as they are."""
    is_array = isinstance(items, np.ndarray) and items.dtype.kind in "fiub"
    return items.reshape(len(items), -1) if is_array else items


def _dense(embedding: Any) -> Array:
    array = embedding.toarray() if hasattr(embedding, "toarray") else np.asarray(embedding)
    if array.dtype.kind not in "fiub":
        message = (
            f"An embedding must be numbers; the items are of type {array.dtype}. "
            "Use a pipeline, and as embedding the step that turns items into numbers."
        )
        raise LearnerError(message)
    return array.reshape(len(array), -1).astype(np.float32)
