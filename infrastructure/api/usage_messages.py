"""What is answered about usage and amounts that are set; see messages.py."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import Enum

import msgspec

from domain.money import Money
from domain.refusals import Refused
from domain.subscription.state import Subscription
from infrastructure.commands.deciding import Done
from infrastructure.commands.wishes import UsageWish


class Outcome(Enum):
    """What came of a report: ACCEPTED counts now, KNOWN was counted before, REFUSED counts not."""

    ACCEPTED = "accepted"
    KNOWN = "known"
    REFUSED = "refused"


class ReportOutcome(msgspec.Struct, kw_only=True):
    """What came of one report. code, reason: of the refusal, or ""."""

    subscription_id: str
    usage_id: str
    outcome: Outcome
    code: str = ""
    reason: str = ""

    @classmethod
    def of(cls, wish: UsageWish, outcome: Done | Refused) -> ReportOutcome:
        """A command's outcome as it is told."""
        told, code, reason = Outcome.KNOWN, "", ""
        if isinstance(outcome, Refused):
            told, code, reason = Outcome.REFUSED, outcome.code, outcome.reason
        elif outcome.changed:
            told = Outcome.ACCEPTED
        return cls(
            subscription_id=wish.subscription_id,
            usage_id=wish.report.usage_id,
            outcome=told,
            code=code,
            reason=reason,
        )


class UsageAnswer(msgspec.Struct, kw_only=True):
    """What came of each report of a batch, in order, and how many there were of each kind.

    position: reads with `at_least` of it show what was counted.
    """

    position: int
    accepted: int
    known: int
    refused: int
    items: tuple[ReportOutcome, ...]

    @classmethod
    def of(
        cls, wishes: Sequence[UsageWish], outcomes: Sequence[Done | Refused], position: int
    ) -> UsageAnswer:
        """The outcomes of a command, which stand at their wishes' places."""
        items = tuple(map(ReportOutcome.of, wishes, outcomes))
        counts = Counter(each.outcome for each in items)
        return cls(
            position=position,
            accepted=counts[Outcome.ACCEPTED],
            known=counts[Outcome.KNOWN],
            refused=counts[Outcome.REFUSED],
            items=items,
        )


class MeterReading(msgspec.Struct, kw_only=True):
    """What was used of a meter and is not billed yet. reports: how many of them."""

    meter: str
    unit: str
    quantity: int
    reports: int

    @classmethod
    def all_of(cls, state: Subscription) -> tuple[MeterReading, ...]:
        """One of every meter that counts now."""
        readings = []
        for meter in state.meters:
            used = [each.quantity for each in state.usage if each.meter == meter.code]
            readings.append(
                cls(meter=meter.code, unit=meter.unit, quantity=sum(used), reports=len(used))
            )
        return tuple(readings)


class SetAmount(msgspec.Struct, kw_only=True):
    """What the period of an invoice to come costs, before tax that comes on top."""

    invoice_number: int
    amount: Money
