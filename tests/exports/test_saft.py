"""SAF-T Financial NO 1.30: valid, and what it says is what the books say."""

from __future__ import annotations

import tempfile
import tracemalloc
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from domain.books.accounts import Account, Entry, Line, Role
from domain.books.chart import Chart, TaxCode
from domain.currencies import minor_digits
from domain.recorded import Recorded
from domain.refusals import Refused
from infrastructure.books.chart_file import read_chart
from infrastructure.exports.kinds import FORMATS
from infrastructure.exports.saft_tax import taxes_of
from infrastructure.exports.source import Source
from infrastructure.exports.transactions import Posted, Transaction
from projections.account_sums import Known, sums, trial_balance
from projections.journal import journal
from projections.statements import OWED
from tests.exports.writing import (
    COMPANY,
    SAFT_FOLDER,
    Saft,
    assert_valid,
    chart,
    day_text,
    read_saft,
    recorded,
    taxed_invoice,
    wanted,
    write,
)
from tests.histories import History, histories, show
from tests.periods.closing_books import DEEDS, Deed, closed_books
from tests.projections.stories import story

SOME = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
DAYS = st.integers(0, 500).map(lambda days: date(2024, 1, 10) + timedelta(days=days))
ZONES = st.sampled_from(["UTC", "Europe/Oslo", "Pacific/Kiritimati"])
CURRENCIES = ("EUR", "JPY", "NOK", "USD")


@contextmanager
def folder() -> Iterator[Path]:
    """One for each example."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def with_closings(history: History, deeds: list[Deed], zone: str) -> Sequence[Recorded[Any]]:
    """Its log, with periods that were closed and opened again on the way."""
    return closed_books(history.log, deeds, zone).log if history.log else ()


def currency_of(history: History) -> str | None:
    """One that the file can be in."""
    held = {wish.terms.currency for wish in history.wishes}
    return next((each for each in CURRENCIES if each in held), None)


@SOME
@given(histories(), DEEDS, DAYS, st.integers(0, 400), ZONES)
def test_a_file_says_what_the_books_say(
    history: History, deeds: list[Deed], since: date, days: int, zone: str
) -> None:
    """Openings and lines come to the closings, those are the trial balance's, customers' add up to
    their accounts', taxes to the VAT that was posted."""
    show(history)
    currency = currency_of(history)
    if currency is None:
        return
    known = Known(as_of=since + timedelta(days=days), zone=zone)
    log = with_closings(history, deeds, zone)
    entries = list(journal(log))
    with folder() as place:
        asked = wanted(known, since=since, currency=currency)
        told = write(log, place, "saf-t", asked)
        found = read_saft(place / told.file, minor_digits(currency))
    event(f"transactions: {min(len(found.transactions), 5)}")
    moved, of_customers = Counter(found.opening), Counter[tuple[str, str]]()
    for _, lines in found.transactions:
        assert sum(each.minor for each in lines) == 0
        for each in lines:
            moved[each.account] += each.minor
            if each.customer:
                of_customers[each.customer, each.account] += each.minor
    assert {key: minor for key, minor in moved.items() if minor} == {
        each.number: each.minor
        for each in trial_balance(sums(entries, known), chart())
        if each.currency == currency
    }
    assert moved == found.closing
    for key, (opening, closing) in found.customers.items():
        assert opening + of_customers.pop(key, 0) == closing
    assert not of_customers, "a line is of a customer that the file does not list"
    closings = sums(entries, known)
    for customer in {wish.customer_id for wish in history.wishes}:
        owed = sum(closings[Account(role, customer), currency] for role in OWED)
        told_of = (pair for (of, _), pair in found.customers.items() if of == customer)
        assert owed == sum(closing for _, closing in told_of)
    check_totals(found, currency)
    check_days(found, since, known)
    check_taxes(found)


