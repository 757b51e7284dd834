"""The contract that every gateway passes, against its provider's simulator over real HTTP.

A provider's test module subclasses GatewayContract and says how its bench is set up. Numbers in
the names are those of the fault matrix.
"""

from __future__ import annotations

import logging
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any

import attrs
import pytest
import structlog

from domain.money import Money
from domain.plan import CaptureMode
from domain.ports import (
    Authorized,
    CallbackRejected,
    Captured,
    Declined,
    Gateway,
    Granted,
    NotDone,
    NotFound,
    Offered,
    StillOpen,
    TokenDenied,
    TokenQuery,
    Unknown,
)
from domain.subscription.events import DeclineClass
from infrastructure.simulators.book import Movement
from infrastructure.simulators.faults import CallbackFault, Fault
from tests.gateways.bench import PRICE, START, Bench, on_the_bench

CARRIED_OUT_UNSEEN = (
    Fault.LOST_ANSWER,
    Fault.ERROR_AFTER,
    Fault.HTML_AFTER,
    Fault.TRUNCATED_AFTER,
    Fault.FORGOTTEN_KEY,
)
NOTHING_DONE_UNSEEN = (Fault.TIME_OUT_BEFORE, Fault.ERROR_BEFORE, Fault.HTML_BEFORE)


