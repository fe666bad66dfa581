"""The support desk's list of what exists: every row's fate, and what it leaves in the store."""

import base64
import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from datetime import date, timedelta

import openpyxl
import pytest
from typer.testing import CliRunner

from sigill.cli import importing
from sigill.importing.importer import Import, Reported
from sigill.importing.table import WrongList
from sigill.importing.table import read as read_list
from sigill.policy.access import AccessQuestion, decide
from sigill.policy.facts import Identity
from sigill.store import audit, audit_check, facts, measures, orders, persons, tasks
from sigill_contracts.vocabulary import Form, HsaId, IdType, MeasureKind, OrderId, RegionCode, Service
from tests.kit.senders import ADULT, CHILD, FATHER, KEYS, MOTHER, person
from tests.kit.worker_harness import START, WorkerHarness, read, receipts

OPERATOR = HsaId("SE2321000099-OPER")
TEENAGER = "201105052382"
STRANGER = "199001019844"
"""Of the tax agency's test series, with a right check digit."""
HEAD = "åtgärd;personnummer;vårdnadshavare;enheter;gäller från;gäller till och med;beslutsdatum;initiativ;beslutande enhet"


def table(*lines: str, head: str = HEAD) -> bytes:
    return "\n".join([head, *lines]).encode()


async def take(harness: WorkerHarness, data: bytes, *, dry_run: bool = False) -> list[Reported]:
    region = harness.desk.books.regions[RegionCode("testland")]
    work = Import(harness.store, harness.desk, KEYS, harness.clock, region, OPERATOR, dry_run)
    return await work.run(read_list(data))


async def standing(harness: WorkerHarness, number: str):  # type: ignore[no-untyped-def]
    async with harness.store.reading() as tx:
        who = await persons.resolve(tx, [Identity(IdType.PERSONNUMMER, number)])
        found = await facts.patient_facts(tx, who.values())
    return next(iter(found.values()), None)


def fates(found: list[Reported]) -> list[tuple[str, tuple[str, ...]]]:
    return [(str(one.fate), tuple(d.code for d in one.doubts)) for one in found]


# --- reading


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"kind;who\nblock;1", "unknown heading in column 2"),
        (b"kind;kind;patient\n", "twice"),
        (b"kind;unit\n", "no column patient"),
        (b'kind;patient\n"open', "line"),
        (b"PK\x03\x04not a workbook", "no workbook"),
    ],
)
def test_a_file_that_is_no_list_is_refused_whole(data: bytes, why: str) -> None:
    with pytest.raises(WrongList, match=why):
        read_list(data)


def workbook(sheet: bytes) -> bytes:
    """A workbook of ours with another sheet put in."""
    made, packed = io.BytesIO(), io.BytesIO()
    openpyxl.Workbook().save(made)
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            of_sheet = part.filename == "xl/worksheets/sheet1.xml"
            new.writestr(part.filename, sheet if of_sheet else old.read(part))
    return packed.getvalue()


SHEET = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>%s</sheetData></worksheet>'


@pytest.mark.parametrize(
    ("sheet", "why"),
    [
        (b" " * (257 * 1024 * 1024), "MB unpacked"),
        (
            SHEET
            % b'<row r="1"><c r="A1" t="inlineStr"><is><t>kind</t></is></c><c r="B1" t="inlineStr"><is><t>patient</t></is></c>'
            b'</row><row r="999999999"><c r="A999999999"><v>1</v></c></row>',
            "lines: split it",
        ),
        (
            b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
            + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%s;" % (str(n - 1).encode() if n else b"") * 10) for n in range(9))
            + b"]>" + SHEET % b"<row><c><v>&a8;</v></c></row>",
            "no workbook",
        ),
        (b"<worksheet", "no workbook|empty"),
    ],
    ids=["large", "far", "entities", "torn"],
)  # fmt: skip
def test_a_workbook_that_grows_when_it_is_opened_is_refused(sheet: bytes, why: str) -> None:
    with pytest.raises(WrongList, match=why):
        read_list(workbook(sheet))


