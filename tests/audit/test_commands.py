"""`sigill audit …` as it is run: by its own process, against a database in which real orders were judged."""

import asyncio
import csv
import io
import json
import re
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sigill.cli.common import account
from sigill.relay.checkpoints import CheckpointSigner, Head
from sigill.store import audit, console, orders, persons
from sigill.store.access_log import REVIEW, AccessLogEntry, append, of_person
from sigill.store.console import OrderSearch
from sigill.store.session import Store
from sigill.stream.connection import Connection
from sigill.stream.producer import OutgoingRecord, StreamProducer
from sigill.stream.topics import apply_topics
from sigill_contracts.topics import AUDIT_HEADS
from sigill_contracts.vocabulary import OrderId
from tests.kit.environment import without_settings
from tests.kit.rows import store_on
from tests.kit.senders import ADULT, CHILD, KEYS, MOTHER, OPERATOR, UNIT, person
from tests.kit.worker_harness import WorkerHarness, receipts
from tests.workers.conftest import harness, senders  # noqa: F401 - fixtures

MOTIVATION = "Åberopat hot; =SUMMA(A1) <script>"
DOCUMENT = {"kind": "court_order", "id": "doc-1", "sha256": "0f" * 32}
AT = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Said:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str


@dataclass
class Case:
    """A patient with an executed, a refused and a forged order, and somebody who looked."""

    database: str
    folder: Path
    signer: CheckpointSigner
    order_ids: list[str]

    async def run(self, *arguments: str, stdin: str = "", group: str = "audit", **environment: str) -> Said:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "sigill.cli",
            group,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={
                **without_settings(),
                "SIGILL_DATABASE_URL": self.database,
                "SIGILL_DATABASE_TLS": "disable",
                "SIGILL_AUDIT_KEY": str(self.folder / "audit.pem"),
                **environment,
            },
        )
        out, err = await process.communicate(stdin.encode())
        return Said(process.returncode or 0, out.decode(), err.decode())

    async def numbers(self, store: Store) -> list[str]:
        """The registration numbers of the three orders, in order of arrival."""
        async with store.reading() as tx:
            found = await console.find_orders(tx, OrderSearch())
        return [one.registration_number for one in reversed(found)]

    async def heads(self, store: Store) -> list[bytes]:
        """What the relay would publish now."""
        async with store.transaction(AT) as tx:
            found = await audit.checkpoint(tx, "urn:sigill:test")
        return [
            self.signer.checkpoint(Head(h.chain, h.position, h.row_hash.hex()), AT, "urn:sigill:test")
            for h in found
        ]

    def keep(self, name: str, tokens: Sequence[bytes]) -> str:
        (self.folder / name).write_bytes(b"\n".join(tokens) + b"\n")
        return str(self.folder / name)


@pytest.fixture
async def case(harness: WorkerHarness, database: str, store: Store, tmp_path: Path) -> Case:  # noqa: F811
    key = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "audit.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    at = harness.clock.now()
    executed = harness.senders.orders(at, motivation=MOTIVATION, references=[DOCUMENT])
    refused = harness.senders.orders(at, initiative="guardian", motivation="Andra skäl")
    forged = harness.senders.signs(harness.senders.form(at), at, tamper="payload")
    await harness.hand_over(executed, refused, forged)
    outcomes = [str(one.outcome) for one in receipts(await harness.out())]
    assert outcomes == ["executed", "refused", "refused"]
    async with store.transaction(at) as tx:
        person = (await persons.resolve_keys(tx, [KEYS.of(ADULT)]))[KEYS.of(ADULT)]
        await append(
            tx, [AccessLogEntry("=cmd|op-7", OPERATOR, person, "Ringde <b>själv</b>", "person page")]
        )
    return Case(
        database,
        tmp_path,
        CheckpointSigner.from_file(tmp_path / "audit.pem"),
        [executed.order_id, refused.order_id, forged.order_id],
    )


