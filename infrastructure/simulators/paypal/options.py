"""How a PayPal simulator is set up."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Literal

import attrs

from infrastructure.simulators.faults import FaultPlan


@attrs.frozen(kw_only=True)
class PayPalOptions:
    """Everything a simulated merchant account is.

    validation: "strict" checks bodies against PayPal's OpenAPI files in `specs` as well; "basic"
        only checks what PayPal would refuse a charge or a token request for.
    specs: folder with vault_payment_tokens_v3.json, checkout_orders_v2.json, ...
    book: JSONL file to which the book is appended, or None.
    webhook_url: where webhooks go at first; "" for nowhere. `POST /_webhooks` changes it.
    names_setup_token: an event about a payment token links to the setup token that it was made
        from. PayPal's documents show no such link and do not rule it out.
    webhook_tries: how often a webhook is sent to a listener that does not answer 2xx; PayPal's 25
        go over three days, these follow each other after webhook_pause_s seconds (real time).
    work_s: seconds (real time) that a keyed request takes after it was carried out; a second one
        under its key meanwhile gets 409.
    report_delay: how late the transaction search is. report_limit: rows one search may find.
    fee_permille: what PayPal keeps of a capture; refunds and reversals give none of it back.
    transfers: whether what lies in the account at the end of each day (UTC) goes to the bank.
    tag: four letters or digits in every id, so that two simulators' ids differ.
    """

    client_id: str = "simulated-client"
    client_secret: str = "simulated-secret"  # noqa: S105 - there is nothing behind it
    webhook_url: str = ""
    webhook_id: str = "WH-SIMULATED"
    faults: FaultPlan = attrs.field(factory=FaultPlan.none)
    validation: Literal["strict", "basic"] = "basic"
    specs: Path | None = None
    book: Path | None = None
    report_delay: timedelta = timedelta(hours=3)
    report_limit: int = 10_000
    fee_permille: int = 0
    transfers: bool = False
    names_setup_token: bool = False
    webhook_tries: int = 25
    webhook_pause_s: float = 0.2
    work_s: float = 0.0
    token_life_s: int = 32_400
    tag: str = attrs.field(default="SIM1", validator=attrs.validators.matches_re("[A-Z0-9]{4}"))

    def __attrs_post_init__(self) -> None:
        if self.validation == "strict" and self.specs is None:
            raise ValueError('validation="strict" needs the folder of the OpenAPI files')
