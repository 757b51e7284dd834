"""PayPal's transactions as days that are settled: by the search, and by the settlement file."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from typing import Any

import attrs
import httpx
import pytest
from jsonschema import Draft202012Validator

from domain.money import Money
from domain.ports import NotDone
from domain.settlement_ports import SettlementReport, SettlementUnreadable
from domain.settlements.reading import check_totals, digest_of
from infrastructure.gateways.paypal.settlement_files import read_settlement_file
from infrastructure.gateways.paypal.settlements import PayPalSettlements
from infrastructure.gateways.paypal.tcodes import kind_of
from infrastructure.simulators.paypal.disputes import take_back
from infrastructure.simulators.paypal.sweeping import Sweeps
from tests.gateways.bench import START
from tests.gateways.paypal_bench import SPECS, PayPalBench, paypal_bench
from tests.gateways.paypal_canned import Canned

DAY = START.date()
OPTIONS: dict[str, Any] = {"fee_permille": 35, "transfers": True}


def on_paypal(test: Callable[[PayPalBench], Awaitable[None]], **options: Any) -> None:
    async def main() -> None:
        async with paypal_bench(**{**OPTIONS, **options}) as bench:
            await test(bench)

    asyncio.run(main())


def source(bench: PayPalBench, **changes: Any) -> PayPalSettlements:
    """The reader of the bench's account. The caller closes it."""
    return PayPalSettlements(attrs.evolve(bench.account, **changes), now=bench.controls.clock.now)


async def read(bench: PayPalBench, since: date, until: date) -> list[SettlementReport]:
    """Every day's report."""
    reading = source(bench)
    listed = await reading.settlements(since, until)
    assert isinstance(listed, tuple), listed
    found = [await reading.report(each) for each in listed]
    await reading.close()
    for each in found:
        assert isinstance(each, SettlementReport)
        check_totals(each)
    return found  # type: ignore[return-value]


def seen(report: SettlementReport) -> list[tuple[str, int, str]]:
    return [(each.kind.value, each.amount.minor, each.reference) for each in report.lines]


async def a_day(bench: PayPalBench) -> str:
    """29.85 twice, 10.00 given back of the first, 5.00 taken back of the second: its capture id."""
    order, first = await bench.captured("sub-1-1-1-aa")
    bench.pass_time(timedelta(minutes=1))
    _, second = await bench.captured("sub-2-1-1-aa")
    bench.pass_time(timedelta(minutes=1))
    await bench.gateway.refund(bench.refund_order(order, first, 1000))
    bench.pass_time(timedelta(minutes=1))
    account = bench.provider.account
    take_back(account, account.captured(second.provider_ref), 500)
    return second.provider_ref


def test_a_day_is_read_with_fees_and_the_transfer() -> None:
    """59.70 - 10.00 - 5.00 - 2 x 1.04 in fees (3.5 % of 29.85) = 42.62 go to the bank."""

    async def test(bench: PayPalBench) -> None:
        second = await a_day(bench)
        bench.pass_time(timedelta(days=2))
        (report,) = await read(bench, DAY, DAY + timedelta(days=1))
        assert seen(report) == [
            ("CAPTURE", 2985, "sub-1-1-1-aa"),
            ("FEE", 104, "sub-1-1-1-aa"),
            ("CAPTURE", 2985, "sub-2-1-1-aa"),
            ("FEE", 104, "sub-2-1-1-aa"),
            ("REFUND", 1000, "sub-1-1-1-aa-r1"),
            ("CHARGEBACK", 500, "sub-2-1-1-aa"),
            ("PAYOUT", 4262, ""),
        ]
        (total,) = report.settlement.totals
        assert (total.payout.minor, total.balance_change) == (4262, 0)
        assert (report.settlement.settlement_id, report.settlement.settled_on) == (
            "2026-03-01",
            DAY,
        )
        back = report.lines[5]
        assert (back.charge_ref, report.lines[2].charge_ref) == (second, second)
        assert back.provider_ref != second

    on_paypal(test)


def test_a_day_that_the_report_has_not_passed_is_not_given() -> None:
    """Three hours late: at 02:59 the day before is not complete, at 03:00 it is."""

    async def test(bench: PayPalBench) -> None:
        await bench.captured()
        midnight = datetime.combine(DAY + timedelta(days=1), datetime.min.time(), START.tzinfo)
        bench.controls.clock.set(midnight + timedelta(hours=2, minutes=59))
        assert await read(bench, DAY, DAY) == []
        bench.controls.clock.set(midnight + timedelta(hours=3))
        assert len(await read(bench, DAY, DAY)) == 1

    on_paypal(test)


