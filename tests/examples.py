"""One good example of every event, as it would stand in a real stream.

The golden files of the store are made from these, and tests of folds and projections may use them.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID

import attrs

from domain.calendar import Interval, Period, Unit
from domain.catalogue import events as p
from domain.identity import (
    attempt_id,
    capture_id,
    charge_reference,
    refund_id,
    refund_reference,
    token_request_id,
    void_id,
)
from domain.money import Money
from domain.plan import CaptureMode, Kind, RetryPolicy, Terms, Timing
from domain.providers import Provider
from domain.recorded import stored_name
from domain.schedule import Schedule, Stub
from domain.settlement_ports import SettledKind, SettledTotal, SettlementLine
from domain.settlements import events as x
from domain.subscription import dispute_events as d
from domain.subscription import events as e
from domain.subscription import refund_events as r
from domain.subscription import token_events as t
from domain.subscription import void_events as v
from domain.taxes import LineTax, TaxRate

NAMESPACE = UUID("7f1d9a52-3c0b-4be4-9a70-0d6f3f0f5a11")
SUBSCRIPTION = "7590-VHVEG"
CUSTOMER = "7590-VHVEG"
REQUEST = token_request_id(NAMESPACE, 1)
ATTEMPT = attempt_id(NAMESPACE, 1, 1)
CAPTURE = capture_id(ATTEMPT, 1)
PRICE = Money(2985, "USD")
FEE = Money(1000, "USD")
TOTAL = Money(3985, "USD")
STARTED = datetime(2026, 1, 15, 9, 30, 0, 125000, tzinfo=UTC)
DUE = datetime(2026, 1, 31, 5, 0, tzinfo=UTC)
NEXT_DUE = datetime(2026, 2, 28, 5, 0, tzinfo=UTC)
CHARGED = datetime(2026, 1, 31, 5, 0, 7, tzinfo=UTC)

TERMS = Terms(
    plan="fibre-100",
    plan_version=3,
    description="Fibre 100, månedlig",
    kind=Kind.SUBSCRIPTION,
    timing=Timing.PREPAID,
    interval=Interval(Unit.MONTH, 1),
    price=PRICE,
    trial=Interval(Unit.DAY, 14),
    setup_fee=FEE,
    cycles=None,
    capture=CaptureMode.AFTER_AUTHORIZATION,
    retry=RetryPolicy((3, 5, 7)),
)

LINES = (
    e.InvoiceLine(
        kind=e.LineKind.PERIOD,
        description="Fibre 100, månedlig",
        amount=PRICE,
        working=e.Working(
            quantity=1,
            unit_price=PRICE,
            numerator=1,
            denominator=1,
            days=28,
            policy="whole-period",
            rounding="none",
        ),
    ),
    e.InvoiceLine(
        kind=e.LineKind.SETUP_FEE,
        description="Set-up",
        amount=FEE,
        working=e.Working(
            quantity=1,
            unit_price=FEE,
            numerator=1,
            denominator=1,
            days=0,
            policy="once",
            rounding="none",
        ),
    ),
)

_STARTING: tuple[e.SubscriptionEvent, ...] = (
    e.SubscriptionStarted(
        subscription_id=SUBSCRIPTION,
        customer_id=CUSTOMER,
        namespace=NAMESPACE,
        provider=Provider.PAYPAL,
        account="main",
        currency="USD",
        zone="America/New_York",
        zone_version="2026f",
        start=date(2026, 1, 31),
        first_due_at=DUE,
        terms=TERMS,
        effective_at=STARTED,
    ),
    e.TokenRequested(
        request_id=REQUEST,
        number=1,
        purpose=e.TokenPurpose.INITIAL,
        reason="sign-up",
        key_expires_at=datetime(2026, 1, 15, 12, 0, tzinfo=UTC),
        expires_at=datetime(2026, 1, 18, 9, 30, tzinfo=UTC),
        effective_at=STARTED,
    ),
    e.ApprovalOffered(
        request_id=REQUEST,
        provider_ref="5C991763VB2781612",
        approve_url="https://www.paypal.com/agreements/approve?approval_session_id=5C991763VB2781612",
        expires_at=datetime(2026, 1, 18, 9, 30, tzinfo=UTC),
        effective_at=STARTED,
    ),
    e.TokenVaulted(
        request_id=REQUEST,
        token_ref="token-7590-VHVEG-1",
        instrument=e.Instrument(kind="card", brand="Visa", last_digits="1111", expires="2029-04"),
        replaces=None,
        effective_at=STARTED,
    ),
    e.TokenRefused(
        request_id=REQUEST,
        code="cancelled",
        message="The payer turned back.",
        effective_at=STARTED,
    ),
    e.TokenRequestExpired(
        request_id=REQUEST,
        reason="not approved in time",
        effective_at=datetime(2026, 1, 18, 9, 30, tzinfo=UTC),
    ),
)

_LETTING_GO: tuple[e.SubscriptionEvent, ...] = (
    t.TokenDeletionRequested(
        token_ref="token-7590-VHVEG-1",
        customer_id=CUSTOMER,
        reason="asked by the payer",
        effective_at=datetime(2026, 3, 1, 8, 0, tzinfo=UTC),
    ),
    t.TokenRevoked(
        token_ref="token-7590-VHVEG-1",
        customer_id=CUSTOMER,
        reason="revoked at the provider",
        evidence="callback",
        effective_at=datetime(2026, 3, 1, 8, 0, 2, tzinfo=UTC),
    ),
)

_CHARGING: tuple[e.SubscriptionEvent, ...] = (
    e.InvoiceIssued(
        customer_id=CUSTOMER,
        invoice_number=1,
        period=Period(date(2026, 1, 31), date(2026, 2, 28)),
        due_on=date(2026, 1, 31),
        lines=LINES,
        total=TOTAL,
        next_due_at=NEXT_DUE,
        zone_version="2026f",
        effective_at=DUE,
    ),
    e.ChargeAttempted(
        attempt_id=ATTEMPT,
        customer_id=CUSTOMER,
        invoice_number=1,
        attempt_number=1,
        amount=TOTAL,
        provider=Provider.PAYPAL,
        account="main",
        token_ref="token-7590-VHVEG-1",
        reference=charge_reference(SUBSCRIPTION, 1, 1, ATTEMPT),
        capture=CaptureMode.AFTER_AUTHORIZATION,
        key_expires_at=datetime(2026, 1, 31, 10, 30, tzinfo=UTC),
        effective_at=DUE,
    ),
    e.ChargeAuthorized(
        attempt_id=ATTEMPT,
        amount=TOTAL,
        authorization_ref="0VF52814937998046",
        order_ref="5O190127TN364715T",
        expires_at=datetime(2026, 3, 1, 5, 0, tzinfo=UTC),
        evidence="answer",
        effective_at=CHARGED,
    ),
    e.CaptureAttempted(
        attempt_id=ATTEMPT,
        capture_id=CAPTURE,
        amount=TOTAL,
        key_expires_at=datetime(2026, 3, 1, 5, 0, tzinfo=UTC),
        effective_at=CHARGED,
    ),
    e.ChargeSucceeded(
        attempt_id=ATTEMPT,
        customer_id=CUSTOMER,
        invoice_number=1,
        amount=TOTAL,
        provider_ref="3C679366HH908993F",
        evidence="answer",
        effective_at=CHARGED,
    ),
    e.ChargeDeclined(
        attempt_id=ATTEMPT,
        customer_id=CUSTOMER,
        invoice_number=1,
        decline=e.DeclineClass.SOFT,
        code="INSTRUMENT_DECLINED",
        message="The instrument presented was declined.",
        retry_not_before=datetime(2026, 2, 3, 5, 0, tzinfo=UTC),
        provider_ref="5O190127TN364715T",
        evidence="answer",
        effective_at=CHARGED,
    ),
    e.ChargeOutcomeUnknown(
        attempt_id=ATTEMPT,
        reason="ReadTimeout",
        provider_ref="",
        next_look_up_at=datetime(2026, 1, 31, 5, 5, 7, tzinfo=UTC),
        effective_at=CHARGED,
    ),
    e.ChargeLookedUp(
        attempt_id=ATTEMPT,
        look_number=1,
        finding="pending at the provider",
        provider_ref="5O190127TN364715T",
        next_look_up_at=datetime(2026, 1, 31, 6, 5, 7, tzinfo=UTC),
        effective_at=datetime(2026, 1, 31, 5, 5, 7, tzinfo=UTC),
    ),
    e.ChargeNotMade(
        attempt_id=ATTEMPT,
        customer_id=CUSTOMER,
        invoice_number=1,
        evidence="look-up",
        effective_at=datetime(2026, 1, 31, 14, 0, tzinfo=UTC),
    ),
    e.ChargeFoundLate(
        attempt_id=ATTEMPT,
        customer_id=CUSTOMER,
        invoice_number=1,
        amount=TOTAL,
        provider_ref="3C679366HH908993F",
        evidence="callback",
        effective_at=CHARGED,
    ),
    e.ChargeDiscrepancyFound(
        attempt_id=ATTEMPT,
        customer_id=CUSTOMER,
        invoice_number=1,
        discrepancy=e.Discrepancy.AMOUNT,
        expected=TOTAL,
        received=Money(3980, "USD"),
        effective_at=CHARGED,
    ),
)

CHANGED = datetime(2026, 2, 14, 12, 0, tzinfo=UTC)
DEARER = attrs.evolve(TERMS, plan_version=4, price=Money(4975, "USD"), quantity=2)


def _part(
    kind: e.LineKind, words: str, amount: int, quantity: int, price: int, days: int
) -> e.InvoiceLine:
    """A line for so many days of the 28 that the running period has."""
    return e.InvoiceLine(
        kind=kind,
        description=f"Fibre 100, månedlig, {words} 2026-02-14 to 2026-02-28 (end exclusive)",
        amount=Money(amount, "USD"),
        working=e.Working(
            quantity=quantity,
            unit_price=Money(price, "USD"),
            numerator=days,
            denominator=28,
            days=days,
            policy="BY_DAY",
            rounding="half-up" if quantity * price * days % 28 else "none",
        ),
    )


# 2985 x 14/28 = 1492.5; 2 x 4975 x 14/28 = 4975.
UNUSED = _part(e.LineKind.UNUSED, "unused", 1493, 1, 2985, 14)
REST = _part(e.LineKind.REST, "rest", 4975, 2, 4975, 14)
SCHEDULE = Schedule(anchor=date(2026, 1, 31), anchor_invoice=1, interval=TERMS.interval)
RESUMED = Schedule(
    anchor=date(2026, 1, 31),
    anchor_invoice=1,
    interval=TERMS.interval,
    stub=Stub(invoice_number=2, period=Period(date(2026, 3, 10), date(2026, 3, 31)), whole_days=31),
)

_VOIDING: tuple[e.SubscriptionEvent, ...] = (
    v.VoidAttempted(
        attempt_id=ATTEMPT,
        void_id=void_id(ATTEMPT, 1),
        number=1,
        reason="the subscription is cancelled",
        effective_at=CHARGED,
    ),
    v.AuthorizationVoided(
        attempt_id=ATTEMPT,
        customer_id=CUSTOMER,
        invoice_number=1,
        evidence="answer",
        effective_at=CHARGED,
    ),
)

_DUNNING: tuple[e.SubscriptionEvent, ...] = (
    e.DiscrepancyResolved(
        attempt_id=ATTEMPT,
        customer_id=CUSTOMER,
        invoice_number=1,
        resolution=e.Resolution.ACCEPTED,
        received=Money(3980, "USD"),
        reason="the payer's bank took a fee",
        effective_at=CHANGED,
    ),
    e.CollectionResumed(
        customer_id=CUSTOMER,
        invoice_number=1,
        reason="the payer asked for another try",
        effective_at=CHANGED,
    ),
    e.InvoiceWrittenOff(
        customer_id=CUSTOMER,
        invoice_number=1,
        amount=Money(5, "USD"),
        reason="not worth a letter",
        effective_at=CHANGED,
    ),
    e.SubscriptionSuspended(
        customer_id=CUSTOMER,
        invoice_number=1,
        last_invoice=1,
        reason="retries-used-up",
        effective_at=CHANGED,
    ),
    e.SubscriptionReinstated(
        customer_id=CUSTOMER,
        invoice_number=1,
        schedule=RESUMED,
        lines=(),
        next_due_at=datetime(2026, 3, 10, 5, 0, tzinfo=UTC),
        zone_version="2026f",
        reason="paid",
        effective_at=datetime(2026, 3, 10, 5, 0, tzinfo=UTC),
    ),
)

_CHANGING: tuple[e.SubscriptionEvent, ...] = (
    e.CreditGranted(
        customer_id=CUSTOMER,
        credit_number=1,
        kind=e.CreditKind.PRORATION,
        amount=UNUSED.amount,
        lines=(UNUSED,),
        reason="the payer asked for more",
        effective_at=CHANGED,
    ),
    e.TermsChanged(
        customer_id=CUSTOMER,
        terms=DEARER,
        when=e.When.NOW,
        from_invoice=2,
        schedule=SCHEDULE,
        lines=(REST,),
        next_due_at=NEXT_DUE,
        zone_version="2026f",
        reason="the payer asked for more",
        effective_at=CHANGED,
    ),
    e.CreditApplied(
        customer_id=CUSTOMER,
        credit_number=1,
        invoice_number=2,
        amount=UNUSED.amount,
        effective_at=NEXT_DUE,
    ),
    e.SubscriptionPaused(
        customer_id=CUSTOMER,
        until=datetime(2026, 3, 10, 5, 0, tzinfo=UTC),
        last_invoice=1,
        unused_from=date(2026, 2, 14),
        lines=(),
        reason="travelling",
        effective_at=CHANGED,
    ),
    e.SubscriptionResumed(
        customer_id=CUSTOMER,
        schedule=RESUMED,
        lines=(),
        next_due_at=datetime(2026, 3, 10, 5, 0, tzinfo=UTC),
        zone_version="2026f",
        reason="the pause is over",
        effective_at=datetime(2026, 3, 10, 5, 0, tzinfo=UTC),
    ),
    e.CancellationScheduled(
        customer_id=CUSTOMER,
        at=NEXT_DUE,
        last_invoice=None,
        reason="moved abroad",
        effective_at=CHANGED,
    ),
    e.CancellationWithdrawn(
        customer_id=CUSTOMER,
        next_due_at=NEXT_DUE,
        zone_version="2026f",
        reason="stays after all",
        effective_at=CHANGED,
    ),
)

RATE = TaxRate(code="NO-25", ppm=250_000, included=False)
# 20 GB late at 0.40: 8.00, and 25 % of that.
LATE_USAGE = e.InvoiceLine(
    kind=e.LineKind.USAGE,
    description="Data (GB), late, 2026-01-31 to 2026-02-28 (end exclusive)",
    amount=Money(1000, "USD"),
    working=e.Working(
        quantity=20,
        unit_price=Money(40, "USD"),
        numerator=1,
        denominator=1,
        days=0,
        policy="usage",
        rounding="none",
    ),
    tax=LineTax(rate=RATE, net=Money(800, "USD"), tax=Money(200, "USD")),
    item="data",
)

_PRICING: tuple[e.SubscriptionEvent, ...] = (
    e.AmountSet(
        customer_id=CUSTOMER,
        invoice_number=2,
        amount=Money(5120, "USD"),
        reason="read from the meter",
        effective_at=CHANGED,
    ),
    e.InstalmentsSettled(
        invoice_number=1_000_001,
        first=3,
        last=6,
        amount=Money(31960, "USD"),
        reason="pays it all at once",
        effective_at=CHANGED,
    ),
    e.UsageReported(
        customer_id=CUSTOMER,
        usage_id="2026-02-14T12-data",
        meter="data",
        quantity=20,
        lines=(LATE_USAGE,),
        effective_at=CHANGED,
    ),
    e.UsageCorrected(
        customer_id=CUSTOMER,
        usage_id="2026-02-14T12-data",
        meter="data",
        previous=20,
        quantity=12,
        lines=(),
        reason="counted twice",
        effective_at=NEXT_DUE,
    ),
    e.BillingParked(
        customer_id=CUSTOMER,
        invoice_number=7,
        due_on=date(2026, 2, 28),
        lines=108,
        effective_at=NEXT_DUE,
    ),
    e.BillingReleased(
        customer_id=CUSTOMER, reason="a hundred products, as agreed", effective_at=NEXT_DUE
    ),
    e.BalanceReported(
        customer_id=CUSTOMER,
        report_id="2026-02-14T12-balance",
        balance=Money(450, "USD"),
        effective_at=CHANGED,
    ),
    e.DiscountGranted(
        customer_id=CUSTOMER,
        discount_number=1,
        coupon="SPRING",
        ppm=100_000,
        amount=None,
        invoices=3,
        reason="campaign",
        effective_at=CHANGED,
    ),
    e.DiscountEnded(
        customer_id=CUSTOMER,
        discount_number=1,
        reason="campaign over",
        effective_at=NEXT_DUE,
    ),
)

_ENDING: tuple[e.SubscriptionEvent, ...] = (
    e.RetryScheduled(
        attempt_id=ATTEMPT,
        invoice_number=1,
        retry_number=1,
        retry_at=datetime(2026, 2, 3, 5, 0, tzinfo=UTC),
        effective_at=CHARGED,
    ),
    e.CollectionEnded(
        attempt_id=ATTEMPT, invoice_number=1, reason="retries-used-up", effective_at=CHARGED
    ),
    e.CollectionPostponed(
        customer_id=CUSTOMER,
        invoice_number=1,
        collect_at=datetime(2026, 2, 9, 17, 30, tzinfo=UTC),
        reason="visa-30-days",
        effective_at=CHARGED,
    ),
    e.SubscriptionCancelled(reason="moved abroad", effective_at=NEXT_DUE),
    e.SubscriptionCompleted(effective_at=NEXT_DUE),
)

_CHARGE = charge_reference(SUBSCRIPTION, 1, 1, ATTEMPT)
REFUND = refund_id(ATTEMPT, 1)
REFUNDED = datetime(2026, 3, 3, 10, 0, 4, tzinfo=UTC)
BACK = Money(1250, "USD")

_REFUNDING: tuple[e.SubscriptionEvent, ...] = (
    r.RefundRequested(
        refund_id=REFUND,
        refund_number=1,
        attempt_id=ATTEMPT,
        customer_id=CUSTOMER,
        invoice_number=1,
        amount=BACK,
        credits=(
            r.CreditPart(credit_number=1, amount=Money(1000, "USD")),
            r.CreditPart(credit_number=2, amount=Money(250, "USD")),
        ),
        reference=refund_reference(_CHARGE, 1),
        reason="outage of 2 March",
        effective_at=REFUNDED,
    ),
    r.RefundAttempted(
        refund_id=REFUND,
        attempt_id=ATTEMPT,
        amount=BACK,
        provider=Provider.PAYPAL,
        account="main",
        charge_reference=_CHARGE,
        charge_ref="3C679366HH908993F",
        key_expires_at=datetime(2026, 4, 16, 10, 0, 4, tzinfo=UTC),
        effective_at=REFUNDED,
    ),
    r.RefundSucceeded(
        refund_id=REFUND,
        customer_id=CUSTOMER,
        attempt_id=ATTEMPT,
        invoice_number=1,
        amount=BACK,
        provider_ref="1JU08902781691411",
        evidence="answer",
        effective_at=REFUNDED,
    ),
    r.RefundFailed(
        refund_id=REFUND,
        customer_id=CUSTOMER,
        attempt_id=ATTEMPT,
        invoice_number=1,
        amount=BACK,
        code="REFUND_FAILED_INSUFFICIENT_FUNDS",
        message="the merchant's account holds too little",
        provider_ref="1JU08902781691411",
        evidence="look-up",
        effective_at=REFUNDED,
    ),
    r.RefundFoundLate(
        refund_id=REFUND,
        attempt_id=ATTEMPT,
        customer_id=CUSTOMER,
        invoice_number=1,
        amount=BACK,
        provider_ref="1JU08902781691411",
        evidence="callback",
        effective_at=REFUNDED,
    ),
    r.RefundOutcomeUnknown(
        refund_id=REFUND,
        reason="PENDING: ECHECK",
        provider_ref="1JU08902781691411",
        next_look_up_at=datetime(2026, 3, 3, 10, 5, 4, tzinfo=UTC),
        effective_at=REFUNDED,
    ),
    r.RefundLookedUp(
        refund_id=REFUND,
        look_number=16,
        finding="PENDING: ECHECK",
        provider_ref="1JU08902781691411",
        next_look_up_at=None,
        effective_at=REFUNDED,
    ),
)

_DISPUTE, _DISPUTED = "PP-R-NMW-10060", datetime(2026, 3, 9, 18, 20, tzinfo=UTC)
_DECIDED = datetime(2026, 4, 2, 7, 30, tzinfo=UTC)

_DISPUTING: tuple[e.SubscriptionEvent, ...] = (
    d.DisputeOpened(
        dispute_ref=_DISPUTE,
        customer_id=CUSTOMER,
        attempt_id=ATTEMPT,
        invoice_number=1,
        amount=BACK,
        reason="CANCELED_RECURRING_BILLING",
        stage="INQUIRY",
        evidence="callback",
        effective_at=_DISPUTED,
    ),
    d.DisputeAdvanced(
        dispute_ref=_DISPUTE,
        stage="CHARGEBACK",
        status="WAITING_FOR_SELLER_RESPONSE",
        evidence="callback",
        effective_at=datetime(2026, 3, 12, 9, 0, tzinfo=UTC),
    ),
    d.DisputeClosed(
        dispute_ref=_DISPUTE,
        attempt_id=ATTEMPT,
        outcome=d.DisputeOutcome.LOST,
        amount=BACK,
        provider_outcome="RESOLVED_BUYER_FAVOUR",
        evidence="callback",
        effective_at=_DECIDED,
    ),
    d.ChargeReversed(
        attempt_id=ATTEMPT,
        customer_id=CUSTOMER,
        invoice_number=1,
        amount=BACK,
        provider_ref="7PF24196DT6182215",
        dispute_ref=_DISPUTE,
        evidence="callback",
        effective_at=_DECIDED,
    ),
)

_ALL = (
    *(*_STARTING, *_CHARGING, *_VOIDING, *_DUNNING, *_CHANGING, *_PRICING),
    *(*_REFUNDING, *_DISPUTING, *_LETTING_GO, *_ENDING),
)
EXAMPLES: dict[str, e.SubscriptionEvent] = {stored_name(type(event)): event for event in _ALL}

PUBLISHED = datetime(2026, 1, 2, 8, 0, tzinfo=UTC)

_CATALOGUE: tuple[p.PlanEvent, ...] = (
    p.PlanVersionPublished(
        plan="fibre-100",
        version=3,
        terms=TERMS,
        available_from=datetime(2026, 1, 10, 5, 0, tzinfo=UTC),
        reason="new year's prices",
        effective_at=PUBLISHED,
    ),
    p.PlanRetired(
        plan="fibre-100",
        retired_at=datetime(2026, 7, 1, 5, 0, tzinfo=UTC),
        reason="fibre 200 takes its place",
        effective_at=PUBLISHED,
    ),
    p.PlanMoveAnnounced(
        plan="fibre-100",
        from_version=2,
        to_version=3,
        on=date(2026, 3, 1),
        reason="new year's prices",
        effective_at=PUBLISHED,
    ),
    p.PlanMoveWithdrawn(
        plan="fibre-100",
        from_version=2,
        to_version=3,
        reason="announced too late",
        effective_at=datetime(2026, 2, 1, 8, 0, tzinfo=UTC),
    ),
)

PLAN_EXAMPLES: dict[str, p.PlanEvent] = {stored_name(type(event)): event for event in _CATALOGUE}

_SETTLED: tuple[x.SettlementEvent | x.ReconciliationEvent, ...] = (
    x.SettlementLinesRead(
        settlement_id="2026-01-31",
        version=1,
        first=1,
        lines=(
            SettlementLine(
                row=1,
                kind=SettledKind.CAPTURE,
                amount=TOTAL,
                charge_ref="3C679366HH908993F",
                reference=_CHARGE,
                on=date(2026, 1, 31),
            ),
            SettlementLine(
                row=1,
                kind=SettledKind.FEE,
                amount=Money(188, "USD"),
                charge_ref="3C679366HH908993F",
                reference=_CHARGE,
                on=date(2026, 1, 31),
            ),
            SettlementLine(
                row=2,
                kind=SettledKind.PAYOUT,
                amount=Money(3000, "USD"),
                charge_ref="",
                reference="",
                on=date(2026, 1, 31),
                provider_ref="9GS80322P28628837",
            ),
        ),
        effective_at=datetime(2026, 1, 31, 12, tzinfo=UTC),
    ),
    x.SettlementRead(
        provider=Provider.PAYPAL,
        account="main",
        settlement_id="2026-01-31",
        version=1,
        source="api",
        sha256="5a" * 32,
        settled_on=date(2026, 1, 31),
        paid=True,
        totals=(
            SettledTotal(
                captured=TOTAL,
                refunded=Money(0, "USD"),
                fees=Money(188, "USD"),
                payout=Money(3000, "USD"),
                balance_change=797,
            ),
        ),
        lines=3,
        effective_at=datetime(2026, 1, 31, 12, tzinfo=UTC),
    ),
    x.ExceptionAssigned(
        exception_id="6f0c2a51e0d94b7a",
        owner="kari",
        reason="knows the account",
        effective_at=datetime(2026, 2, 2, 9, tzinfo=UTC),
    ),
    x.ExceptionDecided(
        exception_id="6f0c2a51e0d94b7a",
        decision=x.Decision.COST,
        evidence="PayPal case 4711",
        reason="the payer's bank was short of it",
        provider=Provider.PAYPAL,
        account="main",
        difference=Money(12, "USD"),
        effective_at=datetime(2026, 2, 3, 9, tzinfo=UTC),
    ),
    x.MatchConfirmed(
        line_id="0b64c0e5ab1f4a0d",
        movement=f"charge {ATTEMPT}",
        reason="the same amount and payer",
        effective_at=datetime(2026, 2, 2, 10, tzinfo=UTC),
    ),
)
SETTLEMENT_EXAMPLES: dict[str, x.SettlementEvent | x.ReconciliationEvent] = {
    stored_name(type(event)): event for event in _SETTLED
}
