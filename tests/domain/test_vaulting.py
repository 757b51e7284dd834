"""Get a token: request, offer, vault, refuse, expire, replace."""

from __future__ import annotations

from typing import Any

import pytest

from domain.identity import token_request_id
from domain.ports import Granted, Offered, StillOpen, TokenDenied
from domain.subscription.events import (
    SubscriptionCancelled,
    SubscriptionCompleted,
    TokenPurpose,
    TokenRefused,
    TokenRequestExpired,
)
from domain.subscription.state import Status
from domain.subscription.vaulting import completed, give_up_asking, offered, request_token
from tests.specimens import (
    CARD,
    DAY,
    DUE,
    GRANTED,
    HOUR,
    MINUTE,
    NAMESPACE,
    NOT_DONE,
    OFFERED,
    SIGNED_UP,
    TIME_OUT,
    approval_offered,
    requested,
    signed_up,
    started,
    token_ref,
    vaulted,
)
from tests.vocabulary import given

FIRST, SECOND = token_request_id(NAMESPACE, 1), token_request_id(NAMESPACE, 2)
DENIED = TokenDenied(code="cancelled", message="the payer turned back")
WINDOW = 2 * HOUR + 30 * MINUTE
ASKED = (started(), requested())
SHOWN = (*ASKED, approval_offered())


def complete(state: Any, answer: Any, now: Any = SIGNED_UP, request: Any = FIRST) -> Any:
    """What a look at the payer's page makes of it."""
    return completed(state, request, answer, token_ref=token_ref(), now=now)


# --- request ----------------------------------------------------------------------------------


def test_a_token_is_requested_under_a_key() -> None:
    """The intention is recorded first, with the end of the key's window and of the wait."""
    given(started()).when(request_token, reason="sign-up", now=SIGNED_UP).then(requested())


def test_one_request_is_open_at_a_time() -> None:
    """A repeat is quiet, before and after the page was offered."""
    for facts in (ASKED, SHOWN):
        given(*facts).when(request_token, reason="again", now=SIGNED_UP).then_nothing()


def test_a_second_token_replaces_the_first() -> None:
    """It has a key of its own; until it is there the first is used."""
    asked = (
        given(*signed_up())
        .when(request_token, reason="payer asked", now=DUE)
        .then(requested(2, at=DUE, reason="payer asked", purpose=TokenPurpose.REPLACEMENT))
    )
    assert asked.state.token is not None
    assert asked.state.token.usable


def test_a_request_that_failed_is_made_anew_under_a_new_key() -> None:
    """The purpose stays that of a first token while there is none."""
    refused = TokenRefused(request_id=FIRST, code="no", message="", effective_at=SIGNED_UP)
    expired = TokenRequestExpired(
        request_id=FIRST, reason="not approved in time", effective_at=SIGNED_UP
    )
    for end in (refused, expired):
        given(*SHOWN, end).when(request_token, reason="sign-up", now=DUE).then(
            requested(2, at=DUE, purpose=TokenPurpose.INITIAL)
        )


@pytest.mark.parametrize(
    "end",
    [
        SubscriptionCancelled(reason="moved", effective_at=DUE),
        SubscriptionCompleted(effective_at=DUE),
    ],
)
def test_an_ended_subscription_needs_no_token(end: Any) -> None:
    """The payer is not asked for nothing."""
    given(*signed_up(), end).when(request_token, reason="x", now=DUE).then_refused(
        "subscription-ended"
    )


# --- offer ------------------------------------------------------------------------------------


def test_a_page_is_offered() -> None:
    """Where the provider gives no end, ours counts."""
    given(*ASKED).when(offered, FIRST, OFFERED, now=SIGNED_UP).then(approval_offered())


def test_the_provider_may_say_how_long_its_page_lives() -> None:
    """Its own end counts, not ours."""
    page = Offered(provider_ref="setup-1", approve_url="https://x.example", expires_at=DUE)
    after = given(*ASKED).when(offered, FIRST, page, now=SIGNED_UP)
    assert after.facts[0].expires_at == DUE  # type: ignore[union-attr]


def test_a_denied_request_is_closed() -> None:
    """The provider's code and words are kept."""
    closed = (
        given(*ASKED)
        .when(offered, FIRST, DENIED, now=SIGNED_UP)
        .then(
            TokenRefused(
                request_id=FIRST,
                code="cancelled",
                message="the payer turned back",
                effective_at=SIGNED_UP,
            )
        )
    )
    assert closed.state.token_request is None
    assert closed.state.status is Status.PENDING


