"""POST /v1/notifications/verify-webhook-signature: was this message ours?

Source: OpenAPI notifications_webhooks_v1; reference notes on PayPal, section 5.
"""

from __future__ import annotations

import msgspec
from aiohttp import web

from infrastructure.simulators import misbehaving
from infrastructure.simulators.paypal.errors import PayPalError
from infrastructure.simulators.paypal.orders import error_for
from infrastructure.simulators.paypal.provider import PROVIDER, json_answer
from infrastructure.simulators.paypal.webhooks import CERTIFICATE_PATH, signed_text, signer


class _Question(msgspec.Struct):
    """All that the specification requires; the event in the bytes in which it was sent."""

    auth_algo: str
    cert_url: str
    transmission_id: str
    transmission_sig: str
    transmission_time: str
    webhook_id: str
    webhook_event: msgspec.Raw


async def verify_signature(request: web.Request) -> web.StreamResponse:
    """SUCCESS for what we signed for our own listener, FAILURE for everything else.

    Like PayPal, this one refuses an event that was parsed and written again in another way.
    """
    provider = request.app[PROVIDER]
    try:
        question = msgspec.json.decode(await request.read(), type=_Question)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise PayPalError(400, name="VALIDATION_ERROR") from None
    plan = provider.controls.faults
    fault = plan.pick("verify", question.transmission_id)
    refusal = await misbehaving.before(request, fault, plan, error_for(fault))
    if refusal is not None:
        return refusal
    text = signed_text(
        question.transmission_id,
        question.transmission_time,
        question.webhook_id,
        bytes(question.webhook_event),
    )
    holds = (
        question.auth_algo == "SHA256withRSA"
        and question.cert_url == provider.base_url(request) + CERTIFICATE_PATH
        and question.webhook_id == provider.webhooks.webhook_id
        and signer().holds(question.transmission_sig, text)
    )
    answer = json_answer({"verification_status": "SUCCESS" if holds else "FAILURE"})
    return await misbehaving.after(request, fault, plan, answer, error_for(fault))
