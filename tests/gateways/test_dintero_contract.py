"""The Dintero gateway passes the contract, at the simulator's strict level where that lies."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from tests.gateways.bench import Bench
from tests.gateways.contract import GatewayContract
from tests.gateways.dintero_bench import dintero_bench


class TestDintero(GatewayContract):
    """With recurrence tokens of Swedbank Pay."""

    def bench(self) -> AbstractAsyncContextManager[Bench]:
        """See ChargingContract."""
        return dintero_bench()


class TestDinteroWithPaymentTokens(GatewayContract):
    """With payment tokens, charged as unscheduled purchases."""

    def bench(self) -> AbstractAsyncContextManager[Bench]:
        """See ChargingContract."""
        return dintero_bench(token_kind="payment_token")
