"""A model as a scikit-learn pipeline from raw items to names of classes, for programs without nextlabel."""

import copy
import os
import platform
from importlib.metadata import version
from operator import methodcaller
from pathlib import Path
from typing import Any, final

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, LabelEncoder

from nextlabel.core.task import Task
from nextlabel.errors import LearnerError
from nextlabel.learners.estimators import classifier
from nextlabel.learners.features import Features
from nextlabel.maths.axes import Array

__all__ = ["ItemFeatures", "named_classifier", "pipeline", "write"]


@final
class ItemFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Features that scikit-learn has no class for, such as those of images: loading it needs nextlabel.

    Parameters
    ----------
    features : Features
        As they were learnt.
    """

    def __init__(self, features: Features) -> None:
        self.features = features

    def fit(self, X: Any, y: Any = None) -> "ItemFeatures":
        """Nothing is learnt again."""
        return self

    def transform(self, X: Any) -> Array:
        """Features of items, first axis n."""
        made: Array = self.features.rows(np.asarray(X))
        return made

    def __sklearn_is_fitted__(self) -> bool:
        """Always: the features were learnt before."""
        return True


def pipeline(estimator: Any, features: Features | None, present: tuple[int, ...], task: Task) -> Pipeline:
    """A fitted pipeline that says what a model says.

    Parameters
    ----------
    estimator : object or None
        The fitted classifier, or pipeline, of class indices.
    features : Features or None
        What it reads.
    present : tuple of int
        The classes that had a label.
    task : Task
        The names.

    Returns
    -------
    Pipeline
        Its `predict` gives names of classes and `predict_proba` a column for each of its `classes_`: those
        that had a label, in the task's order. Of several classes an item, `predict` gives 0 and 1 in the
        columns of the task's classes, and `predict_proba` the probability of each.

    Raises
    ------
    LearnerError
        There were no labels.
    """
    if estimator is None:
        message = (
            "A model that is handed on must have learnt of labels; this one had none. Label some items first."
        )
        raise LearnerError(message)
    steps: list[tuple[str, Any]] = []
    if features is not None:
        made = features.encoder.portable(features.learnt)
        steps.append(("features", ItemFeatures(features) if made is None else made))
    elif not isinstance(estimator, Pipeline) and hasattr(estimator, "n_features_in_"):
        steps.append(("rows", FunctionTransformer(methodcaller("reshape", -1, estimator.n_features_in_))))
    return Pipeline([*steps, ("classifier", named_classifier(estimator, present, task))])


def named_classifier(estimator: Any, present: tuple[int, ...], task: Task) -> Any:
    """A copy of a fitted classifier of class indices that says names of classes.

    Parameters
    ----------
    estimator : object
        The classifier, or a pipeline that ends in it.
    present : tuple of int
        The classes that had a label.
    task : Task
    """
    made = copy.deepcopy(estimator)
    names = np.array([task.classes[one] for one in present], dtype=object)
    last = classifier(made)
    if task.is_several:
        if isinstance(last, OneVsRestClassifier):
            last.label_binarizer_.classes_ = names
        return made
    if len(names) == 1 and isinstance(last, MLPClassifier):
        last = DummyClassifier().fit(np.zeros((1, last.n_features_in_)), names)
        return Pipeline([*made.steps[:-1], ("constant", last)]) if isinstance(made, Pipeline) else last
    if isinstance(last, LogisticRegression | RandomForestClassifier | DummyClassifier):
        last.classes_ = names
        return made
    if isinstance(last, MLPClassifier):
        last.classes_ = last._label_binarizer.classes_ = names
        return made
    voting = VotingClassifier([("one", made)], voting="soft")
    voting.estimators_, voting.named_estimators_ = [made], {"one": made}
    voting.le_ = LabelEncoder()
    voting.le_.classes_ = voting.classes_ = names
    return voting


def write(made: Pipeline, task: Task, path: Path) -> None:
    """Write a pipeline with joblib, and beside it a text that says how it is read and what made it.

    Parameters
    ----------
    made : Pipeline
    task : Task
    path : Path
        The text is at the same path with ``.txt`` behind it.

    Notes
    -----
    Both are written under another name, forced to the disk and renamed.
    """
    import joblib

    needs = any(isinstance(step, ItemFeatures) for _, step in made.steps)
    half = path.with_name(f".{path.name}.part")
    try:
        joblib.dump(made, half, compress=3)
        _place(half, path)
        half.write_text(_words(path, task, needs=needs), encoding="utf-8")
        _place(half, path.with_name(f"{path.name}.txt"))
    finally:
        half.unlink(missing_ok=True)


def _place(half: Path, there: Path) -> None:
    with half.open("rb") as file:
        os.fsync(file.fileno())
    half.replace(there)


def _words(path: Path, task: Task, *, needs: bool) -> str:
    libraries = ["scikit-learn", "numpy", "scipy", "joblib", *(["nextlabel"] if needs else [])]
    said = [f"{name} {version(name)}" for name in libraries]
    answers = "0 or 1 for each class" if task.is_several else "names of classes"
    return "\n".join(
        [
            f"{path.name} is a scikit-learn pipeline from items to {answers}.",
            "",
            f"Classes: {', '.join(task.classes)}",
            f"Made with: Python {platform.python_version()}, {', '.join(said)}",
            "Use the same versions: scikit-learn promises nothing about files of others.",
            f"nextlabel must be installed where it is read: {'yes' if needs else 'no'}",
            "",
            "    import joblib",
            f"    model = joblib.load({path.name!r})",
            "    model.predict(items), model.predict_proba(items)",
            "",
            "The file is a pickle, which can hold code: read it only where you trust its origin.",
            "",
        ]
    )
