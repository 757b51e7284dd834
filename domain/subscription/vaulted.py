"""What a subscription knows of its tokens.

Parts of the state; see state.py.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import attrs

from domain.providers import Provider
from domain.subscription.events import Instrument, TokenPurpose


@attrs.frozen(kw_only=True)
class Token:
    """The vaulted token. usable: False after a decline that asks for a new one, and once it is
    let go or revoked.

    provider, account: who made it, and can charge it.
    let_go_at: when we meant to have it deleted, UTC, or None; let_go: why.
    gone: whether it was deleted or revoked.
    """

    provider: Provider
    account: str
    token_ref: str
    instrument: Instrument
    usable: bool
    let_go_at: datetime | None = None
    let_go: str = ""
    gone: bool = False

    @property
    def standing(self) -> str:
        """Whether it can be charged, or why not: "usable", "declined", "let-go", "gone"."""
        if self.gone:
            return "gone"
        if self.let_go_at is not None:
            return "let-go"
        return "usable" if self.usable else "declined"


@attrs.frozen(kw_only=True)
class OpenTokenRequest:
    """A token request nobody has answered. provider_ref, approve_url: "" until it is offered.

    provider, account: who is asked.
    first_charge, reference: of the attempt that is paid on the same page, or None and "".
    """

    provider: Provider
    account: str
    request_id: UUID
    number: int
    purpose: TokenPurpose
    requested_at: datetime
    key_expires_at: datetime
    expires_at: datetime
    provider_ref: str = ""
    approve_url: str = ""
    first_charge: UUID | None = None
    reference: str = ""
