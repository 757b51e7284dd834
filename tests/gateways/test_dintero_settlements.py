"""Dintero's payouts: listed, fetched, read to the minor unit, or refused with the row's number."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import attrs
import httpx
import pytest
from hypothesis import event as reached
from hypothesis import given
from hypothesis import strategies as st

from domain.money import Money
from domain.ports import NotDone
from domain.settlement_ports import (
    SettledKind,
    Settlement,
    SettlementReport,
    SettlementUnreadable,
)
from infrastructure.gateways.dintero.report_files import read_report
from infrastructure.gateways.dintero.settlements import DinteroSettlements, read_settlement
from infrastructure.gateways.dintero.transactions import Unreadable
from infrastructure.gateways.dintero.webhooks import told
from infrastructure.simulators.book import Book, Movement
from infrastructure.simulators.dintero.payouts import Payout, Payouts, fee_of, report_xml
from infrastructure.simulators.dintero.specification import specification
from tests.gateways.dintero_bench import (
    ACCOUNT,
    OPTIONS,
    SPECIFICATION,
    DinteroBench,
    dintero_bench,
)
from tests.gateways.dintero_canned import NOW
from tests.gateways.test_dintero_webhooks import SECRET

DAY = date(2026, 3, 1)
AT = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)


def line(kind: str, minor: int, row: int, **more: Any) -> tuple[Any, ...]:
    """What a test looks at of a line."""
    return (SettledKind(kind), minor, row, more.get("reference", ""))


def seen(report: Any) -> list[tuple[Any, ...]]:
    """The same of all lines of a report."""
    assert isinstance(report, SettlementReport), report
    return [(each.kind, each.amount.minor, each.row, each.reference) for each in report.lines]


# --- over HTTP --------------------------------------------------------------------------------


async def reports(bench: DinteroBench, **changes: Any) -> httpx.Response:
    """Have the simulator settle what its book has."""
    path = f"/v1/accounts/{ACCOUNT.account_id}"
    async with httpx.AsyncClient(base_url=bench.base_url) as http:
        asked = {"grant_type": "client_credentials", "audience": ACCOUNT.token_audience}
        pair = (ACCOUNT.client_id, ACCOUNT.client_secret.reveal())
        access = (await http.post(f"{path}/auth/token", json=asked, auth=pair)).json()
        bearer = {"Authorization": f"Bearer {access['access_token']}"}
        if changes:
            return await http.get(f"{path}/settlements", params=changes, headers=bearer)
        made = f"{path}/settlements/reports/generate-test-report"
        return await http.post(made, headers=bearer)


def source(bench: DinteroBench) -> DinteroSettlements:
    """The reader of the bench's account. The caller closes it."""
    return DinteroSettlements(bench.account, now=bench.controls.clock.now)


def on_a_bench(test: Callable[[DinteroBench], Awaitable[None]], **options: Any) -> None:
    """Run a test on a simulator with these options."""

    async def main() -> None:
        async with dintero_bench(attrs.evolve(OPTIONS, **options)) as bench:
            await test(bench)

    asyncio.run(main())


@pytest.mark.parametrize("major", [True, False])
def test_payout_is_read_from_list_to_line(major: bool) -> None:
    """Two charges of 29.85 and a refund of 10.00: fees 0.45 each, 48.80 is paid out."""

    async def test(bench: DinteroBench) -> None:
        first, captured = await bench.captured("sub-1-1-1-aa")
        await bench.captured("sub-2-1-1-aa")
        await bench.gateway.refund(bench.refund_order(first, captured, 1000))
        assert (await reports(bench)).status_code == 201
        assert (await reports(bench)).status_code == 200, "nothing moved since"
        reading = source(bench)
        listed = await reading.settlements(DAY, DAY)
        assert isinstance(listed, tuple)
        (one,) = listed
        (total,) = one.totals
        assert (one.settled_on, one.paid, one.acquirer) == (DAY, True, "payex")
        assert [each.minor for each in (total.captured, total.refunded, total.fees)] == [
            5970,
            1000,
            90,
        ]
        report = await reading.report(one)
        assert seen(report) == [
            line("CAPTURE", 2985, 1, reference="sub-1-1-1-aa"),
            line("FEE", 45, 1, reference="sub-1-1-1-aa"),
            line("CAPTURE", 2985, 2, reference="sub-2-1-1-aa"),
            line("FEE", 45, 2, reference="sub-2-1-1-aa"),
            line("REFUND", 1000, 3, reference="sub-1-1-1-aa-r1"),
            line("PAYOUT", 4880, 0, reference=one.provider_ref),
        ]
        assert report.lines[0].charge_ref == captured.provider_ref  # type: ignore[union-attr]
        assert await reading.settlements(DAY + timedelta(days=1), DAY + timedelta(days=9)) == ()
        await reading.close()

    on_a_bench(test, major_reports=major)


