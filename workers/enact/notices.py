"""
Notices: what the notification service is asked to tell.

A suppressed one names nobody, so that nobody can send it by mistake; and no notice carries contact details: whom
the service writes to, it looks up itself, so that a child's address never reaches a guardian (VGB-01).
"""

from uuid import UUID

from contracts.notification import NoticeParameters, Notification, Recipient
from contracts.vocabulary import Suppression
from workers.enact.citations import Citations
from workers.enact.ids import event_id
from workers.enact.people import named_in
from workers.policy.effects import Parameters, Tell
from workers.policy.facts import PatientFacts


def notification(
    tell: Tell, facts: PatientFacts, citations: Citations, *, cause: str, index: int, order_id: UUID | None
) -> Notification:
    """The message of one `Tell`: to a person, to the region's operators, or the record that nothing is told."""
    suppressed: Suppression | None = tell.suppressed
    person = None
    if tell.to is not None and suppressed is None:
        person = named_in(facts, tell.to)
        suppressed = Suppression.RECIPIENT_UNKNOWN if person is None else None

    return Notification(
        notification_id=event_id(cause, "notification", index),
        recipient=Recipient(
            kind="operators" if tell.to is None else "person",
            person=person,
            region=(tell.region or None) if tell.to is None else None,
        ),
        template=tell.template,
        channel="console" if tell.to is None else tell.channel,
        sv=tell.text.sv,
        en=tell.text.en,
        not_before=tell.not_before,
        order_id=order_id,
        suppressed=suppressed,
        parameters=_parameters(tell.parameters) if suppressed is None else None,
        citations=citations.of(tell.rules),
    )


def _parameters(about: Parameters | None) -> NoticeParameters | None:
    """What the notice is about, for a service that words it itself. No identity number is among it (X-28)."""
    if about is None:
        return None
    return NoticeParameters(
        whose=about.whose,
        units=about.units,
        region=about.region,
        period_from=about.period_from,
        period_through=about.period_through,
        day=about.day,
        age=about.age,
        to_do_sv=about.to_do.sv if about.to_do else None,
        to_do_en=about.to_do.en if about.to_do else None,
    )
