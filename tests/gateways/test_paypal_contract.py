"""PayPal passes the contract of a gateway."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from tests.gateways.contract import GatewayContract
from tests.gateways.paypal_bench import PayPalBench, paypal_bench


class TestPayPal(GatewayContract):
    """The whole contract, over loopback HTTP."""

    def bench(self) -> AbstractAsyncContextManager[PayPalBench]:
        return paypal_bench()
