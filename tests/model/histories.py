"""Random histories: a Hypothesis state machine that plays a family through everything the pages tell of."""

from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from sigill.policy.rulebook import Rulebooks
from sigill_contracts.vocabulary import IMPOSES, RELEASES, Channel, Form, Initiative
from tests.model.reference import (
    JAMTLAND,
    KRONOBERG,
    SWEDEN,
    VASTRA,
    VASTRA_2026,
    Order,
    birthday,
    local_day,
    midnight,
)
from tests.model.world import World

ROOT = Path(__file__).parents[2]
REGIONS = (KRONOBERG, JAMTLAND, VASTRA)
COUNTIES = {KRONOBERG: "07", JAMTLAND: "23", VASTRA: "14"}
STARTS = ("2025-04-20T09:00", "2026-03-20T09:00", "2027-02-26T22:00")
"""Shortly before a second document of Kronoberg and of Västra Götaland, and before a leap day's year."""
AGES = (2, 8, 12, 13, 14, 15, 16, 17)
SHIFTS = ("+10m", "+3h", "+1d", "+9d", "+40d", "+150d", "+400d")
PROTECTIVE = (
    Form.SEAL_JOURNAL,
    Form.LOCK_LOGIN,
    Form.BLOCK_GUARDIANS,
    Form.SEAL_CHILD,
    Form.RESTRICT_GUARDIAN_ACCESS,
)
OFFERED = {
    KRONOBERG: (Form.SEAL_JOURNAL, Form.LOCK_LOGIN, Form.BLOCK_GUARDIANS, Form.RESTRICT_GUARDIAN_ACCESS),
    JAMTLAND: (Form.SEAL_JOURNAL, Form.BLOCK_GUARDIANS, Form.RESTRICT_GUARDIAN_ACCESS),
    VASTRA: (Form.SEAL_JOURNAL, Form.BLOCK_GUARDIANS, Form.SEAL_CHILD),
}
DECIDERS = {
    (JAMTLAND, Form.SEAL_JOURNAL): "chef",
    (JAMTLAND, Form.RESTRICT_GUARDIAN_ACCESS): "chef",
    (JAMTLAND, Form.RELEASE_GUARDIAN_RESTRICTION): "chef",
    (JAMTLAND, Form.RELEASE_JOURNAL_SEAL): "chef",
    (JAMTLAND, Form.RELEASE_GUARDIAN_BLOCK): "chef",
    (JAMTLAND, Form.BLOCK_GUARDIANS): "chef",
    (JAMTLAND, Form.REVOKE_GUARDIAN_ACCESS): "chef",
    (JAMTLAND, Form.REVOKE_MINOR_ACCESS): "chef",
    (JAMTLAND, Form.CONTINUE_MEASURE): "chef",
    (JAMTLAND, Form.UNIT_OPINION): "chef",
}
"""Who decides, where it is not the treating physician."""
LEFT_OUT: frozenset[str] = frozenset()
"""Rules and events that are not played yet, since the core does not keep them."""
INFORM = st.sampled_from((None, None, {"guardians": False}, {"guardians": True}, {"patient": False}))
RARELY = st.sampled_from((False,) * 7 + (True,))
OFTEN = st.sampled_from((True, True, True, False))


@cache
def rulebooks() -> Rulebooks:
    """The rulebooks that come with Sigill."""
    folder = ROOT / "workers" / "sigill" / "rulebooks"
    return Rulebooks.of(*(p.read_text("utf-8") for p in sorted(folder.glob("*.yaml"))))


