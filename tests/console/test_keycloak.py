"""Login at a real Keycloak as it comes: in, refused, out by either side, and shut out while logged in."""

import asyncio
import html
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from sigill.embedded.keycloak import Keycloak
from sigill.operations.operators import ConsoleRole
from sigill.runtime.clock import SystemClock
from sigill.stream.connection import Connection
from sigill.web.console.login import Issuer
from tests.console.conftest import topics_for
from tests.kit.console import World, field_of, world
from tests.kit.senders import Senders
from tests.kit.services import Services

pytestmark = pytest.mark.issuer

SECRET = "a secret of this test alone"
PASSWORD = "lösenord för prov"
#: account, its roles in the realm, its HSA-id
PEOPLE = (
    ("sia", ("operator", "viewer"), "se2321000099-sia1"),
    ("disa", ("operator",), "SE2321000099-DISA"),
    ("bo", ("auditor",), "SE2321000099-BO01"),
    ("nobody", (), "SE2321000099-NOBO"),
    ("nameless", ("operator",), None),
    ("malformed", ("operator",), "SIA"),
    ("watcher", ("viewer",), None),
)


def realm(console: str) -> dict[str, Any]:
    """A realm as Keycloak makes it; added are our client with one mapper (HSA-id), the roles and the people."""
    profile = {
        "attributes": [{"name": name, "permissions": {"view": ["admin"], "edit": ["admin"]}} for name in ("username", "email", "firstName", "lastName")],
        "unmanagedAttributePolicy": "ADMIN_EDIT",
    }  # fmt: skip
    return {
        "realm": "region",
        "enabled": True,
        "sslRequired": "none",
        "roles": {"realm": [{"name": str(role)} for role in ConsoleRole]},
        "components": {
            "org.keycloak.userprofile.UserProfileProvider": [
                {
                    "providerId": "declarative-user-profile",
                    "config": {"kc.user.profile.config": [json.dumps(profile)]},
                }
            ]
        },
        "clients": [
            {
                "clientId": "sigill",
                "secret": SECRET,
                "redirectUris": [f"{console}/login/back"],
                "attributes": {
                    "post.logout.redirect.uris": f"{console}/login",
                    "backchannel.logout.url": f"{console}/login/ended",
                    "backchannel.logout.session.required": "true",
                },
                "protocolMappers": [
                    {
                        "name": "HSA-id",
                        "protocol": "openid-connect",
                        "protocolMapper": "oidc-usermodel-attribute-mapper",
                        "config": {
                            "user.attribute": "hsa",
                            "claim.name": "employeeHsaId",
                            "jsonType.label": "String",
                            "id.token.claim": "true",
                            "access.token.claim": "false",
                            "userinfo.token.claim": "true",
                        },
                    }
                ],
            }
        ],
        "users": [
            {
                "username": name,
                "enabled": True,
                "email": f"{name}@region.example",
                "emailVerified": True,
                "firstName": "Prov",
                "lastName": "Person",
                "attributes": {} if hsa_id is None else {"hsa": [hsa_id]},
                "realmRoles": list(roles),
                "credentials": [{"type": "password", "value": PASSWORD}],
            }
            for name, roles, hsa_id in PEOPLE
        ],
    }