def test_account_is_told_of_a_new_payout() -> None:
    """settlement_add names the settlement; the list has it."""

    async def test(bench: DinteroBench) -> None:
        await bench.captured("sub-1-1-1-aa")
        await bench.callbacks(2)
        bench.received.clear()
        await bench.subscribe(bench.account.callback_url, "settlement_add")
        await reports(bench)
        (callback,) = await bench.callbacks(1)
        said = told(SECRET, ACCOUNT.account_id, callback)
        reading = source(bench)
        listed = await reading.settlements(DAY, DAY)
        await reading.close()
        assert isinstance(listed, tuple)
        assert said.event == "settlement_add"
        assert [each.settlement_id for each in listed] == [said.settlement_id]
        gateway = bench.another(webhook_secret=SECRET)
        hint = await gateway.verify(callback)
        await gateway.close()
        assert (hint.reference, hint.token_request_ref) == ("", "")

    on_a_bench(test)


def test_all_pages_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """One a page: three days, three settlements, in order."""
    monkeypatch.setattr("infrastructure.gateways.dintero.settlements.PAGE", 1)

    async def test(bench: DinteroBench) -> None:
        for number in range(3):
            await bench.captured(f"sub-1-{number}-1-aa")
            assert (await reports(bench)).status_code == 201
            bench.pass_time(timedelta(days=1))
        reading = source(bench)
        listed = await reading.settlements(DAY, DAY + timedelta(days=9))
        assert isinstance(listed, tuple)
        days = [each.settled_on for each in listed]
        assert days == [DAY + timedelta(days=number) for number in range(3)]
        await reading.close()

    on_a_bench(test)


def test_list_fits_the_specification() -> None:
    """What the simulator answers is what Dintero's own schema says."""
    if not SPECIFICATION.exists():
        pytest.skip("Dintero's specification is not beside this checkout")

    async def test(bench: DinteroBench) -> None:
        await bench.captured()
        await reports(bench)
        answer = await reports(bench, limit="10")
        path = "/accounts/{aid}/settlements"
        found = specification(SPECIFICATION).response_problems(path, "get", 200, answer.json())
        assert found == []
        assert answer.json()["items"][0]["amounts"][0]["currency"] == "USD"

    on_a_bench(test)


def test_without_access_nothing_is_read() -> None:
    """A refused or missing connection is nothing done: it is asked again another time."""

    async def test(bench: DinteroBench) -> None:
        for changes in ({"api_url": "http://127.0.0.1:9"}, {"account_id": "T87654321"}):
            account = attrs.evolve(bench.account, **changes)
            reading = DinteroSettlements(account, now=bench.controls.clock.now)
            assert isinstance(await reading.settlements(DAY, DAY), NotDone), changes
            await reading.close()

    on_a_bench(test)


# --- canned lists -----------------------------------------------------------------------------

AMOUNTS: dict[str, Any] = {
    "amount": 4900,
    "capture": 5000,
    "refund": 0,
    "fee": 100,
    "currency": "NOK",
}
XML_FILE = {"id": "f-1", "extension": "xml", "content_type": "a/b", "created_by": "dintero"}
LISTED: dict[str, Any] = {
    "id": "s-1",
    "provider": "payex",
    "provider_reference": "p-1",
    "settled_at": "2026-03-01T23:30:00+01:00",
    "payment_status": "paid",
    "amounts": [AMOUNTS],
    "attachments": [XML_FILE],
}


def read(answers: Callable[[httpx.Request], httpx.Response], settlement: Any = None) -> Any:
    """The list, or the report of a settlement, from canned answers."""

    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/auth/token"):
            return httpx.Response(200, json={"access_token": "a", "expires_in": 3600})
        assert request.method == "GET"
        assert request.url.host == "api.dintero.com"
        return answers(request)

    async def main() -> Any:
        transport = httpx.MockTransport(handler)
        reading = DinteroSettlements(ACCOUNT, now=lambda: NOW, transport=transport)
        try:
            if settlement is not None:
                return await reading.report(settlement)
            return await reading.settlements(DAY, DAY)
        finally:
            await reading.close()

    return asyncio.run(main())


