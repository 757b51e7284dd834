"""The same history under another retry schedule.

299.00 NOK a month from 31 January 2024 in Oslo, retried after 3, 5 and 7 days. Declined on
31 January and 3 February, paid on 8 February; the next one is due on 29 February.
"""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from domain.plan import DunningEnd, RetryPolicy, Terms
from domain.recorded import Recorded
from domain.refusals import Refused
from domain.retried import InvoiceRetried, Retried, Standing
from domain.subscription.crediting import grant_credit
from domain.subscription.dunning import collect_again, write_off
from domain.subscription.vaulting import request_token
from domain.what_if_retries import what_if_retried
from tests.books import Books
from tests.domain.asking import nok
from tests.histories import History, histories
from tests.projections.scenes import billed, signed_up
from tests.projections.scenes_of_dunning import decided, later
from tests.projections.scenes_of_tokens import revoked
from tests.projections.stories import story_of_dunning
from tests.replies import Reply
from tests.specimens import DAY, DUE, HOUR, SIGNED_UP, terms

SOME = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
P = 29900


def under(books: Books, *wait_days: int, **end: object) -> Retried:
    """What another schedule makes of it; its end as agreed to, unless said otherwise."""
    return what_if_retried(
        [each for each in books.log if each.stream == "subscription-s-1"],
        lambda agreed: RetryPolicy(
            wait_days,
            end.get("end", agreed.end),  # type: ignore[arg-type]
            end.get("grace", agreed.grace_days),  # type: ignore[arg-type]
        ),
    )


def agreed(wanted: Terms) -> Books:
    """Signed up, with a card that has room for every try."""
    return signed_up(wanted, into=Books(SIGNED_UP, budgets=()))


def replied(*replies: Reply, wait_days: tuple[int, ...] = (3, 5, 7), **more: object) -> Books:
    """Charges that were answered so, each when it was due."""
    books = agreed(terms(retry=RetryPolicy(wait_days), **more))
    for reply in replies:
        billed(books, reply)
    return books


def paid_on_the_8th(*more: Reply) -> Books:
    """See the module."""
    return replied(Reply.SOFT, Reply.SOFT, Reply.YES, *more)


def tries(invoice: InvoiceRetried) -> list[str]:
    """Each try in a few letters: "02-03 declined"."""
    words = (each.outcome.value.lower().replace("_", " ") for each in invoice.tries)
    return [f"{each.on:%m-%d} {word}" for each, word in zip(invoice.tries, words, strict=True)]


# The other waits; the tries; the standing; least and most.
TABLE: list[tuple[tuple[int, ...], list[str], Standing, int, int]] = [
    ((3, 5, 7), ["01-31 declined", "02-03 declined", "02-08 paid"], Standing.SAME, P, P),
    ((3, 5), ["01-31 declined", "02-03 declined", "02-08 paid"], Standing.SAME, P, P),
    ((8,), ["01-31 declined", "02-08 paid"], Standing.SAME, P, P),
    ((3,), ["01-31 declined", "02-03 declined"], Standing.NEVER, 0, 0),
    ((), ["01-31 declined"], Standing.NEVER, 0, 0),
    # On 2 February nobody tried; by the 8th it is paid, at the latest.
    ((2, 6), ["01-31 declined", "02-02 not known", "02-08 paid"], Standing.AT_THE_LATEST, P, P),
    ((3, 7), ["01-31 declined", "02-03 declined", "02-10 not known"], Standing.LATER, 0, P),
    ((10,), ["01-31 declined", "02-10 not known"], Standing.LATER, 0, P),
    ((10, 10), ["01-31 declined", "02-10 not known", "02-20 not known"], Standing.LATER, 0, P),
    ((2,), ["01-31 declined", "02-02 not known"], Standing.NOT_KNOWN, 0, P),
    (
        (2, 7),
        ["01-31 declined", "02-02 not known", "02-09 not known"],
        Standing.NOT_KNOWN,
        0,
        P,
    ),
]


