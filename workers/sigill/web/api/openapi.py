"""The API's description: texts, examples, and every answer that an operation can give."""

from typing import Any

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from sigill.operations.decision_models import (
    ChoiceQuestion,
    ChoiceTold,
    DecisionsTold,
    DecisionTold,
    PictureOf,
    PictureTold,
    Problem,
    Question,
    Questions,
    TimelineOf,
    TimelineTold,
)
from sigill.web.api.problems import KINDS, MEDIA_TYPE
from sigill.web.http.authentication import SCOPES

ABOUT = """
May this viewer see this patient's record from this unit at this moment, and why.

Every answer rests on what was committed when it was asked: a changed measure is seen by the very next question.
With the scope `access:decide` alone the answer is yes or no about now, and may be passed on to the viewer: no denial differs
from another, and nothing tells of the patient's birthday or of a measure. Codes, reasons, the next change, and any other
moment (`as_of`) or moment of knowledge (`known_at`) take `access:explain`, and are never for the viewer: some must not know
that they are shut out on purpose. Identity numbers come in in bodies only and never go out. Every answer about a person is in the access log before it leaves.
"""
_REF = "#/components/schemas/{model}"
_PATIENT = {"id_type": "personnummer", "id": "201603029999"}
_VIEWER = {"id_type": "personnummer", "id": "198501019999"}
_KEY = "v1.oZ3xkD6m0b0Cq8yq9m6h3Qm6b0Cq8yq9m6h3QoZ3xkA"
_UNIT = "SE9999999999-U00001"
_ONE = {"patient": _PATIENT, "viewer": _VIEWER, "service": "journal", "unit": _UNIT}
_WHY = {"purpose": "proxy_login"}
_DENIED: dict[str, Any] = {
    "allowed": False,
    "codes": ["guardian_block"],
    "region": "kronoberg",
    "rulebook": "2025-06-17",
    "as_of": "2026-03-01T08:30:00Z",
    "known_at": "2026-03-01T08:30:00Z",
    "valid_until": "2026-08-31T22:00:00Z",
}
_BRIEFLY_DENIED = {
    "allowed": False,
    "as_of": _DENIED["as_of"],
    "known_at": _DENIED["known_at"],
    "valid_until": None,
}
_BRIEFLY_ALLOWED = {**_BRIEFLY_DENIED, "allowed": True, "valid_until": "2026-03-01T08:30:05Z"}
_EXPLAINED = {
    **_DENIED,
    "reasons": [
        {
            "code": "guardian_block",
            "sv": "Vårdnadshavarens tillgång är blockerad.",
            "en": "The guardian is blocked.",
            "rules": [
                {
                    "rule": "KR25-12",
                    "document": "Blockering av vårdnadshavares tillgång",
                    "sv": "Blockering beslutas i samråd med bakjour eller verksamhetschef.",
                    "en": "A block is decided in consultation with the on-call physician or the head of unit.",
                }
            ],
            "measures": [
                {
                    "measure_id": "6b0f1c1e-7a55-5b0e-9a53-0e6f6a5d1c11",
                    "kind": "guardian_block",
                    "sv": "blockering av vårdnadshavare",
                    "en": "block of guardians",
                    "region": "kronoberg",
                    "units": None,
                    "order_ids": ["0192f0c1-0000-7000-8000-000000000001"],
                    "valid_from": "2026-03-01T08:12:00Z",
                    "ends_at": "2026-08-31T22:00:00Z",
                    "last_day": "2026-08-31",
                    "released": False,
                }
            ],
        }
    ],
}


def _problems(*kinds: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for kind in kinds:
        status, title = KINDS[kind]
        entry = found.setdefault(
            str(status),
            {
                "description": title,
                "content": {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}, "examples": {}}},
            },
        )
        entry["content"][MEDIA_TYPE]["examples"][kind] = {
            "value": {"type": f"urn:sigill:problem:{kind}", "title": title, "status": status}
        }
    return found


_ALWAYS = (
    "not-authenticated",
    "not-allowed",
    "invalid",
    "fault",
    "store-down",
    "keys-unavailable",
    "too-many",
)
_WITH_BODY = ("unreadable", "too-large", "not-json", *_ALWAYS)


def _schema(*models: type) -> dict[str, Any]:
    refs = [{"$ref": _REF.format(model=model.__name__)} for model in models]
    return refs[0] if len(refs) == 1 else {"oneOf": refs}


_WHOLE: dict[str, dict[str, Any]] = {}
"""What FastAPI would write differently: it leaves every null out of the examples, and has a 422 of its own shape."""


