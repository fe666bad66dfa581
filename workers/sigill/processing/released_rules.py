"""
Rulebooks from the database (`SIGILL_RULEBOOK_SOURCE=store`): what was imported, and what rule owners have released since.

Guarantee: two transactions at the same time of day judge by the same books. A release says nothing about the day on which
it is made or a day before, and it is committed before the midnight on which it begins (`COMMITTED_WITHIN`); a transaction
looks for releases itself where nobody here has looked since its Swedish day began. What cannot be loaded is left out, with
an alert, by a rule that needs no memory, so that a process that has just started judges by what the others judge by.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import structlog

from sigill.policy.calendar import swedish_date
from sigill.policy.fault_lexicon import fault
from sigill.policy.rulebook import Region, RulebookError, Rulebooks, digest_of, is_national, parse
from sigill.processing.citations import Citations, PolicyContext
from sigill.rulebook_docs.checking import harms
from sigill.rulebook_docs.files import NATIONAL, with_national
from sigill.runtime.clock import stopwatch
from sigill.runtime.metrics import RULEBOOK_RELEASE, RULEBOOK_RELEASES_REFUSED, Metrics
from sigill.store import rulebooks as stored
from sigill.store.rulebooks import RulebookText
from sigill.store.session import Reading

log = structlog.get_logger("sigill.rules")
LOOK_SECONDS = 2.0
"""How long a look at the releases is believed, within one Swedish day."""


class NoRulebooks(Exception):
    """The database has no rulebooks, or none that this program can load."""


@dataclass(frozen=True, slots=True)
class LoadedRules:
    """The rulebooks that some texts make, the text of each region, and the newer ones that were left out, each with why."""

    books: Rulebooks
    texts: Mapping[str, RulebookText]
    refused: tuple[tuple[RulebookText, str], ...] = ()


class _Reader:
    """Reads texts into regions, each once for a national base."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Region] = {}

    def books(self, texts: Mapping[str, RulebookText]) -> Rulebooks:
        """The rulebooks of some texts. Raises RulebookError: one cannot be read, or would harm (X-31)."""
        base = next((release.text for release in texts.values() if is_national(release.text)), None)
        national = self._region(NATIONAL.read_text("utf-8") if base is None else base, None)
        regions = []
        for code, one in texts.items():
            region = national if one.text == base else self._region(one.text, national)
            if region.region != code:
                raise RulebookError(fault("draft_other_region", region=code, said=region.region))
            regions.append(region)
        regions, _ = with_national(regions)
        if found := harms(regions):
            raise RulebookError(*(finding.text.after(finding.where) for finding in found))
        return Rulebooks.of_regions(regions)

    def _region(self, text: str, national: Region | None) -> Region:
        key = (digest_of(text), "" if national is None else national.digest)
        if key not in self._known:
            self._known[key] = parse(text, national)
        return self._known[key]


def loaded(history: Sequence[RulebookText]) -> LoadedRules:
    """
    The rulebooks of the newest texts that can be loaded together, of what `store.rulebooks.history` returns.

    Where the newest of every region cannot, release after release is taken in its order, and left out if it does not fit
    those before it. Raises NoRulebooks.
    """
    if not history:
        raise NoRulebooks(
            "SIGILL_RULEBOOK_SOURCE: store, and the database has no rulebooks; run `sigill rulebook import FOLDER`"
        )
    reader = _Reader()
    refused: dict[int, str] = {}
    whole: list[RulebookText] = []
    for release in history:
        if digest_of(release.text) == release.digest:
            whole.append(release)
        elif release.release_id:
            refused[release.release_id] = "the text does not fit its digest"
        else:
            raise NoRulebooks(
                f"the import of {release.region} does not fit its digest; run `sigill audit verify`"
            )
    newest = {release.region: release for release in whole}
    try:
        books = reader.books(newest)
    except RulebookError:
        newest = {release.region: release for release in whole if not release.release_id}
        books = _imports(reader, newest)
        for release in whole:
            if release.release_id:
                tried = {**newest, release.region: release}
                try:
                    books = reader.books(tried)
                except RulebookError as error:
                    refused[release.release_id] = str(error)
                else:
                    newest = tried
    left = tuple(
        (release, refused[release.release_id])
        for release in history
        if release.release_id in refused and release.release_id > _number(newest, release.region)
    )
    return LoadedRules(books, newest, left)


def _imports(reader: _Reader, texts: Mapping[str, RulebookText]) -> Rulebooks:
    try:
        return reader.books(texts)
    except RulebookError as error:
        raise NoRulebooks(
            f"the rulebooks in the database cannot be loaded by this program: {error}"
        ) from None


def _number(texts: Mapping[str, RulebookText], region: str) -> int:
    return texts[region].release_id if region in texts else 0


@dataclass(slots=True)
class ReleasedRules:
    """
    The rulebooks of the database, as they were read last; before the first look there are none.

    `source` is what Sigill calls itself in messages. One of these serves a whole process.
    """

    source: str
    metrics: Metrics
    books: Rulebooks = field(default_factory=lambda: Rulebooks({}))
    citations: Citations = field(default_factory=lambda: Citations(Rulebooks({})))
    texts: Mapping[str, RulebookText] = field(default_factory=dict)
    """The text of each region that the books were read from."""
    refused: tuple[RulebookText, ...] = ()
    """Releases that could not be loaded."""
    newest: int = 0
    """The number of the newest release, loaded or not, that was there at the last look; 0: there was none."""
    _lengths: tuple[int, int] | None = None
    _looked: tuple[float, date] | None = None
    _context: PolicyContext | None = None
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    def is_due(self, now: datetime) -> bool:
        """Whether a judgement at `now` (UTC) has to look for releases first."""
        if self._looked is None or self._context is None:
            return True
        at, day = self._looked
        return stopwatch() - at > LOOK_SECONDS or day != swedish_date(now)

    def look_again(self) -> None:
        """Have the next judgement look for releases, however young the last look is."""
        self._looked = None

    async def context_for(self, tx: Reading, now: datetime) -> PolicyContext:
        """What a transaction at `now` (UTC) judges by. Raises NoRulebooks at the first look only."""
        if self.is_due(now):
            async with self._reading:
                if self.is_due(now):
                    await self._look(tx, now)
        assert self._context is not None  # a look leaves one, or raises
        return self._context

    async def _look(self, tx: Reading, now: datetime) -> None:
        looked = stopwatch(), swedish_date(now)
        lengths = await stored.lengths(tx)
        if lengths != self._lengths:
            history = await stored.history(tx)
            try:
                found = await asyncio.to_thread(loaded, history)
            except NoRulebooks:
                if self._context is None:
                    raise
                log.error("rulebooks not loaded")
                self.metrics.set(RULEBOOK_RELEASES_REFUSED, 1)
            else:
                self._take(found)
            self.newest = max((release.release_id for release in history), default=0)
            self._lengths = lengths
        self._looked = looked

    def _take(self, found: LoadedRules) -> None:
        before = self.texts
        self.books, self.citations, self.texts = found.books, Citations(found.books), found.texts
        self._context = PolicyContext(self.books, self.citations, self.source)
        self.refused = tuple(one for one, _ in found.refused)
        self.metrics.set(RULEBOOK_RELEASES_REFUSED, len(found.refused))
        for region, one in found.texts.items():
            self.metrics.set(RULEBOOK_RELEASE, one.release_id, region=region)
            if before.get(region) != one:
                log.info("rulebook loaded", region=region, release=one.release_id, digest=one.digest)
        for one, why in found.refused:
            log.error("release not loaded", region=one.region, release=one.release_id, fault=why)
