"""`billing preview`: what would be billed. Nothing is written, and no database or settings are
needed but for a published plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

import click

from infrastructure.cli.change_table import line_row, print_change, print_lines
from infrastructure.cli.context import Chosen, json_option, pass_chosen
from infrastructure.cli.exits import TABLE
from infrastructure.cli.output import instant, print_json, print_table
from infrastructure.cli.plan_option import Named, by_plan
from infrastructure.cli.preview_paypal import paypal
from infrastructure.cli.terms_options import (
    Day,
    Every,
    discount_field,
    instant_in,
    interval_field,
    json_message,
    message_of,
    money_field,
    need,
    policy_type,
    present_fields,
    present_terms,
)

if TYPE_CHECKING:
    from domain.catalogue.offering import Choice

LONGEST_UNITS = 20


@click.group(epilog=TABLE)
def preview() -> None:
    """What would be billed, by the functions that bill. Writes nothing.

    Needs no database, but for a published plan.
    """


preview.add_command(paypal)


@preview.command(epilog=TABLE)
@present_terms
@click.option("--plan", type=Named(), metavar="CODE[@VERSION]", help="Instead of terms: published.")
@click.option("--count", type=int, default=12, show_default=True, help="Invoices, 1 to 1200.")
@click.option("--anchor", type=Day(), help="On which the first whole period begins.")
@click.option("--paid-trial", metavar="AMOUNT", help="The price of periods before them.")
@click.option("--paid-trial-cycles", type=int, default=1, show_default=True)
@click.option("--paid-trial-every", type=Every(), help="Their length; default: as --every.")
@json_option
@pass_chosen
def schedule(
    chosen: Chosen,
    /,
    plan: Choice | None,
    count: int,
    json_in: BinaryIO | None,
    as_json: bool,
    **given: Any,
) -> None:
    """The invoices that terms lead to: periods, due instants, lines.

    With --plan: of who starts on it now (with --quantity), with its announced moves. That alone
    reads the books.
    """
    from infrastructure.commands.previews import ScheduleAsked, answer_schedule

    if json_in is None:
        need(given, "start", instead="--json-in")
        placed = {name: given[name] for name in ("start", "zone", "anchor")}
        placed |= {"count": count, "paid_trial": _paid_trial(given)}
        said = {"terms": present_fields(given)} if plan is None else by_plan(plan, given)
        asked = message_of({**placed, **said}, ScheduleAsked)
    else:
        asked = json_message(json_in.read(), ScheduleAsked)
    if asked.plan is None:
        answer = answer_schedule(asked)
    else:
        from infrastructure.commands.plan_previews import answer_schedule_by_plan

        with chosen.system() as system:
            answer = answer_schedule_by_plan(system, asked)
    if as_json:
        print_json(answer)
        return
    named = asked.plan is not None
    rows = []
    for each in answer.items:
        place: tuple[str, ...] = (
            str(each.invoice_number),
            *((str(each.plan_version),) if named else ()),
            f"{each.period.start} to {each.period.end}",
            str(each.days),
            instant(each.due_at),
        )
        for line in each.lines:
            rows.append((*place, line.kind.value.lower(), *line_row(line)[1:]))
            place = ("",) * len(place)
    version = ("version",) if named else ()
    columns = ("period (end exclusive)", "days", "due", "line", "working", "amount")
    print_table(
        ("invoice", *version, *columns), rows, right=("invoice", *version, "days", "amount")
    )


def _paid_trial(given: dict[str, Any]) -> dict[str, Any] | None:
    if given["paid_trial"] is None:
        return None
    return {
        "price": money_field(given["paid_trial"], given["currency"]),
        "interval": interval_field(given["paid_trial_every"] or given["every"]),
        "cycles": given["paid_trial_cycles"],
    }


@preview.command(epilog=TABLE)
@present_terms
@click.option(
    "--usage", "used", multiple=True, metavar="METER=UNITS", help="Of the meters in --terms."
)
@click.option("--set-amount", metavar="AMOUNT", help="What is set for it, where it may vary.")
@click.option(
    "--discount", "off", multiple=True, metavar="10%|AMOUNT", help="Taken off, in their order."
)
@click.option("--first", is_flag=True, help="With what the first invoice charges once.")
@json_option
def price(json_in: BinaryIO | None, as_json: bool, **given: Any) -> None:
    """What one period costs: by quantity, usage, discounts and tax, with the working."""
    from infrastructure.commands.previews import PriceAsked, answer_price

    if json_in is None:
        need(given, "start", instead="--json-in")
        asked = message_of(_price_of_options(given), PriceAsked)
    else:
        asked = json_message(json_in.read(), PriceAsked)
    answer = answer_price(asked)
    if as_json:
        print_json(answer)
        return
    taxed = [] if answer.tax is None else [("of which tax", "", str(answer.tax))]
    print_lines(answer.lines, ("total", "", str(answer.total)), *taxed)


def _price_of_options(given: dict[str, Any]) -> dict[str, Any]:
    from infrastructure.commands.previews import PreviewedTerms

    terms = present_fields(given)
    currency = message_of(terms, PreviewedTerms).terms().currency
    fields: dict[str, Any] = {
        "start": given["start"],
        "terms": terms,
        "usage": dict(_usage_of(each) for each in given["used"]),
        "discounts": [
            {"coupon": f"discount-{number}", **discount_field(each, currency)}
            for number, each in enumerate(given["off"], start=1)
        ],
        "first": given["first"],
    }
    if given["quantity"] is not None:
        fields["quantity"] = given["quantity"]
    if given["set_amount"] is not None:
        fields["set_amount"] = money_field(given["set_amount"], currency)
    return fields


def _usage_of(text: str) -> tuple[str, int]:
    """Raises: click.BadParameter."""
    meter, _, units = text.rpartition("=")
    if not meter or not units.isascii() or not units.isdigit() or len(units) > LONGEST_UNITS:
        raise click.BadParameter(f"{text!r} is not like calls=1200", param_hint="--usage")
    return meter, int(units)


@preview.command(epilog=TABLE)
@click.option("--price", required=True, metavar="AMOUNT", help="Of a unit and whole period.")
@click.option("--currency", default="USD", show_default=True)
@click.option("--quantity", type=int, default=1, show_default=True)
@click.option("--from", "start", type=Day(), required=True, help="First day of the period.")
@click.option("--to", "end", type=Day(), required=True, help="The day after its last.")
@click.option("--at", required=True, metavar="DAY|INSTANT", help="A day: its start in --zone.")
@click.option("--zone", default="UTC", show_default=True)
@click.option("--policy", type=policy_type, default="BY_DAY", show_default=True)
@json_option
def proration(as_json: bool, **given: Any) -> None:
    """What the rest of a period is worth from an instant on."""
    from infrastructure.commands.previews import ProrationAsked, answer_proration

    fields = {
        "price": money_field(given["price"], given["currency"]),
        "quantity": given["quantity"],
        "period": {"start": given["start"], "end": given["end"]},
        "at": instant_in(given["at"], given["zone"], "--at"),
        "zone": given["zone"],
        "policy": given["policy"].upper(),
    }
    answer = answer_proration(message_of(fields, ProrationAsked))
    if as_json:
        print_json(answer)
        return
    print_lines(
        [answer.rest],
        ("used until then", "whole - rest", str(answer.used)),
        ("whole period", "", str(answer.whole)),
    )


@preview.command(epilog=TABLE)
@click.option("--at", required=True, metavar="DAY|INSTANT", help="Of the first decline.")
@click.option("--days", default="3,5,7", show_default=True, help="Waits, as agreed to.")
@click.option(
    "--decline",
    type=click.Choice(("SOFT", "HARD", "PAYER_ACTION", "MERCHANT"), case_sensitive=False),
    default="SOFT",
    show_default=True,
)
@click.option("--not-before", metavar="DAY|INSTANT", help="The provider's advice.")
@click.option(
    "--end",
    type=click.Choice(("LEAVE_OPEN", "SUSPEND", "CANCEL", "WRITE_OFF"), case_sensitive=False),
    default="LEAVE_OPEN",
    show_default=True,
    help="What follows when the retries are used up.",
)
@click.option("--grace-days", type=int, default=0, show_default=True, help="Until it does.")
@json_option
def retries(
    at: str,
    days: str,
    decline: str,
    not_before: str | None,
    end: str,
    grace_days: int,
    as_json: bool,
) -> None:
    """When a declined charge is tried again, and what happens after that."""
    from infrastructure.commands.previews import RetriesAsked, answer_retries

    try:
        waits = tuple(int(each) for each in days.split(",") if each.strip())
    except ValueError:
        raise click.BadParameter(f"{days!r} is not like 3,5,7", param_hint="--days") from None
    fields = {
        "at": instant_in(at, "UTC", "--at"),
        "retry_days": waits,
        "decline": decline.upper(),
        "dunning": end.upper(),
        "grace_days": grace_days,
        "retry_not_before": (
            None if not_before is None else instant_in(not_before, "UTC", "--not-before")
        ),
    }
    answer = answer_retries(message_of(fields, RetriesAsked))
    if as_json:
        print_json(answer)
        return
    rows = [
        (str(each.retry_number), instant(each.at), str((each.at - answer.declined_at).days))
        for each in answer.retries
    ]
    click.echo(f"declined {instant(answer.declined_at)}")
    if rows:
        print_table(("retry", "at", "days after the decline"), rows, right=("retry",))
    when = "" if answer.end_at is None else f", at {instant(answer.end_at)}"
    click.echo(f"{'then' if rows else 'no retry'}: {answer.end}{when}")


@preview.command(epilog=TABLE)
@click.option("--start", type=Day(), help="First local day of service.")
@click.option("--zone", default="UTC", show_default=True, help="IANA time zone.")
@click.option("--price", metavar="AMOUNT", help="Present price of a unit and period.")
@click.option("--currency", default="USD", show_default=True)
@click.option("--every", type=Every(), default="month", show_default=True)
@click.option("--quantity", type=int, default=1, show_default=True)
@click.option(
    "--timing",
    type=click.Choice(("PREPAID", "POSTPAID"), case_sensitive=False),
    default="PREPAID",
    show_default=True,
)
@click.option("--trial", type=Every(), help='A free period first, e.g. "14 days".')
@click.option("--rule", type=policy_type, default="BY_DAY", help="The agreed proration.")
@click.option("--at", metavar="DAY|INSTANT", help="Of the change; a day: its start in --zone.")
@click.option("--to-price", metavar="AMOUNT", help="New price of a unit and period.")
@click.option("--to-quantity", type=int, help="New number of units.")
@click.option("--to-every", type=Every(), help="New interval.")
@click.option("--at-period-end", is_flag=True, help="Leave the running period as it is.")
@click.option("--proration", type=policy_type, help="Another rule, for this change only.")
@click.option(
    "--json-in",
    type=click.File("rb"),
    help="Instead of all options: the body of POST /v1/previews/change, with `present`.",
)
@json_option
def change(json_in: BinaryIO | None, as_json: bool, **given: Any) -> None:
    """What a change of terms would write, and the next invoice after it.

    For a subscription of the books: `billing change SUBSCRIPTION ... --dry-run`.
    """
    from infrastructure.commands.change_previews import ChangeAsked, answer_change, stated
    from infrastructure.zones import zone_version

    asked = (
        _change_of_options(given) if json_in is None else json_message(json_in.read(), ChangeAsked)
    )
    version = zone_version()
    state, at = stated(asked, version)
    answer = answer_change(asked, state, now=at, zone_version=version)
    print_json(answer) if as_json else print_change(answer)


def _change_of_options(given: dict[str, Any]) -> Any:
    from infrastructure.commands.change_previews import ChangeAsked

    need(given, "start", "price", "at", instead="--json-in")
    new: dict[str, Any] = {"quantity": given["to_quantity"]}
    if given["to_price"] is not None:
        new["price"] = money_field(given["to_price"], given["currency"])
    if given["to_every"] is not None:
        new["interval"] = interval_field(given["to_every"])
    policy = given["proration"]
    fields = {
        "present": {
            "start": given["start"],
            "zone": given["zone"],
            "terms": present_fields({**given, "setup_fee": None, "cycles": None}),
        },
        "terms": new,
        "at": instant_in(given["at"], given["zone"], "--at"),
        "when": "PERIOD_END" if given["at_period_end"] else "NOW",
        "proration": None if policy is None else policy.upper(),
    }
    return message_of(fields, ChangeAsked)
