"""One way of talking HTTP to a provider.

One client per merchant account on the httpx-aiohttp transport (httpx's own pool slows down with
concurrency), a limit of calls at a time, time-outs, no redirect, no repeat. The one exception:
after a 401, which proves that nothing was done, the access token is renewed once and the same
request is sent once more. What an answer or its absence proves is in exchange.py.
"""

from __future__ import annotations

import logging
import time
from asyncio import Semaphore
from collections.abc import Callable
from datetime import datetime
from functools import cache
from ssl import SSLContext

import aiohttp
import attrs
import httpx
import msgspec
import structlog
from httpx_aiohttp import AiohttpTransport

from domain.ports import Secret
from infrastructure.gateways.access import AccessTokens, TokenFetch
from infrastructure.gateways.exchange import Call, Exchange, NotSent, Reply, judged, without_answer

log = structlog.get_logger("gateway.http")

# httpx logs every URL; a URL may hold the id of a token. Our own line below says what it may.
logging.getLogger("httpx").setLevel(logging.WARNING)

_ENCODER = msgspec.json.Encoder()
_HEADERS = {
    "User-Agent": "billing-ledger",
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
}


@attrs.frozen(kw_only=True)
class HttpPolicy:
    """Limits of one merchant account's calls.

    connect_timeout_s: seconds to get a connection, waiting for a free one included.
    read_timeout_s: seconds of silence after which an answer is given up.
    concurrency: calls at a time; more wait their turn.
    keepalive_s: seconds an idle connection is kept; shorter than the servers keep theirs, so that
        a request rarely meets a connection that is just being closed.
    saw: told how each call ended, for the account's circuit; not of calls for access tokens, whose
        failure shows in the calls that needed one.
    """

    connect_timeout_s: float = 5.0
    read_timeout_s: float = 30.0
    concurrency: int = 64
    keepalive_s: float = 10.0
    saw: Callable[[Call, Exchange], None] | None = None


class ProviderHttp:
    """All HTTP of one merchant account at one provider.

    fetch_token: gets an access token; it calls `send` with authenticated=False.
    debug_header: the answer's header with the provider's own id of the exchange.
    transport: another httpx transport, for tests.
    """

    def __init__(
        self,
        *,
        provider: str,
        account: str,
        base_url: str,
        now: Callable[[], datetime],
        fetch_token: TokenFetch | None = None,
        policy: HttpPolicy | None = None,
        debug_header: str = "",
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._policy = policy or HttpPolicy()
        self._now = now
        self._log = log.bind(provider=provider, account=account)
        self._tokens = AccessTokens(fetch_token, now) if fetch_token is not None else None
        self._debug_header = debug_header
        self._turns = Semaphore(self._policy.concurrency)
        self._base_url = base_url
        self._urls: dict[str, httpx.URL] = {}  # of paths without an id in them
        self._timeout = httpx.Timeout(
            self._policy.read_timeout_s,
            connect=self._policy.connect_timeout_s,
            pool=self._policy.connect_timeout_s,
        )
        # The transport itself, without httpx's client around it: cookies, redirects and logins by
        # URL are not wanted here, and cost a third of the processor time of a call.
        self._transport = transport or _aiohttp_transport(self._policy)

    async def send(self, call: Call) -> Exchange:
        """Carry out one call. Never raises for what a provider or a network does."""
        if not call.authenticated or self._tokens is None:
            return await self._exchange(call, None)
        exchange = await self._authenticated(call, self._tokens)
        if self._policy.saw is not None:
            self._policy.saw(call, exchange)
        return exchange

    async def _authenticated(self, call: Call, tokens: AccessTokens) -> Exchange:
        token = await tokens.current()
        if isinstance(token, NotSent):
            return token
        exchange = await self._exchange(call, token)
        if not (isinstance(exchange, NotSent) and exchange.status == 401):
            return exchange
        tokens.refused(token)
        token = await tokens.current()
        if isinstance(token, NotSent):
            return token
        return await self._exchange(call, token)

    async def document(self, url: str, *, template: str, limit: int) -> bytes | None:
        """GET a small public document, such as a certificate, without our access token.

        url: absolute; the caller has checked whose it is. limit: bytes; a longer one is no
        document. Returns: the bytes, or None when they could not be had.
        """
        call = Call(method="GET", path=url, template=template, authenticated=False)
        async with self._turns:
            started = time.perf_counter()
            try:
                response = await self._answer(self._request(call, None))
            except (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, OSError) as error:
                self._record(call, without_answer(error), 0, "", started)
                return None
        exchange = Reply(status=response.status_code, data=None, headers={})
        self._record(call, exchange, response.status_code, "", started)
        usable = response.status_code == 200 and len(response.content) <= limit
        return response.content if usable else None

    async def close(self) -> None:
        """Let go of connections."""
        await self._transport.aclose()

    async def _exchange(self, call: Call, token: Secret | None) -> Exchange:
        async with self._turns:
            started = time.perf_counter()
            try:
                response = await self._answer(self._request(call, token))
            except (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, OSError) as error:
                silence = without_answer(error)
                self._record(call, silence, 0, "", started)
                return silence
        debug_id = response.headers.get(self._debug_header, "") if self._debug_header else ""
        exchange = judged(response, debug_id, self._now(), call.raw_bytes)
        self._record(call, exchange, response.status_code, debug_id, started)
        return exchange

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        """The whole answer. Raises: what the transport raises."""
        response = await self._transport.handle_async_request(request)
        try:
            await response.aread()
        finally:
            await response.aclose()
        return response

    def _request(self, call: Call, token: Secret | None) -> httpx.Request:
        headers = {**_HEADERS, **call.headers}
        content: bytes | None = None
        if token is not None:
            headers["Authorization"] = f"Bearer {token.reveal()}"
        if call.json is not None:
            content = _ENCODER.encode(call.json)
            headers["Content-Type"] = "application/json"
        # Built directly: the client's own way parses and merges the same URL for every call.
        return httpx.Request(
            call.method,
            self._url(call),
            content=content,
            data=dict(call.form) if call.form is not None else None,
            headers=headers,
            extensions={"timeout": self._timeout.as_dict()},
        )

    def _url(self, call: Call) -> httpx.URL:
        known = self._urls.get(call.path) if not call.query else None
        if known is not None:
            return known
        address = call.path if "://" in call.path else self._base_url + call.path
        if call.query:
            return httpx.URL(address, params=dict(call.query))
        url = httpx.URL(address)
        if call.path == call.template:
            self._urls[call.path] = url
        return url

    def _record(
        self, call: Call, exchange: Exchange, status: int, debug_id: str, started: float
    ) -> None:
        """One line by allow-list: no header, no body, no URL with an id in it."""
        write = self._log.debug if isinstance(exchange, Reply) else self._log.warning
        write(
            "provider-call",
            method=call.method,
            path=call.template,
            status=status,
            debug_id=debug_id[:64],
            key=call.key,
            ms=round((time.perf_counter() - started) * 1000, 1),
            outcome=type(exchange).__name__,
            reason="" if isinstance(exchange, Reply) else exchange.reason,
        )


def _aiohttp_transport(policy: HttpPolicy) -> AiohttpTransport:
    ssl_context = _ssl_context()

    def session() -> aiohttp.ClientSession:
        # Made on first use, inside the running loop. No cookies: calls do not depend on each other.
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=policy.concurrency, keepalive_timeout=policy.keepalive_s, ssl=ssl_context
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    return AiohttpTransport(verify=ssl_context, client=session)


@cache
def _ssl_context() -> SSLContext:
    """One for the process: reading the roots takes a tenth of a second."""
    return httpx.create_ssl_context()
