"""How a campaign is gone on with: what its journal has settled is not asked for in another way."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nextlabel.campaign.state import State
    from nextlabel.cli.beginning import Wanted

__all__ = ["require_same"]


def require_same(journal: Path, wanted: "Wanted") -> None:
    """Refuse an option that would be left aside; the same words as at the beginning are fine.

    Parameters
    ----------
    journal : Path
    wanted : Wanted

    Raises
    ------
    ParameterError
        An option says other than the journal, or the file has another name than the one it began with.
    """
    from nextlabel.cli.beginning import Wanted
    from nextlabel.cli.journal import read_state
    from nextlabel.errors import ParameterError

    state = read_state(journal)
    _require_same_file(journal, wanted.file, (state.pool_source or {}).get("path"))
    created, usual = state.created, Wanted(wanted.file, {}, (), None, "class", "auto")
    pairs: dict[str, tuple[Any, Any, Any]] = {  # what is wanted, when nothing is, and what there is
        "--labels": (tuple(wanted.labels), (), tuple(state.task.classes)),
        "--task": (wanted.kind, usual.kind, state.task.kind),
        **_read_by(state.pool_source or {}, wanted),
        **_learnt_by(state, wanted),
        "--overlap": (wanted.overlap, usual.overlap, created.overlap),
        "--candidates": (wanted.candidates, None, created.candidates),
        "--control": (wanted.control, usual.control, created.control),
        "--seed": (wanted.seed, usual.seed, created.seed),
    }
    for option, (value, nothing, was) in pairs.items():
        if value not in (nothing, was):
            message = (
                f"{option} must be what the journal {journal} began with, {_words(was)}; received "
                f"{_words(value)}. Leave it out to go on; to begin anew, move the journal away."
            )
            raise ParameterError(message)


def _require_same_file(journal: Path, file: Path, began: str | None) -> None:
    """Refuse reviews.tsv beside a journal of reviews.csv; a folder may have been moved."""
    from nextlabel.errors import ParameterError

    if began is None or file == journal:
        return
    first = (journal.parent / began).resolve().name  # a path may be "."
    if file.resolve().name == first:
        return
    message = (
        f"The file must be the one that the journal {journal} began with, {first}; received "
        f"{file.name}. To go on with that one: nextlabel label {journal}. To begin with {file.name}, move "
        "the journal away, or give the file another name."
    )
    raise ParameterError(message)


def _read_by(source: Mapping[str, Any], wanted: "Wanted") -> dict[str, tuple[Any, Any, Any]]:
    """How the file was read."""
    said = wanted.params
    pairs = {
        f"--{name}": (said.get(name), None, source.get(name)) for name in ("text", "id", "image", "sheet")
    }
    return {
        **pairs,
        "--features": (tuple(said.get("features") or ()), (), tuple(source.get("features") or ())),
        "--encoding": (_encoding(said.get("encoding")), None, _encoding(source.get("encoding"))),
        "--skip-faulty": (said.get("skip_faulty"), None, source.get("skip_faulty")),
        "--label-column": (wanted.label_column, None, source.get("label")),
    }


def _learnt_by(state: "State", wanted: "Wanted") -> dict[str, tuple[Any, Any, Any]]:
    """What learns, and what picks; settings that are left out are as they were."""
    from nextlabel.cli.beginning import spec

    created = state.created
    learner = dict(created.learner or {"name": created.learner_repr})
    features = learner.get("features")
    encoder = features.get("path") if isinstance(features, Mapping) else None
    folder = wanted.encoder is not None and encoder is not None and _is_one(wanted.encoder, str(encoder))
    strategy = dict(created.strategy or {"name": created.name})
    asked = None if wanted.learner is None else _settings(spec(wanted.learner, "--learner"))
    picked = _settings(spec(wanted.strategy, "--strategy"))
    return {
        "--encoder": (encoder if folder else wanted.encoder, None, encoder),
        "--learner": _part(asked, learner),
        "--strategy": _part(None if picked == {"name": "auto"} else picked, strategy),
    }


def _part(asked: Mapping[str, Any] | None, there: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    """Settings that were asked for, if they are not a part of those there are."""
    if asked is None or all(name in there and there[name] == one for name, one in asked.items()):
        return None, None, there
    return asked, None, there


def _settings(said: Any) -> dict[str, Any]:
    return dict(said) if isinstance(said, Mapping) else {"name": said}


def _is_one(path: str, other: str) -> bool:
    return path == other or Path(path).absolute() == Path(other).absolute()


def _encoding(name: str | None) -> str | None:
    """What Python calls it, so that latin-1 is ISO-8859-1."""
    import codecs

    try:
        return None if name is None else codecs.lookup(name).name
    except LookupError:
        return name


def _words(value: Any) -> str:
    from nextlabel.cli.beginning import named

    if isinstance(value, tuple):
        return ", ".join(value) or "nothing"
    if isinstance(value, Mapping):
        return named(value)
    return "nothing" if value is None else "yes" if value is True else str(value)
