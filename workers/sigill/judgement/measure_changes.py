"""How a measure's row changes: ended, gone on with another scope, resumed; and the parts that several forms share."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from sigill.judgement.order_case import OrderEvaluation, measure_id_of
from sigill.policy.effects import AddTask, Amend, CloseTask, Effect, Impose, ResolvePending, Sentence
from sigill.policy.facts import Inform, Measure, PatientFacts
from sigill.policy.rulebook import Region, Rulebooks, RuleEntry
from sigill.policy.scope import MeasureScope
from sigill_contracts.vocabulary import (
    IMPOSES,
    Initiative,
    MeasureKind,
    OrderId,
    Outcome,
    PendingCode,
    PersonId,
    RegionCode,
    UnitId,
)


class Releasing(Protocol):
    """On whose word a measure ends or changes: an order's, or the answers to a request when nothing else stands against."""

    @property
    def known(self) -> PatientFacts | None:
        """The patient, who is known where something ends."""

    @property
    def order_id(self) -> OrderId:
        """The order that a changed row names."""

    @property
    def at(self) -> datetime:
        """When it is judged (UTC)."""

    @property
    def starts_at(self) -> datetime:
        """When it takes effect (UTC)."""

    @property
    def region(self) -> Region:
        """The rules under which it ends."""

    @property
    def opens_for(self) -> tuple[PersonId, ...] | None:
        """The guardians for whom it opens what also names others; None: everybody."""

    @property
    def units_opened(self) -> tuple[UnitId, ...] | None:
        """The units in which it opens; None: everywhere."""

    @property
    def ever_custodians(self) -> tuple[PersonId, ...]:
        """Everybody who has, or once had, custody."""

    def is_over(self, m: Measure) -> bool:
        """Whether a measure has ended by now."""


def rules_behind(case: OrderEvaluation) -> tuple[str, ...]:
    """The rules that a measure rests on: those that say what it does, for access decisions to cite."""
    effective = [e for e in case.entries if e.offered or e.services or e.ends_at_age is not None or e.runs]
    return tuple(dict.fromkeys(rule for e in effective for rule in e.cites))


def kinds_that_entries_end(entries: Iterable[RuleEntry]) -> frozenset[MeasureKind]:
    return frozenset(kind for entry in entries for kind in entry.ends_running or ())


def end_running(
    m: Measure, known: PatientFacts, kinds: Collection[MeasureKind], now: datetime
) -> Iterator[Amend]:
    """
    End, from a measure's beginning on, what runs of some kinds: its own region's grants only (X-16, X-18).

    What is to begin after `now` (UTC) ends too, before it has begun; what was given while the measure stood does not.
    """
    for grant in known.measures:
        given_before = grant.valid_from < m.valid_from or grant.valid_from > now or m.valid_from == now
        runs = grant.kind in kinds and grant.region == m.region and given_before
        if runs and grant.not_over(m.valid_from, known.patient.birth):
            yield ended(grant, m.valid_from, m.orders[0] if m.orders else None, known=now)


def end_by_entries(
    m: Measure, known: PatientFacts, entries: Iterable[RuleEntry], now: datetime
) -> Iterator[Amend]:
    """End what a measure ends when it begins: what runs of some kinds (X-16), and what it takes the place of (IN-21)."""
    found = tuple(entries)
    yield from end_running(m, known, kinds_that_entries_end(found), now)
    if any(entry.replaces for entry in found):
        yield from _replaced(m, known, now)


def _replaced(m: Measure, known: PatientFacts, now: datetime) -> Iterator[Amend]:
    birth = known.patient.birth
    for other in known.measures:
        given_before = other.valid_from < m.valid_from or m.valid_from == now
        if given_before and other.not_over(m.valid_from, birth) and _takes_place_of(m, other, known):
            yield ended(other, m.valid_from, m.orders[0] if m.orders else None, known=now)


def _takes_place_of(m: Measure, other: Measure, known: PatientFacts) -> bool:
    """
    Whether nothing is lost when a measure replaces another: what it shuts, how long, who may open it, and who is not told.

    What care imposed at another unit stays, since that unit opens it (X-07); so do what waits for its form or decision,
    a report to an authority (X-17) and a no to telling (X-23) that the new one has not.
    """
    alike = (other.kind, other.region, other.initiative) == (m.kind, m.region, m.initiative)
    if not alike or other.measure_id == m.measure_id or other.beside is not None:
        return False
    if m.initiative is Initiative.CARE and other.unit != m.unit:
        return False
    if (
        other.provisional
        or other.awaits_follow_up
        or (other.reported_to_authority and not m.reported_to_authority)
    ):
        return False
    if other.inform.overlaid(m.inform) != m.inform:
        return False
    birth = known.patient.birth
    end, others_end = m.ends_at(birth), other.ends_at(birth)
    as_long = end is None or (others_end is not None and others_end <= end)
    return as_long and MeasureScope.of(m).covers(MeasureScope.of(other))


