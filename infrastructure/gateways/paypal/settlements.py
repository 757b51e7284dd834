"""PayPal's transactions as settlements: each day (UTC) that the report has passed is one.

The search is late by up to three hours and says how far it has got; a day that it has not passed is
not given, for it would change. Windows of 31 days at most, in halves where one has too many rows.
A payment that was pending shows on the day on which it began: that day has a new version then.
Sources: reference notes on PayPal, section 3; OpenAPI reporting_transactions_v1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import attrs
import httpx

from domain.ports import NotDone
from domain.settlement_ports import (
    Settlement,
    SettlementLine,
    SettlementReport,
    SettlementUnreadable,
)
from infrastructure.gateways.exchange import NoAnswer, NotSent, Reply
from infrastructure.gateways.http import ProviderHttp
from infrastructure.gateways.paypal.account import PayPalAccount
from infrastructure.gateways.paypal.declines import refusal_of
from infrastructure.gateways.paypal.reports import LONGEST_WINDOW, page_call
from infrastructure.gateways.paypal.tcodes import Transaction, lines_of, settlement_of
from infrastructure.gateways.paypal.wire import (
    amount_of,
    fetch_token,
    items,
    mapping,
    text_of,
    time_of,
)

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_MOST_PAGES = 200
_DENIED = "D"


class _Stopped(Exception):
    """Nothing of the reading is used."""

    def __init__(self, answer: SettlementUnreadable | NotDone) -> None:
        super().__init__()
        self.answer = answer


@attrs.frozen
class _Page:
    rows: list[Mapping[str, Any]]
    refreshed_at: datetime
    last: bool


class PayPalSettlements:
    """One account's days; see SettlementSource.

    Its connections are its own: what is slow or down here says nothing of payments.
    now: UTC clock, for access tokens. transport: as PayPalGateway's.
    """

    def __init__(
        self,
        account: PayPalAccount,
        *,
        now: Callable[[], datetime],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._account = account
        self._http = ProviderHttp(
            provider="paypal",
            account=account.name,
            base_url=account.base_url,
            now=now,
            fetch_token=lambda: fetch_token(self._http, account),
            policy=account.http,
            debug_header="paypal-debug-id",
            transport=transport,
        )
        self._read: dict[str, tuple[SettlementLine, ...]] = {}

    async def settlements(
        self, since: date, until: date
    ) -> tuple[Settlement, ...] | SettlementUnreadable | NotDone:
        """Every day that has transactions and that the report has passed."""
        try:
            rows, passed = await self._rows(since, until)
        except _Stopped as stopped:
            return stopped.answer
        days: dict[date, list[Transaction]] = {}
        for each in rows:
            if each.day < passed:
                days.setdefault(each.day, []).append(each)
        found = []
        for day in sorted(days):
            ordered = sorted(days[day], key=lambda one: (one.at, one.transaction_id))
            lines = [line for row, each in enumerate(ordered, 1) for line in lines_of(row, each)]
            settlement = settlement_of(day, lines)
            self._read[settlement.settlement_id] = tuple(lines)
            found.append(settlement)
        return tuple(found)

    async def report(
        self, settlement: Settlement
    ) -> SettlementReport | SettlementUnreadable | NotDone:
        """The lines that the search showed of a day; the search is its list and its report."""
        lines = self._read.get(settlement.settlement_id)
        if lines is None:
            return SettlementUnreadable(code="report-missing", words="this day was not listed")
        return SettlementReport(settlement=settlement, lines=lines)

    async def close(self) -> None:
        """Let go of connections."""
        await self._http.close()

    async def _rows(self, since: date, until: date) -> tuple[list[Transaction], date]:
        """The rows of some days, and the first day that the report has not passed."""
        start, end = _midnight(since), _midnight(until) + _DAY
        passed = end
        rows: list[Transaction] = []
        while start < end:
            stop = min(end, start + LONGEST_WINDOW)
            shown, refreshed_at = await self._window(start, stop)
            rows += shown
            passed, start = min(passed, refreshed_at), stop
        return rows, passed.date()

    async def _window(self, start: datetime, stop: datetime) -> tuple[list[Transaction], datetime]:
        """Rows that began from `start` to before `stop`, and how far the report had got."""
        rows: list[Transaction] = []
        refreshed_at = datetime.max.replace(tzinfo=UTC)
        for number in range(1, _MOST_PAGES + 1):
            page = await self._page(start, stop, number)
            if page is None:
                middle = (start + (stop - start) / 2).replace(microsecond=0)
                early, until_early = await self._window(start, middle)
                late, until_late = await self._window(middle, stop)
                return early + late, min(until_early, until_late)
            refreshed_at = min(refreshed_at, page.refreshed_at)
            for info in page.rows:
                each = _transaction(info, len(rows) + 1)
                # Both ends of a window are in it; the next one begins with its end.
                if start <= each.at < stop and info.get("transaction_status") != _DENIED:
                    rows.append(each)
            if page.last:
                return rows, refreshed_at
        raise _Stopped(_malformed(f"more than {_MOST_PAGES} pages"))

    async def _page(self, start: datetime, stop: datetime, number: int) -> _Page | None:
        """One page; None where the window has too many rows for a search."""
        answer = await self._http.send(page_call(start, stop, number, balance_affecting_only=True))
        if isinstance(answer, NotSent | NoAnswer):
            raise _Stopped(NotDone(reason=answer.reason))
        if answer.status >= 400:
            refusal = refusal_of(answer.data)
            too_large = "RESULTSET_TOO_LARGE" in (refusal.name, *refusal.issues)
            if too_large and stop - start >= 2 * _SECOND:
                return None
            raise _Stopped(NotDone(reason=f"HTTP {answer.status}: {refusal.code}"))
        return _page_of(answer, number)


def _page_of(answer: Reply, number: int) -> _Page:
    body = mapping(answer.data)
    refreshed_at = time_of(body.get("last_refreshed_datetime"))
    pages = body.get("total_pages")
    if not isinstance(body.get("transaction_details"), list) or type(pages) is not int:
        raise _Stopped(_malformed("a report without transactions or pages"))
    if refreshed_at is None:
        raise _Stopped(_malformed("a report that does not say how far it has got"))
    rows = [mapping(each.get("transaction_info")) for each in items(body["transaction_details"])]
    return _Page(rows, refreshed_at, number >= pages)


def _transaction(info: Mapping[str, Any], row: int) -> Transaction:
    """A row of the search. What cannot be read stops the reading: it would be money left out."""
    amount, at = (
        amount_of(info.get("transaction_amount")),
        time_of(info.get("transaction_initiation_date")),
    )
    code, transaction_id = (
        text_of(info.get(name)) for name in ("transaction_event_code", "transaction_id")
    )
    fee = amount_of(info.get("fee_amount"))
    if amount is None or at is None or not code or not transaction_id:
        raise _Stopped(_malformed("a transaction without id, code, time or amount", row))
    if fee is None and info.get("fee_amount") is not None:
        raise _Stopped(_malformed("a fee that is no amount", row))
    about = text_of(info.get("paypal_reference_id"))
    return Transaction(
        transaction_id=transaction_id,
        event_code=code,
        amount=amount,
        fee=None if fee is None else -fee,
        reference_id=about if info.get("paypal_reference_id_type") == "TXN" else "",
        invoice_id=text_of(info.get("invoice_id")),
        at=at,
        day=at.date(),
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _malformed(words: str, row: int = 0) -> SettlementUnreadable:
    return SettlementUnreadable(code="list-malformed", words=words, row=row)