@pytest.fixture
async def store(database: str) -> AsyncIterator[Store]:
    opened = await store_on(database)
    yield opened
    await opened.close()


async def test_a_whole_log_is_whole_and_a_tampered_one_is_named(
    case: Case, store: Store, admin: asyncpg.Connection
) -> None:
    kept = case.keep("heads.txt", await case.heads(store))
    whole = await case.run("verify", "--heads", kept)
    assert (whole.code, whole.err) == (0, "")
    assert re.fullmatch(r"\d+ entries, \d+ published heads: whole\n", whole.out)

    async with admin.transaction():
        await admin.execute("SET LOCAL session_replication_role = replica")
        await admin.execute(
            "UPDATE audit_entry SET actor = 'nobody' WHERE chain = 'intake-0' AND position = 2"
        )
        await admin.execute("UPDATE access_log_asker SET actor = 'nobody'")
    found = await case.run("verify", "--heads", kept, "--json")
    assert found.code == 1
    said = json.loads(found.out)
    assert said["faults"] == [{"chain": "intake-0", "position": 2, "kind": "changed"}]
    assert said["access_log"] == [{"look": 1, "kind": "changed"}]


async def test_a_cut_end_is_found_by_the_published_heads_alone(
    case: Case, store: Store, admin: asyncpg.Connection
) -> None:
    kept = case.keep("heads.txt", await case.heads(store))
    async with admin.transaction():
        await admin.execute("SET LOCAL session_replication_role = replica")
        await admin.execute("DELETE FROM audit_entry WHERE chain = 'intake-0' AND position = 3")
        await admin.execute("DELETE FROM audit_personal WHERE chain = 'intake-0' AND position = 3")
    without = await case.run("verify", "--heads", "none")
    assert without.code == 0
    assert "cannot be seen" in without.err
    found = await case.run("verify", "--heads", kept)
    assert found.code == 1
    assert "intake-0 3: not the entry whose hash was published" in found.out


async def test_heads_that_somebody_else_signed_are_not_believed(case: Case, store: Store) -> None:
    """Whoever may produce to Kafka can add heads of his own; they prove nothing, and they show."""
    genuine = await case.heads(store)
    forged = CheckpointSigner.ephemeral().checkpoint(Head("intake-0", 2, "00" * 32), AT, "urn:sigill:test")
    found = await case.run("verify", "--heads", case.keep("heads.txt", [*genuine, forged, b"nonsense"]))
    assert found.code == 1
    assert "2 of " in found.out
    assert "unpublished" not in found.out
    assert "intake-0 2" not in found.out


async def test_two_heads_of_one_place_show_a_rewritten_chain(case: Case, store: Store) -> None:
    genuine = await case.heads(store)
    earlier = case.signer.checkpoint(Head("intake-0", 3, "ab" * 32), AT, "urn:sigill:test")
    found = await case.run("verify", "--heads", case.keep("heads.txt", [earlier, *genuine]), "--json")
    assert found.code == 1
    assert {"chain": "intake-0", "position": 3, "kind": "unpublished"} in json.loads(found.out)["faults"]


async def test_heads_are_read_from_the_topic(
    case: Case, store: Store, connection: Connection, topic_prefix: str
) -> None:
    await apply_topics(connection, [AUDIT_HEADS], prefix=topic_prefix)
    tokens = await case.heads(store)
    async with StreamProducer(connection) as producer:
        topic = topic_prefix + AUDIT_HEADS.name
        await producer.send_in_order([OutgoingRecord(topic, b"chain", token, ()) for token in tokens])
    where = {"SIGILL_KAFKA_BOOTSTRAP": connection.bootstrap, "SIGILL_KAFKA_TOPIC_PREFIX": topic_prefix}
    printed = await case.run("heads", **where)
    assert printed.out.encode().splitlines() == tokens
    found = await case.run("verify", "--json", **where)
    assert found.code == 0, found.out + found.err
    assert json.loads(found.out)["heads"] == {"read": len(tokens), "compared": len(tokens), "unbelieved": 0}
    nowhere = await case.run("verify", **{**where, "SIGILL_KAFKA_TOPIC_PREFIX": "nobody."})
    assert nowhere.code == 1
    assert "there is no topic" in nowhere.err


