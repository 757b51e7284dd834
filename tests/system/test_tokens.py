"""The end of a token against both simulators over HTTP: told, confirmed, and charged no more."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import httpx
import pytest
from psycopg.sql import SQL, Identifier

from domain.subscription.events import ChargeAttempted, ChargeDeclined, DeclineClass, TokenRequested
from domain.subscription.letting_go import Which
from domain.subscription.token_events import TokenDeletionRequested, TokenRevoked
from infrastructure.rehearsal.oracle import compare
from infrastructure.simulators.faults import CallbackFault, Fault
from infrastructure.workers.crash_points import AFTER_ANSWER, AFTER_OUTCOME
from tests.system.machine import Billing
from tests.system.puppets import BEFORE_CALL

MONTH = timedelta(days=32)
NOTICE = "revoked at the provider"


def facts(billing: Billing, kind: type[Any]) -> list[Any]:
    """All facts of a kind."""
    log = billing.world.system.ledger.read_log(0, 100_000)
    return [each.event for each in log if isinstance(each.event, kind)]


def revoke_everybody(billing: Billing) -> None:
    """Every payer ends every token at the provider's own pages."""
    ended = [billing.world.simulators.revoke(f"c-{name}") for name in billing.names]
    assert ended == [1] * 4


def hear(billing: Billing) -> None:
    """What the providers tell arrives, and is worked off."""
    billing.world.deliver()
    billing.world.work_callbacks(1000)
    billing.world.project()


def a_month(billing: Billing) -> None:
    """The next period falls due, and a worker works all that is due."""
    billing.world.forward(MONTH)
    billing.world.project()
    billing.world.work(1000)
    billing.world.project()


def approve_everywhere(billing: Billing) -> None:
    """Every payer whose page is open uses it."""
    for number in range(4):
        billing.press_a_button(number, approve=True, returns=True)
    hear(billing)
    billing.world.work(1000)
    billing.world.project()


def quarantined(billing: Billing) -> int:
    """Callbacks that wait for a person."""
    world = billing.world
    return len(world.system.inbox.quarantined(world.clock.now))


def asked(billing: Billing) -> int:
    """How often payers were asked after the sign-up."""
    return len(facts(billing, TokenRequested)) - 4


def test_F38_revoked_between_two_runs(billing: Billing) -> None:
    """Booked once a look confirms it; each payer is asked once, and nothing is attempted."""
    revoke_everybody(billing)
    hear(billing)
    revoked = facts(billing, TokenRevoked)
    assert Counter((each.reason, each.evidence) for each in revoked) == {(NOTICE, "callback"): 4}
    assert asked(billing) == 4
    a_month(billing)
    assert len(facts(billing, ChargeAttempted)) == 4
    assert all(len(state.open_invoices) == 1 for state in billing.states())
    assert asked(billing) == 4
    billing.check()


def test_F38_the_next_token_collects_what_was_open(billing: Billing) -> None:
    """Billing goes on as if nothing had happened."""
    revoke_everybody(billing)
    hear(billing)
    billing.world.work(1000)
    billing.world.project()
    approve_everywhere(billing)
    a_month(billing)
    billing.world.come_to_rest()
    assert all(state.open_invoices == () for state in billing.states())
    assert len(facts(billing, ChargeAttempted)) == 8
    compared = billing.world.run(
        asyncio.to_thread(compare, billing.world.system.ledger, billing.world.simulators.urls)
    )
    assert compared.equal
    assert quarantined(billing) == 0


def test_F38_revoked_and_nobody_told_us(billing: Billing) -> None:
    """The charge is declined for good; one request, and no attempt until there is another token."""
    for puppet in billing.world.simulators.faults.values():
        puppet.coming["callback"].extend([CallbackFault.LOST] * 2)
    revoke_everybody(billing)
    hear(billing)
    assert facts(billing, TokenRevoked) == []
    for _ in range(3):
        a_month(billing)
    assert [each.decline for each in facts(billing, ChargeDeclined)] == [DeclineClass.HARD] * 4
    assert len(facts(billing, ChargeAttempted)) == 8
    assert asked(billing) == 4
    approve_everywhere(billing)
    billing.check()


def test_F38_revoked_while_a_charge_is_on_its_way(billing: Billing) -> None:
    """Its definite decline changes nothing any more: the payer was asked already, once."""
    billing.world.forward(MONTH)
    billing.world.project()
    billing.world.work(1, stop=BEFORE_CALL)
    revoke_everybody(billing)
    hear(billing)
    assert len(facts(billing, TokenRevoked)) == 3, "one subscription is in another's hand"
    billing.world.go_on(BEFORE_CALL)
    billing.world.come_to_rest()
    assert len(facts(billing, TokenRevoked)) == 4
    (declined,) = facts(billing, ChargeDeclined)
    assert declined.decline is DeclineClass.HARD
    assert len(facts(billing, ChargeAttempted)) == 5
    assert asked(billing) == 4
    billing.check()


