"""Who gets in, for how long, and what nobody can forge."""

import base64
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwk, jwt
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sigill.operations.operators import ConsoleRole, Operator
from sigill.runtime.settings import Settings
from sigill.web.app import NoLogin, check_login
from sigill.web.console.login import Issuer, LoginRefused, TrialLinks, roles_of, trial_operators
from sigill.web.http.security import Attempts, local_path, network_of
from tests.kit.console import OPERATOR, World, field_of, served

PAGES = (
    "/",
    "/orders",
    "/person/1",
    "/waiting",
    "/worklist",
    "/dead-letters",
    "/audit",
    "/phone",
    "/transitions",
)


# --- sessions


@pytest.mark.parametrize("path", PAGES)
async def test_nobody_sees_a_page_without_logging_in(fresh: World, path: str) -> None:
    async with httpx.AsyncClient(base_url=fresh.base) as http:
        answer = await http.get(path)
        live = await http.get(path, headers={"HX-Request": "true"})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login")
    assert live.headers["hx-redirect"] == "/login"


async def test_a_session_ends_by_silence_by_time_and_by_logging_out(fresh: World) -> None:
    async with fresh.client() as client:
        fresh.clock.advance(timedelta(minutes=31))
        assert (await client.get("/")).url.path == "/login"
    async with fresh.client() as client:
        for _ in range(17):
            fresh.clock.advance(timedelta(minutes=29))
            last = await client.get("/")
        assert last.url.path == "/login"  # eight hours are over
    async with fresh.client() as client:
        cookie = client.http.cookies[fresh.desk.cookie]
        await client.post("/logout")
        async with httpx.AsyncClient(base_url=fresh.base, cookies={fresh.desk.cookie: cookie}) as stolen:
            assert (await stolen.get("/")).status_code == 303


async def test_a_guessed_or_changed_cookie_opens_nothing(fresh: World) -> None:
    good = await fresh.logged_in()
    for cookie in ("", "guess", good[:-2] + "xx", good.partition(".")[0]):
        assert await fresh.desk.sessions.find(cookie) is None
    assert await fresh.desk.sessions.find(good) is not None


async def test_a_post_without_the_pages_token_or_from_another_site_is_refused(fresh: World) -> None:
    async with fresh.client() as client:
        token = field_of((await client.get("/orders")).text, "csrf")
        path, fields = "/dead-letters/replay", {"letter": "1"}
        assert (await client.http.post(path, data=fields)).status_code == 403
        assert (await client.http.post(path, data={**fields, "csrf": "x" * 43})).status_code == 403
        for headers in (
            {"Sec-Fetch-Site": "cross-site"},
            {"Origin": "https://elsewhere.example"},
            {"Origin": "null"},
        ):
            answer = await client.http.post(path, data={**fields, "csrf": token}, headers=headers)
            assert answer.status_code == 403
        good = await client.http.post(
            path, data={**fields, "csrf": token}, headers={"Sec-Fetch-Site": "same-origin"}
        )
        assert good.status_code == 200


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        (ConsoleRole.VIEWER, "/dead-letters/replay", 403),
        (ConsoleRole.VIEWER, "/orders/search", 403),
        (ConsoleRole.VIEWER, "/phone", 403),
        (ConsoleRole.APPROVER, "/dead-letters/replay", 403),
        (ConsoleRole.AUDITOR, "/dead-letters/1/discard", 403),
        (ConsoleRole.OPERATOR, "/audit/verify", 403),
        (ConsoleRole.OPERATOR, "/dead-letters/proposals/1", 403),
        (ConsoleRole.OPERATOR, "/dead-letters/replay", 422),
    ],
)
async def test_each_act_asks_for_its_own_role(
    fresh: World, role: ConsoleRole, path: str, status: int
) -> None:
    async with fresh.client(roles=[role]) as client:
        assert (await client.post(path, "/waiting")).status_code == status


