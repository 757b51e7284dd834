"""When a deletion that was not done is asked for again; nothing else waits for it."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from domain.ports import NotDone
from domain.processes.agenda import ItemKind, agenda_of, next_due
from domain.processes.answers import Answer
from domain.processes.steps import DeleteToken
from infrastructure.workers.hand import Hand

log = structlog.get_logger(__name__)

SHORTEST_WAIT = timedelta(minutes=1)
# The longest one: of a subscription that still bills, whose other work may become due by a command
# meanwhile, and of one that has ended.
LONGEST_WAIT_WHILE_BILLED, LONGEST_WAIT = timedelta(minutes=10), timedelta(days=1)


def delete_later(hand: Hand, call: DeleteToken, answer: Answer, now: datetime) -> None:
    """Note a deletion that was not done. The older it is, the more seldom it is asked for."""
    asked_at = call.token.let_go_at or now
    longest = LONGEST_WAIT_WHILE_BILLED if hand.state.bills else LONGEST_WAIT
    again = now + min(max(now - asked_at, SHORTEST_WAIT), longest)
    if isinstance(answer, NotDone) and answer.retry_after_s is not None:
        again = max(again, now + timedelta(seconds=answer.retry_after_s))
    hand.tokens_held.add(call.token.token_ref)
    hand.delete_again_at = min(again, hand.delete_again_at or again)
    log.warning(
        "token not deleted",
        subscription=hand.state.subscription_id,
        token_ref=call.token.token_ref,
        reason=getattr(answer, "reason", ""),
        until=hand.delete_again_at.isoformat(),
    )


def leave(hand: Hand) -> None:
    """Until when the subscription is left alone: a deletion that was not done must not come back
    at once, and must not keep anything else waiting."""
    if hand.delete_again_at is None or hand.not_before is not None:
        return
    others = (each for each in agenda_of(hand.state) if each.kind is not ItemKind.DELETE_TOKEN)
    first = next_due(tuple(others))
    hand.not_before = min(hand.delete_again_at, first or hand.delete_again_at)
