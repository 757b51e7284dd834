"""Settlements and their files, as HTTP."""

from __future__ import annotations

from aiohttp import web

from infrastructure.simulators.dintero.answers import answered
from infrastructure.simulators.dintero.bodies import bad
from infrastructure.simulators.dintero.payouts import Payout, Payouts, report_xml
from infrastructure.simulators.dintero.provider import SimulatedDintero
from infrastructure.simulators.dintero.refusals import Refused

PATH = "/v1/accounts/{account}/settlements"
_LONGEST = 1_000


class PayoutDesk:
    """Listed, fetched, and made on request. major: amounts of files are major units."""

    def __init__(self, dintero: SimulatedDintero, *, major: bool) -> None:
        self._dintero = dintero
        self._major = major
        self.payouts = Payouts(dintero.tables.account_id)

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Its routes."""
        router.add_get(PATH, self._list)
        router.add_get(f"{PATH}/{{id}}/attachments/{{file}}", self._file)
        router.add_post(f"{PATH}/reports/generate-test-report", self._make)
        router.add_post("/_payouts", self._settle)

    async def _make(self, request: web.Request) -> web.Response:
        """201 with what was made; 200 when there is nothing to report."""
        self._check_account(request)
        controls = self._dintero.controls
        made = self._tell(self.payouts.make(controls.book, controls.clock.now()))
        return answered([each.as_json() for each in made], 201 if made else 200)

    async def _settle(self, _: web.Request) -> web.Response:
        """A control endpoint: pay out whatever moved since the last time, week by week."""
        controls = self._dintero.controls
        made = self._tell(self.payouts.make_weekly(controls.book, controls.clock.now()))
        return answered({"made": len(made)})

    def _tell(self, made: list[Payout]) -> list[Payout]:
        for each in made:
            self._dintero.hooks.tell("settlement_add", {"settlement": each.as_json()})
        return made

    async def _list(self, request: web.Request) -> web.Response:
        self._check_account(request)
        query = request.query
        text = query.get("limit", "10")
        if not (text.isascii() and text.isdigit() and 1 <= int(text) <= _LONGEST):
            raise bad("limit is 1 to 1000")
        after, after_date = query.get("starting_after_id", ""), query.get("starting_after_date", "")
        if bool(after) != bool(after_date):
            raise bad("starting_after_id and starting_after_date go together")
        since, until = query.get("created_at.gte", ""), query.get("created_at.lte", "")
        shown, last = self.payouts.page(since, until, after, int(text))
        body: dict[str, object] = {"items": [each.as_json() for each in shown]}
        if last is not None:
            day = last.at.date().isoformat()
            key = {"id": last.id, "account_id": last.account_id, "settled_at": day}
            body["last_evaluated_key"] = key
        return answered(body)

    async def _file(self, request: web.Request) -> web.Response:
        self._check_account(request)
        wanted = request.match_info["id"]
        found = [each for each in self.payouts.made if each.id == wanted]
        if not found or request.match_info["file"] != "dintero-xml":
            raise Refused(404, "Resource was not found")
        content = report_xml(found[0], major=self._major)
        return web.Response(body=content, content_type="application/xml")

    def _check_account(self, request: web.Request) -> None:
        if request.match_info["account"] != self._dintero.tables.account_id:
            raise Refused(403, "Forbidden")
