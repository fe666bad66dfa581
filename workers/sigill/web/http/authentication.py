"""
Who asks: bearer tokens (OAuth 2, RFC 6750 and 9068) or client certificates (mutual TLS). Shared by API and console.

There is no default: without an issuer and its keys, or certificates and their rights, nothing is answered.
Tokens: asymmetric algorithms only, `iss`, `aud`, `exp` and a subject demanded; keys from a file or an address, fetched
again when a token names one that is not there. Certificates: by our own TLS listener, or from a proxy that is named in
the settings, in `Client-Cert` (RFC 9440).
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import math
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import httpx
import structlog
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from starlette.requests import Request

from sigill.runtime.clock import Clock, stopwatch
from sigill.web.http.security import Attempts, network_of
from sigill.web.http.serving import address_of

DECIDE, EXPLAIN, OPERATOR = "access:decide", "access:explain", "operator"
SCOPES: Mapping[str, str] = {
    DECIDE: "Ask whether somebody may reach something now: yes or no, fit for the viewer.",
    EXPLAIN: "See why, until when and at other moments; measures, the whole picture of a patient, and timelines. For staff.",
    OPERATOR: "Everything, as a person of the support desk, who is named in the access log.",
}
ALGORITHMS = ("ES256", "ES384", "PS256", "RS256", "Ed25519", "EdDSA")
LEEWAY = 30
"""Seconds that the issuer's clock may differ from ours."""
_TOKEN_MAX = 16_384
_KEPT = 10_000
_KEY_TYPES = ("EC", "RSA", "OKP")
_TYPES = ("at+jwt", "application/at+jwt", "jwt", "")
_OTHER_KINDS = frozenset({"at_hash", "c_hash", "events"})
"""Claims of ID tokens (OpenID Connect Core 1.0, 3.1.3.6 and 3.3.2.11) and of logout and other event tokens (RFC 8417)."""
_log = structlog.get_logger("sigill.auth")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `actor` goes into the access log; `scopes` say what is allowed."""

    actor: str
    scopes: frozenset[str]
    unit: str | None = None

    def may(self, scope: str) -> bool:
        """Whether something is allowed; an operator may do everything."""
        return scope in self.scopes or OPERATOR in self.scopes


class AuthenticationRefused(Exception):
    """
    Who asks is not proven, may not do that, or has done it too often.

    `kind` is a kind of problem; `challenge` goes into the answer; `retry_after` is in whole seconds.
    """

    def __init__(
        self, kind: str, detail: str, challenge: str | None = None, retry_after: int | None = None
    ) -> None:
        super().__init__(kind)
        self.kind, self.detail, self.challenge, self.retry_after = kind, detail, challenge, retry_after


class Guard(Protocol):
    """Says who sends a request."""

    async def caller(self, request: Request) -> Caller | None:
        """Return who asks; None: nothing of this kind came along. Raises Refused."""
        ...


class NotConfigured(Exception):
    """No way to prove who asks is set up. The message says which settings to give."""


def _challenge(error: str = "", scope: str = "") -> str:
    parts = ['Bearer realm="sigill"']
    if error:
        parts.append(f'error="{error}"')
    if scope:
        parts.append(f'scope="{scope}"')
    return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Limits:
    """
    How much one account may ask, and how often one address may come without proof of who it is.

    Whoever proves who they are is counted by account alone: what others try at the same address costs them nothing.
    An address is the connection's, or the one that a proxy of `proxies` names (`X-Forwarded-For`).
    """

    questions: Attempts
    refusals: Attempts
    proxies: Sequence[str] = ()

    def ask(self, caller: Caller, questions: int) -> None:
        """Count an account's questions. Raises AuthenticationRefused when they are too many."""
        wait = self.questions.wait(caller.actor, questions)
        if wait:
            raise AuthenticationRefused(
                "too-many", "this account has asked too much in the last minute", retry_after=math.ceil(wait)
            )

    def refuse(self, request: Request) -> None:
        """Count a request whose sender is not proven. Raises AuthenticationRefused when there were too many from there."""
        wait = self.refusals.wait(network_of(address_of(request.scope, self.proxies)))
        if wait:
            raise AuthenticationRefused(
                "too-many",
                "too many requests from this address did not prove who sent them",
                retry_after=math.ceil(wait),
            )


