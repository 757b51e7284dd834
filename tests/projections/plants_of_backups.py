"""Faults planted where a backup method is tried; see plants_of_changes.py."""

from __future__ import annotations

from typing import Any

import attrs

from domain.plan import RetryPolicy
from domain.providers import Provider
from domain.subscription import events as e
from tests.books import Books
from tests.projections.forging import Forger, Log, changed, dropped
from tests.projections.plants_of_changes import Plant
from tests.projections.scenes import billed, signed_up
from tests.replies import Reply
from tests.specimens import SIGNED_UP, terms


def backed() -> Books:
    """A subscription with a backup, that bills once and is not retried."""
    agreed = terms(backup=True, retry=RetryPolicy(()))
    books = signed_up(agreed, into=Books(SIGNED_UP, budgets=()))
    books.add_backup("s-1")
    return books


def saved() -> Books:
    """A hard decline, and the backup pays."""
    books = billed(backed(), Reply.HARD)
    books.work("s-1", Reply.YES)
    return books


def in_vain() -> Books:
    """A soft decline, and the backup is declined as well: collection ends."""
    books = billed(backed(), Reply.SOFT)
    books.work("s-1", Reply.SOFT)
    return books


def unwanted() -> Books:
    """There is a second method, and the terms do not let it be tried: collection ends at once."""
    books = signed_up(terms(retry=RetryPolicy(())), into=Books(SIGNED_UP, budgets=()))
    books.add_backup("s-1")
    return billed(books, Reply.SOFT)


def everywhere(kind: type, **forged: Any) -> Forger:
    """All facts of a kind get these values."""

    def forge(log: Log) -> Log:
        return [
            attrs.evolve(recorded, event=attrs.evolve(recorded.event, **forged))
            if isinstance(recorded.event, kind)
            else recorded
            for recorded in log
        ]

    return forge


def backup_agreed(log: Log) -> Log | None:
    return changed(
        e.SubscriptionStarted, terms=lambda event: attrs.evolve(event.terms, backup=True)
    )(log)


def no_backup_agreed(log: Log) -> Log | None:
    return changed(
        e.SubscriptionStarted, terms=lambda event: attrs.evolve(event.terms, backup=False)
    )(log)


def tried_again(log: Log) -> Log | None:
    """What the backup declined was tried on it before: both attempts are on the backup."""
    backup = [r.event.token_ref for r in log if isinstance(r.event, e.TokenVaulted)][-1]
    return everywhere(e.ChargeAttempted, token_ref=backup)(log)


def first_instead(log: Log) -> Log | None:
    """The backup is tried first of all."""
    backup = [r.event.token_ref for r in log if isinstance(r.event, e.TokenVaulted)][-1]
    return changed(e.ChargeAttempted, token_ref=lambda _: backup)(log)


def moved() -> Books:
    """Billed at PayPal, then a token at Dintero, and billed there."""
    books = billed(signed_up(terms(), into=Books(SIGNED_UP, budgets=())), Reply.YES)
    books.move_to("s-1", Provider.DINTERO)
    return billed(books, Reply.YES)


def back_at_paypal(log: Log) -> Log:
    """The second charge is where the first one was."""
    attempts = [each for each in log if isinstance(each.event, e.ChargeAttempted)]
    event = attrs.evolve(attempts[-1].event, provider=Provider.PAYPAL)
    return [attrs.evolve(each, event=event) if each is attempts[-1] else each for each in log]


PLANTS_OF_BACKUPS: list[Plant] = [
    ("charged where it was before it moved", "attempt-elsewhere", moved, back_at_paypal),
    ("a move that never was asked for", "attempt-elsewhere", moved,
     everywhere(e.TokenRequested, provider=None, account="")),
    ("a move to where it is", "token-request-wrong", saved,
     changed(e.TokenRequested, provider=lambda _: Provider.PAYPAL, account=lambda _: "main")),
    ("half a place", "token-request-wrong", saved,
     changed(e.TokenRequested, account=lambda _: "second")),
    ("the terms know no backup", "backup-misused", saved, no_backup_agreed),
    ("the backup tried twice", "backup-misused", in_vain, tried_again),
    ("the backup tried first", "backup-misused", in_vain, first_instead),
    ("collection ended before the backup was tried", "collection-end-wrong", unwanted,
     backup_agreed),
    ("a backup replaces the first", "token-replaces-wrong", saved,
     everywhere(e.TokenVaulted, replaces="token-of-nobody")),
    ("a backup of nothing", "token-request-wrong", saved,
     changed(e.TokenRequested, purpose=lambda _: e.TokenPurpose.BACKUP)),
    ("the backup was never vaulted", "token-unusable", saved,
     dropped(e.TokenVaulted, when=lambda event: event.replaces is None)),
]  # fmt: skip