def check_totals(found: Saft, currency: str) -> None:
    """What the file says of itself."""
    lines = [each for _, several in found.transactions for each in several]
    digits = minor_digits(currency)
    debit = sum(each.minor for each in lines if each.minor > 0)
    for name in ("TotalDebit", "TotalCredit"):
        text = found.text(f"GeneralLedgerEntries/{name}")
        assert int(text.replace(".", "")) == debit
        assert len(text.partition(".")[2]) == digits
    told = found.text("GeneralLedgerEntries/NumberOfEntries")
    assert int(told) == len(found.transactions)
    assert found.text("Header/DefaultCurrencyCode") == currency


def check_days(found: Saft, since: date, known: Known) -> None:
    """Nothing counts outside of the period; the month is that of the day from which it counts."""
    for each, _ in found.transactions:
        day = day_text(each, "GLPostingDate")
        assert since <= day <= known.as_of
        texts = {child.tag.rpartition("}")[2]: child.text for child in each}
        assert (texts["Period"], texts["PeriodYear"]) == (str(day.month), str(day.year))
        if "SystemID" in texts:
            assert day_text(each, "TransactionDate") <= day


def check_taxes(found: Saft) -> None:
    """By transaction and rate, to the minor unit; a line's base is the line."""
    for each, lines in found.transactions:
        vat = sum(line.minor for line in lines if line.account == "2700")
        assert vat == sum(line.tax.tax for line in lines if line.tax is not None), each
        for line in lines:
            if line.tax is not None and line.account != "2700":
                event(f"taxed {line.tax.code}")
                assert line.tax.base == abs(line.minor)


@SOME
@given(histories(), DEEDS, DAYS, st.integers(0, 200), st.integers(0, 200))
def test_files_chain(
    history: History, deeds: list[Deed], since: date, days: int, more: int
) -> None:
    """The closing of one period is the opening of the next: accounts and customers."""
    currency = currency_of(history)
    if currency is None:
        return
    log = with_closings(history, deeds, "Europe/Oslo")
    last = since + timedelta(days=days)
    found = []
    with folder() as place:
        for first, end in ((since, last), (last + timedelta(1), last + timedelta(1 + more))):
            known = Known(as_of=end, zone="Europe/Oslo")
            asked = wanted(known, since=first, currency=currency)
            told = write(log, place / str(first), "saf-t", asked)
            found.append(read_saft(place / str(first) / told.file, minor_digits(currency)))
    one, two = found
    assert one.closing == two.opening
    closings = {key: closing for key, (_, closing) in one.customers.items() if closing}
    assert closings == {key: opening for key, (opening, _) in two.customers.items() if opening}
    event(f"customers who owe or are owed: {min(len(closings), 2)}")


@SOME
@given(histories(), DAYS, st.integers(0, 400))
def test_a_file_is_valid(history: History, since: date, days: int) -> None:
    """By the tax administration's own schema, with its keys and references."""
    currency = currency_of(history)
    if currency is None:
        return
    known = Known(as_of=since + timedelta(days=days), zone="Europe/Oslo")
    with folder() as place:
        told = write(history.log, place, "saf-t", wanted(known, since=since, currency=currency))
        assert_valid(place / told.file)


@pytest.mark.parametrize("place", [1, 3, 4])
def test_three_days_of_a_transaction(tmp_path: Path, place: int) -> None:
    """When it took effect, was recorded, counts: local days. What counts later than it took effect,
    because its period was closed, says to which one it belongs."""
    zone = "Europe/Oslo"
    log = closed_books(story(place).log, [Deed.CLOSE], zone).log
    asked = wanted(Known(as_of=date(2030, 12, 31), zone=zone), since=date(1990, 1, 1))
    found = read_saft(tmp_path / write(log, tmp_path, "saf-t", asked).file)
    by_position = {each.position: each for each in journal(log)}
    local, late = ZoneInfo(zone), 0
    for each, _ in found.transactions:
        texts = {child.tag.rpartition("}")[2]: child.text or "" for child in each}
        if "SystemID" not in texts:
            continue
        entry = by_position.pop(int(texts["SystemID"]))
        assert texts["TransactionID"] == entry.voucher
        assert day_text(each, "TransactionDate") == entry.effective_at.astimezone(local).date()
        assert day_text(each, "SystemEntryDate") == entry.recorded_at.astimezone(local).date()
        assert day_text(each, "GLPostingDate") == entry.day(local)
        late += bool(entry.belongs_to)
        words = f"(belongs to {entry.belongs_to})"
        assert texts["Description"].endswith(words) == bool(entry.belongs_to)
    assert not by_position
    assert (late > 0) == (place != 1)


