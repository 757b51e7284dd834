"""Faults to plant in what a plan would have billed, or is going to; see planted_faults.py."""

from __future__ import annotations

from planted_faults import Fault

ANEW, ON_PLAN = "domain/deciding_anew.py", "domain/what_if_plan.py"
HISTORY, PLAN_RULES = "domain/history.py", "domain/plan_rules.py"
PREVIEWS, OFFERING = "domain/previews.py", "domain/catalogue/offering.py"
TESTS = ("test_what_if", "test_what_if_plan", "test_plan_previews")

FAULTS = (
    Fault(
        "what if: the plan's quantity takes the place of the agreed one",
        ON_PLAN,
        "attrs.evolve(new, quantity=agreed.quantity, trial=agreed.trial)",
        "attrs.evolve(new, trial=agreed.trial)",
    ),
    Fault(
        "what if: the plan takes the trial away",
        ON_PLAN,
        "quantity=agreed.quantity, trial=agreed.trial)",
        "quantity=agreed.quantity)",
    ),
    Fault(
        "what if: a paid trial costs what the plan does",
        ON_PLAN,
        "keeps_paid_trial=True",
        "keeps_paid_trial=False",
    ),
    Fault(
        "what if: a plan billed at another time is compared",
        PLAN_RULES,
        "    if new.timing is not old.timing:",
        "    if False:",
    ),
    Fault(
        "what if: a plan in another currency is compared",
        ON_PLAN,
        "        check_same_arrangement(agreed, new)\n",
        "",
    ),
    Fault(
        "what if: what follows a paid trial keeps the old rhythm",
        ANEW,
        "event, terms=terms, schedule=attrs.evolve(schedule, interval=terms.interval)",
        "event, terms=terms, schedule=schedule",
    ),
    Fault(
        "what if: another rhythm is taken for other days",
        HISTORY,
        "    stays = event.terms == agreed and event.when is When.PERIOD_END",
        "    stays = event.when is When.PERIOD_END",
    ),
    Fault(
        "what if: usage at the threshold is billed as it was",
        ANEW,
        "            return threshold_invoice(state, now=now)\n",
        "            return (event,)\n",
    ),
    Fault(
        "what if: a version that is still to come is not found",
        OFFERING,
        '        raise Refused("plan-version-unknown", f"{plan.code} has no version '
        '{choice.version}")\n    return named',
        '        raise Refused("plan-version-unknown", f"{plan.code} has no version '
        '{choice.version}")\n    return named if named.available_from <= now else plan.versions[0]',
    ),
    Fault(
        "preview: an announced move is left out",
        PREVIEWS,
        '        state = evolve_all(state, move_due(state, plan, now=due, zone_version=""))\n',
        "",
    ),
    Fault(
        "preview: a move is shown one period late",
        PREVIEWS,
        '        state = evolve_all(state, move_due(state, plan, now=due, zone_version=""))\n'
        "        found.append(_scheduled(state, number))\n",
        "        found.append(_scheduled(state, number))\n"
        '        state = evolve_all(state, move_due(state, plan, now=due, zone_version=""))\n',
    ),
    Fault(
        "preview: as many invoices as asked for, whatever the terms say",
        PREVIEWS,
        "        if due is None:\n            break\n",
        "        due = due or state.start and start_of_day(state.start, state.zone)\n",
    ),
)
