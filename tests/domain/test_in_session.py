"""The first payment on the page that makes the token: intended, offered, settled, asked anew.

299.00 NOK a month at Dintero, from 31 January 2024 in Oslo, agreed to at 09:00 UTC of that day.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest

from domain.identity import charge_reference, token_request_id
from domain.money import Money
from domain.plan import CaptureMode
from domain.ports import (
    Authorized,
    Captured,
    Declined,
    NotFound,
    Offered,
    StillOpen,
    TokenDenied,
    Unknown,
)
from domain.processes.agenda import ItemKind, agenda_of
from domain.processes.next_step import next_step
from domain.processes.steps import AskToken, SeeToken
from domain.providers import Provider
from domain.refund_ports import Voided
from domain.subscription.charging import CALLBACK, collectible
from domain.subscription.ending import cancel
from domain.subscription.events import (
    ChargeAttempted,
    ChargeDeclined,
    ChargeNotMade,
    ChargeSucceeded,
    DeclineClass,
    InvoiceIssued,
    InvoiceWrittenOff,
    TokenRefused,
    TokenRequested,
)
from domain.subscription.in_session import give_up_page, page_answered, pay_in_session, token_seen
from domain.subscription.looking_up import decide_by_person, looked_up
from domain.subscription.starting import FirstPayment, start
from domain.subscription.state import Status
from domain.subscription.vaulting import ask_payer
from domain.subscription.void_events import AuthorizationVoided, VoidAttempted
from tests.specimens import (
    DAY,
    DUE,
    GRANTED,
    HOUR,
    MINUTE,
    NAMESPACE,
    NOT_DONE,
    NOT_FOUND,
    PRICE,
    TIME_OUT,
    ZONE_VERSION,
    instalments,
    key,
    started,
    terms,
    token_ref,
    wish,
)
from tests.vocabulary import Given, Play, given, play

NOW = DUE + 10 * HOUR
FIRST, SECOND = token_request_id(NAMESPACE, 1), token_request_id(NAMESPACE, 2)
PAGE = Offered(provider_ref="session-1", approve_url="https://pay.example/1", expires_at=None)
PAID = Captured(amount=PRICE, provider_ref="t-1", at=NOW + 2 * MINUTE)
NO_CARD = TokenDenied(code="card-not-saved", message="CAPTURED, and the payer let no card be saved")
TURNED_BACK = Declined(
    decline=DeclineClass.PAYER_ACTION, code="CANCELLED", message="the session ended"
)
CANCELLED = TokenDenied(code="cancelled", message="the payer turned back")
NOT_YET = Unknown(reason="session session-1, no transaction yet")
RESERVED = Authorized(
    amount=PRICE, authorization_ref="t-1", order_ref="session-1", expires_at=None, at=NOW
)


def agreed(plan: Any = None, **changes: Any) -> Given:
    """Started at Dintero, and nobody was asked for anything."""
    return given(started(plan, provider=Provider.DINTERO, **changes))


def asked(plan: Any = None, now: Any = NOW) -> Play:
    """The first invoice, the request and the attempt are on the ledger."""
    run = play(*agreed(plan).facts)
    run.decide(pay_in_session, reason="sign-up", now=now, zone_version=ZONE_VERSION)
    return run


def shown(plan: Any = None) -> Play:
    """The payer has the page."""
    run = asked(plan)
    assert run.at(NOW, PAGE) == ["ApprovalOffered"]
    return run


def told(run: Play, answer: Any, now: Any = NOW + 2 * MINUTE) -> list[str]:
    """A callback made us look at the payment."""
    facts = run.decide(looked_up, key(), answer, evidence=CALLBACK, now=now)
    return [type(each).__name__ for each in facts]


def seen(run: Play, answer: Any, now: Any = NOW + 2 * MINUTE) -> list[str]:
    """A callback made us look at the token."""
    facts = run.decide(token_seen, FIRST, answer, token_ref=token_ref(), now=now)
    return [type(each).__name__ for each in facts]


def items(run: Play, *kinds: ItemKind) -> list[tuple[Any, str]]:
    """When such items are due, and why."""
    return [(each.due_at, each.why) for each in agenda_of(run.state) if each.kind in kinds]


# --- the intention ----------------------------------------------------------------------------


def test_the_invoice_the_request_and_the_attempt_are_one_intention() -> None:
    """The attempt bears no token, and is named by the request; the first period is billed."""
    run = asked()
    issued, request, attempt = run.facts[1:]
    assert isinstance(issued, InvoiceIssued)
    assert isinstance(request, TokenRequested)
    assert isinstance(attempt, ChargeAttempted)
    assert (issued.invoice_number, issued.total) == (1, PRICE)
    assert request.first_charge == attempt.attempt_id == key()
    assert attempt.token_ref == ""
    assert attempt.amount == PRICE
    assert attempt.reference == charge_reference("s-1", 1, 1, key())
    assert attempt.key_expires_at == NOW + 30 * MINUTE
    assert run.state.status is Status.PENDING
    open_request = run.state.token_request
    assert open_request is not None
    assert open_request.reference == attempt.reference
    again = {"reason": "again", "now": NOW, "zone_version": ZONE_VERSION}
    given(*run.facts).when(pay_in_session, **again).then_nothing()
    given(*run.facts).when(ask_payer, backup=False, reason="x", now=NOW).then_nothing()


@pytest.mark.parametrize(
    ("before", "code"),
    [
        (given(started()), "first-payment-not-offered"),
        (agreed(start=(NOW + DAY).date()), "first-payment-not-due"),
        (agreed(terms(trial=terms().interval)), "first-payment-not-due"),
    ],
)
def test_it_is_refused_where_nothing_can_be_paid_on_a_page(before: Given, code: str) -> None:
    """PayPal's page takes no payment; nothing is owed before the first day, or for a trial."""
    arguments = {"reason": "sign-up", "now": NOW, "zone_version": ZONE_VERSION}
    before.when(pay_in_session, **arguments).then_refused(code)


