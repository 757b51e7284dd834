"""What happens when X, table three: each stored projection and the facts that it listens to.

A test holds this table against the projections: a fact that is not listed never changes a row,
and every listed one can.
"""

from __future__ import annotations

from typing import Any, get_args

import attrs

from domain.catalogue.events import PlanEvent
from domain.due_runs.events import DueRunEvent
from domain.periods.events import PeriodEvent
from domain.subscription import dispute_events, events, refund_events, void_events
from projections.balances import BALANCES
from projections.charges import CHARGES
from projections.disputes import DISPUTES
from projections.due_dates import DUE_DATES
from projections.due_runs import DUE_RUNS
from projections.periods import PERIODS
from projections.plans import PLANS
from projections.refunds import REFUNDS
from projections.table import TableProjection


@attrs.frozen
class Listening:
    """A stored projection and the facts that can change its rows."""

    projection: TableProjection[Any]
    facts: frozenset[type]


TABLES: tuple[Listening, ...] = (
    Listening(PLANS, frozenset(get_args(PlanEvent))),
    Listening(PERIODS, frozenset(get_args(PeriodEvent))),
    Listening(DUE_RUNS, frozenset(get_args(DueRunEvent))),
    Listening(DUE_DATES, frozenset(get_args(events.SubscriptionEvent))),
    Listening(
        BALANCES,
        frozenset(
            {
                events.InvoiceIssued,
                events.ChargeSucceeded,
                events.ChargeFoundLate,
                events.InvoiceWrittenOff,
                events.CreditGranted,
                events.CreditApplied,
                refund_events.RefundRequested,
                refund_events.RefundSucceeded,
                refund_events.RefundFailed,
                refund_events.RefundFoundLate,
                events.DiscrepancyResolved,
                dispute_events.ChargeReversed,
            }
        ),
    ),
    Listening(
        CHARGES,
        frozenset(
            {
                events.ChargeAttempted,
                events.ChargeAuthorized,
                events.CaptureAttempted,
                void_events.VoidAttempted,
                void_events.AuthorizationVoided,
                events.ChargeSucceeded,
                events.ChargeDeclined,
                events.ChargeOutcomeUnknown,
                events.ChargeLookedUp,
                events.ChargeNotMade,
                events.ChargeFoundLate,
                events.ChargeDiscrepancyFound,
                events.DiscrepancyResolved,
                refund_events.RefundSucceeded,
                refund_events.RefundFoundLate,
                dispute_events.DisputeOpened,
                dispute_events.DisputeClosed,
                dispute_events.ChargeReversed,
            }
        ),
    ),
    Listening(
        REFUNDS, frozenset((*get_args(refund_events.RefundEvent), events.DiscrepancyResolved))
    ),
    Listening(
        DISPUTES,
        frozenset(
            {
                dispute_events.DisputeOpened,
                dispute_events.DisputeAdvanced,
                dispute_events.DisputeClosed,
            }
        ),
    ),
)

PROJECTIONS: tuple[TableProjection[Any], ...] = tuple(each.projection for each in TABLES)