@pytest.fixture(scope="module")
async def here(
    services: Services, senders: Senders, connection: Connection, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    async with (
        services.database() as dsn,
        topics_for(connection) as prefix,
        world(dsn, senders, connection, tmp_path_factory.mktemp("keys"), prefix=prefix) as made,
    ):
        made.clock.advance(SystemClock().now() - made.clock.now())
        yield made


@pytest.fixture(scope="module")
def keycloak(here: World) -> Iterator[Keycloak]:
    with Keycloak(realm(here.base)) as started:
        yield started


@contextmanager
def settings(here: World, keycloak: Keycloak, **given: Any) -> Iterator[None]:
    made = here.desk.settings.model_copy(
        update={
            "oidc_issuer": keycloak.issuer,
            "oidc_client_id": "sigill",
            "oidc_client_secret": SecretStr(SECRET),
            "oidc_role_claim": "realm_access.roles",
            "oidc_claims_from": ("id_token", "access_token"),
            "oidc_recheck": 1.0,
            **given,
        }
    )
    here.clock.advance(SystemClock().now() - here.clock.now())
    before, here.desk.settings = here.desk.settings, made
    here.desk.issuer = Issuer(made, f"{here.base}/login/back")
    try:
        yield
    finally:
        here.desk.settings, here.desk.issuer = before, None


class Browser:
    """What a person does with a browser at both places."""

    def __init__(self, http: httpx.AsyncClient, here: World) -> None:
        self.http, self.here = http, here

    async def log_in(self, name: str, start: str = "/login/start?next=/waiting") -> httpx.Response:
        self.here.clock.advance(SystemClock().now() - self.here.clock.now())
        page = await self.http.get(f"{self.here.base}{start}")
        assert page.status_code == 200
        action = re.search(r'<form id="kc-form-login"[^>]*action="([^"]+)"', page.text)
        assert action is not None, page.url
        return await self.http.post(
            html.unescape(action[1]), data={"username": name, "password": PASSWORD, "credentialId": ""}
        )

    async def look(self, path: str = "/") -> httpx.Response:
        return await self.http.get(f"{self.here.base}{path}")

    async def post(self, path: str, page: str = "/", **fields: Any) -> httpx.Response:
        token = field_of((await self.look(page)).text, "csrf")
        return await self.http.post(f"{self.here.base}{path}", data={"csrf": token, **fields})


class Near(httpx.AsyncHTTPTransport):
    """To browsers this machine is safe without TLS, so that `Secure` cookies are sent to it; to httpx it is not."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await super().handle_async_request(request)
        answer.headers = httpx.Headers(
            [
                (
                    name,
                    re.sub(rb";\s*secure", b"", value, flags=re.I)
                    if name.lower() == b"set-cookie"
                    else value,
                )
                for name, value in answer.headers.raw
            ]
        )
        return answer


@asynccontextmanager
async def browser(here: World) -> AsyncIterator[Browser]:
    async with httpx.AsyncClient(follow_redirects=True, timeout=60, transport=Near()) as http:
        http.cookies.set("sigill_language", "en", domain="127.0.0.1")
        yield Browser(http, here)


async def noted(here: World, action: str) -> list[dict[str, Any]]:
    async with here.harness.store.reading() as tx:
        rows = await tx.fetch(
            "SELECT actor, body FROM audit_entry WHERE action = $1 ORDER BY position", action
        )
    return [{"actor": row["actor"], **json.loads(row["body"])} for row in rows]


async def test_whoever_has_a_role_gets_in_and_each_act_names_the_login(
    here: World, keycloak: Keycloak
) -> None:
    with settings(here, keycloak):
        async with browser(here) as sia:
            inside = await sia.log_in("sia")
            assert str(inside.url) == f"{here.base}/waiting"
            assert "SE2321000099-SIA1" in inside.text  # one spelling, whatever the directory's
        login = (await noted(here, "console_login"))[-1]
    assert login["actor"] == "SE2321000099-SIA1"
    assert login["roles"] == ["operator", "viewer"]
    assert login["login"]["issuer"] == keycloak.issuer
    assert set(login["login"]) >= {"issuer", "sub", "session", "acr"}


async def test_roles_are_not_found_where_keycloak_does_not_put_them(here: World, keycloak: Keycloak) -> None:
    with settings(here, keycloak, oidc_claims_from=("id_token",)):
        async with browser(here) as sia:
            assert (await sia.log_in("sia")).url.params.get("refused") == "no_role"


@pytest.mark.parametrize(
    ("name", "given", "why", "told"),
    [
        ("nobody", {}, "no_role", "no role here"),
        ("nameless", {}, "no_hsa_id", "no HSA-id"),
        ("malformed", {}, "hsa_id_form", "wrong form"),
        ("bo", {"oidc_acr": ("http://id.elegnamnden.se/loa/1.0/loa3",)}, "acr", "not strong enough"),
    ],
)
async def test_whoever_lacks_something_is_told_what_and_may_come_as_somebody_else(
    here: World, keycloak: Keycloak, name: str, given: dict[str, Any], why: str, told: str
) -> None:
    with settings(here, keycloak, **given):
        async with browser(here) as somebody:
            refused = await somebody.log_in(name)
            assert refused.url.params.get("refused") == why
            assert told in refused.text
            assert (await somebody.look("/waiting")).url.path == "/login"
            # the issuer still knows them; without `prompt` it would send them straight back
            assert "/login/start?another" in refused.text
            again = await somebody.look("/login/start?another")
            assert again.url.host == "127.0.0.1"
            assert str(again.url).startswith(keycloak.base)
    assert (await noted(here, "console_login_refused"))[-1]["code"] == why


async def test_whoever_only_sees_counts_needs_no_hsa_id(here: World, keycloak: Keycloak) -> None:
    with settings(here, keycloak):
        async with browser(here) as watcher:
            assert (await watcher.log_in("watcher")).url.path == "/waiting"


async def test_logging_out_here_logs_out_there(here: World, keycloak: Keycloak) -> None:
    with settings(here, keycloak):
        async with browser(here) as sia:
            await sia.log_in("sia")
            page = await sia.post("/logout")
            there = re.search(r'<a class="button" href="([^"]+)"', page.text)
            assert there is not None
            back = await sia.http.get(html.unescape(there[1]))
            assert str(back.url) == f"{here.base}/login"
            assert (await sia.look()).url.path == "/login"
            assert str((await sia.look("/login/start")).url).startswith(keycloak.base)  # it asks anew
        assert (await noted(here, "console_logout"))[-1]["actor"] == "SE2321000099-SIA1"


def log_out(keycloak: Keycloak, name: str) -> None:
    """Let the realm's administrator log somebody out; Keycloak tells its clients before it answers."""
    with keycloak.admin() as admin:
        user = admin.get("users", params={"username": name, "exact": "true"}).json()[0]
        assert admin.post(f"users/{user['id']}/logout").status_code == 204


async def test_logging_out_there_ends_the_session_here_at_once(here: World, keycloak: Keycloak) -> None:
    with settings(here, keycloak, oidc_recheck=3600.0):
        async with browser(here) as sia, browser(here) as disa:
            await sia.log_in("sia")
            await disa.log_in("disa")
            here.clock.advance(SystemClock().now() - here.clock.now())
            await asyncio.to_thread(log_out, keycloak, "sia")
            for _ in range(120):  # Keycloak does not wait for whom it tells when the machine is slow
                if (await sia.look()).url.path == "/login":
                    break
                await asyncio.sleep(0.25)
            assert (await sia.look()).url.path == "/login"
            assert (await disa.look()).url.path == "/"
    ended = (await noted(here, "console_session_ended"))[-1]
    # Keycloak tells of one session alone where somebody had several; about the others it is asked
    assert (ended["actor"], ended["code"] in ("back_channel", "ended_at_issuer")) == (
        "SE2321000099-SIA1",
        True,
    )


async def test_a_disabled_user_is_out_within_minutes_and_lost_roles_are_lost(
    here: World, keycloak: Keycloak
) -> None:
    with settings(here, keycloak), keycloak.admin() as admin:
        async with browser(here) as disa, browser(here) as sia:
            await disa.log_in("disa")
            await sia.log_in("sia")
            assert (await sia.look("/person")).status_code == 200
            user = admin.get("users", params={"username": "disa", "exact": "true"}).json()[0]
            assert admin.put(f"users/{user['id']}", json={**user, "enabled": False}).status_code == 204
            other = admin.get("users", params={"username": "sia", "exact": "true"}).json()[0]
            role = admin.get("roles/operator").json()
            lost = admin.request("DELETE", f"users/{other['id']}/role-mappings/realm", json=[role])
            assert lost.status_code == 204
            try:
                here.clock.advance(timedelta(seconds=2))
                assert (await disa.look()).url.path == "/login"
                assert (await sia.look("/person")).status_code == 403
                assert (await sia.look("/waiting")).url.path == "/waiting"
            finally:
                admin.put(f"users/{user['id']}", json={**user, "enabled": True})
                admin.post(f"users/{other['id']}/role-mappings/realm", json=[role])
    ended = (await noted(here, "console_session_ended"))[-1]
    assert (ended["actor"], ended["code"]) == ("SE2321000099-DISA", "ended_at_issuer")
