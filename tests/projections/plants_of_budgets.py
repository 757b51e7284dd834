"""Faults planted where a card's budgets are kept; see plants_of_changes.py."""

from __future__ import annotations

import attrs

from domain.calendar import Interval, Unit
from domain.plan import RetryPolicy
from domain.providers import Provider
from domain.subscription import events as e
from domain.subscription.dunning import collect_again
from domain.subscription.state import Status
from tests.books import Books
from tests.projections.forging import DAY, Log, changed, followed
from tests.projections.plants_of_changes import Plant
from tests.projections.scenes import billed, signed_up
from tests.projections.scenes_of_dunning import decided, later, suspended
from tests.replies import Reply
from tests.specimens import SIGNED_UP, terms


def put_off() -> Books:
    """Declined twice, which uses the small budget up: the third try is put off."""
    books = signed_up()
    for _ in range(3):
        billed(books, Reply.SOFT)
    return books


def tried_daily() -> Books:
    """Eight declines, a success, eight declines, all on one card and a day apart."""
    daily = terms(interval=Interval(Unit.DAY, 1), retry=RetryPolicy(()))
    books = signed_up(daily, into=Books(SIGNED_UP, budgets=()), provider=Provider.DINTERO)
    for reply in [Reply.SOFT] * 8 + [Reply.YES] + [Reply.SOFT] * 8:
        billed(books, reply)
    return books


def waited() -> Books:
    """Put off, and tried when its time had come."""
    return billed(billed(put_off()))


def put_off_while_suspended() -> Books:
    """Declined, suspended, tried twice more because a person wishes it: the second is put off."""
    books = suspended()
    for reply in (Reply.SOFT, None):
        later(books, 1)
        decided(books, lambda state: collect_again(state, 1, reason="has money", now=books.now))
        books.work("s-1", reply)
    assert books.states["s-1"].status is Status.SUSPENDED
    assert books.states["s-1"].open_invoices[0].postponed == "visa-30-days"
    return books


def no_success(log: Log) -> Log:
    """What succeeded was never made, so that nothing begins the count anew."""
    return [
        attrs.evolve(recorded, event=_not_made(recorded.event))
        if isinstance(recorded.event, e.ChargeSucceeded)
        else recorded
        for recorded in log
    ]


def _not_made(event: e.ChargeSucceeded) -> e.ChargeNotMade:
    return e.ChargeNotMade(
        attempt_id=event.attempt_id,
        customer_id=event.customer_id,
        invoice_number=event.invoice_number,
        evidence="forged",
        effective_at=event.effective_at,
    )


def a_delay(event: e.ChargeAttempted) -> e.CollectionPostponed:
    return e.CollectionPostponed(
        customer_id=event.customer_id,
        invoice_number=event.invoice_number,
        collect_at=event.effective_at + DAY,
        reason="visa-30-days",
        effective_at=event.effective_at,
    )


PLANTS_OF_BUDGETS: list[Plant] = [
    ("one attempt too many", "budget-exceeded", tried_daily, no_success),
    ("put off for no budget", "postponed-wrong", put_off,
     changed(e.CollectionPostponed, reason=lambda _: "mastercard-day")),
    ("put off for good", "postponed-wrong", put_off,
     changed(e.CollectionPostponed, collect_at=lambda event: event.effective_at + 31 * DAY)),
    ("put off to the past", "postponed-wrong", put_off,
     changed(e.CollectionPostponed, collect_at=lambda event: event.effective_at)),
    ("put off to the past while suspended", "postponed-wrong", put_off_while_suspended,
     changed(e.CollectionPostponed, collect_at=lambda event: event.effective_at)),
    ("put off what is not open", "postponed-wrong", put_off,
     changed(e.CollectionPostponed, invoice_number=lambda _: 7)),
    ("put off while a charge is open", "postponed-wrong", put_off,
     followed(e.ChargeAttempted, a_delay)),
    ("put off for another customer", "customer-mixed", put_off,
     changed(e.CollectionPostponed, customer_id=lambda _: "someone")),
    ("tried although it was put off", "attempt-too-early", waited,
     changed(e.CollectionPostponed, collect_at=lambda event: event.collect_at + DAY)),
]  # fmt: skip
