"""From any amount to the facts behind it."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import HealthCheck, event, given, settings

from domain.money import Money
from domain.refusals import Refused
from domain.subscription.changing import Change, change_terms
from domain.subscription.events import (
    ChargeAttempted,
    ChargeDeclined,
    CreditGranted,
    DiscountGranted,
    InstalmentsSettled,
    InvoiceIssued,
    LineKind,
    TermsChanged,
    UsageCorrected,
    UsageReported,
    When,
)
from projections.explaining import explain_balance, explain_charge, explain_invoice
from projections.timeline import words_of
from tests.books import Books, Clock
from tests.domain.billing import BIG, FEB_10, at_price
from tests.histories import ZONE_VERSION, History, histories, show
from tests.projections.scenes import billed, signed_up
from tests.projections.scenes_of_changes import running
from tests.projections.scenes_of_prices import (
    MAR_5,
    corrected,
    discounted,
    late_before_its_invoice,
    metered,
    reduced_and_late,
    used,
)
from tests.projections.scenes_of_settlements import split_and_settled
from tests.replies import Reply
from tests.specimens import DAY

SOME = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)


def upgraded() -> Books:
    """January is paid; on 10 February the plan was changed; the next invoice is issued, unpaid."""
    books = billed(signed_up())
    books.now = FEB_10
    wish = Change(terms=at_price(BIG), when=When.NOW, reason="wants more")
    facts = change_terms(books.states["s-1"], wish, now=FEB_10, zone_version=ZONE_VERSION)
    books.append("s-1", facts, actor="api:shop", cause="command:change")
    books.advance(Clock.NEXT_DUE, "s-1")
    books.intend("s-1")
    return books


def position_of(books: Books, kind: type) -> int:
    """Where the only fact of a kind stands."""
    (found,) = [each.position for each in books.log if isinstance(each.event, kind)]
    return found


def test_every_line_of_an_invoice_leads_to_its_working_and_its_cause() -> None:
    """499.00 for the period, 326.93 because of the change, 195.90 paid by the credit of it."""
    books = upgraded()
    found = explain_invoice(books.log, 2)
    assert [each.amount.minor for each in found.steps if each.amount is not None] == [
        49900,
        32693,
        -19590,
    ]
    assert (found.amount, found.holds) == (Money(63003, "NOK"), True)
    period, rest, credit = found.steps
    assert period.because is None
    assert rest.because == position_of(books, TermsChanged)
    assert credit.because == position_of(books, CreditGranted)
    assert (rest.lines[0].working.numerator, rest.lines[0].working.denominator) == (19, 29)
    assert (credit.actor, credit.lines[0].amount.minor) == ("worker", 19590)


def test_a_paid_invoice_shows_the_providers_evidence() -> None:
    """Nothing is left; the payment names the provider's id and how we know it."""
    books = billed(signed_up())
    found = explain_invoice(books.log, 1)
    assert (found.amount.minor, found.holds) == (0, True)
    paid = found.steps[-1]
    assert paid.amount == Money(-29900, "NOK")
    assert paid.evidence.endswith("(answer)")


def test_a_declined_attempt_is_shown_without_an_amount() -> None:
    """It explains why nothing was taken."""
    books = billed(signed_up(), Reply.SOFT)
    declined = [each for each in books.log if isinstance(each.event, ChargeDeclined)]
    attempt = next(each.event for each in books.log if isinstance(each.event, ChargeAttempted))
    found = explain_charge(books.log, attempt.reference)
    assert (found.amount.minor, found.holds) == (0, True)
    (step,) = found.steps
    assert step.amount is None
    assert step.position == declined[0].position
    assert explain_charge(books.log, str(attempt.attempt_id)) == found


def test_a_balance_adds_up_over_all_subscriptions_of_a_customer() -> None:
    """299.00 paid, 825.93 billed, 195.90 credited: 630.03 are owed."""
    found = explain_balance(upgraded().log, "c-1", "NOK")
    assert (found.amount, found.holds) == (Money(63003, "NOK"), True)
    amounts = [each.amount.minor for each in found.steps if each.amount is not None]
    assert amounts == [29900, -29900, -19590, 82593]


def test_what_is_settled_names_the_report_that_settled_it() -> None:
    """Its discount, too: not the grant, which is that of another invoice."""
    books = reduced_and_late()
    late = next(
        each.position
        for each in books.log
        if isinstance(each.event, UsageReported) and each.event.usage_id == "late"
    )
    found = explain_invoice(books.log, 3)
    assert {each.because for each in found.steps if "late" in each.words} == {late}
    assert sum("SPRING, late" in each.words for each in found.steps) == 1
    assert found.holds


def test_usage_before_a_change_of_meters_names_the_reports_that_came_later() -> None:
    """25 GB, corrected to 20, and 10 that were late, are billed as one."""
    books = late_before_its_invoice()
    said = [
        each.position
        for each in books.log
        if isinstance(each.event, UsageReported | UsageCorrected)
        and not any(line.kind is LineKind.USAGE for line in each.event.lines)
    ]
    before = next(each for each in explain_invoice(books.log, 2).steps if "units 1" in each.words)
    assert before.counted == tuple(said)


