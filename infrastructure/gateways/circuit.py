"""A circuit for each merchant account: after answers that prove an outage, nothing is sent.

state       what may go                              ends
  closed    everything                               with several outages in a row
  open      nothing, until the pause is over         with the first good answer
  on trial  one paying call at a time                with the first good answer to a POST

When a pause is over one look that pays nothing is the probe (see guarded.py). A probe that fails
makes the pause longer, up to a limit. An account that answers looks and fails payments costs one
doubt a pause, not several: on trial one outage opens the circuit again, and the pauses go on
growing. Pauses are spread by the id of the request, so that nothing here is drawn at random.

What proves what
  an answer  the provider spoke, a refusal or 403 included
  an outage  no connection, no answer, 5xx, a body that is not the provider's, no access token, 401
  neither    429: it is there, and asks us to wait
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import Enum
from hashlib import blake2b

import attrs
import structlog

from infrastructure.gateways.exchange import Call, Exchange, NotSent, Reply

log = structlog.get_logger("gateway.circuit")


class Evidence(Enum):
    """What one exchange proves about the provider."""

    ANSWERED = "answered"
    OUTAGE = "outage"
    NEITHER = "neither"


def evidence_of(exchange: Exchange) -> Evidence:
    """See the module's text."""
    if isinstance(exchange, Reply):
        return Evidence.ANSWERED
    if isinstance(exchange, NotSent) and exchange.status == 429:
        return Evidence.NEITHER
    if isinstance(exchange, NotSent) and exchange.status == 403 and not exchange.no_access:
        return Evidence.ANSWERED
    return Evidence.OUTAGE


@attrs.frozen(kw_only=True)
class CircuitPolicy:
    """outages: in a row, after which nothing is sent. Pauses double from the first to the longest;
    each is lengthened by up to a quarter."""

    outages: int = 5
    first_pause: timedelta = timedelta(seconds=15)
    longest_pause: timedelta = timedelta(minutes=10)


@attrs.frozen(kw_only=True)
class Outage:
    """Why nothing is sent to an account. since, next_probe_at: UTC, by the books' clock.

    reason: the last exchange's, in our own words; it holds nothing of a body or an id.
    """

    since: datetime
    reason: str
    next_probe_at: datetime


class Circuit:
    """The circuit of one merchant account, in one process.

    now: the books' clock. It is not read while all goes well.
    """

    def __init__(
        self,
        provider: str,
        account: str,
        *,
        now: Callable[[], datetime],
        policy: CircuitPolicy | None = None,
    ) -> None:
        self.provider, self.account, self.now = provider, account, now
        self.policy = policy or CircuitPolicy()
        self.outage: Outage | None = None
        self.on_trial = False
        self._in_a_row = 0
        self._pauses = 0
        self._since: datetime | None = None
        self._log = log.bind(provider=provider, account=account)

    def saw(self, call: Call, exchange: Exchange) -> None:
        """Take note of how one exchange ended; told by http.py of every one."""
        match evidence_of(exchange):
            case Evidence.ANSWERED:
                self._answered(paying=call.method == "POST")
            case Evidence.OUTAGE:
                assert not isinstance(exchange, Reply)
                self._failed(exchange.reason, call.key)
            case Evidence.NEITHER:
                assert isinstance(exchange, NotSent)
                self._in_a_row = 0 if self.outage is None else self._in_a_row
                if self.outage is not None:
                    self.put_off(call.key, at_least_s=exchange.retry_after_s or 0.0)

    def wait_s(self, key: str) -> float | None:
        """Seconds that a request has to wait; None: it may go, or a probe is due.

        key: the request's id; those who wait come back at different instants.
        """
        if self.outage is None:
            return None
        left = (self.outage.next_probe_at - self.now()).total_seconds()
        return left + self.spread_s(key) if left > 0 else None

    def spread_s(self, key: str) -> float:
        """A second, and up to a quarter of the present pause more, by the request's id."""
        return 1.0 + _share(key) * self._pause().total_seconds() / 4

    def suspect(self, reason: str) -> None:
        """Others met an outage: before anything is sent from here, a probe goes."""
        if self.outage is None:
            now = self.now()
            self._since = self._since or now
            self._open(Outage(since=self._since, reason=reason, next_probe_at=now))

    def put_off(self, key: str, *, at_least_s: float = 0.0) -> None:
        """The probe told nothing: the next one comes after the same pause."""
        if self.outage is not None:
            pause = max(self._spread_pause(key), timedelta(seconds=at_least_s))
            self.outage = attrs.evolve(self.outage, next_probe_at=self.now() + pause)

    def _answered(self, *, paying: bool) -> None:
        self._in_a_row = 0
        if self.outage is not None:
            self.outage, self.on_trial = None, True
            self._log.info("circuit closed", security=False)
        if paying and self.on_trial:
            self.on_trial, self._pauses, self._since = False, 0, None

    def _failed(self, reason: str, key: str) -> None:
        self._in_a_row += 1
        if self.outage is not None:
            # Answers to what went out before it opened come in late; only a probe counts.
            if self.now() >= self.outage.next_probe_at:
                self._lengthen(reason, key)
        elif self.on_trial or self._in_a_row >= self.policy.outages:
            self._lengthen(reason, key)

    def _lengthen(self, reason: str, key: str) -> None:
        now = self.now()
        self._pauses += 1
        self._since = self._since or now
        until = now + self._spread_pause(key)
        found = Outage(since=self._since, reason=reason, next_probe_at=until)
        if self.outage is None:
            self._open(found)
        else:
            self.outage = found

    def _open(self, outage: Outage) -> None:
        self.outage, self.on_trial = outage, False
        self._log.warning(
            "circuit opened", reason=outage.reason, next_probe_at=outage.next_probe_at.isoformat()
        )

    def _pause(self) -> timedelta:
        doublings = min(max(self._pauses - 1, 0), 30)
        grown: timedelta = self.policy.first_pause * int(2**doublings)
        return min(grown, self.policy.longest_pause)

    def _spread_pause(self, key: str) -> timedelta:
        return self._pause() * (1 + _share(key) / 4)


def _share(key: str) -> float:
    """A number from 0 to below 1, the same for the same key."""
    return int.from_bytes(blake2b(key.encode(), digest_size=4).digest(), "big") / 2**32
