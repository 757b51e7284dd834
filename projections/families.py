"""Families: streams that share rows of stored projections, read together when rows are made anew.

A customer's balance is made of the facts of all their subscriptions, so these are one family; every
other stream is one by itself. Within a family facts keep the log's order, and no row is touched by
two families: rows can be made family by family, each of them whole.
"""

from __future__ import annotations

from typing import Any

from domain.recorded import Recorded
from domain.subscription.events import SubscriptionStarted


def family_of(beginning: Recorded[Any]) -> str:
    """The family of the stream that begins with this fact."""
    event = beginning.event
    if isinstance(event, SubscriptionStarted):
        return f"customer {event.customer_id}"
    return beginning.stream