def test_it_is_refused_beside_another_page_a_token_or_a_charge() -> None:
    """One page, one charge; a token that can be charged needs no page."""
    arguments = {"reason": "again", "now": NOW, "zone_version": ZONE_VERSION}
    plain = play(*agreed().facts)
    plain.decide(ask_payer, backup=False, reason="sign-up", now=NOW)
    given(*plain.facts).when(pay_in_session, **arguments).then_refused("token-request-open")
    paid = shown()
    told(paid, PAID)
    seen(paid, GRANTED)
    given(*paid.facts).when(pay_in_session, **arguments).then_refused("token-usable")
    doubtful = shown()
    doubtful.facts.append(
        TokenRefused(request_id=FIRST, code="cancelled", message="", effective_at=NOW)
    )
    given(*doubtful.facts).when(pay_in_session, **arguments).then_refused("charge-open")
    ended = given(*agreed().facts).when(cancel, reason="moved", now=NOW)
    ended.before.and_(*ended.facts).when(pay_in_session, **arguments).then_refused(
        "subscription-ended"
    )


def test_a_start_says_at_once_that_a_page_takes_no_payment() -> None:
    """It is the first thing that is known of the wish."""
    asked_for = wish(first_payment=FirstPayment.IN_SESSION)
    when = given().when(start, asked_for, now=NOW, zone_version=ZONE_VERSION)
    when.then_refused("first-payment-not-offered")


# --- paid -------------------------------------------------------------------------------------


@pytest.mark.parametrize("money_first", [True, False])
def test_paid_with_a_token_whichever_is_told_first(money_first: bool) -> None:
    """The same in either order, and quiet on every repeat."""
    run = shown()
    first, second = (told, PAID), (seen, GRANTED)
    for tell, answer in (first, second) if money_first else (second, first):
        assert len(tell(run, answer)) == 1
    for tell, answer in (first, second):
        assert tell(run, answer) == []
    state = run.state
    assert state.status is Status.ACTIVE
    assert state.open_invoices == ()
    assert state.open_attempt is None
    assert state.token is not None
    assert state.token.token_ref == token_ref()
    assert run.at(NOW + DAY) == []


