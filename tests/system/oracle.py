"""The oracle: what must hold of any house that has come to rest, whatever was done to it.

(a) each period has at most one successful charge, and no reference was captured twice
(b, c) our money is the simulators' money, charge by charge
(d, e) the audit is clean: facts, and live rows against replayed ones
(f) everything due has exactly one outcome, or one doubt that is open; nothing is left in hand
(g) no secret is in any log
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from domain.identity import SUBSCRIPTION_STREAMS, subscription_of
from domain.processes.agenda import agenda_of
from domain.recorded import Recorded
from domain.subscription.dispute_events import ChargeReversed
from domain.subscription.events import (
    ChargeAttempted,
    ChargeDeclined,
    ChargeDiscrepancyFound,
    ChargeFoundLate,
    ChargeNotMade,
    ChargeSucceeded,
    SubscriptionCancelled,
    TokenVaulted,
)
from domain.subscription.state import Status, Subscription
from domain.subscription.void_events import AuthorizationVoided
from infrastructure.audit import as_words, audit_books
from infrastructure.bootstrap import System
from infrastructure.rehearsal.oracle import compare
from tests.system.house import House

OUTCOMES = (ChargeSucceeded, ChargeDeclined, ChargeNotMade, AuthorizationVoided)
Log = list[Recorded[Any]]


def check(house: House) -> None:
    """All of it. The house is at rest and its workers have gone home."""
    log = house.system.ledger.read_log(0, 1_000_000)
    check_money(house.system, house.stage.simulators())
    check_facts(log)
    check_nothing_is_missed(house.system, log, house.now)
    check_audit(house.system)
    assert house.count("work WHERE leased_until > clock_timestamp()") == 0
    assert house.count("inbox WHERE status <> 'done'") == 0
    check_logs(house, log)


def check_money(system: System, simulators: Mapping[str, str]) -> None:
    """Charge by charge, both ways, and none twice."""
    compared = compare(system.ledger, simulators)
    assert compared.equal, compared


def check_facts(log: Log) -> None:
    """At most one success a period, one outcome an attempt, no attempt after the end; nothing is
    taken back that did not come."""
    paid: Counter[tuple[str, int]] = Counter()
    outcomes: Counter[object] = Counter()
    late: Counter[object] = Counter()
    kept: Counter[object] = Counter()
    shown: set[object] = set()
    cancelled: set[str] = set()
    for recorded in log:
        event = recorded.event
        match event:
            case ChargeAttempted():
                assert recorded.stream not in cancelled, "an attempt after the cancellation"
            case SubscriptionCancelled():
                cancelled.add(recorded.stream)
            case ChargeDiscrepancyFound():
                shown.add(event.attempt_id)
            case ChargeSucceeded():
                paid[recorded.stream, event.invoice_number] += 1
                kept[event.attempt_id] += event.amount.minor
            case ChargeReversed():
                # Owed again, so it may be paid again. In parts perhaps, and of money that was found
                # late, so it is no outcome.
                paid[recorded.stream, event.invoice_number] -= 1
                kept[event.attempt_id] -= event.amount.minor
            case ChargeDeclined() | ChargeNotMade() | AuthorizationVoided():
                outcomes[event.attempt_id] += 1
            case ChargeFoundLate():
                late[event.attempt_id] += 1
                kept[event.attempt_id] += event.amount.minor
    twice = {key: times for key, times in paid.items() if times > 1}
    unexplained = {key for key in twice if not _explained(log, key, shown)}
    assert not unexplained, f"paid twice, and no fact says so: {unexplained}"
    doubled = [key for key, times in outcomes.items() if times > 1]
    assert not doubled, f"settled twice: {[_told(log, key) for key in doubled]}"
    assert not [key for key, times in late.items() if times > 1], "found late twice"
    assert min(kept.values(), default=0) >= 0, "more taken back than came"


def _told(log: Log, attempt_id: object) -> list[object]:
    """What the log says of an attempt."""
    return [each.event for each in log if getattr(each.event, "attempt_id", None) == attempt_id]


def _explained(log: Log, period: tuple[str, int], shown: set[object]) -> bool:
    """A part payment (a wrong amount) or money found late shows as a discrepancy."""
    stream, number = period
    attempts = [
        each.event.attempt_id
        for each in log
        if each.stream == stream
        and isinstance(each.event, ChargeSucceeded)
        and each.event.invoice_number == number
    ]
    return any(attempt in shown for attempt in attempts)


def check_nothing_is_missed(system: System, log: Log, now: datetime) -> None:
    """Every stream's open items lie in the future or wait for somebody; attempts are settled."""
    streams = sorted({each.stream for each in log if each.stream.startswith(SUBSCRIPTION_STREAMS)})
    loaded = system.ledger.load(streams)
    settled = {each.event.attempt_id for each in log if isinstance(each.event, OUTCOMES)}
    for stream in streams:
        state = loaded[stream].state
        assert state is not None
        overdue = [
            item for item in agenda_of(state) if item.due_at is not None and item.due_at <= now
        ]
        assert not overdue, f"{stream} at {now}: {overdue}"
        attempts = {
            each.event.attempt_id
            for each in log
            if each.stream == stream and isinstance(each.event, ChargeAttempted)
        }
        attempt = state.open_attempt
        unsettled = attempts - settled
        assert unsettled == ({attempt.attempt_id} if attempt else set()), stream
        assert attempt is None or attempt.unknown, f"{stream} has neither outcome nor doubt"
        _check_invoices(state, now)


def _check_invoices(state: Subscription, now: datetime) -> None:
    if state.status is Status.ACTIVE and state.next_due_at is not None:
        assert state.next_due_at > now, f"{state.subscription_id} has an invoice to issue"


def check_audit(system: System) -> None:
    """The product's own audit is clean, and each agenda row is what its stream adds up to."""
    report = audit_books(system.books.connect, system.books.schema, system.ledger, system.kept)
    assert report.clean, as_words(report)


def check_rows(system: System, log: Log) -> None:
    """Each row of due_dates is its stream's state and agenda, as the ledger folds them."""
    streams = sorted({each.stream for each in log if each.stream.startswith(SUBSCRIPTION_STREAMS)})
    loaded = system.ledger.load(streams)
    rows = system.views.get_many("due_dates", [subscription_of(each) for each in streams]).rows
    for stream in streams:
        row, state = rows[subscription_of(stream)], loaded[stream].state
        assert row.state == state, stream
        assert row.items == agenda_of(state), stream


def check_logs(house: House, log: Log) -> None:
    """No credential, master key, access token or vaulted token in what any worker wrote."""
    refs = [each.event.token_ref for each in log if isinstance(each.event, TokenVaulted)]
    found = house.system.vault.open_many(refs)
    assert set(found) == set(refs), "a token that a fact names is not in the vault"
    # What goes over the wire: a stored token of Dintero is "product/kind/token".
    tokens = {ref: token.reveal().rpartition("/")[2] for ref, token in found.items()}
    assert tokens
    for worker in house.workers:
        said = worker.said()
        for what, secret in {**house.hidden, **tokens}.items():
            assert secret not in said, f"{what} is in {worker.log.name}"
        assert "Bearer" not in said
