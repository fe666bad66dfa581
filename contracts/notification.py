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
    """The preferred channel; the notification service may choose a safer one."""
    sv: Text
    """What to say, in Swedish."""
    en: Text
    """What to say, in English."""
    not_before: Instant | None = None
    """UTC; null: at once."""
    order_id: UUID | None = None
    suppressed: str | None = None
    """Code that says why nobody is told; null: tell."""
    citations: tuple[Citation, ...] = ()
