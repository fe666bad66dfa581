"""
Notices: what the notification service is asked to tell.

A suppressed one names nobody, so that nobody can send it by mistake; and no notice carries contact details: whom
the service writes to, it looks up itself, so that a child's address never reaches a guardian (VGB-01).
"""

from uuid import UUID

from contracts.notification import Notification, Recipient
from workers.enact.citations import Citations
from workers.enact.ids import event_id
from workers.enact.people import named_in
from workers.policy.effects import Tell
from workers.policy.facts import PatientFacts

UNREACHABLE = "recipient_unknown"
"""Why a notice to somebody whom no register knows is not sent."""


def notification(
    tell: Tell, facts: PatientFacts, citations: Citations, *, cause: str, index: int, order_id: UUID | None
) -> Notification:
    """The message of one `Tell`: to a person, to the region's operators, or the record that nothing is told."""
    suppressed = tell.suppressed
    person = None
    if tell.to is not None and suppressed is None:
        person = named_in(facts, tell.to)
        suppressed = UNREACHABLE if person is None else None

    return Notification(
        notification_id=event_id(cause, "notification", index),
        recipient=Recipient(
            kind="operators" if tell.to is None else "person",
            person=person,
            region=tell.region or None,
        ),
        template=tell.template,
        channel="console" if tell.to is None else tell.channel,
        sv=tell.text.sv,
        en=tell.text.en,
        not_before=tell.not_before,
        order_id=order_id,
        suppressed=suppressed,
        citations=citations.of(tell.rules),
    )
