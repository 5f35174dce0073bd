"""The application: routes, sessions, and errors as answers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from nextlabel.core.pool import Pool
from nextlabel.errors import NextlabelError, ReaderError, RequestError, UnknownName
from nextlabel.server.api import ANSWERS, Answer, cookie_name, refusal
from nextlabel.server.desk import Desk
from nextlabel.server.guard import LOCAL, App, Guard, Scope
from nextlabel.server.media import LARGEST, image_file, picture, seal
from nextlabel.server.openapi import CALLS
from nextlabel.server.page import Page, message_page, pages, render
from nextlabel.server.painting import Painter
from nextlabel.server.people import Attempts, Person

__all__ = ["make_app"]

_YEAR = 365 * 24 * 3600
_UNNAMED = ("/api/campaign", "/api/name", "/api/status", "/api/openapi.json")


def make_app(desk: Desk, *, hosts: Collection[str] = LOCAL) -> App:
    """The application of one campaign.

    Parameters
    ----------
    desk : Desk
        Closed when the application ends.
    hosts : collection of str
        Names that the server answers to.

    Returns
    -------
    ASGI application
    """
    attempts, cookie, painter = Attempts(), cookie_name(desk), Painter(LARGEST)

    def person_of(request: Request) -> Person | None:
        return _person(desk, request, attempts, cookie)

    @asynccontextmanager
    async def life(_: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await run_in_threadpool(painter.close)
            await run_in_threadpool(desk.close)

    routes: list[Any] = [
        Route(path, _called(desk, answer, person_of, (method, path), cookie), methods=[method])
        for (method, path), answer in ANSWERS.items()
    ]
    routes += [Route(one.path, _shown(desk, one, person_of), methods=["GET"]) for one in pages().values()]
    routes += [
        Route("/enter", _enter(desk, attempts, cookie), methods=["GET"]),
        Route("/media/{position}", _media(desk, painter, person_of), methods=["GET"]),
        Mount("/static", _Static(packages=[("nextlabel.server", "static")])),
    ]
    handlers: Mapping[Any, Any] = {
        NextlabelError: _failed,
        HTTPException: _missed,
        Exception: _broke,
    }
    return Guard(Starlette(routes=routes, lifespan=life, exception_handlers=handlers), hosts, _refused)


@final
class _Static(StaticFiles):
    """Our own files, asked for anew each time and sent again where they have changed."""

    def file_response(self, *args: Any, **options: Any) -> Response:
        response = super().file_response(*args, **options)
        response.headers["cache-control"] = "no-cache"
        return response


def _person(desk: Desk, request: Request, attempts: Attempts, cookie: str) -> Person | None:
    """Who calls: by a token, as scripts do, or by the session that a token has opened."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        address = request.client.host if request.client else ""
        found = desk.people.entered(token.strip(), request.headers.get("x-nextlabel-person", "script"))
        if found is None:  # who has the right one is never kept out by those who try others
            attempts.check(address)
            attempts.failed(address)
        return found
    session = request.cookies.get(cookie)
    return None if session is None else desk.people.person(session)


def _called(
    desk: Desk,
    answer: Answer,
    person_of: Callable[[Request], Person | None],
    call: tuple[str, str],
    cookie: str,
) -> Callable[[Request], Awaitable[Response]]:
    """A call, answered for who may have it."""
    is_owners = CALLS[call]["role"] == "owner"
    path = call[1]

    async def called(request: Request) -> Response:
        _check_campaign(desk, request)
        person = person_of(request)
        if person is None:
            message = "Calls need the session of a browser that has come in, or a token; this has neither."
            raise RequestError(f"{message} Open the address that was printed.", status=401, kind="session")
        if not person.name and path not in _UNNAMED:
            message = "Whoever labels has a name; nobody has said it here. Send it: POST /api/name."
            raise RequestError(message, status=401, kind="name")
        if is_owners and not person.is_owner:
            message = f"Only an owner may do this; {person.name} is an annotator here. Ask an owner."
            raise RequestError(message, status=403, kind="role")
        response = await answer(desk, person, request)
        if path == "/api/name":
            _remember(response, cookie, desk.people.session(request.state.named))
        return response

    return called


def _check_campaign(desk: Desk, request: Request) -> None:
    """Refuse what was said to the campaign that had this address before."""
    meant = request.headers.get("x-nextlabel-campaign")
    if meant is not None and meant != desk.id:
        message = (
            f"This call is meant for campaign {meant[:40]!r}; campaign {desk.id!r} is served here now, and "
            "nothing was done. Open the campaign that it is meant for, or leave out X-Nextlabel-Campaign."
        )
        raise RequestError(message, status=409, kind="another")


