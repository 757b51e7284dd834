"""The rules of the state machine, and the oracle that is asked after each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from itertools import product
from uuid import uuid5

import attrs
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    precondition,
    rule,
)

from domain.money import Money
from domain.plan import CaptureMode, Kind, Proration, Terms
from domain.providers import Provider
from domain.refusals import Refused
from domain.subscription.demanding import BalanceReport, Demand
from domain.subscription.discounting import Reduction
from domain.subscription.events import Resolution, When
from domain.subscription.letting_go import Which
from domain.subscription.metering import Report
from domain.subscription.pausing import Resume
from domain.subscription.starting import FirstPayment, Start
from domain.subscription.state import Status, Subscription
from infrastructure.commands.wishes import NewTerms, UsageWish
from infrastructure.simulators.faults import CallbackFault, Fault
from tests.specimens import NAMESPACE
from tests.specimens import terms as plain_terms
from tests.system.puppets import PLACES, REACHED
from tests.system.troubles import (
    NEAR,
    SPANS,
    Trouble,
    agreed,
    agreed_to_suspend,
    answer_faults,
    troubles,
)
from tests.system.watching import Watched

MEANWHILE = (
    "a payer uses a page",
    "a wish",
    "projections",
    "a stale agenda",
    "leases end",
    "the sleepers wake",
    "a person decides",
)

# "leave" comes last: of fourteen draws one leaves.
WISHES = (
    *("token", "pay on a page", "more", "less", "pause", "resume", "credit", "end later", "go on"),
    *("demand", "balance", "token", "more", "resume", "leave", "backup"),
    *("move", "move", "move backup"),
    *("usage", "correct", "amount", "discount", "discount end", "anchor"),
    *("collect", "write off", "reinstate", "accept", "dismiss", "settle"),
    *("refund", "refund", "leave and refund"),
    *("let go", "let go what was replaced", "revoked by the payer", "revoked by the payer"),
    *("dispute", "dispute goes on", "dispute lost", "dispute won", "take back"),
)


class Billing(Watched):
    """Everything that customers, providers, workers and the office may do, in any order."""

    # --- customers and payers -------------------------------------------------------------------

    @initialize(
        sorts=st.lists(st.tuples(st.sampled_from(Provider), agreed()), min_size=3, max_size=4)
    )
    def open_with_customers(self, sorts: list[tuple[Provider, Terms]]) -> None:
        """A few who have signed up and approved, so that money moves from the beginning."""
        for provider, wanted in sorts:
            self.enter(provider, wanted, days=0, zone="UTC")
        self.let_all_approve()

    def let_all_approve(self, death: tuple[str, int] = ("", 0)) -> None:
        """Every payer gets a page and approves; a worker may die of taking the tokens."""
        self.world.project()
        self.world.work(1000)
        self.world.project()
        for state in self.states():
            self._press(state, approve=True, returns=True)
        self.world.deliver()
        self.world.work_callbacks(1000, death=death)
        self.world.end_leases()
        self.world.work_callbacks(1000)
        self.world.project()

    @rule(
        provider=st.sampled_from(Provider),
        terms=agreed(),
        days=st.integers(-40, 5),
        zone=st.sampled_from(["UTC", "Europe/Oslo", "Pacific/Auckland"]),
        on_page=st.booleans(),
    )
    @precondition(lambda self: len(self.names) < 6)
    def start(self, provider: Provider, terms: Terms, days: int, zone: str, on_page: bool) -> None:
        """Somebody signs up, perhaps for a day that is past, and perhaps pays with it."""
        self.enter(provider, terms, days=days, zone=zone, on_page=on_page)

    def enter(
        self, provider: Provider, terms: Terms, *, days: int, zone: str, on_page: bool = False
    ) -> None:
        """A subscription from so many days from now on, with its first token request.

        on_page: its first invoice is paid there, where the provider can and something is due.
        """
        name = f"s-{len(self.names) + 1}"
        first: date = (self.world.clock.now + timedelta(days=days)).date()
        wish = Start(
            subscription_id=name,
            customer_id=f"c-{name}",
            namespace=uuid5(NAMESPACE, f"{self.schema}/{name}"),
            provider=provider,
            account="main",
            zone=zone,
            start=first,
            terms=terms,
        )
        self._start(wish, on_page=on_page and provider is Provider.DINTERO)
        self.names.append(name)

    def _start(self, wish: Start, *, on_page: bool) -> None:
        if on_page:
            try:
                self.commands.start(attrs.evolve(wish, first_payment=FirstPayment.IN_SESSION))
            except Refused as refused:
                REACHED[f"refused {refused.code}"] += 1
            else:
                REACHED["started on a page"] += 1
                return
        self.commands.start(wish, request_token=True)

    def press_a_button(self, number: int, approve: bool, returns: bool) -> None:
        """A payer uses a page: approves, turns back, comes back to us or closes the window."""
        offered = [s for s in self.states() if s.token_request and s.token_request.approve_url]
        if offered:
            self._press(offered[number % len(offered)], approve=approve, returns=returns)

    def _press(self, state: Subscription, *, approve: bool, returns: bool) -> None:
        request = state.token_request
        assert request is not None
        # Of payers who pay on a page every third saves no card.
        save = request.first_charge is None or int(state.subscription_id[2:]) % 3 > 0
        self.world.answer_page(
            request.approve_url, request.provider, approve=approve, returns=returns, save=save
        )

    def wish_something(self, number: int, wish: str) -> None:
        """Somebody asks for something (WISHES); who knows what is under way."""
        name = self.names[number % len(self.names)]
        try:
            self._wish(name, wish)
        except Refused as refused:
            REACHED[f"refused {refused.code}"] += 1

    def _wish(self, name: str, wish: str) -> None:
        commands, reason = self.commands, "asked for"
        match wish:
            case "token":
                commands.request_token(name, reason="new card")
            case "pay on a page":
                in_session = FirstPayment.IN_SESSION
                commands.request_token(name, reason="pays", first_payment=in_session)
            case "move" | "move backup":
                state, _ = commands.find(name)
                other = next(each for each in Provider if each is not state.provider)
                backup = wish == "move backup"
                commands.request_token(name, reason="moves", backup=backup, provider=other)
            case "backup":
                commands.request_token(name, reason="to be safe", backup=True)
            case "more":
                commands.change_terms(name, NewTerms(quantity=3), when=When.NOW, reason=reason)
            case "less":
                less = NewTerms(quantity=1)
                commands.change_terms(name, less, when=When.PERIOD_END, reason=reason)
            case "pause":
                until = self.world.clock.now + timedelta(days=20)
                commands.pause(name, until=until, credit=True, reason=reason)
            case "resume":
                commands.resume(name, how=Resume.KEEP_ANCHOR, reason=reason)
            case "credit":
                commands.grant_credit(name, Money(7, "USD"), reason=reason)
            case "settle":
                commands.settle(name, reason=reason)
            case "end later":
                commands.schedule_cancellation(name, at=None, reason=reason)
            case "go on":
                commands.withdraw_cancellation(name, reason=reason)
            case "collect" | "write off" | "reinstate" | "accept" | "dismiss":
                self._look_after(name, wish)
            case "demand":
                now, price = self.world.clock.now, commands.find(name)[0].terms.price
                wanted = Demand(
                    demand_id=f"d-{now:%m%d%H}",
                    description="Bag",
                    amount=price,
                    tax=None,
                    reason=reason,
                )
                commands.demand(name, wanted)
            case "usage" | "correct" | "amount" | "discount" | "discount end" | "anchor":
                self._price(name, wish)
            case "refund":
                wanted_back = Money(1 + self.world.clock.now.minute % 3, "USD")
                commands.refund(name, wanted_back, grant=True, reason=reason)
            case "dispute" | "dispute goes on" | "dispute lost" | "dispute won" | "take back":
                self._contest(name, wish)
            case "leave and refund":
                commands.cancel(name, reason="left", credit=Proration.BY_DAY, refund=True)
            case "let go" | "let go what was replaced":
                which = Which.ALL if wish == "let go" else Which.REPLACED
                commands.delete_tokens(name, which, reason=reason)
            case "revoked by the payer":
                self.world.simulators.revoke(commands.find(name)[0].customer_id)
            case "balance":
                now = self.world.clock.now
                balance = Money(now.minute % 2 * 900, "USD")
                report = BalanceReport(report_id=f"r-{now:%m%d%H%M%S}", balance=balance, at=now)
                commands.report_balance(name, report)
            case _:
                commands.cancel(name, reason="left", credit=Proration.BY_DAY)

    def _contest(self, name: str, wish: str) -> None:
        """The payer contests the latest charge that PayPal made; PayPal decides, or takes money
        back. What it says of that comes by callbacks."""
        state, world = self.commands.find(name)[0], self.world
        charges = [each for each in state.collected if each.provider is Provider.PAYPAL]
        if not charges:
            return
        capture = charges[-1].provider_ref
        open_ones = state.open_disputes
        about = f"/_disputes/{open_ones[0].dispute_ref}" if open_ones else ""
        match wish:
            case "dispute":
                reasons = ("UNAUTHORISED", "DUPLICATE_TRANSACTION")
                reason = reasons[world.clock.now.day % 2]
                world.contest("/_disputes", capture_id=capture, reason=reason)
            case "take back":
                minor = max(charges[-1].captured.minor // 3, 1)
                world.contest("/_reversals", capture_id=capture, minor=minor)
            case "dispute goes on" if about:
                world.contest(about, stage="CHARGEBACK", status="UNDER_REVIEW")
            case "dispute lost" if about:
                world.contest(about, outcome="RESOLVED_BUYER_FAVOUR")
            case "dispute won" if about:
                world.contest(about, outcome="RESOLVED_SELLER_FAVOUR")

    def _price(self, name: str, wish: str) -> None:
        """What changes what the next invoice comes to."""
        commands, reason, now = self.commands, "asked for", self.world.clock.now
        match wish:
            case "usage":
                report = Report(usage_id=f"u-{now:%m%d%H}", meter="data", quantity=7, at=now)
                outcome = commands.report_usage([UsageWish(subscription_id=name, report=report)])
                refused = [each for each in outcome if isinstance(each, Refused)]
                if refused:
                    raise refused[0]
            case "correct":
                state = commands.find(name)[0]
                known = [*state.usage, *(u for each in state.counted for u in each.usage)]
                if known:
                    quantity = known[-1].quantity % 9 + 1
                    commands.correct_usage(name, known[-1].usage_id, quantity, reason=reason)
            case "amount":
                commands.set_amount(name, Money(1 + now.day, "USD"), reason=reason)
            case "discount":
                tenth = Reduction(coupon=f"C{now.day % 3}", ppm=100_000, reason=reason)
                commands.grant_discount(name, tenth)
            case "discount end":
                commands.end_discount(name, f"C{now.day % 3}", reason=reason)
            case _:
                day = now.date() + timedelta(days=now.day % 20)
                commands.change_anchor(name, day, reason=reason)

    def have_every_price(self, number: int) -> None:
        """A customer of variable price uses something, and is billed for it."""
        for wish in ("usage", "correct", "amount", "discount", "discount end", "anchor"):
            self.wish_something(number, wish)
        self.world.forward(timedelta(days=32))
        self.world.project()
        self.world.work(100)
        self.check()

    def settle_early(self, number: int) -> None:
        """A customer pays all instalments that are left, and is billed nothing after that."""
        self.wish_something(number, "settle")
        for days in (0, 40):
            self.world.forward(timedelta(days=days))
            self.world.project()
            self.world.work(100)
            self.check()

    def _look_after(self, name: str, wish: str) -> None:
        """What a person decides about the oldest open invoice, or the oldest discrepancy."""
        commands, reason = self.commands, "looked at"
        state = commands.find(name)[0]
        number = state.open_invoices[0].number if state.open_invoices else 1
        match wish:
            case "collect":
                commands.collect_again(name, number, reason=reason)
            case "write off":
                commands.write_off(name, number, reason=reason)
            case "reinstate":
                commands.reinstate(name, reason=reason)
            case _ if state.unresolved or state.unresolved_refunds:
                how = Resolution.ACCEPTED if wish == "accept" else Resolution.DISMISSED
                found = [each.attempt_id for each in state.unresolved]
                found += [each.refund_id for each in state.unresolved_refunds]
                commands.resolve_discrepancy(name, found[0], how, reason=reason)

    def have_refunds(self) -> None:
        """Refunds meet every fault that there is, at both providers: four at each, of customers
        who owe nothing."""
        for fault in Fault:
            for puppet in self.world.simulators.faults.values():
                puppet.coming["refund"].extend([fault] * 4)
                if fault is Fault.FAILED_THEN_MADE:
                    # Of one that was settled as failed nothing but a callback ever tells.
                    puppet.coming["callback"].clear()
            self.world.forward(timedelta(minutes=30))
            self.world.project()
            self.world.work(1000)
            for provider in Provider:
                paid = [
                    self.names.index(state.subscription_id)
                    for state in self.states()
                    if state.provider is provider and state.collected and not state.open_invoices
                ]
                for number in paid[:4]:
                    self.wish_something(number, "refund")
            self.world.project()
            self.world.work(1000)
            for puppet in self.world.simulators.faults.values():
                puppet.coming["refund"].clear()
            self.world.deliver()
            self.world.work_callbacks(1000)
            self.check()

    def have_it_unpaid(self, days: int) -> None:
        """So many days on no card has money: whose plan retries nothing is suspended."""
        self.world.forward(timedelta(days=days))
        self.world.project()
        for puppet in self.world.simulators.faults.values():
            puppet.coming["charge"].extend([Fault.SOFT_DECLINE] * 50)
        for _ in range(2):
            self.world.work(1000)
            self.world.project()
        for puppet in self.world.simulators.faults.values():
            puppet.coming["charge"].clear()
        self.check()

    def have_first_payments(self) -> None:
        """Payers pay on the page that makes the token, and meet every fault that there is; some
        save no card, turn back, or close the window."""
        dintero = self.world.simulators.faults["dintero"]
        sorts = (None, *Fault)
        for number, (fault, capture) in enumerate(product(sorts, CaptureMode)):
            if fault is not None:
                dintero.coming["charge"].append(fault)
            wanted = plain_terms(price=Money(1000, "USD"), capture=capture)
            self.enter(Provider.DINTERO, wanted, days=0, zone="UTC", on_page=True)
            self.world.project()
            self.world.work(1000)
            dintero.coming["charge"].clear()
            dintero.late_s = 60.0
            self.world.forward(timedelta(minutes=2))
            self.world.project()
            self.world.end_leases()
            self.world.work(1000)
            self.world.project()
            state = self.states()[-1]
            if state.token_request and state.token_request.approve_url and number % 7 < 6:
                if number % 4 == 0:
                    dintero.coming["callback"].append(list(CallbackFault)[number // 4 % 5])
                self._press(state, approve=number % 5 < 4, returns=number % 2 > 0)
            self.world.deliver()
            self.world.work_callbacks(1000)
            self.check()
        self.world.forward(timedelta(minutes=10))
        self.world.project()
        self.world.work(1000)
        without = [
            number
            for number, each in enumerate(self.states())
            if each.lacks_token and each.provider is Provider.DINTERO and each.token is None
        ]
        for number in without[:2]:
            self.world.forward(timedelta(days=32))
            self.world.project()
            self.world.work(1000)
            self.wish_something(number, "pay on a page")
            self.world.project()
            self.world.work(1000)
            request = self.states()[number].token_request
            if request is not None and request.first_charge and request.approve_url:
                REACHED["asked on a page again"] += 1
                self._press(self.states()[number], approve=True, returns=True)
            self.world.deliver()
            self.world.work_callbacks(1000)
            self.check()

    def have_tokens_end(self) -> None:
        """At each provider one payer revokes, one token is let go, and both are billed later."""
        running = [state for state in self.states() if state.bills and state.token is not None]
        for provider in Provider:
            there = [self.names.index(s.subscription_id) for s in running if s.provider is provider]
            self.wish_something(there[0], "revoked by the payer")
            self.wish_something(there[1], "let go")
        self.world.deliver()
        self.world.work_callbacks(1000)
        for days in (0, 40):
            self.world.forward(timedelta(days=days))
            self.world.project()
            self.world.work(1000)
            self.check()

    def have_disputes(self) -> None:
        """Customers of PayPal contest a charge, and PayPal decides, each in another way."""
        paid = [
            self.names.index(state.subscription_id)
            for state in self.states()
            if state.collected and state.collected[-1].provider is Provider.PAYPAL
        ]
        ends = ("dispute lost", "dispute won", "take back")
        for wish in ("dispute", "dispute goes on", "end"):
            for place, number in enumerate(paid[:6]):
                self.wish_something(number, ends[place % 3] if wish == "end" else wish)
            self.world.deliver()
            self.world.project()
            self.world.work_callbacks(1000)
            self.world.project()
            self.check()

    def have_dunning(self) -> None:
        """A customer does not pay and is suspended; a person lets service go on, and collects."""
        terms = agreed_to_suspend()
        self.enter(Provider.PAYPAL, terms, days=0, zone="UTC")
        number = len(self.names) - 1
        for puppet in self.world.simulators.faults.values():
            puppet.coming["charge"].extend([Fault.SOFT_DECLINE] * 9)
        self.world.project()
        self.world.work(1000)
        self._press(self.states()[number], approve=True, returns=True)
        self.world.deliver()
        self.world.project()
        self.world.work_callbacks(1000)
        self.world.project()
        for days in (0, 3):
            self.world.forward(timedelta(days=days))
            self.world.project()
            self.world.work(100)
            for puppet in self.world.simulators.faults.values():
                puppet.coming["charge"].clear()
        for wish in ("reinstate", "collect"):
            self.wish_something(number, wish)
        self.check()

    def look_after_everybody(self) -> None:
        """A person goes through what was not paid, or not as it was asked for."""
        for wish in ("accept", "collect", "reinstate", "write off"):
            for number in range(len(self.names)):
                self.wish_something(number, wish)
            self.world.project()
            self.world.work(100)
        self.world.project()
        self.check()

    def have_every_wish(self) -> None:
        """One customer wishes for everything there is, and is billed in between; one whose period
        is not over before a planned end can be taken back."""
        due = {
            state.subscription_id: state.next_due_at
            for state in self.states()
            if state.status is Status.ACTIVE
            and state.terms.kind is Kind.SUBSCRIPTION
            and state.next_due_at is not None
        }
        number = self.names.index(max(due, key=lambda name: due[name]))
        wishes = ("credit", "more", "end later", "go on", "pause", "resume", "less", "more")
        for days, wish in enumerate(wishes, start=2):
            self.world.forward(timedelta(days=days))
            self.world.project()
            self.world.work(100)
            self.wish_something(number, wish)
        self.world.project()
        self.check()

    # --- time and work --------------------------------------------------------------------------

    @rule(trouble=troubles())
    def work_what_falls_due(self, trouble: Trouble) -> None:
        """A worker works what is due, or falls due next, and meets some trouble."""
        self.world.project()
        if self._work(trouble) == 0:
            self._to_what_is_next()
            self._work(trouble)

    @rule(span=st.sampled_from(list(SPANS)), trouble=troubles())
    def let_time_pass(self, span: str, trouble: Trouble) -> None:
        """The clock moves on, and then a worker meets what has gathered, and some trouble."""
        self.world.forward(SPANS[span])
        self.world.project()
        self._work(trouble)

    def have_a_day(self, morning: datetime, trouble: Trouble) -> None:
        """Trouble at midnight, doubts in the morning, and everybody awake by noon."""
        self.world.forward(max(morning - self.world.clock.now, timedelta(0)))
        self.world.project()
        with self._in(trouble):
            self.world.work(100, death=trouble.death, stop=trouble.stop)
        self.decide_a_doubt(0)
        self.press_a_button(0, approve=True, returns=True)
        for minutes, death in ((6, trouble.death), (60, ("", 0))):
            self.world.end_leases()
            self.world.deliver()
            self.world.work_callbacks(9, death=death)
            self.world.forward(timedelta(minutes=minutes))
            self.world.project()
            self.world.work(100)
            self.check()
        self.world.go_on(*PLACES)

    @rule(deliver=st.booleans(), limit=st.integers(1, 9), trouble=troubles())
    def work_callbacks(self, deliver: bool, limit: int, trouble: Trouble) -> None:
        """Callbacks arrive, or more of them later; a worker takes what is there."""
        if deliver:
            self.world.deliver()
        with self._in(trouble):
            self.world.work_callbacks(limit, death=trouble.death, stop=trouble.stop)

    def _work(self, trouble: Trouble) -> int:
        with self._in(trouble):
            return self.world.work(4, death=trouble.death, stop=trouble.stop)

    @contextmanager
    def _in(self, trouble: Trouble) -> Iterator[None]:
        """Providers misbehave meanwhile."""
        puppets = self.world.simulators.faults.values()
        for puppet in puppets:
            puppet.late_s = trouble.late_s
            puppet.coming["charge"].extend(trouble.charges)
            puppet.coming["capture"].extend(trouble.captures)
            puppet.coming["void"].extend(trouble.voids)
            puppet.coming["reauthorize"].extend(trouble.voids)
        yield
        for puppet in puppets:
            puppet.coming["charge"].clear()
            puppet.coming["capture"].clear()
            puppet.coming["void"].clear()
            puppet.coming["reauthorize"].clear()

    def _to_what_is_next(self) -> None:
        """The clock moves to the next due instant, if that is near enough."""
        now = self.world.clock.now
        following = self.world.system.agenda.next_due(now)
        if following is not None and following < now + NEAR:
            self.world.forward(max(following - now, timedelta(seconds=1)))

    # --- whatever else happens ------------------------------------------------------------------

    @rule(
        what=st.sampled_from(MEANWHILE),
        number=st.integers(0, 5),
        yes=st.booleans(),
        wish=st.integers(0, len(WISHES) - 1),
    )
    def meanwhile(self, what: str, number: int, yes: bool, wish: int) -> None:
        """Payers, callers, the office; the dead are found, and the sleeping wake."""
        match what:
            case "a payer uses a page":
                self.press_a_button(number, approve=yes or number > 2, returns=number % 2 > 0)
            case "a wish":
                self.wish_something(number, WISHES[wish % len(WISHES)])
            case "projections":
                self.project_a_little_or_rebuild(number % 4, number)
            case "a stale agenda":
                self.world.work(number)
            case "leases end":
                self.world.end_leases()
            case "the sleepers wake":
                self.world.go_on(*PLACES)
            case "a person decides":
                self.decide_a_doubt(number)

    @rule(
        callbacks=st.lists(st.sampled_from(CallbackFault), max_size=4),
        operation=st.sampled_from(["token", "exchange", "look-up"]),
        faults=st.lists(answer_faults, max_size=2),
    )
    def providers_misbehave(
        self, callbacks: list[CallbackFault], operation: str, faults: list[Fault]
    ) -> None:
        """The next callbacks, token requests or look-ups go wrong."""
        for puppet in self.world.simulators.faults.values():
            puppet.coming["callback"].extend(callbacks)
            puppet.coming[operation].extend(faults)

    def project_a_little_or_rebuild(self, batches: int, number: int) -> None:
        """The projections move on by a few events, or one is folded anew under the live runner."""
        if batches:
            self.world.project(batches)
        else:
            self.world.rebuild(number)
            REACHED["rebuilt"] += 1

    def decide_a_doubt(self, number: int) -> None:
        """A person looks at the provider's own book, when nothing stirs there, and decides."""
        doubtful = [s for s in self.states() if s.open_attempt and s.open_attempt.unknown]
        if not doubtful or self.world.simulators.at_work() or self.world.holds.held:
            return
        state = doubtful[number % len(doubtful)]
        attempt = state.open_attempt
        assert attempt is not None
        taken = self.world.simulators.captured().get(attempt.reference)
        try:
            self.commands.decide_by_person(
                state.subscription_id,
                attempt.attempt_id,
                received=None if taken is None else Money(taken, "USD"),
                provider_ref="BY-PHONE",
                reason="asked by phone",
            )
        except Refused as refused:
            if refused.code != "page-still-open":
                raise
            REACHED["refused page-still-open"] += 1
            return
        REACHED["decided not made" if taken is None else "decided received"] += 1