def test_a_line_of_usage_names_the_reports_it_counts() -> None:
    """In time: reports and their corrections; late: the late report; no others."""
    books = used(used(running(metered()), 90, FEB_10), 5, FEB_10 + DAY, "u-2")
    books = billed(corrected(books, 80))
    reports = [each.position for each in books.log if isinstance(each.event, UsageReported)]
    (fixed,) = [each.position for each in books.log if isinstance(each.event, UsageCorrected)]
    books = billed(used(used(books, 20, FEB_10, "late"), 7, MAR_5, "march"))
    late, march = [each.position for each in books.log if isinstance(each.event, UsageReported)][2:]
    second, third = explain_invoice(books.log, 2), explain_invoice(books.log, 3)
    _, usage, *_ = second.steps
    assert usage.counted == (*reports, fixed)
    assert (
        f"counts {reports[0]}, {reports[1]}, {fixed} (34.00 NOK net, 8.50 NOK tax, NO-25 25 %)"
        in (usage.words)
    )
    _, in_time, *added = third.steps
    assert (in_time.counted, in_time.because) == ((march,), None)
    assert {each.because for each in added if "late" in each.words} == {late}
    assert second.holds
    assert third.holds


def test_a_discount_leads_to_its_grant() -> None:
    """And tax is shown with every line."""
    books = discounted()
    (granted,) = [each.position for each in books.log if isinstance(each.event, DiscountGranted)]
    found = explain_invoice(books.log, 1)
    period, off, _ = found.steps
    assert (off.because, found.holds) == (granted, True)
    assert "299.00 NOK net, 74.75 NOK tax, NO-25 25 %" in period.words


def test_a_settled_instalment_leads_to_the_settlement() -> None:
    """Each by its number; the invoice says why it was issued, one instalment alone, too."""
    books = split_and_settled()
    (settled,) = [each for each in books.log if isinstance(each.event, InstalmentsSettled)]
    found = explain_invoice(books.log, 1_000_001)
    assert [(each.because, str(each.amount)) for each in found.steps] == [
        (settled.position, "33.33 NOK"),
        (settled.position, "33.33 NOK"),
        (None, "-66.66 NOK"),
    ]
    assert found.holds
    assert "instalment 3 of 3: Gold membership" in found.steps[1].words
    invoice = next(each.event for each in books.log if each.position == settled.position + 1)
    assert "issued for 2024-02-29 to 2024-04-30, to settle all that was left" in words_of(invoice)
    one = attrs.evolve(settled.event, first=3)
    assert "instalment 3 is billed by invoice 1000001" in words_of(one)
    of_schedule = explain_invoice(books.log, 1)
    assert [each.because for each in of_schedule.steps] == [None, None]


def test_what_nobody_knows_is_refused() -> None:
    """An invoice that was not issued, an attempt that was not made."""
    log = signed_up().log
    with pytest.raises(Refused, match="invoice-unknown"):
        explain_invoice(log, 1)
    with pytest.raises(Refused, match="charge-unknown"):
        explain_charge(log, "s-1-1-1-0000000000")


def test_a_line_that_was_tampered_with_does_not_hold() -> None:
    """The steps are the lines, the amount is the fold: they differ where a line does."""
    books = upgraded()
    place, second = next(
        (place, each)
        for place, each in enumerate(books.log)
        if isinstance(each.event, InvoiceIssued) and each.event.invoice_number == 2
    )
    issued = second.event
    assert isinstance(issued, InvoiceIssued)
    line = attrs.evolve(issued.lines[0], amount=Money(1, "NOK"))
    forged = attrs.evolve(issued, lines=(line, *issued.lines[1:]))
    log = [*books.log[:place], attrs.evolve(second, event=forged), *books.log[place + 1 :]]
    assert not explain_invoice(log, 2).holds


@SOME
@given(histories())
def test_every_amount_of_every_history_is_explained(history: History) -> None:
    """Each invoice, each attempt, each balance: the facts add up to it."""
    show(history)
    for wish in history.wishes:
        log = [each for each in history.log if each.stream.endswith(f"-{wish.subscription_id}")]
        for recorded in log:
            if isinstance(recorded.event, InvoiceIssued):
                assert explain_invoice(log, recorded.event.invoice_number).holds
            elif isinstance(recorded.event, ChargeAttempted):
                found = explain_charge(log, recorded.event.reference)
                assert found.holds
                event(f"charge explained, steps: {min(len(found.steps), 3)}")
        own = {
            each.subscription_id for each in history.wishes if each.customer_id == wish.customer_id
        }
        shared = [each for each in history.log if each.stream.removeprefix("subscription-") in own]
        for currency in ("NOK", "USD", wish.terms.price.currency):
            assert explain_balance(shared, wish.customer_id, currency).holds