def test_paid_and_nobody_told_us() -> None:
    """A first look after five minutes finds the money, and the token is seen at once."""
    run = shown()
    assert items(run, ItemKind.CHARGE) == [
        (NOW + 5 * MINUTE, "the payer pays it with the approval")
    ]
    assert items(run, ItemKind.APPROVAL) == [(None, "the payer has the page, and pays there")]
    assert run.at(NOW + 4 * MINUTE) == []
    assert run.at(NOW + 5 * MINUTE, PAID, GRANTED) == ["ChargeSucceeded", "TokenVaulted"]
    assert run.sent == ["AskToken", "LookUp", "SeeToken"]


def test_paid_without_a_token() -> None:
    """The money is booked and billing begins; that a token is needed stands on the agenda."""
    run = shown()
    assert told(run, PAID) == ["ChargeSucceeded"]
    assert run.state.status is Status.ACTIVE
    ((due, why),) = items(run, ItemKind.APPROVAL)
    assert (due, why) == (NOW, "what the payer paid is settled; see the token")
    assert run.at(NOW + 2 * MINUTE, NO_CARD) == ["TokenRefused"]
    assert run.state.lacks_token
    assert items(run, ItemKind.TOKEN) == [
        (None, "paid, and no card was saved; an approval has to be asked for")
    ]
    assert run.at(DUE + 29 * DAY) == ["InvoiceIssued"]
    run.decide(ask_payer, backup=False, reason="by phone", now=DUE + 29 * DAY)
    page = attrs.evolve(PAGE, provider_ref="session-2")
    run.at(DUE + 29 * DAY, page)
    facts = run.decide(
        token_seen, SECOND, GRANTED, token_ref=token_ref(2), now=DUE + 29 * DAY + HOUR
    )
    assert [type(each).__name__ for each in facts] == ["TokenVaulted"]
    second = attrs.evolve(PAID, at=DUE + 30 * DAY)
    assert run.at(DUE + 30 * DAY, second) == ["ChargeAttempted", "ChargeSucceeded"]


def test_the_next_invoice_can_be_paid_on_a_page_too() -> None:
    """The payer who saved no card pays the second period by a new request."""
    run = shown()
    told(run, PAID)
    seen(run, NO_CARD)
    later = DUE + 29 * DAY
    run.at(later)
    facts = run.decide(pay_in_session, reason="again", now=later, zone_version=ZONE_VERSION)
    request, attempt = facts
    assert isinstance(attempt, ChargeAttempted)
    assert (attempt.invoice_number, attempt.token_ref) == (2, "")
    assert isinstance(request, TokenRequested)
    assert request.first_charge == attempt.attempt_id


def test_another_amount_is_booked_as_it_came() -> None:
    """A discrepancy tells of it, and a person looks."""
    run = shown()
    less = attrs.evolve(PAID, amount=Money(PRICE.minor - 1, "NOK"))
    assert told(run, less) == ["ChargeSucceeded", "ChargeDiscrepancyFound"]
    assert run.state.status is Status.ACTIVE
    assert [each.open for each in run.state.open_invoices] == [Money(1, "NOK")]


def test_the_only_instalment_is_complete_once_it_is_paid() -> None:
    """Nothing is left to bill, with a token or without."""
    run = shown(instalments(1))
    assert told(run, PAID) == ["ChargeSucceeded", "SubscriptionCompleted"]
    run = shown(instalments(1))
    seen(run, GRANTED)
    assert told(run, PAID) == ["ChargeSucceeded", "SubscriptionCompleted"]


