"""What Dintero has paid out: the list of settlements, and the report file of each.

    GET {api}/v1/accounts/{id}/settlements?created_at.gte=&created_at.lte=&limit=&starting_after_*
    GET {api}/v1/accounts/{id}/settlements/{settlement}/attachments/{file}

`created_at` filters by settled_at. Amounts of the list are minor units. Whatever cannot be read
stops the reading and says where: a settlement that is left out would look like money that never
came. Source: reference notes on Dintero, section 12.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

import httpx

from domain.money import Money
from domain.ports import NotDone
from domain.settlement_ports import (
    ReportFile,
    SettledTotal,
    Settlement,
    SettlementReport,
    SettlementUnreadable,
)
from infrastructure.gateways.dintero.account import DinteroAccount
from infrastructure.gateways.dintero.calls import DinteroCalls, http_error
from infrastructure.gateways.dintero.report_files import day_of, read_report
from infrastructure.gateways.dintero.transactions import Unreadable, money, table, text, whole
from infrastructure.gateways.exchange import Exchange, Reply
from infrastructure.gateways.http import HttpPolicy

PAGE = 1_000
MOST_PAGES = 1_000
LARGEST_FILE_BYTES = 50_000_000
_OURS = "dintero"  # who writes the files in the common form


class DinteroSettlements:
    """One account's payouts; see SettlementSource.

    Its connections are its own: what is slow or down here says nothing of payments.
    now: UTC clock, for access tokens. transport, policy: as DinteroGateway's.
    """

    def __init__(
        self,
        account: DinteroAccount,
        *,
        now: Callable[[], datetime],
        transport: httpx.AsyncBaseTransport | None = None,
        policy: HttpPolicy | None = None,
    ) -> None:
        self._calls = DinteroCalls(account, now=now, transport=transport, policy=policy)

    async def settlements(
        self, since: date, until: date
    ) -> tuple[Settlement, ...] | SettlementUnreadable | NotDone:
        """All pages of the list; none of it where one of them cannot be read."""
        found: dict[str, Settlement] = {}
        cursor = ("", "")
        for _ in range(MOST_PAGES):
            shown = await self._calls.settlements(since, until, PAGE, *cursor)
            if not isinstance(shown, Reply) or shown.status != 200:
                return _not_read(shown)
            page = table(shown.data)
            listed = page.get("items")
            if not isinstance(listed, list):
                return _malformed("no items", 0)
            for each in listed:
                place = len(found) + 1
                try:
                    settlement = read_settlement(each)
                except Unreadable as problem:
                    return _malformed(str(problem), place)
                if settlement.settlement_id in found:
                    return _malformed("a settlement that was on the list before", place)
                found[settlement.settlement_id] = settlement
            last = table(page.get("last_evaluated_key"))
            if not last:
                return tuple(found.values())
            cursor = (text(last.get("id")), text(last.get("settled_at")))
            if not all(cursor) or not listed:
                return _malformed("the next page is not named", 0)
        return _malformed(f"more than {MOST_PAGES} pages", 0)

    async def report(
        self, settlement: Settlement
    ) -> SettlementReport | SettlementUnreadable | NotDone:
        """The XML file that Dintero itself made; the acquirers' own files are in many forms."""
        files = [
            each for each in settlement.files if each.extension == "xml" and each.made_by == _OURS
        ]
        if len(files) != 1:
            words = f"{len(files)} XML files of Dintero's own"
            return SettlementUnreadable(code="report-missing", words=words)
        shown = await self._calls.settlement_file(
            settlement.settlement_id, files[0].file_id, LARGEST_FILE_BYTES
        )
        if not isinstance(shown, Reply) or shown.status != 200:
            return _not_read(shown)
        content = shown.data
        assert isinstance(content, bytes), "asked for as it is"
        return read_report(settlement, content)

    async def close(self) -> None:
        """Let go of connections."""
        await self._calls.close()


def read_settlement(raw: object) -> Settlement:
    """One settlement of the list. Raises: Unreadable."""
    data = table(raw)
    settled_on = day_of(text(data.get("settled_at")))
    status = data.get("payment_status")
    amounts = data.get("amounts")
    if not text(data.get("id")) or settled_on is None or not isinstance(amounts, list):
        raise Unreadable("a settlement without id, day or amounts")
    if status not in ("paid", "postponed"):
        raise Unreadable("a settlement that is neither paid nor postponed")
    totals = tuple(_total(table(each)) for each in amounts)
    if len({each.payout.currency for each in totals}) != len(totals):
        raise Unreadable("two totals in one currency")
    files = data.get("attachments", [])
    if not isinstance(files, list):
        raise Unreadable("attachments that are no list")
    return Settlement(
        settlement_id=text(data.get("id")),
        provider_ref=text(data.get("provider_reference")),
        acquirer=text(data.get("provider")),
        settled_on=settled_on,
        paid=status == "paid",
        totals=totals,
        files=tuple(_file(table(each)) for each in files),
    )


def _total(raw: dict[str, object]) -> SettledTotal:
    def stated(name: str) -> Money:
        return money(whole(raw.get(name)), text(raw.get("currency")))

    total = SettledTotal(
        captured=stated("capture"),
        refunded=stated("refund"),
        fees=stated("fee"),
        payout=stated("amount"),
    )
    if total.captured.minor - total.refunded.minor - total.fees.minor != total.payout.minor:
        raise Unreadable("amount is not capture - refund - fee")
    return total


def _file(raw: dict[str, object]) -> ReportFile:
    if not text(raw.get("id")):
        raise Unreadable("an attachment without an id")
    return ReportFile(
        file_id=text(raw.get("id")),
        content_type=text(raw.get("content_type")),
        extension=text(raw.get("extension")).removeprefix(".").lower(),
        made_by=text(raw.get("created_by")).lower(),
    )


def _malformed(words: str, place: int) -> SettlementUnreadable:
    return SettlementUnreadable(code="list-malformed", words=words, row=place)


def _not_read(shown: Exchange) -> NotDone:
    """Nothing was read; reading is safe to repeat."""
    if isinstance(shown, Reply):
        code, words = http_error(shown)
        return NotDone(reason=f"HTTP {shown.status}: {code}, {words}")
    return NotDone(reason=shown.reason, retry_after_s=getattr(shown, "retry_after_s", None))
