"""Forging of what changes a bill: amounts and workings fit again, only the sense is wrong."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import attrs

from domain.calendar import Period
from domain.money import Money, rounded
from domain.plan import Proration
from domain.schedule import Schedule
from domain.subscription import events as e
from tests.projections.forging import DAY, Forger, Log, changed, more, renumbered


def worked(line: e.InvoiceLine, **working: Any) -> e.InvoiceLine:
    """A line with other working, and the amount that this yields."""
    other = attrs.evolve(line.working, **working)
    exact = Fraction(other.quantity * other.unit_price.minor * other.numerator, other.denominator)
    other = attrs.evolve(other, rounding="none" if exact.denominator == 1 else "half-up")
    return attrs.evolve(line, amount=rounded(exact, line.amount.currency), working=other)


def days_more(line: e.InvoiceLine) -> e.InvoiceLine:
    working = line.working
    return worked(line, numerator=working.numerator + 1, days=working.days + 1)


def dearer(line: e.InvoiceLine) -> e.InvoiceLine:
    return worked(line, unit_price=more(line.working.unit_price))


def doubled_quantity(line: e.InvoiceLine) -> e.InvoiceLine:
    return worked(line, quantity=line.working.quantity * 2)


def sign_turned(line: e.InvoiceLine) -> e.InvoiceLine:
    return worked(line, quantity=-line.working.quantity)


def whole(line: e.InvoiceLine) -> e.InvoiceLine:
    return worked(line, numerator=1, denominator=1, policy=Proration.FULL.value)


def rounded_up(line: e.InvoiceLine) -> e.InvoiceLine:
    return attrs.evolve(line, amount=more(line.amount))


def line_of(
    kind: type[Any], make: Callable[[e.InvoiceLine], e.InvoiceLine], place: int = 0
) -> Forger:
    """One line of the first fact of a kind that has so many, its amount or total with it, and the
    same line wherever it is repeated."""

    def forge(log: Log) -> Log | None:
        found = next(
            (
                recorded.event.lines[place]
                for recorded in log
                if isinstance(recorded.event, kind) and len(recorded.event.lines) > place
            ),
            None,
        )
        return None if found is None else _everywhere(log, found, make(found))

    return forge


def _everywhere(log: Log, old: e.InvoiceLine, new: e.InvoiceLine) -> Log:
    forged = []
    for recorded in log:
        event = recorded.event
        if old in getattr(event, "lines", ()):
            lines = tuple(new if line == old else line for line in event.lines)
            total = Money(sum(line.amount.minor for line in lines), new.amount.currency)
            changes: dict[str, Any] = {"lines": lines}
            if isinstance(event, e.InvoiceIssued):
                changes["total"] = total
            if isinstance(event, e.CreditGranted):
                changes["amount"] = total
            recorded = attrs.evolve(recorded, event=attrs.evolve(event, **changes))
        forged.append(recorded)
    return forged


def later(schedule: Schedule) -> Schedule:
    """Every regular period a day later."""
    return attrs.evolve(schedule, anchor=schedule.anchor + DAY)


def with_terms(**forged: Any) -> Forger:
    return changed(e.TermsChanged, terms=lambda event: attrs.evolve(event.terms, **forged))


def a_gift(event: Any) -> e.CreditGranted:
    return e.CreditGranted(
        customer_id="c-1",
        credit_number=1,
        kind=e.CreditKind.GOODWILL,
        amount=Money(100, "NOK"),
        lines=(),
        reason="forged",
        effective_at=event.effective_at,
    )


def a_pause(event: Any) -> e.SubscriptionPaused:
    return e.SubscriptionPaused(
        customer_id="c-1",
        until=None,
        last_invoice=1,
        unused_from=None,
        lines=(),
        reason="forged",
        effective_at=event.effective_at,
    )


def an_ending(event: e.InvoiceIssued) -> e.CancellationScheduled:
    return e.CancellationScheduled(
        customer_id="c-1",
        at=event.next_due_at,
        last_invoice=None,
        reason="forged",
        effective_at=event.effective_at,
    )


def a_withdrawal(event: e.InvoiceIssued) -> e.CancellationWithdrawn:
    return e.CancellationWithdrawn(
        customer_id="c-1",
        next_due_at=event.next_due_at,
        zone_version="2025b",
        reason="forged",
        effective_at=event.effective_at,
    )


def first(event: e.InvoiceIssued) -> bool:
    return event.invoice_number == 1


def second(event: e.InvoiceIssued) -> bool:
    return event.invoice_number == 2


def said_to_stay(log: Log) -> Log | None:
    """A change that counts from now on says that the running period stays as it is."""
    return [
        attrs.evolve(each, event=attrs.evolve(each.event, when=e.When.PERIOD_END))
        if isinstance(each.event, e.TermsChanged)
        else each
        for each in log
    ]


def swapped(kind: type) -> Forger:
    """Two facts of a kind that follow each other change places."""

    def forge(log: Log) -> Log | None:
        for place in range(len(log) - 1):
            one, two = log[place], log[place + 1]
            if isinstance(one.event, kind) and isinstance(two.event, kind):
                return renumbered([*log[:place], two, one, *log[place + 2 :]])
        return None

    return forge


def up_to(kind: type, *, and_with: bool) -> Forger:
    """The log ends before, or with, the first fact of a kind."""

    def forge(log: Log) -> Log | None:
        place = next(at for at, recorded in enumerate(log) if isinstance(recorded.event, kind))
        return log[: place + and_with]

    return forge


def without_what_was_due(log: Log) -> Log | None:
    """Two invoices and their money are taken out from before a planned end."""
    planned = next(
        at for at, each in enumerate(log) if isinstance(each.event, e.CancellationScheduled)
    )
    rest = [each for each in log[planned:] if not isinstance(each.event, _BILLING)]
    return renumbered([*log[:planned], *rest])


_BILLING = (e.InvoiceIssued, e.ChargeAttempted, e.ChargeSucceeded)


def stub_moved(event: e.SubscriptionResumed) -> Schedule:
    """The part of a period begins a day earlier."""
    stub = event.schedule.stub
    assert stub is not None
    period = Period(stub.period.start - DAY, stub.period.end)
    return attrs.evolve(event.schedule, stub=attrs.evolve(stub, period=period))


def stub_of_less(event: e.SubscriptionResumed) -> Schedule:
    """The part is one of a shorter whole, and so costs more."""
    stub = event.schedule.stub
    assert stub is not None
    return attrs.evolve(event.schedule, stub=attrs.evolve(stub, whole_days=stub.whole_days - 2))


def a_change(log: Log) -> e.TermsChanged:
    begun = log[0].event
    return e.TermsChanged(
        customer_id="c-1",
        terms=begun.terms,
        when=e.When.PERIOD_END,
        from_invoice=2,
        schedule=Schedule(anchor=begun.start, anchor_invoice=1, interval=begun.terms.interval),
        lines=(),
        next_due_at=None,
        zone_version="2025b",
        reason="forged",
        effective_at=log[-1].event.effective_at,
    )
