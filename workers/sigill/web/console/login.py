"""
Logging in: OpenID Connect (authorization code with PKCE), or for a local trial a link that works once.

What an issuer says is believed after its signature, issuer, audience, nonce and times are checked (OpenID Connect
Core 1.0, 3.1.3.7). Roles, HSA-id and unit stand where the settings say: in the ID token, the access token or the
answer of the userinfo endpoint, under a name or a dotted path. Without one of the four roles nobody gets in, and
whoever may look at persons needs an HSA-id, since the access log names one.
A session is asked about again at the issuer while it lasts, and ends when the issuer says so (Back-Channel Logout 1.0).
The trial's links are refused in production, and for anybody who does not come from this machine.
"""

import hmac
import secrets
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import structlog
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry

from sigill.operations.identity import operator_hsa_id
from sigill.operations.operators import NAMED, ConsoleRole, Operator
from sigill.runtime.logging import mask
from sigill.runtime.settings import Settings
from sigill.store.console import Binding
from sigill.web.console.sessions import Login
from sigill.web.http.authentication import keys_of
from sigill.web.http.protocol import is_loopback
from sigill_contracts.hsa_id import canonical_hsa_id

with warnings.catch_warnings():
    # the library says at import that it will take httpx's successor one day; operators need not read that
    import authlib.deprecate  # noqa: F401 - sets a filter of its own, so ours comes after it

    warnings.simplefilter("ignore")
    from authlib.integrations.base_client.errors import OAuthError
    from authlib.integrations.httpx_client import AsyncOAuth2Client

log = structlog.get_logger("sigill.console")

SIGNING = ["RS256", "PS256", "ES256", "ES384"]
LINK_LIVES = timedelta(hours=1)
LEEWAY = 60
"""Seconds by which two clocks of one issuer may differ."""


LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


class LoginRefused(Exception):
    """
    The login did not succeed. The message is a code for the log, and names nobody.

    `who` is for the audit chain alone: whom the issuer proved before something else was lacking.
    """

    def __init__(self, code: str, who: str | None = None) -> None:
        super().__init__(code)
        self.who = who


class IssuerSilent(LoginRefused):
    """The issuer did not answer, or not in a way that says yes or no."""


@dataclass(frozen=True, slots=True)
class Going:
    """A login under way, kept in the browser's signed cookie until the issuer sends it back."""

    state: str
    nonce: str
    verifier: str
    next: str


