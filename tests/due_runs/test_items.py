"""Each outcome of an item, and each lie about a run, by hand.

299 NOK a month from 31 January 2024 in Oslo, prepaid; retried after 3, 5 and 7 days.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any

import attrs
import pytest

from domain.due_runs.events import DueRunBegan, DueRunEnded, SkippedItem
from domain.due_runs.items import (
    MOST_NAMED,
    NO_OUTCOME,
    Done,
    ItemEnd,
    Outcome,
    end_of,
    ended,
    found_due,
)
from domain.identity import stream_of
from domain.money import Money
from domain.subscription.ending import cancel
from domain.subscription.events import ChargeSucceeded
from domain.subscription.pausing import pause
from projections.due_runs import check_run
from tests.books import Books
from tests.due_runs.running import RUN, InMemory, run, run_story
from tests.replies import Reply
from tests.specimens import DAY, DUE, NEXT_DUE, PRICE, SIGNED_UP, wish

S = "s-1"


def signed_up() -> Books:
    """The payer has approved; nothing is due yet."""
    books = Books(SIGNED_UP)
    books.sign_up(wish(subscription_id=S))
    return books


def ran(books: Books, until: datetime, *replies: Reply) -> InMemory:
    made = run(books, until, cycle(replies))
    assert made.rested
    return made


def ends(made: InMemory) -> list[tuple[int, str, str]]:
    """Number, outcome, reason; the report is sound."""
    report = check_run(made.log, made.row)
    assert report.wrong == ()
    return [(each.key[1], each.outcome.value, each.reason) for each in report.ends]


def test_what_is_found_due_and_what_comes_due() -> None:
    """The first invoice is to be billed by the end of the run, the second comes while it runs."""
    books = signed_up()
    made = ran(books, NEXT_DUE, Reply.YES)
    told = made.row
    assert (told.began.items, told.began.sums, told.began.position) == (1, (), 4)
    assert ends(made) == [(1, "charged", ""), (2, "charged", "")]
    assert told.ended is not None
    assert told.ended.sums == (Money(2 * PRICE.minor, "NOK"),)
    assert (told.ended.charged, told.ended.skipped) == (2, ())
    assert told.last_position == len(made.log) - 1


def test_what_is_open_is_found_with_its_amount() -> None:
    """Billed before, and declined: due again at its retry, and not before."""
    books = signed_up()
    ran(books, DUE, Reply.SOFT)
    state = books.states[S]
    assert found_due("x", state, DUE + 3 * DAY - timedelta(seconds=1)) == ()
    (due,) = found_due("x", state, DUE + 3 * DAY)
    assert (due.invoice_number, due.open) == (1, PRICE)
    assert str(due) == "x 1 29900 NOK"


@pytest.mark.parametrize(
    ("reply", "outcome", "reason"),
    [
        (Reply.YES, "charged", ""),
        (Reply.SOFT, "declined", ""),
        (Reply.UNKNOWN, "unknown", ""),
        (Reply.LESS, "charged", ""),
    ],
)
def test_an_item_that_is_tried(reply: Reply, outcome: str, reason: str) -> None:
    """By the end of the day on which it falls due."""
    assert ends(ran(signed_up(), DUE, reply)) == [(1, outcome, reason)]


def test_items_that_are_not_tried() -> None:
    """Each with its reason."""
    books = signed_up()
    ran(books, DUE, Reply.SOFT)
    key, until, state = (stream_of(S), 1), DUE + 3 * DAY, books.states[S]
    assert end_of(key, None, state, until).reason == NO_OUTCOME
    assert end_of(key, None, state, DUE).reason == "due-later"
    assert end_of(key, None, None, until).reason == NO_OUTCOME
    facts = cancel(state, reason="left", now=books.now)
    books.append(S, facts)
    assert end_of(key, None, books.states[S], until).reason in ("not-billed", "nothing-to-pay")
    assert end_of((stream_of(S), 2), None, books.states[S], NEXT_DUE).reason == "not-billed"
    other = signed_up()
    away = pause(
        other.states[S],
        until=None,
        credit=False,
        reason="away",
        now=other.now,
        zone_version="2025b",
    )
    other.append(S, away)
    assert end_of(key, None, other.states[S], DUE).reason == "not-billed"
    new = Books(SIGNED_UP)
    new.start(wish(subscription_id=S))
    assert end_of(key, None, new.states[S], DUE).reason == "not-begun"
    paid = signed_up()
    ran(paid, DUE, Reply.YES)
    assert end_of(key, None, paid.states[S], DUE).reason == "nothing-to-pay"
    assert end_of(key, Done(received=[PRICE]), paid.states[S], DUE) == ItemEnd(
        key, Outcome.CHARGED, taken=(PRICE,)
    )


def lie(kind: type, change: Callable[[Any], Any]) -> tuple[str, ...]:
    """What is wrong with a sound run, one fact of which is told otherwise."""
    made = ran(signed_up(), NEXT_DUE, Reply.YES)
    assert check_run(made.log, made.row).wrong == ()
    if kind is DueRunBegan:
        row = attrs.evolve(made.row, began=change(made.row.began))
    else:
        row = attrs.evolve(made.row, ended=change(made.row.ended))
    return check_run(made.log, row).wrong


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (DueRunBegan, lambda each: attrs.evolve(each, items=2)),
        (DueRunBegan, lambda each: attrs.evolve(each, sums=(PRICE,))),
        (DueRunBegan, lambda each: attrs.evolve(each, digest="00")),
        (DueRunEnded, lambda each: attrs.evolve(each, charged=1)),
        (DueRunEnded, lambda each: attrs.evolve(each, unknown=1)),
        (DueRunEnded, lambda each: attrs.evolve(each, declined=1)),
        (DueRunEnded, lambda each: attrs.evolve(each, sums=())),
        (DueRunEnded, lambda each: attrs.evolve(each, digest="00")),
        (DueRunEnded, lambda each: attrs.evolve(each, skipped=(SkippedItem("s", 1, "x"),))),
        (DueRunEnded, lambda _: None),
    ],
)
def test_lies_are_found(kind: type, change: Callable[[Any], Any]) -> None:
    """Counts, sums, digests, and an end that is missing."""
    assert len(lie(kind, change)) == 1


def test_an_item_with_two_charges_and_one_with_no_outcome() -> None:
    """Both are named."""
    made = ran(signed_up(), DUE, Reply.YES)
    log = list(made.log)
    place = next(n for n, each in enumerate(log) if isinstance(each.event, ChargeSucceeded))
    assert ended(RUN, [ItemEnd(("s", 1), Outcome.CHARGED, taken=(PRICE, PRICE))], now=DUE).charged
    half = attrs.evolve(made.row, last_position=place - 1)
    words = check_run(log, half).wrong
    assert any("other outcomes" in each for each in words)
    early = attrs.evolve(made.row, last_position=made.row.began.position + 1)
    assert f"{stream_of(S)} invoice 1 has no outcome" in check_run(log, early).wrong
    double = ItemEnd(("s", 1), Outcome.CHARGED, taken=(PRICE, PRICE))
    assert (double.sound, str(double)) == (False, "s 1 charged 29900 NOK,29900 NOK")


def test_many_that_are_skipped_are_named_in_part() -> None:
    """All of them count, and are in the digest."""
    many = [ItemEnd((f"s-{n:05}", 1), Outcome.SKIPPED, "no-token") for n in range(MOST_NAMED + 3)]
    told = ended(RUN, many, now=datetime(2024, 1, 1, tzinfo=UTC))
    assert (len(told.skipped), told.skipped_beyond) == (MOST_NAMED, 3)
    assert told.digest != ended(RUN, many[:-1], now=told.effective_at).digest


def test_the_story_has_both_facts() -> None:
    """For tests that want one of each."""
    kinds = {type(each.event) for each in run_story().log}
    assert {DueRunBegan, DueRunEnded} <= kinds
