"""The contract that every gateway passes, against its provider's simulator over real HTTP.

A provider's test module subclasses GatewayContract and says how its bench is set up. Numbers in
the names of tests are those of the fault matrix.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from tests.gateways.bench import Bench
from tests.gateways.contract_access import AccessContract
from tests.gateways.contract_authorising import AuthorizationContract
from tests.gateways.contract_callbacks import CallbackContract
from tests.gateways.contract_charging import ChargingContract
from tests.gateways.contract_refunding import RefundContract
from tests.gateways.contract_revoking import RevokingContract
from tests.gateways.contract_tokens import TokenContract
from tests.gateways.contract_voiding import VoidContract


class GatewayContract(
    ChargingContract,
    AuthorizationContract,
    RefundContract,
    VoidContract,
    TokenContract,
    RevokingContract,
    CallbackContract,
    AccessContract,
):
    """The whole contract."""

    def bench(self) -> AbstractAsyncContextManager[Bench]:
        """A fresh provider; its clock stands at START."""
        raise NotImplementedError
