"""
Invented people, staff, and the orders about them: as many as asked for, really signed, of the forms of a usual day.

A region's orders are mostly locks, seals and blocks, some grants. One patient in eight gets three orders after each
other (locked, released, locked again), so that it shows whether a patient's order is kept.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

from sigill.devtools.authority import DevAuthority
from sigill.devtools.signing import sign_jws
from sigill.policy.rulebook import Rulebooks
from sigill.scenario.cast import Numbers, ScenarioData
from sigill.scenario.format import OrderStep, PersonSpec, Scenario
from sigill_contracts.keys import patient_key
from sigill_contracts.vocabulary import Form

KINDS = (
    ("adult", (Form.LOCK_LOGIN,)),
    ("adult", (Form.SEAL_JOURNAL,)),
    ("child", (Form.BLOCK_GUARDIANS,)),
    ("adult", (Form.LOCK_LOGIN, Form.RELEASE_LOGIN_LOCK, Form.LOCK_LOGIN)),
    ("adult", (Form.LOCK_LOGIN,)),
    ("child", (Form.BLOCK_GUARDIANS,)),
    ("teenager", (Form.GRANT_GUARDIAN_ACCESS,)),
    ("adult", (Form.SEAL_JOURNAL,)),
)
"""Who a patient is and what is ordered about it, in turn."""


@dataclass(frozen=True, slots=True)
class Message:
    """A record to publish. `key` is the record key; an order's `event` is its order id."""

    event: str
    key: str
    value: bytes


@dataclass
class Crowd:
    """People and staff of one run. `now` is when their orders are decided and signed (UTC)."""

    books: Rulebooks
    authority: DevAuthority
    secret: bytes
    audience: str
    now: datetime
    _names: count[int] = field(default_factory=count)
    _parents: tuple[str, str] | None = None
    _families: int = 0

    def __post_init__(self) -> None:
        story = Scenario.model_validate(
            {
                "scenario": "benchmark",
                "id": "BENCH",
                "cites": ["KR-23"],
                "region": "kronoberg",
                "start": "2026-01-01T00:00",
                "units": ["mottagning", "barnklinik"],
                "people": {},
                "staff": {
                    **{f"physician{n}": _worker("mottagning", "treating_physician") for n in range(40)},
                    **{f"head{n}": _worker("barnklinik", "head_of_unit") for n in range(5)},
                    **{f"on-call{n}": _worker("barnklinik", "on_call_physician") for n in range(5)},
                },
                "steps": [],
            }
        )
        self.cast = ScenarioData(story, self.books, Numbers(), self.audience)

    def key_of(self, name: str) -> str:
        """The record key of somebody."""
        return patient_key(self.cast.people[name].ref.id, self.secret, "v1")

    def staff(self) -> list[Message]:
        """The directory's messages. Everybody whom an order needs is hired by `people` and `orders` before."""
        told = []
        for name in list(self.cast.staff):
            record = self.cast.assignments(name, self.now - timedelta(days=30))
            told.append(
                Message(f"staff-{name}-{record.sequence}", record.hsa_id, record.model_dump_json().encode())
            )
        return told

    def people(self, patients: int) -> tuple[list[Message], list[tuple[str, tuple[Form, ...]]]]:
        """
        So many patients and their guardians: the register's messages, and each patient with the forms of its orders.
        """
        wanted, told = [], []
        for place in range(patients):
            kind, forms = KINDS[place % len(KINDS)]
            names = self._invite(kind)
            wanted.append((names[-1], forms))
            told += [self._record(name) for name in names]
        return told, wanted

    def orders(self, wanted: Sequence[tuple[str, tuple[Form, ...]]]) -> list[Message]:
        """The signed orders: every patient's first, then every second, and so on."""
        made = []
        for turn in range(max(len(forms) for _, forms in wanted)):
            made += [self._order(name, forms[turn]) for name, forms in wanted if turn < len(forms)]
        return made

    def _invite(self, kind: str) -> list[str]:
        """Somebody new, after the guardians whom nobody has told of yet."""
        number = next(self._names)
        day = number % 9000
        if kind == "adult":
            return [self._add(f"r{number}", date(1955, 1, 1) + timedelta(days=day))]
        told = []
        if self._parents is None or self._families % 2 == 0:
            self._parents = (f"m{number}", f"f{number}")
            told = [self._add(name, date(1980, 1, 1) + timedelta(days=day)) for name in self._parents]
        self._families += 1
        years = 6 if kind == "child" else 14
        born = self.now.date() - timedelta(days=365 * years + day % 300)
        return [*told, self._add(f"c{number}", born, self._parents)]

    def _add(self, name: str, born: date, guardians: tuple[str, ...] = ()) -> str:
        self.cast.add(name, PersonSpec(born=born.isoformat(), guardians=guardians))
        return name

    def _record(self, name: str) -> Message:
        record = self.cast.record(name, self.now - timedelta(days=30))
        return Message(
            f"person-{name}-{record.sequence}", self.key_of(name), record.model_dump_json().encode()
        )

    def _order(self, patient: str, form: Form) -> Message:
        number = next(self._names)
        said: dict[str, Any] = {
            "id": f"o{number}",
            "form": form,
            "patient": patient,
            "initiative": _BY.get(form, "care"),
        }
        if form is Form.GRANT_GUARDIAN_ACCESS:
            said["guardians"] = tuple(self.cast.people[patient].guardians)[:1]
        if form is not Form.RELEASE_LOGIN_LOCK:
            said["decided_by"] = f"physician{number % 40}"
        told, signer = self.cast.form(OrderStep.model_validate(said), self.now)
        holder = self.authority.staff(self.cast.staff[signer or ""].hsa_id)
        signed = sign_jws(json.dumps(told, ensure_ascii=False).encode(), holder, signed_at=self.now)
        return Message(told["order_id"], self.key_of(patient), signed)


_BY = {
    Form.LOCK_LOGIN: "resident",
    Form.RELEASE_LOGIN_LOCK: "resident",
    Form.SEAL_JOURNAL: "resident",
    Form.GRANT_GUARDIAN_ACCESS: "guardian",
}


def _worker(unit: str, role: str) -> dict[str, object]:
    return {"unit": unit, "roles": [role]}
