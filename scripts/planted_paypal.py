"""Faults to plant in PayPal's refunds, voids, parts and renewals; see planted_faults.py."""

from __future__ import annotations

from planted_faults import Fault

RUN_ON = "tests/gateways"
FOLDER = "infrastructure/gateways/paypal"
REFUNDS, RESERVATIONS = f"{FOLDER}/refunds.py", f"{FOLDER}/reservations.py"
ORDERS, LOOKUPS, DECLINES = f"{FOLDER}/orders.py", f"{FOLDER}/lookups.py", f"{FOLDER}/declines.py"
ISSUES = f"{FOLDER}/issues.py"
GATEWAY, WEBHOOKS, CALLS = f"{FOLDER}/gateway.py", f"{FOLDER}/webhooks.py", f"{FOLDER}/calls.py"

FAULTS = (
    # --- refunds --------------------------------------------------------------------------------
    Fault(
        "a pending refund is taken for money that went back",
        REFUNDS,
        '    if status == "COMPLETED":\n',
        '    if status in ("COMPLETED", "PENDING"):\n',
    ),
    Fault(
        "a refund without an amount gives back all that is left",
        REFUNDS,
        '        "amount": amount_json(order.amount),\n',
        "",
    ),
    Fault(
        "a refund is sent under its charge's invoice id",
        REFUNDS,
        '        "invoice_id": order.reference,\n',
        '        "invoice_id": order.charge_reference,\n',
    ),
    Fault(
        "a refund that was made before is denied, for nothing is left",
        REFUNDS,
        "            if isinstance(found, Refunded | RefundDenied | Unknown):\n"
        "                return found\n",
        "",
    ),
    Fault(
        "a denial is believed though the refunds cannot be read",
        REFUNDS,
        "            if not isinstance(found, NotFound):\n",
        "            if False:\n",
    ),
    Fault(
        "another refund of the same charge is taken for ours",
        REFUNDS,
        '            if one.get("invoice_id") == reference or one.get("custom_id") == custom_id\n',
        '            if one.get("invoice_id") or one.get("custom_id") == custom_id\n',
    ),
    Fault(
        "a refund that failed hides the one that was made",
        REFUNDS,
        '_WEIGHT = ("FAILED", "CANCELLED", "PENDING", "COMPLETED")',
        '_WEIGHT = ("COMPLETED", "PENDING", "CANCELLED", "FAILED")',
    ),
    Fault(
        "a charge that was given back is not searched for in the report",
        REFUNDS,
        "        if status in _GIVEN_BACK and not shown:\n",
        "        if False:\n",
    ),
    Fault(
        "money that came in is taken for a refund",
        REFUNDS,
        "row.amount is None or row.amount.minor < 0]",
        "row.amount is None or row.amount.minor]",
    ),
    Fault(
        "a denied row of the report counts as a refund",
        REFUNDS,
        '        if row.status == "S" and row.amount',
        '        if row.status in ("S", "D") and row.amount',
    ),
    Fault(
        "a refund's time is when it was asked for",
        REFUNDS,
        "    at = max((time for time in times if time is not None), default=None)\n",
        "    at = min((time for time in times if time is not None), default=None)\n",
    ),
    Fault(
        "an answer about another refund is believed",
        REFUNDS,
        "    if invoice_id is not None and invoice_id != reference:\n",
        "    if False:\n",
    ),
    Fault(
        "a used invoice id is a denial",
        DECLINES,
        '    "REFUND_CANCELLED": "PayPal cancelled',
        '    "DUPLICATE_INVOICE_ID": "It was used before.",\n'
        '    "REFUND_CANCELLED": "PayPal cancelled',
    ),
    Fault(
        "an issue that we do not know is a denial",
        DECLINES,
        "    if taken_up and (unsure or not refusal.issues):\n",
        "    if taken_up and not refusal.issues:\n",
    ),
    # --- voids and renewals ---------------------------------------------------------------------
    Fault(
        "any 200 is a void",
        RESERVATIONS,
        "        if status in _NOTHING_RESERVED:\n",
        "        if status:\n",
    ),
    Fault(
        "a capture is voided, for it was captured before",
        RESERVATIONS,
        '    {"PREVIOUSLY_VOIDED", ',
        '    {"PREVIOUSLY_VOIDED", "PREVIOUSLY_CAPTURED", ',
    ),
    Fault(
        "a renewed reservation is let go under the key that was refused",
        RESERVATIONS,
        'self._void(parent, str(uuid5(order.void_id, "parent")))',
        "self._void(parent, str(order.void_id))",
    ),
    Fault(
        "a renewal goes out under the key of its capture",
        RESERVATIONS,
        '    return str(uuid5(capture_id, "reauthorize"))',
        "    return str(capture_id)",
    ),
    Fault(
        "a renewal of ours whose answer was lost is declined",
        RESERVATIONS,
        "            if isinstance(answer, Authorized):\n                return answer\n",
        "",
    ),
    # --- captures in parts, tokens, webhooks ----------------------------------------------------
    Fault(
        "a capture in part ends the authorisation",
        ORDERS,
        '        "final_capture": order.final,\n',
        '        "final_capture": True,\n',
    ),
    Fault(
        "every part bears the charge's invoice id",
        ORDERS,
        "    if not order.final:\n",
        "    if False:\n",
    ),
    Fault(
        "another part is taken for the one that was asked about",
        ORDERS,
        "    if captures and not about:\n",
        "    if captures:\n",
    ),
    Fault(
        "what was captured before the rest was let go is declined",
        LOOKUPS,
        'else {*_TAKEN, "VOIDED"}',
        "else _TAKEN",
    ),
    Fault(
        "a token that is gone already stays in doubt for ever",
        GATEWAY,
        "        if answer.status in (204, 404):\n",
        "        if answer.status == 204:\n",
    ),
    Fault(
        "any answer to a deletion is believed",
        GATEWAY,
        "        if answer.status in (204, 404):\n",
        "        if answer.status:\n",
    ),
    Fault(
        "a webhook about a part names no charge",
        WEBHOOKS,
        "            return charge_of_part(invoice_id)\n",
        "            return invoice_id\n",
    ),
    Fault(
        "an id may become another path",
        CALLS,
        '    return text.isascii() and text.replace("-", "").isalnum()',
        "    return bool(text)",
    ),
    # --- codes ----------------------------------------------------------------------------------
    Fault(
        "a payer who has to agree waits for us for ever",
        GATEWAY,
        "            return declines.of_the_payer(answer) or not_done(answer)",
        "            return not_done(answer)",
    ),
    Fault(
        "an account that may not do it declines every payer",
        DECLINES,
        "    if isinstance(judgement, Unknown) or judgement.decline is DeclineClass.MERCHANT:",
        "    if isinstance(judgement, Unknown):",
    ),
    Fault(
        "an expired card is tried again",
        ISSUES,
        '_SOFT = """\n',
        '_SOFT = """\nCARD_EXPIRED The card has expired.\n',
    ),
    Fault(
        "a reference that was used before is a decline",
        ISSUES,
        "        *_rows(Meaning.CONFLICT, _CONFLICT),",
        "        *_rows(Meaning.MERCHANT, _CONFLICT),",
    ),
    Fault(
        "an operator is told nothing of our account",
        ISSUES,
        "        *_rows(Meaning.MERCHANT, OUR_ACCOUNT),\n",
        "",
    ),
)