def test_reserved_first_and_captured_by_us() -> None:
    """As the account's product does it; the token is seen once the money is reserved."""
    run = shown(terms(capture=CaptureMode.AFTER_AUTHORIZATION))
    assert told(run, RESERVED) == ["ChargeAuthorized", "CaptureAttempted"]
    assert run.at(NOW + 2 * MINUTE, PAID, GRANTED) == ["ChargeSucceeded", "TokenVaulted"]
    assert run.sent == ["AskToken", "SendCapture", "SeeToken"]


def test_reserved_and_cancelled_meanwhile() -> None:
    """What is wanted no more is let go."""
    run = shown(terms(capture=CaptureMode.AFTER_AUTHORIZATION))
    run.decide(cancel, reason="moved", now=NOW + MINUTE)
    assert told(run, RESERVED) == ["ChargeAuthorized", "VoidAttempted"]
    assert run.at(NOW + 2 * MINUTE, Voided(at=NOW + 2 * MINUTE)) == ["AuthorizationVoided"]
    assert run.of(VoidAttempted)
    assert run.of(AuthorizationVoided)


def test_paid_after_it_was_cancelled_is_booked() -> None:
    """The page outlives the subscription; what the payer paid there is money that came."""
    run = shown()
    run.decide(cancel, reason="moved", now=NOW + MINUTE)
    assert told(run, PAID) == ["ChargeSucceeded"]
    assert run.state.status is Status.CANCELLED


# --- not paid ---------------------------------------------------------------------------------


def test_the_payer_turned_back() -> None:
    """Declined, once; the invoice stays open, nothing is retried, and it can be asked for again."""
    run = shown()
    assert told(run, TURNED_BACK) == ["ChargeDeclined"]
    assert seen(run, CANCELLED) == ["TokenRefused"]
    assert told(run, TURNED_BACK) == seen(run, CANCELLED) == []
    assert run.at(NOW + DAY) == []
    assert run.state.status is Status.PENDING
    assert [each.open for each in run.state.open_invoices] == [PRICE]
    run.decide(pay_in_session, reason="again", now=NOW + DAY, zone_version=ZONE_VERSION)
    attempt = run.state.open_attempt
    assert attempt is not None
    assert (attempt.attempt_number, attempt.attempt_id) == (2, key(1, 2))


def test_the_open_invoice_is_collected_by_a_plain_request_too() -> None:
    """With a token it is charged as any other."""
    run = shown()
    told(run, TURNED_BACK)
    seen(run, CANCELLED)
    run.decide(ask_payer, backup=False, reason="again", now=NOW + DAY)
    run.at(NOW + DAY, attrs.evolve(PAGE, provider_ref="session-2"))
    run.decide(token_seen, SECOND, GRANTED, token_ref=token_ref(2), now=NOW + DAY)
    assert run.at(NOW + DAY, attrs.evolve(PAID, at=NOW + DAY)) == [
        "ChargeAttempted",
        "ChargeSucceeded",
    ]
    assert run.of(ChargeAttempted)[-1].token_ref == token_ref(2)


def test_a_page_that_nobody_used() -> None:
    """Looked at by the plan; once the session has expired the charge was not made, and the
    request ends with it."""
    run = shown()
    assert run.at(NOW + 5 * MINUTE, NOT_YET) == ["ChargeOutcomeUnknown"]
    assert run.at(NOW + 10 * MINUTE, NOT_YET) == ["ChargeLookedUp"]
    assert run.at(NOW + 2 * HOUR, NOT_YET) == ["ChargeLookedUp"]
    assert collectible(run.state, now=NOW + DAY) is None
    expired = NotFound(finding="the session expired at ...")
    assert run.at(NOW + 4 * DAY, expired, StillOpen()) == ["ChargeNotMade", "TokenRequestExpired"]
    assert run.at(NOW + 5 * DAY) == []
    assert [each.open for each in run.state.open_invoices] == [PRICE]


def test_the_request_is_not_given_up_while_its_page_can_be_paid() -> None:
    """A look that shows nothing leaves it open, however late."""
    run = shown()
    assert seen(run, StillOpen(), NOW + 4 * DAY) == []
    assert run.state.token_request is not None


