"""
What is applied here and not yet there: each measure must also stand in the national systems.

Those have no interface for seals, blocks and locks, so `ByHand` leaves each task to an operator, who ticks it off. An
adapter is one object a target: when a target gets an interface, another takes the place of `ByHand`, and `carry_out`
ticks off what it has done. Nothing else changes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from sigill.policy.effects import Sentence
from sigill.policy.facts import Identity, Measure, PatientFacts
from sigill.policy.lexicon import TARGETS
from sigill.policy.measure_specs import PERSONALVERKTYGET
from sigill.policy.sentences import MEASURE
from sigill.runtime.clock import Clock
from sigill.store import console, facts, measures, orders, tasks
from sigill.store.session import Reading, Store
from sigill.store.tasks import StoredTask
from sigill_contracts.vocabulary import MeasureId, MeasureKind, PersonId

log = structlog.get_logger("sigill.worklist")

BATCH = 100


@dataclass(frozen=True, slots=True)
class WorklistEntry:
    """A task with all that whoever carries it out must know."""

    task: StoredTask
    measure: Measure
    patient: PatientFacts

    @property
    def identity(self) -> Identity:
        """The patient's present number."""
        return self.patient.patient.latest.identity

    @property
    def guardians(self) -> tuple[Identity, ...] | None:
        """The numbers of those whom the measure is about; None: all guardians."""
        if self.measure.guardians is None:
            return None
        found = (self.patient.person(person) for person in self.measure.guardians)
        return tuple(person.latest.identity for person in found if person is not None)

    @property
    def guardians_except(self) -> tuple[Identity, ...]:
        """The numbers of those who have been let out of a measure against all guardians."""
        found = (self.patient.person(person) for person in self.measure.guardians_except)
        return tuple(person.latest.identity for person in found if person is not None)

    @property
    def viewer(self) -> Identity | None:
        """The number of a representative who is let in."""
        person = self.patient.person(self.measure.viewer) if self.measure.viewer else None
        return person.latest.identity if person else None


async def unit_of(tx: Reading, task: StoredTask) -> str | None:
    """Return the unit that a task belongs to: its own, or that of the order that brought it."""
    if task.unit is not None or task.order_id is None:
        return task.unit
    return next((order.unit for order in await orders.load(tx, [task.order_id]) if order.proven), None)


async def about(tx: Reading, task: StoredTask) -> set[PersonId]:
    """Return whom a task is about: its patient, and whoever its measure names."""
    found = await measures.by_ids(tx, [task.measure_id] if task.measure_id else [])
    return named_by(task, found)


def named_by(task: StoredTask, found: Mapping[MeasureId, Measure]) -> set[PersonId]:
    """The same, where the measures of several tasks have been read already."""
    measure = found.get(task.measure_id) if task.measure_id else None
    named = () if measure is None else (*(measure.guardians or ()), *measure.guardians_except, measure.viewer)
    return {who for who in (task.patient, *named) if who is not None}


class Adapter(Protocol):
    """
    A national system that measures must also stand in.

    `carry_out` returns what stands there now (a reference of that system's), or None when people must do it. It may
    be called again for the same task after a crash: the same task twice must be one measure there. Trouble raises;
    the task then stays open.
    """

    @property
    def target(self) -> str:
        """The task's target."""
        ...

    async def carry_out(self, entry: WorklistEntry) -> str | None:
        """Do it, or leave it to people."""
        ...


@dataclass(frozen=True, slots=True)
class ByHand:
    """A system without an interface: an operator keys it in."""

    target: str

    async def carry_out(self, entry: WorklistEntry) -> str | None:
        """Leave it to people."""
        return None


def by_hand() -> tuple[Adapter, ...]:
    """The systems as they are today."""
    return tuple(ByHand(target) for target in TARGETS)


async def entry_of(store: Store, task_id: int) -> WorklistEntry | None:
    """Return a work-list task with its measure and patient; None when there is no such task, or nothing to key in."""
    async with store.reading() as tx:
        task = (await tasks.by_ids(tx, [task_id])).get(task_id)
        if task is None or task.measure_id is None or task.target is None:
            return None
        measure = (await measures.by_ids(tx, [task.measure_id])).get(task.measure_id)
        if measure is None:
            return None
        found = (await facts.patient_facts(tx, [measure.patient], units=())).get(measure.patient)
    return None if found is None else WorklistEntry(task, measure, found)


async def carry_out(store: Store, clock: Clock, adapters: Iterable[Adapter]) -> int:
    """Let every adapter carry out what is open for its target; tick off what it did. Returns how many."""
    done = 0
    for adapter in adapters:
        if isinstance(adapter, ByHand):
            continue
        async with store.reading() as tx:
            waiting: Sequence[StoredTask] = await console.worklist_page(tx, adapter.target, limit=BATCH)
        for task in waiting:
            entry = await entry_of(store, task.task_id)
            if entry is None:
                continue
            try:
                reference = await adapter.carry_out(entry)
            except Exception as error:  # whatever their interface raises: the task stays, the others go on
                log.warning("not carried out", target=adapter.target, error=type(error).__name__)
                continue
            if reference is not None:
                async with store.transaction(clock.now()) as tx:
                    ticked = await tasks.tick_off(
                        tx, task.task_id, f"adapter:{adapter.target}", reference, whoever_has_it=True
                    )
                done += int(ticked)
    return done


def what_to_do(task: StoredTask, measure: Measure) -> Sentence:
    """Say in one line what is to be done in the target."""
    sv, en = _VERBS.get(task.key_in or "", ("Lägg in", "Key in"))
    words = MEASURE[measure.kind]
    if measure.kind is MeasureKind.CHILD_SEAL and task.target == PERSONALVERKTYGET:
        words = MEASURE[MeasureKind.LOGIN_LOCK]
    return Sentence(f"{sv}: {words.sv}", f"{en}: {words.en}")


_VERBS = {
    **dict.fromkeys(("seal", "block", "lock", "restrict"), ("Lägg in", "Key in")),
    **dict.fromkeys(("unseal", "unblock", "unlock", "unrestrict"), ("Häv", "Lift")),
    "open": ("Öppna", "Open"),
    "close": ("Stäng", "Close"),
}
