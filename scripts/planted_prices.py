"""Faults to plant in tiers, tax, usage, discounts and set amounts; see planted_faults.py."""

from __future__ import annotations

from planted_faults import Fault

PRICES, TAXES, PRICING = "domain/prices.py", "domain/taxes.py", "domain/pricing.py"
METERING, USAGE = "domain/subscription/metering.py", "domain/subscription/folding_usage.py"
DISCOUNTING, USED_UP = (
    "domain/subscription/discounting.py",
    "domain/subscription/folding_discounts.py",
)
BILLS, INVOICING = "domain/subscription/folding_bills.py", "domain/subscription/invoicing.py"
SETTING, CHANGING = "domain/subscription/setting_amounts.py", "domain/subscription/changing.py"
RUNNING, RESUMING = "domain/subscription/running.py", "domain/subscription/resuming.py"
USED = "domain/subscription/usage_pricing.py"
RESTATING = "domain/subscription/restating.py"

TESTS = ("test_prices", "test_metering", "test_discounting", "test_setting_amounts")
FAULTS = (
    # --- prices and tax -----------------------------------------------------------------------
    Fault(
        "the unit at a tier's end is at the next tier's price",
        PRICES,
        "    last = quantity if tier.up_to is None else min(quantity, tier.up_to)",
        "    last = quantity if tier.up_to is None else min(quantity, tier.up_to - 1)",
    ),
    Fault(
        "a graduated list begins each tier a unit early: a unit is charged twice",
        PRICES,
        "        first = 0 if tier.up_to is None else tier.up_to + 1",
        "        first = 0 if tier.up_to is None else tier.up_to",
    ),
    Fault(
        "by volume, the last unit of a tier costs as in the next one",
        PRICES,
        "if tier.up_to is None or unit <= tier.up_to)",
        "if tier.up_to is None or unit < tier.up_to)",
    ),
    Fault(
        "tax within the price is taken for tax on top of it",
        TAXES,
        "    if rate.included:\n        exact = Fraction(stated.minor * WHOLE_PPM",
        "    if rate.included and not rate.ppm:\n        exact = Fraction(stated.minor * WHOLE_PPM",
    ),
    Fault(
        "tax is rounded on the total instead of the line",
        INVOICING,
        "    return total(taxes, taxes[0].currency) if taxes else None",
        "    exact = sum(each.tax.net.minor * each.tax.rate.ppm for each in lines if each.tax)\n"
        "    return Money(exact // 1_000_000, taxes[0].currency) if taxes else None",
    ),
    Fault(
        "the second instalment is the first one again",
        PRICING,
        "unit_price=terms.instalments[invoice_number - first]),)",
        "unit_price=terms.instalments[0]),)",
    ),
    Fault(
        "the amount that was set is billed every period",
        BILLS,
        "        amounts=tuple(each for each in state.amounts if each[0] > number),",
        "        amounts=tuple((each[0] + 1, each[1]) for each in state.amounts),",
    ),
    Fault(
        "a bill of less than nothing: the amount is set to 0 after days were given back",
        SETTING,
        "    if any(line.kind is LineKind.UNUSED for line in after.lines_to_come):",
        "    if any(line.kind is None for line in after.lines_to_come):",
    ),
    # --- usage --------------------------------------------------------------------------------
    Fault(
        "usage at the boundary is billed twice",
        USAGE,
        "    later = tuple(each for each in state.usage if each.at >= at)",
        "    later = tuple(each for each in state.usage if each.at >= at - timedelta(seconds=1))",
    ),
    Fault(
        "usage at the due instant is on the invoice before it",
        USED,
        "        usage=tuple(each for each in state.usage if each.at < until),",
        "        usage=tuple(each for each in state.usage if each.at <= until),",
    ),
    Fault(
        "late usage is lost",
        METERING,
        "        credits, lines = _less_is_credit(state, lines, CHEAPER, now)",
        "        lines = ()",
    ),
    Fault(
        "late usage that makes all of it cheaper puts an invoice below nothing",
        METERING,
        "    if total((each.amount for each in lines), state.currency).minor >= 0:",
        "    if lines:",
    ),
    Fault(
        "many small late reports cost nothing, each rounded by itself",
        RESTATING,
        "        if _is_between(change, was, whole):",
        "        if meter is not None:",
    ),
    Fault(
        "a dearer meter is applied to the past",
        USAGE,
        "    if event.when is not When.NOW or event.terms.meters == state.meters:",
        "    if event.when is not None:",
    ),
    Fault(
        "usage at the old meter is forgotten at a change",
        CHANGING,
        "        lines = (*lines, *usage_lines(state, until=now, bounded=False))",
        "        lines = (*lines,)",
    ),
    Fault(
        "a minimum on the first prepaid invoice",
        USAGE,
        "    return state.terms.timing is Timing.POSTPAID or state.invoices_issued > 0",
        "    return True",
    ),
    Fault(
        "leaving breaks the cap",
        USED,
        "    if meter.cap is not None and minor > meter.cap.minor:",
        "    if stretch.bounded and meter.cap is not None and minor > meter.cap.minor:",
    ),
    Fault(
        "a correction is forgotten",
        USAGE,
        "        with_(each, quantity=event.quantity) if each.usage_id == event.usage_id else each",
        "        each",
    ),
    Fault(
        "usage in a free trial is charged",
        USAGE,
        "    return is_trial(state.terms, number)",
        "    return False",
    ),
    Fault(
        "what was used is lost when it ends",
        INVOICING,
        "    lines = with_discounts(state.discounts, usage, waiting)",
        "    lines = with_discounts(state.discounts, (), waiting)",
    ),
    Fault(
        "the same report counts again once it is billed",
        METERING,
        "    reports = (*state.usage, *(each for stretch in state.counted for each in "
        "stretch.usage))",
        "    reports = state.usage",
    ),
    # --- discounts ----------------------------------------------------------------------------
    Fault(
        "a discount puts an invoice below nothing",
        DISCOUNTING,
        "        minor = max(0, min(bill.reducible(discount), limit))",
        "        minor = limit",
    ),
    Fault(
        "a discount is used up by a free trial",
        USED_UP,
        "        if each.invoices and str(each.discount_number) in used",
        "        if each.invoices",
    ),
    Fault(
        "a discount for one invoice reduces all of them",
        USED_UP,
        "        with_(each, invoices=each.invoices - 1)",
        "        with_(each, invoices=each.invoices)",
    ),
    Fault(
        "the setup fee is reduced, too",
        DISCOUNTING,
        "    if line.kind in _ONCE_CHARGED or line.item == AS_GIVEN_BACK",
        "    if line.item == AS_GIVEN_BACK",
    ),
    Fault(
        "the tax of a free period is rounded below nothing",
        DISCOUNTING,
        "    tax = LineTax(rate=rate, net=after.net - before.net, tax=after.tax - before.tax)",
        "    tax = taxed(off.amount, rate)",
    ),
    Fault(
        "days are given back at the price before the discount",
        BILLS,
        "            left += stated(line)",
        "            left += zero(left.currency)",
    ),
    Fault(
        "dearer for nothing, and the dearer days are paid out",
        RUNNING,
        "        cost = _reduced(state, cost) if prepaid else cost",
        "        cost = cost if prepaid else cost",
    ),
    Fault(
        "days that are charged again are reduced a second time",
        RESUMING,
        '    item = AS_GIVEN_BACK if period.billed else ""',
        '    item = ""',
    ),
    Fault(
        "the same coupon can be granted again",
        DISCOUNTING,
        "        if each.coupon == wish.coupon:",
        "        if each.coupon is None:",
    ),
)
