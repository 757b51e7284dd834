"""The errors with which the simulated Dintero and its issuers refuse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infrastructure.simulators.dintero.tables import iso
from infrastructure.simulators.faults import Fault

_DAY = 24 * 3600 * 1_000_000  # microseconds
DECLINES = frozenset({Fault.SOFT_DECLINE, Fault.HARD_DECLINE, Fault.PAYER_ACTION})

# Swedbank Pay's sandbox: these amounts (minor units) are refused, whatever the card.
MAGIC_AMOUNTS: dict[int, str] = {
    900305: "MONTHLY_LIMIT_EXCEEDED",
    900313: "REJECTED_BY_ACQUIRER_INVALID_AMOUNT",
    900343: "REJECTED_BY_ACQUIRER_CARD_STOLEN",
    900354: "REJECTED_BY_ACQUIRER_CARD_EXPIRED",
    900359: "REJECTED_BY_ACQUIRER_POSSIBLE_FRAUD",
    900361: "REJECTED_BY_ACQUIRER_INSUFFICIENT_FUNDS",
}


def issuer_error(fault: Fault, at: int, *, legacy: bool) -> Mapping[str, Any]:
    """Why an issuer declines.

    at: microseconds since 1970. legacy: `type` as one string with the words used until 2025-09,
    and no retry policy; else an array of the words used since.
    """
    if fault is Fault.HARD_DECLINE:
        return _error("Closed account", "CLOSED_ACCOUNT", "DO_NOT_RETRY", "46", legacy, never=True)
    if fault is Fault.PAYER_ACTION:
        types = ("ADDITIONAL_VERIFICATION_REQUIRED", "MODIFICATIONS_REQUIRED")
        return _error("Additional customer authentication required", *types, "1A", legacy)
    types = ("INSUFFICIENT_FUNDS", "REJECTED_BY_ACQUIRER_INSUFFICIENT_FUNDS")
    return _error("Insufficient funds", *types, "51", legacy, after=iso(at + _DAY))


def _error(
    message: str,
    kind: str,
    legacy_kind: str,
    result_code: str,
    legacy: bool,
    *,
    never: bool = False,
    after: str = "",
) -> Mapping[str, Any]:
    if legacy:
        return {"code": "AUTHORIZATION_FAILED", "message": message, "type": legacy_kind}
    error: dict[str, Any] = {
        "code": "AUTHORIZATION_FAILED",
        "message": message,
        "type": [kind],
        "result_code": result_code,
    }
    if never:
        error["retry_policy"] = {"retry_codes": ["DO_NOT_RETRY"]}
    if after:
        error["retry_policy"] = {"retry_codes": ["RETRY_AFTER_DELAY"], "retry_after": after}
    return error


def named_error(kind: str) -> Mapping[str, Any]:
    """A refusal with one type and nothing else."""
    words = kind.replace("_", " ").capitalize()
    return {"code": "AUTHORIZATION_FAILED", "message": words, "type": kind}


def operation_error(name: str, *, legacy: bool) -> Mapping[str, Any]:
    """Why a capture, refund or void failed that was allowed. name: CAPTURE, REFUND or VOID."""
    words = f"The {name.lower()} was refused by the acquirer"
    return {
        "code": f"{name}_FAILED",
        "message": words,
        "type": "REJECTED_BY_ACQUIRER" if legacy else ["DECLINED"],
    }


class Refused(Exception):
    """An HTTP error in Dintero's form. code: not documented; do not build on it."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {"error": {"message": message}}
        if code:
            self.body["error"]["code"] = code
