"""A token request in PayPal's words, read as what this ledger can agree to.

For merchants who have such a request already. Nothing of it is dropped: what was read is written
again by the code that sends requests, and every field has to come out as it went in. What does not
is refused, and the refusal names the fields. Amounts are compared as numbers ("10" is "10.00").
Sources: "Recurring payments module"; reference notes on PayPal, sections 2.1 to 2.3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import attrs

from domain.calendar import Interval, Unit
from domain.identity import checked_id
from domain.money import Money
from domain.plan import Kind, OneTime, OneTimeKind, PaidTrial, Reload, Terms, Timing, on_trial
from domain.plan_rules import check_terms
from domain.ports import Secret, TokenOrder
from domain.refusals import Refused
from domain.taxes import TaxRate
from infrastructure.gateways.paypal.account import PayPalAccount
from infrastructure.gateways.paypal.presenting import Metadata, Presentation, ShipTo
from infrastructure.gateways.paypal.vault import setup_token_json
from infrastructure.gateways.paypal.wire import amount_of, items, mapping, text_of

# Ours says these even where theirs does not; they change nothing that is agreed to.
_SAID_BESIDES = ("description", "usage_type", "billing_plan/product", "billing_plan/name")
# What PayPal takes a field for that is left out.
_DEFAULTS: Mapping[str, object] = {
    "sequence": 1,
    "total_cycles": 1,
    "interval_count": 1,
    "permit_multiple_payment_tokens": False,
    "shipping_preference": "GET_FROM_FILE",
}
_WALLET = "/payment_source/paypal/"
_MOST_NAMED = 5


@attrs.frozen(kw_only=True)
class Beside:
    """What PayPal's request does not say and terms need.

    code: of the plan. rates: the tax of "price" (and the setup fee), "product_price",
    "shipping_amount"; PayPal states one sum of taxes, which has to be what these make.
    most_a_day, most_a_month: reloads, where it is an auto-reload.
    """

    code: str = "paypal"
    rates: Mapping[str, TaxRate] = attrs.field(factory=dict)
    most_a_day: int = 1
    most_a_month: int = 10


@attrs.frozen(kw_only=True)
class Read:
    """A request as this ledger says it."""

    customer_id: str
    terms: Terms
    start_date: str | None
    paid_trial: PaidTrial | None
    presentation: Presentation


def read_setup_token(body: Mapping[str, Any], today: date, beside: Beside) -> Read:
    """The terms of a body of POST /v3/vault/setup-tokens that has a billing plan.

    today: the day on which it would be sent; a free trial begins then.
    Raises: Refused("usage-pattern-unknown", "billing-plan-missing", "billing-plan-malformed"),
        Refused("not-in-our-terms") naming the fields that would be lost, those of check_terms and
        checked_id, and "recurring-metadata-missing".
    """
    wallet = mapping(mapping(body.get("payment_source")).get("paypal"))
    plan = mapping(wallet.get("billing_plan"))
    if not plan:
        raise Refused("billing-plan-missing", "a price and a rhythm stand in the plan alone")
    terms, start_date, paid_trial = _terms(wallet, plan, beside)
    check_terms(terms)
    customer = text_of(mapping(body.get("customer")).get("merchant_customer_id"))
    found = Read(
        customer_id=checked_id("customer id", customer),
        terms=terms,
        start_date=start_date,
        paid_trial=paid_trial,
        presentation=_presentation(wallet),
    )
    lost = list(differences(body, _written(found, wallet, today)))
    if lost:
        named = ", ".join(lost[:_MOST_NAMED])
        raise Refused("not-in-our-terms", f"would be lost or differ: {named}")
    return found


def differences(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> Iterator[str]:
    """JSON pointers of fields that the two do not say alike, in order."""
    left, right = dict(_leaves(theirs)), dict(_leaves(ours))
    for pointer in sorted(left.keys() | right.keys()):
        besides = pointer.removeprefix(_WALLET).startswith(_SAID_BESIDES)
        if left.get(pointer) != right.get(pointer) and (pointer in left or not besides):
            yield pointer


def _written(found: Read, wallet: Mapping[str, Any], today: date) -> dict[str, Any]:
    """The same request by our own hand, with the addresses and the brand of theirs."""
    context = mapping(wallet.get("experience_context"))
    account = PayPalAccount(
        name="theirs",
        client_id="",
        client_secret=Secret(""),
        webhook_id="",
        return_url=text_of(context.get("return_url")),
        cancel_url=text_of(context.get("cancel_url")),
        brand_name=text_of(context.get("brand_name")),
        presentation=found.presentation,
    )
    order = TokenOrder(
        request_id=UUID(int=0),
        subscription_id="",
        customer_id=found.customer_id,
        terms=found.terms,
        start_date=found.start_date,
        paid_trial=found.paid_trial,
    )
    body = setup_token_json(order, account, today)
    # Ours tell one request from another by their query; theirs are what we go by here.
    addresses = {"return_url": account.return_url, "cancel_url": account.cancel_url}
    body["payment_source"]["paypal"]["experience_context"] |= addresses
    return body


def _presentation(wallet: Mapping[str, Any]) -> Presentation:
    context, ship_to = mapping(wallet.get("experience_context")), wallet.get("shipping")
    address = mapping(mapping(ship_to).get("address"))
    try:
        return Presentation(
            metadata=Metadata.PATTERN_AND_PLAN if "usage_pattern" in wallet else Metadata.NONE,
            usage_type=wallet.get("usage_type", "MERCHANT"),
            customer_type=wallet.get("customer_type", ""),
            one_token_a_payer=not wallet.get("permit_multiple_payment_tokens", False),
            shipping_preference=context.get("shipping_preference", "GET_FROM_FILE"),
            locale=text_of(context.get("locale")),
            vault_instruction=text_of(context.get("vault_instruction")),
            ship_to=None
            if ship_to is None
            else ShipTo(
                full_name=text_of(mapping(mapping(ship_to).get("name")).get("full_name")),
                line_1=text_of(address.get("address_line_1")),
                line_2=text_of(address.get("address_line_2")),
                city=text_of(address.get("admin_area_2")),
                region=text_of(address.get("admin_area_1")),
                postal_code=text_of(address.get("postal_code")),
                country_code=text_of(address.get("country_code")),
            ),
        )
    except ValueError as error:
        raise Refused("not-in-our-terms", f"presentation: {error.args[0]}") from None


def _terms(
    wallet: Mapping[str, Any], plan: Mapping[str, Any], beside: Beside
) -> tuple[Terms, str | None, PaidTrial | None]:
    """Terms, the first regular (or discounted) charge's day, and a discounted trial."""
    kind, timing = _kind_of(wallet.get("usage_pattern", Kind.IMMEDIATE.value))
    *trials, regular = items(plan.get("billing_cycles")) or [{}]
    scheme = mapping(regular.get("pricing_scheme"))
    price = _money(scheme.get("price"), "price")
    once, model = mapping(plan.get("one_time_charges")), scheme.get("pricing_model")
    reload = None
    if model == "AUTO_RELOAD":
        reload = Reload(
            threshold=_money(scheme.get("reload_threshold_amount"), "reload_threshold_amount"),
            amount=price,
            most_a_day=beside.most_a_day,
            most_a_month=beside.most_a_month,
        )
    free = [each for each in trials if "pricing_scheme" not in each]
    discounted = [each for each in trials if "pricing_scheme" in each]
    first = discounted[0] if discounted else regular
    name = text_of(plan.get("name"))
    terms = Terms(
        plan=beside.code,
        plan_version=1,
        description=text_of(wallet.get("description")) or name,
        kind=kind,
        timing=timing,
        interval=_interval(regular) if "frequency" in regular else Interval(Unit.MONTH),
        price=price,
        trial=_interval(free[0]) if free else None,
        setup_fee=_money(once["setup_fee"], "setup_fee") if "setup_fee" in once else None,
        cycles=(_total_cycles(regular) or None) if kind is Kind.INSTALLMENT else None,
        variable=model == "VARIABLE",
        tax=beside.rates.get("price"),
        one_time=tuple(_one_time(once, mapping(plan.get("product")), name, beside)),
        reload=reload,
    )
    paid_trial = None
    if discounted:
        paid_trial = PaidTrial(
            price=_money(mapping(first["pricing_scheme"]).get("price"), "trial price"),
            interval=_interval(first),
            cycles=_total_cycles(first),
        )
        if kind is Kind.INSTALLMENT or not paid_trial.cycles:
            raise Refused("paid-trial-malformed", "1 to 999 periods, before an open end")
        check_terms(on_trial(terms, paid_trial))
    return terms, _start_date(first), paid_trial


