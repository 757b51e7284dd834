"""Renewals a second with the full trail, beside bare POSTs to the same simulator.

    .venv/bin/python scripts/bench_renewals.py [--subscriptions 2000] [--rounds 5] [--workers 1]

The full trail of one renewal: claimed from the agenda, invoice and attempt appended, the order
posted to PayPal's simulator, the outcome appended, all stored projections up to date. Bare: the
same order posted by httpx alone, as many in flight, on httpx's own transport and on aiohttp's.
Everything runs on this machine, so the simulator's share of the processors is in all of them.
Webhooks are off in both. Each round measures all three, one after the other; medians are printed.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
from httpx_aiohttp import AiohttpTransport

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from domain.calendar import Interval, Unit, count_from
from domain.money import Money
from domain.plan import Kind, Terms, Timing
from domain.providers import Provider
from domain.subscription.starting import Start
from infrastructure.bootstrap import System, running_system
from infrastructure.commands.subscriptions import Subscriptions
from infrastructure.rehearsal.stage import Stage, set_stage, wait_for
from infrastructure.rehearsal.stepping import Director
from infrastructure.settings import read_settings

ANCHOR = date(2025, 1, 10)
TERMS = Terms(
    plan="bench",
    plan_version=1,
    description="Benchmark",
    kind=Kind.SUBSCRIPTION,
    timing=Timing.PREPAID,
    interval=Interval(Unit.MONTH),
    price=Money(2985, "USD"),
)


def due(month: int) -> datetime:
    """The instant at which the nth renewal falls due."""
    day = count_from(ANCHOR, Interval(Unit.MONTH), month)
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def sign_up(system: System, director: Director, count: int) -> None:
    """`count` subscriptions with a vaulted token, and their first month billed."""
    director.set_time(due(0) - timedelta(days=5))
    wishes = [
        Start(
            subscription_id=f"bench-{number}",
            customer_id=f"customer-{number}",
            namespace=uuid4(),
            provider=Provider.PAYPAL,
            account="main",
            zone="UTC",
            start=ANCHOR,
            terms=TERMS,
        )
        for number in range(count)
    ]
    Subscriptions(system, actor="bench").start_many(wishes, request_token=True)
    director.play(due(0))


def full_trail(system: System, director: Director, month: int, count: int) -> float:
    """Renewals a second in one month, until the projections hold the last outcome."""
    goal = system.ledger.head() + 3 * count
    began = time.perf_counter()
    director.set_time(due(month))
    while system.ledger.head() < goal or min(system.views.positions().values()) < goal:
        time.sleep(0.01)
    seconds = time.perf_counter() - began
    director.play(due(month))
    if system.ledger.head() != goal:
        raise SystemExit(
            f"{system.ledger.head() - goal} facts too many: not every charge succeeded"
        )
    return count / seconds


async def bare(
    stage: Stage, token: str, vault_id: str, count: int, in_flight: int, own: bool
) -> float:
    """Orders a second, posted by httpx alone. own: on httpx's own transport."""
    limits = httpx.Limits(max_connections=in_flight)
    transport = None if own else AiohttpTransport(limits=limits)
    places = asyncio.Semaphore(in_flight)

    async def one(client: httpx.AsyncClient) -> None:
        key = str(uuid4())
        body = {
            "intent": "CAPTURE",
            "purchase_units": [
                {
                    "invoice_id": key,
                    "custom_id": key,
                    "amount": {"currency_code": "USD", "value": "29.85"},
                }
            ],
            "payment_source": {
                "paypal": {
                    "vault_id": vault_id,
                    "stored_credential": {
                        "payment_initiator": "MERCHANT",
                        "usage": "SUBSEQUENT",
                        "usage_pattern": "SUBSCRIPTION_PREPAID",
                    },
                }
            },
        }
        headers = {"PayPal-Request-Id": key, "Prefer": "return=representation"}
        async with places:
            answer = await client.post("/v2/checkout/orders", json=body, headers=headers)
        if answer.status_code != 201:
            raise SystemExit(f"the simulator answered {answer.status_code}")

    async with httpx.AsyncClient(
        transport=transport,
        limits=limits,
        timeout=60.0,
        base_url=stage.paypal_url,
        headers={"Authorization": f"Bearer {token}"},
    ) as client:
        began = time.perf_counter()
        await asyncio.gather(*(one(client) for _ in range(count)))
        return count / (time.perf_counter() - began)


