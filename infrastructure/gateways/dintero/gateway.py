"""The Gateway port for one Dintero account.

Dintero has no idempotency keys. What stands in their place: a merchant reference of its own for
every attempt, sent with `strict-merchant-reference`, so that a second sending is refused. Each
method sends at most one POST and never repeats it; reads may precede or follow.

`strict-session-amounts` is sent where a payer pays on a page; /sessions/pay does not list it, and
a session that makes a token alone has no amount. What each answer means is in transactions.py,
declines.py and tokens.py.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from urllib.parse import quote

import httpx

from domain.dispute_ports import DisputeAnswer
from domain.ports import (
    Authorized,
    CaptureOrder,
    ChargeAnswer,
    ChargeOrder,
    ChargeQuery,
    Declined,
    Hint,
    LookUpAnswer,
    NotDone,
    NotFound,
    Offered,
    RawCallback,
    Secret,
    TokenAnswer,
    TokenDenied,
    TokenGone,
    TokenHeld,
    TokenOfferAnswer,
    TokenOrder,
    TokenQuery,
    Unknown,
)
from domain.refund_ports import (
    RefundAnswer,
    RefundLookUpAnswer,
    RefundOrder,
    RefundQuery,
    VoidAnswer,
    VoidOrder,
)
from domain.subscription.events import DeclineClass, Instrument
from infrastructure.gateways.dintero import giving_back, requests, signature, webhooks
from infrastructure.gateways.dintero.account import DinteroAccount
from infrastructure.gateways.dintero.callbacks import hint_of
from infrastructure.gateways.dintero.calls import (
    DinteroCalls,
    accepted,
    http_error,
    ours_to_mend,
    without_reply,
)
from infrastructure.gateways.dintero.declines import instant
from infrastructure.gateways.dintero.tokens import (
    TOKEN_INCLUDES,
    page_unpaid,
    reference_of,
    sessions_with,
    token_of,
    without_transaction,
)
from infrastructure.gateways.dintero.traces import capture_standing
from infrastructure.gateways.dintero.transactions import (
    TransactionAnswer,
    answer_to_charge,
    judged,
    rows,
    standing,
    table,
    text,
    together,
)
from infrastructure.gateways.exchange import NotSent, Reply
from infrastructure.gateways.http import HttpPolicy


class DinteroGateway:
    """One Dintero account. See the port's docstrings for what every method promises.

    now: UTC clock, for access tokens and the life of token pages.
    transport: another httpx transport, for tests. policy: limits of its calls.
    digest: of a token's name, as the token vault makes it; without it no notice finds its token.
    """

    def __init__(
        self,
        account: DinteroAccount,
        *,
        now: Callable[[], datetime],
        transport: httpx.AsyncBaseTransport | None = None,
        policy: HttpPolicy | None = None,
        digest: Callable[[str], bytes] = lambda _: b"",
    ) -> None:
        self._account = account
        self._digest = digest
        self._now = now
        self._calls = DinteroCalls(account, now=now, transport=transport, policy=policy)

    async def request_token(self, order: TokenOrder) -> TokenOfferAnswer:
        """A page where the payer enters a card, and pays where the order says so.

        Without keys, a repeat finds the first page by its reference. Should two pages be made in
        a race, only the recorded one is ever shown to the payer. Where the page takes a payment,
        the caller has it made once only, and then has it looked for.
        """
        reference, first = requests.page_reference(order), order.first
        listed = await self._calls.sessions(reference)
        if isinstance(listed, Reply):
            for session in sessions_with(listed, reference):
                return self._offered_before(session)
            if first is not None and listed.status != 200:
                return NotDone(reason=f"HTTP {listed.status} for the sessions")
        elif not (isinstance(listed, NotSent) and listed.status == 403):
            # Nothing was asked yet. An account that may not list sessions is let through.
            wait = listed.retry_after_s if isinstance(listed, NotSent) else None
            return NotDone(reason=f"{listed.reason} for the sessions", retry_after_s=wait)
        if order.only_look:
            return NotDone(reason="no session bears the reference")
        if first is not None and not 0 < first.amount.minor <= requests.LARGEST_AMOUNT:
            words = f"{first.amount} does not fit an int32"
            return TokenDenied(code="AMOUNT_OUT_OF_RANGE", message=words)
        return await self._page_made(order, reference)

    async def _page_made(self, order: TokenOrder, reference: str) -> TokenOfferAnswer:
        expires_at = self._now() + self._account.page_life
        if order.first is None:
            body = requests.token_session(self._account, order, expires_at)
            exchange = await self._calls.make_token_session(body, reference)
        else:
            body = requests.first_payment_session(self._account, order, order.first, expires_at)
            exchange = await self._calls.make_payment_session(body, reference)
        if not isinstance(exchange, Reply):
            return without_reply(exchange)
        if exchange.status == 409 and order.first is not None:
            return Unknown(reason="HTTP 409: the reference may have been used before")
        if exchange.status >= 400:
            code, words = http_error(exchange)
            return TokenDenied(code=code, message=words)
        ref, url = text(table(exchange.data).get("id")), text(table(exchange.data).get("url"))
        if not ref or not url.startswith(("https://", "http://")):
            return Unknown(reason=f"HTTP {exchange.status} without a session and its page")
        return Offered(provider_ref=ref, approve_url=url, expires_at=expires_at)

    async def complete_token(self, query: TokenQuery) -> TokenAnswer:
        """See how the session stands; take the token of its transaction, asking for it by name."""
        seen = await self._calls.session(query.provider_ref)
        if not isinstance(seen, Reply):
            return without_reply(seen)
        if seen.status == 404:
            return TokenDenied(code="gone", message="Dintero knows the session no more")
        if seen.status != 200:
            return Unknown(reason=f"HTTP {seen.status} for the session")
        reference = query.reference or requests.token_reference(query.request_id)
        if reference_of(seen.data) not in ("", reference):
            return Unknown(reason="the session is another request's")
        transaction_id = text(table(seen.data).get("transaction_id"))
        if not transaction_id:
            return without_transaction(seen.data, self._now())
        shown = await self._calls.transaction(transaction_id, *TOKEN_INCLUDES)
        if not isinstance(shown, Reply):
            return without_reply(shown)
        if shown.status != 200:
            return Unknown(reason=f"HTTP {shown.status} for the session's transaction")
        return token_of(self._account, shown.data, paid=bool(query.reference))

    async def charge(self, order: ChargeOrder) -> ChargeAnswer:
        """Create and pay a session with the stored token; nobody is present.

        order.amount: minor units, as Dintero takes them, int32.
        A 200 may be a refusal: its transaction's status decides. A 4xx may mean that the
        reference was used before, by a sending whose answer we never saw: see `_refused`.
        """
        token = requests.stored_token(order.token)
        if token is None:
            return ours_to_mend("TOKEN_UNREADABLE", "the stored token is not one of Dintero's")
        if not 0 < order.amount.minor <= requests.LARGEST_AMOUNT:
            return ours_to_mend("AMOUNT_OUT_OF_RANGE", f"{order.amount} does not fit an int32")
        body = requests.pay_session(self._account, order, token)
        exchange = await self._calls.pay(body, order.reference)
        if not isinstance(exchange, Reply):
            return without_reply(exchange)
        if exchange.status >= 400:
            return await self._refused(order, exchange)
        if exchange.status != 200:
            return Unknown(reason=accepted(exchange))
        return judged(
            exchange,
            order.reference,
            lambda found: answer_to_charge(found, order.capture, self._now()),
        )

    async def capture(self, order: CaptureOrder) -> ChargeAnswer:
        """Capture an authorisation or a part of it, under the capture id as its reference.

        Dintero never captures more than was authorised, so a second capture in full is refused,
        and the transaction then tells about the first. A part fits in twice: it is asked for
        once, as everything here, and looked up after a doubt. A 200 is checked by its events.
        """
        ref = order.authorization_ref
        exchange = await self._calls.capture(
            ref, requests.capture_body(self._account, order), str(order.capture_id)
        )
        if not isinstance(exchange, Reply):
            return without_reply(exchange, ref)
        if exchange.status != 200 and exchange.status < 400:
            return Unknown(reason=accepted(exchange), provider_ref=ref)
        shown = exchange if exchange.status == 200 else await self._calls.transaction(ref)
        if not isinstance(shown, Reply) or shown.status != 200:
            return Unknown(reason=f"HTTP {exchange.status}", provider_ref=ref)
        answer = judged(
            shown,
            order.reference,
            lambda found: capture_standing(found, order.capture_id, self._now()),
        )
        if not isinstance(answer, Authorized):
            return answer
        if exchange.status in (200, 409):
            reason = f"HTTP {exchange.status}, and no capture shows"
            return Unknown(reason=reason, provider_ref=ref)
        return ours_to_mend(*http_error(exchange), provider_ref=ref)

    async def look_up(self, query: ChargeQuery) -> LookUpAnswer:
        """What became of an attempt, by its transaction or else by its reference. Only reads."""
        known = query.authorization_ref or query.provider_ref
        if known:
            return await self._look_at(known, query)
        listed = await self._calls.transactions(query.reference)
        if not isinstance(listed, Reply):
            return without_reply(listed)
        if listed.status != 200 or not isinstance(listed.data, list):
            return Unknown(reason=f"HTTP {listed.status} for the search")
        answers: list[TransactionAnswer] = []
        for found in rows(listed.data):
            if found.get("merchant_reference") == query.reference:
                answer = await self._look_at(text(found.get("id")), query)
                if isinstance(answer, NotDone):
                    return answer
                answers.append(answer)
        return together(answers) if answers else await self._look_for_session(query)

    async def reauthorize(self, order: CaptureOrder) -> ChargeAnswer:
        """Dintero renews no authorisation; POST .../authorization raises an amount, no more."""
        words = "Dintero renews no authorisation"
        return ours_to_mend("REAUTHORIZATION_NOT_OFFERED", words, order.authorization_ref)

    async def refund(self, order: RefundOrder) -> RefundAnswer:
        """Give back what was captured, in part or in full; see giving_back.py."""
        return await giving_back.refund(self._calls, order, self._now())

    async def look_up_refund(self, query: RefundQuery) -> RefundLookUpAnswer:
        """What became of a refund, by its reference or by the request that began it. Only reads."""
        return await giving_back.look_up_refund(self._calls, query)

    async def look_up_dispute(self, dispute_ref: str) -> DisputeAnswer:
        """Dintero has no such thing: what was taken back is learned from a settlement, by a
        person."""
        return NotFound(finding=f"Dintero shows no dispute {dispute_ref[:40]}")

    async def void(self, order: VoidOrder) -> VoidAnswer:
        """Let go of a reservation; safe to repeat."""
        return await giving_back.void(self._calls, order, self._now())

    async def delete_token(
        self,
        token: Secret,  # noqa: ARG002 - the port's; Dintero is told the token's id
        instrument: Instrument,
    ) -> TokenGone | Unknown | NotDone:
        """Make Dintero forget a stored card. It is named by its id; the token is not sent."""
        return await giving_back.delete_token(self._calls, instrument)

    async def look_up_token(
        self,
        token: Secret,  # noqa: ARG002 - the port's; Dintero is asked by the token's id
        instrument: Instrument,
    ) -> TokenGone | TokenHeld | Unknown | NotDone:
        """See whether Dintero still holds a card of which it said that it has ended."""
        return await giving_back.look_up_token(self._calls, instrument)

    async def verify(self, callback: RawCallback) -> Hint:
        """Check the signature, and its age at the moment the callback came in; of a webhook of
        the account, the signature alone, for that bears no time.

        Counted from `received_at`, not from now, so that one that waited in the inbox is not
        refused for our own delay. An account's webhook is signed otherwise, and has no age: see
        webhooks.py. Raises: CallbackRejected.
        """
        account = self._account
        if webhooks.is_webhook(callback) and signature.HEADER.lower() not in callback.headers:
            said = webhooks.told(account.webhook_secret, account.account_id, callback)
            return webhooks.hint_of(said, self._digest)
        at = callback.received_at
        signature.check(account.signature_secret, account.account_id, callback, at)
        return hint_of(callback)

    async def close(self) -> None:
        """Let go of connections."""
        await self._calls.close()

    def _offered_before(self, session: dict[str, object]) -> Offered:
        """A page that an earlier call made; its address is built as Dintero's own web SDK does."""
        ref = text(session.get("id"))
        return Offered(
            provider_ref=ref,
            approve_url=f"{self._account.base_url}/v1/view/{quote(ref, safe='')}",
            expires_at=instant(session.get("expires_at")),
        )

    async def _refused(self, order: ChargeOrder, reply: Reply) -> ChargeAnswer:
        """A 4xx to a charge. Dintero names no code for a reference that was used before, so the
        refusal is ours only once Dintero shows no session that bears the reference: then nothing
        was ever made under it. Else it is a doubt, for a look-up to resolve."""
        listed = await self._calls.sessions(order.reference)
        shown = isinstance(listed, Reply) and listed.status == 200
        if reply.status == 409 or not shown or sessions_with(listed, order.reference):
            return Unknown(reason=f"HTTP {reply.status}: the reference may have been used before")
        if await giving_back.token_has_ended(self._calls, order.instrument):
            words = "Dintero has deleted the token"
            return Declined(decline=DeclineClass.HARD, code="TOKEN_DELETED", message=words)
        return ours_to_mend(*http_error(reply))

    async def _look_at(
        self, transaction_id: str, query: ChargeQuery
    ) -> TransactionAnswer | NotDone:
        shown = await self._calls.transaction(transaction_id, "session")
        if not isinstance(shown, Reply):
            return without_reply(shown, transaction_id)
        if shown.status != 200:
            reason = f"HTTP {shown.status} for the transaction"
            return Unknown(reason=reason, provider_ref=transaction_id)
        capture_id = query.capture_id
        if capture_id is None:
            return judged(shown, query.reference, lambda found: standing(found, query.now))
        return judged(
            shown, query.reference, lambda found: capture_standing(found, capture_id, query.now)
        )

    async def _look_for_session(self, query: ChargeQuery) -> LookUpAnswer:
        """No transaction bears the reference: is a session of it still at work?"""
        if query.order_ref:
            return await self._look_at_page(query)
        listed = await self._calls.sessions(query.reference)
        # Who may not list sessions is left with what the list of transactions shows.
        forbidden = isinstance(listed, NotSent) and listed.status == 403 and not listed.no_access
        if not isinstance(listed, Reply) and not forbidden:
            return without_reply(listed)
        if isinstance(listed, Reply) and listed.status != 200:
            return Unknown(reason=f"no transaction, and HTTP {listed.status} for the sessions")
        for session in sessions_with(listed, query.reference):
            if transaction_id := text(session.get("transaction_id")):
                return await self._look_at(transaction_id, query)
            return page_unpaid(session, query.now)
        return NotFound(finding="no transaction and no session bears the reference")

    async def _look_at_page(self, query: ChargeQuery) -> LookUpAnswer:
        """The session that we know of: it may have been paid, or be payable yet."""
        seen = await self._calls.session(query.order_ref)
        if not isinstance(seen, Reply):
            return without_reply(seen)
        if seen.status == 404:
            return NotFound(finding="Dintero knows the session no more")
        if seen.status != 200 or reference_of(seen.data) not in ("", query.reference):
            return Unknown(reason=f"HTTP {seen.status} for the session, or another one")
        if transaction_id := text(table(seen.data).get("transaction_id")):
            return await self._look_at(transaction_id, query)
        return page_unpaid(seen.data, query.now)
