"""What changes while a subscription runs: terms, a pause, credit, its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from infrastructure.cli.context import Chosen, actor, json_option, pass_chosen
from infrastructure.cli.exits import TABLE, USAGE, Ended
from infrastructure.cli.output import print_json
from infrastructure.cli.terms_options import (
    Day,
    Every,
    instant_in,
    interval_field,
    json_message,
    message_of,
    money_field,
    policy_type,
    price_fields,
    price_options,
)

if TYPE_CHECKING:
    from domain.plan import Proration
    from infrastructure.commands.subscriptions import Done
    from infrastructure.commands.wishes import NewTerms

reason_option = click.option(
    "--reason", required=True, help="Kept in the ledger: no personal data."
)


def tell(done: Done, words: str, *, as_json: bool) -> None:
    """What came of a command."""
    if as_json:
        print_json({"position": done.position, "changed": done.changed})
    else:
        click.echo(f"{words if done.changed else 'nothing to do'} (position {done.position})")


def _policy(name: str | None) -> Proration | None:
    from domain.plan import Proration

    return None if name is None else Proration(name.upper())


@click.command(epilog=TABLE)
@click.argument("subscription")
@click.option("--price", metavar="AMOUNT", help="Of one unit and period, in its currency.")
@click.option("--quantity", type=int, help="Units billed each period.")
@click.option("--every", type=Every(), help='Another interval, e.g. "month", "2 weeks".')
@click.option("--plan", help="The catalogue's code.")
@click.option("--plan-version", type=int)
@click.option("--description", help="Shown to the payer.")
@click.option("--backup/--no-backup", default=None, help="Try the backup when the first fails.")
@click.option(
    "--threshold", metavar="AMOUNT", help="What usage comes to when it is billed at once."
)
@click.option("--rule", type=policy_type, help="Agree to this rule for parts of a period.")
@price_options
@click.option("--untaxed", is_flag=True, help="No tax from then on.")
@click.option("--variable/--fixed", default=None, help="Whether the amount may be set.")
@click.option(
    "--terms",
    type=click.File("rb"),
    help="A file of what changes, in JSON as the API takes it (meters, for example).",
)
@click.option("--at-period-end", is_flag=True, help="Leave the running period as it is.")
@click.option("--proration", type=policy_type, help="Another rule, for this change only.")
@click.option("--refund", is_flag=True, help="Pay back what billed days give back.")
@click.option("--dry-run", is_flag=True, help="Show what it would do; write nothing.")
@reason_option
@json_option
@pass_chosen
def change(
    chosen: Chosen,
    /,
    subscription: str,
    at_period_end: bool,
    proration: str | None,
    refund: bool,
    dry_run: bool,
    reason: str,
    as_json: bool,
    **given: Any,
) -> None:
    """Agree to other terms. What is not named stays; `--tiers none` takes a price list away.

    The rest of the running period is billed anew, unless --at-period-end.
    """
    from domain.subscription.events import When
    from infrastructure.cli.change_table import print_change
    from infrastructure.cli.refunding import tell_refunded
    from infrastructure.commands.change_previews import preview_of
    from infrastructure.commands.subscriptions import Subscriptions

    when = When.PERIOD_END if at_period_end else When.NOW
    with chosen.system() as system:
        commands = Subscriptions(system, actor=actor())
        state, position = commands.find(subscription)
        new = _changed_terms(given, state.currency)
        if dry_run:
            seen = preview_of(
                state,
                new,
                when=when,
                proration=_policy(proration),
                refund=refund,
                now=system.clock(),
                zone_version=system.zone_version,
                position=position,
            )
            print_json(seen) if as_json else print_change(seen)
            return
        done = commands.change_terms(
            subscription,
            new,
            when=when,
            reason=reason,
            proration=_policy(proration),
            refund=refund,
        )
        words = f"{subscription} has other terms"
        if refund:
            tell_refunded(system, subscription, done, words, as_json=as_json)
            return
    tell(done, words, as_json=as_json)


def _changed_terms(given: dict[str, Any], currency: str) -> NewTerms:
    """What the options of `change`, or its file, say. Raises: Refused, Ended."""
    from infrastructure.api.asked_terms import ChangedTerms

    fields = price_fields(given, currency)
    for name in ("plan", "plan_version", "description", "quantity", "variable", "backup"):
        if given[name] is not None:
            fields[name] = given[name]
    for name in ("price", "threshold"):
        if given[name] is not None:
            fields[name] = money_field(given[name], currency)
    if given["every"] is not None:
        fields["interval"] = interval_field(given["every"])
    if given["rule"] is not None:
        fields["proration"] = given["rule"].upper()
    if given["untaxed"]:
        fields["untaxed"] = True
    if given["terms"] is not None:
        if fields:
            option = next(iter(fields)).replace("_", "-")
            raise Ended(USAGE, "usage", f"give either --terms or the option of {option}")
        return json_message(given["terms"].read(), ChangedTerms).new_terms()
    return message_of(fields, ChangedTerms).new_terms()


@click.command(epilog=TABLE)
@click.argument("subscription")
@click.argument("day", type=Day())
@reason_option
@json_option
@pass_chosen
def anchor(chosen: Chosen, subscription: str, day: str, reason: str, as_json: bool) -> None:
    """Let regular periods begin on DAY; up to it, a part of a period is billed."""
    from datetime import date

    from infrastructure.commands.subscriptions import Subscriptions

    with chosen.system() as system:
        commands = Subscriptions(system, actor=actor())
        done = commands.change_anchor(subscription, date.fromisoformat(day), reason=reason)
    tell(done, f"{subscription} has periods from {day} on", as_json=as_json)


@click.command(epilog=TABLE)
@click.argument("subscription")
@reason_option
@json_option
@pass_chosen
def release(chosen: Chosen, subscription: str, reason: str, as_json: bool) -> None:
    """Bill on, after a look at why billing was parked."""
    from infrastructure.commands.subscriptions import Subscriptions

    with chosen.system() as system:
        done = Subscriptions(system, actor=actor()).release(subscription, reason=reason)
    tell(done, f"{subscription} is billed on", as_json=as_json)


@click.command(epilog=TABLE)
@click.argument("subscription")
@click.option("--until", metavar="DAY|INSTANT", help="Resumes by itself then (a day: its start).")
@click.option("--credit", is_flag=True, help="Give back the rest of the running period.")
@reason_option
@json_option
@pass_chosen
def pause(
    chosen: Chosen, subscription: str, until: str | None, credit: bool, reason: str, as_json: bool
) -> None:
    """Bill no period from now on. What is owed is collected."""
    from infrastructure.commands.subscriptions import Subscriptions

    with chosen.system() as system:
        commands = Subscriptions(system, actor=actor())
        zone = commands.find(subscription)[0].zone
        moment = None if until is None else instant_in(until, zone, "--until")
        done = commands.pause(subscription, until=moment, credit=credit, reason=reason)
    tell(done, f"{subscription} is paused", as_json=as_json)


@click.command(epilog=TABLE)
@click.argument("subscription")
@click.option("--restart", is_flag=True, help="Count whole periods from today on.")
@click.option("--reason", default="requested by hand", show_default=True)
@json_option
@pass_chosen
def resume(chosen: Chosen, subscription: str, restart: bool, reason: str, as_json: bool) -> None:
    """Bill periods again, on the old days unless --restart."""
    from domain.subscription.pausing import Resume
    from infrastructure.commands.subscriptions import Subscriptions

    how = Resume.RESTART if restart else Resume.KEEP_ANCHOR
    with chosen.system() as system:
        done = Subscriptions(system, actor=actor()).resume(subscription, how=how, reason=reason)
    tell(done, f"{subscription} is billed again", as_json=as_json)


@click.command(epilog=TABLE)
@click.argument("subscription")
@click.argument("amount")
@reason_option
@json_option
@pass_chosen
def credit(chosen: Chosen, subscription: str, amount: str, reason: str, as_json: bool) -> None:
    """Give credit, e.g. 5.00 in the subscription's currency; it pays the invoices to come."""
    from domain.money import parse_money
    from infrastructure.commands.subscriptions import Subscriptions

    with chosen.system() as system:
        commands = Subscriptions(system, actor=actor())
        money = parse_money(amount, commands.find(subscription)[0].currency)
        done = commands.grant_credit(subscription, money, reason=reason)
    tell(done, f"{subscription} has {money} more credit", as_json=as_json)


