"""Our books against the simulators' own: charge by charge and refund by refund, both ways."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from uuid import UUID

import attrs
import httpx

from domain.money import Money
from domain.subscription.dispute_events import ChargeReversed
from domain.subscription.events import ChargeAttempted, ChargeFoundLate, ChargeSucceeded
from domain.subscription.refund_events import (
    RefundFailed,
    RefundFoundLate,
    RefundOutcomeUnknown,
    RefundRequested,
    RefundSucceeded,
)
from domain.subscription.state import Subscription
from infrastructure.store.ledger import Ledger, Poison

BATCH = 5_000


@attrs.define
class Comparison:
    """What both sides hold. totals: currency -> (charges, minor units) that both agree on.

    refunds: the same of what went back. doubtful: refunds that a provider has made and of which
        our facts are in doubt: looked up on, or a person's to decide; no difference.
    reversals: charges of which money was taken back, and how much, that both agree on.
    twice: references that a provider charged or refunded more than once.
    missing_ours: the provider has it, we do not; missing_theirs: the other way round.
    amounts: references with different amounts, ours and theirs.
    """

    totals: dict[str, tuple[int, int]] = attrs.field(factory=dict)
    twice: list[str] = attrs.field(factory=list)
    missing_ours: list[str] = attrs.field(factory=list)
    missing_theirs: list[str] = attrs.field(factory=list)
    amounts: list[str] = attrs.field(factory=list)
    refunds: dict[str, tuple[int, int]] = attrs.field(factory=dict)
    doubtful: list[str] = attrs.field(factory=list)
    reversals: dict[str, tuple[int, int]] = attrs.field(factory=dict)

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        return not (self.twice or self.missing_ours or self.missing_theirs or self.amounts)


@attrs.define
class Ours:
    """What our facts say of the providers' money, by reference.

    received: taken. refunded: gone back. doubtful: refunds whose outcome is unknown.
    reversed: taken back of a charge, in all.
    """

    received: dict[str, Money] = attrs.field(factory=dict)
    refunded: dict[str, Money] = attrs.field(factory=dict)
    doubtful: set[str] = attrs.field(factory=set)
    reversed: dict[str, Money] = attrs.field(factory=dict)


def our_money(ledger: Ledger[Subscription]) -> Ours:
    """What our facts say, from the first to the last."""
    references: dict[UUID, str] = {}
    charges: dict[UUID, str] = {}
    ours, position = Ours(), 0
    while page := ledger.read_log(position, BATCH):
        position = page[-1].position
        for recorded in page:
            if isinstance(recorded, Poison):
                continue
            match recorded.event:
                case ChargeAttempted(attempt_id=attempt, reference=reference):
                    references[attempt] = charges[attempt] = reference
                case ChargeReversed(attempt_id=attempt, amount=amount):
                    before = ours.reversed.get(charges[attempt])
                    ours.reversed[charges[attempt]] = amount if before is None else before + amount
                case ChargeSucceeded(attempt_id=attempt, amount=amount):
                    ours.received[references.pop(attempt)] = amount
                case ChargeFoundLate(attempt_id=attempt, amount=amount):
                    ours.received[references.pop(attempt)] = amount
                case RefundRequested(refund_id=refund, reference=reference):
                    references[refund] = reference
                case RefundOutcomeUnknown(refund_id=refund):
                    ours.doubtful.add(references[refund])
                case RefundSucceeded(refund_id=refund, amount=amount):
                    ours.doubtful.discard(references[refund])
                    ours.refunded[references.pop(refund)] = amount
                case RefundFailed(refund_id=refund):
                    ours.doubtful.discard(references[refund])
                case RefundFoundLate(refund_id=refund, amount=amount):
                    ours.refunded[references.pop(refund)] = amount
    return ours


def compare(ledger: Ledger[Subscription], simulators: Mapping[str, str]) -> Comparison:
    """Our facts against every simulator's book. Raises: httpx.HTTPError."""
    ours, result = our_money(ledger), Comparison()
    sides = {
        "captured": (ours.received, result.totals),
        "refunded": (ours.refunded, result.refunds),
    }
    seen: set[str] = set()
    taken_back: dict[str, Money] = {}
    for url in simulators.values():
        for movement, reference, amount in _movements(url):
            if movement == "reversed":
                before = taken_back.get(reference)
                taken_back[reference] = amount if before is None else before + amount
            if movement not in sides:
                continue
            if reference in seen:
                result.twice.append(reference)
                continue
            seen.add(reference)
            money, totals = sides[movement]
            mine = money.pop(reference, None)
            if mine is None and reference in ours.doubtful:
                result.doubtful.append(f"{reference}: {amount}")
            elif mine is None:
                result.missing_ours.append(f"{reference}: {amount}")
            elif mine != amount:
                result.amounts.append(f"{reference}: ours {mine}, theirs {amount}")
            else:
                count, minor = totals.get(amount.currency, (0, 0))
                totals[amount.currency] = (count + 1, minor + amount.minor)
    for money, _ in sides.values():
        result.missing_theirs.extend(f"{name}: {amount}" for name, amount in money.items())
    _compare_reversals(ours.reversed, taken_back, result)
    return result


def _compare_reversals(
    ours: Mapping[str, Money], theirs: Mapping[str, Money], result: Comparison
) -> None:
    """What was taken back of each charge, in all."""
    for reference in sorted({*ours, *theirs}):
        mine, their = ours.get(reference), theirs.get(reference)
        if mine is None:
            result.missing_ours.append(f"{reference}: {their} taken back")
        elif their is None:
            result.missing_theirs.append(f"{reference}: {mine} taken back")
        elif mine != their:
            result.amounts.append(f"{reference}: ours {mine}, theirs {their} taken back")
        else:
            count, minor = result.reversals.get(mine.currency, (0, 0))
            result.reversals[mine.currency] = (count + 1, minor + mine.minor)


def _movements(url: str) -> Iterator[tuple[str, str, Money]]:
    """(movement, reference, amount) of every line of a simulator's book."""
    after = 0
    with httpx.Client(timeout=60.0) as client:
        while True:
            page = client.get(f"{url}/_book", params={"after": after}).raise_for_status().json()
            for entry in page["entries"]:
                after = entry["number"]
                money = Money(entry["minor"], entry["currency"])
                yield entry["movement"], entry["reference"], money
            if not page["entries"]:
                return