def test_what_is_not_transferred_stays() -> None:
    """Without transfers the balance grows by what came and was not kept."""

    async def test(bench: PayPalBench) -> None:
        await bench.captured()
        bench.pass_time(timedelta(days=2))
        (report,) = await read(bench, DAY, DAY)
        (total,) = report.settlement.totals
        assert (total.payout.minor, total.balance_change) == (0, 2881)

    on_paypal(test, transfers=False)


def test_a_pending_capture_makes_another_version_of_its_day() -> None:
    """It shows on the day on which it began, once it has come through."""

    async def test(bench: PayPalBench) -> None:
        await bench.captured("sub-1-1-1-aa")
        bench.pass_time(timedelta(days=1, hours=3))
        (before,) = await read(bench, DAY, DAY)
        (again,) = await read(bench, DAY, DAY)
        assert digest_of(before) == digest_of(again)
        bench.provider.account.journal.add(
            int(START.timestamp() * 1_000_000) + 60_000_000, 1, _capture_line()
        )
        (after,) = await read(bench, DAY, DAY)
        assert digest_of(before) != digest_of(after)

    on_paypal(test)


def _capture_line() -> Any:
    from infrastructure.simulators.paypal.records import Line

    return Line.CAPTURE


def test_long_spans_and_large_days_are_read_in_parts() -> None:
    """Forty days are two windows; a search that may find two rows is split up until it does."""

    async def test(bench: PayPalBench) -> None:
        for number in range(6):
            await bench.captured(f"sub-{number}-1-1-aa")
            bench.pass_time(timedelta(hours=1))
        bench.pass_time(timedelta(days=38))
        await bench.captured("sub-9-1-1-aa")
        bench.pass_time(timedelta(days=2))
        found = await read(bench, DAY, DAY + timedelta(days=39))
        lines = [each for report in found for each in seen(report) if each[0] == "CAPTURE"]
        assert len(lines) == len(set(lines)) == 7
        assert [report.settlement.settled_on for report in found] == [
            DAY,
            DAY + timedelta(days=38),
        ]

    on_paypal(test, report_limit=2)


def test_without_access_nothing_is_read() -> None:
    """It is asked again another time; and a day that was not listed has no lines."""

    async def test(bench: PayPalBench) -> None:
        reading = source(bench, base_url="http://127.0.0.1:9")
        assert isinstance(await reading.settlements(DAY, DAY), NotDone)
        await reading.close()
        await bench.captured()
        bench.pass_time(timedelta(days=2))
        (report,) = await read(bench, DAY, DAY)
        fresh = source(bench)
        answer = await fresh.report(report.settlement)
        await fresh.close()
        assert isinstance(answer, SettlementUnreadable)

    on_paypal(test)


ROW: dict[str, Any] = {
    "transaction_id": "3C679366HH908993F",
    "transaction_event_code": "T0006",
    "transaction_initiation_date": "2026-03-01T10:00:00Z",
    "transaction_amount": {"currency_code": "USD", "value": "29.85"},
    "transaction_status": "S",
}


@pytest.mark.parametrize(
    "change",
    [
        {"transaction_amount": {"currency_code": "USD", "value": "29.855"}},
        {"transaction_amount": None},
        {"transaction_initiation_date": "yesterday"},
        {"transaction_event_code": ""},
        {"transaction_id": ""},
        {"fee_amount": {"currency_code": "USD"}},
    ],
)
def test_a_row_that_cannot_be_read_stops_the_reading(change: dict[str, Any]) -> None:
    """Left out it would be money that nobody lists."""
    body = {
        "transaction_details": [{"transaction_info": ROW}, {"transaction_info": {**ROW, **change}}],
        "last_refreshed_datetime": "2026-03-05T00:00:00Z",
        "total_pages": 1,
    }

    async def main() -> object:
        async with paypal_bench() as bench:
            canned = Canned({("GET", "/v1/reporting/transactions"): (200, body)})
            reading = PayPalSettlements(
                bench.account,
                now=bench.controls.clock.now,
                transport=httpx.MockTransport(canned),
            )
            answer = await reading.settlements(DAY, DAY)
            await reading.close()
            return answer

    answer = asyncio.run(main())
    assert isinstance(answer, SettlementUnreadable)
    assert answer.row == 2


