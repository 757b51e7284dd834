"""What a person decides: ask for a token, settle a doubt, forget a customer."""

from __future__ import annotations

import time
from pathlib import Path
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
@click.option(
    "--delete",
    is_flag=True,
    help="Have the provider forget the tokens, all of them or those that are named.",
)
@click.option("--replaced", is_flag=True, help="Only those of before; with --delete.")
@click.option("--provider", type=click.Choice(PROVIDERS), help="Move: charge there from then on.")
@click.option("--account", default="", help="Move: charge that account from then on.")
@click.option(
    "--first-payment",
    type=click.Choice(["by-token", "in-session"]),
    default="by-token",
    help="in-session: the payer pays what is open on the same page (Dintero).",
)
@json_option
@pass_chosen
def token(
    chosen: Chosen,
    subscription: str,
    reason: str,
    wait_s: float,
    backup: bool,
    delete: bool,
    replaced: bool,
    provider: str | None,
    account: str,
    first_payment: str,
    as_json: bool,
) -> None:
    """Ask a payer to approve, and print the link to the provider's page.

    While a request is open it is that one. Without a running worker there is no link (exit 3).
    With --delete nobody is charged by the tokens from now on, and a worker has the provider forget
    them; where billing goes on, the payer is asked for another.
    """
    if delete:
        if provider or account or (backup and replaced):
            raise Ended(USAGE, "usage", "--delete goes with --backup or --replaced alone")
        _delete_tokens(
            chosen, subscription, reason=reason, backup=backup, replaced=replaced, as_json=as_json
        )
        return
    if replaced:
        raise Ended(USAGE, "usage", "--replaced says which tokens to --delete")
    from domain.providers import Provider
    from domain.subscription.starting import FirstPayment
    from infrastructure.commands.subscriptions import Subscriptions

    with chosen.system() as system:
        commands = Subscriptions(system, actor=actor())
        where = None if provider is None else Provider(provider)
        done = commands.request_token(
            subscription,
            reason=reason,
            backup=backup,
            provider=where,
            account=account,
            first_payment=FirstPayment(first_payment),
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


def _delete_tokens(
    chosen: Chosen, subscription: str, *, reason: str, backup: bool, replaced: bool, as_json: bool
) -> None:
    from domain.subscription.letting_go import Which
    from infrastructure.commands.subscriptions import Subscriptions

    which = Which.ALL
    if backup or replaced:
        which = Which.BACKUP if backup else Which.REPLACED
    with chosen.system() as system:
        done = Subscriptions(system, actor=actor()).delete_tokens(
            subscription, which, reason=reason
        )
    words = f"tokens of {subscription} are charged no more; a worker has them deleted"
    tell(done, words, as_json=as_json)


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
    from infrastructure.commands.finding import charge_of
    from infrastructure.commands.subscriptions import Subscriptions

    if not_made == (received is not None):
        raise Ended(USAGE, "usage", "give either --received AMOUNT or --not-made")
    with chosen.system() as system:
        bring_up_to_date(system)
        charge = charge_of(system, attempt)
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
@click.option(
    "--wait-s",
    type=click.FloatRange(0, 600),
    default=30.0,
    show_default=True,
    help="Seconds to wait for a worker to have the tokens deleted.",
)
@click.option(
    "--keys-only", is_flag=True, help="Leave at the provider what it holds; destroy the keys now."
)
@click.option(
    "--certificate",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the signed certificate to this file.",
)
@json_option
@pass_chosen
def erase(
    chosen: Chosen,
    customer: str,
    yes: bool,
    wait_s: float,
    keys_only: bool,
    certificate: Path | None,
    as_json: bool,
) -> None:
    """Have a customer's tokens deleted, then destroy their key. Facts and totals stay as they are,
    and a signed certificate says so.

    Refused while a subscription of the customer is still billed, or a charge or a refund has no
    outcome. Until the provider has forgotten the tokens the keys stay (exit 3): run it again.
    """
    from domain.identity import checked_id
    from infrastructure.commands.letting_go import begin_erasure, check_at_rest, states_of
    from infrastructure.commands.subscriptions import Subscriptions
    from infrastructure.proof.certificates import certificate as certified
    from infrastructure.proof.certificates import standing

    checked_id("customer id", customer)
    with chosen.system() as system:
        bring_up_to_date(system)
        check_at_rest(states_of(system, customer))
        # A wrong master key is told before anything is written.
        vault = system.vault
        if not yes:
            click.confirm(f"Destroy the tokens of {customer} for good?", abort=True, err=True)
        if not keys_only:
            left = begin_erasure(system, Subscriptions(system, actor=actor()), customer)
            left = _wait_until_gone(system, customer, left, wait_s)
            if left:
                reason = f"the provider still holds {len(left)} token(s): {', '.join(left)}"
                raise Ended(INCOMPLETE, "tokens-not-deleted-yet", reason[:400])
        now, position = system.clock(), system.ledger.head()
        before = standing(system, position, now)
        erased = vault.erase(customer)
        note = str(certified(system, customer, before, standing(system, position, now), now))
    if certificate is not None:
        certificate.write_bytes(note.encode())
    if as_json:
        print_json({"customer_id": customer, "erased": erased, "certificate": note})
    else:
        click.echo(f"{customer} is erased" if erased else f"{customer} was erased before")
        click.echo(note, nl=False)


def _wait_until_gone(
    system: System, customer: str, left: tuple[str, ...], wait_s: float
) -> tuple[str, ...]:
    """The tokens that are still there when the time is up."""
    from infrastructure.commands.letting_go import held_tokens, states_of

    deadline = time.monotonic() + wait_s
    while left and time.monotonic() < deadline:
        time.sleep(_LOOK_EVERY_S)
        left = held_tokens(states_of(system, customer))
    return left
