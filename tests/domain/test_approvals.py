"""Tokens as a process: asked, offered, approved or not, and never two requests at once."""

from __future__ import annotations

from typing import Any

import pytest

from domain.identity import token_request_id
from domain.ports import Offered, StillOpen, TokenDenied
from domain.processes.agenda import Item, ItemKind, agenda_of
from domain.processes.answers import token_ref_of
from domain.processes.next_step import next_step
from domain.processes.steps import AskToken, Record
from domain.subscription.charging import settle
from domain.subscription.events import (
    SubscriptionCancelled,
    SubscriptionCompleted,
    TokenPurpose,
    TokenRefused,
    TokenRequested,
    TokenVaulted,
)
from domain.subscription.vaulting import completed, request_token
from tests.specimens import (
    DAY,
    DUE,
    GRANTED,
    HARD,
    HOUR,
    MINUTE,
    NAMESPACE,
    OFFERED,
    SIGNED_UP,
    TIME_OUT,
    ZONE_VERSION,
    approval_offered,
    captured,
    instalments,
    key,
    requested,
    signed_up,
    started,
    token_ref,
)
from tests.vocabulary import Play, play

FIRST, SECOND, THIRD = (token_request_id(NAMESPACE, number) for number in (1, 2, 3))
DENIED = TokenDenied(code="cancelled", message="the payer turned back")
WINDOW = 2 * HOUR + 30 * MINUTE
ASKED = (started(), requested())
SHOWN = (*ASKED, approval_offered())


def _token_items(run: Play) -> list[Item]:
    return [item for item in agenda_of(run.state) if item.kind is ItemKind.TOKEN]


@pytest.mark.parametrize("answer", [DENIED, StillOpen()])
def test_a_replacement_that_nobody_gave_is_shown_until_it_is_asked_for_again(answer: Any) -> None:
    """Nobody is asked by itself, nothing is open, and yet it is on the agenda, with a reason."""
    run = play(*signed_up(instalments(3)))
    run.at(DUE, HARD, Offered(provider_ref="setup-2", approve_url="https://x", expires_at=None))
    run.decide(settle, key(), captured(), evidence="callback", now=DUE + DAY)
    assert run.state.open_invoices == ()
    assert _token_items(run) == []
    run.at(DUE + 3 * DAY, answer)
    assert run.at(DUE + 4 * DAY) == []
    (item,) = _token_items(run)
    assert (item.key, item.due_at) == (str(THIRD), None)
    assert item.why == "the token cannot be charged; a new approval has to be asked for"
    for end in (
        SubscriptionCancelled(reason="moved", effective_at=DUE + 5 * DAY),
        SubscriptionCompleted(effective_at=DUE + 5 * DAY),
    ):
        assert _token_items(play(*run.facts, end)) == []
    run.decide(request_token, reason="asked by phone", now=DUE + 5 * DAY)
    (asked,) = _token_items(run)
    assert (asked.key, asked.due_at) == (str(THIRD), DUE + 5 * DAY)


def test_a_token_that_can_be_charged_is_not_asked_for() -> None:
    """A payer who wished for another card and did not come keeps the present one."""
    run = play(*signed_up())
    run.decide(request_token, reason="payer asked", now=SIGNED_UP)
    run.at(SIGNED_UP, DENIED)
    assert run.of(TokenRefused)
    assert _token_items(run) == []


def test_sign_up() -> None:
    """Asked, offered, approved when the payer comes back; nothing is looked at meanwhile."""
    run = play(*ASKED)
    assert run.at(SIGNED_UP, OFFERED) == ["ApprovalOffered"]
    assert run.at(SIGNED_UP + DAY) == []
    assert run.at(SIGNED_UP + 3 * DAY, GRANTED)[0] == "TokenVaulted"
    vault = run.of(TokenVaulted)[0]
    assert vault.token_ref == token_ref()
    assert run.sent == ["AskToken", "SeeToken"]


def test_a_silent_provider_is_asked_under_one_key_and_then_under_another() -> None:
    """Same request until the window ends, then a new one; never two open."""
    run = play(*ASKED)
    for minutes in (0, 10, 149):
        assert run.at(SIGNED_UP + minutes * MINUTE, TIME_OUT) == []
    assert run.at(SIGNED_UP + WINDOW, OFFERED) == [
        "TokenRequestExpired",
        "TokenRequested",
        "ApprovalOffered",
    ]
    asked = [call.request.request_id for call in run.calls if isinstance(call, AskToken)]
    assert asked == [FIRST] * 3 + [SECOND]


def test_a_crash_after_the_request_asks_again_under_the_same_key() -> None:
    """The provider made the page; we never heard: the same key gives the same page."""
    run = play(*ASKED)
    run.at(SIGNED_UP)
    run.at(SIGNED_UP + MINUTE, OFFERED, taken_before=True)
    first, second = run.calls
    assert isinstance(first, AskToken)
    assert first == second
    assert token_ref_of(first.request) == token_ref()


def test_a_provider_that_makes_no_page_does_not_hold_up_billing() -> None:
    """The payer asked for another token; the present one still pays what falls due."""
    run = play(*signed_up())
    run.decide(request_token, reason="payer asked", now=DUE - MINUTE)
    assert run.at(DUE, captured(), TIME_OUT) == [
        "InvoiceIssued",
        "ChargeAttempted",
        "ChargeSucceeded",
    ]
    assert run.sent == ["SendCharge", "AskToken"]


def test_a_late_sign_up_is_billed_from_the_start() -> None:
    """What fell due while the payer thought about it is billed, one period after the other."""
    run = play(*SHOWN)
    at = DUE + 35 * DAY
    run.decide(completed, FIRST, GRANTED, token_ref=token_ref(), now=at)
    step = next_step(run.state, now=at, taken_before=False, zone_version=ZONE_VERSION)
    assert isinstance(step, Record)
    assert (
        run.at(at, captured(), captured())
        == [
            "InvoiceIssued",
            "ChargeAttempted",
            "ChargeSucceeded",
        ]
        * 2
    )
    assert run.of(TokenRequested)[0].purpose is TokenPurpose.INITIAL
