"""Every code that the audit can report, and what it means. Codes are stable."""

from __future__ import annotations

from collections.abc import Callable, Mapping

CODES: Mapping[str, str] = {
    # the log
    "position-gap": "a position is missing, repeated or out of order",
    "version-gap": "a version of a stream is missing, repeated or out of order",
    "recorded-time-back": "a fact was recorded before the one in front of it",
    "event-id-wrong": "an event's id does not derive from its command, stream and version",
    "log-too-short": "the log ends before the position that it claims to reach",
    # beginning and ending
    "stream-not-begun": "a subscription's stream does not begin with its start",
    "started-twice": "a subscription was started again",
    "stream-misnamed": "a start lies in the stream of another subscription",
    "started-out-of-step": "the first invoice was announced for another day than the terms say",
    "ended-twice": "a subscription ended that had ended",
    "completion-too-early": "a subscription completed while something was due or open",
    "completion-missing": "all payments are in, and the subscription did not complete",
    "customer-mixed": "a fact names another customer than the subscription's",
    "currency-mixed": "an invoice or a line is in another currency than the subscription",
    # vaulting
    "token-request-wrong": "a token request's number or id is not the next one",
    "token-request-doubled": "a token was requested while another request was open",
    "token-request-not-open": "an answer to a token request that is not open",
    "token-replaces-wrong": "a token replaces another than the present one",
    "token-request-after-end": "a token was requested after the cancellation",
    # invoicing
    "invoice-number-wrong": "an invoice's number is not the next one",
    "invoice-doubled": "a number was billed before",
    "invoice-after-end": "an invoice was issued when the subscription was not billed",
    "invoice-too-early": "an invoice was recorded before it was due",
    "due-instant-moved": "an invoice does not take effect at the instant that was announced",
    "due-day-wrong": "an invoice is not due where its period and the terms put it",
    "period-not-tiled": "a period does not begin where the last one ended",
    "period-off-schedule": "a period is not the one that the terms give this invoice",
    "next-due-off-schedule": "the announced next invoice is not where the terms put it",
    "total-wrong": "the lines do not add up to the total",
    "line-wrong": "a line's amount is not what its working yields",
    "total-negative": "an invoice gives back more than it charges",
    "lines-not-agreed": "an invoice has other lines than the terms give it",
    "parts-not-announced": "lines for parts of a period are not those announced for the invoice",
    "price-not-agreed": "a line's price is not the one in the terms",
    "quantity-not-agreed": "a line's quantity is not the one in the terms",
    "share-wrong": "a line is for another share of the period than its days and its rule give",
    "invoice-while-paused": "an invoice beyond the last one before the subscription is resumed",
    "invoice-after-cancellation": "an invoice due when the subscription was to have ended",
    # changing and pausing
    "change-not-allowed": "terms changed that may not change, or when they could not",
    "change-out-of-step": "changed terms count from another invoice than the next to have them",
    "schedule-wrong": "an announced schedule does not follow from what was agreed before it",
    "parts-wrong": "a change or a pause gives back or charges other days than those left",
    "pause-wrong": "a pause of what is not billed, or with another last invoice or day",
    "resume-without-pause": "a subscription was resumed that was not paused",
    # crediting
    "credit-number-wrong": "a credit's number is not the next one",
    "credit-not-positive": "a credit, or what is taken of one, is not more than zero",
    "credit-total-wrong": "a credit's amount is not what its line gives back",
    "credit-unfounded": "a credit for days given back, and nothing gave back such days",
    "credit-after-end": "a credit granted when the subscription had ended",
    "credit-overdrawn": "more of a credit was used than was left of it",
    "credit-above-open": "credit paid more of an invoice than was open on it",
    "credit-out-of-order": "a credit was used while an older one had something left",
    "credit-not-applied": "an invoice was left open while there was credit to pay it",
    # planning an end
    "cancellation-plan-wrong": "a planned end of what is not billed, or not where a period ends",
    "cancelled-out-of-step": "a planned cancellation came before a period that it does not end",
    "withdrawal-wrong": "a cancellation was withdrawn that was not planned",
    # charging
    "attempt-without-invoice": "an attempt to collect an invoice that is not open",
    "attempt-doubled": "an attempt while another one had no outcome",
    "attempt-number-wrong": "an attempt's number is not the next one of its invoice",
    "attempt-key-wrong": "an attempt's id or reference does not derive from what it belongs to",
    "attempt-amount-wrong": "an attempt asks for another amount than is open",
    "attempt-after-end": "an attempt when the subscription was not billed",
    "attempt-too-early": "an attempt before the time that a retry was scheduled for",
    "attempt-after-collection-ended": "an attempt on an invoice that was not to be collected",
    "attempt-elsewhere": "an attempt through another provider or account than agreed",
    "token-unusable": "an attempt on a token that is not the present one, or may not be charged",
    "attempt-not-open": "a fact about an attempt that is not open",
    "settled-without-attempt": "an outcome for an attempt that was settled before, or never made",
    "invoice-mixed": "an outcome names another invoice than its attempt",
    "capture-wrong": "a capture's id or amount does not derive from its attempt",
    "look-number-wrong": "a look's number is not the next one",
    "period-charged-twice": "a second successful charge for one period",
    "paid-above-total": "more was received than billed, and no discrepancy or late charge says why",
    "late-without-failure": "money found late for an attempt that was not settled without money",
    "discrepancy-missing": "money that is not what was asked for, and no discrepancy after it",
    "discrepancy-wrong": "a discrepancy that does not say what differs",
    "discrepancy-unfounded": "a discrepancy where nothing differs",
    "retry-wrong": "a retry's number is not the next one, or its invoice or attempt is another",
    "collection-end-wrong": "collection ended of no open invoice, or after no failed attempt",
}

# code, words: how a check reports. The position and the subscription are known to the caller.
Say = Callable[[str, str], None]
