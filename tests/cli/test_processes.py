"""Commands as processes: they say where they are, work, and end when they are told to."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import Terminal
from tests.simulators.paypal_client import NO_TLS, Client

WITHIN_S = 60.0
ROOT = Path(__file__).resolve().parents[2]


class Started:
    """A `billing` process whose output goes to a file."""

    def __init__(self, terminal: Terminal, name: str, *arguments: str) -> None:
        self.log = terminal.folder / f"{name}.log"
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "infrastructure.cli.main", *arguments],
                env={**os.environ, **terminal.environment},
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def says(self, pattern: str) -> re.Match[str]:
        """The first match of a pattern in what it printed, once it is there."""
        deadline = time.monotonic() + WITHIN_S
        while time.monotonic() < deadline:
            found = re.search(pattern, self.log.read_text())
            if found:
                return found
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)
        raise AssertionError(f"{pattern} is not in:\n{self.log.read_text()}")

    def told_to_end(self) -> int:
        """Its exit code after SIGTERM."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(WITHIN_S)


@pytest.fixture
def start(terminal: Terminal) -> Iterator[object]:
    """Starts processes, and ends what a failed test leaves: a supervisor with its workers."""
    terminal.set_clock("2025-01-01")
    running: list[Started] = []

    def begin(name: str, *arguments: str) -> Started:
        running.append(Started(terminal, name, *arguments))
        return running[-1]

    yield begin
    for each in running:
        if each.process.poll() is None:
            try:
                each.told_to_end()
            finally:
                each.process.kill()
                each.process.wait()


def test_serve_answers_and_ends_gracefully(start: type[Started], terminal: Terminal) -> None:
    """With workers in the same loop, on a port that it says."""
    served = start("serve", "serve", "--port", "0")
    url = served.says(r"on (http://127\.0\.0\.1:\d+) \(no api_keys are set: loopback only")[1]
    deadline = time.monotonic() + WITHIN_S
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/v1/due").status_code == 200:
                break
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    else:
        raise AssertionError(served.log.read_text())
    assert served.told_to_end() == 0, served.log.read_text()
    assert "Traceback" not in served.log.read_text()


def test_taken_port_is_one_line(start: type[Started], terminal: Terminal) -> None:
    """The second server says so and ends."""
    first = start("first", "serve", "--port", "0", "--no-workers")
    port = first.says(r"127\.0\.0\.1:(\d+)")[1]
    second = start("second", "serve", "--port", port, "--no-workers")
    assert second.process.wait(WITHIN_S) == 1
    assert second.log.read_text().startswith("address-unusable:")
    assert first.told_to_end() == 0


def test_dead_worker_is_started_again(start: type[Started]) -> None:
    """Kill one of two; another takes its place; SIGTERM ends them all."""
    work = start("work", "work", "--workers", "2")
    first = work.says(r"worker started +number=1 pid=(\d+)")[1]
    work.says(r"worker started +number=2 pid=\d+")
    os.kill(int(first), signal.SIGKILL)
    work.says(r"worker died +code=-9 next_s=0.5 number=1")
    work.says(r"(?s)worker died.*worker started +number=1 pid=\d+")
    code = work.told_to_end()
    assert code in (0, 1), work.log.read_text()
    assert not _runs(int(first))


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("provider", ["paypal", "dintero"])
def test_simulator_says_where_it_is(start: type[Started], provider: str) -> None:
    """On a free port, with a book to be read."""
    simulator = start(provider, "simulate", provider, "--port", "0")
    url = simulator.says(r"on (http://127\.0\.0\.1:\d+)")[1]
    assert httpx.get(f"{url}/_book").json() == {"entries": [], "total": 0}
    assert simulator.told_to_end() == 0


def test_simulator_misbehaves_and_keeps_a_book_without_more_words(
    start: type[Started], terminal: Terminal
) -> None:
    """`billing simulate paypal --faults --book FILE`: one charge in ten goes wrong, and the file
    tells what was taken."""
    book = terminal.folder / "book.jsonl"
    words = ("--faults", "--book", str(book), "--account", "nobody")
    simulator = start("faulty", "simulate", "paypal", *words)
    url = simulator.says(r"on (http://127\.0\.0\.1:\d+)")[1]

    async def charge(client: Client, token: str, number: int) -> int:
        try:
            return (await client.order(token, f"r-{number}")).status_code
        except httpx.TransportError:
            return 0

    async def charges() -> list[int]:
        async with httpx.AsyncClient(base_url=url, verify=NO_TLS) as http:
            client = Client(http, None)  # type: ignore[arg-type]
            await client.sign_in()
            token = await client.vaulted()
            return [await charge(client, token, number) for number in range(40)]

    answers = asyncio.run(charges())
    assert len(set(answers)) > 1
    assert simulator.told_to_end() == 0
    booked = [json.loads(line) for line in book.read_text().splitlines()]
    assert {each["movement"] for each in booked} >= {"captured"}
    assert answers.count(201) <= len(booked) <= 40
