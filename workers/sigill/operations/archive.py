"""
The archive package of an order: the signed original, the validation report, every answer, what was written down in the case
that it began, and where it all stands.

A package is a bag (`bag.py`) named by the order's registration number (diarienummer). `check_package` proves it again
without the database: the files against the manifest, the original against its digest, the signature over it.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sigill.operations.bagit import check_bag, digest_of, holds, write_bag
from sigill.policy.cases import CaseEntry
from sigill.policy.facts import Measure
from sigill.processing.trust_report import TrustReport
from sigill.store import access_log, audit, cases, console, facts, orders, persons
from sigill.store.access_log import AccessLogEntry
from sigill.store.audit import Recorded
from sigill.store.console import OrderSearch
from sigill.store.orders import StoredAnswer, StoredOrder
from sigill.store.session import Reading, Store
from sigill.stream.records import media_type
from sigill.trust import RevocationSnapshot, TrustPolicy, UnreadableSignature, verify
from sigill_contracts.vocabulary import OrderId, PersonId

CHAIN = "archive"
PAGE = 200
_ENDINGS = {"application/jose": "jws", "application/jose+json": "jws.json", "application/xml": "xml"}
Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Reader:
    """Who makes packages or extracts, for the access log: name, unit, and why."""

    name: str
    unit: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Archived:
    """How many packages were written, stood there already unchanged, or have nothing left to archive (erased)."""

    written: int = 0
    unchanged: int = 0
    erased: int = 0

    def __add__(self, other: "Archived") -> "Archived":
        return Archived(
            self.written + other.written, self.unchanged + other.unchanged, self.erased + other.erased
        )


async def archive(
    auditors: Store, to: Path, order_ids: Sequence[OrderId] | None, reader: Reader, now: datetime
) -> Archived:
    """
    Write the packages of some orders, with everything that came under their ids, or of all (None).

    What is read of a patient goes into the access log first. Raises LookupError for an id that nothing came under.
    """
    total = Archived()
    async for page in _pages(auditors, order_ids):
        await _log_looks(auditors, page, reader, now)
        async with auditors.reading() as reading:
            for order in page:
                total += await _put(reading, to, order, now)
    return total


async def archive_before_disposal(
    auditors: Store, to: Path, registrations: Sequence[int], reader: Reader, now: datetime
) -> dict[int, str]:
    """
    Write the packages of orders that are about to be disposed of, and check them where they stand; by registration the
    SHA-256 (hex) of the package's `tagmanifest-sha256.txt`, which binds every file in it.

    Raises OSError when one cannot be written, or is not whole. An order that is erased already has none.
    """
    digests = {}
    async with auditors.reading() as reading:
        page = [
            order
            for order in await orders.by_registration(reading, registrations)
            if order.original is not None
        ]
    await _log_looks(auditors, page, reader, now)
    async with auditors.reading() as reading:
        for order in page:
            await _put(reading, to, order, now)
            folder = to / orders.file_name(order.registration_number)
            if faults := check_bag(folder):
                raise OSError(f"{folder.name}: {faults[0]}")
            digests[order.registration] = digest_of(folder)
    return digests


async def _log_looks(auditors: Store, page: Sequence[StoredOrder], reader: Reader, now: datetime) -> None:
    looks = [
        AccessLogEntry(
            reader.name,
            reader.unit,
            order.patient,
            reader.reason,
            f"archive package {order.registration_number}",
        )
        for order in page
        if order.patient is not None and order.original is not None
    ]
    async with auditors.transaction(now) as tx:
        await access_log.append(tx, looks, chain=f"access-log-{CHAIN}")


async def _pages(auditors: Store, order_ids: Sequence[OrderId] | None) -> AsyncIterator[list[StoredOrder]]:
    if order_ids is not None:
        async with auditors.reading() as tx:
            found = await orders.load(tx, order_ids)
        if missing := set(order_ids) - {order.order_id for order in found}:
            raise LookupError(f"no such order: {', '.join(sorted(missing))}")
        yield found
        return
    below: int | None = None
    while True:
        async with auditors.reading() as tx:
            lines = await console.find_orders(tx, OrderSearch(), below=below, limit=PAGE)
            page = await orders.by_registration(tx, [line.registration for line in lines])
        if not lines:
            return
        yield page
        below = lines[-1].registration


async def _put(tx: Reading, to: Path, one: StoredOrder, now: datetime) -> Archived:
    if one.original is None:
        return Archived(erased=1)
    number = one.registration_number
    files = await package(tx, one)
    folder = to / orders.file_name(number)
    if holds(folder, files):
        return Archived(unchanged=1)
    info = {"External-Identifier": number, "Bag-Software-Agent": "sigill audit archive"}
    if one.order_id is not None:
        info["Internal-Sender-Identifier"] = one.order_id
    write_bag(folder, files, info, now)
    return Archived(written=1)


async def package(tx: Reading, one: StoredOrder) -> dict[str, bytes]:
    """Return the files of an order's package, by name; the same order and answers give the same bytes."""
    assert one.original is not None, "an erased order has no package"
    answers = (await orders.answers_to(tx, [one.registration])).get(one.registration, ())
    files = {
        f"original.{ending_of(one)}": one.original,
        "validation-report.json": _json(json.loads(one.trust_report)),
        "metadata.json": _json(await _metadata(tx, one, answers)),
    }
    if one.payload is not None:
        files["form.json"] = _json(json.loads(one.payload))
    for version, answer in enumerate(answers, 1):
        if answer.receipt is not None:
            files[f"receipts/{version:03}.json"] = _json(json.loads(answer.receipt))
    if one.proven and one.order_id is not None:
        written = await cases.entries(tx, [one.order_id])
        if one.order_id in written:
            same = await persons.merged(tx, [one.patient]) if one.patient is not None else {}
            patient = None if one.patient is None else same.get(one.patient, one.patient)
            entries = [case_entry_json(entry, patient) for entry in written[one.order_id]]
            files["case.json"] = _json(entries)
    return files


