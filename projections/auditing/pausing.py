"""Pauses: what is billed before them, which days are given back, and where billing goes on."""

from __future__ import annotations

from datetime import date

from domain.calendar import count_from
from domain.plan import Kind
from domain.refusals import Refused
from domain.schedule import Schedule
from domain.subscription.events import (
    InvoiceLine,
    LineKind,
    SubscriptionPaused,
    SubscriptionReinstated,
    SubscriptionResumed,
)
from domain.subscription.state import Status
from projections.auditing.book import Agreed, Book, Paused, Service
from projections.auditing.changing import without_past
from projections.auditing.codes import Say
from projections.auditing.parts import Moment, check_parts, moment, rule_for, running, worth
from projections.auditing.schedules import announced_for, days_of, last_number, whole_days_of


def check_pause(book: Book, event: SubscriptionPaused, say: Say) -> None:
    """A pause of what is billed; the running period is billed to its end, or given back."""
    now = moment(book, event.effective_at)
    service = running(book, now)
    if event.customer_id != book.beginning.customer_id:
        say("customer-mixed", f"a pause for {event.customer_id}")
    scheduled = book.beginning.terms.scheduled
    if book.status is not Status.ACTIVE or book.ending is not None or not scheduled:
        say("pause-wrong", f"paused when it was {book.status.value}")
    if event.until is not None and event.until <= event.effective_at:
        say("pause-wrong", f"paused until {event.until}")
    still_to_come = service is not None and not book.prepaid
    last = book.invoices + 1 if still_to_come else book.invoices
    if event.last_invoice != last:
        say("pause-wrong", f"invoice {event.last_invoice} is the last one, not {last}")
    if event.unused_from is not None:
        if service is None or event.unused_from != now.day:
            say("pause-wrong", f"unused from {event.unused_from}")
        if book.beginning.terms.kind is Kind.INSTALLMENT:
            say("pause-wrong", "instalments were given back")
    _check_given_back(book, event, service, now, say)
    book.status = Status.PAUSED
    book.pause = Paused(event.last_invoice, event.unused_from)
    book.lines_to_come = (*book.lines_to_come, *event.lines)
    book.unused = None
    if event.last_invoice <= book.invoices:
        book.announced = None


def _check_given_back(
    book: Book, event: SubscriptionPaused, service: Service | None, now: Moment, say: Say
) -> None:
    """Unused days: a credit where they are billed already, else a line; by the terms' rule."""
    credit, due = book.unused, 0
    policy = rule_for(book, book.agreed_for(book.invoices + 1).terms)
    if service is not None and event.unused_from is not None:
        due = worth(service, policy, now)
    given = sum(-line.amount.minor for line in event.lines)
    given += 0 if credit is None else credit.amount.minor
    if given != due:
        say("parts-wrong", f"{given} minor units given back for the days unused, not {due}")
    if (credit is not None and not book.prepaid) or (event.lines and book.prepaid):
        say("parts-wrong", "given back on a bill that does not hold these days")
    _check_lines(event.lines, LineKind.UNUSED, service, now, policy.value, say)
    if credit is not None and credit.policy != policy.value:
        say("parts-wrong", f"given back by the rule {credit.policy}, not {policy.value}")


def _check_lines(
    lines: tuple[InvoiceLine, ...],
    kind: LineKind,
    service: Service | None,
    now: Moment,
    policy: str,
    say: Say,
    item: str = "",
) -> None:
    """Lines of this kind and by this rule."""
    what = "the pause" if kind is LineKind.UNUSED else "resumed"
    if any((each.kind, each.working.policy) != (kind, policy) for each in lines):
        say("parts-wrong", f"{what}: {len(lines)} lines, by other rules than {policy}")
    if service is not None:
        back = kind is LineKind.UNUSED
        check_parts(lines, service, now, say, what=what, given_back=back, item=item)


def check_resume(book: Book, event: SubscriptionResumed, say: Say) -> None:
    """Billing goes on after a pause: at the old days, or from the day of resuming on."""
    if event.customer_id != book.beginning.customer_id:
        say("customer-mixed", f"resumed for {event.customer_id}")
    pause, book.pause = book.pause, None
    if pause is None or book.status is not Status.PAUSED:
        say("resume-without-pause", f"resumed when it was {book.status.value}")
    given_back = pause is not None and pause.unused_from is not None
    check_going_on(book, event, say, given_back=given_back)


