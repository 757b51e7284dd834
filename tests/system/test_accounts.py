"""Two accounts at each provider in one set of books, and moves between all four."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from domain.providers import Provider
from domain.subscription.events import ChargeAttempted, ChargeSucceeded
from infrastructure.commands.subscriptions import Subscriptions
from tests.conftest import Server
from tests.system.building import house
from tests.system.conftest import EVENING
from tests.system.customers import customer
from tests.system.house import House
from tests.system.recovery import recovered

PLACES = [(provider, name) for name in ("main", "second") for provider in Provider]
MANY = 8


@pytest.fixture
def mall(server: Server, tmp_path: Path) -> Iterator[House]:
    """A house with two accounts at each provider."""
    throw_away = server.throw_away
    with house(
        server.conninfo, tmp_path, start=EVENING, throw_away=throw_away, second=True
    ) as built:
        yield built


def captured(home: House) -> dict[str, set[str]]:
    """Which customers each simulator has charged."""
    return {
        name: {entry.reference.rsplit("-", 3)[0] for entry in controls.book.entries()}
        for name, controls in home.controls.items()
    }


def refused_at_the_door(home: House) -> float:
    figures = httpx.get(f"{home.stage.api_url}/metrics").text
    return sum(
        float(line.rsplit(" ", 1)[1])
        for line in figures.splitlines()
        if line.startswith("billing_callbacks_total") and 'result="rejected"' in line
    )


def test_F15_four_accounts_and_moves_between_them(mall: House) -> None:
    """Each charge is at the account that its subscriber is with; callbacks come to their own, and
    another account's are refused at the door."""
    home = mall
    home.move_in(
        [customer(n, provider=PLACES[n % 4][0], account=PLACES[n % 4][1]) for n in range(MANY)]
    )
    home.crowd = 0
    with home.helper():
        home.play(days=2)
        first = captured(home)
        assert first == {
            "paypal": {"s-0", "s-4"},
            "dintero": {"s-1", "s-5"},
            "paypal second": {"s-2", "s-6"},
            "dintero second": {"s-3", "s-7"},
        }
        assert refused_at_the_door(home) == 0
        callbacks = home.column("SELECT DISTINCT provider || '/' || account FROM inbox")
        assert {"paypal/main", "paypal/second", "dintero/main", "dintero/second"} <= set(callbacks)
        commands = Subscriptions(home.system, actor="test")
        for number in range(4):  # each to the next place
            provider, account = PLACES[(number + 1) % 4]
            commands.request_token(
                f"s-{number}", reason="moved", provider=provider, account=account
            )
        wrong = home.stage.simulators()["paypal second"]
        where = {"url": f"{home.stage.api_url}/callbacks/paypal/main", "webhook_id": "WH-SECOND"}
        httpx.post(f"{wrong}/_webhooks", json=where).raise_for_status()
        kept = home.count("inbox WHERE provider = 'paypal' AND account = 'main'")
        home.play(days=30)
        assert refused_at_the_door(home) > 0
        assert home.count("inbox WHERE provider = 'paypal' AND account = 'main'") >= kept
    after = captured(home)
    assert {name: after[name] - first[name] for name in after} == {
        "paypal": {"s-3"},
        "dintero": {"s-0"},
        "paypal second": {"s-1"},
        "dintero second": {"s-2"},
    }
    assert len(home.facts(ChargeSucceeded)) == 2 * MANY
    latest = {each.customer_id: each for each in home.facts(ChargeAttempted)}
    assert (latest["c-0"].provider, latest["c-0"].account) == (Provider.DINTERO, "main")
    recovered(home, charges=2 * MANY)
