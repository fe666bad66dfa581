"""
A small record system in the browser: fills in a region's form, signs it with a throw-away card, sends it on the topic,
and shows what came back: receipt, access, and who was told and who was not.
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.datastructures import FormData
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from sigill.devtools.signing import Tamper, sign_jws, tampered_jws
from sigill.policy.calendar import STOCKHOLM, swedish_date
from sigill.policy.effects import Sentence
from sigill.policy.form_fields import FormField, form_fields, own_attestation_words
from sigill.policy.lexicon import CHANNEL, DECISION, DOCUMENT, INITIATIVE, OPINION, OUTCOME, ROLE, SUPPRESSION
from sigill.policy.sentences import ACCESS, ATTESTATION, FORM, SERVICE
from sigill.policy.wording import label
from sigill.runtime.clock import stopwatch, write_clock
from sigill.scenario.live import LiveDriver, Workers
from sigill.scenario.wire import cloud_event
from sigill.trial.families import TrialWorld
from sigill_contracts.order import SignedForm
from sigill_contracts.topics import ORDERS
from sigill_contracts.vocabulary import (
    AccessReason,
    Channel,
    Form,
    Role,
    Service,
    Suppression,
    Template,
)

HERE = Path(__file__).parent
_LANGUAGE = "sigill_trial_language"
_WORDS: dict[str, Sentence] = {
    **{k.value: v for table in (INITIATIVE, CHANNEL, DECISION, OPINION, OUTCOME) for k, v in table.items()},
    **{k.value: v for k, v in ATTESTATION.items()},
    **{k.value: v for k, v in DOCUMENT.items()},
    **{k.value: v for k, v in FORM.items()},
    "yes": Sentence("ja", "yes"),
    "no": Sentence("nej", "no"),
}
_FIELDS: dict[str, Sentence] = {
    "patient": Sentence("Patient", "Patient"),
    "initiative": Sentence("Initiativ", "Initiative"),
    "channel": Sentence("Hur den kom in", "How it came in"),
    "urgent": Sentence("Brådskande", "Urgent"),
    "decided_by": Sentence("Beslutat av", "Decided by"),
    "consulted": Sentence("Samråd med", "Consulted"),
    "units": Sentence("Enheter", "Units"),
    "recorded_from": Sentence("Antecknat från och med", "Recorded from"),
    "recorded_to": Sentence("Antecknat till och med", "Recorded through"),
    "guardians": Sentence("Vårdnadshavare", "Guardians"),
    "representative": Sentence("Legal ställföreträdare", "Representative"),
    "court_order": Sentence("Förordnandets målnummer", "The court's case number"),
    "releases": Sentence("Häver beställningen", "Ends the order"),
    "follows_up": Sentence("Gäller beställningen", "About the order"),
    "decision": Sentence("Beslut", "Decision"),
    "opinion": Sentence("Ställningstagande", "Opinion"),
    "given": Sentence("Kopian utlämnad", "Copy handed out"),
    "valid_from": Sentence("Gäller från och med", "In force from"),
    "valid_through": Sentence("Gäller till och med", "In force through"),
    "review_on": Sentence("Omprövas den", "Decided again on"),
    "attestations": Sentence("Intyganden", "Attestations"),
    "references": Sentence("Handlingar i journalen", "Documents in the record"),
    "motivation": Sentence("Motivering", "Motivation"),
    "inform_guardians": Sentence("Berätta för vårdnadshavare", "Tell the guardians"),
    "inform_patient": Sentence("Berätta för patienten", "Tell the patient"),
}
_FORGED: dict[Tamper, Sentence] = {
    "payload": Sentence("innehållet är ändrat efteråt", "the content was changed afterwards"),
    "signature": Sentence("underskriften är ändrad", "the signature was changed"),
    "expired_certificate": Sentence("kortet har gått ut", "the card has expired"),
    "revoked_certificate": Sentence("kortet är spärrat", "the card has been revoked"),
    "untrusted_issuer": Sentence("någon annan har gett ut kortet", "somebody else issued the card"),
    "wrong_key_usage": Sentence("kortets nyckel för inloggning", "the card's key for logging in"),
    "alg_none": Sentence("ingen underskrift alls", "no signature at all"),
}
_MANY = frozenset({"units", "guardians", "attestations", "consulted", "references", "releases"})


@dataclass(frozen=True, slots=True)
class SentOrder:
    """An order that was put on the topic."""

    order_id: str
    region: str
    form: Form
    patient: str
    at: datetime


@dataclass
class RecordSystem:
    """The state behind the pages: the clock, what was sent, and the processes that can be killed."""

    world: TrialWorld
    driver: LiveDriver
    workers: Mapping[str, Workers]
    """The processes that can be killed, by what the page calls them: `intake`, and the `others`."""
    started: datetime
    links: Callable[[], list[tuple[str, str]]]
    """Names and addresses beside this page."""
    moved: Callable[[], None] = lambda: None
    """Called when the clock was moved: what else lives by it begins again."""
    commands: Sequence[str] = ()
    """Commands for another terminal; the first sets what the others need."""
    sent: list[SentOrder] = field(default_factory=list)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _since: float = field(default_factory=stopwatch)

    @property
    def running(self) -> bool:
        """Whether every process is there."""
        return all(worker.running for worker in self.workers.values())

    def now(self) -> datetime:
        """The trial's time: it runs, and `jump` takes it ahead."""
        return self.started + timedelta(seconds=stopwatch() - self._since)

    def tick(self) -> datetime:
        """Write the time where workers read it."""
        now = self.now()
        self.driver.now = now
        write_clock(self.driver.ground.clock_file, now)
        return now

    async def run_clock(self) -> None:
        """Let the time go by, for ever."""
        while True:
            async with self.turn:
                self.tick()
            await asyncio.sleep(0.5)

    async def jump(self, to: datetime) -> None:
        """Go to a later moment (aware), day by day where something falls due. Raises TimeoutError, RuntimeError."""
        async with self.turn:
            await self.driver.move_clock(to)
            self.started, self._since = to, stopwatch()
        await asyncio.to_thread(self.moved)

    async def send(self, form: SignedForm, tamper: str, patient: str) -> None:
        """Sign a form with the card of the one who decided, or wrongly in one way, and publish it."""
        ground = self.driver.ground
        async with self.turn:
            now = self.tick()
            payload = form.model_dump_json().encode()
            signer = self._signer(form)
            if tamper in get_args(Tamper):
                signed = tampered_jws(tamper, payload, signer, ground.authority, signed_at=now)  # type: ignore[arg-type]
            else:
                signed = sign_jws(payload, ground.authority.staff(signer), signed_at=now)
            key = self.driver.key_of(form.patient.id)
            order_id = str(form.order_id)
            headers = cloud_event(ORDERS, order_id, "/trial/record-system", key, now, "application/jose")
            await ground.wire.publish(ORDERS, key, signed, headers, now)
            self.sent.append(SentOrder(order_id, form.region, form.form, patient, now))

    def _signer(self, form: SignedForm) -> str:
        if form.channel is Channel.EHR_FORM and form.decided_by is not None:
            return form.decided_by.hsa_id
        return next(
            e.hsa_id
            for e in self.world.staff.values()
            if e.region == form.region and e.role is Role.SUPPORT_OPERATOR
        )

    async def access(self, patient: str, region: str) -> list[dict[str, Any]]:
        """Who reaches what of a patient now."""
        known, now = self.world.people[patient], self.now()
        places = [p for p in self.world.places.values() if p.region == region]
        asked = [(Service.JOURNAL, p.hsa_id, p.name.partition(",")[0]) for p in places]
        rows = []
        for viewer in self.world.viewers_of(patient):
            cells = []
            for service, unit, place in [*asked, (Service.E_SERVICES, None, "")]:
                got = await self.driver.ask(viewer.ref, known.ref, service, unit, None, now, None)
                words = [ACCESS[AccessReason(code)] for code in got.codes]
                cells.append({"service": service, "place": place, "allowed": got.allowed, "why": words})
            rows.append({"viewer": viewer.name, "cells": cells})
        return rows

    def answers(self) -> list[dict[str, Any]]:
        """Every sent order, newest first, with its latest receipt and its notices."""
        wire = self.driver.ground.wire
        shown = []
        for order in reversed(self.sent[-20:]):
            receipts = wire.receipts.get(order.order_id) or []
            notices = [self._notice(n) for n in wire.notifications if n["order_id"] == order.order_id]
            shown.append({"order": order, "receipt": receipts[-1] if receipts else None, "notices": notices,
                          "dead": order.order_id in wire.dead})  # fmt: skip
        return shown

    def others(self) -> list[dict[str, Any]]:
        """The newest notices that no order of the page brought: birthdays, ends, what is overdue."""
        own = {order.order_id for order in self.sent}
        found = [n for n in self.driver.ground.wire.notifications if n["order_id"] not in own]
        return [self._notice(n) for n in reversed(found[-10:])]

    def _notice(self, message: dict[str, Any]) -> dict[str, Any]:
        recipient = message["recipient"]
        person = recipient["person"]
        known = {p.ref.id: p.name for p in self.world.people.values()}
        kind = {
            "operators": Sentence("supporten", "the support desk"),
            "unit": Sentence("enheten", "the unit"),
        }
        name = known.get(person["id"], "?") if person else ""
        suppressed = message["suppressed"]
        return {
            "to": Sentence(name, name) if name else kind.get(recipient["kind"], Sentence("ingen", "nobody")),
            "what": label(Template(message["template"])),
            "kept": SUPPRESSION[Suppression(suppressed)] if suppressed else None,
        }


