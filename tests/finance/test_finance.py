"""Finance's answers tie to each other on any day of any history, and never change afterwards."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from domain.books.accounts import Account, Role
from infrastructure.books.chart_file import read_chart
from projections.account_sums import Known, Sums, sums, trial_balance
from projections.journal import journal
from projections.statements import OWED, ageing, cash, statement
from projections.waterfall import Month, revenue, waterfall
from tests.histories import History, histories, show
from tests.periods.closing_books import DEEDS, Deed, closed_books

SOME = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
# Drawn histories begin on 15 January 2024.
DAYS = st.integers(0, 700).map(lambda days: date(2024, 1, 10) + timedelta(days=days))
ZONES = st.sampled_from(["UTC", "Europe/Oslo", "America/Los_Angeles", "Pacific/Kiritimati"])
KNOWN = st.builds(Known, as_of=DAYS, zone=ZONES)


def of_role(found: Sums, role: Role) -> Counter[tuple[str, str]]:
    """A role's accounts that have a balance."""
    chosen: Counter[tuple[str, str]] = Counter()
    for (account, currency), minor in found.items():
        if account.role is role and minor:
            chosen[account.of, currency] = minor
    return chosen


def by_revenue(months: tuple[Month, ...]) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for each in months:
        found[each.revenue, each.currency] -= each.minor
    return Counter({key: minor for key, minor in found.items() if minor})


@SOME
@given(histories(), KNOWN)
def test_answers_tie_to_the_trial_balance(history: History, known: Known) -> None:
    """It comes to nothing; the waterfall is what is deferred, revenue what is earned, ageing what
    is owed, cash what the providers hold."""
    show(history)
    entries = list(journal(history.log))
    found = sums(entries, known)
    left: Counter[str] = Counter()
    for line in trial_balance(found, read_chart()):
        left[line.currency] += line.minor
    assert not any(left.values())
    assert by_revenue(waterfall(entries, known)) == of_role(found, Role.DEFERRED)
    assert by_revenue(revenue(entries, known)) == of_role(found, Role.REVENUE)
    owed: Counter[tuple[str, str]] = Counter()
    for overdue in ageing(entries, known):
        owed[overdue.customer_id, overdue.currency] += overdue.minor
    assert {key: minor for key, minor in owed.items() if minor} == of_role(found, Role.RECEIVABLE)
    held: Counter[tuple[str, str]] = Counter()
    for moved in cash(entries, known):
        held[moved.account, moved.currency] += moved.minor
    assert {key: minor for key, minor in held.items() if minor} == of_role(found, Role.CLEARING)
    served_first = max(of_role(found, Role.DEFERRED).values(), default=0) > 0
    event(f"served before billed: {served_first}")


@SOME
@given(histories(), DEEDS, KNOWN, st.integers(1, 200))
def test_statements_chain(history: History, deeds: list[Deed], known: Known, days: int) -> None:
    """The closing of one is the opening of the next, and what the accounts say; also where periods
    are closed and opened again, and lines count later than they took effect."""
    show(history)
    log = closed_books(history.log, deeds, known.zone).log if history.log else ()
    entries = list(journal(log))
    event(f"late lines: {any(each.belongs_to for each in entries)}")
    later = Known(as_of=known.as_of + timedelta(days=days), zone=known.zone)
    since = known.as_of + timedelta(days=1)
    for customer_id in {wish.customer_id for wish in history.wishes}:
        first = statement(entries, customer_id, known)
        second = statement(entries, customer_id, later, since=since)
        assert first.opening == {}
        assert second.opening == first.closing
        whole = statement(entries, customer_id, later)
        assert whole.closing == second.closing
        assert whole.lines == first.lines + second.lines
        found = sums(entries, later)
        for currency, minor in whole.closing.items():
            assert minor == sum(found[Account(role, customer_id), currency] for role in OWED)


@SOME
@given(histories(), KNOWN)
def test_an_answer_never_changes_once_its_facts_are_known(history: History, known: Known) -> None:
    """Whatever is recorded later, for whatever day: entries of before stay as they are, numbers and
    all, and so does every answer that is made of them."""
    show(history)
    whole = list(journal(history.log))
    for place in range(0, len(history.log), max(1, len(history.log) // 5)):
        then = list(journal(history.log[:place]))
        assert whole[: len(then)] == then
        position = history.log[place - 1].position if place else 0
        assert all(each.position > position for each in whole[len(then) :])
        assert sums(whole[: len(then)], known) == sums(then, known)


@SOME
@given(histories())
def test_numbers_have_no_gaps(history: History) -> None:
    """Vouchers and each series of documents count from 1 in every year, in the log's order."""
    show(history)
    series: dict[str, list[int]] = defaultdict(list)
    for entry in journal(history.log):
        for number in filter(None, (entry.voucher, entry.document)):
            event(f"series {number[:2] if number[1] == '-' else 'voucher'}")
            name, _, count = number.rpartition("-")
            assert name.endswith(str(entry.recorded_at.year))
            series[name].append(int(count))
    for counted in series.values():
        assert counted == list(range(1, len(counted) + 1))
