"""What a worker asks a provider for, made from the state as it is."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from typing import Any

import attrs

from domain.money import Money
from domain.plan import Terms, Timing
from domain.ports import NotDone, TokenOrder
from domain.processes.steps import AskToken
from domain.subscription.changing import Change, change_terms
from domain.subscription.events import When
from domain.subscription.vaulting import request_token
from infrastructure.workers.provider_calls import ask
from tests.specimens import ZONE_VERSION, signed_up, terms
from tests.vocabulary import Given, given

JAN_11 = datetime(2025, 1, 11, 12, tzinfo=UTC)
DEARER = Money(62000, "NOK")


@attrs.define
class Listener:
    """A provider that keeps what it is asked for, and does nothing."""

    orders: list[TokenOrder] = attrs.field(factory=list)

    async def request_token(self, order: TokenOrder) -> NotDone:
        self.orders.append(order)
        return NotDone(reason="closed")


def shown_terms(start: Given) -> Terms:
    """The terms that a payer who is asked again is shown."""
    asked = start.and_(*request_token(start.state, reason="card lost", now=JAN_11))
    assert asked.state.token_request is not None
    listener: Any = Listener()
    call = AskToken(asked.state.token_request)
    gateways = {("paypal", "main"): listener}
    asyncio.run(ask(gateways, asked.state, call, token=None, now=JAN_11))
    order: TokenOrder = listener.orders[0]
    return order.terms


def changed(agreed: Terms) -> Given:
    """Three units at another price were agreed to on 11 January."""
    start = given(*signed_up(agreed, start=date(2025, 1, 1)))
    wish = Change(
        terms=attrs.evolve(agreed, price=DEARER, quantity=3), when=When.NOW, reason="upgrade"
    )
    facts = change_terms(start.state, wish, now=JAN_11, zone_version=ZONE_VERSION)
    return start.and_(*facts)


def test_a_payer_is_shown_the_terms_that_were_agreed_to_last() -> None:
    """Also where the invoice in between is still billed by the old ones (postpaid)."""
    for timing in Timing:
        shown = shown_terms(changed(terms(timing=timing)))
        assert (shown.price, shown.quantity) == (DEARER, 3)
        assert shown.amount == Money(186000, "NOK")
