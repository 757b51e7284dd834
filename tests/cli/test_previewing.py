"""`billing preview`: no database, no settings, the whole working, and exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from infrastructure.cli.exits import DONE, REFUSED, USAGE
from infrastructure.cli.main import billing

ROOT = Path(__file__).resolve().parents[2]
PLAN = ("--start", "2025-01-01", "--zone", "Europe/Oslo", "--price", "31.00")
CHANGE = (*PLAN, "--at", "2025-01-11", "--to-price", "62.00")
BODY: dict[str, Any] = {
    "present": {
        "start": "2025-01-01",
        "zone": "Europe/Oslo",
        "terms": {
            "price": {"minor": 3100, "currency": "USD"},
            "interval": {"unit": "MONTH"},
        },
    },
    "terms": {"price": {"minor": 6200, "currency": "USD"}},
    "at": "2025-01-10T23:00:00Z",
}


def preview(*arguments: str, given: str | None = None) -> Result:
    """A preview where neither settings nor a database can be found."""
    environment = {"BILLING_CONFIG": "/nowhere.toml", "BILLING_DATABASE_URL": "postgresql://x:1/y"}
    return CliRunner().invoke(billing, ["preview", *arguments], env=environment, input=given)


def shown(*arguments: str, given: str | None = None) -> Any:
    """What it prints with --json; it must end well."""
    result = preview(*arguments, "--json", given=given)
    assert result.exit_code == DONE, result.output
    return json.loads(result.stdout)


def test_schedule_with_trial_fee_and_quantity() -> None:
    """14 free days, then three units a month; the fee is on the first invoice."""
    options = ("--trial", "14 days", "--setup-fee", "5", "--quantity", "3", "--count", "3")
    items = shown("schedule", *PLAN, *options)["items"]
    assert [(each["due_on"], each["days"], each["total"]["minor"]) for each in items] == [
        ("2025-01-01", 14, 500),
        ("2025-01-15", 31, 9300),
        ("2025-02-15", 28, 9300),
    ]
    table = preview("schedule", *PLAN, *options).stdout
    assert "3 x 31.00 USD x 0/1 (free-trial)" in table
    assert "2025-01-15 to 2025-02-15" in table


def test_schedule_ends_with_the_last_instalment() -> None:
    """Two payments, after each month."""
    options = ("--cycles", "2", "--timing", "postpaid")
    items = shown("schedule", *PLAN, *options)["items"]
    assert [each["due_on"] for each in items] == ["2025-02-01", "2025-03-01"]


def test_proration_shows_its_working() -> None:
    """10.00 x 21/31 is 6.774..., so 6.77 is left and 3.23 used."""
    asked = ("--price", "10", "--from", "2025-01-01", "--to", "2025-02-01", "--at", "2025-01-11")
    answer = shown("proration", *asked)
    assert (answer["rest"]["amount"]["minor"], answer["used"]["minor"]) == (677, 323)
    table = preview("proration", *asked).stdout
    assert "1 x 10.00 USD x 21/31 (BY_DAY, rounded half-up)" in table
    assert shown("proration", *asked, "--policy", "full")["rest"]["amount"]["minor"] == 1000


def test_proration_at_a_day_is_at_its_start_in_the_zone() -> None:
    """At midnight in Oslo 21 whole days are left by the second, too."""
    asked = ("--price", "31", "--from", "2025-01-01", "--to", "2025-02-01", "--at", "2025-01-11")
    by_second = ("--policy", "by_second")
    oslo = shown("proration", *asked, *by_second, "--zone", "Europe/Oslo")
    assert (oslo["at"], oslo["rest"]["amount"]["minor"]) == ("2025-01-10T23:00:00Z", 2100)


def test_retries() -> None:
    """As agreed to, or by the provider's advice; none for a definite no."""
    answer = shown("retries", "--at", "2025-01-31", "--days", "1, 2")
    assert [each["at"] for each in answer["retries"]] == [
        "2025-02-01T00:00:00Z",
        "2025-02-03T00:00:00Z",
    ]
    table = preview("retries", "--at", "2025-01-31").stdout
    assert "2025-02-15 00:00Z" in table
    assert "then: collection ends" in table
    assert "no retry" in preview("retries", "--at", "2025-01-31", "--decline", "hard").stdout
    late = shown("retries", "--at", "2025-01-31", "--days", "1", "--not-before", "2025-02-09")
    assert late["retries"][0]["at"] == "2025-02-09T00:00:00Z"


