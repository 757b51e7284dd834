"""The audit of the facts: sound histories are clean, all findings are listed, memory is flat."""

from __future__ import annotations

from datetime import timedelta

import attrs
from hypothesis import given, settings

from domain.calendar import Interval, Unit
from domain.plan import CaptureMode
from domain.subscription.events import CaptureAttempted, ChargeLookedUp
from projections.audit import Audit, Verdict, audit_log
from projections.auditing.book import Totals
from projections.balances import BALANCES, Balance
from projections.replay import replay
from tests.histories import History, histories, show
from tests.projections.scenes import billed, facts, signed_up
from tests.replies import Reply
from tests.specimens import DAY, terms

TOO_MUCH = {"refund-not-covered", "refunded-above-captured"}


@settings(max_examples=150, deadline=None)
@given(histories())
def test_a_legal_history_is_clean(history: History):
    """Whatever the rules made, the audit has nothing to say; but of refunds that the provider made
    after all, and nobody has looked at."""
    show(history)
    report = audit_log(history.log, head=len(history.log))
    whose = {state.subscription_id for state in history.states.values() if state.unresolved_refunds}
    assert {each.code for each in report.findings} <= TOO_MUCH
    assert {each.subscription for each in report.findings} <= whose
    assert report.findings or report.verdict is Verdict.CLEAN
    assert report.positions == len(history.log)
    assert report.subscriptions == len(history.wishes)


@settings(max_examples=60, deadline=None)
@given(histories())
def test_totals_are_those_of_the_balances(history: History):
    """Two ways to the same sums, per currency; and their equation."""
    show(history)
    sums: dict[str, list[int]] = {}
    for row in replay(BALANCES, history.log).values():
        assert isinstance(row, Balance)
        # What providers keep and pay out is no customer's; these histories have no settlements.
        amounts = tuple(getattr(row, field.name, 0) for field in attrs.fields(Totals))
        added = sums.setdefault(row.currency, [0] * len(amounts))
        for place, minor in enumerate(amounts):
            added[place] += minor
    totals = audit_log(history.log).totals
    assert {code: list(attrs.astuple(each)) for code, each in totals.items()} == sums
    assert all(
        each.open - each.credit - each.refunding
        == each.billed
        - each.credited
        - each.paid
        - each.written_off
        + each.refunded
        + each.reversed
        for each in totals.values()
    )


def test_the_audit_of_an_empty_log_is_clean():
    """Nothing read, nothing wrong."""
    report = audit_log([], head=0)
    assert (report.verdict, report.positions, report.totals) == (Verdict.CLEAN, 0, {})


def test_it_never_stops_at_the_first_finding():
    """Three faults in one log are three findings, in the log's order."""
    books = billed(billed(billed(signed_up())))
    log = list(books.log)
    for place in (4, 7, 10):
        log[place] = attrs.evolve(
            log[place], event=attrs.evolve(log[place].event, customer_id="someone")
        )
    found = audit_log(log).findings
    assert [(each.code, each.position, each.subscription) for each in found] == [
        ("customer-mixed", 5, "s-1"),
        ("customer-mixed", 8, "s-1"),
        ("customer-mixed", 11, "s-1"),
    ]


def test_F26_an_unreadable_event_makes_the_audit_incomplete_and_it_goes_on():
    """Its stream cannot be judged any more, the others are."""
    books = billed(signed_up(subscription_id="s-2", into=signed_up()))
    billed(books, subscription_id="s-2")
    audit = Audit()
    for recorded in books.log:
        if recorded.position == 3:
            audit.cannot_read(3, recorded.stream, recorded.version, "no such event")
        else:
            audit.see(recorded)
    report = audit.report(head=len(books.log))
    assert report.verdict is Verdict.INCOMPLETE
    assert report.findings == ()
    assert report.incomplete == ("position 3, subscription-s-1 version 3: no such event",)
    assert report.totals["NOK"].billed == 29900


def test_a_finding_weighs_more_than_what_could_not_be_read():
    """Both are listed; the verdict is differences."""
    books = billed(signed_up())
    audit = Audit()
    audit.cannot_read(1, "subscription-x", 1, "no such event")
    for recorded in books.log:
        audit.see(recorded)
    report = audit.report()
    assert report.verdict is Verdict.DIFFERENCES
    assert {each.code for each in report.findings} == {"position-gap"}
    assert report.incomplete


def test_a_report_can_be_asked_for_on_the_way():
    """Asking changes nothing."""
    audit = Audit()
    for recorded in billed(signed_up(), Reply.UNKNOWN).log:
        audit.see(recorded)
        assert audit.report() == audit.report()
        assert audit.report().verdict is Verdict.CLEAN


def test_streams_of_another_kind_are_only_counted():
    """Their positions and versions are checked, their facts are not a subscription's."""
    log = [attrs.evolve(each, stream="accounts-2025") for each in signed_up().log]
    findings = {each.code for each in audit_log(log).findings}
    assert findings == {"event-id-wrong"}


def test_looks_are_counted_anew_for_the_capture():
    """A doubt about the reservation and one about its capture are two doubts."""
    books = billed(signed_up(terms(capture=CaptureMode.AFTER_AUTHORIZATION)), Reply.UNKNOWN)
    for reply in (Reply.UNKNOWN, Reply.YES, Reply.UNKNOWN, Reply.UNKNOWN, Reply.YES):
        billed(books, reply)
    looks = [each.look_number for each in facts(books, ChargeLookedUp)]
    assert looks == [1, 1]
    assert audit_log(books.log).verdict is Verdict.CLEAN


def test_looks_are_counted_anew_for_another_capture():
    """The first one never showed; the doubt about the second is a doubt of its own."""
    books = billed(signed_up(terms(capture=CaptureMode.AFTER_AUTHORIZATION)))
    billed(billed(books, Reply.UNKNOWN), Reply.UNKNOWN)
    books.now += DAY
    billed(billed(billed(books, Reply.RESERVED), Reply.UNKNOWN), Reply.UNKNOWN)
    assert len(facts(books, CaptureAttempted)) == 2
    assert [each.look_number for each in facts(books, ChargeLookedUp)] == [1, 1]
    assert audit_log(books.log).verdict is Verdict.CLEAN


def test_it_remembers_little_however_long_a_stream_is():
    """Two hundred daily invoices leave nothing behind that grows."""
    books = signed_up(terms(interval=Interval(Unit.DAY)))
    for _ in range(200):
        billed(books)
    audit = Audit()
    for recorded in books.log:
        audit.see(recorded)
    book = audit._books["subscription-s-1"]
    assert book.invoices == 200
    assert not book.owed
    assert not book.failed
    assert not book.late
    assert len(books.log) > 600
    assert audit.report().verdict is Verdict.CLEAN
    assert books.now - books.log[0].recorded_at > timedelta(days=190)
