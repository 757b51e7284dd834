"""Faults to plant in what is billed beside the schedule; see planted_faults.py."""

from __future__ import annotations

from planted_faults import Fault

DEMANDING, THRESHOLD = "domain/subscription/demanding.py", "domain/subscription/threshold.py"
FOLDING, USAGE = "domain/subscription/folding_demands.py", "domain/subscription/folding_usage.py"
BILLS, BESIDE = "domain/subscription/folding_bills.py", "domain/subscription/beside.py"
RULES, COMPLETING = "domain/plan_rules.py", "domain/subscription/completing.py"
METERING, NEXT_STEP = "domain/subscription/metering.py", "domain/processes/next_step.py"

TESTS = ("test_demanding", "test_reloading", "test_threshold", "test_kinds")
FAULTS = (
    Fault(
        "on demand: a demand takes the next number of the schedule",
        BILLS,
        "    if on_demand(event.invoice_number):\n",
        "    if False:\n",
    ),
    Fault(
        "on demand: an id is billed as often as it is asked for",
        DEMANDING,
        "    if known is not None:\n        return _again",
        "    if False:\n        return _again",
    ),
    Fault(
        "on demand: another wish under a known id is quiet",
        DEMANDING,
        "    if (known.description, known.amount, known.tax) != (text, wish.amount, wish.tax):",
        "    if known.tax != wish.tax:",
    ),
    Fault(
        "on demand: a fixed price may vary",
        DEMANDING,
        "    if not terms.variable and (amount, wish.tax)",
        "    if terms.variable and False and (amount, wish.tax)",
    ),
    Fault(
        "on demand: the daily bound is one too high",
        DEMANDING,
        "    if asked >= state.terms.most_demands_a_day:",
        "    if asked > state.terms.most_demands_a_day:",
    ),
    Fault(
        "on demand: the day is the one in UTC",
        DEMANDING,
        "    days = (local_day(each, state.zone).isoformat() for each in instants)",
        "    days = (each.date().isoformat() for each in instants)",
    ),
    Fault(
        "on demand: what is asked for of a subscription completes it",
        COMPLETING,
        "    if not after.terms.scheduled:\n",
        "    if False:\n",
    ),
    Fault(
        "on demand: credit does not pay it",
        BESIDE,
        "    return (invoice, *apply_credits(state, invoice, now=now))",
        "    return (invoice,)",
    ),
    Fault(
        "on demand: ids are forgotten at once",
        FOLDING,
        "    return with_(state, demands=(*kept, demand))",
        "    return with_(state, demands=(demand,))",
    ),
    Fault(
        "on demand: a second reload for one crossing",
        FOLDING,
        "        reloaded=below and before is not None and before.reloaded,",
        "        reloaded=False,",
    ),
    Fault(
        "on demand: a crossing is never over",
        FOLDING,
        "        reloaded=below and before is not None and before.reloaded,",
        "        reloaded=before is not None and before.reloaded,",
    ),
    Fault(
        "on demand: a balance at the threshold is reloaded",
        FOLDING,
        "event.balance.minor < agreed.threshold.minor",
        "event.balance.minor <= agreed.threshold.minor",
    ),
    Fault(
        "on demand: an older balance counts",
        DEMANDING,
        "    if last is not None and wish.at <= last.at:",
        "    if last is not None and wish.at <= last.at and wish.at == now:",
    ),
    Fault(
        "on demand: the day's cap does not hold",
        DEMANDING,
        "        _on_day(instants, state, today) < agreed.most_a_day\n        and ",
        "        True\n        and ",
    ),
    Fault(
        "on demand: the month's cap counts the days",
        DEMANDING,
        "        and _on_day(instants, state, today[:7]) < agreed.most_a_month",
        "        and _on_day(instants, state, today) < agreed.most_a_month",
    ),
    Fault(
        "on demand: usage must go beyond the threshold",
        THRESHOLD,
        "amount.minor >= threshold.minor else",
        "amount.minor > threshold.minor else",
    ),
    Fault(
        "on demand: usage billed at the threshold is billed again",
        USAGE,
        "    return with_(state, usage=(), counted=(*kept, stretch), counted_from=stretch.ends)",
        "    return with_(state, counted=(*kept, stretch), counted_from=stretch.ends)",
    ),
    Fault(
        "on demand: usage at the threshold takes what a due period bills",
        THRESHOLD,
        "    if not lines or stretch is None or invoice_due(state, now=now) or _over(state, now):",
        "    if not lines or stretch is None or _over(state, now):",
    ),
    Fault(
        "on demand: a correction up to the threshold bills nothing",
        METERING,
        "    facts = (*credits, corrected)\n"
        "    return (*facts, *threshold_invoice(evolve_all(state, facts), now=now))",
        "    return (*credits, corrected)",
    ),
    Fault(
        "on demand: the worker forgets the threshold",
        NEXT_STEP,
        "    invoiced = invoiced or threshold_invoice(state, now=now)\n",
        "",
    ),
    Fault(
        "on demand: tiers are billed in parts, each from the first unit",
        RULES,
        "        if len(meter.tiers) != 1 or meter.tiers[0].flat or",
        "        if meter.tiers[0].flat or",
    ),
)