def test_paid_after_all() -> None:
    """Money for a page that was thought to be unused is booked late, and shown to a person."""
    run = shown()
    run.at(NOW + 5 * MINUTE, NOT_YET)
    run.at(NOW + 4 * DAY, NotFound(finding="expired"), StillOpen())
    assert told(run, PAID, NOW + 5 * DAY) == ["ChargeFoundLate", "ChargeDiscrepancyFound"]
    assert run.state.status is Status.ACTIVE
    assert run.state.open_invoices == ()
    assert run.state.lacks_token


# --- doubts -----------------------------------------------------------------------------------


def test_a_page_that_may_have_been_made_is_looked_for_and_never_made_again() -> None:
    """The answer was lost: the charge is in doubt, and the page is taken from the list."""
    run = asked()
    assert run.at(NOW, TIME_OUT, NOT_DONE) == ["ChargeOutcomeUnknown"]
    assert [each.only_look for each in run.calls if isinstance(each, AskToken)] == [False, True]
    assert run.at(NOW + MINUTE, PAGE) == ["ApprovalOffered"]
    assert run.calls[-1] == AskToken(run.calls[0].request, only_look=True)  # type: ignore[union-attr]
    assert told(run, PAID) == ["ChargeSucceeded"]


def test_a_worker_that_died_with_the_request_has_its_page_looked_for() -> None:
    """Whoever takes it over makes none."""
    run = asked()
    assert run.at(NOW) == []
    assert run.at(NOW + MINUTE, NOT_DONE, taken_before=True) == []
    assert [each.only_look for each in run.calls if isinstance(each, AskToken)] == [False, True]


def test_a_page_that_was_never_made_is_asked_for_anew_with_its_payment() -> None:
    """Once the provider shows nothing for long enough: another request, another attempt."""
    run = asked()
    run.at(NOW, TIME_OUT, NOT_DONE)
    assert run.at(NOW + 5 * MINUTE, NOT_FOUND, NOT_DONE) == ["ChargeLookedUp"]
    made = run.at(NOW + HOUR + 5 * MINUTE, NOT_FOUND, attrs.evolve(PAGE, provider_ref="session-2"))
    assert made == [
        "ChargeNotMade",
        "TokenRequestExpired",
        "TokenRequested",
        "ChargeAttempted",
        "ApprovalOffered",
    ]
    attempt = run.state.open_attempt
    assert attempt is not None
    assert (attempt.attempt_id, attempt.order_ref) == (key(1, 2), "session-2")


def test_what_the_provider_would_not_do_is_asked_for_again_within_the_window() -> None:
    """A definite no to the call leaves no doubt; after the window it is only looked for."""
    run = asked()
    assert run.at(NOW, NOT_DONE) == []
    assert run.at(NOW + 29 * MINUTE, NOT_DONE) == []
    assert [each.only_look for each in run.calls if isinstance(each, AskToken)] == [False, False]
    assert run.at(NOW + 30 * MINUTE, NOT_FOUND, NOT_DONE) == ["ChargeOutcomeUnknown"]
    assert isinstance(run.calls[-1], AskToken)
    assert run.calls[-1].only_look


def test_a_request_that_is_refused_is_our_fault() -> None:
    """The charge is declined for good with it; nobody is charged, a person looks."""
    run = asked()
    denied = TokenDenied(code="BAD_REQUEST", message="order.amount must equal the sum")
    assert run.at(NOW, denied) == ["TokenRefused", "ChargeDeclined"]
    (declined,) = run.of(ChargeDeclined)
    assert (declined.decline, declined.code) == (DeclineClass.MERCHANT, "BAD_REQUEST")
    assert run.at(NOW + DAY) == []


def test_a_page_is_not_shown_once_its_payment_is_settled() -> None:
    """The answer came too late: nobody may pay there."""
    run = asked()
    run.at(NOW, TIME_OUT, NOT_DONE)
    run.decide(
        decide_by_person, key(), received=None, provider_ref="", reason="seen", now=NOW + MINUTE
    )
    assert [
        type(each).__name__ for each in run.decide(page_answered, FIRST, PAGE, now=NOW + MINUTE)
    ] == ["TokenRequestExpired"]


