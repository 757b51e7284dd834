"""The simulated Dintero as a web server: its routes, its access tokens, its answers.

POST /v1/accounts/{account}/auth/token     POST /v1/sessions/payment-token   POST /v1/sessions/pay
POST /v1/sessions-profile
GET  /v1/sessions?search=                  GET  /v1/sessions/{id}
GET  /v1/transactions?merchant_reference=  GET  /v1/transactions/{id}?includes=
POST /v1/transactions/{id}/capture | /void | /refund
GET and DELETE /v1/card-tokens/{id}
POST and GET /v1/accounts/{account}/hooks/subscriptions, DELETE .../{id}
GET  /v1/accounts/{account}/settlements, .../{id}/attachments/{file}
POST /v1/accounts/{account}/settlements/reports/generate-test-report
GET and POST /v1/view/{session}            the payer's page; Accept: application/json for scripts
and the control endpoints of serving.py
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import TypeVar

import attrs
from aiohttp import web

from domain.ports import Secret
from infrastructure.simulators.book import Book
from infrastructure.simulators.clock import SimulatorClock
from infrastructure.simulators.deliveries import Deliveries
from infrastructure.simulators.dintero import bodies, checkout
from infrastructure.simulators.dintero.access import AccessDesk
from infrastructure.simulators.dintero.answers import ERROR_BODY, answered
from infrastructure.simulators.dintero.bodies import bad
from infrastructure.simulators.dintero.hook_desk import HookDesk
from infrastructure.simulators.dintero.hooks import TOKEN_EVENTS, wish
from infrastructure.simulators.dintero.notices import Notices
from infrastructure.simulators.dintero.operation_desk import OperationDesk, transaction_named
from infrastructure.simulators.dintero.payout_desk import PayoutDesk
from infrastructure.simulators.dintero.provider import SimulatedDintero
from infrastructure.simulators.dintero.refusals import Refused
from infrastructure.simulators.dintero.rendering import (
    checkout_json,
    session_of,
    transaction_json,
)
from infrastructure.simulators.dintero.specification import specification
from infrastructure.simulators.dintero.tables import (
    CARDS,
    FIRST_CARD,
    Checkout,
    Tables,
    Transaction,
)
from infrastructure.simulators.faults import FaultPlan
from infrastructure.simulators.misbehaving import after, before
from infrastructure.simulators.serving import Controls, add_controls

# A callback is tried twenty times in all unless it is refused with a 4xx, which is final.
CALLBACK_TRIES = 20
_LONGEST_LIST = 100
B = TypeVar("B")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@attrs.frozen(kw_only=True)
class DinteroSimulatorOptions:
    """One merchant account at a Dintero of one's own.

    signature_secret: None leaves callbacks unsigned.
    book_path: also writes the book there, as JSON lines.
    specification: Dintero's Swagger 2.0 file; requests are then checked against it.
    access_token_life_s: seconds, by the simulator's clock.
    legacy_errors: refusals in the form used until 2025-09.
    strict_amounts: a charge, capture or refund whose lines do not add up is refused. Dintero itself
        looks only where a session's toggle asks it to; here it is a mistake to be found.
    attempt_limits: a card that fails too often is refused; see limits.py.
    major_reports: settlement files say 12.50, not 1250.
    webhook_url, webhook_secret: where the account's webhooks about tokens go from the start; "":
        nobody has subscribed to them yet.
    callback_pause_s: seconds (real time) between two tries of a callback.
    """

    account_id: str
    client_id: str
    client_secret: Secret
    signature_secret: Secret | None
    faults: FaultPlan = attrs.field(factory=FaultPlan.none)
    book_path: Path | None = None
    specification: Path | None = None
    access_token_life_s: int = 14_400
    legacy_errors: bool = False
    attempt_limits: bool = False
    strict_amounts: bool = True
    major_reports: bool = False
    callback_pause_s: float = 0.2
    webhook_url: str = ""
    webhook_secret: Secret | None = None


def build_dintero_simulator(options: DinteroSimulatorOptions) -> web.Application:
    """The app, ready to be served. Call it inside the event loop that will serve it."""
    return DinteroSite(options).app


class DinteroSite:
    """The routes of one account."""

    def __init__(self, options: DinteroSimulatorOptions) -> None:
        self._options = options
        self._tables = Tables(options.account_id)
        self._controls = Controls(
            book=Book(options.book_path),
            clock=SimulatorClock(),
            deliveries=Deliveries(
                tries=CALLBACK_TRIES,
                pause_s=options.callback_pause_s,
                final=lambda status: 400 <= status < 500,
            ),
            faults=options.faults,
        )
        self._dintero = SimulatedDintero(
            self._tables,
            self._controls,
            Notices(self._tables, self._controls.clock, options.signature_secret),
            legacy_errors=options.legacy_errors,
            attempt_limits=options.attempt_limits,
            strict_amounts=options.strict_amounts,
        )
        self._controls.revoke = self._dintero.revoke
        if options.webhook_url and options.webhook_secret is not None:
            self._dintero.hooks.subscribe(
                wish(options.webhook_url, options.webhook_secret.reveal(), TOKEN_EVENTS)
            )
        self._specification = (
            specification(options.specification) if options.specification is not None else None
        )
        self._desk = AccessDesk(
            account_id=options.account_id,
            client_id=options.client_id,
            client_secret=options.client_secret,
            life_s=options.access_token_life_s,
            clock=self._controls.clock,
        )
        self._operations = OperationDesk(self._dintero, self._read)
        self.app = web.Application(middlewares=[self._guard])
        add_controls(self.app, self._controls)
        self._add_routes(self.app.router)

    def _add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/v1/sessions/pay", self._pay)
        router.add_get("/v1/transactions/{id}", self._show_transaction)
        router.add_get("/v1/transactions", self._list_transactions)
        router.add_post("/v1/transactions/{id}/capture", self._operations.capture)
        router.add_post("/v1/transactions/{id}/void", self._operations.void)
        router.add_post("/v1/transactions/{id}/refund", self._operations.refund)
        router.add_get("/v1/card-tokens/{id}", self._operations.show_token)
        router.add_delete("/v1/card-tokens/{id}", self._operations.delete_token)
        router.add_post("/v1/sessions/payment-token", self._ask_for_token)
        router.add_post("/v1/sessions-profile", self._open_payment)
        router.add_get("/v1/sessions/{id}", self._show_session)
        router.add_get("/v1/sessions", self._list_sessions)
        router.add_post("/v1/accounts/{account}/auth/token", self._desk.sign_in)
        HookDesk(self._dintero.hooks).add_routes(router)
        PayoutDesk(self._dintero, major=self._options.major_reports).add_routes(router)
        router.add_get("/v1/view/{id}", self._show_page)
        router.add_post("/v1/view/{id}", self._use_page)

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Do what is due, ask for an access token, and put refusals into Dintero's form."""
        self._controls.clock.due()
        path = request.path
        try:
            if not path.startswith(("/_", "/v1/view/")) and not path.endswith("/auth/token"):
                self._desk.check(request)
            return await handler(request)
        except Refused as refused:
            body = refused.body | ({"success": False} if path == "/v1/sessions/pay" else {})
            return answered(body, refused.status)

    # --- tokens -------------------------------------------------------------------------------

    async def _ask_for_token(self, request: web.Request) -> web.Response:
        raw = await request.read()
        asked = self._read(raw, bodies.AskForToken, "/sessions/payment-token")
        plan = self._controls.faults
        fault = plan.pick("token", asked.session.order.merchant_reference)
        if answer := await before(request, fault, plan, ERROR_BODY):
            return answer
        opened = checkout.open_checkout(self._dintero, asked)
        session_id = self._tables.checkout_id(opened)
        body = {"id": session_id, "url": f"{request.url.origin()}/v1/view/{session_id}"}
        return await after(request, fault, plan, answered(body), ERROR_BODY)

    async def _open_payment(self, request: web.Request) -> web.Response:
        """A session that a payer pays. A decline, or what is pending, comes when it is paid."""
        asked = self._read(await request.read(), bodies.SessionProfile, "/sessions-profile")
        plan = self._controls.faults
        fault = plan.pick("charge", asked.order.merchant_reference)
        if answer := await before(request, fault, plan, ERROR_BODY):
            return answer
        opened = checkout.open_payment(self._dintero, asked, _toggles(request), fault)
        session_id = self._tables.checkout_id(opened)
        body = {"id": session_id, "url": f"{request.url.origin()}/v1/view/{session_id}"}
        return await after(request, fault, plan, answered(body), ERROR_BODY)

    async def _show_page(self, request: web.Request) -> web.Response:
        return web.Response(text=checkout.page(self._found(request)), content_type="text/html")

    async def _use_page(self, request: web.Request) -> web.Response:
        """Pay or cancel. 303 to the return URL; for scripts 200 {"return_url"}."""
        opened = self._found(request)
        scripted = "application/json" in request.headers.get("Accept", "")
        if request.content_type == "application/json":
            form = bodies.decoded(await request.read(), dict[str, str])
        else:
            form = {name: str(value) for name, value in (await request.post()).items()}
        card = CARDS.get(form.get("card", FIRST_CARD))
        if form.get("action") not in ("pay", "cancel") or card is None:
            raise bad('give action "pay" or "cancel", and one of the sandbox cards')
        if form["action"] == "pay":
            # A browser sends nothing of a box without a tick; a script says so.
            ticked = "yes" if request.content_type == "application/json" else "no"
            save = form.get("save", ticked) == "yes"
            url = checkout.pay_with(self._dintero, opened, card, save=save)
        else:
            url = checkout.turn_back(self._dintero, opened)
        await self._dintero.deliver_early()
        if scripted:
            return answered({"return_url": url})
        return web.Response(status=303, headers={"Location": url})

    def _found(self, request: web.Request) -> Checkout:
        found = self._tables.checkout(request.match_info["id"])
        if found is None:
            raise Refused(404, "Resource was not found")
        return found

    # --- sessions -----------------------------------------------------------------------------

    async def _show_session(self, request: web.Request) -> web.Response:
        session_id = request.match_info["id"]
        if opened := self._tables.checkout(session_id):
            return answered(checkout_json(self._tables, opened))
        if paid := self._tables.paid_by(session_id):
            return answered(session_of(self._tables, paid))
        raise Refused(404, "Resource was not found")

    async def _list_sessions(self, request: web.Request) -> web.Response:
        search = request.query.get("search", "")
        shown = [session_of(self._tables, each) for each in self._tables.paid_under(search)]
        shown += [checkout_json(self._tables, each) for each in self._tables.asked_under(search)]
        return answered(shown[:_LONGEST_LIST])

    # --- transactions -------------------------------------------------------------------------

    async def _pay(self, request: web.Request) -> web.Response:
        asked = self._read(await request.read(), bodies.Pay, "/sessions/pay")
        plan = self._controls.faults
        fault = plan.pick("charge", asked.session.order.merchant_reference)
        if answer := await before(request, fault, plan, ERROR_BODY):
            return answer
        paid = self._dintero.pay(asked, _toggles(request), fault)
        await self._dintero.deliver_early()
        ended_well = paid.status != "FAILED"
        body = transaction_json(self._tables, paid) | {
            "success": ended_well,
            "actions": [{"source": "PAYEX", "code": paid.status, "type": "success"}]
            if ended_well
            else [],
        }
        return await after(request, fault, plan, answered(body), ERROR_BODY)

    async def _show_transaction(self, request: web.Request) -> web.Response:
        found = transaction_named(self._tables, request)
        plan = self._controls.faults
        fault = plan.pick("look-up", found.reference) if plan.script else None
        if answer := await before(request, fault, plan, ERROR_BODY):
            return answer
        includes = request.query.getall("includes", [])
        body = transaction_json(self._tables, found, includes)
        return await after(request, fault, plan, answered(body), ERROR_BODY)

    async def _list_transactions(self, request: web.Request) -> web.Response:
        query, plan = request.query, self._controls.faults
        reference = query.get("merchant_reference", "")
        fault = plan.pick("look-up", reference) if plan.script else None
        if answer := await before(request, fault, plan, ERROR_BODY):
            return answer
        found: list[Transaction] | Iterator[Transaction]
        if reference:
            asked = self._tables.asked_under(reference)
            made = [each.transaction for each in asked if each.transaction]
            found = [self._tables.transactions[number - 1] for number in made]
            found += self._tables.paid_under(reference)
        else:
            found = reversed(self._tables.transactions)
        limit = self._limit(query.get("limit", ""))
        there = islice((each for each in found if each.status), limit)
        shown = [transaction_json(self._tables, each) for each in there]
        return await after(request, fault, plan, answered(shown), ERROR_BODY)

    # --- reading ------------------------------------------------------------------------------

    def _read(self, raw: bytes, kind: type[B], path: str) -> B:
        """A body as a checked struct; at the strict level by the specification too."""
        if self._specification is not None:
            self._specification.check_request(path, bodies.decoded(raw, object))
        return bodies.decoded(raw, kind)

    def _limit(self, text: str) -> int:
        if text and not (text.isascii() and text.isdigit() and 1 <= int(text) <= _LONGEST_LIST):
            raise bad("limit is 1 to 100")
        return int(text) if text else 10


def _toggles(request: web.Request) -> set[str]:
    """The feature toggles that a request names."""
    named = request.headers.get("Dintero-Feature-Toggles", "")
    return {name.strip() for name in named.split(",")} if named else set()
