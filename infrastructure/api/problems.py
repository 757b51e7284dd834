"""Every error as a problem document (RFC 9457): {status, title, code, reason}. No stack traces.

status  code
400     request-malformed        not JSON, a field missing, unknown or of another type
400     idempotency-key-missing  a POST without Idempotency-Key
401     not-authenticated        no such bearer key
404     not-found, and what is named is not there (see UNKNOWN)
405     method-not-allowed
409     what the present state forbids (see CONFLICTS)
413     body-too-large
422     idempotency-key-reused   the key stands for another request; both digests are given
422     any other code of a refusal: the request can never be carried out as it is
500     internal                 our fault; the log has it under the same reference
503     position-not-reached, stream-busy, database-unreachable: ask again (Retry-After, seconds)
"""

from __future__ import annotations

import secrets
from http import HTTPStatus
from typing import Any

import eventsourcing.persistence
import msgspec
import psycopg
import psycopg_pool
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, SerializationException, ValidationException
from litestar.types import ExceptionHandlersMap

from domain.refusals import Refused
from infrastructure.commands.subscriptions import StreamBusy
from infrastructure.store.commands import KeyReused
from infrastructure.store.tracking import ViewMissing
from infrastructure.store.writer import LedgerUnavailable

log = structlog.get_logger(__name__)

CONFLICTS = frozenset(
    {
        "subscription-exists",
        "subscription-ended",
        "subscription-completed",
        "attempt-not-unknown",
        "subscription-not-active",
        "cancellation-scheduled",
        "cancellation-at-period-end",
        "change-at-period-end",
        "currency-fixed",
        "kind-fixed",
        "timing-fixed",
        "instalments-fixed",
        "trial-not-begun",
        "amount-fixed",
        "nothing-to-bill",
        "coupon-used",
        "change-pending",
        "billing-parked",
        "kind-schedule",
        "demand-id-reused",
        "too-many-demands",
        "report-id-reused",
        "reload-not-agreed",
        "not-instalments",
        "nothing-to-settle",
        "already-settled",
        "token-unusable",
        "token-missing",
        "token-request-open",
        "first-method-missing",
        "token-usable",
        "first-payment-not-due",
        "page-still-open",
        "invoice-not-open",
        "charge-open",
        "discrepancy-unresolved",
        "discrepancy-resolved",
        "invoice-open",
        "nothing-to-refund",
        "credit-too-small",
        "charge-not-refundable",
        "refund-too-large",
        "refund-not-unknown",
        "charge-disputed",
        "charge-unknown",
        "reversal-above-captured",
        "plan-retired",
        "plan-not-available",
        "plan-version-fixed",
        "plan-version-gap",
        "period-not-over",
        "period-gap",
        "period-zone-mixed",
        "period-not-closed",
        "period-locked",
        "period-not-latest",
        "reopening-asked",
        "reopening-not-asked",
        "same-person",
        "plan-version-moved",
        "plan-version-not-available",
        "plan-available-too-early",
        "move-announced",
        "move-in-a-circle",
    }
)
UNKNOWN = frozenset(
    {
        "subscription-unknown",
        "attempt-unknown",
        "usage-unknown",
        "coupon-unknown",
        "instrument-unknown",
        "discrepancy-unknown",
        "refund-unknown",
        "plan-unknown",
        "plan-version-unknown",
        "period-unknown",
        "move-unknown",
    }
)
MISSING_KEY = "idempotency-key-missing"
RETRY_AFTER_S = 2

_CODES = {
    400: "request-malformed",
    401: "not-authenticated",
    404: "not-found",
    405: "method-not-allowed",
    413: "body-too-large",
}
_AnyRequest = Request[Any, Any, Any]


class NotReached(Exception):
    """The position that was asked for did not come in time."""


