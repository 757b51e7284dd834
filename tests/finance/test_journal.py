"""The journal balances, and says what the balances say, in every history."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from domain.books.accounts import Account, Entry, Role
from domain.books.recognition import OVER_REST
from domain.books.standing import Standing
from domain.subscription.events import SETTLED, InvoiceIssued, LineKind
from projections.balances import BALANCES
from projections.journal import Journal, journal, standing_after
from projections.replay import fold_in
from tests.histories import History, histories, show

SOME = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
LONG_AFTER = date(9000, 1, 1)
Sums = Counter[tuple[Account, str]]


def sums_of(entries: list[Entry]) -> Sums:
    """Each account's balance, by currency; debits are positive."""
    sums: Sums = Counter()
    for entry in entries:
        for line in entry.lines:
            sums[line.account, line.currency] += line.minor
    return sums


def at(sums: Sums, role: Role, of: str, currency: str) -> int:
    return sums[Account(role, of), currency]


@SOME
@given(histories())
def test_at_every_position_the_accounts_say_what_the_balances_say(history: History) -> None:
    """Receivables are what is open, credit what the customer has in hand, and what is on its way
    back is in neither; what a provider holds is what was paid and not refunded."""
    show(history)
    posts, rows, sums = Journal(), {}, Counter()
    for recorded in history.log:
        entry = posts.post(recorded)
        fold_in(BALANCES, rows, recorded)
        if entry is not None:
            event(entry.fact)
            left: Counter[str] = Counter()
            for line in entry.lines:
                left[line.currency] += line.minor
                sums[line.account, line.currency] += line.minor
            assert not any(left.values()), entry
        held: Counter[str] = Counter()
        for row in rows.values():
            currency = row.currency
            assert at(sums, Role.RECEIVABLE, row.customer_id, currency) == row.open
            assert at(sums, Role.CREDIT, row.customer_id, currency) == -row.credit
            assert at(sums, Role.REFUNDING, row.customer_id, currency) == -row.refunding
            assert at(sums, Role.BAD_DEBT, row.customer_id, currency) == row.written_off
            held[currency] += row.paid - row.refunded - row.reversed
        for currency, minor in held.items():
            cleared = sum(
                value
                for (account, code), value in sums.items()
                if account.role is Role.CLEARING and code == currency
            )
            assert cleared == minor


@SOME
@given(histories())
def test_what_is_deferred_is_earned_to_the_minor_unit(history: History) -> None:
    """What is billed before tax is what is earned in the end, by product and tax class, neither
    more on any day than is left, nor less on the way back."""
    show(history)
    entries = list(journal(history.log))
    deferred: Counter[tuple[str, str]] = Counter()
    for (account, currency), minor in sums_of(entries).items():
        if account.role is Role.DEFERRED:
            deferred[account.of, currency] -= minor
    earned: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        for each in entry.recognitions:
            event(f"over {'days' if each.days else 'no days'}")
            earned[each.revenue, each.currency] += each.earned(LONG_AFTER)
            assert each.earned(each.start - timedelta(days=1)) == 0
            shares = [each.earned(each.start + timedelta(days=n)) for n in range(each.days + 1)]
            assert [abs(share) for share in shares] == sorted(abs(share) for share in shares)
            assert shares[-1] == each.minor
    assert +deferred == +earned
    assert -deferred == -earned


@SOME
@given(histories())
def test_days_that_were_charged_anew_are_earned_on_those_days(history: History) -> None:
    """No line about the rest of a period is taken for a sale of the day on which it is billed."""
    show(history)
    entries = {each.position: each for each in journal(history.log)}
    for recorded in history.log:
        issued = recorded.event
        if not isinstance(issued, InvoiceIssued) or recorded.position not in entries:
            continue
        lines = [each for each in issued.lines if each.amount.minor]
        for line, earned in zip(lines, entries[recorded.position].recognitions, strict=False):
            if line.kind in OVER_REST and line.working.policy != SETTLED:
                event(
                    f"{line.kind.value} {'prepaid' if earned.start < issued.period.start else ''}"
                )
                assert (earned.days, earned.days > 0) == (line.working.days, True)
            elif line.kind is LineKind.PERIOD and line.working.policy != SETTLED:
                assert earned.start == issued.period.start


@SOME
@given(histories(), st.integers(0, 3), st.integers(1, 7))
def test_a_journal_goes_on_from_anywhere(history: History, most: int, every: int) -> None:
    """Where streams are let go and asked for anew, and the journal itself is made anew, the entries
    are the same, numbers and all."""
    show(history)
    asked: Counter[str] = Counter()

    def standing_of(stream: str) -> Standing | None:
        asked[stream] += 1
        return standing_after(
            each for each in history.log if each.stream == stream and each.position < place
        )

    place, posts, found = 0, Journal(standing_of), []
    for count, recorded in enumerate(history.log):
        place = recorded.position
        if count % every == 0:
            posts = Journal(standing_of, posts.numbers)
        found.append(posts.post(recorded))
        posts.let_go(most)
    assert [each for each in found if each is not None] == list(journal(history.log))
    event(f"asked: {bool(asked)}")


@SOME
@given(histories())
def test_a_journal_lets_go_of_those_posted_to_longest_ago(history: History) -> None:
    """And asks for none that it holds."""
    posts = Journal(lambda stream: pytest.fail(f"asked for {stream}"))
    latest: dict[str, None] = {}
    for recorded in history.log:
        posts.post(recorded)
        if recorded.version == 1 or recorded.stream in latest:
            latest.pop(recorded.stream, None)
            latest[recorded.stream] = None
    held = [stream for stream in latest if posts.holds(stream)]
    posts.let_go(1)
    assert [stream for stream in latest if posts.holds(stream)] == held[-1:]
