"""
A second opinion on access, written from the tables of ages and effects with plain ifs.

It shares no code with the program: it keeps its own list of what was done, and reads its own calendar. Slow, small,
and easy to compare with a region's document. Times are UTC; ages begin at Swedish midnight.
"""

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

SWEDEN = ZoneInfo("Europe/Stockholm")


def day_of(moment: datetime) -> date:
    """The Swedish date."""
    return moment.astimezone(SWEDEN).date()


def age_on(born: date, day: date) -> int:
    """Whole years; one born on 29 February has the birthday on 28 February in a common year."""
    birthday = (born.month, born.day)
    leap = day.year % 4 == 0 and (day.year % 100 != 0 or day.year % 400 == 0)
    if birthday == (2, 29) and not leap:
        birthday = (2, 28)
    return day.year - born.year - ((day.month, day.day) < birthday)


def year_from(day: date) -> date:
    """The last day of a year that begins with `day`."""
    try:
        anniversary = date(day.year + 1, day.month, day.day)
    except ValueError:  # 29 February
        return date(day.year + 1, 2, 28)
    return anniversary - timedelta(days=1)


@dataclass
class Thing:
    """Something that was done: what, for whom, where, since when, through which day, until what age."""

    what: str
    since: datetime
    who: set[str] | None = None
    units: set[str] | None = None
    through: date | None = None
    below_age: int | None = None
    until: datetime | None = None
    beside: "Thing | None" = None
    unit: str | None = None
    """The unit that decided it, where a release asks for it."""


@dataclass
class Naive:
    """One child of a region, with two guardians."""

    region: str
    born: date
    guardians: tuple[str, ...]
    things: list[Thing] = field(default_factory=list)
    protected: list[tuple[datetime, str, bool]] = field(default_factory=list)
    custody_ended: dict[str, datetime] = field(default_factory=dict)

    # --- what is done

    def standing(self, what: str, now: datetime) -> list[Thing]:
        """What of a kind is in force."""
        return [t for t in self.things if t.what == what and self.holds(t, now)]

    def holds(self, t: Thing, at: datetime) -> bool:
        """Whether something is in force at an instant."""
        if at < t.since or (t.until is not None and at >= t.until):
            return False
        if t.through is not None and day_of(at) > t.through:
            return False
        return t.below_age is None or age_on(self.born, day_of(at)) < t.below_age

    def block(self, now: datetime, who: set[str] | None, through: date | None) -> None:
        """Kronoberg locks the child's login beside it; Västra Götaland ends it at 13."""
        below = 13 if self.region == "vastra-gotaland" else 18
        block = Thing("block", now, who=who, through=through, below_age=below)
        self.things.append(block)
        if self.region == "kronoberg":
            self.things.append(Thing("lock", now, through=through, beside=block))
            if self.is_protected("child", now) or any(
                self.is_protected(g, now) for g in self.guardians if self.has_custody(g, now)
            ):
                self.things.append(Thing("seal", now, through=through))

    def unblock(self, now: datetime, who: set[str] | None) -> None:
        """Those not named stay blocked; the lock goes with the last of its own block."""
        for block in self.standing("block", now):
            covered = set(self.guardians) if block.who is None else block.who
            rest = covered - who if who is not None else set()
            if rest == covered:
                continue
            block.until = now
            if rest:
                again = Thing("block", now, who=rest, through=block.through, below_age=block.below_age)
                self.things.append(again)
                for t in self.things:
                    if t.beside is block:
                        t.beside = again
            else:
                for t in self.things:
                    if t.beside is block and self.holds(t, now):
                        t.until = now

    def end(self, what: str, now: datetime, at: str | None = None) -> None:
        """
        Everything of a kind that stands is released, but for the register's own while its state holds (X-10).

        In Jämtland Härjedalen a unit, `at`, ends only what it imposed itself (X-07).
        """
        bound = at is not None and self.region == "jamtland-harjedalen"
        below = {"kronoberg": 13, "vastra-gotaland": 18}.get(self.region, 0)
        held = self.is_protected("child", now) and age_on(self.born, day_of(now)) < below
        for t in self.standing(what, now):
            others = bound and t.unit not in (None, at)
            if not (held and t.units == {"register"}) and not others:
                t.until = now

    def protect(self, now: datetime, person: str, on: bool) -> None:
        """The register's mark. On a child it brings Kronoberg's lock and seal under 13, VGR's seal under 18."""
        before = self.is_protected(person, now)
        self.protected.append((now, person, on))
        if on:
            self._end_grants(now, person)
        if person != "child" or before or not on:
            return
        age = age_on(self.born, day_of(now))
        if self.region == "kronoberg" and age < 13:
            for what in ("lock", "seal"):
                if not any(
                    t.what == what and t.units == {"register"} and self.holds(t, now) for t in self.things
                ):
                    self.things.append(Thing(what, now, units={"register"}))
        if self.region == "vastra-gotaland" and age < 18:
            mine = [t for t in self.standing("child_seal", now) if t.units == {"register"}]
            if not mine:
                self.things.append(Thing("child_seal", now, units={"register"}, below_age=18))

    def _end_grants(self, now: datetime, person: str) -> None:
        """A mark ends for good what was granted to a guardian, also what was to begin later (X-11)."""
        for t in [t for t in self.things if t.what == "guardian_grant" and t.until is None]:
            shut = t.who or set() if person == "child" else {person} & (t.who or set())
            if shut:
                t.until = now
                rest = (t.who or set()) - shut
                if rest:
                    self.things.append(replace(t, since=max(now, t.since), who=rest, until=None))

    def is_protected(self, person: str, at: datetime) -> bool:
        """As the register last said."""
        said = [on for when, who, on in self.protected if who == person and when <= at]
        return bool(said) and said[-1]

    def has_custody(self, guardian: str, at: datetime) -> bool:
        """Custody ends by the register's word, and at 18."""
        ended = self.custody_ended.get(guardian)
        return (ended is None or at < ended) and age_on(self.born, day_of(at)) < 18

    # --- who sees what

    def may(self, viewer: str, service: str, unit: str, at: datetime) -> bool:
        """The answer."""
        return self._has_ground(viewer, service, unit, at) and not self._is_shut(viewer, service, unit, at)

    def _has_ground(self, viewer: str, service: str, unit: str, at: datetime) -> bool:
        age = age_on(self.born, day_of(at))
        if viewer == "child":
            if age < 13:
                return False
            if service == "e_services" or age >= 16:
                return True
            return any(unit in (t.units or ()) for t in self.standing("minor_grant", at))
        if not self.has_custody(viewer, at):
            return False
        if age < 13:
            return True
        if service == "e_services" or age >= 16:
            return False
        return any(
            unit in (t.units or ()) and viewer in (t.who or ()) for t in self.standing("guardian_grant", at)
        )

    def _is_shut(self, viewer: str, service: str, unit: str, at: datetime) -> bool:
        if viewer != "child":
            if self.is_protected("child", at) or self.is_protected(viewer, at):
                return True
            for t in self.standing("block", at):
                login_too = self.region != "jamtland-harjedalen"
                if (t.who is None or viewer in t.who) and (service == "journal" or login_too):
                    return True
            for t in self.standing("restriction", at):
                if service == "journal" and unit in (t.units or ()) and (t.who is None or viewer in t.who):
                    return True
        if service == "journal":
            for t in self.standing("seal", at):
                if t.units is None or t.units == {"register"} or unit in t.units:
                    return True
        if service == "e_services" and self.standing("lock", at):
            return True
        return bool(self.standing("child_seal", at))