@pytest.mark.parametrize(("waits", "expected", "standing", "least", "most"), TABLE)
def test_what_was_paid_on_a_retry(
    waits: tuple[int, ...], expected: list[str], standing: Standing, least: int, most: int
) -> None:
    """A try on a real one's day takes its outcome; what nobody tried is not known."""
    (first, *_) = under(paid_on_the_8th(Reply.YES), *waits).invoices
    assert (tries(first), first.standing) == (expected, standing)
    assert (first.least, first.most, first.was.minor) == (least, most, P)
    assert [str(each) for each in first.paid_on] == ["2024-02-08"]


def test_a_real_try_counts_for_its_local_day() -> None:
    """The worker is six hours late on 3 February, so the next retry is planned for six in the
    morning of the 8th; eight days after 31 January is midnight of that day."""
    books = replied(Reply.SOFT)
    books.now = DUE + 3 * DAY + 6 * HOUR
    books.work("s-1", Reply.SOFT)
    (first, *_) = under(billed(billed(books)), 8).invoices
    assert (tries(first), first.standing) == (["01-31 declined", "02-08 paid"], Standing.SAME)


def test_the_sums_are_those_of_the_invoices() -> None:
    """Both months; the second was paid at once, and is."""
    found = under(paid_on_the_8th(Reply.YES), 10)
    assert (found.was, found.total("certain"), found.total("later")) == (2 * P, P, P)
    assert (found.total("least"), found.total("most"), found.differs) == (P, 2 * P, True)
    assert [each.standing for each in found.invoices] == [Standing.LATER, Standing.SAME]


@pytest.mark.parametrize(
    ("waits", "standing", "most"),
    [((3, 5), Standing.SAME, 0), ((3,), Standing.SAME, 0), ((3, 5, 7), Standing.PERHAPS, P)],
)
def test_what_was_not_paid(waits: tuple[int, ...], standing: Standing, most: int) -> None:
    """Given up on 8 February; a try on the 15th might have brought it."""
    books = later(replied(Reply.SOFT, Reply.SOFT, Reply.SOFT, wait_days=(3, 5)), 10)
    decided(books, lambda state: grant_credit(state, nok(1), reason="x", now=books.now))
    (first,) = under(books, *waits).invoices
    assert (first.standing, first.least, first.most) == (standing, 0, most)


def test_what_was_given_up_by_a_person_might_have_come() -> None:
    """Written off on 18 February; before that, on the 15th, one more try; on the 25th none."""
    books = later(replied(Reply.SOFT, Reply.SOFT, Reply.SOFT, wait_days=(3, 5)), 10)
    decided(books, lambda state: write_off(state, 1, reason="moved", now=books.now))
    billed(books)
    assert [each.most for each in under(books, 3, 5, 7).invoices] == [P, P]
    assert [each.most for each in under(books, 3, 5, 17).invoices] == [0, P]


def test_what_lies_ahead_is_not_counted() -> None:
    """After the last fact nothing is known of anything: a retry for then may still come."""
    books = replied(Reply.SOFT)
    for waits, ahead in (((3, 5, 7), []), ((4,), ["02-04 ahead"]), ((60,), ["03-31 ahead"])):
        (first,) = under(books, *waits).invoices
        assert (tries(first), first.standing) == (["01-31 declined", *ahead], Standing.SAME)
    (paid,) = under(paid_on_the_8th(), 3, 7).invoices
    assert tries(paid)[-1] == "02-10 ahead"
    assert (paid.standing, paid.least, paid.most) == (Standing.LATER, 0, P)


def test_the_providers_advice_holds_under_any_schedule() -> None:
    """Not before nine days: a retry after three is one after nine."""
    books = replied(Reply.SOFT_LATER, Reply.YES, Reply.YES)
    (first, _) = under(books, 5, 1).invoices
    assert (tries(first), first.standing) == (["01-31 declined", "02-09 paid"], Standing.SAME)


