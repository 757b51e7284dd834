"""Faults to plant where tokens end; see planted_faults.py."""

from __future__ import annotations

from planted_faults import Fault

ENDING, FOLDING = "domain/subscription/letting_go.py", "domain/subscription/folding_tokens.py"
VAULTED, STATE = "domain/subscription/folding_vaulting.py", "domain/subscription/state.py"
STEPS, AGENDA = "domain/processes/next_step.py", "domain/processes/agenda.py"
LOOKING = "domain/subscription/looking_up.py"
TESTS = ("test_letting_go",)

FAULTS = (
    Fault(
        "a token that was let go is charged until it is gone",
        FOLDING,
        "    return with_(token, usable=False, let_go_at=event.effective_at, let_go=event.reason)",
        "    return with_(token, let_go_at=event.effective_at, let_go=event.reason)",
    ),
    Fault(
        "a revoked token is charged on",
        FOLDING,
        "        return with_(token, usable=False, gone=True)",
        "        return with_(token, gone=True)",
    ),
    Fault(
        "the end of one token is the end of all",
        FOLDING,
        "    if token.token_ref != event.token_ref:\n        return token\n",
        "",
    ),
    Fault(
        "what was replaced is held for ever",
        FOLDING,
        "        replaced=tuple(each for each in replaced if not each.gone),",
        "        replaced=tuple(replaced),",
    ),
    Fault(
        "what was replaced is forgotten, and stays at the provider",
        VAULTED,
        "    return state.replaced if older is None or older.gone else (*state.replaced, older)",
        "    return state.replaced",
    ),
    Fault(
        "an attempt is sent with a token that has ended",
        STATE,
        "        return token is not None and token.usable and not self.moved_from(attempt)",
        "        return not self.moved_from(attempt)",
    ),
    Fault(
        "after a crash an attempt is sent with a token that has ended",
        LOOKING,
        "    if attempt.capture_id is None and not state.may_send(attempt):",
        "    if attempt.capture_id is None and state.moved_from(attempt):",
    ),
    Fault(
        "a revocation is booked by a callback alone",
        ENDING,
        "    if token is None or not isinstance(answer, TokenGone):\n        return ()\n"
        "    reason = REVOKED",
        "    if token is None:\n        return ()\n    reason = REVOKED",
    ),
    Fault(
        "nobody is asked for another token",
        ENDING,
        "    return (*facts, *request_token(after, reason=ended.reason, now=now))",
        "    return facts",
    ),
    Fault(
        "a payer who said no is asked again when the token is gone",
        ENDING,
        "    if not facts or state.token is None or not state.token.usable:\n"
        "        return facts\n",
        "    if not facts or state.token is None:\n        return facts\n",
    ),
    Fault(
        "a payer is asked after the end",
        ENDING,
        "    if not after.collects or after.token is None or after.token.usable:",
        "    if after.token is None or after.token.usable:",
    ),
    Fault(
        "a token is let go again and again",
        ENDING,
        "        if each.let_go_at is None\n",
        "",
    ),
    Fault(
        "the first method goes with the backup",
        ENDING,
        "            meant = tuple(each for each in state.tokens if each == backup)",
        "            meant = state.tokens",
    ),
    Fault(
        "what we deleted is said to be revoked",
        ENDING,
        "    reason = REVOKED if token.let_go_at is None else DELETED",
        "    reason = REVOKED",
    ),
    Fault(
        "a token is deleted under a charge that is open",
        AGENDA,
        "if each.let_go_at is not None and each.token_ref not in needed",
        "if each.let_go_at is not None",
    ),
    Fault(
        "a token is deleted under a refund that is on its way",
        AGENDA,
        "    needed |= {each.token_ref for each in state.collected if each.attempt_id in begun}\n",
        "",
    ),
    Fault(
        "a deletion that was not done holds everything up",
        STEPS,
        "        if token.token_ref not in held:\n            return DeleteToken(token)",
        "        return DeleteToken(token)",
    ),
    Fault(
        "nobody has it deleted",
        STEPS,
        "        step = _let_go(state, tokens_held)",
        "        step = Nothing()",
    ),
)