class ChargingContract:
    """Charges, their answers, and what a look-up makes of the lack of one."""

    def bench(self) -> AbstractAsyncContextManager[Bench]:
        """A fresh provider; its clock stands at START."""
        raise NotImplementedError

    @on_the_bench
    async def test_charge_captures_once(self, bench: Bench) -> None:
        """A charge takes the amount once, and says when and as what."""
        granted = await bench.vaulted()
        order = bench.charge_order(granted, "sub-1-1-1-aa")
        answer = await bench.gateway.charge(order)
        (entry,) = bench.controls.book.captures(order.reference)
        assert isinstance(answer, Captured), answer
        assert answer == Captured(amount=PRICE, provider_ref=entry.provider_id, at=START)

    @on_the_bench
    async def test_same_key_charges_once(self, bench: Bench) -> None:
        """A repeat under the same key moves no money and never says it did not."""
        granted = await bench.vaulted()
        order = bench.charge_order(granted, "sub-1-1-1-aa")
        first = await bench.gateway.charge(order)
        second = await bench.gateway.charge(order)
        assert isinstance(first, Captured)
        assert isinstance(second, Unknown) or second == first
        assert len(bench.controls.book.captures(order.reference)) == 1

    @on_the_bench
    async def test_decline_classes(self, bench: Bench) -> None:
        """A definite no carries the provider's code and what it means for us."""
        expected = {
            Fault.SOFT_DECLINE: DeclineClass.SOFT,
            Fault.HARD_DECLINE: DeclineClass.HARD,
            Fault.PAYER_ACTION: DeclineClass.PAYER_ACTION,
        }
        for number, (fault, decline) in enumerate(expected.items()):
            reference = f"sub-1-{number}-1-aa"
            granted = await bench.vaulted(f"token/{number}")
            bench.strike("charge", reference, fault)
            answer = await bench.gateway.charge(bench.charge_order(granted, reference))
            assert isinstance(answer, Declined), (fault, answer)
            assert (answer.decline, answer.code == answer.code.upper()) == (decline, True)
            assert len(answer.message) <= 200
            assert bench.controls.book.captures(reference) == ()

    @on_the_bench
    async def test_look_up_finds_a_decline(self, bench: Bench) -> None:
        """A look-up never makes a captured charge of a declined one."""
        granted = await bench.vaulted()
        order = bench.charge_order(granted, "sub-1-1-1-aa")
        bench.strike("charge", order.reference, Fault.SOFT_DECLINE)
        await bench.gateway.charge(order)
        bench.pass_time(bench.report_delay)
        answer = await bench.gateway.look_up(bench.query(order))
        assert isinstance(answer, Declined | NotFound), answer

    @on_the_bench
    async def test_F06_F08_charge_made_but_answer_unseen_is_found(self, bench: Bench) -> None:
        """Lost, broken and foreign answers are unknown, and the look-up finds the charge."""
        granted = await bench.vaulted()
        for number, fault in enumerate(CARRIED_OUT_UNSEEN):
            order = bench.charge_order(granted, f"sub-1-{number}-1-aa")
            bench.strike("charge", order.reference, fault)
            answer = await bench.gateway.charge(order)
            assert isinstance(answer, Unknown), (fault, answer)
        bench.pass_time(bench.report_delay)
        for number, fault in enumerate(CARRIED_OUT_UNSEEN):
            order = bench.charge_order(granted, f"sub-1-{number}-1-aa")
            (entry,) = bench.controls.book.captures(order.reference)
            found = await bench.gateway.look_up(bench.query(order))
            assert found == Captured(amount=PRICE, provider_ref=entry.provider_id, at=START), fault
            assert len(bench.controls.book.captures(order.reference)) == 1

    @on_the_bench
    async def test_F06_forgotten_key_does_not_charge_again(self, bench: Bench) -> None:
        """Where the provider forgot our key, the repeated reference is refused, not charged."""
        granted = await bench.vaulted()
        order = bench.charge_order(granted, "sub-1-1-1-aa")
        bench.strike("charge", order.reference, Fault.FORGOTTEN_KEY)
        await bench.gateway.charge(order)
        again = await bench.gateway.charge(order)
        assert isinstance(again, Unknown), again
        assert len(bench.controls.book.captures(order.reference)) == 1

    @on_the_bench
    async def test_F07_F08_charge_not_made_is_not_found(self, bench: Bench) -> None:
        """A time-out or 5xx before anything happened is unknown, and the look-up finds nothing."""
        granted = await bench.vaulted()
        for number, fault in enumerate(NOTHING_DONE_UNSEEN):
            order = bench.charge_order(granted, f"sub-1-{number}-1-aa")
            bench.strike("charge", order.reference, fault)
            answer = await bench.gateway.charge(order)
            assert isinstance(answer, Unknown), (fault, answer)
            bench.pass_time(bench.report_delay)
            found = await bench.gateway.look_up(bench.query(order))
            assert isinstance(found, NotFound), (fault, found)
            assert bench.controls.book.captures(order.reference) == ()

    @on_the_bench
    async def test_F07_repeat_within_the_key_window_charges_once(self, bench: Bench) -> None:
        """After a time-out without effect the same key may be sent again, and charges once."""
        granted = await bench.vaulted()
        order = bench.charge_order(granted, "sub-1-1-1-aa")
        bench.strike("charge", order.reference, Fault.TIME_OUT_BEFORE)
        assert isinstance(await bench.gateway.charge(order), Unknown)
        assert isinstance(await bench.gateway.charge(order), Captured)
        assert len(bench.controls.book.captures(order.reference)) == 1

    @on_the_bench
    async def test_F06_late_success_is_found(self, bench: Bench) -> None:
        """A charge that is carried out after its 5xx is unknown first and found later."""
        granted = await bench.vaulted()
        order = bench.charge_order(granted, "sub-1-1-1-aa")
        bench.strike("charge", order.reference, Fault.LATE_SUCCESS)
        assert isinstance(await bench.gateway.charge(order), Unknown)
        assert bench.controls.book.captures(order.reference) == ()
        assert isinstance(await bench.gateway.look_up(bench.query(order)), NotFound | Unknown)
        bench.pass_time(timedelta(seconds=bench.controls.faults.late_s))
        bench.pass_time(bench.report_delay)
        found = await bench.gateway.look_up(bench.query(order))
        assert isinstance(found, Captured), found
        assert found.at > START

    @on_the_bench
    async def test_pending_is_unknown_until_it_completes(self, bench: Bench) -> None:
        """A pending charge is a doubt with an id; under that id its end is found."""
        granted = await bench.vaulted()
        order = bench.charge_order(granted, "sub-1-1-1-aa")
        bench.strike("charge", order.reference, Fault.PENDING)
        pending = await bench.gateway.charge(order)
        assert isinstance(pending, Unknown)
        assert pending.provider_ref
        known = bench.query(order, provider_ref=pending.provider_ref)
        assert isinstance(await bench.gateway.look_up(known), Unknown)
        bench.pass_time(timedelta(seconds=bench.controls.faults.late_s))
        assert isinstance(await bench.gateway.look_up(known), Captured)

    @on_the_bench
    async def test_F08_rate_limit_is_not_done_and_says_how_long(self, bench: Bench) -> None:
        """429 is a definite "not carried out", with the provider's wait."""
        granted = await bench.vaulted()
        order = bench.charge_order(granted, "sub-1-1-1-aa")
        bench.strike("charge", order.reference, Fault.RATE_LIMITED)
        answer = await bench.gateway.charge(order)
        assert isinstance(answer, NotDone), answer
        assert answer.retry_after_s == bench.controls.faults.retry_after_s
        assert isinstance(await bench.gateway.charge(order), Captured)
        assert len(bench.controls.book.captures(order.reference)) == 1

    @on_the_bench
    async def test_F09_wrong_amount_is_reported_as_received(self, bench: Bench) -> None:
        """Where the provider took another amount, that amount is the answer."""
        granted = await bench.vaulted()
        order = bench.charge_order(granted, "sub-1-1-1-aa")
        bench.strike("charge", order.reference, Fault.WRONG_AMOUNT)
        answer = await bench.gateway.charge(order)
        (entry,) = bench.controls.book.captures(order.reference)
        assert isinstance(answer, Captured)
        assert answer.amount == Money(entry.minor, entry.currency) != PRICE


