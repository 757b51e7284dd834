"""Reservations as they are shown: charges, the agenda in words, the timeline, explanations."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from domain.budgets import Outcome
from domain.money import Money
from domain.subscription.events import ChargeAttempted
from domain.subscription.void_events import AuthorizationVoided, VoidAttempted
from projections.attempts import AttemptLog
from projections.audit import audit_log
from projections.charges import CHARGES, Charge, ChargeStatus
from projections.due_dates import DUE_DATES, due_lines
from projections.explaining import explain_charge, explain_invoice
from projections.timeline import entry
from tests.books import Books
from tests.projections import scenes_of_voids as s
from tests.projections.scenes import facts, rows
from tests.projections.stories_of_voids import story_of_voids
from tests.specimens import key

told = pytest.mark.parametrize("told", s.STORIES, ids=lambda told: told.__name__)


def charge(books: Books, attempt: int = 1) -> Charge:
    return rows(CHARGES, books)[str(key(1, attempt))]


@pytest.mark.parametrize(
    ("told", "status", "evidence"),
    [
        (s.letting_go, ChargeStatus.VOIDING, ""),
        (s.let_go, ChargeStatus.VOIDED, "answer"),
        (s.let_go_late, ChargeStatus.VOIDED, "answer"),
        (s.gone_by_itself, ChargeStatus.VOIDED, "look-up: AUTHORIZATION_VOIDED"),
        (s.captured_before, ChargeStatus.SUCCEEDED, "look-up"),
        (s.renewed, ChargeStatus.SUCCEEDED, "answer"),
        (s.too_old, ChargeStatus.VOIDED, "answer"),
    ],
    ids=lambda told: getattr(told, "__name__", ""),
)
def test_a_charge_says_what_became_of_its_reservation(
    told: Callable[[], Books], status: ChargeStatus, evidence: str
):
    """Let go, no money came; captured, it did."""
    row = charge(told())
    assert (row.status, row.evidence) == (status, evidence)
    assert (row.received is None) == (status in (ChargeStatus.VOIDING, ChargeStatus.VOIDED))
    assert (row.settled_at is None) == (status is ChargeStatus.VOIDING)


def test_what_was_not_let_go_was_not_made():
    """The provider's words are the evidence."""
    row = charge(s.not_let_go())
    assert row.status is ChargeStatus.NOT_MADE
    assert "PERMISSION_DENIED" in row.evidence


def test_captured_in_part():
    """What is asked for is the part, and it came as it was asked for."""
    books = s.captured_in_part()
    row, part = charge(books), Money(19900, "NOK")
    assert (row.asked, row.received, row.discrepancies) == (part, part, ())
    explained = explain_charge(books.log, row.reference)
    assert explained.holds
    assert explained.amount == part
    assert [step.words for step in explained.steps] == [
        "outcome unknown: ReadTimeout: no answer after 30 s",
        "199.00 NOK of it captured: all that is open",
        "paid for invoice 1",
    ]
    left = explain_invoice(books.log, 1)
    assert (left.amount.minor, left.holds) == (0, True)


def test_the_explanation_tells_why_nothing_was_taken():
    """From the intention to how it is known."""
    books = s.let_go()
    explained = explain_charge(books.log, facts(books, ChargeAttempted)[0].reference)
    assert explained.amount == Money(0, "NOK")
    assert explained.holds
    assert [(step.words, step.evidence) for step in explained.steps][1:] == [
        ("to be let go: the subscription is cancelled", ""),
        ("reserved, and let go", "answer"),
    ]


def test_the_agenda_in_words():
    """A void that is to be sent, and one that is in doubt."""
    books = s.letting_go()
    (line,) = due_lines(rows(DUE_DATES, books).values(), books.now)
    assert (line.what, line.due_at) == (f"void of charge {key()}", books.now)
    assert line.why == "reserved, and wanted no more; let it go"
    (waits,) = due_lines(
        rows(DUE_DATES, books).values(), books.now, {("paypal", "main"): "paypal is down"}
    )
    assert waits.why.endswith("waits: paypal is down")


@told
def test_each_story_is_sound_and_told(told: Callable[[], Books]):
    """Audited clean, with a sentence for every fact."""
    books = told()
    assert audit_log(books.log).findings == ()
    assert all(entry(each).words.endswith(".") for each in books.log)


def test_words():
    """What an operator reads."""
    books = s.let_go()
    said = {type(each.event): entry(each).words for each in books.log}
    assert said[VoidAttempted] == (
        "About to let go of what is reserved, void 1: the subscription is cancelled."
    )
    assert said[AuthorizationVoided] == (
        "What was reserved for invoice 1 is let go, known by answer; no money has moved."
    )


def test_a_reservation_that_was_let_go_uses_up_no_budget():
    """Its issuer refused nothing."""
    log = AttemptLog()
    for recorded in s.let_go().log:
        log.see(recorded)
    assert [row.outcome for row in log.rows.values()] == [Outcome.NOT_MADE]
    log = AttemptLog()
    for recorded in s.letting_go().log:
        log.see(recorded)
    assert [row.outcome for row in log.rows.values()] == [Outcome.OPEN]


@pytest.mark.parametrize("seed", range(40))
def test_stories_are_sound(seed: int):
    """Drawn by a seed; audited clean, and nothing that was let go was ever captured."""
    history = story_of_voids(seed)
    assert audit_log(history.log).findings == ()
    voided = {
        each.event.attempt_id for each in history.log if isinstance(each.event, AuthorizationVoided)
    }
    for row in rows(CHARGES, Books(history.log[0].recorded_at, list(history.log))).values():
        if row.attempt_id in {str(each) for each in voided}:
            assert row.status in (ChargeStatus.VOIDED, ChargeStatus.FOUND_LATE)
