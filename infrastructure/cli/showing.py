"""One thing at a time: a subscription, the inbox, the settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from infrastructure.cli.context import Chosen, json_option, pass_chosen
from infrastructure.cli.exits import TABLE
from infrastructure.cli.output import instant, print_json, print_standing, print_table

if TYPE_CHECKING:
    from domain.subscription.state import Subscription
    from domain.subscription.vaulted import Token
    from infrastructure.bootstrap import System
    from infrastructure.proof.verifications import LastVerified


@click.command(epilog=TABLE)
@click.argument("subscription")
@json_option
@pass_chosen
def show(chosen: Chosen, subscription: str, as_json: bool) -> None:
    """A subscription's life in words, fact by fact, and what is open now."""
    from domain.identity import checked_id, stream_of
    from domain.processes.agenda import agenda_of
    from domain.refusals import Refused
    from infrastructure.api.messages import SubscriptionAnswer
    from infrastructure.commands.subscriptions import Subscriptions
    from infrastructure.operator_words import told_timeline
    from projections.expiring import DEFAULT_DAYS, expiring

    stream = stream_of(checked_id("subscription id", subscription))
    with chosen.system() as system:
        facts = system.ledger.read_stream(stream)
        if not facts:
            raise Refused("subscription-unknown", f"there is no subscription {subscription}")
        state, position = Subscriptions(system, actor="cli").find(subscription)
        entries = told_timeline(facts)
        if as_json:
            now = SubscriptionAnswer.of(state, position)
            print_json({"position": position, "now": now, "timeline": entries})
            return
        for each in entries:
            click.echo(f"{instant(each.at)}  {each.words}")
        click.echo(f"\nnow {state.status.value.lower()}")
        for words in (*_agreed(state), *_announced(system, state)):
            click.echo(f"  {words}")
        for card in expiring(state, now=system.clock(), days=DEFAULT_DAYS):
            click.echo(f"  {card}")
        for item in agenda_of(state):
            click.echo(f"  {instant(item.due_at)}  {item.kind.value} {item.key}: {item.why}")
        if state.token_request is not None and state.token_request.approve_url:
            click.echo(f"  approval page: {state.token_request.approve_url}")
        print_standing(position, position)


def _agreed(state: Subscription) -> Iterator[str]:
    """The terms, what is agreed to for later, and what waits for the next invoice."""
    from domain.money import total
    from domain.subscription.usage_pricing import waiting_usage
    from infrastructure.cli.change_table import working_words
    from infrastructure.cli.terms_words import more_words, terms_words, to_come_words

    yield terms_words(state.terms)
    yield from more_words(state.terms)
    for which, token in (("charged", state.token), ("backup", state.backup)):
        if token is not None:
            yield f"{which}: {_instrument_words(token)}"
    if state.replaced:
        yield f"before: {len(state.replaced)} token(s) that the provider still holds"
    if state.backup is not None and not state.terms.backup:
        yield "the terms do not let the backup be tried"
    if (later := state.following) is not None:
        yield f"from invoice {later.from_invoice} on: {terms_words(later.terms)}"
    if state.pause is not None:
        until = "until it is resumed" if state.pause.until is None else instant(state.pause.until)
        yield f"paused: {until}; invoice {state.pause.last_invoice} is the last before it resumes"
    if (stopped := state.suspension) is not None:
        last = f"invoice {stopped.last_invoice} is the last before it is reinstated"
        yield f"suspended: invoice {stopped.invoice_number} was not paid; {last}"
    for each in state.unresolved:
        asked = f"{each.expected} asked, {each.received} received"
        yield f"discrepancy of attempt {each.attempt_id}: {asked} for invoice {each.invoice_number}"
    for late in state.unresolved_refunds:
        uncovered = f", {late.missing} of it without credit" if late.missing.minor else ""
        went = f"{late.amount} went back after all{uncovered}"
        yield f"discrepancy of refund {late.refund_id}: {went}"
    if (planned := state.cancellation) is not None:
        end = f"with invoice {planned.last_invoice}" if planned.at is None else instant(planned.at)
        yield f"ends: {end} ({planned.reason})"
    if state.credits:
        yield f"credit: {total((each.left for each in state.credits), state.currency)}"
    yield from to_come_words(state)
    for line in (*waiting_usage(state), *state.lines_to_come):
        yield f"on the next invoice: {line.description}, {line.amount} = {working_words(line)}"