def test_the_same_list_reads_the_same_however_it_was_saved() -> None:
    plain = table(f"försegling;{ADULT[:8]}-{ADULT[8:]};;;2026-01-01;;;vården;")
    windows = plain.decode().encode("cp1252")
    marked = b"\xef\xbb\xbf" + plain.replace(b"\n", b"\r\n")
    book = openpyxl.Workbook()
    for line in plain.decode().splitlines():
        cells: list[object] = [cell or None for cell in line.split(";")]
        book.active.append([date(2026, 1, 1) if cell == "2026-01-01" else cell for cell in cells])
    sheet = io.BytesIO()
    book.save(sheet)
    rows = [read_list(data).rows for data in (plain, windows, marked, sheet.getvalue())]
    assert {row.kind for (row,) in rows} == {MeasureKind.JOURNAL_SEAL}
    assert {row.digest for (row,) in rows} == {rows[0][0].digest}
    assert rows[0][0].patient is not None
    assert rows[0][0].patient.id == ADULT


def test_ten_digits_leave_the_century_open_and_are_not_guessed() -> None:
    [row] = read_list(table(f"försegling;{ADULT[2:]};;;;;;;")).rows
    assert (row.patient, row.faults) == (None, {"patient"})


def test_a_co_ordination_number_is_known_by_its_day() -> None:
    [row] = read_list(table("försegling;197010632391;;;;;;;")).rows
    assert row.patient is not None
    assert row.patient.id_type is IdType.SAMORDNINGSNUMMER


# --- fates


async def test_a_seal_is_in_force_since_its_own_day_with_its_origin_beside_it(harness: WorkerHarness) -> None:
    data = table(f"försegling;{ADULT};;;2025-01-15;2026-01-31;2025-01-14;vården;SE2321000099-TEST")
    [one] = await take(harness, data)
    assert fates([one]) == [("applied", ())]

    found = await standing(harness, ADULT)
    [seal] = found.measures
    assert (seal.kind, seal.services, seal.unit) == ("journal_seal", (Service.JOURNAL,), "SE2321000099-TEST")
    assert seal.valid_from.isoformat() == "2025-01-14T23:00:00+00:00"
    assert seal.last_day(found.patient.birth) == date(2026, 1, 31)
    assert seal.rules == ("TL-01",)

    async with harness.store.reading() as tx:
        [order] = await orders.load(tx, seal.orders)
        [answer] = (await orders.answers_to(tx, [order.registration]))[order.registration]
        written = await audit.of_person(tx, found.patient.person_id)
    digest = hashlib.sha256(data).hexdigest()
    assert (order.source, order.proven, order.form) == ("/sigill/import", False, Form.SEAL_JOURNAL)
    assert order.digest == hashlib.sha256(order.original or b"").digest()
    assert json.loads(order.original or b"")["kind"] == "försegling"
    assert f"file {digest}, line 2, by {OPERATOR}" in order.trust_report
    receipt = json.loads(answer.receipt or "")
    assert (receipt["outcome"], receipt["flagged"]) == ("executed", ["imported"])
    assert f"SIGILL-{order.registration}" == one.registration
    [entry] = [e for e in written if e.action == "measure_imported"]
    assert (entry.actor, entry.chain) == (OPERATOR, "import")
    assert json.loads(entry.body)["digest"] == order.digest.hex()

    events = await harness.out()
    assert [e.aggregatetype for e in events] == ["access.changes.v1", "access.state.v1"]
    assert receipts(events) == []  # no record system asked
    [state] = read(events, "access.state.v1")
    assert [m.kind for m in state.measures] == ["journal_seal"]
    async with harness.store.reading() as tx:
        assert await tasks.page(tx) == []  # it is keyed in already: the list says so


async def test_the_same_row_again_changes_nothing_in_whatever_file_it_comes(harness: WorkerHarness) -> None:
    row = f"försegling;{ADULT};;;2025-01-15;;;vården;"
    assert fates(await take(harness, table(row, row))) == [("applied", ()), ("already_known", ())]
    await harness.out()
    again = await take(harness, table(f"blockering;{CHILD};;;;;;vården;", row))
    assert fates(again) == [("applied", ()), ("already_known", ())]
    found = await standing(harness, ADULT)
    assert len(found.measures) == 1


async def test_a_dry_run_says_what_would_happen_and_leaves_nothing(harness: WorkerHarness) -> None:
    data = table(
        f"försegling;{ADULT};;;2025-01-15;;;vården;",
        f"försegling;{STRANGER};;;;;;;",
        f"direktåtkomst vårdnadshavare;{CHILD};{MOTHER};;;;;;",
    )
    foreseen = await take(harness, data, dry_run=True)
    assert await harness.out() == []
    assert (await standing(harness, ADULT)).measures == ()
    assert await standing(harness, STRANGER) is None
    done = await take(harness, data)
    assert fates(done) == fates(foreseen)
    assert [one.measures for one in done] == [one.measures for one in foreseen]


