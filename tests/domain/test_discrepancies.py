"""A person looks at a charge that was not the one asked for: what it counts as, what is collected.

299.00 NOK are asked for; DUE is 30 January 2024 23:00Z.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from domain.money import Money
from domain.subscription.charging import settle
from domain.subscription.discrepancies import resolve
from domain.subscription.ending import cancel
from domain.subscription.events import (
    ChargeAttempted,
    ChargeSucceeded,
    CreditApplied,
    CreditGranted,
    CreditKind,
    DiscrepancyResolved,
    InvoiceIssued,
    Resolution,
    SubscriptionCancelled,
)
from domain.subscription.owed import DISCREPANCY
from tests.specimens import (
    DAY,
    DUE,
    MINUTE,
    PRICE,
    TIME_OUT,
    captured,
    declined,
    instalments,
    key,
    requested,
    signed_up,
    terms,
    vaulted,
)
from tests.vocabulary import Given, Play, given, play

NOW = DUE + DAY
NO = declined()
ACCEPTED, DISMISSED = Resolution.ACCEPTED, Resolution.DISMISSED
EUROS = Money(29900, "EUR")


def nok(minor: int) -> Money:
    return Money(minor, "NOK")


def charged(received: Money, **changes: Any) -> Play:
    """The first charge asked for 299.00 NOK and took this."""
    run = play(*signed_up(changes.pop("agreed", None), **changes))
    run.at(DUE, captured(received))
    return run


def now_(run: Play) -> Given:
    return given(*run.facts)


def resolution(which: Resolution, received: Money, attempt: int = 1) -> DiscrepancyResolved:
    """The fact of a person's decision."""
    return DiscrepancyResolved(
        attempt_id=key(1, attempt),
        customer_id="c-1",
        invoice_number=1,
        resolution=which,
        received=received,
        reason="seen",
        effective_at=NOW,
    )


def overpayment(minor: int) -> CreditGranted:
    """The credit of a surplus."""
    return CreditGranted(
        customer_id="c-1",
        credit_number=1,
        kind=CreditKind.OVERPAYMENT,
        amount=nok(minor),
        lines=(),
        reason="seen",
        effective_at=NOW,
    )


# Received of 299.00 NOK; what then is asked for again, and what becomes credit where it is
# accepted. None: the invoice is paid.
TABLE: Sequence[tuple[Money, int | None, int]] = [
    (nok(1), 29899, 0),
    (nok(10000), 19900, 0),
    (nok(29899), 1, 0),
    (nok(29901), None, 1),
    (nok(35000), None, 5100),
    (nok(59800), None, 29900),
]


@pytest.mark.parametrize(("received", "rest", "surplus"), TABLE)
def test_accepted_it_counts_as_it_is_booked(
    received: Money, rest: int | None, surplus: int
) -> None:
    """What is left is asked for under another key; what is too much is credit, to the unit."""
    run = charged(received)
    looked = now_(run).when(resolve, key(), ACCEPTED, reason="seen", now=NOW)
    credit = (overpayment(surplus),) if surplus else ()
    after = looked.then(resolution(ACCEPTED, received), *credit)
    again = play(*after.facts)
    again.at(NOW, *(() if rest is None else (captured(nok(rest)),)))
    attempts, paid = again.of(ChargeAttempted), again.of(ChargeSucceeded)
    asked_again = [] if rest is None else [rest]
    assert [each.amount.minor for each in attempts] == [29900, *asked_again]
    assert len({each.attempt_id for each in attempts}) == len(attempts)
    assert sum(each.amount.minor for each in paid) - surplus == 29900
    assert again.state.open_invoices == ()
    assert [each.left.minor for each in again.state.credits] == ([surplus] if surplus else [])


@pytest.mark.parametrize(("received", "rest", "surplus"), TABLE)
def test_dismissed_nothing_becomes_credit(received: Money, rest: int | None, surplus: int) -> None:
    """What was received stays booked, and is never asked for again; a surplus was paid back."""
    run = charged(received)
    facts = run.decide(resolve, key(), DISMISSED, reason="seen", now=NOW)
    assert facts == (resolution(DISMISSED, received),)
    run.at(NOW, *(() if rest is None else (captured(nok(rest)),)))
    total = sum(each.amount.minor for each in run.of(ChargeSucceeded))
    assert total - surplus == 29900
    assert (run.state.open_invoices, run.state.credits) == ((), ())


