"""Whether a JSON value is as a schema says: the part of JSON Schema that the page's calls are written in."""

import json
from collections.abc import Mapping
from typing import Any

from nextlabel.errors import RequestError

__all__ = ["check", "read_json"]

_DEEPEST = 16
_SHOWN = 60
_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def read_json(body: bytes) -> Any:
    """What the body of a call holds.

    Parameters
    ----------
    body : bytes
        UTF-8.

    Raises
    ------
    RequestError
        Not JSON, a number that is not finite, text that no file can hold, or nested more than 16 deep.

    Examples
    --------
    >>> read_json(b'{"want": 5}')
    {'want': 5}
    """
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as cause:
        message = f"The body of a call must be JSON in UTF-8; this one is not ({cause}). Mend it."
        raise RequestError(message) from cause
    _check_plain(value, 0)
    return value


def check(value: Any, schema: Mapping[str, Any], where: str = "body") -> None:
    """Refuse a value that a schema does not admit.

    Parameters
    ----------
    value : object
        As JSON has it.
    schema : mapping
        With ``type`` (a name or several), ``enum``, ``const``, ``minimum``, ``maximum``, ``minLength``,
        ``maxLength``, ``maxItems``, ``items``, ``properties``, ``required``, ``additionalProperties`` and
        ``oneOf`` with a ``discriminator``; others are not looked at.
    where : str
        How messages call the value.

    Raises
    ------
    RequestError
        The message names the first place that is wrong.

    Examples
    --------
    >>> check([1, 2], {"type": "array", "items": {"type": "integer", "minimum": 1}})
    """
    if "oneOf" in schema:
        _check_one(value, schema, where)
        return
    _check_type(value, schema, where)
    _check_value(value, schema, where)
    if isinstance(value, dict):
        _check_object(value, schema, where)
    elif isinstance(value, list) and "items" in schema:
        for place, one in enumerate(value):
            check(one, schema["items"], f"{where}[{place}]")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _check_plain(value: Any, depth: int) -> None:
    """Nothing deeper, and no text other, than a journal can keep."""
    if depth == _DEEPEST and isinstance(value, dict | list):
        message = (
            f"JSON may be nested {_DEEPEST} deep here; this is deeper. Send what the description says: "
            "/api/openapi.json."
        )
        raise RequestError(message)
    if isinstance(value, str):
        if "\0" in value or not _is_unicode(value):
            message = (
                "Text must be Unicode without the character NUL and without halves of characters; "
                f"received {value[:_SHOWN]!r}. Leave such characters out."
            )
            raise RequestError(message)
    elif isinstance(value, dict):
        for key, one in value.items():
            _check_plain(key, depth + 1)
            _check_plain(one, depth + 1)
    elif isinstance(value, list):
        for one in value:
            _check_plain(one, depth + 1)


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _check_one(value: Any, schema: Mapping[str, Any], where: str) -> None:
    """The one of several schemas that the value names itself."""
    by = schema["discriminator"]["propertyName"]
    options = {one["properties"][by]["const"]: one for one in schema["oneOf"]}
    named = value.get(by) if isinstance(value, dict) else None
    if not isinstance(named, str) or named not in options:
        raise _refused(value, where, f"an object whose {by!r} is one of {', '.join(options)}")
    check(value, options[named], where)


def _check_type(value: Any, schema: Mapping[str, Any], where: str) -> None:
    wanted = schema.get("type")
    if wanted is None:
        return
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    fits = any(isinstance(value, _TYPES[name]) for name in names)
    if isinstance(value, bool) and "boolean" not in names:
        fits = False
    if not fits:
        raise _refused(value, where, " or ".join(names))


def _check_value(value: Any, schema: Mapping[str, Any], where: str) -> None:
    if "const" in schema and value != schema["const"]:
        raise _refused(value, where, repr(schema["const"]))
    if "enum" in schema and value not in schema["enum"]:
        raise _refused(value, where, f"one of {', '.join(map(str, schema['enum']))}")
    if isinstance(value, int | float) and not isinstance(value, bool):
        if value < schema.get("minimum", value) or value > schema.get("maximum", value):
            least, most = schema.get("minimum", "any"), schema.get("maximum", "any")
            raise _refused(value, where, f"a number from {least} to {most}")
    elif isinstance(value, str | list):
        kind = "Length" if isinstance(value, str) else "Items"
        least, most = schema.get(f"min{kind}", 0), schema.get(f"max{kind}", len(value))
        if not least <= len(value) <= most:
            what = "characters" if isinstance(value, str) else "entries"
            raise _refused(value, where, f"from {least:,} to {most:,} {what} long; it has {len(value):,}")


def _check_object(value: Mapping[str, Any], schema: Mapping[str, Any], where: str) -> None:
    known = schema.get("properties", {})
    missing = [name for name in schema.get("required", ()) if name not in value]
    if missing:
        raise _refused(value, where, f"an object with the field {missing[0]!r}")
    others = schema.get("additionalProperties", True)
    for name, one in value.items():
        if name in known:
            check(one, known[name], f"{where}.{name}")
        elif others is False:
            fields = ", ".join(known) or "none"
            raise _refused(name, where, f"an object with no other fields than these: {fields}")
        elif isinstance(others, Mapping):
            check(one, others, f"{where}.{name[:_SHOWN]}")


def _refused(value: Any, where: str, expected: str) -> RequestError:
    said = json.dumps(value, ensure_ascii=False, default=str)
    shown = said if len(said) <= _SHOWN else f"{said[:_SHOWN]}…"
    return RequestError(
        f"{where} must be {expected}; received {shown}. What each call takes is described at "
        "/api/openapi.json."
    )
