"""A model as an ONNX file: texts or rows in, label and probabilities out."""

import json
from collections.abc import Mapping
from typing import Any

from nextlabel.core.task import Task
from nextlabel.errors import LearnerError
from nextlabel.learners.encode_numbers import Scale
from nextlabel.learners.encode_rows import Table, columns_of
from nextlabel.learners.encode_text import Tfidf
from nextlabel.learners.estimators import classifier
from nextlabel.learners.extras import needed
from nextlabel.learners.features import Features
from nextlabel.learners.onnx_rows import scale_graph, table_graph
from nextlabel.learners.onnx_text import text_graph
from nextlabel.learners.portable import named_classifier

__all__ = ["OPSET", "converted"]

OPSET = 17
"""The version of ONNX's operators: read by every runtime since 2022."""

_BY = "A model as an ONNX file"


def converted(estimator: Any, features: Features | None, present: tuple[int, ...], task: Task) -> bytes:
    """A fitted classifier and the features that it reads, as one ONNX model.

    Parameters
    ----------
    estimator : object or None
        The fitted classifier of class indices.
    features : Features or None
        What it reads.
    present : tuple of int
        The classes that had a label.
    task : Task

    Returns
    -------
    bytes
        Inputs: of texts ``text``, strings, axes (n,); of numbers ``rows``, float, axes (n, d); of a table
        ``column_1`` and on, axes (n, 1): strings, empty where a cell is missing, or double, nan there.
        Outputs: ``label``, a class of each item (several: 0 or 1 for each class), and ``probabilities``,
        axes (n, k), a column for each class that had a label, in the task's order. The model's
        metadata name these ``classes``, as a list in JSON.

    Raises
    ------
    LearnerError
        What cannot be written so: features of images or of an encoder, runs of characters, an estimator that
        skl2onnx does not know, no labels.
    MissingExtra
        skl2onnx is not installed.

    Notes
    -----
    Computed in float32, so probabilities agree with the model to about 1e-5. Texts are read as
    `text_graph` says; the operator that cuts them into words is one of onnxruntime's own.

    References
    ----------
    The classifiers are converted by skl2onnx.
    """
    needed("skl2onnx", "app", by=_BY)
    if estimator is None:
        message = (
            "A model that is handed on must have learnt of labels; this one had none. Label some items first."
        )
        raise LearnerError(message)
    named = named_classifier(estimator, present, task)
    graph = None if features is None else _graph(features)
    if graph is None and not (features is None and hasattr(named, "n_features_in_")):
        what = "a pipeline of texts or objects" if features is None else f"features={features.spec.name!r}"
        message = (
            "ONNX files can be made of models that read features='tfidf', 'table' or 'scale', or plain "
            f"numbers; this one reads {what}. Use the scikit-learn file instead (model.write_portable)."
        )
        raise LearnerError(message)
    made = _classifier(named, "rows" if graph is None else "features", classifier(estimator).n_features_in_)
    if graph is not None:
        made = _joined(graph, made)
    names = [task.classes[one] for one in present]
    _say(made, {"classes": json.dumps(names), "task": task.kind, "made_by": "nextlabel"})
    data: bytes = made.SerializeToString()
    return data


def _graph(features: Features) -> Any:
    """The graph that makes features of items; None where there is none."""
    encoder, learnt = features.encoder, features.learnt
    if isinstance(encoder, Tfidf):
        return text_graph(encoder, encoder.portable(learnt))
    if isinstance(encoder, Table):
        return table_graph(columns_of(learnt))
    if isinstance(encoder, Scale):
        return scale_graph(learnt["mean"], learnt["deviation"])
    return None


def _classifier(estimator: Any, reads: str, d: int) -> Any:
    library, types = (needed(name, "app", by=_BY) for name in ("skl2onnx", "skl2onnx.common.data_types"))
    last = classifier(estimator)
    try:
        return library.to_onnx(
            estimator,
            initial_types=[(reads, types.FloatTensorType([None, d]))],
            options={id(last): {"zipmap": False}},
            target_opset=OPSET,
        )
    except Exception as cause:  # of many kinds: a class or a setting that it has no rule for
        why = str(cause).partition("\n")[0]
        message = (
            f"{type(last).__name__} must be a classifier that skl2onnx converts; it refuses "
            f"({type(cause).__name__}: {why}). Use the scikit-learn file instead (model.write_portable), or "
            "estimator='logistic' with labels of two classes."
        )
        raise LearnerError(message) from cause


def _joined(graph: Any, reads: Any) -> Any:
    """The features' graph with the classifier's behind it."""
    from onnx import compose, helper

    versions = {one.domain: one.version for one in reads.opset_import}
    versions |= {"": OPSET, "ai.onnx.ml": versions.get("ai.onnx.ml", 1), "com.microsoft": 1}
    operators = [helper.make_opsetid(domain, number) for domain, number in versions.items()]
    before = helper.make_model(graph, opset_imports=operators, ir_version=reads.ir_version)
    apart = compose.add_prefix(before, "items_", rename_inputs=False, rename_outputs=False)
    return compose.merge_models(apart, reads, io_map=[("features", "features")])


def _say(made: Any, metadata: Mapping[str, str]) -> None:
    for key, value in metadata.items():
        entry = made.metadata_props.add()
        entry.key, entry.value = key, value
