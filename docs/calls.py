"""The page of the server's calls, from its own description."""

from typing import Any

from nextlabel.server.openapi import CALLS
from nextlabel.server.schemas import SCHEMAS


def calls() -> list[str]:
    """What each call is for, what it takes and gives."""
    lines = [
        "What the page of `nextlabel label` does, scripts can do: [how](../how-to/label-in-the-browser.md"
        "#from-a-script). The server gives the same as OpenAPI 3.1 at `/api/openapi.json`.",
        "",
        "Scripts send `Authorization: Bearer TOKEN`; where one token is for all, also `X-Nextlabel-Person: "
        "NAME`; with every POST `X-Nextlabel: 1` and a body of JSON. What is refused answers "
        '`{"error": {"message": ..., "kind": ...}}`: 400 not as described, 401 no session or name, 403 '
        "another site's page or for owners, 404 not there, 405 another method, 409 the "
        "campaign cannot do that now, 413 too long, 421 another host, 429 too many wrong tokens, 500 a "
        "fault of the server, 503 it is going down, 507 nothing can be written. Only 429 (when "
        "`Retry-After` has passed) and 5xx are worth sending again, with the same `request`.",
        "",
    ]
    for (method, path), call in CALLS.items():
        owners = " For owners." if call["role"] == "owner" else ""
        lines += [f"## {method} {path}", "", f"{call['summary']}{owners}", ""]
        for name, schema in call["query"].items():
            lines += [f"* `{name}`: {said(schema)}"]
        lines += [""] if call["query"] else []
        if call["body"]:
            lines += ["Takes:", "", *fields(SCHEMAS[call["body"]]), ""]
        if call["answer"]:
            lines += ["Gives:", "", *fields(SCHEMAS[call["answer"]]), ""]
    return lines


def fields(schema: dict[str, Any]) -> list[str]:
    """A line for each field."""
    needed = schema.get("required", ())
    lines = []
    for name, one in schema.get("properties", {}).items():
        default = f", {one['default']} when left out" if "default" in one else ""
        may_lack = "" if name in needed or default else ", may be left out"
        lines.append(f"* `{name}`: {said(one)}{may_lack}{default}")
        options = one.get("items", {}).get("oneOf", ())
        for option in options:
            kind = option["properties"]["kind"]["const"]
            rest = [
                f"`{key}`{'' if key in option['required'] else '?'}"
                for key in option["properties"]
                if key != "kind"
            ]
            lines.append(f"    * `{kind}`: {', '.join(rest)}")
    return lines or ["* nothing"]


def said(schema: dict[str, Any]) -> str:
    """A schema in words."""
    kinds = schema.get("type", "any value")
    words = " or ".join([kinds] if isinstance(kinds, str) else kinds)
    if "enum" in schema:
        words = "one of " + ", ".join(f"`{one}`" for one in schema["enum"])
    if "minimum" in schema and "maximum" in schema:
        words += f" from {schema['minimum']:,} to {schema['maximum']:,}"
    inside = schema.get("properties", {})
    if "array" in words and schema.get("items", {}).get("properties"):
        words += " of objects with " + ", ".join(f"`{name}`" for name in schema["items"]["properties"])
    elif inside:
        words += " with " + ", ".join(f"`{name}`" for name in inside)
    if "maxItems" in schema and words == "array":
        words += f" of at most {schema['maxItems']:,}"
    return words
