"""What was tried on each card, folded from the log: the ledger of attempts as the facts have it.

The stored ledger of attempts (infrastructure/store/attempts.py) is written while charges are made;
this one is made from facts alone. The one is held against the other, and remade from it.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import attrs

from domain.budgets import LONGEST_WINDOW, Outcome, Tried, instrument_key, network_of
from domain.providers import Provider
from domain.recorded import Recorded
from domain.subscription.events import (
    CaptureAttempted,
    ChargeAttempted,
    ChargeAuthorized,
    ChargeDeclined,
    ChargeFoundLate,
    ChargeLookedUp,
    ChargeNotMade,
    ChargeOutcomeUnknown,
    ChargeSucceeded,
    Instrument,
    TokenVaulted,
)
from domain.subscription.void_events import AuthorizationVoided, VoidAttempted

# What lies further back is forgotten where memory has to stay flat; every window fits twice.
HORIZON = 2 * LONGEST_WINDOW


@attrs.frozen(kw_only=True)
class AttemptRow:
    """One attempt on an instrument that has a budget.

    instrument: as budgets.instrument_key gives it. attempted_at: UTC. code: of a decline, or "".
    """

    attempt_id: UUID
    instrument: str
    network: str
    provider: Provider
    attempted_at: datetime
    outcome: Outcome
    code: str = ""

    @property
    def tried(self) -> Tried:
        """As the rules read it."""
        return Tried(self.attempted_at, self.outcome)


_OUTCOMES: dict[type, Outcome] = {
    ChargeSucceeded: Outcome.SUCCEEDED,
    ChargeFoundLate: Outcome.SUCCEEDED,
    ChargeDeclined: Outcome.DECLINED,
    ChargeNotMade: Outcome.NOT_MADE,
    ChargeOutcomeUnknown: Outcome.UNKNOWN,
    ChargeLookedUp: Outcome.UNKNOWN,
    ChargeAuthorized: Outcome.OPEN,
    CaptureAttempted: Outcome.OPEN,
    VoidAttempted: Outcome.OPEN,
    # Its issuer did not refuse it, and no success of it resets a budget.
    AuthorizationVoided: Outcome.NOT_MADE,
}


class AttemptLog:
    """A running fold over the log, in its order.

    horizon: attempts that lie so far before the newest are forgotten; None: none are.
    """

    def __init__(self, horizon: timedelta | None = HORIZON) -> None:
        self.rows: dict[UUID, AttemptRow] = {}
        self._instruments: dict[str, Instrument] = {}
        self._by_instrument: dict[str, dict[UUID, None]] = defaultdict(dict)
        self._horizon = horizon
        self._newest: datetime | None = None

    @property
    def begins(self) -> datetime | None:
        """Attempts made before this instant are forgotten, or None."""
        if self._horizon is None or self._newest is None:
            return None
        return self._newest - self._horizon

    def see(self, recorded: Recorded[Any]) -> AttemptRow | None:
        """One more fact; the attempt that it made or changed, if any has a budget."""
        event = recorded.event
        if isinstance(event, TokenVaulted):
            self._instruments[event.token_ref] = event.instrument
        elif isinstance(event, ChargeAttempted):
            return self._attempted(event)
        elif (outcome := _OUTCOMES.get(type(event))) is not None:
            row = self.rows.get(event.attempt_id)
            if row is not None:
                code = event.code if isinstance(event, ChargeDeclined) else row.code
                changed = attrs.evolve(row, outcome=outcome, code=code)
                self.rows[row.attempt_id] = changed
                return changed
        return None

    def instrument(self, token_ref: str | None) -> Instrument | None:
        """What lies behind a token that was vaulted."""
        return None if token_ref is None else self._instruments.get(token_ref)

    def on(self, instrument: str) -> list[AttemptRow]:
        """What was tried on an instrument, in the order of the log."""
        return [self.rows[key] for key in self._by_instrument[instrument]]

    def _attempted(self, event: ChargeAttempted) -> AttemptRow | None:
        instrument = self._instruments.get(event.token_ref)
        network = "" if instrument is None else network_of(instrument)
        if instrument is None or not network:
            return None
        key = instrument_key(
            event.provider, event.account, event.customer_id, instrument, event.token_ref
        )
        row = AttemptRow(
            attempt_id=event.attempt_id,
            instrument=key,
            network=network,
            provider=event.provider,
            attempted_at=event.effective_at,
            outcome=Outcome.OPEN,
        )
        self.rows[row.attempt_id] = row
        self._by_instrument[key][row.attempt_id] = None
        self._newest = max(self._newest or row.attempted_at, row.attempted_at)
        self._forget()
        return row

    def _forget(self) -> None:
        """The oldest in the log's order go first; a few that are out of order go later."""
        begins = self.begins
        while begins is not None and self.rows:
            oldest = next(iter(self.rows.values()))
            if oldest.attempted_at >= begins:
                return
            del self.rows[oldest.attempt_id]
            of_it = self._by_instrument[oldest.instrument]
            of_it.pop(oldest.attempt_id, None)
            if not of_it:
                del self._by_instrument[oldest.instrument]
