"""A webhook checked by asking PayPal: POST /v1/notifications/verify-webhook-signature.

PayPal signed the bytes that it sent, so the event goes back in the same bytes: JSON that was parsed
and written anew (1.0 as 1, another order of keys) would be refused.
Source: OpenAPI notifications_webhooks_v1; reference notes on PayPal, section 5.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from domain.ports import CallbackRejected
from infrastructure.gateways.exchange import Call, Reply
from infrastructure.gateways.http import ProviderHttp
from infrastructure.gateways.paypal.wire import mapping

PATH = "/v1/notifications/verify-webhook-signature"
_FIELDS = {
    "auth_algo": "paypal-auth-algo",
    "cert_url": "paypal-cert-url",
    "transmission_id": "paypal-transmission-id",
    "transmission_sig": "paypal-transmission-sig",
    "transmission_time": "paypal-transmission-time",
}


async def check(
    http: ProviderHttp, headers: Mapping[str, str], webhook_id: str, body: bytes
) -> None:
    """Ask PayPal whether it sent this; only its plain SUCCESS is a yes.

    body: has been read as JSON.
    Raises: CallbackRejected("signature-wrong") where PayPal says no;
        CallbackRejected("verification-unavailable") where it says neither, which says nothing
        about the webhook: it may be tried again.
    """
    question = {name: headers[header] for name, header in _FIELDS.items()}
    answer = await http.send(
        Call(
            method="POST",
            path=PATH,
            template=PATH,
            json={**question, "webhook_id": webhook_id, "webhook_event": msgspec.Raw(body)},
        )
    )
    status = None
    if isinstance(answer, Reply) and answer.status < 300:
        status = mapping(answer.data).get("verification_status")
    if status == "FAILURE":
        raise CallbackRejected("signature-wrong", "PayPal says that it did not send this")
    if status != "SUCCESS":
        raise CallbackRejected("verification-unavailable", "PayPal did not say whether it sent it")
