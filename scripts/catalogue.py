"""Print the catalogue: every fact, what it moves, who listens, every route and command.

    python scripts/catalogue.py            to stdout
    python scripts/catalogue.py --write    to scripts/CATALOGUE.md

Everything on the page is taken from the code, so that an auditor reads what really runs. A test
fails when the page is stale.
"""

from __future__ import annotations

import inspect
import re
import sys
import types
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import attrs

from domain.books import posting, posting_settlements
from domain.books.posting import NO_MONEY_MOVES
from domain.books.posting_settlements import NOTHING_SETTLED
from domain.catalogue.events import PlanEvent
from domain.due_runs.events import DueRunEvent
from domain.periods.events import PeriodEvent
from domain.processes.agenda import ItemKind
from domain.processes.reactions import REACTIONS
from domain.recorded import stored_name
from domain.restorations.events import BooksRestored
from domain.settlements.events import ReconciliationEvent, SettlementEvent
from domain.subscription.events import SubscriptionEvent
from infrastructure.api.app import ROUTES
from infrastructure.cli.main import COMMANDS
from projections.catalogue import TABLES

PAGE = Path(__file__).resolve().parent / "CATALOGUE.md"
INTRODUCTION = """\
# Catalogue

What can happen, what it moves, and who may ask for it. Made from the code by
`python scripts/catalogue.py --write`: change the code, not this page. The tests fail when it is
stale.

Every fact is kept for good, as JSON under its stored name, with its position in the log, its
stream and version there, when it was recorded, by whom and why. Instants are UTC.
"""
_EXPLAINED = re.compile(r"(?:(?<=\. )|^)([A-Za-z_]+(?:, [A-Za-z_]+)*): ")


def page() -> str:
    """The whole page as Markdown."""
    facts = (
        *get_args(SubscriptionEvent),
        *get_args(PlanEvent),
        *get_args(PeriodEvent),
        *get_args(SettlementEvent),
        *get_args(ReconciliationEvent),
        *get_args(DueRunEvent),
        BooksRestored,
    )
    parts = [
        INTRODUCTION,
        "## Facts\n\n" + _facts(facts),
        "## Fields of each fact\n\n" + "\n".join(_fact(each) for each in facts),
        "## Values inside facts\n\n" + "\n".join(_value(each) for each in _values(facts)),
        "## Agenda items\n\nWhat can be open on a subscription; facts put items there and take "
        "them off.\n\n" + _choices(ItemKind),
        "## Projections\n\n" + _projections(),
        "## Postings\n\n" + _postings(),
        "## Routes of the API\n\n" + _routes(),
        "## Commands\n\n" + _commands(),
    ]
    return "\n".join(parts)


def _facts(facts: Sequence[type]) -> str:
    rows = []
    for fact in facts:
        moves = ", ".join(kind.value for kind in ItemKind if kind in REACTIONS.get(fact, ()))
        heard = ", ".join(each.projection.name for each in TABLES if fact in each.facts)
        rows.append((f"`{stored_name(fact)}`", _first_line(fact), moves, heard))
    return _table(("stored name", "what it says", "agenda items it may move", "projections"), rows)


def _fact(fact: type) -> str:
    return f"### {stored_name(fact)}\n\n{_first_line(fact)}\n\n{_fields(fact)}"


def _value(value: type) -> str:
    about = _EXPLAINED.split(_first_line(value))[0].strip()
    inside = _choices(value) if issubclass(value, Enum) else _fields(value)
    return "\n\n".join(part for part in (f"### {value.__name__}", about, inside) if part)


def _fields(owner: type) -> str:
    hints, meanings = get_type_hints(owner), _meanings(owner)
    names = [each.name for each in attrs.fields(owner)]
    rows = [(f"`{name}`", _type(hints[name]), meanings.get(name, "")) for name in names]
    return _table(("field", "type", "meaning"), rows)


