"""How terms, intervals and instants are written on the command line."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from domain.calendar import Interval

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


def present_terms(command: F) -> F:
    """The options of terms that are agreed to, and of when they begin."""
    begins = click.option("--start", type=Day(), required=True, help="First local day of service.")
    zone = click.option("--zone", default="UTC", show_default=True, help="IANA time zone.")
    return begins(zone(terms_options(command)))


def terms_options(command: F) -> F:
    """The options of terms."""
    options = (
        click.option("--price", required=True, metavar="AMOUNT", help="Of a unit and period."),
        click.option("--currency", default="USD", show_default=True),
        click.option("--every", type=Every(), default="month", show_default=True),
        click.option("--quantity", type=int, default=1, show_default=True, help="Units."),
        click.option(
            "--timing",
            type=click.Choice(("PREPAID", "POSTPAID"), case_sensitive=False),
            default="PREPAID",
            show_default=True,
        ),
        click.option("--trial", type=Every(), help='A free period first, e.g. "14 days".'),
        click.option("--setup-fee", metavar="AMOUNT", help="Once, on the first invoice."),
        click.option("--cycles", type=int, help="Number of payments; without: an open end."),
        click.option("--rule", type=policy_type, default="BY_DAY", help="The agreed proration."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def present_fields(given: dict[str, Any]) -> dict[str, Any]:
    """What `terms_options` took, as the terms of a message's JSON.

    Raises: Refused with the codes of parse_money.
    """
    currency = given["currency"]
    fields = {
        "price": money_field(given["price"], currency),
        "interval": interval_field(given["every"]),
        "quantity": given["quantity"],
        "timing": given["timing"].upper(),
        "proration": given["rule"].upper(),
        "cycles": given["cycles"],
    }
    if given["trial"] is not None:
        fields["trial"] = interval_field(given["trial"])
    if given["setup_fee"] is not None:
        fields["setup_fee"] = money_field(given["setup_fee"], currency)
    return fields


def money_field(text: str, currency: str) -> dict[str, Any]:
    """An amount as messages have it. Raises: Refused."""
    from domain.money import parse_money

    money = parse_money(text, currency)
    return {"minor": money.minor, "currency": money.currency}


def interval_field(interval: Interval) -> dict[str, Any]:
    """An interval as messages have it."""
    return {"unit": interval.unit.value, "count": interval.count}
