"""
Random schedules of faults against the running program, and an independent check of what is left.

    python -m tests.faults.chaos --seed 7 --minutes 4 --kills 50

The schedule and what is sent follow from the seed; how the processes interleave does not. Exit status 1 on any fault,
with the seed and the schedule.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import random
import re
import shutil
import sys
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
from aiokafka import TopicPartition

from sigill.bootstrap import load_rulebooks
from sigill.devtools.authority import DevAuthority
from sigill.policy.rulebook import Rulebooks
from sigill.runtime.clock import stopwatch
from sigill_contracts.topics import CHANGES, ORDERS, PERSONS, STAFF
from tests.faults import checker
from tests.faults.checker import PUBLISHED, Verdict
from tests.faults.ground import PARTITIONS, Ground, ground
from tests.faults.outside import MOTIVATION, Household, Message, Outside
from tests.faults.readers import check_changes, check_readers, in_order_of_writing
from tests.faults.replay import Chapter, differing, replay, shuffled
from tests.faults.schedule import Strike, changes, draw, setbacks, thinned
from tests.faults.topics import ends_of, read_all

FIRST = datetime(2010, 1, 1, tzinfo=UTC)
LAST = datetime(2060, 1, 1, tzinfo=UTC)
START = datetime(2026, 2, 2, 8, tzinfo=UTC)
JUMPS = (
    timedelta(minutes=20),
    timedelta(hours=5),
    timedelta(days=1),
    timedelta(days=13),
    timedelta(days=45),
    timedelta(days=170),
)
PATIENCE = 60.0
"""Seconds of going on under fire before the faults hold their breath, so that a round can end."""
LAST_PATIENCE = 180.0
BURSTS = 6
"""How often, at most, orders come for the same people before the clock moves on."""


@dataclass
class Chaos:
    """One run."""

    seed: int
    strikes: list[Strike]
    outside: Outside
    ground: Ground
    books: Rulebooks
    now: datetime = START
    chapters: list[Chapter] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    calm: asyncio.Event = field(default_factory=asyncio.Event)
    breaths: int = 0
    slowest: float = 0.0
    young: bool = False
    free: list[Household] = field(default_factory=list)
    """Those with nothing due and nothing told in this round: orders about them may come at any moment of it."""
    topic_id: UUID | None = None
    """Of the orders topic, once it was made anew."""
    _still: asyncio.Lock = field(default_factory=asyncio.Lock)
    _unsettled: bool = False
    _new_to_intakes: bool = False
    """The orders topic's log was made anew or cut, and no intake may have looked at it since."""
    broken: list[str] = field(default_factory=list)
    """Strikes that ended in an error of ours: what came of them says nothing of the program."""

    def __post_init__(self) -> None:
        self.calm.set()
        self.traffic = random.Random(f"{self.seed}/traffic")

    async def run(self) -> Verdict:
        """Play the schedule with traffic under it, heal, let it drain, check."""
        await self.begin()
        firing = asyncio.create_task(self._fire())
        while not firing.done():
            await self.round()
        await firing
        await self.ground.heal()
        await self.round(last=True)
        return await self.check()

    async def begin(self) -> None:
        """Let directory and register tell of everybody."""
        first = Chapter(self.now, self.outside.first(self.now))
        self.chapters.append(first)
        await self.ground.publish(first.told, self.now)
        await self.drained(LAST_PATIENCE)

    # --- faults

    async def _fire(self) -> None:
        began, late = stopwatch(), 0.0
        going: set[asyncio.Task[None]] = set()
        for strike in self.strikes:
            await asyncio.sleep(max(0.0, strike.at + late - (stopwatch() - began)))
            if not self.calm.is_set():
                waited = stopwatch()
                await self.calm.wait()
                late += stopwatch() - waited
            self.done[strike.what] += 1
            task = asyncio.create_task(self._carried_out(strike))
            going.add(task)
            task.add_done_callback(going.discard)
        if going:
            await asyncio.wait(going)

    async def _carried_out(self, strike: Strike) -> None:
        try:
            await self._strike(strike)
        except Exception as error:
            self.broken.append(f"{strike}: {error!r}")

    async def _strike(self, strike: Strike) -> None:
        here = self.ground
        acts: dict[str, Coroutine[Any, Any, None]] = {}
        match strike.what:
            case "kill_worker":
                acts["do"] = here.kill_worker(strike.target, strike.seconds)
            case "kill_at_point":
                slot, point = strike.target.split(" ")
                acts["do"] = here.kill_at_point(slot, point)
            case "kill_database":
                acts["do"] = here.kill_database(strike.seconds)
            case "kill_broker":
                acts["do"] = here.kill_broker(strike.seconds)
            case "end_sessions":
                acts["do"] = here.end_sessions()
            case "freeze":
                acts["do"] = here.freeze(strike.target, strike.seconds)
            case "rebalances":
                acts["do"] = here.rebalances(strike.seconds)
            case "fill_disk":
                acts["do"] = here.fill_disk(strike.seconds)
            case "make_topic_anew":
                acts["do"] = self.make_topic_anew()
            case "add_partitions":
                acts["do"] = self.add_partitions()
            case "elect_uncleanly":
                acts["do"] = self.elect_uncleanly()
            case "wipe_disk":
                acts["do"] = here.wipe_disk(strike.seconds)
            case "restore" | "promote_late":
                acts["do"] = self.set_back(strike.what, strike.seconds)
            case "set_apart":
                slot, ahead = strike.target.split(" ")
                acts["do"] = here.set_apart(slot, timedelta(seconds=int(ahead)), strike.seconds)
            case "behind_pooler":
                slot, mode = strike.target.split(" ")
                acts["do"] = here.behind_pooler(slot, mode, strike.seconds)
            case "spoil_database" if strike.toxic:
                acts["do"] = here.spoil(here.database_proxy, strike.toxic, strike.seconds)
            case "spoil_broker" if strike.toxic and here.broker_proxy:
                acts["do"] = here.spoil(here.broker_proxy, strike.toxic, strike.seconds)
        for act in acts.values():
            await act

    @contextlib.asynccontextmanager
    async def _standing_still(
        self, *, from_the_start: bool = True, another_log: bool = False
    ) -> AsyncIterator[None]:
        """
        The clock does not move, nothing counts as drained, and no intake runs. `another_log`: what was taken no longer
        says anything of the log that is there then.
        """
        intakes = self._intakes()
        async with self._still:
            if another_log and self._new_to_intakes:
                # the stored offsets would be those of the log before, and nobody could say what was taken of this one
                await self._caught_up()
            self._new_to_intakes = self._new_to_intakes or another_log
            self._unsettled = True
            try:
                if from_the_start:
                    await self.ground.send_away(intakes)
                yield
            finally:
                self._unsettled = False
                await self.ground.let_back(intakes)

    def _intakes(self) -> list[str]:
        return [name for name, slot in self.ground.slots.items() if slot.worker == "intake"]

    async def make_topic_anew(self) -> None:
        """The orders topic is lost and made again; its senders send once more, and new orders come."""
        async with self._standing_still(another_log=True):
            again = await self.ground.make_topic_anew(self.outside.known)
            self.topic_id = await self.ground.insist(self.ground.topic_id)
            # in another order than before: the same bytes at the same places would be the same log
            await self.send_orders(self.free)
            await self.ground.publish(shuffled(again, self.traffic), self.now)
            await self.send_orders(self.free)

    async def add_partitions(self) -> None:
        """More partitions while the old ones have a backlog, and more orders of the same patients after that."""
        async with self._standing_still():
            await self.send_orders(self.free)
            await self.ground.add_partitions()
            await self.send_orders(self.free)

    async def elect_uncleanly(self) -> None:
        """A broker that alone had the newest orders is lost; their senders send them once more."""
        async with self._standing_still(from_the_start=False, another_log=True):
            again = await self.ground.elect_uncleanly(
                self.outside.known, lambda: self._some_orders(self.free), self.now, self._intakes()
            )
            await self.send_orders(self.free)
            await self.ground.publish(again, self.now)

    async def set_back(self, how: str, seconds: float) -> None:
        """The database goes back while everything works; nobody does anything about it."""
        async with self._still:
            self._unsettled = True
            try:
                await self.ground.set_back(how, lambda: self.send_orders(self.free), seconds)
            finally:
                self._unsettled = False
            # one disaster at a time: a topic lost before a restored database has read it again takes its orders along
            await self._caught_up()

    async def _caught_up(self) -> None:
        """Wait until all is taken, as long as one waits at most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_PATIENCE):
                while not await self._is_drained():
                    await asyncio.sleep(0.2)

    # --- traffic

    async def round(self, last: bool = False) -> None:
        """
        The clock moves; orders come for those with nothing due, and when the timers have fired for the others.

        So nobody's order races with that person's own timer or register message, and the pure core can say what must
        come of it; everything else happens at once.
        """
        jump = self.traffic.choice(JUMPS)
        while True:
            await self.drained(LAST_PATIENCE)
            async with self._still:
                if not await self._is_drained() and not last:
                    continue
                self.now += jump
                due = await self._due_people()
                self.ground.set_clock(self.now)
                chapter = Chapter(self.now)
                self.chapters.append(chapter)
                self.free = [h for h in self.outside.households if not self._people_of(h) & due]
                break
        chosen = [h for h in self.outside.households if self.traffic.random() < 0.6]
        told = [h for h in chosen if self.traffic.random() < 0.15]
        at_once = [h for h in chosen if h not in told and not self._people_of(h) & due]
        waiting = [h for h in chosen if h not in told and h not in at_once]
        self.free = [h for h in self.free if h not in told]
        patience = LAST_PATIENCE if last else PATIENCE
        for _ in range(1 if last else self.traffic.randint(1, BURSTS)):
            messages = [m for h in at_once for m in self._orders(h, chapter)]
            await self.ground.publish(shuffled(messages, self.traffic), self.now)
            await asyncio.sleep(self.traffic.uniform(0, 1))
        await self.drained(patience)
        for household in told:
            chapter_messages = self.outside.register_changes(household, self.now)
            chapter.told += chapter_messages
        messages = [m for h in waiting for m in self._orders(h, chapter)]
        await self.ground.publish(
            shuffled([*messages, *chapter.told, *self._nothing_new()], self.traffic), self.now
        )
        await self.drained(patience)

    async def send_orders(self, households: Sequence[Household] | None = None) -> None:
        """Orders of everybody, or of these, without a move of the clock or a wait."""
        whose = self.outside.households if households is None else households
        await self.ground.publish(self._some_orders(whose), self.now)

    def _some_orders(self, households: Sequence[Household]) -> list[Message]:
        messages = [m for h in households for m in self._orders(h, self.chapters[-1])]
        return shuffled(messages, self.traffic)

    def _nothing_new(self) -> list[Message]:
        """The directory says again what it has said."""
        return [m for m in self.chapters[0].told if m.topic is STAFF and self.traffic.random() < 0.05]

    def _orders(self, household: Household, chapter: Chapter) -> list[Message]:
        messages = self.outside.orders(household, self.now)
        if self.traffic.random() < 0.004:
            messages.append(self.outside.garbage(household))
        chapter.orders |= {m.digest for m in messages}
        return messages

    def _people_of(self, household: Household) -> set[str]:
        actors = [household.cast.people[n] for n in (household.patient, *household.guardians)]
        return {ref.id for a in actors for ref in (a.ref, *a.former)}

    async def _due_people(self) -> set[str]:
        """The numbers of those who have a timer that falls due by now."""
        for _ in range(100):
            with contextlib.suppress(Exception):
                conn = await self.ground.connect()
                try:
                    rows = await conn.fetch(
                        "SELECT i.number FROM timer t JOIN person_identity i USING (person_id) "
                        "WHERE t.state = 'set' AND t.due_at <= $1",
                        self.now,
                    )
                finally:
                    await conn.close()
                return {r["number"] for r in rows}
        raise TimeoutError("the database does not answer")

    async def drained(self, patience: float = PATIENCE) -> None:
        """Wait until all that was sent is taken, followed and published; the faults pause when it takes too long."""
        began = stopwatch()
        deadline = began + patience
        while not await self._is_drained():
            if stopwatch() > deadline:
                if not self.calm.is_set():
                    break
                self.breaths += 1
                self.calm.clear()
                deadline = stopwatch() + LAST_PATIENCE
            await asyncio.sleep(0.1)
        self.slowest = max(self.slowest, stopwatch() - began)
        self.calm.set()

    async def _is_drained(self) -> bool:
        if self._unsettled:
            return False
        try:
            async with asyncio.timeout(20):
                ends = await self._ends()
                conn = await self.ground.connect()
                try:
                    stored = {
                        (r["topic"], r["partition"]): r["next_offset"]
                        for r in await conn.fetch(
                            "SELECT topic, partition, next_offset FROM consumer_offset "
                            "WHERE $1::uuid IS NULL OR topic <> $2 OR topic_id = $1",
                            self.topic_id,
                            self.ground.orders,
                        )
                    }
                    digests = [bytes.fromhex(digest) for digest in self.chapters[-1].orders]
                    filed = {
                        bytes(r["digest"]).hex()
                        for r in await conn.fetch(
                            "SELECT digest FROM signed_order WHERE digest = ANY ($1::bytea[])", digests
                        )
                    }
                    busy = await conn.fetchval(
                        "SELECT (SELECT count(*) FROM outbox WHERE published_at IS NULL)"
                        "     + (SELECT count(*) FROM timer WHERE state = 'set' AND due_at <= $1)",
                        self.now,
                    )
                finally:
                    await conn.close()
        except Exception:
            return False
        if self.chapters[-1].orders - self._unreadable() - filed:
            return False
        return busy == 0 and all((stored.get(p) or 0) >= end for p, end in ends.items())

    def _unreadable(self) -> set[str]:
        return {digest for digest, message in self.outside.known.items() if message.kind == "garbage"}

    async def _ends(self) -> dict[tuple[str, int], int]:
        here = self.ground
        parts = [
            TopicPartition(here.prefix + t.name, n)
            for t in (ORDERS, PERSONS, STAFF)
            for n in range(here.partitions if t is ORDERS else PARTITIONS)
        ]
        ends = await ends_of(here.kafka.bootstrap, parts)
        return {(p.topic, p.partition): end for p, end in ends.items()}

    # --- afterwards

    async def check(self) -> Verdict:
        """Everything that must be true now."""
        verdict = Verdict(young=self.young)
        here, known = self.ground, self.outside.known
        names = (ORDERS.name, PERSONS.name, STAFF.name, *PUBLISHED)
        topics = await read_all(here.kafka.bootstrap, here.prefix, names)
        topics[ORDERS.name] = here.chronicle.whole(topics[ORDERS.name])
        expected = checker.expected_answers(topics[ORDERS.name], known, here.prefix)
        checker.check_answers(verdict, topics, expected, reread=here.chronicle.log > 0 or here.cut > 0)
        checker.check_dead_letters(verdict, topics, known)
        conn = await here.connect()
        try:
            await checker.check_outbox(verdict, conn, topics, here.forgotten)
            await checker.check_store(verdict, conn, topics, known, here.prefix, self.now)
            await checker.check_audit(verdict, conn, topics, here.forgotten)
            await check_readers(verdict, conn, topics, self.now)
            in_order = [r for r in topics[ORDERS.name] if r.taken]
            stage = await replay(self.books, self.chapters, in_order, known)
            verdict.figures["measures in the replay"] = len({m.measure_id for _, m in stage.versions})
            wrong = await differing(stage, conn, self.outside.households)
            verdict.expect_none("households that the replay contradicts", wrong)
            changes_in_order = await in_order_of_writing(conn, topics[CHANGES.name])
            check_changes(verdict, stage, changes_in_order, self.outside.households)
        finally:
            await conn.close()
        verdict.expect_none("workers that ended by themselves", here.unexpected)
        verdict.expect_none("strikes that the harness could not carry out", self.broken)
        self._check_logs(verdict)
        return verdict

    def _check_logs(self, verdict: Verdict) -> None:
        numbers = {
            ref.id for h in self.outside.households for a in h.cast.people.values() for ref in (a.ref,)
        }
        wanted = re.compile("|".join((*sorted(numbers), re.escape(MOTIVATION))))
        found, errors = [], Counter[str]()
        for slot in self.ground.slots:
            text = self.ground.log_of(slot).read_text("utf-8", "replace")
            found += [f"{slot}: {m[0]}" for m in wanted.finditer(text)]
            for line in text.splitlines():
                if any(w in line for w in ('"level": "error"', "Traceback", "batch taken in parts")):
                    errors[_short(line)] += 1
        verdict.expect_none("people in the logs", found)
        verdict.figures |= {f"log: {said}": n for said, n in errors.most_common(12)}
        ours = ("record at fault", "Traceback", "worker failed", "batch taken in parts")
        verdict.expect_none(
            "bugs in the logs", [f"{n} × {e}" for e, n in errors.items() if any(word in e for word in ours)]
        )


def _short(line: str) -> str:
    with contextlib.suppress(ValueError):
        said = json.loads(line)
        return f"{said.get('event')} {said.get('error', '')} {said.get('worker', '')}".strip()
    return line[:160]


def summary(chaos: Chaos, verdict: Verdict, seconds: float) -> str:
    """The table that a run prints."""
    kills = sum(chaos.ground.kills.values())
    rows = [("seed", chaos.seed), ("minutes", round(seconds / 60, 1)), ("SIGKILLs", kills)]
    rows += [(f"  {name}", n) for name, n in sorted(chaos.ground.kills.items())]
    rows += [
        (name.replace("_", " "), n) for name, n in sorted(chaos.done.items()) if not name.startswith("kill")
    ]
    rows += [(f"behind a pooler: {how}", n) for how, n in sorted(chaos.ground.pooled.items())]
    rows += [("logs of the orders topic", 1 + chaos.ground.chronicle.log)]
    rows += [("orders that a log lost at its end", chaos.ground.cut)]
    rows += [("partitions of the orders topic", chaos.ground.partitions)]
    rows += [("rounds (clock moved)", len(chaos.chapters) - 1), ("faults paused to drain", chaos.breaths)]
    rows += [("slowest drain, seconds", round(chaos.slowest, 1))]
    rows += list(verdict.figures.items())
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


async def play(
    seed: int,
    minutes: float,
    kills: int,
    *,
    households: int = 60,
    keep: Path | None = None,
    goes_back: bool = False,
    night: bool = False,
) -> int:
    """One run. Returns the exit status."""
    began = stopwatch()
    choice = random.Random(f"{seed}/proxy")
    books = load_rulebooks()
    authority = DevAuthority.create(FIRST, not_before=FIRST, not_after=LAST)
    outside = Outside(books, authority, random.Random(f"{seed}/outside"), START)
    outside.people(households)
    async with ground(authority, FIRST + timedelta(days=1), START, choice=choice, night=night) as here:
        strikes = draw(
            seed, minutes, kills, disk=here.disk is not None, proxied=here.broker_proxy is not None
        )
        if goes_back:
            pooler = shutil.which("pgbouncer") is not None
            if not pooler:
                print("NOT DONE: a pooler between needs Debian's package pgbouncer", flush=True)
            more = setbacks(seed, minutes) if night else []
            strikes = thinned(strikes, changes(seed, minutes, pooler=pooler) + more)
        chaos = Chaos(seed, strikes, outside, here, books, young=goes_back)
        try:
            await here.open()
            verdict = await chaos.run()
        finally:
            await here.close()
            if keep is not None:
                keep.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240
                for log in here.folder.glob("*.log"):
                    shutil.copy(log, keep)
                with contextlib.suppress(OSError, asyncpg.PostgresError, TimeoutError):
                    await here.keep_tables(keep)
        print(summary(chaos, verdict, stopwatch() - began), flush=True)
    if not verdict.faults:
        print("no fault", flush=True)
        return 0
    print("\nschedule:")
    for strike in strikes:
        print(strike)
    # last, and shortest at the very end: whoever keeps only the tail of a run's output still has what failed
    print("\nfaults:")
    for fault in verdict.faults:
        print(f"- {fault}")
    print(f"\n{len(verdict.faults)} FAULTS, seed {seed}:", flush=True)
    for fault in verdict.faults:
        print(f"- {fault[:160]}", flush=True)
    return 1


def main() -> int:
    """Read the arguments and play."""
    parser = argparse.ArgumentParser(prog="tests.faults.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=None, help="default: drawn, and printed")
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--kills", type=int, default=55)
    parser.add_argument("--households", type=int, default=60)
    parser.add_argument(
        "--goes-back", action="store_true", help="a topic made anew, more partitions, clocks, a pooler"
    )
    parser.add_argument(
        "--three-brokers", action="store_true", help="besides: wiped disks, elections, databases that go back"
    )
    parser.add_argument(
        "--keep", type=Path, default=None, help="folder that the workers' logs and the tables are copied to"
    )
    asked = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    seed = asked.seed if asked.seed is not None else random.SystemRandom().randrange(1_000_000)
    print(f"seed {seed}", flush=True)
    return asyncio.run(
        play(
            seed,
            asked.minutes,
            asked.kills,
            households=asked.households,
            keep=asked.keep,
            goes_back=asked.goes_back or asked.three_brokers,
            night=asked.three_brokers,
        )
    )


if __name__ == "__main__":
    sys.exit(main())
