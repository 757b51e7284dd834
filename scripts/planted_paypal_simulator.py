"""Faults to plant in the simulated PayPal, which the other tests lean on; see planted_faults.py."""

from __future__ import annotations

from planted_faults import Fault

RUN_ON = "tests/simulators"
TESTS = ("test_paypal_tokens", "test_paypal_orders")
FOLDER = "infrastructure/simulators/paypal"
VAULT, WALLETS, APP = f"{FOLDER}/vault.py", f"{FOLDER}/wallets.py", f"{FOLDER}/app.py"
PROVIDER, ORDERS = f"{FOLDER}/provider.py", f"{FOLDER}/orders.py"

FAULTS = (
    Fault(
        "two requests at once under one key are both carried out",
        PROVIDER,
        "        if key in self._answering:\n",
        "        if False:\n",
    ),
    Fault(
        "a key is in progress for ever",
        PROVIDER,
        "            self._answering.discard(key)\n",
        "            pass\n",
    ),
    Fault(
        "any password gets an access token",
        PROVIDER,
        "    if _basic_credentials(request) != expected.encode():\n",
        "    if not _basic_credentials(request):\n",
    ),
    Fault(
        "a customer's list shows everybody's tokens",
        WALLETS,
        "        return [token for token in every if token.customer_id == customer_id]\n",
        "        return list(every)\n",
    ),
    Fault(
        "a token request never expires",
        WALLETS,
        "self.now_us() > setup.made_us + life_us",
        "self.now_us() < setup.made_us",
    ),
    Fault(
        "a payer who refused may still be charged",
        VAULT,
        "            del provider.account.setup_tokens[setup.token_id]\n",
        "            _approve(provider, setup)\n",
    ),
    Fault(
        "an old window takes an approval back",
        VAULT,
        '    if setup.status == "PAYER_ACTION_REQUIRED":\n        if action',
        "    if setup.status:\n        if action",
    ),
    Fault(
        "what a merchant says is markup on the payer's page",
        VAULT,
        "        customer=escape(setup.merchant_customer_id),\n",
        "        customer=setup.merchant_customer_id,\n",
    ),
    Fault(
        "a webhook is given up after five tries",
        APP,
        "Deliveries(tries=options.webhook_tries, ",
        "Deliveries(tries=5, ",
    ),
    Fault(
        "a mocked answer is not given where PayPal gives one",
        APP,
        '    add("GET", authorization, guarded(authorizations.get_authorization, mockable=True))\n',
        '    add("GET", authorization, guarded(authorizations.get_authorization))\n',
    ),
    Fault(
        "a charge of a token goes through without a key",
        ORDERS,
        "    if not 1 <= len(key) <= _LONGEST_KEY:\n",
        "    if len(key) > _LONGEST_KEY:\n",
    ),
)