def case_entry_json(one: CaseEntry, patient: PersonId | None) -> Json:
    """
    What somebody wrote down in a case about a patient, as a package and the auditor's file have it.

    `to` is to whom a letter or a reply went, by the pseudonym that the console shows, and as what; nobody is named.
    """
    role = "patient" if one.asker == patient else "guardian"
    return {
        "entry": one.entry_id,
        "kind": str(one.kind),
        "day": one.day.isoformat(),
        "at": one.at.isoformat(),
        "by": one.by,
        "code": one.code,
        "about": one.about,
        "to": None if one.asker is None else {"pseudonym": f"P-{one.asker}", "role": role},
        "name": one.name,
        "reference": one.reference,
        "remark": one.remark,
    }


def ending_of(one: StoredOrder) -> str:
    """Return the file ending that tells in which form the original is signed."""
    return _ENDINGS.get(media_type(one.content_type), "bin")


async def _metadata(tx: Reading, one: StoredOrder, answers: Sequence[StoredAnswer]) -> Json:
    patient = one.patient
    standing = await facts.patient_facts(tx, [patient]) if patient is not None else {}
    known = standing.get(patient) if patient is not None else None
    measures = [m for m in known.measures if one.order_id in m.orders] if known is not None else []
    entries = await entries_of(tx, patient, one.order_id)
    references = None if one.payload is None else json.loads(one.payload).get("references")
    return {
        "registration_number": one.registration_number,
        "order_id": one.order_id,
        "region": one.region,
        "form": one.form,
        "proven": one.proven,
        "content_type": one.content_type,
        "sha256": one.digest.hex(),
        # no key where there are none: a package made before the field was known is made again with the same bytes
        **({"references": references} if references else {}),
        "received_at": one.received_at.isoformat(),
        "record": {"topic": one.topic, "partition": one.partition, "offset": one.offset},
        "event": {"source": one.source, "id": one.event_id, "traceparent": one.traceparent},
        "answers": [
            {
                "version": version,
                "outcome": answer.outcome,
                "codes": answer.codes,
                "judged_at": answer.judged_at.isoformat(),
                "rulebook": None if answer.receipt is None else json.loads(answer.receipt).get("rulebook"),
                "measures": answer.measures,
            }
            for version, answer in enumerate(answers, 1)
        ],
        "measures": [_measure(measure) for measure in measures],
        "audit": [
            {
                "chain": entry.chain,
                "position": entry.position,
                "recorded_at": entry.recorded_at.isoformat(),
                "action": entry.action,
                "sha256": entry.row_hash.hex(),
            }
            for entry in entries
        ],
    }


