"""
The one table of Sigill's workers. Wiring, commands, rights on the broker and the trial read it.

Which topics a worker reads and writes stands in `sigill_contracts.topics`, and is looked up there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from sigill_contracts.topics import INCOMING, STAFF, UNITS, TopicSpec

DatabaseRole = Literal[
    "sigill_owner",
    "sigill_intake",
    "sigill_register",
    "sigill_transitions",
    "sigill_relay",
    "sigill_reader",
    "sigill_ops",
    "sigill_auditor",
]
"""The roles of infra/roles.sql."""


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """
    A worker: its name in commands, consumer groups, metrics and deployments, and what it may do.

    `looks_at` are topics that it reads without a consumer group, each with the reason.
    """

    name: str
    does: str
    role: DatabaseRole
    for_orders: bool = True
    """Among `sigill worker all`; else it is run by its own name only."""
    judges: bool = False
    """Whether its store must hold the rulebooks, where they come from there."""
    needs_broker: bool = True
    """Whether it waits for the broker at its start, and is not ready without it."""
    looks_at: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def reads(self) -> tuple[TopicSpec, ...]:
        """The topics that its consumer group reads, in the order of the table of topics."""
        return tuple(spec for spec in INCOMING if self.name in spec.read_by)


_TABLE = (
    WorkerSpec("directory", "keeps staff and units", "sigill_register"),
    WorkerSpec(
        "register", "keeps persons, custody and measures made outside Sigill", "sigill_register", judges=True
    ),
    WorkerSpec(
        "intake",
        "verifies and judges orders",
        "sigill_intake",
        judges=True,
        looks_at={
            spec.name: "asks how far the directory goes, before it judges who decided"
            for spec in (STAFF, UNITS)
        },
    ),
    WorkerSpec(
        "transitions", "carries out what falls due", "sigill_transitions", judges=True, needs_broker=False
    ),
    WorkerSpec("relay", "publishes what the others wrote", "sigill_relay"),
    WorkerSpec(
        "ops",
        "serves the console and the decision API",
        "sigill_ops",
        for_orders=False,
        looks_at={spec.name: "shows how far behind its workers are" for spec in INCOMING},
    ),
)
WORKER_SPECS: Mapping[str, WorkerSpec] = MappingProxyType({spec.name: spec for spec in _TABLE})
"""Every worker by its name, in the order in which they are started."""
ORDER_WORKERS: tuple[str, ...] = tuple(spec.name for spec in _TABLE if spec.for_orders)
"""The workers of orders: `all` of them."""
EVERY_WORKER: tuple[str, ...] = tuple(WORKER_SPECS)
"""What can be run by name."""
