"""Where a line of an invoice comes from: what put it aside, which usage it counts, its tax."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from domain.calendar import local_day
from domain.recorded import Recorded
from domain.subscription.events import (
    OF_USAGE,
    SETTLEMENT,
    BalanceReported,
    DiscountGranted,
    InstalmentsSettled,
    InvoiceIssued,
    InvoiceLine,
    LineKind,
    SubscriptionEvent,
    SubscriptionPaused,
    SubscriptionReinstated,
    SubscriptionResumed,
    TermsChanged,
    UsageCorrected,
    UsageReported,
)
from domain.subscription.folding import evolve_all
from domain.subscription.folding_discounts import reduces
from domain.subscription.usage_pricing import stretch_lines

Fact = Recorded[SubscriptionEvent]
_Source = (
    TermsChanged
    | SubscriptionPaused
    | SubscriptionResumed
    | SubscriptionReinstated
    | UsageReported
    | UsageCorrected
)
# How many positions a line of words names.
_SHOWN = 8


def source_of(log: Sequence[Fact], before: int, line: InvoiceLine, demand: str) -> int | None:
    """The fact that put a line aside for this invoice, granted a discount, reported the balance
    that it reloads, or settled the instalments. demand: of the invoice."""
    if demand == SETTLEMENT and line.kind not in (LineKind.DEMAND, LineKind.RELOAD):
        settled = (each.position for each in log if isinstance(each.event, InstalmentsSettled))
        return next(settled, None)
    if line.kind is LineKind.RELOAD:
        reports = (each for each in log if isinstance(each.event, BalanceReported))
        return next((each.position for each in reports if _reports(each.event, demand)), None)
    if reduces(line):
        granted = (each for each in log if isinstance(each.event, DiscountGranted))
        return next((each.position for each in granted if _grants(each.event, line)), None)
    if line.kind not in (LineKind.REST, LineKind.UNUSED, LineKind.DISCOUNT, *OF_USAGE):
        return None
    found = [
        each.position
        for each in log
        if each.position < before and isinstance(each.event, _Source) and line in each.event.lines
    ]
    return found[-1] if found else None


def _reports(event: SubscriptionEvent, demand: str) -> bool:
    return isinstance(event, BalanceReported) and event.report_id == demand


def _grants(event: SubscriptionEvent, line: InvoiceLine) -> bool:
    return isinstance(event, DiscountGranted) and str(event.discount_number) == line.item


def reports_of(
    log: Sequence[Fact], before: int, invoice: InvoiceIssued, line: InvoiceLine
) -> tuple[int, ...]:
    """The reports of a meter since usage was billed last, as they stood when it was billed."""
    if line.kind not in OF_USAGE:
        return ()
    earlier = [each for each in log if each.position < before]
    if (waited := _counted_before_a_change(earlier, line)) is not None:
        return waited
    cuts = [(cut, each.position) for each in earlier if (cut := _cut_at(each.event)) is not None]
    begins, billed_at = max(cuts, default=(None, 0))
    through = any(each.position == billed_at and _is_demand(each.event) for each in earlier)
    names: set[str] = set()
    found = []
    for each in earlier:
        match each.event:
            case UsageReported(meter=meter, effective_at=at) if meter == line.item:
                later = begins is None or begins < at
                # Usage of the very instant of a bill at the threshold is on it, if it was known.
                later = later or (begins == at and not (through and each.position < billed_at))
                known = at < invoice.effective_at or (
                    _is_demand(invoice) and at == invoice.effective_at
                )
                if later and known:
                    names.add(each.event.usage_id)
                    found.append(each.position)
            case UsageCorrected(usage_id=name) if name in names:
                found.append(each.position)
    return tuple(found)


def _counted_before_a_change(earlier: Sequence[Fact], line: InvoiceLine) -> tuple[int, ...] | None:
    """The reports of a stretch that a change of meters ended, and that no invoice has billed; None
    where the line is not of one."""
    if not any(isinstance(each.event, TermsChanged) for each in earlier):
        return None
    state = evolve_all(None, (each.event for each in earlier))
    for stretch in state.counted:
        end = local_day(stretch.ends, state.zone)
        if stretch.bill is None and line in stretch_lines(state, stretch, end):
            names = {each.usage_id for each in stretch.usage if each.meter == line.item}
            return tuple(
                each.position
                for each in earlier
                if isinstance(each.event, UsageReported | UsageCorrected)
                and each.event.usage_id in names
            )
    return None


def _cut_at(event: SubscriptionEvent) -> datetime | None:
    """Up to when a fact bills usage, or None."""
    if isinstance(event, InvoiceIssued):
        of_usage = any(each.kind in OF_USAGE for each in event.lines)
        return event.effective_at if of_usage or not event.demand else None
    billed = isinstance(event, TermsChanged) and any(each.kind in OF_USAGE for each in event.lines)
    return event.effective_at if billed else None


def _is_demand(event: SubscriptionEvent) -> bool:
    return isinstance(event, InvoiceIssued) and bool(event.demand)


def words_of(line: InvoiceLine, counted: tuple[int, ...]) -> str:
    """A line, its tax, and where the reports stand that it counts."""
    shown = ", ".join(str(each) for each in counted[:_SHOWN])
    more = f" and {len(counted) - _SHOWN} more" if len(counted) > _SHOWN else ""
    where = f", counts {shown}{more}" if counted else ""
    return f"{line.description}{where}{_tax_in_words(line)}"


def _tax_in_words(line: InvoiceLine) -> str:
    if line.tax is None:
        return ""
    tax, rate = line.tax, line.tax.rate
    return f" ({tax.net} net, {tax.tax} tax, {rate.code} {Decimal(rate.ppm) / 10_000:f} %)"