async def test_every_answer_carries_the_security_headers(fresh: World) -> None:
    async with fresh.client() as client:
        for path in ("/", "/nowhere", "/static/console.css"):
            headers = (await client.get(path)).headers
            csp = headers["content-security-policy"]
            assert "unsafe" not in csp
            assert "default-src 'none'" in csp
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["x-frame-options"] == "DENY"
        assert (await client.get("/")).headers["cache-control"] == "no-store"
        page = (await client.get("/")).text
    assert "style=" not in page
    assert "onclick" not in page
    assert page.count("<script") == page.count("<script src=")


# --- how often


def test_tries_run_out_and_come_back() -> None:
    now = 0.0
    attempts = Attempts(burst=3, each_minute=60, elapsed=lambda: now)
    assert [attempts.allowed("a") for _ in range(4)] == [True, True, True, False]
    assert attempts.allowed("b")
    now = 1.0
    assert [attempts.allowed("a") for _ in range(2)] == [True, False]


async def test_logins_and_searches_are_bounded(fresh: World) -> None:
    fresh.desk.logins = Attempts(burst=2, each_minute=0.001)
    fresh.desk.searches = Attempts(burst=2, each_minute=0.001)
    async with httpx.AsyncClient(base_url=fresh.base) as http:
        assert [(await http.get("/login/once?link=x")).status_code for _ in range(3)] == [303, 303, 429]
    async with fresh.client() as client:
        answers = [await client.post("/person/search", "/person", number="1", reason="r") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [422, 422, 429]
    fresh.desk.pages_asked = Attempts(burst=3, each_minute=0.001)
    async with fresh.client() as client:
        assert [(await client.get("/")).status_code for _ in range(4)] == [200, 200, 200, 429]


@pytest.mark.parametrize("path", ["https://evil.example", "//evil.example", "/\\evil", "evil", "", None])
def test_login_leads_back_to_our_own_pages_only(path: str | None) -> None:
    assert local_path(path) == "/"


# --- one-time links


async def test_a_link_works_once_from_this_machine_for_an_hour(fresh: World) -> None:
    links = fresh.desk.links
    assert links is not None
    token = links.draw(trial_operators()[0])
    async with httpx.AsyncClient(base_url=fresh.base, follow_redirects=True) as http:
        first = await http.get(f"/login/once?link={token}")
        assert first.url.path == "/"
    async with httpx.AsyncClient(base_url=fresh.base, follow_redirects=True) as http:
        second = await http.get(f"/login/once?link={token}")
        assert second.url.path == "/login"
    late = links.draw(trial_operators()[1])
    with pytest.raises(LoginRefused, match="not_from_this_machine"):
        links.take(late, "192.0.2.7", fresh.clock.now())
    with pytest.raises(LoginRefused, match="link_too_old"):
        links.take(late, "127.0.0.1", fresh.clock.now() + timedelta(hours=2))
    containers = TrialLinks(fresh.clock.now(), anywhere=True)
    somebody = trial_operators()[0]
    assert containers.take(containers.draw(somebody), "172.18.0.1", fresh.clock.now()) == somebody


def test_a_trials_links_are_for_loopback_and_never_for_production() -> None:
    check_login(Settings(console_host="127.0.0.1"))
    with pytest.raises(NoLogin, match="CONSOLE_HOST"):
        check_login(Settings(console_host="0.0.0.0"))
    check_login(Settings(console_host="0.0.0.0", console_trial_links=True))
    production = Settings(console_trial_links=True).model_copy(update={"environment": "production"})
    with pytest.raises(NoLogin, match="OIDC_ISSUER"):
        check_login(production)
    with pytest.raises(NoLogin, match="SESSION_SECRET"):
        check_login(
            Settings(oidc_issuer="https://idp.example", oidc_client_id="sigill", console_url="https://s")
        )


# --- OpenID Connect


class Provider:
    """An issuer that answers as OpenID Connect Core says, or wrongly where a test asks for it."""

    def __init__(self) -> None:
        self.base = ""
        self.key = jwk.ECKey.generate_key("P-256", {"kid": "one", "use": "sig"})
        self.changes: dict[str, Any] = {}
        self.challenge = ""
        self.nonce = ""
        self.signing = self.key
        self.beside: dict[str, Any] = {"refresh_token": "r"}
        self.info: dict[str, Any] = {"sub": "sub-1"}
        self.refreshing: JSONResponse | None = None

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self.metadata),
                Route("/keys", self.keys),
                Route("/token", self.token, methods=["POST"]),
                Route("/me", self.userinfo),
            ]
        )

    async def metadata(self, _: Request) -> JSONResponse:
        return JSONResponse(
            {
                "issuer": self.base,
                "authorization_endpoint": f"{self.base}/authorize",
                "token_endpoint": f"{self.base}/token",
                "jwks_uri": f"{self.base}/keys",
                "userinfo_endpoint": f"{self.base}/me",
            }
        )

    async def keys(self, _: Request) -> JSONResponse:
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    async def token(self, request: Request) -> JSONResponse:
        form = await request.form()
        if form["grant_type"] == "refresh_token":
            if self.refreshing is None:
                return JSONResponse({"error": "invalid_grant"}, 400)
            return self.refreshing
        digest = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != self.challenge:
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse(
            {"access_token": "a", "token_type": "Bearer", "id_token": self.id_token(), **self.beside}
        )

    async def userinfo(self, _: Request) -> JSONResponse:
        return JSONResponse(self.info)

    def id_token(self) -> str:
        now = int(START_AT.timestamp())
        claims = {
            "iss": self.base, "aud": "sigill", "sub": "sub-1", "iat": now, "exp": now + 300, "nonce": self.nonce,
            "roles": ["operator"], "employeeHsaId": OPERATOR, **self.changes,
        }  # fmt: skip
        return jwt.encode({"alg": "ES256", "kid": "one"}, claims, self.signing)


