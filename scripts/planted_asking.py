"""Faults to plant in how prices and usage are asked for; see planted_faults.py."""

from __future__ import annotations

from planted_faults import Fault

RUN_ON = "tests/asking"
PERCENTS, PREVIEW = "domain/percents.py", "domain/price_previews.py"
USAGE, FILE = "infrastructure/commands/usage.py", "infrastructure/commands/usage_file.py"
AGREEING, WISHES = "infrastructure/commands/agreeing.py", "infrastructure/commands/wishes.py"
LINES, TERMS = "infrastructure/commands/customer_terms.py", "infrastructure/api/asked_terms.py"
PAYPAL = "infrastructure/gateways/paypal/vault.py"

FAULTS = (
    Fault(
        "a rate of 8.875 % is read as 88.75 %",
        PERCENTS,
        "fraction.ljust(_PPM_DIGITS",
        "fraction.rjust(_PPM_DIGITS",
    ),
    Fault(
        "a rate that is too precise is cut, and nobody is told",
        PERCENTS,
        '    fraction = (match[2] or "").rstrip("0")\n',
        '    fraction = (match[2] or "").rstrip("0")[:4]\n',
    ),
    Fault(
        "a second run of a batch takes the first one's facts for its own: usage that never counts",
        USAGE,
        "    return attrs.evolve(stamp, command_id=uuid5(stamp.command_id, named))",
        "    return stamp",
    ),
    Fault(
        "one report that is refused takes the rest of its subscription with it",
        USAGE,
        "                batch.outcomes[place] = refused\n                continue\n",
        "                batch.outcomes[place] = refused\n                break\n",
    ),
    Fault(
        "the same report twice in a batch counts twice",
        USAGE,
        "                state = evolve_all(state, following)\n",
        "",
    ),
    Fault(
        "usage that comes late makes all of it cheaper, and the credit for it is lost",
        USAGE,
        "                events += following\n",
        "                events += following[-1:]\n",
    ),
    Fault(
        "who lost a race keeps refusals that are no longer true",
        USAGE,
        "        batch.outcomes.pop(place, None)\n",
        "        batch.outcomes.get(place)\n",
    ),
    Fault(
        "streams of a batch are loaded again and again, once for every report",
        USAGE,
        "loaded = self._ledger.load(list(batch.waiting))",
        "loaded = {k: self._ledger.load([k])[k] for k in batch.waiting}",
    ),
    Fault(
        "a report that was known is told as counted",
        USAGE,
        "Done(position=head, changed=False) for place in quiet",
        "Done(position=head, changed=True) for place in quiet",
    ),
    Fault(
        "an instant without its offset is read as that of this machine",
        USAGE,
        "            at = checked_instant(wish.report.at)\n",
        "            at = wish.report.at.astimezone()\n",
    ),
    Fault(
        "half a unit in a file is read as a whole number of units",
        FILE,
        'found["quantity"], found["at"]',
        'found["quantity"].partition(".")[0], found["at"]',
    ),
    Fault(
        "instalments do not add up to the total that was agreed to",
        AGREEING,
        "    return split_total(total, cycles)",
        "    return (split_total(total, cycles)[0],) * cycles",
    ),
    Fault(
        "the stated total of what is charged once is not held against the charges",
        AGREEING,
        "    if stated is not None and stated != (due := one_time_total(terms)):",
        "    if stated is not None and stated.minor < 0 and (due := one_time_total(terms)):",
    ),
    Fault(
        "a plan whose amount varies is started as one of fixed price",
        AGREEING,
        "    if variable or metered:\n",
        "    if variable and metered:\n",
    ),
    Fault(
        "a change of quantity takes the tax away",
        WISHES,
        "        if self.untaxed:\n",
        "        if self.untaxed or self.tax is None:\n",
    ),
    Fault(
        "new tiers keep the old price, so that nobody can agree to them",
        WISHES,
        '            given["price"] = self.tiers[0].unit_price\n',
        "            pass\n",
    ),
    Fault(
        "a line of a customer file says another price than its plan file, and nobody is told",
        LINES,
        "        if fields.text(column):\n",
        '        if fields.text(column) and column != "price":\n',
    ),
    Fault(
        "prices that state the tax are billed with the tax on top",
        TERMS,
        "ppm=parse_percent(self.percent), included=self.included",
        "ppm=parse_percent(self.percent), included=False",
    ),
    Fault(
        "the payer is shown a plan's total that PayPal does not add up to",
        PAYPAL,
        "    for part in (*nets.values(), tax):\n",
        "    for part in nets.values():\n",
    ),
    Fault(
        "the payer approves fixed payments, and is charged by usage",
        PAYPAL,
        '"VARIABLE" if terms.variable or terms.metered else "FIXED"',
        '"VARIABLE" if terms.variable else "FIXED"',
    ),
    Fault(
        "a preview of a period charges the fee that only the first has",
        PREVIEW,
        "    if not first:\n",
        "    if first:\n",
    ),
    Fault(
        "a preview forgets the discounts",
        PREVIEW,
        "    lines = with_discounts(discounts, lines)\n",
        "",
    ),
)
