"""What the simulated Dintero refuses, and that its own answers fit the specification."""

from __future__ import annotations

from typing import Any

import pytest

from infrastructure.simulators.dintero.specification import specification
from infrastructure.simulators.faults import Fault
from tests.gateways.dintero_bench import SPECIFICATION
from tests.simulators.dintero_client import (
    STRICT,
    Merchant,
    as_merchant,
    strike,
)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("session", "order", "amount"), "29990"),
        (("session", "order", "amount"), 0),
        (("session", "order", "amount"), 2**31),
        (("session", "order", "currency"), "NOPE"),
        (("session", "order", "merchant_reference"), ""),
        (("session", "customer", "email"), ""),
        (("session", "customer", "tokens"), {}),
        (("session", "metadata"), {"attempt": "1"}),
        (("payment", "operation"), "purchase"),
        (("payment", "payment_product_type"), "payex.swish"),
    ],
)
@pytest.mark.parametrize("strict", [False, True])
def test_malformed_charges_are_refused(place: tuple[str, ...], value: Any, strict: bool) -> None:
    """400 in Dintero's form, at either level, and nothing in the book."""
    if strict and not SPECIFICATION.exists():
        pytest.skip("Dintero's specification is not beside this checkout")

    async def test(merchant: Merchant) -> None:
        body = merchant.body(await merchant.token(), "r-1")
        spot = body
        for name in place[:-1]:
            spot = spot[name]
        spot[place[-1]] = value
        status, refused = await merchant.call("POST", "/v1/sessions/pay", body)
        assert status == 400
        assert refused["error"]["message"]
        assert len(merchant.served.controls.book) == 0

    as_merchant(test, specification=SPECIFICATION if strict else None)


def test_strict_level_knows_every_field_and_repeats_no_value() -> None:
    """A callback_url at the wrong level is refused; a token of a wrong type is not repeated."""
    if not SPECIFICATION.exists():
        pytest.skip("Dintero's specification is not beside this checkout")

    async def test(merchant: Merchant) -> None:
        token = await merchant.token()
        misplaced = merchant.body(token, "r-1") | {"callback_url": "https://merchant.example"}
        status, refused = await merchant.call("POST", "/v1/sessions/pay", misplaced)
        assert status == 400
        assert "/callback_url is not a field" in refused["error"]["message"]
        wrong = merchant.body(token, "r-1")
        wrong["session"]["customer"]["tokens"] = [token]
        _, refused = await merchant.call("POST", "/v1/sessions/pay", wrong)
        assert token not in str(refused)

    as_merchant(test, specification=SPECIFICATION)


def test_answers_fit_the_specification() -> None:
    """What the simulator answers passes Dintero's own schemas, in the form of their time."""
    if not SPECIFICATION.exists():
        pytest.skip("Dintero's specification is not beside this checkout")
    specified = specification(SPECIFICATION)

    # The file wants a return_url of every session it shows, and takes none for /sessions/pay.
    contradiction = "session/url breaks required ['return_url']"

    def fits(path: str, method: str, status: int, body: Any) -> None:
        problems = specified.response_problems(path, method, status, body)
        assert [each for each in problems if each != contradiction] == []

    async def test(merchant: Merchant) -> None:
        session_id = await merchant.opened()
        fits(
            "/sessions/{session_id}",
            "get",
            *await merchant.call("GET", f"/v1/sessions/{session_id}"),
        )
        token = await merchant.token("token-2")
        strike(merchant, "charge", Fault.SOFT_DECLINE, "r-0")
        fits("/sessions/pay", "post", *await merchant.pay(token, "r-0"))
        _, reserved = await merchant.pay(token, "r-1", auto_capture=False)
        path = f"/v1/transactions/{reserved['id']}"
        fits(
            "/transactions/{id}/capture",
            "post",
            *await merchant.call("POST", f"{path}/capture", {"amount": 29990}),
        )
        fits("/transactions/{id}", "get", *await merchant.call("GET", f"{path}?includes=session"))
        fits("/transactions", "get", *await merchant.call("GET", "/v1/transactions"))
        fits("/sessions/pay", "post", *await merchant.pay(token, "r-1", STRICT))

    as_merchant(test, legacy_errors=True)


def test_unknown_things_are_404() -> None:
    """Ids that are not there, or not of this account."""

    async def test(merchant: Merchant) -> None:
        await merchant.token()
        for path in (
            "/v1/sessions/T12345678.c00000000000f",
            "/v1/sessions/T12345678.p000000000001",
            "/v1/sessions/nonsense",
            "/v1/transactions/T12345678.t00000000000f",
            "/v1/transactions/T12345678.c000000000001",
            "/v1/transactions/P12345678.t000000000001",
        ):
            assert (await merchant.call("GET", path))[0] == 404, path

    as_merchant(test)
