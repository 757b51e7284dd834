"""Signed callbacks: who sent them, when, and that nothing unsigned is believed."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from domain.ports import CallbackRejected, Hint, RawCallback, Secret
from infrastructure.gateways.dintero.gateway import DinteroGateway
from infrastructure.gateways.dintero.signature import check, sign, sorted_query
from tests.gateways.dintero_bench import ACCOUNT, REFERENCE

SIGNED_AT = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
URL = (
    "https://merchant.example/callbacks/dintero?method=GET&report_error=true&sid=T1.p1"
    "&transaction_id=T1.t1&merchant_reference=sub-1-1-1-aa&time=2026-03-01T10%3A00%3A00.000Z"
)


def signed(url: str = URL, method: str = "GET", account: str = ACCOUNT.account_id) -> RawCallback:
    """A callback as the account's secret signs it, just received."""
    assert ACCOUNT.signature_secret is not None
    at = int(SIGNED_AT.timestamp())
    header = sign(ACCOUNT.signature_secret, account, method, url, at)
    return RawCallback(
        method=method,
        url=url,
        headers={"dintero-signature": header},
        body=b"",
        received_at=SIGNED_AT,
    )


def verified(callback: RawCallback) -> Hint:
    """What the gateway makes of a callback."""

    async def main() -> Hint:
        gateway = DinteroGateway(ACCOUNT, now=lambda: SIGNED_AT)
        try:
            return await gateway.verify(callback)
        finally:
            await gateway.close()

    return asyncio.run(main())


def refused(callback: RawCallback) -> str:
    """The code with which the gateway refuses a callback."""
    with pytest.raises(CallbackRejected) as rejected:
        verified(callback)
    return rejected.value.code


def test_published_vector_is_reproduced() -> None:
    """Dintero's own example signs as Dintero says."""
    file = REFERENCE / "callback-signature.json"
    if not file.exists():
        pytest.skip("Dintero's signature vector is not beside this checkout")
    for vector in json.loads(file.read_text())["vectors"]:
        header = sign(
            Secret(vector["secret"]),
            vector["account_id"],
            vector["method"],
            vector["url"],
            vector["timestamp"],
        )
        assert header == vector["header"]


def test_vector_known_by_heart() -> None:
    """The published example, quoted, so that it is checked in every checkout."""
    header = sign(
        Secret("123"), "P00000000", "GET", "https://example.com/callback?B=123&A=992", 1582236537
    )
    digest = "6bed2ab1b919d460ef7465a20dc6c97260dca73fab6647106ca525f0908df64a"
    assert header == f"t=1582236537,v0-hmac-sha256={digest}"


@pytest.mark.parametrize(
    "spelling",
    [
        "https://example.com:8443/callback?A=a+b&B=%C3%B8*~",
        "https://EXAMPLE.com/callback?B=%c3%b8%2A%7E&A=a%20b",
    ],
)
def test_spelling_of_the_query_does_not_matter(spelling: str) -> None:
    """Order, %20 for +, case of escapes and a port change nothing."""
    plain = sign(Secret("s"), "T12345678", "GET", "https://example.com/callback?A=a+b&B=ø*~", 1)
    assert sign(Secret("s"), "T12345678", "GET", spelling, 1) == plain


def test_query_is_written_as_a_browser_writes_it() -> None:
    """Sorted by name, equal names in their order; + for a space, * as it is, ~ escaped."""
    written = sorted_query("b=2&C=ø*~-._&b=1&a=x%20y&d")
    assert written == "C=%C3%B8*%7E-._&a=x+y&b=2&b=1&d="


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_charge_callback_is_a_hint_at_its_reference(method: str) -> None:
    """GET and POST are believed alike; the hint names the charge and nothing else."""
    hint = verified(signed(method=method))
    assert (hint.reference, hint.token_request_ref) == ("sub-1-1-1-aa", "")
    assert hint.event_type == "payment"


def test_F14_body_is_never_read() -> None:
    """The body is not signed: whatever it says, the hint is the same."""
    lying = b'{"merchant_reference":"another","status":"CAPTURED","amount":1}'
    callback = signed(method="POST")
    assert verified(attrs.evolve(callback, body=lying)) == verified(callback)


def test_token_callback_is_a_hint_at_its_session() -> None:
    """A callback about a token request names the session; without transaction, if cancelled."""
    url = "https://merchant.example/c?sid=T1.c1&merchant_reference=token-77&error=cancelled"
    hint = verified(signed(url))
    assert (hint.reference, hint.token_request_ref) == ("", "T1.c1")
    assert hint.event_type == "error.cancelled"


def test_event_callback_says_which_event() -> None:
    """report_event deliveries carry the event's name."""
    assert verified(signed(URL + "&event=CAPTURE&event_id=3")).event_type == "CAPTURE"


def test_F10_delivery_id_is_dinteros_or_the_querys() -> None:
    """The header names the delivery; without it, the signed query does, however it is spelt."""
    callback = signed()
    named = attrs.evolve(callback, headers={**callback.headers, "event-delivery": "d-1"})
    assert verified(named).delivery_id == "d-1"
    respelt = signed(URL.replace("%3A", ":"))
    assert verified(callback).delivery_id == verified(respelt).delivery_id
    assert verified(callback).delivery_id != verified(signed(URL + "&event=VOID")).delivery_id


@pytest.mark.parametrize(
    "changed",
    [
        {"url": URL.replace("sub-1-1-1-aa", "sub-2-1-1-aa")},
        {"url": URL.replace("merchant.example", "other.example")},
        {"url": URL.replace("/callbacks/", "/callback/")},
        {"url": URL + "&event=CAPTURE"},
        {"method": "POST"},
    ],
)
def test_F13_anything_signed_that_changed_is_refused(changed: dict[str, Any]) -> None:
    """Every part of the signed payload counts."""
    assert refused(attrs.evolve(signed(), **changed)) == "signature-wrong"


def test_F13_callback_for_another_account_is_refused() -> None:
    """The account id is part of the payload."""
    assert refused(signed(account="P12345678")) == "signature-wrong"


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "signature-missing"),
        ("t=1582236537", "malformed"),
        ("t=now,v0-hmac-sha256=" + "0" * 64, "malformed"),
        ("t=1772359200,v0-hmac-sha256=" + "0" * 64, "signature-wrong"),
    ],
)
def test_F13_bad_header_is_refused(header: str, code: str) -> None:
    """Missing, unreadable and wrong signatures are told apart."""
    assert refused(attrs.evolve(signed(), headers={"dintero-signature": header})) == code


@pytest.mark.parametrize("late", [timedelta(seconds=301), -timedelta(seconds=301)])
def test_F15_old_and_future_callbacks_are_refused(late: timedelta) -> None:
    """Five minutes either way, counted to the moment it came in."""
    assert refused(attrs.evolve(signed(), received_at=SIGNED_AT + late)) == "too-old"
    just = attrs.evolve(signed(), received_at=SIGNED_AT + late * 299 / 301)
    assert verified(just).reference == "sub-1-1-1-aa"


def test_callback_without_a_secret_is_refused() -> None:
    """An account without a signature secret believes no callback."""
    with pytest.raises(CallbackRejected) as rejected:
        check(None, ACCOUNT.account_id, signed(), SIGNED_AT)
    assert rejected.value.code == "signature-missing"


@pytest.mark.parametrize("query", ["", "?sid=T1.c1", "?merchant_reference=token-1"])
def test_callback_about_nothing_is_malformed(query: str) -> None:
    """Signed, but without anything that could be looked up."""
    assert refused(signed("https://merchant.example/c" + query)) == "malformed"