class Guards:
    """Several ways to prove who asks, tried in order; `limits` say how often."""

    def __init__(self, guards: Sequence[Guard], limits: Limits | None = None) -> None:
        """Raises NotConfigured without any guard."""
        if not guards:
            raise NotConfigured(
                "nobody could prove who they are: give SIGILL_API_ISSUER with SIGILL_API_JWKS_URL or "
                "SIGILL_API_JWKS_FILE for tokens, or SIGILL_API_CLIENTS for certificates"
            )
        self._guards = tuple(guards)
        self._limits = limits

    async def demand(self, request: Request, *scopes: str) -> Caller:
        """Return who asks, if they may do all of that. The request counts as one question. Raises Refused."""
        try:
            caller = await self._proven(request)
        except AuthenticationRefused as refused:
            if self._limits is not None and refused.kind == "not-authenticated":
                self._limits.refuse(request)
            raise
        self.count(caller, 1)
        allow(caller, *scopes)
        return caller

    def count(self, caller: Caller, questions: int) -> None:
        """Count an account's questions. Raises AuthenticationRefused when it has asked too much."""
        if self._limits is not None and questions:
            self._limits.ask(caller, questions)

    async def _proven(self, request: Request) -> Caller:
        for guard in self._guards:
            caller = await guard.caller(request)
            if caller is not None:
                return caller
        raise AuthenticationRefused(
            "not-authenticated", "a bearer token or a client certificate is needed", _challenge()
        )


def allow(caller: Caller, *scopes: str) -> None:
    """Raise Refused unless the caller may do all of that."""
    lacking = [scope for scope in scopes if not caller.may(scope)]
    if lacking:
        raise AuthenticationRefused(
            "not-allowed",
            f"the scope {lacking[0]} is needed",
            _challenge("insufficient_scope", " ".join(scopes)),
        )


class Keys:
    """The issuer's public keys, from a file or an address."""

    def __init__(
        self, fetch: Callable[[], Any], *, least_pause: float = 10.0, longest: float = 3600.0
    ) -> None:
        """`fetch` gives the JWKS document, or an awaitable of it; `least_pause` seconds lie between two fetches."""
        self._fetch = fetch
        self._least, self._longest = least_pause, longest
        self._set: KeySet | None = None
        self._fetched = self._tried = float("-inf")
        self._lock = asyncio.Lock()
        self.generation = 0

    @classmethod
    def from_file(cls, path: Path) -> Keys:
        """Keys of a file, read again when a token names an unknown one."""
        return cls(path.read_bytes)

    @classmethod
    def from_url(cls, url: str, client: httpx.AsyncClient) -> Keys:
        """Keys of an address."""

        async def fetch() -> bytes:
            answer = await client.get(url, headers={"Accept": "application/json"})
            answer.raise_for_status()
            return answer.content

        return cls(fetch)

    async def current(self, kid: str | None) -> KeySet:
        """Return the keys, fetched again when they are old or lack `kid`. Raises Refused when there are none."""
        now = stopwatch()
        if self._stale(kid, now) and now - self._tried >= self._least:
            async with self._lock:
                if now - self._tried >= self._least:
                    self._tried = now
                    await self._renew(now)
        if self._set is None:
            raise AuthenticationRefused("keys-unavailable", "the issuer's keys cannot be fetched now")
        return self._set

    def _stale(self, kid: str | None, now: float) -> bool:
        if self._set is None or now - self._fetched > self._longest:
            return True
        return kid is not None and all(key.kid != kid for key in self._set.keys)

    async def _renew(self, now: float) -> None:
        try:
            found = self._fetch()
            if asyncio.iscoroutine(found):
                found = await found
            self._set = read_keys(found)
            self._fetched = now
            self.generation += 1
        except (httpx.HTTPError, OSError, ValueError, JoseError) as error:
            _log.warning("keys_not_fetched", error=type(error).__name__)


