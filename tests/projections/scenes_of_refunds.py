"""Short stories of refunds, made by the real decisions.

299.00 NOK a month, prepaid, from 31 January 2024 in Oslo; the first period is paid, it is
10 February. Amounts are minor units.
"""

from __future__ import annotations

from collections.abc import Callable

from domain.money import Money
from domain.plan import Proration
from domain.processes.steps import LookUpRefund
from domain.providers import Provider
from domain.subscription.charging import CALLBACK
from domain.subscription.discrepancies import resolve
from domain.subscription.ending import cancel
from domain.subscription.events import Resolution
from domain.subscription.refunding import request_refund
from domain.subscription.settling_refunds import decide_refund
from tests.books import Books
from tests.projections.scenes import billed, signed_up
from tests.projections.scenes_of_changes import cancelled, given_credit, running
from tests.projections.scenes_of_dunning import decided, later
from tests.replies import Reply, reply_to
from tests.specimens import SIGNED_UP, terms


def asked(books: Books, minor: int | None = None, *, grant: bool = False) -> Books:
    """A refund is asked for."""
    amount = None if minor is None else Money(minor, "NOK")
    return decided(
        books,
        lambda state: request_refund(
            state, amount, reason="sent back", credit_missing=grant, now=books.now
        ),
    )


def worked(books: Books, *replies: Reply) -> Books:
    """A worker works, and the provider answers so."""
    for reply in replies:
        books.work("s-1", reply)
    return books


def refunded() -> Books:
    """100.00 and 50.00 of credit, of which 120.00 go back."""
    return worked(asked(given_credit(given_credit(running(), 10000), 5000), 12000), Reply.YES)


def refunded_out_of_goodwill() -> Books:
    """10.00 that nobody owed."""
    return worked(asked(running(), 1000, grant=True), Reply.YES)


def denied() -> Books:
    """The same, and the provider says no: 10.00 are credit."""
    return worked(asked(running(), 1000, grant=True), Reply.HARD)


def in_doubt() -> Books:
    """The answer is lost."""
    return worked(asked(running(), 1000, grant=True), Reply.UNKNOWN)


def looked_up() -> Books:
    """The first look shows nothing, the second one does."""
    books = in_doubt()
    books.now = books.states["s-1"].refunds[0].next_look_up_at or books.now
    worked(books, Reply.NOT_FOUND)
    books.now = books.states["s-1"].refunds[0].next_look_up_at or books.now
    return worked(books, Reply.YES)


def never_made() -> Books:
    """A day later the provider still shows nothing: it was never made."""
    books = later(in_doubt(), 1)
    return worked(books, Reply.NOT_FOUND)


def decided_by_a_person() -> Books:
    """4.00 of the 10.00 went back, as somebody saw."""
    books = in_doubt()
    (refund,) = books.states["s-1"].refunds
    return decided(
        books,
        lambda state: decide_refund(
            state,
            refund.refund_id,
            made=Money(400, "NOK"),
            provider_ref="statement-8",
            reason="seen",
            now=books.now,
        ),
    )


def another_amount() -> Books:
    """The provider says that 9.00 went back: a person has to decide."""
    return worked(asked(running(), 1000, grant=True), Reply.LESS)


def through_two_charges() -> Books:
    """400.00 of two charges of 299.00: the second in full, 101.00 of the first."""
    books = asked(billed(billed(signed_up())), 40000, grant=True)
    return worked(books, Reply.YES, Reply.YES)


def cancelled_with_refund() -> Books:
    """19 of 29 days: 195.90, with the cancellation."""
    books = running()
    decided(
        books,
        lambda state: cancel(
            state, reason="moved", credit=Proration.BY_DAY, refund=True, now=books.now
        ),
    )
    return worked(books, Reply.YES)


def goodwill_after_the_end() -> Books:
    """10.00 once it was cancelled."""
    return worked(asked(cancelled(running()), 1000, grant=True), Reply.YES)


def surplus_after_the_end() -> Books:
    """1.00 more than was asked for, found out after the cancellation."""
    books = billed(signed_up(), Reply.MORE)
    cancelled(books)
    key = books.states["s-1"].differences[0].attempt_id
    decided(
        books,
        lambda state: resolve(
            state, key, Resolution.ACCEPTED, reason="paid back", refund=True, now=books.now
        ),
    )
    return worked(books, Reply.YES)


def netted_after_the_end() -> Books:
    """350.00 of credit, 299.00 still owed: 51.00 go back."""
    books = billed(running(), Reply.SOFT)
    given_credit(books, 35000)
    return worked(asked(cancelled(books)), Reply.YES)


def on_both_sides_of_a_move() -> Books:
    """Billed at PayPal, moved to Dintero, billed there; 400.00 go back, each part where it came
    from: 299.00 by Dintero, 101.00 by PayPal."""
    books = billed(signed_up(terms(), into=Books(SIGNED_UP, budgets=())), Reply.YES)
    books.move_to("s-1", Provider.DINTERO)
    return worked(asked(billed(books), 40000, grant=True), Reply.YES, Reply.YES)


def found_late(books: Books, reply: Reply = Reply.YES) -> Books:
    """A callback about the latest refund that had failed: it was made after all."""
    look = LookUpRefund(books.states["s-1"].failed_refunds[-1], CALLBACK)
    books.answer("s-1", look, reply_to(look, reply, books.now))
    return books


def looked_at(books: Books, how: Resolution = Resolution.ACCEPTED) -> Books:
    """A person has looked at the latest refund that was found late."""
    key = books.states["s-1"].late_refunds[-1].refund_id
    return decided(books, lambda state: resolve(state, key, how, reason="seen", now=books.now))


def made_after_all() -> Books:
    """Denied, and made: the 10.00 that had become credit again have gone; nobody has looked."""
    return found_late(denied())


def made_after_all_and_seen() -> Books:
    """The same, found after it had been established as not made; somebody has looked."""
    return looked_at(found_late(never_made()))


def used_meanwhile() -> Books:
    """The 10.00 paid a part of the next invoice; the customer pays them by bank."""
    return looked_at(found_late(billed(denied())), Resolution.DISMISSED)


def refunded_twice() -> Books:
    """All 299.00 of the charge, denied, and then once more: 598.00 have gone. 299.00 given up."""
    books = worked(asked(running(), 29900, grant=True), Reply.HARD)
    first = books.states["s-1"].failed_refunds[0].refund_id
    worked(asked(books, 29900), Reply.YES)
    assert books.states["s-1"].failed_refunds[0].refund_id == first
    return looked_at(found_late(books))


STORIES: list[Callable[[], Books]] = [
    refunded,
    refunded_out_of_goodwill,
    denied,
    in_doubt,
    looked_up,
    never_made,
    decided_by_a_person,
    another_amount,
    through_two_charges,
    cancelled_with_refund,
    goodwill_after_the_end,
    surplus_after_the_end,
    netted_after_the_end,
    on_both_sides_of_a_move,
    made_after_all,
    made_after_all_and_seen,
    used_meanwhile,
    refunded_twice,
]
