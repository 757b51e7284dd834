"""Faults to plant where a provider is away, and where a subscription moves; see planted_faults.py.

OUTAGES are outside of the rules, so tests/outages runs on them.
"""

from __future__ import annotations

from planted_faults import Fault

CIRCUIT, GUARDED = "infrastructure/gateways/circuit.py", "infrastructure/gateways/guarded.py"
HOLDING, WATCH = "infrastructure/workers/outages.py", "infrastructure/workers/outage_watch.py"
CALLBACKS = "infrastructure/workers/callback_worker.py"
REDACTION, CARDS = "infrastructure/gateways/redaction.py", "infrastructure/card_numbers.py"
VAULTING, NEXT_STEP = "domain/subscription/vaulting.py", "domain/processes/next_step.py"
CHARGING, LOOKING = "domain/subscription/charging.py", "domain/subscription/looking_up.py"
FOLDING = "domain/subscription/folding_vaulting.py"

OUTAGES = (
    Fault(
        "one outage among good answers opens it after a while",
        CIRCUIT,
        "    def _answered(self, *, paying: bool) -> None:\n        self._in_a_row = 0\n",
        "    def _answered(self, *, paying: bool) -> None:\n",
    ),
    Fault(
        "refused credentials pass for an answer",
        CIRCUIT,
        "exchange.status == 403 and not exchange.no_access:",
        "exchange.status in (401, 403):",
    ),
    Fault(
        "calls that time out together make the pause longer, each of them",
        CIRCUIT,
        "            if self.now() >= self.outage.next_probe_at:\n                self._lengthen",
        "            if self.now() is not None:\n                self._lengthen",
    ),
    Fault(
        "pauses grow for ever",
        CIRCUIT,
        "        return min(grown, self.policy.longest_pause)",
        "        return grown",
    ),
    Fault(
        "all who wait come back at once",
        CIRCUIT,
        "        return 1.0 + _share(key) * self._pause().total_seconds() / 4",
        "        return 1.0 + self._pause().total_seconds() / 8",
    ),
    Fault(
        "answered looks end the trial: payments that fail cost five doubts a pause",
        CIRCUIT,
        "        if paying and self.on_trial:",
        "        if self.on_trial:",
    ),
    Fault(
        "a payment is the probe",
        GUARDED,
        "            await self.inner.complete_token(PROBE)\n",
        "            return None\n",
    ),
    Fault(
        "on trial everybody pays",
        GUARDED,
        "        if held is None and self.circuit.on_trial and self._paying:",
        "        if held is None and self._probing and self._paying:",
    ),
    Fault(
        "a probe that tells nothing is repeated at once, for ever",
        GUARDED,
        "            circuit.put_off(key)\n",
        "            pass\n",
    ),
    Fault(
        "an attempt is recorded that cannot be sent",
        HOLDING,
        "        each for each in step.events if not isinstance(each, ChargeAttempted)\n",
        "        each for each in step.events if each is not None\n",
    ),
    Fault(
        "a request is given up and made anew all through the outage",
        HOLDING,
        "        if isinstance(event, TokenRequested) and step.cause == ItemKind.TOKEN.value:",
        "        if isinstance(event, TokenRequested) and step.cause == ItemKind.COLLECT.value:",
    ),
    Fault(
        "an outage elsewhere is believed again and again",
        WATCH,
        "            self._heard.add(known)\n",
        "",
    ),
    Fault(
        "another account's callback is believed",
        CALLBACKS,
        "    return about is not None and (one.provider, one.account) != (",
        "    return about is None and (one.provider, one.account) != (",
    ),
    Fault(
        "an escape hides a card number",
        CARDS,
        "    return card_numbers(raw) or card_numbers(_plain(raw))",
        "    return card_numbers(raw)",
    ),
    Fault(
        "the log repeats a card number",
        REDACTION,
        "last_digits=digits[-4:]",
        "last_digits=digits",
    ),
)

MOVES = (
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
        "    return LookUp(attempt, LOOK_UP) if state.moved_from(attempt) else SendCharge(attempt)",
        "    return SendCharge(attempt)",
    ),
    Fault(
        "a doubt at the old provider is judged by the new one's delay",
        LOOKING,
        "    if now >= attempt.attempted_at + RULES[attempt.provider].report_delay:\n"
        "        return (\n            ChargeNotMade(",
        "    if now >= attempt.attempted_at + RULES[state.provider].report_delay:\n"
        "        return (\n            ChargeNotMade(",
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
        "                    with_(state, provider=token.provider),\n                    backup=token,\n",
    ),
    Fault(
        "who asks for another place gets the page of the first",
        VAULTING,
        "    if request is not None and (request.provider, request.account) != where.of(state):\n",
        "    if request is not None and request.account == 'nowhere':\n",
    ),
)
