"""How a payer's approval reaches the books: by return, by webhook, in either order, or never."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from domain.money import Money
from domain.providers import Provider
from domain.subscription.events import ChargeSucceeded, TokenRequestExpired, TokenVaulted
from infrastructure.settings import AccountSettings
from infrastructure.simulators.paypal.options import PayPalOptions
from infrastructure.simulators.paypal.provider import PROVIDER
from infrastructure.simulators.paypal.webhooks import signer
from tests.conftest import Server
from tests.specimens import terms
from tests.system import providers, watching
from tests.system.machine import Billing
from tests.system.puppets import DEATHS

Opened = Callable[..., AbstractContextManager[Billing]]


@pytest.fixture
def opened(server: Server, monkeypatch: pytest.MonkeyPatch) -> Opened:
    """One subscription at PayPal whose page was offered, and nothing done by its payer yet.

    on_approval: PayPal makes the token when the payer approves. names: its webhook says of which
    request.
    """
    for module in ("advance", "agenda_worker", "callback_worker"):
        monkeypatch.setattr(f"infrastructure.workers.{module}.reached", DEATHS.reached)
    plain = providers.accounts

    @contextmanager
    def opening(*, on_approval: bool = True, names: bool = True) -> Iterator[Billing]:
        def accounts(urls: dict[str, str], root_file: str) -> tuple[AccountSettings, ...]:
            more = {"vault_instruction": "ON_PAYER_APPROVAL"} if on_approval else {}
            return tuple(
                attrs.evolve(each, values={**each.values, **more})
                for each in plain(urls, root_file)
            )

        options = functools.partial(PayPalOptions, names_setup_token=names)
        monkeypatch.setattr(watching, "accounts", accounts)
        monkeypatch.setattr(providers, "PayPalOptions", options)
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder) / "root.pem"
            root.write_bytes(signer().root_pem)
            Billing.server, Billing.root_file = server, str(root)
            made = Billing()
            try:
                made.enter(Provider.PAYPAL, terms(price=Money(1000, "USD")), days=0, zone="UTC")
                made.world.project()
                made.world.work(1000)
                made.world.project()
                yield made
            finally:
                made.teardown()

    return opening


def approve(billing: Billing, *, returns: bool) -> None:
    (state,) = billing.states()
    billing._press(state, approve=True, returns=returns)


def come_back(billing: Billing, address: str) -> None:
    """A browser opens the merchant's page after all."""

    async def visit() -> int:
        return (await billing.world._browser.get(address)).status_code

    assert billing.world.run(visit()) == 200


def callbacks(billing: Billing) -> None:
    """All that is under way arrives and is worked."""
    billing.world.deliver()
    billing.world.work_callbacks(1000)
    billing.world.project()


def count(billing: Billing, kind: type[Any]) -> int:
    log = billing.world.system.ledger.read_log(0, 100_000)
    return sum(isinstance(each.event, kind) for each in log)


def return_address(billing: Billing) -> str:
    (setup,) = _simulated(billing).setup_tokens.values()
    return str(setup.return_url)


def _simulated(billing: Billing) -> Any:
    served = billing.world.simulators.served["paypal"]
    return served._runner.app[PROVIDER].account


def test_webhook_first_then_return(opened: Opened) -> None:
    """The webhook brings the token; the payer who comes back later changes nothing."""
    with opened() as billing:
        address = return_address(billing)
        approve(billing, returns=False)
        callbacks(billing)
        assert count(billing, TokenVaulted) == 1
        come_back(billing, address)
        callbacks(billing)
        assert count(billing, TokenVaulted) == 1
        billing.world.work(1000)
        billing.world.come_to_rest()
        assert count(billing, ChargeSucceeded) == 1


def test_return_first_then_webhook(opened: Opened) -> None:
    """The return brings it; the webhook that comes later changes nothing."""
    with opened() as billing:
        deliveries = billing.world.simulators.served["paypal"].controls.deliveries
        held: list[Any] = []
        send = deliveries.put
        deliveries.put = lambda build, fault=None: held.append(build)  # type: ignore[method-assign]
        approve(billing, returns=True)
        callbacks(billing)
        assert count(billing, TokenVaulted) == 1
        assert held
        deliveries.put = send  # type: ignore[method-assign]
        for build in held:
            send(build)
        callbacks(billing)
        assert count(billing, TokenVaulted) == 1
        billing.world.work(1000)
        billing.world.come_to_rest()
        assert count(billing, ChargeSucceeded) == 1


@pytest.mark.parametrize("on_approval", [False, True])
def test_window_closed_and_no_webhook_that_names_the_request(
    opened: Opened, on_approval: bool
) -> None:
    """Nobody tells; the last look, while PayPal still knows the request, finds the approval."""
    with opened(on_approval=on_approval, names=False) as billing:
        approve(billing, returns=False)
        callbacks(billing)
        assert count(billing, TokenVaulted) == 0
        billing.world.forward(timedelta(days=2, hours=23, minutes=5))
        billing.world.work(1000)
        billing.world.project()
        assert count(billing, TokenVaulted) == 1
        assert count(billing, TokenRequestExpired) == 0


def test_payer_who_never_approves(opened: Opened) -> None:
    """The request expires, nothing is charged."""
    with opened() as billing:
        billing.world.forward(timedelta(days=3))
        billing.world.work(1000)
        billing.world.project()
        assert count(billing, TokenRequestExpired) == 1
        assert count(billing, TokenVaulted) == 0
        assert not _simulated(billing).orders