def listing(*items: Any, **more: Any) -> Any:
    """What is read of one page."""
    return read(lambda _: httpx.Response(200, json={"items": list(items), **more}))


def test_days_are_as_written() -> None:
    """23:30 in Oslo is that day, not the one before or after in UTC."""
    (one,) = listing(LISTED)
    assert one.settled_on == DAY
    assert one.files[0].extension == "xml"


@pytest.mark.parametrize(
    "changes",
    [
        {"id": ""},
        {"settled_at": "soon"},
        {"settled_at": "20260301T10"},
        {"payment_status": "pending"},
        {"amounts": None},
        {"amounts": [AMOUNTS, AMOUNTS]},
        {"amounts": [AMOUNTS | {"amount": 4901}]},
        {"amounts": [AMOUNTS | {"capture": "5000"}]},
        {"amounts": [AMOUNTS | {"fee": 100.5, "amount": 4899.5}]},
        {"amounts": [AMOUNTS | {"currency": "XYZ"}]},
        {"attachments": {}},
        {"attachments": [{"extension": "xml"}]},
    ],
)
def test_settlement_that_cannot_be_read_stops_the_list(changes: Any) -> None:
    """With its place; the others are not handed out as if they were all."""
    found = listing(LISTED, LISTED | {"id": "s-2"} | changes)
    assert isinstance(found, SettlementUnreadable)
    assert (found.code, found.row) == ("list-malformed", 2)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"items": None},
        {"items": [LISTED, LISTED]},
        {"items": [LISTED], "last_evaluated_key": {"id": "s-1", "settled_at": "2026-03-01"}},
        {"items": [LISTED], "last_evaluated_key": {"id": "s-1"}},
        {"items": [], "last_evaluated_key": {"id": "s-1", "settled_at": "2026-03-01"}},
    ],
)
def test_pages_that_lead_nowhere_are_refused(body: Any) -> None:
    """No items, one twice, a page that repeats itself, a next page without a name."""
    found = read(lambda _: httpx.Response(200, json=body))
    assert isinstance(found, SettlementUnreadable)
    assert found.code == "list-malformed"


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500),
        httpx.Response(403, json={"error": {"message": "Forbidden"}}),
        httpx.Response(404, json={"error": {"message": "no"}}),
        httpx.Response(429, headers={"Retry-After": "7"}),
        httpx.Response(200, content=b"<html>"),
    ],
)
def test_F08_what_is_no_list_is_not_done(answer: httpx.Response) -> None:
    """It says nothing of payouts, and is asked for again."""
    found = read(lambda _: answer)
    assert isinstance(found, NotDone)
    assert found.retry_after_s == (7.0 if answer.status_code == 429 else None)


# --- files ------------------------------------------------------------------------------------


def of(*amounts: Any, files: Any = (XML_FILE,)) -> Settlement:
    """A settlement with these totals."""
    return read_settlement(LISTED | {"amounts": list(amounts), "attachments": list(files)})


def xml(*rows: str, settlement: str = "s-1") -> bytes:
    """A report with these rows."""
    head = f"<DinteroSettlementId>{settlement}</DinteroSettlementId>"
    return f"<Report><PaymentsInfo>{head}{''.join(rows)}</PaymentsInfo></Report>".encode()


def row(**changes: str) -> str:
    """50.00 NOK captured, 1.00 of fee, as in Dintero's own example, but for the scale."""
    fields = {
        "TransactionType": "settlement",
        "TransactionTime": "2026-03-01",
        "TransactionAmount": "4900",
        "TransactionCapture": "5000",
        "TransactionRefund": "0",
        "TransactionFee": "100",
        "TransactionChargeback": "0",
        "SettlementCurrencyCode": "NOK",
        "TransactionID": "T1.t1",
        "Reference": "sub-1-1-1-aa",
        **changes,
    }
    inside = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    return f"<TransactionInfo>{inside}</TransactionInfo>"


ONE = of(AMOUNTS)
MAJOR = {"TransactionAmount": "49", "TransactionCapture": "50", "TransactionFee": "1"}


@pytest.mark.parametrize("written", [{}, MAJOR, MAJOR | {"TransactionFee": "1.00"}])
def test_scale_is_proven_by_the_total(written: Any) -> None:
    """5000 and 50 are both 50.00 where the list says 5000."""
    found = read_report(ONE, xml(row(**written)))
    assert seen(found) == [
        line("CAPTURE", 5000, 1, reference="sub-1-1-1-aa"),
        line("FEE", 100, 1, reference="sub-1-1-1-aa"),
        line("PAYOUT", 4900, 0, reference="p-1"),
    ]


