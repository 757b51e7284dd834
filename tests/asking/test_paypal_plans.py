"""What PayPal is told of a price, held against its own rules for plans."""

from __future__ import annotations

from datetime import date
from typing import Any

import attrs
import pytest

from domain.calendar import Interval, Unit
from domain.money import Money
from domain.plan import Kind, Meter, OneTime, OneTimeKind, PaidTrial, Terms, split_total
from domain.prices import Tier
from domain.taxes import TaxRate
from infrastructure.gateways.paypal.vault import billing_plan_json
from infrastructure.simulators.paypal.validation import check_plan
from tests.specimens import instalments, terms

TODAY = date(2026, 1, 31)
ON_TOP = TaxRate(code="NY", ppm=88_750, included=False)
WITHIN = TaxRate(code="DE-19", ppm=190_000, included=True)


def usd(minor: int) -> Money:
    """Cents."""
    return Money(minor, "USD")


def plan(agreed: Terms, start_date: str | None = None) -> dict[str, Any]:
    """The plan that is sent; PayPal must take it."""
    shown = billing_plan_json(agreed, start_date, TODAY)
    assert shown is not None
    check_plan(shown, agreed.usage_pattern)
    return shown


def value(amount: Any) -> str:
    """The decimal of an amount."""
    assert amount["currency_code"] == "USD"
    return str(amount["value"])


def charges(shown: dict[str, Any]) -> dict[str, str]:
    """What is due at checkout."""
    return {name: value(amount) for name, amount in shown["one_time_charges"].items()}


def scheme(shown: dict[str, Any]) -> tuple[str, str]:
    """The model and the price of the regular cycle."""
    found = shown["billing_cycles"][-1]["pricing_scheme"]
    return found["pricing_model"], value(found["price"])


def bought(**changes: Any) -> Terms:
    """10.00 a month, a fee, goods and their shipping."""
    rate = changes.pop("tax", None)
    return terms(
        price=usd(1000),
        setup_fee=usd(2000),
        one_time=(
            OneTime(kind=OneTimeKind.PRODUCT, description="Box", amount=usd(1050), tax=rate),
            OneTime(kind=OneTimeKind.PRODUCT, description="Cable", amount=usd(333), tax=rate),
            OneTime(kind=OneTimeKind.SHIPPING, description="By post", amount=usd(495)),
        ),
        tax=rate,
        **changes,
    )


def test_tax_on_top() -> None:
    """8.875 % of 10.00 is 0.89, within the cycle's price. Of 20.00, 10.50 and 3.33: 1.78 + 0.93
    + 0.30 = 3.01, which stands by itself."""
    shown = plan(bought(tax=ON_TOP))
    assert scheme(shown) == ("FIXED", "10.89")
    assert charges(shown) == {
        "setup_fee": "20.00",
        "product_price": "13.83",
        "shipping_amount": "4.95",
        "taxes": "3.01",
        "total_amount": "52.68",
    }


def test_tax_within() -> None:
    """19 % within 20.00, 10.50 and 3.33: net 16.81, 8.82 and 2.80; what is paid is as stated."""
    shown = plan(bought(tax=WITHIN))
    assert scheme(shown) == ("FIXED", "10.00")
    assert charges(shown) == {
        "setup_fee": "16.81",
        "product_price": "11.62",
        "shipping_amount": "4.95",
        "taxes": "5.40",
        "total_amount": "48.78",
    }


def test_first_charge_is_not_due_at_checkout_where_it_starts_later() -> None:
    """Only what is charged once is."""
    assert charges(plan(bought(tax=ON_TOP), "2026-03-01"))["total_amount"] == "41.79"
    trial = plan(bought(tax=ON_TOP, trial=Interval(Unit.MONTH)))
    assert charges(trial)["total_amount"] == "41.79"


def test_nothing_is_said_of_tax_where_there_is_none() -> None:
    """Neither of a rate of nothing."""
    assert "taxes" not in charges(plan(bought()))
    free = TaxRate(code="NO-0", ppm=0, included=False)
    assert "taxes" not in charges(plan(bought(tax=free)))


