"""Short stories of disputes and reversals, made by the real decisions.

299.00 NOK a month, prepaid, from 31 January 2024 in Oslo; the first period is paid, it is
10 February. Amounts are minor units.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from domain.dispute_ports import DisputeSeen
from domain.money import Money
from domain.ports import Reversal
from domain.subscription.discrepancies import resolve
from domain.subscription.dispute_events import DisputeOutcome
from domain.subscription.disputing import dispute_seen, reverse_charge, taken_back
from domain.subscription.dunning import collect_again, write_off
from domain.subscription.events import Resolution
from tests.books import Books
from tests.projections.scenes import billed, signed_up
from tests.projections.scenes_of_changes import cancelled, running
from tests.projections.scenes_of_dunning import decided, later
from tests.projections.scenes_of_refunds import asked, worked
from tests.replies import Reply

PRICE = 29900


def shown(books: Books, **changes: Any) -> Books:
    """The provider shows a dispute about the first charge."""
    state, now = books.states["s-1"], books.now
    first = state.collected[0]
    seen = DisputeSeen(
        dispute_ref="PP-1",
        charge_ref=first.provider_ref,
        amount=first.captured,
        reason="DUPLICATE_TRANSACTION",
        stage="INQUIRY",
        status="OPEN",
        outcome=None,
        provider_outcome="",
        returned=Money(0, "NOK"),
        opened_at=now,
        at=now,
    )
    seen = attrs.evolve(seen, **changes)
    return decided(books, lambda now_: dispute_seen(now_, seen, evidence="callback", now=now))


def told(books: Books, minor: int = PRICE, ref: str = "rev-1") -> Books:
    """A callback tells that money was taken back of the first charge."""
    ref_of_charge = books.states["s-1"].collected[0].provider_ref
    reversal = Reversal(
        charge_ref=ref_of_charge, amount=Money(minor, "NOK"), provider_ref=ref, at=books.now
    )
    return decided(
        books, lambda state: taken_back(state, reversal, evidence="callback", now=books.now)
    )


def disputed(**changes: Any) -> Books:
    """The first charge is contested."""
    return shown(running(), **changes)


def escalated() -> Books:
    """It is a claim now."""
    return shown(disputed(), stage="CHARGEBACK", status="UNDER_REVIEW")


def won() -> Books:
    """The money stays."""
    return shown(escalated(), outcome=DisputeOutcome.WON, provider_outcome="RESOLVED_SELLER_FAVOUR")


def stepped(books: Books) -> Books:
    """A worker does what is due, and calls nobody."""
    assert books.work("s-1") is None
    return books


def _lost(books: Books, minor: int = PRICE, **changes: Any) -> Books:
    return shown(
        books,
        status="RESOLVED",
        outcome=DisputeOutcome.LOST,
        provider_outcome="RESOLVED_BUYER_FAVOUR",
        returned=Money(minor, "NOK"),
        **changes,
    )


def lost() -> Books:
    """299.00 are taken back, and owed again."""
    return _lost(escalated())


def lost_in_part() -> Books:
    """100.00 of them."""
    return _lost(disputed(), 10000)


def lost_without_money() -> Books:
    """Decided for the payer, whom somebody else had paid."""
    return _lost(disputed(), 0)


def lost_at_first_sight() -> Books:
    """Nobody had told of it before: opened, closed and taken back in one append."""
    return _lost(running())


def lost_for_good() -> Books:
    """The payer says that it was cancelled: the token is not charged again; the next period is
    billed, and not charged."""
    books = _lost(disputed(reason="CANCELED_RECURRING_BILLING"))
    return stepped(later(books, 20))


def told_before_it_was_lost() -> Books:
    """The reversal comes before the dispute is known, which is lost then: one reversal."""
    return _lost(shown(told(running())))


def told_while_it_was_open() -> Books:
    """The reversal comes first, and names the dispute."""
    return _lost(told(disputed()))


def billed_meanwhile() -> Books:
    """The next period is billed while the dispute is open, and is not charged."""
    return stepped(later(disputed(), 20))


def collected_by_a_person() -> Books:
    """Somebody wants that invoice to be paid although the first charge is contested."""
    books = billed_meanwhile()
    number = books.states["s-1"].open_invoices[0].number
    decided(books, lambda state: collect_again(state, number, reason="they said so", now=books.now))
    return worked(books, Reply.YES)


def collected_after_it_was_won() -> Books:
    """Collected by itself."""
    books = shown(billed_meanwhile(), outcome=DisputeOutcome.WON, provider_outcome="WON")
    return worked(books, Reply.YES)


def reversed_by_hand() -> Books:
    """A settlement report says that 50.00 were taken back."""
    books = running()
    key = books.states["s-1"].collected[0].attempt_id
    return decided(
        books,
        lambda state: reverse_charge(
            state, key, Money(5000, "NOK"), reason="settlement 12", now=books.now
        ),
    )


def paid_again() -> Books:
    """A person has the 299.00 collected once more."""
    books = lost()
    decided(books, lambda state: collect_again(state, 1, reason="they pay", now=books.now))
    return worked(books, Reply.YES)


def given_up() -> Books:
    """A person gives the 299.00 up."""
    books = lost()
    return decided(books, lambda state: write_off(state, 1, reason="let it go", now=books.now))


def after_the_end() -> Books:
    """Taken back after the cancellation: it is owed, and nobody collects it."""
    return told(cancelled(running()))


def surplus_taken_back_first() -> Books:
    """300.00 came for 299.00; the 1.00 became credit, and pays the first of what is taken back."""
    books = billed(signed_up(), Reply.MORE)
    key = books.states["s-1"].differences[0].attempt_id
    minor = books.states["s-1"].collected[0].captured.minor
    decided(
        books,
        lambda state: resolve(state, key, Resolution.ACCEPTED, reason="keep it", now=books.now),
    )
    return told(books, minor)


def surplus_accepted_afterwards() -> Books:
    """The same, in the other order."""
    books = billed(signed_up(), Reply.MORE)
    minor = books.states["s-1"].collected[0].captured.minor
    told(books, minor)
    key = books.states["s-1"].differences[0].attempt_id
    return decided(
        books,
        lambda state: resolve(state, key, Resolution.ACCEPTED, reason="keep it", now=books.now),
    )


def refund_waits() -> Books:
    """A refund was asked for and not sent; then the charge is contested: it stays unsent."""
    return stepped(shown(asked(running(), 1000, grant=True)))


def refund_goes_on() -> Books:
    """Won: the refund is sent."""
    books = shown(refund_waits(), outcome=DisputeOutcome.WON, provider_outcome="WON")
    return worked(books, Reply.YES)


def refund_let_go() -> Books:
    """Lost in full: the refund would give back more than came, and is credit again."""
    return stepped(_lost(refund_waits()))


STORIES: list[Callable[[], Books]] = [
    disputed,
    escalated,
    won,
    lost,
    lost_in_part,
    lost_without_money,
    lost_at_first_sight,
    lost_for_good,
    told_before_it_was_lost,
    told_while_it_was_open,
    billed_meanwhile,
    collected_by_a_person,
    collected_after_it_was_won,
    reversed_by_hand,
    paid_again,
    given_up,
    after_the_end,
    surplus_taken_back_first,
    surplus_accepted_afterwards,
    refund_waits,
    refund_goes_on,
    refund_let_go,
]
