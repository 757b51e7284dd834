"""Faults to plant in what late usage and corrections settle; see planted_faults.py."""

from __future__ import annotations

from planted_faults import Fault

RESTATING = "domain/subscription/restating.py"
DISCOUNTING, USED_UP = (
    "domain/subscription/discounting.py",
    "domain/subscription/folding_discounts.py",
)
METERING, USAGE = "domain/subscription/metering.py", "domain/subscription/folding_usage.py"
BILLS = "domain/subscription/folding_bills.py"
USED, INVOICING = "domain/subscription/usage_pricing.py", "domain/subscription/invoicing.py"

TESTS = ("test_restating", "test_metering", "test_discounting")
FAULTS = (
    Fault(
        "a correction gives back more than was paid: the discount is forgotten",
        RESTATING,
        "    if not bill.discounts:",
        "    if bill is not None:",
    ),
    Fault(
        "late usage is reduced twice: for its time, and on the invoice it is on",
        DISCOUNTING,
        " or line.working.policy == SETTLED:",
        ":",
    ),
    Fault(
        "a coupon that was used up does not count for its own invoices",
        USED_UP,
        "        if each.invoices is None or (each.invoices and str(each.discount_number) in used)",
        "        if each.invoices is None",
    ),
    Fault(
        "a coupon for one invoice reduces late usage beside it",
        USED_UP,
        "        if each.invoices is None or (each.invoices and str(each.discount_number) in used)",
        "        if each.invoices is None or each.invoices",
    ),
    Fault(
        "what is settled for February uses up the coupon of March",
        USED_UP,
        "    return line.kind is LineKind.DISCOUNT and line.working.policy != SETTLED",
        "    return line.kind is LineKind.DISCOUNT",
    ),
    Fault(
        "an amount off the fee is taken off the usage once more",
        USED_UP,
        "        before=tuple(each for each in lines if each.kind in _OWN),",
        "        before=(),",
    ),
    Fault(
        "the discount on both halves of a period comes back twice",
        RESTATING,
        "    now = _taken_off(bill, [after if each == before else each for each in beside])",
        "    now = _taken_off(bill, [after])",
    ),
    Fault(
        "the tax of what is taken off less is not given back",
        RESTATING,
        "        return _Taken(self.stated - stated(off).minor, self.net - net, self.tax - tax)",
        "        return _Taken(self.stated - stated(off).minor, self.net - net, self.tax)",
    ),
    Fault(
        "a minor unit of tax is lost between what was billed and what is right",
        RESTATING,
        "    return (stated(was) + stated(change), _tax(was) + _tax(change)) == "
        "(stated(whole), _tax(whole))",
        "    return stated(was) + stated(change) == stated(whole)",
    ),
    Fault(
        "usage before a change of meters is given back before it is billed",
        METERING,
        "    if stretch is not None and stretch.bill is not None:\n        right =",
        "    if stretch is not None:\n        right =",
    ),
    Fault(
        "usage before a change of meters is never billed",
        USED,
        "    return (*waiting_usage(state), *usage_lines(state, until=until, bounded=bounded))",
        "    return usage_lines(state, until=until, bounded=bounded)",
    ),
    Fault(
        "usage before a change of meters is billed with every invoice",
        USAGE,
        "    billed = tuple(each if each.bill else with_(each, bill=bill) for each in ",
        "    billed = tuple(each for each in ",
    ),
    Fault(
        "a settled discount is kept back when a subscription ends",
        INVOICING,
        "    return line.kind in OF_USAGE or line.working.policy == SETTLED",
        "    return line.kind in OF_USAGE",
    ),
    Fault(
        "a discount granted today reduces what was given back yesterday: paid out, never charged",
        USED_UP,
        "                spares=state.given_back,",
        "                spares=0,",
    ),
    Fault(
        "a discount leaves other lines alone for ever",
        BILLS,
        "        discounts=nothing_waits(used_up(state.discounts, event)),",
        "        discounts=used_up(state.discounts, event),",
    ),
    Fault(
        "a credit for usage shields days that were never given back",
        BILLS,
        "            of_days = event.kind in _OF_DAYS",
        "            of_days = True",
    ),
)