from tests.kit.console import START as START_AT  # noqa: E402


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    made = Provider()
    async with served(made.app()) as base:
        made.base = base
        yield made


@asynccontextmanager
async def with_issuer(world: World, provider: Provider, **given: Any) -> AsyncIterator[httpx.AsyncClient]:
    settings = world.desk.settings.model_copy(
        update={
            "oidc_issuer": provider.base,
            "oidc_client_id": "sigill",
            "oidc_client_secret": SecretStr("s"),
            **given,
        }
    )
    world.desk.issuer = Issuer(settings, f"{world.base}/login/back")
    async with httpx.AsyncClient(base_url=world.base, follow_redirects=False) as http:
        yield http


async def go(http: httpx.AsyncClient, provider: Provider, **changed: str) -> httpx.Response:
    start = await http.get("/login/start?next=/waiting")
    asked = {name: value[0] for name, value in parse_qs(urlsplit(start.headers["location"]).query).items()}
    assert asked["code_challenge_method"] == "S256"
    provider.challenge, provider.nonce = asked["code_challenge"], asked["nonce"]
    return await http.get("/login/back", params={"code": "c", "state": asked["state"], **changed})


async def test_the_issuer_lets_in_whoever_has_a_role(fresh: World, provider: Provider) -> None:
    async with with_issuer(fresh, provider) as http:
        back = await go(http, provider)
        assert back.headers["location"] == "/waiting"
        cookie = back.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        session = await fresh.desk.sessions.find(http.cookies[fresh.desk.cookie])
    assert session is not None
    assert session.operator.roles == {ConsoleRole.OPERATOR}
    assert session.operator.hsa_id == OPERATOR


