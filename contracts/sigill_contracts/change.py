"""Who gained or lost what, on `access.changes.v1`."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from sigill_contracts.base import Instant, Message
from sigill_contracts.order import HsaIdText, PersonRef
from sigill_contracts.receipt import Citation
from sigill_contracts.vocabulary import AccessReason, Service


class AccessChange(Message):
    """
    One viewer's access to one patient and service, gained or lost at `at` (the true effective time).

    `unit` null: every unit without an own line. `because` are the reasons of the answer from then on.
    `cause` says what set it off: an order, a birthday, an end date, a register change, a measure made elsewhere. Reasons, cause, order and measures are
    for staff: nothing of them may reach the viewer, who may be one who must not know.
    """

    change_id: UUID
    patient: PersonRef
    viewer: PersonRef
    """Who gained or lost it."""
    service: Service
    unit: HsaIdText | None = None
    access: Annotated[str, Field(pattern="^(gained|lost)$")]
    at: Instant
    """The true effective time, UTC; it can lie before the event was sent."""
    because: tuple[AccessReason, ...]
    citations: tuple[Citation, ...] = ()
    cause: Annotated[str, Field(pattern="^(order|birthday|end_date|start_date|register|elsewhere)$")]
    order_id: UUID | None = None
    """The order that set it off; null: none did."""
    measures: tuple[UUID, ...] = ()
    """The measures behind it."""
