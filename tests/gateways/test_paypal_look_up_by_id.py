"""Looking up a charge by the ids that we know: captures, authorisations, orders."""

from __future__ import annotations

from uuid import uuid5

import pytest

from domain.ports import Authorized, Unknown
from tests.gateways.bench import NAMESPACE
from tests.gateways.paypal_canned import authorization, capture, order, refused
from tests.gateways.test_paypal_look_up import AUTHORIZATIONS, CAPTURED, CAPTURES, looked_up


def test_known_capture_is_read_without_the_report() -> None:
    """An id that came with a pending answer is all that is needed."""
    answer, canned = looked_up(
        {("GET", CAPTURES + "3C679366HH908993F"): (200, capture())},
        provider_ref="3C679366HH908993F",
    )
    assert (answer, len(canned.requests)) == (CAPTURED, 1)


def test_known_id_may_be_of_an_authorisation_or_an_order() -> None:
    """An unknown outcome's id is tried as each kind that gives one."""
    answer, _ = looked_up(
        {("GET", AUTHORIZATIONS + "0AW2184448108334S"): (200, authorization())},
        provider_ref="0AW2184448108334S",
    )
    assert isinstance(answer, Authorized)
    answer, _ = looked_up(
        {("GET", "/v2/checkout/orders/5O190127TN364715T"): (200, order(captures=[capture()]))},
        provider_ref="5O190127TN364715T",
    )
    assert answer == CAPTURED


@pytest.mark.parametrize("status", [400, 422, 500])
def test_unreadable_resource_is_not_an_absent_one(status: int) -> None:
    """Only a 404 says that there is no such thing; other errors do not lead on to "not found"."""
    answer, canned = looked_up(
        {("GET", CAPTURES + "3C679366HH908993F"): (status, refused("SOMETHING"))},
        provider_ref="3C679366HH908993F",
    )
    assert (type(answer), len(canned.requests)) == (Unknown, 1)


@pytest.mark.parametrize("order_ref", ["", "5O190127TN364715T"])
def test_captured_authorisation_leads_to_its_capture(order_ref: str) -> None:
    """The authorisation says that it was captured; its order says as what."""
    answer, _ = looked_up(
        {
            ("GET", AUTHORIZATIONS + "0AW2184448108334S"): (200, authorization(status="CAPTURED")),
            ("GET", "/v2/checkout/orders/5O190127TN364715T"): (
                200,
                order(authorizations=[authorization(status="CAPTURED")], captures=[capture()]),
            ),
        },
        authorization_ref="0AW2184448108334S",
        order_ref=order_ref,
        capture_id=uuid5(NAMESPACE, "capture"),
    )
    assert answer == CAPTURED


def test_id_that_a_look_told_is_asked_for_by_what_it_is() -> None:
    """The authorisation's id, told again by a look, keeps the order that goes with it."""
    bare = authorization(status="CAPTURED", supplementary_data={})
    answer, canned = looked_up(
        {
            ("GET", AUTHORIZATIONS + "0AW2184448108334S"): (200, bare),
            ("GET", "/v2/checkout/orders/5O190127TN364715T"): (200, order(captures=[capture()])),
        },
        provider_ref="0AW2184448108334S",
        authorization_ref="0AW2184448108334S",
        order_ref="5O190127TN364715T",
    )
    assert (answer, len(canned.requests)) == (CAPTURED, 2)


def test_captured_authorisation_whose_order_hides_the_capture_is_a_doubt() -> None:
    """Captured, but nobody says for how much: not "authorised", not "not found"."""
    answer, _ = looked_up(
        {("GET", AUTHORIZATIONS + "0AW2184448108334S"): (200, authorization(status="CAPTURED"))},
        authorization_ref="0AW2184448108334S",
    )
    assert isinstance(answer, Unknown)