def test_what_the_schedule_does_not_decide_stays() -> None:
    """A card that is closed: another one is approved, and pays."""
    books = agreed(terms(retry=RetryPolicy((3,))))
    billed(books, Reply.HARD)
    books.work("s-1")
    books.payer_comes("s-1", Reply.YES)
    books.work("s-1")
    for waits in ((), (3,), (1, 1, 1)):
        (first, *_) = under(books, *waits).invoices
        assert (first.standing, first.least, first.most) == (Standing.SAME, P, P)


def second_in_place_of_first(reply: Reply) -> Books:
    """Declined on 31 January; the first card is revoked before the retry of 3 February. Nobody
    gives another, so the second is charged on that day."""
    books = agreed(terms(backup=True, retry=RetryPolicy((3, 5, 7), DunningEnd.SUSPEND)))
    books.add_backup("s-1")
    billed(books, Reply.SOFT)
    revoked(books)
    books.now = DUE + 3 * DAY
    books.work("s-1", reply)
    later(books, 20)
    return decided(books, lambda state: grant_credit(state, nok(1), reason="x", now=books.now))


@pytest.mark.parametrize(
    ("reply", "last", "was"),
    [
        (Reply.SOFT, "02-03 declined", 0),
        (Reply.YES, "02-03 paid", P),
        (Reply.UNKNOWN, "02-03 open", 0),
    ],
)
def test_a_retry_on_the_second_card_is_the_retry_of_its_day(
    reply: Reply, last: str, was: int
) -> None:
    """No schedule could have charged the first that day. Declined, it waits for a new card, so
    that no later retry is missed and no suspension either."""
    books = second_in_place_of_first(reply)
    for waits in ((3, 5, 7), (3,)):
        (first, *_) = under(books, *waits).invoices
        assert tries(first) == ["01-31 declined", last]
        assert [each.backup for each in first.tries] == [False, True]
        assert (first.standing, first.stop) == (Standing.SAME, None)
        assert (first.least, first.most, first.was.minor) == (was, was, was)


def test_the_second_card_after_the_last_retry_is_no_retry_of_its_day() -> None:
    """No retry is agreed to; two days late, the second pays. On that day nobody tried the first."""
    books = agreed(terms(backup=True, retry=RetryPolicy(())))
    books.add_backup("s-1")
    later(billed(books, Reply.SOFT), 2)
    books.work("s-1", Reply.YES)
    (first, *_) = under(later(books, 20), 2).invoices
    assert tries(first)[:2] == ["01-31 declined", "02-02 not known"]
    assert first.tries[1].backup is False


def paid_on_a_new_second_card() -> Books:
    """No retry is agreed to. Declined on 31 January; on 20 February the payer gives a second card
    as well, and that one pays. The next month is paid, too."""
    books = later(replied(Reply.SOFT, wait_days=(), backup=True), 20)
    books.add_backup("s-1")
    books.work("s-1", Reply.YES)
    return billed(books)


@pytest.mark.parametrize(
    ("waits", "expected", "standing", "least"),
    [
        ((), ["01-31 declined", "02-20 paid"], Standing.SAME, P),
        ((3,), ["01-31 declined", "02-03 not known", "02-20 paid"], Standing.AT_THE_LATEST, P),
        # On the 20th a retry on the first card is still to come.
        ((25,), ["01-31 declined", "02-25 not known"], Standing.LATER, 0),
    ],
)
def test_a_new_second_card_is_tried_once_retries_are_used_up(
    waits: tuple[int, ...], expected: list[str], standing: Standing, least: int
) -> None:
    """An invoice that was given up is tried on it, under any schedule that had given it up."""
    (first, *_) = under(paid_on_a_new_second_card(), *waits).invoices
    assert (tries(first), first.standing) == (expected, standing)
    assert (first.least, first.most, first.was.minor) == (least, P, P)


