"""Faults to plant in due runs; see planted_faults.py."""

from __future__ import annotations

from planted_faults import Fault

ITEMS, CHECK = "domain/due_runs/items.py", "projections/due_runs.py"
AUDIT = "projections/auditing/due_runs.py"

RUN_ON = "tests/due_runs"
TESTS = ("test_items", "test_audit")
FAULTS = (
    Fault(
        "due runs: what falls due later is found, too",
        ITEMS,
        "item.due_at is None or item.due_at > until:",
        "item.due_at is None:",
    ),
    Fault(
        "due runs: what is to be billed is not found",
        ITEMS,
        "ItemKind.LOOK_UP, ItemKind.INVOICE)",
        "ItemKind.LOOK_UP)",
    ),
    Fault(
        "due runs: a doubt is a decline",
        ITEMS,
        "    if attempt is not None and attempt.invoice_number == number:",
        "    if attempt is not None and attempt.invoice_number < number:",
    ),
    Fault(
        "due runs: what came late is no charge",
        ITEMS,
        "            case ChargeSucceeded() | ChargeFoundLate():",
        "            case ChargeFoundLate():",
    ),
    Fault(
        "due runs: what is still due was put off",
        ITEMS,
        '    if any(due.invoice_number == number for due in found_due("", state, until)):',
        "    if number < 0:",
    ),
    Fault(
        "due runs: two charges are one",
        ITEMS,
        "len(self.taken) <= 1",
        "len(self.taken) <= 2",
    ),
    Fault(
        "due runs: items that came due meanwhile are left out",
        CHECK,
        "    keys = sorted({*(each.key for each in found), *facts.done})",
        "    keys = sorted({*(each.key for each in found)})",
    ),
    Fault(
        "due runs: the digest forgets the order",
        ITEMS,
        'sorted(f"{each}\\n" for each in lines)',
        'sorted(f"{each}\\n" for each in lines)[:1]',
    ),
    Fault(
        "due runs: skipped ones beyond the named are gone",
        ITEMS,
        "        skipped_beyond=max(0, len(skipped) - MOST_NAMED),",
        "        skipped_beyond=0,",
    ),
    Fault(
        "due runs: what the run told is believed",
        CHECK,
        "    if ended(told.run_id, ends, now=told.effective_at) != told:",
        "    if ended(told.run_id, ends, now=told.effective_at).digest != told.digest:",
    ),
    Fault(
        "due runs: what it found is believed",
        CHECK,
        "    if attrs.evolve(again, query=known.query) != known:",
        "    if again.items != known.items:",
    ),
    Fault(
        "audit: a run may begin as often as it likes",
        AUDIT,
        "            if run is not None:\n                say(",
        "            if run is None and event:\n                say(",
    ),
    Fault(
        "audit: a run may end twice",
        AUDIT,
        "        if run is None or run.ended is not None:",
        "        if run is None:",
    ),
    Fault(
        "audit: a run may know what is to come",
        AUDIT,
        "            if event.position >= position:",
        "            if event.position > position:",
    ),
    Fault(
        "audit: what was due before is not asked again",
        AUDIT,
        "            if due is not None and due <= until:",
        "            if due is not None and due < until and stream in self._states and False:",
    ),
    Fault(
        "audit: what changed is not asked anew",
        AUDIT,
        "        self._changed.add(stream)",
        "        self._changed.add(stream) if state is None else None",
    ),
    Fault(
        "audit: facts behind the end count",
        AUDIT,
        "if each.told.ended_at <= position]:",
        "if each.told.ended_at < position - 1]:",
    ),
    Fault(
        "audit: what was found due is believed",
        AUDIT,
        '        for name in ("items", "sums", "digest"):',
        '        for name in ("items", "sums"):',
    ),
    Fault(
        "audit: an item that was left is passed over",
        AUDIT,
        "                if each.reason == NO_OUTCOME and",
        "                if not each.reason and",
    ),
    Fault(
        "audit: an item that the run told of is a fault",
        AUDIT,
        "        if again.digest != known.digest:\n            named = {",
        "        if again.digest:\n"
        "            known = attrs.evolve(known, skipped=())\n"
        "            named = {",
    ),
)
