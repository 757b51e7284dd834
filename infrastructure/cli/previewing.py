"""`billing preview`: what would be billed. No database, no settings, nothing written."""

from __future__ import annotations

from typing import Any, BinaryIO, TypeVar

import click

from infrastructure.cli.change_table import line_row, print_change, print_lines
from infrastructure.cli.context import json_option
from infrastructure.cli.exits import TABLE, USAGE, Ended
from infrastructure.cli.output import instant, print_json, print_table
from infrastructure.cli.terms_options import (
    Day,
    Every,
    instant_in,
    interval_field,
    money_field,
    policy_type,
    present_fields,
    present_terms,
)

A = TypeVar("A")


@click.group(epilog=TABLE)
def preview() -> None:
    """What would be billed, by the functions that bill. Needs no database; writes nothing."""


def _asked(fields: dict[str, Any], message: type[A]) -> A:
    """The question as the API has it. Raises: Ended."""
    import msgspec

    try:
        return msgspec.convert(fields, message, strict=True)
    except msgspec.ValidationError as error:
        raise Ended(USAGE, "request-malformed", str(error)) from None


@preview.command(epilog=TABLE)
@present_terms
@click.option("--count", type=int, default=12, show_default=True, help="Invoices, 1 to 1200.")
@json_option
def schedule(count: int, as_json: bool, **given: Any) -> None:
    """The invoices that terms lead to: periods, due instants, lines."""
    from infrastructure.commands.previews import ScheduleAsked, answer_schedule

    fields = {
        "start": given["start"],
        "zone": given["zone"],
        "terms": present_fields(given),
        "count": count,
    }
    answer = answer_schedule(_asked(fields, ScheduleAsked))
    if as_json:
        print_json(answer)
        return
    rows = []
    for each in answer.items:
        place = (
            str(each.invoice_number),
            f"{each.period.start} to {each.period.end}",
            str(each.days),
            instant(each.due_at),
        )
        for line in each.lines:
            rows.append((*place, line.kind.value.lower(), *line_row(line)[1:]))
            place = ("", "", "", "")
    columns = ("invoice", "period (end exclusive)", "days", "due", "line", "working", "amount")
    print_table(columns, rows, right=("invoice", "days", "amount"))


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
    answer = answer_proration(_asked(fields, ProrationAsked))
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
    answer = answer_retries(_asked(fields, RetriesAsked))
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
    from infrastructure.commands.change_previews import answer_change, stated
    from infrastructure.zones import zone_version

    asked = _change_of_options(given) if json_in is None else _change_of_json(json_in.read())
    version = zone_version()
    state, at = stated(asked, version)
    answer = answer_change(asked, state, now=at, zone_version=version)
    print_json(answer) if as_json else print_change(answer)


def _change_of_json(body: bytes) -> Any:
    import msgspec

    from infrastructure.commands.change_previews import ChangeAsked

    try:
        return msgspec.json.decode(body, type=ChangeAsked)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Ended(USAGE, "request-malformed", str(error)) from None


def _change_of_options(given: dict[str, Any]) -> Any:
    from infrastructure.commands.change_previews import ChangeAsked

    missing = [f"--{name}" for name in ("start", "price", "at") if given[name] is None]
    if missing:
        raise Ended(USAGE, "usage", f"give {', '.join(missing)}, or --json-in")
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
    return _asked(fields, ChangeAsked)
