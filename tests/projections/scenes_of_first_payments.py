"""Short stories of first payments on a page, made by the real decisions. 31 January 2024."""

from __future__ import annotations

from datetime import timedelta

from domain.processes.steps import LookUp
from domain.providers import Provider
from domain.subscription.charging import CALLBACK
from domain.subscription.starting import FirstPayment
from tests.books import Books
from tests.projections.scenes import billed
from tests.replies import Reply, reply_to
from tests.specimens import DUE, wish

AGREED_AT = DUE + timedelta(hours=10)


def asked() -> Books:
    """The payer is to pay on the page; nobody has it yet."""
    books = Books(AGREED_AT)
    books.start(wish(provider=Provider.DINTERO, first_payment=FirstPayment.IN_SESSION))
    return books


def shown() -> Books:
    """The payer has the page."""
    books = asked()
    books.work("s-1")
    return books


def told(books: Books, reply: Reply = Reply.YES) -> Books:
    """A callback makes us look at the payment."""
    attempt = books.states["s-1"].open_attempt
    assert attempt is not None
    look = LookUp(attempt, CALLBACK)
    books.answer("s-1", look, reply_to(look, reply, books.now))
    return books


def paid() -> Books:
    """With a token, and the second period too."""
    books = told(shown())
    books.payer_comes("s-1", Reply.YES)
    return billed(books)


def turned_back() -> Books:
    """The payer did not pay, and is asked for nothing but a token after that."""
    books = told(shown(), Reply.PAYER_ACTION)
    books.payer_comes("s-1", Reply.HARD)
    return books


def without_a_card() -> Books:
    """Paid, no card saved; the second period is billed and waits."""
    books = told(shown())
    books.payer_comes("s-1", Reply.HARD)
    return billed(books)
