"""The invoices of a published plan to come, with its announced moves. Nothing is written."""

from __future__ import annotations

from domain.catalogue.offering import offered
from infrastructure.bootstrap import System
from infrastructure.commands.plans import Plans
from infrastructure.commands.previews import ScheduleAnswer, ScheduleAsked, answered, seen
from infrastructure.commands.wishes import checked_start


def answer_schedule_by_plan(system: System, asked: ScheduleAsked) -> ScheduleAnswer:
    """The first invoices of who would start on a plan now.

    Refused: "id-malformed"; what offering.offered refuses, and what any schedule is refused for.
    """
    choice = asked.choice()
    plan, position = Plans(system, actor="preview").find_plan(choice.plan)
    start = checked_start(asked.start)
    terms = offered(plan, choice, start=start, zone=asked.zone, now=system.clock())
    return answered(seen(asked, terms, plan), terms.currency, position=position)
