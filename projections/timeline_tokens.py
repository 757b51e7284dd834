"""The end of a token in plain sentences, for the timeline."""

from __future__ import annotations

from domain.subscription.token_events import TokenDeletionRequested, TokenRevoked


def words_of_token_end(event: TokenDeletionRequested | TokenRevoked) -> str:
    """A token is let go, or gone."""
    if isinstance(event, TokenDeletionRequested):
        return (
            f"Token {event.token_ref} is let go ({event.reason}): nothing is charged with it from "
            "here on, and the provider is to forget it."
        )
    return (
        f"Token {event.token_ref} cannot be charged any more: {event.reason}, known by "
        f"{event.evidence}."
    )