def test_chargeback_is_a_line_of_its_own() -> None:
    """The list has it among the refunds, since it has no other place."""
    back = {"TransactionAmount": "-5000", "TransactionCapture": "0", "TransactionFee": "0"}
    rows = row(), row(**back, TransactionChargeback="5000")
    found = read_report(of(AMOUNTS | {"refund": 5000, "amount": -100}), xml(*rows))
    assert [each[:3] for each in seen(found)] == [
        (SettledKind.CAPTURE, 5000, 1),
        (SettledKind.FEE, 100, 1),
        (SettledKind.CHARGEBACK, 5000, 2),
        (SettledKind.PAYOUT, -100, 0),
    ]


@pytest.mark.parametrize(
    ("content", "code", "number"),
    [
        (xml(row(), row(TransactionAmount="4901")), "row-does-not-add-up", 2),
        (xml(row(), row(TransactionCapture="")), "field-missing", 2),
        (xml(row(TransactionID="")), "field-missing", 1),
        (xml(row(TransactionFee="1e2")), "amount-malformed", 1),
        (xml(row(TransactionFee="NaN")), "amount-malformed", 1),
        (xml(row(TransactionFee="\u0661\u0660\u0660")), "amount-malformed", 1),
        (xml(row(TransactionFee="1,00")), "amount-malformed", 1),
        (xml(row(TransactionFee="9" * 21)), "amount-malformed", 1),
        (xml(row(TransactionTime="yesterday")), "field-malformed", 1),
        (xml(row(SettlementCurrencyCode="XYZ")), "field-malformed", 1),
        (xml(row(SettlementCurrencyCode="SEK")), "totals-differ", 1),
        (xml(row(), row()), "totals-differ", 0),
        (xml(), "totals-differ", 0),
        (xml(row(**MAJOR), row(**MAJOR)), "totals-differ", 0),
        (xml(row(), settlement="s-2"), "another-settlement", 0),
        (xml(row()) + b"<", "report-malformed", 0),
        (b"", "report-malformed", 0),
        (b"%PDF-1.7", "report-malformed", 0),
        (xml(row()).decode().encode("utf-16"), "report-malformed", 0),
    ],
)
def test_malformed_file_names_its_row(content: bytes, code: str, number: int) -> None:
    """And nothing of it is used."""
    found = read_report(ONE, content)
    assert isinstance(found, SettlementUnreadable)
    assert (found.code, found.row) == (code, number)


def test_field_that_is_there_twice_is_refused() -> None:
    """Which of them would count?"""
    double = row().replace("<TransactionFee>", "<TransactionFee>1</TransactionFee><TransactionFee>")
    found = read_report(ONE, xml(double))
    assert isinstance(found, SettlementUnreadable)
    assert (found.code, found.row) == ("field-missing", 1)


