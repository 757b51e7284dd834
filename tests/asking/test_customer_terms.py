"""Prices, tax and plan files in a customer file."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from domain.money import Money
from domain.plan import Kind, OneTimeKind, Terms
from domain.prices import Tiering
from domain.taxes import TaxRate
from infrastructure.commands.customers import Defaults, read_customers

PLAN: dict[str, Any] = {
    "interval": {"unit": "MONTH"},
    "description": "Calls",
    "price": {"minor": 9900, "currency": "NOK"},
    "meters": [
        {
            "code": "calls",
            "description": "Calls",
            "unit": "call",
            "tiers": [{"unit_price": {"minor": 50, "currency": "NOK"}}],
        }
    ],
}


def read(folder: Path, **values: str) -> tuple[Terms | None, list[str]]:
    """The terms of one line of NOK, and the codes of what is wrong with it."""
    if "plan_file" not in values:
        values = {"currency": "NOK", **values}
    row = {"customer_id": "c-1", **values}
    text = f"{','.join(row)}\n{','.join(row.values())}\n"
    path = folder / "customers.csv"
    path.write_text(text, encoding="utf-8")
    found = read_customers(path, {}, Defaults(end=date(2025, 3, 1)))
    return (found.rows[0].terms if found.rows else None), [each.code for each in found.problems]


def terms_of(folder: Path, **values: str) -> Terms:
    """The terms of a good line."""
    terms, problems = read(folder, **values)
    assert terms is not None, problems
    return terms


def test_tax_and_quantity(tmp_path: Path) -> None:
    """On top of three units of 100.00."""
    found = terms_of(tmp_path, price="100", quantity="3", tax_code="NO-25", tax_percent="25")
    assert found.tax == TaxRate(code="NO-25", ppm=250_000, included=False)
    assert (found.quantity, found.amount.minor) == (3, 37500)
    within = {"tax_code": "NO-25", "tax_percent": "25", "tax_included": "yes"}
    assert terms_of(tmp_path, price="100", **within).amount.minor == 10000


def test_tiers_say_the_price(tmp_path: Path) -> None:
    """Up to ten 5.00, then 3.00: twelve are 56.00."""
    tiers = {"tiers": "10:5.00 *:3.00", "quantity": "12"}
    assert terms_of(tmp_path, **tiers).amount.minor == 5600
    by_volume = terms_of(tmp_path, **tiers, tiering="volume", price="5")
    assert (by_volume.tiering, by_volume.amount.minor) == (Tiering.VOLUME, 3600)


def test_instalments_of_a_total(tmp_path: Path) -> None:
    """They add up to it."""
    found = terms_of(tmp_path, instalment_total="100", cycles="3")
    assert (found.kind, [each.minor for each in found.instalments]) == (
        Kind.INSTALLMENT,
        [3334, 3333, 3333],
    )


def test_once(tmp_path: Path) -> None:
    """Fee, goods and shipping with 25 % tax come to 200.00."""
    tax = {"tax_code": "NO-25", "tax_percent": "25"}
    charges = {"setup_fee": "60", "product": "80", "shipping": "20", **tax}
    found = terms_of(tmp_path, price="1", **charges, one_time_total="200")
    assert [(each.kind, each.amount.minor) for each in found.one_time] == [
        (OneTimeKind.PRODUCT, 8000),
        (OneTimeKind.SHIPPING, 2000),
    ]
    wrong = read(tmp_path, price="1", **charges, one_time_total="160")
    assert wrong == (None, ["one-time-total-wrong"])


def test_variable(tmp_path: Path) -> None:
    """The amount may be set, even where the price is nothing."""
    found = terms_of(tmp_path, price="0", variable="yes")
    assert (found.kind, found.variable, found.price) == (Kind.RECURRING, True, Money(0, "NOK"))


@pytest.mark.parametrize(
    ("values", "codes"),
    [
        ({"price": ""}, ["value-missing"]),
        ({"price": "1", "tax_percent": "25"}, ["value-missing"]),
        ({"price": "1", "tax_code": "NO-25"}, ["value-missing"]),
        ({"price": "1", "tax_included": "yes"}, ["value-missing"]),
        ({"price": "1", "tax_code": "x", "tax_percent": "25 %"}, ["percent-malformed"]),
        ({"price": "1", "tax_code": "x", "tax_percent": "8.87501"}, ["percent-too-precise"]),
        ({"price": "1", "quantity": "0"}, ["quantity-malformed"]),
        ({"price": "1", "quantity": "x"}, ["number-malformed"]),
        ({"tiers": "10:5.00"}, ["tiers-malformed"]),
        ({"tiers": "five"}, ["tiers-malformed"]),
        ({"tiers": "*:5.001"}, ["money-too-precise"]),
        ({"tiers": "*:5", "price": "4"}, ["price-ambiguous"]),
        ({"instalment_total": "100"}, ["cycles-missing"]),
        ({"price": "1", "variable": "perhaps"}, ["choice-unknown"]),
        ({"price": "1", "variable": "yes", "kind": "subscription"}, ["amount-fixed"]),
        ({"price": "1", "kind": "lease"}, ["choice-unknown"]),
    ],
)
def test_bad_line_has_a_code(tmp_path: Path, values: dict[str, str], codes: list[str]) -> None:
    """One for all that is wrong with it."""
    assert read(tmp_path, **values) == (None, codes)


class TestPlanFiles:
    """Terms in JSON beside the file."""

    def test_terms_are_those_of_the_api(self, tmp_path: Path) -> None:
        """Quantity alone is the line's own."""
        (tmp_path / "calls.json").write_text(json.dumps(PLAN), encoding="utf-8")
        found = terms_of(tmp_path, plan_file="calls.json")
        assert (found.kind, [each.code for each in found.meters]) == (Kind.RECURRING, ["calls"])
        assert terms_of(tmp_path, plan_file="calls.json", quantity="3").quantity == 3

    def test_line_says_nothing_else(self, tmp_path: Path) -> None:
        """Or it would be unclear which of the two holds."""
        (tmp_path / "calls.json").write_text(json.dumps(PLAN), encoding="utf-8")
        for values in ({"price": "1"}, {"tax_percent": "25"}, {"currency": "NOK"}):
            assert read(tmp_path, plan_file="calls.json", **values)[1] == ["terms-ambiguous"]

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("{", "plan-file-malformed"),
            ("[]", "plan-file-malformed"),
            (json.dumps({**PLAN, "colour": "red"}), "plan-file-malformed"),
            (json.dumps({**PLAN, "kind": "SUBSCRIPTION"}), "amount-fixed"),
            (json.dumps({**PLAN, "price": {"minor": 1, "currency": "XXX"}}), "currency-unknown"),
            (" " * 300_000, "plan-file-unreadable"),
        ],
        ids=lambda value: value[:20],
    )
    def test_bad_file_is_a_problem_of_the_line(self, tmp_path: Path, text: str, code: str) -> None:
        """With the code of what is wrong with it."""
        (tmp_path / "calls.json").write_text(text, encoding="utf-8")
        assert read(tmp_path, plan_file="calls.json")[1] == [code]

    @pytest.mark.parametrize("name", ["nowhere.json", ".", "a\x00b"])
    def test_no_file_is_a_problem_of_the_line(self, tmp_path: Path, name: str) -> None:
        """Whatever keeps it from being read."""
        assert read(tmp_path, plan_file=name)[1] == ["plan-file-unreadable"]
