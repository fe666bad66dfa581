"""What sources say of measures made elsewhere is kept in order and counts; what can be read of a message counts."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from sigill.policy.facts import Identity
from sigill.register.outside_update import NoOutsideMeasure, read_outside
from sigill.store import dead_letters, elsewhere, persons
from sigill.store import facts as stored
from sigill_contracts.topics import ELSEWHERE
from sigill_contracts.vocabulary import IdType
from tests.kit.senders import ADULT, Sent, _event, person
from tests.kit.worker_harness import START, WorkerHarness


def told(reference: str = "r1", **fields: Any) -> dict[str, Any]:
    """A source's message about a seal."""
    measure = {
        "reference": reference,
        "sequence": 1,
        "changed_at": START.isoformat(),
        "patient": person(ADULT),
        "kind": "journal_seal",
        "made_by": "resident",
        **fields,
    }
    return {"source": "1177", "read_up_to": START.isoformat(), "measure": measure}


def sent(body: dict[str, Any]) -> Sent:
    """The message on its topic."""
    return _event(ELSEWHERE, "1177/r1", str(uuid4()), "application/json", json.dumps(body).encode())


async def test_what_a_source_says_is_kept_in_order_and_a_late_message_changes_nothing(
    harness: WorkerHarness,
) -> None:
    await harness.hand_over(*harness.senders.people(START))
    await harness.hand_over(
        sent(told(sequence=2, valid_through="2025-12-31")),
        sent(told(sequence=1, ended=True)),
        sent({"source": "1177", "read_up_to": (START - timedelta(hours=1)).isoformat(), "measure": None}),
    )
    adult = Identity(IdType.PERSONNUMMER, ADULT)
    async with harness.store.reading() as tx:
        who = await persons.resolve(tx, [adult])
        known = (await stored.patient_facts(tx, who.values()))[who[adult]]
        read = await elsewhere.sources(tx)
        parked = await dead_letters.page(tx, topic=ELSEWHERE.name)
    assert [(one.reference, one.measure.released) for one in known.elsewhere] == [("r1", False)]
    assert known.measures == ()
    assert read == {"1177": START}
    assert parked == []


@pytest.mark.parametrize(
    ("fields", "set_aside"),
    [
        ({"hair": "red"}, ("measure.?",)),
        ({"kind": "sealed"}, ("measure.kind",)),
        ({"made_by": "somebody"}, ("measure.made_by",)),
        ({"units": ["-- ?"]}, ("measure.units",)),
        ({"valid_through": "spring"}, ("measure.valid_through",)),
        ({"valid_from": "2026-02-01", "valid_through": "2026-01-01"}, ("measure.valid_through",)),
        ({"recorded_from": "2026-02-01", "recorded_to": "2026-01-01"}, ("measure.recorded_to",)),
        ({"ended": "perhaps"}, ("measure.ended",)),
        ({"valid_from": "0001-01-01", "valid_through": "9999-12-31"}, ()),
    ],
)
def test_what_cannot_be_read_shuts(fields: dict[str, Any], set_aside: tuple[str, ...]) -> None:
    read = read_outside(json.dumps(told(**fields)).encode(), START)
    assert read.set_aside == set_aside
    assert read.says.measure is not None
    assert (read.says.measure.units, read.says.measure.valid_through, read.says.measure.ended) == (
        None,
        None,
        False,
    )


@pytest.mark.parametrize(
    "fields",
    [{"kind": "guardian_grant"}, {"reference": ""}, {"patient": {"id": "1"}}, {"sequence": None}],
)
def test_what_names_nothing_or_lets_somebody_in_is_kept_among_the_dead_letters(
    fields: dict[str, Any],
) -> None:
    with pytest.raises(NoOutsideMeasure):
        read_outside(json.dumps(told(**fields)).encode(), START)


def test_no_source_is_read_up_to_later_than_its_message() -> None:
    later = told() | {"read_up_to": (START + timedelta(days=400)).isoformat()}
    assert read_outside(json.dumps(later).encode(), START).says.read_up_to == START
