"""Disputes over HTTP: read them, and, by control endpoints, open and decide them.

POST /_disputes {"capture_id", "minor"?, "reason"?}         opens one, of all that was captured
POST /_disputes/{id} {"stage"?, "status"?}                  moves it on
POST /_disputes/{id} {"outcome", "minor"?}                  decides it; minor: what is taken back
POST /_reversals {"capture_id", "minor"?}                   takes money back without a dispute
"""

from __future__ import annotations

from collections.abc import Mapping
from json import JSONDecodeError
from typing import Any

from aiohttp import web

from infrastructure.simulators.book import Movement
from infrastructure.simulators.paypal.contested import (
    BUYER,
    CREATED,
    OUTCOMES,
    RESOLVED,
    UPDATED,
    Dispute,
    Reversal,
)
from infrastructure.simulators.paypal.contested_resources import dispute_json
from infrastructure.simulators.paypal.errors import PayPalError
from infrastructure.simulators.paypal.payments import COMPLETED, PENDING, Capture
from infrastructure.simulators.paypal.provider import PROVIDER, json_answer
from infrastructure.simulators.paypal.records import Line
from infrastructure.simulators.paypal.state import Account


def open_dispute(account: Account, capture: Capture, minor: int, reason: str) -> Dispute:
    """A payer contests so much of a capture, in minor units."""
    contested, now_us = account.contested, account.now_us()
    dispute = Dispute(
        dispute_id=f"PP-R-{account.ids.of('DP', len(contested.disputes) + 1)}",
        capture=capture,
        minor=minor,
        reason=reason,
        opened_us=now_us,
        changed_us=now_us,
    )
    contested.disputes[dispute.dispute_id] = dispute
    contested.told(dispute, CREATED)
    return dispute


def decide(account: Account, dispute: Dispute, outcome: str, minor: int | None) -> None:
    """A dispute ends; for the buyer so much is taken back, as far as it is left."""
    if outcome == BUYER:
        wanted = dispute.minor if minor is None else minor
        dispute.reversal = take_back(account, dispute.capture, wanted)
    dispute.outcome, dispute.status = outcome, RESOLVED
    dispute.changed_us = account.now_us()
    account.contested.told(dispute, RESOLVED)


def take_back(account: Account, capture: Capture, minor: int) -> Reversal | None:
    """Take money back of a capture, as far as it is left; None where nothing is."""
    minor = min(minor, left_of(account, capture))
    if minor <= 0:
        return None
    contested = account.contested
    reversal = Reversal(
        reversal_id=account.ids.of("RV", len(contested.reversals) + 1),
        capture=capture,
        minor=minor,
        at_us=account.now_us(),
    )
    contested.reversals.append(reversal)
    account.journal.add(reversal.at_us, len(contested.reversals), Line.REVERSAL)
    account.controls.book.write(
        Movement.REVERSED,
        reference=capture.order.invoice_id,
        minor=minor,
        currency=capture.order.currency,
        provider_id=reversal.reversal_id,
        at=account.controls.clock.now(),
    )
    contested.told_of_reversal(reversal)
    return reversal


def left_of(account: Account, capture: Capture) -> int:
    """Minor units of a capture that were neither given back nor taken back."""
    given = account.aftermath.given_back(capture.order, capture.capture_id, COMPLETED, PENDING)
    return capture.minor - given - account.contested.reversed(capture.capture_id)


# --- PayPal's own calls ---------------------------------------------------------------------------


async def list_disputes(request: web.Request) -> web.StreamResponse:
    """GET /v1/customer/disputes, of all or of one transaction; newest last, in one page."""
    provider = request.app[PROVIDER]
    base_url = provider.base_url(request)
    of = request.query.get("disputed_transaction_id", "")
    found = [
        dispute_json(each, base_url, summary=True)
        for each in provider.account.contested.disputes.values()
        if of in ("", each.capture.capture_id)
    ]
    links = [{"href": str(request.url), "rel": "self", "method": "GET"}]
    return json_answer({"items": found, "links": links})


async def get_dispute(request: web.Request) -> web.StreamResponse:
    """GET /v1/customer/disputes/{id}"""
    provider = request.app[PROVIDER]
    dispute = provider.account.contested.disputes.get(request.match_info["id"])
    if dispute is None:
        raise PayPalError(404, "INVALID_RESOURCE_ID")
    return json_answer(dispute_json(dispute, provider.base_url(request)))


# --- control endpoints ----------------------------------------------------------------------------


async def post_dispute(request: web.Request) -> web.StreamResponse:
    """POST /_disputes"""
    provider = request.app[PROVIDER]
    try:
        body = await _body(request)
        capture = provider.account.captured(str(body["capture_id"]))
        minor = int(body.get("minor", capture.minor))
        reason = str(body.get("reason", "UNAUTHORISED"))
    except (JSONDecodeError, KeyError, TypeError, ValueError):
        return _malformed('give {"capture_id", "minor"?, "reason"?}')
    except PayPalError:
        return web.json_response({"error": "no such capture"}, status=404)
    base_url = provider.base_url(request)
    dispute = open_dispute(provider.account, capture, minor, reason)
    return web.json_response(dispute_json(dispute, base_url), status=201)


async def move_dispute(request: web.Request) -> web.StreamResponse:
    """POST /_disputes/{id}"""
    provider = request.app[PROVIDER]
    account = provider.account
    dispute = account.contested.disputes.get(request.match_info["id"])
    if dispute is None or not dispute.is_open:
        return web.json_response({"error": "no such open dispute"}, status=404)
    try:
        body = await _body(request)
        outcome = str(body.get("outcome", ""))
        minor = None if body.get("minor") is None else int(body["minor"])
    except (JSONDecodeError, TypeError, ValueError):
        return _malformed('give {"stage"?, "status"?} or {"outcome", "minor"?}')
    if outcome and outcome not in OUTCOMES:
        return _malformed(f"an outcome is one of {', '.join(sorted(OUTCOMES))}")
    base_url = provider.base_url(request)
    if outcome:
        decide(account, dispute, outcome, minor)
    else:
        dispute.stage = str(body.get("stage", dispute.stage))
        dispute.status = str(body.get("status", dispute.status))
        dispute.changed_us = account.now_us()
        account.contested.told(dispute, UPDATED)
    return web.json_response(dispute_json(dispute, base_url))


async def post_reversal(request: web.Request) -> web.StreamResponse:
    """POST /_reversals"""
    provider = request.app[PROVIDER]
    try:
        body = await _body(request)
        capture = provider.account.captured(str(body["capture_id"]))
        minor = int(body.get("minor", capture.minor))
    except (JSONDecodeError, KeyError, TypeError, ValueError):
        return _malformed('give {"capture_id", "minor"?}')
    except PayPalError:
        return web.json_response({"error": "no such capture"}, status=404)
    provider.base_url(request)
    reversal = take_back(provider.account, capture, minor)
    taken = 0 if reversal is None else reversal.minor
    return web.json_response({"minor": taken}, status=201)


async def _body(request: web.Request) -> Mapping[str, Any]:
    body = await request.json()
    if not isinstance(body, dict):
        raise TypeError("not an object")
    return body


def _malformed(words: str) -> web.Response:
    return web.json_response({"error": words}, status=400)
