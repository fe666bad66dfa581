"""
Logging in: OpenID Connect (authorization code with PKCE), or for a local trial a link that works once.

What an issuer says is believed after its signature, issuer, audience, nonce and times are checked (OpenID Connect
Core 1.0, 3.1.3.7). Without one of the four roles nobody gets in. The trial's links are refused in production, and for
anybody who does not come from this machine.
"""

import hmac
import secrets
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry

from workers.ops.auth import keys_of
from workers.ops.listening import is_loopback
from workers.ops.sessions import ConsoleRole, Operator
from workers.runtime.settings import Settings

with warnings.catch_warnings():
    # the library says at import that it will take httpx's successor one day; operators need not read that
    import authlib.deprecate  # noqa: F401 - sets a filter of its own, so ours comes after it

    warnings.simplefilter("ignore")
    from authlib.integrations.httpx_client import AsyncOAuth2Client

SIGNING = ["RS256", "PS256", "ES256", "ES384"]
LINK_LIVES = timedelta(hours=1)
LEEWAY = 60
"""Seconds that an issuer's clock may be off."""


class LoginRefused(Exception):
    """The login did not succeed. The message is a code for the log, and names nobody."""


@dataclass(frozen=True, slots=True)
class Going:
    """A login under way, kept in the browser's signed cookie until the issuer sends it back."""

    state: str
    nonce: str
    verifier: str
    next: str


class Issuer:
    """An OpenID Connect issuer. Its metadata and keys are fetched when they are first needed."""

    def __init__(self, settings: Settings, redirect_uri: str) -> None:
        if settings.oidc_issuer is None or settings.oidc_client_id is None:
            raise ValueError("an issuer and a client id are needed")
        self._settings = settings
        self._issuer = settings.oidc_issuer
        self._client_id = settings.oidc_client_id
        self._redirect_uri = redirect_uri
        self._metadata: Mapping[str, Any] | None = None
        self._keys: KeySet | None = None

    def begin(self, next_path: str) -> Going:
        """Draw what ties the answer to this browser."""
        return Going(
            secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48), next_path
        )

    async def address(self, going: Going) -> str:
        """Return where the browser is to log in. Raises LoginRefused when the issuer does not answer."""
        async with self._client() as client:
            metadata = await self._describe(client)
            url, _ = client.create_authorization_url(
                metadata["authorization_endpoint"],
                state=going.state,
                nonce=going.nonce,
                code_verifier=going.verifier,
            )
        return str(url)

    async def finish(self, going: Going, query: Mapping[str, str], now: datetime) -> Operator:
        """Exchange the code, check the ID token at `now` (UTC), and say who it is. Raises LoginRefused."""
        if not hmac.compare_digest(query.get("state", ""), going.state):
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
                claims = await self._claims(client, token["id_token"], going.nonce, now)
            except LoginRefused:
                raise
            except Exception as error:  # authlib, httpx and a malformed answer each raise their own
                raise LoginRefused(f"exchange_{type(error).__name__}") from error
        return self._operator(claims)

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

    async def _claims(
        self, client: AsyncOAuth2Client, id_token: str, nonce: str, now: datetime
    ) -> Mapping[str, Any]:
        """Verify the ID token; the keys are fetched again once, since an issuer may have changed them."""
        for anew in (False, True):
            if self._keys is None or anew:
                found = await self._get(client, (await self._describe(client))["jwks_uri"])
                try:
                    self._keys = keys_of(found)
                except ValueError:
                    raise LoginRefused("no_keys") from None
            try:
                token = jwt.decode(id_token, self._keys, algorithms=SIGNING)
                JWTClaimsRegistry(
                    now=int(now.timestamp()),
                    leeway=LEEWAY,
                    iss={"essential": True, "value": self._issuer},
                    aud={"essential": True, "value": self._client_id},
                    exp={"essential": True},
                    iat={"essential": True},
                    sub={"essential": True},
                    nonce={"essential": True, "value": nonce},
                ).validate(token.claims)
            except (JoseError, ValueError) as error:
                if anew:
                    raise LoginRefused(f"id_token_{type(error).__name__}") from error
                continue
            return token.claims
        raise AssertionError("the second turn returns or raises")

    async def _get(self, client: AsyncOAuth2Client, url: str) -> Mapping[str, Any]:
        try:
            answer = await client.request("GET", url, withhold_token=True)
            answer.raise_for_status()
            found = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise LoginRefused(f"issuer_{type(error).__name__}") from error
        if not isinstance(found, dict):
            raise LoginRefused("issuer_answer")
        return found

    def _operator(self, claims: Mapping[str, Any]) -> Operator:
        roles = roles_of(claims.get(self._settings.oidc_role_claim), self._settings.oidc_role_map)
        if not roles:
            raise LoginRefused("no_role")
        hsa_id = _word(claims.get(self._settings.oidc_hsa_claim))
        return Operator(
            name=hsa_id or str(claims["sub"]),
            roles=roles,
            hsa_id=hsa_id,
            unit=_word(claims.get(self._settings.oidc_unit_claim)),
        )


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
    both = (ConsoleRole.VIEWER, ConsoleRole.OPERATOR, ConsoleRole.AUDITOR, ConsoleRole.APPROVER)
    return tuple(
        Operator(hsa_id, frozenset(both), hsa_id, unit=hsa_id.rpartition("-")[0] or None)
        for hsa_id in hsa_ids
    )
