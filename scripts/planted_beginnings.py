"""Faults for mutate.py to plant: how billing begins, anchors that move, the guard."""

from __future__ import annotations

from planted_faults import Fault

STARTING, ALIGNING = "domain/subscription/starting.py", "domain/subscription/aligning.py"
PARKING, INVOICING = "domain/subscription/parking.py", "domain/subscription/invoicing.py"

TESTS = ("test_beginning", "test_parking", "test_starting")
FAULTS = (
    Fault(
        "an instalment up to an anchor is for its days alone, and the total is never reached",
        "domain/pricing.py",
        "    in_parts = terms.kind is not Kind.INSTALLMENT\n",
        "    in_parts = True\n",
    ),
    Fault(
        "the paid trial has one period too many",
        STARTING,
        "            anchor=anchor, anchor_invoice=number + trial.cycles,",
        "            anchor=anchor, anchor_invoice=number + trial.cycles + 1,",
    ),
    Fault(
        "what was to be skipped is billed",
        STARTING,
        "    if wish.past is Past.SKIP and wish.start < today:",
        "    if wish.past is Past.SKIP and today < wish.start:",
    ),
    Fault(
        "a waived period too few",
        STARTING,
        "    free = Reduction(coupon=WAIVED, ppm=WHOLE_PPM, invoices=due,",
        "    free = Reduction(coupon=WAIVED, ppm=WHOLE_PPM, invoices=max(1, due - 1),",
    ),
    Fault(
        "skipped, and the 31st is forgotten",
        STARTING,
        "    regular = attrs.evolve(schedule, anchor_invoice=1 - index, stub=None)",
        "    regular = attrs.evolve(schedule, anchor=begins, anchor_invoice=1, stub=None)",
    ),
    Fault(
        "the part up to the anchor is measured by the period that follows it",
        ALIGNING,
        "    before = count_from(anchor, schedule.interval, -1)",
        "    before = anchor - (count_from(anchor, schedule.interval, 1) - anchor)",
    ),
    Fault(
        "a moved anchor bills the running period anew",
        ALIGNING,
        "        number += 1  # what runs already, or is off the rhythm already, stays as it is",
        "        pass",
    ),
    Fault(
        "resumed in a paid trial, the regular periods overlap it",
        ALIGNING,
        "    if old.period(number).start == begins:",
        "    if old is not None:",
    ),
    Fault(
        "the guard stops one long invoice",
        PARKING,
        "    if before == 0 or before + lines <= MOST_LINES_A_DAY:",
        "    if before + lines <= MOST_LINES_A_DAY // 10:",
    ),
    Fault(
        "parked, and billed all the same",
        INVOICING,
        "    if not state.collects or state.parked or due is None or now < due:",
        "    if not state.collects or due is None or now < due:",
    ),
)
