"""Ports: what the rules ask of a provider, and every answer that they understand.

A gateway turns one HTTP exchange into one of these answers. Three things it never does: call a
doubt a decline, repeat a POST by itself, let a token into a log.

answers
  Captured | Authorized | Declined | Unknown | NotDone      to charge, authorise, capture
  the same | NotFound                                       to look_up
  Offered | TokenDenied | Unknown | NotDone                to request_token
  Granted | StillOpen | TokenDenied | Unknown | NotDone    to complete_token
  TokenGone | Unknown | NotDone                            to delete_token
  TokenGone | TokenHeld | Unknown | NotDone                to look_up_token
refunds and voids: refund_ports.py; disputes: dispute_ports.py
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

import attrs

from domain.money import Money
from domain.plan import CaptureMode, PaidTrial, Terms
from domain.subscription.events import DeclineClass, Instrument

if TYPE_CHECKING:  # those modules take their first answers from this one
    from domain.dispute_ports import DisputeAnswer
    from domain.refund_ports import (
        RefundAnswer,
        RefundLookUpAnswer,
        RefundOrder,
        RefundQuery,
        VoidAnswer,
        VoidOrder,
    )


class Secret:
    """A token or credential: it prints as stars and compares by value."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value; call it only where it goes onto the wire or into the vault."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


# --- what we ask ------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class ChargeLine:
    """A part of a charge, as a receipt shows it.

    amount: with tax; below zero for what was paid otherwise. tax: of it, at tax_ppm parts per
    million of the net.
    """

    description: str
    amount: Money
    tax: Money
    tax_ppm: int


@attrs.frozen(kw_only=True)
class FirstCharge:
    """A charge that the payer pays on the page that makes the token. See ChargeOrder."""

    attempt_id: UUID
    reference: str
    amount: Money
    capture: CaptureMode
    lines: tuple[ChargeLine, ...] = ()


@attrs.frozen(kw_only=True)
class TokenOrder:
    """Ask for a token that may be charged without the payer present.

    request_id: the key of this request.
    subscription_id, customer_id: the merchant's own references; the provider may echo them.
    terms: shown to the payer where the provider can (PayPal's billing_plan).
    paid_trial: what is still to come of periods at another price before them, or None.
    start_date: ISO date of the first regular charge, or None when it is today.
    first: what is paid on the same page, or None. Only where ProviderRules.session_pays.
    only_look: such a page may have been made: offer that one, and make none.
    """

    request_id: UUID
    subscription_id: str
    customer_id: str
    terms: Terms
    start_date: str | None
    paid_trial: PaidTrial | None = None
    first: FirstCharge | None = None
    only_look: bool = False


@attrs.frozen(kw_only=True)
class TokenQuery:
    """See how a token request stands, and take the token if it was approved.

    provider_ref: as ApprovalOffered holds it. reference: of what is paid on the same page, or "".
    """

    request_id: UUID
    provider_ref: str
    reference: str = ""


@attrs.frozen(kw_only=True)
class ChargeOrder:
    """Charge a vaulted token once.

    attempt_id: the key; reference: what both books call it.
    lines: they add up to the amount; none where nothing is known of its tax.
    capture: AT_ONCE takes the money, AFTER_AUTHORIZATION only reserves it.
    """

    attempt_id: UUID
    reference: str
    amount: Money
    token: Secret
    instrument: Instrument
    terms: Terms
    subscription_id: str
    customer_id: str
    capture: CaptureMode
    lines: tuple[ChargeLine, ...] = ()


@attrs.frozen(kw_only=True)
class CaptureOrder:
    """Capture an authorisation, in full or in part, once.

    capture_id: the key; authorization_ref: as ChargeAuthorized holds it.
    final: False when more of this authorisation may be captured later.
    lines: of the charge that was authorised, as its order had them.
    """

    attempt_id: UUID
    capture_id: UUID
    reference: str
    amount: Money
    authorization_ref: str
    final: bool = True
    lines: tuple[ChargeLine, ...] = ()


