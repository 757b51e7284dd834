"""Every issue code that PayPal names, as an answer: the gateway does what its row says.

The codes are read from the reference material, which lies beside the project or not.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from domain.ports import Declined, NotDone, TokenDenied, Unknown
from domain.refund_ports import RefundDenied
from domain.subscription.events import DeclineClass
from infrastructure.gateways.paypal.issues import ISSUES, Issue, Meaning
from tests.gateways.paypal_bench import REFERENCE
from tests.gateways.paypal_canned import refused
from tests.gateways.test_paypal_charges import charged
from tests.gateways.test_paypal_refunds import refunded, shown
from tests.gateways.test_paypal_vault import requested

_FILE = REFERENCE / "derived" / "issue_codes.json"
_NAMES = {
    400: "INVALID_REQUEST",
    401: "AUTHENTICATION_FAILURE",
    403: "NOT_AUTHORIZED",
    404: "RESOURCE_NOT_FOUND",
    409: "RESOURCE_CONFLICT",
    422: "UNPROCESSABLE_ENTITY",
}
_DECLINES = {
    "hard_decline": DeclineClass.HARD,
    "soft_decline": DeclineClass.SOFT,
    "payer_action": DeclineClass.PAYER_ACTION,
    "merchant_account": DeclineClass.MERCHANT,
    "merchant_bug": DeclineClass.MERCHANT,
}
_DOUBTS = {"state_conflict": Meaning.CONFLICT, "transient": Meaning.TRANSIENT}


def _listed(*wanted: str) -> list[Any]:
    """(code, class, status) of each row of these APIs, once for each status that it comes with."""
    if not _FILE.is_file():
        missing = pytest.mark.skip(reason="the reference material does not lie beside the project")
        return [pytest.param("", "", 0, marks=missing, id="no-reference")]
    rows = json.loads(_FILE.read_text(encoding="utf-8"))["issues"]
    return sorted(
        {
            (row["issue"], row["proposed_class"], status)
            for row in rows
            for status in row["http"]
            if row["api"] in wanted or set(wanted) & set(row["operations"])
        }
    )


def _row(code: str, proposed: str) -> Issue:
    """The row of a code; its class is the one that the reference material gives it."""
    row = ISSUES[code]
    if proposed in _DOUBTS:
        assert row.meaning is _DOUBTS[proposed]
    else:
        assert row.meaning.name == _DECLINES[proposed].name
    return row


@pytest.mark.parametrize(
    ("code", "proposed", "status"), _listed("orders_v2", "payments_v2", "vault_v3")
)
def test_a_charge_is_answered_as_the_row_says(code: str, proposed: str, status: int) -> None:
    """A decline of the row's class under the code, or a doubt. Where our account may not do it at
    all (401, 403), nothing was done and nothing is declined."""
    row = _row(code, proposed)
    answer = charged(refused(_NAMES[status], code), status)
    if status in (401, 403) and row.meaning is Meaning.MERCHANT:
        assert isinstance(answer, NotDone)
        assert code in answer.reason or status == 401
    elif proposed in _DOUBTS:
        assert isinstance(answer, Unknown)
    else:
        assert isinstance(answer, Declined)
        assert (answer.decline, answer.code) == (_DECLINES[proposed], code)
    assert row.words.endswith(".")
    assert row.words[0].isupper()
    assert 10 < len(row.words) <= 80


@pytest.mark.parametrize(("code", "proposed", "status"), _listed("captures.refund"))
def test_a_refund_is_answered_by_the_row(code: str, proposed: str, status: int) -> None:
    """Denied in the row's words once no earlier sending shows; or a doubt; or not done."""
    row = _row(code, proposed)
    answer, _ = refunded(refused(_NAMES[status], code), status, shown(status="COMPLETED"))
    if status in (401, 403):
        assert isinstance(answer, NotDone)
    elif code == "DUPLICATE_INVOICE_ID" or row.meaning is Meaning.TRANSIENT:
        assert isinstance(answer, Unknown)
    else:
        assert answer == RefundDenied(code=code, message=row.words)


@pytest.mark.parametrize(("code", "proposed", "status"), _listed("vault_v3"))
def test_a_token_request_is_answered_by_the_row(code: str, proposed: str, status: int) -> None:
    """Denied, or a doubt, or not done."""
    row = _row(code, proposed)
    answer = requested((status, refused(_NAMES[status], code)))
    if status in (401, 403):
        assert isinstance(answer, NotDone)
    elif row.meaning in (Meaning.CONFLICT, Meaning.TRANSIENT):
        assert isinstance(answer, Unknown)
    else:
        assert isinstance(answer, TokenDenied)
        assert answer.code == code


def test_no_row_is_made_up() -> None:
    """Every row is a code of the reference material, and each stands there once."""
    listed = _listed("orders_v2", "payments_v2", "vault_v3")
    if not _FILE.is_file():
        pytest.skip("the reference material does not lie beside the project")
    assert {code for code, *_ in listed} == set(ISSUES)
    assert len(ISSUES) == 266


@pytest.mark.parametrize("code", ["CONSENT_NEEDED", "CARD_EXPIRED", "INSTRUMENT_DECLINED"])
def test_a_403_about_the_payer_is_a_decline(code: str) -> None:
    """Whatever the status: it is the payer's to put right, and waits for nobody else."""
    answer = charged(refused("NOT_AUTHORIZED", code), 403)
    assert isinstance(answer, Declined)
    assert answer.decline.name == ISSUES[code].meaning.name


@pytest.mark.parametrize(
    "codes",
    [(), ("PERMISSION_DENIED",), ("INVENTED_YESTERDAY",), ("CONSENT_NEEDED", "INVENTED_YESTERDAY")],
)
def test_any_other_403_is_not_done(codes: tuple[str, ...]) -> None:
    """Our account, or a word that we do not know: nothing was done, and nothing is declined."""
    assert isinstance(charged(refused("NOT_AUTHORIZED", *codes), 403), NotDone)


def test_a_403_that_speaks_of_state_is_not_done() -> None:
    """It was refused before anything was looked at."""
    assert isinstance(charged(refused("NOT_AUTHORIZED", "DUPLICATE_INVOICE_ID"), 403), NotDone)