async def test_the_extract_says_who_where_when_and_is_itself_logged(case: Case) -> None:
    number = f"{ADULT[:8]}-{ADULT[8:]}\n"
    everything = ("--for", "auditor", "--reason", "Loggranskning")
    page = await case.run(
        "extract", "-", *everything, "--by", "registrator", "--unit", "arkivet", stdin=number
    )
    assert (page.code, page.err) == (0, "")
    assert "Fullständig version, för granskning; lämnas inte ut" in page.out
    assert "Ringde &lt;b&gt;själv&lt;/b&gt;" in page.out
    assert "<script" not in page.out
    assert "patientdatalagen" in page.out
    assert "http://" not in page.out
    assert "https://" not in page.out

    table = await case.run("extract", KEYS.of(ADULT), *everything, "--format", "csv")
    rows = list(csv.reader(io.StringIO(table.out)))
    assert rows[0] == ["tid", "vem", "enhet", "anledning", "vad", "version"]
    assert {row[-1].partition(",")[0] for row in rows[1:]} == {"Fullständig version"}
    assert rows[1][1:4] == ["'=cmd|op-7", OPERATOR, "Ringde <b>själv</b>"]
    assert rows[1][0] == "2025-03-10T10:00:00+01:00"  # 09:00 UTC, as Swedish time
    assert rows[2][1:4] == [account(), "arkivet", "Loggranskning (for registrator)"]
    assert len(rows) == 4

    told = json.loads((await case.run("extract", KEYS.of(ADULT), *everything, "--format", "json")).out)
    looks = told["looks"]
    assert told["version"] == "auditor"
    assert [one["who"] for one in looks][:2] == ["=cmd|op-7", account()]
    assert (await case.run("verify", "--heads", "none")).code == 0


async def test_an_extract_asks_for_a_harm_test_or_for_a_reason(case: Case) -> None:
    for arguments, wanted in (((), "--harm-test"), (("--for", "auditor"), "--reason")):
        refused = await case.run("extract", KEYS.of(ADULT), *arguments)
        assert (refused.code, refused.out) == (2, "")
        assert refused.err.startswith(wanted)
        assert len(refused.err.splitlines()) == 1


async def test_the_patients_extract_tells_nothing_of_a_measure_that_somebody_must_not_know_of(
    case: Case,
    harness: WorkerHarness,  # noqa: F811
    store: Store,
) -> None:
    """A guardian who is shut out collects the child's extract: nothing in it differs from one of a child without a block."""
    at = harness.clock.now()
    shut_out = {"guardians": False, "patient": False}
    block = harness.senders.orders(at, "block_guardians", patient=person(CHILD), inform=shut_out)
    await harness.hand_over(block)
    assert [str(one.outcome) for one in receipts(await harness.out())][-1] == "executed"
    async with store.transaction(at) as tx:
        child = (await persons.resolve_keys(tx, [KEYS.of(CHILD)]))[KEYS.of(CHILD)]
        (number,) = await orders.numbers_of(tx, [OrderId(block.order_id)])
        shown = "whether person 9 reaches journal: denied (guardian_block)"
        told = [
            AccessLogEntry("journalen", None, child, "proxy_login", shown),
            AccessLogEntry(
                "op-7", "SE1-SUPPORT", child, "Pappan blockerad, ring ej", "access at 2025-03-10T10:00"
            ),
            AccessLogEntry("op-7", "SE1-SUPPORT", child, "Rättning", f"order {number}, unmasked"),
            AccessLogEntry("op-8", UNIT, child, "Orosanmälan", "person page"),
        ]
        await append(tx, told)
    tested = ("extract", KEYS.of(CHILD), "--harm-test", "Chefsläkare, dnr 7")
    for form in ("html", "csv", "json"):
        made = await case.run(*tested, "--format", form)
        assert made.code == 0, made.err
        assert made.err.startswith("2 looks are left out")
        for secret in (
            "guardian_block", "Pappan", "Rättning", "Orosanmälan", "SIGILL", UNIT, "denied", "person 9", "dnr 7",
        ):  # fmt: skip
            assert secret not in made.out, (form, secret)
        assert "journalen" in made.out
        assert "SE1-SUPPORT" in made.out
    assert "Version för patienten, efter menprövning" in (await case.run(*tested)).out
    as_json = json.loads((await case.run(*tested, "--format", "json")).out)
    assert as_json["version"] == "patient"
    assert {frozenset(one) for one in as_json["looks"]} == {frozenset({"at", "who", "unit"})}
    full = await case.run(
        "extract", KEYS.of(CHILD), "--for", "auditor", "--reason", "Granskning", "--format", "csv"
    )
    for kept in ("guardian_block", "Pappan", number, UNIT, "menprövning: Chefsläkare, dnr 7"):
        assert kept in full.out, kept


