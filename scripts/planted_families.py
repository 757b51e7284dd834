"""Faults to plant in rows made family by family; see planted_faults.py."""

from __future__ import annotations

from planted_faults import Fault

FAMILIES, CREW = (f"infrastructure/store/{name}.py" for name in ("families", "crew"))
REBUILD = "infrastructure/store/rebuild.py"

RUN_ON = "tests/store"
NEEDS_SERVER = True
TESTS = ("test_families", "test_rebuild", "test_ledger_reading")
FAULTS = (
    Fault(
        "families: each stream is one by itself",
        "projections/families.py",
        'return f"customer {event.customer_id}"',
        "return beginning.stream",
    ),
    Fault(
        "families: the last batch is forgotten",
        FAMILIES,
        "    if batch:\n        yield batch",
        "    return",
    ),
    Fault(
        "families: a page is read, the others are not",
        FAMILIES,
        "        if len(items) < PAGE:",
        "        if True:",
    ),
    Fault(
        "families: each page begins with no row",
        FAMILIES,
        "folded = fold(projection, touches, self._rows)",
        "folded = fold(projection, touches, {})",
    ),
    Fault(
        "families: what the fold sets aside is forgotten",
        FAMILIES,
        "self.parked |= parked | folded.parked",
        "self.parked |= parked",
    ),
    Fault(
        "families: who is set aside stays in the rows",
        FAMILIES,
        "touches_of(projection, items, self.parked)",
        "touches_of(projection, items, {})",
    ),
    Fault(
        "families: facts after the stop are read",
        "infrastructure/store/recorder.py",
        "(wanted, after, stop, limit)",
        "(wanted, after, _LAST, limit)",
    ),
    Fault(
        "families: the facts of a family come stream by stream",
        "infrastructure/store/recorder.py",
        'WHERE e.position > %b AND e.position <= %b ORDER BY e.position LIMIT %b"\n        )',
        'WHERE e.position > %b AND e.position <= %b ORDER BY e.stream LIMIT %b"\n        )',
    ),
    Fault(
        "rebuild: tables are not emptied before the log's order",
        REBUILD,
        "                table.empty(conn)",
        "                table.count(conn)",
    ),
    Fault(
        "rebuild: what families set aside is forgotten",
        REBUILD,
        "each.start_from(stop, aside)",
        "each.start_from(stop, {})",
    ),
    Fault(
        "crew: a batch is left out",
        CREW,
        "for batch in batches]",
        "for batch in list(batches)[1:]]",
    ),
)
