"""Where providers call back.

A callback is verified, kept, and answered 2xx only after the commit; workers do the rest. What
does not verify is answered 4xx and leaves no trace but a count and a line in the log: its code,
never its body, which its sender chose.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from typing import Any

import attrs
import msgspec
import structlog
from litestar import Request, Response, route
from litestar.di import NamedDependency
from litestar.enums import HttpMethod, MediaType
from litestar.params import FromPath, SkipValidation

from domain.identity import reference_of_charge, stream_of
from domain.ports import CallbackRejected, Gateway, Hint, RawCallback
from infrastructure.api.measuring import CallbackResult, Measures
from infrastructure.api.problems import problem
from infrastructure.api.reading import Books
from infrastructure.bootstrap import System
from infrastructure.card_numbers import CODE, found_in, report
from infrastructure.store.inbox import KEPT_HEADERS, QUARANTINE_AFTER

log = structlog.get_logger(__name__)

LARGEST_CALLBACK_BYTES = 1_000_000
_UNAUTHENTIC = frozenset({"signature-missing", "signature-wrong", "foreign-certificate"})
# We could not check it just now: the provider is to send it again.
_NOT_CHECKED = frozenset({"certificate-unavailable", "verification-unavailable"})

GatewaysOf = NamedDependency[SkipValidation[Mapping[tuple[str, str], Gateway]]]
Counted = NamedDependency[SkipValidation[Measures]]


@route(
    "/callbacks/{provider:str}/{account:str}",
    http_method=[HttpMethod.GET, HttpMethod.POST],
    status_code=200,
    request_max_body_size=LARGEST_CALLBACK_BYTES,
)
async def receive_callback(
    request: Request[Any, Any, Any],
    system: Books,
    gateways: GatewaysOf,
    measures: Counted,
    provider: FromPath[str],
    account: FromPath[str],
) -> Response[Any]:
    """A provider tells that something happened.

    200: kept, now or before. Also where it holds what looks like a card number: it may be none, so
    it is sealed, set aside for a person, and reported.
    400, 401 with a code: not what it claims. 404: no such account. 413: too large. 5xx: not kept,
    or not checked; the provider sends it again. 503 subject-unknown: kept, and nothing of ours
    that it is about is known yet; where the provider wishes to be told so, it sends it again until
    it is, or until it has waited for so long that it is set aside as foreign.
    """
    gateway = gateways.get((provider, account))
    if gateway is None:
        return problem(404, "account-unknown", "no such account")
    raw = RawCallback(
        method=request.method,
        url=_public_url(system, request),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.body(),
        received_at=system.clock(),
    )
    try:
        hint = await gateway.verify(raw)
    except CallbackRejected as rejected:
        measures.callback(provider, account, CallbackResult.REJECTED)
        _report(provider, account, rejected.code, len(raw.body))
        return problem(_status_of(rejected.code), rejected.code, "the callback is not accepted")
    findings = found_in(raw.body) + found_in(_in_the_open(raw, hint))
    if findings:
        report(findings, "callback", provider=provider, account=account)
        measures.card_number("callback")
        raw, hint = _hidden(raw, hint)
    aside = CODE if findings else ""
    new = await asyncio.to_thread(_store, system, provider, account, raw, hint, aside)
    result = CallbackResult.NEW if new else CallbackResult.REPEATED
    early = hint.again and await asyncio.to_thread(_too_early, system, provider, account, hint)
    if early:
        measures.callback(provider, account, CallbackResult.EARLY)
        return problem(503, "subject-unknown", "kept; what it is about is not known yet")
    measures.callback(provider, account, CallbackResult.CARD_NUMBER if findings else result)
    return Response(content=b"", status_code=200, media_type=MediaType.TEXT)


def _status_of(code: str) -> int:
    if code in _NOT_CHECKED:
        return 503
    return 401 if code in _UNAUTHENTIC else 400


def _in_the_open(raw: RawCallback, hint: Hint) -> str:
    """What the inbox keeps of a callback beside its sealed body."""
    kept = [value for name, value in raw.headers.items() if name in KEPT_HEADERS]
    told = (hint.delivery_id, hint.event_type, hint.reference, hint.token_request_ref)
    disputed = (hint.dispute_ref, hint.charge_ref)
    reversal = "" if hint.reversal is None else hint.reversal.provider_ref
    return "\n".join((*told, *disputed, reversal, *kept))


def _hidden(raw: RawCallback, hint: Hint) -> tuple[RawCallback, Hint]:
    """The same with nothing in the open that holds a card number; all of it is in the body."""
    if not found_in(_in_the_open(raw, hint)):
        return raw, hint
    told = msgspec.json.encode([raw.url, attrs.asdict(hint), dict(raw.headers)])
    digest = hashlib.sha256(hint.delivery_id.encode()).hexdigest()
    sealed = attrs.evolve(raw, headers={}, body=told + b"\n" + raw.body)
    return sealed, Hint(delivery_id=digest, event_type="hidden")


def _store(
    system: System, provider: str, account: str, raw: RawCallback, hint: Hint, aside: str
) -> bool:
    return system.inbox.store(
        provider=provider,
        account=account,
        delivery_id=hint.delivery_id,
        event_type=hint.event_type,
        reference=hint.reference,
        token_request_ref=hint.token_request_ref,
        token_digest=hint.token_digest,
        token_ended=hint.token_ended,
        headers=raw.headers,
        body=raw.body,
        received_at=raw.received_at,
        aside=aside,
        dispute_ref=hint.dispute_ref,
        charge_ref=hint.charge_ref,
        reversal=hint.reversal,
    )


def _too_early(system: System, provider: str, account: str, hint: Hint) -> bool:
    """Whether a kept callback waits for facts of ours, and may go on waiting."""
    since = system.inbox.waits_since(provider, account, hint.delivery_id)
    if since is None or system.clock() - since >= QUARANTINE_AFTER:
        return False
    if hint.token_request_ref:
        refs = [hint.token_request_ref]
        return not system.views.keys_by("due_dates", "token_request_ref", refs)
    parts = reference_of_charge(hint.reference)
    if parts is None:
        return True
    stream = stream_of(parts.subscription_id)
    return system.ledger.load([stream])[stream].version == 0


def _report(provider: str, account: str, code: str, size: int) -> None:
    log.warning(
        "callback refused", security=True, provider=provider, account=account, code=code, bytes=size
    )


def _public_url(system: System, request: Request[Any, Any, Any]) -> str:
    """The URL as the provider called it, byte by byte: signatures are made over it."""
    path = request.scope.get("raw_path") or request.scope["path"].encode()
    query = request.scope["query_string"]
    target = path.partition(b"?")[0] + (b"?" + query if query else b"")
    return system.settings.public_url.rstrip("/") + target.decode("latin-1")


CALLBACKS = [receive_callback]
