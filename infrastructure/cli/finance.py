"""What finance asks of the books: trial balance, revenue, waterfall, statement, ageing, cash."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import attrs
import click

from infrastructure.cli.context import Chosen, bring_journal_to, json_option, pass_chosen
from infrastructure.cli.exits import TABLE
from infrastructure.cli.output import amount, print_json, print_table

if TYPE_CHECKING:
    from infrastructure.books.answers import Answers
    from infrastructure.bootstrap import System
    from projections.account_sums import Known
    from projections.waterfall import Month

F = TypeVar("F", bound=Callable[..., Any])


class PositionOrInstant(click.ParamType[Any]):
    """A position of the log, or an instant with its offset."""

    name = "position or instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """A number or a datetime in UTC."""
        if not isinstance(value, str):
            return value
        if value.isascii() and value.isdigit():
            return int(value)
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is neither a position nor an instant", param, ctx)
        if instant.tzinfo is None:
            self.fail(f"{value!r} has no offset; write e.g. 2025-01-31T12:00+01:00", param, ctx)
        return instant.astimezone(UTC)


def asked_of(command: F) -> F:
    """The options that all questions have: the day, and what was known."""
    options = (
        click.option(
            "--as-of",
            type=click.DateTime(["%Y-%m-%d"]),
            help="The last day that counts (today).",
        ),
        click.option(
            "--known-at",
            type=PositionOrInstant(),
            metavar="POSITION|INSTANT",
            help="With what was recorded by then (all).",
        ),
        json_option,
    )
    for option in reversed(options):
        command = option(command)
    return command


def asked_for_rows(command: F) -> F:
    """Those, and CSV."""
    as_csv = click.option("--csv", "as_csv", is_flag=True, help="As CSV, amounts in minor units.")
    return as_csv(asked_of(command))


@attrs.frozen
class Question:
    """Which books, which days, how it is printed."""

    chosen: Chosen
    as_of: datetime | None
    known_at: int | datetime | None
    as_csv: bool
    as_json: bool

    @contextmanager
    def answers(self) -> Iterator[Answers]:
        """Whom to ask, of tables that hold the position. Refused: "chart-malformed"."""
        from infrastructure.books.answers import Answers
        from infrastructure.books.chart_file import read_chart

        with self.chosen.system() as system:
            found = Answers(
                system.ledger,
                system.journal,
                known=last_day(system, self.as_of),
                chart=read_chart(system.settings.chart),
                known_at=self.known_at,
            )
            bring_journal_to(system, found.position)
            yield found

    def tell(
        self,
        rows: Sequence[dict[str, Any]],
        answers: Answers,
        totals: dict[str, int],
        opening: dict[str, int] | None = None,
        **more: Any,
    ) -> None:
        """Print rows that have "minor" and "currency". totals, opening: by currency, minor units;
        opening: what the totals have from before the rows. more: what JSON says, too."""
        known = answers.known
        if self.as_json:
            answer = {"as_of": known.as_of, "zone": known.zone, "position": answers.position}
            before = {} if opening is None else {"opening": opening}
            print_json({**answer, **before, "lines": rows, "totals": totals, **more})
        elif self.as_csv:
            _print_csv(rows)
        else:
            for currency, minor in (opening or {}).items():
                click.echo(f"opening {amount(minor, currency)} {currency}")
            if rows:
                names = [name for name in rows[0] if name != "minor"]
                shown = ([*(str(each[name]) for name in names), _amount(each)] for each in rows)
                print_table([*names, "amount"], shown, right=("amount",))
            for currency, minor in totals.items():
                click.echo(f"total {amount(minor, currency)} {currency}")
            days = f"as of the end of {known.as_of} in {known.zone}"
            click.echo(f"{days}; known at position {answers.position}")


def last_day(system: System, as_of: datetime | None) -> Known:
    """The last day that counts, in the books' zone; None: today."""
    from projections.account_sums import Known, day_of

    known = Known(as_of=date.min, zone=system.settings.cut_off_zone)
    today = day_of(system.clock(), known.cut_off)
    return attrs.evolve(known, as_of=today if as_of is None else as_of.date())


def _amount(row: dict[str, Any]) -> str:
    return amount(row["minor"], row["currency"])


def _print_csv(rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        writer = csv.DictWriter(sys.stdout, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _totals(rows: Iterable[dict[str, Any]]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for each in rows:
        found[each["currency"]] += each["minor"]
    return dict(sorted(found.items()))


@click.command(epilog=TABLE)
@asked_for_rows
@pass_chosen
def trial_balance(chosen: Chosen, /, **asked: Any) -> None:
    """What every account stands at; debits positive. It adds up to nothing in each currency."""
    question = Question(chosen, **asked)
    with question.answers() as answers:
        rows = [attrs.asdict(each) for each in answers.trial_balance()]
        question.tell(rows, answers, _totals(rows))


@click.command(epilog=TABLE)
@asked_for_rows
@pass_chosen
def waterfall(chosen: Chosen, /, **asked: Any) -> None:
    """In which months the deferred revenue of a day will be earned; it adds up to that account."""
    question = Question(chosen, **asked)
    with question.answers() as answers:
        _tell_months(question, answers.waterfall(), answers)


@click.command(epilog=TABLE)
@asked_for_rows
@pass_chosen
def revenue(chosen: Chosen, /, **asked: Any) -> None:
    """What was earned by month, product and tax class, up to a day."""
    question = Question(chosen, **asked)
    with question.answers() as answers:
        _tell_months(question, answers.revenue(), answers)


def _tell_months(question: Question, months: Iterable[Month], answers: Answers) -> None:
    rows = [
        {
            "month": f"{each.first:%Y-%m}",
            "product": each.revenue.partition("|")[0],
            "tax_class": each.revenue.partition("|")[2],
            "currency": each.currency,
            "minor": each.minor,
        }
        for each in months
    ]
    question.tell(rows, answers, _totals(rows))


@click.command(epilog=TABLE)
@click.argument("customer")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="What is before is the opening.")
@asked_for_rows
@pass_chosen
def statement(chosen: Chosen, /, customer: str, since: datetime | None, **asked: Any) -> None:
    """A customer's account: invoices, payments, credit, refunds. Positive is owed.

    The closing of one day is the opening of the next.
    """
    from domain.identity import checked_id

    question = Question(chosen, **asked)
    begins = None if since is None else since.date()
    with question.answers() as answers:
        found = answers.statement(checked_id("customer id", customer), since=begins)
        rows = [attrs.asdict(each) for each in found.lines]
        if not question.as_csv and not question.as_json:
            rows = [{**each, "balance": amount(each["balance"], each["currency"])} for each in rows]
        question.tell(rows, answers, found.closing, found.opening)


@click.command(epilog=TABLE)
@asked_for_rows
@pass_chosen
def ageing(chosen: Chosen, /, **asked: Any) -> None:
    """What is owed on invoices, by customer and by the days since they fell due."""
    question = Question(chosen, **asked)
    with question.answers() as answers:
        rows = [attrs.asdict(each) for each in answers.ageing()]
        question.tell(rows, answers, _totals(rows))


@click.command(epilog=TABLE)
@asked_for_rows
@pass_chosen
def cash(chosen: Chosen, /, **asked: Any) -> None:
    """What came in and went back at each provider's account, by month."""
    question = Question(chosen, **asked)
    with question.answers() as answers:
        rows = [{**attrs.asdict(each), "first": f"{each.first:%Y-%m}"} for each in answers.cash()]
        question.tell(rows, answers, _totals(rows))
