"""
The one table of the kinds of measures: what each is about, whom it concerns, and where people key it in.

Which form imposes and which releases a kind stands in `sigill_contracts.vocabulary` (IMPOSES, RELEASES), whether it
opens in `MeasureKind.opens`, its words in `sigill.policy.sentences`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sigill_contracts.vocabulary import Initiative, MeasureKind, Service

ADMIN_JOURNALEN = "admin_journalen"
PERSONALVERKTYGET = "personalverktyget"


@dataclass(frozen=True, slots=True)
class KeyedInto:
    """A national system without an interface, and what people key in there when a measure begins and ends."""

    system: str
    begins: str
    ends: str


@dataclass(frozen=True, slots=True)
class MeasureSpec:
    """
    A kind of measure.

    `services`: what it opens or shuts where neither order nor rulebook says. `names_guardians`: it is about guardians
    alone, those whom it names or all of them. `told_patient`, `told_guardians`: whose access it changes, so that
    notices about it may go to them. `of_units`: naming units it is about those alone; else about the whole record.
    """

    services: tuple[Service, ...]
    keyed_into: tuple[KeyedInto, ...]
    names_guardians: bool = False
    told_patient: bool = False
    told_guardians: bool = False
    of_units: bool = False
    initiative: Initiative = Initiative.CARE
    """Whose initiative an existing measure is taken for that is imported without one."""


_RECORD = (Service.JOURNAL,)
_BOTH = (Service.JOURNAL, Service.E_SERVICES)
_SEALED = KeyedInto(ADMIN_JOURNALEN, "seal", "unseal")
_LOCKED = KeyedInto(PERSONALVERKTYGET, "lock", "unlock")
_OPENED = KeyedInto(ADMIN_JOURNALEN, "open", "close")

MEASURE_SPECS: Mapping[MeasureKind, MeasureSpec] = MappingProxyType(
    {
        MeasureKind.JOURNAL_SEAL: MeasureSpec(_RECORD, (_SEALED,), told_patient=True, of_units=True),
        MeasureKind.LOGIN_LOCK: MeasureSpec((Service.E_SERVICES,), (_LOCKED,), told_patient=True),
        MeasureKind.GUARDIAN_BLOCK: MeasureSpec(
            _BOTH,
            (KeyedInto(ADMIN_JOURNALEN, "block", "unblock"),),
            names_guardians=True,
            told_guardians=True,
        ),
        MeasureKind.CHILD_SEAL: MeasureSpec(
            _BOTH, (_SEALED, _LOCKED), told_patient=True, told_guardians=True
        ),
        MeasureKind.GUARDIAN_RESTRICTION: MeasureSpec(
            _RECORD,
            (KeyedInto(ADMIN_JOURNALEN, "restrict", "unrestrict"),),
            names_guardians=True,
            told_guardians=True,
            of_units=True,
        ),
        MeasureKind.GUARDIAN_GRANT: MeasureSpec(
            _RECORD,
            (_OPENED,),
            names_guardians=True,
            told_guardians=True,
            of_units=True,
            initiative=Initiative.GUARDIAN,
        ),
        MeasureKind.MINOR_GRANT: MeasureSpec(
            _RECORD, (_OPENED,), told_patient=True, of_units=True, initiative=Initiative.CHILD
        ),
        MeasureKind.REPRESENTATIVE_GRANT: MeasureSpec(
            _RECORD, (_OPENED,), of_units=True, initiative=Initiative.REPRESENTATIVE
        ),
    }
)

NAMES_GUARDIANS = frozenset(kind for kind, spec in MEASURE_SPECS.items() if spec.names_guardians)
AGAINST_GUARDIANS = frozenset(kind for kind in NAMES_GUARDIANS if not kind.opens)
"""Measures against guardians alone: some, or all, later ones too."""
