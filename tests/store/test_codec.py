"""Events as JSON: what is stored under a name can be read for ever, and nothing else is."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import attrs
import pytest

from domain.money import Money
from domain.plan import DunningEnd, Proration, RetryPolicy
from domain.providers import Provider
from domain.recorded import STORED_NAMES
from domain.subscription.events import (
    ChargeSucceeded,
    RetryScheduled,
    SubscriptionCancelled,
    SubscriptionCompleted,
)
from infrastructure.store.codec import LARGEST_BODY_BYTES, Codec, DecodeError, EncodeError
from infrastructure.store.instants import InstantCheck, in_utc
from tests.examples import EXAMPLES as SUBSCRIPTION_EXAMPLES
from tests.examples import PLAN_EXAMPLES, SETTLEMENT_EXAMPLES
from tests.examples_of_due_runs import DUE_RUN_EXAMPLES
from tests.examples_of_periods import PERIOD_EXAMPLES
from tests.examples_of_restorations import RESTORATION_EXAMPLES

GOLDEN = Path(__file__).parent / "golden"
# Facts whose class has got fields since their first golden file was written. That file stays as it
# is, for it is what old books hold; what is written today is beside it, under the name given here.
LATEST = {
    "credit-granted.v1": "credit-granted.v1+tax",
    "invoice-issued.v1": "invoice-issued.v1+tax",
    "subscription-started.v1": "subscription-started.v1+tax",
    "terms-changed.v1": "terms-changed.v1+tax",
    "token-requested.v1": "token-requested.v1+first-charge",
}
# What was written for a while between the first file and the latest.
BETWEEN = {
    "subscription-started.v1": ("subscription-started.v1+quantity",),
    "token-requested.v1": ("token-requested.v1+provider",),
}
codec = Codec()
EXAMPLES: dict[str, Any] = {
    **SUBSCRIPTION_EXAMPLES,
    **PLAN_EXAMPLES,
    **PERIOD_EXAMPLES,
    **SETTLEMENT_EXAMPLES,
    **DUE_RUN_EXAMPLES,
    **RESTORATION_EXAMPLES,
}
SUCCEEDED = EXAMPLES["charge-succeeded.v1"]


def changed(name: str, **fields: object) -> bytes:
    """The golden text of a name with some fields set."""
    return json.dumps(json.loads((GOLDEN / f"{name}.json").read_bytes()) | fields).encode()


def golden(file: str) -> bytes:
    """The text of a golden file."""
    return (GOLDEN / f"{file}.json").read_bytes().rstrip(b"\n")


def test_every_stored_name_has_an_example_and_a_golden_file():
    """No name is forgotten, and no golden file outlives its name."""
    assert set(EXAMPLES) == set(STORED_NAMES)
    assert {path.stem for path in GOLDEN.glob("*.json")} == {
        *STORED_NAMES,
        *LATEST.values(),
        *(file for files in BETWEEN.values() for file in files),
    }
    assert set(LATEST) <= set(STORED_NAMES)


@pytest.mark.parametrize("name", sorted(STORED_NAMES))
def test_an_example_encodes_to_its_golden_file(name):
    """The text of an event does not change."""
    assert codec.encode(EXAMPLES[name]) == (name, golden(LATEST.get(name, name)))


@pytest.mark.parametrize("name", sorted(STORED_NAMES))
def test_a_golden_file_decodes_to_its_example(name):
    """What was written once is read as it was meant, also before its class had got new fields."""
    assert codec.decode(name, golden(name)) == EXAMPLES[name]
    for file in (*BETWEEN.get(name, ()), LATEST.get(name, name)):
        assert codec.decode(name, golden(file)) == EXAMPLES[name]


def test_a_start_from_before_quantities_is_one_unit_prorated_by_day():
    """Old books say nothing of either: their terms mean what they always meant."""
    name = "subscription-started.v1"
    assert not {"quantity", "proration"} & set(json.loads(golden(name))["terms"])
    terms = codec.decode(name, golden(name)).terms
    assert (terms.quantity, terms.proration) == (1, Proration.BY_DAY)
    assert terms.amount == terms.price


def test_a_policy_from_before_the_end_of_dunning_leaves_what_is_owed_open():
    """Nothing that was agreed to before is suspended, cancelled or given up."""
    name = "subscription-started.v1"
    assert set(json.loads(golden(name))["terms"]["retry"]) == {"wait_days"}
    policy = codec.decode(name, golden(name)).terms.retry
    assert (policy.end, policy.grace_days) == (DunningEnd.LEAVE_OPEN, 0)


def test_a_token_request_from_before_moves_stays_where_it_is():
    """Old books name no provider in a request; a new one names both or neither."""
    name = "token-requested.v1"
    assert not {"provider", "account"} & set(json.loads(golden(name)))
    old = codec.decode(name, golden(name))
    assert (old.provider, old.account) == (None, "")
    moved = attrs.evolve(EXAMPLES[name], provider=Provider.DINTERO, account="second")
    assert codec.decode(*codec.encode(moved)) == moved


def test_a_token_request_from_before_payments_on_pages_has_none():
    """Old books' pages took no payment; a new request names the attempt that its page takes."""
    name = "token-requested.v1"
    for file in ("token-requested.v1", "token-requested.v1+provider"):
        assert codec.decode(name, golden(file)).first_charge is None
    paid = attrs.evolve(EXAMPLES[name], first_charge=EXAMPLES["charge-attempted.v1"].attempt_id)
    assert codec.decode(*codec.encode(paid)) == paid


