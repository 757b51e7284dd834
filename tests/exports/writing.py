"""A log in memory, exported; and a SAF-T file read by other means than it was written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID
from xml.etree import ElementTree

import attrs
import pytest

from domain.books.chart import Chart, TaxCode
from domain.identity import stream_of
from domain.recorded import Recorded
from domain.subscription.events import InvoiceLine, SubscriptionEvent
from domain.taxes import TaxRate, taxed
from infrastructure.books.chart_file import read_chart
from infrastructure.exports.company import Company, company_of
from infrastructure.exports.manifest import Manifest, export
from infrastructure.exports.source import Wanted
from projections.account_sums import Known
from tests.examples import EXAMPLES, LINES, SUBSCRIPTION
from tests.prices import RATES

SAFT_FOLDER = Path(__file__).resolve().parents[3] / "shared" / "reference" / "saf-t"
MADE_AT = datetime(2025, 2, 3, 4, 5, 6, tzinfo=UTC)
RECORDED_AT = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
COMPANY_TABLE = {
    "name": "Fjord & Sønner <AS>",
    "registration_number": "974760673",
    "street": "Brattørkaia 15 A",
    "city": "Trondheim",
    "postal_code": "7010",
    "contact_first_name": "Kari",
    "contact_last_name": "Nordmann",
    "telephone": "+47 75 00 75 00",
    "email": "post@example.no",
    "iban": "NO9386011117947",
    "vat_registered": True,
}
COMPANY: Company = company_of(COMPANY_TABLE)


@attrs.define
class MemoryLog:
    """Facts as a reader of the ledger sees them."""

    facts: Sequence[Recorded[Any]]

    def read_log(self, after: int, limit: int, stop: int | None = None) -> Sequence[Recorded[Any]]:
        last = self.head() if stop is None else stop
        return [each for each in self.facts if after < each.position <= last][:limit]

    def head(self) -> int:
        return self.facts[-1].position if self.facts else 0


def hash_at(position: int) -> str:
    """Stands in for the log's chain."""
    return f"{position:064x}"


def recorded(*facts: str | SubscriptionEvent) -> list[Recorded[Any]]:
    """Examples of stored names, or facts, one after the other in the example's stream."""
    events = [EXAMPLES[f"{each}.v1"] if isinstance(each, str) else each for each in facts]
    return [
        Recorded(
            position=place,
            stream=stream_of(SUBSCRIPTION),
            version=place,
            event_id=UUID(int=place),
            recorded_at=RECORDED_AT,
            actor="worker",
            cause="agenda:test",
            command_id=UUID(int=0),
            event=event,
        )
        for place, event in enumerate(events, 1)
    ]


def taxed_invoice() -> SubscriptionEvent:
    """29.85 USD: 23.88 net and 5.97 tax."""
    rate = TaxRate(code="NO-25", ppm=250_000, included=True)
    return invoice(attrs.evolve(LINES[0], tax=taxed(LINES[0].amount, rate)))


def invoice(line: InvoiceLine) -> SubscriptionEvent:
    """Over one line."""
    return attrs.evolve(EXAMPLES["invoice-issued.v1"], lines=(line,), total=line.amount)


@cache
def chart() -> Chart:
    """The project's own, with a code for each rate that is drawn."""
    percents = {"NO-25": "25", "NO-15": "15", "TX-0825": "8.25", "ZERO": "0"}
    assert {each.code for each in RATES} == percents.keys()
    codes = [
        TaxCode(rate=rate, standard="3", percent=percent, name=rate)
        for rate, percent in percents.items()
    ]
    return Chart(read_chart().accounts, codes)


def wanted(known: Known, **changes: Any) -> Wanted:
    """The parameters of an export by this company."""
    first = known.as_of.replace(month=1, day=1)
    plain = Wanted(
        known=known, made_at=MADE_AT, software="billing-ledger 0.1.0", since=first, company=COMPANY
    )
    return attrs.evolve(plain, **changes)


def whole(known: Known) -> Wanted:
    """Those of a format that has no period and no company."""
    return wanted(known, since=None, company=None)