def test_until_somebody_has_looked_nothing_is_collected() -> None:
    """Neither by itself nor with a new token; after that it is, and is declined, and retried."""
    run = charged(nok(10000))
    run.facts += [requested(2, at=DUE + MINUTE), vaulted(2, at=DUE + MINUTE, replaces=1)]
    assert run.at(NOW) == []
    run.decide(resolve, key(), ACCEPTED, reason="seen", now=NOW)
    assert run.at(NOW, NO) == ["ChargeAttempted", "ChargeDeclined", "RetryScheduled"]
    assert run.at(NOW + 3 * DAY, captured(nok(19900)))[-1] == "ChargeSucceeded"


def test_the_credit_of_a_surplus_pays_the_next_invoice() -> None:
    """51.00 too much were received: 248.00 are left to charge."""
    run = charged(nok(35000))
    run.decide(resolve, key(), ACCEPTED, reason="seen", now=NOW)
    run.at(DUE + 29 * DAY, captured(nok(24800)))
    assert run.of(InvoiceIssued)[1].total == PRICE
    assert [each.amount for each in run.of(CreditApplied)] == [nok(5100)]
    assert run.of(ChargeAttempted)[1].amount == nok(24800)
    assert run.state.open_invoices == ()


def test_money_of_another_currency_can_only_be_dismissed() -> None:
    """Then the whole invoice goes on being collected."""
    run = charged(EUROS)
    now_(run).when(resolve, key(), ACCEPTED, reason="seen", now=NOW).then_refused("currency-mixed")
    facts = run.decide(resolve, key(), DISMISSED, reason="seen", now=NOW)
    assert facts == (resolution(DISMISSED, EUROS),)
    assert run.at(NOW, captured()) == ["ChargeAttempted", "ChargeSucceeded"]
    assert run.of(ChargeAttempted)[1].amount == PRICE


def test_late_money_that_paid_the_invoice() -> None:
    """The decline was none: nothing is too much, nothing is left."""
    run = play(*signed_up())
    run.at(DUE, NO)
    run.decide(settle, key(), captured(), evidence="callback", now=DUE + MINUTE)
    facts = run.decide(resolve, key(), ACCEPTED, reason="seen", now=NOW)
    assert facts == (resolution(ACCEPTED, PRICE),)


def test_late_money_and_the_next_charge_are_a_surplus_of_one() -> None:
    """The second charge took exactly what it asked for; the first had been made after all. One of
    them is too much, and it is laid to the discrepancy that shows it."""
    run = play(*signed_up())
    run.at(DUE, NO)
    run.at(DUE + 3 * DAY)
    run.decide(settle, key(1, 1), captured(), evidence="callback", now=DUE + 3 * DAY)
    now_(run).when(resolve, key(), ACCEPTED, reason="x", now=DUE + 3 * DAY).then_refused(
        "charge-open"
    )
    run.decide(settle, key(1, 2), captured(), evidence="answer", now=DUE + 3 * DAY)
    _, credit = run.decide(resolve, key(), ACCEPTED, reason="seen", now=DUE + 4 * DAY)
    assert isinstance(credit, CreditGranted)
    assert credit.amount == PRICE


def test_two_discrepancies_each_have_their_own() -> None:
    """100.00 came late for the first attempt, 350.00 for the second: 151.00 too much, of the
    second. The invoice is collected only when both are resolved; here it is paid."""
    run = play(*signed_up())
    run.at(DUE, NO)
    run.at(DUE + 3 * DAY)
    run.decide(settle, key(1, 1), captured(nok(10000)), evidence="callback", now=DUE + 3 * DAY)
    run.decide(settle, key(1, 2), captured(nok(35000)), evidence="answer", now=DUE + 3 * DAY)
    assert [each.surplus.minor for each in run.state.unresolved] == [0, 15100]
    first = run.decide(resolve, key(1, 1), ACCEPTED, reason="seen", now=DUE + 4 * DAY)
    assert [type(fact) for fact in first] == [DiscrepancyResolved]
    _, credit = run.decide(resolve, key(1, 2), ACCEPTED, reason="seen", now=DUE + 4 * DAY)
    assert isinstance(credit, CreditGranted)
    assert credit.amount == nok(15100)


