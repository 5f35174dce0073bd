"""The newest model as a file that other programs load: a scikit-learn pipeline, or an ONNX graph."""

from pathlib import Path
from typing import Any

from nextlabel.campaign.formats.content import Export
from nextlabel.campaign.replacing import replacing
from nextlabel.errors import CampaignError

__all__ = ["describe", "write_onnx", "write_pipeline"]

_LIBRARIES = ("numpy", "scipy", "scikit-learn", "joblib")


def write_pipeline(path: Path, export: Export, *, replace: bool = False) -> int:
    """Write the model as a fitted pipeline, for ``joblib.load``.

    Parameters
    ----------
    path : Path
    export : Export
        With its model.
    replace : bool
        Write over a file that is there.

    Returns
    -------
    int
        1.

    Raises
    ------
    CampaignError
        There is no model, or it has no such form; or the file is there already, or cannot be written.
    LearnerError
        The model cannot be converted; the message says why.
    """
    import joblib

    pipeline = _converted(export, "portable", "a scikit-learn pipeline")
    with replacing(path, replace=replace, encoding=None) as file:
        joblib.dump(pipeline, file)
    return 1


def write_onnx(path: Path, export: Export, *, replace: bool = False) -> int:
    """Write the model as an ONNX graph.

    Parameters, returns and errors are those of `write_pipeline`.
    """
    graph = _converted(export, "onnx", "an ONNX graph")
    with replacing(path, replace=replace, encoding=None) as file:
        file.write(graph)
    return 1


def _converted(export: Export, method: str, what: str) -> Any:
    """What a model makes of itself; asked for by shape, since learners of others may offer it too."""
    model, task = export.model, export.state.task
    if model is None:
        message = (
            f"To write {what}, a model must have been fitted; this campaign has none, or its file has gone. "
            "Label some items, then call: nextlabel predict."
        )
        raise CampaignError(message)
    speaker: Any = model
    while not hasattr(speaker, method) and hasattr(speaker, "answers_as"):  # of a learner round a learner
        speaker = speaker.answers_as
    convert = getattr(speaker, method, None)
    if convert is None:
        message = (
            f"{type(speaker).__name__} cannot be written as {what}: models of the learner 'sklearn' can, "
            "also within pseudo_label, self_training or generative. Export the labels, and "
            "train the model anew where it is needed."
        )
        raise CampaignError(message)
    return convert(task)


def describe(export: Export) -> str:
    """What somebody who loads the file must know, as text: the versions, the classes, and which model it is.

    Parameters
    ----------
    export : Export
        With its model.
    """
    import platform
    from importlib.metadata import version

    from nextlabel import __version__

    assert export.model is not None
    lines = [
        "A fitted scikit-learn pipeline, from raw items to classes.",
        "Load it with joblib.load(path), under the versions below. Loading runs code: trust the file first.",
        "",
        f"model: {export.model.fingerprint}",
        f"classes: {', '.join(export.state.task.classes)}",
        f"nextlabel: {__version__}",
        f"python: {platform.python_version()}",
        *(f"{name}: {version(name)}" for name in _LIBRARIES),
    ]
    return "\n".join(lines) + "\n"