def write(
    log: Sequence[Recorded[Any]], folder: Path, form: str, asked: Wanted, **changes: Any
) -> Manifest:
    """The log's books in a format. changes: the chart, known_at."""
    options = {"chart": chart(), **changes}
    return export(MemoryLog(log), folder, format=form, wanted=asked, hash_at=hash_at, **options)


# --- SAF-T --------------------------------------------------------------------------------------

_N = "{urn:StandardAuditFile-Taxation-Financial:NO}"


@attrs.define
class Tax:
    """TaxInformation of a line; base and tax in minor units, debits positive."""

    code: str
    base: int
    tax: int


@attrs.define
class SaftLine:
    """minor: debits positive."""

    account: str
    customer: str
    minor: int
    tax: Tax | None


@attrs.define
class Saft:
    """A file as it was read. Balances and amounts in minor units, debits positive."""

    root: ElementTree.Element
    opening: Counter[str] = attrs.field(factory=Counter)
    closing: Counter[str] = attrs.field(factory=Counter)
    customers: dict[tuple[str, str], tuple[int, int]] = attrs.field(factory=dict)
    transactions: list[tuple[ElementTree.Element, list[SaftLine]]] = attrs.field(factory=list)

    def text(self, path: str) -> str:
        """Of the first such element."""
        return _text(self.root, path)


def read_saft(path: Path, digits: int = 2) -> Saft:
    """The whole of a file."""
    found = Saft(ElementTree.parse(path).getroot())
    for account in found.root.iter(f"{_N}Account"):
        number = _text(account, "AccountID")
        found.opening[number] = _sided(account, "Opening{}Balance", digits)
        found.closing[number] = _sided(account, "Closing{}Balance", digits)
    for customer in found.root.iter(f"{_N}Customer"):
        for each in customer.iter(f"{_N}BalanceAccount"):
            found.customers[_text(customer, "CustomerID"), _text(each, "AccountID")] = (
                _sided(each, "Opening{}Balance", digits),
                _sided(each, "Closing{}Balance", digits),
            )
    for transaction in found.root.iter(f"{_N}Transaction"):
        lines = [_line(each, digits) for each in transaction.iter(f"{_N}Line")]
        found.transactions.append((transaction, lines))
    return found


def _line(line: ElementTree.Element, digits: int) -> SaftLine:
    taxed = line.find(f"{_N}TaxInformation")
    tax = None
    if taxed is not None:
        base = Decimal(_text(taxed, "TaxBase")).scaleb(digits)
        tax = Tax(_text(taxed, "TaxCode"), int(base), _sided(taxed, "{}TaxAmount/Amount", digits))
    return SaftLine(
        account=_text(line, "AccountID"),
        customer=_text(line, "CustomerID"),
        minor=_sided(line, "{}Amount/Amount", digits),
        tax=tax,
    )


def _sided(element: ElementTree.Element, path: str, digits: int) -> int:
    debit = _text(element, path.format("Debit"))
    text = debit or _text(element, path.format("Credit"))
    exact = Decimal(text).scaleb(digits)
    assert exact == int(exact) >= 0
    return int(exact) if debit else -int(exact)


def _text(element: ElementTree.Element, path: str) -> str:
    found = element.find("/".join(f"{_N}{each}" for each in path.split("/")))
    return "" if found is None else found.text or ""


def day_text(transaction: ElementTree.Element, name: str) -> date:
    """A day of a transaction."""
    return date.fromisoformat(_text(transaction, name))


@cache
def schema() -> Any:
    """The tax administration's schema; the test is left out where it does not lie."""
    etree = pytest.importorskip("lxml.etree", reason="lxml is not installed")
    path = SAFT_FOLDER / "Norwegian_SAF-T_Financial_Schema_v_1.30.xsd"
    if not path.exists():
        pytest.skip("the schema of SAF-T Financial NO is not beside the project")
    return etree.XMLSchema(etree.parse(str(path)))


def assert_valid(path: Path) -> None:
    """By the schema, with keys and references."""
    from lxml import etree

    checked = schema()
    assert checked.validate(etree.parse(str(path))), checked.error_log
