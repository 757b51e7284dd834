"""Faults to plant in accounting periods; see planted_faults.py."""

from __future__ import annotations

from planted_faults import Fault

ROUTING, JOURNAL = "domain/books/periods.py", "projections/journal.py"
CLOSING, STATE = "domain/periods/closing.py", "domain/periods/state.py"
MONTHS, SUMS = "domain/periods/months.py", "projections/period_sums.py"
AUDIT = "projections/auditing/periods.py"

RUN_ON = "tests/periods"
TESTS = ("test_closing", "test_seals", "test_audit")
FAULTS = (
    Fault(
        "periods: a late fact counts in the closed month",
        ROUTING,
        "        if day >= opens:",
        "        if day >= opens or entry.document:",
    ),
    Fault(
        "periods: revenue of closed days is earned on them",
        ROUTING,
        "    return each if each.start >= opens else",
        "    return each if each.start >= opens or each.days else",
    ),
    Fault(
        "periods: the first open day takes nothing up",
        ROUTING,
        "        return first_day_after(self.periods[-1]) if self.periods else None",
        "        return first_day_after(self.periods[-1]).replace(day=2) if self.periods else None",
    ),
    Fault(
        "periods: opening one again opens none",
        ROUTING,
        "            return attrs.evolve(self, periods=tuple(sorted(others)))",
        "            return self",
    ),
    Fault(
        "periods: the journal does not hear of a close",
        JOURNAL,
        "            self.closed = self.closed.after(event)",
        "            self.closed = self.closed",
    ),
    Fault(
        "periods: a late entry says that it belongs where it counts",
        ROUTING,
        "belongs_to=period_of(day), not_before=opens",
        "belongs_to=period_of(opens), not_before=opens",
    ),
    Fault(
        "periods: days end in UTC",
        ROUTING,
        "        return Closed(event.zone, tuple(sorted({*others, event.period})))",
        '        return Closed("UTC", tuple(sorted({*others, event.period})))',
    ),
    Fault(
        "periods: closed on its last day",
        CLOSING,
        "    if now < ends:",
        "    if now.date() < ends.date():",
    ),
    Fault(
        "periods: who asks may approve, in other letters",
        CLOSING,
        "    return one.casefold() == other.casefold()",
        "    return one == other",
    ),
    Fault(
        "periods: a locked one is opened again",
        CLOSING,
        "    if known.locked is not None:",
        "    if known.locked is not None and later_closed:",
    ),
    Fault(
        "periods: one in the middle is opened",
        CLOSING,
        "    if later_closed:",
        "    if later_closed and known.asked is None:",
    ),
    Fault(
        "periods: a wish to open a locked one waits on",
        STATE,
        "            return attrs.evolve(period, locked=event, asked=None)",
        "            return attrs.evolve(period, locked=event)",
    ),
    Fault(
        "periods: gaps are let pass",
        CLOSING,
        '    if before.expected not in ("", wish.period):',
        "    if before.expected > wish.period:",
    ),
    Fault(
        "periods: the month after December is of the same year",
        MONTHS,
        "    return period_of(first_day_after(period))",
        "    return period[:4] + period_of(first_day_after(period))[4:]",
    ),
    Fault(
        "periods: what is earned is left out of a seal",
        SUMS,
        "                self._move(period_of(first), lines)",
        "                self._move(period_of(first), lines[:0])",
    ),
    Fault(
        "periods: a seal opens with what the month itself brought",
        SUMS,
        "            if each < period:\n                opening",
        "            if each <= period:\n                opening",
    ),
    Fault(
        "periods: the digest forgets the months before",
        SUMS,
        "            if each <= period:\n                balances",
        "            if each == period:\n                balances",
    ),
    Fault(
        "periods: the audit adds nothing up",
        AUDIT,
        "        if found.digest != event.digest:",
        "        if found.digest != event.digest and found.entries:",
    ),
    Fault(
        "periods: the audit does not look where a seal stands",
        AUDIT,
        "        if event.position != position - 1:",
        "        if event.position > position - 1:",
    ),
)
