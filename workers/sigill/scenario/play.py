"""Play a story step by step on a stage, and say of each expectation what was expected, what came, and why."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from sigill.policy.calendar import STOCKHOLM, BirthDate, age_begins, swedish_date
from sigill.policy.choices import RiskSituation, choose, open_doors
from sigill.policy.rulebook import Rulebooks
from sigill.scenario.cast import Numbers, ScenarioData
from sigill.scenario.format import (
    OPERATORS,
    AccessStep,
    ChangeExpectation,
    ChooseStep,
    DirectoryStep,
    Expectation,
    NotificationExpectation,
    OrderStep,
    ReceiptExpectation,
    Scenario,
    ScenarioStep,
)
from sigill_contracts.directory import StaffRecord, UnitRecord
from sigill_contracts.elsewhere import ElsewhereRecord
from sigill_contracts.order import PersonRef
from sigill_contracts.register import PersonRecord
from sigill_contracts.vocabulary import AccessReason, Role, Service

OLDEST = 131
"""Nobody in a story is so old."""
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True, slots=True)
class SeenReceipt:
    """A receipt, as far as a story looks at it."""

    outcome: str
    codes: tuple[str, ...] = ()
    ends_on: date | None = None
    remarks: tuple[str, ...] = ()
    why: str = ""
    why_sv: str = ""


@dataclass(frozen=True, slots=True)
class SeenDecision:
    """An access decision, as far as a story looks at it."""

    allowed: bool
    codes: tuple[str, ...]
    why: str = ""


@dataclass(frozen=True, slots=True)
class SeenChange:
    """A published change."""

    viewer: PersonRef
    patient: PersonRef
    service: str
    unit: str | None
    access: str
    at: datetime
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SeenNotification:
    """A published notification; `to` None is the operators, or the unit (HSA-id)."""

    to: PersonRef | None
    template: str
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class OrderToSign:
    """A form with who signs it and what is wrong with the signature."""

    form: dict[str, Any]
    signer: str | None
    signed_at: datetime
    tamper: str | None


class ScenarioDriver(Protocol):
    """Where a story is played. The real one is the running program."""

    async def move_clock(self, now: datetime) -> None:
        """Move the clock forward; what falls due on the way is run."""

    async def tell_register(self, records: Iterable[PersonRecord]) -> None:
        """Publish register messages, and wait until they are taken."""

    async def tell_directory(self, records: Iterable[StaffRecord]) -> None:
        """Publish directory messages about staff, and wait until they are taken."""

    async def tell_units(self, records: Iterable[UnitRecord]) -> None:
        """Publish directory messages about units, and wait until they and what they bring are taken."""

    async def tell_elsewhere(self, record: ElsewhereRecord) -> None:
        """Publish what a source says that was made elsewhere, and wait until it is taken."""

    async def send(self, order: OrderToSign) -> SeenReceipt:
        """Sign and publish an order, and wait for its answer."""

    async def send_again(self, order_id: UUID) -> SeenReceipt:
        """Publish the same bytes again."""

    async def newest_receipt(self, order_id: UUID) -> SeenReceipt | None:
        """The newest receipt of an order."""

    async def ask(
        self,
        viewer: PersonRef,
        patient: PersonRef,
        service: Service,
        unit: str | None,
        recorded_on: date | None,
        at: datetime,
        known_at: datetime | None,
        information_type: str | None = None,
    ) -> SeenDecision:
        """Ask the store."""

    async def changes(self) -> tuple[SeenChange, ...]:
        """Everything published so far in this story."""

    async def notifications(self) -> tuple[SeenNotification, ...]:
        """Everything published so far in this story, but for what was suppressed."""

    async def measures(self, patient: PersonRef, at: datetime) -> set[str]:
        """The kinds of measures in force."""

    async def tasks(self, patient: PersonRef) -> set[str]:
        """The kinds of the open tasks about a patient."""

    async def restart(self, workers: tuple[str, ...]) -> None:
        """Kill workers and start them again."""


class Failed(Exception):
    """An expectation was not met. The message says what was expected, what came, and why."""


@dataclass
class ScenarioRunner:
    """One story on one stage."""

    story: Scenario
    stage: ScenarioDriver
    books: Rulebooks
    numbers: Numbers
    audience: str
    clock: datetime = field(init=False)
    cast: ScenarioData = field(init=False)

    def __post_init__(self) -> None:
        self.clock = self.story.start
        self.cast = ScenarioData(self.story, self.books, self.numbers, self.audience)

    async def run(self) -> None:
        """Play every step. Raises Failed at the first expectation that is not met."""
        await self.prepare()
        for number, step in enumerate(self.story.steps, 1):
            try:
                await self.step(step)
            except Failed as failure:
                raise Failed(f"step {number} ({_name(step)}): {failure}") from None

    async def prepare(self) -> None:
        """Set the clock, and let directory and register tell of everybody."""
        await self.stage.move_clock(self.clock)
        self._hire_everybody()
        await self.stage.tell_units([self.cast.unit_record(unit, self.clock) for unit in self.cast.units])
        employed = [name for name, employee in self.cast.staff.items() if employee.registered]
        await self.stage.tell_directory([self.cast.assignments(name, self.clock) for name in employed])
        # a moment before: what the story lets the register tell at its start is news, and takes the place of nothing
        known = self.clock - timedelta(seconds=1)
        await self.stage.tell_register([self.cast.record(name, known) for name in self.cast.registered()])

    def _hire_everybody(self) -> None:
        """Staff that the orders' defaults call for are in the directory from the start."""
        for step in self.story.steps:
            if step.order is not None and step.order.form is not None:
                self.cast.form(step.order, self.clock)

    async def step(self, step: ScenarioStep) -> None:
        """Play one step. Raises Failed."""
        if step.at is not None:
            await self._move(step.at if isinstance(step.at, datetime) else self.clock + _shift(step.at))
        elif step.order is not None:
            self._check_told(await self.order(step.order), step.expect)
        elif step.access is not None:
            self._check_answer(await self._ask(step.access), step.expect)
        elif step.register_ is not None:
            self.cast.change(step.register_, swedish_date(self.clock))
            await self._tell_of(step.register_.person)
        elif step.directory is not None:
            await self._tell_directory(step.directory)
        elif step.elsewhere is not None:
            await self.stage.tell_elsewhere(self.cast.outside(step.elsewhere, self.clock))
        elif step.choose is not None:
            self._choose(step.choose, step.expect or Expectation())
        elif step.restart is not None:
            await self.stage.restart(step.restart)
        else:
            await self._look(step)

    async def _tell_of(self, person: str) -> None:
        """A message about somebody, and about the children whose guardian has a new number."""
        await self.stage.tell_register([self.cast.record(person, self.clock)])

    async def _tell_directory(self, step: DirectoryStep) -> None:
        if step.staff is not None:
            self.cast.reassign(step, swedish_date(self.clock))
            await self.stage.tell_directory([self.cast.assignments(step.staff, self.clock)])
        elif step.unit is not None:
            self.cast.change_unit(step)
            await self.stage.tell_units([self.cast.unit_record(step.unit, self.clock)])

    async def _look(self, step: ScenarioStep) -> None:
        if step.expect_receipt is not None:
            await self._check_receipt(step.expect_receipt)
        elif step.expect_changes is not None:
            published = await self.stage.changes()
            for wanted in step.expect_changes:
                if not any(self._is_change(c, wanted, published) for c in published):
                    raise Failed(
                        f"no change {_plain(wanted)} among {len(published)}: {_list(published, self._names())}"
                    )
        elif step.expect_notifications is not None:
            sent = await self.stage.notifications()
            for awaited in step.expect_notifications:
                if not any(self._is_notice(n, awaited) for n in sent):
                    raise Failed(f"no notification {_plain(awaited)} among: {_list(sent, self._names())}")
        elif step.expect_no_notification is not None:
            unwanted = step.expect_no_notification
            if found := [n for n in await self.stage.notifications() if self._is_notice(n, unwanted)]:
                raise Failed(f"{unwanted.to} was told: {_list(found, self._names())}")
        elif step.expect_measures is not None:
            patient = self.cast.people[step.expect_measures.patient].ref
            active = await self.stage.measures(patient, self.clock)
            if active != {str(k) for k in step.expect_measures.active}:
                raise Failed(
                    f"measures in force: expected {sorted(step.expect_measures.active)}, came {sorted(active)}"
                )
        elif step.expect_tasks is not None:
            open_tasks = await self.stage.tasks(self.cast.people[step.expect_tasks.patient].ref)
            if open_tasks != set(step.expect_tasks.open):
                raise Failed(
                    f"open tasks: expected {sorted(step.expect_tasks.open)}, came {sorted(open_tasks)}"
                )

    async def _move(self, to: datetime) -> None:
        self.clock = to
        await self.stage.move_clock(to)

    async def order(self, step: OrderStep) -> SeenReceipt:
        """Send an order and return its answer."""
        if step.resend:
            return await self.stage.send_again(self.cast.orders[step.id])
        form, signer = self.cast.form(step, self.clock)
        signed_at = step.decided_at or self.clock
        if step.tamper == "unknown_signer":
            signer = self._somebody_else()
        if step.published_at is not None:
            await self._move(step.published_at)
        return await self.stage.send(
            OrderToSign(
                form,
                self.cast.hsa_id_of(signer),
                signed_at,
                step.tamper,
            )
        )

    def _somebody_else(self) -> str:
        name = "somebody_else"
        if name not in self.cast.staff:
            self.cast.staff[name] = self.cast.hire(Role.PHYSICIAN, "nowhere")
        return name

    async def _ask(self, step: AccessStep) -> SeenDecision:
        return await self.stage.ask(
            self.cast.people[step.viewer].ref,
            self.cast.people[step.patient].ref,
            step.service,
            self.cast.units[step.unit] if step.unit else None,
            step.recorded_on,
            step.at or self.clock,
            step.known_at,
            step.information_type,
        )

    def _choose(self, step: ChooseStep, expect: Expectation) -> None:
        """Ask the rules of the day; the patient's age is of the day. Raises Failed."""
        day = swedish_date(self.clock)
        version = self.books.version(step.region or self.story.region, day)
        if version is None:
            raise Failed("the region has no rules on that day")
        born = BirthDate.parse(self.cast.people[step.patient].born)
        age = sum(age_begins(born, years, latest=True) <= self.clock for years in range(1, OLDEST))
        situation = RiskSituation(age, step.risk, frozenset(step.signs))
        advice = choose(version, situation)
        chosen = () if advice.rule is None else advice.rule.forms
        if expect.forms is not None and set(expect.forms) != set(chosen):
            raise Failed(f"forms: expected {_plain_codes(expect.forms)}, came {_plain_codes(chosen)}")
        doors = open_doors(version, chosen if step.forms is None else step.forms, situation)
        came = {
            f"{door.way} {door.service} {door.opens}" + ("" if door.age is None else f" {door.age}")
            for door in doors
        }
        if expect.open_ is not None and set(expect.open_) != came:
            raise Failed(f"open: expected {sorted(expect.open_)}, came {sorted(came)}")

    # --- expectations

    def _check_told(self, told: SeenReceipt, expect: Expectation | None) -> None:
        if expect is None:
            return
        if expect.outcome is not None and told.outcome != expect.outcome:
            raise Failed(f"expected {expect.outcome}, came {told.outcome} {list(told.codes)} {told.why}")
        if expect.codes is not None and set(told.codes) != {str(c) for c in expect.codes}:
            raise Failed(f"codes: expected {sorted(expect.codes)}, came {sorted(told.codes)} {told.why}")

    def _check_answer(self, answer: SeenDecision, expect: Expectation | None) -> None:
        if expect is None:
            return
        if expect.allowed is not None and answer.allowed != expect.allowed:
            word = {True: "allowed", False: "denied"}
            raise Failed(
                f"expected {word[expect.allowed]}, came {word[answer.allowed]}: {answer.why or answer.codes}"
            )
        answered = {_without_age(code) for code in answer.codes}
        missing = [str(c) for c in expect.because if c.without_age not in answered]
        if missing:
            raise Failed(f"reasons: {missing} missing among {list(answer.codes)} {answer.why}")

    async def _check_receipt(self, expect: ReceiptExpectation) -> None:
        told = await self.stage.newest_receipt(self.cast.orders[expect.order])
        if told is None:
            raise Failed(f"order {expect.order} has no receipt")
        given = expect.model_fields_set
        if "outcome" in given and told.outcome != expect.outcome:
            raise Failed(f"expected {expect.outcome}, came {told.outcome} {list(told.codes)} {told.why}")
        if expect.codes is not None and set(told.codes) != {str(c) for c in expect.codes}:
            raise Failed(f"codes: expected {sorted(expect.codes)}, came {sorted(told.codes)} {told.why}")
        if "ends_on" in given and told.ends_on != expect.ends_on:
            raise Failed(f"ends_on: expected {expect.ends_on}, came {told.ends_on}")
        if expect.remarks is not None and not {str(r) for r in expect.remarks} <= set(told.remarks):
            raise Failed(f"remarks: expected {sorted(expect.remarks)} among {sorted(told.remarks)}")

    def _refs(self, name: str) -> tuple[PersonRef, ...]:
        actor = self.cast.people[name]
        return (actor.ref, *actor.former)

    def _names(self) -> dict[str, str]:
        return {ref.id: name for name in self.cast.people for ref in self._refs(name)}

    def _is_change(self, c: SeenChange, wanted: ChangeExpectation, published: Iterable[SeenChange]) -> bool:
        because = wanted.because if isinstance(wanted.because, tuple) else (wanted.because,)
        return (
            c.viewer in self._refs(wanted.viewer)
            and c.patient in self._refs(wanted.patient)
            and (wanted.service is None or c.service == wanted.service)
            and (wanted.unit is None or _speaks_of(c, self.cast.units[wanted.unit], published))
            and (wanted.access is None or c.access == wanted.access)
            and (wanted.at is None or c.at == wanted.at)
            and {reason.without_age for reason in because if reason} <= {_without_age(r) for r in c.because}
        )

    def _is_notice(self, n: SeenNotification, wanted: NotificationExpectation) -> bool:
        if wanted.to == OPERATORS:
            to = n.to is None and n.unit is None
        elif wanted.to in self.cast.people:
            to = n.to in self._refs(wanted.to)
        else:
            to = n.unit is not None and n.unit == self.cast.units[wanted.to]
        return to and (wanted.template is None or n.template == wanted.template)


