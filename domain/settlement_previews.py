"""Ask before settling an instalment plan: what would be billed, by the function that bills it."""

from __future__ import annotations

from datetime import datetime

import attrs

from domain.money import Money
from domain.refusals import Refused
from domain.subscription.events import (
    CreditApplied,
    InstalmentsSettled,
    InvoiceIssued,
    SubscriptionEvent,
)
from domain.subscription.settling import settle_early
from domain.subscription.state import Subscription


@attrs.frozen(kw_only=True)
class SettlementPreview:
    """What settling now would write; see settling.py.

    facts: exactly those of `settle_early`. invoice: the one that bills all that is left.
    applied: what credit pays of it; to_pay: what is left to charge.
    """

    facts: tuple[SubscriptionEvent, ...]
    settled: InstalmentsSettled
    invoice: InvoiceIssued
    applied: Money
    to_pay: Money


def preview_settlement(
    state: Subscription, *, reason: str, now: datetime, zone_version: str
) -> SettlementPreview:
    """What settling would write now.

    Refused: what `settle_early` refuses; "billing-parked" where what is due would be parked.
    """
    facts = settle_early(state, reason=reason, now=now, zone_version=zone_version)
    settled = next((each for each in facts if isinstance(each, InstalmentsSettled)), None)
    if settled is None:
        raise Refused("billing-parked", f"{state.subscription_id} waits for a person to look")
    number = settled.invoice_number
    invoice = next(
        each for each in facts if isinstance(each, InvoiceIssued) and each.invoice_number == number
    )
    applied = sum(
        each.amount.minor
        for each in facts
        if isinstance(each, CreditApplied) and each.invoice_number == number
    )
    return SettlementPreview(
        facts=facts,
        settled=settled,
        invoice=invoice,
        applied=Money(applied, state.currency),
        to_pay=Money(invoice.total.minor - applied, state.currency),
    )
