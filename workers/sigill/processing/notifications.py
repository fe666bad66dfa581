"""
Notices: what the notification service is asked to tell.

A suppressed one names nobody, so that nobody can send it by mistake; and no notice carries contact details: whom
the service writes to, it looks up itself, so that a child's address never reaches a guardian (VGB-01).
"""

from datetime import datetime
from uuid import UUID

from sigill.policy.calendar import swedish_date
from sigill.policy.effects import Notify, Parameters
from sigill.policy.facts import PatientFacts
from sigill.policy.lexicon import entered_at_unit
from sigill.policy.units import answering
from sigill.processing.citations import Citations
from sigill.processing.event_ids import event_id
from sigill.processing.person_refs import named_in
from sigill_contracts.notification import NamedUnit, NoticeParameters, Notification, Recipient
from sigill_contracts.receipt import Receipt
from sigill_contracts.vocabulary import NotificationChannel, Suppression, Template, UnitId


def notification(
    tell: Notify, facts: PatientFacts, citations: Citations, *, cause: str, index: int, order_id: UUID | None
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
            kind="person" if tell.to is not None else "unit" if tell.unit is not None else "operators",
            person=person,
            region=(tell.region or None) if tell.to is None else None,
            unit=tell.unit,
        ),
        template=tell.template,
        channel=NotificationChannel.CONSOLE if tell.to is None else tell.channel,
        sv=tell.text.sv,
        en=tell.text.en,
        not_before=tell.not_before,
        order_id=order_id,
        suppressed=suppressed,
        parameters=_parameters(tell.parameters, facts) if suppressed is None else None,
        # a standard reply says the same whatever happened: the rule that it rests on would say more
        citations=() if tell.template is Template.STANDARD_REPLY else citations.of(tell.rules),
    )


def entered_in_name(
    answer: Receipt, registration: str, facts: PatientFacts | None, at: datetime, *, cause: str
) -> Notification | None:
    """
    What the decider's unit, or the one that succeeded it by `at` (UTC), is told of an order that a support desk entered.

    Whatever became of it, also where it was refused: somebody used the name. None where the decider signed. It goes by the
    service that sends notices, which the desk has no hand in, and names no patient.
    """
    entered = answer.entered
    if entered is None:
        return None
    unit = UnitId(entered.unit)
    said = entered_at_unit(entered.channel, entered.decided_by, registration)
    return Notification(
        notification_id=event_id(cause, "entered"),
        recipient=Recipient(
            kind="unit",
            region=answer.region,
            unit=unit if facts is None else answering(facts.units, unit, swedish_date(at)),
        ),
        template=Template.ORDER_ENTERED,
        channel=NotificationChannel.CONSOLE,
        sv=said.sv,
        en=said.en,
        order_id=answer.order_id,
    )


def _parameters(about: Parameters | None, facts: PatientFacts) -> NoticeParameters | None:
    """What the notice is about, for a service that words it itself. No identity number is among it (X-28)."""
    if about is None:
        return None
    return NoticeParameters(
        whose=about.whose,
        units=tuple(NamedUnit(unit=u, name=_name(facts, u)) for u in about.units),
        region=about.region,
        period_from=about.period_from,
        period_through=about.period_through,
        day=about.day,
        age=about.age,
        to_do_sv=about.to_do.sv if about.to_do else None,
        to_do_en=about.to_do.en if about.to_do else None,
    )


def _name(facts: PatientFacts, unit: UnitId) -> str | None:
    known = facts.units.get(unit)
    return None if known is None else known.name


def speaks_of_a_child(notice: Notification) -> bool:
    """Whether a notice names a child to its guardian; a standard reply names nobody."""
    return (
        notice.parameters is not None
        and notice.parameters.whose == "child"
        and notice.template is not Template.STANDARD_REPLY
    )


def naming_the_child(notice: Notification, given: str) -> Notification:
    """The notice with the child's given name among its parameters."""
    assert notice.parameters is not None
    named = notice.parameters.model_copy(update={"child": given})
    return notice.model_copy(update={"parameters": named})
