"""The timeline's words for what follows when an invoice is not paid."""

from __future__ import annotations

from typing import assert_never

from domain.subscription.events import (
    CollectionEnded,
    CollectionResumed,
    InvoiceWrittenOff,
    RetryScheduled,
    SubscriptionReinstated,
    SubscriptionSuspended,
)
from projections.timeline_changes import ahead, days_billed, put_on_the_next, utc

_Dunning = (
    RetryScheduled
    | CollectionEnded
    | CollectionResumed
    | InvoiceWrittenOff
    | SubscriptionSuspended
    | SubscriptionReinstated
)


def words_of_dunning(event: _Dunning) -> str:
    """A fact about an invoice that is not paid, in one plain sentence."""
    match event:
        case RetryScheduled():
            return (
                f"Invoice {event.invoice_number} will be tried again at {utc(event.retry_at)} "
                f"(retry {event.retry_number})."
            )
        case CollectionEnded():
            return (
                f"Collection of invoice {event.invoice_number} ended ({event.reason}); "
                "it stays owed and a person has to look."
            )
        case CollectionResumed():
            return f"Invoice {event.invoice_number} is collected again ({event.reason})."
        case InvoiceWrittenOff():
            return (
                f"{event.amount} of invoice {event.invoice_number} written off ({event.reason}); "
                "it is collected no more."
            )
        case SubscriptionSuspended():
            return (
                f"Suspended because invoice {event.invoice_number} was not paid ({event.reason}); "
                f"invoice {event.last_invoice} is the last one until it is reinstated."
            )
        case SubscriptionReinstated():
            return _reinstated(event)
        case _:
            assert_never(event)


def _reinstated(event: SubscriptionReinstated) -> str:
    why = (
        event.reason
        if event.invoice_number is None
        else f"invoice {event.invoice_number} is {event.reason}"
    )
    return (
        f"Reinstated ({why}): {days_billed(event.schedule)}{put_on_the_next(event.lines)}; "
        f"{ahead(event.next_due_at)}."
    )