class Problem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Why a request was not carried out.

    code: stable, for programs; reason: one sentence for people.
    stored_digest, given_digest: SHA-256 (hex) of the two requests that share a key.
    """

    status: int
    title: str
    code: str
    reason: str
    stored_digest: str = ""
    given_digest: str = ""


def problem(status: int, code: str, reason: str, **more: str) -> Response[Problem]:
    """A problem as a response."""
    body = Problem(status=status, title=HTTPStatus(status).phrase, code=code, reason=reason, **more)
    headers = {"Cache-Control": "no-store"}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(RETRY_AFTER_S)
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(
        content=body, status_code=status, media_type="application/problem+json", headers=headers
    )


def status_of(code: str) -> int:
    """The HTTP status of a refusal's code."""
    if code in CONFLICTS:
        return HTTPStatus.CONFLICT
    if code in UNKNOWN:
        return HTTPStatus.NOT_FOUND
    return HTTPStatus.BAD_REQUEST if code == MISSING_KEY else HTTPStatus.UNPROCESSABLE_ENTITY


def _refused(_: _AnyRequest, refused: Refused) -> Response[Problem]:
    return problem(status_of(refused.code), refused.code, refused.reason)


def _reused(_: _AnyRequest, reused: KeyReused) -> Response[Problem]:
    return problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        reused.code,
        "this Idempotency-Key stands for another request",
        stored_digest=reused.stored_digest,
        given_digest=reused.given_digest,
    )


def _malformed(_: _AnyRequest, error: HTTPException) -> Response[Problem]:
    """What could not be read. The cause names the field and the type, never the value."""
    cause = error.__cause__ or error.__context__
    if isinstance(cause, Refused):
        return problem(status_of(cause.code), cause.code, cause.reason)
    reason = "the request cannot be read"
    if isinstance(cause, msgspec.ValidationError):
        reason = str(cause)
    elif isinstance(error, ValidationException) and isinstance(error.extra, list):
        reason = "; ".join(f"{each.get('key')}: {each.get('message')}" for each in error.extra)
    return problem(HTTPStatus.BAD_REQUEST, "request-malformed", reason[:300])


def _unreadable(_: _AnyRequest, error: Exception) -> Response[Problem]:
    """msgspec's own words name the field and the type; nesting without end has none."""
    reason = str(error) if isinstance(error, msgspec.MsgspecError) else "nested too deeply"
    return problem(HTTPStatus.BAD_REQUEST, "request-malformed", reason[:300])


def _http(_: _AnyRequest, error: HTTPException) -> Response[Problem]:
    code = _CODES.get(error.status_code, "not-possible")
    reason = HTTPStatus(error.status_code).phrase
    if error.status_code == HTTPStatus.BAD_REQUEST:
        reason = "the body is not JSON, or not UTF-8"
    return problem(error.status_code, code, reason)


def _busy(_: _AnyRequest, error: StreamBusy) -> Response[Problem]:
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, "stream-busy", str(error))


def _not_reached(_: _AnyRequest, error: Exception) -> Response[Problem]:
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, "position-not-reached", str(error))


def _no_database(request: _AnyRequest, error: Exception) -> Response[Problem]:
    log.error("database unreachable", path=request.url.path, error=type(error).__name__)
    reason = "the database cannot be reached"
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, "database-unreachable", reason)


def _internal(request: _AnyRequest, error: Exception) -> Response[Problem]:
    """The last line: nobody outside sees what went wrong, the log does."""
    reference = secrets.token_hex(6)
    log.error("request failed", reference=reference, path=request.url.path, exc_info=error)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", f"see the log under {reference}")


HANDLERS: ExceptionHandlersMap = {
    KeyReused: _reused,
    Refused: _refused,
    ValidationException: _malformed,
    SerializationException: _malformed,
    msgspec.DecodeError: _unreadable,
    RecursionError: _unreadable,
    HTTPException: _http,
    StreamBusy: _busy,
    NotReached: _not_reached,
    ViewMissing: _not_reached,
    LedgerUnavailable: _no_database,
    psycopg.OperationalError: _no_database,
    psycopg_pool.PoolTimeout: _no_database,
    eventsourcing.persistence.OperationalError: _no_database,
    Exception: _internal,
}
