"""What the notification service is asked to tell, or must not, on `access.notifications.v1`."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from contracts.base import Instant, Message, Text
from contracts.order import PersonRef, RegionText
from contracts.receipt import Citation
from contracts.vocabulary import Template


class Recipient(Message):
    """A person, or the region's operators (`person` null)."""

    kind: Annotated[str, Field(pattern="^(person|operators)$")]
    person: PersonRef | None = None
    region: RegionText | None = None


class Notification(Message):
    """
    One thing to tell. With `suppressed` set nothing is to be sent: it records that and why, without a recipient's
    name or number, so that nobody can send it by mistake.

    `channel` is the preferred one: `1177`, `letter`, `phone`, `sms`, `console`. `not_before` is UTC.
    """

    notification_id: UUID
    recipient: Recipient
    template: Template
    channel: Annotated[str, Field(pattern="^(1177|letter|phone|sms|console)$")] = "1177"
    sv: Text
    en: Text
    not_before: Instant | None = None
    order_id: UUID | None = None
    suppressed: str | None = None
    citations: tuple[Citation, ...] = ()
