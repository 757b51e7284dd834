"""Faults to plant in the catalogue and in moves between versions; see planted_faults.py."""

from __future__ import annotations

from planted_faults import Fault

MOVING, OFFERING = "domain/catalogue/moving.py", "domain/catalogue/offering.py"
PUBLISHING, STATE = "domain/catalogue/publishing.py", "domain/catalogue/state.py"
FOLDING, STARTING = "domain/catalogue/folding.py", "domain/catalogue/starting.py"
NEXT_STEP = "domain/processes/next_step.py"

TESTS = ("test_plans", "test_moving")
FAULTS = (
    Fault(
        "plans: the period of the announced day itself stays at the old price",
        STATE,
        "        if day < self.on:",
        "        if day <= self.on:",
    ),
    Fault(
        "plans: a withdrawn move goes on",
        STATE,
        "return self.withdrawn_at is None or instant < self.withdrawn_at + WITHDRAWAL_TAKES",
        "return True",
    ),
    Fault(
        "plans: who was moved before the withdrawal is billed late, at the old price",
        STATE,
        "return self.withdrawn_at is None or instant < self.withdrawn_at + WITHDRAWAL_TAKES",
        "return self.withdrawn_at is None",
    ),
    Fault(
        "plans: a price agreed to with one customer is raised with all the others",
        MOVING,
        "or version is None or not is_on(terms, version):",
        "or version is None:",
    ),
    Fault(
        "plans: a move gives everybody one unit",
        MOVING,
        "    return attrs.evolve(moved, quantity=terms.quantity, trial=terms.trial)",
        "    return attrs.evolve(moved, trial=terms.trial)",
    ),
    Fault(
        "plans: more units are taken for terms of one's own",
        OFFERING,
        "attrs.evolve(version.terms, quantity=terms.quantity, trial=terms.trial)",
        "attrs.evolve(version.terms, trial=terms.trial)",
    ),
    Fault(
        "plans: billed afterwards, everybody is moved a period late",
        MOVING,
        "    ahead = 1 if state.terms.timing is Timing.POSTPAID else 0",
        "    ahead = 0",
    ),
    Fault(
        "plans: a worker that comes late moves everybody from its own day on",
        MOVING,
        "            before = begins - _INSTANT",
        "            before = now",
    ),
    Fault(
        "plans: the rest of the running period is billed anew",
        MOVING,
        "Change(terms=terms, when=When.PERIOD_END, reason=",
        "Change(terms=terms, when=When.NOW, reason=",
    ),
    Fault(
        "plans: what cannot be moved is not billed at all",
        MOVING,
        "            except Refused:\n                return ()",
        "            except Refused:\n                raise",
    ),
    Fault(
        "plans: the second of two moves is forgotten",
        OFFERING,
        "    for _ in plan.moves:\n",
        "    for _ in plan.moves[:1]:\n",
    ),
    Fault(
        "plans: workers bill first and move then",
        NEXT_STEP,
        "        step = _move(state, plan, now, zone_version)",
        "        step = _move(state, None, now, zone_version)",
    ),
    Fault(
        "plans: a version that is announced for later is sold today",
        OFFERING,
        "if each.available_from <= moment]",
        "if each.available_from]",
    ),
    Fault(
        "plans: the oldest version is sold for ever",
        OFFERING,
        "    return available[-1] if available else None",
        "    return available[0] if available else None",
    ),
    Fault(
        "plans: a retired plan is sold on",
        OFFERING,
        "    if plan.retired_at is not None and plan.retired_at <= now:",
        "    if plan.retired_at is not None and plan.retired_at < now:",
    ),
    Fault(
        "plans: a new customer starts where everybody has left",
        OFFERING,
        "    terms = plan.versions[number - 1].terms\n",
        "    terms = version.terms\n",
    ),
    Fault(
        "plans: the same file again is refused once a new version is out",
        STARTING,
        "    if state is not None and _names(wish.choice, state.agreed):",
        "    if False:",
    ),
    Fault(
        "plans: a published version is changed",
        PUBLISHING,
        "        if known.terms == wish.terms and same_time:",
        "        if same_time:",
    ),
    Fault(
        "plans: a move for a day that has begun in Auckland",
        PUBLISHING,
        "    if on <= (now + _FURTHEST_AHEAD).date():",
        "    if on <= now.date():",
    ),
    Fault(
        "plans: moved to and fro for ever",
        PUBLISHING,
        "    _check_no_circle(known, from_version, to_version)\n",
        "",
    ),
    Fault(
        "plans: a withdrawal takes back what was withdrawn before, too",
        FOLDING,
        "    if not named or move.withdrawn_at is not None:",
        "    if not named:",
    ),
)
