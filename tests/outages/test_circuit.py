"""The circuit of a merchant account: when it opens, what it holds back, how it closes again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import attrs
import pytest
from structlog.testing import capture_logs

from domain.ports import NotDone, NotFound, TokenDenied, Unknown
from infrastructure.gateways.circuit import Circuit, CircuitPolicy, Evidence, evidence_of
from infrastructure.gateways.exchange import Call, Exchange, NoAnswer, NotSent, Reply
from infrastructure.gateways.guarded import PROBE, GuardedGateway

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)
POLICY = CircuitPolicy(
    outages=3, first_pause=timedelta(seconds=16), longest_pause=timedelta(seconds=100)
)
GOOD = Reply(status=200, data={}, headers={})
REFUSED = Reply(status=422, data={}, headers={})
GET = Call(method="GET", path="/x", template="/x")
POST = Call(method="POST", path="/x", template="/x", key="k")
DOWN = NotSent(reason="no connection: ClientConnectorError")
SILENT = NoAnswer(reason="no answer: ServerTimeoutError")


@attrs.define(slots=False)
class Account:
    """A provider that answers what `answers` says, its circuit, and what reached it."""

    now: datetime = NOON
    answers: Exchange = GOOD
    probes: int = 0
    paid: list[UUID] = attrs.field(factory=list)
    looked: int = 0
    payment: Exchange | None = None
    hold: asyncio.Event | None = None

    def __attrs_post_init__(self) -> None:
        self.circuit = Circuit("paypal", "main", now=lambda: self.now, policy=POLICY)
        inner: Any = self
        self.gateway = GuardedGateway(inner, self.circuit, concurrency=8)

    async def complete_token(self, query: Any) -> Any:
        self.probes += query == PROBE
        self.circuit.saw(GET, self.answers)
        return TokenDenied(code="gone", message="")

    async def charge(self, order: Any) -> Any:
        self.paid.append(order.attempt_id)
        if self.hold is not None:
            await self.hold.wait()
        exchange = self.payment or self.answers
        self.circuit.saw(POST, exchange)
        if isinstance(exchange, NotSent):
            return NotDone(reason=exchange.reason)
        return Unknown(reason="x") if isinstance(exchange, NoAnswer) else "paid"

    async def look_up(self, query: Any) -> Any:
        self.looked += 1
        self.circuit.saw(GET, self.answers)
        return NotFound(finding="nothing")

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def break_down(self) -> None:
        """As many outages in a row as open it."""
        for _ in range(POLICY.outages):
            self.circuit.saw(POST, SILENT)


@attrs.frozen
class Order:
    """As much of an order as a circuit needs."""

    attempt_id: UUID


def order(number: int) -> Any:
    return Order(uuid5(UUID(int=7), str(number)))


def run(work: Callable[[], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        return await work()

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("exchange", "evidence"),
    [
        (GOOD, Evidence.ANSWERED),
        (REFUSED, Evidence.ANSWERED),
        (NotSent(reason="HTTP 403", status=403), Evidence.ANSWERED),
        (NotSent(reason="HTTP 403", status=403, no_access=True), Evidence.OUTAGE),
        (NotSent(reason="HTTP 401", status=401), Evidence.OUTAGE),
        (NotSent(reason="HTTP 429", status=429), Evidence.NEITHER),
        (DOWN, Evidence.OUTAGE),
        (SILENT, Evidence.OUTAGE),
        (NoAnswer(reason="HTTP 503", status=503), Evidence.OUTAGE),
        (NoAnswer(reason="HTTP 200 with an unreadable body", status=200), Evidence.OUTAGE),
    ],
)
def test_what_an_exchange_proves(exchange: Exchange, evidence: Evidence) -> None:
    """A refusal in the provider's own words is an answer; silence, 5xx and no access are none."""
    assert evidence_of(exchange) is evidence


def test_it_opens_after_several_outages_in_a_row_only() -> None:
    """An answer in between shows that the provider is there."""
    account = Account()
    for _ in range(3):
        account.circuit.saw(POST, SILENT)
        account.circuit.saw(POST, SILENT)
        assert account.circuit.outage is None
        account.circuit.saw(GET, REFUSED)
    with capture_logs() as logs:
        account.break_down()
    assert account.circuit.outage is not None
    assert account.circuit.outage.since == NOON
    (line,) = logs
    assert (line["event"], line["reason"]) == ("circuit opened", SILENT.reason)


def test_open_it_sends_nothing_and_says_how_long_to_wait() -> None:
    """NotDone at once, for payments and looks; those who wait come back at different instants."""
    account = Account()
    account.break_down()
    answers = [run(lambda n=n: account.gateway.charge(order(n))) for n in range(4)]
    looked = run(lambda: account.gateway.look_up(order(9)))
    assert all(isinstance(each, NotDone) for each in (*answers, looked))
    assert (account.paid, account.probes, account.looked) == ([], 0, 0)
    waits = [each.retry_after_s for each in answers]
    assert all(16.0 < wait <= 16 * 1.25 + 1 + 4 for wait in waits)
    assert len(set(waits)) == 4
    again = run(lambda: account.gateway.charge(order(0)))
    assert again.retry_after_s == waits[0], "by the id of the request, not by chance"


