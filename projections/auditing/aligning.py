"""Where periods begin: what was agreed to with the start, and anchors that were moved."""

from __future__ import annotations

from domain.calendar import count_from
from domain.plan import Terms
from domain.refusals import Refused
from domain.schedule import Schedule
from domain.subscription.events import TermsChanged, When
from domain.subscription.state import Status
from projections.auditing.book import Book
from projections.auditing.codes import Say
from projections.auditing.schedules import days_of

# The start is the first fact of a stream; what was agreed to with it, the second.
_WITH_THE_START = 2


def agreed_at_start(book: Book) -> bool:
    """Whether changed terms stand right behind the start."""
    return book.status is Status.PENDING and book.version == _WITH_THE_START


def check_agreed_at_start(book: Book, event: TermsChanged, say: Say) -> None:
    """A paid trial comes before the regular terms; or the first periods begin on other days."""
    old, first_paid = book.agreed[0], 1 if book.beginning.terms.trial is None else 2
    if event.lines or event.when is not When.PERIOD_END:
        say("parts-wrong", "lines for a period before the first one")
    if event.terms == old.terms:
        _check_moved(event, old.schedule, first_paid, say)
        return
    trial = days_of(old.schedule, event.from_invoice)
    expected = None
    if trial is not None:
        expected = Schedule(
            anchor=trial.start, anchor_invoice=event.from_invoice, interval=event.terms.interval
        )
    if not _fits(event.terms, old.terms) or event.from_invoice <= first_paid:
        say("change-not-allowed", f"regular terms from invoice {event.from_invoice} on")
    if event.schedule != expected:
        say("schedule-wrong", f"regular periods from {event.schedule.anchor} on")


def _fits(regular: Terms, trial: Terms) -> bool:
    """Whether a paid trial differs in nothing but price and rhythm."""
    return (
        (regular.plan, regular.kind, regular.timing, regular.quantity, regular.meters)
        == (trial.plan, trial.kind, trial.timing, trial.quantity, trial.meters)
        and (regular.trial, regular.tax, regular.currency)
        == (trial.trial, trial.tax, trial.currency)
        and regular.cycles is None
    )


def moves_anchor(book: Book, event: TermsChanged) -> bool:
    """Whether the terms stay as they were agreed to, and nothing but the days changes."""
    same = event.terms == book.agreed_for(event.from_invoice).terms
    return same and event.when is When.PERIOD_END


def check_moved_anchor(book: Book, event: TermsChanged, begun: bool, say: Say) -> None:
    """From the first invoice whose period has not begun and is a whole one."""
    number = book.invoices + 1
    moved, later = event.from_invoice, book.agreed[-1]
    if later.from_invoice == moved > number:
        # Agreed to for later; the periods before it were moved, and it goes along.
        _check_moved(event, book.agreed_for(moved - 1).schedule, moved, say)
        if event.lines:
            say("parts-wrong", "lines for a period that stays as it is")
        return
    stub = book.agreed_for(number).schedule.stub
    off_rhythm = stub is not None and stub.invoice_number == number
    expected = number + 1 if (begun and not book.prepaid) or off_rhythm else number
    if event.from_invoice != expected:
        say("change-out-of-step", f"from invoice {event.from_invoice}, not {expected}")
    if event.lines:
        say("parts-wrong", "lines for a period that stays as it is")
    _check_moved(event, book.agreed_for(event.from_invoice).schedule, event.from_invoice, say)


def _check_moved(event: TermsChanged, old: Schedule, number: int, say: Say) -> None:
    """Periods tile: the first begins where it would have, and ends at the anchor."""
    before, new = days_of(old, number), event.schedule
    after = days_of(new, number)
    tiles = before is not None and after is not None and before.start == after.start
    if event.from_invoice != number or new.interval != event.terms.interval or not tiles:
        say("schedule-wrong", f"invoice {number} bills from {after and after.start} on")
    stub = new.stub
    if stub is None:
        return
    try:
        whole = (new.anchor - count_from(new.anchor, new.interval, -1)).days
    except Refused:
        whole = 0
    placed = (stub.invoice_number, stub.period.end, new.anchor_invoice)
    if (
        placed != (number, new.anchor, number + 1)
        or stub.whole_days != whole
        or not stub.period.days > 0
        or count_from(stub.period.start, new.interval, 1) <= new.anchor
    ):
        say("schedule-wrong", f"a part of {stub.period.days} of {stub.whole_days} days")
