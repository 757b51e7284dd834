"""Notices about tokens: which are believed, which token they name, and whether it has ended."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import msgspec
import pytest

from domain.ports import CallbackRejected, Hint, NotDone, RawCallback, Secret
from domain.subscription.events import Instrument
from infrastructure.gateways.dintero.account import DinteroAccount
from infrastructure.gateways.dintero.gateway import DinteroGateway
from infrastructure.gateways.dintero.webhooks import sign
from tests.gateways.bench import START, digest_of
from tests.gateways.dintero_bench import ACCOUNT, WEBHOOK_SECRET
from tests.gateways.paypal_signed import CERT_URL, Verifying, certificate, pem, webhook

TOKEN = "8kk8451t"
NONE = b""


def paypal(event: dict[str, Any]) -> Hint:
    """What the gateway makes of a genuine event of PayPal's, whose digests are the bench's."""
    verifying = Verifying({CERT_URL: pem(certificate())})
    return verifying.verify(webhook(msgspec.json.encode({"id": "WH-1", **event})))


@pytest.mark.parametrize(
    ("kind", "version", "named", "ended"),
    [
        ("VAULT.PAYMENT-TOKEN.CREATED", "3.0", True, False),
        ("VAULT.PAYMENT-TOKEN.DELETED", "3.0", True, True),
        ("VAULT.PAYMENT-TOKEN.DELETION-INITIATED", "3.0", True, True),
        ("VAULT.PAYMENT-TOKEN.DELETED", "2.0", False, False),
        ("VAULT.PAYMENT-TOKEN.DELETED", "", False, False),
        ("PAYMENT.CAPTURE.COMPLETED", "3.0", False, False),
    ],
)
def test_paypal_names_a_token(kind: str, version: str, named: bool, ended: bool) -> None:
    """By its digest alone; older events of the same names are left alone."""
    event = {"event_type": kind, "resource_version": version, "resource": {"id": TOKEN}}
    hint = paypal(event)
    assert (hint.token_digest, hint.token_ended) == (digest_of(TOKEN) if named else NONE, ended)
    assert TOKEN not in repr(hint)


@pytest.mark.parametrize("resource", [{}, {"id": 7}, None, "x"])
def test_paypal_names_no_token(resource: Any) -> None:
    """A genuine event that says nothing is no error."""
    event = {"event_type": "VAULT.PAYMENT-TOKEN.DELETED", "resource_version": "3.0"}
    assert paypal({**event, "resource": resource}).token_digest == NONE


def test_an_approval_is_learned_where_a_link_names_the_setup_token() -> None:
    """In any order with the payer's return: the request is looked at, as after a return."""
    links = [{"href": "https://api.example/v3/vault/setup-tokens/ST-7", "rel": "up"}]
    resource = {"id": TOKEN, "links": links}
    kind = {"event_type": "VAULT.PAYMENT-TOKEN.CREATED", "resource_version": "3.0"}
    hint = paypal({**kind, "resource": resource})
    assert (hint.token_request_ref, hint.token_ended) == ("ST-7", False)


# --- Dintero ----------------------------------------------------------------------------------


def notice(body: Any, *, secret: str = WEBHOOK_SECRET, **headers: str) -> RawCallback:
    """An event of the account, signed by a secret."""
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return RawCallback(
        method="POST",
        url="https://merchant.example/callbacks/dintero",
        headers={"event-signature": sign(Secret(secret), raw), **headers},
        body=raw,
        received_at=START,
    )


def dintero(callback: RawCallback, account: DinteroAccount = ACCOUNT) -> Hint:
    """What the gateway makes of it."""

    async def main() -> Hint:
        gateway = DinteroGateway(account, now=lambda: START, digest=digest_of)
        try:
            return await gateway.verify(callback)
        finally:
            await gateway.close()

    return asyncio.run(main())


def refused(callback: RawCallback, account: DinteroAccount = ACCOUNT) -> str:
    with pytest.raises(CallbackRejected) as rejected:
        dintero(callback, account)
    return rejected.value.code


