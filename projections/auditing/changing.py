"""Changed terms: what may change, from which invoice on, and what becomes of the running period."""

from __future__ import annotations

import attrs

from domain.plan import Kind, Terms
from domain.schedule import Schedule
from domain.subscription.events import InvoiceLine, LineKind, TermsChanged, When
from domain.subscription.state import Status
from projections.auditing.aligning import (
    agreed_at_start,
    check_agreed_at_start,
    check_moved_anchor,
    moves_anchor,
)
from projections.auditing.book import Agreed, Book, Service
from projections.auditing.codes import Say
from projections.auditing.late import OF_USAGE
from projections.auditing.parts import (
    Moment,
    at_terms,
    check_parts,
    moment,
    of_kind,
    policy_named,
    running,
    worth,
)
from projections.auditing.prices import check_line, check_worked_out
from projections.auditing.schedules import announced_for, days_of, due_on
from projections.auditing.usage import bill, counted_until, cut


def check_change(book: Book, event: TermsChanged, say: Say) -> None:
    """Changed terms against those before them; from here on they are what was agreed to."""
    now, number = moment(book, event.effective_at), book.invoices + 1
    present = book.agreed_for(number)
    # Billed afterwards, a period that has begun keeps its terms.
    begun = book.next_start is not None and book.next_start <= now.day
    if agreed_at_start(book):
        check_agreed_at_start(book, event, say)
        _agree(book, event, present, say)
        return
    _check_allowed(book, event, say)
    going_on = _going_on(book.agreed_for(event.from_invoice), event.terms, event.from_invoice)
    changed = without_past(event.schedule, event.from_invoice) != going_on
    if changed and moves_anchor(book, event):
        check_moved_anchor(book, event, begun, say)
        _agree(book, event, present, say)
        return
    from_invoice = number + 1 if begun and not book.prepaid else number
    if event.from_invoice != from_invoice:
        say("change-out-of-step", f"from invoice {event.from_invoice}, not {from_invoice}")
    service = running(book, now) if event.when is When.NOW else None
    anew = service is not None and event.terms.interval != present.terms.interval
    _check_schedule(book, event, now, anew, say)
    _check_parts(book, event, service, now, anew, say)
    if event.when is When.NOW:
        book.repriced = event.terms
    if anew:
        # The days that are left were given back, and are billed anew.
        book.billed, book.next_start = None, now.day
    _agree(book, event, present, say)
    book.unused = None


def _agree(book: Book, event: TermsChanged, present: Agreed, say: Say) -> None:
    """From here on they are what was agreed to."""
    later = Agreed(event.from_invoice, event.terms, event.schedule)
    book.agreed = (later,) if event.from_invoice <= book.invoices + 1 else (present, later)
    # Usage is billed as it stands when its invoice is issued.
    waiting = (each for each in event.lines if each.kind not in OF_USAGE)
    book.lines_to_come = (*book.lines_to_come, *waiting)
    _check_announced(book, event, present, say)
    book.announced = event.next_due_at


def _check_allowed(book: Book, event: TermsChanged, say: Say) -> None:
    old, new, begun = book.beginning.terms, event.terms, book.beginning
    if event.customer_id != begun.customer_id:
        say("customer-mixed", f"changed terms for {event.customer_id}")
    pending = event.terms == book.agreed_for(event.from_invoice).terms
    changeable = (Status.ACTIVE, Status.PENDING) if pending else (Status.ACTIVE,)
    if book.status not in changeable or book.ending is not None or book.announced is None:
        say("change-not-allowed", f"changed when it was {book.status.value}")
    if (new.kind, new.timing, new.trial) != (old.kind, old.timing, old.trial):
        say("change-not-allowed", f"now {new.usage_pattern}, trial {new.trial}")
    if new.price.currency != begun.currency or old.kind is Kind.INSTALLMENT:
        say("change-not-allowed", f"{old.kind.value} in {begun.currency} at {new.price}")


def _check_schedule(book: Book, event: TermsChanged, now: Moment, anew: bool, say: Say) -> None:
    if anew:
        expected = Schedule(
            anchor=now.day, anchor_invoice=book.invoices + 1, interval=event.terms.interval
        )
    else:
        expected = _going_on(book.agreed_for(event.from_invoice), event.terms, event.from_invoice)
    if without_past(event.schedule, event.from_invoice) != expected:
        say("schedule-wrong", f"from {event.schedule.anchor} on, not from {expected.anchor}")


