"""The reconciliation, read from the log; the day it is asked of; the fees that are agreed to."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import TYPE_CHECKING

from domain.calendar import local_day
from domain.money import parse_money
from domain.refusals import Refused
from domain.settlements.accounts import Tariff
from infrastructure.books.reading import BATCH, KnownAt, Log
from infrastructure.collecting import few_collections
from infrastructure.settings import AccountSettings, Settings, SettingsError
from infrastructure.store.ledger import Poison, Unreadable
from projections.reconciliation import Reconciliation

if TYPE_CHECKING:
    from infrastructure.bootstrap import System


def read_reconciliation(log: Log, known_at: KnownAt = None) -> Reconciliation:
    """Everything up to a position or an instant; None: all. Raises: Unreadable."""
    with few_collections():
        return _read(log, known_at)


def _read(log: Log, known_at: KnownAt) -> Reconciliation:
    found, after = Reconciliation(), 0
    stop = log.head()
    if isinstance(known_at, int):
        stop = min(stop, known_at)
    while items := log.read_log(after, BATCH, stop):
        for item in items:
            if isinstance(item, Poison):
                raise Unreadable(item)
            # Times in the log never go back.
            if isinstance(known_at, datetime) and item.recorded_at > known_at:
                return found
            found.see(item)
        after = items[-1].position
    return found


def today(system: System) -> date:
    """The books' day."""
    return local_day(system.clock(), system.settings.cut_off_zone)


def tariffs_of(settings: Settings) -> dict[str, Tariff]:
    """What providers take of captures, where the settings say so, by "provider/account".

        [accounts.dintero.main]
        fee_percent = "1.5"
        fee_fixed = { NOK = "2.00" }

    Raises: SettingsError.
    """
    return {
        f"{each.provider}/{each.name}": _tariff(each)
        for each in settings.accounts
        if "fee_percent" in each.values or "fee_fixed" in each.values
    }


def _tariff(account: AccountSettings) -> Tariff:
    where = f"accounts.{account.provider}.{account.name}"
    try:
        percent = Fraction(Decimal(account.text("fee_percent", "0")))
        fixed = {
            code: parse_money(amount, code).minor
            for code, amount in dict(account.values.get("fee_fixed", {})).items()
        }
    except (InvalidOperation, ValueError, TypeError, AttributeError, OverflowError, Refused):
        raise SettingsError(f'{where}: fees are texts, e.g. "1.5" or {{ NOK = "2.00" }}') from None
    if not 0 <= percent <= 100:
        raise SettingsError(f"{where}: fee_percent is 0 to 100")
    return Tariff(percent=percent, fixed=fixed)