def test_change_by_options_and_by_json_is_one() -> None:
    """The body of the API, from a file or from standard input."""
    by_options = shown("change", *CHANGE)
    assert shown("change", "--json-in", "-", given=json.dumps(BODY)) == by_options
    assert (by_options["credited"]["minor"], by_options["to_pay"]["minor"]) == (2100, 8300)
    assert by_options["position"] is None


def test_change_for_people(tmp_path: Path) -> None:
    """Every line with its working, the credit, and what is left to pay."""
    file = tmp_path / "change.json"
    file.write_text(json.dumps(BODY), encoding="utf-8")
    table = preview("change", "--json-in", str(file)).stdout
    assert "from invoice 2 on: 62.00 USD every 1 MONTH" in table
    for words in ("1 x 31.00 USD x 21/31 (BY_DAY)", "1 x 62.00 USD x 21/31 (BY_DAY)"):
        assert words in table
    for words in ("104.00 USD", "-21.00 USD", "83.00 USD", "nothing is written"):
        assert words in table


def test_change_by_each_option() -> None:
    """At the period's end nothing is settled; another interval begins that day; postpaid is one
    invoice."""
    assert shown("change", *CHANGE, "--at-period-end")["credited"]["minor"] == 0
    assert shown("change", *CHANGE, "--proration", "full")["credited"]["minor"] == 3100
    weekly = shown("change", *CHANGE, "--to-every", "week", "--to-quantity", "2")
    assert weekly["invoice"]["period"] == {"start": "2025-01-11", "end": "2025-01-18"}
    assert weekly["invoice"]["total"]["minor"] == 12400
    postpaid = shown("change", *CHANGE, "--timing", "postpaid")
    assert postpaid["to_pay"]["minor"] == 3100 - 2100 + 4200
    early = shown("change", *CHANGE, "--at", "2024-12-31")
    assert (early["from_invoice"], early["to_pay"]["minor"]) == (1, 6200)
    same = preview("change", *PLAN, "--at", "2025-01-11", "--to-price", "31.00").stdout
    assert "nothing to do" in same


@pytest.mark.parametrize(
    ("arguments", "exit_code", "code"),
    [
        (("change",), USAGE, "usage"),
        (("change", *CHANGE, "--to-quantity", "0"), REFUSED, "quantity-malformed"),
        (("change", *CHANGE, "--zone", "Mars/Olympus"), REFUSED, "zone-unknown"),
        (("change", *CHANGE, "--start", "1969-12-31"), REFUSED, "start-out-of-range"),
        (("schedule", *PLAN, "--count", "0"), REFUSED, "count-out-of-range"),
        (("schedule", *PLAN, "--currency", "XXX"), REFUSED, "currency-unknown"),
        (("schedule", *PLAN, "--every", "2 years"), REFUSED, "interval-out-of-range"),
        (("retries", "--at", "2025-01-31", "--days", "0"), REFUSED, "retry-policy-malformed"),
    ],
    ids=lambda value: str(value)[-40:],
)
def test_refusals(arguments: tuple[str, ...], exit_code: int, code: str) -> None:
    """One line with a code, and nothing on standard output."""
    result = preview(*arguments)
    assert (result.exit_code, result.stderr.split(":")[0]) == (exit_code, code), result.output
    assert (result.stdout, result.stderr.count("\n")) == ("", 1)


@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", "{}", '{"terms":{},"colour":1}', '{"terms":{"price":1.5}}', "[" * 50_000],
    ids=lambda body: body[:20],
)
def test_F36_json_that_is_no_question_is_wrong_usage(body: str) -> None:
    """Named, on one line."""
    result = preview("change", "--json-in", "-", given=body)
    assert result.exit_code == USAGE
    assert result.stderr.startswith("request-malformed: ")
    assert (result.stdout, result.stderr.count("\n")) == ("", 1)


def test_json_about_the_books_is_refused() -> None:
    """A subscription of the books is asked for with --dry-run."""
    result = preview("change", "--json-in", "-", given='{"subscription_id":"s-1","terms":{}}')
    assert (result.exit_code, result.stderr.split(":")[0]) == (REFUSED, "preview-ambiguous")


@pytest.mark.parametrize("arguments", [("schedule", "--start", "1.1.2025"), ("retries",)])
def test_wrong_usage(arguments: tuple[str, ...]) -> None:
    """As click has it."""
    assert preview(*arguments).exit_code == USAGE


