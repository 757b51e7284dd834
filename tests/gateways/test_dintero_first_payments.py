"""The first payment on the page that makes the token, over HTTP and by Dintero's own schemas."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import attrs
import httpx
import pytest

from domain.money import Money
from domain.plan import CaptureMode, Kind
from domain.ports import (
    Authorized,
    Captured,
    ChargeLine,
    ChargeOrder,
    ChargeQuery,
    Declined,
    FirstCharge,
    Granted,
    NotDone,
    NotFound,
    Offered,
    Secret,
    StillOpen,
    TokenDenied,
    TokenOrder,
    TokenQuery,
    Unknown,
)
from domain.refund_ports import RefundOrder
from domain.subscription.events import DeclineClass
from infrastructure.gateways.dintero import requests
from infrastructure.gateways.dintero.account import TOKEN_KINDS, DinteroAccount
from infrastructure.gateways.dintero.requests import stored_token
from infrastructure.simulators.book import Movement
from infrastructure.simulators.faults import CallbackFault, Fault
from tests.gateways.bench import NAMESPACE, PRICE, START, terms
from tests.gateways.dintero_bench import (
    ACCOUNT,
    DinteroBench,
    Wiretap,
    on_the_dintero_bench,
)

REFERENCE = "sub-1-1-1-0123456789"
REFUSED_CARD = "4100000000000076"


def first(**changes: Any) -> FirstCharge:
    """29.85 USD, taken at once."""
    standard = FirstCharge(
        attempt_id=NAMESPACE, reference=REFERENCE, amount=PRICE, capture=CaptureMode.AT_ONCE
    )
    return attrs.evolve(standard, **changes)


def order_of(bench: DinteroBench, **changes: Any) -> TokenOrder:
    """The request for a page that takes that payment."""
    only_look = changes.pop("only_look", False)
    return bench.token_order(first=first(**changes), only_look=only_look)


async def offered(bench: DinteroBench, **changes: Any) -> Offered:
    """The page."""
    answer = await bench.gateway.request_token(order_of(bench, **changes))
    assert isinstance(answer, Offered), answer
    return answer


def payment(bench: DinteroBench, **known: Any) -> ChargeQuery:
    """The question what became of the payment."""
    charge = ChargeOrder(
        attempt_id=NAMESPACE,
        reference=REFERENCE,
        amount=PRICE,
        token=Secret(""),
        instrument=None,  # type: ignore[arg-type]
        terms=terms(),
        subscription_id="sub-1",
        customer_id="customer-1",
        capture=CaptureMode.AT_ONCE,
    )
    return bench.query(charge, **known)


def token(bench: DinteroBench, page: Offered) -> TokenQuery:
    """The question what became of the token."""
    request_id = bench.token_order().request_id
    return TokenQuery(request_id=request_id, provider_ref=page.provider_ref, reference=REFERENCE)


@pytest.mark.parametrize("through", list(TOKEN_KINDS))
def test_paid_and_saved_through_every_product(through: str) -> None:
    """One page, one payment, one token of the kind that the product makes; it can be charged."""

    async def test(bench: DinteroBench) -> None:
        tap = Wiretap()
        gateway = bench.another(tap)
        shown = await gateway.request_token(order_of(bench))
        assert isinstance(shown, Offered)
        sent = tap.sent[-1]
        assert sent.url.path == "/v1/sessions-profile"
        assert sent.headers["Dintero-Feature-Toggles"] == "strict-session-amounts"
        configuration = json.loads(sent.content)["configuration"]
        kind = TOKEN_KINDS[through][0]
        card = {"enabled": True, f"generate_{kind}": True}
        family, _, product = through.partition(".")
        assert configuration == {"auto_capture": True, family: {product: card}}
        await gateway.close()
        looked = await bench.gateway.look_up(payment(bench, order_ref=shown.provider_ref))
        assert isinstance(looked, Unknown)
        assert looked.provider_ref == ""
        assert await bench.gateway.complete_token(token(bench, shown)) == StillOpen()
        await bench.approve(shown.provider_ref)
        for known in ({}, {"order_ref": shown.provider_ref}):
            paid = await bench.gateway.look_up(payment(bench, **known))
            assert isinstance(paid, Captured)
            assert (paid.amount, paid.at) == (PRICE, START)
        granted = await bench.gateway.complete_token(token(bench, shown))
        assert isinstance(granted, Granted)
        kept = stored_token(granted.token)
        assert kept is not None
        assert (kept.product, kept.kind) == (through, kind)
        assert [each.movement for each in bench.controls.book.entries()] == [Movement.CAPTURED]
        again = await bench.gateway.charge(bench.charge_order(granted, "sub-1-2-1-aa"))
        assert isinstance(again, Captured)

    on_the_dintero_bench(test, payment_product_type=through, token_kind=TOKEN_KINDS[through][0])


def test_a_payment_token_where_there_is_no_rhythm() -> None:
    """A recurrence token is for a constant rhythm only."""
    account = attrs.evolve(ACCOUNT)
    on_demand = TokenOrder(
        request_id=NAMESPACE,
        subscription_id="sub-1",
        customer_id="customer-1",
        terms=terms(kind=Kind.UNSCHEDULED),
        start_date=None,
        first=first(),
    )
    body: Any = requests.first_payment_session(account, on_demand, first(), START)
    card = {"enabled": True, "generate_payment_token": True}
    assert body["configuration"]["payex"]["creditcard"] == card


def test_reserved_on_the_page_and_captured_by_us() -> None:
    """With the lines of its tax, which the capture names again; a refund goes back through it."""
    lines = tuple(
        ChargeLine(description=name, amount=Money(minor, "USD"), tax=Money(tax, "USD"), tax_ppm=ppm)
        for name, minor, tax, ppm in (("books", 985, 0, 0), ("rest", 2000, 400, 250_000))
    )

    async def test(bench: DinteroBench) -> None:
        shown = await offered(bench, capture=CaptureMode.AFTER_AUTHORIZATION, lines=lines)
        await bench.approve(shown.provider_ref)
        reserved = await bench.gateway.look_up(payment(bench))
        assert isinstance(reserved, Authorized)
        assert (reserved.amount, reserved.order_ref) == (PRICE, shown.provider_ref)
        granted = await bench.gateway.complete_token(token(bench, shown))
        assert isinstance(granted, Granted)
        charge = attrs.evolve(bench.charge_order(granted, REFERENCE), lines=lines)
        capture = attrs.evolve(bench.capture_order(charge, reserved.authorization_ref), lines=lines)
        taken = await bench.gateway.capture(capture)
        assert isinstance(taken, Captured)
        assert taken.amount == PRICE

    on_the_dintero_bench(test)


@pytest.mark.parametrize("box", ["opt_in", "opt_out"])
@pytest.mark.parametrize("save", [True, False])
def test_the_box_that_saves_the_card(box: str, save: bool) -> None:
    """Left without a tick: paid, and no token; that is a no of its own."""

    async def test(bench: DinteroBench) -> None:
        shown = await offered(bench)
        await bench.approve(shown.provider_ref, save=save)
        assert isinstance(await bench.gateway.look_up(payment(bench)), Captured)
        answer = await bench.gateway.complete_token(token(bench, shown))
        if save:
            assert isinstance(answer, Granted)
        else:
            assert isinstance(answer, TokenDenied)
            assert answer.code == "card-not-saved"

    on_the_dintero_bench(
        test,
        payment_product_type="dintero_psp.creditcard",
        token_kind="payment_token",
        save_card_checkbox=box,
    )


def test_the_box_is_shown_where_it_was_asked_for() -> None:
    """Empty or ticked; other products have none, and a setting for them is a mistake."""
    psp = {"payment_product_type": "dintero_psp.creditcard", "token_kind": "payment_token"}
    for box in ("opt_in", "opt_out"):
        account = attrs.evolve(ACCOUNT, **psp, save_card_checkbox=box)
        ordered = TokenOrder(
            request_id=NAMESPACE,
            subscription_id="sub-1",
            customer_id="customer-1",
            terms=terms(),
            start_date=None,
            first=first(),
        )
        body: Any = requests.first_payment_session(account, ordered, first(), START)
        card = body["configuration"]["dintero_psp"]["creditcard"]
        assert card["generate_payment_token_config"] == {"save_card_checkbox": box}
    with pytest.raises(ValueError, match="no box"):
        attrs.evolve(ACCOUNT, save_card_checkbox="opt_in")
    with pytest.raises(ValueError, match="not opt_in or opt_out"):
        attrs.evolve(ACCOUNT, **psp, save_card_checkbox="yes")


@pytest.mark.parametrize(
    ("box", "tick", "saved"),
    [
        ("opt_in", None, False),
        ("opt_out", "yes", True),
        ("", None, True),
    ],
)
def test_a_browser_sees_the_amount_and_the_box(box: str, tick: str | None, saved: bool) -> None:
    """A form without script: what is paid, and a box; a browser sends it where it is ticked."""

    async def test(bench: DinteroBench) -> None:
        shown = await offered(bench)
        async with httpx.AsyncClient(base_url=bench.base_url) as browser:
            seen = (await browser.get(f"/v1/view/{shown.provider_ref}")).text
            assert "Pay 2985 minor units USD" in seen
            assert ("name=save" in seen, "checked" in seen) == (box != "", box == "opt_out")
            form = {"action": "pay"} | ({} if tick is None else {"save": tick})
            await browser.post(f"/v1/view/{shown.provider_ref}", data=form)
        answer = await bench.gateway.complete_token(token(bench, shown))
        assert isinstance(answer, Granted) == saved

    psp = {"payment_product_type": "dintero_psp.creditcard", "token_kind": "payment_token"}
    on_the_dintero_bench(test, **psp, save_card_checkbox=box)


@pytest.mark.parametrize(
    ("card", "decline", "code"),
    [
        (REFUSED_CARD, DeclineClass.PAYER_ACTION, "ADDITIONAL_VERIFICATION_REQUIRED"),
        ("", DeclineClass.PAYER_ACTION, "CANCELLED"),
    ],
)
def test_not_paid(card: str, decline: DeclineClass, code: str) -> None:
    """A refused card is a decline by its reason; a payer who turned back will not pay there."""

    async def test(bench: DinteroBench) -> None:
        shown = await offered(bench)
        if card:
            await bench.approve(shown.provider_ref, card=card)
        else:
            await bench.refuse(shown.provider_ref)
        for known in ({}, {"order_ref": shown.provider_ref}):
            answer = await bench.gateway.look_up(payment(bench, **known))
            assert isinstance(answer, Declined)
            assert (answer.decline, answer.code) == (decline, code)
        assert isinstance(await bench.gateway.complete_token(token(bench, shown)), TokenDenied)
        (hook,) = await bench.callbacks(1)
        hint = await bench.gateway.verify(hook)
        assert hint.reference == REFERENCE
        assert hint.event_type.startswith("error.")
        moved = [
            each for each in bench.controls.book.entries() if each.movement is Movement.CAPTURED
        ]
        assert moved == []

    on_the_dintero_bench(test)


def test_a_session_that_expired_took_nothing() -> None:
    """Not before a payer who began in time could have ended."""

    async def test(bench: DinteroBench) -> None:
        shown = await offered(bench)
        bench.pass_time(timedelta(days=3, minutes=59))
        known = {"order_ref": shown.provider_ref}
        assert isinstance(await bench.gateway.look_up(payment(bench, **known)), Unknown)
        bench.pass_time(timedelta(minutes=2))
        for each in (known, {}):
            assert isinstance(await bench.gateway.look_up(payment(bench, **each)), NotFound)
        gone = {"order_ref": shown.provider_ref[:-3] + "fff"}
        assert isinstance(await bench.gateway.look_up(payment(bench, **gone)), NotFound)

    on_the_dintero_bench(test)


@pytest.mark.parametrize(
    ("fault", "there_after_s"),
    [
        (Fault.LOST_ANSWER, 0),
        (Fault.ERROR_AFTER, 0),
        (Fault.HTML_AFTER, 0),
        (Fault.TRUNCATED_AFTER, 0),
        (Fault.LATE_SUCCESS, 121),
        (Fault.TIME_OUT_BEFORE, None),
        (Fault.ERROR_BEFORE, None),
    ],
)
def test_F06_a_page_whose_answer_was_lost(fault: Fault, there_after_s: int | None) -> None:
    """In doubt; it is found by its reference if it was made, and looking never makes one."""

    async def test(bench: DinteroBench) -> None:
        bench.strike("charge", REFERENCE, fault)
        assert isinstance(await bench.gateway.request_token(order_of(bench)), Unknown)
        looking = order_of(bench, only_look=True)
        if there_after_s is None or there_after_s:
            assert isinstance(await bench.gateway.request_token(looking), NotDone)
            assert isinstance(await bench.gateway.look_up(payment(bench)), NotFound)
        if there_after_s is None:
            return
        bench.pass_time(timedelta(seconds=there_after_s))
        found = await bench.gateway.request_token(looking)
        assert isinstance(found, Offered)
        await bench.approve(found.provider_ref)
        assert isinstance(await bench.gateway.look_up(payment(bench)), Captured)
        assert await bench.gateway.request_token(looking) == found

    on_the_dintero_bench(test)


def test_what_was_certainly_not_done() -> None:
    """Rate limited: nothing was made, and it may be asked for again."""

    async def test(bench: DinteroBench) -> None:
        bench.strike("charge", REFERENCE, Fault.RATE_LIMITED)
        assert isinstance(await bench.gateway.request_token(order_of(bench)), NotDone)
        assert isinstance(await bench.gateway.request_token(order_of(bench)), Offered)

    on_the_dintero_bench(test)


@pytest.mark.parametrize(
    ("fault", "answer"),
    [(Fault.SOFT_DECLINE, Declined), (Fault.WRONG_AMOUNT, Captured), (Fault.PENDING, Unknown)],
)
def test_what_goes_wrong_when_it_is_paid(fault: Fault, answer: type[Any]) -> None:
    """The plan strikes the payment, not the page."""

    async def test(bench: DinteroBench) -> None:
        bench.strike("charge", REFERENCE, fault)
        shown = await offered(bench)
        await bench.approve(shown.provider_ref)
        seen = await bench.gateway.look_up(payment(bench, order_ref=shown.provider_ref))
        assert isinstance(seen, answer), seen
        if isinstance(seen, Captured):
            assert seen.amount == PRICE - Money(1, "USD")
        if fault is Fault.PENDING:
            bench.pass_time(timedelta(seconds=121))
            assert isinstance(await bench.gateway.look_up(payment(bench)), Captured)

    on_the_dintero_bench(test)


def test_callbacks_of_the_page_name_the_payment() -> None:
    """As often as they come, and whether before the browser is sent back or after."""

    async def test(bench: DinteroBench) -> None:
        bench.strike("callback", REFERENCE, CallbackFault.DUPLICATE)
        shown = await offered(bench)
        await bench.approve(shown.provider_ref)
        hooks = await bench.callbacks(3)
        hints = {await bench.gateway.verify(each) for each in hooks}
        assert len(hints) == 1
        (hint,) = hints
        assert (hint.reference, hint.token_request_ref) == (REFERENCE, "")

    on_the_dintero_bench(test)


def test_sums_that_do_not_add_up_are_refused() -> None:
    """The toggle asks Dintero to look; the request is denied, and there is no page."""
    wrong = (ChargeLine(description="x", amount=Money(1, "USD"), tax=Money(0, "USD"), tax_ppm=0),)

    async def test(bench: DinteroBench) -> None:
        answer = await bench.gateway.request_token(order_of(bench, lines=wrong))
        assert isinstance(answer, TokenDenied)
        assert isinstance(await bench.gateway.look_up(payment(bench)), NotFound)
        huge = order_of(bench, amount=Money(2**31, "USD"))
        answer = await bench.gateway.request_token(huge)
        assert isinstance(answer, TokenDenied)
        assert answer.code == "AMOUNT_OUT_OF_RANGE"

    on_the_dintero_bench(test)


def test_it_goes_back_as_any_charge() -> None:
    """A refund names the payment's transaction and lines."""

    async def test(bench: DinteroBench) -> None:
        shown = await offered(bench)
        await bench.approve(shown.provider_ref)
        paid = await bench.gateway.look_up(payment(bench))
        assert isinstance(paid, Captured)
        order = RefundOrder(
            refund_id=NAMESPACE,
            reference=f"{REFERENCE}-r1",
            amount=PRICE,
            charge_reference=REFERENCE,
            charge_ref=paid.provider_ref,
            reason="sorry",
        )
        back = await bench.gateway.refund(order)
        assert type(back).__name__ == "Refunded"

    on_the_dintero_bench(test)


def test_profile_is_named() -> None:
    """The account's, or the one that most accounts have."""
    for given, named in (("", "default"), ("red", "red")):
        account: DinteroAccount = attrs.evolve(ACCOUNT, profile_id=given)
        ordered = TokenOrder(
            request_id=NAMESPACE,
            subscription_id="sub-1",
            customer_id="customer-1",
            terms=terms(),
            start_date=None,
            first=first(),
        )
        body = requests.first_payment_session(account, ordered, first(), START)
        assert body["profile_id"] == named
