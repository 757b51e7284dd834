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


class TestDinteroThroughBambora(GatewayContract):
    """Bambora makes payment tokens only; they are charged by a schedule all the same."""

    def bench(self) -> AbstractAsyncContextManager[Bench]:
        """See ChargingContract."""
        return dintero_bench(through="bambora.creditcard")


class TestDinterosOwnAcquiring(GatewayContract):
    """Dintero PSP: payment tokens, and captures that say whether they are the last."""

    def bench(self) -> AbstractAsyncContextManager[Bench]:
        """See ChargingContract."""
        return dintero_bench(through="dintero_psp.creditcard")
