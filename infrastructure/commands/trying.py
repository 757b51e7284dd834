"""How far the budgets of a card are used up, and when it has a place again: read by the API and
the command line.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import attrs

from domain.budgets import budgets_of, counted, instrument_key, network_of, wait_for
from domain.providers import Provider
from domain.refusals import Refused
from domain.subscription.events import Instrument
from domain.subscription.vaulted import Token
from infrastructure.commands.subscriptions import Subscriptions
from projections.attempts import AttemptRow

if TYPE_CHECKING:
    from infrastructure.bootstrap import System


@attrs.frozen(kw_only=True)
class BudgetUse:
    """How many attempts of a budget are used at this moment. window_hours: how long each counts."""

    budget: str
    used: int
    limit: int
    window_hours: int


@attrs.frozen(kw_only=True)
class InstrumentUse:
    """What was tried on one instrument.

    which: "primary", "backup", or "" where it was asked for by its key.
    instrument: brand, last digits and expiry, or None where only the key is known.
    network: "" for a wallet or a brand without a budget; then `budgets` is empty, and attempts are
        not counted.
    next_free_at: UTC instant of the next place; None: there is one now. waits_for: whose.
    attempts: the latest ones, oldest first.
    """

    key: str
    which: str
    instrument: Instrument | None
    provider: Provider | None
    network: str
    budgets: tuple[BudgetUse, ...]
    next_free_at: datetime | None
    waits_for: str
    attempts: tuple[AttemptRow, ...]


def use_by_subscription(
    system: System, subscription_id: str, *, limit: int
) -> tuple[InstrumentUse, ...]:
    """The use of each instrument that a subscription may charge, by all subscriptions on it.

    limit: attempts shown of each. Refused: "subscription-unknown", "id-malformed".
    """
    state, _ = Subscriptions(system, actor="reading").find(subscription_id)
    tokens = (("primary", state.token), ("backup", state.backup))
    return tuple(
        _of_token(system, state.customer_id, which, token, limit)
        for which, token in tokens
        if token is not None
    )


def use_by_key(system: System, key: str, *, limit: int) -> InstrumentUse:
    """The use of the instrument with this key. Refused: "instrument-unknown"."""
    rows = system.attempts.of(key)
    if not rows:
        raise Refused("instrument-unknown", f"nothing was ever tried on an instrument {key[:40]}")
    latest = rows[-1]
    return _use(system.clock(), key, "", None, latest.provider, latest.network, rows, limit)


def _of_token(
    system: System, customer_id: str, which: str, token: Token, limit: int
) -> InstrumentUse:
    instrument, provider = token.instrument, token.provider
    key = instrument_key(provider, token.account, customer_id, instrument, token.token_ref)
    rows, network = system.attempts.of(key), network_of(instrument)
    return _use(system.clock(), key, which, instrument, provider, network, rows, limit)


def _use(
    now: datetime,
    key: str,
    which: str,
    instrument: Instrument | None,
    provider: Provider,
    network: str,
    rows: Sequence[AttemptRow],
    limit: int,
) -> InstrumentUse:
    tried = [row.tried for row in rows]
    budgets = budgets_of(network, provider)
    wait = wait_for(tried, budgets, now)
    return InstrumentUse(
        key=key,
        which=which,
        instrument=instrument,
        provider=provider,
        network=network,
        budgets=tuple(
            BudgetUse(
                budget=each.name,
                used=len(counted(tried, each, now)),
                limit=each.limit,
                window_hours=int(each.window.total_seconds()) // 3600,
            )
            for each in budgets
        ),
        next_free_at=None if wait is None else wait.until,
        waits_for="" if wait is None else wait.budget.name,
        attempts=tuple(rows[-limit:]),
    )
