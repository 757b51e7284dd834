"""How terms, intervals and instants are written on the command line."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

from infrastructure.cli.exits import USAGE, Ended

if TYPE_CHECKING:
    from domain.calendar import Interval
    from domain.money import Money

A = TypeVar("A")
F = TypeVar("F", bound=Callable[..., Any])
POLICIES = ("BY_DAY", "BY_SECOND", "NONE", "FULL")
policy_type = click.Choice(POLICIES, case_sensitive=False)
_EVERY = re.compile(r"(\d{1,4})?\s*(DAY|WEEK|MONTH|YEAR)S?", re.IGNORECASE)


class Every(click.ParamType["Interval"]):
    """An interval such as "month" or "2 weeks"."""

    name = "interval"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Interval:
        """Raises: click.BadParameter."""
        from domain.calendar import Interval, Unit

        if isinstance(value, Interval):
            return value
        match = _EVERY.fullmatch(str(value).strip())
        if match is None:
            self.fail(f'{value!r} is not like "month" or "2 weeks"', param, ctx)
        return Interval(Unit(match[2].upper()), int(match[1] or 1))


class Day(click.ParamType[date]):
    """A local day."""

    name = "day"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> date:
        """Raises: click.BadParameter."""
        if isinstance(value, date):
            return value
        day = _day(str(value))
        if day is None:
            self.fail(f"{value!r} is not like 2025-01-31", param, ctx)
        return day


def instant_in(text: str, zone: str, option: str) -> datetime:
    """An instant with its offset, or a day: then its first instant in the zone. UTC.

    Raises: click.BadParameter; Refused("zone-unknown"), Refused("start-out-of-range").
    """
    from domain.calendar import start_of_day
    from infrastructure.commands.wishes import checked_start

    day = _day(text)
    if day is not None:
        return start_of_day(checked_start(day), zone)
    try:
        moment = datetime.fromisoformat(text)
        if moment.utcoffset() is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    words = f"{text!r} is neither 2025-01-31 nor 2025-01-31T12:00:00Z"
    raise click.BadParameter(words, param_hint=option)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else None
    except ValueError:
        return None


def _with(options: tuple[Callable[[Any], Any], ...]) -> Callable[[F], F]:
    def decorated(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return decorated


def _one_of(*names: str) -> click.Choice[str]:
    return click.Choice(names, case_sensitive=False)


TIERS_HELP = 'Prices of the units: "10:5.00 100:4.00 *:3.00"; PRICE/1000 and PRICE+FLAT as well.'
# What an option takes that prices something: for new terms, and for those that change.
_price_list = (
    click.option("--tiers", metavar="LIST", help=TIERS_HELP),
    click.option("--tiering", type=_one_of("GRADUATED", "VOLUME"), help="Default: GRADUATED."),
)
_tax = (
    click.option("--tax-percent", metavar="PERCENT", help='E.g. "25" or "8.875".'),
    click.option("--tax-code", default="TAX", show_default=True, help="What the books call it."),
    click.option("--tax-included", is_flag=True, help="Prices state the tax."),
)
price_options = _with((*_price_list, *_tax))
json_in_option = click.option(
    "--json-in", type=click.File("rb"), help="Instead of all options: the body of the API's POST."
)

_terms_options = (
    click.option("--price", metavar="AMOUNT", help="Of a unit and period."),
    click.option("--currency", default="USD", show_default=True),
    click.option("--every", type=Every(), default="month", show_default=True),
    click.option("--quantity", type=int, help="Units; default: 1."),
    click.option(
        "--timing",
        type=_one_of("PREPAID", "POSTPAID"),
        default="PREPAID",
        show_default=True,
    ),
    click.option("--trial", type=Every(), help='A free period first, e.g. "14 days".'),
    click.option("--setup-fee", metavar="AMOUNT", help="Once, on the first invoice."),
    click.option("--product", metavar="AMOUNT", help="Goods; once, on the first invoice."),
    click.option("--shipping", metavar="AMOUNT", help="Of goods; the same."),
    click.option("--one-time-total", metavar="AMOUNT", help="What these must come to."),
    click.option("--cycles", type=int, help="Number of payments; without: an open end."),
    click.option("--instalment-total", metavar="AMOUNT", help="Split into the payments."),
    click.option("--variable", is_flag=True, help="The amount may be set for each invoice."),
    click.option("--rule", type=policy_type, default="BY_DAY", help="The agreed proration."),
    click.option("--backup", is_flag=True, help="Try the backup when the first fails."),
    *_price_list,
    *_tax,
    click.option(
        "--terms",
        type=click.File("rb"),
        help="A file of terms in JSON, as the API takes them; instead of options.",
    ),
)
# The options of terms; and of when they begin, for a preview.
terms_options = _with(_terms_options)
present_terms = _with(
    (
        click.option("--start", type=Day(), help="First local day of service."),
        click.option("--zone", default="UTC", show_default=True, help="IANA time zone."),
        *_terms_options,
        json_in_option,
    )
)
# What a file of terms says; quantity alone may be given beside it.
TERMS = (
    *("price", "trial", "setup_fee", "product", "shipping", "one_time_total", "cycles"),
    *("instalment_total", "variable", "backup", "tiers", "tiering", "tax_percent", "tax_included"),
)


def present_fields(given: dict[str, Any]) -> dict[str, Any]:
    """What `terms_options` took, as the terms of a message's JSON.

    Raises: Ended; Refused with the codes of parse_money and of what is shared with the API.
    """
    if given.get("terms") is not None:
        if named := [each for each in TERMS if given.get(each)]:
            option = named[0].replace("_", "-")
            raise Ended(USAGE, "usage", f"give either --terms or --{option}")
        read = json_fields(given["terms"].read())
        return read if given["quantity"] is None else {**read, "quantity": given["quantity"]}
    currency = given["currency"]
    fields = {
        "interval": interval_field(given["every"]),
        "quantity": 1 if given["quantity"] is None else given["quantity"],
        "timing": given["timing"].upper(),
        "proration": given["rule"].upper(),
        "cycles": given["cycles"],
        "variable": given.get("variable", False),
        "backup": given.get("backup", False),
        **price_fields(given, currency),
    }
    for name in ("price", "setup_fee", "one_time_total", "instalment_total"):
        if given.get(name) is not None:
            fields[name] = money_field(given[name], currency)
    if given["trial"] is not None:
        fields["trial"] = interval_field(given["trial"])
    fields["one_time"] = [
        {
            "kind": name.upper(),
            "description": name.capitalize(),
            "amount": money_field(given[name], currency),
            "tax": fields.get("tax"),
        }
        for name in ("product", "shipping")
        if given.get(name) is not None
    ]
    return fields


def price_fields(given: dict[str, Any], currency: str) -> dict[str, Any]:
    """What `price_options` took, as messages have it. Raises: Refused; Ended."""
    fields: dict[str, Any] = {}
    if given.get("tiers") is not None:
        fields["tiers"] = tier_fields(given["tiers"], currency)
    if given.get("tiering") is not None:
        fields["tiering"] = given["tiering"].upper()
    if given.get("tax_percent") is not None:
        fields["tax"] = {
            "code": given["tax_code"],
            "percent": given["tax_percent"],
            "included": given["tax_included"],
        }
    elif given.get("tax_included"):
        raise Ended(USAGE, "usage", "--tax-included needs --tax-percent")
    return fields


def tier_fields(text: str, currency: str) -> list[dict[str, Any]]:
    """A price list as messages have it; "none" is the empty one. Raises: Refused."""
    from infrastructure.commands.agreeing import parse_tiers

    if text.strip().lower() == "none":
        return []
    return [
        {
            "up_to": each.up_to,
            "unit_price": _amount(each.unit_price),
            "per": each.per,
            "flat": None if each.flat is None else _amount(each.flat),
        }
        for each in parse_tiers(text, currency)
    ]


def need(given: dict[str, Any], *names: str, instead: str) -> None:
    """Raises: Ended where an option is missing that nothing else says."""
    missing = [f"--{name.replace('_', '-')}" for name in names if given.get(name) is None]
    if missing:
        raise Ended(USAGE, "usage", f"give {', '.join(missing)}, or {instead}")


def message_of(fields: dict[str, Any], message: type[A]) -> A:
    """The message as the API has it. Raises: Ended."""
    import msgspec

    try:
        return msgspec.convert(fields, message, strict=True)
    except msgspec.ValidationError as error:
        raise Ended(USAGE, "request-malformed", str(error)) from None


def json_message(body: bytes, message: type[A]) -> A:
    """The message in a JSON body. Raises: Ended, Refused("card-number-found")."""
    import msgspec

    from infrastructure.card_numbers import refuse

    refuse(body, "file")
    try:
        return msgspec.json.decode(body, type=message)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Ended(USAGE, "request-malformed", str(error)) from None


def json_fields(body: bytes) -> dict[str, Any]:
    """The object in a JSON body. Raises: Ended."""
    return json_message(body, dict[str, Any])


def money_field(text: str, currency: str) -> dict[str, Any]:
    """An amount as messages have it. Raises: Refused."""
    from domain.money import parse_money

    return _amount(parse_money(text, currency))


def _amount(money: Money) -> dict[str, Any]:
    return {"minor": money.minor, "currency": money.currency}


def discount_field(text: str, currency: str) -> dict[str, Any]:
    """A discount such as "12.5%" or "5.00" as messages have it. Raises: Refused."""
    if text.endswith("%"):
        return {"percent": text[:-1].strip()}
    return {"amount": money_field(text, currency)}


def interval_field(interval: Interval) -> dict[str, Any]:
    """An interval as messages have it."""
    return {"unit": interval.unit.value, "count": interval.count}
