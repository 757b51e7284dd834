"""Say what a period of variable price costs, before its invoice is issued."""

from __future__ import annotations

from datetime import datetime

from domain.money import Money
from domain.refusals import Refused
from domain.subscription.events import AmountSet, LineKind, SubscriptionEvent
from domain.subscription.invoicing import bill_what_is_due
from domain.subscription.state import Subscription
from domain.subscription.wording import checked_reason


def set_amount(
    state: Subscription, amount: Money, *, reason: str, now: datetime, zone_version: str
) -> tuple[SubscriptionEvent, ...]:
    """What the next period costs. Quiet when that is what is set.

    amount: before tax, zero or more.
    Refused: "amount-fixed" where the terms do not let it vary, or days of that period were given
        back at what it cost; "amount-negative";
        "currency-mixed"; "nothing-to-bill" where no invoice is to come; "reason-malformed".
    """
    checked_reason(reason)
    if amount.minor < 0:
        raise Refused("amount-negative", f"{amount} cannot be billed; grant a credit")
    if amount.currency != state.currency:
        raise Refused("currency-mixed", f"{state.subscription_id} is billed in {state.currency}")
    billed, after = bill_what_is_due(state, now=now, zone_version=zone_version)
    number = after.invoices_issued + 1
    if after.next_due_at is None or not after.bills:
        raise Refused("nothing-to-bill", f"{state.subscription_id} has no invoice to come")
    if not after.plan_of(number)[0].variable:
        raise Refused("amount-fixed", f"the amount of invoice {number} was agreed to")
    if any(line.kind is LineKind.UNUSED for line in after.lines_to_come):
        raise Refused("amount-fixed", f"days on invoice {number} were given back at its amount")
    if after.set_amount(number) == amount:
        return billed
    was_set = AmountSet(
        customer_id=state.customer_id,
        invoice_number=number,
        amount=amount,
        reason=reason,
        effective_at=now,
    )
    return (*billed, was_set)
