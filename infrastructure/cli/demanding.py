"""What is billed beside the schedule: demands, balances for auto-reload, early settlements."""

from __future__ import annotations

import click

from infrastructure.cli.changing import reason_option, tell
from infrastructure.cli.context import Chosen, actor, json_option, pass_chosen
from infrastructure.cli.exits import TABLE
from infrastructure.cli.output import print_json
from infrastructure.cli.terms_options import instant_in


@click.command(epilog=TABLE)
@click.argument("subscription")
@click.argument("amount")
@click.option("--id", "demand_id", required=True, help="Your own id of it: it is charged once.")
@click.option("--description", required=True, help="What for; stands on the invoice.")
@click.option("--tax-percent", metavar="PERCENT", help='E.g. "25" or "8.875"; without: no tax.')
@click.option("--tax-code", default="TAX", show_default=True, help="What the books call it.")
@click.option("--tax-included", is_flag=True, help="The amount states the tax.")
@reason_option
@json_option
@pass_chosen
def demand(
    chosen: Chosen,
    subscription: str,
    amount: str,
    demand_id: str,
    description: str,
    tax_percent: str | None,
    tax_code: str,
    tax_included: bool,
    reason: str,
    as_json: bool,
) -> None:
    """Charge AMOUNT once, beside any schedule, e.g. 12.50 in the subscription's currency."""
    from domain.money import parse_money
    from domain.percents import parse_percent
    from domain.subscription.demanding import Demand
    from domain.taxes import TaxRate
    from infrastructure.commands.subscriptions import Subscriptions

    tax = None
    if tax_percent is not None:
        tax = TaxRate(code=tax_code, ppm=parse_percent(tax_percent), included=tax_included)
    with chosen.system() as system:
        commands = Subscriptions(system, actor=actor())
        money = parse_money(amount, commands.find(subscription)[0].currency)
        wish = Demand(
            demand_id=demand_id, description=description, amount=money, tax=tax, reason=reason
        )
        done = commands.demand(subscription, wish)
    tell(done, f"{money} of {subscription} are billed as {demand_id}", as_json=as_json)


@click.command(epilog=TABLE)
@click.argument("subscription")
@click.argument("balance")
@click.option("--id", "report_id", required=True, help="Your own id of the report.")
@click.option("--at", metavar="DAY|INSTANT", required=True, help="When it was so.")
@json_option
@pass_chosen
def report_balance(
    chosen: Chosen, subscription: str, balance: str, report_id: str, at: str, as_json: bool
) -> None:
    """Say what a customer has left; too little is reloaded, once for each time that it falls."""
    from domain.money import parse_money
    from domain.subscription.demanding import BalanceReport
    from infrastructure.commands.subscriptions import Subscriptions

    with chosen.system() as system:
        commands = Subscriptions(system, actor=actor())
        state = commands.find(subscription)[0]
        wish = BalanceReport(
            report_id=report_id,
            balance=parse_money(balance, state.currency),
            at=instant_in(at, state.zone, "--at"),
        )
        done = commands.report_balance(subscription, wish)
    tell(done, f"{subscription} had {wish.balance} left", as_json=as_json)


@click.command(epilog=TABLE)
@click.argument("subscription")
@click.option("--dry-run", is_flag=True, help="Show what it would bill; write nothing.")
@reason_option
@json_option
@pass_chosen
def settle(chosen: Chosen, subscription: str, dry_run: bool, reason: str, as_json: bool) -> None:
    """Bill all instalments that are left on one invoice, now. When it is paid, all is."""
    from infrastructure.cli.change_table import print_settlement
    from infrastructure.commands.settlement_previews import settlement_of
    from infrastructure.commands.subscriptions import Subscriptions

    with chosen.system() as system:
        commands = Subscriptions(system, actor=actor())
        if dry_run:
            state, position = commands.find(subscription)
            seen = settlement_of(
                state,
                reason=reason,
                now=system.clock(),
                zone_version=system.zone_version,
                position=position,
            )
            print_json(seen) if as_json else print_settlement(seen)
            return
        done = commands.settle(subscription, reason=reason)
    tell(done, f"{subscription} is billed for all that was left", as_json=as_json)
