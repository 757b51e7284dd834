"""Accounting periods: `billing period` closes them, locks them, and opens them again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from infrastructure.cli.changing import reason_option, tell
from infrastructure.cli.context import Chosen, actor, bring_up_to_date, json_option, pass_chosen
from infrastructure.cli.exits import TABLE
from infrastructure.cli.output import amount, instant, print_json, print_standing, print_table

if TYPE_CHECKING:
    from domain.periods.events import PeriodTotal

F = TypeVar("F", bound=Callable[..., Any])

MINOR = ("opening", "debits", "credits", "closing")


@click.group(epilog=TABLE)
def period() -> None:
    """Accounting periods: calendar months of the cut-off zone, such as 2025-01."""


def _wish_options(command: F) -> F:
    """Who wants what, and why."""
    options = (
        click.argument("month"),
        click.option("--by", help="Who decides (the login name); two people open a period again."),
        reason_option,
        json_option,
    )
    for option in reversed(options):
        command = option(command)
    return command


def _given(
    chosen: Chosen, verb: str, month: str, by: str | None, reason: str, words: str, as_json: bool
) -> None:
    from domain.periods.closing import Wish
    from infrastructure.commands.periods import Periods

    person = actor().removeprefix("cli:") if by is None else by
    with chosen.system() as system:
        commands = Periods(system, actor=actor())
        done = getattr(commands, verb)(Wish(period=month, by=person, reason=reason))
    tell(done, f"{month} {words}", as_json=as_json)


@period.command(epilog=TABLE)
@_wish_options
@pass_chosen
def close(chosen: Chosen, month: str, by: str | None, reason: str, as_json: bool) -> None:
    """Seal what the books come to by the end of MONTH; what is recorded later counts later.

    Periods are closed in order. Its last day must have ended in the cut-off zone.
    """
    _given(chosen, "close", month, by, reason, "is closed", as_json)


@period.command(epilog=TABLE)
@_wish_options
@pass_chosen
def lock(chosen: Chosen, month: str, by: str | None, reason: str, as_json: bool) -> None:
    """Let a closed MONTH never be opened again."""
    _given(chosen, "lock", month, by, reason, "is locked for good", as_json)


@period.command(epilog=TABLE)
@_wish_options
@pass_chosen
def ask_reopen(chosen: Chosen, month: str, by: str | None, reason: str, as_json: bool) -> None:
    """Ask for MONTH, the last one that is closed, to be opened again; `reopen` approves."""
    _given(chosen, "ask_reopening", month, by, reason, "waits for a second person", as_json)


@period.command(epilog=TABLE)
@_wish_options
@pass_chosen
def reopen(chosen: Chosen, month: str, by: str | None, reason: str, as_json: bool) -> None:
    """Approve that MONTH is opened again: another person than the one who asked."""
    _given(chosen, "reopen", month, by, reason, "is open again", as_json)


@period.command("list", epilog=TABLE)
@json_option
@pass_chosen
def list_(chosen: Chosen, as_json: bool) -> None:
    """Every period that was ever closed, and how it stands."""
    from infrastructure.api.period_messages import PeriodsAnswer, PeriodView
    from infrastructure.cli.reading import all_rows

    with chosen.system() as system:
        bring_up_to_date(system)
        head = system.ledger.head()
        found = list(all_rows(system, "periods", {}))
    position = min((stands for _, stands in found), default=head)
    views = tuple(PeriodView.of(row) for row, _ in found)
    if as_json:
        print_json(PeriodsAnswer(position=position, items=views))
        return
    rows = (
        (
            each.period,
            each.standing,
            str(each.entries),
            str(each.sealed_position),
            f"{instant(each.closed_at)} by {each.closed_by}",
            each.digest[:16],
        )
        for each in views
    )
    columns = ("period", "standing", "entries", "position", "last closed", "digest")
    print_table(columns, rows, right=("entries", "position"))
    print_standing(position, head)


@period.command(epilog=TABLE)
@click.argument("month")
@json_option
@pass_chosen
def show(chosen: Chosen, month: str, as_json: bool) -> None:
    """The last seal of MONTH, and what happened to it when."""
    from domain.identity import period_stream
    from infrastructure.api.period_messages import PeriodAnswer, PeriodView
    from infrastructure.commands.periods import Periods
    from projections.periods import words_of_period

    with chosen.system() as system:
        found, position = Periods(system, actor="cli").find_period(month)
        facts = system.ledger.read_stream(period_stream(month))
    view = PeriodView.of(found)
    if as_json:
        print_json(PeriodAnswer(position=position, period=view))
        return
    click.echo(f"{view.period}: {view.standing}, sealed at position {view.sealed_position}")
    click.echo(f"chain {view.head_hash}\nbalances sha256 {view.digest}")
    print_table(("role", "currency", *MINOR), (_shown(each) for each in view.totals), right=MINOR)
    for fact in facts:
        who = f" [{fact.actor}]"
        click.echo(f"{instant(fact.effective_at)}  {words_of_period(fact.event)}{who}")
    print_standing(position, position)


def _shown(total: PeriodTotal) -> tuple[str, ...]:
    figures = (amount(getattr(total, name), total.currency) for name in MINOR)
    return (total.role, total.currency, *figures)
