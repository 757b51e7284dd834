"""Faults to plant in what PayPal is told and asked: token requests, webhooks by postback, windows;
see planted_faults.py."""

from __future__ import annotations

from planted_faults import Fault

RUN_ON = "tests/gateways"
TESTS = (
    "test_paypal_reading",
    "test_paypal_presenting",
    "test_paypal_postback",
    "test_paypal_windows",
)
FOLDER = "infrastructure/gateways/paypal"
PRESENTING, READING = f"{FOLDER}/presenting.py", f"{FOLDER}/reading.py"
POSTBACK, WEBHOOKS, WIRE = f"{FOLDER}/postback.py", f"{FOLDER}/webhooks.py", f"{FOLDER}/wire.py"
VAULT, ORDERS = f"{FOLDER}/vault.py", f"{FOLDER}/orders.py"
REPORTS = f"{FOLDER}/reports.py"

FAULTS = (
    # --- what is said of the recurring kind -----------------------------------------------------
    Fault(
        "payers are charged each month who never agreed to a recurring payment",
        PRESENTING,
        "    if metadata is Metadata.NONE and terms.kind not in _NOT_RECURRING:\n",
        "    if False:\n",
    ),
    Fault(
        "the plan is shown though the merchant chose the pattern alone",
        VAULT,
        "    if presentation.metadata is Metadata.PATTERN_AND_PLAN:\n",
        "    if presentation.metadata is not Metadata.NONE:\n",
    ),
    Fault(
        "the presentation of a request is not the one that was asked for",
        VAULT,
        "    presentation = presentation or account.presentation\n",
        "    presentation = account.presentation\n",
    ),
    Fault(
        "two subscriptions of a payer share a token, and lose it together",
        PRESENTING,
        '            "permit_multiple_payment_tokens": not self.one_token_a_payer,\n',
        '            "permit_multiple_payment_tokens": self.one_token_a_payer,\n',
    ),
    Fault(
        "PayPal is to ship to an address that nobody gave",
        PRESENTING,
        '        if self.shipping_preference == "SET_PROVIDED_ADDRESS" and self.ship_to is None:\n',
        "        if False:\n",
    ),
    # --- requests that are read -----------------------------------------------------------------
    Fault(
        "a field that our terms cannot say is dropped",
        READING,
        "    if lost:\n",
        "    if False:\n",
    ),
    Fault(
        "a field that only the request has is not compared",
        READING,
        "    for pointer in sorted(left.keys() | right.keys()):\n",
        "    for pointer in sorted(right.keys()):\n",
    ),
    Fault(
        "what PayPal would show beside the request's own words passes unseen",
        READING,
        "    for pointer in sorted(left.keys() | right.keys()):\n",
        "    for pointer in sorted(left.keys()):\n",
    ),
    Fault(
        "terms that cannot be billed are read",
        READING,
        "    check_terms(terms)\n    customer",
        "    customer",
    ),
    Fault(
        "a person's mail address becomes an id in the books",
        READING,
        '        customer_id=checked_id("customer id", customer),\n',
        "        customer_id=customer,\n",
    ),
    # --- webhooks -------------------------------------------------------------------------------
    Fault(
        "an unanswered question is taken for a yes",
        POSTBACK,
        '    if status != "SUCCESS":\n',
        '    if status not in ("SUCCESS", None):\n',
    ),
    Fault(
        "an error that speaks of success verifies a webhook",
        POSTBACK,
        "    if isinstance(answer, Reply) and answer.status < 300:\n",
        "    if isinstance(answer, Reply):\n",
    ),
    Fault(
        "PayPal's no is not heard as one",
        POSTBACK,
        '    if status == "FAILURE":\n',
        "    if False:\n",
    ),
    Fault(
        "the event goes back written anew, and PayPal disowns its own",
        POSTBACK,
        '"webhook_event": msgspec.Raw(body)}',
        '"webhook_event": msgspec.json.decode(body)}',
    ),
    Fault(
        "anybody makes us call PayPal, with a certificate from anywhere",
        WEBHOOKS,
        '        if not certificates.allowed(headers["paypal-cert-url"]):\n',
        "        if False:\n",
    ),
    Fault(
        "a webhook is believed without asking where it was to be asked for",
        WEBHOOKS,
        "        await postback.check(http, headers, account.webhook_id, callback.body)\n",
        "",
    ),
    Fault(
        "times of the vault's events cannot be read",
        WIRE,
        '_ZONES = {"PDT": "-07:00", "PST": "-08:00",',
        "_ZONES = {",
    ),
    Fault(
        "winter on the Pacific coast is an hour off",
        WIRE,
        '"PST": "-08:00"',
        '"PST": "-07:00"',
    ),
    # --- orders, windows ------------------------------------------------------------------------
    Fault(
        "payers do not recognise the charge on their statement",
        ORDERS,
        '    return {"soft_descriptor": soft_descriptor} if soft_descriptor else {}\n',
        "    return {}\n",
    ),
    Fault(
        "forint go out with decimals",
        WIRE,
        '_WITHOUT_DECIMALS = frozenset({"HUF", "JPY", "TWD"})',
        '_WITHOUT_DECIMALS = frozenset({"JPY"})',
    ),
    Fault(
        "an approval whose window was closed is looked for when PayPal has forgotten it",
        VAULT,
        " + SETUP_TOKEN_LIFE - LAST_LOOK_BEFORE\n",
        " + SETUP_TOKEN_LIFE\n",
    ),
    Fault(
        "a charge is searched for in a window that PayPal refuses",
        REPORTS,
        "LONGEST_WINDOW = timedelta(days=31)",
        "LONGEST_WINDOW = timedelta(days=32)",
    ),
)
