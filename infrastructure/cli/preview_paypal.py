"""`billing preview paypal`: a token request in PayPal's words, as terms of ours."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from infrastructure.cli.context import json_option
from infrastructure.cli.exits import TABLE, USAGE, Ended
from infrastructure.cli.output import print_json, print_table
from infrastructure.cli.terms_options import Day

if TYPE_CHECKING:
    from datetime import date

    from domain.money import Money
    from domain.taxes import TaxRate
    from infrastructure.gateways.paypal.reading import Read

PARTS = {"price": "price", "product": "product_price", "shipping": "shipping_amount"}


@click.command(epilog=TABLE)
@click.argument("request", type=click.File("rb"))
@click.option(
    "--tax",
    "taxes",
    multiple=True,
    metavar="PART=CODE:PERCENT",
    help="Of price (with the setup fee), product or shipping, on top; PayPal states their sum.",
)
@click.option("--today", type=Day(), help="The day it would be sent; a free trial begins then.")
@click.option("--code", default="paypal", show_default=True, help="Of the plan.")
@json_option
def paypal(
    request: BinaryIO, taxes: tuple[str, ...], today: date | None, code: str, as_json: bool
) -> None:
    """What a body of PayPal's POST /v3/vault/setup-tokens agrees to, "-" for standard input.

    A field that terms here cannot say is refused by name, not dropped. --json: `terms` is what
    --terms, a customer file's plan_file and POST /v1/subscriptions take.
    """
    import msgspec

    from infrastructure.gateways.paypal.reading import Beside, read_setup_token

    try:
        body = msgspec.json.decode(request.read())
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Ended(USAGE, "usage", f"the request is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise Ended(USAGE, "usage", "the request is not a JSON object")
    beside = Beside(code=code, rates=dict(_rate(each) for each in taxes))
    found = read_setup_token(body, today or datetime.now(UTC).date(), beside)
    print_json(_message(found)) if as_json else _print(found)


def _rate(text: str) -> tuple[str, TaxRate]:
    """E.g. "product=NO-25:25". Raises: Ended; Refused."""
    from domain.percents import parse_percent
    from domain.taxes import TaxRate

    part, _, rate = text.partition("=")
    code, _, percent = rate.rpartition(":")
    if part not in PARTS or not code:
        raise Ended(USAGE, "usage", f"--tax is not like product=NO-25:25: {text!r}")
    return PARTS[part], TaxRate(code=code, ppm=parse_percent(percent), included=False)


def _print(found: Read) -> None:
    from infrastructure.cli.terms_words import more_words, terms_words

    terms, trial = found.terms, found.paid_trial
    rows = [
        ("customer", found.customer_id),
        ("usage pattern", terms.usage_pattern),
        ("description", terms.description),
        ("price", terms_words(terms)),
        *(("besides", words) for words in more_words(terms)),
    ]
    if terms.trial is not None:
        rows.append(("free trial", f"{terms.trial.count} {terms.trial.unit.value}"))
    if trial is not None:
        rhythm = f"{trial.interval.count} {trial.interval.unit.value}"
        rows.append(("paid trial", f"{trial.cycles} x {trial.price} every {rhythm}"))
    if terms.reload is not None:
        rows.append(("auto-reload", f"{terms.reload.amount} below {terms.reload.threshold}"))
    rows.append(("first charge", found.start_date or "at checkout"))
    print_table(("what", "agreed"), rows)


def _message(found: Read) -> dict[str, Any]:
    import msgspec

    terms, trial = found.terms, found.paid_trial
    said: dict[str, Any] = {
        "plan": terms.plan,
        "description": terms.description,
        "kind": terms.kind.value,
        "timing": terms.timing.value,
        "interval": msgspec.to_builtins(terms.interval),
        "price": _amount(terms.price),
        "trial": msgspec.to_builtins(terms.trial),
        "setup_fee": None if terms.setup_fee is None else _amount(terms.setup_fee),
        "cycles": terms.cycles,
        "variable": terms.variable,
        "tax": _tax(terms.tax),
        "one_time": [
            {
                "kind": each.kind.value,
                "description": each.description,
                "amount": _amount(each.amount),
                "tax": _tax(each.tax),
            }
            for each in terms.one_time
        ],
    }
    if terms.reload is not None:
        said["reload"] = {
            "threshold": _amount(terms.reload.threshold),
            "amount": _amount(terms.reload.amount),
            "most_a_day": terms.reload.most_a_day,
            "most_a_month": terms.reload.most_a_month,
        }
    return {
        "customer_id": found.customer_id,
        "usage_pattern": terms.usage_pattern,
        "start": found.start_date,
        "terms": said,
        "paid_trial": None
        if trial is None
        else {
            "price": _amount(trial.price),
            "interval": msgspec.to_builtins(trial.interval),
            "cycles": trial.cycles,
        },
    }


def _amount(money: Money) -> dict[str, Any]:
    return {"minor": money.minor, "currency": money.currency}


def _tax(rate: TaxRate | None) -> dict[str, Any] | None:
    from domain.percents import percent_text

    if rate is None:
        return None
    return {"code": rate.code, "percent": percent_text(rate.ppm), "included": rate.included}
