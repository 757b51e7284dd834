"""What each end of an HTTP exchange with a provider proves.

exchange
  Reply      the provider answered in its own words: 2xx, or a 4xx that we can read
  NotSent    certainly not carried out: no connection, no access token, 401, 403, 429
  NoAnswer   it may have been carried out: time-out or break after sending, 5xx, a body that is
             not the provider's JSON (HTML of a proxy, a truncated answer)

A trap that shapes `without_answer`: httpx-aiohttp reports *every* aiohttp.ClientConnectionError,
a server that hung up after taking our request included, as httpx.ConnectTimeout. So the httpx
class proves nothing; the aiohttp exception behind it does.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import TypeGuard

import aiohttp
import attrs
import httpx
import msgspec

# Amounts never become floats, even where a provider sends bare numbers.
_JSON = msgspec.json.Decoder(float_hook=Decimal)


@attrs.frozen(kw_only=True)
class Call:
    """One request.

    path: under the provider's base URL, or absolute where a call goes to another host.
    template: the same without ids, for the log, e.g. "/v2/orders/{id}".
    json: body, or None; form: form fields, or None.
    key: our idempotency key or reference, for the log only.
    authenticated: put "Authorization: Bearer <access token>" on it.
    raw_bytes: take the body of a 200 as it is, if it has at most so many bytes; 0: it is JSON.
    """

    method: str
    path: str
    template: str
    json: object = None
    form: Mapping[str, str] | None = None
    query: Mapping[str, str] = attrs.field(factory=dict)
    headers: Mapping[str, str] = attrs.field(factory=dict)
    key: str = ""
    authenticated: bool = True
    raw_bytes: int = 0


@attrs.frozen(kw_only=True)
class Reply:
    """The provider's answer. debug_id: its log id.

    data: decoded JSON; None for an empty body; bytes where the call asked for them.
    """

    status: int
    data: object
    headers: Mapping[str, str]
    debug_id: str = ""


@attrs.frozen(kw_only=True)
class NotSent:
    """Certainly not carried out. status: 401, 403 or 429 where the provider said so, else 0.

    no_access: it was the access token that could not be had; status is then that call's.
    """

    reason: str
    retry_after_s: float | None = None
    status: int = 0
    data: object = None
    no_access: bool = False


@attrs.frozen(kw_only=True)
class NoAnswer:
    """It may have been carried out. status: 0 when there was no answer at all."""

    reason: str
    status: int = 0


Exchange = Reply | NotSent | NoAnswer


def judged(response: httpx.Response, debug_id: str, now: datetime, raw_bytes: int = 0) -> Exchange:
    """What an answer proves, by status first and then by whether we can read it.

    raw_bytes: as in Call.
    """
    status = response.status_code
    if raw_bytes and status == 200:
        if len(response.content) > raw_bytes:
            return NoAnswer(reason=f"HTTP 200 with more than {raw_bytes} bytes", status=status)
        return Reply(
            status=status, data=response.content, headers=response.headers, debug_id=debug_id
        )
    readable, data = _decoded(response.content)
    if status in (401, 403, 429):
        wait = _retry_after_s(response.headers.get("retry-after", ""), now)
        return NotSent(reason=f"HTTP {status}", retry_after_s=wait, status=status, data=data)
    if not 200 <= status < 500 or 300 <= status < 400 or status == 408:
        return NoAnswer(reason=f"HTTP {status}", status=status)
    if not readable or (status >= 400 and data is None):
        return NoAnswer(reason=f"HTTP {status} with an unreadable body", status=status)
    return Reply(status=status, data=data, headers=response.headers, debug_id=debug_id)


def _is_aiohttp(error: BaseException | None) -> TypeGuard[aiohttp.ClientError]:
    return isinstance(error, aiohttp.ClientError)


def without_answer(error: BaseException) -> NotSent | NoAnswer:
    """Only a failure to get a connection proves that nothing was sent (see the module's text)."""
    cause = error.__cause__ if _is_aiohttp(error.__cause__) else error
    if _is_aiohttp(cause):
        unsent = isinstance(cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
    else:
        unsent = isinstance(
            error,
            httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.InvalidURL,
        )
    name = type(cause).__name__
    if unsent:
        return NotSent(reason=f"no connection: {name}")
    return NoAnswer(reason=f"no answer: {name}")


def _decoded(body: bytes) -> tuple[bool, object]:
    """Whether the body is readable, and its JSON (None for an empty body)."""
    if not body.strip():
        return True, None
    try:
        return True, _JSON.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False, None


def _retry_after_s(text: str, now: datetime) -> float | None:
    """Seconds of a Retry-After header: a number or an HTTP date (RFC 9110, 10.2.3)."""
    text = text.strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
