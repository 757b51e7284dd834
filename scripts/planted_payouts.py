"""Faults to plant in Dintero's payouts, account-wide webhooks, and lines of a charge."""

from __future__ import annotations

from planted_faults import Fault

RUN_ON = "tests/gateways"
TESTS = (
    "test_dintero_settlements",
    "test_dintero_webhooks",
    "test_dintero_lines",
    "test_dintero_settings",
    "test_kinds",
)
REPORTS = "infrastructure/gateways/dintero/report_files.py"
SETTLEMENTS = "infrastructure/gateways/dintero/settlements.py"
WEBHOOKS = "infrastructure/gateways/dintero/webhooks.py"
REQUESTS = "infrastructure/gateways/dintero/requests.py"

FAULTS = (
    # --- payouts --------------------------------------------------------------------------------
    Fault(
        "a report that does not come to the list's totals is used",
        REPORTS,
        "        if all(_fits(row, shift) for row in rows) and _come_to(total, rows, shift):\n",
        "        if all(_fits(row, shift) for row in rows):\n",
    ),
    Fault(
        "a row that does not add up is used",
        REPORTS,
        "    if left != stated:\n",
        "    if not stated.is_finite():\n",
    ),
    Fault(
        "chargebacks are skipped",
        REPORTS,
        "        if amount:\n",
        "        if amount and kind is not SettledKind.CHARGEBACK:\n",
    ),
    Fault(
        "a report of another settlement is taken for this one",
        REPORTS,
        "    if named != [settlement.settlement_id]:\n",
        "    if len(named) != 1:\n",
    ),
    Fault(
        "a declaration in a report is let through",
        REPORTS,
        '        if "<!" in text.replace',
        '        if "<!!" in text.replace',
    ),
    Fault(
        "an error names the row before",
        REPORTS,
        '    for number, each in enumerate(tree.iter("TransactionInfo"), start=1):\n',
        '    for number, each in enumerate(tree.iter("TransactionInfo")):\n',
    ),
    Fault(
        "a settlement that cannot be read is left out",
        SETTLEMENTS,
        "                    return _malformed(str(problem), place)\n",
        "                    continue\n",
    ),
    Fault(
        "only the first page of settlements is read",
        SETTLEMENTS,
        "            if not last:\n",
        "            if found:\n",
    ),
    Fault(
        "a settlement whose sum does not hold is used",
        SETTLEMENTS,
        "    if total.captured.minor - total.refunded.minor - total.fees.minor"
        " != total.payout.minor:\n",
        "    if total.captured.minor < total.fees.minor:\n",
    ),
    Fault(
        "a file of any length is taken",
        "infrastructure/gateways/exchange.py",
        "        if len(response.content) > raw_bytes:\n",
        "        if not response.content:\n",
    ),
    # --- account-wide webhooks ------------------------------------------------------------------
    Fault(
        "a webhook's signature is not compared",
        WEBHOOKS,
        "    if not hmac.compare_digest(sign(secret, callback.body).encode(), given.encode()):\n",
        "    if len(given) != len(sign(secret, callback.body)):\n",
    ),
    Fault(
        "another account's webhook is believed",
        WEBHOOKS,
        '    if text(data.get("account_id")) not in ("", account_id):\n',
        "    if not account_id:\n",
    ),
    Fault(
        "a webhook is a new one by a header that nobody signed",
        WEBHOOKS,
        '    delivery = text(data.get("event_delivery"))\n',
        '    delivery = callback.headers.get("event-delivery", "")\n',
    ),
    Fault(
        "a callback may choose which signature counts",
        "infrastructure/gateways/dintero/gateway.py",
        "        if webhooks.is_webhook(callback) and signature.HEADER.lower()"
        " not in callback.headers:\n",
        "        if webhooks.is_webhook(callback):\n",
    ),
    # --- lines and operations -------------------------------------------------------------------
    Fault(
        "every payment token is charged as unscheduled",
        REQUESTS,
        '        recurring = self.kind == "recurrence_token" if both else _has_rhythm(terms)\n',
        '        recurring = both and self.kind == "recurrence_token"\n',
    ),
    Fault(
        "a part of several lines names all of them",
        REQUESTS,
        "    if sum(minor for _, minor in known) != amount.minor:\n",
        "    if not known:\n",
    ),
    Fault(
        "the lines of a capture are numbered otherwise",
        REQUESTS,
        "    lines = tuple((str(n), each.amount.minor) for n, each in"
        " enumerate(order.lines, start=1))\n",
        "    lines = tuple((str(n), each.amount.minor) for n, each in enumerate(order.lines))\n",
    ),
    Fault(
        "an order's VAT is left out",
        REQUESTS,
        '        placed["vat_amount"] = sum(line.tax.minor for line in lines)\n',
        '        placed["vat_amount"] = 0\n',
    ),
    Fault(
        "an account of Bambora asks for recurrence tokens",
        "infrastructure/gateways/dintero/account.py",
        "        return TOKEN_KINDS[self.payment_product_type][0]\n",
        '        return "recurrence_token"\n',
    ),
)
