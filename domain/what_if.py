"""The same history under other terms or another rule of proration: what would have been billed.

Every wish that the facts record (start, change, pause, credit, usage, discount, end) is decided
again, in order, on the state that the other terms have led to; both are compared up to the last
instant at which the history billed a period. Charges are left out: whether a payer would have paid
another amount, nobody knows. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from domain.deciding_anew import OtherPolicy, decided
from domain.history import Told
from domain.money import Money
from domain.recorded import Recorded
from domain.refusals import Refused
from domain.subscription.events import (
    CreditGranted,
    CreditKind,
    InvoiceIssued,
    SubscriptionEvent,
    SubscriptionStarted,
)
from domain.subscription.folding import evolve
from domain.subscription.state import Subscription


@attrs.frozen(kw_only=True)
class Billed:
    """What one history bills, minor units of `currency`."""

    currency: str
    invoices: int
    billed: int
    credited: int

    @property
    def net(self) -> Money:
        """What is billed and not given back as credit."""
        return Money(self.billed - self.credited, self.currency)


@attrs.frozen(kw_only=True)
class WhatIf:
    """As it was, and as it would have been.

    refused: wishes that the other terms would have had refused, in words.
    """

    was: Billed
    would_be: Billed
    refused: tuple[str, ...]

    @property
    def difference(self) -> Money:
        """What the merchant would have billed more (below zero: less)."""
        return self.would_be.net - self.was.net


def what_if(log: Sequence[Recorded[SubscriptionEvent]], policy: OtherPolicy) -> WhatIf:
    """Decide a subscription's history anew. log: its facts from the first, not empty.

    Refused: what starting refuses of the other terms.
    """
    state: Subscription | None = None
    real: Subscription | None = None
    made: list[SubscriptionEvent] = []
    refused: list[str] = []
    for recorded in log:
        told = Told(recorded=recorded, real=real, log=log)
        real = evolve(real, recorded.event)
        try:
            facts = decided(state, told, policy)
        except Refused as refusal:
            if state is None:
                raise
            refused.append(f"{type(recorded.event).__name__} at {recorded.recorded_at}: {refusal}")
            continue
        for fact in facts:
            made.append(fact)
            state = evolve(state, fact)
    was = _billed([recorded.event for recorded in log])
    return WhatIf(was=was, would_be=_billed(made), refused=tuple(refused))


def _billed(facts: Sequence[SubscriptionEvent]) -> Billed:
    begun = facts[0]
    assert isinstance(begun, SubscriptionStarted), "a stream begins with SubscriptionStarted"
    issued = [each for each in facts if isinstance(each, InvoiceIssued)]
    # An overpayment gives money back that was received; it takes nothing off what is billed.
    granted = [
        each
        for each in facts
        if isinstance(each, CreditGranted) and each.kind is not CreditKind.OVERPAYMENT
    ]
    return Billed(
        currency=begun.terms.price.currency,
        invoices=len(issued),
        billed=sum(each.total.minor for each in issued),
        credited=sum(each.amount.minor for each in granted),
    )
