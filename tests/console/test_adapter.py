"""A national system that gets an interface takes the list's place, and nothing else changes."""

from dataclasses import dataclass, field

from sigill.operations.worklist import ByHand, WorklistEntry, carry_out
from sigill.policy.measure_specs import ADMIN_JOURNALEN
from sigill.store import console, tasks
from tests.kit.console import World
from tests.kit.senders import ADULT


@dataclass
class Interface:
    """Admin Journalen with an interface: takes each task once, whatever it is asked twice."""

    target: str = ADMIN_JOURNALEN
    broken: bool = False
    stands: dict[str, str] = field(default_factory=dict)

    async def carry_out(self, entry: WorklistEntry) -> str | None:
        if self.broken:
            raise ConnectionError("their service is down")
        return self.stands.setdefault(f"{entry.task.subject}", f"AJ-{entry.identity.number[-4:]}")


async def test_an_interface_takes_the_place_of_people(fresh: World) -> None:
    await fresh.harness.hand_over(fresh.senders.orders(fresh.clock.now()))
    store, clock = fresh.store, fresh.clock
    assert await carry_out(store, clock, [ByHand(ADMIN_JOURNALEN)]) == 0
    assert await carry_out(store, clock, [Interface(broken=True)]) == 0  # the task stays
    async with store.reading() as tx:
        (task,) = await console.worklist_page(tx)
    interface = Interface()
    assert await carry_out(store, clock, [interface]) == 1
    assert await carry_out(store, clock, [interface]) == 0
    async with store.reading() as tx:
        done = (await tasks.by_ids(tx, [task.task_id]))[task.task_id]
    assert (done.done_by, done.remark) == ("adapter:admin_journalen", f"AJ-{ADULT[-4:]}")
