"""
The real program plays stories about people with recognisable numbers, names and motivations; then everything that is
not meant to hold them is searched: logs at debug level, metrics, probes, traces, keys and headers of every topic,
what the audit chain and the outbox hold openly, and the decision API's answers to what is wrong.
"""

import http.server
import io
import json
import re
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from sigill.embedded import EmbeddedKafka
from sigill.embedded.processes import free_port
from sigill.policy.calendar import midnight
from sigill.policy.rulebook import Rulebooks
from sigill.runtime.clock import FixedClock
from sigill.runtime.logging import configure_logging
from sigill.scenario.cast import Numbers
from sigill.scenario.format import Scenario, files_of, read_file
from sigill.scenario.live import ScenarioEnvironment, Workers
from sigill.scenario.play import ScenarioRunner
from sigill.scenario.run import AUDIENCE, ground
from sigill_contracts.topics import DEAD_LETTERS, INCOMING, OUTGOING, TOPICS
from tests.kit.decision_api import Issuer, open_api
from tests.kit.services import Services
from tests.privacy.needles import Needles, Search, shapes_of_number, shapes_of_text
from tests.privacy.stage import NotingStage

ROOT = Path(__file__).parents[2]
STORIES = """
    SIG-S01 SIG-S02 SIG-S03 SIG-S04 TIME-S01 TIME-S04 TIME-S05 KR25-S01 KR25-S03 KR25-S05 KR25-S06 KR25-S07
""".split()
#: Refusals, forged signatures, phone orders, register changes, birthdays, releases, grants: seen to in the test.
TRACED = "tracer_provider(" in (ROOT / "workers/sigill/bootstrap.py").read_text("utf-8")


@dataclass
class Collector:
    """An OpenTelemetry collector: keeps what it is sent."""

    bodies: list[bytes] = field(default_factory=list)
    port: int = 0


