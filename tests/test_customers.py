"""Reading customer files: defaults, mappings, and every bad line with all that is wrong."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from uuid import UUID

import pytest

from domain.calendar import Interval, Unit
from domain.catalogue.offering import Choice
from domain.money import Money
from domain.plan import CaptureMode, DunningEnd, Kind, RetryPolicy, Timing
from domain.providers import Provider
from domain.refusals import Refused
from domain.subscription.starting import FirstPayment, Past
from domain.taxes import TaxRate
from infrastructure.commands.customers import (
    COLUMNS,
    CustomerFile,
    Defaults,
    parse_columns,
    read_customers,
)

END = date(2025, 3, 1)
TELCO = Path(__file__).resolve().parents[2] / "shared" / "data" / "telco-customers.csv"


def read(folder: Path, text: str | bytes, columns: str = "", **defaults: object) -> CustomerFile:
    """A file of that text, read."""
    path = folder / "customers.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    given = Defaults(**{"end": END, **defaults})  # type: ignore[arg-type]
    return read_customers(path, parse_columns(columns), given)


def problems(folder: Path, header: str, line: str, **defaults: object) -> list[str]:
    """The codes of what is wrong with one line."""
    return [each.code for each in read(folder, f"{header}\n{line}\n", **defaults).problems]


def test_two_columns_are_enough(tmp_path: Path) -> None:
    """Everything else has a default; providers are taken in turn."""
    found = read(tmp_path, "customer_id,price\nc-1,29.85\nc-2,20\nc-3,5.5\n")
    assert found.problems == ()
    first, second, third = found.rows
    assert (first.line, first.customer_id, first.subscription_id) == (2, "c-1", "c-1")
    assert first.terms.price == Money(2985, "USD")
    assert first.terms.interval == Interval(Unit.MONTH, 1)
    assert (first.terms.kind, first.terms.timing) == (Kind.SUBSCRIPTION, Timing.PREPAID)
    assert (first.terms.plan, first.terms.description) == ("standard", "standard")
    assert (first.start, first.zone, first.months, first.churned) == (END, "UTC", None, False)
    assert [each.provider for each in found.rows] == [
        Provider.PAYPAL,
        Provider.DINTERO,
        Provider.PAYPAL,
    ]
    assert third.terms.price == Money(550, "USD")
    assert second.account == "main"


def test_every_column_is_read(tmp_path: Path) -> None:
    """Each one has its place in the wish."""
    values = {
        "customer_id": "c-1",
        "subscription_id": "s-1",
        "price": "299.00",
        "currency": "NOK",
        "plan": "gold",
        "plan_version": "3",
        "quantity": "2",
        "description": "Gold, yearly",
        "interval_unit": "week",
        "interval_count": "2",
        "start": "2025-02-28",
        "months": "",
        "churned": "yes",
        "state": "Oslo",
        "provider": "dintero",
        "account": "second",
        "timing": "postpaid",
        "trial_days": "14",
        "setup_fee": "49",
        "cycles": "12",
        "capture": "after_authorization",
        "zone": "Europe/Oslo",
        "retry_days": "1 2 3",
        "kind": "installment",
        "tiers": "",
        "tiering": "",
        "tax_code": "NO-25",
        "tax_percent": "25",
        "tax_included": "yes",
        "product": "10",
        "shipping": "5",
        "one_time_total": "64",
        "variable": "no",
        "instalment_total": "",
        "plan_file": "",
        "dunning": "write_off",
        "grace_days": "14",
        "backup": "yes",
        "paid_trial_price": "",
        "paid_trial_cycles": "",
        "anchor": "2025-03-20",
        "past": "bill",
        "first_payment": "by-token",
    }
    assert set(values) == set(COLUMNS)
    line = ",".join(f'"{value}"' for value in values.values())
    found = read(tmp_path, "\ufeff" + ",".join(values) + "\n" + line + "\n")
    assert found.problems == ()
    (row,) = found.rows
    wish = row.wish(UUID(int=7))
    assert (wish.subscription_id, wish.customer_id, wish.namespace) == ("s-1", "c-1", UUID(int=7))
    assert (wish.provider, wish.account, wish.zone) == (Provider.DINTERO, "second", "Europe/Oslo")
    assert wish.start == date(2025, 2, 28)
    assert (wish.paid_trial, wish.anchor, wish.past) == (None, date(2025, 3, 20), Past.BILL)
    terms = wish.terms
    assert (terms.kind, terms.cycles, terms.timing) == (Kind.INSTALLMENT, 12, Timing.POSTPAID)
    assert terms.interval == Interval(Unit.WEEK, 2)
    assert terms.trial == Interval(Unit.DAY, 14)
    assert (terms.price, terms.setup_fee) == (Money(29900, "NOK"), Money(4900, "NOK"))
    assert terms.capture is CaptureMode.AFTER_AUTHORIZATION
    assert terms.retry == RetryPolicy((1, 2, 3), DunningEnd.WRITE_OFF, 14)
    assert (terms.plan, terms.plan_version, terms.quantity) == ("gold", 3, 2)
    assert terms.tax == TaxRate(code="NO-25", ppm=250_000, included=True)
    assert [each.amount.minor for each in terms.one_time] == [1000, 500]
    assert terms.backup
    assert (row.churned, row.state) == (True, "Oslo")


def test_months_are_counted_back_from_the_end(tmp_path: Path) -> None:
    """Three payments by 1 March: 1 December, January, February."""
    found = read(tmp_path, "customer_id,price,months\nc-1,1,3\nc-2,1,0\n")
    assert [(row.start, row.months) for row in found.rows] == [(date(2024, 12, 1), 3), (END, 0)]


def test_a_line_may_name_a_published_plan(tmp_path: Path) -> None:
    """Without a price, or a column for it; and then says nothing else of its terms."""
    head = "customer_id,plan,plan_version,quantity,months\n"
    found = read(tmp_path, head + "c-1,gold,,,3\nc-2,gold,2,5,\nc-3,,,,\n")
    assert [(each.line, each.code) for each in found.problems] == [(4, "value-missing")]
    assert [row.terms for row in found.rows] == [None, None]
    assert [row.choice for row in found.rows] == [
        Choice(plan="gold"),
        Choice(plan="gold", version=2, quantity=5),
    ]
    assert [row.start for row in found.rows] == [date(2024, 12, 1), END]


@pytest.mark.parametrize(
    ("header", "value", "code"),
    [
        ("currency", "NOK", "terms-ambiguous"),
        ("trial_days", "14", "terms-ambiguous"),
        ("timing", "PREPAID", "terms-ambiguous"),
        ("plan_version", "two", "number-malformed"),
        ("start", "0001-01-01", "start-out-of-range"),
    ],
)
def test_bad_line_that_names_a_plan(tmp_path: Path, header: str, value: str, code: str) -> None:
    """What the plan says is not said again."""
    found = read(tmp_path, f"customer_id,plan,price,{header}\nc-1,gold,,{value}\n")
    assert [each.code for each in found.problems] == [code]
    bad = read(tmp_path, "customer_id,plan\nc-1,a plan\n")
    assert [each.code for each in bad.problems] == ["id-malformed"]


@pytest.mark.skipif(not TELCO.exists(), reason="the public sample lies beside this project only")
def test_public_sample_adds_up() -> None:
    """Control totals of its README, with the mapping that our README shows."""
    columns = (
        "customer_id=customerID,price=MonthlyCharges,months=tenure,churned=Churn,state=Contract"
    )
    found = read_customers(TELCO, parse_columns(columns), Defaults(end=END))
    assert (len(found.rows), found.problems) == (7043, ())
    assert sum(row.months or 0 for row in found.rows) == 227_990
    assert sum((row.months or 0) * row.terms.price.minor for row in found.rows) == 1_605_509_145
    assert sum(row.provider is Provider.PAYPAL for row in found.rows) == 3522


@pytest.mark.parametrize(
    ("header", "line", "code"),
    [
        ("customer_id,price", "c-1,", "value-missing"),
        ("customer_id,price", ",1.00", "id-malformed"),
        ("customer_id,price", "c 1,1.00", "id-malformed"),
        ("customer_id,price", "c-1,29.855", "money-too-precise"),
        ("customer_id,price", "c-1,NaN", "money-not-decimal"),
        ("customer_id,price", "c-1,1e309", "money-not-decimal"),
        ("customer_id,price", "c-1,-5", "price-not-positive"),
        ("customer_id,price", "c-1,0", "price-not-positive"),
        ("customer_id,price", "c-1", "fields-miscounted"),
        ("customer_id,price", "c-1,1,2", "fields-miscounted"),
        ("customer_id,price,currency", "c-1,1,XXX", "currency-unknown"),
        ("customer_id,price,currency", "c-1,1.5,JPY", "money-too-precise"),
        ("customer_id,price,plan", "c-1,1,a plan", "id-malformed"),
        ("customer_id,price,description", "c-1,1,a\u202eb", "description-malformed"),
        ("customer_id,price,interval_unit", "c-1,1,FORTNIGHT", "choice-unknown"),
        ("customer_id,price,interval_count", "c-1,1,13", "interval-out-of-range"),
        ("customer_id,price,interval_count", "c-1,1,one", "number-malformed"),
        ("customer_id,price,start", "c-1,1,2025-02-30", "date-malformed"),
        ("customer_id,price,start", "c-1,1,0001-01-01", "start-out-of-range"),
        ("customer_id,price,start,months", "c-1,1,2025-01-01,2", "start-ambiguous"),
        ("customer_id,price,months", "c-1,1,-1", "number-malformed"),
        ("customer_id,price,months", "c-1,1,999999", "date-out-of-range"),
        ("customer_id,price,months,trial_days", "c-1,1,2,7", "months-not-monthly"),
        ("customer_id,price,months,interval_unit", "c-1,1,2,WEEK", "months-not-monthly"),
        ("customer_id,price,churned", "c-1,1,perhaps", "choice-unknown"),
        ("customer_id,price,provider", "c-1,1,stripe", "choice-unknown"),
        ("customer_id,price,zone", "c-1,1,Mars/Olympus", "zone-unknown"),
        ("customer_id,price,cycles", "c-1,1,0", "cycles-missing"),
        ("customer_id,price,retry_days", "c-1,1,3 x", "number-malformed"),
        ("customer_id,price,retry_days", "c-1,1,0", "retry-policy-malformed"),
        ("customer_id,price,dunning", "c-1,1,forget", "choice-unknown"),
        ("customer_id,price,grace_days", "c-1,1,366", "grace-malformed"),
        ("customer_id,price,backup", "c-1,1,maybe", "choice-unknown"),
        ("customer_id,plan,backup", "c-1,gold,no", "terms-ambiguous"),
        ("customer_id,price,setup_fee", "c-1,1,0", "setup-fee-not-positive"),
    ],
)
def test_bad_line_has_a_code(tmp_path: Path, header: str, line: str, code: str) -> None:
    """The rules that would refuse the start refuse the line."""
    assert problems(tmp_path, header, line) == [code]


def test_all_bad_lines_are_listed_with_all_that_is_wrong(tmp_path: Path) -> None:
    """Numbers as an editor shows them; the good lines are there too."""
    text = (
        "customer_id,price,provider,zone\n"
        "c-1,1.00,,\n"
        "c-2,x,stripe,\n"
        "\n"
        "c-3,1.00,,\n"
        "c-1,2.00,,\n"
        "c-4,1.00,,Nowhere\n"
    )
    found = read(tmp_path, text)
    assert [row.customer_id for row in found.rows] == ["c-1", "c-3"]
    assert [(each.line, each.customer_id, each.code) for each in found.problems] == [
        (3, "c-2", "choice-unknown"),
        (3, "c-2", "money-not-decimal"),
        (6, "c-1", "subscription-repeated"),
        (7, "c-4", "zone-unknown"),
    ]


def test_mending_a_line_moves_nobody_to_another_account(tmp_path: Path) -> None:
    """Bad lines take their turn, so the others keep theirs."""
    bad = read(tmp_path, "customer_id,price\nc-1,x\nc-2,1\nc-3,1\n")
    good = read(tmp_path, "customer_id,price\nc-1,1\nc-2,1\nc-3,1\n")
    assert [row.provider for row in bad.rows] == [row.provider for row in good.rows][1:]


def test_end_must_be_a_day_that_every_month_has(tmp_path: Path) -> None:
    """From the 31st, counting back and on again would not come out even."""
    codes = problems(tmp_path, "customer_id,price,months", "c-1,1,2", end=date(2025, 3, 31))
    assert codes == ["end-not-in-every-month"]


@pytest.mark.parametrize(
    ("text", "columns", "code"),
    [
        ("", "", "column-missing"),
        ("id,price\nc-1,1\n", "", "column-missing"),
        ("customer_id,price\nc-1,1\n", "months=tenure", "column-missing"),
        ("customer_id,price,price\nc-1,1,2\n", "", "column-repeated"),
        (b"customer_id,price\nc-\xff,1\n", "", "not-utf-8"),
        ('customer_id,price\n"c-1,1\n', "", "csv-malformed"),
        ("customer_id,price\n" + "c" * 20_000 + ",1\n", "", "csv-malformed"),
    ],
)
def test_bad_file_has_a_code(tmp_path: Path, text: str | bytes, columns: str, code: str) -> None:
    """What is wrong with the file as a whole is a problem of a line, too."""
    found = read(tmp_path, text, columns)
    assert code in [each.code for each in found.problems]
    assert found.rows == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [("price", "columns-malformed"), ("price=", "columns-malformed"), ("a=b", "column-unknown")],
)
def test_mapping_is_checked(text: str, code: str) -> None:
    """A mapping that maps nothing of ours is a mistake, not a wish."""
    with pytest.raises(Refused) as refused:
        parse_columns(text)
    assert refused.value.code == code


def test_first_payment_by_column_or_for_the_file(tmp_path: Path) -> None:
    """On the page that makes the token, where the provider takes payments there."""
    text = "customer_id,price,provider,first_payment\nc-1,5,dintero,in-session\nc-2,5,paypal,\n"
    first, second = read(tmp_path, text).rows
    assert first.wish(UUID(int=1)).first_payment is FirstPayment.IN_SESSION
    assert second.wish(UUID(int=1)).first_payment is FirstPayment.CHARGED
    whole = read(tmp_path, text, first_payment=FirstPayment.IN_SESSION)
    assert [each.customer_id for each in whole.rows] == ["c-1"]
    assert [each.code for each in whole.problems] == ["first-payment-not-offered"]
    header = "customer_id,price,provider,first_payment"
    assert problems(tmp_path, header, "c-1,5,dintero,later") == ["choice-unknown"]
    plan = read(tmp_path, "customer_id,plan,provider,first_payment\nc-1,gold,dintero,in-session\n")
    assert plan.rows[0].wish(UUID(int=1)).first_payment is FirstPayment.IN_SESSION
