"""What commands print: JSON for programs, tables for people. Errors go to stderr elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime

import click

from domain.money import Money, decimal_text

UNBOUND_WIDTH = 240


def print_json(answer: object) -> None:
    """One JSON document on one line, keys of the domain's values sorted: stable to compare."""
    import msgspec

    click.echo(msgspec.json.encode(answer, order="sorted").decode())


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Collection[str] = ()
) -> None:
    """A table; as wide as it needs to be when nobody looks at it on a terminal.

    right: the columns that are set flush right.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        table.add_column(name, justify="right" if name in right else "left")
    for row in rows:
        table.add_row(*row)
    width = None if sys.stdout.isatty() else UNBOUND_WIDTH
    Console(file=sys.stdout, width=width, markup=False, highlight=False).print(table)


def print_standing(position: int, head: int) -> None:
    """At which position an answer is valid, and how much it does not know yet."""
    late = f", {head - position} behind the log" if head > position else ""
    click.echo(f"valid at position {position}{late}")


def amount(minor: int, currency: str) -> str:
    """Minor units as a decimal text without the currency."""
    return decimal_text(Money(minor, currency))


def instant(moment: datetime | None) -> str:
    """UTC to the minute, or a dash."""
    return "-" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}Z"
