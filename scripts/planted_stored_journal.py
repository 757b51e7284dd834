"""Faults to plant in the journal's tables; see planted_faults.py."""

from __future__ import annotations

from planted_faults import Fault

TABLE, WRITER = (f"infrastructure/store/journal_{name}.py" for name in ("table", "writer"))
READER, SUMS = (f"infrastructure/store/journal_{name}.py" for name in ("reader", "statements"))
JOURNAL, ANSWERS = "projections/journal.py", "infrastructure/books/answers.py"

RUN_ON = "tests/journal"
NEEDS_SERVER = True
TESTS = ("test_journal_tables",)
FAULTS = (
    Fault(
        "tables: the sums of a chunk forget its first position",
        TABLE,
        '{"after": end - size, "upto": end}',
        '{"after": end - size + 1, "upto": end}',
    ),
    Fault(
        "tables: sums of chunks are made of one chunk too few",
        TABLE,
        "number * fan, (number + 1) * fan",
        "number * fan, (number + 1) * fan - 1",
    ),
    Fault(
        "tables: a position at the end of a chunk counts it twice",
        TABLE,
        "            while done + size <= position:\n"
        "                levels.append(level)\n"
        "                numbers.append(done // size)\n"
        "                done += size\n"
        "        return levels, numbers, done",
        "            while done + size <= position:\n"
        "                levels.append(level)\n"
        "                numbers.append(done // size)\n"
        "                done += size\n"
        "        return levels, numbers, done - (done == position)",
    ),
    Fault(
        "tables: an entry need not balance",
        TABLE,
        "CONSTRAINT balanced CHECK ({}(currencies, minors))",
        "CONSTRAINT balanced CHECK ({}(currencies, minors) OR true)",
    ),
    Fault(
        "tables: a forged sum is not compared",
        TABLE,
        '            (self.sums, live.sums, "sums"),\n',
        "",
    ),
    Fault(
        "tables: what was served before it is billed is left out",
        SUMS,
        "greatest(days - 1, 0), not_before) AS last",
        "greatest(days - 2, 0), not_before) AS last",
    ),
    Fault(
        "tables: numbers begin anew with the process",
        WRITER,
        "Journal(self._read.get, numbers)",
        "Journal(self._read.get, {})",
    ),
    Fault(
        "tables: a subscription is read as it stands at the end of the batch",
        WRITER,
        "found = self._log.read_streams(some, self.position)",
        "found = self._log.read_streams(some, self.position + len(names))",
    ),
    Fault(
        "tables: a fact that cannot be posted is passed over",
        WRITER,
        '{item.stream: parked_at(item, f"{type(error).__name__}: {error}")}',
        "{}",
    ),
    Fault(
        "tables: closed periods are forgotten with the process",
        WRITER,
        "        for prefix in FOR_ALL:",
        "        for prefix in ():",
    ),
    Fault(
        "tables: an answer counts what was recorded after the position",
        READER,
        'entry.position <= %(upto)s AND entry.day <= %(day)s"\n            " AND starts_with',
        'entry.day <= %(day)s"\n            " AND starts_with',
    ),
    Fault(
        "tables: they answer for a position that they do not hold",
        READER,
        "reached.position < position",
        "reached.position < position - 1",
    ),
    Fault(
        "tables: they answer with days of another zone",
        READER,
        "reached.zone != self._journal.zone",
        "not reached.zone",
    ),
    Fault(
        "tables: the journal asks for a stream that begins",
        JOURNAL,
        "        if standing is None and recorded.version > 1:",
        "        if standing is None and recorded.version > 2:",
    ),
    Fault(
        "tables: an instant's position is one too late",
        READER,
        "        if recorded_at(middle) <= instant:",
        "        if recorded_at(middle - 1 or 1) <= instant:",
    ),
)
