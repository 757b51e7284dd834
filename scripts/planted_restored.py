"""Faults to plant in what follows from a restoration; see planted_faults.py."""

from __future__ import annotations

from planted_faults import Fault

LOST, SAYING = "domain/restorations/lost.py", "domain/restorations/saying.py"
WORKER, ADVANCE = "infrastructure/workers/lost.py", "infrastructure/workers/advance.py"
CALLS, AUDIT = "infrastructure/workers/provider_calls.py", "projections/auditing/restoring.py"

RUN_ON = "tests/restorations"
TESTS = ("test_judging", "test_lost", "test_saying")
FAULTS = (
    Fault(
        "restored: only the next attempt's own reference is looked for",
        LOST,
        "        for nth in range(first, first + most_attempts(state.terms))",
        "        for nth in range(first, first + 1)",
    ),
    Fault(
        "restored: an attempt further on is booked as the next one",
        LOST,
        "    if attempted.attempt_number < found.number:",
        "    if attempted.attempt_number > found.number:",
    ),
    Fault(
        "restored: a doubt is an absence",
        LOST,
        "        if isinstance(each.answer, Unknown | NotDone):\n"
        "            return _doubted(each.attempt.reference",
        "        if isinstance(each.answer, NotDone):\n"
        "            return _doubted(each.attempt.reference",
    ),
    Fault(
        "restored: a look that was not made is an absence",
        LOST,
        "        if isinstance(each.answer, Unknown | NotDone):\n"
        "            return _doubted(each.attempt.reference",
        "        if isinstance(each.answer, Unknown):\n"
        "            return _doubted(each.attempt.reference",
    ),
    Fault(
        "restored: what does not show yet is believed absent",
        LOST,
        "    if now < proved_at:",
        "    if now < restored.until:",
    ),
    Fault(
        "restored: the delay is counted from the backup",
        LOST,
        "    proved_at = restored.until + max(",
        "    proved_at = restored.since + max(",
    ),
    Fault(
        "restored: a decline hides the payment after it",
        LOST,
        "        if isinstance(each.answer, Captured):\n"
        "            return Found(each.attempt.attempt_number, each.answer)",
        "        if isinstance(each.answer, Captured | Declined):\n"
        "            return Found(each.attempt.attempt_number, each.answer)",
    ),
    Fault(
        "restored: charged at another account, and here, too",
        LOST,
        "    elsewhere = [each for each in shown if _place(each.attempt) != at]",
        "    elsewhere: list[Shown] = []",
    ),
    Fault(
        "restored: a charge is looked for at its own account alone",
        WORKER,
        "        places = {at: None} | {(Provider(name), account): None "
        "for name, account in self._gateways}",
        "        places = {at: None}",
    ),
    Fault(
        "restored: what falls due next was never charged",
        LOST,
        "due_at <= restored.until + MARGIN",
        "due_at <= restored.since",
    ),
    Fault(
        "restored: an attempt of the backup is sent as if nobody had",
        LOST,
        "    return attempt.attempted_at < restored.until and not attempt.waits_for_payer",
        "    return attempt.attempted_at > restored.until and not attempt.waits_for_payer",
    ),
    Fault(
        "restored: an attempt of the backup is sent again after a look",
        WORKER,
        "        return not begun and self.sent_before(state)",
        "        return False",
    ),
    Fault(
        "restored: a refund goes out before a look",
        LOST,
        "    return (refund.requested_at if charge is None else charge.at) < restored.until",
        "    return False",
    ),
    Fault(
        "restored: the refund after a refused one is not looked for",
        LOST,
        "            for number in range(known + 1, known + 1 + MORE_REFUNDS)",
        "            for number in range(known + 1, known + 1)",
    ),
    Fault(
        "restored: a second restoration forgets what the first lost",
        SAYING,
        "since=min(at for _, at in known)",
        "since=max(at for _, at in known)",
    ),
    Fault(
        "restored: the search begins today",
        CALLS,
        "    earlier += [] if since is None else [since]",
        "    earlier = []",
    ),
    Fault(
        "restored: what is held is attempted all the same",
        ADVANCE,
        "        return kept, None if held is None else held_until(hand.state, held)",
        "        return step, None",
    ),
    Fault(
        "restored: any head is believed",
        AUDIT,
        "    if event.head != recorded.position - 1:",
        "    if event.head < 0:",
    ),
)
