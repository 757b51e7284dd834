"""What was sealed never changes: facts that come later count in the open period."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from hypothesis import HealthCheck, event, given, settings

from domain.periods.events import PeriodClosed, PeriodReopened
from domain.periods.months import first_day, last_day, period_of
from infrastructure.books.chart_file import read_chart
from projections.account_sums import Known, sums, trial_balance
from projections.audit import audit_log
from projections.journal import journal
from projections.period_sums import canonical, digest_of
from projections.periods import PERIODS
from projections.replay import replay
from projections.waterfall import revenue, waterfall
from tests.histories import History, histories, show
from tests.periods.closing_books import DEEDS, ZONES, Deed, closed_books, with_deeds

SOME = settings(
    max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)
CHART = read_chart()
# Those in which a month ends.
LONG = histories(most_moves=60).filter(
    lambda history: history.log[-1].recorded_at - history.log[0].recorded_at > timedelta(days=40)
)


@SOME
@given(LONG, DEEDS, ZONES)
def test_a_closed_period_stays_what_was_sealed(
    history: History, deeds: list[Deed], zone: str
) -> None:
    """At every later position, to the byte, until it is opened again; and what was answered of a
    position is answered so for ever."""
    show(history)
    sealed: dict[str, tuple[PeriodClosed, str, str]] = {}
    before: list[tuple[Known, int, str]] = []
    seen = 0
    for books in with_deeds(history.log, deeds, zone):
        for recorded in books.log[seen:]:
            fact = recorded.event
            if isinstance(fact, PeriodClosed):
                known = Known(as_of=last_day(fact.period), zone=zone)
                found = sums(journal(books.log[: fact.position]), known)
                assert digest_of(found) == fact.digest
                assert fact.position == recorded.position - 1
                told = repr(trial_balance(found, CHART))
                sealed[fact.period] = fact, canonical(found), told
                before.append((known, fact.position, canonical(found)))
                event(f"sealed {'something' if fact.entries else 'nothing'}")
            elif isinstance(fact, PeriodReopened):
                del sealed[fact.period]
                event("reopened")
        seen = len(books.log)
        entries = list(journal(books.log)) if seen % 3 == 0 or len(history.log) < 12 else None
        for period, (fact, text, told) in sealed.items() if entries is not None else ():
            found = sums(entries or (), Known(as_of=last_day(period), zone=zone))
            assert canonical(found) == text
            assert digest_of(found) == fact.digest
            assert repr(trial_balance(found, CHART)) == told
    whole = list(journal(books.log))
    for known, position, text in before:
        then = [each for each in whole if each.position <= position]
        assert canonical(sums(then, known)) == text
    event(f"late entries: {min(sum(1 for each in whole if each.belongs_to), 3)}")
    late = any(each.not_before for entry in whole for each in entry.recognitions)
    event(f"late revenue: {late}")


@SOME
@given(LONG, DEEDS, ZONES)
def test_closing_moves_days_and_nothing_else(
    history: History, deeds: list[Deed], zone: str
) -> None:
    """Vouchers, accounts and amounts are those of books that nobody closes; a late entry is linked
    to the period that it belongs to and counts in one that was open."""
    books = closed_books(history.log, deeds, zone)
    plain, routed = list(journal(history.log)), list(journal(books.log))
    assert [(each.voucher, each.lines) for each in plain] == [
        (each.voucher, each.lines) for each in routed
    ]
    cut_off = Known(as_of=first_day("2025-01"), zone=zone).cut_off
    for one, other in zip(plain, routed, strict=True):
        own = period_of(one.day(cut_off))
        if other.belongs_to:
            assert other.belongs_to == own
            assert period_of(other.day(cut_off)) > own
        else:
            assert other.day(cut_off) == one.day(cut_off)
        for plain_part, part in zip(one.recognitions, other.recognitions, strict=True):
            assert plain_part.minor == part.minor == part.earned(part.last)
            assert part.earned(part.start - timedelta(days=1)) == 0


@SOME
@given(LONG, DEEDS, ZONES)
def test_totals_chain_and_answers_tie(history: History, deeds: list[Deed], zone: str) -> None:
    """The closing of a period is the opening of the next; totals come to nothing; the waterfall and
    the revenue by month tie to the balance of closed books as they do to that of open ones."""
    books = closed_books(history.log, deeds, zone)
    seals = {each.event.period: each.event for each in books.log if _is_seal(each.event)}
    entries = list(journal(books.log))
    before: PeriodClosed | None = None
    for period in books.journal.closed.periods:
        fact = seals[period]
        left: Counter[str] = Counter()
        for total in fact.totals:
            assert total.closing == total.opening + total.debits - total.credits
            assert min(total.debits, total.credits) >= 0
            left[total.currency] += total.closing
        assert not any(left.values())
        if before is not None:
            closing = {(each.role, each.currency): each.closing for each in before.totals}
            opening = {(each.role, each.currency): each.opening for each in fact.totals}
            assert {key: minor for key, minor in closing.items() if minor} == {
                key: minor for key, minor in opening.items() if minor
            }
        before = fact
        known = Known(as_of=last_day(period), zone=zone)
        deferred = sum(each.minor for each in waterfall(entries, known))
        earned = sum(each.minor for each in revenue(entries, known))
        by_role = Counter[str]()
        for each in fact.totals:
            by_role[each.role] += each.closing
        assert (deferred, earned) == (-by_role["deferred"], -by_role["revenue"])


@SOME
@given(LONG, DEEDS, ZONES)
def test_whatever_is_closed_and_opened_is_clean(
    history: History, deeds: list[Deed], zone: str
) -> None:
    """Every seal is what a replay gives, and replayed, the periods are those decided on."""
    books = closed_books(history.log, deeds, zone)
    # A history may hold what waits for a person; closing adds nothing to it.
    of_itself = [each.code for each in audit_log(history.log).findings]
    assert [each.code for each in audit_log(books.log).findings] == of_itself
    assert replay(PERIODS, books.log) == books.states


def _is_seal(fact: object) -> bool:
    return isinstance(fact, PeriodClosed)