def _choices(choices: type[Enum]) -> str:
    meanings = _meanings(choices)
    rows = [(f"`{each.value}`", meanings.get(each.name, "")) for each in choices]
    return _table(("value", "meaning"), rows)


def _values(facts: Iterable[type]) -> list[type]:
    """Every class of ours that lies inside a fact, by name."""
    found: set[type] = set()

    def collect(hint: Any) -> None:
        for part in get_args(hint):
            collect(part)
        if not isinstance(hint, type) or hint in found:
            return
        if attrs.has(hint) or issubclass(hint, Enum):
            found.add(hint)
            collect_fields(hint)

    def collect_fields(owner: type) -> None:
        if attrs.has(owner):
            hints = get_type_hints(owner)
            for field in attrs.fields(owner):
                collect(hints[field.name])

    for fact in facts:
        collect_fields(fact)
    return sorted(found, key=lambda each: each.__name__)


def _projections() -> str:
    rows = []
    for each in TABLES:
        table = each.projection
        about = _first_line(sys.modules[table.apply.__module__])
        rows.append((f"`{table.name}`", str(table.version), about, ", ".join(table.columns)))
    return _table(("table", "version", "what it shows", "columns to look up by"), rows)


def _postings() -> str:
    """The tables at the heads of posting.py and posting_settlements.py, and what posts nothing."""
    rows = [
        (f"`{stored_name(fact)}`", why)
        for fact, why in {**NO_MONEY_MOVES, **NOTHING_SETTLED}.items()
    ]
    tables = (inspect.getdoc(each) or "" for each in (posting, posting_settlements))
    table = "\n\n".join(each.partition("\n\n")[2] for each in tables)
    return f"```\n{table}\n```\n\n" + _table(("names an amount and posts nothing", "why"), rows)


def _routes() -> str:
    rows = []
    for prefix, handlers in ROUTES.items():
        for handler in handlers:
            for path in sorted(handler.paths):
                methods = ", ".join(sorted(str(each) for each in handler.http_methods))
                rows.append((methods, f"`{prefix}{path}`", _first_line(handler.fn)))
    return _table(("method", "path", "what it does"), rows)


def _commands() -> str:
    rows = [(f"`billing {name}`", words) for name, (_, words) in COMMANDS.items()]
    return _table(("command", "what it does"), rows)


def _first_line(documented: Any) -> str:
    return (inspect.getdoc(documented) or "").split("\n")[0]


def _meanings(owner: type) -> dict[str, str]:
    """What a docstring says of each name: "name: words" up to the next such name or paragraph."""
    meanings: dict[str, str] = {}
    for paragraph in (inspect.getdoc(owner) or "").split("\n\n"):
        explained = ""
        for name, words in _explanations(paragraph):
            explained = name or explained
            for each in explained.split(", ") if explained else ():
                meanings[each] = f"{meanings.get(each, '')} {words}".strip()
    return meanings


def _explanations(paragraph: str) -> Iterator[tuple[str, str]]:
    """(name or "", words) of each line, or of each part of it that explains a name."""
    for line in paragraph.splitlines():
        parts = _EXPLAINED.split(line.strip())
        if parts[0]:
            yield "", parts[0].strip()
        for name, words in zip(parts[1::2], parts[2::2], strict=True):
            yield name, words.strip()


def _type(hint: Any) -> str:
    """A type in words: "datetime or none", "InvoiceLine, any number"."""
    if get_origin(hint) in (Union, types.UnionType):
        return " or ".join(_type(each) for each in get_args(hint))
    if get_origin(hint) is tuple:
        return f"{_type(get_args(hint)[0])}, any number"
    return "none" if hint is type(None) else str(hint.__name__)


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    cells = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)


def main() -> None:
    """Print, or write where asked to."""
    match sys.argv[1:]:
        case []:
            print(page(), end="")
        case ["--write"]:
            PAGE.write_text(page(), encoding="utf-8")
        case _:
            sys.exit("usage: python scripts/catalogue.py [--write]")


if __name__ == "__main__":
    main()