@pytest.mark.parametrize("answer", [TIME_OUT, NOT_DONE])
def test_a_doubt_about_a_page_changes_nothing(answer: Any) -> None:
    """No money moves by it; it is asked again under the same key."""
    given(*ASKED).when(offered, FIRST, answer, now=SIGNED_UP).then_nothing()


def test_a_page_offered_again_is_quiet() -> None:
    """Neither a second page nor a late refusal touches the page that the payer has."""
    for answer in (OFFERED, DENIED):
        given(*SHOWN).when(offered, FIRST, answer, now=SIGNED_UP).then_nothing()
    given(*signed_up()).when(offered, FIRST, OFFERED, now=SIGNED_UP).then_nothing()
    given(*ASKED).when(offered, SECOND, OFFERED, now=SIGNED_UP).then_nothing()


# --- complete ---------------------------------------------------------------------------------


def test_the_first_token_makes_the_subscription_active() -> None:
    """The fact holds a reference and what may be shown, not the token."""
    active = given(*SHOWN).when(complete, GRANTED).then(vaulted())
    assert active.state.status is Status.ACTIVE
    assert active.state.token is not None
    assert active.state.token.token_ref == token_ref()
    assert "tok'" not in repr(active.facts)


def test_a_replacement_names_what_it_replaces() -> None:
    """And is used from then on."""
    shown = (*signed_up(), requested(2, at=DUE), approval_offered(2, at=DUE))
    after = (
        given(*shown)
        .when(completed, SECOND, GRANTED, token_ref=token_ref(2), now=DUE)
        .then(vaulted(2, at=DUE, replaces=1))
    )
    assert after.state.token is not None
    assert after.state.token.token_ref == token_ref(2)


def test_the_providers_time_counts() -> None:
    """Approved earlier than we looked."""
    earlier = Granted(token=GRANTED.token, instrument=CARD, at=SIGNED_UP - MINUTE)
    (fact,) = given(*SHOWN).when(complete, earlier).facts
    assert fact.effective_at == SIGNED_UP - MINUTE


def test_the_payer_may_say_no() -> None:
    """The request is closed; the subscription waits."""
    given(*SHOWN).when(complete, DENIED).then_types(TokenRefused)


def test_nobody_came() -> None:
    """Still open after its time: expired. Before that: wait."""
    end = SIGNED_UP + 3 * DAY
    given(*SHOWN).when(complete, StillOpen(), end).then(
        TokenRequestExpired(request_id=FIRST, reason="not approved in time", effective_at=end)
    )
    given(*SHOWN).when(complete, StillOpen(), end - MINUTE).then_nothing()


@pytest.mark.parametrize("answer", [TIME_OUT, NOT_DONE])
def test_a_doubt_about_an_approval_changes_nothing(answer: Any) -> None:
    """Not even after its time: the payer may have approved."""
    given(*SHOWN).when(complete, answer, SIGNED_UP + 9 * DAY).then_nothing()


def test_an_approval_told_again_is_quiet() -> None:
    """One token from one request, whoever tells it, and none after a cancellation."""
    for answer in (GRANTED, DENIED, StillOpen()):
        given(*signed_up()).when(complete, answer, SIGNED_UP + 9 * DAY).then_nothing()
    ended = given(*SHOWN, SubscriptionCancelled(reason="no", effective_at=SIGNED_UP))
    ended.when(complete, GRANTED).then_nothing()


# --- give up asking ---------------------------------------------------------------------------


def test_after_the_keys_window_the_request_is_made_anew() -> None:
    """The provider never answered: closed, and asked under another key."""
    end = SIGNED_UP + WINDOW
    silence = "the provider did not answer"
    given(*ASKED).when(give_up_asking, FIRST, now=end).then(
        TokenRequestExpired(request_id=FIRST, reason=silence, effective_at=end),
        requested(2, at=end, reason=silence, purpose=TokenPurpose.INITIAL),
    )


def test_giving_up_is_quiet_otherwise() -> None:
    """Within the window, with a page, for another request."""
    given(*ASKED).when(give_up_asking, FIRST, now=SIGNED_UP + WINDOW - MINUTE).then_nothing()
    given(*SHOWN).when(give_up_asking, FIRST, now=DUE).then_nothing()
    given(*ASKED).when(give_up_asking, SECOND, now=DUE).then_nothing()
