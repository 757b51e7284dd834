"""The Dintero gateway against its simulator: what it sends, and what it keeps of a card."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import attrs
import pytest

from domain.plan import CaptureMode
from domain.ports import (
    Authorized,
    Captured,
    Declined,
    Secret,
    Unknown,
)
from domain.refund_ports import Refunded, Voided
from domain.subscription.events import DeclineClass
from infrastructure.gateways.dintero.account import DinteroAccount
from infrastructure.gateways.dintero.requests import REPORTED, StoredToken, callback_url
from infrastructure.simulators.faults import Fault
from tests.gateways.bench import PRICE
from tests.gateways.dintero_bench import (
    ACCOUNT,
    OPTIONS,
    SPECIFICATION,
    DinteroBench,
    Wiretap,
    on_the_dintero_bench,
)


def test_everything_that_is_sent_fits_the_specification() -> None:
    """Requests of tokens, charges, captures, refunds and voids pass Dintero's own schemas."""
    if not SPECIFICATION.exists():
        pytest.skip("Dintero's specification is not beside this checkout")
    assert OPTIONS.specification == SPECIFICATION

    async def test(bench: DinteroBench) -> None:
        granted = await bench.vaulted()
        tap = Wiretap()
        gateway = bench.another(tap)
        reserve = bench.charge_order(
            granted, "sub-1-1-1-aa", capture=CaptureMode.AFTER_AUTHORIZATION
        )
        authorized = await gateway.charge(reserve)
        assert isinstance(authorized, Authorized)
        capture = bench.capture_order(reserve, authorized.authorization_ref)
        captured = await gateway.capture(capture)
        assert isinstance(captured, Captured)
        at_once = bench.charge_order(granted, "sub-1-2-1-aa")
        assert isinstance(await gateway.charge(at_once), Captured)
        given_back = await gateway.refund(bench.refund_order(reserve, captured, 1000))
        assert isinstance(given_back, Refunded)
        let_go, reserved = await bench.authorized("sub-1-3-1-aa")
        assert isinstance(await gateway.void(bench.void_order(let_go, reserved)), Voided)
        sent = [request.method for request in tap.sent]
        assert sent == [*("POST",) * 3, "GET", "POST", "POST"]
        for request in tap.sent:
            assert request.headers["Dintero-System-Name"] == "billing-ledger"
        await gateway.close()

    on_the_dintero_bench(test, profile_id="default")


@pytest.mark.parametrize(
    ("kind", "operation"),
    [("recurrence_token", "recurring_purchase"), ("payment_token", "unscheduled_purchase")],
)
def test_kind_of_token_decides_the_operation(kind: str, operation: str) -> None:
    """Recurrence tokens are charged as recurring purchases, payment tokens as unscheduled ones."""

    async def test(bench: DinteroBench) -> None:
        granted = await bench.vaulted()
        assert f"/{kind}/" in granted.token.reveal()
        tap = Wiretap()
        gateway = bench.another(tap)
        assert isinstance(await gateway.charge(bench.charge_order(granted, "r-1")), Captured)
        await gateway.close()
        (request,) = tap.sent
        assert f'"operation":"{operation}"' in request.content.decode()
        assert request.headers["Dintero-Feature-Toggles"] == "strict-merchant-reference"
        assert '"auto_capture":true' in request.content.decode()

    on_the_dintero_bench(test, token_kind=kind)


def test_callbacks_of_a_charge_are_asked_for_where_dintero_looks() -> None:
    """session.url.callback_url, with failures and what follows reported; own options are kept."""
    url = callback_url("https://merchant.example/c?books=main", *REPORTED)
    parts = urlsplit(url)
    assert (parts.netloc, parts.path) == ("merchant.example", "/c")
    assert parse_qs(parts.query) == {
        "books": ["main"],
        "method": ["GET"],
        "report_error": ["true"],
        "sid_parameter_name": ["sid"],
        "report_event": ["CAPTURE", "REFUND", "VOID"],
    }


