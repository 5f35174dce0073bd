"""What calls take and give, as JSON Schema: kept by hand, and what bodies are checked against."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

__all__ = ["MOST_ACTIONS", "SCHEMAS"]

MOST_ACTIONS = 500
"""Actions of one call."""

_Schema = dict[str, Any]


def _object(required: tuple[str, ...] = (), *, others: Any = False, **properties: Any) -> _Schema:
    made: _Schema = {"type": "object", "properties": properties, "additionalProperties": others}
    return {**made, "required": list(required)} if required else made


def _all(**properties: Any) -> _Schema:
    """An object of which every property is there."""
    return _object(tuple(properties), **properties)


def _list(items: _Schema, most: int | None = None) -> _Schema:
    made: _Schema = {"type": "array", "items": items}
    return made if most is None else {**made, "maxItems": most}


def _or_null(schema: _Schema) -> _Schema:
    kind = schema["type"]
    return {**schema, "type": [kind, "null"] if isinstance(kind, str) else [*kind, "null"]}


_ANY: _Schema = {}
_TEXT: _Schema = {"type": "string"}
_NUMBER: _Schema = {"type": "number"}
_WHOLE: _Schema = {"type": "integer"}
_FLAG: _Schema = {"type": "boolean"}
_ID: _Schema = {"type": "string", "maxLength": 10_000}
_WORD: _Schema = {"type": "string", "minLength": 1, "maxLength": 200}
_REMARK: _Schema = {"type": "string", "maxLength": 2_000}
_SECONDS: _Schema = {"type": ["number", "null"], "minimum": 0, "maximum": 1e7}
_CLASS: _Schema = {"type": "string", "maxLength": 1_000}
_LABEL: _Schema = {
    "type": ["string", "array"],
    "maxLength": 1_000,
    "items": _CLASS,
    "maxItems": 1_000,
    "description": "A class; of several classes an item, a list of them, which may be empty.",
}
_LABEL_OR_NULL = _or_null(_LABEL)
_SUGGESTION = _or_null(_all(label=_LABEL, confidence=_NUMBER))
_TRAINING = _object(
    ("state", "model_labels", "message", "remarks"),
    state={"type": "string", "enum": ["starting", "fitting", "idle", "failed"]},
    model_labels=_WHOLE,
    message=_TEXT,
    remarks=_list(_TEXT),
    starts=_WHOLE,
)
_PROGRESS = _all(
    labelled=_WHOLE,
    mine=_WHOLE,
    items=_WHOLE,
    skipped=_WHOLE,
    waiting_answers=_WHOLE,
    rate_per_hour=_or_null(_NUMBER),
    eta_seconds=_or_null(_NUMBER),
    certificate=_or_null(_all(checked=_WHOLE, sample=_WHOLE)),
    training=_TRAINING,
    saved=_FLAG,
    banner=_or_null(_TEXT),
)
_MINE = _or_null(_object(label=_LABEL, skip=_TEXT))
_VIEW = _object(("medium",), others=True, medium={"type": "string", "enum": ["text", "image", "row"]})
_ITEM = _all(
    id=_ID,
    number=_WHOLE,
    token=_or_null(_TEXT),
    expires=_or_null(_NUMBER),
    view=_VIEW,
    suggestion=_SUGGESTION,
    model=_or_null(_TEXT),
    mine=_MINE,
)
_ROW: dict[str, _Schema] = {
    "id": _ID,
    "number": _WHOLE,
    "line": _TEXT,
    "label": _LABEL_OR_NULL,
    "answers": _object(others=_LABEL),
    "skipped": _FLAG,
    "suggestion": _SUGGESTION,
    "flags": _WHOLE,
}


def _action(kind: str, required: tuple[str, ...], **properties: Any) -> _Schema:
    return _object(("kind", "request", *required), kind={"const": kind}, request=_WORD, **properties)


_ACTIONS: dict[str, _Schema] = {
    "Answer": _action(
        "answer",
        ("id", "label"),
        id=_ID,
        label=_LABEL,
        token=_or_null(_WORD),
        seconds=_SECONDS,
        suggestion=_LABEL_OR_NULL,
        model=_or_null(_WORD),
    ),
    "Skip": _action("skip", ("id",), id=_ID, reason=_or_null(_REMARK), token=_or_null(_WORD)),
    "Flag": _action("flag", ("id",), id=_ID, text=_REMARK),
    "Note": _action("note", ("text",), text={**_REMARK, "minLength": 1}, id=_or_null(_ID)),
    "Retract": _action("retract", ("id",), id=_ID),
    "Undo": _action("undo", ()),
}
_MAPPING = {
    one["properties"]["kind"]["const"]: f"#/components/schemas/{name}" for name, one in _ACTIONS.items()
}
_ACTION: _Schema = {
    "oneOf": list(_ACTIONS.values()),
    "discriminator": {"propertyName": "kind", "mapping": _MAPPING},
}
_WANT: _Schema = {"type": "integer", "minimum": 0, "maximum": 1_000, "default": 5}
_HAVE = _list(_ID, 2_000)
_RESULT = _object(
    ("request", "ok"),
    request=_TEXT,
    ok=_FLAG,
    kind=_TEXT,
    message=_TEXT,
    undone=_or_null(_all(item=_ITEM, was=_ANY, now=_LABEL_OR_NULL)),
)

_COEFFICIENT = _all(value=_or_null(_NUMBER), items=_WHOLE, why=_TEXT)
_PAIR = _all(a=_TEXT, b=_TEXT, value=_or_null(_NUMBER), items=_WHOLE, why=_TEXT)
_AGREEMENT = _all(
    items=_WHOLE,
    people=_list(_TEXT),
    parts=_object(others=_all(cohen=_list(_PAIR), fleiss=_COEFFICIENT, krippendorff=_COEFFICIENT)),
    sentence=_TEXT,
)
_LOOK = _all(
    look=_WHOLE,
    asked=_WHOLE,
    right=_WHOLE,
    skipped=_WHOLE,
    low=_or_null(_NUMBER),
    high=_or_null(_NUMBER),
    why=_TEXT,
    macro_f1=_or_null(_NUMBER),
    macro_f1_low=_or_null(_NUMBER),
    macro_f1_high=_or_null(_NUMBER),
    f1=_object(others=_or_null(_NUMBER)),
    labels=_WHOLE,
    items=_WHOLE,
    through=_WHOLE,
    kind=_TEXT,
    sentence=_TEXT,
)
_ISSUED = _all(
    errors=_WHOLE,
    sample=_WHOLE,
    skipped=_WHOLE,
    remainder=_WHOLE,
    uncovered=_WHOLE,
    unlabelled=_WHOLE,
    items=_WHOLE,
    low=_WHOLE,
    high=_WHOLE,
    level=_NUMBER,
    sided={"type": "string", "enum": ["two", "upper"]},
    model=_TEXT,
    sample_digest=_TEXT,
    journal_digest=_TEXT,
    through=_WHOLE,
    prompted=_WHOLE,
)
_STATUS = _all(
    progress=_all(
        items=_WHOLE,
        labelled=_WHOLE,
        active=_WHOLE,
        control=_WHOLE,
        skipped=_WHOLE,
        left=_WHOLE,
        people=_object(others=_WHOLE),
        stopped=_or_null(_TEXT),
    ),
    quality=_all(
        sentence=_TEXT,
        indication=_TEXT,
        indicative=_TEXT,
        caution=_TEXT,
        looks=_list(_LOOK),
        control_settled=_WHOLE,
        next_at=_or_null(_WHOLE),
    ),
    certificate=_all(
        state={"type": "string", "enum": ["none", "under way", "done"]},
        sentence=_TEXT,
        checked=_or_null(_WHOLE),
        sample=_or_null(_WHOLE),
        number=_WHOLE,
        newest=_or_null(_ISSUED),
    ),
    stopping=_all(
        change100=_or_null(_NUMBER),
        price=_NUMBER,
        likely=_or_null(_NUMBER),
        most=_or_null(_NUMBER),
        is_small=_FLAG,
        sentence=_TEXT,
        curve=_list(_list(_NUMBER)),
    ),
    agreement=_all(items=_WHOLE, sentence=_TEXT, all=_AGREEMENT, control=_or_null(_AGREEMENT)),
    saving=_all(sentence=_TEXT),
    curve=_list(
        _all(
            labels=_WHOLE,
            asked=_WHOLE,
            right=_WHOLE,
            share=_NUMBER,
            low=_or_null(_NUMBER),
            high=_or_null(_NUMBER),
        )
    ),
    class_counts=_object(others=_WHOLE),
    set_aside={**_WHOLE, "description": "Items of the control reserve that are left, where no others are."},
    training=_TRAINING,
    strategy=_all(spec=_or_null(_object(others=True)), name=_TEXT, why=_or_null(_TEXT)),
    people=_list(_all(name=_TEXT, role=_TEXT, labels=_WHOLE, skipped=_WHOLE, last=_or_null(_NUMBER))),
)

SCHEMAS: Mapping[str, _Schema] = MappingProxyType(
    {
        **_ACTIONS,
        "Action": _ACTION,
        "Actions": _object(("actions",), actions=_list(_ACTION, MOST_ACTIONS), want=_WANT, have=_HAVE),
        "ActionsDone": _all(
            results=_list(_RESULT), items=_list(_ITEM), waiting=_or_null(_TEXT), progress=_PROGRESS
        ),
        "Campaign": _all(
            id=_TEXT,
            name=_TEXT,
            file=_TEXT,
            task=_all(
                kind={"type": "string", "enum": ["class", "classes"]},
                classes=_list(_all(name=_TEXT, key=_TEXT)),
            ),
            medium={"type": "string", "enum": ["text", "image", "row"]},
            items=_WHOLE,
            person=_TEXT,
            role={"type": "string", "enum": ["annotator", "owner"]},
            people=_list(_TEXT),
            is_named=_FLAG,
            overlap=_WHOLE,
            control=_NUMBER,
            suggestions=_FLAG,
            guidelines=_TEXT,
            candidates=_or_null(_WHOLE),
            encoding=_or_null(_TEXT),
            version=_TEXT,
        ),
        "Certificate": _object(
            size={"type": "integer", "minimum": 1, "maximum": 1_000_000, "default": 300},
            sided={"type": "string", "enum": ["two", "upper"], "default": "two"},
        ),
        "CertificateBegun": _all(size=_WHOLE),
        "Error": _all(error=_all(message=_TEXT, kind=_TEXT)),
        "Heartbeat": _object(("tokens",), tokens=_list(_WORD, 2_000)),
        "HeartbeatDone": _all(expires=_object(others=_NUMBER)),
        "History": _all(
            entries=_list(
                _all(
                    position=_WHOLE,
                    at=_NUMBER,
                    kind={"type": "string", "enum": ["answer", "skip", "retract", "note", "flag", "undo"]},
                    id=_or_null(_ID),
                    number=_or_null(_WHOLE),
                    label=_LABEL_OR_NULL,
                    reason=_TEXT,
                    line=_TEXT,
                    undone=_FLAG,
                )
            ),
            older=_or_null(_WHOLE),
            person=_TEXT,
        ),
        "Item": _ITEM,
        "ItemWhole": _all(
            **_ROW,
            view=_VIEW,
            model=_or_null(_TEXT),
            mine=_MINE,
            columns=_object(others=_TEXT),
            skips=_object(others=_TEXT),
            notes=_list(_all(at=_NUMBER, author=_TEXT, text=_TEXT, kind=_TEXT)),
            history=_list(_all(at=_NUMBER, text=_TEXT, undone=_FLAG)),
        ),
        "Items": _all(total=_WHOLE, page=_WHOLE, pages=_WHOLE, items=_list(_all(**_ROW))),
        "Name": _object(("name",), name={"type": "string", "minLength": 1, "maxLength": 80}),
        "Named": _all(name=_TEXT, role=_TEXT),
        "Next": _object(want=_WANT, have=_HAVE),
        "NextItems": _all(items=_list(_ITEM), waiting=_or_null(_TEXT), progress=_PROGRESS),
        "Release": _object(),
        "Released": _all(is_released=_FLAG),
        "Status": _STATUS,
        "Stop": _object(reason=_REMARK),
        "Stopped": _all(stopped=_or_null(_TEXT)),
    }
)
"""Every schema by its name."""