def read_keys(document: bytes) -> KeySet:
    """Read a JWKS document as `keys_of` does. Raises ValueError also for what is no JSON."""
    import json  # noqa: PLC0415

    return keys_of(json.loads(document))


def keys_of(listed: object) -> KeySet:
    """
    Read the content of a JWKS document: its asymmetric keys, as public ones. Raises ValueError when there is none.

    A symmetric key is left out: whoever can check it could make tokens with it. So is one that cannot be read (an unknown
    curve, a malformed member): it costs nobody but itself.
    """
    if not isinstance(listed, dict) or not isinstance(listed.get("keys"), list):
        raise ValueError("not a JWKS document")
    private = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
    public = [
        {name: part for name, part in key.items() if name not in private}
        for key in listed["keys"]
        if isinstance(key, dict) and key.get("kty") in _KEY_TYPES and key.get("use", "sig") == "sig"
    ]
    keys = []
    for key in public:
        try:
            keys += KeySet.import_key_set({"keys": [key]}).keys
        except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
            _log.warning("key_left_out", error=type(error).__name__)
    if not keys:
        raise ValueError("no key to check signatures with")
    return KeySet(keys)


class Tokens:
    """Bearer tokens of one issuer. A token that was checked once is believed until it expires or the keys change."""

    def __init__(self, keys: Keys, *, issuer: str, audience: str, clock: Clock) -> None:
        self._keys, self._clock = keys, clock
        self._issuer, self._audience = issuer, audience
        self._checked: OrderedDict[bytes, tuple[Caller, float, int]] = OrderedDict()

    async def caller(self, request: Request) -> Caller | None:
        """Return who the token names; None without one. Raises Refused."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = token.strip()
        if not token or len(token) > _TOKEN_MAX or not token.isascii():
            raise AuthenticationRefused("not-authenticated", "this is no token", _challenge("invalid_token"))
        digest = hashlib.sha256(token.encode()).digest()
        known = self._checked.get(digest)
        now = self._clock.now()
        if known is not None and known[1] > now.timestamp() and known[2] == self._keys.generation:
            return known[0]
        caller, expires = await self._check(token, now)
        self._checked[digest] = (caller, expires, self._keys.generation)
        if len(self._checked) > _KEPT:
            self._checked.popitem(last=False)
        return caller

    async def _check(self, token: str, now: datetime) -> tuple[Caller, float]:
        try:
            kid = jwt_header(token).get("kid")
            keys = await self._keys.current(kid if isinstance(kid, str) else None)
            proven = jwt.decode(token, keys, algorithms=list(ALGORITHMS))
            return self._read(proven.header, proven.claims, now.timestamp())
        except (JoseError, ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
            raise AuthenticationRefused(
                "not-authenticated", "the token is not valid", _challenge("invalid_token")
            ) from error

    def _read(self, header: Mapping[str, Any], claims: Mapping[str, Any], now: float) -> tuple[Caller, float]:
        if str(header.get("typ", "")).lower() not in _TYPES:
            raise ValueError("typ")
        # issuers that sign every kind of token alike say in the body which it is: Keycloak by `typ`, all by what it is for
        if str(claims.get("typ", "bearer")).lower() != "bearer" or not _OTHER_KINDS.isdisjoint(claims):
            raise ValueError("no access token")
        audience = claims.get("aud")
        meant = [audience] if isinstance(audience, str) else audience
        if claims.get("iss") != self._issuer or not isinstance(meant, list) or self._audience not in meant:
            raise ValueError("iss or aud")
        expires, begins = claims["exp"], claims.get("nbf", 0)
        if isinstance(expires, bool) or not (math.isfinite(expires) and math.isfinite(begins)):
            raise ValueError("exp or nbf")
        if now >= float(expires) + LEEWAY or now < float(begins) - LEEWAY:
            raise ValueError("exp or nbf")
        subject, client = claims.get("sub"), claims.get("client_id") or claims.get("azp")
        if not isinstance(subject, str) or not subject:
            raise ValueError("sub")
        scope = claims.get("scope", claims.get("scp", ""))
        scopes = frozenset(scope.split() if isinstance(scope, str) else (str(word) for word in scope))
        unit = claims.get("unit")
        if any(not claim.isprintable() for claim in (subject, client, unit) if isinstance(claim, str)):
            raise ValueError("sub, client_id or unit: what no log can hold")  # U+0000, half a surrogate pair
        actor = subject if client in (None, subject) else f"{subject} ({client})"
        return Caller(actor[:200], scopes, unit if isinstance(unit, str) else None), float(expires)


def jwt_header(token: str) -> dict[str, Any]:
    """Return a token's header, unproven. Raises ValueError when it has none."""
    import json  # noqa: PLC0415

    first = token.split(".", 1)[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)))
    except (ValueError, RecursionError) as error:  # binascii's, json's, and nesting without end
        raise ValueError("no header") from error
    if not isinstance(header, dict):
        raise ValueError("no header")
    return header


