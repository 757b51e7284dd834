"""What settling an instalment plan would do, in messages: the same for the API and the command
line.

Answered by domain.settlement_previews, so by the function that settles. Nothing is written.
Refused: what settling.settle_early refuses; "instant-without-offset", "instant-out-of-range".
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from domain.money import Money
from domain.settlement_previews import preview_settlement
from domain.subscription.events import InvoiceIssued
from domain.subscription.state import Subscription
from infrastructure.api.asked import Asked
from infrastructure.commands.change_previews import FactToCome
from infrastructure.commands.wishes import checked_instant


class SettlementAsked(Asked, kw_only=True):
    """What would settling all that is left come to? at: the instant of it; null: now.

    reason: as it would be given; it stands in the facts that are shown.
    """

    subscription_id: str
    at: datetime | None = None
    reason: str = "preview"


class SettlementAnswer(msgspec.Struct, kw_only=True):
    """What settling would do.

    position: of the log, at which this holds. facts: what would be written, the invoices that are
    due by then first. first, last: the instalments that are billed at once, from 1.
    invoice: the one that bills them; applied: what credit pays of it; to_pay: what is left.
    """

    position: int
    at: datetime
    facts: tuple[FactToCome, ...]
    first: int
    last: int
    invoice: InvoiceIssued
    applied: Money
    to_pay: Money


def settlement_of(
    state: Subscription, *, reason: str, now: datetime, zone_version: str, position: int
) -> SettlementAnswer:
    """What settling this subscription would do. Raises: Refused."""
    now = checked_instant(now)
    seen = preview_settlement(state, reason=reason, now=now, zone_version=zone_version)
    return SettlementAnswer(
        position=position,
        at=now,
        facts=FactToCome.all_of(seen.facts),
        first=seen.settled.first,
        last=seen.settled.last,
        invoice=seen.invoice,
        applied=seen.applied,
        to_pay=seen.to_pay,
    )