@pytest.mark.parametrize(
    ("end", "grace", "certain", "until"),
    [
        (DunningEnd.SUSPEND, 10, P, "2024-02-19"),
        (DunningEnd.SUSPEND, 20, P, None),
        (DunningEnd.WRITE_OFF, 10, 0, None),
        (DunningEnd.WRITE_OFF, 20, P, None),
    ],
)
def test_a_new_second_card_comes_before_the_end_or_after_it(
    end: DunningEnd, grace: int, certain: int, until: str | None
) -> None:
    """Suspended on 10 February until it pays; written off on that day, it is not asked."""
    first, _ = under(paid_on_a_new_second_card(), end=end, grace=grace).invoices
    assert (first.certain, first.lost) == (certain, P - certain)
    assert tries(first) == ["01-31 declined", *(["02-20 paid"] if certain else [])]
    assert (first.stop is not None) == (grace == 10)
    if first.stop is not None:
        assert first.stop.certain
        assert until == (first.stop.until and str(first.stop.until.date()))


def collected_again() -> Books:
    """Given up on 3 February; on the 20th a person has it collected, and it is paid."""
    books = later(replied(Reply.SOFT, Reply.SOFT, wait_days=(3,)), 17)
    decided(books, lambda state: collect_again(state, 1, reason="called", now=books.now))
    books.work("s-1")
    return billed(billed(books))


def test_collected_anew_its_retries_count_from_the_first() -> None:
    """Given up on 3 February. On the 20th a person has it collected, or the payer gives another
    card in place of the first: declined, and paid on the retry three days later."""
    by_person = later(replied(Reply.SOFT, Reply.SOFT, wait_days=(3,)), 17)
    decided(by_person, lambda state: collect_again(state, 1, reason="called", now=by_person.now))
    on_another = later(replied(Reply.SOFT, Reply.SOFT, wait_days=(3,)), 17)
    decided(
        on_another, lambda state: request_token(state, reason="payer asked", now=on_another.now)
    )
    on_another.work("s-1")
    on_another.payer_comes("s-1", Reply.YES)
    for books in (by_person, on_another):
        books.work("s-1", Reply.SOFT)
        (first, *_) = under(billed(books), 3).invoices
        assert tries(first)[1:] == ["02-03 declined", "02-20 declined", "02-23 paid"]
        assert (first.standing, first.certain) == (Standing.SAME, P)
        (first, *_) = under(books).invoices
        assert tries(first) == ["01-31 declined", "02-20 declined"]
        assert (first.standing, first.lost) == (Standing.NEVER, P)


@pytest.mark.parametrize(
    ("end", "grace", "certain", "lost"),
    [
        (DunningEnd.LEAVE_OPEN, 0, 3 * P, 0),
        # Up to 13 February, so before the person; and the others with it, where it is cancelled.
        (DunningEnd.WRITE_OFF, 10, 2 * P, P),
        (DunningEnd.CANCEL, 10, 0, 3 * P),
        (DunningEnd.CANCEL, 17, 3 * P, 0),
        # Suspended until it is paid on the 20th: the period from the 29th on is billed.
        (DunningEnd.SUSPEND, 10, 3 * P, 0),
    ],
)
def test_what_the_end_of_retries_stops(
    end: DunningEnd, grace: int, certain: int, lost: int
) -> None:
    """What would not have been collected, or not have been billed at all."""
    found = under(collected_again(), 3, end=end, grace=grace)
    assert (found.total("certain"), found.total("lost")) == (certain, lost)
    assert found.total("least") == found.total("most") == certain
    stops = [each.stop for each in found.invoices if each.stop is not None]
    assert bool(stops) == (end is not DunningEnd.LEAVE_OPEN and grace == 10)