async def test_an_identity_number_does_not_stand_on_a_command_line(case: Case) -> None:
    refused = await case.run("extract", ADULT)
    assert refused.code == 2
    assert ADULT not in refused.err
    unknown = await case.run("extract", "-", "--harm-test", "x", stdin="199001012385\n")
    assert (unknown.code, unknown.out) == (1, "")
    assert "199001012385" not in unknown.err


async def test_the_file_of_a_patient_says_who_decided_what_and_why(case: Case, store: Store) -> None:
    kept = case.keep("heads.txt", await case.heads(store))
    page = await case.run(
        "export", "-", "--reason", "Begärd av tingsrätten", "--heads", kept, "--by", "jurist", stdin=ADULT
    )
    assert page.code == 0, page.err
    for part in (
        ADULT,
        "Begärd av tingsrätten",
        "Åberopat hot; =SUMMA(A1) &lt;script&gt;",
        (await case.numbers(store))[0],
        "TL-01",
        "Försegling beslutas av personal.",
        "ingen post är ändrad",
        "undertecknade kontrollpunkter",
        "godkänd",
    ):
        assert part in page.out, part
    assert "<script" not in page.out
    assert not re.search(r'(src|href|url\()\s*=?\s*["\']?http', page.out), "needs nothing from elsewhere"
    as_json = await case.run("export", KEYS.of(ADULT), "--reason", "x", "--format", "json")
    told = json.loads(as_json.out)
    assert [one["proven"] for one in told["orders"]] == [True, True]
    assert told["orders"][0]["form"]["motivation"] == MOTIVATION
    assert told["orders"][0]["validation_report"]["signers"]
    assert [look["who"] for look in told["looks"]][-2] == account()
    assert told["faults"] == []


