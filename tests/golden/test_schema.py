"""What a call may say: JSON that the description admits, and nothing else."""

import re
from typing import Any

import pytest

from nextlabel.errors import RequestError
from nextlabel.server.openapi import BODIES
from nextlabel.server.schema import check, read_json

ANSWER = {"kind": "answer", "request": "r", "id": "1", "label": "yes"}


def test_a_whole_call_is_admitted() -> None:
    kinds: list[dict[str, Any]] = [
        {**ANSWER, "token": "t", "seconds": 1.5, "suggestion": "no", "model": "m"},
        {**ANSWER, "label": ["a", "b"], "token": None, "seconds": None, "suggestion": None, "model": None},
        {"kind": "skip", "request": "s", "id": "1", "reason": "blurred"},
        {"kind": "flag", "request": "f", "id": "1", "text": ""},
        {"kind": "note", "request": "n", "text": "look", "id": None},
        {"kind": "retract", "request": "b", "id": "1"},
        {"kind": "undo", "request": "u"},
    ]
    check({"actions": kinds, "want": 5, "have": ["1", "2"]}, BODIES["/api/actions"])


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("/api/next", [], "body must be object; received []"),
        ("/api/next", {"want": "5"}, 'body.want must be integer; received "5"'),
        ("/api/next", {"want": True}, "body.want must be integer; received true"),
        ("/api/next", {"want": -1}, "body.want must be a number from 0 to 1000; received -1"),
        ("/api/next", {"wants": 1}, "no other fields than these: want, have"),
        ("/api/next", {"have": [1]}, "body.have[0] must be string; received 1"),
        ("/api/next", {"have": ["x"] * 2001}, "from 0 to 2,000 entries long; it has 2,001"),
        ("/api/actions", {}, "an object with the field 'actions'"),
        ("/api/actions", {"actions": [{"kind": "smile"}]}, "whose 'kind' is one of answer, skip, flag"),
        ("/api/actions", {"actions": ["undo"]}, "body.actions[0] must be an object whose 'kind'"),
        ("/api/actions", {"actions": [{**ANSWER, "request": ""}]}, "from 1 to 200 characters long; it has 0"),
        ("/api/actions", {"actions": [{**ANSWER, "seconds": -1}]}, "a number from 0 to 10000000.0"),
        ("/api/actions", {"actions": [{**ANSWER, "label": 3}]}, "must be string or array; received 3"),
        ("/api/actions", {"actions": [{**ANSWER, "who": "eve"}]}, 'received "who"'),
        ("/api/actions", {"actions": [ANSWER] * 501}, "from 0 to 500 entries long; it has 501"),
        ("/api/certificate", {"sided": "both"}, "one of two, upper; received"),
        ("/api/name", {"name": None}, "body.name must be string; received null"),
    ],
)
def test_what_the_description_does_not_admit_is_named(path: str, body: Any, says: str) -> None:
    with pytest.raises(RequestError, match=re.escape(says)):
        check(body, BODIES[path])


def test_a_constant_is_itself() -> None:
    with pytest.raises(RequestError, match="body must be 'a'; received \"b\""):
        check("b", {"const": "a"})
    check({"x": 1}, {"type": "object", "additionalProperties": {"type": "integer"}})
    with pytest.raises(RequestError, match=re.escape("body.x must be integer")):
        check({"x": "1"}, {"type": "object", "additionalProperties": {"type": "integer"}})


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "must be JSON in UTF-8"),
        (b"{", "must be JSON in UTF-8"),
        (b"\xff\xfe{}", "must be JSON in UTF-8"),
        (b'{"want": NaN}', "NaN is no number of JSON"),
        (b"[" * 100_000, "must be JSON in UTF-8"),
        (b"[" * 17 + b"]" * 17, "nested 16 deep"),
        (b'{"a": "\\u0000"}', "without the character NUL"),
        (b'{"\\ud800": 1}', "halves of characters"),
        (b'["\\udfff"]', "halves of characters"),
        (b"1" * 5000, "must be JSON in UTF-8"),
    ],
)
def test_a_body_is_json_that_a_journal_can_keep(body: bytes, says: str) -> None:
    with pytest.raises(RequestError, match=says):
        read_json(body)


def test_as_deep_as_may_be_is_read() -> None:
    assert read_json(b"[" * 16 + b"]" * 16) is not None