@attrs.frozen(kw_only=True)
class ChargeQuery:
    """What became of an attempt?

    attempted_at: UTC instant of the intention.
    since: UTC instant before which the charge cannot have been made, whatever became of our books;
        a search need not look further back. None: attempted_at. It lies before the intention where
        the invoice fell due earlier: books that were put back to a backup intend to make charges
        that were made.
    now: UTC instant of the question; a search need not look further on.
    provider_ref, authorization_ref, order_ref: the provider's ids if we know them, else "". At
        Dintero the last one is that of a session.
    capture_id: set when an authorisation is being captured, and the question is about that.
    """

    attempt_id: UUID
    reference: str
    amount: Money
    attempted_at: datetime
    now: datetime
    provider_ref: str
    authorization_ref: str
    order_ref: str
    capture_id: UUID | None
    since: datetime | None = None


# --- what they answer -------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Captured:
    """Money moved. amount: as the provider states it. at: the provider's time, UTC."""

    amount: Money
    provider_ref: str
    at: datetime


@attrs.frozen(kw_only=True)
class Authorized:
    """The amount is reserved, no money moved. See ChargeAuthorized for the fields."""

    amount: Money
    authorization_ref: str
    order_ref: str
    expires_at: datetime | None
    at: datetime


@attrs.frozen(kw_only=True)
class Declined:
    """A definite no. See ChargeDeclined for the fields; at None: the provider gave no time."""

    decline: DeclineClass
    code: str
    message: str
    retry_not_before: datetime | None = None
    provider_ref: str = ""
    at: datetime | None = None


@attrs.frozen(kw_only=True)
class Unknown:
    """Money may have moved or may yet move: no answer, an answer we cannot read, or "pending"."""

    reason: str
    provider_ref: str = ""


@attrs.frozen(kw_only=True)
class NotDone:
    """The request was certainly not carried out (refused connection, 401, 403, 429).

    It may be sent again under the same key.
    retry_after_s: seconds the provider asks us to wait, or None.
    """

    reason: str
    retry_after_s: float | None = None


@attrs.frozen(kw_only=True)
class NotFound:
    """The provider answered a look-up and shows no such charge. What that proves depends on
    how late the provider reports; the rules judge it, not the gateway."""

    finding: str


@attrs.frozen(kw_only=True)
class Offered:
    """A page where the payer approves. expires_at: None when the provider does not say."""

    provider_ref: str
    approve_url: str
    expires_at: datetime | None


@attrs.frozen(kw_only=True)
class Granted:
    """The payer approved; here is the token."""

    token: Secret
    instrument: Instrument
    at: datetime | None = None


@attrs.frozen(kw_only=True)
class StillOpen:
    """The payer has not approved yet."""


@attrs.frozen(kw_only=True)
class TokenGone:
    """The provider holds this token no more."""


@attrs.frozen(kw_only=True)
class TokenHeld:
    """The provider still holds this token."""


@attrs.frozen(kw_only=True)
class TokenShared:
    """The provider was not asked to delete: another subscription is charged with the same token.
    The worker's own answer, which no gateway gives."""


@attrs.frozen(kw_only=True)
class TokenDenied:
    """The payer or the provider said no, or the request is gone at the provider."""

    code: str
    message: str


ChargeAnswer = Captured | Authorized | Declined | Unknown | NotDone
LookUpAnswer = Captured | Authorized | Declined | Unknown | NotDone | NotFound
TokenOfferAnswer = Offered | TokenDenied | Unknown | NotDone
TokenEndAnswer = TokenGone | TokenHeld | TokenShared | Unknown | NotDone
TokenAnswer = Granted | StillOpen | TokenDenied | Unknown | NotDone