async def test_packages_prove_themselves_without_the_database(case: Case, store: Store) -> None:
    one, two, _ = await case.numbers(store)
    to = case.folder / "archive"
    made = await case.run("archive", "--all", "--to", str(to), "--by", "arkivarie")
    assert (made.code, made.out) == (0, "3 written, 0 unchanged, 0 erased\n")
    assert (await case.run("archive", "--all", "--to", str(to))).out == "0 written, 3 unchanged, 0 erased\n"
    single = await case.run("archive", case.order_ids[0], "--to", str(case.folder / "single"))
    assert single.out.startswith("1 written")
    assert all(path.stat().st_mode & 0o077 == 0 for path in to.rglob("*"))
    nowhere = {"SIGILL_DATABASE_URL": "postgresql://nobody@localhost:1/none"}
    checked = await case.run("archive", "--verify", str(to), **nowhere)
    assert (checked.code, checked.out) == (0, "3 packages, 0 not whole\n")

    first = to / one
    metadata = json.loads((first / "data/metadata.json").read_text())
    assert metadata["registration_number"] == one
    assert metadata["answers"][0]["rulebook"] == "testland 2020-01-01"
    assert metadata["measures"][0]["rules"] == ["TL-01"]
    assert metadata["references"] == [DOCUMENT]
    assert "references" not in json.loads((to / two / "data/metadata.json").read_text())
    assert metadata["audit"][0]["chain"] == "intake-0"
    report = json.loads((first / "data/validation-report.json").read_text())
    assert {"name": "signature", "verdict": "good", "detail": "ES256"} in report["checks"]
    whole = ("--for", "auditor", "--reason", "x", "--format", "json")
    looked = json.loads((await case.run("extract", KEYS.of(ADULT), *whole)).out)["looks"]
    assert f"archive package {one}" in [look["shown"] for look in looked]


@pytest.mark.parametrize(
    ("break_it", "expected"),
    [
        ("append", "data/original.jws: changed"),
        ("remove", "data/validation-report.json: missing"),
        ("add", "data/more.json: not in the manifest"),
        ("manifest", "manifest-sha256.txt: changed"),
        ("link", "data/link: a link"),
        ("other", "not the message that was registered"),
        ("forged", "the signature holds, the original says that it does not hold"),
        ("renamed", "another registration number"),
    ],
)
async def test_a_package_that_was_touched_is_named(
    case: Case, store: Store, break_it: str, expected: str
) -> None:
    one, two, three = await case.numbers(store)
    to = case.folder / "archive"
    assert (await case.run("archive", "--all", "--to", str(to))).code == 0
    folder = to / one
    match break_it:
        case "append":
            with (folder / "data/original.jws").open("ab") as file:
                file.write(b"x")
        case "remove":
            (folder / "data/validation-report.json").unlink()
        case "add":
            (folder / "data/more.json").write_text("{}")
        case "manifest":
            with (folder / "manifest-sha256.txt").open("a") as file:
                file.write(f"{'0' * 64}  data/none\n")
        case "link":
            (folder / "data/link").symlink_to(folder / "data/original.jws")
        case "other":
            _rebag(folder, {"data/original.jws": (to / two / "data/original.jws").read_bytes()})
        case "forged":
            forged = (to / three / "data/original.jws").read_bytes()
            metadata = json.loads((folder / "data/metadata.json").read_text())
            receipt = json.loads((folder / "data/receipts/001.json").read_text())
            digest = json.loads((to / three / "data/metadata.json").read_text())["sha256"]
            _rebag(
                folder,
                {
                    "data/original.jws": forged,
                    "data/metadata.json": json.dumps({**metadata, "sha256": digest}).encode(),
                    "data/receipts/001.json": json.dumps({**receipt, "digest": digest}).encode(),
                },
            )
        case "renamed":
            folder.rename(to / "SIGILL-9")
    checked = await case.run("archive", "--verify", str(to))
    assert checked.code == 1
    assert expected in checked.out


