"""Requests judged as PayPal would: by its OpenAPI files ("strict"), and by rules beyond them.

The OpenAPI files are not shipped with this project; a simulator that is to be strict is given the
folder where they lie. Sources of the rules: reference notes on PayPal, sections 2.2 to 2.5.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from domain.currencies import minor_digits
from domain.refusals import Refused
from infrastructure.simulators.paypal.errors import PayPalError
from infrastructure.simulators.paypal.sweeping import WITHOUT_DECIMALS

USAGE_PATTERNS = frozenset(
    f"{kind}_{timing}"
    for kind in ("RECURRING", "THRESHOLD", "SUBSCRIPTION", "UNSCHEDULED", "INSTALLMENT")
    for timing in ("PREPAID", "POSTPAID")
) | {"IMMEDIATE", "DEFERRED"}
_AMOUNT = re.compile(r"[0-9]{1,15}([.][0-9]+)?")
_LARGEST_COUNT = {"DAY": 365, "WEEK": 52, "MONTH": 12, "YEAR": 1}

# Which file, and which operation in it, a request belongs to.
OPERATIONS = {
    "setup-token": ("vault_payment_tokens_v3.json", "/v3/vault/setup-tokens"),
    "payment-token": ("vault_payment_tokens_v3.json", "/v3/vault/payment-tokens"),
    "order": ("checkout_orders_v2.json", "/v2/checkout/orders"),
    "capture": (
        "payments_payment_v2.json",
        "/v2/payments/authorizations/{authorization_id}/capture",
    ),
    "reauthorize": (
        "payments_payment_v2.json",
        "/v2/payments/authorizations/{authorization_id}/reauthorize",
    ),
    "refund": ("payments_payment_v2.json", "/v2/payments/captures/{capture_id}/refund"),
}
_ISSUES = {
    "required": "MISSING_REQUIRED_PARAMETER",
    "pattern": "INVALID_PARAMETER_SYNTAX",
    "enum": "INVALID_PARAMETER_VALUE",
    "maxLength": "INVALID_STRING_MAX_LENGTH",
    "minLength": "INVALID_STRING_LENGTH",
    "maxItems": "INVALID_ARRAY_MAX_ITEMS",
    "minItems": "INVALID_ARRAY_MIN_ITEMS",
}


class Schemas:
    """Validators of request bodies, compiled once from PayPal's OpenAPI files."""

    def __init__(self, folder: Path) -> None:
        # jsonschema is a development dependency; only a strict simulator needs it.
        from jsonschema import Draft202012Validator

        self._validators = {}
        for operation, (file_name, path) in OPERATIONS.items():
            document = json.loads((folder / file_name).read_text(encoding="utf-8"))
            body = document["paths"][path]["post"]["requestBody"]
            schema = body["content"]["application/json"]["schema"]
            self._validators[operation] = Draft202012Validator(
                {**schema, "components": document["components"]}
            )

    def check(self, operation: str, body: object) -> None:
        """Raises: PayPalError(400) with the first violation's issue and JSON pointer."""
        for error in self._validators[operation].iter_errors(body):
            field = "/" + "/".join(str(part) for part in error.absolute_path)
            issue = _ISSUES.get(str(error.validator), "INVALID_PARAMETER_VALUE")
            raise PayPalError(400, issue, field=field)


def object_at(body: object, *path: str) -> Mapping[str, Any]:
    """An object inside the body. Raises: PayPalError(400) where there is none."""
    for depth, name in enumerate(path, start=1):
        body = body.get(name) if isinstance(body, dict) else None
        if not isinstance(body, dict):
            field = "/" + "/".join(path[:depth])
            raise PayPalError(400, "MISSING_REQUIRED_PARAMETER", field=field)
    if not isinstance(body, dict):
        raise PayPalError(400, "INVALID_PARAMETER_SYNTAX")
    return body


def minor_units(money: object, field: str, *, zero_allowed: bool = False) -> tuple[int, str]:
    """An amount in minor units, and its currency. Raises: PayPalError(400 or 422)."""
    body = money if isinstance(money, dict) else {}
    value, currency = body.get("value"), body.get("currency_code")
    if not isinstance(value, str) or not isinstance(currency, str):
        raise PayPalError(400, "MISSING_REQUIRED_PARAMETER", field=f"{field}/value")
    if not _AMOUNT.fullmatch(value):
        raise PayPalError(400, "INVALID_PARAMETER_SYNTAX", field=f"{field}/value")
    try:
        digits = minor_digits(currency)
    except Refused:
        raise PayPalError(400, "INVALID_CURRENCY_CODE", field=f"{field}/currency_code") from None
    exact = Decimal(value)
    if currency in WITHOUT_DECIMALS and "." in value:
        raise PayPalError(422, "DECIMALS_NOT_SUPPORTED", field=f"{field}/value")
    # At most two decimals, whatever the currency; our books count its ISO 4217 minor units.
    if exact != exact.quantize(Decimal(1).scaleb(-min(2, digits))):
        raise PayPalError(422, "DECIMAL_PRECISION", field=f"{field}/value")
    if exact == 0 and not zero_allowed:
        raise PayPalError(422, "CANNOT_BE_ZERO_OR_NEGATIVE", field=f"{field}/value")
    return int(exact.scaleb(digits)), currency


