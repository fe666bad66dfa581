"""
Who is logged in to the console: sessions kept in the database, under a random token that only the browser has.

The cookie is signed, so that a guessed token never reaches the database; the row holds the roles, so that logging out
ends a session everywhere at once. A session ends when it is silent for too long, and at the latest after a working
day. What the issuer gave to ask about it again is kept sealed under the browser's own token: nobody who reads the
database, or has the cookies' secret, can use it.
"""

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from itsdangerous import BadSignature, Signer

from sigill.operations.operators import ConsoleRole, Operator
from sigill.runtime.clock import Clock
from sigill.store import console as stored
from sigill.store import console_sessions
from sigill.store.session import Store

SEEN_AGAIN = timedelta(seconds=60)
"""How often a session notes that it was seen."""
UNMASKED_FOR = timedelta(minutes=15)
"""How long what was unmasked stays so, for this session alone."""


@dataclass(frozen=True, slots=True)
class Login:
    """
    What a login gave: who it is, and what to ask the issuer about the session with.

    `sid` is the issuer's own name of the session. The tokens are secrets.
    """

    operator: Operator
    sid: str | None = None
    refresh_token: str | None = field(default=None, repr=False)
    id_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Unmasked:
    """Something that this session may show, for a reason, until a moment (UTC)."""

    reason: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """A session as a request finds it."""

    token_hash: bytes
    operator: Operator
    csrf: str
    opened: dict[str, Unmasked] = field(default_factory=dict)
    login: Login | None = None
    """What the issuer gave; None for a trial's link."""
    confirmed_at: datetime | None = None
    """When the issuer last said that it may go on (UTC)."""

    def reason(self, what: str, now: datetime) -> str | None:
        """Why `what` is open in this session; None when it is not, or not any more."""
        found = self.opened.get(what)
        return found.reason if found is not None and now < found.until else None


