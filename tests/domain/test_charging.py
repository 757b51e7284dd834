"""Attempt and settle: once each."""

from __future__ import annotations

import pytest

from domain.identity import charge_reference
from domain.money import Money
from domain.plan import CaptureMode
from domain.ports import ChargeAnswer
from domain.providers import Provider
from domain.subscription.charging import ANSWER, CALLBACK, attempt_charge, settle
from domain.subscription.events import (
    ChargeAttempted,
    ChargeDiscrepancyFound,
    ChargeOutcomeUnknown,
    ChargeSucceeded,
    Discrepancy,
)
from domain.subscription.invoicing import issue_invoice
from tests.domain.stages import (
    LATER,
    answered,
    attempted,
    cancelled,
    invoiced,
    late_money,
)
from tests.specimens import (
    DAY,
    HARD,
    HOUR,
    KEY_WINDOW,
    MERCHANT,
    NEXT_DUE,
    NOT_DONE,
    PAYER_ACTION,
    PRICE,
    TIME_OUT,
    ZONE_VERSION,
    captured,
    declined,
    key,
    reserved,
    signed_up,
    token_ref,
)
from tests.vocabulary import given

# --- attempt ----------------------------------------------------------------------------------


def test_an_open_invoice_is_attempted() -> None:
    """The intention: key, reference, what is open, and until when it may be sent."""
    invoiced().when(attempt_charge, now=LATER).then(
        ChargeAttempted(
            attempt_id=key(),
            customer_id="c-1",
            invoice_number=1,
            attempt_number=1,
            amount=PRICE,
            provider=Provider.PAYPAL,
            account="main",
            token_ref=token_ref(),
            reference=charge_reference("s-1", 1, 1, key()),
            capture=CaptureMode.AT_ONCE,
            key_expires_at=LATER + KEY_WINDOW,
            effective_at=LATER,
        )
    )


def test_each_provider_has_its_own_window() -> None:
    """Dintero has no keys: what is sent is sent within half an hour."""
    (attempt,) = invoiced(provider=Provider.DINTERO).when(attempt_charge, now=LATER).facts
    assert isinstance(attempt, ChargeAttempted)
    assert attempt.key_expires_at == LATER + HOUR / 2


def test_nothing_else_is_charged_while_an_attempt_is_open() -> None:
    """Not the same invoice, not the next one, not while its outcome is unknown."""
    for start in (attempted(), answered(attempted(), TIME_OUT)):
        start.when(attempt_charge, now=LATER).then_nothing()
        more = start.and_(*issue_invoice(start.state, now=NEXT_DUE, zone_version=ZONE_VERSION))
        more.when(attempt_charge, now=NEXT_DUE).then_nothing()


def test_nothing_is_charged_that_is_not_to_be() -> None:
    """Nothing open, paid, waiting for its retry, ended, without a usable token, cancelled."""
    given(*signed_up()).when(attempt_charge, now=LATER).then_nothing()
    for start in (
        answered(attempted(), captured()),
        answered(attempted(), declined()),
        answered(attempted(), MERCHANT),
        answered(attempted(), HARD),
        answered(attempted(), captured(Money(1, "NOK"))),
        cancelled(invoiced()),
    ):
        start.when(attempt_charge, now=LATER + 2 * DAY).then_nothing()


def test_the_oldest_invoice_goes_first() -> None:
    """Unless it waits: then the next one is not held up by it."""
    both = invoiced()
    both = both.and_(*issue_invoice(both.state, now=NEXT_DUE, zone_version=ZONE_VERSION))
    (first,) = both.when(attempt_charge, now=NEXT_DUE).facts
    assert first.invoice_number == 1  # type: ignore[union-attr]
    tried = both.and_(first)
    waiting = tried.and_(*settle(tried.state, key(), declined(), evidence=ANSWER, now=NEXT_DUE))
    (second,) = waiting.when(attempt_charge, now=NEXT_DUE).facts
    assert second.invoice_number == 2  # type: ignore[union-attr]


