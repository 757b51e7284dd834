"""Short stories of tokens that end, made by the real decisions. Signed up on 20 January 2024."""

from __future__ import annotations

from domain.processes.steps import LookUpToken
from domain.subscription.charging import CALLBACK
from domain.subscription.letting_go import Which, request_deletion
from tests.books import Books
from tests.projections.scenes import billed, signed_up
from tests.projections.scenes_of_dunning import decided
from tests.replies import Reply, reply_to
from tests.specimens import SIGNED_UP, terms


def let_go(books: Books | None = None, which: Which = Which.ALL) -> Books:
    """Somebody wants tokens gone; nothing is done yet."""
    books = books or signed_up()
    return decided(
        books,
        lambda state: request_deletion(state, which, reason="asked by the payer", now=books.now),
    )


def deleted() -> Books:
    """Let go, and gone."""
    books = let_go()
    books.work("s-1", Reply.YES)
    return books


def revoked(books: Books | None = None, place: int = 0) -> Books:
    """The provider says that a token is gone, and so it is."""
    books = books or signed_up()
    look = LookUpToken(books.states["s-1"].tokens[place], CALLBACK)
    books.answer("s-1", look, reply_to(look, Reply.YES, books.now))
    return books


def backup_revoked() -> Books:
    """The second method ends before it is needed; the first pays."""
    books = signed_up(terms(backup=True), into=Books(SIGNED_UP, budgets=()))
    books.add_backup("s-1")
    return billed(revoked(books, 1))


def revoked_and_paid() -> Books:
    """Revoked; the payer gives another token, and that one pays."""
    books = revoked()
    books.work("s-1", Reply.YES)
    books.payer_comes("s-1", Reply.YES)
    return billed(books)