def entries_behind(m: Measure, books: Rulebooks) -> tuple[RuleEntry, ...]:
    """The entries that say what a measure ends when it begins, by the version of the rules that it was made under."""
    # a measure of before the region's own first version was made under the base
    judged = (books.book_of(m.region), books.base_of(m.region))
    versions = (version for region in judged if region is not None for version in region.versions)
    version = next((version for version in versions if version.since.isoformat() == m.rulebook), None)
    if version is None or m.beside is not None:
        return ()
    forms = [form for form, kind in IMPOSES.items() if kind is m.kind]
    entries = [entry for form in forms for entry in version.matching(form)]
    return tuple(e for e in entries if e.when.initiative is None or m.initiative in e.when.initiative)


def review_task(case: OrderEvaluation, kind: str, text: Sentence, rule: str) -> AddTask:
    return AddTask(
        kind=kind,
        subject=f"{case.order_id}:{kind}",
        text=text,
        region=RegionCode(case.form.region),
        due_at=case.at,
        rules=(rule,),
        order_id=case.order_id,
    )


def ended(m: Measure, at: datetime, order_id: OrderId | None = None, *, known: datetime) -> Amend:
    """A measure's version that ends it at an instant (UTC), by a decision that is known since `known` (UTC)."""
    orders = (*m.orders, order_id) if order_id and order_id not in m.orders else m.orders
    valid_to = max(at, m.valid_from)
    same_end = m.released and m.valid_to == valid_to
    return Amend(
        replace(
            m,
            valid_to=valid_to,
            orders=orders,
            released=True,
            released_at=m.released_at if same_end else known,
            end_before_release=m.end_before_release if m.released else m.valid_to,
            provisional=False,
            awaits_follow_up=False,
            version=m.version + 1,
        ),
        "ended",
    )


def kept_on(m: Measure, case: Releasing, **changes: object) -> Measure:
    """A measure's version that an order changes and has stand: a release for a later day, if it has one, is taken back."""
    return replace(
        m,
        orders=(*m.orders, case.order_id),
        released=False,
        end_before_release=None,
        released_at=None,
        version=m.version + 1,
        **changes,  # type: ignore[arg-type]
    )


def end_if_kept(m: Measure) -> datetime | None:
    """When a measure ends (UTC) whose release for a later day, if it has one, is taken back; None: until released."""
    return m.end_before_release if m.released else m.valid_to


def is_to_end_others(
    known: PatientFacts, order_id: OrderId, at: datetime, *, but: Collection[Measure] = ()
) -> bool:
    """Whether an order is to end, on a day after `at` (UTC), measures other than those of `but`."""
    birth, left_out = known.patient.birth, {m.measure_id for m in but}
    return any(
        m.released and m.beside is None and m.orders[-1:] == (order_id,) and m.not_over(at, birth)
        for m in known.measures
        if m.measure_id not in left_out
    )


def continued_with(m: Measure, case: Releasing, part: str = "after", **changes: object) -> Impose:
    """The same measure with another scope, from now on: a new row of the same lineage."""
    changed: dict[str, object] = {
        "valid_from": max(case.starts_at, m.valid_from),
        "orders": (*m.orders, case.order_id),
        "released": False,
        "end_before_release": None,
        "released_at": None,
        "provisional": False,
        "awaits_follow_up": False,
        **changes,
    }
    follower = replace(
        m,
        measure_id=measure_id_of(case.order_id, m.kind, f"{part}:{m.measure_id}"),
        version=1,
        **changed,  # type: ignore[arg-type]
    )
    return Impose(follower, "continued")


def companions_of(case: Releasing, m: Measure) -> tuple[Measure, ...]:
    """What came beside a measure, and stands (KR25-17, KR25-23)."""
    if case.known is None:
        return ()
    birth = case.known.patient.birth
    return tuple(c for c in _came_with(case.known, m) if c.not_over(case.at, birth))


