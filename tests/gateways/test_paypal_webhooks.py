"""Whose webhooks are believed: signatures, ages, and what they say."""

from __future__ import annotations

from datetime import timedelta
from zlib import crc32

import attrs
import msgspec
import pytest

from domain.ports import Hint
from infrastructure.gateways.paypal.wire import time_of
from tests.gateways.bench import START
from tests.gateways.paypal_signed import (
    CERT_URL,
    Verifying,
    certificate,
    pem,
    rejected,
    verified,
    webhook,
)


def test_genuine_webhook_is_a_hint() -> None:
    """Signature, certificate and age hold: the event says where to look."""
    assert verified(webhook()) == Hint(
        delivery_id="WH-58D329510W468432D-8HN650336L201105X",
        event_type="PAYMENT.CAPTURE.COMPLETED",
        reference="sub-1-1-1-aa",
    )


@pytest.mark.parametrize(
    "body",
    [
        b'{"id":"WH-1", "event_type":"X",  "resource":{"amount":1.0}}',
        b'{"id":"WH-1","event_type":"X","note":"\\u00e6 \xc3\xa6"}\n',
    ],
)
def test_signature_is_over_the_bytes(body: bytes) -> None:
    """Spaces, escapes and line ends are part of what is signed; nothing is written anew."""
    assert verified(webhook(body)).delivery_id == "WH-1"


def test_checksum_is_unsigned() -> None:
    """A body whose CRC-32 has its top bit set verifies as well."""
    body = next(
        text
        for number in range(100)
        if crc32(text := b'{"id":"WH-%d","event_type":"X"}' % number) >= 2**31
    )
    assert verified(webhook(body)).event_type == "X"


@pytest.mark.parametrize(
    "name",
    [
        "paypal-transmission-id",
        "paypal-transmission-time",
        "paypal-transmission-sig",
        "paypal-cert-url",
        "paypal-auth-algo",
    ],
)
def test_F13_each_header_is_needed(name: str) -> None:
    """A webhook without one of the five headers is unsigned."""
    callback = webhook()
    headers = {key: value for key, value in callback.headers.items() if key != name}
    with rejected("signature-missing"):
        verified(attrs.evolve(callback, headers=headers))


def test_F13_account_without_a_webhook_believes_none() -> None:
    """An empty webhook id must not make signatures over an empty id good."""
    with rejected("signature-missing"):
        verified(webhook(webhook_id=""), webhook_id="")


def test_F14_altered_body_is_refused() -> None:
    """One byte more and the signature does not hold."""
    callback = webhook()
    with rejected("signature-wrong"):
        verified(attrs.evolve(callback, body=callback.body + b" "))


@pytest.mark.parametrize(
    "changes",
    [
        {"paypal_transmission_id": "another"},
        {"paypal_transmission_time": "2026-03-01T10:00:01Z"},
        {"paypal_transmission_sig": "bm8="},
        {"paypal_transmission_sig": "not base64!"},
        {"paypal_auth_algo": "SHA1withRSA"},
        {"paypal_auth_algo": "none"},
    ],
)
def test_F13_every_signed_part_counts(changes: dict[str, str]) -> None:
    """Id, time and algorithm cannot be swapped under a signature."""
    with rejected("signature-wrong"):
        verified(webhook(**changes))


@pytest.mark.parametrize(
    ("seconds", "is_believed"), [(0, True), (299, True), (301, False), (-299, True), (-301, False)]
)
def test_F15_age_is_five_minutes_either_way(seconds: int, is_believed: bool) -> None:
    """Older, or from a future that our clock does not know, is refused before any fetch."""
    verifying = Verifying({CERT_URL: pem(certificate())})
    callback = attrs.evolve(webhook(), received_at=START + timedelta(seconds=seconds))
    if is_believed:
        verifying.verify(callback)
    else:
        with rejected("too-old"):
            verifying.verify(callback)
        assert verifying.fetched == []


@pytest.mark.parametrize("time", ["yesterday", "2026-03-01T10:00:00"])
def test_time_that_is_no_time_is_malformed(time: str) -> None:
    """A time without its offset is none."""
    with rejected("malformed"):
        verified(webhook(paypal_transmission_time=time))


@pytest.mark.parametrize(
    "body", [b"not json", b"[]", b"{}", b'{"id":"","event_type":"X"}', b'{"id":1}', b"\xff"]
)
def test_signed_nonsense_is_malformed(body: bytes) -> None:
    """A good signature over something that is no event."""
    with rejected("malformed"):
        verified(webhook(body))


@pytest.mark.parametrize(
    ("resource", "reference", "token_request"),
    [
        ({"invoice_id": "ref-1"}, "ref-1", ""),
        ({"purchase_units": [{"invoice_id": "ref-2"}]}, "ref-2", ""),
        ({"custom_id": "an attempt id is no reference"}, "", ""),
        ({"links": [{"href": "https://x.example/v3/vault/setup-tokens/ST-1"}]}, "", "ST-1"),
        ({"links": [{"href": "https://x.example/a?approval_session_id=ST-2"}]}, "", "ST-2"),
        ({"id": "8kk8451t", "links": "none", "purchase_units": {}}, "", ""),
        (None, "", ""),
    ],
)
def test_hint_says_what_the_event_names(
    resource: object, reference: str, token_request: str
) -> None:
    """Reference and token request where the resource names them; else the hint says less."""
    body = msgspec.json.encode({"id": "WH-1", "event_type": "X", "resource": resource})
    hint = verified(webhook(body))
    assert (hint.reference, hint.token_request_ref) == (reference, token_request)


def test_event_of_a_kind_that_we_do_not_know_is_kept() -> None:
    """A type that PayPal invents tomorrow is verified, and a hint like the others."""
    body = b'{"id":"WH-1","event_type":"PAYMENT.CAPTURE.TELEPORTED","resource":{"x":1}}'
    assert verified(webhook(body)) == Hint(
        delivery_id="WH-1", event_type="PAYMENT.CAPTURE.TELEPORTED"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2022-08-26T18:25:57.449PDT", "2022-08-27T01:25:57.449000+00:00"),
        ("2022-12-26T18:25:57.449PST", "2022-12-27T02:25:57.449000+00:00"),
        ("2022-08-26T18:25:57.449GMT", "2022-08-26T18:25:57.449000+00:00"),
        ("2022-08-26T18:25:57.449Z", "2022-08-26T18:25:57.449000+00:00"),
        ("2022-08-26T18:25:57-07:00", "2022-08-27T01:25:57+00:00"),
    ],
)
def test_times_as_paypal_writes_them(text: str, expected: str) -> None:
    """Also with a zone by its name, as events of the vault bear."""
    moment = time_of(text)
    assert moment is not None
    assert moment.isoformat() == expected


@pytest.mark.parametrize(
    "text", ["2022-08-26T18:25:57.449CET", "PDT", "", "2022-08-26T18:25", None]
)
def test_times_that_are_none(text: object) -> None:
    """A zone that we do not know is not guessed."""
    assert time_of(text) is None


def test_transmission_time_may_name_its_zone() -> None:
    """03:00 PDT is 10:00 UTC; what is signed is the text as it came."""
    sent_at = "2026-03-01T03:00:00.449PDT"
    with rejected("signature-wrong"):  # by age it passes
        verified(webhook(paypal_transmission_time=sent_at))