# --- callbacks --------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class RawCallback:
    """One HTTP request that claims to come from a provider, untouched.

    url: the full URL as the provider called it (behind a proxy: the public one).
    headers: names in lower case.
    received_at: UTC.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


@attrs.frozen(kw_only=True)
class Reversal:
    """Money that a provider took back, as a callback tells whose signature holds over its body.

    charge_ref: the provider's id of what was captured. provider_ref: of the reversal, or "".
    at: the provider's time, UTC.
    """

    charge_ref: str
    amount: Money
    provider_ref: str
    at: datetime


@attrs.frozen(kw_only=True)
class Hint:
    """What a verified callback is about. It only says where to look; the money is looked up, but
    for a reversal, of which a provider shows nothing else.

    delivery_id: the provider's id of the message; the inbox keeps one of each.
    event_type: the provider's word, e.g. "PAYMENT.CAPTURE.COMPLETED".
    reference: of a charge (ChargeAttempted.reference), or "".
    token_request_ref: of a token request (ApprovalOffered.provider_ref), or "".
    token_digest: of a token's name at the provider, as the token vault makes it; or empty.
    token_ended: whether it says that this token cannot be charged any more.
    again: whether the provider is to send it again for as long as its subject is not known.
    dispute_ref: of a dispute, or "". charge_ref: the provider's id of what was captured, or "";
        by it the subscription is found. reversal: what was taken back, or None.
    """

    delivery_id: str
    event_type: str
    reference: str = ""
    token_request_ref: str = ""
    token_digest: bytes = b""
    token_ended: bool = False
    dispute_ref: str = ""
    charge_ref: str = ""
    reversal: Reversal | None = None
    again: bool = False


class CallbackRejected(Exception):
    """A callback that is not what it claims; nothing of it is used.

    code: "signature-missing", "signature-wrong", "too-old", "foreign-certificate", "malformed";
        "certificate-unavailable" when it could not be fetched just now, and a repeat may pass;
        "verification-unavailable" when the provider was asked and did not say.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code


class Gateway(Protocol):
    """One merchant account at one provider. Every method makes at most one paying call.

    None of them raises for anything a provider or a network can do; they answer.
    """

    async def request_token(self, order: TokenOrder) -> TokenOfferAnswer:
        """Make a page where the payer approves. Same request_id, same page, in the key window.

        With `first` the payer pays there, too: then a page that may have been made is looked for,
        and no second one is made."""

    async def complete_token(self, query: TokenQuery) -> TokenAnswer:
        """Take the token of an approved request; safe to repeat."""

    async def charge(self, order: ChargeOrder) -> ChargeAnswer:
        """Charge, or reserve where `order.capture` says so. Only within the key window."""

    async def capture(self, order: CaptureOrder) -> ChargeAnswer:
        """Capture an authorisation, in full or in part."""

    async def look_up(self, query: ChargeQuery) -> LookUpAnswer:
        """Say what became of an attempt, without ever making a charge."""

    async def reauthorize(self, order: CaptureOrder) -> ChargeAnswer:
        """Renew a reservation that its network no longer guarantees; Declined where the provider
        has no such thing."""

    async def refund(self, order: RefundOrder) -> RefundAnswer:
        """Give back what was captured, in part or in full. Only within the key window."""

    async def look_up_refund(self, query: RefundQuery) -> RefundLookUpAnswer:
        """Say what became of a refund, without ever making one."""

    async def look_up_dispute(self, dispute_ref: str) -> DisputeAnswer:
        """Say how a dispute stands; NotFound where the provider knows no such thing."""

    async def void(self, order: VoidOrder) -> VoidAnswer:
        """Let go of a reservation; safe to repeat."""

    async def delete_token(
        self, token: Secret, instrument: Instrument
    ) -> TokenGone | Unknown | NotDone:
        """Make the provider forget a token; one that is gone already is gone."""

    async def look_up_token(
        self, token: Secret, instrument: Instrument
    ) -> TokenGone | TokenHeld | Unknown | NotDone:
        """Say whether the provider still holds a token of which it said that it has ended."""

    async def verify(self, callback: RawCallback) -> Hint:
        """Check who sent it. Raises: CallbackRejected."""

    async def close(self) -> None:
        """Let go of connections."""
