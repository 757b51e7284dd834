"""The transaction search: late, by windows, without a filter by invoice.

Sources: reference notes on PayPal, section 3; OpenAPI reporting_transactions_v1.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from aiohttp import web

from infrastructure.simulators.paypal.errors import PayPalError
from infrastructure.simulators.paypal.payments import COMPLETED
from infrastructure.simulators.paypal.provider import PROVIDER, Provider, json_answer, number_of
from infrastructure.simulators.paypal.records import Line, State, micros, rfc3339
from infrastructure.simulators.paypal.state import Account
from infrastructure.simulators.paypal.transactions import transaction_json

_LONGEST_WINDOW = timedelta(days=31)
_LARGEST_PAGE = 500
_UNBALANCED = (State.CAPTURE_PENDING, State.CAPTURE_DECLINED)


async def search_transactions(request: web.Request) -> web.StreamResponse:
    """GET /v1/reporting/transactions"""
    provider = request.app[PROVIDER]
    account = provider.account
    start, end = _instant(request, "start_date"), _instant(request, "end_date")
    if not start <= end <= start + _LONGEST_WINDOW:
        raise PayPalError(400, "INVALID_PARAMETER_VALUE", field="end_date")
    page_size = number_of(request, "page_size", 100, _LARGEST_PAGE)
    page = number_of(request, "page", 1, 2**31 - 1)
    refreshed = provider.controls.clock.now() - provider.options.report_delay
    found = account.journal.between(micros(start), min(micros(end), micros(refreshed)))
    found += _transfers(provider, start, min(end, refreshed))
    found.sort(key=lambda each: each[0])
    if request.query.get("balance_affecting_records_only", "Y") != "N":
        found = [each for each in found if _moves_balance(account, each[1], each[2])]
    if len(found) > provider.options.report_limit:
        raise PayPalError(400, name="RESULTSET_TOO_LARGE")
    shown = found[(page - 1) * page_size : page * page_size]
    return json_answer(
        {
            "transaction_details": [
                transaction_json(account, line, number, at_us) for at_us, number, line in shown
            ],
            "start_date": rfc3339(micros(start)),
            "end_date": rfc3339(micros(end)),
            "last_refreshed_datetime": rfc3339(micros(refreshed)),
            "page": page,
            "total_items": len(found),
            "total_pages": -(-len(found) // page_size),
        }
    )


def _moves_balance(account: Account, number: int, line: Line) -> bool:
    if line is Line.REFUND:
        return account.aftermath.refunds[number - 1].status == COMPLETED
    if line is Line.CAPTURE:
        return account.orders[number - 1].state not in _UNBALANCED
    return line in (Line.PART, Line.REVERSAL, Line.TRANSFER)


def _transfers(provider: Provider, start: datetime, end: datetime) -> list[tuple[int, int, Line]]:
    """What went to the bank between two instants, in the journal's form."""
    if not provider.options.transfers:
        return []
    sweeps, controls = provider.account.sweeps, provider.controls
    sweeps.take(controls.book, controls.clock.now())
    return [(micros(each.at), each.number, Line.TRANSFER) for each in sweeps.between(start, end)]


def _instant(request: web.Request, name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(request.query[name])
    except (KeyError, ValueError):
        raise PayPalError(400, "INVALID_PARAMETER_SYNTAX", field=name) from None
    if moment.tzinfo is None:
        raise PayPalError(400, "INVALID_PARAMETER_SYNTAX", field=name)
    return moment
