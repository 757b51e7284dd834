"""PayPal's transaction search: the only way to find a charge whose ids we never got.

It has no filter by invoice, shows transactions up to three hours late, and takes windows of 31
days at most. So a window is read whole, page by page, and kept for a short while: a hundred
charges that are looked up together read it once, not a hundred times.
Sources: reference notes on PayPal, section 3; OpenAPI reporting_transactions_v1.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import attrs

from domain.money import Money
from domain.ports import NotFound
from infrastructure.gateways.exchange import Call, NoAnswer, NotSent, Reply
from infrastructure.gateways.http import ProviderHttp
from infrastructure.gateways.paypal.declines import refusal_of
from infrastructure.gateways.paypal.wire import amount_of, items, mapping, time_of

A = TypeVar("A")

PATH = "/v1/reporting/transactions"
LONGEST_WINDOW = timedelta(days=31)
_PAGE_SIZE = 500
_MOST_PAGES = 200
_SHORTEST_SPLIT = timedelta(minutes=1)
_WINDOWS_KEPT = 4
_MOST_ROWS_KEPT = 50_000
# Their clock may run before ours: a window starts this much before the intention.
_SKEW = timedelta(minutes=10)
# Windows before the intention: a little less than PayPal takes, so that they overlap; a year back.
_STEP, _MOST_EARLIER = timedelta(days=30), 12


@attrs.frozen(kw_only=True)
class ReportRow:
    """One transaction of the report.

    status: D denied, P pending, S success, V reversed since. event_code: PayPal's T-code.
    amount: gross, negative where money left the merchant. at: when it began, UTC.
    """

    transaction_id: str
    event_code: str
    status: str
    amount: Money | None
    at: datetime | None

    @property
    def is_authorization(self) -> bool:
        """T13xx: authorisations, which move no money."""
        return self.event_code.startswith("T13")


@attrs.frozen(kw_only=True)
class Window:
    """What the report showed between two instants.

    rows: by invoice_id and by custom_field. refreshed_at: how far the report had got, or None.
    """

    rows: Mapping[str, tuple[ReportRow, ...]]
    refreshed_at: datetime | None


class TransactionReports:
    """Windows of the report, each read once for all who ask at the same time."""

    def __init__(self, http: ProviderHttp) -> None:
        self._http = http
        self._kept: OrderedDict[tuple[datetime, datetime], Window] = OrderedDict()
        self._reading: dict[
            tuple[datetime, datetime], asyncio.Task[Window | NotSent | NoAnswer]
        ] = {}

    async def window(self, since: datetime, until: datetime) -> Window | NotSent | NoAnswer:
        """Everything that began from `since` (an intention) to `until` (now), whole minutes.

        At most 31 days: a charge shows under the time it began, near the intention.
        """
        start = (since.astimezone(UTC) - _SKEW).replace(minute=0, second=0, microsecond=0)
        end = min(until.astimezone(UTC).replace(second=0, microsecond=0), start + LONGEST_WINDOW)
        key = (start, max(end, start + timedelta(minutes=1)))
        if key in self._kept:
            return self._kept[key]
        reading = self._reading.get(key)
        if reading is None:
            reading = asyncio.create_task(self._read_and_keep(*key))
            self._reading[key] = reading
            reading.add_done_callback(lambda _: self._reading.pop(key, None))
        # One caller that gives up must not take the answer away from the others.
        return await asyncio.shield(reading)

    async def _read_and_keep(self, start: datetime, end: datetime) -> Window | NotSent | NoAnswer:
        window = await self._read(start, end)
        if isinstance(window, Window) and len(window.rows) <= _MOST_ROWS_KEPT:
            self._kept[start, end] = window
            while len(self._kept) > _WINDOWS_KEPT:
                self._kept.popitem(last=False)
        return window

    async def _read(self, start: datetime, end: datetime) -> Window | NotSent | NoAnswer:
        rows: dict[str, tuple[ReportRow, ...]] = {}
        refreshed_at: datetime | None = None
        for page in range(1, _MOST_PAGES + 1):
            answer = await self._http.send(page_call(start, end, page))
            if not isinstance(answer, Reply):
                return answer
            if answer.status >= 400:
                return await self._refused(answer, start, end)
            body = mapping(answer.data)
            if not isinstance(body.get("transaction_details"), list):
                return NoAnswer(reason="report without transaction_details", status=answer.status)
            refreshed_at = time_of(body.get("last_refreshed_datetime"))
            details = items(body.get("transaction_details"))
            for detail in details:
                _file_under(rows, mapping(detail.get("transaction_info")))
            if not details or page >= _total_pages(body):
                return Window(rows=rows, refreshed_at=refreshed_at)
        return NoAnswer(reason=f"report of more than {_MOST_PAGES} pages")

    async def _refused(
        self, answer: Reply, start: datetime, end: datetime
    ) -> Window | NotSent | NoAnswer:
        """Too many transactions for one search are read in halves."""
        refusal = refusal_of(answer.data)
        too_large = "RESULTSET_TOO_LARGE" in (refusal.name, *refusal.issues)
        if not too_large or end - start < 2 * _SHORTEST_SPLIT:
            return NoAnswer(reason=f"report refused: {refusal.code}", status=answer.status)
        middle = start + (end - start) / 2
        middle = middle.replace(second=0, microsecond=0)
        early = await self._read(start, middle)
        late = await self._read(middle, end)
        if not isinstance(early, Window):
            return early
        if not isinstance(late, Window):
            return late
        rows = dict(early.rows)
        for name, found in late.rows.items():
            known = rows.get(name, ())
            rows[name] = known + tuple(row for row in found if row not in known)
        return Window(rows=rows, refreshed_at=late.refreshed_at)


async def look_back(
    look: Callable[[datetime, datetime], Awaitable[A]],
    *,
    attempted_at: datetime,
    since: datetime | None,
    now: datetime,
) -> A:
    """What a look at windows of the report shows: at the one around an intention first; then at
    earlier ones, from the day on which it can have been made first."""
    answer = await look(attempted_at, now)
    for start in _earlier(attempted_at, since or attempted_at):
        if not isinstance(answer, NotFound):
            break
        earlier = await look(start, attempted_at)
        # How far the report had got is said of its end.
        answer = answer if isinstance(earlier, NotFound) else earlier
    return answer


def _earlier(attempted_at: datetime, since: datetime) -> Iterator[datetime]:
    """Where windows begin that cover what lies before an intention, the latest first."""
    start = attempted_at - _STEP
    # What the first window covers already is not read again.
    for _ in range(_MOST_EARLIER if since < attempted_at - _SKEW else 0):
        yield max(start, since)
        if start <= since:
            return
        start -= _STEP


def finding(window: Window) -> str:
    """The words for what a window does not show."""
    if window.refreshed_at is None:
        return "not in the transaction report"
    return f"not in the transaction report, which reached {window.refreshed_at.isoformat()}"


def page_call(
    start: datetime, end: datetime, page: int, *, balance_affecting_only: bool = False
) -> Call:
    """One page of a search. Authorisations and denied payments move no balance, and are shown
    unless only what does is asked for."""
    return Call(
        method="GET",
        path=PATH,
        template=PATH,
        query={
            "start_date": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "end_date": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "fields": "transaction_info",
            "balance_affecting_records_only": "Y" if balance_affecting_only else "N",
            "page_size": str(_PAGE_SIZE),
            "page": str(page),
        },
    )


def _total_pages(body: Mapping[str, Any]) -> int:
    pages = body.get("total_pages")
    return pages if isinstance(pages, int) else _MOST_PAGES


def _file_under(rows: dict[str, tuple[ReportRow, ...]], info: Mapping[str, Any]) -> None:
    row = ReportRow(
        transaction_id=str(info.get("transaction_id", "")),
        event_code=str(info.get("transaction_event_code", "")),
        status=str(info.get("transaction_status", "")),
        amount=amount_of(info.get("transaction_amount")),
        at=time_of(info.get("transaction_initiation_date")),
    )
    for name in {str(info.get("invoice_id") or ""), str(info.get("custom_field") or "")} - {""}:
        rows[name] = (*rows.get(name, ()), row)
