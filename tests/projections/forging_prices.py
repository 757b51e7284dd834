"""Forging of prices, tax and discounts: sums fit again, only the sense is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from domain.money import Money
from domain.subscription import events as e
from domain.taxes import LineTax
from tests.projections.forging import Forger, Log, changed, renumbered

Lines = tuple[e.InvoiceLine, ...]


def with_lines(event: Any, lines: Lines) -> Any:
    """A fact with other lines; total, tax or amount with them."""
    if isinstance(event, e.UsageReported | e.UsageCorrected | e.TermsChanged):
        return attrs.evolve(event, lines=lines)
    currency = (event.total if isinstance(event, e.InvoiceIssued) else event.amount).currency
    total = Money(sum(line.amount.minor for line in lines), currency)
    if not isinstance(event, e.InvoiceIssued):
        return attrs.evolve(event, lines=lines, amount=total)
    taxes = [line.tax.tax.minor for line in lines if line.tax is not None]
    tax = Money(sum(taxes), currency) if taxes else None
    return attrs.evolve(event, lines=lines, total=total, tax=tax)


def relined(
    kind: type, make: Callable[[Lines], Lines], when: Callable[[Any], bool] = lambda _: True
) -> Forger:
    """The lines of the first such fact are others."""

    def forge(log: Log) -> Log | None:
        for place, recorded in enumerate(log):
            if isinstance(recorded.event, kind) and when(recorded.event):
                other = with_lines(recorded.event, make(recorded.event.lines))
                return [*log[:place], attrs.evolve(recorded, event=other), *log[place + 1 :]]
        return None

    return forge


def number(invoice: int) -> Callable[[Any], bool]:
    return lambda event: event.invoice_number == invoice


def has(kind: e.LineKind) -> Callable[[Any], bool]:
    return lambda event: any(line.kind is kind for line in event.lines)


def without(*kinds: e.LineKind) -> Callable[[Lines], Lines]:
    return lambda lines: tuple(line for line in lines if line.kind not in kinds)


def each(
    kind: e.LineKind, make: Callable[[e.InvoiceLine], e.InvoiceLine]
) -> Callable[[Lines], Lines]:
    return lambda lines: tuple(make(line) if line.kind is kind else line for line in lines)


def scaled(line: e.InvoiceLine, quantity: int) -> e.InvoiceLine:
    """A line of so many units, its amount and its tax with it; for prices in whole minor units."""
    factor = quantity * line.working.unit_price.minor * line.working.numerator
    stated = Money(factor // line.working.denominator, line.amount.currency)
    working = attrs.evolve(line.working, quantity=quantity, rounding="none")
    if line.tax is None:
        return attrs.evolve(line, amount=stated, working=working)
    tax = Money(stated.minor * line.tax.rate.ppm // 1_000_000, stated.currency)
    held = LineTax(rate=line.tax.rate, net=stated, tax=tax)
    return attrs.evolve(line, amount=stated + tax, working=working, tax=held)


def untaxed(line: e.InvoiceLine) -> e.InvoiceLine:
    assert line.tax is not None
    stated = line.amount if line.tax.rate.included else line.tax.net
    return attrs.evolve(line, amount=stated, tax=None)


def taxed_more(line: e.InvoiceLine) -> e.InvoiceLine:
    """A minor unit more of tax, and of the amount where it comes on top; else less net."""
    assert line.tax is not None
    one = Money(1, line.amount.currency)
    if line.tax.rate.included:
        tax = attrs.evolve(line.tax, net=line.tax.net - one, tax=line.tax.tax + one)
        return attrs.evolve(line, tax=tax)
    tax = attrs.evolve(line.tax, tax=line.tax.tax + one)
    return attrs.evolve(line, amount=line.amount + one, tax=tax)


def other_rate(line: e.InvoiceLine) -> e.InvoiceLine:
    """What is in the price is said to be on top of it; the amounts stay."""
    assert line.tax is not None
    rate = attrs.evolve(line.tax.rate, included=not line.tax.rate.included)
    return attrs.evolve(line, tax=attrs.evolve(line.tax, rate=rate))


def turned(lines: Lines) -> Lines:
    """The last two lines change places."""
    return (*lines[:-2], lines[-1], lines[-2])


def again_under(**names: Any) -> Callable[[Any], Any]:
    """The same fact once more, under other names."""
    return lambda event: attrs.evolve(event, **names)


def with_coupon(**forged: Any) -> Forger:
    return changed(e.DiscountGranted, **{name: lambda _, v=v: v for name, v in forged.items()})


def before_the_last(kind: type, other: type) -> Forger:
    """The first fact of a kind is moved in front of the last one of another."""

    def forge(log: Log) -> Log | None:
        place = next((at for at, r in enumerate(log) if isinstance(r.event, kind)), None)
        others = [at for at, r in enumerate(log) if isinstance(r.event, other)]
        if place is None or not others or others[-1] > place:
            return None
        moved = attrs.evolve(log[place], recorded_at=log[others[-1]].recorded_at)
        rest = [*log[:place], *log[place + 1 :]]
        return renumbered([*rest[: others[-1]], moved, *rest[others[-1] :]])

    return forge


def later_than_all(kind: type) -> Forger:
    """The first fact of a kind is moved to the end of the log."""

    def forge(log: Log) -> Log | None:
        place = next((at for at, r in enumerate(log) if isinstance(r.event, kind)), None)
        if place is None:
            return None
        moved = attrs.evolve(log[place], recorded_at=log[-1].recorded_at)
        return renumbered([*log[:place], *log[place + 1 :], moved])

    return forge
