"""From the page where a payer enters a card to a token, and the ways that it fails."""

from __future__ import annotations

import pytest

from domain.plan import CaptureMode
from domain.ports import (
    Authorized,
    Captured,
    Declined,
    Granted,
    Offered,
    TokenDenied,
    TokenGone,
    TokenQuery,
    Unknown,
)
from domain.subscription.events import DeclineClass, Instrument
from infrastructure.gateways.dintero.account import TOKEN_KINDS
from infrastructure.gateways.dintero.requests import stored_token
from infrastructure.gateways.dintero.tokens import token_of
from infrastructure.simulators.faults import Fault
from tests.gateways.bench import START
from tests.gateways.dintero_bench import (
    ACCOUNT,
    OPTIONS,
    SPECIFICATION,
    DinteroBench,
    Wiretap,
    on_the_dintero_bench,
)


def test_everything_that_is_sent_fits_the_specification() -> None:
    """Each request of a token, a charge, and a capture passes Dintero's own schemas."""
    if not SPECIFICATION.exists():
        pytest.skip("Dintero's specification is not beside this checkout")
    assert OPTIONS.specification == SPECIFICATION

    async def test(bench: DinteroBench) -> None:
        granted = await bench.vaulted()
        tap = Wiretap()
        gateway = bench.another(tap)
        reserve = bench.charge_order(
            granted, "sub-1-1-1-aa", capture=CaptureMode.AFTER_AUTHORIZATION
        )
        authorized = await gateway.charge(reserve)
        assert isinstance(authorized, Authorized)
        capture = bench.capture_order(reserve, authorized.authorization_ref)
        assert isinstance(await gateway.capture(capture), Captured)
        at_once = bench.charge_order(granted, "sub-1-2-1-aa")
        assert isinstance(await gateway.charge(at_once), Captured)
        assert [request.method for request in tap.sent] == ["POST"] * 3
        for request in tap.sent:
            assert request.headers["Dintero-System-Name"] == "billing-ledger"
        await gateway.close()

    on_the_dintero_bench(test, profile_id="default")


def test_granted_card_shows_no_more_than_it_may() -> None:
    """Brand, last four digits, month of expiry, and the id that cannot be charged."""

    async def test(bench: DinteroBench) -> None:
        granted = await bench.vaulted()
        token = stored_token(granted.token)
        assert token is not None
        assert token.value not in repr(granted) + repr(token)
        assert granted.instrument == Instrument(
            kind="card",
            brand="Visa",
            last_digits="0004",
            expires="2031-12",
            provider_token_id=granted.instrument.provider_token_id,
        )
        assert granted.instrument.provider_token_id not in ("", token.value)
        assert granted.at == START

    on_the_dintero_bench(test)


def test_token_that_is_not_shown_is_a_doubt() -> None:
    """A token id without its token means that it was not asked for: not a refusal."""

    async def test(bench: DinteroBench) -> None:
        order = bench.token_order()
        offered = await bench.gateway.request_token(order)
        assert isinstance(offered, Offered)
        await bench.approve(offered.provider_ref)
        query = TokenQuery(request_id=order.request_id, provider_ref=offered.provider_ref)
        forgetful = bench.another(Wiretap(blind=True))
        assert isinstance(await forgetful.complete_token(query), Unknown)
        await forgetful.close()
        assert isinstance(await bench.gateway.complete_token(query), Granted)

    on_the_dintero_bench(test)


def test_refused_card_is_no_token() -> None:
    """A card that the issuer refuses on the page ends the request with the issuer's code."""

    async def test(bench: DinteroBench) -> None:
        order = bench.token_order()
        offered = await bench.gateway.request_token(order)
        assert isinstance(offered, Offered)
        await bench.approve(offered.provider_ref, card="4100000000000076")
        query = TokenQuery(request_id=order.request_id, provider_ref=offered.provider_ref)
        answer = await bench.gateway.complete_token(query)
        assert isinstance(answer, TokenDenied)
        assert answer.code == "ADDITIONAL_VERIFICATION_REQUIRED"

    on_the_dintero_bench(test)


@pytest.mark.parametrize("status", ["AUTHORIZED", "CAPTURED"])
def test_card_that_the_payer_did_not_want_saved_is_no_token(status: str) -> None:
    """A box "save this card" without a tick: finished, maybe paid, and no token. The request is
    denied, so the subscription asks anew; what was paid there is nobody's charge."""
    shown = {"id": "T1.t1", "status": status, "amount": 29990, "card": {"brand": "Visa"}}
    answer = token_of(ACCOUNT, shown)
    assert isinstance(answer, TokenDenied)
    assert answer.code == "token-missing"


@pytest.mark.parametrize("through", sorted(TOKEN_KINDS))
def test_card_is_changed_by_another_request(through: str) -> None:
    """The new card is charged; the old one can be deleted, and is charged no more."""

    async def test(bench: DinteroBench) -> None:
        old = await bench.vaulted("token/1")
        new = await bench.vaulted("token/2", card="5413066399580167")
        assert (old.instrument.brand, new.instrument.brand) == ("Visa", "Mastercard")
        assert old.token != new.token
        assert isinstance(await bench.gateway.delete_token(old.token, old.instrument), TokenGone)
        assert isinstance(await bench.gateway.charge(bench.charge_order(new, "r-1")), Captured)
        refused = await bench.gateway.charge(bench.charge_order(old, "r-2"))
        assert isinstance(refused, Declined)
        assert refused.decline is DeclineClass.HARD
        assert len(bench.controls.book.captures("r-1")) == 1
        assert bench.controls.book.captures("r-2") == ()

    on_the_dintero_bench(test, through=through)


def test_session_of_another_request_is_not_taken() -> None:
    """A session whose reference is another request's gives no token."""

    async def test(bench: DinteroBench) -> None:
        offered = await bench.gateway.request_token(bench.token_order("token/1"))
        assert isinstance(offered, Offered)
        await bench.approve(offered.provider_ref)
        other = bench.token_order("token/2").request_id
        query = TokenQuery(request_id=other, provider_ref=offered.provider_ref)
        assert isinstance(await bench.gateway.complete_token(query), Unknown)

    on_the_dintero_bench(test)


def test_cancelled_page_is_denied_and_called_back() -> None:
    """A payer who turns back ends the request; the callback has no transaction, only a session."""

    async def test(bench: DinteroBench) -> None:
        order = bench.token_order()
        offered = await bench.gateway.request_token(order)
        assert isinstance(offered, Offered)
        await bench.refuse(offered.provider_ref)
        (callback,) = await bench.callbacks(1)
        assert "transaction_id" not in callback.url
        hint = await bench.gateway.verify(callback)
        assert (hint.event_type, hint.token_request_ref) == (
            "error.cancelled",
            offered.provider_ref,
        )
        query = TokenQuery(request_id=order.request_id, provider_ref=offered.provider_ref)
        answer = await bench.gateway.complete_token(query)
        assert isinstance(answer, TokenDenied)
        assert answer.code == "cancelled"

    on_the_dintero_bench(test)


def test_F08_token_page_whose_answer_was_lost_is_found_again() -> None:
    """A repeat finds the page by its reference instead of making a second one."""

    async def test(bench: DinteroBench) -> None:
        bench.strike("token", "*", Fault.LOST_ANSWER)
        order = bench.token_order()
        assert isinstance(await bench.gateway.request_token(order), Unknown)
        again = await bench.gateway.request_token(order)
        assert isinstance(again, Offered)
        assert again.provider_ref.endswith("c000000000001")
        await bench.approve(again.provider_ref)

    on_the_dintero_bench(test)
