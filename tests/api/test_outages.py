"""An account that does not answer shows: in readiness, in the figures, in what is due."""

from __future__ import annotations

from datetime import timedelta

from infrastructure.bootstrap import System
from infrastructure.store.circuits import OpenCircuit
from tests.api.conftest import Client
from tests.specimens import signed_up
from tests.systems import T0, project, write

# Figures are read here; see conftest.py.
COUNTS = True


def break_down(system: System) -> None:
    row = OpenCircuit(
        provider="paypal",
        account="main",
        process="host:1",
        since=T0,
        next_probe_at=T0 + timedelta(minutes=3),
        reason="HTTP 503",
    )
    system.circuits.write("host:1", [row])


def test_outages_are_said_and_do_not_make_it_unready(client: Client, system: System) -> None:
    """The API works; what needs the provider waits."""
    assert "outages" not in client.get("/ready").json()
    break_down(system)
    answer = client.get("/ready")
    assert (answer.status_code, answer.json()["ready"]) == (200, True)
    (shown,) = answer.json()["outages"]
    assert (shown["provider"], shown["account"], shown["reason"]) == ("paypal", "main", "HTTP 503")
    figures = client.get("/metrics").text
    assert 'billing_circuit_open{account="main",provider="paypal"} 1.0' in figures
    assert 'billing_circuit_open{account="main",provider="dintero"} 0.0' in figures
    system.circuits.write("host:1", [])
    assert (
        'billing_circuit_open{account="main",provider="paypal"} 0.0' in client.get("/metrics").text
    )


def test_what_waits_for_the_provider_says_so(client: Client, system: System) -> None:
    """An item that needs nobody does not; with `waiting` the rows stand there, too."""
    write(system, signed_up())
    project(system)
    asked = f"/v1/due?until={(T0 + timedelta(days=40)).isoformat().replace('+00:00', 'Z')}"
    before = client.get(asked).json()["items"]
    assert client.get(asked + "&waiting=true").json()["items"] == []
    break_down(system)
    after = client.get(asked).json()["items"]
    assert [each["what"] for each in after] == [each["what"] for each in before]
    words = {each["what"].split()[0]: each["why"] for each in after}
    assert "out of order" not in words["invoice"]
    waiting = client.get(asked + "&waiting=true").json()["items"]
    assert [each["what"] for each in waiting] == [each["what"] for each in after]
