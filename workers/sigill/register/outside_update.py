"""
A measure made elsewhere as its source really sends it: what can be read counts, the rest is set aside.

What shuts is never lost for a trifle beside it: a day that cannot be read is open, units that cannot be read are the whole
record, an end that cannot be read has not come.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

from sigill.consumer.json_messages import json_once
from sigill.consumer.member_reader import MemberReader, day_of
from sigill_contracts.base import Instant
from sigill_contracts.dead_letter import DeadLetterReason
from sigill_contracts.elsewhere import ElsewhereMeasure, ElsewhereRecord, ReferenceText, SourceText
from sigill_contracts.order import HsaIdText, PersonRef, RegionText
from sigill_contracts.vocabulary import IdType, MadeBy, MeasureKind

_SOURCE = TypeAdapter[str](SourceText)
_REFERENCE = TypeAdapter[str](ReferenceText)
_HSA_ID = TypeAdapter[str](HsaIdText)
_REGION = TypeAdapter[str](RegionText)
_INSTANT = TypeAdapter[datetime](Instant)
_MOST_UNITS = 200


class NoOutsideMeasure(ValueError):
    """The message does not say which source it is from, or whom or which measure it is about, or it lets somebody in."""


@dataclass(frozen=True, slots=True)
class OutsideUpdate:
    """What one message says, as far as it can be read; `set_aside` as in `MemberReader`."""

    says: ElsewhereRecord
    set_aside: tuple[str, ...]
    kept_as: DeadLetterReason


def read_outside(data: bytes, arrived_at: datetime) -> OutsideUpdate:
    """
    Read a source's message, `arrived_at` being the broker's time (UTC): no source is read up to later than that.

    Raises ValueError for what is no JSON or names a member twice, and NoOutsideMeasure, one too.
    """
    members = json_once(data)
    if not isinstance(members, dict):
        raise NoOutsideMeasure
    reader = MemberReader(members, arrived_at)
    try:
        source = _SOURCE.validate_python(members.get("source"))
    except ValidationError:
        raise NoOutsideMeasure from None
    reader.unknown(ElsewhereRecord)
    missing = datetime.min.replace(tzinfo=arrived_at.tzinfo)
    read_up_to = min(reader.taken("read_up_to", _instant, missing), arrived_at)
    told = members.get("measure")
    if told is None:
        return OutsideUpdate(
            ElsewhereRecord(source=source, read_up_to=read_up_to), tuple(reader.set_aside), reader.kept_as
        )
    if not isinstance(told, Mapping):
        raise NoOutsideMeasure
    inner = _MeasureReader(told, arrived_at)
    record = ElsewhereRecord(source=source, read_up_to=read_up_to, measure=inner.measure())
    aside = (*reader.set_aside, *(f"measure.{name}" for name in inner.set_aside))
    return OutsideUpdate(record, tuple(dict.fromkeys(aside)), inner.kept_as)


class _MeasureReader(MemberReader):
    """The members of one measure."""

    def measure(self) -> ElsewhereMeasure:
        sequence = self.sequence()
        try:
            reference = _REFERENCE.validate_python(self.members.get("reference"))
            patient = _person(self.members.get("patient"))
        except (ValidationError, ValueError):
            raise NoOutsideMeasure from None
        kind = self.word("kind", MeasureKind, MeasureKind.JOURNAL_SEAL) or MeasureKind.JOURNAL_SEAL
        if sequence is None or kind.opens:
            raise NoOutsideMeasure
        self.unknown(ElsewhereMeasure)
        units = self._units()
        ended = self.members.get("ended", False)
        if not isinstance(ended, bool):
            self.aside("ended")
            ended = False
        first, last = self.taken("valid_from", _day, None), self.taken("valid_through", _day, None)
        if first is not None and last is not None and last < first:
            self.contradiction("valid_through")
            last = None
        since, until = self.taken("recorded_from", _day, None), self.taken("recorded_to", _day, None)
        if since is not None and until is not None and until < since:
            self.contradiction("recorded_to")
            since = until = None
        return ElsewhereMeasure(
            reference=reference,
            sequence=sequence,
            changed_at=self.changed_at(),
            patient=patient,
            kind=kind,
            made_by=self.word("made_by", MadeBy, MadeBy.REGION) or MadeBy.REGION,
            region=self.taken("region", _REGION.validate_python, None),
            care_provider=self.taken("care_provider", _HSA_ID.validate_python, None),
            units=units,
            recorded_from=since,
            recorded_to=until,
            valid_from=first,
            valid_through=last,
            ended=ended,
        )

    def _units(self) -> tuple[str, ...] | None:
        """The units; None, the whole record, where one of them cannot be read or they are too many."""
        if self.members.get("units") is None:
            return None
        found = self.items("units", _MOST_UNITS)
        try:
            units = tuple(dict.fromkeys(_HSA_ID.validate_python(text) for text in found))
        except ValidationError:
            self.aside("units")
            return None
        return None if "units" in self.set_aside else units or None


def _instant(text: str) -> datetime:
    return _INSTANT.validate_python(text, strict=False)


def _day(text: str) -> date | None:
    return day_of(text) if text else None


def _person(value: Any) -> PersonRef:
    if not isinstance(value, Mapping):
        raise NoOutsideMeasure
    return PersonRef.model_validate({"id_type": IdType(str(value.get("id_type"))), "id": value.get("id")})