def test_what_may_vary_is_variable() -> None:
    """The price is what the period costs without usage, or unless another amount is set."""
    meter = Meter(code="calls", description="Calls", unit="call", tiers=(_tier(1),))
    for varies in ({"variable": True}, {"meters": (meter,)}):
        agreed = terms(price=usd(1000), tax=ON_TOP, kind=Kind.RECURRING, **varies)
        assert scheme(plan(agreed)) == ("VARIABLE", "10.89")
    fixed = terms(price=usd(1000), kind=Kind.RECURRING)
    assert scheme(plan(fixed)) == ("FIXED", "10.00")


@pytest.mark.parametrize("fee", [None, usd(500)])
def test_plan_of_usage_alone_is_not_sent(fee: Money | None) -> None:
    """PayPal takes no price of zero; the usage pattern says what it is."""
    meter = Meter(code="calls", description="Calls", unit="call", tiers=(_tier(1),))
    agreed = terms(price=usd(0), kind=Kind.RECURRING, meters=(meter,), setup_fee=fee)
    assert billing_plan_json(agreed, None, TODAY) is None


def test_tiers_are_shown_as_their_amount() -> None:
    """12 units by steps: 10 x 5.00 + 2 x 3.00."""
    steps = (Tier(up_to=10, unit_price=usd(500)), _tier(300))
    assert scheme(plan(terms(price=usd(500), tiers=steps, quantity=12))) == ("FIXED", "56.00")


def test_instalments_of_one_amount_are_a_plan() -> None:
    """Others are not: a plan has one regular price."""
    even, odd = split_total(usd(9000), 3), split_total(usd(10000), 3)
    shown = plan(instalments(3, price=even[0], instalments=even))
    assert (scheme(shown), shown["billing_cycles"][0]["total_cycles"]) == (("FIXED", "30.00"), 3)
    assert billing_plan_json(instalments(3, price=odd[0], instalments=odd), None, TODAY) is None


def _tier(minor: int) -> Tier:
    return Tier(up_to=None, unit_price=usd(minor))


# --- paid trials --------------------------------------------------------------------------------

HALF = PaidTrial(price=usd(500), interval=Interval(Unit.MONTH), cycles=3)


def cycles(shown: dict[str, Any]) -> list[tuple[str, int, str | None, str | None]]:
    """(tenure, how many, from which day, price) of each cycle."""
    return [
        (
            each["tenure_type"],
            each["total_cycles"],
            each.get("start_date"),
            value(each["pricing_scheme"]["price"]) if "pricing_scheme" in each else None,
        )
        for each in shown["billing_cycles"]
    ]


def test_a_paid_trial_is_a_cycle_of_its_own() -> None:
    """Three months at 5.00 from today on, the first of them due at checkout; then 10.00."""
    shown = billing_plan_json(terms(price=usd(1000)), None, TODAY, HALF)
    assert shown is not None
    check_plan(shown, "SUBSCRIPTION_PREPAID")
    assert cycles(shown) == [("TRIAL", 3, None, "5.00"), ("REGULAR", 0, "2026-04-30", "10.00")]
    assert charges(shown) == {"total_amount": "5.00"}


def test_three_cycles_are_all_that_there_are() -> None:
    """Two weeks free, three months at 5.00, then 10.00; nothing is due at checkout."""
    agreed = terms(price=usd(1000), trial=Interval(Unit.WEEK, 2))
    shown = billing_plan_json(agreed, None, TODAY, HALF)
    assert shown is not None
    check_plan(shown, "SUBSCRIPTION_PREPAID")
    assert cycles(shown) == [
        ("TRIAL", 1, None, None),
        ("TRIAL", 3, "2026-02-14", "5.00"),
        ("REGULAR", 0, "2026-05-14", "10.00"),
    ]
    assert charges(shown) == {"total_amount": "0.00"}


def test_a_dearer_trial_cannot_be_said() -> None:
    """PayPal wants a trial below the regular price; the usage pattern alone is sent."""
    dear = attrs.evolve(HALF, price=usd(1000))
    assert billing_plan_json(terms(price=usd(1000)), None, TODAY, dear) is None
