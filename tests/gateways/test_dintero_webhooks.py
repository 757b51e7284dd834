"""Account-wide webhooks: verified over the raw body, believed in nothing but where to look."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import attrs
import pytest
from hypothesis import event as reached
from hypothesis import given
from hypothesis import strategies as st

from domain.ports import CallbackRejected, Captured, Hint, Offered, RawCallback, Secret
from infrastructure.gateways.dintero.gateway import DinteroGateway
from infrastructure.gateways.dintero.webhooks import hint_of, sign, told
from tests.gateways.bench import digest_of
from tests.gateways.dintero_bench import ACCOUNT, WEBHOOK_SECRET, DinteroBench, on_the_dintero_bench
from tests.gateways.dintero_canned import NOW

SECRET = Secret(WEBHOOK_SECRET)
AUTHORIZATION: dict[str, Any] = {
    "account_id": ACCOUNT.account_id,
    "event": "checkout_authorization",
    "event_delivery": "d-1",
    "authorization": {
        "merchant_reference": "sub-1-1-1-aa",
        "session_id": "T12345678.ses",
        "transaction_id": "T12345678.abc",
    },
}


def posted(said: Any, secret: Secret = SECRET, **headers: str) -> RawCallback:
    """A webhook as it arrives, signed."""
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return RawCallback(
        method="POST",
        url="https://merchant.example/callbacks/dintero/main",
        headers={"event-signature": sign(secret, body), "event": "checkout_transaction", **headers},
        body=body,
        received_at=NOW,
    )


def verified(callback: RawCallback, secret: Secret | None = SECRET) -> Hint:
    """What the gateway makes of it."""

    async def main() -> Hint:
        account = attrs.evolve(ACCOUNT, webhook_secret=secret)
        gateway = DinteroGateway(account, now=lambda: NOW)
        try:
            return await gateway.verify(callback)
        finally:
            await gateway.close()

    return asyncio.run(main())


def refused(callback: RawCallback, secret: Secret | None = SECRET) -> str:
    """The code with which the gateway refuses it."""
    with pytest.raises(CallbackRejected) as rejected:
        verified(callback, secret)
    assert "sub-1-1-1-aa" not in str(rejected.value)
    return rejected.value.code


def test_known_digest() -> None:
    """RFC 2202's vector for HMAC-SHA1, which is what Dintero names."""
    digest = sign(Secret("Jefe"), b"what do ya want for nothing?")
    assert digest == "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"


def test_webhook_is_a_hint_at_its_charge() -> None:
    """The reference is where to look; whatever the body says of money is not in the hint."""
    lying = AUTHORIZATION | {"transaction": {"status": "CAPTURED", "amount": 1}}
    for said in (AUTHORIZATION, lying):
        assert verified(posted(said)) == Hint(
            delivery_id="d-1", event_type="checkout_authorization", reference="sub-1-1-1-aa"
        )


def test_webhook_about_a_token_request_names_its_session() -> None:
    """As the callback of the session does."""
    about = {"merchant_reference": "token-77", "session_id": "T1.c1", "error": "cancelled"}
    hint = verified(posted(AUTHORIZATION | {"authorization": about}))
    assert (hint.reference, hint.token_request_ref) == ("", "T1.c1")


@pytest.mark.parametrize(
    ("said", "token_id", "settlement_id"),
    [
        ({"event": "checkout_token_delete", "token": {"id": "tok-1"}}, "tok-1", ""),
        ({"event": "checkout_token_update", "card_token": {"id": "tok-1"}}, "tok-1", ""),
        ({"event": "settlement_add", "settlement": {"id": "set-1"}}, "", "set-1"),
        ({"event": "invented_yesterday"}, "", ""),
    ],
)
def test_whatever_verifies_is_accepted(said: Any, token_id: str, settlement_id: str) -> None:
    """Dintero deletes a subscription that refuses; what concerns no charge is kept without one."""
    callback = posted(said)
    found = told(SECRET, ACCOUNT.account_id, callback)
    assert (found.event, found.token_id, found.settlement_id) == (
        said["event"],
        token_id,
        settlement_id,
    )
    hint = verified(callback)
    assert (hint.event_type, hint.reference, hint.token_request_ref) == (said["event"], "", "")