@pytest.mark.parametrize("end", list(DunningEnd))
def test_the_end_of_dunning_is_stored(end):
    """What was agreed to is read as it was written, and not as the default."""
    name = "subscription-started.v1"
    terms = attrs.evolve(EXAMPLES[name].terms, retry=RetryPolicy((1,), end, 14))
    _, body = codec.encode(attrs.evolve(EXAMPLES[name], terms=terms))
    assert codec.decode(name, body).terms.retry == RetryPolicy((1,), end, 14)


@pytest.mark.parametrize("policy", list(Proration))
def test_quantity_and_proration_are_stored(policy):
    """What was agreed to is read as it was written, and not as the default."""
    name = "subscription-started.v1"
    terms = attrs.evolve(EXAMPLES[name].terms, quantity=7, proration=policy)
    _, body = codec.encode(attrs.evolve(EXAMPLES[name], terms=terms))
    assert (json.loads(body)["terms"]["quantity"], json.loads(body)["terms"]["proration"]) == (
        7,
        policy.value,
    )
    assert codec.decode(name, body).terms == terms


@pytest.mark.parametrize("field", ["quantity", "proration"])
def test_a_quantity_of_another_type_is_an_error(field):
    """A default stands for what is not there, never for what cannot be read."""
    name = "subscription-started.v1"
    for value in ("x", None, 1.5):
        fields = json.loads(golden(LATEST[name]))
        fields["terms"][field] = value
        with pytest.raises(DecodeError):
            codec.decode(name, json.dumps(fields).encode())


def test_key_order_and_spacing_do_not_matter():
    """A row written by hand or by another tool is read all the same."""
    fields = json.loads((GOLDEN / "charge-succeeded.v1.json").read_bytes())
    text = json.dumps(dict(reversed(fields.items())), indent=2).encode()
    assert codec.decode("charge-succeeded.v1", text) == SUCCEEDED


def test_F44_an_unknown_name_is_an_error():
    """Code that does not know an event refuses it."""
    with pytest.raises(DecodeError, match=r"charge-succeeded\.v2"):
        codec.decode("charge-succeeded.v2", b"{}")


def test_F44_an_unknown_field_is_an_error():
    """Newer events are not misread by older code."""
    with pytest.raises(DecodeError, match="unknown field 'fee'"):
        codec.decode("charge-succeeded.v1", changed("charge-succeeded.v1", fee=1))


