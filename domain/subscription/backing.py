"""The backup payment method: which token an invoice is charged with, and what follows from it.

An invoice is tried on the backup once, where the terms say so: after a hard decline of the first
method or one for the payer, and when the first method's retries are used up. The first method stays
the first, however well the backup does.
"""

from __future__ import annotations

from datetime import datetime

from domain.subscription.events import SubscriptionEvent
from domain.subscription.folding import evolve_all
from domain.subscription.owed import Attempt, OpenInvoice
from domain.subscription.state import Status, Subscription
from domain.subscription.vaulted import Token
from domain.subscription.vaulting import request_token


def method_for(state: Subscription, invoice: OpenInvoice) -> Token | None:
    """The token that an invoice is charged with next; None: it waits for a new one.

    The backup, where the first method failed for this invoice; if the backup was lost meanwhile,
    the first method again.
    """
    first = state.token if state.token is not None and state.token.usable else None
    if first is None or invoice.first_failed:
        return _backup_for(state, invoice) or first
    return first


def backup_follows(state: Subscription, attempt: Attempt) -> bool:
    """Whether a decline of `attempt` leads to the backup: it was on the first method, and the
    invoice is still to be collected and was not tried on the backup yet."""
    invoice = state.invoice(attempt.invoice_number)
    if state.on_backup(attempt) or invoice is None or invoice.ended or not state.collects:
        return False
    return _backup_for(state, invoice) is not None


def _backup_for(state: Subscription, invoice: OpenInvoice) -> Token | None:
    backup = state.backup
    if backup is None or not backup.usable or not state.terms.backup or invoice.backup_tried:
        return None
    return backup


def after_backup_paid(
    state: Subscription,
    facts: tuple[SubscriptionEvent, ...],
    attempt: Attempt,
    *,
    now: datetime,
) -> tuple[SubscriptionEvent, ...]:
    """The first method failed for an invoice that the backup paid: ask for a new one now.

    Asked once: an invoice that is charged on the backup at once, because the first method had
    failed before, asks nobody again. facts: the money that comes, on top of `state`.
    """
    first = state.token
    failed_here = attempt.attempt_number > 1 and state.on_backup(attempt)
    if not failed_here or first is None or first.usable:
        return ()
    after = evolve_all(state, facts)
    if after.status is Status.COMPLETED or not after.collects:
        return ()
    return request_token(after, reason="the first method was declined", now=now)
