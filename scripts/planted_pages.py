"""Faults to plant in Dintero's page that takes the first payment; see planted_faults.py."""

from __future__ import annotations

from planted_faults import Fault

RUN_ON = "tests/gateways"
TESTS = ("test_dintero_first_payments",)
GATEWAY = "infrastructure/gateways/dintero/gateway.py"
REQUESTS = "infrastructure/gateways/dintero/requests.py"
TOKENS = "infrastructure/gateways/dintero/tokens.py"

FAULTS = (
    Fault(
        "looking for a page makes one",
        GATEWAY,
        "        if order.only_look:\n",
        "        if order.only_look and first is None:\n",
    ),
    Fault(
        "a page bears the token request's reference, not the payment's",
        REQUESTS,
        "    return token_reference(order.request_id) if order.first is None else "
        "order.first.reference\n",
        "    return token_reference(order.request_id)\n",
    ),
    Fault(
        "the money is taken at once, whatever was agreed",
        REQUESTS,
        '            "auto_capture": first.capture is CaptureMode.AT_ONCE,\n            family',
        '            "auto_capture": True,\n            family',
    ),
    Fault(
        "no token is asked for",
        REQUESTS,
        '        f"generate_{_token_kind(account, order.terms)}": True,\n',
        "",
    ),
    Fault(
        "the box is never shown",
        REQUESTS,
        "    if account.save_card_checkbox:\n",
        "    if False:\n",
    ),
    Fault(
        "a payer who turned back is waited for",
        TOKENS,
        "    code, decline = answer.code.upper(), DeclineClass.PAYER_ACTION\n",
        '    return Unknown(reason="turned back")\n'
        "    code, decline = answer.code.upper(), DeclineClass.PAYER_ACTION\n",
    ),
    Fault(
        "a page that is not paid yet was never made",
        TOKENS,
        '        return Unknown(reason=f"session {ref[:60]}, no transaction yet")\n',
        '        return NotFound(finding=f"session {ref[:60]}")\n',
    ),
    Fault(
        "paid, no card saved: the token is waited for",
        TOKENS,
        "    if paid and status in (RESERVED, *MONEY_MOVED):\n",
        "    if False:\n",
    ),
    Fault(
        "the session of a payment is another request's",
        GATEWAY,
        "        reference = query.reference or requests.token_reference(query.request_id)\n",
        "        reference = requests.token_reference(query.request_id)\n",
    ),
    Fault(
        "a known session is not looked at",
        GATEWAY,
        "        if query.order_ref:\n            return await self._look_at_page(query)\n",
        "",
    ),
)
