"""Fact -> the agenda items that it may put on, move or take off: "what happens when X".

The agenda itself follows from the state (agenda.py); a property test holds this table against it,
so the table cannot lie. The catalogue of events that the README links to is printed from here.
"""

from __future__ import annotations

from collections.abc import Mapping

from domain.processes.agenda import ItemKind
from domain.subscription import dispute_events, events, refund_events, token_events, void_events

_ALL = frozenset(ItemKind)
_COLLECTING = frozenset({ItemKind.CHARGE, ItemKind.LOOK_UP, ItemKind.COLLECT})
_VOIDING = frozenset({ItemKind.VOID, *_COLLECTING})
# What is paid on the page that makes the token; and what the first money begins.
_ON_PAGE = _VOIDING | {ItemKind.APPROVAL}
_BEGINNING = frozenset({ItemKind.INVOICE, ItemKind.TOKEN})
_DUNNING = frozenset({ItemKind.COLLECT, ItemKind.DUNNING})
_REFUNDING = frozenset({ItemKind.REFUND, ItemKind.LOOK_UP_REFUND})
_VAULTING = frozenset({ItemKind.TOKEN, ItemKind.APPROVAL})
_LETTING_GO = frozenset({ItemKind.DELETE_TOKEN, ItemKind.TOKEN, ItemKind.COLLECT})

REACTIONS: Mapping[type, frozenset[ItemKind]] = {
    events.SubscriptionStarted: frozenset({ItemKind.INVOICE}),
    events.TokenRequested: _VAULTING,
    events.ApprovalOffered: _VAULTING | {ItemKind.CHARGE},
    events.TokenVaulted: _VAULTING | {ItemKind.INVOICE, ItemKind.COLLECT, ItemKind.DUNNING},
    events.TokenRefused: _VAULTING,
    events.TokenRequestExpired: _VAULTING,
    token_events.TokenDeletionRequested: _LETTING_GO,
    token_events.TokenRevoked: _LETTING_GO,
    events.InvoiceIssued: frozenset(
        {ItemKind.INVOICE, ItemKind.COLLECT, ItemKind.RELOAD, ItemKind.DUNNING}
    ),
    events.AmountSet: frozenset(),
    events.InstalmentsSettled: frozenset({ItemKind.INVOICE}),
    events.BillingParked: frozenset({ItemKind.INVOICE}),
    events.BillingReleased: frozenset({ItemKind.INVOICE}),
    events.UsageReported: frozenset({ItemKind.INVOICE}),
    events.UsageCorrected: frozenset({ItemKind.INVOICE}),
    events.BalanceReported: frozenset({ItemKind.RELOAD}),
    events.ChargeAttempted: _COLLECTING,
    events.ChargeAuthorized: _COLLECTING | {ItemKind.APPROVAL},
    events.CaptureAttempted: _COLLECTING,
    void_events.VoidAttempted: _VOIDING,
    void_events.AuthorizationVoided: _ON_PAGE | {ItemKind.DELETE_TOKEN},
    events.ChargeSucceeded: _ON_PAGE | _BEGINNING | {ItemKind.DUNNING, ItemKind.DELETE_TOKEN},
    events.ChargeDeclined: _ON_PAGE | {ItemKind.TOKEN, ItemKind.DELETE_TOKEN},
    events.ChargeOutcomeUnknown: _VOIDING,
    events.ChargeLookedUp: _VOIDING,
    events.ChargeNotMade: _ON_PAGE | {ItemKind.DELETE_TOKEN},
    events.ChargeFoundLate: _DUNNING | _BEGINNING,
    events.ChargeDiscrepancyFound: _DUNNING,
    events.DiscrepancyResolved: frozenset({ItemKind.COLLECT}),
    events.RetryScheduled: frozenset({ItemKind.COLLECT}),
    events.CollectionEnded: _DUNNING,
    events.CollectionPostponed: frozenset({ItemKind.COLLECT}),
    events.CollectionResumed: _DUNNING,
    events.InvoiceWrittenOff: _DUNNING,
    events.SubscriptionSuspended: frozenset({ItemKind.INVOICE, ItemKind.DUNNING}),
    events.SubscriptionReinstated: frozenset({ItemKind.INVOICE, ItemKind.DUNNING}),
    events.TermsChanged: frozenset({ItemKind.INVOICE, ItemKind.DUNNING}),
    events.SubscriptionPaused: frozenset({ItemKind.INVOICE, ItemKind.RESUME, ItemKind.DUNNING}),
    events.SubscriptionResumed: frozenset({ItemKind.INVOICE, ItemKind.RESUME, ItemKind.DUNNING}),
    events.CreditGranted: frozenset(),
    events.CreditApplied: frozenset({ItemKind.COLLECT}),
    refund_events.RefundRequested: frozenset({ItemKind.REFUND}),
    refund_events.RefundAttempted: frozenset({ItemKind.REFUND, ItemKind.DELETE_TOKEN}),
    refund_events.RefundSucceeded: _REFUNDING | {ItemKind.DELETE_TOKEN},
    refund_events.RefundFailed: _REFUNDING | {ItemKind.DELETE_TOKEN},
    refund_events.RefundFoundLate: frozenset(),
    refund_events.RefundOutcomeUnknown: _REFUNDING,
    refund_events.RefundLookedUp: _REFUNDING,
    dispute_events.DisputeOpened: frozenset({ItemKind.DISPUTE, ItemKind.COLLECT, ItemKind.REFUND}),
    dispute_events.DisputeAdvanced: frozenset({ItemKind.DISPUTE}),
    dispute_events.DisputeClosed: frozenset(
        {ItemKind.DISPUTE, ItemKind.COLLECT, ItemKind.REFUND, ItemKind.TOKEN}
    ),
    dispute_events.ChargeReversed: _DUNNING,
    events.DiscountGranted: frozenset(),
    events.DiscountEnded: frozenset(),
    events.CancellationScheduled: frozenset({ItemKind.CANCEL, ItemKind.INVOICE}),
    events.CancellationWithdrawn: frozenset({ItemKind.CANCEL, ItemKind.INVOICE}),
    events.SubscriptionCancelled: _ALL
    - {ItemKind.CHARGE, ItemKind.VOID, ItemKind.LOOK_UP, ItemKind.DISPUTE, ItemKind.DELETE_TOKEN}
    - _REFUNDING,
    events.SubscriptionCompleted: _VAULTING | {ItemKind.COLLECT, ItemKind.INVOICE},
}