def _instrument_words(token: Token) -> str:
    shown = token.instrument
    name = " ".join(part for part in (shown.brand, shown.kind, shown.last_digits) if part)
    expires = f", expires {shown.expires}" if shown.expires else ""
    return f"{name}{expires}" + ("" if token.usable else f" ({token.standing}; not charged again)")


def _announced(system: System, state: Subscription) -> Iterator[str]:
    """The move to another version that is announced for this subscription."""
    from domain.catalogue.offering import is_on

    terms = state.agreed
    plan, _ = system.plans.load(terms.plan)
    version = None if plan is None else plan.version(terms.plan_version)
    if plan is None or version is None or not is_on(terms, version) or not state.bills:
        return
    if (move := plan.standing(version.number)) is not None:
        since = f"the first period that begins on or after {move.on}"
        yield f"moves to version {move.to_version} of {plan.code} with {since}"


@click.command(epilog=TABLE)
@click.option("--requeue", type=int, multiple=True, metavar="ID", help="Work this one again.")
@json_option
@pass_chosen
def inbox(chosen: Chosen, requeue: tuple[int, ...], as_json: bool) -> None:
    """Callbacks that wait for a worker, and those that are set aside for a person."""
    with chosen.system() as system:
        requeued = system.inbox.requeue(requeue) if requeue else 0
        aside = system.inbox.quarantined(system.clock())
        items = [
            {
                "id": each.received.id,
                "provider": each.received.provider,
                "account": each.received.account,
                "event_type": each.received.event_type,
                "reference": each.received.reference,
                "token_request_ref": each.received.token_request_ref,
                "dispute_ref": each.received.dispute_ref,
                "charge_ref": each.received.charge_ref,
                "received_at": each.received.received_at,
                "reason": each.reason,
            }
            for each in aside
        ]
        pending, duplicates = system.inbox.pending(), system.inbox.duplicates()
        if as_json:
            answer = {"pending": pending, "duplicates": duplicates, "requeued": requeued}
            print_json({**answer, "quarantined": items})
            return
        click.echo(f"{pending} waiting, {duplicates} repeats, {len(items)} set aside")
        rows = [
            (
                str(each.received.id),
                instant(each.received.received_at),
                f"{each.received.provider}/{each.received.account}",
                each.received.event_type,
                each.received.reference
                or each.received.token_request_ref
                or each.received.dispute_ref
                or each.received.charge_ref,
                each.reason,
            )
            for each in aside
        ]
        if rows:
            print_table(("id", "received", "account", "event", "about", "why"), rows)


@click.command(epilog=TABLE)
@json_option
@pass_chosen
def info(chosen: Chosen, as_json: bool) -> None:
    """Settings without secrets, and where the books stand."""
    from infrastructure.commands.restoring import read_restored

    settings = chosen.settings()
    with chosen.system() as system:
        restored = read_restored(system.ledger)
        answer = {
            "schema": settings.schema,
            "database": "a server of one's own" if settings.database_url else "embedded",
            "server": _server_version(system.pool),
            "data_dir": str(settings.data_dir),
            "public_url": settings.public_url,
            "clock": settings.clock,
            "now": system.clock(),
            "accounts": [f"{each.provider}/{each.name}" for each in settings.accounts],
            "api_callers": sorted(settings.api_keys),
            "in_flight": settings.in_flight,
            "lease_s": settings.lease_s,
            "head": system.ledger.head(),
            "projections": system.views.positions(),
            "parked": {name: len(streams) for name, streams in system.views.parked().items()},
            "inbox_pending": system.inbox.pending(),
            "outages": [f"{each}, by {each.process}" for each in system.circuits.read()],
            "verified": _verified(system.last_verified()),
            "zone_version": system.zone_version,
            "restored": None if restored is None else restored.until,
        }
    if as_json:
        print_json(answer)
        return
    for name, value in answer.items():
        click.echo(f"{name:14} {_plain(value)}")


def _verified(last: LastVerified | None) -> str:
    if last is None:
        return "never"
    words = f"{last.verdict} at {instant(last.at)} ({last.scope}), proved to {last.proved_to}"
    anchor = "unanchored" if last.anchored_to is None else f"anchored to {last.anchored_to}"
    if last.whole_at is None:
        return f"{words}, {anchor}; never as a whole"
    return f"{words}, {anchor}; as a whole {last.whole_verdict} at {instant(last.whole_at)}"


def _server_version(pool: object) -> str:
    with pool.connection() as conn:  # type: ignore[attr-defined]
        version: str = conn.execute("SHOW server_version").fetchone()[0]
    return version


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {each}" for name, each in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(str(each) for each in value) or "none"
    return str(value)