async def test_a_protective_row_in_doubt_is_applied_as_wide_as_can_be_and_flagged(
    harness: WorkerHarness,
) -> None:
    found = await take(
        harness, table(f"blockering;{CHILD};mamma;;;snart;;vården;", f"försegling;{ADULT};;akuten 2;;;;;")
    )
    assert fates(found) == [
        ("applied_flagged", ("unreadable", "unreadable")),
        ("applied_flagged", ("unreadable", "initiative")),
    ]
    [seal] = (await standing(harness, ADULT)).measures
    assert seal.units is None
    [block] = (await standing(harness, CHILD)).measures
    assert (block.guardians, block.valid_to) == (None, None)
    assert not block.inform.guardians
    async with harness.store.reading() as tx:
        waiting = await tasks.page(tx, kinds=["imported_in_doubt"])
    assert waiting[0].measure_id == block.measure_id
    assert not any(number in task.text.sv for task in waiting for number in (CHILD, ADULT))


async def test_a_seal_of_somebody_whom_the_register_has_not_told_of_holds_when_it_does(
    harness: WorkerHarness,
) -> None:
    [one] = await take(harness, table(f"försegling;{STRANGER};;;2025-01-01;;;vården;"))
    assert fates([one]) == [("applied_flagged", ("patient_unknown",))]
    await harness.hand_over(harness.senders.registers(START, STRANGER))
    found = await standing(harness, STRANGER)
    assert found.patient.registered
    who = found.patient.person_id
    answer = decide(
        AccessQuestion(who, Service.JOURNAL, START + timedelta(hours=1)), found, harness.desk.books
    )
    assert (answer.allowed, "journal_seal" in answer.codes) == (False, True)


async def test_a_number_that_nobody_can_have_protects_nobody_and_is_refused(harness: WorkerHarness) -> None:
    wrong = STRANGER[:-1] + str((int(STRANGER[-1]) + 1) % 10)
    assert fates(await take(harness, table(f"försegling;{wrong};;;;;;vården;"))) == [
        ("refused", ("field_invalid",))
    ]
    assert await standing(harness, wrong) is None


@pytest.mark.parametrize(
    ("row", "codes"),
    [
        (f"{TEENAGER};{MOTHER};;2025-03-01;;2025-02-28;vårdnadshavare;", ()),
        (f"{TEENAGER};{MOTHER};;;;;vårdnadshavare;", ("since_when",)),
        (f"{TEENAGER};;;2025-03-01;;;vårdnadshavare;", ("nobody_named",)),
        (f"{TEENAGER};{ADULT};;2025-03-01;;;vårdnadshavare;", ("not_a_guardian",)),
        (f"{TEENAGER};{MOTHER};;2025-03-01;2027-01-01;;vårdnadshavare;", ("end_date_too_late",)),
        (f"{TEENAGER};{MOTHER};;igår;;2025-02-28;vårdnadshavare;", ("unreadable",)),
        (f"{STRANGER};{MOTHER};;2025-03-01;;;vårdnadshavare;", ("patient_unknown",)),
    ],
)
async def test_an_opening_row_is_refused_when_anything_is_in_doubt(
    harness: WorkerHarness, row: str, codes: tuple[str, ...]
) -> None:
    custody = [{"guardian": person(MOTHER)}, {"guardian": person(FATHER)}]
    await harness.hand_over(harness.senders.registers(START - timedelta(days=30), TEENAGER, custody=custody))
    [one] = await take(harness, table(f"direktåtkomst vårdnadshavare;{row}"))
    assert fates([one]) == [("refused" if codes else "applied", codes)]
    found = await standing(harness, TEENAGER)
    if codes:
        assert found is None or found.measures == ()
    else:
        # one year from the day of signature, and no longer
        assert found.measures[0].last_day(found.patient.birth) == date(2026, 2, 27)


async def test_what_has_ended_is_not_applied(harness: WorkerHarness) -> None:
    found = await take(harness, table(f"försegling;{ADULT};;;2024-01-01;2024-06-30;;vården;"))
    assert fates(found) == [("over", ())]
    assert (await standing(harness, ADULT)).measures == ()


