"""Faults to plant in the books; see planted_faults.py."""

from __future__ import annotations

from planted_faults import Fault

POSTING, STANDING = "domain/books/posting.py", "domain/books/standing.py"
EARNING, CHART = "domain/books/recognition.py", "domain/books/chart.py"
ACCOUNTS, JOURNAL = "domain/books/accounts.py", "projections/journal.py"
SUMS, MONTHS = "projections/account_sums.py", "projections/waterfall.py"
STATEMENTS = "projections/statements.py"

RUN_ON = "tests/finance"
TESTS = ("test_posting", "test_books", "test_journal", "test_finance")
FAULTS = (
    Fault(
        "books: what an invoice did not need stays a receivable below nothing",
        STANDING,
        "        return min(received.minor, self.open.get(invoice_number, 0))",
        "        return received.minor",
    ),
    Fault(
        "books: money in another currency pays the invoice",
        STANDING,
        "        if received.currency != self.currency:",
        "        if not received.currency:",
    ),
    Fault(
        "books: a refund that failed is gone for the customer",
        POSTING,
        "            _debit(Role.REFUNDING, event.customer_id, asked),\n"
        "            _credit(Role.CREDIT, event.customer_id, asked),",
        "            _debit(Role.REFUNDING, event.customer_id, asked),\n"
        "            _credit(Role.GOODWILL, event.customer_id, asked),",
    ),
    Fault(
        "books: money that came is credit a second time",
        POSTING,
        "    if event.kind is CreditKind.OVERPAYMENT:",
        "    if event.kind is None:",
    ),
    Fault(
        "books: what is given back is earned all the same",
        EARNING,
        "        attrs.evolve(each, minor=-each.minor)",
        "        attrs.evolve(each, minor=0)",
    ),
    Fault(
        "books: the first day of service is earned a day late",
        EARNING,
        "        served = (day - self.start).days + 1",
        "        served = (day - self.start).days",
    ),
    Fault(
        "books: days charged anew are sold on the day they are billed",
        EARNING,
        "        if known is not None:",
        "        if False:",
    ),
    Fault(
        "books: lines need not come to nothing",
        ACCOUNTS,
        "    if any(left.values()):",
        "    if False:",
    ),
    Fault(
        "books: a number is given to what is not in the books",
        JOURNAL,
        "        self._numbers[series, year] += 1",
        "        self._numbers[series, year] += 1 + (len(self._standing) > 1)",
    ),
    Fault(
        "books: an account that the chart does not know is left to the first",
        CHART,
        "                if each.role is account.role and fnmatchcase(account.of, each.of):",
        "                if each.role is account.role or each is self.accounts[-1]:",
    ),
    Fault(
        "books: what takes effect on the day itself does not count",
        SUMS,
        "        if entry.day(zone) <= known.as_of:",
        "        if entry.day(zone) < known.as_of:",
    ),
    Fault(
        "books: the waterfall forgets what was served before it is billed",
        MONTHS,
        "            elif served := each.earned(known.as_of):",
        "            elif served := 0:",
    ),
    Fault(
        "books: a statement's opening forgets the day before",
        STATEMENTS,
        "        if since is not None and day < since:",
        "        if since is not None and day <= since:",
    ),
)