@pytest.mark.parametrize("place", ["amount", "lines"])
def test_an_unknown_field_inside_is_an_error(place):
    """However deep it lies, also inside arrays."""
    fields = json.loads((GOLDEN / "invoice-issued.v1.json").read_bytes())
    line = fields["lines"][1]
    (line["amount"] if place == "amount" else line)["fee"] = 1
    with pytest.raises(DecodeError, match=r"unknown field 'lines\.1\..*fee'"):
        codec.decode("invoice-issued.v1", json.dumps(fields).encode())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b"null",
        b"\xff",
        b"[" * 100_000,
        changed("charge-succeeded.v1", invoice_number="1"),
        changed("charge-succeeded.v1", invoice_number=1.5),
        changed("charge-succeeded.v1", attempt_id="no uuid"),
        changed("charge-succeeded.v1", amount={"minor": 1.0, "currency": "USD"}),
        changed("charge-succeeded.v1", effective_at="yesterday"),
        changed("charge-succeeded.v1", evidence=None),
    ],
    ids=lambda body: repr(body[:20]),
)
def test_F26_what_is_not_such_an_event_is_an_error(body):
    """Malformed JSON, missing fields and wrong types end in DecodeError and nothing else."""
    with pytest.raises(DecodeError):
        codec.decode("charge-succeeded.v1", body)


@pytest.mark.parametrize(
    ("amount", "reason"),
    [
        ({"minor": 1, "currency": "XXX"}, "currency-unknown"),
        ({"minor": 10**16, "currency": "USD"}, "money-too-large"),
    ],
)
def test_F26_what_a_value_refuses_is_an_error_of_decoding(amount, reason):
    """A rule of a value class does not escape as a refusal."""
    with pytest.raises(DecodeError, match=reason):
        codec.decode("charge-succeeded.v1", changed("charge-succeeded.v1", amount=amount))


def test_an_old_agreement_is_read_whatever_may_be_agreed_to_today():
    """Rules about terms belong to decisions: a stored start is never refused by them."""
    name = "subscription-started.v1"
    fields = json.loads((GOLDEN / f"{name}.json").read_bytes())
    fields["terms"]["interval"]["count"] = 500
    fields["terms"]["retry"]["wait_days"] = [0, 99]
    event = codec.decode(name, json.dumps(fields).encode())
    assert (event.terms.interval.count, event.terms.retry.wait_days) == (500, (0, 99))


def test_F26_too_big_a_body_is_an_error():
    """A megabyte is no event of ours, neither way."""
    long = "x" * LARGEST_BODY_BYTES
    with pytest.raises(DecodeError, match="bytes"):
        codec.decode("charge-succeeded.v1", changed("charge-succeeded.v1", evidence=long))
    with pytest.raises(EncodeError, match="bytes"):
        codec.encode(attrs.evolve(SUCCEEDED, evidence=long))


def test_an_instant_without_a_zone_is_refused_both_ways():
    """It would mean another time to every reader."""
    with pytest.raises(EncodeError, match="time zone"):
        codec.encode(SubscriptionCompleted(effective_at=datetime(2026, 1, 1)))  # noqa: DTZ001
    with pytest.raises(DecodeError, match="time zone"):
        codec.decode("subscription-completed.v1", b'{"effective_at":"2026-01-01T00:00:00"}')


@pytest.mark.parametrize("zone", [timezone(timedelta(hours=2)), ZoneInfo("Europe/Oslo")], ids=str)
def test_instants_are_stored_in_utc(zone):
    """Whatever zone they come in; the moment stays the same."""
    at = datetime(2026, 7, 1, 2, 0, tzinfo=zone)
    event = RetryScheduled(
        attempt_id=UUID(int=1), invoice_number=1, retry_number=1, retry_at=at, effective_at=at
    )
    name, body = codec.encode(event)
    assert json.loads(body)["retry_at"] == "2026-07-01T00:00:00Z"
    assert codec.decode(name, body).retry_at == at


