"""Which measure a risk calls for: a question to the rules, beside the form for an urgent order by phone."""

from starlette.requests import Request
from starlette.responses import Response

from sigill.policy.calendar import swedish_date
from sigill.policy.choices import Advice, RiskSituation, choose, open_doors
from sigill.policy.form_fields import phone_forms
from sigill.policy.rulebook import Version
from sigill.rulebook_docs.clauses import NO_CHOICE, NO_DOOR, choice_words, door_words
from sigill.web.console.context import ConsoleContext, get, number_of
from sigill.web.console.sessions import Session
from sigill_contracts.vocabulary import PROTECTIVE_FORMS, Form, RiskFrom, RiskSign

OLDEST = 130


async def choices(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """The question, and the region's answer once region and age are given. Nobody is named: an age is no person."""
    asked = request.query_params
    today = swedish_date(desk.clock.now())
    regions = [region for code, region in sorted(desk.books.regions.items()) if not region.national]
    region = next((region for region in regions if region.region == asked.get("region")), None)
    version = region.in_force(today) if region else None
    age = number_of(asked.get("age"))
    risk = next((source for source in RiskFrom if source == asked.get("risk")), None)
    signs = [sign for sign in RiskSign if sign in asked.getlist("sign")]
    considered = next((form for form in Form if form == asked.get("form")), None)
    advice: Advice | None = None
    left = None
    if version is not None and age is not None and age <= OLDEST:
        situation = RiskSituation(age, risk, frozenset(signs))
        advice = choose(version, situation)
        if considered is not None:
            left = open_doors(version, (considered,), situation)
    return desk.page(
        request,
        "choices.html",
        session,
        regions=regions,
        region=region,
        version=version,
        age=age,
        risk=risk,
        signs=signs,
        considered=considered,
        advice=advice,
        words=choice_words(advice.rule) if advice is not None and advice.rule is not None else NO_CHOICE,
        rules=[(rule_id, desk.books.rules[rule_id]) for rule_id in advice.rule.cites]
        if advice is not None and advice.rule is not None
        else [],
        doors=[door_words(door) for door in advice.doors]
        if advice is not None and advice.rule is not None and advice.rule.forms
        else [],
        left=None if left is None else [door_words(door) for door in left],
        no_door=NO_DOOR,
        phoned=_phoned(version, advice),
        risks=list(RiskFrom),
        every_sign=list(RiskSign),
        forms=[
            form for form in Form if form in PROTECTIVE_FORMS and version is not None and version.offers(form)
        ],
    )


def _phoned(version: Version | None, advice: Advice | None) -> list[Form]:
    """The chosen forms that may be phoned in when it is urgent."""
    if version is None or advice is None or advice.rule is None:
        return []
    return [form for form in advice.rule.forms if form in phone_forms(version)]


ROUTES = [get("/choices", choices)]
