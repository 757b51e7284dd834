"""A customer file: CSV in UTF-8, with or without a byte order mark, one subscription a line.

column           needed  what it holds
customer_id      yes     the merchant's own reference of the customer
price            yes     per unit and interval, a decimal number such as 29.85; empty where tiers,
                         instalment_total or plan_file say it, or where `plan` names a published
                         plan: its terms are agreed to, and the line says nothing of them but
                         plan_version and quantity
subscription_id  no      default: the customer_id
currency         no      ISO 4217 code; default USD
plan             no      the plan's code; default standard
plan_version     no      default 1; of a published plan: the version that is available
quantity         no      units; default 1; of a published plan: as published
description      no      what the payer reads; default: the plan's code
interval_unit    no      DAY, WEEK, MONTH or YEAR; default MONTH
interval_count   no      default 1
start            no      ISO date of the first day of service; or instead of it:
months           no      whole months billed by the end date; the start is counted back from it
churned          no      Yes or No: has left at the end date; default No
state            no      free text by which reports group balances
provider         no      paypal or dintero; default: the accounts in turn
account          no      the merchant account's name in our settings; default main
timing           no      PREPAID or POSTPAID; default PREPAID
trial_days       no      length of a free trial
setup_fee        no      a decimal number, once
cycles           no      number of payments of an instalment plan; default: open end
capture          no      AT_ONCE or AFTER_AUTHORIZATION; default AT_ONCE
zone             no      IANA time zone; default: the one given for the file
retry_days       no      days between attempts after declines, e.g. "3 5 7"; "none": no retry
dunning          no      what follows then: leave_open, suspend, cancel or write_off; default:
                         leave_open
grace_days       no      days until it does; default 0
backup           no      Yes: a second method is tried when the first fails; default No
kind             no      SUBSCRIPTION, RECURRING or INSTALLMENT; default: as the other columns say
tiers            no      prices of the units, e.g. "10:5.00 100:4.00 *:3.00": up to the 10th unit
                         5.00 each, up to the 100th 4.00, then 3.00; PRICE+FLAT adds a flat fee
tiering          no      GRADUATED or VOLUME; default GRADUATED
tax_code         no      what the books call the tax, e.g. NO-25
tax_percent      no      e.g. 25 or 8.875; needed with tax_code
tax_included     no      Yes: prices state the tax; No (default): it comes on top of them
product          no      a decimal number, once, on the first invoice, taxed as the period is
shipping         no      the same
one_time_total   no      what setup_fee, product and shipping with tax must come to
variable         no      Yes: the amount may be set for each invoice; default No
instalment_total no      split into `cycles` payments that add up to it
paid_trial_price no      per unit and period, for `paid_trial_cycles` periods (default 1) of the
                         interval before the regular ones
anchor           no      ISO date on which the first whole period begins, a part of one before it
past             no      of periods that are due at the import: BILL (default), WAIVE or SKIP
first_payment    no      by-token (default), or in-session: on the page that makes the token, where
                         the provider (Dintero) takes payments there
plan_file        no      a file beside this one: terms in JSON, as POST /v1/subscriptions takes them
                         (meters, for example); of the columns of terms only quantity is given then

A file with other names is read through a mapping of our names to the file's. Columns that nobody
asked for are left alone. Every bad line is reported with its number and all that is wrong with it.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from domain.refusals import Refused
from infrastructure.card_numbers import CODE, found_in, report, words
from infrastructure.commands.customer_line import CustomerRow, Defaults, read_line
from infrastructure.commands.customer_terms import PlanFiles

__all__ = ["COLUMNS", "CustomerFile", "CustomerRow", "Defaults", "Problem", "read_customers"]

NEEDED = ("customer_id",)
# At least one of them is in the header.
PRICED_BY = ("price", "tiers", "instalment_total", "plan_file", "plan")
COLUMNS = (
    *NEEDED,
    "price",
    *("subscription_id", "currency", "plan", "description", "interval_unit", "interval_count"),
    *("start", "months", "churned", "state", "provider", "account", "timing", "trial_days"),
    *("setup_fee", "cycles", "capture", "zone", "retry_days", "quantity", "kind", "tiers"),
    *(
        "plan_version",
        "dunning",
        "grace_days",
        "backup",
        "tiering",
        "tax_code",
        "tax_percent",
        "tax_included",
        "product",
        "shipping",
    ),
    *("one_time_total", "variable", "instalment_total", "plan_file"),
    *("paid_trial_price", "paid_trial_cycles", "anchor", "past", "first_payment"),
)
# Far above any line of ours; a file whose quote never ends must not fill the memory.
LARGEST_FIELD_CHARS = 10_000


@attrs.frozen(kw_only=True)
class Problem:
    """What is wrong with one line. line: as an editor counts them, from 1 (the header)."""

    line: int
    customer_id: str
    code: str
    reason: str


@attrs.frozen
class CustomerFile:
    """What a file holds. rows: the good lines; problems: everything wrong with the bad ones."""

    rows: tuple[CustomerRow, ...]
    problems: tuple[Problem, ...]


def parse_columns(text: str, known: Sequence[str] = COLUMNS) -> dict[str, str]:
    """A mapping from text such as "customer_id=customerID,price=MonthlyCharges".

    known: our names.

    Raises: Refused("columns-malformed"), Refused("column-unknown").
    """
    mapping: dict[str, str] = {}
    for part in filter(None, (each.strip() for each in text.split(","))):
        ours, separator, theirs = (each.strip() for each in part.partition("="))
        if not separator or not theirs:
            raise Refused("columns-malformed", f"{part[:60]!r} is not our_name=their_name")
        if ours not in known:
            raise Refused("column-unknown", f"{ours[:40]!r} is none of {', '.join(known)}")
        mapping[ours] = theirs
    return mapping


def read_customers(path: Path, columns: Mapping[str, str], defaults: Defaults) -> CustomerFile:
    """Every line of a customer file, judged.

    columns: our names to the file's; a name that is not mapped stands for itself.
    Raises: OSError when the file cannot be read. What is wrong inside it is a Problem.
    """
    file = _Reading(columns, defaults, PlanFiles(path.parent))
    csv.field_size_limit(LARGEST_FIELD_CHARS)
    with path.open(encoding="utf-8-sig", newline="") as text:
        lines = csv.reader(text, strict=True)
        try:
            file.read(lines)
        except UnicodeDecodeError:
            file.note(lines.line_num + 1, "", "not-utf-8", "the file is not UTF-8 from here on")
        except csv.Error as error:
            file.note(lines.line_num, "", "csv-malformed", str(error))
    return CustomerFile(tuple(file.rows), tuple(file.problems))


class _Reading:
    """Gathers rows and problems while the lines pass."""

    def __init__(self, columns: Mapping[str, str], defaults: Defaults, plans: PlanFiles) -> None:
        self.rows: list[CustomerRow] = []
        self.problems: list[Problem] = []
        self._columns, self._defaults, self._plans = columns, defaults, plans
        self._line_of: dict[str, int] = {}
        self._turn = 0

    def note(self, line: int, customer_id: str, code: str, reason: str) -> None:
        problem = Problem(line=line, customer_id=customer_id[:64], code=code, reason=reason)
        self.problems.append(problem)

    def read(self, lines: Any) -> None:
        """lines: a csv reader."""
        header = [name.strip() for name in next(lines, [])]
        if not self._header_fits(header):
            return
        theirs = {ours: self._columns.get(ours, ours) for ours in COLUMNS}
        places = {ours: header.index(name) for ours, name in theirs.items() if name in header}
        for fields in lines:
            if not any(fields):
                continue
            if findings := found_in("\n".join(fields)):
                report(findings, "customer file")
                self.note(lines.line_num, "", CODE, words(findings))
                continue
            if len(fields) != len(header):
                reason = f"{len(fields)} fields under a header of {len(header)}"
                self.note(lines.line_num, "", "fields-miscounted", reason)
                continue
            values = {ours: fields[place].strip() for ours, place in places.items()}
            self._take(lines.line_num, values)

    def _header_fits(self, header: Sequence[str]) -> bool:
        before = len(self.problems)
        for ours in dict.fromkeys((*NEEDED, *self._columns)):
            theirs = self._columns.get(ours, ours)
            if theirs not in header:
                reason = f"the header has no {theirs[:60]!r}, which is to hold {ours}"
                self.note(1, "", "column-missing", reason)
        if not any(self._columns.get(ours, ours) in header for ours in PRICED_BY):
            priced = ", ".join(PRICED_BY)
            self.note(1, "", "column-missing", f"the header has no price (one of {priced})")
        for name in sorted({name for name in header if header.count(name) > 1}):
            self.note(1, "", "column-repeated", f"{name[:60]!r} stands in the header twice")
        return len(self.problems) == before

    def _take(self, line: int, values: Mapping[str, str]) -> None:
        row, wrong = read_line(line, values, self._defaults, self._turn, self._plans)
        if not values.get("provider"):
            # Bad lines take their turn too: mending one must not move the others' accounts.
            self._turn += 1
        subscription_id = values.get("subscription_id") or values["customer_id"]
        known = self._line_of.setdefault(subscription_id, line)
        if known != line:
            reason = f"{subscription_id[:64]!r} stands on line {known} too"
            wrong.append(("subscription-repeated", reason))
        elif row is not None:
            self.rows.append(row)
        for code, reason in wrong:
            self.note(line, values["customer_id"], code, reason)
