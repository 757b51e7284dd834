"""Short stories of reservations, made by the real decisions.

299.00 NOK a month, prepaid, reserved and then captured, from 31 January 2024 in Oslo. Amounts are
minor units.
"""

from __future__ import annotations

from collections.abc import Callable

from domain.money import Money
from domain.plan import CaptureMode
from domain.ports import Captured
from domain.subscription.charging import CALLBACK, settle
from domain.subscription.crediting import grant_credit
from domain.subscription.ending import cancel
from domain.subscription.events import CreditApplied
from tests.books import Books, Clock
from tests.projections.scenes import billed, signed_up
from tests.projections.scenes_of_dunning import decided, later
from tests.projections.scenes_of_refunds import worked
from tests.replies import Reply
from tests.specimens import HOUR, PRICE, key, terms


def next_look(books: Books, *replies: Reply) -> Books:
    """The clock goes to what is due, and the provider answers so."""
    for reply in replies:
        books.advance(Clock.NEXT_DUE, "s-1")
        books.work("s-1", reply)
    return books


def left(books: Books) -> Books:
    """Cancelled."""
    return decided(books, lambda state: cancel(state, reason="moved", now=books.now))


def reserved() -> Books:
    """The first charge is reserved, and its capture intended."""
    return billed(signed_up(terms(capture=CaptureMode.AFTER_AUTHORIZATION)))


def in_doubt() -> Books:
    """Nobody knows whether it was reserved."""
    doubtful = signed_up(terms(capture=CaptureMode.AFTER_AUTHORIZATION))
    return billed(doubtful, Reply.UNKNOWN)


def letting_go() -> Books:
    """Cancelled meanwhile; it turns out to be reserved."""
    return next_look(left(in_doubt()), Reply.RESERVED)


def let_go() -> Books:
    """And is let go."""
    return worked(letting_go(), Reply.YES)


def let_go_late() -> Books:
    """The answer is lost; still reserved, it is let go again, and is gone."""
    books = worked(letting_go(), Reply.UNKNOWN)
    return worked(next_look(books, Reply.RESERVED), Reply.YES)


def gone_by_itself() -> Books:
    """The answer is lost, and the look shows that it was carried out."""
    return next_look(worked(letting_go(), Reply.UNKNOWN), Reply.YES)


def not_let_go() -> Books:
    """The provider allows no void."""
    return worked(letting_go(), Reply.HARD)


def captured_before() -> Books:
    """The void is denied because somebody has captured it."""
    return next_look(worked(letting_go(), Reply.MORE), Reply.LESS)


def second_let_go() -> Books:
    """The first attempt was not made, as it seemed; its money turns up beside a second one."""
    books = later(in_doubt(), 1)
    worked(books, Reply.NOT_FOUND, Reply.UNKNOWN)
    answer = Captured(amount=PRICE, provider_ref="cap-late", at=books.now)
    decided(
        books,
        lambda state: settle(state, key(), answer, evidence=CALLBACK, now=books.now),
    )
    return worked(next_look(books, Reply.RESERVED), Reply.YES)


def captured_in_part() -> Books:
    """100.00 of credit came for the invoice while it was in doubt: 199.00 are captured."""
    books = in_doubt()
    books.now += HOUR
    decided(
        books,
        lambda state: grant_credit(state, Money(10000, "NOK"), reason="sorry", now=books.now),
    )
    applied = CreditApplied(
        customer_id="c-1",
        credit_number=1,
        invoice_number=1,
        amount=Money(10000, "NOK"),
        effective_at=books.now,
    )
    books.append("s-1", (applied,), actor="cli", cause="command:cli")
    return worked(books, Reply.RESERVED, Reply.YES)


def renewed() -> Books:
    """Its capture waited for four days."""
    return worked(later(reserved(), 4), Reply.YES, Reply.YES)


def too_old() -> Books:
    """A month later it still shows: it is let go, and attempted anew."""
    return worked(later(reserved(), 30), Reply.RESERVED, Reply.RESERVED)


STORIES: list[Callable[[], Books]] = [
    letting_go,
    let_go,
    let_go_late,
    gone_by_itself,
    not_let_go,
    captured_before,
    second_let_go,
    captured_in_part,
    renewed,
    too_old,
]