def _without_age(code: str) -> AccessReason:
    """A reason by the name without ages: a story may use either (X-29)."""
    return AccessReason(code).without_age


def _plain_codes(codes: Iterable[str]) -> list[str]:
    return sorted(str(code) for code in codes)


def _speaks_of(change: SeenChange, unit: str, published: Iterable[SeenChange]) -> bool:
    """Whether a change is about a unit: it names it, or it names none and the unit has no line of its own beside it."""
    if change.unit is not None:
        return change.unit == unit

    def matter(c: SeenChange) -> tuple[PersonRef, PersonRef, str, datetime]:
        return c.viewer, c.patient, c.service, c.at

    return not any(c.unit == unit and matter(c) == matter(change) for c in published)


def _shift(text: str) -> timedelta:
    return timedelta(**{_UNITS[text[-1]]: int(text[1:-1])})


def _name(step: ScenarioStep) -> str:
    key = next(iter(step.model_fields_set - {"expect"}))
    return f"order {step.order.id}" if step.order else key.rstrip("_")


def _plain(wanted: ChangeExpectation | NotificationExpectation) -> str:
    return str({k: str(v) for k, v in wanted.model_dump(exclude_unset=True).items()})


def _list(found: Iterable[SeenChange | SeenNotification], names: dict[str, str]) -> str:
    def who(ref: PersonRef | None) -> str:
        return OPERATORS if ref is None else names.get(ref.id, "somebody")

    lines: list[str] = []
    for item in found:
        if isinstance(item, SeenNotification):
            lines.append(f"{item.unit or who(item.to)}:{item.template}")
        else:
            at = item.at.astimezone(STOCKHOLM).isoformat(timespec="minutes")
            lines.append(f"{who(item.viewer)} {item.access} {item.service} {at} {list(item.because)}")
    return "; ".join(lines) or "nothing"


Progress = Callable[[Scenario, Failed | None], None]