@pytest.mark.parametrize(
    "changes",
    [
        {"roles": []}, {"roles": "something_else"}, {"aud": "another"}, {"iss": "https://another.example"},
        {"nonce": "another"}, {"exp": 1}, {"iat": 2**33},
        {"aud": ["sigill", "another"]}, {"aud": ["sigill", "another"], "azp": "another"}, {"azp": "another"},
        {"aud": ["another"]}, {"employeeHsaId": None}, {"employeeHsaId": "OPR1"},
    ],
)  # fmt: skip
async def test_a_token_that_is_not_for_us_lets_nobody_in(
    fresh: World, provider: Provider, changes: dict[str, Any]
) -> None:
    provider.changes = changes
    async with with_issuer(fresh, provider) as http:
        assert (await go(http, provider)).headers["location"].startswith("/login?refused")


async def test_another_state_key_verifier_or_issuer_lets_nobody_in(fresh: World, provider: Provider) -> None:
    async with with_issuer(fresh, provider) as http:
        assert (await go(http, provider, state="another")).headers["location"] == "/login?refused"
        assert (await go(http, provider, iss="https://mix-up.example")).headers[
            "location"
        ] == "/login?refused"
        provider.signing = jwk.ECKey.generate_key("P-256", {"kid": "one"})
        assert (await go(http, provider)).headers["location"] == "/login?refused"
        provider.signing = provider.key
        assert (await go(http, provider)).headers["location"] == "/waiting"
        assert (await http.get("/login/back?code=c&state=s")).headers[
            "location"
        ] == "/login?refused"  # used up


async def test_a_token_for_several_that_was_made_for_us_lets_in(fresh: World, provider: Provider) -> None:
    provider.changes = {"aud": ["sigill", "account"], "azp": "sigill"}
    async with with_issuer(fresh, provider) as http:
        assert (await go(http, provider)).headers["location"] == "/waiting"


async def test_roles_are_read_from_userinfo_of_the_same_person_alone(
    fresh: World, provider: Provider
) -> None:
    provider.changes = {"roles": None}
    provider.info = {"sub": "sub-1", "region": {"access": ["operator"]}}
    given = {"oidc_role_claim": "region.access", "oidc_claims_from": ("id_token", "userinfo")}
    async with with_issuer(fresh, provider, **given) as http:
        assert (await go(http, provider)).headers["location"] == "/waiting"
        provider.info["sub"] = "somebody else"
        assert (await go(http, provider)).headers["location"] == "/login?refused"


async def test_a_session_lives_through_a_silent_issuer_for_a_while_and_through_a_no_not_at_all(
    fresh: World, provider: Provider
) -> None:
    provider.changes = {"exp": 2**33}
    async with with_issuer(fresh, provider) as http:
        await go(http, provider)
        provider.refreshing = JSONResponse({"error": "server_error"}, 503)
        fresh.clock.advance(timedelta(seconds=301))
        assert (await http.get("/")).status_code == 200
        fresh.clock.advance(timedelta(seconds=300))
        assert (await http.get("/")).status_code == 303
        await go(http, provider)
        provider.refreshing = JSONResponse(
            {"access_token": "b", "token_type": "Bearer", "refresh_token": "s"}
        )
        fresh.clock.advance(timedelta(seconds=301))
        assert (await http.get("/")).status_code == 200
        provider.refreshing = None
        assert (await http.get("/")).status_code == 200  # asked a moment ago
        fresh.clock.advance(timedelta(seconds=301))
        assert (await http.get("/")).status_code == 303


async def test_an_issuer_that_gives_nothing_to_ask_with_ends_the_session(
    fresh: World, provider: Provider
) -> None:
    provider.beside = {}
    async with with_issuer(fresh, provider) as http:
        await go(http, provider)
        assert (await http.get("/")).status_code == 200
        fresh.clock.advance(timedelta(seconds=301))
        assert (await http.get("/")).status_code == 303


async def test_whoever_tries_again_and_again_locks_out_nobody(fresh: World, provider: Provider) -> None:
    async with with_issuer(fresh, provider) as http:
        for _ in range(40):
            wrong = await http.get("/login/back?code=c&state=s")
            assert wrong.headers["location"] == "/login?refused"
            assert (await http.get("/login/start")).status_code == 303
        assert (await go(http, provider)).headers["location"] == "/waiting"


