"""The reconciliation over HTTP: read only; what people say of exceptions is said at a terminal."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from litestar import get
from litestar.params import QueryParameter

from infrastructure.api.reading import Books
from infrastructure.books.reconciled import answer_of, settlement_of
from infrastructure.books.reconciling import read_reconciliation, tariffs_of, today

AsOf = Annotated[date | None, QueryParameter(description="The last day that counts; today.")]
Known = Annotated[int | None, QueryParameter(ge=0, le=2**62, description="With what was known.")]
Place = Annotated[str | None, QueryParameter(description='One account, e.g. "dintero/main".')]


@get("/reconciliation", sync_to_thread=True)
def read_the_reconciliation(
    system: Books, as_of: AsOf = None, known_at: Known = None, account: Place = None
) -> dict[str, Any]:
    """What providers settled against our books: volumes, exceptions, proposals. Reads the whole
    log: for a program that asks now and then."""
    known = read_reconciliation(system.ledger, known_at)
    day = today(system) if as_of is None else as_of
    found = known.compare(as_of=day, tariffs=tariffs_of(system.settings), place=account)
    return answer_of(found)


@get("/settlements", sync_to_thread=True)
def read_settlements(system: Books, account: Place = None) -> dict[str, Any]:
    """Every settlement that was read, its latest version, without its lines."""
    known = read_reconciliation(system.ledger)
    return {
        "position": known.position,
        "items": [
            {"account": each.place, **settlement_of(each)}
            for each in known.statements
            if account in (None, each.place)
        ],
    }


RECONCILING = [read_the_reconciliation, read_settlements]
