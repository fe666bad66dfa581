"""
Answers access queries: takes them, asks the store, decides, logs who looked, and only then answers.

Guarantees:
- Every answer rests on what had been committed when it was asked, or on something newer: copies in memory are
  compared with the store's own stamps for each question, so a changed measure is seen by the very next one.
- No answer leaves before its line in the access log is durable. Questions that come while the store is busy are
  taken together: one look-up and one log transaction for all of them, so many at once cost little more than one.
Left over: when the answer is logged and the caller is gone, or the connection died at the commit and all is done again,
the log says more than was seen, never less.
"""

import asyncio
import zlib
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from types import MappingProxyType, TracebackType
from typing import Self

from sigill.operations.facts_cache import CacheEntry
from sigill.operations.facts_loader import CachedPatient, FactsLoader, Who
from sigill.policy.access import BRIEFLY, AccessQuestion, Decision, briefly_until, decide
from sigill.policy.elsewhere import next_silence
from sigill.policy.facts import PatientFacts
from sigill.policy.rulebook import Rulebooks
from sigill.processing.citations import PolicyProvider
from sigill.runtime.clock import Clock, stopwatch
from sigill.store import access_log, elsewhere
from sigill.store.access_log import AccessLogEntry
from sigill.store.decisions import PinnedConnection
from sigill.store.session import Store, passing
from sigill_contracts.vocabulary import PersonId, Service, UnitId

MOST_QUESTIONS = 1000
"""In one batch of a caller; about as many are taken together."""
PACE_SECONDS = 0.001
"""
Between the beginnings of two look-ups: under load a look-up a question would cost more than it answers sooner. A
question that comes alone waits for nothing.
"""
BESIDE_SECONDS = 0.005
"""
As long as that, what comes while a lane is at work waits for it: the next look-up takes all of it. A longer one, say a
caller's thousand, is passed by.
"""
_MANY = 50
"""Waiting callers who are worth a look-up at once."""
_BREATH = 100
_CHAINS = 16
"""Audit chains that the processes share; each lane writes under the lock of one of them."""


class StoreDown(Exception):
    """The store does not answer now; the question may be asked again."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks (operator or client), from which unit, and why: what the access log must hold."""

    actor: str
    unit: str | None
    purpose: str


@dataclass(frozen=True, slots=True)
class AccessQuery:
    """One question as it came. `as_of` None is now; `known_at` None is all that is known now. UTC."""

    patient: Who
    viewer: Who
    service: Service
    unit: UnitId | None = None
    recorded_on: date | None = None
    information_type: str | None = None
    as_of: datetime | None = None
    known_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AccessAnswer:
    """
    The answer, with the facts that it rests on (None: the patient is not known).

    `until` (UTC): an answer about the patient may change by itself then; None: never. It tells of the patient, and is not for
    one who may not know why. `briefly` (UTC): until when such a one may keep a yes; None for every no. `viewer` None: nobody
    known by that name.
    """

    decision: Decision
    facts: PatientFacts | None
    at: datetime
    known_at: datetime
    until: datetime | None = None
    briefly: datetime | None = None
    viewer: PersonId | None = None


@dataclass(slots=True)
class _Job:
    questions: Sequence[AccessQuery]
    asker: Principal
    done: asyncio.Future[list[AccessAnswer]]
    tries: int = 0


