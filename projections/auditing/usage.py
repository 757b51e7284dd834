"""Usage: every report on the invoice of its time, and what comes late worked out anew.

A stretch is a time whose usage is billed together. What a late report or a correction adds is what
the whole stretch costs after it, less what it cost before: not how the rules get there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import attrs

from domain.calendar import start_of_day
from domain.plan import Meter
from domain.subscription.events import LineKind, UsageCorrected, UsageReported
from projections.auditing.book import Book, Issued, Stretch, Use
from projections.auditing.codes import Say
from projections.auditing.late import Sum, check_late, check_nothing_late, comes_to
from projections.auditing.prices import Expected, Price, by_tiers, sum_stated

# How long a billed stretch may still be changed; it is then forgotten here, too.
_KEPT = timedelta(days=92)


def bill(stretch: Stretch) -> tuple[Expected, ...]:
    """The lines that a stretch of usage is billed by."""
    return tuple(line for meter in stretch.meters for line in _bill(stretch, meter))


def _bill(stretch: Stretch, meter: Meter) -> Iterable[Expected]:
    units = sum(use.quantity for use in stretch.uses.values() if use.meter == meter.code)
    lines = [
        Expected(kind=LineKind.USAGE, price=price, tax=meter.tax, item=meter.code)
        for price in by_tiers(units, meter.tiers, meter.tiering)
    ]
    if stretch.free:
        for line in lines:
            yield attrs.evolve(line, price=attrs.evolve(line.price, share=line.price.share * 0))
        return
    yield from lines
    minor = sum_stated(lines)
    least = meter.minimum.minor if meter.minimum is not None and stretch.whole else minor
    most = minor if meter.cap is None else meter.cap.minor
    if minor < least:
        up = Price(1, least - minor)
        yield Expected(kind=LineKind.MINIMUM, price=up, tax=meter.tax, item=meter.code)
    if minor > most:
        down = Price(-1, minor - most)
        yield Expected(kind=LineKind.CAP, price=down, tax=meter.tax, item=meter.code)


def counted_until(book: Book, until: datetime, *, whole: bool) -> Stretch | None:
    """What is counted and not billed before an instant; None where nothing can be.

    whole: whether it is all of a period, as far as the caller knows.
    """
    if not book.meters or (book.counted_from is not None and until <= book.counted_from):
        return None
    served = book.invoices + (0 if book.prepaid else 1)
    return Stretch(
        begins=book.counted_from,
        ends=until,
        meters=book.meters,
        uses={name: use for name, use in book.uses.items() if use.at < until},
        whole=whole and served > 0,
        free=served == 1 and book.beginning.terms.trial is not None,
    )


def cut(
    book: Book,
    at: datetime,
    meters: tuple[Meter, ...],
    *,
    whole: bool,
    issued: Issued | None = None,
) -> None:
    """What was used before an instant is counted; other meters may count from there on.

    issued: the invoice that bills it, and what was counted and waited; None: the next one will.
    """
    stretch = counted_until(book, at, whole=whole)
    for each in book.stretches:
        each.issued = each.issued or issued
    if stretch is not None:
        stretch.issued = issued
        book.stretches = [*_kept(book, at), stretch]
        book.uses = {name: use for name, use in book.uses.items() if name not in stretch.uses}
    if book.counted_from is None or at > book.counted_from:
        book.counted_from = at if (book.meters or meters) else book.counted_from
    book.meters = meters


def _kept(book: Book, at: datetime) -> list[Stretch]:
    """Not too old, not billed yet, or on one invoice with such."""
    fresh = [each.issued for each in book.stretches if each.ends >= at - _KEPT]
    return [
        each
        for each in book.stretches
        if each.issued is None or any(each.issued is other for other in fresh)
    ]


def cut_through(book: Book, at: datetime, issued: Issued) -> Stretch:
    """What was used up to an instant, that one included, is billed in the middle of a period."""
    served = book.invoices + (0 if book.prepaid else 1)
    stretch = Stretch(
        begins=book.counted_from,
        ends=at,
        meters=book.meters,
        uses={name: use for name, use in book.uses.items() if use.at <= at},
        whole=False,
        free=served == 1 and book.beginning.terms.trial is not None,
        issued=issued,
    )
    book.stretches, book.counted_from = [*_kept(book, at), stretch], at
    book.uses = {name: use for name, use in book.uses.items() if name not in stretch.uses}
    return stretch


def check_report(book: Book, event: UsageReported, recorded_at: datetime, say: Say) -> None:
    """Usage counts once, when it was, by a meter of that time; late, with what it adds."""
    name, at = event.usage_id, event.effective_at
    _check_allowed(book, event, say)
    if _find(book, name) is not None:
        say("usage-doubled", f"{name} was reported before")
    begins = start_of_day(book.beginning.start, book.beginning.zone)
    if event.quantity < 1 or not begins <= at <= recorded_at:
        say("usage-wrong", f"{event.quantity} of {event.meter} at {at}")
    use = Use(event.meter, event.quantity, at)
    stretch = next((each for each in reversed(book.stretches) if _holds(each, at)), None)
    if stretch is None:
        if book.counted_from is not None and at < book.counted_from:
            say("usage-wrong", f"{name} is of a time that was billed long ago")
        _check_meter(_counting(book, at), event, say)
        book.uses[name] = use
        check_nothing_late(book, event.lines, say)
    else:
        _check_meter(stretch.meters, event, say)
        before = _costs(stretch), _sum(book, stretch)
        stretch.uses[name] = use
        _check_settled(book, event, stretch, before, say)
    _put_aside(book, event)


def check_correction(book: Book, event: UsageCorrected, say: Say) -> None:
    """A correction is of a report, from what it said; where that was billed, it costs or gives."""
    _check_allowed(book, event, say)
    use = _find(book, event.usage_id)
    if use is None or use.meter != event.meter or use.quantity != event.previous:
        say("usage-correction-wrong", f"{event.usage_id} did not say {event.previous}")
    if event.quantity < 0 or event.quantity == event.previous:
        say("usage-correction-wrong", f"{event.usage_id} now says {event.quantity}")
    stretch = next((each for each in book.stretches if event.usage_id in each.uses), None)
    if stretch is None:
        if use is not None:
            use.quantity = event.quantity
        check_nothing_late(book, event.lines, say)
    else:
        before = _costs(stretch), _sum(book, stretch)
        stretch.uses[event.usage_id].quantity = event.quantity
        _check_settled(book, event, stretch, before, say)
    _put_aside(book, event)


def _check_allowed(book: Book, event: UsageReported | UsageCorrected, say: Say) -> None:
    if event.customer_id != book.beginning.customer_id:
        say("customer-mixed", f"usage {event.usage_id} of {event.customer_id}")
    if book.has_ended or (book.announced is None and book.pause is None and event.lines):
        say("usage-after-end", f"{event.usage_id}, and no invoice is to come")


def not_billed(book: Book) -> tuple[Expected, ...]:
    """The lines of usage that was counted before a change of meters, and waits for an invoice."""
    return tuple(line for each in book.stretches if each.issued is None for line in bill(each))


def next_meters(book: Book) -> tuple[Meter, ...]:
    """By which usage is counted from the next invoice's due instant on."""
    number = book.invoices + (1 if book.prepaid else 2)
    return book.agreed_for(number).terms.meters


