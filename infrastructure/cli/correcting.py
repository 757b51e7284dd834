"""What a person decides: ask for a token, settle a doubt, forget a customer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from uuid import UUID

import click

from infrastructure.cli.changing import tell
from infrastructure.cli.context import Chosen, actor, bring_up_to_date, json_option, pass_chosen
from infrastructure.cli.exits import INCOMPLETE, TABLE, USAGE, Ended
from infrastructure.cli.output import print_json

if TYPE_CHECKING:
    from domain.subscription.state import Subscription
    from infrastructure.bootstrap import System

_LOOK_EVERY_S = 0.1
PROVIDERS = ("paypal", "dintero")


@click.command(epilog=TABLE)
@click.argument("subscription")
@click.option("--reason", default="requested by hand", show_default=True)
@click.option(
    "--wait-s",
    type=click.FloatRange(0, 600),
    default=30.0,
    show_default=True,
    help="Seconds to wait for a worker to get the page.",
)
@click.option("--backup", is_flag=True, help="A second method, tried when the first fails.")
@click.option("--provider", type=click.Choice(PROVIDERS), help="Move: charge there from then on.")
@click.option("--account", default="", help="Move: charge that account from then on.")
@json_option
@pass_chosen
def token(
    chosen: Chosen,
    subscription: str,
    reason: str,
    wait_s: float,
    backup: bool,
    provider: str | None,
    account: str,
    as_json: bool,
) -> None:
    """Ask a payer to approve, and print the link to the provider's page.

    While a request is open it is that one. Without a running worker there is no link (exit 3).
    """
    from domain.providers import Provider
    from infrastructure.commands.subscriptions import Subscriptions

    with chosen.system() as system:
        commands = Subscriptions(system, actor=actor())
        where = None if provider is None else Provider(provider)
        done = commands.request_token(
            subscription, reason=reason, backup=backup, provider=where, account=account
        )
        state = _wait_for_page(commands.find, subscription, wait_s)
        request = state.token_request
        url = "" if request is None else request.approve_url
        if as_json:
            answer = {"position": done.position, "changed": done.changed, "approve_url": url}
            print_json({**answer, "request_id": None if request is None else request.request_id})
        elif url:
            click.echo(url)
        if not url:
            raise Ended(INCOMPLETE, "no-page-yet", "the request is written; no page came in time")


def _wait_for_page(find: object, subscription: str, wait_s: float) -> Subscription:
    deadline = time.monotonic() + wait_s
    while True:
        state: Subscription = find(subscription)[0]  # type: ignore[operator]
        request = state.token_request
        if request is None or request.approve_url or time.monotonic() >= deadline:
            return state
        time.sleep(_LOOK_EVERY_S)


@click.command(epilog=TABLE)
@click.argument("attempt", type=click.UUID)
@click.option("--received", metavar="AMOUNT", help="What the provider took, e.g. 29.85.")
@click.option("--currency", help="Of AMOUNT; default: the currency that was asked for.")
@click.option("--provider-ref", default="", help="The provider's id of the capture.")
@click.option("--not-made", is_flag=True, help="The provider took nothing.")
@click.option("--reason", required=True, help="Where the evidence is. No personal data.")
@json_option
@pass_chosen
def resolve(
    chosen: Chosen,
    attempt: UUID,
    received: str | None,
    currency: str | None,
    provider_ref: str,
    not_made: bool,
    reason: str,
    as_json: bool,
) -> None:
    """Settle a charge of unknown outcome by a person's own evidence.

    ATTEMPT is the id that `billing charges --status needs-person` shows.
    """
    from domain.money import parse_money
    from domain.refusals import Refused
    from infrastructure.commands.subscriptions import Subscriptions

    if not_made == (received is not None):
        raise Ended(USAGE, "usage", "give either --received AMOUNT or --not-made")
    with chosen.system() as system:
        bring_up_to_date(system)
        charge = system.views.get("charges", str(attempt)).row
        if charge is None:
            raise Refused("attempt-unknown", f"there is no attempt {attempt}")
        money = None
        if received is not None:
            money = parse_money(received, currency or charge.asked.currency)
        done = Subscriptions(system, actor=actor()).decide_by_person(
            charge.subscription_id,
            attempt,
            received=money,
            provider_ref=provider_ref,
            reason=reason,
        )
    tell(done, f"attempt {attempt} is settled", as_json=as_json)


@click.command(epilog=TABLE)
@click.argument("customer")
@click.option("--yes", is_flag=True, help="Do not ask: this cannot be undone.")
@json_option
@pass_chosen
def erase(chosen: Chosen, customer: str, yes: bool, as_json: bool) -> None:
    """Destroy a customer's tokens by destroying their key. The facts and totals stay as they are.

    Refused while a subscription of the customer is still billed, or a charge has no outcome.
    """
    from domain.identity import checked_id

    checked_id("customer id", customer)
    with chosen.system() as system:
        _require_at_rest(system, customer)
        if not yes:
            click.confirm(f"Destroy the tokens of {customer} for good?", abort=True, err=True)
        erased = system.vault.erase(customer)
    if as_json:
        print_json({"customer_id": customer, "erased": erased})
    else:
        click.echo(f"{customer} is erased" if erased else f"{customer} was erased before")


def _require_at_rest(system: System, customer: str) -> None:
    """Raises: Refused("customer-still-billed"), Refused("charge-without-outcome")."""
    from domain.identity import stream_of
    from domain.refusals import Refused

    bring_up_to_date(system)
    page = system.views.select("due_dates", {"customer_id": customer}, limit=10_000)
    streams = [stream_of(subscription_id) for subscription_id in page.rows]
    for loaded in system.ledger.load(streams).values():
        state = loaded.state
        if state is None:
            continue
        if state.open_attempt is not None:
            reason = f"{state.subscription_id} has a charge whose outcome is not known"
            raise Refused("charge-without-outcome", reason)
        if state.bills:
            reason = f"cancel {state.subscription_id} first; its token is still needed"
            raise Refused("customer-still-billed", reason)