def test_a_look_that_pays_nothing_is_the_probe() -> None:
    """While it fails no payment goes out, and each pause is longer, up to the longest."""
    account = Account()
    account.break_down()
    account.answers = SILENT
    pauses = []
    for _ in range(6):
        assert account.circuit.outage is not None
        before = account.circuit.outage.next_probe_at
        account.now = before
        assert isinstance(run(lambda: account.gateway.charge(order(1))), NotDone)
        pauses.append((account.circuit.outage.next_probe_at - before).total_seconds())
    assert (account.probes, account.paid) == (6, [])
    assert pauses == sorted(pauses)
    assert 32 <= pauses[0] <= 40
    assert 100 <= pauses[-1] <= 125
    assert account.circuit.outage.since == NOON


def test_the_first_good_answer_closes_it_and_the_payment_goes() -> None:
    """The same call that brought the probe is carried out; after that all of them are."""
    account = Account()
    account.break_down()
    account.forward(60)
    with capture_logs() as logs:
        assert run(lambda: account.gateway.charge(order(1))) == "paid"
    assert account.circuit.outage is None
    assert not account.circuit.on_trial
    assert [line["event"] for line in logs] == ["circuit closed"]
    assert run(lambda: account.gateway.charge(order(2))) == "paid"
    assert account.probes == 1


def test_a_late_good_answer_closes_it() -> None:
    """To a call that went out before it opened."""
    account = Account()
    account.break_down()
    account.circuit.saw(POST, GOOD)
    assert account.circuit.outage is None
    assert run(lambda: account.gateway.charge(order(2))) == "paid"


def test_late_failures_do_not_lengthen_the_pause() -> None:
    """Sixty calls that were under way time out together: that is one outage, not sixty."""
    account = Account()
    account.break_down()
    assert account.circuit.outage is not None
    until = account.circuit.outage.next_probe_at
    for _ in range(60):
        account.circuit.saw(POST, SILENT)
    assert account.circuit.outage.next_probe_at == until


def test_on_trial_one_payment_at_a_time() -> None:
    """Looks are answered, payments are not: one doubt a pause, and the pauses go on growing."""
    account = Account(payment=SILENT)
    account.break_down()
    ends = []
    for _ in range(4):
        assert account.circuit.outage is not None
        account.now = account.circuit.outage.next_probe_at

        async def three() -> list[Any]:
            account.hold = asyncio.Event()
            calls = [asyncio.ensure_future(account.gateway.charge(order(n))) for n in range(3)]
            for _ in range(20):
                await asyncio.sleep(0)
            account.hold.set()
            return list(await asyncio.gather(*calls))

        answers = run(three)
        assert sorted(type(each).__name__ for each in answers) == ["NotDone", "NotDone", "Unknown"]
        assert account.circuit.outage is not None
        ends.append((account.circuit.outage.next_probe_at - account.now).total_seconds())
    assert len(account.paid) == 4
    assert ends == sorted(ends)
    assert ends[-1] >= 100


def test_on_trial_nothing_new_is_begun_but_by_one() -> None:
    """One subscription is let through to record its attempt; the others wait a little."""
    account = Account()
    account.break_down()
    assert run(lambda: account.gateway.hold_back_s("a")) is not None
    account.forward(60)
    waits = [run(lambda key=key: account.gateway.hold_back_s(key)) for key in "abc"]
    assert waits[0] is None
    assert all(wait is not None and wait > 0 for wait in waits[1:])
    assert account.probes == 1
    assert run(lambda: account.gateway.charge(order(1))) == "paid"
    assert run(lambda: account.gateway.hold_back_s("b")) is None


def test_rate_limited_probe_waits_as_long_as_it_is_told() -> None:
    """429 closes nothing and opens nothing."""
    account = Account(answers=NotSent(reason="HTTP 429", status=429, retry_after_s=500.0))
    for _ in range(9):
        account.circuit.saw(POST, account.answers)
    assert account.circuit.outage is None
    account.break_down()
    account.forward(60)
    answer = run(lambda: account.gateway.charge(order(1)))
    assert isinstance(answer, NotDone)
    assert answer.retry_after_s is not None
    assert answer.retry_after_s >= 500
    assert account.paid == []


def test_what_others_met_is_probed_before_anything_is_sent() -> None:
    """A process that begins during an outage makes no doubt of its own."""
    account = Account(answers=SILENT)
    account.circuit.suspect("HTTP 503")
    assert isinstance(run(lambda: account.gateway.charge(order(1))), NotDone)
    assert (account.probes, account.paid) == (1, [])
    account.answers = GOOD
    account.forward(60)
    assert run(lambda: account.gateway.charge(order(1))) == "paid"


def test_a_probe_that_tells_nothing_is_repeated_later() -> None:
    """It never spins, whatever a gateway makes of it."""
    account = Account()
    account.break_down()
    account.forward(60)
    account.circuit.saw = lambda call, exchange: None  # type: ignore[method-assign]
    for _ in range(5):
        assert isinstance(run(lambda: account.gateway.look_up(order(1))), NotDone)
    assert account.probes == 1