async def test_tries_are_counted_by_what_a_named_proxy_says_and_by_nobody_else(fresh: World) -> None:
    async def tries(**headers: str) -> list[int]:
        fresh.desk.logins = Attempts(burst=2, each_minute=0.001)
        async with httpx.AsyncClient(base_url=fresh.base) as http:
            answers = [
                await http.get("/login/once?link=x", headers={"X-Forwarded-For": hop.format(place)})
                for place, hop in enumerate([headers["hop"]] * 3)
            ]
        return [answer.status_code for answer in answers]

    assert await tries(hop="192.0.2.{}") == [303, 303, 429]
    fresh.desk.settings = fresh.desk.settings.model_copy(update={"console_proxies": ("127.0.0.1",)})
    assert await tries(hop="192.0.2.{}") == [303, 303, 303]
    assert await tries(hop="198.51.100.{}, 192.0.2.1") == [303, 303, 429]
    assert await tries(hop="2001:db8::{}") == [303, 303, 429]  # one network is one caller
    assert await tries(hop="no address {}") == [303, 303, 303]


async def test_only_the_issuers_own_word_ends_a_session_from_behind(fresh: World, provider: Provider) -> None:
    now = int(START_AT.timestamp())
    good = {
        "iss": provider.base, "aud": "sigill", "sub": "sub-1", "iat": now, "exp": now + 100, "jti": "1",
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    }  # fmt: skip

    async def told(http: httpx.AsyncClient, **changes: Any) -> int:
        claims = {name: value for name, value in {**good, **changes}.items() if value is not None}
        token = jwt.encode({"alg": "ES256", "kid": "one"}, claims, provider.signing)
        return (await http.post("/login/ended", data={"logout_token": token})).status_code

    async with with_issuer(fresh, provider) as http:
        await go(http, provider)
        for changes in (
            {"aud": "another"}, {"iss": "https://another.example"}, {"nonce": "n"}, {"events": {}}, {"sub": None},
            {"exp": now - 100}, {"jti": None},
        ):  # fmt: skip
            assert await told(http, **changes) == 400
        provider.signing = jwk.ECKey.generate_key("P-256", {"kid": "one"})
        assert await told(http) == 400
        provider.signing = provider.key
        assert (
            await http.post("/login/ended", data={"logout_token": provider.id_token()})
        ).status_code == 400
        assert (await http.post("/login/ended", data={})).status_code == 400
        assert (await http.get("/")).status_code == 200
        assert await told(http) == 200
        assert (await http.get("/")).status_code == 303


async def test_a_logout_that_is_told_again_ends_nothing_that_began_since(
    fresh: World, provider: Provider
) -> None:
    """Whoever caught the issuer's word could else keep somebody out for as long as it is good."""
    now = int(START_AT.timestamp())
    claims = {
        "iss": provider.base, "aud": "sigill", "sub": "sub-1", "iat": now, "exp": now + 3600, "jti": "1",
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    }  # fmt: skip
    token = jwt.encode({"alg": "ES256", "kid": "one"}, claims, provider.signing)
    async with with_issuer(fresh, provider) as http:
        await go(http, provider)
        assert (await http.post("/login/ended", data={"logout_token": token})).status_code == 200
        assert (await http.get("/")).status_code == 303
        fresh.clock.advance(timedelta(minutes=2))
        provider.changes = {"iat": now + 120, "exp": now + 3600}
        await go(http, provider)
        assert (await http.post("/login/ended", data={"logout_token": token})).status_code == 200
        assert (await http.get("/")).status_code == 200