def test_a_stop_that_is_not_certain_takes_nothing_for_certain() -> None:
    """Cancelled on 15 February, unless the try on the 5th was paid: 29 February may be billed."""
    found = under(paid_on_the_8th(Reply.YES), 5, end=DunningEnd.CANCEL, grace=10)
    first, second = found.invoices
    assert first.stop is not None
    assert (first.stop.certain, str(first.stop.at.date())) == (False, "2024-02-14")
    assert (second.standing, second.stopped_by) == (Standing.NOT_KNOWN, 1)
    assert (found.total("least"), found.total("most")) == (0, 2 * P)


def test_what_is_not_paid_here_ends_no_suspension() -> None:
    """Suspended on 5 February: the payment of the 8th, which is never tried, does not end it."""
    found = under(paid_on_the_8th(Reply.YES), 3, end=DunningEnd.SUSPEND, grace=2)
    first, second = found.invoices
    assert first.stop is not None
    assert first.stop.until is None
    assert (second.standing, second.stopped_by, found.total("most")) == (Standing.NEVER, 1, 0)


def test_while_it_is_suspended_nothing_is_billed() -> None:
    """Never paid, it stays suspended; what was billed after that is lost."""
    books = billed(billed(replied(Reply.SOFT, wait_days=())))
    found = under(books, end=DunningEnd.SUSPEND, grace=5)
    first, *others = found.invoices
    assert first.stop is not None
    assert first.stop.until is None
    assert {(each.standing, each.stopped_by) for each in others} == {(Standing.NEVER, 1)}
    assert found.total("most") == 0


def test_a_schedule_that_cannot_be_agreed_to_is_refused() -> None:
    """As in terms."""
    for waits, grace, code in (((61,), 0, "retry-policy-malformed"), ((), 366, "grace-malformed")):
        with pytest.raises(Refused, match=code):
            under(paid_on_the_8th(), *waits, grace=grace)


# --- properties -----------------------------------------------------------------------------------


def logs(history: History) -> list[list[Recorded]]:  # type: ignore[type-arg]
    """The log, stream by stream."""
    found: dict[str, list[Recorded]] = defaultdict(list)  # type: ignore[type-arg]
    for recorded in history.log:
        found[recorded.stream].append(recorded)
    return list(found.values())


def check_same(history: History) -> None:
    """Under the schedule that was agreed to nothing differs."""
    for log in logs(history):
        found = what_if_retried(log, lambda agreed: agreed)
        assert not found.differs, found
        assert found.was == found.total("least") == found.total("most")
        assert all(each.stop is None for each in found.invoices)


POLICIES = st.builds(
    RetryPolicy,
    st.lists(st.integers(1, 20), max_size=4).map(tuple),
    st.sampled_from(DunningEnd),
    st.sampled_from([0, 3, 30]),
)


def check_other(history: History, policy: RetryPolicy) -> None:
    """Every part of what was collected is accounted for, once; the range holds what is certain."""
    for log in logs(history):
        found = what_if_retried(log, lambda _: policy)
        for each in found.invoices:
            event(f"standing {each.standing.value}")
            parts = each.certain + each.later + each.unknown + each.lost
            assert parts == each.was.minor
            assert 0 <= each.least <= each.most
            assert min(each.certain, each.later, each.unknown, each.lost, each.perhaps) >= 0
            days = [attempt.at for attempt in each.tries]
            assert days == sorted(days)


@SOME
@given(histories())
def test_under_the_same_schedule_nothing_differs(history: History) -> None:
    """Whatever happened: doubts, late money, other tokens, budgets, suspensions."""
    check_same(history)


@SOME
@given(st.integers(0, 10_000), POLICIES)
def test_whatever_the_schedule_the_money_is_accounted_for(seed: int, policy: RetryPolicy) -> None:
    """In stories of customers who do not pay."""
    story = story_of_dunning(seed)
    check_same(story)
    check_other(story, policy)
