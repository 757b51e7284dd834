"""Faults to plant in the journal's tables; see planted_faults.py."""

from __future__ import annotations

from planted_faults import Fault

TABLE, WRITER = (f"infrastructure/store/journal_{name}.py" for name in ("table", "writer"))
READER, SUMS = (f"infrastructure/store/journal_{name}.py" for name in ("reader", "statements"))
ITEMS, PARTS = (f"infrastructure/store/journal_{name}.py" for name in ("items", "parts"))
LINES = "projections/account_lines.py"
JOURNAL, ANSWERS = "projections/journal.py", "infrastructure/books/answers.py"

RUN_ON = "tests/journal"
NEEDS_SERVER = True
TESTS = ("test_journal_tables", "test_journal_items", "test_journal_parts")
FAULTS = (
    Fault(
        "tables: the sums of a chunk forget its first position",
        TABLE,
        '"after": end - size, "upto": end}',
        '"after": end - size + 1, "upto": end}',
    ),
    Fault(
        "tables: sums of chunks are made of one chunk too few",
        TABLE,
        '"end": (chunk + 1) * fan}',
        '"end": (chunk + 1) * fan - 1}',
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
        '"after": after, "upto": position}',
        '"after": after, "upto": position + 1}',
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
    # --- open items ----------------------------------------------------------------------------
    Fault(
        "items: a row goes on when its item has moved",
        ITEMS,
        "UPDATE {items} SET until_chunk = %(chunks)s",
        "UPDATE {items} SET until_chunk = NULL",
    ),
    Fault(
        "items: what an item was worth before is forgotten when it moves",
        ITEMS,
        "UNION ALL SELECT {item}, from_day, minor, NULL FROM closed",
        "UNION ALL SELECT {item}, from_day, 0, NULL FROM closed",
    ),
    Fault(
        "items: a row that ends on a day is carried on for ever",
        ITEMS,
        "                    WHERE until_day IS NOT NULL\n",
        "                    WHERE until_day IS NULL\n",
    ),
    Fault(
        "items: a late movement before the old rows loses the day of the invoice",
        ITEMS,
        "UNION ALL SELECT {item}, issued, 0, issued FROM closed WHERE issued IS NOT NULL",
        "",
    ),
    Fault(
        "items: what was worth nothing since its issue has no day of it",
        ITEMS,
        "UNION ALL SELECT {item}, issued, 0, issued FROM back WHERE issued IS NOT NULL",
        "",
    ),
    Fault(
        "items: the last chunk does not look for the day of the invoice",
        ITEMS,
        "coalesce(issued, {issue})",
        "issued",
    ),
    Fault(
        "items: the day of an invoice that has not come counts",
        ITEMS,
        'issue=_issue(entries, day=SQL("%(day)s"))',
        "issue=_issue(entries, day=SQL(\"'infinity'\"))",
    ),
    Fault(
        "items: a row holds on the day on which it ends",
        ITEMS,
        "until_day > %(day)s",
        "until_day >= %(day)s",
    ),
    Fault(
        "items: a row is known at the chunk at which it ends",
        ITEMS,
        "from_chunk <= %(chunks)s AND until_chunk > %(chunks)s",
        "from_chunk <= %(chunks)s AND until_chunk >= %(chunks)s",
    ),
    Fault(
        "items: rows that last long are not looked for",
        ITEMS,
        "generate_series(0, {classes}) AS class (n)\n        CROSS JOIN LATERAL (\n"
        "            SELECT {item}, minor, issued FROM {items} WHERE until_day IS NOT NULL",
        "generate_series(0, {classes} - 1) AS class (n)\n        CROSS JOIN LATERAL (\n"
        "            SELECT {item}, minor, issued FROM {items} WHERE until_day IS NOT NULL",
    ),
    Fault(
        "items: a row is looked for half as far back as it may last",
        ITEMS,
        "%(day)s::date - (1 << class.n)",
        "%(day)s::date - (1 << class.n) / 2",
    ),
    Fault(
        "items: one is known before it is recorded",
        ITEMS,
        "WHERE {lasting} AND from_day <= %(day)s AND from_chunk <= %(chunks)s",
        "WHERE {lasting} AND from_day <= %(day)s",
    ),
    Fault(
        "items: a forged row is not compared",
        TABLE,
        '            (self.items, live.items, "items"),\n',
        "",
    ),
    # --- parts of deferred revenue -------------------------------------------------------------
    Fault(
        "parts: like ones count once",
        PARTS,
        "SELECT 0, %(chunk)s, {like}, day, {first}, {last}, count(*)",
        "SELECT 0, %(chunk)s, {like}, day, {first}, {last}, 1",
    ),
    Fault(
        "parts: what is earned on the last day is left out",
        PARTS,
        "{chunks} AND day <= %(day)s AND last > %(day)s) AS part",
        "{chunks} AND day <= %(day)s AND last > %(day)s + 1) AS part",
    ),
    Fault(
        "parts: what is earned before it is billed is left out of whole chunks",
        PARTS,
        "{chunks} AND day > %(day)s AND first <= %(day)s AND first < day) AS part",
        "{chunks} AND day > %(day)s AND first <= %(day)s AND first > day) AS part",
    ),
    Fault(
        "parts: a forged row is not compared",
        TABLE,
        '            (self.parts, live.parts, "parts"),\n',
        "",
    ),
    Fault(
        "tables: those of an older program cannot be renamed",
        "infrastructure/store/rebuild.py",
        "ALTER TABLE IF EXISTS",
        "ALTER TABLE",
    ),
    # --- ledgers -------------------------------------------------------------------------------
    Fault(
        "ledgers: a page begins with the entry that ended the one before it",
        LINES,
        "place <= after",
        "place < after",
    ),
    Fault(
        "ledgers: the opening counts what does not count yet",
        ANSWERS,
        "eve = min(before.day - _A_DAY, self.known.as_of)",
        "eve = before.day - _A_DAY",
    ),
    Fault(
        "ledgers: the opening leaves out the day of the page",
        ANSWERS,
        "terms += [(1, upto, before.day), (-1, upto, eve)]",
        "terms += []",
    ),
)
