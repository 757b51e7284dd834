"""The facts of a subscription's life. Stored names and fields are for ever.

Every fact has `effective_at`: the UTC instant from which it counts in the world (the provider's
time for what a provider did, the due instant for an invoice), which may lie before the moment it
was recorded. Amounts are Money: minor units with a currency. Ids are explained in identity.py.
Nothing here is a secret or names a person: tokens are references into the token vault.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from uuid import UUID

import attrs

from domain.calendar import Period
from domain.money import Money
from domain.plan import CaptureMode, Terms
from domain.providers import Provider
from domain.recorded import stored_as
from domain.schedule import Schedule
from domain.subscription.dispute_events import (
    ChargeReversed,
    DisputeAdvanced,
    DisputeClosed,
    DisputeOpened,
)
from domain.subscription.refund_events import (
    RefundAttempted,
    RefundFailed,
    RefundFoundLate,
    RefundLookedUp,
    RefundOutcomeUnknown,
    RefundRequested,
    RefundSucceeded,
)
from domain.subscription.token_events import TokenDeletionRequested, TokenRevoked
from domain.subscription.void_events import AuthorizationVoided, VoidAttempted
from domain.taxes import LineTax

# --- starting ---------------------------------------------------------------------------------


@stored_as("subscription-started.v1")
@attrs.frozen(kw_only=True)
class SubscriptionStarted:
    """A customer agreed to terms; billing begins once a token is vaulted.

    customer_id: the merchant's own reference of the customer.
    namespace: from which all keys of this subscription derive; drawn once, by the caller.
    account: the merchant's account at the provider, by its name in our settings.
    zone: IANA name of the time zone whose days are billed.
    zone_version: version of the tz database that gave `first_due_at`.
    start: first local day of service (the trial's, if there is one).
    first_due_at: UTC instant at which the first invoice falls due; None where the kind bills no
        periods.
    """

    subscription_id: str
    customer_id: str
    namespace: UUID
    provider: Provider
    account: str
    currency: str
    zone: str
    zone_version: str
    start: date
    first_due_at: datetime | None
    terms: Terms
    effective_at: datetime


# --- vaulting ---------------------------------------------------------------------------------


class TokenPurpose(Enum):
    """INITIAL: sign-up. REPLACEMENT: the present token cannot be charged, or the payer asked.
    BACKUP: a second method, tried when the first fails; it replaces nothing but an older one."""

    INITIAL = "INITIAL"
    REPLACEMENT = "REPLACEMENT"
    BACKUP = "BACKUP"


@stored_as("token-requested.v1")
@attrs.frozen(kw_only=True)
class TokenRequested:
    """We intend to ask the provider for a token, under this key.

    request_id: sent as PayPal-Request-Id; Dintero's merchant_reference holds it.
    number: counts the subscription's token requests, from 1.
    reason: why a token is needed, in words or a decline's code.
    provider, account: where it is asked for; None and "": where the subscription is charged. Once
        it is vaulted, what it replaces is charged there no more.
    key_expires_at: after this instant the request is not sent again under this key.
    expires_at: after this instant an approval is no longer awaited.
    first_charge: the attempt that is paid on the same page; it is the next fact. None: the page
        takes no payment.
    """

    request_id: UUID
    number: int
    purpose: TokenPurpose
    reason: str
    key_expires_at: datetime
    expires_at: datetime
    effective_at: datetime
    provider: Provider | None = None
    account: str = ""
    first_charge: UUID | None = None


@stored_as("approval-offered.v1")
@attrs.frozen(kw_only=True)
class ApprovalOffered:
    """The provider made a page where the payer approves.

    provider_ref: the provider's id of the request (PayPal: setup token; Dintero: session).
    approve_url: where to send the payer; useless without the payer's own login or card.
    """

    request_id: UUID
    provider_ref: str
    approve_url: str
    expires_at: datetime
    effective_at: datetime


@attrs.frozen(kw_only=True)
class Instrument:
    """What lies behind a token, as far as it may be shown.

    kind: "wallet" or "card".
    brand: e.g. "paypal", "Visa"; "" when the provider does not say.
    last_digits: at most the last four digits of a card, or "".
    expires: "YYYY-MM" of a card, or "".
    provider_token_id: the provider's id of the token where that id cannot be charged
        (Dintero's payment_token_id); "" where id and secret are one thing (PayPal).
    """

    kind: str
    brand: str = ""
    last_digits: str = ""
    expires: str = ""
    provider_token_id: str = ""


@stored_as("token-vaulted.v1")
@attrs.frozen(kw_only=True)
class TokenVaulted:
    """The payer approved and the token lies in our vault.

    token_ref: the vault's reference; the token itself is in no fact.
    replaces: reference of the token that is no longer used, or None for the first.
    """

    request_id: UUID
    token_ref: str
    instrument: Instrument
    replaces: str | None
    effective_at: datetime


@stored_as("token-refused.v1")
@attrs.frozen(kw_only=True)
class TokenRefused:
    """The payer or the provider said no to a token request.

    code: the provider's own code; "cancelled" where the payer turned back; "card-not-saved" where
        the payer paid on the page, and did not let the card be stored.
    """

    request_id: UUID
    code: str
    message: str
    effective_at: datetime


@stored_as("token-request-expired.v1")
@attrs.frozen(kw_only=True)
class TokenRequestExpired:
    """A token request is no longer waited for.

    reason: "not approved in time" (the provider confirmed that it is still open), or "the
        provider did not answer" within the life of the request's key.
    """

    request_id: UUID
    reason: str
    effective_at: datetime


# --- invoicing --------------------------------------------------------------------------------


class LineKind(Enum):
    """What a line charges for.

    REST: what is left of a period that is billed otherwise from some day on.
    UNUSED: the same days at what they cost before, given back (a negative quantity on an invoice).
    USAGE: what a meter counted. MINIMUM, CAP: what brings a period's usage up or down to its bound.
    DISCOUNT: takes off the line that stands before it.
    DEMAND: what was asked for. RELOAD: what fills up a balance that was too low.
    """

    PERIOD = "PERIOD"
    TRIAL = "TRIAL"
    SETUP_FEE = "SETUP_FEE"
    PRODUCT = "PRODUCT"
    SHIPPING = "SHIPPING"
    REST = "REST"
    UNUSED = "UNUSED"
    USAGE = "USAGE"
    MINIMUM = "MINIMUM"
    CAP = "CAP"
    DISCOUNT = "DISCOUNT"
    DEMAND = "DEMAND"
    RELOAD = "RELOAD"


# Working.policy of what is settled for an invoice that was issued before, under the discounts of
# that invoice: those of the invoice that it stands on reduce it no further.
SETTLED = "settled"
# What a meter's usage is billed by.
OF_USAGE = (LineKind.USAGE, LineKind.MINIMUM, LineKind.CAP)
# InvoiceIssued.demand of what was billed because usage came to the agreed threshold.
THRESHOLD_REACHED = "threshold"
# InvoiceIssued.demand of all instalments that were left, billed at once.
SETTLEMENT = "settlement"


@attrs.frozen(kw_only=True)
class Working:
    """How a line's amount came about: quantity x unit_price x numerator / denominator.

    quantity: negative where money is given back.
    policy: the rule that gave the fraction: "whole-period", "free-trial", "once", "usage",
        "discount", "on-demand", or the name of a Proration; "settled" of what late usage or a
        correction changes on an invoice that was issued before, its discounts among it.
    days: local days of service that the line covers; 0 for what is not a stretch of time.
    rounding: "none" when the product was already a whole number of minor units, else "half-up".
    """

    quantity: int
    unit_price: Money
    numerator: int
    denominator: int
    days: int
    policy: str
    rounding: str


@attrs.frozen(kw_only=True)
class InvoiceLine:
    """One line. amount: what is paid for it: what `working` yields and, where tax comes on top of
    that, the tax.

    tax: its tax, or None. item: the meter of usage and its bounds; the number of a discount;
        "as-given-back" of days that are charged again as they were given back; or "".
    """

    kind: LineKind
    description: str
    amount: Money
    working: Working
    tax: LineTax | None = None
    item: str = ""


@stored_as("invoice-issued.v1")
@attrs.frozen(kw_only=True)
class InvoiceIssued:
    """A period is billed: the customer owes `total` from the due instant on.

    invoice_number: counts this subscription's invoices from 1, one per period. Where it ends while
        lines wait for another invoice (TermsChanged.lines), a last one bills those alone.
        Invoices that were asked for in between count from 1,000,001 on; they move nothing of the
        schedule.
    period: local days of service, end exclusive. Asked for: the day on which it was; of usage that
        came to the threshold: the days since usage was last billed; of instalments that are
        settled: the days of all of them.
    due_on: local day on which it falls due (the period's start if prepaid, its end if postpaid).
    total: sum of the lines; may be zero (a free trial), then nothing is charged.
    next_due_at: announced UTC instant of the next invoice; None when this was the last, and on
        what was asked for.
    zone_version: version of the tz database that gave `next_due_at`; "" on one that bills waiting
        lines alone, and on what was asked for.
    effective_at: the due instant that had been announced; of waiting lines alone, the end. Usage
        before it is on this invoice, if it was known. Of what was asked for, when it was; of usage
        that came to the threshold, the last usage on it.
    tax: sum of the lines' tax, a part of `total`; None where no line has any.
    demand: the caller's own id of what was asked for; of a reload, the report's id; "threshold";
        "settlement"; "" on an invoice of the schedule.
    """

    customer_id: str
    invoice_number: int
    period: Period
    due_on: date
    lines: tuple[InvoiceLine, ...]
    total: Money
    next_due_at: datetime | None
    zone_version: str
    effective_at: datetime
    tax: Money | None = None
    demand: str = ""


@stored_as("amount-set.v1")
@attrs.frozen(kw_only=True)
class AmountSet:
    """What a period of variable price costs. amount: before tax, zero or more; the last one set
    before the invoice is issued counts."""

    customer_id: str
    invoice_number: int
    amount: Money
    reason: str
    effective_at: datetime


@stored_as("instalments-settled.v1")
@attrs.frozen(kw_only=True)
class InstalmentsSettled:
    """The customer pays all instalments that are left at once; the schedule bills nothing more.

    invoice_number: the invoice that bills them; it stands beside this fact.
    first, last: the instalments that it bills, counted from 1; a free trial is none.
    amount: the total of that invoice, in minor units.
    reason: the caller's words.
    """

    invoice_number: int
    first: int
    last: int
    amount: Money
    reason: str
    effective_at: datetime


@stored_as("billing-parked.v1")
@attrs.frozen(kw_only=True)
class BillingParked:
    """Invoice `invoice_number` was not issued: so many lines fell due on one day that something
    is wrong. Nothing is billed until a person has looked; what is owed is collected.

    due_on: the local day. lines: how many would have been due on it.
    """

    customer_id: str
    invoice_number: int
    due_on: date
    lines: int
    effective_at: datetime


@stored_as("billing-released.v1")
@attrs.frozen(kw_only=True)
class BillingReleased:
    """A person has looked: billing goes on, and counts anew."""

    customer_id: str
    reason: str
    effective_at: datetime


# --- usage ------------------------------------------------------------------------------------


@stored_as("usage-reported.v1")
@attrs.frozen(kw_only=True)
class UsageReported:
    """The customer used `quantity` units of a meter at `effective_at`.

    usage_id: the caller's own; the same report never counts twice.
    lines: put on the next invoice, where the invoice of that time was issued before the report:
        what the units add to it, and what its discounts take off that. Empty where they are
        counted with the next invoice.
    """

    customer_id: str
    usage_id: str
    meter: str
    quantity: int
    lines: tuple[InvoiceLine, ...]
    effective_at: datetime


@stored_as("usage-corrected.v1")
@attrs.frozen(kw_only=True)
class UsageCorrected:
    """A report was wrong: it should have said `quantity`, zero or more, instead of `previous`.

    lines: put on the next invoice, where the wrong quantity is billed and the right one costs
        more. Where it costs less, a CreditGranted stands beside this fact.
    """

    customer_id: str
    usage_id: str
    meter: str
    previous: int
    quantity: int
    lines: tuple[InvoiceLine, ...]
    reason: str
    effective_at: datetime


@stored_as("balance-reported.v1")
@attrs.frozen(kw_only=True)
class BalanceReported:
    """What the customer has left with the merchant, at `effective_at`; for auto-reload.

    report_id: the caller's own. balance: may be below nothing.
    """

    customer_id: str
    report_id: str
    balance: Money
    effective_at: datetime


# --- charging ---------------------------------------------------------------------------------


@stored_as("charge-attempted.v1")
@attrs.frozen(kw_only=True)
class ChargeAttempted:
    """We intend to collect an invoice, under this key; from now on it may have been sent.

    attempt_id: sent as PayPal-Request-Id.
    attempt_number: counts the attempts on this invoice, from 1.
    reference: what both books call it (PayPal invoice_id, Dintero merchant_reference).
    amount: what we ask for: all that is open on the invoice.
    token_ref: the token that is charged; "" where the payer pays on the page that makes one.
    key_expires_at: from this instant on it is looked up, never sent.
    """

    attempt_id: UUID
    customer_id: str
    invoice_number: int
    attempt_number: int
    amount: Money
    provider: Provider
    account: str
    token_ref: str
    reference: str
    capture: CaptureMode
    key_expires_at: datetime
    effective_at: datetime


@stored_as("charge-authorized.v1")
@attrs.frozen(kw_only=True)
class ChargeAuthorized:
    """The provider reserved the amount; no money has moved.

    A second one of the same attempt renews the first, and takes its place.
    authorization_ref: the provider's id of the reservation (Dintero: the transaction).
    order_ref: the provider's id of the order around it; "" where there is none.
    expires_at: until when it can be captured, or None if the provider does not say.
    evidence: as in ChargeSucceeded.
    """

    attempt_id: UUID
    amount: Money
    authorization_ref: str
    order_ref: str
    expires_at: datetime | None
    evidence: str
    effective_at: datetime


@stored_as("capture-attempted.v1")
@attrs.frozen(kw_only=True)
class CaptureAttempted:
    """We intend to capture an authorisation, under this key.

    capture_id: sent as PayPal-Request-Id; Dintero's capture_reference.
    amount: what was reserved, or less: all that is open by now. It is the only capture.
    """

    attempt_id: UUID
    capture_id: UUID
    amount: Money
    key_expires_at: datetime
    effective_at: datetime


@stored_as("charge-succeeded.v1")
@attrs.frozen(kw_only=True)
class ChargeSucceeded:
    """The provider said it captured the money.

    amount: what was captured, as the provider stated it; not what we asked for.
    provider_ref: the provider's id of the capture (PayPal: captures[].id; Dintero: transaction).
    evidence: how we know: "answer", "look-up", "callback", or a person's reason.
    effective_at: the provider's own time of the capture.
    """

    attempt_id: UUID
    customer_id: str
    invoice_number: int
    amount: Money
    provider_ref: str
    evidence: str
    effective_at: datetime


class DeclineClass(Enum):
    """What a decline means for what we do next.

    HARD: this token is not charged again; a new one is needed.
    SOFT: may succeed later; retried by the plan's schedule.
    PAYER_ACTION: the payer has to come back and approve.
    MERCHANT: our account or our request is at fault; a person has to look.
    """

    HARD = "HARD"
    SOFT = "SOFT"
    PAYER_ACTION = "PAYER_ACTION"
    MERCHANT = "MERCHANT"


@stored_as("charge-declined.v1")
@attrs.frozen(kw_only=True)
class ChargeDeclined:
    """The provider said no; no money moved.

    code: the provider's own code (PayPal issue, Dintero error type), upper case.
    message: the provider's words, cut at 200 characters.
    retry_not_before: the provider's own advice, or None.
    provider_ref: the provider's id of what failed, or "".
    evidence: as in ChargeSucceeded.
    """

    attempt_id: UUID
    customer_id: str
    invoice_number: int
    decline: DeclineClass
    code: str
    message: str
    retry_not_before: datetime | None
    provider_ref: str
    evidence: str
    effective_at: datetime


@stored_as("charge-outcome-unknown.v1")
@attrs.frozen(kw_only=True)
class ChargeOutcomeUnknown:
    """We do not know whether money moved; nothing else is charged until we do.

    reason: what happened to the answer (time-out, 5xx, pending at the provider).
    provider_ref: the provider's id if we got one, or "".
    next_look_up_at: when the provider is asked.
    """

    attempt_id: UUID
    reason: str
    provider_ref: str
    next_look_up_at: datetime
    effective_at: datetime


@stored_as("charge-looked-up.v1")
@attrs.frozen(kw_only=True)
class ChargeLookedUp:
    """We asked the provider and still do not know.

    look_number: counts the looks at this attempt, from 1.
    finding: what the provider showed, in words.
    provider_ref: the provider's id of what it showed, or ""; the next look goes by it.
    next_look_up_at: when it is asked again; None: a person has to decide.
    """

    attempt_id: UUID
    look_number: int
    finding: str
    provider_ref: str
    next_look_up_at: datetime | None
    effective_at: datetime


@stored_as("charge-not-made.v1")
@attrs.frozen(kw_only=True)
class ChargeNotMade:
    """It is established that the provider never made this charge; it will not be sent again.

    evidence: "look-up: ..." after the provider's own delay, a person's reason, or that the amount
        was only reserved when it was wanted no more (the reservation is left to lapse).
    """

    attempt_id: UUID
    customer_id: str
    invoice_number: int
    evidence: str
    effective_at: datetime


@stored_as("charge-found-late.v1")
@attrs.frozen(kw_only=True)
class ChargeFoundLate:
    """The provider made a charge that we had recorded as declined or not made.

    The money is booked as received; a person is shown the contradiction.
    """

    attempt_id: UUID
    customer_id: str
    invoice_number: int
    amount: Money
    provider_ref: str
    evidence: str
    effective_at: datetime


class Discrepancy(Enum):
    """In what a provider's answer differs from what we asked."""

    AMOUNT = "AMOUNT"
    CURRENCY = "CURRENCY"
    UNEXPECTED = "UNEXPECTED"


@stored_as("charge-discrepancy-found.v1")
@attrs.frozen(kw_only=True)
class ChargeDiscrepancyFound:
    """The provider's charge is not the one we asked for; recorded as it is, never "fixed".

    Collection of the invoice stops until a person has looked.
    expected: what we asked for; zero where money came that nobody was asked for any more.
    received: what the provider took, as it stated it.
    """

    attempt_id: UUID
    customer_id: str
    invoice_number: int
    discrepancy: Discrepancy
    expected: Money
    received: Money
    effective_at: datetime


class Resolution(Enum):
    """What a person made of a discrepancy.

    ACCEPTED: what the provider took counts as it is booked; what is left is collected on. Of a
        refund that was found late: what no credit covered is given up.
    DISMISSED: settled outside of these books (paid back by hand); a person vouches for it.
    """

    ACCEPTED = "ACCEPTED"
    DISMISSED = "DISMISSED"


@stored_as("discrepancy-resolved.v1")
@attrs.frozen(kw_only=True)
class DiscrepancyResolved:
    """A person has looked at a discrepancy; what is left of the invoice is collected again.

    attempt_id: of the charge; of a refund that was found late its refund_id.
    received: what the provider took, as the discrepancy said; of a refund what it gave back.
    reason: the person's words.
    """

    attempt_id: UUID
    customer_id: str
    invoice_number: int
    resolution: Resolution
    received: Money
    reason: str
    effective_at: datetime


# --- retrying ---------------------------------------------------------------------------------


@stored_as("retry-scheduled.v1")
@attrs.frozen(kw_only=True)
class RetryScheduled:
    """A declined invoice is tried again at `retry_at` (UTC).

    attempt_id: the declined attempt that caused it.
    retry_number: counts the retries of this invoice since its token was vaulted, from 1.
    """

    attempt_id: UUID
    invoice_number: int
    retry_number: int
    retry_at: datetime
    effective_at: datetime


@stored_as("collection-ended.v1")
@attrs.frozen(kw_only=True)
class CollectionEnded:
    """An invoice is not tried again by itself; it stays owed and a person is told.

    attempt_id: the declined attempt that caused it.
    reason: "retries-used-up", or the code of a decline that is ours to mend.
    """

    attempt_id: UUID
    invoice_number: int
    reason: str
    effective_at: datetime


@stored_as("collection-postponed.v1")
@attrs.frozen(kw_only=True)
class CollectionPostponed:
    """An invoice is not charged before collect_at because the instrument's budget is used up.

    collect_at: UTC. It is no retry: nothing was sent.
    reason: the budget that is used up, e.g. "visa-30-days".
    """

    customer_id: str
    invoice_number: int
    collect_at: datetime
    reason: str
    effective_at: datetime


@stored_as("collection-resumed.v1")
@attrs.frozen(kw_only=True)
class CollectionResumed:
    """A person has an invoice collected again from now on; its retries are counted anew.

    reason: the person's words.
    """

    customer_id: str
    invoice_number: int
    reason: str
    effective_at: datetime


# --- dunning ----------------------------------------------------------------------------------


@stored_as("invoice-written-off.v1")
@attrs.frozen(kw_only=True)
class InvoiceWrittenOff:
    """What is left of an invoice is given up as uncollectible.

    Money that comes for it later is booked as received.
    amount: what was open, more than zero.
    reason: "retries-used-up", or a person's words.
    """

    customer_id: str
    invoice_number: int
    amount: Money
    reason: str
    effective_at: datetime


@stored_as("subscription-suspended.v1")
@attrs.frozen(kw_only=True)
class SubscriptionSuspended:
    """Service and billing stop because `invoice_number` was not paid.

    What is owed is still collected (a new token, a person's wish).
    last_invoice: number of the last invoice that is issued before it is reinstated: the latest
        one, or the next where service until now is billed afterwards (postpaid).
    reason: why it was not collected further, "retries-used-up".
    """

    customer_id: str
    invoice_number: int
    last_invoice: int
    reason: str
    effective_at: datetime


@stored_as("subscription-reinstated.v1")
@attrs.frozen(kw_only=True)
class SubscriptionReinstated:
    """Periods are billed again after a suspension; those of the suspension never are.

    invoice_number: the one whose payment did it, or None where a person decided.
    schedule, lines, next_due_at, zone_version: as in SubscriptionResumed.
    reason: "paid", or the person's words.
    """

    customer_id: str
    invoice_number: int | None
    schedule: Schedule
    lines: tuple[InvoiceLine, ...]
    next_due_at: datetime | None
    zone_version: str
    reason: str
    effective_at: datetime


# --- changing ---------------------------------------------------------------------------------


class When(Enum):
    """NOW: the rest of the running period is billed anew. PERIOD_END: it stays as it is."""

    NOW = "NOW"
    PERIOD_END = "PERIOD_END"


@stored_as("terms-changed.v1")
@attrs.frozen(kw_only=True)
class TermsChanged:
    """Another plan, price or quantity was agreed to.

    terms: what is billed from invoice `from_invoice` on. when: whether the running period, too, is
        service under these terms.
    schedule: the days that the invoices from `from_invoice` on bill.
    lines: put on the next invoice, whichever its terms: the rest of the running period under the
        new terms and, where that period is not billed yet, the same days under the old ones, given
        back. What a period that is billed already gives back is a CreditGranted beside this fact.
    next_due_at: announced UTC instant of the next invoice; None when there is none.
    zone_version: version of the tz database that gave `next_due_at`.
    reason: the caller's words.
    """

    customer_id: str
    terms: Terms
    when: When
    from_invoice: int
    schedule: Schedule
    lines: tuple[InvoiceLine, ...]
    next_due_at: datetime | None
    zone_version: str
    reason: str
    effective_at: datetime


@stored_as("subscription-paused.v1")
@attrs.frozen(kw_only=True)
class SubscriptionPaused:
    """No period is billed until it is resumed; what is owed is collected as before.

    until: UTC instant at which it resumes by itself, or None.
    last_invoice: number of the last invoice that is issued before it is resumed: the latest one,
        or the next where service until now is billed afterwards (postpaid).
    unused_from: local day from which on the running period is not paid for, or None where it is.
    lines: put on that last invoice where it is still to come: the unused days, given back. What a
        period that is billed already gives back is a CreditGranted beside this fact.
    """

    customer_id: str
    until: datetime | None
    last_invoice: int
    unused_from: date | None
    lines: tuple[InvoiceLine, ...]
    reason: str
    effective_at: datetime


@stored_as("subscription-resumed.v1")
@attrs.frozen(kw_only=True)
class SubscriptionResumed:
    """Periods are billed again.

    schedule: the days that the invoices to come bill.
    lines: put on the next invoice: days of the running period that the pause had given back.
    next_due_at: announced UTC instant of the next invoice; None when there is none.
    zone_version: version of the tz database that gave `next_due_at`.
    """

    customer_id: str
    schedule: Schedule
    lines: tuple[InvoiceLine, ...]
    next_due_at: datetime | None
    zone_version: str
    reason: str
    effective_at: datetime


# --- crediting --------------------------------------------------------------------------------


class CreditKind(Enum):
    """Why a customer is given credit. OVERPAYMENT: money that was received for an invoice and
    that the invoice did not need."""

    PRORATION = "PRORATION"
    PAUSE = "PAUSE"
    CANCELLATION = "CANCELLATION"
    GOODWILL = "GOODWILL"
    CORRECTION = "CORRECTION"
    OVERPAYMENT = "OVERPAYMENT"


@stored_as("credit-granted.v1")
@attrs.frozen(kw_only=True)
class CreditGranted:
    """The customer is owed `amount`; invoices to come are paid from it first.

    credit_number: counts this subscription's credits from 1.
    amount: more than zero. lines: how it came about, positive where they give; empty for goodwill
        and for an overpayment.
    """

    customer_id: str
    credit_number: int
    kind: CreditKind
    amount: Money
    lines: tuple[InvoiceLine, ...]
    reason: str
    effective_at: datetime


@stored_as("credit-applied.v1")
@attrs.frozen(kw_only=True)
class CreditApplied:
    """A part of a credit pays an invoice, in part or in full. amount: more than zero."""

    customer_id: str
    credit_number: int
    invoice_number: int
    amount: Money
    effective_at: datetime


# --- discounts --------------------------------------------------------------------------------


@stored_as("discount-granted.v1")
@attrs.frozen(kw_only=True)
class DiscountGranted:
    """Invoices to come cost less, never less than nothing.

    discount_number: counts this subscription's discounts from 1.
    coupon: the merchant's own name of it; counts once a subscription.
    ppm: parts per million of a line's price, or None. amount: taken off an invoice, before tax,
        or None. One of the two.
    invoices: how many invoices it reduces, or None for all to come.
    """

    customer_id: str
    discount_number: int
    coupon: str
    ppm: int | None
    amount: Money | None
    invoices: int | None
    reason: str
    effective_at: datetime


@stored_as("discount-ended.v1")
@attrs.frozen(kw_only=True)
class DiscountEnded:
    """A discount reduces no further invoice."""

    customer_id: str
    discount_number: int
    reason: str
    effective_at: datetime


# --- ending -----------------------------------------------------------------------------------


@stored_as("subscription-cancelled.v1")
@attrs.frozen(kw_only=True)
class SubscriptionCancelled:
    """Billing ended: no invoice and no attempt after this; what is owed stays owed.

    reason: the caller's words.
    """

    reason: str
    effective_at: datetime


@stored_as("cancellation-scheduled.v1")
@attrs.frozen(kw_only=True)
class CancellationScheduled:
    """Billing is going to end, unless this is withdrawn before.

    at: UTC instant at which it is cancelled; no invoice that falls due then or later is issued.
        None: it ends with the invoice `last_invoice`, and is complete when that is paid
        (postpaid: the running period is still to be billed).
    """

    customer_id: str
    at: datetime | None
    last_invoice: int | None
    reason: str
    effective_at: datetime


@stored_as("cancellation-withdrawn.v1")
@attrs.frozen(kw_only=True)
class CancellationWithdrawn:
    """A scheduled cancellation does not take place.

    next_due_at, zone_version: as in InvoiceIssued; announced anew where the last invoice had
        announced no other.
    """

    customer_id: str
    next_due_at: datetime | None
    zone_version: str
    reason: str
    effective_at: datetime


@stored_as("subscription-completed.v1")
@attrs.frozen(kw_only=True)
class SubscriptionCompleted:
    """The last of the agreed payments is in."""

    effective_at: datetime


SubscriptionEvent = (
    SubscriptionStarted
    | TokenRequested
    | ApprovalOffered
    | TokenVaulted
    | TokenRefused
    | TokenRequestExpired
    | TokenDeletionRequested
    | TokenRevoked
    | InvoiceIssued
    | AmountSet
    | InstalmentsSettled
    | BillingParked
    | BillingReleased
    | UsageReported
    | UsageCorrected
    | BalanceReported
    | ChargeAttempted
    | ChargeAuthorized
    | CaptureAttempted
    | VoidAttempted
    | AuthorizationVoided
    | ChargeSucceeded
    | ChargeDeclined
    | ChargeOutcomeUnknown
    | ChargeLookedUp
    | ChargeNotMade
    | ChargeFoundLate
    | ChargeDiscrepancyFound
    | DiscrepancyResolved
    | RetryScheduled
    | CollectionEnded
    | CollectionPostponed
    | CollectionResumed
    | InvoiceWrittenOff
    | SubscriptionSuspended
    | SubscriptionReinstated
    | TermsChanged
    | SubscriptionPaused
    | SubscriptionResumed
    | CreditGranted
    | CreditApplied
    | DisputeOpened
    | DisputeAdvanced
    | DisputeClosed
    | ChargeReversed
    | RefundRequested
    | RefundAttempted
    | RefundSucceeded
    | RefundFailed
    | RefundFoundLate
    | RefundOutcomeUnknown
    | RefundLookedUp
    | DiscountGranted
    | DiscountEnded
    | CancellationScheduled
    | CancellationWithdrawn
    | SubscriptionCancelled
    | SubscriptionCompleted
)
