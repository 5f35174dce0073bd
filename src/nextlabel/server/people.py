"""Who may come in: by one token on this machine, by a token for each person from elsewhere."""

import hmac
import json
import os
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import Any, Literal, Self, final

from nextlabel.errors import ParameterError, RequestError

__all__ = ["ROLES", "Attempts", "People", "Person", "Role", "checked_person", "replaced", "roles"]

Role = Literal["annotator", "owner"]
ROLES: tuple[Role, ...] = ("annotator", "owner")
"""Annotators label and see what they said themselves; owners see and do everything."""

_LONGEST = 80
_RESERVED = ("file",)  # the annotator of labels that a file had already
_MODE = 0o600


@final
@dataclass(frozen=True)
class Person:
    """Somebody who labels.

    Parameters
    ----------
    name : str
        The annotator, in the journal.
    role : str
        ``"annotator"`` or ``"owner"``.
    """

    name: str
    role: Role

    @property
    def is_owner(self) -> bool:
        """Whether they may see and do everything."""
        return self.role == "owner"


def checked_person(name: object) -> str:
    """A name that a person may have: 1 to 80 characters, without spaces around it.

    Raises
    ------
    RequestError
        Anything else; ``file`` too, which is the annotator of labels that were in a file.

    Examples
    --------
    >>> checked_person(" Ada ")
    'Ada'
    """
    text = name.strip() if isinstance(name, str) else ""
    if not 1 <= len(text) <= _LONGEST or not text.isprintable() or text in _RESERVED:
        message = (
            f"A person's name must have 1 to {_LONGEST} characters, all of them visible, and not be "
            f"{' or '.join(_RESERVED)}; received {name!r}. Choose another."
        )
        raise RequestError(message)
    return text


def roles(text: str) -> dict[str, Role]:
    """The people of an option such as ``ann:annotator,bob:owner``; without a role somebody is an annotator.

    Raises
    ------
    ParameterError
        A role that is none, a name twice, or one that nobody may have.

    Examples
    --------
    >>> roles("ann, bob:owner")
    {'ann': 'annotator', 'bob': 'owner'}
    """
    found: dict[str, Role] = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        name, _, role = part.rpartition(":") if ":" in part else (part, "", "annotator")
        try:
            name = checked_person(name)
        except RequestError as cause:
            raise ParameterError(str(cause)) from cause
        named = next((one for one in ROLES if one == role.strip()), None)
        if named is None or name in found:
            message = (
                "People must be named once each, with the role annotator or owner behind a colon; received "
                f"{part!r}. Write for example ann:annotator,bob:owner."
            )
            raise ParameterError(message)
        found[name] = named
    return found


@final
class Attempts:
    """Counts tokens that were wrong, so that nobody may try many.

    Parameters
    ----------
    most : int
        So many may be wrong within `seconds`, from one address.
    seconds : float
    clock : callable
        Gives seconds from any beginning.
    """

    def __init__(self, most: int = 10, seconds: float = 60.0, clock: Callable[[], float] = monotonic) -> None:
        self._most, self._seconds, self._clock = most, seconds, clock
        self._failed: dict[str, list[float]] = {}

    def check(self, address: str) -> None:
        """Refuse an address that was wrong too often.

        Raises
        ------
        RequestError
            With status 429.
        """
        now = self._clock()
        recent = [at for at in self._failed.get(address, ()) if now - at < self._seconds]
        if len(recent) >= self._most:
            message = (
                f"A token may be wrong {self._most} times in {self._seconds:.0f} seconds; this address was, "
                "more often. Wait a minute, then use the address that was given to you."
            )
            raise RequestError(message, status=429, kind="token")

    def failed(self, address: str) -> None:
        """Count one that was wrong."""
        now = self._clock()
        if len(self._failed) > 10_000:
            self._failed = {
                one: times for one, times in self._failed.items() if now - times[-1] < self._seconds
            }
        self._failed[address] = [*self._failed.get(address, ())[-self._most :], now]