def _came_with(known: PatientFacts, m: Measure) -> Iterator[Measure]:
    """
    What came beside a measure and goes with it.

    Found by the order that imposed both and by the kind: the measure may have gone on as another row since, and the
    order may have imposed something else, which took nothing with it (the seal of a block for a protected family).
    """
    kinds = {other.measure_id: other.kind for other in known.measures}
    for c in known.measures:
        same_order = bool(m.orders) and m.beside is None and c.orders[:1] == m.orders[:1]
        if same_order and c.beside is not None and kinds.get(c.beside, m.kind) is m.kind:
            yield c


def confirmed_by_form(m: Measure, case: OrderEvaluation, valid_to: datetime | None) -> Measure:
    return replace(
        m,
        provisional=False,
        valid_to=valid_to,
        orders=(*m.orders, case.order_id),
        inform=m.inform.overlaid(inform_of(case)),
        version=m.version + 1,
    )


def resumes_at(case: OrderEvaluation, m: Measure) -> datetime:
    """From when what has ended holds again: when the broker received the order, and never before the end (X-12)."""
    end = case.known.patient.birth if case.known is not None else None
    over = m.ends_at(end) if end is not None else None
    since = case.received_at if case.form.valid_from is None else max(case.received_at, case.starts_at)
    return since if over is None else max(since, over)


def resume_measure(case: OrderEvaluation, m: Measure, **changes: object) -> Iterator[Impose]:
    """A measure that ended after the order was decided goes on, as a row of the same lineage, with what came beside it."""
    since = resumes_at(case, m)
    end = changes.get("valid_to")
    if isinstance(end, datetime) and end <= since:
        changes["valid_to"] = None  # the order names no later end, and the old one has passed
    main = continued_with(
        m,
        case,
        "resumed",
        valid_from=since,
        review_on=case.form.review_on or m.review_on,
        inform=inform_of(case),
        **changes,
    )
    yield Impose(main.measure, "extended")
    if case.known is None:
        return
    birth = case.known.patient.birth
    for c in _came_with(case.known, m):
        if case.is_over(c) and c.not_over(case.form.decided_at, birth):
            valid_to = main.measure.valid_to
            with_it = continued_with(
                c, case, "resumed", valid_from=since, valid_to=valid_to, beside=main.measure.measure_id
            )
            yield Impose(with_it.measure, "extended")


def overtaken(case: OrderEvaluation, m: Measure, kept: Collection[Measure]) -> Iterator[ResolvePending]:
    """
    A release for a later day comes to nothing where the measure is extended, or kept, before that day.

    One that is to end another measure as well, which is not among the `kept`, is not refused: that one ends on its day.
    """
    if not m.released or not m.orders or case.known is None:
        return
    # not what imposes it on a day to come
    orders = m.orders if m.valid_from <= case.at else m.orders[-1:]
    for order in orders:
        if not is_to_end_others(case.known, order, case.at, but=kept):
            yield ResolvePending(order, Outcome.REFUSED, _OVERTAKEN, PendingCode.NOT_YET_VALID)


_OVERTAKEN = Sentence(
    "Åtgärden har förlängts eller behållits före den dag då den skulle hävas. Den gäller fortfarande.",
    "The measure was extended or kept before the day of its release. It is still in force.",
)


def tasks_about(m: Measure) -> Iterator[CloseTask]:
    """What people were to do about a measure, and need not once it is over."""
    for kind in ("follow_up_decision", "review", "lock_at_13", "measure_ending"):
        yield CloseTask(kind, str(m.measure_id))


def tasks_answered(m: Measure) -> Iterator[CloseTask]:
    """What a unit was reminded of, and has answered by lengthening the measure."""
    for kind in ("review", "measure_ending"):
        yield CloseTask(kind, str(m.measure_id))


def inform_of(case: OrderEvaluation) -> Inform:
    told = case.form.inform
    return Inform(told.guardians, told.patient, told.written_confirmation)


def settle_call(m: Measure) -> Iterator[Effect]:
    if m.provisional:
        text = Sentence("Ett underskrivet beslut har kommit.", "A signed decision has come.")
        yield ResolvePending(m.orders[0], Outcome.EXECUTED, text)
        yield CloseTask("signed_form", str(m.orders[0]))


def later_end(m: Measure, end: datetime | None) -> datetime | None:
    """The later of two ends: an extension of what has no end of its own never gives it one."""
    if end is None or m.valid_to is None:
        return m.valid_to
    return max(m.valid_to, end)
