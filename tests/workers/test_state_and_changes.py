"""What readers of states and changes get: what an answer needs, and not who decided it, why, or what anybody is called."""

from sigill.client import LocalCopy
from sigill_contracts.order import PersonRef
from sigill_contracts.state import PatientState
from sigill_contracts.vocabulary import IdType, Service
from tests.kit.senders import ADULT, CHILD, DOCTOR, FATHER, KEYS, MOTHER, OPERATOR, person
from tests.kit.worker_harness import START, WorkerHarness

SECRET = "Zebrafinken sjunger"


async def test_no_reason_decider_or_name_leaves_with_a_state_or_a_change(harness: WorkerHarness) -> None:
    senders = harness.senders
    for number, given in ((CHILD, "Vera"), (MOTHER, "Maja")):
        named = {"given": given, "family": "Zebrafink"}
        custody = {"custody": [{"guardian": person(MOTHER)}, {"guardian": person(FATHER)}]}
        told = senders.registers(START, number, 7, name=named, **(custody if number == CHILD else {}))
        await harness.hand_over(told)
    call = senders.form(START, patient=person(CHILD), channel="phone", urgent=True, motivation=SECRET)
    await harness.hand_over(
        senders.orders(
            START,
            "block_guardians",
            patient=person(CHILD),
            guardians=[person(MOTHER)],
            motivation=SECRET,
            references=[{"kind": "court_order", "id": "T-1-25 Zebrafink", "sha256": None}],
        ),
        senders.signs(call, START, by=OPERATOR),
        senders.orders(START, motivation=SECRET),
    )
    told = [e for e in await harness.out() if e.aggregatetype in ("access.state.v1", "access.changes.v1")]
    assert {e.aggregatetype for e in told} == {"access.state.v1", "access.changes.v1"}
    for event in told:
        text = (event.payload or b"").decode()
        assert not [word for word in (SECRET, "Zebrafink", "Vera", "Maja", DOCTOR, OPERATOR) if word in text]
        # nobody but the patient and those who may ask about the patient, or are shut out
        others = {ADULT, CHILD, MOTHER, FATHER} - (
            {ADULT} if event.aggregateid == KEYS.of(ADULT) else {CHILD, MOTHER, FATHER}
        )
        assert not [number for number in others if number in text]


async def test_a_state_holds_no_number_of_somebody_whom_nothing_lets_in(harness: WorkerHarness) -> None:
    """A guardian whose custody has ended, blocked by name before, is a stranger to readers, and answered as one."""
    senders = harness.senders
    await harness.hand_over(
        senders.orders(START, "block_guardians", patient=person(CHILD), guardians=[person(FATHER)])
    )
    await harness.hand_over(senders.registers(START, CHILD, 7, custody=[{"guardian": person(MOTHER)}]))
    events = [e for e in await harness.out() if e.aggregatetype == "access.state.v1"]
    newest = [e for e in events if e.aggregateid == KEYS.of(CHILD)][-1]
    assert newest.payload is not None
    text = newest.payload.decode()
    assert MOTHER in text
    assert FATHER not in text
    assert KEYS.of(FATHER) not in text
    state = PatientState.model_validate_json(text)
    copy = LocalCopy(harness.desk.books)
    assert copy.take(state.key, newest.payload)
    patient, father = (PersonRef(id_type=IdType.PERSONNUMMER, id=number) for number in (CHILD, FATHER))
    for asking in (father, KEYS.of(FATHER)):
        for service in Service:
            assert not copy.brief(patient, asking, service, state.known_at).allowed


async def test_whoever_may_be_a_present_guardian_under_another_number_stays_in_the_state(
    harness: WorkerHarness,
) -> None:
    """The child's record names a number of which nothing is known: what shuts the former guardian shuts it, in a copy too."""
    senders, unknown = harness.senders, "198507099805"
    await harness.hand_over(
        senders.orders(START, "block_guardians", patient=person(CHILD), guardians=[person(FATHER)])
    )
    told = senders.registers(
        START, CHILD, 7, custody=[{"guardian": person(MOTHER)}, {"guardian": person(unknown)}]
    )
    await harness.hand_over(told)
    events = [e for e in await harness.out() if e.aggregatetype == "access.state.v1"]
    newest = [e for e in events if e.aggregateid == KEYS.of(CHILD)][-1]
    copy = LocalCopy(harness.desk.books)
    assert newest.payload is not None
    assert copy.take(KEYS.of(CHILD), newest.payload)
    state = PatientState.model_validate_json(newest.payload)
    answer = copy.decide(KEYS.of(CHILD), KEYS.of(unknown), Service.JOURNAL, state.known_at)
    assert "guardian_block" in answer.codes
