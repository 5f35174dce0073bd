"""Any scikit-learn classifier with `predict_proba` as a learner."""

import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from sklearn.base import clone
from sklearn.neural_network import MLPClassifier

from nextlabel.core.learner import Fit, Learner, Model
from nextlabel.core.pool import Pool
from nextlabel.core.spec import Spec
from nextlabel.core.task import Task
from nextlabel.errors import LearnerError, NoLabels, ParameterError, UnknownName
from nextlabel.learners.abilities import kept_by_weight
from nextlabel.learners.border import as_spec, checked_labels
from nextlabel.learners.estimators import (
    ESTIMATORS,
    classifier,
    constant,
    fitted,
    named,
    seed,
    takes_weights,
    transformers,
)
from nextlabel.learners.features import Features, encoder, features_of
from nextlabel.learners.model_files import read
from nextlabel.learners.several import fitted_several, of_several
from nextlabel.learners.sklearn_model import FORMAT, SklearnModel, as_rows, scores_of
from nextlabel.maths.axes import Array, Labels, Positions
from nextlabel.maths.parameters import checked_whole, settle

__all__ = ["SklearnLearner", "SklearnModel"]


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
    features : str or mapping, optional
        What items are turned into before the classifier reads them: ``"scale"``, numbers on one scale;
        ``"table"``, rows of names and numbers, missing ones too; ``"tfidf"``, weighted words of
        texts; ``"hog"``, gradients and colours of images; ``{"name": "encoder", "path": ...}``, what an
        encoder of the transformers library says of texts or images; or a mapping of one of these names and
        settings. They are learnt without labels, of the labelled and unlabelled items of the fit. When
        left out: items are read as they are.

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

    Of several classes an item the models publish `marginals`: an MLP has an output for each class, any
    other classifier is fitted for each class by itself (one against the rest). A class that all labelled
    items have, or none, has a constant probability, (k + 1) / (l + 2) for k of l items.

    Every `random_state`, nested ones included, is set from one integer of the generator, so a state of
    the generator and a labelled set decide the model, initial weights included. A fit that stops at
    its cap of iterations raises no warning; the model's `converged` says so.

    Features are learnt once for a set of items: a model given as `previous` lends its own where they
    were learnt of the same. The embedding ``"features"`` is then their dense form: of texts, the first
    singular vectors. They are saved with the model, in a file that models saved side by side share.

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
    features: Any = None

    def __post_init__(self) -> None:
        chunk = checked_whole(self.chunk, "chunk", least=1, of="SklearnLearner")
        specs = {"estimator": as_spec(self.estimator), "features": as_spec(self.features)}
        settle(self, {**specs, "chunk": chunk})
        encoder(self.features)
        made = self._fresh()
        if not hasattr(made, "predict_proba"):
            message = (
                f"SklearnLearner needs a classifier with predict_proba; {named(made)} has none. "
                "Wrap it in sklearn.calibration.CalibratedClassifierCV, or use another classifier."
            )
            raise LearnerError(message)
        self._place(made)

    def require(self, pool: Pool, task: Task) -> None:
        """Refuse items that the features, or without any a named classifier, cannot read."""
        first, made = pool.take(np.array([0])), encoder(self.features)
        if made is not None:
            made.require(first)
        elif isinstance(self.estimator, Spec):
            _require_numbers(first)

    @property
    def provides(self) -> frozenset[str]:
        """`embedding`, and `logits` where the estimator has them, else `proba`."""
        return frozenset({scores_of(self._fresh()), "embedding"})

    def provides_for(self, task: Task) -> frozenset[str]:
        """As `provides`; of several classes an item, `marginals` and `embedding`."""
        return frozenset({"marginals", "embedding"}) if task.is_several else self.provides

    @property
    def provides_without_labels(self) -> frozenset[str]:
        """`embedding`, where it is the features."""
        return frozenset({"embedding"}) if self._place(self._fresh()) == "features" else frozenset()

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
        """A classifier trained from scratch on the labelled items.

        Of `previous`, the features are used again where they were learnt of the same items.

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
        return self._fitted(pool, Fit(labelled, labels, unlabelled, rng, previous), task, [previous])

    def fit_many(self, pool: Pool, fits: Sequence[Fit], *, task: Task) -> list[Model]:
        """As `fit`, one after the other; features of the same items are learnt once."""
        models: list[Model] = []
        for one in fits:
            models.append(self._fitted(pool, one, task, [one.previous, *reversed(models)]))
        return models

    @property
    def takes_weights(self) -> bool:
        """Whether `fit_weighted` serves: the fit of the classifier takes `sample_weight`."""
        return takes_weights(self._fresh())

    def fit_weighted(
        self,
        pool: Pool,
        labelled: Positions,
        labels: Labels,
        unlabelled: Positions,
        rng: np.random.Generator,
        *,
        task: Task,
        weights: Array,
        previous: Model | None = None,
    ) -> "SklearnModel":
        """As `fit`, with the loss of each labelled item multiplied by its weight.

        Parameters
        ----------
        pool, labelled, labels, unlabelled, rng, task, previous
            As for `fit`.
        weights : array of float64, axes (l,)
            From 0 up, not all 0. Items of weight 0 are left out; the others' are scaled to a mean of 1.

        Raises
        ------
        ParameterError
            Weights that are not finite numbers from 0 up, or all 0.
        LearnerError
            As `fit`; or the classifier takes no weights, or the task has several classes an item.

        Notes
        -----
        Equal weights give the model of `fit`, bit for bit.
        """
        labelled, labels, heavy = kept_by_weight(labelled, labels, weights, learner="SklearnLearner")
        if task.is_several and heavy is not None:
            message = (
                "SklearnLearner weights items of one class each; received a task of several classes an item "
                f"({', '.join(task.classes)}). Give equal weights, or a task of nextlabel.classes."
            )
            raise LearnerError(message)
        fit = Fit(labelled, labels, unlabelled, rng, previous)
        return self._fitted(pool, fit, task, [previous], heavy)

    def _fitted(
        self,
        pool: Pool,
        fit: Fit,
        task: Task,
        known: Sequence[Model | None],
        weights: Array | None = None,
    ) -> "SklearnModel":
        labelled, labels = checked_labels(
            pool, fit.labelled, fit.labels, task, learner="SklearnLearner", several=True
        )
        estimator = self._fresh()
        place = self._place(estimator)
        if not len(labels) and place != "features":
            message = (
                f"{named(estimator)} must be fitted before it has the embedding {place!r}; received no "
                "labels. Label some items first, or use embedding='features'."
            )
            raise NoLabels(message)
        features: Features | None = None
        if self.features is not None:
            features = features_of(self.features, pool, labelled, fit.unlabelled, known)
        if not len(labels):
            return SklearnModel(None, place, None, self.chunk, len(task.classes), (), features=features)
        if task.is_several:
            return self._fitted_several(pool, labelled, labels, fit.rng, estimator, place, features)
        scores = scores_of(estimator)
        present = tuple(int(one) for one in np.unique(labels))
        if len(present) == 1 and not isinstance(classifier(estimator), MLPClassifier):
            estimator = constant(estimator)  # most classifiers refuse to learn a single class
        seed(estimator, int(fit.rng.integers(2**31)))
        items = (pool if features is None else features.on(pool)).take(labelled)
        converged = fitted(estimator, as_rows(items), labels, weights)
        return SklearnModel(
            estimator, place, scores, self.chunk, len(task.classes), present, converged, features
        )

    def _fitted_several(
        self,
        pool: Pool,
        labelled: Positions,
        labels: Labels,
        rng: np.random.Generator,
        base: Any,
        place: str,
        features: Features | None,
    ) -> "SklearnModel":
        """A classifier for each class, or an MLP with an output for each."""
        estimator = of_several(base)
        seed(estimator, int(rng.integers(2**31)))
        items = (pool if features is None else features.on(pool)).take(labelled)
        converged = fitted_several(estimator, as_rows(items), labels)
        classes = labels.shape[1]
        present = tuple(range(classes))
        return SklearnModel(estimator, place, "marginals", self.chunk, classes, present, converged, features)

    def load(self, path: Path) -> "SklearnModel":
        """The model saved there. Files are pickles: load only those you trust.

        Raises
        ------
        LearnerError
            The file holds something else.
        """
        kept, features = read(Path(path))
        if not isinstance(kept, dict) or kept.get("format") != FORMAT:
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
            Features.from_bytes(kept["features"]) if isinstance(kept.get("features"), bytes) else features,
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


def _require_numbers(items: Array) -> None:
    try:
        as_rows(items).astype(np.float64)
    except (TypeError, ValueError) as cause:
        message = (
            "A learner 'sklearn' without features takes numbers; received items of shape "
            f"{items.shape[1:]} and type {items.dtype}. Give it features='tfidf' for texts, 'table' for rows "
            "of names and numbers, 'hog' for images of different sizes."
        )
        raise LearnerError(message) from cause