def family(
    region: str, other: str, start: str, ages: tuple[int, ...], shift: int, marked: str
) -> dict[str, Any]:
    """The first part of a story: people, units, staff."""
    began = datetime.fromisoformat(start).date()
    children = ("alva", "bo", "cleo")[: len(ages)]
    born = {
        name: (
            began.replace(year=began.year - age, day=min(began.day, 28)) + timedelta(days=shift)
        ).isoformat()
        for name, age in zip(children, ages, strict=True)
    }
    county = {"county": COUNTIES[region]}
    units = {
        "barnklinik": {"region": region, "clinic": "paediatric"},
        "hudkliniken": {"region": region, "clinic": "dermatology"},
        "akuten": {"region": region},
        "bup": {"region": other},
        "arkivet": {"region": region},  # no order names it: what holds for every unit is seen there
    }
    staff: dict[str, Any] = {}
    for unit in ("barnklinik", "hudkliniken", "akuten", "bup"):
        staff[f"{unit}_lak"] = {"unit": unit, "roles": ["treating_physician"]}
        staff[f"{unit}_chef"] = {"unit": unit, "roles": ["head_of_unit"]}
        staff[f"{unit}_jour"] = {"unit": unit, "roles": ["senior_physician", "on_call_physician"]}
    staff["support"] = {"unit": "barnklinik", "roles": ["support_operator"]}
    staff["annan_support"] = {"unit": "bup", "roles": ["support_operator"]}
    guardians = (["gun", "hans"], ["gun", "ines"], ["hans"])
    people: dict[str, Any] = {
        name: {"born": born[name], "guardians": guardians[i], "protected": marked == name, **county}
        for i, name in enumerate(children)
    }
    for name, day in (
        ("gun", "1984-02-02"),
        ("hans", "1982-03-03"),
        ("ines", "1985-05-05"),
        ("ture", "1960-06-06"),
    ):
        people[name] = {"born": day, "protected": marked == name, **county}
    return {
        "scenario": "A history that the model found",
        "id": "MODEL",
        "cites": ["X-01"],
        "region": region,
        "start": start,
        "units": units,
        "people": people,
        "staff": staff,
    }


