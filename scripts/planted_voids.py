"""Faults to plant in the life of reservations; see planted_faults.py."""

from __future__ import annotations

from planted_faults import Fault

VOIDING, CHARGING = "domain/subscription/voiding.py", "domain/subscription/charging.py"
LOOKING, FOLDING = "domain/subscription/looking_up.py", "domain/subscription/folding_voids.py"
STEPS, AGENDA = "domain/processes/next_step.py", "domain/processes/agenda.py"
FOLDED = "domain/subscription/folding.py"

TESTS = ("test_voiding", "test_capturing")
FAULTS = (
    Fault(
        "what is wanted no more is captured",
        CHARGING,
        "    if wanted.minor == 0 or has_lapsed(attempt, now):",
        "    if has_lapsed(attempt, now):",
    ),
    Fault(
        "what is too old is captured",
        CHARGING,
        "    if wanted.minor == 0 or has_lapsed(attempt, now):",
        "    if wanted.minor == 0:",
    ),
    Fault(
        "all that was reserved is captured, though less is open",
        VOIDING,
        "    return min(attempt.amount, invoice.open, key=lambda each: each.minor)",
        "    return attempt.amount",
    ),
    Fault(
        "more than was reserved is captured",
        VOIDING,
        "    return min(attempt.amount, invoice.open, key=lambda each: each.minor)",
        "    return invoice.open",
    ),
    Fault(
        "a capture in part is held against the whole",
        FOLDING,
        "        amount=event.amount,\n",
        "",
    ),
    Fault(
        "a capture of more than is open is sent",
        STEPS,
        "    unwanted = still_wanted(state, attempt) != attempt.amount or has_lapsed(attempt, now)",
        "    unwanted = not state.wants(attempt) or has_lapsed(attempt, now)",
    ),
    Fault(
        "after a crash a capture of more than is open is sent",
        LOOKING,
        "    if still_wanted(state, attempt) != attempt.amount or has_lapsed(attempt, now):",
        "    if not state.wants(attempt) or has_lapsed(attempt, now):",
    ),
    Fault(
        "a void is repeated under another key",
        VOIDING,
        "    number = attempt.voids if attempt.void_id is not None else attempt.voids + 1",
        "    number = attempt.voids + 1",
    ),
    Fault(
        "a void that may have been sent is sent without a look",
        STEPS,
        "        return LookUp(attempt, LOOK_UP) if taken_before else SendVoid(attempt, "
        "attempt.void_id)",
        "        return SendVoid(attempt, attempt.void_id)",
    ),
    Fault(
        "a void in doubt is sent again before the plan says so",
        LOOKING,
        "        return isinstance(answer, Authorized) and not attempt.unknown",
        "        return isinstance(answer, Authorized)",
    ),
    Fault(
        "a void is repeated for ever",
        FOLDING,
        "        looks=attempt.looks if again else 0,",
        "        looks=0,",
    ),
    Fault(
        "what was let go counts as declined",
        LOOKING,
        "        case Declined(code=code) if attempt.void_id is not None:",
        "        case Declined(code=code) if attempt.void_id is None and attempt.voids:",
    ),
    Fault(
        "a void denied because of a capture is taken for no charge",
        VOIDING,
        "        case VoidDenied(captured=True, code=code):",
        "        case VoidDenied(captured=True, code=code) if attempt.unknown:",
    ),
    Fault(
        "a callback sends a void again",
        LOOKING,
        "    if evidence == CALLBACK or not attempt.unknown:",
        "    if not attempt.unknown:",
    ),
    Fault(
        "a reservation that is told again is captured beside its void",
        CHARGING,
        "            if attempt.capture_id is not None or attempt.void_id is not None:",
        "            if attempt.capture_id is not None:",
    ),
    Fault(
        "a reservation is renewed again and again",
        VOIDING,
        "attempt.authorized_at is None or attempt.renewed:",
        "attempt.authorized_at is None:",
    ),
    Fault(
        "the first reservation is captured after its renewal",
        FOLDING,
        "        authorization_ref=event.authorization_ref,",
        "        authorization_ref=attempt.authorization_ref or event.authorization_ref,",
    ),
    Fault(
        "a reservation that ended by its age waits for a retry",
        LOOKING,
        "            return (_not_made(state, attempt, words, now),)\n        case Captured()",
        "            return settle(state, attempt.attempt_id, answer, evidence=evidence, now=now)\n"
        "        case Captured()",
    ),
    Fault(
        "a renewal that is declined is asked for for ever",
        STEPS,
        "is_to_be_renewed(attempt, now) and key not in not_renewed",
        "is_to_be_renewed(attempt, now)",
    ),
    Fault(
        "a void is on nobody's agenda before it is due again",
        AGENDA,
        "        return (Item(kind=ItemKind.VOID, key=key, due_at=attempt.voided_at, why=why),)",
        "        return (Item(kind=ItemKind.VOID, key=key, due_at=None, why=why),)",
    ),
    Fault(
        "money of what was let go is forgotten when it turns up",
        FOLDED,
        "    settled = with_(state, open_attempt=None, failed_attempts=(*state.failed_attempts, "
        "attempt))\n",
        "    kept = () if isinstance(event, AuthorizationVoided) else (attempt,)\n"
        "    settled = with_(state, open_attempt=None, failed_attempts=(*state.failed_attempts, "
        "*kept))\n",
    ),
)
