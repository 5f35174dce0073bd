"""What does not reach the application: other hosts, other sites, too much."""

import asyncio
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from nextlabel.errors import NextlabelError, RequestError
from nextlabel.server.api import refusal
from nextlabel.server.guard import HEADERS, LOCAL, MOST_BYTES, Guard

GOOD = {"X-Nextlabel": "1"}


async def echoed(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, NextlabelError)
    return refusal(error)


def call(method: str, path: str = "/api/echo", **options: Any) -> httpx.Response:
    routes = [Route("/{path:path}", echoed, methods=["GET", "POST", "DELETE"])]
    inner = Starlette(routes=routes, exception_handlers={NextlabelError: refused})
    app = Guard(inner, LOCAL, lambda _, error: refusal(error))

    async def one() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            return await client.request(method, path, **options)

    return asyncio.run(one())


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8000", "localhost:8000", "LOCALHOST:8000", "[::1]:8000", "localhost"]
)
def test_the_machines_own_names_are_answered(host: str) -> None:
    assert call("GET", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "127.0.0.1.evil.example:8000",
        "localhost:9000",
        "",
        "127.0.0.2:8000",
        "[::2]",
    ],
)
def test_another_host_is_refused_whatever_leads_it_here(host: str) -> None:
    answer = call("GET", headers={"Host": host})
    assert (answer.status_code, answer.json()["error"]["kind"]) == (421, "host")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Nextlabel": "0"},
        {**GOOD, "Origin": "http://evil.example"},
        {**GOOD, "Origin": "null"},
        {**GOOD, "Origin": "http://127.0.0.1:9000"},
        {**GOOD, "Sec-Fetch-Site": "cross-site"},
        {**GOOD, "Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_call_from_another_site_is_refused(headers: dict[str, str]) -> None:
    answer = call("POST", headers=headers)
    assert (answer.status_code, answer.json()["error"]["kind"]) == (403, "origin")


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_our_own_page_may_call(method: str) -> None:
    headers = {**GOOD, "Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-origin"}
    assert call(method, headers=headers, content=b"abc").text == "3"


def test_another_site_may_not_even_read_calls() -> None:
    assert call("GET", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert call("GET", "/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200  # a link to the page


@pytest.mark.parametrize("path", ["/", "/enter?token=x", "/media/0", "/static/label.js"])
def test_another_site_may_lead_here_and_neither_show_nor_frame_nor_try(path: str) -> None:
    """An <img> of another site would try tokens, and see by its size what is served."""
    site = {"Sec-Fetch-Site": "cross-site"}
    visit = {**site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert call("GET", path, headers=visit).status_code == 200
    for mode, where in (("no-cors", "image"), ("navigate", "iframe"), ("cors", "empty")):
        answer = call("GET", path, headers={**site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": where})
        assert answer.status_code == 403
    own = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
    assert call("GET", path, headers=own).status_code == 200


def test_a_body_has_a_most() -> None:
    assert call("POST", headers=GOOD, content=b"a" * MOST_BYTES).text == str(MOST_BYTES)
    answer = call("POST", headers=GOOD, content=b"a" * (MOST_BYTES + 1))
    assert (answer.status_code, answer.json()["error"]["kind"]) == (413, "size")


def test_a_body_that_does_not_say_its_length_has_a_most() -> None:
    async def pieces() -> Any:
        for _ in range(MOST_BYTES // 65_536 + 1):
            yield b"a" * 65_536

    answer = call("POST", headers=GOOD, content=pieces())
    assert (answer.status_code, answer.json()["error"]["kind"]) == (413, "size")


@pytest.mark.parametrize("length", ["-1", "1e3", "9" * 30, "²"])
def test_a_length_is_a_number(length: str) -> None:
    headers = [("x-nextlabel", "1"), ("content-length", length.encode())]
    assert call("POST", headers=headers, content=b"").status_code == 413


@pytest.mark.parametrize("path", ["/", "/api/echo"])
@pytest.mark.parametrize("headers", [{}, {"Host": "evil.example"}])
def test_every_answer_keeps_browsers_strict(path: str, headers: dict[str, str]) -> None:
    answer = call("GET", path, headers=headers)
    assert {name: answer.headers[name] for name, _ in HEADERS} == dict(HEADERS)
    assert answer.headers["cache-control"] == "no-store"


def test_an_answer_may_say_how_long_it_stays_fresh() -> None:
    async def kept(request: Request) -> Response:
        return JSONResponse({}, headers={"cache-control": "private, max-age=60"})

    app = Guard(Starlette(routes=[Route("/", kept)]), LOCAL, lambda _, error: refusal(error))

    async def one() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get("/")

    assert asyncio.run(one()).headers["cache-control"] == "private, max-age=60"


def test_web_sockets_are_not_spoken() -> None:
    said: list[Any] = []

    async def receive() -> Any:
        raise AssertionError("nothing is read")

    async def send(message: Any) -> None:
        said.append(message)

    guard = Guard(Starlette(), LOCAL, lambda _, error: refusal(error))
    asyncio.run(guard({"type": "websocket", "headers": []}, receive, send))
    assert said == []


def test_a_refusal_knows_its_status() -> None:
    assert refusal(RequestError("no", status=507, kind="storage")).status_code == 507