def _one_time(
    once: Mapping[str, Any], product: Mapping[str, Any], name: str, beside: Beside
) -> Iterator[OneTime]:
    words = {
        "product_price": (OneTimeKind.PRODUCT, text_of(product.get("description")) or name),
        "shipping_amount": (OneTimeKind.SHIPPING, "Shipping"),
    }
    for part, (kind, description) in words.items():
        if part in once:
            amount, tax = _money(once[part], part), beside.rates.get(part)
            yield OneTime(kind=kind, description=description, amount=amount, tax=tax)


def _kind_of(pattern: object) -> tuple[Kind, Timing]:
    """One of the twelve usage patterns."""
    for kind in Kind:
        for timing in Timing:
            if pattern == f"{kind.value}_{timing.value}" and kind not in _NAMED_ALONE:
                return kind, timing
        if pattern == kind.value and kind in _NAMED_ALONE:
            return kind, _NAMED_ALONE[kind]
    raise Refused("usage-pattern-unknown", "PayPal has twelve usage patterns; this is none")


_NAMED_ALONE = {Kind.IMMEDIATE: Timing.PREPAID, Kind.DEFERRED: Timing.POSTPAID}


def _interval(cycle: Mapping[str, Any]) -> Interval:
    """A cycle's length."""
    frequency = mapping(cycle.get("frequency"))
    try:
        return Interval(Unit(frequency.get("interval_unit")), frequency.get("interval_count", 1))
    except ValueError:
        raise Refused("billing-plan-malformed", "a cycle's frequency cannot be read") from None


def _total_cycles(cycle: Mapping[str, Any]) -> int:
    total = cycle.get("total_cycles", 1)
    if type(total) is not int or not 0 <= total <= 999:
        raise Refused("billing-plan-malformed", "a cycle's total_cycles is 0 to 999")
    return total


def _start_date(cycle: Mapping[str, Any]) -> str | None:
    day = cycle.get("start_date")
    try:
        return None if day is None else date.fromisoformat(day).isoformat()
    except (TypeError, ValueError):
        raise Refused("billing-plan-malformed", "a start_date is YYYY-MM-DD") from None


def _money(data: object, what: str) -> Money:
    amount = amount_of(data)
    if amount is None:
        raise Refused("billing-plan-malformed", f"{what} is not an amount")
    return amount


def _leaves(value: object, pointer: str = "") -> Iterator[tuple[str, object]]:
    """Every field that says something, numbers as numbers; PayPal's defaults left out."""
    name = pointer.rpartition("/")[2]
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{pointer}/{key}")
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _leaves(inner, f"{pointer}/{place}")
    elif name not in _DEFAULTS or value != _DEFAULTS[name]:
        yield pointer, _number(value) if name in ("value", "quantity") else value


def _number(value: object) -> object:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return value
