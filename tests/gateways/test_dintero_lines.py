"""Lines of a charge at Dintero: with ids and VAT, adding up, from the charge to its refund."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money import Money
from domain.plan import CaptureMode
from domain.ports import Authorized, Captured, ChargeLine, Declined, Secret
from domain.refund_ports import Refunded
from domain.subscription.charging import attempt_charge
from domain.subscription.crediting import grant_credit
from domain.subscription.invoicing import issue_invoice
from domain.taxes import TaxRate
from infrastructure.gateways.dintero.requests import pay_session, percent, stored_token
from infrastructure.workers.provider_calls import _charge_order, _lines
from tests.gateways.bench import PRICE
from tests.gateways.dintero_bench import ACCOUNT, DinteroBench, Wiretap, on_the_dintero_bench
from tests.gateways.dintero_canned import order
from tests.simulators.dintero_client import Merchant, as_merchant
from tests.specimens import DUE, ZONE_VERSION, signed_up, terms
from tests.vocabulary import given as facts


def line(minor: int, tax: int = 0, ppm: int = 0, currency: str = "USD") -> ChargeLine:
    """A line of a charge."""
    return ChargeLine(
        description="Basic membership",
        amount=Money(minor, currency),
        tax=Money(tax, currency),
        tax_ppm=ppm,
    )


LINES = (line(2500, 500, 250_000), line(575, 75, 150_000), line(-90))


def test_lines_go_with_the_charge_its_capture_and_its_refund() -> None:
    """The same ids each time; a part of several lines names none of them."""

    async def test(bench: DinteroBench) -> None:
        tap = Wiretap()
        gateway = bench.another(tap)
        granted = await bench.vaulted()
        reserve = CaptureMode.AFTER_AUTHORIZATION
        asked = bench.charge_order(granted, "r-1", capture=reserve)
        reserved = await gateway.charge(attrs.evolve(asked, lines=LINES))
        assert isinstance(reserved, Authorized)
        capture = bench.capture_order(asked, reserved.authorization_ref)
        captured = await gateway.capture(attrs.evolve(capture, lines=LINES))
        assert isinstance(captured, Captured)
        for number, minor in enumerate((85, None), start=1):
            refund = bench.refund_order(asked, captured, minor, number=number)
            if minor is None:
                refund = attrs.evolve(refund, amount=Money(PRICE.minor - 85, "USD"))
            assert isinstance(await gateway.refund(refund), Refunded)
        other, all_at_once = (
            bench.charge_order(granted, "r-2"),
            attrs.evolve(asked, reference="r-2"),
        )
        whole = await gateway.charge(attrs.evolve(other, lines=LINES))
        assert isinstance(whole, Captured)
        assert isinstance(await gateway.refund(bench.refund_order(all_at_once, whole)), Refunded)
        await gateway.close()
        sent = [json.loads(each.content) for each in tap.sent if each.method == "POST"]
        placed = sent[0]["session"]["order"]
        assert placed["vat_amount"] == 575
        assert [
            (i["line_id"], i["amount"], i["vat"], i["vat_amount"]) for i in placed["items"]
        ] == [
            ("1", 2500, 25, 500),
            ("2", 575, 15, 75),
            ("3", -90, 0, 0),
        ]
        in_full = [("1", 2500), ("2", 575), ("3", -90)]
        assert ids(sent[1]) == in_full
        assert "items" not in sent[2]
        assert "items" not in sent[3]
        assert ids(sent[5]) == in_full

    on_the_dintero_bench(test)


def ids(body: dict[str, Any]) -> list[tuple[str, int]]:
    """Line ids and amounts of a body."""
    return [(item["line_id"], item["amount"]) for item in body["items"]]


def test_part_of_several_lines_is_captured_without_naming_them() -> None:
    """Then the rest; the book has both."""

    async def test(bench: DinteroBench) -> None:
        granted = await bench.vaulted()
        asked = bench.charge_order(granted, "r-1", capture=CaptureMode.AFTER_AUTHORIZATION)
        reserved = await bench.gateway.charge(attrs.evolve(asked, lines=LINES))
        assert isinstance(reserved, Authorized)
        for number, minor in ((1, 1000), (2, PRICE.minor - 1000)):
            capture = bench.capture_order(
                asked,
                reserved.authorization_ref,
                number=number,
                amount=Money(minor, "USD"),
                final=number == 2,
            )
            answer = await bench.gateway.capture(attrs.evolve(capture, lines=LINES))
            assert isinstance(answer, Captured)
            assert answer.amount.minor == minor
        assert len(bench.controls.book.captures("r-1")) == 2

    on_the_dintero_bench(test)


def test_lines_that_do_not_add_up_are_refused_by_the_simulator() -> None:
    """So that a mistake of ours shows; it is ours to mend, and nothing is charged."""

    async def test(bench: DinteroBench) -> None:
        granted = await bench.vaulted()
        asked = attrs.evolve(bench.charge_order(granted, "r-1"), lines=LINES[:2])
        answer = await bench.gateway.charge(asked)
        assert isinstance(answer, Declined)
        assert "sum of order.items.amount" in answer.message
        assert len(bench.controls.book) == 0

    on_the_dintero_bench(test)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"amount": 29991}, "order.amount must equal"),
        ({"vat_amount": 1}, "order.vat_amount must equal"),
    ],
)
@pytest.mark.parametrize("asked_for", [True, False])
def test_toggle_has_sums_checked(changes: dict[str, int], words: str, asked_for: bool) -> None:
    """strict-session-amounts: 400 in Dintero's own form; without it nobody looks."""

    async def test(merchant: Merchant) -> None:
        body = merchant.body(await merchant.token(), "r-1")
        body["session"]["order"] |= changes
        toggle = {"Dintero-Feature-Toggles": "strict-session-amounts"} if asked_for else None
        status, said = await merchant.call("POST", "/v1/sessions/pay", body, toggle)
        if asked_for:
            assert status == 400
            assert words in said["error"]["message"]
            assert said["success"] is False
        else:
            assert (status, said["status"]) == (200, "CAPTURED")

    as_merchant(test, strict_amounts=False)


