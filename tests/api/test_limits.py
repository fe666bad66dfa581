"""How much one account may ask, what an address without proof is told, and what breaks no endpoint."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from joserfc import jws

from sigill.operations.decision_service import DecisionService
from sigill.web.api.routes import create_app
from sigill.web.http.authentication import Guards, Keys, Limits, Tokens
from sigill.web.http.security import Attempts
from tests.kit.decision_api import AUDIENCE, BODY, ISSUER, RULES, START, Issuer, StoredPopulation

PROXY = "192.0.2.1"
SINGLE = {name: value for name, value in BODY.items() if name != "purpose"}
KEY = "v1.oZ3xkD6m0b0Cq8yq9m6h3Qm6b0Cq8yq9m6h3QoZ3xkA"


@asynccontextmanager
async def limited(
    population: StoredPopulation, issuer: Issuer, *, questions: int = 10_000, refusals: int = 10_000
) -> AsyncIterator[httpx.AsyncClient]:
    """The API with so much in a minute; nothing comes back while a test runs."""
    limits = Limits(
        Attempts(questions, questions, elapsed=lambda: 0.0),
        Attempts(refusals, refusals, elapsed=lambda: 0.0),
        (PROXY,),
    )
    async with DecisionService(population.store, RULES, population.clock, instance="test") as desk:
        tokens = Tokens(Keys(lambda: issuer.jwks), issuer=ISSUER, audience=AUDIENCE, clock=population.clock)
        app = create_app(desk, Guards([tokens], limits))
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False, client=(PROXY, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
            yield client


def bearer(issuer: Issuer, **claims: Any) -> dict[str, str]:
    """A token of the issuer's; its claims are written in ASCII, so that half a surrogate pair goes in too."""
    made = {"iss": ISSUER, "aud": AUDIENCE, "sub": "journalen", "exp": int(START.timestamp()) + 600,
            "scope": "access:decide access:explain", **claims}  # fmt: skip
    header = {"alg": "ES256", "kid": "k1", "typ": "at+jwt"}
    return {"Authorization": f"Bearer {jws.serialize_compact(header, json.dumps(made), issuer.key)}"}


async def test_an_account_has_so_many_questions_a_minute_and_another_its_own(
    population: StoredPopulation, issuer: Issuer
) -> None:
    path, mine, others = "/v1/access/decisions", bearer(issuer), bearer(issuer, sub="another")
    async with limited(population, issuer, questions=6) as api:
        batch = {"questions": [SINGLE] * 4, "purpose": "test"}
        assert (await api.post(path, json=batch, headers=mine)).status_code == 200
        refused = await api.post(path, json=batch, headers=mine)  # 1 of the 2 left, then 3 that are not
        assert refused.status_code == 429
        assert refused.json()["type"] == "urn:sigill:problem:too-many"
        assert int(refused.headers["retry-after"]) > 0
        assert (await api.post(path, json=BODY, headers=mine)).status_code == 200
        for answer in (
            await api.post(path, json=BODY, headers=mine),
            await api.get(f"/v1/persons/{KEY}/access", headers={**mine, "Sigill-Purpose": "test"}),
            await api.post("/v1/persons/access", json={"patient": BODY["patient"], "purpose": "test"}, headers=mine),
            await api.post("/v1/access/timeline", json={"patient": BODY["patient"], "purpose": "t"}, headers=mine),
        ):  # fmt: skip
            assert answer.status_code == 429
        assert (await api.post(path, json=BODY, headers=others)).status_code == 200


async def test_an_address_without_proof_is_told_to_wait_and_shuts_out_nobody_beside_it(
    population: StoredPopulation, issuer: Issuer
) -> None:
    async def told(hop: str, headers: dict[str, str]) -> int:
        sent = {"X-Forwarded-For": hop, **headers}
        return (await api.post("/v1/access/decisions", json=BODY, headers=sent)).status_code

    wrong = {"Authorization": "Bearer x"}
    async with limited(population, issuer, refusals=2) as api:
        assert [await told("198.51.100.7", wrong) for _ in range(3)] == [401, 401, 429]
        assert (
            await told("198.51.100.8, 198.51.100.7", {}) == 429
        )  # what the caller wrote before it does not count
        assert await told("198.51.100.7", bearer(issuer)) == 200
        assert await told("198.51.100.8", wrong) == 401
        assert [await told(f"2001:db8::{n}", wrong) for n in range(1, 4)] == [401, 401, 429]


def deep(levels: int = 100_000) -> str:
    return '{"a":' * levels + "1" + "}" * levels


