"""Folding of a token's end."""

from __future__ import annotations

from domain.copying import with_
from domain.subscription.state import Subscription
from domain.subscription.token_events import TokenDeletionRequested, TokenRevoked
from domain.subscription.vaulted import Token


def token_ended(state: Subscription, event: TokenDeletionRequested | TokenRevoked) -> Subscription:
    """A token is let go, or gone: it is not charged again."""
    replaced = (_after(each, event) for each in state.replaced)
    return with_(
        state,
        token=None if state.token is None else _after(state.token, event),
        backup=None if state.backup is None else _after(state.backup, event),
        replaced=tuple(each for each in replaced if not each.gone),
    )


def _after(token: Token, event: TokenDeletionRequested | TokenRevoked) -> Token:
    if token.token_ref != event.token_ref:
        return token
    if isinstance(event, TokenRevoked):
        return with_(token, usable=False, gone=True)
    return with_(token, usable=False, let_go_at=event.effective_at, let_go=event.reason)
