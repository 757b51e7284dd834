"""Faults to plant in the rules, one at a time: each a complaint that real billing systems have had.
Those of changes, pauses and credits: planted_changes.py; of asking: planted_asking.py.
TESTS of such a file: the tests that are run first on its faults, by name; none here. RUN_ON: the
folder of the tests that run on them, where it is not that of the rules.

snippet: exact source, found exactly once in `path`. planted: what stands there instead.
"""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """One fault. complaint: what the customer or the accountant would say."""

    complaint: str
    path: str
    snippet: str
    planted: str


CALENDAR, SCHEDULE, PRICING = "domain/calendar.py", "domain/schedule.py", "domain/pricing.py"
PLAN = "domain/plan_rules.py"
CHARGING, INVOICING = "domain/subscription/charging.py", "domain/subscription/invoicing.py"
LOOKING_UP, RETRYING = "domain/subscription/looking_up.py", "domain/subscription/retrying.py"
FOLDING, VAULTING = "domain/subscription/folding.py", "domain/subscription/vaulting.py"
BILLS, COMPLETING = "domain/subscription/folding_bills.py", "domain/subscription/completing.py"
PAYMENTS = "domain/subscription/folding_payments.py"
FOLDING_VAULTING = "domain/subscription/folding_vaulting.py"
STATE, ENDING = "domain/subscription/state.py", "domain/subscription/ending.py"
NEXT_STEP, AGENDA = "domain/processes/next_step.py", "domain/processes/agenda.py"
MONEY, IDENTITY, PROVIDERS = "domain/money.py", "domain/identity.py", "domain/providers.py"