def test_grouping_codes_are_those_of_the_tax_administration() -> None:
    """Of the project's own chart, and its standard tax codes."""
    groups = SAFT_FOLDER / "naeringsspesifikasjon.csv"
    codes = SAFT_FOLDER / "Standard_Tax_Codes.csv"
    if not groups.exists():
        pytest.skip("the code lists of SAF-T Financial NO are not beside the project")
    rows = [line.split(";") for line in groups.read_text(encoding="utf-8-sig").splitlines()[1:]]
    known = {(row[0], row[3]) for row in rows}
    for account in read_chart().accounts:
        assert (account.grouping_category, account.grouping_code) in known, account
    standard = {line.split(";")[0] for line in codes.read_text(encoding="utf-8-sig").splitlines()}
    for code in read_chart().tax_codes.values():
        assert code.standard in standard, code


@given(histories(most_moves=20))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_several_currencies_are_refused_until_one_is_named(history: History) -> None:
    """And so are three decimals, which the file has no place for."""
    known = Known(as_of=date(2027, 1, 1), zone="UTC")
    asked = wanted(known, since=date(2020, 1, 1))
    held = {line.currency for entry in journal(history.log) for line in entry.lines}
    event(f"currencies: {len(held)}, {'KWD' in held}")
    with folder() as place:
        if len(held) > 1:
            with pytest.raises(Refused, match="currencies-several"):
                write(history.log, place / "all", "saf-t", asked)
            assert list((place / "all").iterdir()) == []
        for currency in held - {"KWD"}:
            one = attrs.evolve(asked, currency=currency)
            told = write(history.log, place / currency, "saf-t", one)
            assert told.currency == currency
            found = read_saft(place / currency / told.file, minor_digits(currency))
            comment = found.text("Header/HeaderComment")
            assert all((other in comment) == (other != currency) for other in held)
        if held == {"KWD"}:
            with pytest.raises(Refused, match="money-needs-decimals"):
                write(history.log, place / "KWD", "saf-t", asked)


@pytest.mark.parametrize(
    ("since", "as_of"),
    [("2025-01-02", "2025-01-01"), ("1969-12-31", "2025-01-01"), ("2025-01-01", "2101-01-01")],
)
def test_a_period_that_is_none_is_refused(since: str, as_of: str) -> None:
    """It ends before it begins, or the schema has no year for it."""
    known = Known(as_of=date.fromisoformat(as_of), zone="UTC")
    with folder() as place, pytest.raises(Refused, match="period-malformed"):
        write((), place, "saf-t", wanted(known, since=date.fromisoformat(since)))


def test_books_of_nothing_are_a_valid_file() -> None:
    """No customers, no transactions, all accounts."""
    with folder() as place:
        told = write((), place, "saf-t", wanted(Known(as_of=date(2025, 1, 31), zone="UTC")))
        found = read_saft(place / told.file)
        assert (told.currency, told.totals, told.position) == ("NOK", (), 0)
        assert len(found.closing) == len({each.number for each in chart().accounts})
        assert found.text("Header/Company/Name") == COMPANY.name
        assert_valid(place / told.file)