AMOUNTS = st.integers(-50_000, 100_000)


@given(st.lists(st.tuples(AMOUNTS, st.integers(0, 999), st.sampled_from([0, 125_000, 250_000]))))
def test_what_is_sent_adds_up_for_all_lines(drawn: list[tuple[int, int, int]]) -> None:
    """To the order's amount and its VAT; every id once."""
    lines = tuple(line(*each, "NOK") for each in drawn)
    total = sum(each.amount.minor for each in lines) if lines else 29990
    asked = attrs.evolve(order(amount=Money(total, "NOK")), lines=lines)
    token = stored_token(asked.token)
    assert token is not None
    body: Any = pay_session(ACCOUNT, asked, token)
    placed = body["session"]["order"]
    items = placed["items"]
    assert sum(each["amount"] for each in items) == placed["amount"]
    assert sum(each.get("vat_amount", 0) for each in items) == placed.get("vat_amount", 0)
    assert [each["line_id"] for each in items] == [str(n + 1) for n in range(len(items))]


def test_percent_has_two_decimals() -> None:
    """25, not 0.25 and not 25.0."""
    shown = [percent(ppm) for ppm in (250_000, 0, 125_000, 255_500, 1_000_000)]
    assert json.dumps(shown) == "[25, 0, 12.5, 25.55, 100]"


def test_order_to_the_provider_has_the_lines() -> None:
    """Of an invoice of 125.00 that a credit of 5.00 pays in part; its capture has the same."""
    rate = TaxRate(code="NO-25", ppm=250_000, included=False)
    start = facts(*signed_up(terms(price=Money(10_000, "NOK"), tax=rate)))
    credit = grant_credit(start.state, Money(500, "NOK"), reason="sorry", now=DUE)
    credited = start.and_(*credit)
    billed = credited.and_(*issue_invoice(credited.state, now=DUE, zone_version=ZONE_VERSION))
    state = billed.and_(*attempt_charge(billed.state, now=DUE)).state
    attempt = state.open_attempt
    assert attempt is not None
    sent = _charge_order(state, attempt, Secret("t"))
    assert sent.amount == Money(12_000, "NOK")
    assert [each.amount.minor for each in sent.lines] == [12_500, -500]
    assert _lines(state, attempt) == sent.lines
    assert _lines(attrs.evolve(state, open_invoices=()), attempt) == ()
