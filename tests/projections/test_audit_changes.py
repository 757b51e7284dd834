"""The audit of changed terms, pauses, credit and planned endings: what the rules made is clean."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import pytest

from domain.calendar import Interval, Unit
from domain.money import Money
from domain.plan import Proration, Terms
from domain.subscription.events import CreditApplied, CreditGranted, InvoiceIssued, When
from domain.subscription.events import SubscriptionEvent as AnyFact
from domain.subscription.state import Status
from projections.audit import Audit, Verdict, audit_log
from projections.auditing.book import Totals
from projections.balances import BALANCES, Balance
from projections.replay import fold_in, replay
from tests.books import Books
from tests.projections.scenes import billed, facts, signed_up
from tests.projections.scenes_of_changes import (
    APR_10,
    BIG,
    FEB_20,
    SMALL,
    STORIES,
    cancelled,
    changed,
    credited_twice,
    dearer_now,
    ending,
    given_credit,
    going_on,
    paused,
    postpaid,
    resumed,
    running,
)
from tests.projections.scenes_of_prices import STORIES_OF_PRICES
from tests.projections.scenes_of_settlements import SETTLED
from tests.projections.stories import story
from tests.replies import Reply
from tests.specimens import DAY, instalments, terms


def clean(books: Books) -> Books:
    """Books that the audit has nothing to say about, whose totals are those of the balances."""
    report = audit_log(books.log, head=len(books.log))
    assert report.findings == ()
    assert report.verdict is Verdict.CLEAN
    for key, row in replay(BALANCES, books.log).items():
        totals = report.totals[key.rpartition("|")[2]]
        assert (totals.billed, totals.credited, totals.paid) == (row.billed, row.credited, row.paid)
        assert (totals.open, totals.credit) == (row.open, row.credit)
        assert row.holds
    return books


@pytest.mark.parametrize(
    "told", [*STORIES, *STORIES_OF_PRICES, *SETTLED], ids=lambda told: told.__name__
)
def test_a_story_of_changes_is_clean(told: Callable[[], Books]):
    """Every kind of change, prepaid and postpaid, billed afterwards; settlements."""
    clean(told())


@pytest.mark.parametrize("policy", list(Proration), ids=lambda policy: policy.value)
@pytest.mark.parametrize("agreed", [terms(), postpaid()], ids=["prepaid", "postpaid"])
def test_every_rule_of_proration_is_clean(agreed: Terms, policy: Proration):
    """By day, by second, nothing, all; in the terms and as the caller's own wish."""
    books = running(agreed)
    changed(books, price=BIG, proration=policy)
    changed(books, price=BIG, proration=Proration.BY_DAY)
    books.now = FEB_20
    changed(books, price=SMALL, quantity=3, proration=Proration.BY_SECOND)
    clean(billed(billed(books)))


@pytest.mark.parametrize("seed", range(0, 120, 12))
def test_stories_full_of_changes_are_clean(seed: int):
    """Wishes upon wishes, in twelve stories at a time."""
    for each in range(seed, seed + 12):
        log = story(each).log
        report = audit_log(log, head=len(log))
        assert report.findings == (), f"story {each}"
        rows: dict[str, Balance] = {}
        for recorded in log:
            fold_in(BALANCES, rows, recorded)
        assert all(row.holds and row.credit >= 0 for row in rows.values())


def test_the_stories_meet_every_change():
    """Otherwise the test above would say less than it seems to."""
    reached = {type(recorded.event) for seed in range(120) for recorded in story(seed).log}
    assert reached >= {fact for fact in get_args(AnyFact) if fact.__name__ in _CHANGES}


_CHANGES = {
    "TermsChanged",
    "SubscriptionPaused",
    "SubscriptionResumed",
    "CreditGranted",
    "CreditApplied",
    "CancellationScheduled",
    "CancellationWithdrawn",
}


def test_totals_count_the_credit_that_was_granted():
    """50000 granted, 29900 and 20100 of it used: what is paid is the rest of 89700."""
    totals = audit_log(credited_twice().log).totals["NOK"]
    assert totals == Totals(billed=89700, credited=50000, paid=39700, open=0, credit=0)


def test_what_is_left_of_a_credit_stays_credit():
    """One invoice of 29900 is paid from 50000."""
    books = clean(billed(given_credit(running(), 50000)))
    totals = audit_log(books.log).totals["NOK"]
    assert totals == Totals(billed=59800, credited=50000, paid=29900, open=0, credit=20100)


