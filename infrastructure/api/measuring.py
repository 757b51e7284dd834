"""What the API process counts, for Prometheus.

Each app has a registry of its own; the process's (requests by route and status, memory) is
Litestar's and the client library's.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, generate_latest

from infrastructure.bootstrap import System
from infrastructure.proof.verifications import CLEAN, FULL

CONTENT_TYPE = "text/plain; version=0.0.4"


class CallbackResult(Enum):
    """What became of a callback at the door."""

    NEW = "new"
    REPEATED = "repeated"
    EARLY = "early"
    REJECTED = "rejected"
    CARD_NUMBER = "card-number"


class Measures:
    """Counters of this process, and gauges that are read from the books when they are asked for."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._callbacks = Counter(
            "billing_callbacks",
            "Provider callbacks by what became of them.",
            ("provider", "account", "result"),
            registry=self._registry,
        )
        self._card_numbers = Counter(
            "billing_card_numbers",
            "Payloads that held what looks like a card number, by what they were.",
            ("where",),
            registry=self._registry,
        )
        self._head = Gauge("billing_log_position", "Last position.", registry=self._registry)
        self._views = Gauge(
            "billing_projection_position",
            "Position that a projection holds.",
            ("projection",),
            registry=self._registry,
        )
        self._parked = Gauge(
            "billing_projection_parked_streams",
            "Streams that a projection has set aside.",
            ("projection",),
            registry=self._registry,
        )
        self._outages = Gauge(
            "billing_circuit_open",
            "Worker processes that send nothing to an account, because it does not answer.",
            ("provider", "account"),
            registry=self._registry,
        )
        self._pending = Gauge(
            "billing_inbox_pending", "Callbacks not worked yet.", registry=self._registry
        )

        self._verified = Gauge(
            "billing_verified_timestamp_seconds",
            "When the log was last verified, by scope.",
            ("scope",),
            registry=self._registry,
        )
        self._clean = Gauge(
            "billing_verification_clean",
            "Whether the last verification of the log was clean, by scope.",
            ("scope",),
            registry=self._registry,
        )

    def callback(self, provider: str, account: str, result: CallbackResult) -> None:
        """Count a callback. Only for accounts of the settings: labels are not for strangers."""
        self._callbacks.labels(provider, account, result.value).inc()

    def card_number(self, where: str) -> None:
        """Count a payload that held a card number. where: "callback" or "request"."""
        self._card_numbers.labels(where).inc()

    def exposition(self, system: System) -> bytes:
        """Everything in Prometheus' text format; reads the books."""
        self._head.set(system.ledger.head())
        parked = system.views.parked()
        for name, position in system.views.positions().items():
            self._views.labels(name).set(position)
            self._parked.labels(name).set(len(parked.get(name, ())))
        for account in system.settings.accounts:
            self._outages.labels(account.provider, account.name).set(0)
        for opened in system.circuits.read():
            self._outages.labels(opened.provider, opened.account).inc()
        self._pending.set(system.inbox.pending())
        last = system.last_verified()
        if last is not None:
            self._verify(last.scope, last.at, last.verdict)
            if last.whole_at is not None:
                self._verify(FULL, last.whole_at, last.whole_verdict)
        return generate_latest(self._registry) + generate_latest(REGISTRY)

    def _verify(self, scope: str, at: datetime, verdict: str) -> None:
        self._verified.labels(scope).set(at.timestamp())
        self._clean.labels(scope).set(verdict == CLEAN)
