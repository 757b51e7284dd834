"""Faults to plant in what Dintero's answers prove of refunds, voids, parts and tokens."""

from __future__ import annotations

from planted_faults import Fault

RUN_ON = "tests/gateways"
TRACES = "infrastructure/gateways/dintero/traces.py"
GIVING_BACK = "infrastructure/gateways/dintero/giving_back.py"
DECLINES = "infrastructure/gateways/dintero/declines.py"
REQUESTS = "infrastructure/gateways/dintero/requests.py"

FAULTS = (
    Fault(
        "sessions that could not be listed prove that nothing was charged",
        "infrastructure/gateways/dintero/gateway.py",
        "        if not isinstance(listed, Reply) and not forbidden:\n",
        "        if False:\n",
    ),
    # --- refunds --------------------------------------------------------------------------------
    Fault(
        "a refund is believed by its event, whatever the transaction's status says",
        TRACES,
        "        if found.status not in GIVEN_BACK:\n",
        "        if not found.status:\n",
    ),
    Fault(
        "a refund that was only accepted counts as none",
        TRACES,
        "    if ours.waiting:\n        waiting = ours.waiting[-1]\n",
        "    if False:\n        waiting = ours.waiting[-1]\n",
    ),
    Fault(
        "another refund of the same charge is taken for ours",
        TRACES,
        "            event.reference == reference or {event.request_id",
        "            event.reference or {event.request_id",
    ),
    Fault(
        "an accepted refund that does not show was not made",
        TRACES,
        "    if request_id:\n",
        "    if request_id and ours.failed:\n",
    ),
    Fault(
        "a refund without a reference is nobody's",
        TRACES,
        "    if asked_at is not None and _nameless(found, asked_at - _CLOCKS_APART):\n",
        "    if asked_at is not None and not _nameless:\n",
    ),
    Fault(
        "of a refund that was made twice only the first is told",
        TRACES,
        "        amount = _sum(ours.done, found.currency)\n        if amount.minor <= 0:\n",
        "        amount = _sum(ours.done[:1], found.currency)\n        if amount.minor <= 0:\n",
    ),
    Fault(
        "a refund that shows already is sent once more",
        GIVING_BACK,
        "    if not isinstance(standing, NotFound):\n        return standing\n",
        "    if isinstance(standing, RefundDenied | Unknown):\n        return standing\n",
    ),
    Fault(
        "a refund goes out in whatever currency the charge was in",
        GIVING_BACK,
        "    if found.currency != order.amount.currency:\n",
        "    if not found.currency:\n",
    ),
    Fault(
        "a refusal is believed without a look at what was given back before",
        GIVING_BACK,
        "        if not isinstance(answer, NotFound):\n            return answer\n",
        "        if exchange.status == 200 and not isinstance(answer, NotFound):\n"
        "            return answer\n",
    ),
    Fault(
        "a conflict is a definite no",
        DECLINES,
        '    410: "Dintero does not have it any more",\n',
        '    409: "Dintero is busy with it",\n    410: "Dintero does not have it any more",\n',
    ),
    Fault(
        "a refund has no reference of its own",
        REQUESTS,
        '        "refund_reference": order.reference,\n',
        '        "refund_reference": order.charge_reference,\n',
    ),
    # --- voids ----------------------------------------------------------------------------------
    Fault(
        "captured money is called voided",
        TRACES,
        "    if found.status in MONEY_MOVED and moved.minor > 0:\n",
        "    if found.done('VOID'):\n        return Voided(at=seen_at)\n"
        "    if found.status in MONEY_MOVED and moved.minor > 0:\n",
    ),
    Fault(
        "a repeated void is denied",
        GIVING_BACK,
        "    if answer is not None:\n        return answer\n",
        "    if answer is not None and refused is None:\n        return answer\n",
    ),
    Fault(
        "an accepted void is none",
        TRACES,
        '    if unanswered(found, "VOID"):\n        return Unknown(',
        '    if unanswered(found, "VOID") and found.status == "CAPTURED":\n        return Unknown(',
    ),
    # --- parts and tokens -----------------------------------------------------------------------
    Fault(
        "a part is told with all the others",
        TRACES,
        "    if taken := ours.done or by_others:\n",
        "    if taken := captured:\n",
    ),
    Fault(
        "what is left beside other parts was captured",
        TRACES,
        "() if any(_is_key(each.reference) for each in captured) else tuple(captured)",
        "tuple(captured)",
    ),
    Fault(
        "a token that is still active is gone",
        GIVING_BACK,
        "    if exchange.status == 200 and named and ended:\n",
        "    if exchange.status == 200 and named:\n",
    ),
    # --- codes ----------------------------------------------------------------------------------
    Fault(
        "a card that was reported as stolen is tried again",
        "infrastructure/gateways/dintero/codes.py",
        "REJECTED_BY_ACQUIRER_CARD_STOLEN       The card was reported as stolen.\n",
        "",
    ),
)
