"""What a period costs, with its working shown."""

from __future__ import annotations

from domain.calendar import Period
from domain.money import zero
from domain.plan import Terms
from domain.schedule import is_trial
from domain.subscription.events import InvoiceLine, LineKind, Working


def lines_of(terms: Terms, invoice_number: int, period: Period) -> tuple[InvoiceLine, ...]:
    """The lines of the nth invoice (from 1): the period, and the setup fee on the first."""
    days = f"{period.start} to {period.end} (end exclusive)"
    if is_trial(terms, invoice_number):
        line = InvoiceLine(
            kind=LineKind.TRIAL,
            description=f"{terms.description}, free trial {days}",
            amount=zero(terms.price.currency),
            working=Working(
                quantity=1,
                unit_price=terms.price,
                numerator=0,
                denominator=1,
                days=period.days,
                policy="free-trial",
                rounding="none",
            ),
        )
    else:
        line = InvoiceLine(
            kind=LineKind.PERIOD,
            description=f"{terms.description}, {days}",
            amount=terms.price,
            working=Working(
                quantity=1,
                unit_price=terms.price,
                numerator=1,
                denominator=1,
                days=period.days,
                policy="whole-period",
                rounding="none",
            ),
        )
    if invoice_number != 1 or terms.setup_fee is None:
        return (line,)
    fee = InvoiceLine(
        kind=LineKind.SETUP_FEE,
        description=f"{terms.description}, setup fee",
        amount=terms.setup_fee,
        working=Working(
            quantity=1,
            unit_price=terms.setup_fee,
            numerator=1,
            denominator=1,
            days=0,
            policy="once",
            rounding="none",
        ),
    )
    return (line, fee)
