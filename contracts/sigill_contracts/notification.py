"""What the notification service is asked to tell, or must not, on `access.notifications.v1`."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from sigill_contracts.base import Instant, Message, ShortText, Text
from sigill_contracts.order import HsaIdText, PersonRef, RegionText
from sigill_contracts.receipt import Citation
from sigill_contracts.vocabulary import NotificationChannel, Suppression, Template

EarlierCode = Annotated[str, Field(pattern="^[a-z0-9_]{1,80}$")]
"""A code that a release before wrote, so that its messages can still be read."""


class Recipient(Message):
    """
    A person, a unit, or the operators of `region` (neither `person` nor `unit`). A person's region is not named (X-28).
    """

    kind: Annotated[str, Field(pattern="^(person|unit|operators)$")]
    person: PersonRef | None = None
    region: RegionText | None = None
    unit: HsaIdText | None = None
    """HSA-id of the unit that is told: the one that imposed a measure, or has succeeded it; of `order_entered`, the decider's."""


class NamedUnit(Message):
    """A unit (vårdenhet) with the name that the directory gives it."""

    unit: HsaIdText
    name: ShortText | None = None
    """Null: the directory has none."""


class NoticeParameters(Message):
    """
    What a notice to a person is about. Dates are Swedish dates, both inclusive. It holds no identity number.

    `units` and `region` are there only where the recipient may see the unit at that moment, and never in a standard
    reply, nor about a person with protected identity.
    """

    whose: Literal["own", "child", "principal"] = "own"
    """Whose record and account it is about: the recipient's own, "your child"'s, or the represented person's."""
    child: ShortText | None = None
    """The child's given name, for a guardian, who may have several children; null: say "your child"."""
    units: tuple[NamedUnit, ...] = ()
    """The units that it is about; empty: the whole, or not to be named."""
    region: ShortText | None = None
    """The region's name."""
    period_from: date | None = None
    period_through: date | None = None
    """Last day in force, inclusive; null: until further notice."""
    day: date | None = None
    """The day that a notice ahead of time speaks of."""
    age: Annotated[int, Field(ge=0, le=150)] | None = None
    """The age that a birthday's notice speaks of, in whole years."""
    to_do_sv: Text | None = None
    """What the recipient may do, in Swedish."""
    to_do_en: Text | None = None
    """The same in English."""


class Notification(Message):
    """
    One thing to tell. With `suppressed` set nothing is to be sent: it records that and why, without a recipient's
    name or number, so that nobody can send it by mistake.

    `channel` is the preferred one: `1177`, `letter`, `phone`, `sms`, `console`; `in_person` is no message at all: the
    unit tells, and has a task that says so. `not_before` is UTC.
    """

    notification_id: UUID
    recipient: Recipient
    template: Template
    channel: Annotated[str, Field(pattern=f"^({'|'.join(NotificationChannel)})$")] = "1177"
    """The preferred channel; the notification service may choose a safer one."""
    sv: Text
    """What to say, in Swedish."""
    en: Text
    """What to say, in English."""
    not_before: Instant | None = None
    """UTC; null: at once."""
    order_id: UUID | None = None
    suppressed: Suppression | EarlierCode | None = None
    """Code that says why nobody is told; null: tell."""
    parameters: NoticeParameters | None = None
    """What it is about, beside the text; null for operators, and where nobody is told."""
    citations: tuple[Citation, ...] = ()
