"""What stands before every call: which names are answered to, from where, how much, with which headers."""

from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any, final

from nextlabel.errors import RequestError

__all__ = ["HEADERS", "LOCAL", "MOST_BYTES", "POLICY", "App", "Guard", "Receive", "Scope", "Send"]

MOST_BYTES = 1 << 20
"""The longest body of a call."""

LOCAL = ("127.0.0.1", "localhost", "[::1]")
"""What this machine calls itself."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""The content security policy of every answer."""

HEADERS = (
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("x-frame-options", "DENY"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
)

_SAFE = ("GET", "HEAD")
_SAME = ("same-origin", "none")

Scope = MutableMapping[str, Any]
"""What a call is about: its path, method and headers."""

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
"""Gives the parts of a body."""

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
"""Takes the parts of an answer."""

App = Callable[[Scope, Receive, Send], Awaitable[None]]
"""An ASGI application."""


@final
class Guard:
    """Refuses what a browser would send on behalf of another site.

    Parameters
    ----------
    app : ASGI application
        Answers what passes.
    hosts : collection of str
        The names, small and without a port, that the server is known by. A page of another site that
        has its own name lead here (DNS rebinding) sends that name, and is refused.
    refuse : callable
        Given the scope and a `RequestError`, an ASGI application that says it.

    Notes
    -----
    A call that may change something must come from our own pages: by ``Sec-Fetch-Site`` and ``Origin``
    where the browser sends them, and always with the header ``X-Nextlabel``, which no form and no other
    site can send without being asked for first (which is refused).
    """

    def __init__(
        self, app: App, hosts: Collection[str], refuse: Callable[[Scope, RequestError], App]
    ) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return  # no web sockets
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        app = self._app
        try:
            self._check(scope, headers)
        except RequestError as error:
            app = self._refuse(scope, error)
        await app(scope, _capped(receive), _dressed(send))

    def _check(self, scope: Scope, headers: list[tuple[str, str]]) -> None:
        host = _one(headers, "host") or ""
        name, port = _parted(host.lower())
        here = scope.get("server") or ("", None)
        if name not in self._hosts and name.strip("[]") != here[0]:
            message = (
                f"This server answers to {', '.join(sorted(self._hosts))}; the browser asked for "
                f"{host[:80]!r}. Use the address that nextlabel label has printed."
            )
            raise RequestError(message, status=421, kind="host")
        if port is not None and here[1] is not None and port != str(here[1]):
            message = f"This server listens on port {here[1]}; the browser asked for {host[:80]!r}."
            raise RequestError(message + " Use the address that was printed.", status=421, kind="host")
        _check_length(headers)
        if scope["method"] not in _SAFE:
            _check_origin(host, headers)
        elif scope["path"].startswith("/api/") or not _is_visit(headers):
            site = _one(headers, "sec-fetch-site")
            if site not in (None, *_SAME):
                raise _foreign(site)


def _check_length(headers: list[tuple[str, str]]) -> None:
    length = _one(headers, "content-length")
    if length is not None and (not length.isdigit() or len(length) > 12 or int(length) > MOST_BYTES):
        raise _too_long()


def _check_origin(host: str, headers: list[tuple[str, str]]) -> None:
    origin, site = _one(headers, "origin"), _one(headers, "sec-fetch-site")
    if site is not None and site not in _SAME:
        raise _foreign(site)
    if origin is not None and origin.lower() not in (f"http://{host.lower()}", f"https://{host.lower()}"):
        raise _foreign(origin)
    if _one(headers, "x-nextlabel") != "1":
        message = (
            "A call that changes something must have the header X-Nextlabel: 1; this one has not. "
            "Scripts set it, and the page does."
        )
        raise RequestError(message, status=403, kind="origin")


def _is_visit(headers: list[tuple[str, str]]) -> bool:
    """Whether a person follows a link, and not a page of another site fetches, frames or shows something."""
    mode, where = _one(headers, "sec-fetch-mode"), _one(headers, "sec-fetch-dest")
    return mode in (None, "navigate") and where in (None, "document")


def _foreign(where: str | None) -> RequestError:
    message = (
        f"Calls must come from the page of this server itself; this one came from {str(where)[:80]!r}. "
        "Open the address that nextlabel label has printed."
    )
    return RequestError(message, status=403, kind="origin")


def _too_long() -> RequestError:
    message = f"A call may have {MOST_BYTES:,} bytes; this one has more. Send it in parts."
    return RequestError(message, status=413, kind="size")


def _one(headers: list[tuple[str, str]], name: str) -> str | None:
    """The value of a header; one that comes twice is as good as none that fits."""
    found = [value for key, value in headers if key == name]
    return ", ".join(found) if found else None


def _parted(host: str) -> tuple[str, str | None]:
    """Name and port; an address of version 6 keeps its brackets."""
    name, colon, port = host.rpartition(":")
    if not colon or "]" in port:
        return host, None
    return name, port


def _capped(receive: Receive) -> Receive:
    """The body, refused where it grows too long; a length may be missing, or wrong."""
    received = 0

    async def counted() -> MutableMapping[str, Any]:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > MOST_BYTES:
            raise _too_long()
        return message

    return counted


def _dressed(send: Send) -> Send:
    """The answer with the headers that keep browsers strict."""

    async def dressed(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            there = {name.lower() for name, _ in message.get("headers", ())}
            more = [(one.encode(), value.encode()) for one, value in HEADERS if one.encode() not in there]
            if b"cache-control" not in there:
                more.append((b"cache-control", b"no-store"))
            message = {**message, "headers": [*message.get("headers", ()), *more]}
        await send(message)

    return dressed