def test_an_instant_in_another_name_for_utc_stays():
    """ZoneInfo("UTC") is UTC."""
    at = datetime(2026, 7, 1, tzinfo=ZoneInfo("UTC"))
    _, body = codec.encode(SubscriptionCompleted(effective_at=at))
    assert json.loads(body)["effective_at"] == "2026-07-01T00:00:00Z"


@attrs.frozen
class Inner:
    """A value that holds an instant."""

    at: datetime | None


@attrs.frozen
class Outer:
    """An event-like class whose only instants lie inside."""

    inners: tuple[Inner, ...]


def test_instants_inside_values_are_found():
    """Also in a tuple of values, where msgspec would let them pass."""
    check = InstantCheck(Outer)
    naive = Outer((Inner(None), Inner(datetime(2026, 1, 1))))  # noqa: DTZ001
    oslo = Outer((Inner(datetime(2026, 1, 1, tzinfo=ZoneInfo("Europe/Oslo"))),))
    assert not check.are_zoned(naive)
    assert check.are_zoned(oslo)
    assert not check.are_utc(oslo)
    assert check.are_utc(in_utc(oslo))


def test_what_has_no_stored_name_is_not_encoded():
    """A class that is not registered is no event."""
    with pytest.raises(EncodeError, match="Money"):
        codec.encode(Money(1, "USD"))


def test_text_that_is_no_unicode_is_not_encoded():
    """A lone surrogate cannot be stored."""
    with pytest.raises(EncodeError):
        codec.encode(SubscriptionCancelled(reason="\ud800", effective_at=datetime.now(UTC)))


def _v0_to_v1(fields: dict) -> tuple[str, dict]:
    """An invented older shape: the amount was in cents, always dollars."""
    cents = fields.pop("cents")
    return "charge-succeeded.v1", {**fields, "amount": {"minor": cents, "currency": "USD"}}


def _old_to_v0(fields: dict) -> tuple[str, dict]:
    """An older one still, that said "source" for "evidence"."""
    source = fields.pop("source")
    return "charge-succeeded.v0", {**fields, "evidence": source}


UPCASTS = {"charge-succeeded.v0": _v0_to_v1, "charge-done": _old_to_v0}


def old_body(**fields: object) -> bytes:
    """An event in the oldest invented shape."""
    present = json.loads((GOLDEN / "charge-succeeded.v1.json").read_bytes())
    present["source"] = present.pop("evidence")
    present["cents"] = present.pop("amount")["minor"]
    return json.dumps(present | fields).encode()


def test_an_old_event_is_lifted_step_by_step_when_it_is_read():
    """Upcasts follow one another to the present name."""
    event = Codec(upcasts=UPCASTS).decode("charge-done", old_body())
    assert isinstance(event, ChargeSucceeded)
    assert event == SUCCEEDED


def test_a_lifted_event_is_held_to_the_same_rules():
    """What an upcast leaves over is an unknown field."""
    with pytest.raises(DecodeError, match="unknown field 'more'"):
        Codec(upcasts=UPCASTS).decode("charge-done", old_body(more=1))


@pytest.mark.parametrize("body", [b"{}", b"[]", b"{"])
def test_F26_an_old_event_that_cannot_be_lifted_is_an_error(body):
    """A step that fails is a DecodeError."""
    with pytest.raises(DecodeError):
        Codec(upcasts=UPCASTS).decode("charge-done", body)


def test_upcasts_that_run_in_a_circle_end():
    """A mistake in the table is an error, not a hang."""
    circle = {"a": lambda fields: ("b", fields), "b": lambda fields: ("a", fields)}
    with pytest.raises(DecodeError, match="not the name"):
        Codec(upcasts=circle).decode("a", b"{}")