class Certificates:
    """
    Client certificates. What a subject may do stands in the settings, by its RFC 4514 name or its SHA-256 in hex.

    A certificate was proven by the TLS listener that took it: ours, or a proxy at one of `proxies`.
    """

    def __init__(self, rights: Mapping[str, Sequence[str]], *, proxies: Sequence[str] = ()) -> None:
        """Raises NotConfigured for a right that there is not."""
        for name, scopes in rights.items():
            if unknown := set(scopes) - set(SCOPES):
                raise NotConfigured(f"SIGILL_API_CLIENTS: {name} has an unknown scope, {sorted(unknown)[0]}")
        self._rights = {name: frozenset(scopes) for name, scopes in rights.items()}
        self._proxies = frozenset(proxies)
        self._read: OrderedDict[bytes, Caller | None] = OrderedDict()

    async def caller(self, request: Request) -> Caller | None:
        """Return who the certificate names; None without one. Raises Refused for one without rights."""
        der = self._certificate(request)
        if der is None:
            return None
        digest = hashlib.sha256(der).digest()
        if digest not in self._read:
            self._read[digest] = self._named(der)
            if len(self._read) > _KEPT:
                self._read.popitem(last=False)
        caller = self._read[digest]
        if caller is None:
            raise AuthenticationRefused("not-allowed", "the certificate has no rights here")
        return caller

    def _certificate(self, request: Request) -> bytes | None:
        own = request.scope.get("extensions", {}).get("tls", {}).get("client_cert_der")
        if isinstance(own, bytes):
            return own
        fields = request.headers.getlist("client-cert")
        if not fields or request.client is None or request.client.host not in self._proxies:
            return None  # a field that anybody could send proves nothing
        if len(fields) > 1:  # the caller's own, and the proxy's behind it
            raise AuthenticationRefused("not-authenticated", "more than one Client-Cert")
        field = fields[0]
        try:
            if len(field) < 2 or not (field.startswith(":") and field.endswith(":")):
                raise ValueError
            return base64.b64decode(field[1:-1], validate=True)
        except ValueError as error:  # binascii.Error is one
            raise AuthenticationRefused(
                "not-authenticated", "Client-Cert is not as RFC 9440 has it"
            ) from error

    def _named(self, der: bytes) -> Caller | None:
        try:
            certificate = x509.load_der_x509_certificate(der)
            subject = certificate.subject.rfc4514_string()
        except ValueError as error:
            raise AuthenticationRefused("not-authenticated", "the certificate cannot be read") from error
        for name in (certificate.fingerprint(SHA256()).hex(), subject):
            if name in self._rights:
                return Caller(subject[:200] or name, self._rights[name])
        return None