def processor_seconds(stage: Stage) -> dict[str, float]:
    """Processor time used so far: by each process of the stage, and by all of PostgreSQL."""
    used = {"postgres": 0.0}
    for actor in stage.actors:
        used[actor.name] = sum(psutil.Process(actor.process.pid).cpu_times()[:2])
    for process in psutil.process_iter(["name"]):
        if process.info["name"] == "postgres":
            used["postgres"] += sum(process.cpu_times()[:2])
    return used


def credentials(system: System, stage: Stage) -> tuple[str, str]:
    """An access token of the simulator, and one of the vaulted tokens."""
    answer = httpx.post(
        f"{stage.paypal_url}/v1/oauth2/token",
        data={"grant_type": "client_credentials"},
        auth=("rehearsal", stage.environment["PAYPAL_CLIENT_SECRET"]),
    )
    answer.raise_for_status()
    row = system.views.get("due_dates", "bench-0").row
    return answer.json()["access_token"], system.vault.open(row.state.token.token_ref).reveal()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subscriptions", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=1)
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="billing-bench-"))
    folder.chmod(0o711)
    with (
        set_stage(folder, schema="bench", extra={}) as stage,
        running_system(settings := read_settings(stage.environment)) as system,
    ):
        director = Director(system, stage, lambda *_: None)
        system.clock.set(due(0) - timedelta(days=6))
        for name, url in stage.simulators().items():
            root = ["--root", str(folder / "paypal-root.pem")] if name == "paypal" else []
            stage.start(name, "simulate", name, "--port", url.rpartition(":")[2], *root)
        for url in stage.simulators().values():
            wait_for(f"{url}/_quiet", stage)
        stage.start("api", "serve", "--no-workers", "--port", stage.api_url.rpartition(":")[2])
        wait_for(f"{stage.api_url}/health", stage)
        for number in range(1, chosen.workers + 1):
            stage.start(f"worker-{number}", "work")
        sign_up(system, director, chosen.subscriptions)
        in_flight = settings.provider_calls * chosen.workers
        rates: dict[str, list[float]] = {}
        costs: dict[str, list[float]] = {}
        for month in range(1, chosen.rounds + 1):
            count = chosen.subscriptions
            before = processor_seconds(stage)
            trail = full_trail(system, director, month, count)
            for name, used in processor_seconds(stage).items():
                costs.setdefault(name, []).append((used - before[name]) / count * 1000)
            token, vault_id = credentials(system, stage)
            measured = {
                "full trail": trail,
                "bare httpx, aiohttp transport": asyncio.run(
                    bare(stage, token, vault_id, count, in_flight, own=False)
                ),
                "bare httpx, own transport": asyncio.run(
                    bare(stage, token, vault_id, count, in_flight, own=True)
                ),
            }
            for name, rate in measured.items():
                rates.setdefault(name, []).append(rate)
    print(f"{chosen.subscriptions} renewals a round, {chosen.rounds} rounds, {in_flight} in flight")
    ours = statistics.median(rates["full trail"])
    for name, values in rates.items():
        middle = statistics.median(values)
        spread = f"{min(values):,.0f}-{max(values):,.0f}"
        print(f"{name:32} {middle:8,.0f}/s  ({spread})  full trail is {ours / middle:.2f} of it")
    shares = ", ".join(f"{name} {statistics.median(each):.2f}" for name, each in costs.items())
    print(f"processor milliseconds a renewal of the full trail: {shares}")


if __name__ == "__main__":
    main()