def app_of(system: RecordSystem) -> Starlette:
    """The pages. They answer to the loopback interface's names alone, and take forms from their own pages alone."""
    pages = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    books = system.driver.ground.books
    regions = {code: book for code, book in sorted(books.regions.items()) if not book.national}

    def chosen(values: Any) -> tuple[str, Form, str]:
        region = str(values.get("region") or "kronoberg")
        region = region if region in regions else next(iter(regions))
        offered = forms_of(region)
        form = next((f for f in offered if f.value == values.get("form")), offered[0])
        patient = str(values.get("patient") or "")
        return region, form, patient if patient in system.world.people else "Tuva Lind"

    def forms_of(region: str) -> list[Form]:
        version = books.version(region, swedish_date(system.now()))
        return [f for f in Form if version is not None and version.offers(f)]

    def fields_of(region: str, form: Form) -> tuple[FormField, ...]:
        version = books.version(region, swedish_date(system.now()))
        return form_fields(version, form) if version else ()

    def own_words(region: str, form: Form) -> dict[str, Sentence]:
        version = books.version(region, swedish_date(system.now()))
        return own_attestation_words(version, form) if version else {}

    async def shown(
        request: Request, values: Any, faults: Sequence[Sentence] = (), status: int = 200
    ) -> Response:
        region, form, patient = chosen(values)
        language = request.cookies.get(_LANGUAGE, "sv")
        staff = [e for e in system.world.staff.values() if e.region == region]
        page = pages.get_template("record.html").render(
            lang=language if language in ("sv", "en") else "sv",
            region=region, form=form, patient=patient, regions=regions, forms=forms_of(region), FORM=FORM,
            fields=fields_of(region, form), FIELDS=_FIELDS, WORDS={**_WORDS, **own_words(region, form)}, ROLE=ROLE, MANY=_MANY, world=system.world,
            staff=staff, places=[p for p in system.world.places.values() if p.region == region],
            sent=system.sent, tampers=_FORGED, faults=faults, birthday=system.world.next_birthday(system.now()),
            entered=values, live=await live_of(region, patient, language),
        )  # fmt: skip
        return HTMLResponse(page, status, headers=_SAFE)

    async def live_of(region: str, patient: str, language: str) -> str:
        return pages.get_template("live.html").render(
            lang=language if language in ("sv", "en") else "sv",
            now=system.now().astimezone(STOCKHOLM), patient=patient, running={name: worker.running for name, worker in system.workers.items()}, commands=system.commands,
            access=await system.access(patient, region), answers=system.answers(), others=system.others(),
            FORM=FORM, SERVICE=SERVICE, OUTCOME={o.value: s for o, s in OUTCOME.items()}, links=system.links(),
        )  # fmt: skip

    async def index(request: Request) -> Response:
        return await shown(request, request.query_params)

    async def live(request: Request) -> Response:
        region, _, patient = chosen(request.query_params)
        return HTMLResponse(
            await live_of(region, patient, request.cookies.get(_LANGUAGE, "sv")), headers=_SAFE
        )

    async def send(request: Request) -> Response:
        entries = await request.form()
        region, form, patient = chosen(entries)
        try:
            order = _form_of(entries, system, region, form, fields_of(region, form), patient)
        except ValidationError as wrong:
            return await shown(request, entries, _faults_of(wrong, fields_of(region, form)), 422)
        await system.send(order, str(entries.get("tamper") or ""), patient)
        return _back(region, form, patient)

    async def act(request: Request) -> Response:
        entries = await request.form()
        match request.path_params["what"]:
            case "kill-intake" | "kill-others" as which:
                await asyncio.to_thread(system.workers[which.removeprefix("kill-")].kill)
            case "start":
                for worker in system.workers.values():
                    if not worker.running:
                        worker.start()
            case "day" | "birthday" if not system.running:
                return await shown(request, entries, [_DEAD], 409)
            case "day" | "birthday" as step:
                now = system.now()
                birthday = system.world.next_birthday(now)
                to = now + timedelta(days=1)
                if step == "birthday" and birthday:
                    to = datetime.combine(birthday[1], time(8), STOCKHOLM)
                try:
                    await system.jump(to)
                except (TimeoutError, RuntimeError):
                    return await shown(request, entries, [_BEHIND], 503)
        return _back(*chosen(entries))

    async def language(request: Request) -> Response:
        answer = RedirectResponse(f"/?{request.url.query}", 303)
        wanted = "en" if request.path_params["code"] == "en" else "sv"
        answer.set_cookie(_LANGUAGE, wanted, httponly=True, samesite="lax")
        return answer

    def own(handler: Any) -> Any:
        async def guarded(request: Request) -> Response:
            origin = request.headers.get("origin")
            if origin and urlsplit(origin).netloc != request.headers.get("host"):
                return PlainTextResponse("Not from this page.", 403)
            answer: Response = await handler(request)
            return answer

        return guarded

    return Starlette(
        routes=[
            Route("/", index),
            Route("/live", live),
            Route("/language/{code}", language),
            Route("/send", own(send), methods=["POST"]),
            Route("/act/{what}", own(act), methods=["POST"]),
            Mount("/static", StaticFiles(directory=HERE / "static")),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])],
    )


