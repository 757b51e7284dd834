"""Faults to plant where a provider is away; see planted_faults.py."""

from __future__ import annotations

from planted_faults import Fault

RUN_ON = "tests/outages"
CIRCUIT = "infrastructure/gateways/circuit.py"
GUARDED = "infrastructure/gateways/guarded.py"
HOLDING = "infrastructure/workers/outages.py"
WATCH = "infrastructure/workers/outage_watch.py"
CALLBACKS = "infrastructure/workers/callback_worker.py"
REDACTION = "infrastructure/gateways/redaction.py"
CARDS = "infrastructure/card_numbers.py"

FAULTS = (
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
        "            if wait is None and self.circuit.on_trial and self._paying:",
        "            if wait is None and self._probing and self._paying:",
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
        "        each for each in step.events if not isinstance(each, ChargeAttempted | "
        "RefundAttempted)\n",
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
        "    return state is not None and any(",
        "    return state is None and any(",
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