class AuthorizationContract(ChargingContract):
    """Reserve first, capture then."""

    async def _authorized(self, bench: Bench) -> tuple[Any, Authorized]:
        granted = await bench.vaulted()
        order = bench.charge_order(granted, "sub-1-1-1-aa", capture=CaptureMode.AFTER_AUTHORIZATION)
        answer = await bench.gateway.charge(order)
        assert isinstance(answer, Authorized), answer
        return order, answer

    @on_the_bench
    async def test_authorise_moves_no_money(self, bench: Bench) -> None:
        """An authorisation reserves the amount and captures nothing."""
        order, answer = await self._authorized(bench)
        assert answer.amount == PRICE
        assert answer.at == START
        assert answer.expires_at is None or answer.expires_at > START
        assert bench.controls.book.captures(order.reference) == ()
        assert bench.controls.book.total(Movement.AUTHORIZED, "USD") == (1, PRICE.minor)

    @on_the_bench
    async def test_capture_takes_the_money_once(self, bench: Bench) -> None:
        """An authorisation is captured once, also when the capture is repeated."""
        order, authorized = await self._authorized(bench)
        capture = bench.capture_order(order, authorized.authorization_ref)
        answer = await bench.gateway.capture(capture)
        again = await bench.gateway.capture(capture)
        assert isinstance(answer, Captured), answer
        assert answer.amount == PRICE
        assert isinstance(again, Unknown) or again == answer
        assert len(bench.controls.book.captures(order.reference)) == 1

    @on_the_bench
    async def test_F06_capture_whose_answer_was_lost_is_found(self, bench: Bench) -> None:
        """The look-up by the authorisation's id finds a capture whose answer never came."""
        order, authorized = await self._authorized(bench)
        bench.strike("capture", order.reference, Fault.LOST_ANSWER)
        capture = bench.capture_order(order, authorized.authorization_ref)
        assert isinstance(await bench.gateway.capture(capture), Unknown)
        found = await bench.gateway.look_up(self._about_capture(bench, order, authorized))
        assert isinstance(found, Captured), found
        assert found.amount == PRICE

    @on_the_bench
    async def test_F07_capture_not_made_stands_authorised(self, bench: Bench) -> None:
        """After a capture that never happened the authorisation is what the look-up shows."""
        order, authorized = await self._authorized(bench)
        bench.strike("capture", order.reference, Fault.TIME_OUT_BEFORE)
        capture = bench.capture_order(order, authorized.authorization_ref)
        assert isinstance(await bench.gateway.capture(capture), Unknown)
        found = await bench.gateway.look_up(self._about_capture(bench, order, authorized))
        assert isinstance(found, Authorized | NotFound), found
        assert bench.controls.book.captures(order.reference) == ()

    @on_the_bench
    async def test_F06_authorisation_whose_answer_was_lost_is_found(self, bench: Bench) -> None:
        """An authorisation whose answer never came is found as one, or not yet; never captured."""
        granted = await bench.vaulted()
        order = bench.charge_order(granted, "sub-1-1-1-aa", capture=CaptureMode.AFTER_AUTHORIZATION)
        bench.strike("charge", order.reference, Fault.LOST_ANSWER)
        assert isinstance(await bench.gateway.charge(order), Unknown)
        bench.pass_time(bench.report_delay)
        found = await bench.gateway.look_up(bench.query(order))
        assert isinstance(found, Authorized), found

    def _about_capture(self, bench: Bench, order: Any, authorized: Authorized) -> Any:
        capture = bench.capture_order(order, authorized.authorization_ref)
        return bench.query(
            order,
            authorization_ref=authorized.authorization_ref,
            order_ref=authorized.order_ref,
            capture_id=capture.capture_id,
        )