def _operation(
    summary: str,
    description: str,
    scope: str,
    answers: tuple[type, ...],
    given: dict[str, Any],
    problems: tuple[str, ...],
    body: tuple[type, ...] = (),
    examples: dict[str, Any] | None = None,
) -> dict[str, Any]:
    extra: dict[str, Any] = {"security": [{"bearer": [scope]}, {"certificate": []}]}
    if body:
        content = {
            "schema": _schema(*body),
            "examples": {k: {"value": v} for k, v in (examples or {}).items()},
        }
        extra["requestBody"] = {"required": True, "content": {"application/json": content}}
    responses: dict[str, dict[str, Any]] = {
        "200": {
            "description": "The answer.",
            "headers": {
                "Cache-Control": {
                    "description": "`private, no-cache`, unless the caller drops on change or asked about known past.",
                    "schema": {"type": "string"},
                }
            },
            "content": {
                "application/json": {
                    "schema": _schema(*answers),
                    "examples": {k: {"value": v} for k, v in given.items()},
                }
            },
        },
        **_problems(*problems),
    }
    _WHOLE[summary] = {**extra, "responses": responses}
    return {"summary": summary, "description": description, "response_model": None}


DECISIONS = _operation(
    "May this viewer reach this?",
    "One question, or up to a thousand at once, answered in their order. With `access:decide` alone a person whom nobody "
    "knows is answered like one whom the viewer may not see, byte by byte but for the moment. Codes, `region`, `rulebook`, the true "
    "`valid_until`, `explain`, and an `as_of` or `known_at` other than now take `access:explain`.",
    "access:decide",
    (DecisionTold, DecisionsTold),
    {
        "denied": _BRIEFLY_DENIED,
        "allowed": _BRIEFLY_ALLOWED,
        "denied, to `access:explain`": _DENIED,
        "denied, explained": _EXPLAINED,
        "several": {"decisions": [_BRIEFLY_ALLOWED, _BRIEFLY_DENIED]},
    },
    _WITH_BODY,
    (Question, Questions),
    {
        "one": {**_ONE, **_WHY},
        "one, explained, on a day to come": {
            **_ONE, **_WHY, "as_of": "2029-03-02T00:00:00+01:00", "explain": True,
        },
        "several": {"questions": [_ONE, {**_ONE, "service": "e_services"}], **_WHY},
    },
)  # fmt: skip
_PICTURE_GIVEN = {
    "a blocked guardian": {
        "patient": _KEY,
        "as_of": _DENIED["as_of"],
        "known_at": _DENIED["known_at"],
        "valid_until": _DENIED["valid_until"],
        "lines": [
            {
                "viewer": _KEY,
                "relation": "guardian",
                "service": "journal",
                "unit": None,
                "allowed": False,
                "region": "kronoberg",
                "rulebook": _DENIED["rulebook"],
                "reasons": _EXPLAINED["reasons"],
            }
        ],
        "measures": _EXPLAINED["reasons"][0]["measures"],
        "next": None,
    }
}
PICTURE = _operation(
    "The whole picture of a patient, by pseudonymous key",
    "Every viewer, service and unit with an answer of its own, and the measures with their ends, the newest 200 first: `next` "
    "is sent as `after` for those that follow. `If-None-Match` gives 304 as long as nothing that would be told has changed.",
    "access:explain",
    (PictureTold,),
    _PICTURE_GIVEN,
    ("no-such-person", *_ALWAYS),
)
_WHOLE[PICTURE["summary"]]["responses"]["304"] = {"description": "Nothing that would be told has changed."}
PICTURE_BY_NUMBER = _operation(
    "The whole picture of a patient, by number",
    "The same, for a caller that has a number and no key.",
    "access:explain",
    (PictureTold,),
    _PICTURE_GIVEN,
    ("no-such-person", *_WITH_BODY),
    (PictureOf,),
    {"by number": {"patient": _PATIENT, "purpose": "support_call", "asking_unit": _UNIT}},
)
TIMELINE = _operation(
    "What changed and will change by time alone",
    "Birthdays, starts and ends of measures, custody dates, new rules: who gains or loses what at each moment, and why. "
    "The past as it is known, the future as it will be if nobody orders anything. A page at a time (`limit`), the newest page "
    "first, each in order of time: `next` is sent as `cursor` for the page before it, told by what was known at the first.",
    "access:explain",
    (TimelineTold,),
    {
        "the 13th birthday": {
            "patient": _KEY,
            "since": "2029-01-01T00:00:00Z",
            "until": "2029-12-31T00:00:00Z",
            "known_at": _DENIED["known_at"],
            "steps": [
                {
                    "at": "2029-03-01T23:00:00Z",
                    "swedish_date": "2029-03-02",
                    "causes": [
                        {
                            "turn": "birthday",
                            "sv": "Patienten fyller 13 år.",
                            "en": "The patient turns 13.",
                            "age": 13,
                        }
                    ],
                    "changes": [],
                }
            ],
            "next": None,
        }
    },
    ("no-such-person", *_WITH_BODY),
    (TimelineOf,),
    {
        "what will this guardian see on the 13th birthday, and why": {
            "patient": _PATIENT,
            "viewer": _VIEWER,
            "service": "journal",
            "since": "2029-03-01T00:00:00+01:00",
            "until": "2029-03-03T00:00:00+01:00",
            "purpose": "support_call",
        }
    },
)
CHOICE = _operation(
    "Which measure do a region's rules choose?",
    "For a form in the record system: from who is a risk, what is known and the patient's age to the region's forms, with the "
    "sentences that say so, and every way that stays open to the risk. `forms` asks the same about forms that somebody "
    "thinks of. No person is named and nothing is logged. Guidance: it refuses nothing.",
    "access:decide",
    (ChoiceTold,),
    {
        "a seal": {
            "region": "vastra-gotaland",
            "rulebook": "2026-03-26",
            "choice": "choose-seal-signs",
            "forms": [
                {
                    "form": "seal_child",
                    "sv": "Försegling av barns konto och journal",
                    "en": "Seal of a child's account and record",
                    "offered": True,
                    "by_phone": True,
                }
            ],
            "sv": "Blankett: Försegling av barns konto och journal.",
            "en": "Form: Seal of a child's account and record.",
            "rules": [
                {
                    "rule": "VGB-11",
                    "document": "Skydd av barns digitala information",
                    "sv": "Försegling väljs när barnets e-legitimation kontrolleras av någon annan.",
                    "en": "A seal is chosen when somebody else controls the child's e-ID.",
                }
            ],
            "open_doors": [],
            "considered": [
                {
                    "form": "block_guardians",
                    "sv": "Blockera vårdnadshavares tillgång",
                    "en": "Block of guardians",
                    "offered": True,
                    "by_phone": True,
                }
            ],
            "considered_open_doors": [
                {
                    "way": "patient_login",
                    "service": "e_services",
                    "opens": "at_age",
                    "age": 13,
                    "sv": "Öppnas när patienten fyller 13: den som kommer åt patientens inloggning når e-tjänsterna på 1177.",
                    "en": "Opens when the patient turns 13: whoever gets at the patient's login reaches the e-services of 1177.",
                }
            ],
        }
    },
    _WITH_BODY,
    (ChoiceQuestion,),
    {
        "one guardian is a risk and holds the child's e-ID; would a block do?": {
            "region": "vastra-gotaland",
            "age": 9,
            "risk": "one_guardian",
            "signs": ["e_id_controlled"],
            "forms": ["block_guardians"],
        }
    },
)