def test_nothing_of_the_store_is_imported() -> None:
    """A process that previews opens no connection, because it has not even a driver."""
    words = f"""
import sys
from infrastructure.cli.main import billing
billing(["preview", "change", *{list(CHANGE)!r}], standalone_mode=False)
print("DRIVER" if "psycopg" in sys.modules else "none")
"""
    ran = subprocess.run(
        [sys.executable, "-c", words],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ran.stdout.rstrip().endswith("none"), ran.stdout


def test_price_of_a_period(tmp_path: Path) -> None:
    """Steps, tax and what is charged once; usage of a file of terms, with a discount."""
    options = ("--tiers", "10:5.00 *:3.00", "--quantity", "12", "--tax-percent", "25")
    once = ("--first", "--setup-fee", "10", "--product", "20", "--one-time-total", "37.50")
    shown_price = shown("price", "--start", "2025-01-01", *options, *once)
    assert shown_price["total"]["minor"] == 7000 + 3750
    assert shown_price["tax"]["minor"] == 1400 + 750
    file = tmp_path / "terms.json"
    tiers = [{"unit_price": {"minor": 50, "currency": "NOK"}, "per": 1000}]
    meter = {"code": "calls", "description": "Calls", "unit": "call", "tiers": tiers}
    terms = {
        "price": {"minor": 9900, "currency": "NOK"},
        "interval": {"unit": "MONTH"},
        "meters": [meter],
    }
    file.write_text(json.dumps(terms), encoding="utf-8")
    by_file = ("price", "--start", "2025-01-01", "--terms", str(file), "--usage", "calls=2500")
    assert shown(*by_file)["total"] == {"minor": 10025, "currency": "NOK"}
    assert shown(*by_file, "--discount", "10%", "--discount", "5")["total"]["minor"] == 8522
    assert "2500 x 0.50 NOK x 1/1000 (usage)" in preview(*by_file).stdout
    body = {"start": "2025-01-01", "terms": terms, "usage": {"calls": 2500}}
    assert shown("price", "--json-in", "-", given=json.dumps(body)) == shown(*by_file)


def test_price_that_cannot_be_asked_for(tmp_path: Path) -> None:
    """Refused by rules, or wrong usage."""
    start = ("price", "--start", "2025-01-01")
    cases = [
        (start, REFUSED, "price-missing"),
        ((*start, "--price", "1", "--one-time-total", "1"), REFUSED, "one-time-total-wrong"),
        ((*start, "--price", "1", "--usage", "calls=1"), REFUSED, "meter-unknown"),
        ((*start, "--price", "1", "--tax-percent", "8.87501"), REFUSED, "percent-too-precise"),
        ((*start, "--price", "1", "--tax-included"), USAGE, "usage"),
        (("price", "--price", "1"), USAGE, "usage"),
        ((*start, "--price", "1", "--quantity", "0"), REFUSED, "quantity-malformed"),
        ((*start, "--price", "1", "--set-amount", "2"), REFUSED, "amount-fixed"),
        ((*start, "--json-in", "-"), USAGE, "request-malformed"),
    ]
    for arguments, exit_code, code in cases:
        result = preview(*arguments, given="{")
        assert (result.exit_code, result.stderr.split(":")[0]) == (exit_code, code), arguments
    assert preview(*start, "--price", "1", "--usage", "calls").exit_code == USAGE
    file = tmp_path / "terms.json"
    file.write_text("[]", encoding="utf-8")
    assert preview(*start, "--terms", str(file)).exit_code == USAGE
    assert preview(*start, "--terms", str(file), "--price", "1").exit_code == USAGE


def test_schedule_of_instalments_by_json() -> None:
    """The body of the API; the payments add up to the total."""
    terms = {
        "interval": {"unit": "MONTH"},
        "instalment_total": {"minor": 10000, "currency": "USD"},
        "cycles": 3,
    }
    body = {"start": "2025-01-01", "zone": "UTC", "terms": terms}
    items = shown("schedule", "--json-in", "-", given=json.dumps(body))["items"]
    assert [each["total"]["minor"] for each in items] == [3334, 3333, 3333]
    options = ("--start", "2025-01-01", "--instalment-total", "100", "--cycles", "3")
    assert shown("schedule", *options)["items"] == items
