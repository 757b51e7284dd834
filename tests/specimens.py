"""One plausible subscription, fact by fact, and what providers answer to it.

Every default can be named: `started(zone="UTC")`, `signed_up(terms(price=...))`. The charge falls
due at DUE, local midnight of 31 January 2024 in Oslo. All instants are UTC.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import attrs

from domain.calendar import Interval, Unit, start_of_day
from domain.identity import attempt_id, capture_id, token_request_id
from domain.money import Money
from domain.plan import Kind, RetryPolicy, Terms, Timing
from domain.ports import (
    Authorized,
    Captured,
    Declined,
    Granted,
    NotDone,
    NotFound,
    Offered,
    Secret,
    Unknown,
)
from domain.providers import RULES, Provider
from domain.schedule import due_day, schedule_of
from domain.subscription.events import (
    ApprovalOffered,
    DeclineClass,
    Instrument,
    SubscriptionEvent,
    SubscriptionStarted,
    TokenPurpose,
    TokenRequested,
    TokenVaulted,
)
from domain.subscription.starting import Start

NAMESPACE = UUID("3f0d8a4e-5a55-4c1c-9a39-5f8a7f2f7a01")
ZONE = "Europe/Oslo"
ZONE_VERSION = "2025b"
START = date(2024, 1, 31)
SIGNED_UP = datetime(2024, 1, 20, 9, 0, tzinfo=UTC)
DUE = datetime(2024, 1, 30, 23, 0, tzinfo=UTC)  # local midnight of START in Oslo
NEXT_DUE = datetime(2024, 2, 28, 23, 0, tzinfo=UTC)  # of 29 February
PRICE = Money(29900, "NOK")
CARD = Instrument(kind="card", brand="Visa", last_digits="1111", expires="2029-04")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
KEY_WINDOW = RULES[Provider.PAYPAL].charge_key_window
REPORT_DELAY = RULES[Provider.PAYPAL].report_delay

Facts = tuple[SubscriptionEvent, ...]


def terms(**changes: Any) -> Terms:
    """299 NOK a month, prepaid, captured at once, retried after 3, 5 and 7 days."""
    standard = Terms(
        plan="gold",
        plan_version=1,
        description="Gold membership",
        kind=Kind.SUBSCRIPTION,
        timing=Timing.PREPAID,
        interval=Interval(Unit.MONTH),
        price=PRICE,
        retry=RetryPolicy((3, 5, 7)),
    )
    return attrs.evolve(standard, **changes)


def instalments(count: int, **changes: Any) -> Terms:
    """The same price, `count` times."""
    return terms(kind=Kind.INSTALLMENT, cycles=count, **changes)


def wish(**changes: Any) -> Start:
    """The wish to start that `started()` fulfils."""
    standard = Start(
        subscription_id="s-1",
        customer_id="c-1",
        namespace=NAMESPACE,
        provider=Provider.PAYPAL,
        account="main",
        zone=ZONE,
        start=START,
        terms=terms(),
    )
    return attrs.evolve(standard, **changes)


def started(agreed: Terms | None = None, **changes: Any) -> SubscriptionStarted:
    """Agreed on 20 January 2024, to begin on the 31st, in Oslo."""
    agreed = agreed or terms()
    start: date = changes.get("start", START)
    zone: str = changes.get("zone", ZONE)
    first_due = start_of_day(due_day(agreed, schedule_of(start, agreed).period(1)), zone)
    standard = SubscriptionStarted(
        subscription_id="s-1",
        customer_id="c-1",
        namespace=NAMESPACE,
        provider=Provider.PAYPAL,
        account="main",
        currency=agreed.price.currency,
        zone=zone,
        zone_version=ZONE_VERSION,
        start=start,
        first_due_at=first_due if agreed.scheduled else None,
        terms=agreed,
        effective_at=SIGNED_UP,
    )
    return attrs.evolve(standard, **changes)


def requested(
    number: int = 1,
    *,
    at: datetime = SIGNED_UP,
    reason: str = "sign-up",
    purpose: TokenPurpose | None = None,
    provider: Provider = Provider.PAYPAL,
) -> TokenRequested:
    """The nth intention to ask for a token."""
    rules = RULES[provider]
    return TokenRequested(
        request_id=token_request_id(NAMESPACE, number),
        number=number,
        purpose=purpose or (TokenPurpose.INITIAL if number == 1 else TokenPurpose.REPLACEMENT),
        reason=reason,
        key_expires_at=at + rules.token_key_window,
        expires_at=at + rules.token_request_life,
        effective_at=at,
    )


def approval_offered(number: int = 1, *, at: datetime = SIGNED_UP) -> ApprovalOffered:
    """The page for the nth request."""
    return ApprovalOffered(
        request_id=token_request_id(NAMESPACE, number),
        provider_ref=f"setup-{number}",
        approve_url=f"https://pay.example/setup-{number}",
        expires_at=at + 3 * DAY,
        effective_at=at,
    )


def vaulted(
    number: int = 1, *, at: datetime = SIGNED_UP, replaces: int | None = None
) -> TokenVaulted:
    """The token of the nth request lies in the vault."""
    return TokenVaulted(
        request_id=token_request_id(NAMESPACE, number),
        token_ref=token_ref(number),
        instrument=CARD,
        replaces=None if replaces is None else token_ref(replaces),
        effective_at=at,
    )


def token_ref(number: int = 1) -> str:
    """Where the vault keeps the token of the nth request."""
    return f"token-{token_request_id(NAMESPACE, number)}"


def signed_up(agreed: Terms | None = None, **changes: Any) -> Facts:
    """Started, asked, offered, vaulted: ready to be billed."""
    provider = changes.get("provider", Provider.PAYPAL)
    return (
        started(agreed, **changes),
        requested(provider=provider),
        approval_offered(),
        vaulted(),
    )


def key(invoice: int = 1, attempt: int = 1) -> UUID:
    """The key of the nth attempt on an invoice."""
    return attempt_id(NAMESPACE, invoice, attempt)


def capture_key(invoice: int = 1, attempt: int = 1, capture: int = 1) -> UUID:
    """The key of the nth capture of an attempt."""
    return capture_id(key(invoice, attempt), capture)


# --- what providers answer --------------------------------------------------------------------

OFFERED = Offered(
    provider_ref="setup-1", approve_url="https://pay.example/setup-1", expires_at=None
)
GRANTED = Granted(token=Secret("tok"), instrument=CARD)
TIME_OUT = Unknown(reason="ReadTimeout")
NOT_DONE = NotDone(reason="429", retry_after_s=30)
NOT_FOUND = NotFound(finding="no charge under this reference")


def captured(amount: Money = PRICE, *, at: datetime = DUE + MINUTE, ref: str = "cap-1") -> Captured:
    """Money moved."""
    return Captured(amount=amount, provider_ref=ref, at=at)


def reserved(amount: Money = PRICE, *, at: datetime = DUE + MINUTE) -> Authorized:
    """Money is set aside."""
    return Authorized(
        amount=amount, authorization_ref="auth-1", order_ref="order-1", expires_at=None, at=at
    )


def declined(decline: DeclineClass = DeclineClass.SOFT, **changes: Any) -> Declined:
    """A definite no; of the soft kind unless said otherwise."""
    standard = Declined(decline=decline, code="INSUFFICIENT_FUNDS", message="no funds")
    return attrs.evolve(standard, **changes)


HARD = declined(DeclineClass.HARD, code="CARD_CLOSED")
PAYER_ACTION = declined(DeclineClass.PAYER_ACTION, code="PAYER_ACTION_REQUIRED")
MERCHANT = declined(DeclineClass.MERCHANT, code="PERMISSION_DENIED")