def test_money_that_nobody_asked_for_pays_no_invoice():
    """It is credit in the balance, and none that the rules know of."""
    books = clean(billed(billed(signed_up(), Reply.MORE)))
    assert facts(books, CreditApplied) == []
    assert audit_log(books.log).totals["NOK"].credit == 100


def test_a_trial_gives_nothing_back():
    """A change in the middle of it is worth nothing, now or later."""
    books = billed(signed_up(terms(trial=Interval(Unit.DAY, 14))))
    books.now += 2 * DAY
    clean(billed(changed(books, price=BIG)))
    assert facts(books, CreditGranted) == []
    assert [each.total.minor for each in facts(books, InvoiceIssued)] == [0, 49900]


def test_a_change_before_the_first_period_counts_for_it():
    """Nothing runs that could be given back; postpaid, too."""
    for agreed in (terms(), postpaid()):
        books = changed(signed_up(agreed), price=BIG)
        clean(billed(books))
        assert facts(books, InvoiceIssued)[0].total == BIG


def test_a_pause_before_the_first_period_keeps_changed_terms():
    """Changed, paused and resumed, all before or between periods."""
    books = changed(signed_up(postpaid()), interval=Interval(Unit.WEEK, 2), when=When.PERIOD_END)
    clean(billed(billed(resumed(paused(books), APR_10))))


def test_days_are_given_back_once():
    """Another rhythm from now on gave the rest back; the cancellation behind it does not."""
    books = changed(running(), interval=Interval(Unit.WEEK, 2))
    clean(cancelled(books, Proration.BY_DAY))
    assert [each.amount.minor for each in facts(books, CreditGranted)] == [19590]


def test_what_was_never_paid_for_is_not_given_back():
    """By the rule NONE the dearer rest is not charged, so a pause gives back the old price."""
    books = changed(running(postpaid()), price=BIG, proration=Proration.NONE)
    clean(billed(paused(books)))
    assert facts(books, InvoiceIssued)[0].total == Money(29900 - 19590, "NOK")


def test_the_last_payment_during_a_pause_completes_it_when_it_is_resumed():
    """One payment was agreed to, and it came while it was paused."""
    books = billed(paused(billed(signed_up(instalments(1)), Reply.SOFT), credit=False))
    assert books.states["s-1"].status is Status.PAUSED
    assert clean(resumed(books, FEB_20)).states["s-1"].status is Status.COMPLETED


def test_a_withdrawal_after_the_last_payment_announces_no_other():
    """Two payments were agreed to; the planned end was the second."""
    books = billed(ending(running(instalments(1, timing=postpaid().timing))), Reply.SOFT)
    clean(going_on(books))
    assert books.states["s-1"].next_due_at is None


def test_nothing_that_grows_is_remembered_of_changes():
    """A year of changes, pauses and credit leaves a book as small as before."""
    books = running()
    for month in range(12):
        changed(books, price=BIG if month % 2 else SMALL)
        resumed(paused(books), books.now + 40 * DAY)
        billed(given_credit(books, 100))
    audit = Audit()
    for recorded in books.log:
        audit.see(recorded)
    book = audit._books["subscription-s-1"]
    assert len(book.agreed) <= 2
    assert len(book.credits) <= 2
    assert not book.owed
    assert audit.report().verdict is Verdict.CLEAN


def test_a_report_between_an_invoice_and_its_credit_says_what_is_missing():
    """They are one append; a log that ends between them was cut."""
    log = dearer_now().log
    place = next(at for at, each in enumerate(log) if isinstance(each.event, CreditApplied))
    (finding,) = audit_log(log[:place]).findings
    assert (finding.code, finding.position) == ("credit-not-applied", place)


@pytest.mark.parametrize("credit", [Proration.NONE, Proration.BY_DAY, Proration.FULL])
def test_what_waited_is_billed_before_a_cancellation(credit: Proration):
    """326.93 wait since the upgrade; what is not used of it is given back first."""
    books = clean(cancelled(changed(running(), price=BIG), credit=credit))
    closing = facts(books, InvoiceIssued)[-1]
    assert (closing.total.minor, closing.next_due_at) == (32693, None)


def test_a_closing_invoice_without_an_end_is_found():
    """It bills what waited because it ends; then it must end."""
    books = cancelled(changed(running(), price=BIG), credit=Proration.NONE)
    report = audit_log(books.log[:-1])
    assert [each.code for each in report.findings] == ["next-due-off-schedule"]
