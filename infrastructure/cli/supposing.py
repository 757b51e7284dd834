"""`billing what-if`: real history under other terms, in memory; the difference in money."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import click

from infrastructure.cli.context import Chosen, bring_up_to_date, json_option, pass_chosen
from infrastructure.cli.exits import TABLE
from infrastructure.cli.output import amount, print_json, print_standing, print_table
from infrastructure.cli.plan_option import Named
from infrastructure.cli.supposing_retries import (
    as_message,
    other_schedule,
    print_retried,
    totals_of,
)
from infrastructure.cli.terms_options import Every, policy_type

if TYPE_CHECKING:
    from domain.calendar import Interval
    from domain.catalogue.offering import Choice
    from domain.deciding_anew import OtherPolicy
    from domain.plan import Terms
    from domain.recorded import Recorded
    from domain.refusals import Refused
    from domain.subscription.events import SubscriptionEvent
    from domain.what_if import WhatIf
    from domain.what_if_retries import OtherSchedule
    from infrastructure.bootstrap import System

PAGE = 1000
MOST_SHOWN = 50
COLUMNS = ("was", "would be", "difference")


@click.command("what-if", epilog=TABLE)
@click.argument("subscription", required=False)
@click.option("--all", "everybody", is_flag=True, help="Every subscription of the books.")
@click.option(
    "--plan", type=Named(), metavar="CODE[@VERSION]", help="The terms of a published plan."
)
@click.option("--percent", type=str, help='Every price changed by so much, e.g. "10" or "-2.5".')
@click.option("--quantity", type=int, help="Units billed each period.")
@click.option("--every", type=Every(), help='Another interval, e.g. "month", "2 weeks".')
@click.option("--proration", type=policy_type, help="Another rule for parts of a period.")
@click.option("--retry", metavar="DAYS", help="Another retry schedule, e.g. 3,5,7; or none.")
@click.option(
    "--end",
    type=click.Choice(("LEAVE_OPEN", "SUSPEND", "CANCEL", "WRITE_OFF"), case_sensitive=False),
    help="With --retry: another end of it.",
)
@click.option("--grace-days", type=int, help="With --retry: until that end.")
@json_option
@pass_chosen
def what_if(
    chosen: Chosen,
    subscription: str | None,
    everybody: bool,
    plan: Choice | None,
    percent: str | None,
    quantity: int | None,
    every: Interval | None,
    proration: str | None,
    retry: str | None,
    end: str | None,
    grace_days: int | None,
    as_json: bool,
) -> None:
    """What a history would have billed under other terms. Nothing is written.

    Every start, change, pause, credit and end is decided anew; charges are left out. With --plan:
    as if it had been agreed to from the first day on, quantity and trial as they were. With
    --retry: which charges would have been tried when, and what of the money is certain; a charge
    that was never made is "not known".
    """
    if everybody == (subscription is not None):
        raise click.UsageError("name one subscription, or give --all")
    if retry is not None:
        if any(each is not None for each in (plan, percent, quantity, every, proration)):
            raise click.UsageError("--retry goes with no other terms")
        _retried(chosen, subscription, other_schedule(retry, end, grace_days), as_json=as_json)
        return
    if end is not None or grace_days is not None:
        raise click.UsageError("--end and --grace-days go with --retry")
    with chosen.system() as system:
        other = _other_terms(percent, quantity, every)
        policy = _policy(system, plan, other, proration)
        bring_up_to_date(system)
        head = system.ledger.head()
        left_out: dict[str, Refused] = {}
        if subscription is not None:
            found = {subscription: _suppose(system, subscription, policy)}
        elif plan is None:
            found = {each: _suppose(system, each, policy) for each in _everybody(system)}
        else:
            found, left_out = _suppose_where_possible(system, policy)
    if as_json:
        print_json(
            {
                "position": head,
                "items": found,
                "totals": _totals(found),
                "left_out": {name: each.code for name, each in left_out.items()},
            }
        )
        return
    _print(found)
    for code, count in sorted(Counter(each.code for each in left_out.values()).items()):
        click.echo(f"left out, {code}: {count}")
    print_standing(head, head)


def _retried(
    chosen: Chosen, subscription: str | None, other: OtherSchedule, *, as_json: bool
) -> None:
    from domain.what_if_retries import what_if_retried

    with chosen.system() as system:
        bring_up_to_date(system)
        head = system.ledger.head()
        wanted = _everybody(system) if subscription is None else iter([subscription])
        found = {each: what_if_retried(_facts(system, each), other) for each in wanted}
    if as_json:
        print_json({"position": head, "items": as_message(found), "totals": totals_of(found)})
        return
    print_retried(found)
    print_standing(head, head)


def _policy(
    system: System,
    plan: Choice | None,
    other: Callable[[Terms], Terms],
    proration: str | None,
) -> OtherPolicy:
    """The terms of the plan, if one is named, and what else is other of them.

    Refused: "id-malformed", and what offering.version_named refuses.
    """
    import attrs

    from domain.catalogue.offering import version_named
    from domain.deciding_anew import OtherPolicy
    from domain.identity import checked_id
    from domain.plan import Proration
    from domain.what_if_plan import on_version

    rule = None if proration is None else Proration(proration.upper())
    if plan is None:
        return OtherPolicy(terms=other, proration=rule)
    published, _ = system.plans.load(checked_id("plan", plan.plan))
    by_plan = on_version(version_named(published, plan, now=system.clock()))
    return attrs.evolve(by_plan, terms=lambda agreed: other(by_plan.terms(agreed)), proration=rule)


def _suppose_where_possible(
    system: System, policy: OtherPolicy
) -> tuple[dict[str, WhatIf], dict[str, Refused]]:
    """Every subscription; and those whose terms cannot be those of the plan, with why."""
    from domain.refusals import Refused

    found: dict[str, WhatIf] = {}
    left_out: dict[str, Refused] = {}
    for each in _everybody(system):
        try:
            found[each] = _suppose(system, each, policy)
        except Refused as refused:
            left_out[each] = refused
    return found, left_out


def _other_terms(
    percent: str | None, quantity: int | None, every: Interval | None
) -> Callable[[Terms], Terms]:
    """Raises: click.BadParameter for a percentage that is none."""
    import attrs

    from domain.repricing import repriced

    try:
        factor = 1 + Fraction(percent or 0) / 100
    except (ValueError, ZeroDivisionError):
        raise click.BadParameter(f"{percent!r} is not a number", param_hint="--percent") from None

    def other(agreed: Terms) -> Terms:
        return attrs.evolve(
            repriced(agreed, factor),
            quantity=agreed.quantity if quantity is None else quantity,
            interval=agreed.interval if every is None else every,
        )

    return other


def _everybody(system: System) -> Iterator[str]:
    offset = 0
    while page := system.views.select("due_dates", limit=PAGE, offset=offset).rows:
        yield from page
        offset += PAGE


def _suppose(system: System, subscription: str, policy: OtherPolicy) -> WhatIf:
    """Refused: "subscription-unknown", and what starting refuses of the other terms."""
    from domain.what_if import what_if

    return what_if(_facts(system, subscription), policy)


def _facts(system: System, subscription: str) -> Sequence[Recorded[SubscriptionEvent]]:
    """Refused: "subscription-unknown"."""
    from domain.identity import checked_id, stream_of
    from domain.refusals import Refused

    facts = system.ledger.read_stream(stream_of(checked_id("subscription id", subscription)))
    if not facts:
        raise Refused("subscription-unknown", f"there is no subscription {subscription}")
    return facts


def _totals(found: dict[str, WhatIf]) -> dict[str, dict[str, int]]:
    """Per currency, minor units."""
    totals: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for each in found.values():
        sums = totals[each.was.currency]
        sums["subscriptions"] += 1
        sums["was"] += each.was.net.minor
        sums["would_be"] += each.would_be.net.minor
        sums["difference"] += each.difference.minor
        sums["refused"] += len(each.refused)
    return {currency: dict(sums) for currency, sums in totals.items()}


def _print(found: dict[str, WhatIf]) -> None:
    changed = {name: each for name, each in found.items() if each.difference.minor}
    rows = [
        (name, str(each.was.net), str(each.would_be.net), str(each.difference))
        for name, each in list(changed.items())[:MOST_SHOWN]
    ]
    for currency, sums in sorted(_totals(found).items()):
        was, would_be, more = (
            f"{amount(sums[name], currency)} {currency}"
            for name in ("was", "would_be", "difference")
        )
        rows.append((f"all {sums['subscriptions']}", was, would_be, more))
    print_table(("subscription", "was", "would be", "difference"), rows, right=COLUMNS)
    if len(changed) > MOST_SHOWN:
        click.echo(f"and {len(changed) - MOST_SHOWN} more that differ (--json lists them)")
    for name, each in found.items():
        for words in each.refused:
            click.echo(f"{name}: would have been refused: {words}")