@final
class People:
    """The people of a journal, their tokens and their sessions.

    Parameters
    ----------
    key : str
        The secret beside the journal: it signs sessions, and on loopback it is the token.
    known : mapping of str to (role, digest of the token or "")
        The people; empty where anybody may take a name, which only loopback allows.
    is_local : bool
        Whether the server listens on loopback only.

    Notes
    -----
    A session is the person's name, signed by HMAC-SHA-256; nothing is kept for it, so that it outlives a
    restart and a page that was open delivers what it kept. Tokens have 256 random bits: nobody can try them
    all, so one round of SHA-256 is enough where they are stored. All comparisons take the same time.
    """

    def __init__(self, key: str, known: Mapping[str, tuple[Role, str]], *, is_local: bool) -> None:
        self._key = key
        self._known = dict(known)
        self.is_local = is_local

    @classmethod
    def beside(
        cls, journal: Path, named: Mapping[str, Role], *, is_local: bool, new_token: bool = False
    ) -> tuple[Self, dict[str, str]]:
        """Those of a journal, and the tokens made now: the only time that they can be read.

        Parameters
        ----------
        journal : Path
            Beside it lie ``JOURNAL.key`` and, where people have tokens, ``JOURNAL.people.json``; both can
            be read by their owner only.
        named : mapping of str to role
            People to add, or whose role changes.
        is_local : bool
        new_token : bool
            Make all tokens anew; whoever has an old one, or a session, is out.

        Raises
        ------
        ParameterError
            Not local, and nobody is named, now or before; or no owner is.
        """
        key = _key(journal.with_name(f"{journal.name}.key"), is_new=new_token)
        file = journal.with_name(f"{journal.name}.people.json")
        kept = _read_people(file)
        made: dict[str, str] = {}
        known = {name: (named.get(name, role), digest) for name, (role, digest) in kept.items()}
        for name, role in named.items():
            known.setdefault(name, (role, ""))
        if is_local:
            return cls(key, known, is_local=True), made
        if not any(role == "owner" for role, _ in known.values()):
            message = (
                "From another machine every person needs a token of their own, and one of them must be an "
                f"owner; received {', '.join(known) or 'nobody'}. Name them, for example: "
                "--people ann:annotator,bob:owner."
            )
            raise ParameterError(message)
        for name, (role, digest) in known.items():
            if new_token or not digest:
                made[name] = secrets.token_urlsafe(32)
                known[name] = (role, _digest(made[name]))
        rows = [{"name": name, "role": role, "token": digest} for name, (role, digest) in known.items()]
        replaced(file, json.dumps({"version": 1, "people": rows}, ensure_ascii=False, indent=1))
        return cls(key, known, is_local=False), made

    @property
    def token(self) -> str:
        """What opens the page on this machine."""
        return self._key

    @property
    def is_open(self) -> bool:
        """Whether anybody who is in may take any name."""
        return self.is_local and not self._known

    def names(self) -> dict[str, Role]:
        """The people named beforehand, with their roles."""
        return {name: role for name, (role, _) in self._known.items()}

    def entered(self, token: str, name: str) -> Person | None:
        """Who comes with this token; None where it is wrong.

        Parameters
        ----------
        token : str
        name : str
            Who they are, where one token is for all.

        Raises
        ------
        RequestError
            A name that is not among the people.
        """
        if self.is_local:
            right = hmac.compare_digest(token.encode("utf-8", "replace"), self._key.encode())
            return self.called(name) if right else None
        digest, found = _digest(token), None
        for one, (role, kept) in self._known.items():
            if hmac.compare_digest(digest, kept):
                found = Person(one, role)
        return found

    def called(self, name: object) -> Person:
        """The person of a name, on loopback.

        Raises
        ------
        RequestError
            Not a name, not among those named beforehand, or names cannot be chosen from elsewhere.
        """
        if not self.is_local:
            message = (
                "On this address everybody is who their token says; a name cannot be chosen. "
                "Come in with your own address."
            )
            raise RequestError(message, status=403, kind="role")
        text = checked_person(name)
        if self.is_open:
            return Person(text, "owner")
        if text not in self._known:
            message = f"The people here are {', '.join(self._known)}; received {text!r}. Choose one of them."
            raise RequestError(message, status=403, kind="role")
        return Person(text, self._known[text][0])

    def visitor(self, token: str) -> Person | None:
        """Who opens the page with this token; without a name yet, where one token is for all."""
        if not self.is_local:
            return self.entered(token, "")
        right = hmac.compare_digest(token.encode("utf-8", "replace"), self._key.encode())
        return Person("", "owner" if self.is_open else "annotator") if right else None

    def session(self, person: Person) -> str:
        """What the browser keeps, so that it need not show the token again."""
        said = urlsafe_b64encode(person.name.encode()).decode()
        return f"{said}.{self._signed(person.name)}"

    def person(self, session: str) -> Person | None:
        """Whose session it is; None where it was not made here, or its token was made anew since."""
        said, _, signature = session.partition(".")
        try:
            name = urlsafe_b64decode(said.encode("ascii", "replace")).decode("utf-8")
        except ValueError:
            return None
        if not hmac.compare_digest(signature.encode("utf-8", "replace"), self._signed(name).encode()):
            return None
        if name in self._known:
            return Person(name, self._known[name][0])
        if not name and self.is_local:
            return Person("", "owner" if self.is_open else "annotator")
        return Person(name, "owner") if self.is_open else None

    def _signed(self, name: str) -> str:
        digest = self._known.get(name, ("", ""))[1] if not self.is_local else ""
        said = json.dumps(["session", name, digest]).encode()
        return hmac.new(self._key.encode(), said, sha256).hexdigest()


def replaced(file: Path, text: str) -> None:
    """Write a file whole or not at all, for its owner only: another name, forced to the disk, renamed.

    Parameters
    ----------
    file : Path
    text : str
    """
    half = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        handle = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        half.replace(file)
    finally:
        half.unlink(missing_ok=True)


def _digest(token: str) -> str:
    return sha256(token.encode("utf-8", "replace")).hexdigest()


def _key(file: Path, *, is_new: bool) -> str:
    if not is_new:
        try:
            kept = file.read_text(encoding="ascii").strip()
        except (FileNotFoundError, UnicodeDecodeError):
            kept = ""
        if len(kept) >= 32:
            return kept
    made = secrets.token_urlsafe(32)
    replaced(file, made + "\n")
    return made


def _read_people(file: Path) -> dict[str, tuple[Role, str]]:
    try:
        said: Any = json.loads(file.read_text(encoding="utf-8"))
        return {one["name"]: (one["role"], one["token"]) for one in said["people"] if one["role"] in ROLES}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError) as cause:
        message = (
            f"{file} must hold the people of the journal as it was written; it does not ({cause}). "
            "Remove it, and name the people again with --people."
        )
        raise ParameterError(message) from cause
