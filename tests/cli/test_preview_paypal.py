"""`billing preview paypal`: PayPal's own request, as terms; no database, no settings."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from infrastructure.api.asked_terms import AgreedTerms
from infrastructure.cli.exits import DONE, REFUSED, USAGE
from infrastructure.gateways.paypal.reading import Beside, read_setup_token
from tests.cli.test_previewing import preview
from tests.gateways.paypal_seed import changed
from tests.gateways.test_paypal_reading import BODY, QUARTER, TAKEN, TODAY

TAX = ("--tax", "product=NO-25:25", "--today", "2024-04-01")


def test_request_is_shown_as_what_it_agrees_to() -> None:
    """Price, fee, goods with their tax, the first day."""
    result = preview("paypal", "-", *TAX, given=json.dumps(BODY))
    assert result.exit_code == DONE, result.output
    for words in (
        "buyer-7",
        "RECURRING_POSTPAID",
        "40.00 USD every 2 MONTH",
        "setup fee 15.00 USD",
        "Meter (product) 80.00 USD + 25 % tax NO-25",
        "2024-05-01",
    ):
        assert words in result.stdout


@pytest.mark.parametrize("name", [*TAKEN, "everything"])
def test_terms_it_prints_are_terms_that_commands_take(name: str) -> None:
    """The same terms, read back from its own JSON."""
    body, rates = TAKEN.get(name, BODY), {"product_price": QUARTER} if name not in TAKEN else {}
    given = TAX if rates else TAX[2:]
    result = preview("paypal", "-", *given, "--json", given=json.dumps(body))
    assert result.exit_code == DONE, result.output
    shown: dict[str, Any] = json.loads(result.stdout)
    found = read_setup_token(body, TODAY, Beside(rates=rates))
    assert msgspec.convert(shown["terms"], AgreedTerms).terms() == found.terms
    assert (shown["paid_trial"] is not None) == (found.paid_trial is not None)
    assert shown["start"] == found.start_date


@pytest.mark.parametrize(
    ("arguments", "given", "exit_code", "code"),
    [
        ((), json.dumps(BODY), REFUSED, "not-in-our-terms"),
        (TAX, json.dumps(changed(BODY, ("metadata",), "x")), REFUSED, "not-in-our-terms"),
        (TAX, "{}", REFUSED, "billing-plan-missing"),
        (TAX, "[]", USAGE, "usage"),
        (TAX, "{", USAGE, "usage"),
        (("--tax", "goods=NO-25:25"), "{}", USAGE, "usage"),
        (("--tax", "product=25"), "{}", USAGE, "usage"),
        (("--tax", "product=NO-25:lots"), "{}", REFUSED, "percent-malformed"),
    ],
)
def test_what_it_cannot_read_is_one_line(
    arguments: tuple[str, ...], given: str, exit_code: int, code: str
) -> None:
    """A code, and why; no trace."""
    result = preview("paypal", "-", *arguments, given=given)
    assert (result.exit_code, result.stderr.split(":")[0]) == (exit_code, code), result.output
    assert result.stderr.count("\n") == 1