async def test_nobody_fills_the_memory_before_a_login(fresh: World, provider: Provider) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b"logout_token="
        for _ in range(1000):
            yield b"x" * 1000

    async with with_issuer(fresh, provider) as http:
        for path in ("/login/ended", "/preferences"):
            assert (await http.post(path, data={"logout_token": "x" * 40_000})).status_code == 413
            assert (await http.post(path, data={str(one): "x" for one in range(20)})).status_code == 413
        told = await http.post(
            "/login/ended", content=endless(), headers={"content-type": "application/x-www-form-urlencoded"}
        )
        assert told.status_code == 413
        chosen = await http.post("/preferences", data={"back": "/login", "language": "en"})
        assert (chosen.status_code, chosen.headers["location"]) == (303, "/login")


@pytest.mark.parametrize("ahead", [-60, 0, 60])
async def test_a_logout_ends_a_session_of_a_second_before_though_the_issuers_clock_is_off(
    fresh: World, provider: Provider, ahead: int
) -> None:
    async with with_issuer(fresh, provider) as http:
        await go(http, provider)
        fresh.clock.advance(timedelta(seconds=1))
        said_at = int(fresh.clock.now().timestamp()) + ahead
        claims = {
            "iss": provider.base, "aud": "sigill", "sub": "sub-1", "iat": said_at, "exp": said_at + 120, "jti": "1",
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        }  # fmt: skip
        token = jwt.encode({"alg": "ES256", "kid": "one"}, claims, provider.signing)
        assert (await http.post("/login/ended", data={"logout_token": token})).status_code == 200
        assert (await http.get("/")).status_code == 303


@pytest.mark.parametrize("ahead", [-300, 300])
async def test_a_logout_ends_a_session_by_the_issuers_own_clock_however_far_it_is_off(
    fresh: World, provider: Provider, ahead: int
) -> None:
    """A clock five minutes behind made every logout soon after a login end nothing, and say nothing."""
    told: list[float] = []
    now = int(START_AT.timestamp())
    provider.changes = {"iat": now + ahead, "exp": now + 3600}
    async with with_issuer(fresh, provider, oidc_clock_tolerance=400.0) as http:
        assert fresh.desk.issuer is not None
        fresh.desk.issuer._on_clock = told.append
        await go(http, provider)
        assert told == [ahead]
        assert (await http.get("/")).status_code == 200
        fresh.clock.advance(timedelta(seconds=30))

        async def logged_out(at: int) -> int:
            claims = {
                "iss": provider.base, "aud": "sigill", "sub": "sub-1", "iat": at + ahead, "exp": now + 3600, "jti": "1",
                "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
            }  # fmt: skip
            token = jwt.encode({"alg": "ES256", "kid": "one"}, claims, provider.signing)
            return (await http.post("/login/ended", data={"logout_token": token})).status_code

        assert await logged_out(now - 120) == 200
        assert (await http.get("/")).status_code == 200  # said before the session began, and told again
        assert await logged_out(now + 30) == 200
        assert (await http.get("/")).status_code == 303


async def test_a_session_that_was_there_before_a_login_is_not_the_one_that_logs_in(
    fresh: World, provider: Provider
) -> None:
    """Session fixation: what somebody planted in the browser is worth no more afterwards."""
    async with with_issuer(fresh, provider) as http:
        planted = await fresh.desk.sessions.begin(Operator("SE-VIEWER", frozenset({ConsoleRole.VIEWER})))
        http.cookies.set(fresh.desk.cookie, planted)
        back = await go(http, provider)
        given = back.cookies[fresh.desk.cookie]
        assert given != planted
        before = await fresh.desk.sessions.find(planted)
    assert before is None or before.operator.roles == {ConsoleRole.VIEWER}


async def test_odd_answers_of_an_issuer_break_no_page(fresh: World, provider: Provider) -> None:
    async with with_issuer(fresh, provider) as http:
        for state in ("å", "😀", "x" * 5000):
            assert (await go(http, provider, state=state)).headers["location"] == "/login?refused"


