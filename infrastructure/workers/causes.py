"""What the facts after a call name as their cause."""

from __future__ import annotations

from domain.processes.steps import (
    AskToken,
    Call,
    DeleteToken,
    LookUp,
    LookUpDispute,
    LookUpRefund,
    LookUpToken,
    SeeToken,
    SendCapture,
    SendCharge,
    SendRefund,
    SendRenewal,
    SendVoid,
)


def cause_of(call: Call) -> str:
    """As Stamp.cause has it."""
    match call:
        case AskToken() | SeeToken():
            return "answer:token"
        case SendCharge():
            return "answer:charge"
        case SendCapture():
            return "answer:capture"
        case SendRenewal():
            return "answer:reauthorize"
        case SendVoid():
            return "answer:void"
        case SendRefund():
            return "answer:refund"
        case DeleteToken():
            return "answer:delete-token"
        case LookUp() | LookUpRefund() | LookUpToken():
            evidence = call.evidence
            return f"answer:{evidence}"
        case LookUpDispute(evidence=evidence):
            return f"answer:{evidence}"