FAULTS = (
    # --- days -------------------------------------------------------------------------------
    Fault(
        "customers of the 31st are not billed in short months",
        CALENDAR,
        "        day = min(day, calendar.monthrange(year, month0 + 1)[1])\n",
        "        pass\n",
    ),
    Fault(
        "customers of the 31st are billed on the 28th from March on: counted from the date before",
        SCHEDULE,
        "        return Period(self.boundary(index), self.boundary(index + 1))",
        "        begins = self.boundary(index)\n"
        "        return Period(begins, count_from(begins, self.interval, 1))",
    ),
    Fault(
        "customers in Oslo are billed at UTC midnight",
        INVOICING,
        "    return start_of_day(due_day(terms, schedule.period(invoice_number)), state.zone)",
        '    return start_of_day(due_day(terms, schedule.period(invoice_number)), "UTC")',
    ),
    Fault(
        "where clocks skip midnight the day before is billed",
        CALENDAR,
        "        if middle.astimezone(zone).date() >= day:",
        "        if middle.astimezone(zone).date() >= day - timedelta(days=1):",
    ),
    Fault(
        "prepaid plans are billed at the end of the period",
        SCHEDULE,
        "return period.start if terms.timing is Timing.PREPAID else period.end",
        "return period.end if terms.timing is Timing.PREPAID else period.start",
    ),
    Fault(
        "the period after the trial begins at the start again",
        SCHEDULE,
        "    return Schedule(anchor=anchor, anchor_invoice=2, interval=terms.interval, stub=stub)",
        "    return Schedule(anchor=start, anchor_invoice=2, interval=terms.interval, stub=stub)",
    ),
    Fault(
        "plans that bill every 13 months, or every 0, are agreed to",
        PLAN,
        "    checked_interval(terms.interval)\n",
        "",
    ),
    # --- what a period costs ------------------------------------------------------------------
    Fault(
        "the free trial is charged",
        PRICING,
        "free = Share(numerator=0, denominator=1,",
        "free = Share(numerator=1, denominator=1,",
    ),
    Fault(
        "the setup fee is billed every period",
        PRICING,
        "    once = _charged_once(terms) if invoice_number == 1 else ()",
        "    once = _charged_once(terms)",
    ),
    Fault(
        "one instalment too many",
        SCHEDULE,
        "    return terms.cycles + (0 if terms.trial is None else 1)",
        "    return terms.cycles + 1",
    ),
    Fault(
        "a cent is lost on halves",
        MONEY,
        "(2 * magnitude.numerator + magnitude.denominator) // (2 * magnitude.denominator)",
        "magnitude.numerator // magnitude.denominator",
    ),
    # --- billed or charged twice --------------------------------------------------------------
    Fault(
        "billed again by every worker that comes by",
        BILLS,
        "        next_due_at=event.next_due_at,\n        billed=",
        "        next_due_at=state.next_due_at,\n        billed=",
    ),
    Fault(
        "billed before the first approval",
        INVOICING,
        "    if not state.collects or state.parked or due is None or now < due:",
        "    if state.parked or due is None or now < due:",
    ),
    Fault(
        "two attempts open at once",
        CHARGING,
        "    if not state.collects or state.open_attempt is not None:\n        return None",
        "    if not state.collects:\n        return None",
    ),
    Fault(
        "every retry has the key of the first attempt, so the provider repeats its first answer",
        IDENTITY,
        '    return uuid5(namespace, f"charge/{invoice_number}/{attempt_number}")',
        '    return uuid5(namespace, f"charge/{invoice_number}")',
    ),
    Fault(
        "sent again after the provider forgot the key",
        NEXT_STEP,
        " or now >= attempt.key_expires_at:",
        ":",
    ),
    Fault(
        "sent again after a look although the provider forgot the key",
        LOOKING_UP,
        "    return missing and not attempt.unknown and now < attempt.key_expires_at",
        "    return missing and not attempt.unknown",
    ),
    Fault(
        "sent again although another worker may have sent it",
        NEXT_STEP,
        "    if taken_before or unwanted or",
        "    if unwanted or",
    ),
    Fault(
        "sent again after an unknown outcome",
        LOOKING_UP,
        "    return missing and not attempt.unknown and",
        "    return missing and",
    ),
    Fault(
        "an unknown outcome is forgotten and the charge is sent once more",
        NEXT_STEP,
        "    if attempt.unknown:\n",
        "    if attempt.unknown and attempt.looks:\n",
    ),
    Fault(
        "a look-up that finds nothing yet is believed at once",
        LOOKING_UP,
        "    if now >= attempt.attempted_at + RULES[attempt.provider].report_delay:\n"
        "        return (_not_made(",
        "    if True:\n        return (_not_made(",
    ),
    Fault(
        "a look-up is believed before the provider reports",
        PROVIDERS,
        "        report_delay=timedelta(hours=9),",
        "        report_delay=timedelta(hours=3),",
    ),
    Fault(
        "a reservation told twice is captured twice",
        CHARGING,
        "            if attempt.capture_id is not None or attempt.void_id is not None:\n"
        "                return ()\n",
        "",
    ),
    Fault(
        "an invoice that late money paid is charged again",
        STATE,
        "        if not self.bills or invoice is None:\n            return False\n"
        "        return not invoice.ended and not self.held_back(invoice)",
        "        return self.collects",
    ),
    # --- after the end ------------------------------------------------------------------------
    Fault(
        "charged after cancelling",
        CHARGING,
        "    if not state.collects or state.open_attempt is not None:\n        return None",
        "    if state.open_attempt is not None:\n        return None",
    ),
    Fault(
        "a charge that lay waiting is sent after cancelling",
        STATE,
        "        if not self.bills or invoice is None:\n",
        "        if invoice is None:\n",
    ),
    Fault(
        "a finished instalment plan is never completed",
        COMPLETING,
        "after.next_due_at is None and not after.open_invoices:",
        "after.next_due_at is None and after.open_invoices:",
    ),
    # --- answers --------------------------------------------------------------------------------
    Fault(
        "an unknown outcome is booked as a decline",
        CHARGING,
        "return () if attempt.unknown else (doubt(attempt, reason, provider_ref, now),)",
        "from domain.subscription.events import DeclineClass\n\n"
        "            no = Declined(decline=DeclineClass.SOFT, code=reason, message=provider_ref)\n"
        "            return _declined(state, attempt, no, evidence, now)",
    ),
    Fault(
        "the amount asked is booked, not the amount received",
        CHARGING,
        "            invoice_number=attempt.invoice_number,\n            amount=answer.amount,",
        "            invoice_number=attempt.invoice_number,\n            amount=attempt.amount,",
    ),
    Fault(
        "another amount than asked passes unseen",
        CHARGING,
        "    if answer.amount != attempt.amount:",
        "    if answer.amount.currency != attempt.amount.currency:",
    ),
    Fault(
        "dollars pay an invoice in kroner",
        PAYMENTS,
        "    fits = invoice is not None and amount.currency == invoice.total.currency\n",
        "    fits = invoice is not None\n    amount = Money(amount.minor, state.currency)\n",
    ),
    Fault(
        "money that turns up late is not booked",
        CHARGING,
        "    if failed is None or not isinstance(answer, Captured):",
        "    if failed is None or isinstance(answer, Captured):",
    ),
    Fault(
        "a callback uses up the planned looks",
        LOOKING_UP,
        "    return () if evidence == CALLBACK and only_doubt else facts",
        "    return facts",
    ),
    Fault(
        "the provider's id that a look showed is forgotten before the next look",
        FOLDING,
        "                looks=event.look_number,\n"
        "                next_look_up_at=event.next_look_up_at,\n"
        "                provider_ref=event.provider_ref or attempt.provider_ref,\n",
        "                looks=event.look_number,\n"
        "                next_look_up_at=event.next_look_up_at,\n",
    ),
    # --- retries ------------------------------------------------------------------------------
    Fault(
        "a card that was refused for good is charged again",
        FOLDING,
        "    return with_(token, usable=False)",
        "    return with_(token, usable=True)",
    ),
    Fault(
        "the provider's advice when to retry is ignored",
        RETRYING,
        "    return max(planned, declined.retry_not_before or planned)",
        "    return planned",
    ),
    Fault(
        "retried for ever",
        RETRYING,
        "    if retries >= len(policy.wait_days):",
        "    if not policy.wait_days:",
    ),
    Fault(
        "retried at once, every minute",
        CHARGING,
        "        ready = not invoice.ended and invoice.collect_at <= now",
        "        ready = not invoice.ended and invoice.due_at <= now",
    ),
    Fault(
        "an invoice whose retries are used up vanishes from sight",
        AGENDA,
        "        for invoice in state.open_invoices\n        if state.open_attempt is None",
        "        for invoice in state.open_invoices\n        if not invoice.ended\n"
        "        if state.open_attempt is None",
    ),
    Fault(
        "with a new card, what could not be collected with the old one stays uncollected",
        FOLDING_VAULTING,
        "    return invoice if invoice.ended in FOR_A_PERSON else with_(",
        "    return invoice if invoice.ended else with_(",
    ),
    Fault(
        "an invoice that a person has to look at is collected again by a new card",
        RETRYING,
        "    if invoice is None or invoice.ended:\n        return ()\n    match",
        "    if invoice is None:\n        return ()\n    match",
    ),
    # --- tokens -------------------------------------------------------------------------------
    Fault(
        "a payer who did not come is forgotten, and with them what they owe from now on",
        AGENDA,
        "        return (_token_to_ask_for(state),) if state.lacks_token else ()",
        "        return ()",
    ),
    Fault(
        "the payer is asked twice at once",
        VAULTING,
        "    if state.token_request is not None:\n        return ()\n",
        "",
    ),
    Fault(
        "a provider that makes no page stops billing",
        NEXT_STEP,
        "    if isinstance(step, Nothing) and state.token_request is not None:",
        "    if state.token_request is not None:",
    ),
    Fault(
        "the new token lies in the vault and the old one is charged",
        FOLDING_VAULTING,
        "                token_ref=event.token_ref,\n                instrument=event.instrument,",
        "                token_ref=event.replaces or event.token_ref,\n"
        "                instrument=event.instrument,",
    ),
)
