"""Faults to plant in settlements, their matching and their postings; see planted_faults.py."""

from __future__ import annotations

from planted_faults import Fault

RUN_ON = "tests/reconciling"
TESTS = ("test_matching", "test_reading", "test_deciding", "test_books", "test_log")
READING, STATE = "domain/settlements/reading.py", "domain/settlements/state.py"
MATCHING, DECIDING = "domain/settlements/matching.py", "domain/settlements/deciding.py"
ACCOUNTS, PROPOSING = "domain/settlements/accounts.py", "domain/settlements/proposing.py"
POSTING = "domain/books/posting_settlements.py"
LOG, JUDGE = "projections/reconciliation.py", "projections/auditing/settled.py"

FAULTS = (
    # --- reading --------------------------------------------------------------------------------
    Fault(
        "settlements: a truncated file is used",
        READING,
        "    check_totals(report)\n    digest",
        "    digest",
    ),
    Fault(
        "settlements: the same file is a new version each time",
        READING,
        "    if digest in state.known:\n",
        "    if digest in state.known[:0]:\n",
    ),
    Fault(
        "settlements: an old file that comes again undoes a later version",
        READING,
        "    if digest in state.known:\n",
        "    if digest in state.known[-1:]:\n",
    ),
    Fault(
        "settlements: rows in another order are another version",
        READING,
        "    lines = sorted([*_told(line), line.amount.minor] for line in report.lines)\n",
        "    lines = [[*_told(line), line.amount.minor] for line in report.lines]\n",
    ),
    Fault(
        "settlements: a postponed payout that is paid at last is nothing new",
        READING,
        "settlement.settled_on.isoformat(), settlement.paid]",
        "settlement.settled_on.isoformat()]",
    ),
    Fault(
        "settlements: a total that does not add up is used",
        READING,
        "        if not total.adds_up:\n",
        "        if not total.adds_up and total.other:\n",
    ),
    Fault(
        "settlements: a currency without a total is used",
        READING,
        "    for currency in sorted({code for _, code in sums} - set(currencies)):\n",
        "    for currency in sorted({code for _, code in sums} - {*currencies, 'NOK'}):\n",
    ),
    Fault(
        "settlements: lines of a reading that never ended are kept",
        STATE,
        "                if first == 1:  #",
        "                if first == 0:  #",
    ),
    # --- matching -------------------------------------------------------------------------------
    Fault(
        "reconciling: an amount that is nearly right matches",
        MATCHING,
        "        if minor == expected:\n",
        "        if abs(minor - expected) <= 1:\n",
    ),
    Fault(
        "reconciling: another currency matches by its figure",
        MATCHING,
        "            strange = [each for each in lines if each.line.amount.currency != code]\n"
        "            same = [each for each in lines if each.line.amount.currency == code]\n",
        "            strange: list[Theirs] = []\n            same = lines\n",
    ),
    Fault(
        "reconciling: what was captured twice matches twice",
        MATCHING,
        "            if each is not exact:\n",
        "            if each.line != exact.line:\n",
    ),
    Fault(
        "reconciling: a line of another account matches",
        MATCHING,
        "        named = (\n            self._by_name.get((each.place, line.kind, line.reference))",
        "        named = (\n            self._by_name.get((self.ours[0].place, line.kind,"
        " line.reference))",
    ),
    Fault(
        "reconciling: a fee of what is not ours is ours",
        MATCHING,
        "or beside is False:\n",
        "or beside is not beside:\n",
    ),
    Fault(
        "reconciling: a second fee is not noticed",
        MATCHING,
        "        if beside and seen[row] > 1:\n",
        "        if beside and seen[row] > 2:\n",
    ),
    Fault(
        "reconciling: fees are never compared with what is agreed to",
        MATCHING,
        "        if tariff is None or movement.kind is not SettledKind.CAPTURE:\n",
        "        if tariff is None or movement.kind is SettledKind.CAPTURE:\n",
    ),
    Fault(
        "reconciling: a declined charge that they took is matched",
        MATCHING,
        "        expected = movement.amount.minor if movement.standing is Standing.MOVED else 0\n",
        "        expected = movement.amount.minor\n",
    ),
    Fault(
        "reconciling: what they never reported is waited for for ever",
        MATCHING,
        "            if until is not None and movement.on + _SLACK < until:\n",
        "            if until is None and movement.on + _SLACK < self.as_of:\n",
    ),
    Fault(
        "reconciling: nothing is ever stale",
        MATCHING,
        "        return Code.STALE if (self.as_of - since).days > self.stale_after_days"
        " else Code.TIMING\n",
        "        return Code.TIMING\n",
    ),
    Fault(
        "reconciling: lines of no kind of ours are left out",
        MATCHING,
        "                case SettledKind.OTHER:\n",
        "                case SettledKind.OTHER if each.line.amount.minor > 0:\n",
    ),
    Fault(
        "reconciling: a postponed payout counts as paid",
        MATCHING,
        "                case SettledKind.PAYOUT if each.paid:\n",
        "                case SettledKind.PAYOUT if each.line.amount.minor:\n",
    ),
    Fault(
        "reconciling: an exception is another one each day",
        MATCHING,
        "        group = Code.TIMING if code in _AWAITED else code\n",
        "        group = code\n",
    ),
    Fault(
        "reconciling: the order of lines tells which is which",
        MATCHING,
        "        for line in sorted(each.lines, key=_order):\n",
        "        for line in each.lines:\n",
    ),
    Fault(
        "reconciling: a proposal of a charge that failed",
        PROPOSING,
        "        if movement.key not in taken and movement.standing is not Standing.FAILED:\n",
        "        if movement.key not in taken:\n",
    ),
    Fault(
        "reconciling: a line's id is that of its row",
        ACCOUNTS,
        "*parts, str(self.nth))",
        "*parts, str(line.row))",
    ),
    # --- what people say ------------------------------------------------------------------------
    Fault(
        "reconciling: a decision can be changed",
        DECIDING,
        "        if before.decision is decision:\n",
        "        if before.decision:\n",
    ),
    Fault(
        "reconciling: what is explained is posted",
        DECIDING,
        "            difference=one.difference if posts else Money(0, one.difference.currency),\n",
        "            difference=one.difference,\n",
    ),
    Fault(
        "reconciling: a fee is decided as cost, and posted twice",
        DECIDING,
        "kinds & {SettledKind.FEE, SettledKind.PAYOUT}",
        "kinds & {SettledKind.PAYOUT}",
    ),
    Fault(
        "reconciling: a refund's line is said to be a charge",
        DECIDING,
        "    if line.line.kind not in MOVING or (line.place, line.line.kind) != (\n"
        "        movement.place,\n"
        "        movement.kind,\n"
        "    ):\n",
        "    if line.place != movement.place:\n",
    ),
    # --- the books ------------------------------------------------------------------------------
    Fault(
        "books: a later version of a settlement posts all of it again",
        POSTING,
        "            self.posted = moved(event)\n",
        "            self.posted = Counter()\n",
    ),
    Fault(
        "books: a postponed payout is at the bank",
        POSTING,
        "        if event.paid:\n",
        "        if event.paid or True:\n",
    ),
    Fault(
        "books: the audit forgets what decisions cost",
        JUDGE,
        "        self._totals_of(event.difference.currency).kept += event.difference.minor\n",
        "        self._totals_of(event.difference.currency).kept += 0\n",
    ),
    Fault(
        "reconciling: money that was found late is not ours",
        LOG,
        "    ChargeFoundLate: Reconciliation._moved,\n",
        "",
    ),
    Fault(
        "reconciling: what a person said of a match is forgotten",
        LOG,
        "            confirmed=self.said.confirmed,\n",
        "            confirmed={},\n",
    ),
)