_DEAD = Sentence(
    "Ingen tid går så länge en arbetare är död: starta dem igen först.",
    "No time passes while a worker is dead: start them again first.",
)
_BEHIND = Sentence(
    "Arbetarna hann inte med: starta dem igen och låt tiden gå en gång till.",
    "The workers did not keep up: start them again, and let the time pass once more.",
)
_WRONG = Sentence("är fel ifyllt", "is filled in wrongly")
_MISSING = Sentence("saknas", "is missing")


def _faults_of(wrong: ValidationError, fields: tuple[FormField, ...]) -> list[Sentence]:
    """What to correct, by the names that the page's own fields have."""
    inside = {"own_attestations": "attestations", "inform": "inform_patient"}
    places: dict[str, Sentence] = {}
    for error in wrong.errors(include_input=False):
        name = str(error["loc"][0]) if error["loc"] else ""
        places[inside.get(name, name)] = _MISSING if error["type"] == "missing" else _WRONG
    named = [field.name for field in fields if field.name in places]
    return [
        Sentence(f"{_FIELDS[n].sv} {places[n].sv}.", f"{_FIELDS[n].en} {places[n].en}.") for n in named
    ] or [Sentence("Uppgifterna går inte ihop.", "The answers do not fit together.")]


_SAFE = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-store",
}