@pytest.mark.skipif(not SPECS.is_dir(), reason="PayPal's OpenAPI files are not at hand")
def test_what_the_simulator_shows_fits_the_specification() -> None:
    """Fees, reversals and transfers, too."""

    async def test(bench: PayPalBench) -> None:
        await a_day(bench)
        bench.pass_time(timedelta(days=2))
        bodies: list[Any] = []

        async def keep(response: httpx.Response) -> None:
            await response.aread()
            bodies.append(response.json())

        async with httpx.AsyncClient(
            base_url=bench.served.base_url, event_hooks={"response": [keep]}
        ) as http:
            pair = (bench.account.client_id, bench.account.client_secret.reveal())
            grant = {"grant_type": "client_credentials"}
            access = (await http.post("/v1/oauth2/token", data=grant, auth=pair)).json()
            window = {
                "start_date": "2026-03-01T00:00:00Z",
                "end_date": "2026-03-02T00:00:00Z",
            }
            bearer = {"Authorization": f"Bearer {access['access_token']}"}
            await http.get("/v1/reporting/transactions", params=window, headers=bearer)
        spec = json.loads((SPECS / "reporting_transactions_v1.json").read_text())
        schema = {**spec, "$ref": "#/components/schemas/search_response"}
        assert [each.message for each in Draft202012Validator(schema).iter_errors(bodies[-1])] == []
        codes = {
            each["transaction_info"]["transaction_event_code"]
            for each in bodies[-1]["transaction_details"]
        }
        assert codes == {"T0003", "T1107", "T1106", "T0401"}

    on_paypal(test)


@pytest.mark.parametrize(
    ("code", "minor", "kind"),
    [
        ("T0006", 100, "CAPTURE"),
        ("T0006", -100, "OTHER"),
        ("T0107", -30, "FEE"),
        ("T0400", -100, "PAYOUT"),
        ("T0200", 100, "OTHER"),
        ("T1106", -100, "CHARGEBACK"),
        ("T1107", -100, "REFUND"),
        ("T1108", 30, "FEE"),
        ("T1110", -100, "OTHER"),
        ("T1201", -100, "CHARGEBACK"),
        ("T1202", 100, "CHARGEBACK"),
        ("T9999", 1, "OTHER"),
    ],
)
def test_codes_are_kinds(code: str, minor: int, kind: str) -> None:
    """By group; within T11 by code; what is unknown is shown to a person."""
    assert kind_of(code, minor).value == kind


def test_fees_are_what_paypal_can_write() -> None:
    """3.5 % of 1000.00 HUF is 35 HUF; of 1001.00 it is 35.035, and PayPal has no decimals there."""
    sweeps = Sweeps(35)
    assert [sweeps.fee(minor, "HUF") for minor in (100000, 100100)] == [3500, 3500]
    assert [sweeps.fee(minor, "USD") for minor in (100, 114, 115)] == [4, 4, 4]
    assert sweeps.fee(2985, "USD") == 104


# --- the settlement file ------------------------------------------------------------------------

COLUMNS = (
    '"CH","Transaction ID","Invoice ID","PayPal Reference ID","PayPal Reference ID Type",'
    '"Transaction Event Code","Transaction Initiation Date","Transaction Completion Date",'
    '"Transaction  Debit or Credit","Gross Transaction Amount","Gross Transaction Currency",'
    '"Fee Debit or Credit","Fee Amount","Fee Currency","Custom Field","Consumer ID"'
)
AT = "2026/03/01 10:00:00 +0000"


def row(txn: str, invoice: str, about: str, code: str, way: str, minor: int, fee: str = "") -> str:
    """One SB row. fee: minor units kept, or ""."""
    kind = '"TXN"' if about else '""'
    kept = f'"DR",{fee},"USD"' if fee else '"",,""'
    return (
        f'"SB","{txn}","{invoice}","{about}",{kind},"{code}",{AT},{AT},'
        f'"{way}",{minor},"USD",{kept},"",""'
    )


def file(*rows: str, footer: str = "2985,5262,0,104", count: int | None = None) -> bytes:
    """A file of these rows. footer: gross credits and debits, fee credits and debits."""
    balances = '"CR",0,"CR",0,"CR",0,"CR",0,"CR",0,"CR",0'
    text = [
        f'"RH",{AT},"A","ACCOUNT",009,',
        '"FH",01',
        '"SH",2026/03/01 00:00:00 +0000,2026/03/01 23:59:59 +0000,"ACCOUNT",""',
        COLUMNS,
        *rows,
        f'"SF","USD",{footer},{balances},{len(rows)}',
        f'"SC",{len(rows) if count is None else count}',
        f'"RF","USD",{footer},{balances},{len(rows)}',
        f'"RC",{len(rows)}',
        f'"FF",{len(rows)}',
    ]
    return ("﻿" + "\r\n".join(text) + "\r\n").encode()


