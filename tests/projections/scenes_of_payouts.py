"""A story of settlements: one charge is paid out in two versions, another is not ours at once.

January's charge comes in full; its fee is 1.00 at first, 1.20 when the settlement is issued again.
A capture of 5.00 that bears no reference of ours is decided as cost; another line is confirmed.
"""

from __future__ import annotations

from typing import Any, cast

import attrs

from domain.identity import reconciliation_stream, settlement_stream
from domain.money import Money
from domain.providers import Provider
from domain.settlement_ports import SettledKind, SettlementLine
from domain.settlements.deciding import assign, confirm, decide
from domain.settlements.events import Decision
from domain.settlements.reading import read
from domain.settlements.state import Said, SettlementState
from domain.subscription.events import ChargeAttempted, ChargeSucceeded
from projections.reconciliation import Reconciliation, Reported
from tests.books import Books
from tests.projections.scenes import billed, facts, signed_up
from tests.reconciling.given import report

SETTLEMENT = "st-1"


def place_of(books: Books) -> tuple[Provider, str]:
    """Where the story's charges are made."""
    attempt = facts(books, ChargeAttempted)[0]
    return attempt.provider, attempt.account


def stream_of_settlement(books: Books, settlement_id: str = SETTLEMENT) -> str:
    provider, account = place_of(books)
    return settlement_stream(provider.value, account, settlement_id)


def settle(
    books: Books, *lines: SettlementLine, settlement_id: str = SETTLEMENT, **more: Any
) -> None:
    """Read a settlement of these lines, as a command would."""
    provider, account = place_of(books)
    stream, state = stream_of_settlement(books, settlement_id), SettlementState()
    for each in books.log:
        if each.stream == stream:
            state.take(cast(Any, each.event), each.recorded_at.date())
    settled = report(*lines, settlement_id=settlement_id, settled_on=books.now.date())
    new = read(state, settled, provider=provider, account=account, source="api", now=books.now)
    books.settle(stream, new)


def reported(books: Books) -> Reported:
    """The reconciliation as it stands."""
    known = Reconciliation()
    for each in books.log:
        known.see(each)
    return known.compare(as_of=books.now.date())


def line_of(books: Books, kind: SettledKind, minor: int, nth: int = 0, **more: Any) -> Any:
    """A line about the nth charge of the story."""
    attempt = facts(books, ChargeAttempted)[nth]
    paid = facts(books, ChargeSucceeded)[nth]
    line = SettlementLine(
        row=nth + 1,
        kind=kind,
        amount=Money(minor, paid.amount.currency),
        charge_ref=paid.provider_ref,
        reference=attempt.reference,
        on=paid.effective_at.date(),
    )
    return attrs.evolve(line, **more)


def settled_story() -> Books:
    """With every fact of settlements and reconciliation."""
    books = billed(signed_up())
    minor = facts(books, ChargeSucceeded)[0].amount.minor
    capture = line_of(books, SettledKind.CAPTURE, minor)
    strange = attrs.evolve(
        capture, row=2, amount=Money(500, capture.amount.currency), reference="X", charge_ref="Y"
    )
    for fee in (100, 120):
        kept = line_of(books, SettledKind.FEE, fee)
        left = minor + 500 - fee
        bank = attrs.evolve(
            capture,
            row=0,
            kind=SettledKind.PAYOUT,
            amount=Money(left, capture.amount.currency),
            reference="",
            charge_ref="",
        )
        settle(books, capture, kept, strange, bank)
    billed(books)
    provider, account = place_of(books)
    stream, said = reconciliation_stream(provider.value, account), Said()
    one = next(each for each in reported(books).comparison.listed if each.lines)
    now = books.now
    books.settle(stream, assign(said, one, owner="kari", reason="knows it", now=now))
    decided = decide(said, one, Decision.COST, evidence="case 1", reason="gone", now=now)
    books.settle(stream, decided)
    minor = facts(books, ChargeSucceeded)[1].amount.minor
    odd = line_of(books, SettledKind.CAPTURE, minor, nth=1, reference="Z", charge_ref="Q")
    settle(books, odd, settlement_id="st-2")
    proposal = reported(books).comparison.proposals[0]
    movement = proposal.movements[0]
    books.settle(stream, confirm(said, proposal.line, movement, reason="the same", now=now))
    return books
