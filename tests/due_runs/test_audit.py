"""The audit of due runs: what runs record is clean, and each planted lie is named."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from itertools import cycle
from uuid import uuid5

import pytest

from domain.due_runs.events import DueRunBegan
from domain.due_runs.items import NO_OUTCOME
from projections.audit import Audit, SecondAudit, audit_log, nowhere_sealed
from tests.books import Books
from tests.due_runs.plants_of_runs import PLANTS_OF_RUNS
from tests.due_runs.running import RUN, begin, end, run, run_story, runs_of
from tests.projections.forging import Forger
from tests.replies import Reply
from tests.specimens import DUE, SIGNED_UP, signed_up, wish


@cache
def story() -> Books:
    """A customer who does not always pay, and a run."""
    return run_story()


@pytest.mark.parametrize(
    ("code", "forge"),
    [plant[1:] for plant in PLANTS_OF_RUNS],
    ids=[f"{code}: {what}" for what, code, _ in PLANTS_OF_RUNS],
)
def test_a_fault_planted_in_a_run_is_found(code: str, forge: Forger) -> None:
    """In a story that is clean without it."""
    log = list(story().log)
    assert audit_log(log).findings == ()
    forged = forge(log)
    assert forged
    found = [each for each in audit_log(forged).findings if each.code == code]
    assert found
    assert all(each.words and each.subscription for each in found)


def test_runs_one_after_the_other_and_beside_one_another_are_clean() -> None:
    """Also one that was interrupted: it told nothing that could be wrong."""
    books = Books(SIGNED_UP)
    for number in (1, 2, 3):
        books.sign_up(wish(subscription_id=f"s-{number}"))
    runs_of(books, [timedelta(days=20)] * 4, cycle([Reply.YES, Reply.SOFT, Reply.UNKNOWN]))
    assert audit_log(books.log).findings == ()
    kinds = [type(each.event).__name__ for each in books.log]
    assert kinds.count("DueRunBegan") == kinds.count("DueRunEnded") + 1 == 5


def test_an_item_that_was_left_is_no_fault_where_the_run_says_so() -> None:
    """Nobody works while it goes on, as where a provider is away."""
    books = Books(SIGNED_UP)
    books.sign_up(wish())
    end(books, RUN, DUE, *begin(books, DUE, RUN))
    assert [each.reason for each in books.log[-1].event.skipped] == [NO_OUTCOME]
    assert audit_log(books.log).findings == ()


def test_only_what_changed_is_asked_anew() -> None:
    """And what did not change since the run before is found again."""
    books = Books(SIGNED_UP)
    books.sign_up(wish())
    runs_of(books, [timedelta(0)] * 3, cycle([Reply.YES]))
    assert audit_log(books.log).findings == ()


def test_what_was_not_due_before_is_asked_anew() -> None:
    """One who has not approved yet has nothing that falls due; then there is something."""
    books, (first, *others) = Books(SIGNED_UP), signed_up()
    books.append("s-1", (first,))
    run(books, books.now, cycle([Reply.YES]))
    books.append("s-1", tuple(others))
    second = uuid5(RUN, "second")
    run(books, DUE, cycle([Reply.YES]), second)
    began = [each.event for each in books.log if isinstance(each.event, DueRunBegan)]
    assert [each.items for each in began] == [0, 1]
    assert audit_log(books.log).findings == ()


def test_nothing_is_done_where_there_is_nothing_to_check() -> None:
    """No second pass over a log without seals and runs."""
    assert not SecondAudit("", Audit().runs, nowhere_sealed).wanted