def _back(region: str, form: Form, patient: str) -> Response:
    query = urlencode({"region": region, "form": form.value, "patient": patient})
    return RedirectResponse(f"/?{query}", 303)


def _form_of(
    entries: FormData,
    system: RecordSystem,
    region: str,
    form: Form,
    fields: tuple[FormField, ...],
    patient: str,
) -> SignedForm:
    """The form of what was entered in the fields that it has. Raises ValidationError."""
    people, staff, now = system.world.people, system.world.staff, system.now()
    filled: dict[str, Any] = {
        "order_id": str(uuid4()),
        "audience": system.driver.ground.environment["SIGILL_AUDIENCE"],
        "region": region,
        "form": form.value,
        "decided_at": now.isoformat(),
    }
    inform: dict[str, bool] = {}
    for asked in fields:
        values = [str(v) for v in entries.getlist(asked.name) if str(v)]
        if not values:
            continue
        match asked.name:
            case "patient":
                filled["patient"] = people[patient].ref.model_dump(mode="json")
            case "guardians":
                filled["guardians"] = [people[v].ref.model_dump(mode="json") for v in values if v in people]
            case "representative":
                if values[0] in people:
                    filled["representative"] = people[values[0]].ref.model_dump(mode="json")
            case "decided_by":
                if values[0] in staff:
                    filled["decided_by"] = staff[values[0]].ref.model_dump(mode="json")
            case "consulted":
                filled["consulted"] = [staff[v].ref.model_dump(mode="json") for v in values if v in staff]
            case "court_order":
                on = (swedish_date(now) - timedelta(days=30)).isoformat()
                filled["court_order"] = {
                    "court": "Växjö tingsrätt",
                    "reference": values[0],
                    "date": on,
                    "duties": ["person"],
                }
            case "references":
                filled["references"] = [
                    {"kind": kind, "id": f"document-{number}", "sha256": sha256(kind.encode()).hexdigest()}
                    for number, kind in enumerate(values, 1)
                ]
            case "urgent":
                filled["urgent"] = True
            case "given":
                filled["given"] = values[0] == "yes"
            case "inform_guardians" | "inform_patient" as name:
                inform[name.removeprefix("inform_")] = values[0] == "yes"
            case "attestations":
                filled["attestations"] = [value for value in values if ":" not in value]
                filled["own_attestations"] = [value for value in values if ":" in value] or None
            case name:
                filled[name] = values if name in _MANY else values[0]
    if inform:
        filled["inform"] = inform
    return SignedForm.model_validate_json(json.dumps(filled))