def _rebag(folder: Path, changed: dict[str, bytes]) -> None:
    """What a careful forger does: the manifests fit again."""
    from hashlib import sha256

    for name, content in changed.items():
        (folder / name).write_bytes(content)
    for manifest in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        lines = [line.split("  ", 1)[1] for line in (folder / manifest).read_text().splitlines()]
        (folder / manifest).write_text(
            "".join(f"{sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in lines)
        )


async def test_wrong_use_says_so(case: Case) -> None:
    assert (await case.run("archive", "--all")).code == 2
    assert (await case.run("archive", "not-a-uuid", "--to", "x")).code == 2
    assert (await case.run("verify", "--heads", "/nowhere")).code == 2
    unknown = await case.run(
        "archive", "0192f0c1-0000-7000-8000-000000000000", "--to", str(case.folder / "none")
    )
    assert unknown.code == 1
    assert "no such order" in unknown.err
    key = json.loads((await case.run("key")).out)
    assert key["kid"] == case.signer.kid
    assert "d" not in key


async def test_retention_says_what_it_keeps_and_why_and_cites_what_it_follows(case: Case) -> None:
    kept = await case.run("run", group="retention")
    assert (kept.code, kept.err) == (0, "")
    *kinds, inbox = kept.out.splitlines()
    assert inbox.startswith("keeps ")
    assert "the inbox" in inbox
    assert "carried out twice" in inbox
    for line, kind in zip(
        sorted(kinds, key=lambda line: line.rsplit("(")[-1]),
        ("ACCESS_LOG", "DEAD_LETTER", "EVIDENCE", "OUTBOX", "PERSON", "TASK", "TIMER"),
        strict=True,
    ):
        assert line.startswith("keeps ")
        assert line.endswith(f": no disposal decision (SIGILL_{kind}_DISPOSAL)")
    decision = "RS 2026/123, 2026-03-17"
    decided = await case.run(
        "run", group="retention", SIGILL_ACCESS_LOG_DISPOSAL=decision, SIGILL_PERSON_DISPOSAL=decision,
        SIGILL_EVIDENCE_DISPOSAL="never",
    )  # fmt: skip
    lines = {line.split(",")[0].split("  ")[-1].strip(): line for line in decided.out.splitlines()}
    assert lines["lines of the access log"].startswith("ended ")
    assert lines["lines of the access log"].endswith(f", by {decision}")
    assert lines["signed orders and their receipts"].endswith(": never destroyed")
    assert "what goes with them (SIGILL_EVIDENCE_DISPOSAL, " in lines["persons long dead"]
    for folder, why in (({}, "not set"), ({"SIGILL_ARCHIVE_FOLDER": "/nowhere"}, "no such folder")):
        refused = await case.run("run", group="retention", SIGILL_EVIDENCE_DISPOSAL=decision, **folder)
        assert refused.code == 2
        assert refused.err.startswith(f"SIGILL_ARCHIVE_FOLDER: {why}; ")
        assert (refused.err.count("\n"), refused.out) == (1, "")
    ended = await case.run(
        "run", group="retention", SIGILL_EVIDENCE_DISPOSAL=decision, SIGILL_ARCHIVE_FOLDER=str(case.folder)
    )
    assert (ended.code, ended.err) == (0, "")
    wrong = await case.run("run", group="retention", SIGILL_OUTBOX_DISPOSAL="yes")
    assert wrong.code == 2
    assert wrong.err.startswith("SIGILL_OUTBOX_DISPOSAL: cites no disposal decision")
    assert wrong.err.count("\n") == 1


@pytest.mark.parametrize("still", [True, False], ids=["protected", "no longer protected"])
async def test_no_paper_links_the_numbers_of_somebody_protected(
    case: Case,
    harness: WorkerHarness,  # noqa: F811
    still: bool,
) -> None:
    """A fictitious identity: neither number leads to the other, whoever reads, whichever number is asked by."""
    fictitious = "197006062396"
    at = harness.clock.now()
    told = harness.senders.registers(at, fictitious, 2, former_ids=[person(ADULT)], secrecy_mark=True)
    await harness.hand_over(told)
    if not still:
        harness.clock.advance(timedelta(days=1))
        at = harness.clock.now()
        await harness.hand_over(harness.senders.registers(at, fictitious, 3, former_ids=[person(ADULT)]))
    await harness.hand_over(
        harness.senders.orders(at, patient=person(fictitious), motivation=f"Förut {ADULT[2:8]}-{ADULT[8:]}")
    )
    for asked, other in ((ADULT, fictitious), (fictitious, ADULT)):
        for arguments in (
            ("export", "-", "--reason", "court", "--format", "json"),
            ("export", "-", "--reason", f"court, about {other}", "--format", "html"),
            ("extract", "-", "--for", "auditor", "--reason", f"review of {other}", "--format", "json"),
            ("extract", "-", "--for", "auditor", "--reason", "review", "--format", "csv"),
            ("extract", "-", "--harm-test", "chief physician"),
        ):
            paper = await case.run(*arguments, stdin=asked)
            assert paper.code == 0, paper.err
            spelt = (other, other[2:], f"{other[:8]}-{other[8:]}", f"{other[2:8]}-{other[8:]}")
            assert not [one for one in spelt if one in paper.out], arguments
            assert asked in paper.out or "csv" in arguments


async def test_a_paper_about_anybody_else_names_all_numbers(case: Case, harness: WorkerHarness) -> None:  # noqa: F811
    new = "197006062396"
    await harness.hand_over(
        harness.senders.registers(harness.clock.now(), new, 2, former_ids=[person(ADULT)])
    )
    paper = await case.run(
        "extract", "-", "--for", "auditor", "--reason", "r", "--format", "json", stdin=ADULT
    )
    assert json.loads(paper.out)["numbers"] == [new, ADULT]


async def test_a_review_lists_who_looked_without_an_order_or_at_somebody_protected_and_leaves_its_own_line(
    case: Case,
    harness: WorkerHarness,  # noqa: F811
    store: Store,
) -> None:
    at = harness.clock.now()
    await harness.hand_over(harness.senders.registers(at, MOTHER, 2, secrecy_mark=True))
    await harness.hand_over(harness.senders.orders(at, patient=person(MOTHER)))
    async with store.transaction(at) as tx:
        known = await persons.resolve_keys(tx, [KEYS.of(CHILD), KEYS.of(MOTHER)])
        child, mother = known[KEYS.of(CHILD)], known[KEYS.of(MOTHER)]
        seen = [
            AccessLogEntry("op-8", UNIT, child, "Granne", "person page"),
            AccessLogEntry("op-8", UNIT, child, "Granne", "order"),
            AccessLogEntry("op-9", UNIT, mother, "Ringde", "person page"),
            AccessLogEntry("journalen", None, child, "proxy_login", "an answer"),
        ]
        await append(tx, seen)
    asked = ("looks", "--since", "2000-01-01", "--reason", "Stickprov", "--except", "journalen")
    first = await case.run(*asked, "--json")
    assert (first.code, first.err) == (0, "")
    found = json.loads(first.out)
    line = {
        name: found["looks"][0][name] for name in ("actor", "patient", "looks", "without_order", "protected")
    }
    assert line == {
        "actor": "op-9",
        "patient": KEYS.of(MOTHER),
        "looks": 1,
        "without_order": 0,
        "protected": True,
    }
    assert [
        (one["actor"], one["patient"], one["looks"], one["without_order"], one["protected"])
        for one in found["looks"][1:]
    ] == [("op-8", KEYS.of(CHILD), 2, 2, False)]

    everything = json.loads((await case.run(*asked, "--everything", "--json")).out)
    assert [one["actor"] for one in everything["looks"]] == ["op-9", "op-8", "=cmd|op-7"]
    async with store.reading() as tx:
        own = [one.look for one in await of_person(tx, child) if one.look.actor == account()]
    assert [(one.reason, one.shown) for one in own] == [("Stickprov", REVIEW)] * 2
    table = await case.run(*asked, "--actor", "op-8")
    assert table.out.splitlines()[1].startswith(f"op-8  {UNIT}  {KEYS.of(CHILD)}  2  2  no  ")
    assert len(table.out.splitlines()) == 2
    assert (await case.run("verify", "--heads", "none")).code == 0
    for wrong, named in (("--since", "2000-13-01"), ("--through", "1999-12-31")):
        refused = await case.run(*asked, wrong, named)
        assert (refused.code, refused.out) == (2, "")
        assert refused.err.startswith(wrong)