class Sessions:
    """Begins, finds and ends sessions."""

    def __init__(self, store: Store, clock: Clock, secret: str, *, idle: float, longest: float) -> None:
        """`secret` signs the cookies; `idle` and `longest` are in seconds."""
        self._store = store
        self._clock = clock
        self._secret = secret.encode()
        self._signer = Signer(secret, salt="sigill-console", digest_method=hashlib.sha256)
        self._idle = timedelta(seconds=idle)
        self._longest = timedelta(seconds=longest)

    async def begin(self, given: Operator | Login) -> str:
        """Begin a session; return the cookie's value. The operator's name in the audit chain is `reference_of` it."""
        login = given if isinstance(given, Login) else None
        operator = given.operator if isinstance(given, Login) else given
        now = self._clock.now()
        token = secrets.token_urlsafe(32)
        async with self._store.transaction(now) as tx:
            await console_sessions.sweep_sessions(tx, now - self._idle)
            await console_sessions.begin_session(
                tx,
                _hash(token),
                stored.SessionOwner(
                    operator=operator.name,
                    hsa_id=operator.hsa_id,
                    unit=operator.unit,
                    roles=tuple(sorted(str(role) for role in operator.roles)),
                    issuer=operator.issuer,
                    subject=operator.subject,
                    acr=operator.acr,
                    sid=login.sid if login else None,
                    bound=operator.bound,
                ),
                csrf=secrets.token_urlsafe(32),
                tokens=self._sealed(token, login),
                ends_at=now + self._longest,
            )
        return self._signer.sign(token).decode("ascii")

    async def find(self, cookie: str | None) -> Session | None:
        """Return the session of a cookie; None when it is not ours, or over."""
        token = self._token(cookie)
        if token is None:
            return None
        now = self._clock.now()
        async with self._store.reading() as tx:
            found = await console_sessions.session(tx, _hash(token), now, now - self._idle)
        if found is None:
            return None
        if now - found.seen_at >= SEEN_AGAIN:
            async with self._store.transaction(now) as tx:
                await console_sessions.touch_session(tx, _hash(token))
        owner = found.owner
        operator = Operator(
            owner.operator,
            frozenset(ConsoleRole(role) for role in owner.roles),
            owner.hsa_id,
            owner.unit,
            owner.issuer,
            owner.subject,
            owner.acr,
            _hash(token).hex()[:16],
            owner.bound,
        )
        opened = {
            what: Unmasked(one["reason"], datetime.fromisoformat(one["until"]))
            for what, one in json.loads(found.opened).items()
        }
        login = self._unsealed(token, operator, owner.sid, found.tokens) if owner.issuer else None
        return Session(_hash(token), operator, found.csrf, opened, login, found.confirmed_at)

    async def to_be_asked(self, session: Session, confirmed_before: datetime, asked_before: datetime) -> bool:
        """
        Whether this process is the one that asks the issuer about a session now.

        So for a session last confirmed at or before one moment (UTC) that nobody has asked about since the other.
        """
        async with self._store.transaction(self._clock.now()) as tx:
            return await stored.claim_question(tx, session.token_hash, confirmed_before, asked_before)

    async def confirmed(self, session: Session, cookie: str, login: Login) -> None:
        """Note that the issuer let the session go on, with the roles and the unit that it named now."""
        token = self._token(cookie)
        if token is None:
            return
        roles = sorted(str(role) for role in login.operator.roles)
        async with self._store.transaction(self._clock.now()) as tx:
            await stored.confirm_session(
                tx,
                session.token_hash,
                roles,
                login.operator.unit,
                login.operator.bound,
                self._sealed(token, login),
            )

    async def end_of(self, issuer: str, subject: str | None, sid: str | None) -> list[str]:
        """End an issuer's session, or all of a subject when it names none; return whose ended, by name."""
        async with self._store.transaction(self._clock.now()) as tx:
            return await stored.end_sessions_of(tx, issuer, subject, sid)

    def _sealed(self, token: str, login: Login | None) -> bytes | None:
        if login is None:
            return None
        nonce = secrets.token_bytes(12)
        inside = json.dumps({"refresh": login.refresh_token, "id": login.id_token}).encode()
        return nonce + AESGCM(self._key(token)).encrypt(nonce, inside, _hash(token))

    def _unsealed(self, token: str, operator: Operator, sid: str | None, sealed: bytes | None) -> Login:
        """A seal that does not open (another secret since) leaves nothing to ask with: the session ends at the next look."""
        kept: dict[str, str | None] = {}
        if sealed is not None:
            try:
                kept = json.loads(AESGCM(self._key(token)).decrypt(sealed[:12], sealed[12:], _hash(token)))
            except InvalidTag:
                kept = {}
        return Login(operator, sid, kept.get("refresh"), kept.get("id"))

    def _key(self, token: str) -> bytes:
        return HKDF(SHA256(), 32, token.encode(), b"sigill-console-tokens").derive(self._secret)

    async def open(self, session: Session, what: str, reason: str) -> None:
        """Let the session show `what` for a while."""
        now = self._clock.now()
        until = (now + UNMASKED_FOR).isoformat()
        async with self._store.transaction(now) as tx:
            entry = json.dumps({what: {"reason": reason, "until": until}})
            await console_sessions.open_in_session(tx, session.token_hash, entry)

    async def end(self, session: Session) -> None:
        """End a session, in every browser window."""
        async with self._store.transaction(self._clock.now()) as tx:
            await console_sessions.end_session(tx, session.token_hash)

    def reference_of(self, cookie: str) -> str:
        """Return how the audit chain names the session of a cookie; nobody gets in with it."""
        token = self._token(cookie)
        return "" if token is None else _hash(token).hex()[:16]

    def _token(self, cookie: str | None) -> str | None:
        if not cookie:
            return None
        try:
            return self._signer.unsign(cookie).decode("ascii")
        except (BadSignature, UnicodeError):
            return None


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