@contextmanager
def collecting() -> Iterator[Collector]:
    found = Collector()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.bodies.append(self.rfile.read(int(self.headers.get("content-length", 0))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Said:
    """Everything that the program said while the stories were played, by place."""

    needles: Needles
    outcomes: set[str]
    search: Search
    log: Path
    issuer: Issuer


def _stories() -> list[Scenario]:
    known = {s.id: s for path in files_of([ROOT / "tests/scenarios"]) for s in read_file(path)}
    return [known[name] for name in STORIES]


@asynccontextmanager
async def _playing(
    kafka: EmbeddedKafka, database: str, books: Rulebooks
) -> AsyncIterator[tuple[ScenarioEnvironment, Workers, int, Collector]]:
    port = free_port()
    with collecting() as collector:
        async with ground(books, database=database, kafka=kafka.bootstrap, real=kafka.real) as (
            base,
            workers,
        ):
            # everything that can be made to talk talks
            base.environment |= {
                "SIGILL_LOG_LEVEL": "debug",
                "SIGILL_LOG_FORMAT": "json",
                "SIGILL_HEALTH_PORT": str(port),
                "SIGILL_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.port}",
            }
            workers.kill()
            workers.start()
            yield base, workers, port, collector


@pytest.fixture(scope="module")
async def said(services: Services, kafka: EmbeddedKafka) -> AsyncIterator[Said]:
    books = Rulebooks.of(
        *(p.read_text("utf-8") for p in sorted((ROOT / "workers/sigill/rulebooks").glob("*.yaml")))
    )
    needles, outcomes = Needles(), set()
    async with (
        services.database() as database,
        _playing(kafka, database, books) as (base, workers, port, collector),
    ):
        numbers = Numbers()
        stage = NotingStage(base, workers, needles=needles)
        for story in _stories():
            stage = NotingStage(base, workers, needles=needles)
            await stage.begin()
            play = ScenarioRunner(story, stage, books, numbers, AUDIENCE)
            await play.run()
        outcomes |= await _what_else(stage, play, numbers)
        outcomes |= {r["outcome"] for many in base.wire.receipts.values() for r in many}
        search = needles.compiled()
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            for path in ("/metrics", "/livez", "/readyz", "/readyz?verbose"):
                search.through("metrics and probes", (await client.get(path)).content)
        await _look_through_topics(search, base, kafka.bootstrap)
        await _look_through_the_store(search, base)
        issuer = Issuer()
        await _ask_wrongly(search, base, issuer, needles)
        log = workers._log
        workers.stop()  # a last chance to say something
        for line in log.read_bytes().splitlines():
            search.through("log lines", line)
        for body in collector.bodies:
            search.through("traces", body)
        yield Said(needles, outcomes, search, log, issuer)


async def _what_else(stage: NotingStage, play: ScenarioRunner, numbers: Numbers) -> set[str]:
    """What no story has: unreadable bytes, a form that is none, a patient whom nobody knows."""
    known = next(iter(play.cast.people.values())).ref.id
    signer = next(iter(play.cast.staff.values())).hsa_id
    return {
        (await stage.send_unreadable(known)).outcome,
        (await stage.send_unfitting(known, signer)).outcome,
        (await stage.send_unreadable(numbers.personnummer(date(1961, 3, 4)))).outcome,
        (await stage.send_unfitting(numbers.personnummer(date(1961, 3, 5)), signer)).outcome,
    }


async def _look_through_topics(search: Search, base: ScenarioEnvironment, bootstrap: str) -> None:
    """Keys and headers of every topic; what came in too, since its keys are made as ours are."""
    prefix = base.environment["SIGILL_KAFKA_TOPIC_PREFIX"]
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=None)
    await consumer.start()
    try:
        for spec in TOPICS:
            part = TopicPartition(prefix + spec.name, 0)
            consumer.assign([part])
            await consumer.seek_to_beginning(part)
            end = (await consumer.end_offsets([part]))[part]
            while await consumer.position(part) < end:
                for record in (await consumer.getmany(part, timeout_ms=1000)).get(part, ()):
                    search.through(f"keys of {_kind(spec.name)} topics", record.key or b"")
                    for name, value in record.headers:
                        search.through(
                            f"headers of {_kind(spec.name)} topics", name.encode() + b"=" + (value or b"")
                        )
    finally:
        await consumer.stop()


def _kind(topic: str) -> str:
    if topic in {spec.name for spec in DEAD_LETTERS}:
        return "dead-letter"
    return "incoming" if topic in {spec.name for spec in INCOMING} else "outgoing"


async def _look_through_the_store(search: Search, base: ScenarioEnvironment) -> None:
    """What the database holds openly: the chain's entries, and the columns that name events and subjects."""
    async with base.store.reading() as tx:
        for row in await tx.fetch("SELECT actor, action, chain, body FROM audit_entry"):
            search.through("audit entries", " ".join(row.values()).encode())
        for row in await tx.fetch("SELECT aggregateid, type, headers::text FROM outbox"):
            search.through("outbox keys and headers", " ".join(row.values()).encode())
        for row in await tx.fetch("SELECT kind, subject, text_sv, text_en, coalesce(target, '') FROM task"):
            search.through("tasks' subjects and texts", " ".join(row.values()).encode())
        for row in await tx.fetch("SELECT trust_report::text AS report FROM signed_order"):
            search.through("validation reports", row["report"].encode())


async def _ask_wrongly(search: Search, base: ScenarioEnvironment, issuer: Issuer, needles: Needles) -> None:
    """Everything that the decision API can be asked wrongly with a number in it, and what it logs meanwhile."""
    logged = io.StringIO()
    configure_logging("json", "debug", logged)
    number = min(needles.numbers)
    ref = {"id_type": "personnummer", "id": number}
    motivation = min(needles.motivations)
    clock = FixedClock(midnight(date(2026, 3, 1)))
    bodies = [
        {"patient": ref, "viewer": ref, "service": number},
        {"patient": number, "viewer": number, "service": "journal"},
        {"patient": {**ref, "id": f"{number[:8]}-{number[8:]}"}, "viewer": ref, "service": "journal"},
        {"patient": {**ref, "id_type": number}, "viewer": ref, "service": "journal"},
        {"patient": ref, "viewer": ref, "service": "journal", number: motivation},
        {"patient": ref, "viewer": ref, "service": "journal", "at": number},
        [number, motivation],
        {"questions": [{"patient": ref, "viewer": {"id": motivation}}]},
    ]
    headers = {"Sigill-Purpose": "search"}
    async with open_api(base.store, clock, issuer) as client:
        answers = [await client.post("/v1/access/decisions", json=body, headers=headers) for body in bodies]
        raw = f'{{"patient": "{number}", {motivation}'.encode()
        answers += [
            await client.post(
                f"/v1/access/{path}",
                content=raw,
                headers={**headers, "content-type": "application/json"},
            )
            for path in ("decisions", "picture", "timeline")
        ]
        answers.append(
            await client.post(
                "/v1/access/decisions", json=bodies[0], headers={"Authorization": f"Bearer {number}"}
            )
        )
    wrong = [answer for answer in answers if answer.status_code >= 400]
    assert len(wrong) >= 10, [answer.status_code for answer in answers]
    for answer in wrong:
        search.through("error texts of the API", answer.content)
        search.through("error texts of the API", json.dumps(dict(answer.headers)).encode())
    for path in json.loads((ROOT / "workers/sigill/web/openapi.json").read_text("utf-8"))["paths"]:
        search.through("paths of the API", path.encode())
        assert not re.search(r"\{[^}]*(number|personnummer|id_number)", path), "a number would stand in a URL"
    configure_logging()
    for line in logged.getvalue().encode().splitlines():
        search.through("log lines of the API", line)


async def test_nothing_personal_is_found(said: Said, capsys: pytest.CaptureFixture[str]) -> None:
    search = said.search
    with capsys.disabled():
        print(f"\nlooked for {search.shapes:,} shapes of {len(said.needles.numbers)} numbers, "
              f"{len(said.needles.names)} names and {len(said.needles.motivations)} motivations in:")  # fmt: skip
        for place, number in sorted(search.looked.items()):
            print(f"  {place:34} {number:>7,} things {search.bytes[place]:>10,} bytes")
    assert search.found == []


async def test_there_was_something_to_find_and_somewhere_to_look(said: Said) -> None:
    """The search proves nothing where it looked at nothing."""
    assert said.outcomes >= {"executed", "refused", "pending", "dead_letter", "duplicate"}
    assert len(said.needles.numbers) > 20
    assert len(said.needles.names) > 40
    assert len(said.needles.motivations) > 20
    least = {
        "log lines": 50,
        "metrics and probes": 4,
        "keys of incoming topics": 50,
        "keys of outgoing topics": 50,
        "keys of dead-letter topics": 2,
        "headers of incoming topics": 300,
        "headers of outgoing topics": 300,
        "headers of dead-letter topics": 10,
        "audit entries": 30,
        "outbox keys and headers": 50,
        "tasks' subjects and texts": 1,
        "validation reports": 20,
        "error texts of the API": 20,
        "paths of the API": 3,
    }
    if TRACED:
        least["traces"] = 1
    assert {
        place: said.search.looked[place] for place in least if said.search.looked[place] < least[place]
    } == {}
    assert len(OUTGOING) + len(INCOMING) + len(DEAD_LETTERS) == len(TOPICS)
    assert b'"level": "debug"' in said.log.read_bytes() or b'"info"' in said.log.read_bytes()


@pytest.mark.parametrize("place", ["log", "metrics", "header", "url", "trace"])
async def test_what_is_planted_is_found(said: Said, place: str) -> None:
    """The search can fail: each shape of each kind, planted where it could stand, is found."""
    number = min(said.needles.numbers)
    name, motivation = min(said.needles.names), min(said.needles.motivations)
    around = {
        "log": b'{"event": "taken", "error": "%s", "level": "info"}',
        "metrics": b'sigill_orders_total{outcome="%s"} 1.0\n',
        "header": b"ce_subject=%s",
        "url": b"GET /v1/access/%s/picture?at=now",
        "trace": b"\x0a\x04\x12\x1f%s\x00\x01",
    }[place]
    planted = [
        *(("number", shape) for shape in shapes_of_number(number)),
        *(("name", shape) for shape in shapes_of_text(name)),
        *(("motivation", shape) for shape in shapes_of_text(motivation)),
    ]
    assert len(planted) > 100
    fresh = said.needles.compiled()
    for kind, shape in planted:
        found = fresh.through(place, around % shape)
        assert kind in {one[1] for one in found}, (kind, shape)


async def test_a_number_inside_a_longer_base64_text_is_found(said: Said) -> None:
    """Whatever stands around it: a header or a token that somebody encoded as a whole."""
    import base64

    number = min(said.needles.numbers)
    fresh = said.needles.compiled()
    for before in range(6):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            token = encode(b"x" * before + b'{"id":"' + number.encode() + b'"}')
            assert fresh.through("token", token), token


async def test_a_number_that_the_sender_put_into_key_and_envelope_is_not_repeated_in_the_log(
    services: Services, kafka: EmbeddedKafka
) -> None:
    """An EHR that is set up wrongly: the log must not tell what the sender should not have told."""
    books = Rulebooks.of(
        *(p.read_text("utf-8") for p in sorted((ROOT / "workers/sigill/rulebooks").glob("*.yaml")))
    )
    number, motivation = "191212121212", "Ordväxling i kuvert: tofsvipa"
    async with (
        services.database() as database,
        _playing(kafka, database, books) as (base, workers, port, _),
    ):
        stage = NotingStage(base, workers)
        await stage.begin()
        await stage.move_clock(datetime(2026, 3, 1, 9, tzinfo=UTC))
        attributes = {
            "ce_specversion": "1.0",
            "ce_id": "e-1",
            "ce_source": f"/ehr/{number}",
            "ce_type": "se.sigill.order.v1",
            "ce_subject": number,
            "ce_time": "2026-03-01T09:00:00Z",
            "traceparent": number,
            "content-type": f"application/{number}",
            motivation: motivation,
        }
        headers = [(name, value.encode()) for name, value in attributes.items()]
        told = await stage.publish_raw("e-1", number, f"{number} {motivation}".encode(), headers)
        assert told.outcome == "dead_letter"
        search = Needles(numbers={number}, motivations={motivation}).compiled()
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            search.through("metrics", (await client.get("/metrics")).content)
        log = workers._log
        workers.stop()
        search.through("log", log.read_bytes())
        assert search.bytes["log"] > 500
        assert search.found == []
