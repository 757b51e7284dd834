"""Print what each provider is asked, under which key, and what its silence leaves unknown.

    python scripts/provider_table.py            to stdout
    python scripts/provider_table.py --write    into README.md, between its two marks

Nothing here is written by hand: each gateway is asked to do each operation over a transport that
takes the request and never answers. What it sent and what it said then are the row. How long a key
is good, and when a doubt is looked up, are the rules' own figures. A test fails when it is stale.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import attrs
import httpx
import structlog

from domain.calendar import Interval, Unit
from domain.money import Money
from domain.plan import CaptureMode, Kind, Terms, Timing
from domain.ports import (
    CaptureOrder,
    ChargeOrder,
    Declined,
    FirstCharge,
    Gateway,
    NotDone,
    Secret,
    TokenOrder,
    TokenQuery,
    Unknown,
)
from domain.providers import LOOK_UP_WAITS, REFUND_LOOK_UP_WAITS, RULES, Provider
from domain.refund_ports import RefundOrder, VoidOrder
from domain.subscription.events import DeclineClass, Instrument
from infrastructure.gateways.dintero.account import DinteroAccount
from infrastructure.gateways.dintero.gateway import DinteroGateway
from infrastructure.gateways.dintero.requests import StoredToken
from infrastructure.gateways.paypal.account import PayPalAccount
from infrastructure.gateways.paypal.gateway import PayPalGateway

README = Path(__file__).resolve().parent.parent / "README.md"
BEGINS, ENDS = "<!-- scripts/provider_table.py -->", "<!-- end of the table -->"
NOW = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
KEY, ID = UUID(int=1), "0AW2184448108334S"
PRICE = Money(2985, "USD")
TERMS = Terms(
    plan="basic",
    plan_version=1,
    description="Basic membership",
    kind=Kind.SUBSCRIPTION,
    timing=Timing.PREPAID,
    interval=Interval(Unit.MONTH),
    price=PRICE,
)
TOKENS = {
    Provider.PAYPAL: Secret("8kk8451t"),
    Provider.DINTERO: StoredToken("payex.creditcard", "recurrence_token", "8kk8451t").sealed(),
}
CARD = Instrument(kind="card", provider_token_id=ID)
NAMES = {Provider.PAYPAL: "PayPal", Provider.DINTERO: "Dintero"}
# What tells one sending from another, in the order in which it counts.
KEY_HEADERS = ("PayPal-Request-Id", "Dintero-Feature-Toggles")
KEY_FIELDS = ("capture_reference", "refund_reference", "merchant_reference")
Ask = Callable[[Gateway, Provider], Awaitable[Any]]


@attrs.frozen(kw_only=True)
class Operation:
    """One operation. window: of ProviderRules, or "" where a repeat can do no harm.

    looked_up_by: the gateway's method that tells what became of it. waits: when it is asked.
    """

    name: str
    ask: Ask
    window: str = ""
    looked_up_by: str = ""
    waits: tuple[timedelta, ...] = ()


def _token_order(_: Provider) -> TokenOrder:
    return TokenOrder(
        request_id=KEY, subscription_id="s-1", customer_id="c-1", terms=TERMS, start_date=None
    )


async def _pay_on_page(gateway: Gateway, provider: Provider) -> Any:
    """The page with the first payment; a provider without it is not asked."""
    if not RULES[provider].session_pays:
        return Declined(decline=DeclineClass.MERCHANT, code="NOT_OFFERED", message="")
    first = FirstCharge(
        attempt_id=KEY, reference="s-1-1-1-aa", amount=PRICE, capture=CaptureMode.AT_ONCE
    )
    return await gateway.request_token(attrs.evolve(_token_order(provider), first=first))


def _charge(provider: Provider) -> ChargeOrder:
    return ChargeOrder(
        attempt_id=KEY,
        reference="s-1-1-1-aa",
        amount=PRICE,
        token=TOKENS[provider],
        instrument=CARD,
        terms=TERMS,
        subscription_id="s-1",
        customer_id="c-1",
        capture=CaptureMode.AT_ONCE,
    )


CAPTURE = CaptureOrder(
    attempt_id=KEY, capture_id=KEY, reference="s-1-1-1-aa", amount=PRICE, authorization_ref=ID
)
REFUND = RefundOrder(
    refund_id=KEY,
    reference="s-1-1-1-aa-r1",
    amount=PRICE,
    charge_reference="s-1-1-1-aa",
    charge_ref=ID,
    reason="asked for",
)
VOID = VoidOrder(void_id=KEY, reference="s-1-1-1-aa", authorization_ref=ID)

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        name="ask for a token",
        ask=lambda gateway, provider: gateway.request_token(_token_order(provider)),
        window="token_key_window",
    ),
    Operation(
        name="ask for it with the first payment",
        ask=_pay_on_page,
        window="charge_key_window",
        looked_up_by="look_up",
        waits=LOOK_UP_WAITS,
    ),
    Operation(
        name="take the token",
        ask=lambda gateway, _: gateway.complete_token(TokenQuery(request_id=KEY, provider_ref=ID)),
    ),
    Operation(
        name="charge, or reserve",
        ask=lambda gateway, provider: gateway.charge(_charge(provider)),
        window="charge_key_window",
        looked_up_by="look_up",
        waits=LOOK_UP_WAITS,
    ),
    Operation(
        name="capture",
        ask=lambda gateway, _: gateway.capture(CAPTURE),
        window="capture_key_window",
        looked_up_by="look_up",
        waits=LOOK_UP_WAITS,
    ),
    Operation(name="renew a reservation", ask=lambda gateway, _: gateway.reauthorize(CAPTURE)),
    Operation(name="let it go", ask=lambda gateway, _: gateway.void(VOID)),
    Operation(
        name="refund",
        ask=lambda gateway, _: gateway.refund(REFUND),
        window="refund_key_window",
        looked_up_by="look_up_refund",
        waits=REFUND_LOOK_UP_WAITS,
    ),
    Operation(
        name="delete a token",
        ask=lambda gateway, provider: gateway.delete_token(TOKENS[provider], CARD),
    ),
)


class Silent:
    """Lets sign in and read, takes everything else, and never answers it."""

    def __init__(self) -> None:
        self.taken: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """An answer, or none."""
        if request.url.path.endswith(("/oauth2/token", "/auth/token")):
            return httpx.Response(200, json={"access_token": "a", "expires_in": 3600})
        if request.method == "GET" and "/setup-tokens/" in request.url.path:
            return httpx.Response(200, json={"id": ID, "status": "APPROVED"})
        if request.method == "GET" and request.url.path == "/v1/sessions":
            return httpx.Response(200, json=[])
        if request.method == "GET":
            return httpx.Response(404, json={"error": {"message": "nothing"}})
        self.taken.append(request)
        raise httpx.ReadTimeout("no answer", request=request)


def gateway_of(provider: Provider, silent: Silent) -> Gateway:
    """A gateway of a made-up account that talks to nobody."""
    transport = httpx.MockTransport(silent)
    if provider is Provider.PAYPAL:
        paypal = PayPalAccount(
            name="main",
            client_id="c",
            client_secret=Secret("s"),
            webhook_id="w",
            return_url="https://merchant.example/return",
            cancel_url="https://merchant.example/cancel",
            base_url="https://api-m.sandbox.paypal.com",
        )
        return PayPalGateway(paypal, now=lambda: NOW, transport=transport)
    dintero = DinteroAccount(
        name="main",
        account_id="T12345678",
        client_id="c",
        client_secret=Secret("s"),
        signature_secret=None,
        callback_url="",
        return_url="https://merchant.example/return",
    )
    return DinteroGateway(dintero, now=lambda: NOW, transport=transport)


def rows() -> list[tuple[str, ...]]:
    """Two rows an operation."""
    return [
        _row(operation, provider, number == 0)
        for operation in OPERATIONS
        for number, provider in enumerate((Provider.PAYPAL, Provider.DINTERO))
    ]


def _row(operation: Operation, provider: Provider, first: bool) -> tuple[str, ...]:
    silent = Silent()

    async def main() -> Any:
        gateway = gateway_of(provider, silent)
        try:
            return await operation.ask(gateway, provider)
        finally:
            await gateway.close()

    answer = asyncio.run(main())
    name = operation.name if first else ""
    if not silent.taken:
        without = "not offered" if isinstance(answer, Declined) else "only reads"
        return (name, NAMES[provider], without, "", "", "", "")
    (request,) = silent.taken
    return (
        name,
        NAMES[provider],
        f"`{request.method} {_template(request)}`",
        _key(request),
        _window(operation, provider),
        "unknown" if isinstance(answer, Unknown) else _words(answer),
        _look_up(operation, provider),
    )


def _words(answer: object) -> str:
    return "not done" if isinstance(answer, NotDone) else type(answer).__name__


def _template(request: httpx.Request) -> str:
    known = f"/({ID}|8kk8451t)(?=/|$)"
    return re.sub(known, "/{id}", request.url.path)


def _key(request: httpx.Request) -> str:
    for name in KEY_HEADERS:
        value = request.headers.get(name, "")
        if value and not value.endswith("-amounts"):
            return f"`{value}`" if name == "Dintero-Feature-Toggles" else f"`{name}`"
    for name in KEY_FIELDS:
        if request.content and name in json.dumps(json.loads(request.content)):
            return f"`{name}`, a label"
    return "none"


def _window(operation: Operation, provider: Provider) -> str:
    if not operation.window:
        return "may be repeated"
    rules = RULES[provider]
    window = _span(getattr(rules, operation.window))
    once = operation.window == "refund_key_window" and not rules.refund_repeats
    return f"{window}, sent once" if once else window


def _look_up(operation: Operation, provider: Provider) -> str:
    if not operation.looked_up_by:
        return "by asking again"
    first, second, *daily = operation.waits
    assert set(daily) == {timedelta(days=1)}, "the words below are of these waits"
    after = f"after {_span(first)}, {_span(second)}, then {len(daily)} days"
    if operation.looked_up_by == "look_up":
        after += f"; not made if it does not show after {_span(RULES[provider].report_delay)}"
    return after


def _span(span: timedelta) -> str:
    minutes = span // timedelta(minutes=1)
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    parts = ((days, "d"), (hours, "h"), (minutes, "min"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number)


def table() -> str:
    """The table as Markdown."""
    head = ("to", "at", "is sent", "under", "good for", "no answer is", "looked up")
    lines = [head, tuple("---" for _ in head), *rows()]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def page(readme: str) -> str:
    """The README with the table of now between its marks."""
    before, found, rest = readme.partition(BEGINS)
    _, ended, after = rest.partition(ENDS)
    assert found, "README.md has lost the table's first mark"
    assert ended, "README.md has lost the table's last mark"
    return f"{before}{BEGINS}\n\n{table()}\n\n{ENDS}{after}"


def main() -> None:
    """Print, or write where asked to."""
    # The gateways log each call; here that would stand in the middle of the table.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    match sys.argv[1:]:
        case []:
            print(table())
        case ["--write"]:
            README.write_text(page(README.read_text(encoding="utf-8")), encoding="utf-8")
        case _:
            sys.exit("usage: python scripts/provider_table.py [--write]")


if __name__ == "__main__":
    main()