def _shown(
    desk: Desk, page: Page, person_of: Callable[[Request], Person | None]
) -> Callable[[Request], Awaitable[Response]]:
    """A page, for who may see it."""

    async def shown(request: Request) -> Response:
        person = person_of(request)
        if person is None:
            message = (
                "This page needs the address that nextlabel label has printed in the terminal. "
                "Open that address once; this browser then remembers it."
            )
            return HTMLResponse(message_page("Come in", message), 401)
        if person.role not in page.roles:
            message = f"This page is for owners; {person.name} is an annotator here. Ask an owner."
            return HTMLResponse(message_page("For owners", message), 403)
        try:
            html = await run_in_threadpool(render, page, desk, person, request.query_params)
        except NextlabelError as error:
            status = error.status if isinstance(error, RequestError) else 404
            return HTMLResponse(message_page("This cannot be shown", str(error)), status)
        return HTMLResponse(html)

    return shown


def _enter(desk: Desk, attempts: Attempts, cookie: str) -> Callable[[Request], Awaitable[Response]]:
    """Takes a token, gives a session, and goes on to the page without the token in the address."""

    async def enter(request: Request) -> Response:
        address = request.client.host if request.client else ""
        person = desk.people.visitor(request.query_params.get("token", ""))
        if person is None:
            try:
                attempts.check(address)
            except RequestError as error:
                return HTMLResponse(message_page("Too many attempts", str(error)), error.status)
            attempts.failed(address)
            message = (
                "The token of this address is not the one of this journal, or was made anew since. Use the "
                "address that nextlabel label has printed last."
            )
            return HTMLResponse(message_page("Not this token", message), 401)
        # here one token is for all, and who has said a name keeps it; elsewhere a token is a person
        there = desk.people.person(request.cookies.get(cookie, "")) if desk.people.is_local else None
        response = RedirectResponse("/", 303)
        _remember(response, cookie, desk.people.session(there or person))
        return response

    return enter


def _remember(response: Response, cookie: str, session: str) -> None:
    response.set_cookie(cookie, session, max_age=_YEAR, httponly=True, samesite="strict", path="/")


def _media(
    desk: Desk, painter: Painter, person_of: Callable[[Request], Person | None]
) -> Callable[[Request], Awaitable[Response]]:
    async def media(request: Request) -> Response:
        if person_of(request) is None:
            raise RequestError("Images need a session. Open the address that was printed.", status=401)
        text = str(request.path_params["position"])
        position = int(text) if text.isascii() and text.isdigit() and len(text) < 12 else -1
        said = request.query_params.get("seal")
        try:
            pool = desk.pool
            file = await run_in_threadpool(_sealed, pool, position, said)
            if file is None:
                content, mime = await run_in_threadpool(picture, pool, position)
            else:
                content, mime = await asyncio.wrap_future(painter.submit(file, seal(pool, position)))
        except (ReaderError, UnknownName) as error:
            raise RequestError(str(error), status=422, kind="image") from error
        fresh = "no-store" if said is None else f"private, max-age={_YEAR}, immutable"
        return Response(content, media_type=mime, headers={"cache-control": fresh})

    return media


def _sealed(pool: Pool, position: int, said: str | None) -> Path | None:
    """The file of an item, if it has one, where it is still the one that the page means."""
    file = image_file(pool, position)
    if said is not None and seal(pool, position) != said:
        message = (
            f"The picture of item {position + 1:,} is not the one that this page means: its file was "
            "replaced, or another campaign is served here now. Load the page again."
        )
        raise RequestError(message, status=409, kind="image")
    return file


async def _failed(request: Request, error: Exception) -> Response:
    if not isinstance(error, NextlabelError):
        raise error
    return refusal(error)


async def _missed(request: Request, error: Exception) -> Response:
    """What is not there, or takes another method."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    message = "There is no such page or call here. What there is stands at /api/openapi.json."
    if status == 405:
        message = "This takes another method. What each call takes stands at /api/openapi.json."
    if request.url.path.startswith("/api/") or request.method not in ("GET", "HEAD"):
        content = {"error": {"message": message, "kind": "missing"}}
        return JSONResponse(content, status, headers)
    return HTMLResponse(message_page("Not here", message), status, headers)


async def _broke(request: Request, error: Exception) -> Response:
    """A fault of ours: said without its inside, which the terminal shows."""
    message = (
        "Something went wrong in the server that should not; the terminal says what. What was acknowledged "
        "before is in the journal; whether this call was done is not known. Send it again with the same "
        "`request`: nothing is done twice."
    )
    return JSONResponse({"error": {"message": message, "kind": "fault"}}, 500)


def _refused(scope: Scope, error: RequestError) -> App:
    """What the guard refuses: calls as JSON, pages as a page."""
    if scope["path"].startswith("/api/") or scope["method"] != "GET":
        return refusal(error)
    return HTMLResponse(message_page("Not this way", str(error)), error.status)