ROWS = (
    row("TX1", "sub-1-1-1-aa", "", "T0003", "CR", 2985, "104"),
    row("TX2", "sub-1-1-1-aa-r1", "TX1", "T1107", "DR", 1000),
    row("TX3", "", "", "T0400", "DR", 4262),
)


def test_a_settlement_file_is_read() -> None:
    """29.85 in, 1.04 kept, 10.00 back, 42.62 to the bank: 24.81 less lies there afterwards."""
    report = read_settlement_file(file(*ROWS))
    assert isinstance(report, SettlementReport)
    check_totals(report)
    assert seen(report) == [
        ("CAPTURE", 2985, "sub-1-1-1-aa"),
        ("FEE", 104, "sub-1-1-1-aa"),
        ("REFUND", 1000, "sub-1-1-1-aa-r1"),
        ("PAYOUT", 4262, ""),
    ]
    (total,) = report.settlement.totals
    assert (report.settlement.settlement_id, total.balance_change) == ("2026-03-01", -2381)
    assert [each.charge_ref for each in report.lines] == ["TX1", "TX1", "TX1", ""]


def test_the_file_and_the_search_of_a_day_are_the_same() -> None:
    """Where the account's day is that of UTC: the same digest, so the second is nothing new."""

    async def test(bench: PayPalBench) -> None:
        await bench.captured("sub-1-1-1-aa")
        bench.pass_time(timedelta(days=2))
        (by_search,) = await read(bench, DAY, DAY)
        capture, _, payout = by_search.lines
        written = file(
            row(capture.charge_ref, "sub-1-1-1-aa", "", "T0003", "CR", 2985, "104"),
            row(payout.provider_ref, "", "", "T0401", "DR", 2881),
            footer="2985,2881,0,104",
        )
        by_file = read_settlement_file(written)
        assert isinstance(by_file, SettlementReport)
        assert digest_of(by_file) == digest_of(by_search)

    on_paypal(test)


WHOLE = file(*ROWS)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (WHOLE.split(b'"RF"')[0], "report-malformed"),  # the report's footer is missing
        (WHOLE.split(b'"SC"')[0], "report-malformed"),
        (file(*ROWS[:2], count=3), "totals-differ"),
        (file(*ROWS, footer="2985,5262,0,105"), "totals-differ"),
        (file(*ROWS, footer="2985,5263,0,104"), "totals-differ"),
        (WHOLE.replace(b'"SF","USD"', b'"SF","EUR"'), "totals-differ"),
        (WHOLE.replace(b'"Fee Amount"', b'"Fees"'), "field-missing"),
        (WHOLE.replace(b'"TX2"', b'""'), "field-missing"),
        (WHOLE.replace(b'"DR",1000', b'"DB",1000'), "field-malformed"),
        (WHOLE.replace(b"1000,", b"10.00,"), "amount-malformed"),
        (WHOLE.replace(b'"SH",2026/03/01', b'"SH",2026-03-01'), "field-malformed"),
        (WHOLE.replace(b'"FH",01', b'"XX",01'), "report-malformed"),
        (b"\xff\xfe", "report-malformed"),
        (b"", "report-malformed"),
    ],
)
def test_f42_files_that_are_not_used(content: bytes, code: str) -> None:
    """Truncated, changed, or of another form: none of it, with the reason."""
    found = read_settlement_file(content)
    assert isinstance(found, SettlementUnreadable), found
    assert found.code == code


def test_every_cut_of_a_file_is_noticed() -> None:
    """Wherever it ends before the section's count is told, nothing of it is used."""
    for length in range(WHOLE.index(b'"RF"')):
        assert isinstance(read_settlement_file(WHOLE[:length]), SettlementUnreadable), length


def test_amounts_in_other_currencies_need_a_footer() -> None:
    """A euro row without a footer of its own."""
    euro = row("TX4", "", "", "T0003", "CR", 5).replace('"USD"', '"EUR"')
    found = read_settlement_file(file(*ROWS, euro, count=4))
    assert isinstance(found, SettlementUnreadable)
    assert Money(5, "EUR").currency in found.words
