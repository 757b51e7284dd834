"""Faults to plant in the rules of changes, pauses, credits and endings; see planted_faults.py."""

from __future__ import annotations

from planted_faults import Fault

CHANGING, PAUSING = "domain/subscription/changing.py", "domain/subscription/pausing.py"
CREDITING, ENDING = "domain/subscription/crediting.py", "domain/subscription/ending.py"
RUNNING, INVOICING = "domain/subscription/running.py", "domain/subscription/invoicing.py"
BILLS, PRICING = "domain/subscription/folding_bills.py", "domain/pricing.py"
RESUMING, OWED = "domain/subscription/resuming.py", "domain/subscription/owed.py"
PLAN_RULES = "domain/plan_rules.py"
SCHEDULE, STATE = "domain/schedule.py", "domain/subscription/state.py"
NEXT_STEP = "domain/processes/next_step.py"

TESTS = ("test_changing", "test_pausing", "test_crediting", "test_ending")
FAULTS = (
    # --- parts of a period --------------------------------------------------------------------
    Fault(
        "prorated by 30 days, whatever the month",
        PRICING,
        "            numerator, denominator = left, whole_days",
        "            numerator, denominator = left, 30",
    ),
    Fault(
        "a part of a period costs as much as a whole one",
        PRICING,
        "    if days == whole_days:\n",
        "    if days <= whole_days:\n",
    ),
    Fault(
        "by the second: a day of 23 hours counts as 24",
        PRICING,
        "            denominator = int((ends - begins).total_seconds()) * whole_days",
        "            denominator = 86400 * period.days * whole_days",
    ),
    Fault(
        "cents that do not add up: the fraction is rounded before it is multiplied",
        PRICING,
        "    stated = rounded(exact, part.unit_price.currency)",
        "    some = Fraction(round(1000 * numerator / denominator), 1000)\n"
        "    stated = rounded(part.quantity * part.unit_price.minor * some, "
        "part.unit_price.currency)",
    ),
    Fault(
        "a part of a part is given back as if it were a part of a whole",
        RUNNING,
        "        whole_days=state.schedule.whole_days(number),",
        "        whole_days=state.schedule.period(number).days,",
    ),
    # --- changes ------------------------------------------------------------------------------
    Fault(
        "a new price is applied to the past",
        CHANGING,
        "    billed, after = bill_what_is_due(state, now=now, zone_version=zone_version)\n",
        "    billed, after = (), state\n",
    ),
    Fault(
        "changed at the period end, but the running period is charged too",
        CHANGING,
        "    period = running(after, now=now) if wish.when is When.NOW else None",
        "    period = running(after, now=now)",
    ),
    Fault(
        "an upgrade charges the new rest and keeps the old one",
        CHANGING,
        "            credits = credit_for(state, unused, CreditKind.PRORATION, wish.reason, now)",
        "            credits = ()",
    ),
    Fault(
        "billed afterwards, the running period is charged at both prices",
        CHANGING,
        "            lines = tuple(given_back(each) for each in unused)",
        "            lines = ()",
    ),
    Fault(
        "changed twice, the second change gives back the first price",
        RUNNING,
        "    if state.repriced is not None:",
        "    if state.repriced is None:",
    ),
    Fault(
        "what a change put aside for the next invoice is put on every one after it",
        BILLS,
        "        lines_to_come=(),",
        "        lines_to_come=state.lines_to_come,",
    ),
    Fault(
        "a change during the trial makes the trial cost",
        RUNNING,
        "tax=terms.tax) if cost.parts else cost",
        "tax=terms.tax)",
    ),
    Fault(
        "the day of the month is lost with a change of price",
        CHANGING,
        "    if terms.interval == present.interval:\n        return present\n",
        "",
    ),
    Fault(
        "billed afterwards, the new price is charged for the period that runs",
        CHANGING,
        "next_number + 1 if served_before_billed(state, day) else next_number",
        "next_number",
    ),
    Fault(
        "another currency is agreed to",
        PLAN_RULES,
        "    if new.currency != old.currency:",
        "    if not new.currency:",
    ),
    Fault(
        "instalments can be made cheaper after the fact",
        PLAN_RULES,
        "    if terms.kind is Kind.INSTALLMENT:",
        "    if old.kind is None:",
    ),
    # --- pauses -------------------------------------------------------------------------------
    Fault(
        "billed during a pause",
        BILLS,
        "        next_due_at=state.next_due_at if still_to_come else None,",
        "        next_due_at=state.next_due_at,",
    ),
    Fault(
        "the days of a pause are billed when it is over",
        RESUMING,
        "        return attrs.evolve(schedule, anchor_invoice=number - index, stub=None)",
        "        return schedule",
    ),
    Fault(
        "resumed in the middle, the whole period is charged",
        RESUMING,
        "whole_days=whole.days)",
        "whole_days=(boundary - day).days)",
    ),
    Fault(
        "a pause before the first day moves the first day forward",
        RESUMING,
        "    if day <= state.schedule.period(state.invoices_issued + 1).start:\n"
        "        return state.schedule\n",
        "",
    ),
    Fault(
        "days that were given back are used for nothing",
        RESUMING,
        "    rule = rule_for(state, state.terms.proration)\n",
        "    return state.schedule, ()\n    rule = rule_for(state, state.terms.proration)\n",
    ),
    Fault(
        "a pause with an end never ends",
        NEXT_STEP,
        "    step = _resume(state, now, zone_version)",
        "    step: Step = Nothing()",
    ),
    Fault(
        "what is owed is not collected during a pause",
        STATE,
        "        return self.status in (Status.ACTIVE, Status.PAUSED, Status.SUSPENDED)",
        "        return self.status in (Status.ACTIVE, Status.SUSPENDED)",
    ),
    # --- credit -------------------------------------------------------------------------------
    Fault(
        "the same credit pays every invoice",
        BILLS,
        "        with_(each, left=each.left - event.amount)\n",
        "        each\n",
    ),
    Fault(
        "more is taken from a credit than there is",
        OWED,
        "        taken = min(credit.left.minor, minor)",
        "        taken = minor",
    ),
    Fault(
        "an invoice is charged in full although credit paid a part of it",
        OWED,
        "        return self.total - self.credited - self.paid",
        "        return self.total - self.paid",
    ),
    Fault(
        "the newest credit is used first",
        OWED,
        "    for credit in credits:",
        "    for credit in reversed(tuple(credits)):",
    ),
    Fault(
        "a credit of less than nothing is granted",
        CREDITING,
        "    if amount.minor <= 0:",
        "    if amount.minor == 0:",
    ),
    # --- endings ------------------------------------------------------------------------------
    Fault(
        "cancelled at the period end, and billed once more",
        INVOICING,
        "    return not state.ends_before_next",
        "    return True",
    ),
    Fault(
        "a planned cancellation never takes place",
        NEXT_STEP,
        "        step = _cancel(state, now)",
        "        step = Nothing()",
    ),
    Fault(
        "periods before the planned end are not billed",
        ENDING,
        "    if state.next_due_at is not None and not state.ends_before_next:\n",
        "    if state.next_due_at is None:\n",
    ),
    Fault(
        "taken back, and never billed again",
        ENDING,
        "        next_due_at = due_at(state, state.invoices_issued + 1)",
        "        pass",
    ),
    Fault(
        "what waited for the next invoice is lost when there is none",
        ENDING,
        "    facts = (*unused, *closing, SubscriptionCancelled(",
        "    facts = (*unused, SubscriptionCancelled(",
    ),
    Fault(
        "ended as planned, what waited is lost",
        ENDING,
        "    return (*closing_invoice(state, now=planned.at), cancelled)",
        "    return (cancelled,)",
    ),
    Fault(
        "more is given back than was charged: the whole price of a period that had two",
        RUNNING,
        "    return Proration.BY_DAY if repriced and policy is Proration.FULL else policy",
        "    return policy",
    ),
    Fault(
        "the free days pass during a pause",
        PAUSING,
        "    if after.terms.trial and not after.invoices_issued and",
        "    if not after.terms and",
    ),
    Fault(
        "cancelled now, the rest is always given back",
        ENDING,
        "credit: Proration = Proration.NONE",
        "credit: Proration = Proration.BY_DAY",
    ),
)
