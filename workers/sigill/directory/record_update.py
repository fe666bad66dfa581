"""
A staff member's or a unit's record as a directory really sends it: what can be read counts, the rest is set aside.

Who may decide must be certain: an assignment whose unit, region, roles or days cannot be read is left out. What makes an
opening wait counts as set: a unit whose last day cannot be read is closed as of the day before the change.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from pydantic import TypeAdapter, ValidationError

from sigill.consumer.json_messages import json_once
from sigill.consumer.member_reader import MemberReader, day_of
from sigill.policy.calendar import swedish_date
from sigill_contracts.dead_letter import DeadLetterReason
from sigill_contracts.directory import Assignment, ClinicText, StaffRecord, UnitRecord
from sigill_contracts.order import HsaIdText, RegionText
from sigill_contracts.vocabulary import Role

_HSA_ID = TypeAdapter[str](HsaIdText)
_REGION = TypeAdapter[str](RegionText)
_CLINIC = TypeAdapter[str](ClinicText)
_MOST_ASSIGNMENTS, _MOST_ROLES, _LONGEST_NAME = 200, 20, 200
_LAST_DAY = "valid_through"


class NothingNamed(ValueError):
    """The record does not say whom or what it is about, in which place of its history it stands, or what it says."""


@dataclass(frozen=True, slots=True)
class RecordUpdate:
    """What one message of the directory says, as far as it can be read; `set_aside` as in `MemberReader`."""

    says: StaffRecord | UnitRecord
    set_aside: tuple[str, ...] = ()
    kept_as: DeadLetterReason = DeadLetterReason.PARTLY_READ


def read_staff(data: bytes, arrived_at: datetime) -> RecordUpdate:
    """
    Read a message about a staff member, `arrived_at` being the broker's time (UTC).

    Raises ValueError for what is no JSON or names a member twice, and NothingNamed, one too, where the HSA-id, the
    sequence or the list of assignments cannot be read.
    """
    reader = _StaffReader(_members(data), arrived_at)
    return _update(reader, reader.record())


def read_unit(data: bytes, arrived_at: datetime) -> RecordUpdate:
    """
    Read a message about a unit, `arrived_at` being the broker's time (UTC).

    Raises ValueError for what is no JSON or names a member twice, and NothingNamed, one too, where the HSA-id or the
    sequence cannot be read.
    """
    reader = _UnitReader(_members(data), arrived_at)
    return _update(reader, reader.record())


def _members(data: bytes) -> Mapping[str, Any]:
    members = json_once(data)
    if not isinstance(members, dict):
        raise NothingNamed
    return members


def _update(reader: MemberReader, says: StaffRecord | UnitRecord) -> RecordUpdate:
    return RecordUpdate(says, tuple(dict.fromkeys(reader.set_aside)), reader.kept_as)


class _StaffReader(MemberReader):
    """The members of one message about a staff member."""

    def record(self) -> StaffRecord:
        hsa_id, sequence = _hsa_id(self.members.get("hsa_id")), self.sequence()
        if hsa_id is None or sequence is None or not isinstance(self.members.get("assignments"), list):
            raise NothingNamed
        self.unknown(StaffRecord)
        changed_at = self.changed_at()
        found = [self._assignment(value) for value in self.members["assignments"]]
        assignments = [assignment for assignment in found if assignment is not None]
        if len(assignments) > _MOST_ASSIGNMENTS:
            self.aside("assignments")
            # those that have ended are the first to go
            today = swedish_date(changed_at)
            assignments.sort(key=lambda one: one.through is not None and one.through < today)
            del assignments[_MOST_ASSIGNMENTS:]
        return StaffRecord(
            hsa_id=hsa_id, sequence=sequence, changed_at=changed_at, assignments=tuple(assignments)
        )

    def _assignment(self, value: Any) -> Assignment | None:
        if not isinstance(value, Mapping):
            self.aside("assignments")
            return None
        if value.keys() - Assignment.model_fields.keys():
            self.aside("assignments.?")
        unit, region, roles = (
            _hsa_id(value.get("unit")),
            _text(_REGION, value.get("region")),
            self._roles(value.get("roles")),
        )
        if unit is None:
            self.aside("assignments.unit")
        if region is None:
            self.aside("assignments.region")
        try:
            first, last = _day(value.get("from_date")), _day(value.get("through"))
        except (ValueError, TypeError):
            self.aside("assignments.days")
            return None
        if first is not None and last is not None and last < first:
            self.contradiction("assignments.through")
            return None
        if unit is None or region is None or not roles:
            return None
        return Assignment(unit=unit, region=region, roles=roles, from_date=first, through=last)

    def _roles(self, value: Any) -> tuple[Role, ...]:
        """The roles that are known here; directories have many more."""
        roles: list[Role] = []
        for text in value if isinstance(value, list) else ():
            try:
                roles.append(Role(text))
            except ValueError:
                self.aside("assignments.roles")
        if not roles:
            self.aside("assignments.roles")
        return tuple(dict.fromkeys(roles))[:_MOST_ROLES]


class _UnitReader(MemberReader):
    """The members of one message about a unit."""

    def record(self) -> UnitRecord:
        unit, sequence = _hsa_id(self.members.get("unit")), self.sequence()
        if unit is None or sequence is None:
            raise NothingNamed
        self.unknown(UnitRecord)
        changed_at = self.changed_at()
        day_before = swedish_date(changed_at) - timedelta(days=1)
        record = UnitRecord(
            unit=unit,
            sequence=sequence,
            changed_at=changed_at,
            name=self._name(unit),
            region=self.taken("region", _REGION.validate_python, None),
            care_provider=self.taken("care_provider", _HSA_ID.validate_python, None),
            parent=self._other(unit, "parent"),
            clinic=self.taken("clinic", _CLINIC.validate_python, None),
            valid_from=self.taken("valid_from", _day, None),
            valid_through=self.taken(_LAST_DAY, _day, None, unreadable=day_before),
            succeeded_by=self._other(unit, "succeeded_by"),
        )
        first, last = record.valid_from, record.valid_through
        if first is not None and last is not None and last < first:
            # the last day is the one that makes an opening wait
            if _LAST_DAY not in self.set_aside:
                self.contradiction("valid_from")
            return record.model_copy(update={"valid_from": None})
        return record

    def _name(self, unit: str) -> str:
        """The unit's name, cut where it is too long; its HSA-id where none can be read."""
        value = self.members.get("name")
        if not isinstance(value, str) or not value.strip() or "\x00" in value:
            self.aside("name")
            return unit
        if len(value) > _LONGEST_NAME:
            self.aside("name")
        return value[:_LONGEST_NAME]

    def _other(self, unit: str, name: str) -> str | None:
        other = self.taken(name, _HSA_ID.validate_python, None)
        if other == unit:
            self.contradiction(name)
            return None
        return other


def _hsa_id(value: Any) -> str | None:
    return _text(_HSA_ID, value)


def _text(kind: TypeAdapter[str], value: Any) -> str | None:
    try:
        return kind.validate_python(value)
    except ValidationError:
        return None


def _day(text: str | None) -> date | None:
    """A day, also one that is written with a time; an empty text is none. Raises ValueError or TypeError."""
    if text is None or text == "":
        return None
    if len(text) > len("2026-01-01") and text[10] in "T ":
        datetime.fromisoformat(text)
        text = text[:10]
    return day_of(text)
