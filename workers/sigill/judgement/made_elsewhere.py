"""Which of the measures made outside Sigill an order to release could mean, and where to turn: no order of ours ends them."""

from sigill.judgement.order_case import OrderEvaluation
from sigill.policy.effects import Sentence
from sigill.policy.facts import OutsideMeasure, PatientFacts
from sigill.policy.hits import hits
from sigill_contracts.vocabulary import RELEASES, Form, MadeBy


def meant_by(case: OrderEvaluation) -> tuple[OutsideMeasure, ...]:
    """The measures made elsewhere, in force or to come, that an order to release, or a request for one, could mean."""
    known, form = case.known, case.form
    if known is None or (form.form not in RELEASES and form.form is not Form.REQUEST_RELEASE):
        return ()
    return tuple(measure for measure in known.elsewhere if _could_mean(case, known, measure))


def _could_mean(case: OrderEvaluation, known: PatientFacts, one: OutsideMeasure) -> bool:
    m, form = one.measure, case.form
    if not m.not_over(case.at, known.patient.birth):
        return False
    if form.form is Form.REQUEST_RELEASE:
        asking = case.asking or (known.patient.person_id,)
        if not any(hits(m, person, known, case.at) for person in asking):
            return False
    elif RELEASES[form.form] is not m.kind:
        return False
    if form.releases is not None:
        return bool({str(named) for named in form.releases} & {m.measure_id, one.reference})
    return form.units is None or m.units is None or not m.units.isdisjoint(form.units)


def where_to_turn(outside: tuple[OutsideMeasure, ...]) -> Sentence:
    """Where what was made elsewhere is released; without a full stop. Names no person."""
    sv, en = [], []
    if any(measure.made_by is MadeBy.RESIDENT for measure in outside):
        sv.append("invånaren öppnar själv, inloggad på 1177, det som invånaren själv har förseglat där")
        en.append("the resident, logged in to 1177, opens what the resident has sealed there")
    others = [measure for measure in outside if measure.made_by is not MadeBy.RESIDENT]
    if others:
        named = ", ".join(sorted({other.region for other in others if other.region}))
        sv.append(f"vänd er till den region som gjorde åtgärden{f' ({named})' if named else ''}")
        en.append(f"turn to the region that made the measure{f' ({named})' if named else ''}")
    return Sentence("; ".join(sv), "; ".join(en))
