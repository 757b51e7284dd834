"""Who holds a token: asked before it is deleted, and when a notice names it; and which tokens are
let go because their subscriptions ended long ago."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import attrs
import pytest
from psycopg.sql import SQL, Identifier

from domain.identity import stream_of
from domain.ports import Secret
from domain.subscription.charging import attempt_charge
from domain.subscription.ending import cancel
from domain.subscription.invoicing import issue_invoice
from domain.subscription.letting_go import Which
from domain.subscription.token_events import TokenDeletionRequested, TokenRevoked
from infrastructure.bootstrap import System
from infrastructure.commands.subscriptions import Subscriptions
from infrastructure.settings import SettingsError, read_settings
from infrastructure.store.books import Books
from infrastructure.store.token_names import NamedToken
from infrastructure.workers.idle_tokens import IdleTokens
from infrastructure.workers.older_tokens import name_older_tokens
from tests.specimens import CARD, DUE, ZONE_VERSION, signed_up, token_ref
from tests.systems import T0, project, system_over, write
from tests.vocabulary import given

OTHERS = "token-of-the-other"
SAME = Secret("the-same-token")


@pytest.fixture
def system(books: Books) -> Iterator[System]:
    """Two subscriptions of two customers that the provider gave one token."""
    with system_over(books) as made:
        write(made, signed_up())
        theirs = tuple(
            attrs.evolve(each, token_ref=OTHERS) if hasattr(each, "token_ref") else each
            for each in signed_up(subscription_id="s-2", customer_id="c-2")
        )
        write(made, theirs, "s-2")
        made.vault.put_many([("c-1", token_ref(), SAME), ("c-2", OTHERS, SAME)])
        project(made)
        yield made


def commands(system: System) -> Subscriptions:
    return Subscriptions(system, actor="test")


def facts(system: System, kind: type, subscription_id: str = "s-1") -> list[Any]:
    stream = system.ledger.read_stream(stream_of(subscription_id))
    return [each.event for each in stream if isinstance(each.event, kind)]


def test_a_token_that_another_one_is_charged_with_is_shared(system: System) -> None:
    """While that one goes on, and has not let it go itself."""
    holders = system.holders
    assert holders.is_shared(token_ref())
    assert holders.is_shared(OTHERS)
    commands(system).delete_tokens("s-2", Which.ALL, reason="asked")
    assert not holders.is_shared(token_ref())
    assert holders.is_shared(OTHERS)


def test_what_has_ended_holds_nobody_back(system: System) -> None:
    """A cancelled subscription is charged no more."""
    commands(system).cancel("s-2", reason="left")
    assert not system.holders.is_shared(token_ref())


def test_a_notice_leads_to_all_who_hold_the_token(system: System) -> None:
    """By its digest; until it is gone there."""
    digest = system.digest(SAME.reveal())
    known = system.holders.known([digest, b"unknown"])
    assert set(known) == {digest}
    assert system.holders.of(known[digest]) == {"s-1": {token_ref()}, "s-2": {OTHERS}}
    gone = TokenRevoked(
        token_ref=OTHERS, customer_id="c-2", reason="x", evidence="callback", effective_at=T0
    )
    version = len(list(system.ledger.read_stream(stream_of("s-2"))))
    _append(system, "s-2", version, (gone,))
    assert system.holders.of(known[digest]) == {"s-1": {token_ref()}}
    assert system.holders.of([NamedToken("token-x", "nobody")]) == {}


def _append(system: System, subscription_id: str, version: int, events: tuple[Any, ...]) -> None:
    from uuid import uuid4

    from domain.recorded import Stamp
    from infrastructure.store.ledger import Append

    stamp = Stamp(actor="test", cause="given", command_id=uuid4())
    append = Append(stream_of(subscription_id), version, events, stamp)
    system.ledger.append([append], now=system.clock())


def test_tokens_from_before_the_digests_are_named_once(system: System) -> None:
    """By the id that the facts tell, or by themselves; what does not open is left alone."""
    card = attrs.evolve(CARD, provider_token_id="its-id")
    facts_of = signed_up(subscription_id="s-3", customer_id="c-3")
    theirs = tuple(
        attrs.evolve(each, token_ref="token-c", instrument=card)
        if hasattr(each, "token_ref")
        else each
        for each in facts_of
    )
    write(system, theirs, "s-3")
    project(system)
    system.vault.put_many([("c-3", "token-c", Secret("a-card")), ("c-4", "token-d", Secret("d"))])
    system.vault.erase("c-4")
    with system.pool.connection() as conn:
        table = Identifier(system.books.schema, "vault_tokens")
        conn.execute(SQL("UPDATE {} SET digest = NULL").format(table))
    assert name_older_tokens(system) == 3
    assert name_older_tokens(system) == 0
    digests = [system.digest(each) for each in (SAME.reveal(), "its-id", "a-card")]
    known = system.holders.known(digests)
    assert [len(known.get(each, ())) for each in digests] == [2, 1, 0]


# --- long ended -------------------------------------------------------------------------------


def with_days(system: System, days: int | None) -> IdleTokens:
    system.settings = attrs.evolve(system.settings, delete_tokens_after_days=days)
    project(system)
    return IdleTokens(system)


def test_tokens_are_kept_unless_the_settings_say_otherwise(system: System) -> None:
    """However long ago it ended."""
    commands(system).cancel("s-1", reason="left")
    system.clock.forward(days=4000)  # type: ignore[attr-defined]
    assert with_days(system, None).let_go() == 0
    assert facts(system, TokenDeletionRequested) == []


def test_they_go_so_many_days_after_the_end(system: System) -> None:
    """Not a day before, once; those of whoever goes on stay."""
    commands(system).cancel("s-1", reason="left")
    system.clock.forward(days=29, hours=23)  # type: ignore[attr-defined]
    assert with_days(system, 30).let_go() == 0
    system.clock.forward(hours=1)  # type: ignore[attr-defined]
    assert with_days(system, 30).let_go() == 1
    (let_go,) = facts(system, TokenDeletionRequested)
    assert let_go.reason == "ended long ago"
    # Before and after the list knows of it.
    assert IdleTokens(system).let_go() == 0
    assert with_days(system, 30).let_go() == 0
    assert facts(system, TokenDeletionRequested, "s-2") == []


def test_F40_they_stay_while_a_charge_is_in_doubt(books: Books) -> None:
    """And hold nobody else's back."""
    start = given(*signed_up())
    start = start.and_(*issue_invoice(start.state, now=DUE, zone_version=ZONE_VERSION))
    start = start.and_(*attempt_charge(start.state, now=DUE))
    start = start.and_(*cancel(start.state, reason="left", now=DUE))
    with system_over(books) as system:
        write(system, start.facts)
        other = signed_up(subscription_id="s-2", customer_id="c-2")
        write(system, other, "s-2")
        commands(system).cancel("s-2", reason="left")
        system.clock.forward(days=500)  # type: ignore[attr-defined]
        assert with_days(system, 30).let_go() == 1
        assert facts(system, TokenDeletionRequested) == []
        assert len(facts(system, TokenDeletionRequested, "s-2")) == 1


@pytest.mark.parametrize("value", ['"30"', "-1", "1.5", "true"])
def test_the_setting_is_a_whole_number_of_days(tmp_path: Any, value: str) -> None:
    """Nothing is deleted by a mistake in it."""
    config = tmp_path / "billing.toml"
    config.write_text(f"delete_tokens_after_days = {value}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="whole number of days"):
        read_settings({"BILLING_DATA_DIR": str(tmp_path)}, config)
    config.write_text("delete_tokens_after_days = 30\n", encoding="utf-8")
    settings = read_settings({"BILLING_DATA_DIR": str(tmp_path)}, config)
    assert timedelta(days=settings.delete_tokens_after_days or 0) == timedelta(days=30)
