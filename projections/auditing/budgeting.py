"""Budgets: no card was tried more often than it may be, by the log's own facts."""

from __future__ import annotations

from typing import Any

from domain.budgets import budgets_of, network_of, wait_for
from domain.recorded import Recorded
from domain.subscription.events import ChargeAttempted, CollectionPostponed
from domain.subscription.state import Status
from projections.attempts import AttemptLog
from projections.auditing.book import Book
from projections.auditing.codes import Say


def check_budgets(attempts: AttemptLog, recorded: Recorded[Any], say: Say) -> None:
    """One more fact of the whole log; an attempt has a place in every budget of its card.

    Counted as it was known when the attempt was recorded, and of attempts made until then.
    """
    row = attempts.see(recorded)
    if row is None or not isinstance(recorded.event, ChargeAttempted):
        return
    before = [
        each.tried
        for each in attempts.on(row.instrument)
        if each.attempt_id != row.attempt_id and each.attempted_at <= row.attempted_at
    ]
    wait = wait_for(before, budgets_of(row.network, row.provider), row.attempted_at)
    if wait is not None:
        words = f"{wait.budget.limit} in {wait.budget.window}, no other before {wait.until}"
        say("budget-exceeded", f"{wait.budget.name} of {row.instrument}: {words}")


def check_postponed(book: Book, event: CollectionPostponed, attempts: AttemptLog, say: Say) -> None:
    """A charge that was due is put off, no longer than the budget that it names lasts."""
    number = event.invoice_number
    if event.customer_id != book.beginning.customer_id:
        say("customer-mixed", f"invoice {number} put off for {event.customer_id}")
    owed = book.owed.get(number)
    collects = book.status is not Status.PENDING and not book.has_ended and book.attempt is None
    if owed is None or owed.ended or owed.disputed or not collects:
        say("postponed-wrong", f"invoice {number} was not to be collected")
    methods = [
        (attempts.instrument(book.token_ref), book.charged_at[0]),
        (attempts.instrument(book.backup_ref), (book.backup_at or book.charged_at)[0]),
    ]
    named = [
        each
        for method, provider in methods
        if method is not None
        for each in budgets_of(network_of(method), provider)
        if each.name == event.reason
        and event.effective_at < event.collect_at <= event.effective_at + each.window
    ]
    if not named:
        say("postponed-wrong", f"invoice {number} put off to {event.collect_at}: {event.reason}")
    if owed is not None:
        owed.retry_at = event.collect_at
