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
from domain.subscription.events import InvoiceLine, LineKind, UsageCorrected, UsageReported
from projections.auditing.book import Book, Stretch, Use
from projections.auditing.codes import Say
from projections.auditing.prices import (
    Expected,
    Price,
    by_tiers,
    check_tax,
    check_worked_out,
    stated,
    sum_stated,
)

OF_USAGE = (LineKind.USAGE, LineKind.MINIMUM, LineKind.CAP)
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


def cut(book: Book, at: datetime, meters: tuple[Meter, ...], *, whole: bool) -> None:
    """What was used before an instant is billed; other meters may count from there on."""
    stretch = counted_until(book, at, whole=whole)
    if stretch is not None:
        kept = (each for each in book.stretches if each.ends >= at - _KEPT)
        book.stretches = [*kept, stretch]
        book.uses = {name: use for name, use in book.uses.items() if name not in stretch.uses}
    if book.counted_from is None or at > book.counted_from:
        book.counted_from = at if (book.meters or meters) else book.counted_from
    book.meters = meters


def cut_through(book: Book, at: datetime) -> Stretch:
    """What was used up to an instant, that one included, is billed in the middle of a period."""
    served = book.invoices + (0 if book.prepaid else 1)
    stretch = Stretch(
        begins=book.counted_from,
        ends=at,
        meters=book.meters,
        uses={name: use for name, use in book.uses.items() if use.at <= at},
        whole=False,
        free=served == 1 and book.beginning.terms.trial is not None,
    )
    kept = (each for each in book.stretches if each.ends >= at - _KEPT)
    book.stretches, book.counted_from = [*kept, stretch], at
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
        check_late(book, event.lines, (), {}, say)
    else:
        _check_meter(stretch.meters, event, say)
        before = _costs(stretch)
        stretch.uses[name] = use
        check_late(book, event.lines, stretch.meters, _more(stretch, before), say)
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
        check_late(book, event.lines, (), {}, say)
    else:
        before = _costs(stretch)
        stretch.uses[event.usage_id].quantity = event.quantity
        check_late(book, event.lines, stretch.meters, _more(stretch, before), say)
    _put_aside(book, event)


def _check_allowed(book: Book, event: UsageReported | UsageCorrected, say: Say) -> None:
    if event.customer_id != book.beginning.customer_id:
        say("customer-mixed", f"usage {event.usage_id} of {event.customer_id}")
    if book.has_ended or (book.announced is None and book.pause is None and event.lines):
        say("usage-after-end", f"{event.usage_id}, and no invoice is to come")


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


def check_late(
    book: Book,
    lines: tuple[InvoiceLine, ...],
    meters: tuple[Meter, ...],
    more: Mapping[str, int],
    say: Say,
) -> None:
    """Lines, or a credit in front of them, that add up to what a stretch costs more or less.

    more: by meter, minor units before tax on top.
    """
    credit = book.unused
    back = () if credit is None else credit.lines
    what = "late usage"
    if credit is not None and lines:
        say("usage-late-wrong", "both a credit and lines")
    taxes = {each.code: each.tax for each in meters}
    added = dict.fromkeys(taxes, 0)
    for sign, line in (*((1, each) for each in lines), *((-1, each) for each in back)):
        if line.kind not in OF_USAGE or line.item not in taxes:
            say("usage-late-wrong", f"{line.description!r} is for {line.item!r}")
            continue
        check_worked_out(line, say, what=what)
        check_tax(line, taxes[line.item], say, what=what)
        added[line.item] += sign * stated(line)
    for code, minor in added.items():
        if minor != more.get(code, 0):
            say("usage-late-wrong", f"{minor} minor units more for {code}, not {more.get(code, 0)}")
    if sum(line.amount.minor for line in lines) < 0:
        say("usage-late-wrong", "less was billed than before, and no credit says so")


def _more(stretch: Stretch, before: Mapping[str, int]) -> dict[str, int]:
    return {code: minor - before[code] for code, minor in _costs(stretch).items()}


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