def _going_on(old: Agreed, terms: Terms, from_invoice: int) -> Schedule:
    """The old days; with another interval, counted from where the last old period ends."""
    schedule = without_past(old.schedule, from_invoice)
    first = days_of(schedule, from_invoice)
    if terms.interval == schedule.interval or first is None:
        return schedule
    if schedule.stub is not None:
        return attrs.evolve(schedule, interval=terms.interval)
    return Schedule(anchor=first.start, anchor_invoice=from_invoice, interval=terms.interval)


def without_past(schedule: Schedule, invoice_number: int) -> Schedule:
    """A schedule without a period off the rhythm that lies before an invoice."""
    stub = schedule.stub
    if stub is None or stub.invoice_number >= invoice_number:
        return schedule
    return attrs.evolve(schedule, stub=None)


def _check_announced(book: Book, event: TermsChanged, before: Agreed, say: Say) -> None:
    """An announced instant stays, unless the next invoice is due on another day than before."""
    instant, number = event.next_due_at, book.invoices + 1
    after = book.agreed_for(number)
    old, new = days_of(before.schedule, number), days_of(after.schedule, number)
    if old is None or new is None or due_on(before.terms, old) == due_on(after.terms, new):
        fits = instant == book.announced
    else:
        fits = instant is not None and announced_for(book, number, instant)
    if not fits:
        say("next-due-off-schedule", f"invoice {number} announced for {instant}")


def _check_parts(
    book: Book, event: TermsChanged, service: Service | None, now: Moment, anew: bool, say: Say
) -> None:
    """The rest of the running period: given back at the old terms, charged at the new ones.

    What is billed already is given back by a credit in front of the change, else by a line. Both
    follow one rule; which one, the caller may have chosen.
    """
    back, rest = of_kind(event.lines, LineKind.UNUSED), of_kind(event.lines, LineKind.REST)
    credit, parts = book.unused, (*back, *rest)
    _check_usage(book, event, event.lines[len(parts) :], now, say)
    if event.lines[: len(parts)] != parts:
        say("parts-wrong", f"{len(event.lines)} lines, {len(rest)} of them for the rest")
    if service is None:
        if parts or credit is not None:
            say("parts-wrong", "lines or credit for a period that stays as it is")
        return
    if (book.prepaid and back) or (anew and rest) or (not book.prepaid and credit is not None):
        say("parts-wrong", "days are given back, or charged, twice")
    fresh = at_terms(service, event.terms)
    check_parts(back, service, now, say, what="changed terms", given_back=True)
    check_parts(rest, fresh, now, say, what="changed terms")
    rules = {line.working.policy for line in parts}
    rules |= set() if credit is None else {credit.policy}
    if len(rules) > 1:
        say("parts-wrong", f"by several rules: {', '.join(sorted(rules))}")
    policy = policy_named(next(iter(rules), ""))
    if policy is None:
        return
    gives_back = bool(back) or credit is not None
    if not gives_back and worth(service, policy, now) != 0:
        say("parts-wrong", "the days that are left were not given back")
    if not rest and not anew and worth(fresh, policy, now) != 0:
        say("parts-wrong", "the days that are left were not charged")


def _check_usage(
    book: Book, event: TermsChanged, lines: tuple[InvoiceLine, ...], now: Moment, say: Say
) -> None:
    """Where other meters count from now on, what was used before is put aside at the old ones."""
    others = event.when is When.NOW and event.terms.meters != book.meters
    stretch = counted_until(book, now.at, whole=False) if others else None
    agreed = () if stretch is None else bill(stretch)
    if len(lines) != len(agreed):
        say("usage-billed-wrong", f"{len(lines)} lines of usage, not {len(agreed)}")
    for line, expected in zip(lines, agreed, strict=False):
        check_worked_out(line, say, what="changed terms")
        check_line(line, expected, say, what="changed terms")
        if line.kind is not expected.kind:
            say("usage-billed-wrong", f"{line.kind.value} instead of {expected.kind.value}")
    if others:
        cut(book, now.at, event.terms.meters, whole=False)
