"""Faults planted where tokens end; see plants_of_changes.py."""

from __future__ import annotations

import attrs

from domain.subscription import events as e
from domain.subscription import token_events as t
from tests.projections.forging import Forger, Log, changed, doubled, dropped, followed, renumbered
from tests.projections.plants_of_changes import Plant
from tests.projections.scenes_of_tokens import (
    backup_revoked,
    deleted,
    let_go,
    revoked,
    revoked_and_paid,
)


def by_the_old_token(log: Log) -> Log:
    """What ended is charged once more."""
    old = next(each.event.token_ref for each in log if isinstance(each.event, e.TokenVaulted))
    forge: Forger = changed(e.ChargeAttempted, token_ref=lambda _: old)
    return forge(log) or []


def earlier(log: Log) -> Log:
    """The token ended at once, and was charged all the same."""
    ended = next(each for each in log if isinstance(each.event, t.TokenRevoked))
    first = next(each for each in log if isinstance(each.event, e.TokenVaulted))
    other = attrs.evolve(ended, event=attrs.evolve(ended.event, token_ref=first.event.token_ref))
    return renumbered(other if each is ended else each for each in log)


def dropped_at_the_end(log: Log) -> Log:
    """The log ends where the payer was to be asked."""
    return log[:-1]


PLANTS_OF_TOKENS: list[Plant] = [
    ("let go for somebody else", "customer-mixed", let_go,
     changed(t.TokenDeletionRequested, customer_id=lambda _: "c-9")),
    ("let go twice", "token-deletion-wrong", let_go, doubled(t.TokenDeletionRequested)),
    ("let go what there is not", "token-deletion-wrong", deleted,
     changed(t.TokenDeletionRequested, token_ref=lambda _: "token-x")),
    ("deleted, and nobody meant to", "token-revocation-wrong", deleted,
     dropped(t.TokenDeletionRequested)),
    ("revoked, and we had let it go", "token-revocation-wrong", deleted,
     changed(t.TokenRevoked, reason=lambda _: "revoked at the provider")),
    ("said to be deleted by us", "token-revocation-wrong", revoked,
     changed(t.TokenRevoked, reason=lambda _: "deleted by us")),
    ("revoked twice", "token-revocation-wrong", revoked, doubled(t.TokenRevoked)),
    ("revoked for somebody else", "customer-mixed", revoked,
     changed(t.TokenRevoked, customer_id=lambda _: "c-9")),
    ("charged after it was revoked", "token-unusable", revoked_and_paid, by_the_old_token),
    ("the first revoked, not the backup, and charged", "token-unusable", backup_revoked, earlier),
    ("charged after it was let go", "token-unusable", backup_revoked,
     followed(e.TokenVaulted, lambda event: t.TokenDeletionRequested(
         token_ref=event.token_ref, customer_id="c-1", reason="x", effective_at=event.effective_at,
     ))),
    ("nobody was asked for another", "token-not-asked-for", revoked_and_paid,
     dropped(e.TokenRequested, when=lambda event: event.number == 2)),
    ("the log ends before anybody was asked", "token-not-asked-for", revoked, dropped_at_the_end),
]  # fmt: skip