def test_tax_without_a_code_or_a_number_is_refused() -> None:
    """The chart has no code for the rate; the company is not registered for VAT."""
    known = Known(as_of=date(2026, 12, 31), zone="UTC")
    asked = wanted(known, since=date(2026, 1, 1))
    taxed_log = recorded("subscription-started", taxed_invoice())
    with folder() as place:
        with pytest.raises(Refused, match="tax-unmapped"):
            write(taxed_log, place, "saf-t", asked, chart=Chart(read_chart().accounts))
        unregistered = attrs.evolve(asked, company=attrs.evolve(COMPANY, vat_registered=False))
        with pytest.raises(Refused, match="vat_registered"):
            write(taxed_log, place, "saf-t", unregistered)
        assert list(place.iterdir()) == []
        told = write(taxed_log, place, "saf-t", asked)
        (line,) = (
            each
            for _, lines in read_saft(place / told.file).transactions
            for each in lines
            if each.tax is not None
        )
        assert (line.account, line.minor) == ("2970", -2388)
        assert attrs.astuple(line.tax) == ("NO-25", 2388, -597)


def test_untaxed_is_filed_where_the_chart_says_how() -> None:
    """Only the merchant knows whether it is exempt, abroad or outside of the law."""
    known = Known(as_of=date(2026, 12, 31), zone="UTC")
    code = TaxCode(rate="untaxed", standard="6", percent="0", name="Outside of the law")
    log = recorded("subscription-started", "invoice-issued")
    codes = set()
    for told in ((), (code,)):
        with folder() as place:
            of = Chart(read_chart().accounts, told)
            file = write(log, place, "saf-t", wanted(known), chart=of).file
            found = read_saft(place / file)
            lines = [each for _, several in found.transactions for each in several]
            codes.add(tuple(each.tax.code for each in lines if each.tax is not None))
            assert_valid(place / file)
    assert codes == {(), ("untaxed",)}


def test_tax_of_several_products_comes_to_what_was_posted() -> None:
    """Each net has its rate's share, the largest what rounding leaves; a net that is gone leaves
    its tax on the account of the VAT."""
    of = chart()

    def line(role: Role, about: str, minor: int) -> Posted:
        return Posted(of.account(Account(role, about)), about, minor, "NOK")

    lines = (
        line(Role.RECEIVABLE, "c-1", 20),
        line(Role.DEFERRED, "a|NO-25", -3),
        line(Role.DEFERRED, "b|b|NO-25", -7),
        line(Role.DEFERRED, "b|untaxed", -5),
        line(Role.DEFERRED, "b|ZERO", -1),
        line(Role.VAT, "NO-25", -3),
        line(Role.VAT, "NO-15", -1),
    )
    booked = Transaction(
        day=date(2025, 1, 1),
        voucher="2025-000001",
        document="",
        position=1,
        stream="",
        fact="",
        about="",
        lines=lines,
    )
    found = {place: (each.base, each.tax) for place, each in taxes_of(booked, of).items()}
    # A quarter of 3 is 1, of 7 is 2 (1.75); together the 3 that were posted.
    assert found == {1: (-3, -1), 2: (-7, -2), 4: (-1, 0), 6: (0, -1)}
    assert taxes_of(attrs.evolve(booked, position=None), of) == {}


@attrs.define
class ManyEntries:
    """One customer's invoices and payments, made as they are read."""

    count: int

    def __iter__(self) -> Iterator[Entry]:
        paid = (
            Line(Account(Role.CLEARING, "paypal/main"), 100, "NOK"),
            Line(Account(Role.RECEIVABLE, "c-1"), -100, "NOK"),
        )
        for place in range(self.count):
            at = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=place)
            yield Entry(
                voucher=f"2025-{place:06}",
                document="",
                position=place + 1,
                stream="subscription-s-1",
                fact="charge-succeeded.v1",
                about=f"invoice {place}",
                effective_at=at,
                recorded_at=at,
                lines=paid,
                recognitions=(),
            )


@pytest.mark.parametrize("form", ["saf-t", "xlsx"])
def test_memory_does_not_grow_with_the_journal(tmp_path: Path, form: str) -> None:
    """Ten times as many entries of the same customers need about as much."""
    asked = wanted(Known(as_of=date(2025, 12, 31), zone="UTC"))
    peaks = []
    # Once to load and to keep what is kept for good.
    for count in (300, 300, 3000):
        tracemalloc.start()
        try:
            FORMATS[form].write(Source(ManyEntries(count), asked, chart()), tmp_path)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[2] < 1.5 * peaks[1]
