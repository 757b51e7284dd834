"""What usage costs: its lines, by the meters that counted it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from domain.calendar import local_day
from domain.money import Money
from domain.plan import Meter
from domain.prices import Part, priced
from domain.pricing import Share, line, stated
from domain.subscription.events import InvoiceLine, LineKind
from domain.subscription.folding_usage import counts_for_nothing, serves_a_period
from domain.subscription.state import Subscription
from domain.subscription.used import Counted

PRICED = Share(numerator=1, denominator=1, days=0, policy="usage")
FREE = Share(numerator=0, denominator=1, days=0, policy="free-trial")


def usage_to_bill(
    state: Subscription, *, until: datetime, bounded: bool = True
) -> tuple[InvoiceLine, ...]:
    """What was used before an instant and is on no invoice yet. bounded: see `usage_lines`."""
    return (*waiting_usage(state), *usage_lines(state, until=until, bounded=bounded))


def waiting_usage(state: Subscription) -> tuple[InvoiceLine, ...]:
    """What the next invoice bills of usage before a change of meters, as it stands now."""
    return tuple(
        line
        for each in state.counted
        if each.bill is None
        for line in stretch_lines(state, each, local_day(each.ends, state.zone))
    )


def usage_lines(
    state: Subscription, *, until: datetime, bounded: bool = True
) -> tuple[InvoiceLine, ...]:
    """What was used before an instant and is counted now, by the meters that count it.

    bounded: whether the minimum holds: not where a change or an end cuts a period short.
    """
    if not state.meters or (state.counted_from is not None and until <= state.counted_from):
        return ()
    stretch = Counted(
        begins=state.counted_from,
        ends=until,
        meters=state.meters,
        usage=tuple(each for each in state.usage if each.at < until),
        bounded=bounded and serves_a_period(state),
        free=counts_for_nothing(state),
    )
    return stretch_lines(state, stretch, local_day(until, state.zone))


def stretch_lines(state: Subscription, stretch: Counted, end: date) -> tuple[InvoiceLine, ...]:
    """What the usage in a stretch costs. end: local day that it is named by, exclusive."""
    words = f"{first_day(state, stretch)} to {end} (end exclusive)"
    return tuple(each for meter in stretch.meters for each in billed(stretch, meter, words))


def first_day(state: Subscription, stretch: Counted) -> date:
    """The local day on which a stretch begins."""
    return state.start if stretch.begins is None else local_day(stretch.begins, state.zone)


def billed(stretch: Counted, meter: Meter, when: str) -> Iterable[InvoiceLine]:
    """What a meter's usage in a stretch costs: its tiers, then what brings it to a bound."""
    quantity = sum(each.quantity for each in stretch.usage if each.meter == meter.code)
    share = FREE if stretch.free else PRICED
    lines = [
        usage_line(LineKind.USAGE, meter, f"{part.words}, {when}", part, share)
        for part in priced(quantity, meter.tiers, meter.tiering)
    ]
    yield from lines
    if stretch.free:
        return
    minor = sum(stated(each).minor for each in lines)
    if stretch.bounded and meter.minimum is not None and minor < meter.minimum.minor:
        up = Part(quantity=1, unit_price=Money(meter.minimum.minor - minor, meter.minimum.currency))
        yield usage_line(LineKind.MINIMUM, meter, f"up to the minimum, {when}", up, share)
    if meter.cap is not None and minor > meter.cap.minor:
        down = Part(quantity=-1, unit_price=Money(minor - meter.cap.minor, meter.cap.currency))
        yield usage_line(LineKind.CAP, meter, f"down to the cap, {when}", down, share)


def usage_line(kind: LineKind, meter: Meter, words: str, part: Part, share: Share) -> InvoiceLine:
    """A line of a meter."""
    text = f"{meter.description} ({meter.unit}), {words}"
    return line(kind, text, part, share, meter.tax, meter.code)
