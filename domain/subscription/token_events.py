"""The facts of a token's end: let go by us, or revoked where it was made.

The token itself is in no fact. See events.py for what holds of every fact.
"""

from __future__ import annotations

from datetime import datetime

import attrs

from domain.recorded import stored_as


@stored_as("token-deletion-requested.v1")
@attrs.frozen(kw_only=True)
class TokenDeletionRequested:
    """We intend to have the provider forget a token; from now on nothing is charged with it.

    reason: the caller's words.
    """

    token_ref: str
    customer_id: str
    reason: str
    effective_at: datetime


@stored_as("token-revoked.v1")
@attrs.frozen(kw_only=True)
class TokenRevoked:
    """A token cannot be charged any more; the vault may drop it.

    reason: "revoked at the provider", by the payer or otherwise; "deleted by us"; "kept for
        another subscription", which holds the same token: it is given up here, and lives on there.
    evidence: how we know: "answer", "callback", or "vault" of one that is kept.
    """

    token_ref: str
    customer_id: str
    reason: str
    evidence: str
    effective_at: datetime


TokenEvent = TokenDeletionRequested | TokenRevoked
