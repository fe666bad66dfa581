"""
A list written into the store, some rows a transaction: each measure with where it comes from.

The guarantee: a row that is applied has its original content, the file's digest, its line and who imported it beside
it, in the same transaction as the measure, its timers, its audit entry and the patient's new state. The same row
again, in whatever file, changes nothing. A dry run does all of it and takes it back, so that it cannot say otherwise
than what would be done.

Nobody is told: the people concerned were, or were not, when the measure was imposed. No receipt goes out, since no
record system asked; it stands in the store, for the console and for `sigill order show`.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace

from sigill.importing.judging import (
    FORM_OF,
    JudgedRow,
    RowIssue,
    RowOutcome,
    doubt,
    form_of,
    judge_row,
    number_fault,
    unreadable,
    wrong_number,
)
from sigill.importing.table import ListRow, MeasureList
from sigill.policy.effects import Judgement, Transition
from sigill.policy.facts import OrderFacts
from sigill.policy.rulebook import Region
from sigill.processing.changeset import stated
from sigill.processing.citations import PolicyProvider
from sigill.processing.loading import people_in, unit_of_work_about
from sigill.processing.patient_keys import KeyRing
from sigill.processing.persist import persist
from sigill.processing.person_refs import identity_of
from sigill.processing.receipts import receipt, stored_answer
from sigill.processing.trust_report import CheckReport, TrustReport
from sigill.processing.unit_of_work import UnitOfWork
from sigill.runtime.clock import Clock
from sigill.store import audit, inbox, orders, persons, units
from sigill.store.orders import StoredOrder
from sigill.store.session import Store, Tx
from sigill_contracts.order import SignedForm
from sigill_contracts.receipt import Receipt
from sigill_contracts.vocabulary import HsaId, MeasureId, OrderId, Outcome, PersonId, RegionCode, UnitId

SOURCE = "/sigill/import"
CHAIN = "import"
_ROWS = 200


@dataclass(frozen=True, slots=True)
class Reported:
    """What became of a row. `registration` is the number it is filed under, where it was applied."""

    line: int
    kind: str
    fate: RowOutcome
    doubts: tuple[RowIssue, ...] = ()
    registration: str | None = None
    measures: tuple[MeasureId, ...] = ()
    unit: str | None = None
    """The deciding unit: by name, its HSA-id behind, where the directory has told one."""


class _TakenBack(Exception):
    """A dry run: nothing of it is to stay."""


@dataclass(frozen=True, slots=True)
class Import:
    """
    One list for one region. `operator` is who imports it (HSA-id). With `dry_run` nothing stays.
    """

    store: Store
    desk: PolicyProvider
    keys: KeyRing
    clock: Clock
    region: Region
    operator: HsaId
    dry_run: bool = False

    async def run(self, measures: MeasureList) -> list[Reported]:
        """Import every row. Returns what became of each, in the list's order."""
        found: list[Reported] = []
        seen: set[bytes] = set()
        wanted: list[ListRow] = []
        for row in measures.rows:
            bad = unreadable(row)
            if bad is not None:
                found.append(_reported(row, bad))
            elif row.digest in seen:
                found.append(_reported(row, JudgedRow(RowOutcome.ALREADY_KNOWN)))
            else:
                seen.add(row.digest)
                wanted.append(row)
        # what brings another measure with it comes first, so that a row about that one finds it standing
        wanted.sort(key=lambda row: (not _brings_another(self.region, row), row.line))
        async with self._transactions() as transaction:
            for start in range(0, len(wanted), _ROWS):
                async with transaction() as tx:
                    found += await self._take(tx, measures, wanted[start : start + _ROWS])
            async with transaction() as tx:
                await self._sign_off(tx, measures, found)
        return await self._with_units(measures, sorted(found, key=lambda one: one.line))

    async def _with_units(self, measures: MeasureList, found: list[Reported]) -> list[Reported]:
        deciding = {row.line: row.unit for row in measures.rows if row.unit}
        async with self.store.reading() as tx:
            names = await units.names(tx, deciding.values())
        shown = {
            line: f"{names[unit]} ({unit})" if unit in names else unit for line, unit in deciding.items()
        }
        return [replace(row, unit=shown.get(row.line)) for row in found]

    @asynccontextmanager
    async def _transactions(self) -> AsyncIterator[Callable[[], AbstractAsyncContextManager[Tx]]]:
        """One transaction a part; in a dry run all of them are one, taken back at the end."""
        if not self.dry_run:
            yield lambda: self.store.transaction(self.clock.now())
            return
        try:
            async with self.store.transaction(self.clock.now()) as tx:

                @asynccontextmanager
                async def same() -> AsyncIterator[Tx]:
                    yield tx

                yield same
                raise _TakenBack
        except _TakenBack:
            return

    async def _take(self, tx: Tx, measures: MeasureList, rows: Sequence[ListRow]) -> list[Reported]:
        forms = [form_of(row, self.region.region, tx.now) for row in rows]
        known = await persons.resolve(tx, people_in(forms))
        lost = [
            row
            for row, form in zip(rows, forms, strict=True)
            if identity_of(form.patient) not in known and (_opens(row) or number_fault(row) is not None)
        ]
        pairs = [(row, form) for row, form in zip(rows, forms, strict=True) if row not in lost]
        # a protective row about somebody whom the register has not told of must hold from the moment it does
        known |= await persons.ensure(
            tx, people_in(form for row, form in pairs if not _opens(row)), self.keys.of
        )
        patients = {known[identity_of(form.patient)] for _, form in pairs}
        await persons.lock(tx, patients)
        unit_of_work = await unit_of_work_about(
            tx, self.desk, patients, chain=CHAIN, forms=[form for _, form in pairs], identities=known
        )
        reported = [_reported(row, _unknown(row)) for row in lost]
        filed: list[StoredOrder] = []
        for row, form in pairs:
            patient = known[identity_of(form.patient)]
            standing = unit_of_work.standing(patient)
            if standing.facts is None:
                reported.append(_reported(row, _unknown(row)))  # erased
                continue
            facts = OrderFacts(known=standing.facts, at=tx.now, identities=unit_of_work.identities)
            judged = judge_row(row, form, facts, self.region)
            if judged.fate in (RowOutcome.APPLIED, RowOutcome.APPLIED_FLAGGED):
                reported.append(await self._apply(tx, unit_of_work, measures, row, judged, patient, filed))
            else:
                reported.append(_reported(row, judged))
        await orders.record(tx, filed)
        await persist(tx, unit_of_work)
        return reported

    async def _apply(
        self,
        tx: Tx,
        unit_of_work: UnitOfWork,
        measures: MeasureList,
        row: ListRow,
        judged: JudgedRow,
        patient: PersonId,
        filed: list[StoredOrder],
    ) -> Reported:
        form = judged.form
        assert form is not None
        order_id = OrderId(str(form.order_id))
        arrival = inbox.Arrival(SOURCE, row.digest.hex(), None, row.digest)
        [claimed] = await inbox.claim(tx, [arrival])
        if not isinstance(claimed, inbox.Fresh):
            return _reported(row, JudgedRow(RowOutcome.ALREADY_KNOWN))
        origin = self._origin(measures, row)
        cause = f"import:{measures.digest.hex()}:{row.line}"
        unit_of_work.follow(
            patient,
            Transition(at=tx.now, effects=judged.effects, cause="order"),
            cause=cause,
            order_id=order_id,
        )
        entry = unit_of_work.plan.audit[-1]
        imported: dict[str, audit.Json] = {
            "region": self.region.region,
            "outcome": str(judged.fate),
            "codes": tuple(issue.code for issue in judged.doubts),
            "rulebook": judged.rulebook,
            "digest": row.digest.hex(),
        }
        unit_of_work.plan.audit[-1] = replace(
            entry,
            action="measure_imported",
            actor=str(self.operator),
            body=stated({**entry.body, **imported}),
        )
        stored = self._stored(claimed.registration, tx, row, form, patient, origin)
        filed.append(stored)
        answer = self._receipt(stored, form, judged, unit_of_work, cause, tx)
        unit_of_work.plan.answers.append(stored_answer(claimed.registration, answer))
        return _reported(row, judged, stored.registration_number)

    def _receipt(
        self,
        stored: StoredOrder,
        form: SignedForm,
        judged: JudgedRow,
        unit_of_work: UnitOfWork,
        cause: str,
        tx: Tx,
    ) -> Receipt:
        judgement = Judgement(
            outcome=Outcome.EXECUTED,
            rulebook=judged.rulebook,
            effects=judged.effects,
            named=tuple(m.measure_id for m in judged.named),
            flagged=("imported", *(issue.code for issue in judged.doubts)),
        )
        assert stored.patient is not None
        facts = unit_of_work.standing(stored.patient).facts
        return receipt(stored, form, (), judgement, facts, self.desk.citations, cause=cause, at=tx.now)

    def _origin(self, measures: MeasureList, row: ListRow) -> TrustReport:
        """What stands where a signed order has its verdict: no signature, but where it came from and by whom."""
        detail = f"file {measures.digest.hex()}, line {row.line}, by {self.operator}"
        return TrustReport(checks=(CheckReport(name="imported", verdict="unsigned", detail=detail),))

    def _stored(
        self,
        registration: int,
        tx: Tx,
        row: ListRow,
        form: SignedForm,
        patient: PersonId,
        origin: TrustReport,
    ) -> StoredOrder:

        return StoredOrder(
            registration=registration,
            order_id=OrderId(str(form.order_id)),
            proven=False,
            patient=patient,
            region=RegionCode(self.region.region),
            form=form.form,
            unit=UnitId(row.unit) if row.unit else None,
            urgent=False,
            source=SOURCE,
            event_id=row.digest.hex(),
            content_type="application/json",
            digest=row.digest,
            original=row.original,
            payload=form.model_dump_json(),
            trust_report=origin.model_dump_json(),
            received_at=tx.now,
            topic="import",
            partition=0,
            offset=row.line,
        )

    async def _sign_off(self, tx: Tx, measures: MeasureList, found: Sequence[Reported]) -> None:
        """One entry for the file as a whole: who imported which bytes, and how many rows met which fate."""
        counts = {str(fate): sum(row.fate is fate for row in found) for fate in RowOutcome}
        body: dict[str, audit.Json] = {
            "file": measures.digest.hex(),
            "region": self.region.region,
            "rows": len(found),
            **{fate: n for fate, n in counts.items() if n},
        }
        await audit.append(tx, [audit.AuditEntry(CHAIN, str(self.operator), "list_imported", body)])


def _opens(row: ListRow) -> bool:
    return row.kind is not None and row.kind.opens


def _brings_another(region: Region, row: ListRow) -> bool:
    entries = (entry for version in region.versions for entry in version.entries)
    return row.kind is not None and any(e.also_imposes and FORM_OF[row.kind] in e.forms for e in entries)


def _unknown(row: ListRow) -> JudgedRow:
    fault = number_fault(row)
    return JudgedRow(
        RowOutcome.REFUSED, (doubt("patient_unknown") if fault is None else wrong_number(fault),)
    )


def _reported(row: ListRow, judged: JudgedRow, registration: str | None = None) -> Reported:
    kept = judged.fate in (RowOutcome.APPLIED, RowOutcome.APPLIED_FLAGGED)
    return Reported(
        line=row.line,
        kind=str(row.kind or "?"),
        fate=judged.fate,
        doubts=judged.doubts,
        registration=registration,
        measures=tuple(m.measure_id for m in judged.named) if kept else (),
    )
