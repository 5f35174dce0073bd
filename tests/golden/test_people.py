"""Who may come in: tokens, sessions, roles, and what is on the disk of them."""

import json
import re
import stat
from pathlib import Path

import pytest

from nextlabel.errors import ParameterError, RequestError
from nextlabel.server.people import Attempts, People, Person, checked_person, roles

ANN_AND_BOB = {"ann": "annotator", "bob": "owner"}


def local(path: Path, **options: bool) -> People:
    return People.beside(path / "a.db", {}, is_local=True, **options)[0]


def remote(path: Path, **options: bool) -> tuple[People, dict[str, str]]:
    return People.beside(path / "a.db", roles("ann:annotator,bob:owner"), is_local=False, **options)


def test_the_token_is_kept_so_that_an_open_page_delivers_after_a_restart(tmp_path: Path) -> None:
    first = local(tmp_path)
    session = first.session(Person("ann", "owner"))
    again = local(tmp_path)
    assert again.token == first.token
    assert again.person(session) == Person("ann", "owner")


def test_a_new_token_puts_everybody_out(tmp_path: Path) -> None:
    first = local(tmp_path)
    session = first.session(Person("ann", "owner"))
    anew = local(tmp_path, new_token=True)
    assert anew.token != first.token
    assert anew.person(session) is None
    assert anew.entered(first.token, "ann") is None


def test_what_is_on_the_disk_is_its_owners_alone(tmp_path: Path) -> None:
    _, tokens = remote(tmp_path)
    for name in ("a.db.key", "a.db.people.json"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    text = (tmp_path / "a.db.people.json").read_text(encoding="utf-8")
    assert not any(token in text for token in tokens.values())
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.db.key", "a.db.people.json"]


def test_a_damaged_key_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "a.db.key").write_bytes(b"\xff")
    assert len(local(tmp_path).token) >= 43


@pytest.mark.parametrize("wrong", ["", "x", "é", "\udc80", "a" * 10_000])
def test_a_wrong_token_opens_nothing(tmp_path: Path, wrong: str) -> None:
    assert local(tmp_path).entered(wrong, "ann") is None
    assert local(tmp_path).visitor(wrong) is None
    (tmp_path / "b").mkdir()
    assert remote(tmp_path / "b")[0].entered(wrong, "ann") is None


def test_on_this_machine_anybody_takes_a_name_and_owns(tmp_path: Path) -> None:
    people = local(tmp_path)
    assert people.entered(people.token, "ann") == Person("ann", "owner")
    assert people.visitor(people.token) == Person("", "owner")
    assert people.person(people.session(Person("", "owner"))) == Person("", "owner")
    assert people.called(" Ada ") == Person("Ada", "owner")


def test_people_named_beforehand_are_the_only_ones_here(tmp_path: Path) -> None:
    people, made = People.beside(tmp_path / "a.db", roles("ann,bob:owner"), is_local=True)
    assert made == {}
    assert people.called("ann") == Person("ann", "annotator")
    assert people.visitor(people.token) == Person("", "annotator")
    with pytest.raises(RequestError, match=re.escape("The people here are ann, bob; received 'eve'")):
        people.called("eve")


def test_from_elsewhere_a_token_is_one_person(tmp_path: Path) -> None:
    people, tokens = remote(tmp_path)
    assert people.entered(tokens["ann"], "bob") == Person("ann", "annotator")
    assert people.visitor(tokens["bob"]) == Person("bob", "owner")
    assert people.entered(people.token, "bob") is None  # the key signs, and opens nothing
    with pytest.raises(RequestError, match="a name cannot be chosen"):
        people.called("bob")
    again, made = remote(tmp_path)
    assert made == {}  # kept, and shown once only
    assert again.person(people.session(Person("ann", "annotator"))) == Person("ann", "annotator")
    anew, made = remote(tmp_path, new_token=True)
    assert sorted(made) == ["ann", "bob"]
    assert anew.entered(tokens["ann"], "") is None
    assert anew.person(people.session(Person("ann", "annotator"))) is None


def test_a_role_may_change_and_a_session_follows(tmp_path: Path) -> None:
    people, _ = remote(tmp_path)
    session = people.session(Person("ann", "annotator"))
    changed, _ = People.beside(tmp_path / "a.db", {"ann": "owner"}, is_local=False)
    assert changed.person(session) == Person("ann", "owner")


@pytest.mark.parametrize("named", [{}, {"ann": "annotator"}])
def test_from_elsewhere_somebody_must_own(tmp_path: Path, named: "dict[str, str]") -> None:
    known = ", ".join(named) or "nobody"
    with pytest.raises(ParameterError, match=f"one of them must be an owner; received {known}"):
        People.beside(tmp_path / "a.db", named, is_local=False)  # type: ignore[arg-type]


@pytest.mark.parametrize("session", ["", ".", "YW5u", "YW5u.", "YW5u.00", "é.é", "\udc80.x", "%%%.aa"])
def test_a_session_that_was_not_signed_here_is_none(tmp_path: Path, session: str) -> None:
    assert local(tmp_path).person(session) is None


def test_a_session_signed_for_one_name_serves_no_other(tmp_path: Path) -> None:
    people = local(tmp_path)
    signature = people.session(Person("ann", "owner")).partition(".")[2]
    other = people.session(Person("bob", "owner")).partition(".")[0]
    assert people.person(f"{other}.{signature}") is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ann:boss", "'ann:boss'"),
        ("ann,ann", "'ann'"),
        (":owner", "received ''"),
        ("file", "received 'file'"),
    ],
)
def test_people_are_named_rightly_or_refused(text: str, says: str) -> None:
    with pytest.raises(ParameterError, match=re.escape(says)):
        roles(text)


@pytest.mark.parametrize("name", ["", " ", "a" * 81, "a\nb", "file", 5, None, "a\u200bb"])
def test_a_name_is_text_that_can_be_seen(name: object) -> None:
    with pytest.raises(RequestError, match=re.escape(f"received {name!r}")):
        checked_person(name)


def test_a_damaged_list_of_people_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.db.people.json").write_text(json.dumps({"people": [{"name": "ann"}]}))
    with pytest.raises(ParameterError, match=r"a\.db\.people\.json must hold the people"):
        remote(tmp_path)


def test_an_address_that_is_wrong_too_often_waits() -> None:
    now = [1_000.0]
    attempts = Attempts(most=3, seconds=60.0, clock=lambda: now[0])
    for _ in range(3):
        attempts.check("here")
        attempts.failed("here")
    with pytest.raises(RequestError, match="wrong 3 times") as refused:
        attempts.check("here")
    assert refused.value.status == 429
    attempts.check("elsewhere")
    now[0] += 59.0
    with pytest.raises(RequestError, match="wrong 3 times"):
        attempts.check("here")
    now[0] += 1.0
    attempts.check("here")
