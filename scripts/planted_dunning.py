"""Faults to plant in dunning and in resolved discrepancies; see planted_faults.py."""

from __future__ import annotations

from planted_faults import Fault

DUNNING = "domain/subscription/dunning.py"
DISCREPANCIES = "domain/subscription/discrepancies.py"
PAYMENTS = "domain/subscription/folding_payments.py"
STATE = "domain/subscription/state.py"

TESTS = ("test_dunning", "test_discrepancies", "test_retrying")
FAULTS = (
    # --- the end of dunning -------------------------------------------------------------------
    Fault(
        "the grace is forgotten",
        DUNNING,
        "    return invoice.used_up_at + timedelta(days=policy.grace_days)",
        "    return invoice.used_up_at",
    ),
    Fault(
        "a suspension lets billing go on",
        PAYMENTS,
        "                next_due_at=state.next_due_at if last > state.invoices_issued else None,",
        "                next_due_at=state.next_due_at,",
    ),
    Fault(
        "what is owed is not collected during a suspension",
        STATE,
        "        return self.status in (Status.ACTIVE, Status.PAUSED, Status.SUSPENDED)",
        "        return self.status in (Status.ACTIVE, Status.PAUSED)",
    ),
    Fault(
        "the period that begins as the grace ends is billed",
        DUNNING,
        "    until = over_at - datetime.resolution if prepaid else over_at",
        "    until = over_at",
    ),
    Fault(
        "a late worker undoes what was agreed to since",
        DUNNING,
        "            at = max(over_at, state.shaped_at)",
        "            at = over_at",
    ),
    Fault(
        "a pause is cut short by a suspension",
        DUNNING,
        "    return state.status is Status.PAUSED and state.terms.retry.end is DunningEnd.SUSPEND",
        "    return False",
    ),
    Fault(
        "given up is all that was billed, not what is left",
        DUNNING,
        "        amount=invoice.open,",
        "        amount=invoice.total,",
    ),
    # --- going on -----------------------------------------------------------------------------
    Fault(
        "the days of a suspension are billed when it is over",
        DUNNING,
        "    schedule, lines = served_from(after, None, Resume.KEEP_ANCHOR, now)",
        "    schedule, lines = after.schedule, ()",
    ),
    Fault(
        "the first of several payments reinstates",
        STATE,
        " or any(each.used_up_at for each in self.open_invoices):",
        ":",
    ),
    Fault(
        "what is given up counts as paid",
        PAYMENTS,
        "_closed(state, given_up, paid=False)",
        "_closed(state, given_up, paid=True)",
    ),
    Fault(
        "reinstated by a person, suspended again by the next worker",
        PAYMENTS,
        "tuple(with_(each, used_up_at=None) for each in state.open_invoices)",
        "state.open_invoices",
    ),
    Fault(
        "collected again without retries",
        PAYMENTS,
        "            return with_invoice(state, number, despite_dispute=despite, **COLLECTED_ANEW)",
        '            return with_invoice(state, number, ended="", retry_at=None)',
    ),
    Fault(
        "written off while its charge is under way",
        DUNNING,
        "    if attempt is not None and attempt.invoice_number == invoice_number:",
        "    if attempt is not None and attempt.invoice_number != invoice_number:",
    ),
    # --- discrepancies ------------------------------------------------------------------------
    Fault(
        "all that was received becomes credit",
        DISCREPANCIES,
        "        amount=found.surplus,",
        "        amount=found.received,",
    ),
    Fault(
        "a surplus that was paid back becomes credit, too",
        DISCREPANCIES,
        "    if resolution is Resolution.DISMISSED or found.surplus.minor == 0:",
        "    if found.surplus.minor == 0:",
    ),
    Fault(
        "euros count for kroner",
        DISCREPANCIES,
        "    if found.received.currency != state.currency:",
        "    if found.received.minor < 0:",
    ),
    Fault(
        "a surplus is settled while more may be coming",
        DISCREPANCIES,
        "    if attempt is not None and attempt.invoice_number == found.invoice_number:",
        "    if attempt is not None and attempt.invoice_number < 0:",
    ),
    Fault(
        "what is left is never collected",
        PAYMENTS,
        "    if invoice is None or invoice.ended != DISCREPANCY or disputed:",
        "    if invoice is None or invoice.ended == DISCREPANCY or disputed:",
    ),
    Fault(
        "collected while another discrepancy stands",
        PAYMENTS,
        "    if invoice is None or invoice.ended != DISCREPANCY or disputed:",
        "    if invoice is None or invoice.ended != DISCREPANCY:",
    ),
    Fault(
        "what comes on top of late money is nobody's",
        PAYMENTS,
        "unexplained=surplus) if differs else _explained(state, number, surplus)",
        "unexplained=surplus) if differs else state",
    ),
)