class Histories(RuleBasedStateMachine):
    """Orders, register and time, in any order; after each step both stages must say the same."""

    without: ClassVar[frozenset[str]] = frozenset()
    """What is left out of the histories, by the rule's name or the register's change."""
    closely: ClassVar[bool] = False
    """Whether codes, tasks, memory and twins are held as well."""
    last: ClassVar["Histories"]
    played: ClassVar[dict[str, int]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.world: World
        self.count = 0
        self.differed = False

    @initialize(
        region=st.sampled_from(REGIONS),
        other=st.sampled_from(REGIONS),
        start=st.sampled_from(STARTS),
        ages=st.lists(st.sampled_from(AGES), min_size=1, max_size=3).map(tuple),
        shift=st.sampled_from((0, 5, 25, 200)),
        marked=st.sampled_from(("", "", "", "", "alva", "gun")),
    )
    def begin(
        self, region: str, other: str, start: str, ages: tuple[int, ...], shift: int, marked: str
    ) -> None:
        self.region, self.other = region, other
        marked = "" if "marks" in self.without else marked
        self.world = World(
            family(region, other, start, ages, shift, marked), rulebooks(), self.without, self.closely
        )
        self.add("histories")
        type(self).last = self

    def add(self, what: str, times: int = 1) -> None:
        self.played[what] = self.played.get(what, 0) + times

    def step(self, step: dict[str, Any]) -> None:
        if next(iter(step)) == "order" and step["order"].get("form") in self.without:
            return
        self.add("steps")
        self.differed = True
        self.world.step(step)
        self.differed = False

    def send(self, **order: Any) -> None:
        residents = (Form.SEAL_JOURNAL, Form.RELEASE_JOURNAL_SEAL)
        if (
            order["region"] == VASTRA
            and self.world.now < midnight(VASTRA_2026)
            and order["form"] not in residents
        ):
            return  # the reference does not know the region's document of 2019
        self.count += 1
        step = {"id": f"o{self.count}", **{k: v for k, v in order.items() if v is not None}}
        late = step.pop("late", 0)
        if late:
            decided = self.world.now.astimezone(SWEDEN)
            step["decided_at"] = decided.replace(tzinfo=None).isoformat(timespec="seconds")
            published = decided + timedelta(minutes=late)
            step["published_at"] = published.replace(tzinfo=None).isoformat(timespec="seconds")
        self.step({"order": step})
        if step["id"] in self.world.told and self.world.told[step["id"]].outcome == "refused":
            self.add("refused")

    def region_of(self, unit: str) -> str:
        return self.world.model.units[unit].region

    def child(self, which: int) -> str:
        return self.world.children[which % len(self.world.children)]

    def guardian(self, child: str, which: int) -> str:
        guardians = self.world.header["people"][child]["guardians"]
        return str(guardians[which % len(guardians)])

    def decider(self, unit: str, form: Form) -> str:
        return f"{unit}_{DECIDERS.get((self.region_of(unit), form), 'lak')}"

    def too_old(self, region: str, form: Form) -> int:
        """The age from which a form is refused; asked for all the same now and then."""
        if form is Form.RESTRICT_GUARDIAN_ACCESS or (form is Form.BLOCK_GUARDIANS and region == VASTRA):
            return 13
        return (
            200
            if form in (Form.SEAL_JOURNAL, Form.LOCK_LOGIN)
            else 16
            if form is Form.BLOCK_GUARDIANS
            else 18
        )

    def day(self, ahead: int) -> str:
        return (local_day(self.world.now) + timedelta(days=ahead)).isoformat()

    # --- measures

    @rule(
        which=st.integers(0, 2),
        unit=st.sampled_from(("barnklinik", "hudkliniken", "akuten", "bup")),
        form=st.integers(0, 3),
        whom=st.sampled_from((0, 1, None)),
        at_unit=RARELY,
        through=st.sampled_from((0, 3, 30, 200, None)),
        own=RARELY,
        odd=RARELY,
        phone=st.sampled_from((False, False, False, True)),
        begins=st.sampled_from((None,) * 7 + (6,)),
        reported=RARELY,
        inform=INFORM,
        late=st.sampled_from((0, 0, 0, 30, 3000)),
    )
    def shut(
        self,
        which: int,
        unit: str,
        form: int,
        whom: int | None,
        at_unit: bool,
        through: int | None,
        own: bool,
        odd: bool,
        phone: bool,
        begins: int | None,
        reported: bool,
        inform: dict[str, bool] | None,
        late: int,
    ) -> None:
        region, child = self.region_of(unit), self.child(which)
        offered = OFFERED[region]
        kind = offered[form % len(offered)]
        if not odd and self.world.model.age_reached(child, self.too_old(region, kind), self.world.now):
            kind = Form.SEAL_JOURNAL
        order: dict[str, Any] = {
            "form": kind.value,
            "patient": child,
            "region": region,
            "initiative": "care",
            "decided_by": self.decider(unit, kind),
            "inform": inform,
            "late": late,
        }
        if kind is Form.SEAL_JOURNAL and (own or region == VASTRA):
            if "young" in self.without and not self.world.model.age_reached(child, 13, self.world.now):
                return
            order["initiative"] = "resident"
            if region == JAMTLAND:
                order["channel"] = "paper"
        if kind in (Form.BLOCK_GUARDIANS, Form.RESTRICT_GUARDIAN_ACCESS) and whom is not None:
            order["guardians"] = [self.guardian(child, whom)]
        if kind is Form.RESTRICT_GUARDIAN_ACCESS or (
            kind is Form.SEAL_JOURNAL and at_unit and region != VASTRA and order["initiative"] == "care"
        ):
            order["units"] = [unit]
        if kind is Form.BLOCK_GUARDIANS and region == KRONOBERG:
            order["consulted"] = [f"{unit}_chef"]
        if through is not None and order["initiative"] == "care":
            order["valid_through"] = self.day(through + (3 if late else 0))
        if reported and region == VASTRA and kind is not Form.SEAL_JOURNAL:
            order["attestations"] = ["reported_to_authority"]
        if begins is not None and "X-16" not in self.without and not late:
            order["valid_from"] = self.day(begins)
            if "valid_through" in order:
                order["valid_through"] = self.day(begins + (through or 0))
        elif phone and kind is not Form.RESTRICT_GUARDIAN_ACCESS and not order.get("units"):
            order |= {"channel": "phone", "urgent": True}
            if region == JAMTLAND:
                order["decided_by"] = f"{unit}_jour"
        self.send(**order)

    @rule(
        which=st.integers(0, 2),
        unit=st.sampled_from(("barnklinik", "hudkliniken", "akuten", "bup")),
        whom=st.sampled_from((0, 1)),
        to_guardian=st.booleans(),
        inform=INFORM,
    )
    def grant(
        self, which: int, unit: str, whom: int, to_guardian: bool, inform: dict[str, bool] | None
    ) -> None:
        region, child = self.region_of(unit), self.child(which)
        if "X-18" in self.without and region != VASTRA and VASTRA in (self.region, self.other):
            return
        form = Form.GRANT_GUARDIAN_ACCESS if to_guardian else Form.GRANT_MINOR_ACCESS
        self.send(
            form=form.value,
            patient=child,
            region=region,
            initiative="guardian" if to_guardian else "child",
            decided_by=f"{unit}_lak",
            units=[unit],
            guardians=[self.guardian(child, whom)] if to_guardian else None,
            inform=inform,
        )

    def imposing(self) -> list[tuple[str, Order]]:
        return [
            (name, order)
            for name, order in self.world.orders.items()
            if order.form in IMPOSES and self.world.told[name].outcome in ("executed", "pending")
        ]

    @precondition(lambda self: self.imposing())
    @rule(
        pick=st.integers(0, 30),
        named=st.booleans(),
        by=st.sampled_from(("", "", "", "hudkliniken", "barnklinik")),
        own=RARELY,
        proven=OFTEN,
        inform=INFORM,
        late=st.sampled_from((0, 0, 30, 3000)),
    )
    def release(
        self,
        pick: int,
        named: bool,
        by: str,
        own: bool,
        proven: bool,
        inform: dict[str, bool] | None,
        late: int,
    ) -> None:
        made = self.imposing()
        name, order = made[-1 - pick % len(made)]
        form = next(f for f, kind in RELEASES.items() if kind is IMPOSES[order.form])
        unit = by if by and self.region_of(by) == order.region else (order.unit or "barnklinik")
        resident = (order.initiative is Initiative.RESIDENT) is not own
        step: dict[str, Any] = {
            "form": form.value,
            "patient": order.patient,
            "region": order.region,
            "initiative": "resident" if resident else "care",
            "decided_by": self.decider(unit, form),
            "releases": [name] if named else None,
            "inform": inform,
            "late": late,
        }
        if RELEASES[form].opens:
            step |= {"initiative": "guardian" if order.guardians else "child", "late": 0}
            if order.region == KRONOBERG and order.decided_at.year < 2026:
                return
        if form is Form.RELEASE_GUARDIAN_BLOCK and order.region == KRONOBERG:
            step["consulted"] = [f"{unit}_chef"]
        if resident and order.region == JAMTLAND and form is Form.RELEASE_JOURNAL_SEAL:
            step["channel"] = "paper"
        if not proven and order.region == VASTRA and form is not Form.RELEASE_JOURNAL_SEAL:
            step["attestations"] = []
        elif order.region == VASTRA and not RELEASES[form].opens and form is not Form.RELEASE_JOURNAL_SEAL:
            step["attestations"] = ["harm_assessment", "authority_confirmed"]
        self.send(**step)

    @precondition(lambda self: any(o.channel is Channel.PHONE for _, o in self.imposing()))
    @rule(pick=st.integers(0, 5), whom=st.sampled_from((0, 1, None)), through=st.sampled_from((30, 200)))
    def form_of_a_call(self, pick: int, whom: int | None, through: int) -> None:
        calls = [(n, o) for n, o in self.imposing() if o.channel is Channel.PHONE]
        name, order = calls[pick % len(calls)]
        assert order.decided_by is not None
        guardians = None
        if whom is not None and order.form in (Form.BLOCK_GUARDIANS, Form.RESTRICT_GUARDIAN_ACCESS):
            guardians = [self.guardian(order.patient, whom)]
        self.send(
            form=order.form.value,
            patient=order.patient,
            region=order.region,
            initiative=order.initiative.value,
            decided_by=order.decided_by[0],
            consulted=[f"{order.unit}_chef"] if order.region == KRONOBERG else None,
            urgent=True if order.region == JAMTLAND else None,
            guardians=guardians,
            follows_up=name,
            valid_through=self.day(through) if order.initiative is Initiative.CARE else None,
        )

    @precondition(lambda self: any(o.region == VASTRA and o.valid_through for _, o in self.imposing()))
    @rule(
        pick=st.integers(0, 5),
        longer=st.sampled_from((20, 90)),
        reported=RARELY,
        late=st.sampled_from((0, 30)),
    )
    def extend(self, pick: int, longer: int, reported: bool, late: int) -> None:
        made = [(n, o) for n, o in self.imposing() if o.region == VASTRA and o.valid_through]
        name, order = made[pick % len(made)]
        assert order.decided_by is not None
        assert order.valid_through is not None
        self.send(
            form="extend_measure",
            patient=order.patient,
            region=order.region,
            initiative="care",
            decided_by=order.decided_by[0],
            follows_up=name,
            valid_through=max(
                order.valid_through + timedelta(days=longer),
                local_day(self.world.now) + timedelta(days=longer),
            ).isoformat(),
            attestations=["reported_to_authority"] if reported else None,
            late=late,
        )

    @rule(
        which=st.integers(0, 2),
        unit=st.sampled_from(("barnklinik", "bup")),
        inform=INFORM,
    )
    def represent(self, which: int, unit: str, inform: dict[str, bool] | None) -> None:
        child = self.child(which)
        if not self.world.model.age_reached(child, 16, self.world.now):
            return
        self.send(
            form="appoint_representative",
            patient=child,
            region=self.region_of(unit),
            initiative="representative",
            decided_by=f"{unit}_lak",
            representative="ture",
            inform=inform,
        )

    @precondition(lambda self: any(o.urgent and o.region == JAMTLAND for _, o in self.imposing()))
    @rule(
        pick=st.integers(0, 5),
        by=st.sampled_from(("", "", "barnklinik", "hudkliniken")),
        keep=OFTEN,
        whom=st.sampled_from((0, 1, None)),
        inform=INFORM,
    )
    def go_on(self, pick: int, by: str, keep: bool, whom: int | None, inform: dict[str, bool] | None) -> None:
        made = [(n, o) for n, o in self.imposing() if o.urgent and o.region == JAMTLAND]
        name, order = made[pick % len(made)]
        unit = by if by and self.region_of(by) == JAMTLAND else order.unit
        block = order.form is Form.BLOCK_GUARDIANS
        self.send(
            form="continue_measure",
            patient=order.patient,
            region=JAMTLAND,
            initiative="care",
            decided_by=f"{unit}_chef",
            follows_up=name,
            decision="keep" if keep else "release",
            guardians=[self.guardian(order.patient, whom)] if block and keep and whom is not None else None,
            valid_through=self.day(60) if keep and not block else None,
            inform=inform,
        )

    @precondition(lambda self: any(o.valid_through for _, o in self.imposing()))
    @rule(pick=st.integers(0, 5))
    def the_last_minutes_come(self, pick: int) -> None:
        """To ten minutes before some measure ends."""
        ends = [midnight(o.valid_through + timedelta(days=1)) for _, o in self.imposing() if o.valid_through]
        moment = ends[pick % len(ends)] - timedelta(minutes=10)
        if moment > self.world.now:
            self.step({"at": moment.astimezone(SWEDEN).replace(tzinfo=None).isoformat(timespec="seconds")})

    # --- requests

    @rule(
        which=st.integers(0, 2),
        unit=st.sampled_from(("barnklinik", "hudkliniken", "bup")),
        whom=st.sampled_from((0, 1)),
        own=RARELY,
        inform=INFORM,
    )
    def ask(self, which: int, unit: str, whom: int, own: bool, inform: dict[str, bool] | None) -> None:
        child = self.child(which)
        if "X-03" in self.without and any(
            m.initiative is Initiative.RESIDENT for m in self.world.model.measures(child, self.world.now)
        ):
            return
        self.send(
            form="request_release",
            patient=child,
            region=self.region_of(unit),
            initiative="resident" if own else "guardian",
            guardians=None if own else [self.guardian(child, whom)],
            decided_by=f"{unit}_lak",
            inform=inform,
        )

    def under(self, age: int, *, at_least: int = 0) -> list[str]:
        """The children of an age at least so high, and not yet so high as `age`."""
        model, now = self.world.model, self.world.now
        return [
            c
            for c in self.world.children
            if model.age_reached(c, at_least, now)
            and not model.age_reached(c, age, now)
            and not model.dead(c, now)
        ]

    @precondition(lambda self: self.under(13))
    @rule(
        which=st.integers(0, 2),
        unit=st.sampled_from(("barnklinik", "akuten", "bup")),
        whom=st.sampled_from((0, 1)),
    )
    def one_is_shut_out_and_the_other_asks(self, which: int, unit: str, whom: int) -> None:
        """A block that names one guardian, and the other's request: not its business (X-01)."""
        young = self.under(13)
        child, region = young[which % len(young)], self.region_of(unit)
        held = sorted(self.world.model.guardians(child, self.world.now))
        if len(held) < 2:
            return
        one, other = held[whom], held[1 - whom]
        self.send(
            form="block_guardians",
            patient=child,
            region=region,
            initiative="care",
            guardians=[one],
            decided_by=self.decider(unit, Form.BLOCK_GUARDIANS),
            consulted=[f"{unit}_chef"] if region == KRONOBERG else None,
        )
        self.send(
            form="request_release",
            patient=child,
            region=region,
            initiative="guardian",
            guardians=[other],
            decided_by=f"{unit}_lak",
        )

    @precondition(lambda self: self.world.model.requests)
    @rule(
        pick=st.integers(0, 5),
        unit=st.integers(0, 3),
        agree=OFTEN,
        proven=OFTEN,
        inform=INFORM,
    )
    def answer(self, pick: int, unit: int, agree: bool, proven: bool, inform: dict[str, bool] | None) -> None:
        model = self.world.model
        request = model.requests[-1 - pick % len(model.requests)]
        name = next(n for n, o in self.world.orders.items() if o is request.order)
        asked = sorted(model.asked_units(request, self.world.now)) or ["hudkliniken"]
        of_region = [u for u in model.units if u != "arkivet" and self.region_of(u) == request.order.region]
        answering = (asked * 3 + of_region)[unit % (len(asked) * 3 + len(of_region))]
        region = request.order.region
        self.send(
            form="unit_opinion",
            patient=request.order.patient,
            region=region,
            initiative="care",
            decided_by=self.decider(answering, Form.UNIT_OPINION),
            consulted=[f"{answering}_chef"] if region == KRONOBERG else None,
            follows_up=name,
            opinion="agree" if agree else "keep",
            attestations=(["harm_assessment", "authority_confirmed"] if proven else [])
            if region == VASTRA
            else None,
            inform=inform,
        )

    # --- the register, the post and time

    @rule(
        which=st.integers(0, 2),
        what=st.sampled_from(
            ("protected", "guardian_protected", "moved", "custody", "guardians", "e_id", "died")
        ),
        region=st.sampled_from((*REGIONS, "elsewhere")),
        really=RARELY,
    )
    def the_register_tells(self, which: int, what: str, region: str, really: bool) -> None:
        if what in self.without:
            return
        child = self.child(which)
        actor = self.world.play.cast.people[child]
        change: dict[str, Any] = {"person": child}
        if "VG-01" in self.without and what in ("protected", "moved"):
            known = self.world.model.measures(child, self.world.now)
            if any(m.kind.opens and m.region == VASTRA for m in known):
                return
        if what == "protected":
            change["protected"] = not actor.protected
        elif what == "guardian_protected":
            guardian = self.guardian(child, which)
            change = {"person": guardian, "protected": not self.world.play.cast.people[guardian].protected}
        elif what == "moved":
            change["county"] = COUNTIES.get(region, "01")
        elif what == "custody":
            held = [g for g, end in actor.guardians.items() if end is None]
            if not held:
                return
            change["custody_ended"] = held[which % len(held)]
        elif what == "guardians":
            change["guardians"] = [["gun", "hans"], ["gun", "ines"], ["ines"]][which]
        elif what == "e_id":
            change = {"person": "gun", "e_id": not self.world.play.cast.people["gun"].e_id}
        elif really:
            change["died"] = local_day(self.world.now).isoformat()
        else:
            return
        self.step({"register": change})

    @precondition(lambda self: self.world.orders)
    @rule(pick=st.integers(0, 30))
    def the_post_comes_again(self, pick: int) -> None:
        names = list(self.world.orders)
        self.step({"order": {"id": names[pick % len(names)], "resend": True}})

    @rule(shift=st.sampled_from(SHIFTS))
    def time_passes(self, shift: str) -> None:
        self.step({"at": shift})

    @rule()
    def a_birthday_comes(self) -> None:
        """To the next edge: the midnight on which some child reaches an age."""
        coming = sorted(
            midnight(birthday(fact.born, age))
            for child in self.world.children
            if (fact := self.world.model.person(child, self.world.now))
            for age in (13, 16, 18)
            if midnight(birthday(fact.born, age)) > self.world.now
        )
        if coming:
            self.step({"at": coming[0].astimezone(SWEDEN).replace(tzinfo=None).isoformat(timespec="seconds")})

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.add("notices", self.world.notices)
            if self.differed:
                return
            if self.count % (3 if self.closely else 12) == 1:
                self.world.check_replay()
            if not self.closely:
                return
            self.world.check_memory()
            if self.count % 3 == 0:
                self.world.check_twins(self.count, 1 + self.count % 5)


class Meetings(Histories):
    """The same with steps that belong together, so that rules meet more often."""

    @precondition(lambda self: self.under(18, at_least=13))
    @rule(
        which=st.integers(0, 2),
        unit=st.sampled_from(("barnklinik", "akuten", "bup")),
        whom=st.sampled_from((0, 1)),
        asked=st.booleans(),
    )
    def one_seals_oneself_and_others_try(self, which: int, unit: str, whom: int, asked: bool) -> None:
        """What a young person sealed is reached by no guardian's request, and by no release of care (X-03)."""
        old_enough = self.under(18, at_least=13)
        child, region = old_enough[which % len(old_enough)], self.region_of(unit)
        paper = "paper" if region == JAMTLAND else None
        self.send(
            form="seal_journal",
            patient=child,
            region=region,
            initiative="resident",
            decided_by=f"{unit}_lak",
            channel=paper,
        )
        if asked:
            self.send(
                form="request_release",
                patient=child,
                region=region,
                initiative="guardian",
                guardians=[self.guardian(child, whom)],
                decided_by=f"{unit}_lak",
            )
        else:
            self.send(
                form="release_journal_seal",
                patient=child,
                region=region,
                initiative="care",
                decided_by=self.decider(unit, Form.RELEASE_JOURNAL_SEAL),
            )

    @precondition(lambda self: self.under(13))
    @rule(
        which=st.integers(0, 2),
        unit=st.sampled_from(("barnklinik", "akuten", "bup")),
        whom=st.sampled_from((0, 1)),
        marked=st.booleans(),
    )
    def one_is_blocked_and_asks_in_vain(self, which: int, unit: str, whom: int, marked: bool) -> None:
        """A request that is refused, now and then of one whom protected identity shuts out (X-22)."""
        young = self.under(13)
        child, region = young[which % len(young)], self.region_of(unit)
        held = sorted(self.world.model.guardians(child, self.world.now))
        if not held:
            return
        guardian = held[whom % len(held)]
        consulted = [f"{unit}_chef"] if region == KRONOBERG else None
        self.send(
            form="block_guardians",
            patient=child,
            region=region,
            initiative="care",
            guardians=[guardian],
            decided_by=self.decider(unit, Form.BLOCK_GUARDIANS),
            consulted=consulted,
        )
        if marked and not self.world.model.marked(guardian, self.world.now):
            self.step({"register": {"person": guardian, "protected": True}})
        request = f"o{self.count + 1}"
        self.send(
            form="request_release",
            patient=child,
            region=region,
            initiative="guardian",
            guardians=[guardian],
            decided_by=f"{unit}_lak",
        )
        self.send(
            form="unit_opinion",
            patient=child,
            region=region,
            initiative="care",
            decided_by=self.decider(unit, Form.UNIT_OPINION),
            consulted=consulted,
            follows_up=request,
            opinion="keep",
        )

    @precondition(lambda self: self.under(13))
    @rule(
        which=st.integers(0, 2),
        unit=st.sampled_from(("barnklinik", "akuten", "bup")),
        whom=st.sampled_from((0, 1)),
        first=st.sampled_from((None, {"guardians": False})),
        then=st.sampled_from((None, {"guardians": True})),
        custody=RARELY,
    )
    def one_is_blocked_and_let_in_again(
        self,
        which: int,
        unit: str,
        whom: int,
        first: dict[str, bool] | None,
        then: dict[str, bool] | None,
        custody: bool,
    ) -> None:
        """A block and its release, one of them told or not to be told (X-23), now and then after custody (X-22)."""
        young = self.under(13)
        child, region = young[which % len(young)], self.region_of(unit)
        held = sorted(self.world.model.guardians(child, self.world.now))
        if not held:
            return
        guardian = held[whom % len(held)]
        consulted = [f"{unit}_chef"] if region == KRONOBERG else None
        block = f"o{self.count + 1}"
        self.send(
            form="block_guardians",
            patient=child,
            region=region,
            initiative="care",
            guardians=[guardian],
            decided_by=self.decider(unit, Form.BLOCK_GUARDIANS),
            consulted=consulted,
            inform=first,
        )
        if custody:
            self.step({"register": {"person": child, "custody_ended": guardian}})
        by = "akuten" if unit == "barnklinik" and region == KRONOBERG else unit
        self.send(
            form="release_guardian_block",
            patient=child,
            region=region,
            initiative="care",
            decided_by=self.decider(by, Form.RELEASE_GUARDIAN_BLOCK),
            consulted=[f"{by}_chef"] if region == KRONOBERG else None,
            releases=[block],
            attestations=["harm_assessment", "authority_confirmed"] if region == VASTRA else None,
            inform=then,
        )
