"""How commands end: one table of exit codes, and which error leads to which.

0  done, or clean
1  differences were found, or something failed that may work later
2  wrong usage or settings
3  incomplete: something could not be read or did not come in time
4  refused by a rule; nothing was written
5  the database cannot be reached
130 interrupted
"""

from __future__ import annotations

import attrs

DONE, DIFFERENT, USAGE, INCOMPLETE, REFUSED, UNREACHABLE = range(6)

TABLE = (
    "Exit codes: 0 done or clean; 1 differences or failure; 2 usage or settings; 3 incomplete; "
    "4 refused, nothing written; 5 database unreachable."
)


class Ended(Exception):
    """A command ends with a code and a line for stderr.

    code: stable machine name; exit_code: of this module's table.
    """

    def __init__(self, exit_code: int, code: str, reason: str) -> None:
        super().__init__(reason)
        self.exit_code, self.code, self.reason = exit_code, code, reason


@attrs.frozen
class Ending:
    """What is told of an error, on one line."""

    exit_code: int
    code: str
    reason: str


def ending_of(error: Exception) -> Ending | None:
    """How a foreseen error ends a command; None for one that nobody foresaw.

    The modules are imported here because most commands need few of them and none before it runs.
    """
    if isinstance(error, ExceptionGroup):
        # What side-by-side loops raise. It is foreseen only if all of it is.
        endings = [ending_of(each) for each in error.exceptions]
        return None if None in endings else endings[0]
    if isinstance(error, Ended):
        return Ending(error.exit_code, error.code, error.reason)
    for classes, exit_code, code in _foreseen():
        if isinstance(error, classes):
            return Ending(exit_code, getattr(error, "code", None) or code, _line(error))
    return None


def _foreseen() -> tuple[tuple[tuple[type[Exception], ...], int, str], ...]:
    import eventsourcing.persistence
    import psycopg
    import psycopg_pool

    from domain.refusals import Refused
    from infrastructure.clock import ClockJumped
    from infrastructure.commands.subscriptions import StreamBusy
    from infrastructure.proof.sealed import SealDamaged
    from infrastructure.proof.sealer import LogBroken
    from infrastructure.settings import SettingsError
    from infrastructure.store.books import BooksError
    from infrastructure.store.embedded import EmbeddedPostgresError
    from infrastructure.store.ledger import Unreadable
    from infrastructure.store.postgres_binaries import NoPostgres
    from infrastructure.store.rebuild import LogTooShort, ReadersInTheWay, RebuildRunning
    from infrastructure.store.tracking import ShapeChanged, ViewMissing
    from infrastructure.store.vault import VaultError, WrongMasterKey
    from infrastructure.store.writer import LedgerUnavailable

    no_database = (
        psycopg.OperationalError,
        psycopg_pool.PoolTimeout,
        eventsourcing.persistence.OperationalError,
        LedgerUnavailable,
        EmbeddedPostgresError,
        NoPostgres,
    )
    return (
        ((Refused,), REFUSED, "refused"),
        ((SettingsError,), USAGE, "settings"),
        ((BooksError,), USAGE, "books"),
        ((WrongMasterKey,), USAGE, "master-key-wrong"),
        (no_database, UNREACHABLE, "database-unreachable"),
        ((ViewMissing, Unreadable, LogTooShort), INCOMPLETE, "incomplete"),
        ((ShapeChanged,), INCOMPLETE, "projection-outdated"),
        ((RebuildRunning, ReadersInTheWay, StreamBusy), DIFFERENT, "busy"),
        ((ClockJumped,), DIFFERENT, "clock-jumped"),
        ((SealDamaged, LogBroken), DIFFERENT, "log-broken"),
        ((VaultError,), DIFFERENT, "vault"),
        ((OSError,), DIFFERENT, "system"),
    )


def _line(error: Exception) -> str:
    """The first line of an error's text, without the code that it may begin with."""
    reason = getattr(error, "reason", None)
    text = reason if isinstance(reason, str) else str(error)
    return text.strip().split("\n", 1)[0][:500] or type(error).__name__
