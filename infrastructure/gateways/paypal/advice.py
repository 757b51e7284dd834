"""What card networks advise with a decline: PayPal's payment_advice_code, in one table.

Source: OpenAPI checkout_orders_v2, processor_response.payment_advice_code; reference notes on
PayPal, section 4. A code may mean one thing to Mastercard and another to Visa. Where the network is
not known, the stricter reading counts.

  01  Mastercard: new account data is needed
  02  Mastercard: no funds, again after 72 hours; Visa: this payment must not be sent again
  03  Mastercard: the account is closed; Visa: all recurring payments are stopped
  21  stop recurring requests
  24..30  Mastercard: again after 1 h, 24 h, 2, 4, 6, 8 or 10 days
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import attrs

from domain.budgets import network_of
from domain.subscription.events import DeclineClass, Instrument
from infrastructure.gateways.paypal.wire import mapping


@attrs.frozen
class Advice:
    """The class of a decline, and how long it is left alone; None: the network does not say."""

    decline: DeclineClass
    wait: timedelta | None = None


def _again_after(hours: int) -> Advice:
    return Advice(DeclineClass.SOFT, timedelta(hours=hours))


_STOP = Advice(DeclineClass.HARD)
_WAITS = {"24": 1, "25": 24, "26": 48, "27": 96, "28": 144, "29": 192, "30": 240}

# (network, code); "" is a network that we do not know.
ADVICE: Mapping[tuple[str, str], Advice] = {
    **{
        (network, code): _STOP
        for network in ("mastercard", "visa", "")
        for code in ("01", "02", "03", "21")
    },
    ("mastercard", "02"): _again_after(72),
    **{
        (network, code): _again_after(hours)
        for network in ("mastercard", "")
        for code, hours in _WAITS.items()
    },
}


def advice_of(processor_response: Mapping[str, Any], network: str) -> Advice | None:
    """What the network advises; None: nothing, or nothing that we know."""
    code = str(processor_response.get("payment_advice_code", ""))
    return ADVICE.get((network, code))


def network_in(order: Mapping[str, Any]) -> str:
    """The network of the card that an order was paid with; "" where it does not say."""
    card = mapping(mapping(order.get("payment_source")).get("card"))
    return network_of(Instrument(kind="card", brand=str(card.get("brand", ""))))