def complete(app: FastAPI) -> None:
    """Put the schemas of bodies and answers, and the ways to prove who asks, into the document."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        document = made()
        if "Problem" in document.get("components", {}).get("schemas", {}):
            return document
        _, definitions = models_json_schema(
            [(model, "validation") for model in (Question, Questions, PictureOf, TimelineOf, ChoiceQuestion)]
            + [
                (model, "serialization")
                for model in (DecisionTold, DecisionsTold, PictureTold, TimelineTold, ChoiceTold, Problem)
            ],
            ref_template=_REF,
        )
        components = document.setdefault("components", {})
        components["schemas"] = dict(sorted(definitions["$defs"].items()))
        components["securitySchemes"] = {
            "bearer": {
                "type": "oauth2",
                "description": "Access tokens of the configured issuer (RFC 9068). The token address is the issuer's.",
                "flows": {
                    "clientCredentials": {"tokenUrl": "https://issuer.invalid/token", "scopes": dict(SCOPES)}
                },
            },
            "certificate": {"type": "mutualTLS", "description": "A client certificate that has rights here."},
        }
        for path in document["paths"].values():
            for operation in path.values():
                operation.update(_WHOLE[operation["summary"]])
                for parameter in operation.get("parameters", ()):
                    parameter["schema"] = _without_null(parameter["schema"])
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter can be left out; there is no way to write null in it."""
    branches = schema.pop("anyOf", None)
    if branches is None:
        return schema
    return {**schema, **next(branch for branch in branches if branch.get("type") != "null")}