class Issuer:
    """An OpenID Connect issuer. Its metadata and keys are fetched when they are first needed."""

    def __init__(
        self, settings: Settings, redirect_uri: str, on_clock: Callable[[float], None] = lambda _: None
    ) -> None:
        """`on_clock` is told at each login by how many seconds the issuer's clock is ahead of ours, less than 0: behind."""
        if settings.oidc_issuer is None or settings.oidc_client_id is None:
            raise ValueError("an issuer and a client id are needed")
        self._settings = settings
        self._issuer = settings.oidc_issuer
        self._client_id = settings.oidc_client_id
        self._redirect_uri = redirect_uri
        self._metadata: Mapping[str, Any] | None = None
        self._keys: KeySet | None = None
        self._tolerance = settings.oidc_clock_tolerance
        self._on_clock = on_clock

    @property
    def name(self) -> str:
        """The issuer's identifier."""
        return self._issuer

    def begin(self, next_path: str) -> Going:
        """Draw what ties the answer to this browser."""
        return Going(
            secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48), next_path
        )

    async def address(self, going: Going, *, another: bool = False) -> str:
        """
        Return where the browser is to log in. Raises LoginRefused when the issuer does not answer.

        `another`: the issuer is to ask who it is, also where somebody is logged in with it already.
        """
        asked: dict[str, str] = {}
        if self._settings.oidc_acr:
            asked["acr_values"] = " ".join(self._settings.oidc_acr)
        if another:
            asked["prompt"] = self._settings.oidc_another_prompt
        async with self._client() as client:
            metadata = await self._describe(client)
            url, _ = client.create_authorization_url(
                metadata["authorization_endpoint"],
                state=going.state,
                nonce=going.nonce,
                code_verifier=going.verifier,
                **asked,
            )
        return str(url)

    async def finish(self, going: Going, query: Mapping[str, str], now: datetime) -> Login:
        """Exchange the code, check the ID token at `now` (UTC), and say who it is. Raises LoginRefused."""
        if not hmac.compare_digest(query.get("state", "").encode(), going.state.encode()):
            raise LoginRefused("state")
        if "code" not in query:
            raise LoginRefused("no_code")
        if query.get("iss", self._issuer) != self._issuer:
            raise LoginRefused("issuer")  # RFC 9207: another issuer's answer
        async with self._client() as client:
            metadata = await self._describe(client)
            try:
                token = await client.fetch_token(
                    metadata["token_endpoint"],
                    grant_type="authorization_code",
                    code=query["code"],
                    code_verifier=going.verifier,
                )
                claims = await self._verified(
                    client, token["id_token"], now, nonce={"essential": True, "value": going.nonce}
                )
                self._for_us(claims)
                sources = await self._sources(client, claims, token, now)
            except LoginRefused:
                raise
            except Exception as error:  # authlib, httpx and a malformed answer each raise their own
                raise LoginRefused(f"exchange_{type(error).__name__}") from error
        acr = _word(claims.get("acr"))
        operator = self._operator(str(claims["sub"]), sources, acr)
        if self._settings.oidc_acr and acr not in self._settings.oidc_acr:
            raise LoginRefused("acr", operator.name)
        return Login(
            operator,
            sid=_word(claims.get("sid")),
            refresh_token=_word(token.get("refresh_token")),
            id_token=token["id_token"],
            issued_at=self._issued_at(claims, now),
        )

    def _issued_at(self, claims: Mapping[str, Any], now: datetime) -> datetime:
        """When the issuer says that it made a token, by its own clock; told where that clock is off."""
        said_at = datetime.fromtimestamp(int(claims["iat"]), UTC)
        ahead = (said_at - now).total_seconds()
        self._on_clock(ahead)
        if abs(ahead) > LEEWAY:
            log.warning("issuer's clock is off", ahead_seconds=round(ahead))
        return said_at

    async def again(self, login: Login, now: datetime) -> Login:
        """
        Ask whether somebody may go on, at `now` (UTC), and with which roles: by the refresh token (RFC 6749, 6).

        Raises LoginRefused when the issuer says no, or gave nothing to ask with; IssuerSilent when it says nothing.
        """
        before = login.operator
        if login.refresh_token is None or before.subject is None:
            raise LoginRefused("no_refresh_token", before.name)
        async with self._client() as client:
            try:
                metadata = await self._describe(client)
                token = await client.refresh_token(
                    metadata["token_endpoint"], refresh_token=login.refresh_token
                )
            except OAuthError as error:
                if error.error in ("temporarily_unavailable", "server_error"):
                    raise IssuerSilent("issuer_unavailable", before.name) from error
                raise LoginRefused("ended_at_issuer", before.name) from error
            except LoginRefused as error:
                raise IssuerSilent(str(error), before.name) from error
            except Exception as error:  # authlib, httpx and a malformed answer each raise their own
                raise IssuerSilent(f"issuer_{type(error).__name__}", before.name) from error
            claims: Mapping[str, Any] = {"sub": before.subject}
            operator = before
            try:
                if token.get("id_token"):
                    claims = await self._verified(client, token["id_token"], now)
                    self._for_us(claims)
                    if claims["sub"] != before.subject:
                        raise LoginRefused("another_subject", before.name)
                if token.get("id_token") or set(self._settings.oidc_claims_from) != {"id_token"}:
                    sources = await self._sources(client, claims, token, now)
                    operator = self._operator(before.subject, sources, before.acr)
            except LoginRefused:
                raise
            except Exception as error:
                raise IssuerSilent(f"issuer_{type(error).__name__}", before.name) from error
        if operator.name != before.name:
            raise LoginRefused("another_hsa_id", before.name)
        return Login(
            operator,
            sid=login.sid,
            refresh_token=_word(token.get("refresh_token")) or login.refresh_token,
            id_token=_word(token.get("id_token")) or login.id_token,
        )

    async def end_address(self, login: Login) -> str | None:
        """Where the browser logs out of the issuer too (RP-Initiated Logout 1.0); None: the issuer has no such place."""
        try:
            async with self._client() as client:
                end = _word((await self._describe(client)).get("end_session_endpoint"))
        except LoginRefused:
            return None
        if end is None or urlsplit(end).scheme not in ("https", "http"):
            return None
        asked = {
            "client_id": self._client_id,
            "post_logout_redirect_uri": self._redirect_uri.removesuffix("/back"),
        }
        if login.id_token:
            asked["id_token_hint"] = login.id_token
        return f"{end}{'&' if '?' in end else '?'}{urlencode(asked)}"

    async def told_to_end(self, logout_token: str, now: datetime) -> tuple[str | None, str | None, datetime]:
        """
        Read what an issuer posts when somebody has logged out there (Back-Channel Logout 1.0, 2.6), at `now` (UTC).

        Return the subject and the issuer's session, either of which may be None, and the last moment by the issuer's clock at
        which a session can have begun that it speaks of: told again later, it ends nothing that began since. Raises
        LoginRefused.
        """
        async with self._client() as client:
            claims = await self._verified(client, logout_token, now, sub={}, jti={"essential": True})
        events = claims.get("events")
        if (
            "nonce" in claims
            or not isinstance(events, dict)
            or not isinstance(events.get(LOGOUT_EVENT), dict)
        ):
            raise LoginRefused("no_logout_token")
        subject, sid = _word(claims.get("sub")), _word(claims.get("sid"))
        if subject is None and sid is None:
            raise LoginRefused("logout_of_nobody")
        said_at = datetime.fromtimestamp(int(claims["iat"]), UTC)
        if abs(late := (now - said_at).total_seconds()) > LEEWAY:
            log.warning("logout is told late, or the issuer's clock is off", seconds=round(late))
        return subject, sid, said_at + timedelta(seconds=LEEWAY)

    def _client(self) -> AsyncOAuth2Client:
        secret = self._settings.oidc_client_secret
        return AsyncOAuth2Client(
            self._client_id,
            secret.get_secret_value() if secret else None,
            redirect_uri=self._redirect_uri,
            scope=self._settings.oidc_scope,
            code_challenge_method="S256",
            token_endpoint_auth_method="client_secret_basic" if secret else "none",
            timeout=10,
        )

    async def _describe(self, client: AsyncOAuth2Client) -> Mapping[str, Any]:
        if self._metadata is None:
            found = await self._get(client, f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != self._issuer:
                raise LoginRefused("metadata_of_another_issuer")
            self._metadata = found
        return self._metadata

    async def _verified(
        self, client: AsyncOAuth2Client, token: str, now: datetime, **demands: dict[str, Any]
    ) -> Mapping[str, Any]:
        """
        Verify a token of the issuer's for us; the keys are fetched again once, since an issuer may have changed them.

        `demands` are the library's options of further claims, and take the place of those asked for here.
        """
        asked: dict[str, Any] = {
            "iss": {"essential": True, "value": self._issuer},
            "aud": {"essential": True, "value": self._client_id},
            "exp": {"essential": True},
            "iat": {"essential": True},
            "sub": {"essential": True},
        }
        for anew in (False, True):
            if self._keys is None or anew:
                found = await self._get(client, (await self._describe(client))["jwks_uri"])
                try:
                    self._keys = keys_of(found)
                except ValueError:
                    raise LoginRefused("no_keys") from None
            try:
                decoded = jwt.decode(token, self._keys, algorithms=SIGNING)
                registry = JWTClaimsRegistry(
                    now=int(now.timestamp()), leeway=int(self._tolerance), **{**asked, **demands}
                )
                registry.validate(decoded.claims)
            except (JoseError, ValueError) as error:
                if anew:
                    raise LoginRefused(f"token_{type(error).__name__}") from error
                continue
            return decoded.claims
        raise AssertionError("the second turn returns or raises")

    def _for_us(self, claims: Mapping[str, Any]) -> None:
        """Several audiences: the token must have been made for us (OpenID Connect Core 1.0, 3.1.3.7, 3 to 5)."""
        audience, party = claims["aud"], claims.get("azp")
        several = isinstance(audience, list) and len(audience) > 1
        if (several or party is not None) and party != self._client_id:
            raise LoginRefused("made_for_another")

    async def _sources(
        self, client: AsyncOAuth2Client, claims: Mapping[str, Any], token: Mapping[str, Any], now: datetime
    ) -> Sequence[Mapping[str, Any]]:
        """Return what is looked through for roles, HSA-id and unit, in the order of the settings, of one subject."""
        found: list[Mapping[str, Any]] = []
        for source in self._settings.oidc_claims_from:
            match source:
                case "id_token":
                    found.append(claims)
                case "access_token":
                    # its audience is a resource; that it was made for us its `azp` or `client_id` says (RFC 9068)
                    said = await self._verified(client, str(token["access_token"]), now, aud={}, iat={})
                    if self._client_id not in (said.get("azp"), said.get("client_id")):
                        raise LoginRefused("access_token_of_another")
                    found.append(said)
                case _:
                    found.append(await self._userinfo(client))
        if any(said.get("sub") != claims["sub"] for said in found):
            raise LoginRefused("another_subject")
        return found

    async def _userinfo(self, client: AsyncOAuth2Client) -> Mapping[str, Any]:
        place = (await self._describe(client)).get("userinfo_endpoint")
        if not isinstance(place, str):
            raise LoginRefused("no_userinfo")
        return await self._get(client, place, withhold_token=False)

    async def _get(
        self, client: AsyncOAuth2Client, url: str, *, withhold_token: bool = True
    ) -> Mapping[str, Any]:
        try:
            answer = await client.request("GET", url, withhold_token=withhold_token)
            answer.raise_for_status()
            found = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise IssuerSilent(f"issuer_{type(error).__name__}") from error
        if not isinstance(found, dict):
            raise LoginRefused("issuer_answer")
        return found

    def _operator(self, subject: str, sources: Sequence[Mapping[str, Any]], acr: str | None) -> Operator:
        """Say who it is. Raises LoginRefused without a role, or without an HSA-id where the access log needs one."""
        settings = self._settings
        given = _word(claim_of(sources, settings.oidc_hsa_claim))
        hsa_id = operator_hsa_id(given, settings)
        name = hsa_id or mask(subject)
        roles = roles_of(claim_of(sources, settings.oidc_role_claim), settings.oidc_role_map)
        if not roles:
            raise LoginRefused("no_role", name)
        if hsa_id is None and not roles.isdisjoint(NAMED):
            raise LoginRefused("no_hsa_id" if given is None else "hsa_id_form", name)
        bound = Binding(
            self._bound(sources, settings.oidc_regions_claim, settings.oidc_region_map, name),
            self._bound(sources, settings.oidc_units_claim, None, name),
        )
        return Operator(
            name=name,
            roles=roles,
            hsa_id=hsa_id,
            unit=_word(claim_of(sources, settings.oidc_unit_claim)),
            issuer=self._issuer,
            subject=subject,
            acr=acr,
            bound=bound,
        )

    def _bound(
        self,
        sources: Sequence[Mapping[str, Any]],
        claim: str | None,
        mapping: Mapping[str, str] | None,
        name: str,
    ) -> frozenset[str] | None:
        """
        What a claim binds a login to; None: to nothing, since no claim is asked for, or it says `*`.

        Raises LoginRefused where it is asked for and names nothing: a claim that an issuer forgot must not open everything.
        """
        if claim is None:
            return None
        said = words_of(claim_of(sources, claim))
        if UNBOUND in said:
            return None
        found = said if not mapping else {mapping[word] for word in said if word in mapping}
        if not found:
            raise LoginRefused("not_bound", name)
        return (
            frozenset(found) if mapping is not None else frozenset(canonical_hsa_id(word) for word in found)
        )


UNBOUND = "*"
"""What a claim says of somebody who is bound to no region, or to no unit."""


def words_of(claim: object) -> set[str]:
    """The words of a claim: a list of texts, or one text with spaces or commas between them."""
    values = claim.replace(",", " ").split() if isinstance(claim, str) else claim
    return (
        {str(value).strip() for value in values if str(value).strip()} if isinstance(values, list) else set()
    )


def claim_of(sources: Iterable[Mapping[str, Any]], path: str) -> object:
    """
    Return the value of a claim in the first source that has it; None: none has.

    `path` is a name (`roles`, `https://region.example/roles`), or names by dots (`realm_access.roles`).
    """
    for source in sources:
        if path in source:
            return source[path]
        found: object = source
        for name in path.split("."):
            found = found.get(name) if isinstance(found, Mapping) else None
        if found is not None:
            return found
    return None


def roles_of(claim: object, mapping: Mapping[str, str]) -> frozenset[ConsoleRole]:
    """Return the roles that a claim gives; unknown values give none. Without a mapping the roles' own names count."""
    values = claim.split() if isinstance(claim, str) else claim if isinstance(claim, list) else []
    named = {mapping.get(str(value)) if mapping else str(value) for value in values}
    return frozenset(role for role in ConsoleRole if str(role) in named)


def _word(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


class TrialLinks:
    """
    Links that log in once each, for a trial on this machine.

    `anywhere`: from any address; a container sees its own network's gateway where the browser is on this machine.
    """

    def __init__(self, now: datetime, *, anywhere: bool = False) -> None:
        self._anywhere = anywhere
        self._ends = now + LINK_LIVES
        self._waiting: dict[str, Operator] = {}

    def draw(self, operator: Operator) -> str:
        """Return the token of a new link."""
        token = secrets.token_urlsafe(32)
        self._waiting[token] = operator
        return token

    def take(self, token: str, client_host: str | None, now: datetime) -> Operator:
        """Use a link up, at `now` (UTC). Raises LoginRefused."""
        if not (self._anywhere or is_loopback(client_host)):
            raise LoginRefused("not_from_this_machine")
        found = next((known for known in self._waiting if hmac.compare_digest(known, token)), None)
        if found is None:
            raise LoginRefused("link_unknown_or_used")
        operator = self._waiting.pop(found)
        if now >= self._ends:
            raise LoginRefused("link_too_old")
        return operator


def trial_operators(
    hsa_ids: Iterable[str] = ("SE2321000065-SUP1", "SE2321000065-SUP2"),
) -> tuple[Operator, ...]:
    """Two people for a trial: the first works, the second approves, and both may do all else."""
    both = (
        ConsoleRole.VIEWER,
        ConsoleRole.OPERATOR,
        ConsoleRole.AUDITOR,
        ConsoleRole.APPROVER,
        ConsoleRole.RULE_OWNER,
        ConsoleRole.PROTECTED_IDENTITY,
    )
    return tuple(
        Operator(hsa_id, frozenset(both), hsa_id, unit=hsa_id.rpartition("-")[0] or None)
        for hsa_id in hsa_ids
    )