def test_expired_access_token_is_renewed() -> None:
    """A month later the access token is a new one, and the charge goes through at once."""

    async def test(bench: DinteroBench) -> None:
        granted = await bench.vaulted()
        bench.pass_time(timedelta(days=31))
        answer = await bench.gateway.charge(bench.charge_order(granted, "r-1"))
        assert isinstance(answer, Captured)

    on_the_dintero_bench(test)


def test_F38_token_that_dintero_does_not_know_is_ours_to_mend() -> None:
    """Dintero refuses it with a 4xx and no session bears the reference: a definite no."""

    async def test(bench: DinteroBench) -> None:
        granted = await bench.vaulted()
        lost = StoredToken("payex.creditcard", "recurrence_token", "no-such-token").sealed()
        answer = await bench.gateway.charge(
            bench.charge_order(attrs.evolve(granted, token=lost), "r-1")
        )
        assert isinstance(answer, Declined)
        assert answer.decline is DeclineClass.MERCHANT
        assert bench.controls.book.captures("r-1") == ()

    on_the_dintero_bench(test)


def test_secret_that_is_no_token_of_dinteros_is_not_sent() -> None:
    """A secret of another shape is refused here, and not shown."""

    async def test(bench: DinteroBench) -> None:
        granted = await bench.vaulted()
        tap = Wiretap()
        gateway = bench.another(tap)
        order = bench.charge_order(attrs.evolve(granted, token=Secret("paypal-token")), "r-1")
        answer = await gateway.charge(order)
        await gateway.close()
        assert isinstance(answer, Declined)
        assert answer.code == "TOKEN_UNREADABLE"
        assert "paypal-token" not in repr(answer)
        assert tap.sent == []

    on_the_dintero_bench(test)


def test_pending_capture_is_called_back_once_it_is_done() -> None:
    """The CAPTURE callback of a lagging auto-capture leads to the captured transaction."""

    async def test(bench: DinteroBench) -> None:
        granted = await bench.vaulted()
        await bench.callbacks(1)
        bench.received.clear()
        order = bench.charge_order(granted, "r-1")
        bench.strike("charge", order.reference, Fault.PENDING)
        pending = await bench.gateway.charge(order)
        assert isinstance(pending, Unknown)
        await bench.callbacks(1)
        bench.pass_time(timedelta(seconds=bench.controls.faults.late_s))
        bench.controls.clock.due()
        (_, callback) = await bench.callbacks(2)
        hint = await bench.gateway.verify(callback)
        assert (hint.event_type, hint.reference) == ("CAPTURE", "r-1")
        found = await bench.gateway.look_up(bench.query(order))
        assert isinstance(found, Captured)
        assert found.amount == PRICE

    on_the_dintero_bench(test)


def test_account_without_callbacks_asks_for_none() -> None:
    """An empty callback URL leaves it out; then only look-ups tell."""

    async def test(bench: DinteroBench) -> None:
        gateway = bench.another(callback_url="")
        try:
            granted = await bench.vaulted()
            await bench.callbacks(1)
            answer = await gateway.charge(bench.charge_order(granted, "r-1"))
            assert isinstance(answer, Captured)
            assert len(await bench.callbacks(1)) == 1
        finally:
            await gateway.close()

    on_the_dintero_bench(test)


@pytest.mark.parametrize(
    "changes",
    [
        {"account_id": "X12345678"},
        {"account_id": "T1234567"},
        {"payment_product_type": "payex.swish"},
        {"payment_product_type": "bambora.creditcard"},
        {"token_kind": "card_token"},
    ],
)
def test_account_that_cannot_work_is_refused(changes: dict[str, Any]) -> None:
    """Only Swedbank Pay makes recurrence tokens; account ids are T or P and eight digits."""
    with pytest.raises(ValueError, match=r"."):
        attrs.evolve(ACCOUNT, **changes)


def test_account_shows_no_secret() -> None:
    """Neither secret is in the account's repr."""
    assert isinstance(ACCOUNT, DinteroAccount)
    assert "a-client-secret" not in repr(ACCOUNT)
    assert "a-signature-secret" not in repr(ACCOUNT)
