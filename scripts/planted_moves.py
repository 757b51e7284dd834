"""Faults to plant where a subscription moves to another account; see planted_faults.py."""

from __future__ import annotations

from planted_faults import Fault

VAULTING = "domain/subscription/vaulting.py"
NEXT_STEP = "domain/processes/next_step.py"
CHARGING = "domain/subscription/charging.py"
LOOKING = "domain/subscription/looking_up.py"
FOLDING = "domain/subscription/folding_vaulting.py"

FAULTS = (
    Fault(
        "it moves as soon as it is asked for",
        FOLDING,
        "            return with_(state, token_request=request, token_requests=event.number)",
        "            return with_(state, token_request=request, token_requests=event.number,\n"
        "                         provider=request.provider, account=request.account)",
    ),
    Fault(
        "a new token elsewhere is charged at the old place",
        CHARGING,
        "            provider=token.provider,\n            account=token.account,\n",
        "            provider=type(token.provider).PAYPAL,\n            account='main',\n",
    ),
    Fault(
        "what was not sent before the move is sent with a token that was replaced",
        NEXT_STEP,
        "    return SendCharge(attempt) if state.may_send(attempt) else LookUp(attempt, LOOK_UP)",
        "    return SendCharge(attempt)",
    ),
    Fault(
        "a doubt at the old provider is judged by the new one's delay",
        LOOKING,
        "    if now >= attempt.attempted_at + RULES[attempt.provider].report_delay:\n"
        "        return (_not_made(",
        "    if now >= attempt.attempted_at + RULES[state.provider].report_delay:\n"
        "        return (_not_made(",
    ),
    Fault(
        "a move that nobody answered is asked for anew at the old place",
        VAULTING,
        "            where=Elsewhere(request.provider, request.account),\n",
        "",
    ),
    Fault(
        "a backup elsewhere takes the subscription with it",
        FOLDING,
        "                    state,\n                    backup=token,\n",
        "                    with_(state, provider=token.provider),\n"
        "                    backup=token,\n",
    ),
    Fault(
        "who asks for another place gets the page of the first",
        VAULTING,
        "    if request is not None and (request.provider, request.account) != where.of(state):\n",
        "    if request is not None and request.account == 'nowhere':\n",
    ),
)