def check_going_on(
    book: Book, event: SubscriptionResumed | SubscriptionReinstated, say: Say, *, given_back: bool
) -> None:
    """Which days are billed from here on, and what the next invoice charges beside them.

    given_back: whether the rest of the period in which billing stopped was given back.
    """
    now, number = moment(book, event.effective_at), book.invoices + 1
    old, service = book.agreed_for(number), running(book, now)
    restarted = _check_schedule(book, event, service if given_back else None, now, say)
    due = 0
    if service is not None and given_back and not restarted:
        due = worth(service, rule_for(book, old.terms), now)
    charged = sum(line.amount.minor for line in event.lines)
    if charged != due:
        say("parts-wrong", f"{charged} minor units for the days used again, not {due}")
    # What was paid for and given back is charged again as it was; see InvoiceLine.item.
    item = "as-given-back" if book.prepaid else ""
    rule = rule_for(book, old.terms)
    _check_lines(event.lines, LineKind.REST, service, now, rule.value, say, item)
    if restarted:
        book.billed = None
    later = tuple(each for each in book.agreed if each.from_invoice > number)
    book.agreed = (Agreed(number, old.terms, event.schedule), *later)
    first = days_of(event.schedule, number)
    book.next_start = None if first is None else first.start
    book.lines_to_come = (*book.lines_to_come, *event.lines)
    if not book.has_ended:
        book.status = Status.ACTIVE
    _check_announced(book, event, say)
    book.announced = event.next_due_at


def _check_announced(
    book: Book, event: SubscriptionResumed | SubscriptionReinstated, say: Say
) -> None:
    number, last, instant = book.invoices + 1, last_number(book), event.next_due_at
    if last is not None and book.invoices >= last:
        fits = instant is None
    else:
        fits = instant is not None and announced_for(book, number, instant)
    if not fits:
        say("next-due-off-schedule", f"invoice {number} announced for {instant}")


def _check_schedule(
    book: Book,
    event: SubscriptionResumed | SubscriptionReinstated,
    given_back: Service | None,
    now: Moment,
    say: Say,
) -> bool:
    """Whether it begins anew in the middle of a period that was billed and given back.

    given_back: the running period, where its days were given back. Days that nobody bills lie
    between a pause and the day of resuming, nowhere else; no day is billed twice.
    """
    number = book.invoices + 1
    old = book.agreed_for(number)
    new, before = without_past(event.schedule, number), without_past(old.schedule, number)
    next_days = days_of(before, number)
    anew = Schedule(anchor=now.day, anchor_invoice=number, interval=old.terms.interval)
    if given_back is not None and book.prepaid and new == anew:
        return True
    reached = next_days is not None and now.day > next_days.start
    if running(book, now) is not None or not reached:
        fits = new == before
    else:
        fits = new == anew or _keeps_anchor(new, before, number, now.day)
    if not fits:
        say("schedule-wrong", f"resumed on {now.day}, periods from {new.anchor} on")
    return False


def _keeps_anchor(new: Schedule, old: Schedule, number: int, day: date) -> bool:
    """Whether a part of a period is billed from a day up to the next old boundary, then whole
    periods at the old boundaries."""
    first, second = days_of(new, number), days_of(new, number + 1)
    if first is None or second is None or (new.anchor, new.interval) != (old.anchor, old.interval):
        return False
    try:
        whole = _old_period_around(old, day)
    except Refused:
        return False
    return (
        first.start == day
        and first.end == second.start == whole[1]
        and whole_days_of(new, number) == (whole[1] - whole[0]).days
    )


def _old_period_around(old: Schedule, day: date) -> tuple[date, date]:
    """The regular period that a day lies in, first day and end; in a trial, one before the rest."""
    index = -1
    while count_from(old.anchor, old.interval, index + 1) <= day:
        index += 1
    return (
        count_from(old.anchor, old.interval, index),
        count_from(old.anchor, old.interval, index + 1),
    )
