"""Faults to plant in what a charge is said to be made of."""

from __future__ import annotations

from planted_faults import Fault

LINES = "domain/subscription/charge_lines.py"

FAULTS = (
    Fault(
        "what was paid before is not taken off",
        LINES,
        "    rest = due - amount.minor\n",
        "    rest = 0 * due\n",
    ),
    Fault(
        "of several lines at one rate only the last is taxed",
        LINES,
        "before + tax)\n",
        "tax)\n",
    ),
    Fault(
        "lines are shown for an amount that they do not come to",
        LINES,
        "    if not invoice.parts or due < amount.minor:\n",
        "    if not invoice.parts:\n",
    ),
    Fault(
        "an invoice without tax has lines",
        LINES,
        "    if not taxed:\n",
        "    if not sums:\n",
    ),
)