class TokenContract(AuthorizationContract):
    """From the page for the payer to a token that may be charged."""

    @on_the_bench
    async def test_token_is_granted_once_approved(self, bench: Bench) -> None:
        """Open until the payer approves; then the token, the same one each time it is asked for."""
        order = bench.token_order()
        offered = await bench.gateway.request_token(order)
        assert isinstance(offered, Offered), offered
        query = TokenQuery(request_id=order.request_id, provider_ref=offered.provider_ref)
        assert await bench.gateway.complete_token(query) == StillOpen()
        await bench.approve(offered.provider_ref)
        first = await bench.gateway.complete_token(query)
        second = await bench.gateway.complete_token(query)
        assert isinstance(first, Granted), first
        assert isinstance(second, Granted), second
        assert (first.token, first.instrument) == (second.token, second.instrument)
        assert first.token.reveal() not in repr(first)

    @on_the_bench
    async def test_repeated_token_request_is_one_page(self, bench: Bench) -> None:
        """Where the provider keeps keys, a repeated request is the same page."""
        order = bench.token_order()
        first = await bench.gateway.request_token(order)
        second = await bench.gateway.request_token(order)
        assert isinstance(first, Offered)
        assert isinstance(second, Offered | Unknown | TokenDenied), second
        assert not bench.repeats_pages or second == first

    @on_the_bench
    async def test_refused_token_is_no_token(self, bench: Bench) -> None:
        """A payer who turns back leaves a request that is denied, or open until it expires."""
        order = bench.token_order()
        offered = await bench.gateway.request_token(order)
        assert isinstance(offered, Offered)
        await bench.refuse(offered.provider_ref)
        query = TokenQuery(request_id=order.request_id, provider_ref=offered.provider_ref)
        answer = await bench.gateway.complete_token(query)
        assert isinstance(answer, TokenDenied | StillOpen), answer

    @on_the_bench
    async def test_expired_token_request_is_denied(self, bench: Bench) -> None:
        """A request that nobody approved in time, or that never was, is gone."""
        order = bench.token_order()
        offered = await bench.gateway.request_token(order)
        assert isinstance(offered, Offered)
        bench.pass_time(timedelta(days=4))
        for provider_ref in (offered.provider_ref, offered.provider_ref[:-3] + "XXX"):
            query = TokenQuery(request_id=order.request_id, provider_ref=provider_ref)
            answer = await bench.gateway.complete_token(query)
            assert isinstance(answer, TokenDenied), (provider_ref, answer)

    @on_the_bench
    async def test_F08_token_request_without_a_readable_answer(self, bench: Bench) -> None:
        """A token request without a readable answer is unknown; a refused one is not done."""
        expected = {
            Fault.LOST_ANSWER: Unknown,
            Fault.HTML_AFTER: Unknown,
            Fault.ERROR_BEFORE: Unknown,
            Fault.RATE_LIMITED: NotDone,
        }
        for number, (fault, answer_class) in enumerate(expected.items(), start=1):
            bench.strike("token", "*", fault, nth=number)
            answer = await bench.gateway.request_token(bench.token_order(f"token/{number}"))
            assert type(answer) is answer_class, (fault, answer)


