"""What invoices to come cost: usage, amounts that are set, discounts."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TextIO

import attrs
import click

from infrastructure.cli.changing import reason_option, tell
from infrastructure.cli.context import Chosen, actor, json_option, pass_chosen
from infrastructure.cli.exits import REFUSED, TABLE, USAGE, Ended
from infrastructure.cli.output import print_json
from infrastructure.cli.terms_options import discount_field, instant_in, message_of

if TYPE_CHECKING:
    from infrastructure.bootstrap import System
    from infrastructure.commands.subscriptions import Subscriptions
    from infrastructure.commands.usage_file import UsageLine

# How many lines between two words of progress.
_TELL_EVERY = 100_000


@attrs.define
class _Told:
    """What came of a file so far. counts: of lines by outcome; position: of the last batch."""

    counts: Counter[str] = attrs.field(factory=Counter)
    refused: list[dict[str, Any]] = attrs.field(factory=list)
    position: int = 0

    @property
    def words(self) -> str:
        """For people."""
        return ", ".join(f"{number:,} {what}" for what, number in self.counts.items()) or "no line"


@click.command(epilog=TABLE)
@click.argument("file", required=False, type=click.File("r", encoding="utf-8-sig"))
@click.option("--columns", default="", metavar="OURS=THEIRS,...", help="Names of the file's own.")
@click.option("--subscription", help="One report instead of a file: whose.")
@click.option("--meter", help="Its meter.")
@click.option("--quantity", type=int, help="Units.")
@click.option("--at", metavar="DAY|INSTANT", help="When they were used (a day: its start there).")
@click.option("--id", "usage_id", help="Your own id of the report: it counts once.")
@json_option
@pass_chosen
def usage(
    chosen: Chosen, /, file: TextIO | None, columns: str, as_json: bool, **given: str | int | None
) -> None:
    """Count usage of meters: each line of FILE (CSV, "-" for standard input), or one report.

    FILE has the columns subscription_id, usage_id, meter, quantity, at. Each line counts by
    itself: refused ones are listed with their number (exit 4), the others count. The same file
    again counts nothing twice.
    """
    single = {name: given[name] for name in ("subscription", "meter", "quantity", "at", "usage_id")}
    named = [name for name, value in single.items() if value is not None]
    if (file is None) != (len(named) == len(single)) or (file is not None and named):
        words = "give either FILE, or --subscription, --meter, --quantity, --at and --id"
        raise Ended(USAGE, "usage", words)
    from infrastructure.commands.subscriptions import Subscriptions

    with chosen.system() as system:
        commands = Subscriptions(system, actor=actor())
        if file is None:
            _report_one(commands, single, as_json=as_json)
            return
        told = _report_all(system, commands, file, columns, quiet=as_json)
    if as_json:
        counts = {name: told.counts[name] for name in ("accepted", "known")}
        print_json({"position": told.position, **counts, "refused": told.refused})
    else:
        click.echo(told.words)
    if told.refused:
        reason = f"{len(told.refused)} of {told.counts.total()} lines were refused"
        raise Ended(REFUSED, "some-refused", reason)


def _report_one(commands: Subscriptions, single: dict[str, Any], *, as_json: bool) -> None:
    """Raises: Refused."""
    from domain.refusals import Refused
    from domain.subscription.metering import Report
    from infrastructure.commands.wishes import UsageWish

    subscription = single["subscription"]
    zone = commands.find(subscription)[0].zone
    report = Report(
        usage_id=single["usage_id"],
        meter=single["meter"],
        quantity=single["quantity"],
        at=instant_in(single["at"], zone, "--at"),
    )
    (outcome,) = commands.report_usage([UsageWish(subscription_id=subscription, report=report)])
    if isinstance(outcome, Refused):
        raise outcome
    tell(outcome, f"{report.quantity} of {report.meter} count", as_json=as_json)


def _report_all(
    system: System, commands: Subscriptions, text: TextIO, columns: str, *, quiet: bool
) -> _Told:
    from infrastructure.commands.customers import parse_columns
    from infrastructure.commands.subscriptions import LARGEST_USAGE_BATCH
    from infrastructure.commands.usage_file import USAGE_COLUMNS, read_usage

    told, told_at = _Told(), _TELL_EVERY
    lines = read_usage(text, parse_columns(columns, USAGE_COLUMNS))
    while batch := list(itertools.islice(lines, LARGEST_USAGE_BATCH)):
        for refused in _report_batch(commands, batch, told):
            told.refused.append(refused)
            if not quiet:
                where = f"line {refused['line']}"
                click.echo(f"{where}: {refused['code']}: {refused['reason']}", err=True)
        if not quiet and told.counts.total() >= told_at:
            told_at += _TELL_EVERY
            click.echo(f"{told.words} ...", err=True)
    told.position = system.ledger.head()
    return told


def _report_batch(
    commands: Subscriptions, batch: list[UsageLine], told: _Told
) -> Iterable[dict[str, Any]]:
    """Count a batch; the refused lines, in their order."""
    from domain.refusals import Refused

    wishes = [each.wish for each in batch if not isinstance(each.wish, Refused)]
    outcomes = iter(commands.report_usage(wishes))
    for each in batch:
        outcome = each.wish if isinstance(each.wish, Refused) else next(outcomes)
        if isinstance(outcome, Refused):
            told.counts["refused"] += 1
            usage_id = "" if isinstance(each.wish, Refused) else each.wish.report.usage_id
            named = {"line": each.line, "usage_id": usage_id}
            yield {**named, "code": outcome.code, "reason": outcome.reason}
        else:
            told.counts["accepted" if outcome.changed else "known"] += 1


@click.command("usage-correct", epilog=TABLE)
@click.argument("subscription")
@click.argument("usage_id")
@click.argument("quantity", type=int)
@reason_option
@json_option
@pass_chosen
def usage_correct(
    chosen: Chosen, subscription: str, usage_id: str, quantity: int, reason: str, as_json: bool
) -> None:
    """Say what a report should have said: QUANTITY units, zero or more.

    Where it is billed already, the difference is on the next invoice, or becomes credit.
    """
    from infrastructure.commands.subscriptions import Subscriptions

    with chosen.system() as system:
        done = Subscriptions(system, actor=actor()).correct_usage(
            subscription, usage_id, quantity, reason=reason
        )
    tell(done, f"{usage_id} says {quantity}", as_json=as_json)


@click.command("set-amount", epilog=TABLE)
@click.argument("subscription")
@click.argument("amount")
@reason_option
@json_option
@pass_chosen
def set_amount(chosen: Chosen, subscription: str, amount: str, reason: str, as_json: bool) -> None:
    """Say what the next period costs, before tax, e.g. 48.20 in the subscription's currency."""
    from domain.money import parse_money
    from infrastructure.commands.subscriptions import Subscriptions

    with chosen.system() as system:
        commands = Subscriptions(system, actor=actor())
        money = parse_money(amount, commands.find(subscription)[0].currency)
        done = commands.set_amount(subscription, money, reason=reason)
    tell(done, f"the next period of {subscription} costs {money}", as_json=as_json)