def test_a_retry_has_a_key_and_a_reference_of_its_own() -> None:
    """A new attempt, counted from 1."""
    (again,) = answered(attempted(), declined()).when(attempt_charge, now=LATER + 4 * DAY).facts
    assert isinstance(again, ChargeAttempted)
    assert (again.attempt_id, again.attempt_number) == (key(1, 2), 2)
    assert again.reference == charge_reference("s-1", 1, 2, key(1, 2))


# --- settle -----------------------------------------------------------------------------------


def test_money_is_booked_as_the_provider_states_it() -> None:
    """The provider's amount, reference and time; the invoice is paid."""
    paid = (
        attempted()
        .when(settle, key(), captured(), evidence=ANSWER, now=LATER + HOUR)
        .then(
            ChargeSucceeded(
                attempt_id=key(),
                customer_id="c-1",
                invoice_number=1,
                amount=PRICE,
                provider_ref="cap-1",
                evidence="answer",
                effective_at=LATER,
            )
        )
    )
    assert paid.state.open_invoices == ()
    assert paid.state.open_attempt is None


def test_other_money_than_asked_is_booked_and_shown() -> None:
    """Amount received, amount expected, side by side; the rest stays open for a person."""
    little = Money(10000, "NOK")
    some = (
        attempted()
        .when(settle, key(), captured(little), evidence=ANSWER, now=LATER)
        .then(
            ChargeSucceeded(
                attempt_id=key(),
                customer_id="c-1",
                invoice_number=1,
                amount=little,
                provider_ref="cap-1",
                evidence="answer",
                effective_at=LATER,
            ),
            ChargeDiscrepancyFound(
                attempt_id=key(),
                customer_id="c-1",
                invoice_number=1,
                discrepancy=Discrepancy.AMOUNT,
                expected=PRICE,
                received=little,
                effective_at=LATER,
            ),
        )
    )
    (left,) = some.state.open_invoices
    assert (left.open, left.ended) == (Money(19900, "NOK"), "discrepancy")


@pytest.mark.parametrize(
    "answer", [captured(), declined(), HARD, PAYER_ACTION, TIME_OUT, NOT_DONE, reserved()]
)
def test_an_attempt_settles_once(answer: ChargeAnswer) -> None:
    """Whatever else is said of a paid attempt is quiet; so is a word about a foreign one."""
    paid = answered(attempted(), captured())
    paid.when(settle, key(), answer, evidence=ANSWER, now=LATER).then_nothing()
    attempted().when(settle, key(7, 7), answer, evidence=ANSWER, now=LATER).then_nothing()
    given(*signed_up()).when(settle, key(), answer, evidence=ANSWER, now=LATER).then_nothing()


def test_what_was_not_done_leaves_the_attempt_as_it_is() -> None:
    """A refused connection is neither a decline nor a doubt."""
    attempted().when(settle, key(), NOT_DONE, evidence=ANSWER, now=LATER).then_nothing()


def test_reserved_only_where_money_was_asked_for_is_a_doubt() -> None:
    """One call was to take the money; the provider says that it only reserved it."""
    attempted().when(settle, key(), reserved(), evidence=ANSWER, now=LATER).then_types(
        ChargeOutcomeUnknown
    )


@pytest.mark.parametrize(
    "answer",
    [declined(), HARD, TIME_OUT, NOT_DONE, reserved()],
    ids=lambda each: type(each).__name__,
)
def test_only_money_reopens_a_failed_attempt(answer: ChargeAnswer) -> None:
    """A second no, a doubt, a reservation: quiet. Money: booked, once."""
    failed = answered(attempted(), declined())
    failed.when(settle, key(), answer, evidence=CALLBACK, now=LATER).then_nothing()
    late = late_money(failed)
    late.when(settle, key(), captured(), evidence=CALLBACK, now=LATER).then_nothing()