class DecisionService:
    """Answers questions from one store, in a few lanes side by side. Use as an async context manager."""

    def __init__(
        self,
        store: Store,
        rules: PolicyProvider,
        clock: Clock,
        *,
        instance: str,
        capacity: int = 50_000,
        lanes: int = 2,
    ) -> None:
        """`capacity`: patients kept in memory; `lanes`: store transactions side by side, a connection each."""
        self.rules = rules
        self.clock = clock
        self._store = store
        self._knowledge = FactsLoader(capacity)
        self._waiting: deque[_Job] = deque()
        self._news = asyncio.Event()
        self._count = lanes
        self._lanes: list[asyncio.Task[None]] = []
        self._turned = 0.0
        self._working = 0
        self._first_chain = zlib.crc32(instance.encode())

    @property
    def books(self) -> Rulebooks:
        """The rulebooks as they were read last."""
        return self.rules.books

    async def books_now(self) -> Rulebooks:
        """The rulebooks that hold now."""
        async with self._store.looking() as tx:
            return (await self.rules.context_for(tx, self.clock.now())).books

    async def __aenter__(self) -> Self:
        self._lanes = [asyncio.create_task(self._lane(self._chain(n))) for n in range(self._count)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for lane in self._lanes:
            lane.cancel()
        await asyncio.gather(*self._lanes, return_exceptions=True)
        for job in self._waiting:
            job.done.cancel()

    def _chain(self, lane: int) -> str:
        return f"access-log-{(self._first_chain + lane) % _CHAINS:02d}"

    async def ask(self, questions: Sequence[AccessQuery], asker: Principal) -> list[AccessAnswer]:
        """
        Answer questions, in their order; log them first. A patient's answers come from one snapshot.

        Raises StoreDown when the store does not answer.
        """
        job = _Job(questions, asker, asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        self._news.set()
        return await job.done

    async def open(
        self,
        patient: Who,
        asker: Principal,
        *,
        shown: str,
        known_at: datetime | None = None,
        others: Sequence[Who] = (),
    ) -> CachedPatient | None:
        """
        Return all facts about a patient, and log the look; None when nobody is known by that name.

        `others` are people to be found too, say the viewer of a timeline. Raises StoreDown.
        """
        now = self.clock.now()
        try:
            await self.books_now()
            opened = await self._knowledge.open(self._store, patient, now, known_at, others)
            if opened is not None:
                who = opened.facts.patient.person_id
                look = AccessLogEntry(asker.actor, asker.unit, who, asker.purpose, shown)
                async with self._store.transaction(now) as tx:
                    await access_log.append(tx, [look], chain=self._chain(0))
        except Exception as error:
            if passing(error):
                raise StoreDown from error
            raise
        return opened

    async def _lane(self, chain: str) -> None:
        while True:
            jobs = await self._next()
            try:
                async with self._store.looking() as held:
                    lane = PinnedConnection(held.conn)
                    while True:  # on the same connection, as long as it lasts
                        await self._work(jobs, lane, chain)
                        jobs = await self._next()
            except asyncio.CancelledError:
                for job in jobs:
                    job.done.cancel()
                raise
            except Exception as error:
                self._failed(jobs, error)

    async def _next(self) -> list[_Job]:
        while True:
            await self._news.wait()
            pause = BESIDE_SECONDS if self._working else PACE_SECONDS
            early = self._turned + pause - stopwatch()
            if early > 0 and len(self._waiting) < _MANY:
                await asyncio.sleep(early)
            elif jobs := self._take():
                self._turned = stopwatch()
                return jobs

    def _take(self) -> list[_Job]:
        jobs: list[_Job] = []
        questions = 0
        while self._waiting and (not jobs or questions + len(self._waiting[0].questions) <= MOST_QUESTIONS):
            job = self._waiting.popleft()
            if not job.done.done():
                questions += len(job.questions)
                jobs.append(job)
        if not self._waiting:
            self._news.clear()
        return jobs

    def _failed(self, jobs: Sequence[_Job], error: Exception) -> None:
        """Ask again what failed for trouble that passes: a connection may have died while nobody looked."""
        down = passing(error)
        for job in reversed(jobs):
            if job.done.done():
                continue
            # each lane, and the pool behind them, may hold a connection that died
            if down and job.tries <= len(self._lanes):
                job.tries += 1
                self._waiting.appendleft(job)
                self._news.set()
            elif down:
                told = StoreDown()
                told.__cause__ = error
                job.done.set_exception(told)
            else:
                job.done.set_exception(error)

    async def _work(self, jobs: list[_Job], lane: PinnedConnection, chain: str) -> None:
        self._working += 1
        try:
            await self._answer_all(jobs, lane, chain)
        finally:
            self._working -= 1

    async def _answer_all(self, jobs: list[_Job], lane: PinnedConnection, chain: str) -> None:
        answers = await self._answer(jobs, lane)
        looks = [
            _look_of(asked, answer, job.asker)
            for job, given in zip(jobs, answers, strict=True)
            for asked, answer in zip(job.questions, given, strict=True)
            if answer.facts is not None
        ]
        if looks:
            await access_log.append(lane.at_once(self.clock.now()), looks, chain=chain)
        for job, given in zip(jobs, answers, strict=True):
            if not job.done.done():
                job.done.set_result(given)

    async def _answer(self, jobs: list[_Job], lane: PinnedConnection) -> list[list[AccessAnswer]]:
        now = self.clock.now()
        questions = [q for job in jobs for q in job.questions]
        known = {}
        for moment in {q.known_at for q in questions}:
            asked = [q for q in questions if q.known_at == moment]
            patients: dict[Who, datetime] = {}
            for q in asked:
                at = q.as_of or now
                patients[q.patient] = min(at, patients.get(q.patient, at))
            known[moment] = await self._knowledge.about(
                lane,
                patients,
                {q.viewer for q in asked},
                {q.unit for q in asked if q.unit is not None},
                moment,
                now,
            )
        # a copy of a patient's facts is not made anew when a source is read: how far is asked each time, where it counts
        read_up_to: MappingProxyType[str, datetime] | None = None
        async with lane.looking() as tx:
            books = (await self.rules.context_for(tx, now)).books
        if books.sources:
            async with lane.looking() as tx:
                read_up_to = MappingProxyType(await elsewhere.sources(tx))
        answers: list[list[AccessAnswer]] = []
        for place, job in enumerate(jobs, start=1):
            given: list[AccessAnswer] = []
            for q in job.questions:
                facts, viewer, copy = known[q.known_at].of(q.patient, q.viewer, q.unit)
                if read_up_to is not None:
                    facts = replace(facts, read_up_to=read_up_to)
                given.append(_decided(q, (facts, viewer, copy), now, books))
                if len(given) % _BREATH == 0:
                    await asyncio.sleep(0)  # a thousand questions must not keep single ones waiting
            answers.append(given)
            if place % _BREATH == 0:
                await asyncio.sleep(0)
        return answers


def _decided(
    q: AccessQuery,
    found: tuple[PatientFacts, PersonId | None, CacheEntry | None],
    now: datetime,
    books: Rulebooks,
) -> AccessAnswer:
    facts, viewer, copy = found
    at = q.as_of or now
    question = AccessQuestion(viewer, q.service, at, q.unit, q.recorded_on, q.information_type)
    decision = decide(question, facts, books)
    if copy is None:
        return AccessAnswer(decision, None, at, q.known_at or now)
    until = copy.until(at, books)
    silence = next_silence(facts, at, books) if books.sources else None
    if silence is not None and (until is None or silence < until):
        until = silence
    briefly = None
    if decision.allowed:
        briefly = at + BRIEFLY
        if until is not None and until < briefly:
            briefly = briefly_until(question, facts, books)
        if silence is not None:
            briefly = min(briefly, silence)
    return AccessAnswer(decision, facts, at, q.known_at or now, until, briefly, viewer)


def _look_of(asked: AccessQuery, answer: AccessAnswer, asker: Principal) -> AccessLogEntry:
    assert answer.facts is not None
    said = "allowed" if answer.decision.allowed else "denied"
    place = f" at {asked.unit}" if asked.unit else ""
    viewer = f"person {answer.viewer}" if answer.viewer else "a stranger"
    shown = f"whether {viewer} reaches {asked.service}{place}: {said} ({', '.join(answer.decision.codes)})"
    return AccessLogEntry(asker.actor, asker.unit, answer.facts.patient.person_id, asker.purpose, shown)
