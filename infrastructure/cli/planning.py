"""The catalogue: `billing plans` lists it, `billing plan` shows one plan and changes it."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from infrastructure.cli.changing import reason_option, tell
from infrastructure.cli.context import Chosen, actor, bring_up_to_date, json_option, pass_chosen
from infrastructure.cli.exits import TABLE, USAGE, Ended
from infrastructure.cli.output import instant, print_json, print_standing, print_table
from infrastructure.cli.terms_options import (
    Day,
    instant_in,
    present_fields,
    terms_options,
)

if TYPE_CHECKING:
    from datetime import datetime

    from infrastructure.api.plan_messages import PlanView
    from infrastructure.bootstrap import System

VERSION_COLUMNS = ("version", "terms", "available from", "subscribers", "at terms of their own")


@click.command(epilog=TABLE)
@json_option
@pass_chosen
def plans(chosen: Chosen, as_json: bool) -> None:
    """Every plan: the version that its name means now, and how many subscribe."""
    from infrastructure.api.plan_messages import PlansAnswer, PlanView
    from infrastructure.cli.reading import all_rows

    with chosen.system() as system:
        bring_up_to_date(system)
        now, head = system.clock(), system.ledger.head()
        found = list(all_rows(system, "plans", {}))
        position = min((stands for _, stands in found), default=head)
        views = tuple(PlanView.of(system, row, now) for row, _ in found)
        if as_json:
            print_json(PlansAnswer(position=position, items=views))
            return
        rows = [
            (
                view.plan,
                "-" if view.available is None else str(view.available),
                str(len(view.versions)),
                str(sum(each.subscribers for each in view.versions)),
                _standing(view, now),
            )
            for view in views
        ]
        print_table(("plan", "available", "versions", "subscribers", ""), rows)
        print_standing(position, head)


def _standing(view: PlanView, now: datetime) -> str:
    if view.retired_at is None:
        return ""
    word = "retired" if view.retired_at <= now else "to be retired"
    return f"{word} {instant(view.retired_at)}"


@click.group(epilog=TABLE)
def plan() -> None:
    """One plan of the catalogue."""


@plan.command(epilog=TABLE)
@click.argument("code")
@json_option
@pass_chosen
def show(chosen: Chosen, code: str, as_json: bool) -> None:
    """Versions with their dates and subscribers, moves, and what happened when."""
    from domain.identity import plan_stream
    from infrastructure.api.plan_messages import PlanAnswer, PlanView
    from infrastructure.cli.terms_words import terms_words
    from infrastructure.commands.plans import OWN_TERMS, Plans, survey
    from projections.plans import words_of_plan

    with chosen.system() as system:
        found, position = Plans(system, actor="cli").find_plan(code)
        bring_up_to_date(system)
        view = PlanView.of(system, found, system.clock())
        if as_json:
            print_json(PlanAnswer(position=position, plan=view))
            return
        own = [survey(system, each)[OWN_TERMS] for each in found.versions]
        rows = [
            (
                f"{each.version}{' *' if each.version == view.available else ''}",
                terms_words(each.terms),
                instant(each.available_from),
                str(each.subscribers),
                str(with_own),
            )
            for each, with_own in zip(view.versions, own, strict=True)
        ]
        print_table(VERSION_COLUMNS, rows, right=VERSION_COLUMNS[-2:])
        for fact in system.ledger.read_stream(plan_stream(code)):
            click.echo(f"{instant(fact.effective_at)}  {words_of_plan(fact.event)}")
        print_standing(position, position)


@plan.command(epilog=TABLE)
@click.argument("code")
@click.option("--version", type=int, help="Default: the next one.")
@click.option("--description", help="Shown to the payer; default: that of the version before.")
@click.option("--from", "available_from", metavar="DAY|INSTANT", help="Default: at once.")
@click.option("--zone", default="UTC", show_default=True, help="Of a day in --from.")
@terms_options
@reason_option
@json_option
@pass_chosen
def publish(
    chosen: Chosen,
    /,
    code: str,
    version: int | None,
    description: str | None,
    available_from: str | None,
    zone: str,
    reason: str,
    as_json: bool,
    **given: Any,
) -> None:
    """Publish a version that subscriptions may start on; a version never changes.

    A published one again, with the same terms, does nothing.
    """
    import msgspec

    from infrastructure.api.asking_plans import NewVersion
    from infrastructure.commands.plans import Plans

    with chosen.system() as system:
        known, _ = system.plans.load(code)
        number = version or (1 if known is None else len(known.versions) + 1)
        before = None if known is None else known.versions[-1].terms.description
        terms = {"description": before or code, **present_fields(given)}
        if description is not None:
            terms["description"] = description
        fields = {
            "version": number,
            "terms": terms,
            "reason": reason,
        }
        try:
            asked = msgspec.convert(fields, NewVersion, strict=True)
        except msgspec.ValidationError as error:
            raise Ended(USAGE, "request-malformed", str(error)) from None
        if available_from is not None:
            asked.available_from = instant_in(available_from, zone, "--from")
        done = Plans(system, actor=actor()).publish(asked.wish(code))
    tell(done, f"version {number} of {code} is published", as_json=as_json)


@plan.command(epilog=TABLE)
@click.argument("code")
@click.option("--at", metavar="DAY|INSTANT", help="Default: now.")
@click.option("--zone", default="UTC", show_default=True, help="Of a day in --at.")
@reason_option
@json_option
@pass_chosen
def retire(
    chosen: Chosen, code: str, at: str | None, zone: str, reason: str, as_json: bool
) -> None:
    """Let nobody start on a plan any more. Those on it go on."""
    from infrastructure.commands.plans import Plans

    moment = None if at is None else instant_in(at, zone, "--at")
    with chosen.system() as system:
        done = Plans(system, actor=actor()).retire(code, retired_at=moment, reason=reason)
    tell(done, f"nobody starts on {code} any more", as_json=as_json)


from_option = click.option("--from", "from_version", type=int, required=True, help="Version.")
to_option = click.option("--to", "to_version", type=int, required=True, help="Version.")


@plan.command(epilog=TABLE)
@click.argument("code")
@from_option
@to_option
@click.option("--on", type=Day(), required=True, help="Local day, e.g. 2025-03-01.")
@click.option("--dry-run", is_flag=True, help="Say who would be moved; write nothing.")
@reason_option
@json_option
@pass_chosen
def move(
    chosen: Chosen,
    code: str,
    from_version: int,
    to_version: int,
    on: date,
    dry_run: bool,
    reason: str,
    as_json: bool,
) -> None:
    """Move subscribers to another version, with the first period that begins on or after a day.

    The workers carry it out where that period begins, before it is billed; until then it can be
    withdrawn. Who agreed to terms of their own is on no version, and keeps them.
    """
    from domain.catalogue.publishing import announce_move
    from infrastructure.commands.plans import Plans

    asked: dict[str, Any] = {"from_version": from_version, "to_version": to_version, "on": on}
    with chosen.system() as system:
        commands = Plans(system, actor=actor())
        if dry_run:
            found, position = commands.find_plan(code)
            facts = announce_move(found, **asked, reason=reason, now=system.clock())
            changed = bool(facts)
        else:
            done = commands.announce_move(code, **asked, reason=reason)
            position, changed = done.position, done.changed
        fates = _survey(system, code, from_version, quiet=as_json)
    if as_json:
        print_json({"position": position, "changed": changed, "subscribers": dict(fates)})
        return
    said = "announced" if changed else "announced before"
    words = "nothing is written" if dry_run else said
    click.echo(f"{words}: {code}, version {from_version} to {to_version} on {on}")
    for fate, count in fates.items():
        click.echo(f"  {count:>7,} {fate}")
    print_standing(position, position)


def _survey(system: System, code: str, number: int, *, quiet: bool) -> Counter[str]:
    """What becomes of the subscribers; the number read so far goes to stderr."""
    from infrastructure.commands.plans import Plans, survey

    bring_up_to_date(system)
    version = Plans(system, actor="cli").find_plan(code)[0].versions[number - 1]

    def told(count: int) -> None:
        click.echo(f"{count:,} subscribers read", err=True)

    return survey(system, version, tell=None if quiet else told)


@plan.command(epilog=TABLE)
@click.argument("code")
@from_option
@to_option
@reason_option
@json_option
@pass_chosen
def withdraw(
    chosen: Chosen, code: str, from_version: int, to_version: int, reason: str, as_json: bool
) -> None:
    """Take an announced move back. Who has been moved stays moved."""
    from infrastructure.commands.plans import Plans

    with chosen.system() as system:
        done = Plans(system, actor=actor()).withdraw_move(
            code, from_version=from_version, to_version=to_version, reason=reason
        )
    tell(done, "nobody is moved any further", as_json=as_json)