def _counting(book: Book, at: datetime) -> tuple[Meter, ...]:
    """By which usage at an instant that is not billed yet is counted."""
    return book.meters if book.announced is None or at < book.announced else next_meters(book)


def _check_meter(meters: tuple[Meter, ...], event: UsageReported, say: Say) -> None:
    if event.meter not in {each.code for each in meters}:
        say("usage-wrong", f"no meter {event.meter} counted {event.usage_id}")


def _check_settled(
    book: Book,
    event: UsageReported | UsageCorrected,
    stretch: Stretch,
    before: tuple[Mapping[str, int], Sum],
    say: Say,
) -> None:
    if stretch.issued is None:
        check_nothing_late(book, event.lines, say)
        return
    costs, sum_before = before
    more = {code: minor - costs[code] for code, minor in _costs(stretch).items()}
    check_late(book, event.lines, stretch, more, (sum_before, _sum(book, stretch)), say)


def _sum(book: Book, stretch: Stretch) -> Sum:
    """What the invoice of a stretch comes to, as usage stands."""
    if stretch.issued is None:
        return Sum()
    on_it = (each for each in book.stretches if each.issued is stretch.issued)
    return comes_to(stretch.issued, [line for each in on_it for line in bill(each)])


def _costs(stretch: Stretch) -> dict[str, int]:
    return {meter.code: sum_stated(_bill(stretch, meter)) for meter in stretch.meters}


def _put_aside(book: Book, event: UsageReported | UsageCorrected) -> None:
    book.lines_to_come = (*book.lines_to_come, *event.lines)
    book.unused = None


def _find(book: Book, name: str) -> Use | None:
    places = (book.uses, *(each.uses for each in book.stretches))
    return next((each[name] for each in places if name in each), None)


def _holds(stretch: Stretch, at: datetime) -> bool:
    return (stretch.begins is None or stretch.begins <= at) and at < stretch.ends