@click.command(epilog=TABLE)
@click.argument("subscription")
@click.option("--at-period-end", is_flag=True, help="When the running period is over.")
@click.option("--at", metavar="DAY|INSTANT", help="Then (a day: its start in its time zone).")
@click.option(
    "--credit",
    type=policy_type,
    default="NONE",
    show_default=True,
    help="How the rest of the paid period becomes credit, where it ends now.",
)
@click.option("--refund", is_flag=True, help="Pay it back (by the agreed rule without --credit).")
@reason_option
@json_option
@pass_chosen
def cancel(
    chosen: Chosen,
    subscription: str,
    at_period_end: bool,
    at: str | None,
    credit: str,
    refund: bool,
    reason: str,
    as_json: bool,
) -> None:
    """End a subscription's billing now, or plan its end. What is owed stays owed."""
    from domain.plan import Proration
    from infrastructure.cli.refunding import tell_refunded
    from infrastructure.commands.subscriptions import Subscriptions

    later = at_period_end or at is not None
    policy = Proration(credit.upper())
    if at_period_end and at is not None:
        raise Ended(USAGE, "usage", "give either --at-period-end or --at")
    if later and policy is not Proration.NONE:
        raise Ended(USAGE, "usage", "--credit is for what ends now")
    if later and refund:
        raise Ended(USAGE, "usage", "--refund is for what ends now")
    with chosen.system() as system:
        commands = Subscriptions(system, actor=actor())
        if not later:
            done = commands.cancel(subscription, reason=reason, credit=policy, refund=refund)
            words = f"{subscription} is cancelled"
            if refund:
                tell_refunded(system, subscription, done, words, as_json=as_json)
            else:
                tell(done, words, as_json=as_json)
            return
        zone = commands.find(subscription)[0].zone
        moment = None if at is None else instant_in(at, zone, "--at")
        done = commands.schedule_cancellation(subscription, at=moment, reason=reason)
    tell(done, f"{subscription} is going to end", as_json=as_json)


@click.command(epilog=TABLE)
@click.argument("subscription")
@click.option("--reason", default="requested by hand", show_default=True)
@json_option
@pass_chosen
def reactivate(chosen: Chosen, subscription: str, reason: str, as_json: bool) -> None:
    """Take a planned cancellation back."""
    from infrastructure.commands.subscriptions import Subscriptions

    with chosen.system() as system:
        commands = Subscriptions(system, actor=actor())
        done = commands.withdraw_cancellation(subscription, reason=reason)
    tell(done, f"{subscription} goes on", as_json=as_json)