def test_collected_again_when_all_are_resolved() -> None:
    """100.00 and 50.00 came: 149.00 are asked for, once both were looked at."""
    run = play(*signed_up())
    run.at(DUE, NO)
    run.at(DUE + 3 * DAY)
    run.decide(settle, key(1, 1), captured(nok(10000)), evidence="callback", now=DUE + 3 * DAY)
    run.decide(settle, key(1, 2), captured(nok(5000)), evidence="answer", now=DUE + 3 * DAY)
    later = DUE + 4 * DAY
    run.decide(resolve, key(1, 1), ACCEPTED, reason="seen", now=later)
    assert run.at(later) == []
    (open_invoice,) = run.state.open_invoices
    assert open_invoice.ended == DISCREPANCY
    run.decide(resolve, key(1, 2), DISMISSED, reason="seen", now=later)
    assert run.at(later, captured(nok(14900))) == ["ChargeAttempted", "ChargeSucceeded"]
    assert run.state.open_invoices == ()


def test_a_part_and_a_part_and_the_rest() -> None:
    """Three charges under three keys, 299.00 in all."""
    run = charged(nok(10000))
    run.decide(resolve, key(1, 1), ACCEPTED, reason="seen", now=NOW)
    run.at(NOW, captured(nok(9900)))
    run.decide(resolve, key(1, 2), ACCEPTED, reason="seen", now=NOW + DAY)
    run.at(NOW + DAY, captured(nok(10000)))
    assert [each.amount.minor for each in run.of(ChargeAttempted)] == [29900, 19900, 10000]
    assert [each.attempt_id for each in run.of(ChargeAttempted)] == [key(1, n) for n in (1, 2, 3)]
    assert sum(each.amount.minor for each in run.of(ChargeSucceeded)) == 29900
    assert run.state.open_invoices == ()


def test_a_repeat_is_quiet_and_another_decision_is_refused() -> None:
    """What was decided stands."""
    run = charged(nok(35000))
    run.decide(resolve, key(), ACCEPTED, reason="seen", now=NOW)
    now_(run).when(resolve, key(), ACCEPTED, reason="again", now=NOW).then_nothing()
    now_(run).when(resolve, key(), DISMISSED, reason="no", now=NOW).then_refused(
        "discrepancy-resolved"
    )


def test_what_is_refused() -> None:
    """A charge that was as it was asked for, one that is not known, and no reason."""
    paid = now_(charged(PRICE))
    for attempt in (key(), key(9, 9)):
        paid.when(resolve, attempt, ACCEPTED, reason="x", now=NOW).then_refused(
            "discrepancy-unknown"
        )
    short = now_(charged(nok(1)))
    for words in ("", "a\nb", "x" * 201):
        short.when(resolve, key(), ACCEPTED, reason=words, now=NOW).then_refused("reason-malformed")


def test_another_invoice_with_an_open_charge_is_no_obstacle() -> None:
    """Only money for this one could change what is too much."""
    run = charged(nok(35000))
    run.at(DUE + 29 * DAY, TIME_OUT)
    assert run.state.open_attempt is not None
    assert run.decide(resolve, key(), ACCEPTED, reason="seen", now=DUE + 30 * DAY)


def test_after_the_end_a_surplus_can_only_be_dismissed() -> None:
    """There is no invoice to come that it could pay; what was short can still be accepted."""
    done = now_(charged(nok(35000), agreed=instalments(1)))
    done.when(resolve, key(), ACCEPTED, reason="x", now=NOW).then_refused("subscription-ended")
    done.when(resolve, key(), DISMISSED, reason="seen", now=NOW).then(
        resolution(DISMISSED, nok(35000))
    )
    short = charged(nok(100))
    short.decide(cancel, reason="moved", now=DUE + MINUTE)
    assert short.of(SubscriptionCancelled)
    short.decide(resolve, key(), ACCEPTED, reason="seen", now=NOW)
    assert short.at(NOW) == []
    assert [each.open.minor for each in short.state.open_invoices] == [29800]


def test_the_terms_of_the_plan_are_those_of_the_table() -> None:
    """The figures above are for this price."""
    assert terms().amount == PRICE == nok(29900)
