"""Faults to plant in what settles an instalment plan early; see planted_faults.py."""

from __future__ import annotations

from planted_faults import Fault

SETTLING, STATE = "domain/subscription/settling.py", "domain/subscription/state.py"
FOLDING, DEMANDS = "domain/subscription/folding.py", "domain/subscription/folding_demands.py"
WHAT_IF, PREVIEWS = "domain/deciding_anew.py", "domain/settlement_previews.py"

FAULTS = (
    Fault(
        "settlement: the last instalment is left out",
        SETTLING,
        "(last_invoice(after.terms) or 0) + 1)",
        "(last_invoice(after.terms) or 0))",
    ),
    Fault(
        "settlement: what the schedule billed is billed again",
        SETTLING,
        "    left = range(after.invoices_issued + 1,",
        "    left = range(after.invoices_issued,",
    ),
    Fault(
        "settlement: what is due is not billed by the schedule first",
        SETTLING,
        "    billed, after = bill_what_is_due(state, now=now, zone_version=zone_version)\n",
        "    billed, after = (), state\n",
    ),
    Fault(
        "settlement: the schedule bills on",
        FOLDING,
        "            return with_(state, settled=last, next_due_at=None)",
        "            return with_(state, settled=last)",
    ),
    Fault(
        "settlement: after a pause the schedule bills what was settled",
        STATE,
        "            None if self.settled is None else self.settled.last_invoice,\n",
        "",
    ),
    Fault(
        "settlement: it can be settled twice",
        SETTLING,
        "    if state.settled is not None:",
        "    if False:",
    ),
    Fault(
        "settlement: an open end can be settled",
        SETTLING,
        "    if state.terms.kind is not Kind.INSTALLMENT:",
        "    if False:",
    ),
    Fault(
        "settlement: what stands still can be settled",
        SETTLING,
        "    check_active(state)\n",
        "",
    ),
    Fault(
        "settlement: what is going to end can be settled",
        SETTLING,
        "    if state.cancellation is not None:",
        "    if False:",
    ),
    Fault(
        "settlement: a token that cannot be charged will do",
        SETTLING,
        "    if not any(each is not None and each.usable for",
        "    if not any(each is not None for",
    ),
    Fault(
        "settlement: every payment has the lines of the next one",
        SETTLING,
        "    lines = tuple(line for number in left for line in _lines(state, number))",
        "    lines = tuple(line for _ in left for line in _lines(state, left[0]))",
    ),
    Fault(
        "settlement: a free trial counts as an instalment",
        SETTLING,
        "    return invoice_number - (0 if terms.trial is None else 1)",
        "    return invoice_number",
    ),
    Fault(
        "settlement: paid by credit it does not complete",
        SETTLING,
        "    return with_completion(state, (settled, *issued), now=now)",
        "    return (settled, *issued)",
    ),
    Fault(
        "settlement: decided anew it is billed as it was, whatever the terms",
        WHAT_IF,
        "        case InvoiceIssued() if settles(event):\n            return ()  ",
        "        case InvoiceIssued() if settles(event):\n            return (event,)  ",
    ),
    Fault(
        "settlement: a preview forgets the credit",
        PREVIEWS,
        "        to_pay=Money(invoice.total.minor - applied, state.currency),",
        "        to_pay=invoice.total,",
    ),
)
