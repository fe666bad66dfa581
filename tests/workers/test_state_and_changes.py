"""What readers of states and changes get: what an answer needs, and not who decided it, why, or what anybody is called."""

from tests.workers.conftest import START, Office
from tests.workers.town import ADULT, CHILD, DOCTOR, FATHER, KEYS, MOTHER, OPERATOR, person

SECRET = "Zebrafinken sjunger"


async def test_no_reason_decider_or_name_leaves_with_a_state_or_a_change(office: Office) -> None:
    town = office.town
    for number, given in ((CHILD, "Vera"), (MOTHER, "Maja")):
        named = {"given": given, "family": "Zebrafink"}
        custody = {"custody": [{"guardian": person(MOTHER)}, {"guardian": person(FATHER)}]}
        told = town.registers(START, number, 7, name=named, **(custody if number == CHILD else {}))
        await office.hand_over(told)
    call = town.form(START, patient=person(CHILD), channel="phone", urgent=True, motivation=SECRET)
    await office.hand_over(
        town.orders(
            START,
            "block_guardians",
            patient=person(CHILD),
            guardians=[person(MOTHER)],
            motivation=SECRET,
            references=[{"kind": "court_order", "id": "T-1-25 Zebrafink", "sha256": None}],
        ),
        town.signs(call, START, by=OPERATOR),
        town.orders(START, motivation=SECRET),
    )
    told = [e for e in await office.out() if e.aggregatetype in ("access.state.v1", "access.changes.v1")]
    assert {e.aggregatetype for e in told} == {"access.state.v1", "access.changes.v1"}
    for event in told:
        text = (event.payload or b"").decode()
        assert not [word for word in (SECRET, "Zebrafink", "Vera", "Maja", DOCTOR, OPERATOR) if word in text]
        # nobody but the patient and those who may ask about the patient, or are shut out
        others = {ADULT, CHILD, MOTHER, FATHER} - (
            {ADULT} if event.aggregateid == KEYS.of(ADULT) else {CHILD, MOTHER, FATHER}
        )
        assert not [number for number in others if number in text]