def part(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


ENDPOINTS = [
    ("POST", "/v1/access/decisions", BODY),
    ("POST", "/v1/access/decisions", {"questions": [SINGLE], "purpose": "test"}),
    ("POST", "/v1/persons/access", {"patient": BODY["patient"], "purpose": "test"}),
    ("POST", "/v1/access/timeline", {"patient": BODY["patient"], "purpose": "test"}),
    ("GET", f"/v1/persons/{KEY}/access", None),
]
HEADERS = {
    "deep header": deep(1500),
    "nul": '{"alg":"ES256","kid":"k1\\u0000"}',
    "list": "[]",
    "huge number": '{"alg":"ES256","kid":' + "9" * 5000 + "}",
    "lone surrogate": '{"alg":"ES256","kid":"\\ud800"}',
}
TOKENS = {name: f"{part(header)}.e30.AAAA" for name, header in HEADERS.items()}
TOKENS["deep claims"] = ".".join([part('{"alg":"ES256","kid":"k1"}'), part(deep(1500)), "AAAA"])


@pytest.mark.parametrize("token", TOKENS.values(), ids=TOKENS)
async def test_no_bearer_header_breaks_an_endpoint(
    population: StoredPopulation, issuer: Issuer, token: str
) -> None:
    async with limited(population, issuer) as api:
        for method, path, body in ENDPOINTS:
            headers = {"Authorization": f"Bearer {token}", "Sigill-Purpose": "test"}
            answer = await api.request(method, path, json=body, headers=headers)
            assert answer.status_code == 401, path


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": 1e308}, {"exp": 10**400}, {"nbf": -(10**400)}, {"exp": "9" * 400}, {"exp": float("inf")},
        {"sub": "a\0b"}, {"sub": "\ud800"}, {"client_id": "a\0b"}, {"client_id": ["x"]}, {"unit": "a\0b"},
        {"unit": "\ud800"}, {"scope": ["access:explain", 1]}, {"scope": 7}, {"aud": {}},
    ],
    ids=lambda claims: str(next(iter(claims))),
)  # fmt: skip
async def test_no_claim_of_the_issuers_own_breaks_an_endpoint(
    population: StoredPopulation, issuer: Issuer, claims: dict[str, Any]
) -> None:
    await population.person("anna", "1985-01-01")
    async with limited(population, issuer) as api:
        for method, path, body in ENDPOINTS:
            asked = json.loads(
                json.dumps(body).replace(BODY["patient"]["id"], population.numbers["anna"].number)
            )  # type: ignore[index]
            headers = {**bearer(issuer, **claims), "Sigill-Purpose": "test"}
            answer = await api.request(
                method, path.replace(KEY, population.key("anna")), json=asked, headers=headers
            )
            assert answer.status_code < 500, (path, answer.text)


def replaced(body: Any, value: Any) -> list[Any]:
    """Return the body once for each of its leaves, with another value there."""
    if isinstance(body, dict):
        return [{**body, name: new} for name, old in body.items() for new in replaced(old, value)]
    if isinstance(body, list):
        return [
            [*body[:i], new, *body[i + 1 :]] for i, old in enumerate(body) for new in replaced(old, value)
        ]
    return [value]


EDGES = ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"]  # fmt: skip


async def test_no_null_character_date_or_depth_breaks_an_endpoint(
    population: StoredPopulation, issuer: Issuer
) -> None:
    more = {"as_of": "2026-01-01T00:00:00Z", "known_at": "2026-01-01T00:00:00Z"}
    question = {"unit": "SE9999999999-U00001", "recorded_on": "2026-01-01", "information_type": "x", **more}
    asker = {"on_behalf_of": "SE9999999999-S1", "asking_unit": "SE9999999999-U1"}
    bodies = [
        ("/v1/access/decisions", {**BODY, **question, **asker}),
        ("/v1/access/decisions", {"questions": [{**SINGLE, **question}], "purpose": "test", **asker}),
        ("/v1/persons/access", {"patient": BODY["patient"], "purpose": "test", **more, **asker}),
        ("/v1/access/timeline", {"patient": BODY["patient"], "viewer": BODY["viewer"], "purpose": "test",
                                 "since": "2026-01-01T00:00:00Z", "until": "2026-01-01T00:00:00Z",
                                 "known_at": "2026-01-01T00:00:00Z", "service": "journal", **asker}),
    ]  # fmt: skip
    values = [
        "a\0b",
        "\0",
        "\ud800",
        10**400,
        1e308,
        "9" * 5000,
        *EDGES,
        "0001-01-01",
        "9999-12-31",
        "10000-01-01",
    ]
    headers = {**bearer(issuer), "Content-Type": "application/json"}
    async with limited(population, issuer) as api:
        for path, body in bodies:
            for value in values:
                for asked in replaced(body, value):
                    answer = await api.post(path, content=json.dumps(asked), headers=headers)
                    assert answer.status_code < 500, (path, asked, answer.text)
            for content in (deep(), "[" * 100_000, b"\xff\xfe", b'{"a":"\x00"}', b""):
                assert (await api.post(path, content=content, headers=headers)).status_code in (400, 422)


async def test_no_path_query_or_header_breaks_the_picture(
    population: StoredPopulation, issuer: Issuer
) -> None:
    await population.person("anna", "1985-01-01")
    key = population.key("anna")
    headers = {**bearer(issuer), "Sigill-Purpose": "test"}
    async with limited(population, issuer) as api:
        for edge in (*EDGES, "\0", "2026-01-01T00:00:00Z\0", "9" * 40):
            for name in ("as_of", "known_at"):
                answer = await api.get(f"/v1/persons/{key}/access", params={name: edge}, headers=headers)
                assert 400 <= answer.status_code < 500, (name, edge)
        for path in ("%00", f"{key}%00", "%ED%A0%80", "..%2f", "a" * 5000):
            answer = await api.get(f"/v1/persons/{path}/access", headers=headers)
            assert 400 <= answer.status_code < 500, path
        for name in ("Sigill-On-Behalf-Of", "Sigill-Asking-Unit", "Sigill-Purpose"):
            answer = await api.get(f"/v1/persons/{key}/access", headers={**headers, name: b"a\x00b"})  # type: ignore[dict-item]
            assert 400 <= answer.status_code < 500, name
