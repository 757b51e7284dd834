"""The one object behind every handler, and what each request goes through."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from secrets import token_urlsafe

import attrs
import msgspec
from aiohttp import web

from infrastructure.simulators.paypal.errors import PayPalError, answer, mocked
from infrastructure.simulators.paypal.options import PayPalOptions
from infrastructure.simulators.paypal.state import IN_PROGRESS, Account
from infrastructure.simulators.paypal.validation import Schemas
from infrastructure.simulators.paypal.webhooks import Webhooks
from infrastructure.simulators.serving import Controls

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_ENCODER = msgspec.json.Encoder()


@attrs.define(kw_only=True)
class Provider:
    """A simulated account with all that serves it. access_tokens: with their end, in µs."""

    options: PayPalOptions
    controls: Controls
    account: Account
    webhooks: Webhooks
    schemas: Schemas | None
    access_tokens: dict[str, int] = attrs.field(factory=dict)
    _answering: set[str] = attrs.field(factory=set, init=False)

    @asynccontextmanager
    async def answering(self, key: str) -> AsyncIterator[None]:
        """While a request under a key is worked on, a second one is told to wait.

        key: with its scope; "" for none. Raises: PayPalError(409).
        """
        if key in self._answering:
            raise PayPalError(409, IN_PROGRESS)
        if key:
            self._answering.add(key)
        try:
            yield
            if self.options.work_s:
                await asyncio.sleep(self.options.work_s)
        finally:
            self._answering.discard(key)

    def check_schema(self, operation: str, body: object) -> None:
        """Raises: PayPalError(400) if the strict level is on and PayPal's schema is violated."""
        if self.schemas is not None:
            self.schemas.check(operation, body)

    def base_url(self, request: web.Request) -> str:
        """Our address, as the caller reached us; links and certificates are under it."""
        if not self.webhooks.base_url:
            self.webhooks.base_url = f"{request.scheme}://{request.host}"
        return self.webhooks.base_url


PROVIDER = web.AppKey("paypal", Provider)


async def payload(request: web.Request) -> object:
    """The JSON body. Raises: PayPalError(400)."""
    try:
        return msgspec.json.decode(await request.read() or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise PayPalError(400, "MALFORMED_REQUEST_JSON") from None


def number_of(request: web.Request, name: str, default: int, largest: int) -> int:
    """A whole number from 1 in the query. Raises: PayPalError(400)."""
    text = request.query.get(name, str(default))
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= largest:
        raise PayPalError(400, "INVALID_PARAMETER_VALUE", field=name)
    return int(text)


def json_answer(body: object, status: int = 200) -> web.Response:
    """An answer of the API."""
    return answer(_ENCODER.encode(body), status)


def guarded(handler: Handler, *, mockable: bool = False) -> Handler:
    """What every API call goes through: the clock, access, mocked errors, error bodies.

    mockable: PayPal-Mock-Response works here, as in PayPal's sandbox (not in the vault).
    """

    async def run(request: web.Request) -> web.StreamResponse:
        provider = request.app[PROVIDER]
        provider.controls.clock.due()
        provider.base_url(request)
        try:
            _check_access(provider, request)
            if mockable and "PayPal-Mock-Response" in request.headers:
                raise mocked(request.headers["PayPal-Mock-Response"])
            return await handler(request)
        except PayPalError as error:
            return error.response()

    return run


def _check_access(provider: Provider, request: web.Request) -> None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    ends_us = provider.access_tokens.get(token) if scheme == "Bearer" else None
    if ends_us is None or ends_us <= provider.account.now_us():
        raise PayPalError(401)


def _basic_credentials(request: web.Request) -> bytes:
    """What HTTP Basic (RFC 7617) brings, "id:secret"; empty where it brings nothing readable."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return b""
    try:
        return b64decode(encoded, validate=True)
    except ValueError:
        return b""


async def issue_access_token(request: web.Request) -> web.StreamResponse:
    """POST /v1/oauth2/token, client credentials by HTTP Basic."""
    provider = request.app[PROVIDER]
    provider.controls.clock.due()
    provider.base_url(request)
    expected = f"{provider.options.client_id}:{provider.options.client_secret}"
    if _basic_credentials(request) != expected.encode():
        return json_answer(
            {
                "error": "invalid_client",
                "error_description": "Client Authentication failed",
            },
            401,
        )
    form = await request.post()
    if form.get("grant_type") != "client_credentials":
        return json_answer({"error": "unsupported_grant_type"}, 400)
    now_us = provider.account.now_us()
    live = {token: end for token, end in provider.access_tokens.items() if end > now_us}
    token = "A21AA" + token_urlsafe(48)
    provider.access_tokens = {
        **live,
        token: now_us + provider.options.token_life_s * 1_000_000,
    }
    return json_answer(
        {
            "scope": "https://uri.paypal.com/services/payments/payment",
            "access_token": token,
            "token_type": "Bearer",
            "app_id": "APP-SIMULATED",
            "expires_in": provider.options.token_life_s,
            "nonce": token_urlsafe(16),
        }
    )
