"""What PayPal's refusals mean."""

from __future__ import annotations

import json

import pytest

from domain.ports import Declined, Unknown
from domain.subscription.events import DeclineClass
from infrastructure.gateways.paypal.declines import (
    MEANING_OF,
    WORDS_OF,
    Meaning,
    judged,
    refusal_of,
)
from tests.gateways.paypal_bench import REFERENCE
from tests.gateways.paypal_canned import refused

ISSUE_CODES = REFERENCE / "derived" / "issue_codes.json"
MEANINGS = {
    "hard_decline": Meaning.HARD,
    "soft_decline": Meaning.SOFT,
    "payer_action": Meaning.PAYER_ACTION,
    "merchant_account": Meaning.MERCHANT,
    "merchant_bug": Meaning.MERCHANT,
    "state_conflict": Meaning.CONFLICT,
    "transient": Meaning.TRANSIENT,
}


def test_table_covers_every_issue_that_paypal_names() -> None:
    """Each issue of Orders, Payments and Vault has the meaning that the reference gives it."""
    if not ISSUE_CODES.is_file():
        pytest.skip("the reference material does not lie beside the project")
    listed = json.loads(ISSUE_CODES.read_text(encoding="utf-8"))["issues"]
    expected = {row["issue"]: MEANINGS[row["proposed_class"]] for row in listed}
    assert expected == MEANING_OF
    assert {row["api"] for row in listed} == {"orders_v2", "payments_v2", "vault_v3"}


def test_every_issue_of_refunds_voids_and_renewals_has_words() -> None:
    """What PayPal names for them is a denial in our words, or a doubt by the class it has."""
    if not ISSUE_CODES.is_file():
        pytest.skip("the reference material does not lie beside the project")
    listed = json.loads(ISSUE_CODES.read_text(encoding="utf-8"))["issues"]
    operations = {"captures.refund", "authorizations.void", "authorizations.reauthorize"}
    named = {
        row["issue"]
        for row in listed
        if row["api"] == "payments_v2" and operations & set(row["operations"])
    }
    assert len(named) > 30
    assert {issue for issue in named if issue not in WORDS_OF} == {"DUPLICATE_INVOICE_ID"}
    assert set(WORDS_OF) - set(MEANING_OF) == {"REFUND_CANCELLED", "REFUND_FAILED"}
    assert all(0 < len(words) <= 120 for words in WORDS_OF.values())


@pytest.mark.parametrize(
    ("issue", "decline"),
    [
        ("INSTRUMENT_DECLINED", DeclineClass.SOFT),
        ("PAYER_ACCOUNT_RESTRICTED", DeclineClass.SOFT),
        ("AGREEMENT_ALREADY_CANCELLED", DeclineClass.HARD),
        ("INVALID_VAULT_ID", DeclineClass.HARD),
        ("CARD_EXPIRED", DeclineClass.HARD),
        ("PAYER_ACTION_REQUIRED", DeclineClass.PAYER_ACTION),
        ("PAYEE_ACCOUNT_RESTRICTED", DeclineClass.MERCHANT),
        ("DECIMAL_PRECISION", DeclineClass.MERCHANT),
    ],
)
def test_known_issue_is_a_decline_of_its_class(issue: str, decline: DeclineClass) -> None:
    """A definite no carries PayPal's issue and words."""
    answer = judged(422, refusal_of(refused("UNPROCESSABLE_ENTITY", issue)))
    assert answer == Declined(decline=decline, code=issue, message=f"About {issue}.")


@pytest.mark.parametrize(
    ("status", "issues"),
    [
        (422, ("DUPLICATE_INVOICE_ID",)),
        (422, ("ORDER_ALREADY_CAPTURED",)),
        (422, ("AUTHORIZATION_ALREADY_CAPTURED",)),
        (422, ("ORDER_COMPLETION_IN_PROGRESS",)),
        (409, ("PREVIOUS_REQUEST_IN_PROGRESS",)),
        (409, ()),
        (422, ("AN_ISSUE_OF_NEXT_YEAR",)),
        (422, ("INSTRUMENT_DECLINED", "DUPLICATE_INVOICE_ID")),
        (422, ("INSTRUMENT_DECLINED", "AN_ISSUE_OF_NEXT_YEAR")),
        (422, ()),
    ],
)
def test_doubt_is_never_a_decline(status: int, issues: tuple[str, ...]) -> None:
    """State conflicts and issues that we do not know leave the outcome open."""
    answer = judged(status, refusal_of(refused("UNPROCESSABLE_ENTITY", *issues)))
    assert isinstance(answer, Unknown)


@pytest.mark.parametrize("issues", [(), ("MISSING_REQUIRED_PARAMETER",), ("NEW_SYNTAX_RULE",)])
def test_request_that_was_never_taken_up_is_our_fault(issues: tuple[str, ...]) -> None:
    """INVALID_REQUEST says that nothing was carried out, whatever the detail."""
    answer = judged(400, refusal_of(refused("INVALID_REQUEST", *issues)))
    assert isinstance(answer, Declined)
    assert answer.decline is DeclineClass.MERCHANT


@pytest.mark.parametrize(
    "body", [None, [], "text", {"details": "none"}, {"details": [1, None]}, {"details": [{}]}]
)
def test_body_of_another_shape_is_a_doubt(body: object) -> None:
    """An error body that we cannot read proves nothing, and does not fail."""
    assert isinstance(judged(422, refusal_of(body)), Unknown)


def test_message_is_cut() -> None:
    """PayPal's words are kept to 200 characters."""
    body = refused("UNPROCESSABLE_ENTITY", "INSTRUMENT_DECLINED")
    body["details"][0]["description"] = "x" * 500
    answer = judged(422, refusal_of(body))
    assert isinstance(answer, Declined)
    assert len(answer.message) == 200
