"""Our books against the simulators' own: charge by charge, both ways."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from uuid import UUID

import attrs
import httpx

from domain.money import Money
from domain.subscription.events import ChargeAttempted, ChargeFoundLate, ChargeSucceeded
from domain.subscription.state import Subscription
from infrastructure.store.ledger import Ledger, Poison

BATCH = 5_000


@attrs.define
class Comparison:
    """What both sides hold. totals: currency -> (charges, minor units) that both agree on.

    twice: references that a provider charged more than once.
    missing_ours: the provider has it, we do not; missing_theirs: the other way round.
    amounts: references with different amounts, ours and theirs.
    """

    totals: dict[str, tuple[int, int]] = attrs.field(factory=dict)
    twice: list[str] = attrs.field(factory=list)
    missing_ours: list[str] = attrs.field(factory=list)
    missing_theirs: list[str] = attrs.field(factory=list)
    amounts: list[str] = attrs.field(factory=list)

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        return not (self.twice or self.missing_ours or self.missing_theirs or self.amounts)


def received(ledger: Ledger[Subscription]) -> dict[str, Money]:
    """Reference -> money that our facts say the provider took."""
    references: dict[UUID, str] = {}
    money: dict[str, Money] = {}
    position = 0
    while page := ledger.read_log(position, BATCH):
        position = page[-1].position
        for recorded in page:
            if isinstance(recorded, Poison):
                continue
            match recorded.event:
                case ChargeAttempted(attempt_id=attempt, reference=reference):
                    references[attempt] = reference
                case ChargeSucceeded(attempt_id=attempt, amount=amount):
                    money[references.pop(attempt)] = amount
                case ChargeFoundLate(attempt_id=attempt, amount=amount):
                    money[references.pop(attempt)] = amount
    return money


def compare(ledger: Ledger[Subscription], simulators: Mapping[str, str]) -> Comparison:
    """Our facts against every simulator's book. Raises: httpx.HTTPError."""
    ours = received(ledger)
    result = Comparison()
    seen: set[str] = set()
    for url in simulators.values():
        for reference, amount in _captures(url):
            if reference in seen:
                result.twice.append(reference)
                continue
            seen.add(reference)
            mine = ours.pop(reference, None)
            if mine is None:
                result.missing_ours.append(f"{reference}: {amount}")
            elif mine != amount:
                result.amounts.append(f"{reference}: ours {mine}, theirs {amount}")
            else:
                count, minor = result.totals.get(amount.currency, (0, 0))
                result.totals[amount.currency] = (count + 1, minor + amount.minor)
    result.missing_theirs.extend(f"{reference}: {amount}" for reference, amount in ours.items())
    return result


def _captures(url: str) -> Iterator[tuple[str, Money]]:
    after = 0
    with httpx.Client(timeout=60.0) as client:
        while True:
            page = client.get(f"{url}/_book", params={"after": after}).raise_for_status().json()
            for entry in page["entries"]:
                after = entry["number"]
                if entry["movement"] == "captured":
                    yield entry["reference"], Money(entry["minor"], entry["currency"])
            if not page["entries"]:
                return