@click.command(epilog=TABLE)
@click.argument("subscription")
@click.argument("coupon")
@click.argument("off", metavar="PERCENT%|AMOUNT")
@click.option("--invoices", type=int, help="How many it reduces; default: all to come.")
@reason_option
@json_option
@pass_chosen
def discount(
    chosen: Chosen,
    subscription: str,
    coupon: str,
    off: str,
    invoices: int | None,
    reason: str,
    as_json: bool,
) -> None:
    """Let invoices to come cost less: 12.5% of every line, or an amount such as 5.00 off each.

    COUPON is your own name of it; it counts once a subscription. What is charged once is not
    reduced.
    """
    from infrastructure.api.asking import DiscountWanted
    from infrastructure.commands.subscriptions import Subscriptions

    with chosen.system() as system:
        commands = Subscriptions(system, actor=actor())
        currency = commands.find(subscription)[0].currency
        fields = {"coupon": coupon, "reason": reason, "invoices": invoices}
        asked = message_of({**fields, **discount_field(off, currency)}, DiscountWanted)
        done = commands.grant_discount(subscription, asked.reduction())
    tell(done, f"{coupon} takes {off} off", as_json=as_json)


@click.command("discount-end", epilog=TABLE)
@click.argument("subscription")
@click.argument("coupon")
@reason_option
@json_option
@pass_chosen
def discount_end(
    chosen: Chosen, subscription: str, coupon: str, reason: str, as_json: bool
) -> None:
    """Reduce no further invoice by a coupon."""
    from infrastructure.commands.subscriptions import Subscriptions

    with chosen.system() as system:
        done = Subscriptions(system, actor=actor()).end_discount(
            subscription, coupon, reason=reason
        )
    tell(done, f"{coupon} reduces no further invoice", as_json=as_json)
