"""Faults to plant in the work on tokens that end; see planted_faults.py."""

from __future__ import annotations

from planted_faults import Fault

RUN_ON = "tests/workers"
TESTS = ("test_letting_go_work",)
ADVANCE, LATER = "infrastructure/workers/advance.py", "infrastructure/workers/deletions.py"
CALLBACKS = "infrastructure/workers/callback_worker.py"
CALLS = "infrastructure/workers/provider_calls.py"

FAULTS = (
    Fault(
        "a token that another subscription is charged with is deleted",
        ADVANCE,
        "isinstance(call, DeleteToken) and await self._desk.is_shared(call.token.token_ref)",
        "False",
    ),
    Fault(
        "the vault keeps what can be charged no more",
        ADVANCE,
        "                await self._drop_tokens(events)\n",
        "",
    ),
    Fault(
        "a notice is settled though nobody could look",
        ADVANCE,
        "isinstance(answer, NotDone | Unknown) and isinstance(call, LookUpToken)",
        "False",
    ),
    Fault(
        "a deletion is asked for every minute for ever",
        LATER,
        "    again = now + min(max(now - asked_at, SHORTEST_WAIT), longest)",
        "    again = now + SHORTEST_WAIT",
    ),
    Fault(
        "a deletion keeps what falls due meanwhile waiting",
        LATER,
        "    hand.not_before = min(hand.delete_again_at, first or hand.delete_again_at)",
        "    hand.not_before = hand.delete_again_at",
    ),
    Fault(
        "the provider's own wait is not heard",
        LATER,
        "    if isinstance(answer, NotDone) and answer.retry_after_s is not None:",
        "    if False:",
    ),
    Fault(
        "that a token was made passes for its end",
        CALLBACKS,
        "    if one.token_ended:\n",
        "    if True:\n",
    ),
    Fault(
        "a notice is looked at for every token",
        CALLBACKS,
        "        yield from (each for each in state.tokens if each.token_ref in refs)",
        "        yield from state.tokens",
    ),
    Fault(
        "a look deletes",
        CALLS,
        "            if isinstance(call, LookUpToken):\n",
        "            if False:\n",
    ),
)