def test_let_go_and_gone(billing: Billing) -> None:
    """Deleted at both; the providers' own notices of it are no news, and nobody's business."""
    for name in billing.names:
        billing.commands.delete_tokens(name, Which.ALL, reason="asked by the payer")
    billing.world.project()
    billing.world.work(1000)
    hear(billing)
    assert [billing.world.simulators.revoke(f"c-{name}") for name in billing.names] == [0] * 4
    ended = Counter((each.reason, each.evidence) for each in facts(billing, TokenRevoked))
    assert ended == {("deleted by us", "answer"): 4}
    a_month(billing)
    assert len(facts(billing, ChargeAttempted)) == 4
    assert quarantined(billing) == 0
    refs = [each.token_ref for each in facts(billing, TokenRevoked)]
    assert billing.world.system.vault.open_many(refs) == {}
    billing.check()


@pytest.mark.parametrize(
    "fault",
    [
        Fault.LOST_ANSWER,
        Fault.ERROR_BEFORE,
        Fault.ERROR_AFTER,
        Fault.RATE_LIMITED,
        Fault.HTML_AFTER,
    ],
    ids=lambda each: each.value,
)
def test_F06_F08_a_deletion_is_asked_for_until_it_is_done(billing: Billing, fault: Fault) -> None:
    """Whatever is lost on the way; meanwhile nothing is charged, and other work goes on."""
    for puppet in billing.world.simulators.faults.values():
        puppet.coming["delete-token"].extend([fault] * 3)
    for name in billing.names:
        billing.commands.delete_tokens(name, Which.ALL, reason="asked by the payer")
    billing.world.project()
    billing.world.work(1000)
    billing.world.come_to_rest()
    assert len(facts(billing, TokenDeletionRequested)) == 4
    assert len(facts(billing, TokenRevoked)) == 4
    assert [billing.world.simulators.revoke(f"c-{name}") for name in billing.names] == [0] * 4
    billing.check()


@pytest.mark.parametrize("point", [AFTER_ANSWER, AFTER_OUTCOME])
def test_a_worker_that_dies_on_the_way_leaves_it_to_the_next(billing: Billing, point: str) -> None:
    """Asked for twice, gone once."""
    for name in billing.names:
        billing.commands.delete_tokens(name, Which.ALL, reason="asked by the payer")
    billing.world.project()
    for _ in range(4):
        billing.world.work(1, death=(point, 1))
    billing.world.end_leases()
    billing.world.come_to_rest()
    assert len(facts(billing, TokenRevoked)) == 4
    billing.check()


def test_F10_F11_notices_that_come_twice_early_or_not_in_order(billing: Billing) -> None:
    """One fact each."""
    for puppet in billing.world.simulators.faults.values():
        puppet.coming["callback"].extend([CallbackFault.DUPLICATE, CallbackFault.LATE])
    revoke_everybody(billing)
    hear(billing)
    hear(billing)
    assert len(facts(billing, TokenRevoked)) == 4
    assert asked(billing) == 4


def test_F16_a_notice_of_an_unknown_token_is_set_aside(billing: Billing) -> None:
    """It may be early for ten minutes; then a person looks."""
    table = Identifier(billing.world.system.books.schema, "vault_tokens")
    with billing.world.system.pool.connection() as conn:
        conn.execute(SQL("UPDATE {} SET digest = NULL").format(table))
    revoke_everybody(billing)
    hear(billing)
    assert quarantined(billing) == 0
    billing.world.forward(timedelta(minutes=11))
    billing.world.end_leases()
    billing.world.work_callbacks(1000)
    assert quarantined(billing) == 4
    assert facts(billing, TokenRevoked) == []


def test_an_end_that_cannot_be_looked_at_is_set_aside_after_a_day(billing: Billing) -> None:
    """The vault was emptied; the notice is not taken for ever."""
    for name in billing.names:
        billing.world.system.vault.erase(f"c-{name}")
    revoke_everybody(billing)
    hear(billing)
    assert quarantined(billing) == 0
    billing.world.forward(timedelta(hours=25))
    billing.world.end_leases()
    billing.world.work_callbacks(1000)
    assert quarantined(billing) == 4
    assert facts(billing, TokenRevoked) == []


def test_a_payer_revokes_at_the_control_endpoint(billing: Billing) -> None:
    """As a rehearsal does it: by HTTP."""
    world = billing.world

    async def press() -> list[int]:
        async with httpx.AsyncClient() as browser:
            answers = [
                await browser.post(f"{url}/_revoke", json={"customer_id": "c-s-1"})
                for url in world.simulators.urls.values()
            ]
            bad = await browser.post(f"{world.simulators.urls['paypal']}/_revoke", json=[])
            assert bad.status_code == 400
        return [each.json()["revoked"] for each in answers]

    assert sum(world.run(press())) == 1
    hear(billing)
    assert len(facts(billing, TokenRevoked)) == 1
