"""Callbacks of the simulated Dintero: which are due, what they say, how they are signed.

The options lie in the merchant's own callback URL: method=POST, report_error=true,
report_event=CAPTURE, sid_parameter_name=sid. Without report_error a failure stays silent.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from urllib.parse import parse_qsl, quote_plus, urlsplit, urlunsplit

import msgspec

from domain.ports import Secret
from infrastructure.simulators.clock import SimulatorClock
from infrastructure.simulators.deliveries import Build, Outgoing
from infrastructure.simulators.dintero.rendering import transaction_json
from infrastructure.simulators.dintero.tables import Checkout, Tables, Transaction, iso

_FORGED = "0" * 64


class Notices:
    """Builds callbacks. secret: None leaves them unsigned, as for an account without a secret."""

    def __init__(self, tables: Tables, clock: SimulatorClock, secret: Secret | None) -> None:
        self._tables = tables
        self._clock = clock
        self._secret = secret
        self._sent = 0

    def about(
        self, transaction: Transaction, *, error: str = "", event: str = "", event_id: str = ""
    ) -> Build | None:
        """A callback about a transaction, or None where the merchant did not ask for it."""
        wanted = _options(transaction.callback_url)
        if (error and ("report_error", "true") not in wanted) or (
            event and ("report_event", event) not in wanted
        ):
            return None
        facts = {
            "transaction_id": self._tables.transaction_id(transaction),
            "session_id": self._tables.session_id(transaction),
            "merchant_reference": transaction.reference,
            "time": iso(transaction.created_at),
            "error": error,
            "event": event,
            "event_id": event_id,
        }
        posted = ("method", "POST") in wanted

        def body() -> bytes:
            if not posted:
                return b""
            return msgspec.json.encode(transaction_json(self._tables, transaction))

        return self._built(transaction.callback_url, wanted, facts, body)

    def cancelled(self, checkout: Checkout) -> Build | None:
        """A callback about a payer who turned back: there is no transaction to name."""
        wanted = _options(checkout.callback_url)
        if ("report_error", "true") not in wanted:
            return None
        facts = {
            "session_id": self._tables.checkout_id(checkout),
            "merchant_reference": checkout.reference,
            "time": iso(checkout.cancelled_at),
            "error": "cancelled",
        }
        return self._built(checkout.callback_url, wanted, facts, lambda: b"")

    def _built(
        self,
        callback_url: str,
        wanted: list[tuple[str, str]],
        facts: dict[str, str],
        body: Callable[[], bytes],
    ) -> Build | None:
        if not callback_url:
            return None
        if ("sid_parameter_name", "sid") in wanted:
            facts["sid"] = facts.pop("session_id")
        pairs = [*wanted, *((name, value) for name, value in facts.items() if value)]
        query = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs)
        url = urlunsplit(urlsplit(callback_url)._replace(query=query))
        method = "POST" if ("method", "POST") in wanted else "GET"
        self._sent += 1
        delivery = f"{self._tables.account_id}-{self._sent:012x}"

        def build(forged: bool) -> Outgoing:
            headers = {"event-delivery": delivery, "Content-Type": "application/json"}
            if self._secret is not None:
                headers["Dintero-Signature"] = self._signature(method, url, forged)
            return Outgoing(method=method, url=url, headers=headers, body=body())

        return build

    def _signature(self, method: str, url: str, forged: bool) -> str:
        """Written apart from the gateway's own, so that one checks the other."""
        assert self._secret is not None
        at = int(self._clock.now().timestamp())
        parts = urlsplit(url)
        pairs = sorted(_options(url), key=lambda pair: pair[0])
        query = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs)
        account = self._tables.account_id
        text = f"{at}\n{account}\n{method}\n{parts.hostname}\n{parts.path}\n{query}"
        key = self._secret.reveal().encode()
        digest = _FORGED if forged else hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        return f"t={at},v0-hmac-sha256={digest}"


def _options(url: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(url).query, keep_blank_values=True)