def check_usage_pattern(pattern: object, field: str) -> str:
    """One of PayPal's twelve. Raises: PayPalError(400)."""
    if not isinstance(pattern, str) or pattern not in USAGE_PATTERNS:
        raise PayPalError(400, "INVALID_PARAMETER_VALUE", field=field)
    return pattern


def check_plan(plan: object, pattern: str) -> None:
    """The rules of a billing plan that its schema cannot say. Raises: PayPalError(400).

    pattern: UNSCHEDULED_* needs no frequency, has no trial, and alone may be AUTO_RELOAD.
    """
    field = "/payment_source/paypal/billing_plan"
    body = object_at(plan)
    cycles = body.get("billing_cycles")
    charges = body.get("one_time_charges")
    if not isinstance(cycles, list) or not 1 <= len(cycles) <= 3 or not isinstance(charges, dict):
        raise PayPalError(400, "MISSING_REQUIRED_PARAMETER_FOR_BILLING_PLAN", field=field)
    first_minor = 0
    for place, cycle in enumerate(cycles, start=1):
        minor = _check_cycle(
            object_at(cycle),
            place,
            last=place == len(cycles),
            unscheduled=pattern.startswith("UNSCHEDULED_"),
            field=field,
        )
        if place == 1 and "start_date" not in cycle:
            first_minor = minor
    parts = ("setup_fee", "product_price", "shipping_amount", "taxes")
    due = first_minor + sum(
        minor_units(charges[part], f"{field}/{part}", zero_allowed=True)[0]
        for part in parts
        if part in charges
    )
    total, _ = minor_units(charges.get("total_amount"), f"{field}/total_amount", zero_allowed=True)
    if total != due:
        raise PayPalError(422, "BILLING_ITEM_AMOUNT_MISMATCH", field=f"{field}/total_amount")


def _fits(frequency: object) -> bool:
    unit = frequency.get("interval_unit") if isinstance(frequency, dict) else None
    count = frequency.get("interval_count", 1) if isinstance(frequency, dict) else 0
    return isinstance(count, int) and 1 <= count <= _LARGEST_COUNT.get(str(unit), 0)


def _check_model(scheme: object, *, unscheduled: bool, field: str) -> None:
    """AUTO_RELOAD goes with a threshold, and with UNSCHEDULED_*."""
    body = scheme if isinstance(scheme, dict) else {}
    threshold = body.get("reload_threshold_amount")
    reloads = body.get("pricing_model") == "AUTO_RELOAD"
    if reloads != (threshold is not None) or (reloads and not unscheduled):
        raise PayPalError(400, "INVALID_PARAMETER_VALUE", field=f"{field}/billing_cycles")
    if threshold is not None:
        minor_units(threshold, f"{field}/billing_cycles")


def _check_cycle(
    cycle: Mapping[str, Any], place: int, *, last: bool, unscheduled: bool, field: str
) -> int:
    """One cycle; returns its price in minor units, 0 for a free trial."""
    is_regular = cycle.get("tenure_type") == "REGULAR"
    frequency = cycle.get("frequency")
    total = cycle.get("total_cycles", 1)
    _check_model(cycle.get("pricing_scheme"), unscheduled=unscheduled, field=field)
    if (
        is_regular != last  # trials first, exactly one regular cycle at the end
        or (unscheduled and not is_regular)
        or cycle.get("sequence", 1) != place
        or not (_fits(frequency) or (unscheduled and frequency is None))
        or not (isinstance(total, int) and (0 if is_regular else 1) <= total <= 999)
        or (place > 1 and "start_date" not in cycle)
    ):
        raise PayPalError(400, "INVALID_PARAMETER_VALUE", field=f"{field}/billing_cycles")
    scheme = cycle.get("pricing_scheme")
    price = scheme.get("price") if isinstance(scheme, dict) else None
    if price is None:
        if is_regular:
            raise PayPalError(400, "MISSING_REQUIRED_PARAMETER_FOR_BILLING_PLAN", field=field)
        return 0
    return minor_units(price, f"{field}/billing_cycles")[0]