def test_F10_delivery_id_is_signed() -> None:
    """The body's, or the body's digest; a header that anybody could change makes no new one."""
    assert verified(posted(AUTHORIZATION, **{"event-delivery": "d-9"})).delivery_id == "d-1"
    nameless = {name: each for name, each in AUTHORIZATION.items() if name != "event_delivery"}
    once, again = (posted(nameless, **{"event-delivery": each}) for each in ("d-1", "d-2"))
    assert verified(once).delivery_id == verified(again).delivery_id
    assert verified(once).delivery_id != verified(posted(nameless | {"event": "x"})).delivery_id


def test_F13_what_the_secret_did_not_sign_is_refused() -> None:
    """Another secret, another body, no signature, no secret of ours."""
    genuine = posted(AUTHORIZATION)
    assert refused(posted(AUTHORIZATION, Secret("another"))) == "signature-wrong"
    assert refused(attrs.evolve(genuine, body=genuine.body + b" ")) == "signature-wrong"
    for wrong in ("", "\xff\xfe", "0" * 40, "a" * 100_000):
        headers = {**genuine.headers, "event-signature": wrong}
        code = "signature-wrong" if wrong else "signature-missing"
        assert refused(attrs.evolve(genuine, headers=headers)) == code
    assert refused(genuine, None) == "signature-missing"
    assert refused(attrs.evolve(genuine, headers={})) == "signature-missing"


def test_F13_signature_of_the_other_kind_does_not_serve() -> None:
    """With a header of each kind it is a callback, and the webhook's secret vouches for nothing."""
    both = posted(AUTHORIZATION, **{"dintero-signature": "t=1,v0-hmac-sha256=" + "0" * 64})
    assert refused(both) == "signature-wrong"


def test_F15_webhook_of_another_account_is_refused() -> None:
    """Also where two accounts share a secret."""
    assert refused(posted(AUTHORIZATION | {"account_id": "P12345678"})) == "signature-wrong"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff", b"[" * 100_000])
def test_F08_signed_nonsense_is_malformed(body: bytes) -> None:
    """A proxy of theirs, or a secret that leaked."""
    assert refused(posted(body)) == "malformed"


NAMES = ("id", "merchant_reference", "session_id", "transaction_id", "token_id", "error")
JUNK: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from([None, True, 0, -1, 10**30, 0.5, "", "x", "token-1", "\ud800"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner),
    max_leaves=5,
)
FIELDS = ("account_id", "event", "event_delivery", "authorization", "transaction", "token")


@given(st.dictionaries(st.sampled_from(FIELDS), JUNK))
def test_F08_any_signed_object_is_a_hint_or_refused(said: Any) -> None:
    """Never another error, never a hint without an id."""
    try:
        hint = hint_of(told(SECRET, ACCOUNT.account_id, posted(said)), digest_of)
    except CallbackRejected as rejected:
        reached(rejected.code)
        return
    reached("hint")
    assert hint.delivery_id
    assert hint.event_type


def test_subscribed_account_hears_of_tokens_and_charges() -> None:
    """From the simulator to the gateway: each webhook verifies and leads to its subject."""

    async def test(bench: DinteroBench) -> None:
        gateway = bench.another(webhook_secret=SECRET, callback_url="")
        url = bench.account.callback_url
        await bench.subscribe(url, "checkout_authorization", "checkout_token_add")
        order = bench.token_order()
        offered = await gateway.request_token(order)
        assert isinstance(offered, Offered)
        await bench.approve(offered.provider_ref)
        hints = [await gateway.verify(each) for each in await bench.callbacks(2)]
        about = [(each.event_type, each.token_request_ref) for each in hints]
        assert sorted(about) == [
            ("checkout_authorization", offered.provider_ref),
            ("checkout_token_add", ""),
        ]
        bench.received.clear()
        granted = await bench.vaulted("token/2")
        bench.received.clear()
        answer = await gateway.charge(bench.charge_order(granted, "r-1"))
        assert isinstance(answer, Captured)
        heard = [each for each in await bench.callbacks(1) if "event-signature" in each.headers]
        assert "r-1" in [(await gateway.verify(each)).reference for each in heard]
        await gateway.close()

    on_the_dintero_bench(test)


def test_webhook_that_is_played_again_is_the_same_delivery() -> None:
    """There is no age to check; a year later it verifies, and the inbox knows it."""
    genuine = posted(AUTHORIZATION)
    late = attrs.evolve(genuine, received_at=NOW + timedelta(days=365))
    assert verified(late) == verified(genuine)