@pytest.mark.parametrize(
    "declared",
    [
        '<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
        '<!DOCTYPE r SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    ],
)
def test_file_that_reaches_out_or_grows_is_refused(declared: str) -> None:
    """No declaration is let through, in whatever encoding it says it is."""
    for head in ("", '<?xml version="1.0" encoding="utf-16"?>', '<?xml version="1.0"?>'):
        found = read_report(ONE, (head + declared).encode() + xml(row()))
        assert isinstance(found, SettlementUnreadable)
        assert found.code == "report-malformed"


def test_other_files_are_not_taken_for_the_report() -> None:
    """The acquirer's own XML is another form; two of Dintero's would be a riddle."""
    theirs = XML_FILE | {"created_by": "payex"}
    for files in ((), (theirs,), (XML_FILE | {"extension": "pdf"},), (XML_FILE, XML_FILE)):
        found = read(lambda _: httpx.Response(200), of(AMOUNTS, files=files))
        assert isinstance(found, SettlementUnreadable)
        assert found.code == "report-missing"


def test_file_is_taken_as_it_is() -> None:
    """Not as JSON; one that is not there, or too large, is not done."""
    good = httpx.Response(200, content=xml(row()))
    assert isinstance(read(lambda _: good, ONE), SettlementReport)
    assert isinstance(read(lambda _: httpx.Response(404, json={"error": {}}), ONE), NotDone)
    large = httpx.Response(200, content=b"x" * 101)
    with pytest.MonkeyPatch.context() as patch:
        limit = "infrastructure.gateways.dintero.settlements.LARGEST_FILE_BYTES"
        patch.setattr(limit, 100)
        assert isinstance(read(lambda _: large, ONE), NotDone)


# --- for all books ----------------------------------------------------------------------------

ENTRIES = st.tuples(
    st.sampled_from([*Movement, Movement.CAPTURED, Movement.CAPTURED, Movement.REFUNDED]),
    st.integers(1, 10**9),
    st.sampled_from(["NOK", "NOK", "JPY", "USD", "BHD"]),
)


def settled(entries: list[tuple[Movement, int, str]]) -> list[Payout]:
    """The settlements of a book with these lines."""
    book = Book()
    for number, (movement, minor, currency) in enumerate(entries):
        book.write(
            movement,
            reference=f"r-{number}",
            minor=minor,
            currency=currency,
            provider_id=f"T1.t{number}",
            at=AT,
        )
    return Payouts("T12345678").make(book, AT)


@given(st.lists(ENTRIES, max_size=8), st.booleans())
def test_payout_is_captures_less_refunds_less_fees_for_all_books(
    entries: list[tuple[Movement, int, str]], major: bool
) -> None:
    """To the minor unit, in every currency and both scales; every movement is one line."""
    payouts = settled(entries)
    reached(f"settlements {len(payouts)}")
    moves: list[tuple[str, SettledKind, int, str]] = []
    for payout in payouts:
        settlement = read_settlement(payout.as_json())
        report = read_report(settlement, report_xml(payout, major=major))
        assert isinstance(report, SettlementReport), report
        currency = payout.currency
        captured, refunded, fees, left = (
            report.sum(kind, currency)
            for kind in (
                SettledKind.CAPTURE,
                SettledKind.REFUND,
                SettledKind.FEE,
                SettledKind.PAYOUT,
            )
        )
        assert captured - refunded - fees == left
        ours = [minor for m, minor, c in entries if (m, c) == (Movement.CAPTURED, currency)]
        assert fees == sum(fee_of(minor) for minor in ours)
        moved = (SettledKind.CAPTURE, SettledKind.REFUND)
        moves += [
            (each.reference, each.kind, each.amount.minor, each.amount.currency)
            for each in report.lines
            if each.kind in moved
        ]
    kinds = {Movement.CAPTURED: SettledKind.CAPTURE, Movement.REFUNDED: SettledKind.REFUND}
    assert sorted(moves, key=str) == sorted(
        (
            (f"r-{number}", kinds[movement], minor, currency)
            for number, (movement, minor, currency) in enumerate(entries)
            if movement in kinds
        ),
        key=str,
    )


@given(st.lists(ENTRIES, min_size=1, max_size=4), st.data())
def test_file_with_a_part_cut_out_or_changed_is_never_another_payout(
    entries: list[tuple[Movement, int, str]], data: st.DataObject
) -> None:
    """Read as it was, or refused: no change of a byte makes other money of it."""
    payouts = settled(entries)
    if not payouts:
        return
    settlement = read_settlement(payouts[0].as_json())
    content = report_xml(payouts[0], major=False)
    start = data.draw(st.integers(0, len(content) - 1))
    length = data.draw(st.integers(0, 40))
    put = data.draw(st.sampled_from([b"", b"0", b"9", b"-", b".", b"<", b"\xff", b" "]))
    spoilt = content[:start] + put + content[start + length :]
    whole, found = read_report(settlement, content), read_report(settlement, spoilt)
    assert isinstance(whole, SettlementReport)
    reached(found.code if isinstance(found, SettlementUnreadable) else "read")
    if isinstance(found, SettlementReport):
        for kind in SettledKind:
            assert found.sum(kind, payouts[0].currency) == whole.sum(kind, payouts[0].currency)


JUNK = st.sampled_from([None, "", "x", 0, -1, 10**30, 0.5, [], {}, [None], True])


@given(st.dictionaries(st.sampled_from(sorted(LISTED)), JUNK))
def test_F08_any_settlement_is_read_or_refused(changes: dict[str, Any]) -> None:
    """No other error, whatever stands in a field."""
    try:
        found = read_settlement(LISTED | changes)
    except Unreadable:
        reached("unreadable")
        return
    reached("read")
    assert all(each.payout == Money(4900, "NOK") for each in found.totals)