class CallbackContract(TokenContract):
    """Callbacks: believed when they are the provider's, refused when not."""

    async def _charged(self, bench: Bench, fault: CallbackFault | None = None) -> str:
        granted = await bench.vaulted()
        await bench.callbacks(0)
        bench.received.clear()
        reference = "sub-1-1-1-aa"
        if fault is not None:
            bench.strike("callback", reference, fault)
        order = bench.charge_order(granted, reference)
        assert isinstance(await bench.gateway.charge(order), Captured)
        return reference

    @on_the_bench
    async def test_callback_names_the_charge(self, bench: Bench) -> None:
        """A verified callback says which charge to look up."""
        reference = await self._charged(bench)
        for callback in await bench.callbacks(1):
            hint = await bench.gateway.verify(callback)
            assert (hint.reference, bool(hint.delivery_id)) == (reference, True)
            assert hint.event_type

    @on_the_bench
    async def test_callback_names_the_token_request(self, bench: Bench) -> None:
        """A callback about an approval leads to its token request, or says nothing about one."""
        order = bench.token_order()
        offered = await bench.gateway.request_token(order)
        assert isinstance(offered, Offered)
        await bench.approve(offered.provider_ref)
        for callback in await bench.callbacks(0):
            hint = await bench.gateway.verify(callback)
            assert hint.token_request_ref in ("", offered.provider_ref)

    @on_the_bench
    async def test_F10_duplicate_callbacks_have_one_delivery_id(self, bench: Bench) -> None:
        """However often a message is delivered, it can be told to be the same one."""
        await self._charged(bench, CallbackFault.DUPLICATE)
        callbacks = await bench.callbacks(3)
        hints = [await bench.gateway.verify(callback) for callback in callbacks]
        assert len({hint.delivery_id for hint in hints}) == len(hints) // 3

    @on_the_bench
    async def test_F11_callback_before_the_answer_is_believed(self, bench: Bench) -> None:
        """A callback that overtakes the answer is verified like any other."""
        reference = await self._charged(bench, CallbackFault.EARLY)
        assert bench.received, "nothing had arrived when the charge was answered"
        assert (await bench.gateway.verify(bench.received[0])).reference == reference

    @on_the_bench
    async def test_F13_forged_callback_is_refused(self, bench: Bench) -> None:
        """A wrong signature on right content is refused, and the error repeats no content."""
        reference = await self._charged(bench, CallbackFault.FORGED)
        verdicts = []
        for callback in await bench.callbacks(2):
            try:
                await bench.gateway.verify(callback)
                verdicts.append("verified")
            except CallbackRejected as rejected:
                assert reference not in str(rejected)
                verdicts.append(rejected.code)
        assert sorted(verdicts) == ["signature-wrong", "verified"]

    @on_the_bench
    async def test_F13_callback_without_signature_is_refused(self, bench: Bench) -> None:
        """No signature, no belief."""
        await self._charged(bench)
        (callback, *_) = await bench.callbacks(1)
        bare = attrs.evolve(callback, headers={"content-type": "application/json"})
        assert await _refusal(bench.gateway, bare) == "signature-missing"

    @on_the_bench
    async def test_F15_old_callback_is_refused(self, bench: Bench) -> None:
        """A genuine message that is played again much later is refused."""
        await self._charged(bench)
        (callback, *_) = await bench.callbacks(1)
        late = attrs.evolve(callback, received_at=callback.received_at + timedelta(minutes=6))
        assert await _refusal(bench.gateway, late) == "too-old"

    @on_the_bench
    async def test_F15_another_accounts_callback_is_refused(self, bench: Bench) -> None:
        """A genuine message to another merchant account is not ours."""
        await self._charged(bench)
        (callback, *_) = await bench.callbacks(1)
        other = bench.of_another_account()
        try:
            assert await _refusal(other, callback) == "signature-wrong"
        finally:
            await other.close()


class GatewayContract(CallbackContract):
    """The whole contract: charging, authorising, tokens, callbacks, and access."""

    @on_the_bench
    async def test_wrong_credentials_are_not_done(self, bench: Bench) -> None:
        """Without access nothing was carried out, whatever was asked."""
        granted = await bench.vaulted()
        gateway = bench.with_wrong_credentials()
        try:
            await self._all_not_done(bench, gateway, granted)
        finally:
            await gateway.close()

    @on_the_bench
    async def test_unreachable_provider_is_not_done(self, bench: Bench) -> None:
        """Without a connection nothing was carried out, whatever was asked."""
        granted = await bench.vaulted()
        gateway = bench.unreachable()
        try:
            await self._all_not_done(bench, gateway, granted)
        finally:
            await gateway.close()

    async def _all_not_done(self, bench: Bench, gateway: Gateway, granted: Granted) -> None:
        order = bench.charge_order(granted, "sub-1-1-1-aa")
        request = bench.token_order("token/2")
        query = TokenQuery(request_id=request.request_id, provider_ref="ABC")
        answers = (
            await gateway.charge(order),
            await gateway.capture(bench.capture_order(order, "AUTH-1")),
            await gateway.look_up(bench.query(order)),
            await gateway.request_token(request),
            await gateway.complete_token(query),
        )
        assert [type(answer) for answer in answers] == [NotDone] * 5, answers
        assert bench.controls.book.captures(order.reference) == ()

    @on_the_bench
    async def test_no_log_line_holds_a_secret(self, bench: Bench) -> None:
        """Neither our log nor httpx's holds a token, a client secret or an access token."""
        lines: list[str] = []
        handler = logging.Handler()
        handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
        logging.getLogger().addHandler(handler)
        try:
            with structlog.testing.capture_logs() as captured:
                granted = await bench.vaulted()
                for number, fault in enumerate(Fault):
                    reference = f"sub-1-{number}-1-aa"
                    bench.strike("charge", reference, fault)
                    await bench.gateway.charge(bench.charge_order(granted, reference))
        finally:
            logging.getLogger().removeHandler(handler)
        lines += [repr(line) for line in captured]
        assert len(captured) > len(Fault), "calls are logged"
        for secret in (*bench.secrets, granted.token.reveal()):
            assert not [line for line in lines if secret in line]
        assert not [line for line in lines if "Bearer" in line or "Basic" in line]


async def _refusal(gateway: Gateway, callback: Any) -> str:
    with pytest.raises(CallbackRejected) as rejected:
        await gateway.verify(callback)
    return rejected.value.code
