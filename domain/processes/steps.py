"""Steps: what a process manager may ask a worker to do. It asks; the worker does it.

Record      write facts, call nobody
AskToken    request_token
SeeToken    complete_token
SendCharge  charge
SendCapture capture
SendRenewal reauthorize
SendVoid    void
LookUp      look_up
SendRefund  refund
LookUpRefund  look_up_refund
DeleteToken delete_token
LookUpToken look_up_token
LookUpDispute look_up_dispute
BookReversal  nobody is called; a callback says it all
Nothing     this subscription needs nothing now
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import attrs

from domain.ports import Reversal
from domain.providers import Provider
from domain.subscription.events import SubscriptionEvent
from domain.subscription.owed import Attempt
from domain.subscription.refunds import OpenRefund
from domain.subscription.vaulted import OpenTokenRequest, Token


@attrs.frozen
class Nothing:
    """Nothing is due now, however stale the item that brought us here."""


@attrs.frozen
class Record:
    """Facts that follow from the state and the time alone. cause: the item's kind."""

    events: tuple[SubscriptionEvent, ...]
    cause: str


@attrs.frozen
class AskToken:
    """Ask the provider for an approval page.

    only_look: take the one that may have been made, and make none.
    """

    request: OpenTokenRequest
    only_look: bool = False


@attrs.frozen
class SeeToken:
    """See at the provider how an offered token request stands."""

    request: OpenTokenRequest


@attrs.frozen
class SendCharge:
    """Send the open attempt, under its key."""

    attempt: Attempt


@attrs.frozen
class SendCapture:
    """Capture the authorisation of the open attempt, under the capture's key."""

    attempt: Attempt
    capture_id: UUID


@attrs.frozen
class SendRenewal:
    """Renew the reservation of the open attempt before it is captured, under the capture's key."""

    attempt: Attempt
    capture_id: UUID


@attrs.frozen
class SendVoid:
    """Let go of the reservation of the open attempt, under the void's key."""

    attempt: Attempt
    void_id: UUID


@attrs.frozen
class LookUp:
    """Ask the provider what became of an attempt; never send it.

    evidence: what made us look, as ChargeSucceeded.evidence records it.
    since: UTC instant before which it cannot have been made; None: as the invoice says.
    """

    attempt: Attempt
    evidence: str
    since: datetime | None = None


@attrs.frozen
class SendRefund:
    """Send a refund that was intended, under its key."""

    refund: OpenRefund


@attrs.frozen
class LookUpRefund:
    """Ask the provider what became of a refund; never send it. evidence, since: as in LookUp;
    None: since it was asked for."""

    refund: OpenRefund
    evidence: str
    since: datetime | None = None


@attrs.frozen
class DeleteToken:
    """Have the provider forget a token that was let go; safe to repeat."""

    token: Token


@attrs.frozen
class LookUpToken:
    """Ask the provider whether it still holds a token. evidence: as in LookUp."""

    token: Token
    evidence: str


@attrs.frozen
class LookUpDispute:
    """Ask the provider how a dispute stands. provider, account: which told of it.

    evidence: what made us look, as DisputeOpened.evidence records it.
    """

    dispute_ref: str
    provider: Provider
    account: str
    evidence: str


@attrs.frozen
class BookReversal:
    """Record what a callback said was taken back. Nobody is asked: its signature is the proof."""

    reversal: Reversal
    evidence: str


Call = (
    AskToken
    | SeeToken
    | SendCharge
    | SendCapture
    | SendRenewal
    | SendVoid
    | LookUp
    | SendRefund
    | LookUpRefund
    | LookUpDispute
    | DeleteToken
    | LookUpToken
)
Step = Nothing | Record | Call