def test_no_page_is_made_for_what_is_not_wanted_any_more() -> None:
    """It was cancelled before anybody asked: it is looked for, and given up."""
    run = asked()
    run.decide(cancel, reason="moved", now=NOW)
    step = next_step(run.state, now=NOW, taken_before=False, zone_version=ZONE_VERSION)
    assert type(step).__name__ == "Nothing"
    assert run.at(NOW + HOUR, NOT_FOUND) == ["ChargeNotMade"]


def test_nothing_else_is_charged_while_the_page_can_be_paid() -> None:
    """Neither with a token that came meanwhile, nor by another page."""
    run = shown()
    seen(run, GRANTED)
    assert run.at(NOW + 4 * MINUTE) == []
    assert run.at(NOW + 5 * MINUTE, NOT_YET) == ["ChargeOutcomeUnknown"]
    assert len(run.of(ChargeAttempted)) == 1
    assert not run.of(ChargeNotMade)
    assert not run.of(ChargeSucceeded)


def test_the_steps_after_the_payment_see_the_token() -> None:
    """Not before: what there is to see comes with the payment."""
    run = shown()
    moments = (NOW, NOW + 4 * MINUTE, NOW + timedelta(days=3))
    for now in moments[:2]:
        step = next_step(run.state, now=now, taken_before=False, zone_version=ZONE_VERSION)
        assert type(step).__name__ == "Nothing"
    told(run, PAID)
    step = next_step(run.state, now=NOW, taken_before=False, zone_version=ZONE_VERSION)
    assert isinstance(step, SeeToken)


def test_a_person_cannot_say_that_nothing_came_while_the_page_can_be_paid() -> None:
    """Else the invoice could be paid twice; that money came is believed at any time."""
    run = shown()
    run.at(NOW + 5 * MINUTE, NOT_YET)
    nothing = {"received": None, "provider_ref": "", "reason": "asked by phone"}
    late = NOW + 3 * DAY + HOUR
    for now in (NOW + HOUR, late - MINUTE):
        given(*run.facts).when(decide_by_person, key(), **nothing, now=now).then_refused(
            "page-still-open"
        )
    over = given(*run.facts).when(decide_by_person, key(), **nothing, now=late)
    over.then_types(ChargeNotMade)
    paid = {"received": PRICE, "provider_ref": "t-1", "reason": "asked by phone"}
    came = given(*run.facts).when(decide_by_person, key(), **paid, now=NOW + HOUR)
    came.then_types(ChargeSucceeded)


def test_no_page_is_made_for_what_was_given_up() -> None:
    """Written off before anybody asked: it is looked for, and no page is made."""
    run = asked()
    run.facts.append(
        InvoiceWrittenOff(
            customer_id="c-1",
            invoice_number=1,
            amount=PRICE,
            reason="sorry",
            effective_at=NOW,
        )
    )
    assert run.at(NOW, NOT_DONE) == []
    assert [each.only_look for each in run.calls if isinstance(each, AskToken)] == [True]
    made = run.at(NOW + HOUR, NOT_FOUND, NOT_DONE)
    assert made == ["ChargeNotMade", "TokenRequestExpired", "TokenRequested"]
    assert run.of(TokenRequested)[-1].first_charge is None


def test_no_other_page_is_asked_for_while_the_first_may_be_there() -> None:
    """Only once the payment of the first is settled; quiet for a page that was offered."""
    run = asked()
    run.at(NOW, TIME_OUT, NOT_DONE)
    given(*run.facts).when(give_up_page, FIRST, now=NOW + DAY).then_nothing()
    given(*shown().facts).when(give_up_page, FIRST, now=NOW + DAY).then_nothing()
    given(*run.facts).when(give_up_page, SECOND, now=NOW + DAY).then_nothing()