async def test_a_longer_protection_of_the_same_kind_is_applied_beside_the_shorter(
    harness: WorkerHarness,
) -> None:
    short = f"försegling;{ADULT};;;2025-01-01;2025-12-31;;vården;"
    long = f"försegling;{ADULT};;;2025-01-01;2026-12-31;;vården;"
    assert fates(await take(harness, table(short, long))) == [
        ("applied", ()),
        ("applied_flagged", ("overlaps",)),
    ]
    assert fates(await take(harness, table(f"försegling;{ADULT};;;2025-02-01;2025-12-31;;vården;"))) == [
        ("already_known", ())
    ]


async def test_a_row_without_measure_or_patient_is_told_apart(harness: WorkerHarness) -> None:
    found = await take(harness, table(f"spärr;{ADULT};;;;;;;", "försegling;okänd;;;;;;;"))
    assert fates(found) == [("unreadable", ("kind",)), ("unreadable", ("patient",))]


async def test_an_imported_measure_is_released_by_a_signed_form_like_any_other(
    harness: WorkerHarness,
) -> None:
    [one] = await take(harness, table(f"försegling;{ADULT};;;2025-01-15;;;vården;"))
    async with harness.store.reading() as tx:
        [(_, seal)] = await measures.history(tx, one.measures)
    await harness.out()
    await harness.hand_over(
        harness.senders.orders(START, "release_journal_seal", releases=[str(OrderId(seal.orders[0]))])
    )
    [receipt] = receipts(await harness.out())
    assert (receipt.outcome, [m.action for m in receipt.measures]) == ("executed", ["ended"])


async def test_an_end_falls_due_like_any_other_and_the_chains_verify(harness: WorkerHarness) -> None:
    await take(harness, table(f"försegling;{ADULT};;;2025-01-15;2025-03-31;;vården;"))
    await harness.out()
    harness.clock.set(START + timedelta(days=40))
    # the unit's two reminders of the end, and the end
    assert await harness.transitions().run_due(harness.clock.now()) == 3
    [change] = read(await harness.out(), "access.changes.v1")
    assert (change.access, change.at.isoformat()) == ("gained", "2025-03-31T22:00:00+00:00")
    async with harness.store.reading() as tx:
        assert await audit_check.verify(tx) == []


# --- the command


def sigill(database: str, *arguments: str, text: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "sigill.cli", "import", "-", *arguments],
        input=text,
        capture_output=True,
        check=False,
        env={
            **os.environ,
            "SIGILL_DATABASE_URL": database,
            "SIGILL_PATIENT_KEYS": json.dumps({"v1": base64.b64encode(bytes(32)).decode()}),
        },
    )


def test_the_command_says_every_rows_fate_and_never_whose(database: str) -> None:
    options = ("--region", "kronoberg", "--operator", OPERATOR)
    data = table(
        f"försegling;{STRANGER};;;2026-01-01;;;vården;", f"ombud;{STRANGER};;;;;;;", "spärr;x;;;;;;;"
    )
    foreseen = sigill(database, *options, "--dry-run", text=data)
    assert foreseen.returncode == 0
    assert b"dry run, nothing written: 1 applied_flagged, 1 refused, 1 unreadable" in foreseen.stderr
    done = sigill(database, *options, "--json", text=data)
    assert done.returncode == 1  # not every row could be taken
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(one["line"], one["fate"]) for one in said] == [
        (2, "applied_flagged"),
        (3, "refused"),
        (4, "unreadable"),
    ]
    # a seal without an end, on care's initiative: Kronoberg's rules want one
    assert {d["code"] for d in said[0]["doubts"]} == {"patient_unknown", "end_date_required"}
    for output in (foreseen.stdout, foreseen.stderr, done.stdout, done.stderr):
        assert STRANGER.encode() not in output

    again = sigill(database, *options, text=table(f"försegling;{STRANGER};;;2026-01-01;;;vården;"))
    assert (again.returncode, b"already_known" in again.stdout) == (0, True)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--region", "nowhere", "--operator", OPERATOR), "no rulebook is loaded for nowhere"),
        (("--region", "kronoberg", "--operator", OPERATOR), "unknown heading in column 2"),
        (("--region", "kronoberg"), "--operator"),
    ],
)
def test_wrong_use_ends_with_2_and_one_line(options: tuple[str, ...], why: str) -> None:
    done = CliRunner().invoke(importing.app, ["-", *options], input=b"kind;who;patient\n")
    assert (done.exit_code, why in done.stderr) == (2, True)
