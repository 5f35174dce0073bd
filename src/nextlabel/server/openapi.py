"""The description of every call, as OpenAPI 3.1 has it: kept by hand, and what bodies are checked against.

More than 400 lines: all calls in one place.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

__all__ = ["BODIES", "CALLS", "MOST_ACTIONS", "SCHEMAS", "description"]

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
    ("state", "model_labels", "message"),
    state={"type": "string", "enum": ["starting", "fitting", "idle", "failed"]},
    model_labels=_WHOLE,
    message=_TEXT,
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


_ACTION: _Schema = {
    "oneOf": [
        _action(
            "answer",
            ("id", "label"),
            id=_ID,
            label=_LABEL,
            token=_or_null(_WORD),
            seconds=_SECONDS,
            suggestion=_LABEL_OR_NULL,
            model=_or_null(_WORD),
        ),
        _action("skip", ("id",), id=_ID, reason=_or_null(_REMARK), token=_or_null(_WORD)),
        _action("flag", ("id",), id=_ID, text=_REMARK),
        _action("note", ("text",), text={**_REMARK, "minLength": 1}, id=_or_null(_ID)),
        _action("retract", ("id",), id=_ID),
        _action("undo", ()),
    ],
    "discriminator": {"propertyName": "kind"},
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

SCHEMAS: Mapping[str, _Schema] = MappingProxyType(
    {
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
        "Next": _object(want=_WANT, have=_HAVE, skip_to=_or_null(_ID)),
        "NextItems": _all(items=_list(_ITEM), waiting=_or_null(_TEXT), progress=_PROGRESS),
        "Release": _object(),
        "Released": _all(is_released=_FLAG),
        "Status": _object(
            ("quality", "certificate", "stopping", "saving", "training", "strategy", "people"),
            others=True,
            training=_TRAINING,
        ),
        "Stop": _object(reason=_REMARK),
        "Stopped": _all(stopped=_or_null(_TEXT)),
    }
)
"""Every schema by its name."""


def _call(
    summary: str, *, answer: str | None, body: str | None = None, role: str = "annotator", **query: _Schema
) -> Mapping[str, Any]:
    return MappingProxyType(
        {"summary": summary, "answer": answer, "body": body, "role": role, "query": MappingProxyType(query)}
    )


_FORMATS = ["csv", "jsonl", "parquet", "answers", "label_studio", "asreview", "model", "onnx"]

CALLS: Mapping[tuple[str, str], Mapping[str, Any]] = MappingProxyType(
    {
        ("GET", "/api/campaign"): _call("What is labelled here, by whom, into what.", answer="Campaign"),
        ("POST", "/api/name"): _call(
            "Say who labels in this browser, where names need no token.", body="Name", answer="Named"
        ),
        ("POST", "/api/next"): _call(
            "So many items to label now: first those that are yours already, then new ones; none of `have`.",
            body="Next",
            answer="NextItems",
        ),
        ("POST", "/api/actions"): _call(
            "Answers, skips, flags, notes, and what is taken back: done in order, each once however often it "
            "is sent with the same `request`, and on the disk when this answers. `ok: false` is final.",
            body="Actions",
            answer="ActionsDone",
        ),
        ("POST", "/api/heartbeat"): _call(
            "Keep the items of these tokens; says until when each is yours.",
            body="Heartbeat",
            answer="HeartbeatDone",
        ),
        ("GET", "/api/history"): _call(
            "What you did, newest first; an owner may name another person.",
            answer="History",
            limit={"type": "integer", "minimum": 1, "maximum": 500, "default": 50},
            before={"type": "integer", "minimum": 0},
            person=_TEXT,
        ),
        ("GET", "/api/items"): _call(
            "One page of the items that match. Annotators see their own answers, owners everybody's.",
            answer="Items",
            search=_TEXT,
            filter={
                "type": "string",
                "enum": ["all", "labelled", "unlabelled", "skipped", "flagged", "disagreement"],
            },
            label=_TEXT,
            sort={"type": "string", "enum": ["order", "disagreement", "confidence"]},
            page={"type": "integer", "minimum": 1, "default": 1},
            size={"type": "integer", "minimum": 1, "maximum": 200, "default": 50},
        ),
        ("GET", "/api/item/{number}"): _call(
            "One item whole, by its number from 1: view, answers, notes, and its history.",
            answer="ItemWhole",
        ),
        ("GET", "/api/status"): _call(
            "Quality with its band, certificate, stopping advice, agreement, counts, training.",
            answer="Status",
        ),
        ("POST", "/api/certificate"): _call(
            "Freeze the model and draw a fresh sample of what nobody labelled; what is asked next is of it.",
            body="Certificate",
            answer="CertificateBegun",
            role="owner",
        ),
        ("POST", "/api/release"): _call(
            "Let the items set aside to measure quality join the others, which ends that, for good.",
            body="Release",
            answer="Released",
            role="owner",
        ),
        ("POST", "/api/stop"): _call(
            "Ask nothing any more, for good; what is told is still kept.",
            body="Stop",
            answer="Stopped",
            role="owner",
        ),
        ("GET", "/api/export"): _call(
            "Download labels, or the model.",
            answer=None,
            role="owner",
            format={"type": "string", "enum": _FORMATS, "default": "csv"},
        ),
        ("GET", "/api/openapi.json"): _call("This description.", answer=None),
    }
)
"""Every call: what it is for, and the names of the schemas of its body and its answer."""

BODIES: Mapping[str, _Schema] = MappingProxyType(
    {path: SCHEMAS[str(call["body"])] for (method, path), call in CALLS.items() if call["body"]}
)
"""The schema of the body of each call that has one, by its path."""

_REFUSALS = {
    "400": "The call is not as described here.",
    "401": "No session, token or name.",
    "403": "Not from this server's own page, or for owners only.",
    "404": "There is no such thing.",
    "409": "The campaign cannot do that now.",
    "413": "More than a million bytes.",
    "421": "Another host name than the server's own.",
    "429": "Too many tokens were wrong.",
    "503": "The server is going down.",
    "507": "Nothing can be written: the message says why; send it again later.",
}


def description() -> dict[str, Any]:
    """The whole description, as ``GET /api/openapi.json`` answers it."""
    from nextlabel import __version__

    paths: dict[str, Any] = {}
    for (method, path), call in CALLS.items():
        paths.setdefault(path, {})[method.lower()] = _operation(method, path, call)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "nextlabel label",
            "version": __version__,
            "description": (
                "Everything that the labelling page does. Scripts send `Authorization: Bearer TOKEN`, on "
                "this machine also `X-Nextlabel-Person: NAME`, and with every POST `X-Nextlabel: 1`."
            ),
        },
        "paths": paths,
        "components": {
            "schemas": {name: dict(schema) for name, schema in SCHEMAS.items()},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


def _operation(method: str, path: str, call: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"summary": call["summary"], "operationId": _name(method, path)}
    parameters = [
        {"name": name, "in": "query", "required": False, "schema": dict(schema)}
        for name, schema in call["query"].items()
    ]
    if "{number}" in path:
        number = {"type": "integer", "minimum": 1}
        parameters.append({"name": "number", "in": "path", "required": True, "schema": number})
    if method == "POST":
        one = {"name": "X-Nextlabel", "in": "header", "required": True, "schema": {"const": "1"}}
        parameters.append(one)
    if parameters:
        made["parameters"] = parameters
    if call["body"]:
        content = {"application/json": {"schema": _reference(call["body"])}}
        made["requestBody"] = {"required": True, "content": content}
    made["responses"] = _responses(call)
    return made


def _responses(call: Mapping[str, Any]) -> dict[str, Any]:
    done: dict[str, Any] = {"description": "Done."}
    if call["answer"]:
        done["content"] = {"application/json": {"schema": _reference(call["answer"])}}
    error = {"application/json": {"schema": _reference("Error")}}
    refused = {code: {"description": why, "content": error} for code, why in _REFUSALS.items()}
    return {"200": done, **refused}


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _name(method: str, path: str) -> str:
    words = path.removeprefix("/api/").replace(".json", "").replace("/{number}", "").replace("/", "_")
    return f"{method.lower()}_{words}"
