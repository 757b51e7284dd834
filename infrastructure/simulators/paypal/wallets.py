"""Setup tokens and payment tokens of the simulated account, by PayPal's customers.

Nothing here knows HTTP. Methods that refuse raise PayPalError, as the API would answer.
Sources: reference notes on PayPal, sections 2.1 to 2.4.
"""

from __future__ import annotations

import abc
from datetime import timedelta

from infrastructure.simulators.paypal.errors import PayPalError
from infrastructure.simulators.paypal.records import Ids, PaymentToken, SetupToken

SETUP_TOKEN_LIFE = timedelta(days=3)


class Wallets(abc.ABC):
    """The tokens, by their ids."""

    def __init__(self, ids: Ids) -> None:
        self.ids = ids
        self.setup_tokens: dict[str, SetupToken] = {}
        self.payment_tokens: dict[str, PaymentToken] = {}
        self._tokens_made = 0

    @abc.abstractmethod
    def now_us(self) -> int:
        """Microseconds since 1970, by the simulator's clock."""

    def setup_token(self, token_id: str) -> SetupToken:
        """Raises: PayPalError(404) for an unknown or expired one."""
        setup = self.setup_tokens.get(token_id)
        life_us = SETUP_TOKEN_LIFE // timedelta(microseconds=1)
        if setup is None or (not setup.payment_token and self.now_us() > setup.made_us + life_us):
            raise PayPalError(404, "INVALID_RESOURCE_ID")
        return setup

    def new_setup_token(
        self,
        *,
        customer_id: str,
        merchant_customer_id: str,
        usage_pattern: str,
        return_url: str,
        cancel_url: str,
        vaults_on_approval: bool,
        shown: str,
    ) -> SetupToken:
        """A request that waits for the payer. customer_id: a known one's, or "" for a new one."""
        self._tokens_made += 1
        setup = SetupToken(
            token_id=self.ids.of("ST", self._tokens_made),
            customer_id=customer_id or self.ids.of("CU", self._tokens_made),
            vaults_on_approval=vaults_on_approval,
            shown=shown,
            merchant_customer_id=merchant_customer_id,
            usage_pattern=usage_pattern,
            return_url=return_url,
            cancel_url=cancel_url,
            made_us=self.now_us(),
        )
        self.setup_tokens[setup.token_id] = setup
        return setup

    def knows_customer(self, customer_id: str) -> bool:
        """Whether PayPal gave this id to a customer before."""
        return 0 < (self.ids.number("CU", customer_id) or 0) <= self._tokens_made

    def tokens_of(self, customer_id: str) -> list[PaymentToken]:
        """Payment tokens of a customer, oldest first."""
        every = self.payment_tokens.values()
        return [token for token in every if token.customer_id == customer_id]

    def exchange(self, setup: SetupToken) -> PaymentToken:
        """A setup token becomes a payment token, once. Raises: PayPalError(422)."""
        if setup.payment_token:
            raise PayPalError(422, "SETUP_TOKEN_ALREADY_TOKENIZED")
        if setup.status != "APPROVED":
            raise PayPalError(422, "PAYER_ACTION_REQUIRED")
        number = self.ids.number("ST", setup.token_id)
        token = PaymentToken(
            token_id=self.ids.of("PT", number or 0),
            customer_id=setup.customer_id,
            merchant_customer_id=setup.merchant_customer_id,
            usage_pattern=setup.usage_pattern,
            made_us=self.now_us(),
        )
        self.payment_tokens[token.token_id] = token
        setup.payment_token = token.token_id
        setup.status = "VAULTED"
        return token
