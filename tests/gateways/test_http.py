"""The HTTP policy: what each end of an exchange proves, over real sockets where it matters."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import aiohttp
import httpx
import pytest
import structlog
from aiohttp import web

from domain.ports import Secret
from infrastructure.gateways.access import FetchedToken
from infrastructure.gateways.exchange import Call, NoAnswer, NotSent, Reply, without_answer
from infrastructure.gateways.http import HttpPolicy, ProviderHttp

NOW = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
POST = Call(method="POST", path="/pay/7", template="/pay/{id}", json={"amount": 1}, key="key-7")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def provider(handler: Handler, **changes: Any) -> AsyncIterator[ProviderHttp]:
    """A server that answers POST /pay/7 by `handler`, and our client of it."""
    app = web.Application()
    app.router.add_post("/pay/7", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    http = client(f"http://127.0.0.1:{runner.addresses[0][1]}", **changes)
    try:
        yield http
    finally:
        await http.close()
        await runner.cleanup()


def client(base_url: str, **changes: Any) -> ProviderHttp:
    facts: dict[str, Any] = {
        "provider": "test",
        "account": "main",
        "base_url": base_url,
        "now": lambda: NOW,
        "policy": HttpPolicy(read_timeout_s=30, connect_timeout_s=30),
    }
    return ProviderHttp(**{**facts, **changes})


def exchange(handler: Handler, **changes: Any) -> Any:
    """What one POST to such a server comes to."""

    async def main() -> Any:
        async with provider(handler, **changes) as http:
            return await http.send(POST)

    return asyncio.run(main())


def canned(**response: Any) -> Handler:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(**response)

    return handler


def test_reply_is_decoded_without_floats() -> None:
    """A readable 2xx is a reply; its numbers with decimals are exact."""
    answer = exchange(canned(text='{"a": 12.10, "b": 3}', content_type="application/json"))
    assert isinstance(answer, Reply)
    assert answer.data == {"a": Decimal("12.10"), "b": 3}


def test_refusal_in_the_providers_words_is_a_reply() -> None:
    """A 4xx with a readable body is the provider speaking."""
    answer = exchange(canned(status=422, text='{"name": "NO"}'))
    assert isinstance(answer, Reply)
    assert (answer.status, answer.data) == (422, {"name": "NO"})


@pytest.mark.parametrize(
    "response",
    [
        {"status": 500, "text": "{}"},
        {"status": 502, "text": "<html>"},
        {"status": 408, "text": "{}"},
        {"status": 302, "headers": {"Location": "/elsewhere"}},
        {"status": 200, "text": "<html>hello</html>", "content_type": "text/html"},
        {"status": 201, "text": '{"id": "7", "status": "COMPL'},
        {"status": 404, "text": "<html>not here</html>"},
        {"status": 422, "text": ""},
    ],
)
def test_F08_what_is_not_the_providers_word_proves_nothing(response: dict[str, Any]) -> None:
    """5xx, redirects, HTML, truncated and empty bodies leave the outcome open."""
    assert isinstance(exchange(canned(**response)), NoAnswer)


@pytest.mark.parametrize("status", [401, 403, 429])
def test_refused_access_was_not_carried_out(status: int) -> None:
    """401, 403 and 429 prove that nothing was done, whatever their body."""
    answer = exchange(canned(status=status, text="<html>"))
    assert isinstance(answer, NotSent)
    assert answer.status == status


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("7", 7.0),
        ("Sun, 01 Mar 2026 10:00:30 GMT", 30.0),
        ("Sun, 01 Mar 2026 09:00:00 GMT", 0.0),
        ("soon", None),
        ("-3", None),
        ("²", None),
        ("", None),
    ],
)
def test_F08_retry_after_is_read_in_both_forms(header: str, wait: float | None) -> None:
    """Retry-After is seconds or a date; anything else is no wait."""
    answer = exchange(canned(status=429, headers={"Retry-After": header}))
    assert isinstance(answer, NotSent)
    assert answer.retry_after_s == wait


def test_F06_connection_closed_after_sending_proves_nothing() -> None:
    """A server that takes the request and hangs up may have carried it out.

    httpx-aiohttp calls this a ConnectTimeout; believing that would charge twice.
    """
    taken = []

    async def handler(request: web.Request) -> web.Response:
        taken.append(await request.read())
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    assert isinstance(exchange(handler), NoAnswer)
    assert len(taken) == 1, "a POST is never repeated"


def test_F06_silence_after_sending_proves_nothing() -> None:
    """A read time-out leaves the outcome open, and the request is not repeated."""
    taken = []

    async def handler(request: web.Request) -> web.Response:
        taken.append(await request.read())
        await asyncio.Event().wait()
        return web.Response()

    assert isinstance(exchange(handler, policy=HttpPolicy(read_timeout_s=0.2)), NoAnswer)
    assert len(taken) == 1


def test_F06_answer_that_breaks_off_proves_nothing() -> None:
    """A body shorter than its announced length leaves the outcome open."""

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b'{"id": ')
        assert request.transport is not None
        request.transport.close()
        return response

    assert isinstance(exchange(handler), NoAnswer)


def test_answer_that_is_no_http_proves_nothing() -> None:
    """Bytes that are no HTTP answer leave the outcome open."""

    async def main() -> Any:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"SMTP ready\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        http = client(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        try:
            return await http.send(POST)
        finally:
            await http.close()
            server.close()

    assert isinstance(asyncio.run(main()), NoAnswer)


def test_refused_connection_was_not_sent() -> None:
    """Nobody listens: nothing was sent."""

    async def main() -> Any:
        http = client("http://127.0.0.1:1")
        try:
            return await http.send(POST)
        finally:
            await http.close()

    answer = asyncio.run(main())
    assert isinstance(answer, NotSent)
    assert answer.status == 0


def _caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (_caused(httpx.ConnectTimeout(""), aiohttp.ServerDisconnectedError()), NoAnswer),
        (_caused(httpx.ConnectTimeout(""), aiohttp.ClientOSError(32, "broken pipe")), NoAnswer),
        (_caused(httpx.ReadTimeout(""), aiohttp.SocketTimeoutError()), NoAnswer),
        (_caused(httpx.ReadError(""), aiohttp.ClientPayloadError()), NoAnswer),
        (_caused(httpx.ConnectTimeout(""), aiohttp.ConnectionTimeoutError()), NotSent),
        (httpx.ConnectTimeout(""), NotSent),
        (httpx.PoolTimeout(""), NotSent),
        (httpx.ReadTimeout(""), NoAnswer),
        (httpx.RemoteProtocolError(""), NoAnswer),
        (aiohttp.ServerDisconnectedError(), NoAnswer),
        (ConnectionResetError(), NoAnswer),
    ],
)
def test_F06_only_a_missing_connection_proves_that_nothing_was_sent(
    error: Exception, verdict: type
) -> None:
    """The aiohttp exception decides where there is one."""
    assert type(without_answer(error)) is verdict


class Access:
    """A token endpoint and a server that takes only the newest token."""

    def __init__(self, refuse: int = 0) -> None:
        self.fetched = 0
        self.refused = 0
        self._refuse = refuse

    async def fetch(self) -> FetchedToken | NotSent | NoAnswer:
        self.fetched += 1
        await asyncio.sleep(0)
        return FetchedToken(token=Secret(f"access-{self.fetched}"), lifetime_s=1000)

    async def handler(self, request: web.Request) -> web.Response:
        if self.refused < self._refuse:
            self.refused += 1
            return web.json_response({"error": "invalid_token"}, status=401)
        return web.json_response({"sent": request.headers["Authorization"]})


def test_one_access_token_serves_many_calls() -> None:
    """However many calls start at once, one fetch runs."""
    access = Access()

    async def main() -> list[Any]:
        async with provider(access.handler, fetch_token=access.fetch) as http:
            return await asyncio.gather(*(http.send(POST) for _ in range(30)))

    answers = asyncio.run(main())
    assert {answer.data["sent"] for answer in answers} == {"Bearer access-1"}
    assert access.fetched == 1


def test_refused_access_token_is_renewed_once() -> None:
    """After a 401 the token is renewed and the request sent once more."""
    access = Access(refuse=1)
    answer = exchange(access.handler, fetch_token=access.fetch)
    assert answer.data == {"sent": "Bearer access-2"}
    assert access.fetched == 2


def test_second_refusal_is_the_end() -> None:
    """A second 401 is not done; there is no third try."""
    access = Access(refuse=99)
    answer = exchange(access.handler, fetch_token=access.fetch)
    assert isinstance(answer, NotSent)
    assert (answer.status, access.refused, access.fetched) == (401, 2, 2)


def test_access_token_is_renewed_before_it_ends() -> None:
    """A token is renewed while it still holds, half its life or ten minutes before its end."""
    access = Access()
    times = [NOW]

    async def main() -> None:
        changes = {"fetch_token": access.fetch, "now": lambda: times[0]}
        async with provider(access.handler, **changes) as http:
            for after, fetched in ((0, 1), (499, 1), (501, 2)):
                times[0] = NOW + timedelta(seconds=after)
                await http.send(POST)
                assert access.fetched == fetched, after

    asyncio.run(main())


@pytest.mark.parametrize("failure", [NoAnswer(reason="HTTP 500"), NotSent(reason="refused")])
def test_without_access_nothing_was_sent(failure: NoAnswer | NotSent) -> None:
    """A token call without an answer is not a paying call without an answer."""

    async def fetch() -> FetchedToken | NotSent | NoAnswer:
        return failure

    answer = exchange(canned(text="{}"), fetch_token=fetch)
    assert isinstance(answer, NotSent)
    assert answer.reason.startswith("no access token")


def test_calls_at_a_time_are_limited() -> None:
    """No more calls run at once than the policy allows."""
    running = most = 0

    async def handler(_: web.Request) -> web.Response:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.002)
        running -= 1
        return web.json_response({})

    async def main() -> None:
        policy = HttpPolicy(concurrency=3, read_timeout_s=5)
        async with provider(handler, policy=policy) as http:
            answers = await asyncio.gather(*(http.send(POST) for _ in range(20)))
        assert all(isinstance(answer, Reply) for answer in answers)

    asyncio.run(main())
    assert most == 3


def test_log_line_holds_what_is_allowed_and_nothing_else() -> None:
    """One line per call: template, not path; status, key, times; no header, no body."""
    access = Access()
    with structlog.testing.capture_logs() as lines:
        exchange(access.handler, fetch_token=access.fetch)
    (line,) = lines
    assert set(line) == {
        *("event", "log_level", "provider", "account", "method", "path", "status"),
        *("debug_id", "key", "ms", "outcome", "reason"),
    }
    assert (line["path"], line["key"], line["status"]) == ("/pay/{id}", "key-7", 200)
    assert "access-1" not in repr(lines)
