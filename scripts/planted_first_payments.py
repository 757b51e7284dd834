"""Faults to plant in first payments on the page that makes the token; see planted_faults.py."""

from __future__ import annotations

from planted_faults import Fault

RULES = "domain/subscription/in_session.py"
STEPS, AGENDA = "domain/processes/next_step.py", "domain/processes/agenda.py"
FOLDING, VAULTED = "domain/subscription/folding.py", "domain/subscription/folding_vaulting.py"
STATE, LOOKING = "domain/subscription/state.py", "domain/subscription/looking_up.py"
TESTS = ("test_in_session",)

FAULTS = (
    Fault(
        "a page of PayPal's is to take a payment",
        RULES,
        "    if not RULES[state.provider].session_pays:\n",
        "    if state.provider is None:\n",
    ),
    Fault(
        "a second page is asked for while a charge has no outcome",
        RULES,
        "    if state.open_attempt is not None:\n        raise Refused",
        "    if state.parked:\n        raise Refused",
    ),
    Fault(
        "a payer with a token is asked to pay on a page",
        RULES,
        "    if state.token is not None and state.token.usable:\n",
        "    if state.parked:\n",
    ),
    Fault(
        "a page that may have been made is made again",
        STEPS,
        "    only_look = taken_before or not may_open(state, request, now)\n",
        "    only_look = False\n",
    ),
    Fault(
        "who takes over from the dead makes a second page",
        STEPS,
        "    only_look = taken_before or not may_open(state, request, now)\n",
        "    only_look = not may_open(state, request, now)\n",
    ),
    Fault(
        "a page is made after its window, or in doubt",
        RULES,
        "    if attempt is None or attempt.unknown or now >= attempt.key_expires_at:\n",
        "    if attempt is None:\n",
    ),
    Fault(
        "a page is made for what was given up",
        RULES,
        "    return still_wanted(state, attempt) == attempt.amount\n",
        "    return True\n",
    ),
    Fault(
        "a lost answer to the page leaves no doubt about the payment",
        RULES,
        '            return (doubt(attempt, reason, "", now),)\n',
        "            return ()\n",
    ),
    Fault(
        "a page that was refused leaves its payment open for ever",
        RULES,
        "            return (*facts, _declined(state, attempt, answer, now))\n",
        "            return facts\n",
    ),
    Fault(
        "a page is shown although its payment is settled",
        RULES,
        "            return (expired(request_id, NOT_ANSWERED, now),)\n        case TokenDenied",
        "            return facts\n        case TokenDenied",
    ),
    Fault(
        "the request is given up while its page can be paid",
        RULES,
        "        return (expired(request_id, NOT_APPROVED, now),) if over else ()\n",
        "        return (expired(request_id, NOT_APPROVED, now),)\n",
    ),
    Fault(
        "the request is never given up",
        RULES,
        "        return (expired(request_id, NOT_APPROVED, now),) if over else ()\n",
        "        return ()\n",
    ),
    Fault(
        "another page is asked for while the first may be there",
        RULES,
        "    if request is None or request.provider_ref or awaited(state, request) is not None:\n",
        "    if request is None or request.provider_ref:\n",
    ),
    Fault(
        "a page that was never made is asked for without its payment",
        RULES,
        "    if invoice is not None:\n        return (over, *_asked(",
        "    if False:\n        return (over, *_asked(",
    ),
    Fault(
        "an attempt that the payer makes is sent with no token",
        STEPS,
        "    if attempt.waits_for_payer:\n",
        "    if attempt.renewed:\n",
    ),
    Fault(
        "a payment of which nobody tells is looked for too late",
        RULES,
        "    return attempt.attempted_at + LOOK_UP_WAITS[0]\n",
        "    return attempt.attempted_at + LOOK_UP_WAITS[2]\n",
    ),
    Fault(
        "a page that was asked for late is looked for before anybody asked",
        RULES,
        "    if not attempt.order_ref:\n        return attempt.key_expires_at\n",
        "",
    ),
    Fault(
        "the token is not seen once the payment is made",
        STEPS,
        "        return SeeToken(request) if token_shows(state, request) else Nothing()\n",
        "        return Nothing()\n",
    ),
    Fault(
        "what was paid without a token begins nothing",
        FOLDING,
        "            return received(_begun(settled)",
        "            return received(settled",
    ),
    Fault(
        "money that came late begins nothing",
        FOLDING,
        "            return received(_begun(found)",
        "            return received(found",
    ),
    Fault(
        "a payment is looked for by its reference alone",
        VAULTED,
        "with_(paid, order_ref=event.provider_ref, page_until=event.expires_at)",
        "with_(paid, page_until=event.expires_at)",
    ),
    Fault(
        "nobody is told that a card was not saved",
        STATE,
        "        return self.collects and not chargeable and self.token_request is None\n",
        "        missing = self.token is not None and not chargeable\n"
        "        return self.collects and missing and self.token_request is None\n",
    ),
    Fault(
        "what is reserved before there is a token is let go",
        STATE,
        "        if not self.bills or invoice is None:\n",
        "        if not self.collects or invoice is None:\n",
    ),
    Fault(
        "a person calls a page unpaid that can be paid",
        LOOKING,
        "        _check_page_is_over(attempt, now)\n",
        "",
    ),
    Fault(
        "the page's last hour is forgotten",
        LOOKING,
        "now < until + PAYERS_LAST_MINUTES:",
        "now < until:",
    ),
)