UPDATE = "checkout_token_update"
DELETED = {"account_id": "T12345678", "event": "checkout_token_delete", "event_delivery": "d-1"}


@pytest.mark.parametrize(
    ("body", "named", "ended"),
    [
        ({"token": {"id": "t-1", "status": "DELETED"}}, True, True),
        ({"token": {"id": "t-1"}}, True, True),
        ({"card_token": {"payment_token_id": "t-1"}}, True, True),
        ({"payment_token_id": "t-1"}, True, True),
        ({"token_id": "t-1", "event": "checkout_token_expired"}, True, True),
        ({"token": {"id": "t-1"}, "event": "checkout_token_add"}, True, False),
        ({"token": {"id": "t-1", "status": "ACTIVE"}, "event": UPDATE}, True, False),
        ({"token": {"id": "t-1", "status": "CANCELLED"}, "event": UPDATE}, True, True),
        ({"token": {}}, False, False),
        ({"token": "t-1"}, False, False),
    ],
)  # fmt: skip
def test_dintero_names_a_token(body: dict[str, Any], named: bool, ended: bool) -> None:
    """Wherever its id stands: what the body looks like is not documented."""
    hint = dintero(notice({**DELETED, **body}))
    assert (hint.delivery_id, hint.reference) == ("d-1", "")
    assert (hint.token_digest, hint.token_ended) == (digest_of("t-1") if named else NONE, ended)


@pytest.mark.parametrize("part", ["authorization", "transaction"])
def test_dintero_tells_of_a_charge_by_the_account_too(part: str) -> None:
    """The reference says where to look."""
    body = {**DELETED, "event": "checkout_transaction", part: {"merchant_reference": "s-1-1-1-aa"}}
    hint = dintero(notice(body))
    assert (hint.reference, hint.event_type, hint.token_digest) == (
        "s-1-1-1-aa",
        "checkout_transaction",
        NONE,
    )


def test_the_delivery_is_what_was_signed() -> None:
    """A header can be made up: what the body says counts; without it, the body itself."""
    assert dintero(notice(DELETED, **{"event-delivery": "made-up"})).delivery_id == "d-1"
    bare = {"event": "checkout_token_delete", "token": {"id": "t-1"}}
    first, second = (
        dintero(notice(bare, **{"event-delivery": each})).delivery_id for each in ("a", "b")
    )
    assert first == second


@pytest.mark.parametrize(
    ("callback", "code"),
    [
        (notice(DELETED, secret="another"), "signature-wrong"),
        (attrs.evolve(notice(DELETED), body=b"{}"), "signature-wrong"),
        (notice({**DELETED, "account_id": "T87654321"}), "signature-wrong"),
        (notice(DELETED, **{"event-signature": ""}), "signature-missing"),
        (notice(DELETED, **{"event-signature": "\xe6" * 40}), "signature-wrong"),
        (notice(b"no json"), "malformed"),
        (notice(b"\xff"), "malformed"),
        (notice([DELETED]), "malformed"),
    ],
)
def test_F13_what_is_not_the_accounts_own_is_refused(callback: RawCallback, code: str) -> None:
    """With a stable code, and nothing of the body in it."""
    assert refused(callback) == code


def test_an_account_without_the_secret_believes_none() -> None:
    """Not even one that is signed by an empty secret."""
    bare = attrs.evolve(ACCOUNT, webhook_secret=None)
    assert refused(notice(DELETED), bare) == "signature-missing"
    assert refused(notice(DELETED, secret=""), bare) == "signature-missing"


def test_a_token_without_an_id_is_not_looked_up() -> None:
    """Dintero is asked by the id."""

    async def main() -> object:
        gateway = DinteroGateway(ACCOUNT, now=lambda: START)
        try:
            return await gateway.look_up_token(Secret("x"), Instrument(kind="card"))
        finally:
            await gateway.close()

    assert isinstance(asyncio.run(main()), NotDone)
