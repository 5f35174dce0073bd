"""Serves an application until somebody interrupts it."""

import errno
import ipaddress
import signal
import socket
from collections.abc import Callable
from types import FrameType
from typing import Any

from nextlabel.errors import ParameterError
from nextlabel.server.guard import LOCAL, App

__all__ = ["address", "hosts", "is_loopback", "listening", "serve"]

_TRIES = 50
_PATIENCE = 3  # seconds for open calls at the end


def is_loopback(host: str) -> bool:
    """Whether a host can be reached from this machine only.

    Examples
    --------
    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def hosts(host: str) -> frozenset[str]:
    """The names that a server on a host answers to, small, addresses of version 6 in brackets."""
    named = {_in_address(host.lower())}
    if not is_loopback(host):
        named |= {socket.gethostname().lower(), socket.getfqdn().lower(), _in_address(_outward(host))}
    return frozenset({*LOCAL, *named})


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens on a port, or on the next one that is free.

    Parameters
    ----------
    host : str
    port : int
        0 is any.

    Raises
    ------
    ParameterError
        The host is none of this machine, the port may not be had, or 50 ports in a row are taken.
    """
    for one in range(port, min(port + _TRIES, 65_536)):
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            # the protocol by name: asyncio sends small answers at once only where it reads TCP there
            made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                made.bind((host.strip("[]"), one))
                made.listen(2048)
            except BaseException:
                made.close()
                raise
            return made
        except OSError as cause:
            if cause.errno != errno.EADDRINUSE:
                message = (
                    "--host and --port must be an address of this machine that may be listened on; "
                    f"{host}:{one} is not: {cause.strerror}. Leave both out, or choose others."
                )
                raise ParameterError(message) from cause
            problem = cause
    message = f"A free port is needed; {_TRIES} from {port} on are taken ({problem.strerror})."
    raise ParameterError(f"{message} Choose another --port.")


def address(host: str, port: int, token: str = "") -> str:
    """What to open in a browser; of a server that listens everywhere, what other machines can open."""
    shown = _in_address(_outward(host))
    return f"http://{shown}:{port}/" + (f"enter?token={token}" if token else "")


def serve(app: App, sock: socket.socket, ready: Callable[[], None]) -> None:
    """Answer calls until the process is interrupted or asked to end.

    Parameters
    ----------
    app : ASGI application
    sock : socket
        Listening.
    ready : callable
        Called when calls are answered.
    """
    import uvicorn

    async def announced(scope: Any, receive: Any, send: Any) -> None:
        async def sending(message: Any) -> None:
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                ready()

        await app(scope, receive, sending if scope["type"] == "lifespan" else send)

    config = uvicorn.Config(
        announced,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=_PATIENCE,
        backlog=2048,
    )
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        uvicorn.Server(config).run(sockets=[sock])
    except KeyboardInterrupt:
        pass  # it has ended in order: who interrupted wanted that
    finally:
        signal.signal(signal.SIGTERM, before)
        sock.close()


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _outward(host: str) -> str:
    """What other machines call this one: of "everywhere", the address that it goes out from, or its name.

    A UDP socket that is connected sends nothing; the system only says which way it would go.
    """
    ways = {"0.0.0.0": (socket.AF_INET, "192.0.2.1"), "::": (socket.AF_INET6, "2001:db8::1")}
    if host.strip("[]") not in ways:
        return host
    family, far = ways[host.strip("[]")]
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as made:
            made.connect((far, 9))
            found = str(made.getsockname()[0])
    except OSError:  # no way out
        found = ""
    return found if found and not is_loopback(found) else socket.gethostname().lower()


def _in_address(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