async def entries_of(tx: Reading, patient: PersonId | None, order_id: OrderId | None) -> list[Recorded]:
    """Return the audit entries about one order of a patient, in order of time."""
    if patient is None or order_id is None:
        return []
    return [
        entry
        for entry in await audit.of_person(tx, patient)
        if json.loads(entry.body).get("order_id") == order_id
    ]


def _measure(measure: Measure) -> Json:
    return {
        "measure_id": measure.measure_id,
        "kind": measure.kind,
        "valid_from": measure.valid_from.isoformat(),
        "valid_to": None if measure.valid_to is None else measure.valid_to.isoformat(),
        "ends_at_age": measure.ends_at_age,
        "rulebook": measure.rulebook,
        "rules": measure.rules,
        "version": measure.version,
    }


def check_folder(folder: Path) -> dict[str, list[str]]:
    """Check a package, or every package in a folder; what is wrong, by package, empty lists for whole ones."""
    if (folder / "bagit.txt").exists():
        return {folder.name: check_package(folder)}
    packages = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    return {path.name: check_package(path) for path in packages}


def check_package(folder: Path) -> list[str]:
    """Return what is wrong with a package: files, digests, number, and the signature; an empty list: whole."""
    if faults := check_bag(folder):
        return faults
    try:
        metadata = json.loads((folder / "data/metadata.json").read_text("utf-8"))
        report = TrustReport.model_validate_json((folder / "data/validation-report.json").read_bytes())
        (original,) = (folder / "data").glob("original.*")
        content = original.read_bytes()
        receipts = [json.loads(path.read_bytes()) for path in (folder / "data/receipts").glob("*.json")]
        answered = {receipt["digest"] for receipt in receipts}
        registered, number = metadata["sha256"], metadata["registration_number"]
        content_type, arrived = (
            metadata["content_type"] or "",
            datetime.fromisoformat(metadata["received_at"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        return [f"data: not a package of an order ({type(error).__name__})"]
    faults = []
    digest = hashlib.sha256(content).hexdigest()
    if registered != digest:
        faults.append(f"data/{original.name}: not the message that was registered")
    if answered - {digest}:
        faults.append("data/receipts: a receipt answers another message")
    if orders.file_name(number) != folder.name:
        faults.append("data/metadata.json: another registration number than the package's name")
    return faults + _signature_faults(content, content_type, report, arrived)


def _signature_faults(content: bytes, content_type: str, report: TrustReport, arrived: datetime) -> list[str]:
    """Compare what the report says of the signature itself with what the bytes say; no anchor is needed for that."""
    policy = TrustPolicy(anchors=(_nobody(),), max_bytes=max(len(content), 1))
    try:
        again = verify(
            content, content_type, policy=policy, evidence=RevocationSnapshot.of(), arrived_at=arrived
        )
    except UnreadableSignature:
        return ["data: the original is no signed message"]
    said, found = (
        _holds((c.name, c.verdict) for c in report.checks),
        _holds((c.name, c.verdict) for c in again.checks),
    )
    if said != found:
        return [
            f"data: the report says that the signature {_word(said)}, the original says that it {_word(found)}"
        ]
    if found and {s.certificate_sha256 for s in again.signers} != {
        s.certificate_sha256 for s in report.signers
    }:
        return ["data/validation-report.json: names other certificates than the original"]
    return []


@cache
def _nobody() -> x509.Certificate:
    """An authority that has issued nothing: the verifier demands one, and no path is to end in it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "nobody")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2000, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2000, 1, 2, tzinfo=UTC))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )


def _holds(checks: Iterable[tuple[str, str]]) -> bool:
    verdicts = [verdict for name, verdict in checks if name == "signature"]
    return bool(verdicts) and all(verdict == "good" for verdict in verdicts)


def _word(good: bool) -> str:
    return "holds" if good else "does not hold"


def _json(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()
