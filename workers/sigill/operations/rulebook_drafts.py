"""
Trying a draft of a rulebook from the console: in a process of its own, one at a time, ended when it takes too long.

Guarantee: the process that reads somebody's text has no environment, so no secret, and nothing of the text is logged; a
text that would fill the memory or never ends costs one answer, `TrialEnded`.
"""

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import structlog

from sigill.operations.statistics import age_groups
from sigill.policy.disclosure import CrossTable, ProtectedTable, protect
from sigill.policy.rulebook import Rulebooks, digest_of
from sigill.processing.released_rules import loaded
from sigill.rulebook_docs.drafts import DraftAnswer, DraftRequest
from sigill.store import audit, rulebooks
from sigill.store.audit import AuditEntry
from sigill.store.session import Tx

CHAIN = "console"
"""The audit chain of what operators do."""
log = structlog.get_logger("sigill.workbench")


class TrialBusy(Exception):
    """Another draft is being tried, and was not done in time."""


class TrialEnded(Exception):
    """The draft took too much time or memory to be read or played."""


@dataclass(slots=True)
class DraftTrial:
    """
    Tries drafts against the rulebooks of a folder (None: those that come with the program) and the stories of another.

    `stories` None: there are none here. `seconds` of the wall's clock are one try's most; who comes meanwhile waits
    for `patience` seconds.
    """

    rulebooks: Path | None = None
    stories: Path | None = None
    seconds: float = 90.0
    patience: float = 15.0
    _one: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def tried(
        self,
        region: str,
        text: str,
        today: date,
        *,
        play: bool = False,
        ahead: str | None = None,
        in_force: Mapping[str, str] | None = None,
        own_stories: Sequence[str] = (),
        alone: bool = False,
    ) -> DraftAnswer:
        """
        Say what is found of a draft on a Swedish date; `play`: the region's stories too, those of the folder and
        `own_stories`, these `alone` where it is said. `ahead` and `in_force` as `DraftRequest` has them.

        Raises TrialBusy, TrialEnded.
        """
        stories = self.stories if play and not alone else None
        asked = DraftRequest(
            region=region,
            text=text,
            today=today,
            ahead=ahead,
            in_force=None if in_force is None else dict(in_force),
            rulebooks=self.rulebooks,
            stories=stories,
            own_stories=tuple(own_stories) if play else (),
        ).model_dump_json()
        try:
            async with asyncio.timeout(self.patience):
                await self._one.acquire()
        except TimeoutError:
            raise TrialBusy from None
        try:
            return await self._run(asked.encode())
        finally:
            self._one.release()

    async def _run(self, asked: bytes) -> DraftAnswer:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-m",
            "sigill.scenario.draft",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={},
        )
        try:
            async with asyncio.timeout(self.seconds):
                told, _ = await process.communicate(asked)
        except TimeoutError:
            log.warning("draft took too long", seconds=self.seconds)
            raise TrialEnded from None
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode != 0:
            log.warning("draft could not be tried", status=process.returncode)
            raise TrialEnded
        return DraftAnswer.model_validate_json(told)


async def import_rulebook(tx: Tx, region: str, text: str, operator: str) -> bool:
    """
    Keep the text that a region begins with in the store, and say so in the audit chain; False where it is there already.

    Raises `store.rulebooks.OtherText`.
    """
    if not await rulebooks.import_rulebook(tx, region, text, operator):
        return False
    body = {"region": region, "digest": digest_of(text)}
    await audit.append(tx, [AuditEntry(CHAIN, operator, "rulebook_imported", body)])
    return True


class NewRegion(Exception):
    """The store is in use without this region: its first file is a draft, which begins on a later day."""


async def import_rulebooks(tx: Tx, texts: Mapping[str, str], operator: str) -> dict[str, bool]:
    """
    Keep the texts, by region, that the rules in the store begin with; say of each whether it is new there.

    Raises `store.rulebooks.OtherText`; NewRegion where others were there before; NoRulebooks where no program could load
    what would be there: nothing takes an import back.
    """
    taken = {
        region: await import_rulebook(tx, region, text, operator) for region, text in sorted(texts.items())
    }
    await rulebooks.lock_all(tx)
    history = await rulebooks.history(tx)
    new = sorted(region for region, is_new in taken.items() if is_new)
    if new and any(release.region not in new for release in history):
        raise NewRegion(new[0])
    loaded(history)
    return taken


@dataclass(frozen=True, slots=True)
class ImpactCount:
    """
    How many residents a draft would touch in one way, by age in whole years.

    `what` and `which` as `sigill.population.impact.Kind` has them.
    """

    what: str
    which: str
    by_age: Mapping[int, int]


CountImpact = Callable[[Rulebooks, Rulebooks, date], Awaitable[Sequence[ImpactCount]]]
"""Counts whom it touches if the second rulebooks hold instead of the first on a Swedish date."""


def impact_table(
    counted: Iterable[ImpactCount], bounds: Sequence[int], threshold: int
) -> dict[str, ProtectedTable]:
    """
    The counts by way (`what which`), each as a table of one row by age group, small ones left out.

    `bounds`: the ages at which groups begin. A resident may stand in several ways, so that ways are never summed up:
    each is protected by itself. What is shown of it is `rounded`.
    """
    groups = age_groups(bounds)
    cells: dict[str, list[tuple[str, str, int]]] = {}
    for count in counted:
        way = f"{count.what} {count.which}"
        for age, residents in count.by_age.items():
            group = groups[sum(age >= bound for bound in bounds)]
            cells.setdefault(way, []).append((way, group, residents))
    return {
        way: protect([CrossTable.of(way, found, groups)], threshold)[0]
        for way, found in sorted(cells.items())
    }


def rounded(count: int, threshold: int) -> int:
    """
    A count that is shown, a total too, to the nearest multiple of the threshold.

    Two drafts that differ in little touch almost the same people: exact counts of both would tell of the few between them.
    """
    return count and max(threshold, round(count / threshold) * threshold)