async def test_a_login_under_way_cannot_be_planted_by_another_host(fresh: World, provider: Provider) -> None:
    async with with_issuer(fresh, provider) as http:
        fresh.desk.https = True
        try:
            start = await http.get("/login/start")
        finally:
            fresh.desk.https = False
    cookie = start.headers["set-cookie"]
    assert cookie.startswith("__Host-sigill_login=")
    assert {"Path=/", "Secure", "HttpOnly"} <= {part.strip() for part in cookie.split(";")}


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"), ("192.0.2.1:4711", "192.0.2.1"), (" 192.0.2.1 ", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"), ("[::ffff:192.0.2.1]:4711", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"), ("[2001:db8::2]:443", "2001:db8::/64"), ("fe80::1%eth0", "fe80::/64"),
        ("_hidden", "_hidden"), ("", "unknown"), ("[", "unknown"),
    ],
)  # fmt: skip
def test_one_caller_is_counted_as_one_however_a_proxy_writes_it(address: str, counted: str) -> None:
    assert network_of(address) == counted


async def test_a_logout_of_one_session_has_the_others_asked_about_at_once(
    fresh: World, provider: Provider
) -> None:
    async with with_issuer(fresh, provider) as http:
        provider.changes = {"sid": "first"}
        await go(http, provider)
        other = http.cookies[fresh.desk.cookie]
        provider.changes = {"sid": "second"}
        await go(http, provider)
        now = int(START_AT.timestamp())
        claims = {
            "iss": provider.base, "aud": "sigill", "sub": "sub-1", "sid": "second", "iat": now, "exp": now + 100, "jti": "1",
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        }  # fmt: skip
        token = jwt.encode({"alg": "ES256", "kid": "one"}, claims, provider.signing)
        assert (await http.post("/login/ended", data={"logout_token": token})).status_code == 200
        assert (await http.get("/")).status_code == 303
        http.cookies.set(fresh.desk.cookie, other)
        provider.refreshing = JSONResponse(
            {"access_token": "b", "token_type": "Bearer", "refresh_token": "s"}
        )
        assert (await fresh.desk.sessions.find(other)) is not None
        async with httpx.AsyncClient(base_url=fresh.base, cookies={fresh.desk.cookie: other}) as elsewhere:
            assert (await elsewhere.get("/")).status_code == 200  # the issuer says that this one may go on
            assert (await http.post("/login/ended", data={"logout_token": token})).status_code == 200
            provider.refreshing = None
            assert (await elsewhere.get("/")).status_code == 303


async def test_what_the_issuer_gave_is_in_the_database_for_nobody(fresh: World, provider: Provider) -> None:
    provider.beside = {"refresh_token": "Zebrafink"}
    async with with_issuer(fresh, provider) as http:
        await go(http, provider)
        async with fresh.store.reading() as tx:
            row = (await tx.fetch("SELECT * FROM console_session WHERE sid IS NULL AND issuer IS NOT NULL"))[
                0
            ]
        assert row["tokens"] is not None
        assert b"Zebrafink" not in row["tokens"]
        session = await fresh.desk.sessions.find(http.cookies[fresh.desk.cookie])
    assert session is not None
    assert session.login is not None
    assert session.login.refresh_token == "Zebrafink"
    assert "Zebrafink" not in repr(session)


def test_every_role_can_be_mapped_to() -> None:
    given = {str(role): role for role in ConsoleRole}
    assert Settings.model_validate({"oidc_role_map": given}).oidc_role_map == given


def test_roles_come_from_the_claim_by_the_mapping() -> None:
    assert roles_of("viewer operator", {}) == {ConsoleRole.VIEWER, ConsoleRole.OPERATOR}
    assert roles_of(["it-support", "viewer"], {"it-support": "operator"}) == {ConsoleRole.OPERATOR}
    assert roles_of(None, {}) == frozenset()
    assert (
        json.dumps(sorted(ConsoleRole))
        == '["approver", "auditor", "operator", "protected_identity", "rule_owner", "viewer"]'
    )
