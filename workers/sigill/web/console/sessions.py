"""
Who is logged in to the console: sessions kept in the database, under a random token that only the browser has.

The cookie is signed, so that a guessed token never reaches the database; the row holds the roles, so that logging out
ends a session everywhere at once. A session ends when it is silent for too long, and at the latest after a working
day. What the issuer gave to ask about it again is kept sealed under the browser's own token: nobody who reads the
database, or has the cookies' secret, can use it. Nor can they read a form that was sent when its session was over:
it waits, sealed likewise, until the one to whom it was shown has logged in again.
"""

import asyncio
import hashlib
import hmac
import json
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from itsdangerous import BadSignature, Signer
from starlette.responses import RedirectResponse, Response

from sigill.operations.operators import ConsoleRole, Operator
from sigill.policy.calendar import swedish_date
from sigill.runtime.clock import Clock
from sigill.store import console as stored
from sigill.store import console_sessions, units
from sigill.store.session import Store, passing

SEEN_AGAIN = timedelta(seconds=60)
"""How often a session notes that it was seen."""
UNMASKED_FOR = timedelta(minutes=15)
"""How long what was unmasked stays so, for this session alone."""
KEPT_FOR = timedelta(minutes=30)
"""How long a form is kept that came when its session was over."""
_FORM = b"sigill-console-form"
_LOOKS, _LOOK_AGAIN = 50, 0.2
"""How often, and at which distance in seconds, a second click looks whether the first has been carried out."""


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
    issued_at: datetime | None = None
    """When it began, by the issuer's own clock."""


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
        self._forms = Signer(secret, salt="sigill-console-form", digest_method=hashlib.sha256)
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
                issued_at=login.issued_at if login else None,
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
            # a unit answers for those that it succeeded, from the day on which it did
            bound = await units.binding_on(tx, found.owner.bound, swedish_date(now))
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
            bound,
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

    async def end_of(
        self, issuer: str, subject: str | None, sid: str | None, begun_by: datetime
    ) -> list[str]:
        """
        End an issuer's session, or all of a subject when it names none, that began until `begun_by` by the issuer's clock.

        Return whose ended, by name.
        """
        async with self._store.transaction(self._clock.now()) as tx:
            return await stored.end_sessions_of(tx, issuer, subject, sid, begun_by)

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

    def _key(self, token: str, what: bytes = b"sigill-console-tokens") -> bytes:
        return HKDF(SHA256(), 32, token.encode(), what).derive(self._secret)

    def form_key(self, operator: Operator) -> str:
        """
        Return the key of the forms of one page, as its hidden field `once` holds it: signed, and bound to whom it is shown to.
        """
        nonce = secrets.token_urlsafe(12)
        return self._forms.sign(f"{nonce}.{self._shown_to(nonce, operator)}").decode("ascii")

    def is_form_key(self, key: object) -> bool:
        """Whether a key is one of ours, whoever's form it is."""
        return isinstance(key, str) and self._forms.validate(key)

    def is_form_of(self, key: str, operator: Operator) -> bool:
        """Whether the form with a key was shown to an operator."""
        if not self.is_form_key(key):
            return False
        nonce, _, whose = self._forms.unsign(key).decode("ascii").partition(".")
        return hmac.compare_digest(whose, self._shown_to(nonce, operator))

    def _shown_to(self, nonce: str, operator: Operator) -> str:
        who = json.dumps([nonce, operator.issuer, operator.subject, operator.name]).encode()
        return hmac.new(self._secret, who, hashlib.sha256).hexdigest()[:32]

    async def carry_out_once(
        self, session: Session, sent: bytes, carry_out: Callable[[], Awaitable[Response]]
    ) -> Response | None:
        """
        Carry out a form that led its sender on to a path no second time, but answer with that path again.

        `sent` is the form with its key and what was typed. An answer that leads nowhere (a fault, a page) keeps nothing: the form
        may be sent again. None: it was begun and nobody knows how it ended. To the login where the session ended meanwhile.
        """
        form = hashlib.sha256(sent).digest()
        for _ in range(_LOOKS):
            async with self._store.transaction(self._clock.now()) as tx:
                if await console_sessions.claim_form(tx, session.token_hash, form):
                    break
                known, answer = await console_sessions.form_answer(tx, session.token_hash, form)
            if answer is not None:
                return RedirectResponse(answer, 303)
            if not known and await self._is_over(session):
                return RedirectResponse("/login", 303)  # it went with what it had sent, perhaps this form
            await asyncio.sleep(_LOOK_AGAIN)
        else:
            return None
        led_to: str | None = None
        try:
            answer_given = await carry_out()
            if answer_given.status_code == 303:
                led_to = answer_given.headers["location"]
            return answer_given
        finally:
            await self._note_end(session, form, led_to)

    async def _note_end(self, session: Session, form: bytes, led_to: str | None) -> None:
        """Note how a form ended. A database that is away now leaves it unknown, and the form's own answer stands."""
        try:
            async with self._store.transaction(self._clock.now()) as tx:
                if led_to is None:
                    await console_sessions.release_form(tx, session.token_hash, form)
                else:
                    await console_sessions.answer_form(tx, session.token_hash, form, led_to)
        except Exception as error:
            if not passing(error):
                raise

    async def _is_over(self, session: Session) -> bool:
        async with self._store.reading() as tx:
            now = self._clock.now()
            return await console_sessions.session(tx, session.token_hash, now, now - self._idle) is None

    async def keep_form(self, path: str, fields: Sequence[tuple[str, str]]) -> str:
        """Keep a form that came when its session was over, for `KEPT_FOR`; return the token that opens it."""
        token, now = secrets.token_urlsafe(32), self._clock.now()
        nonce = secrets.token_bytes(12)
        inside = json.dumps({"path": path, "fields": fields}).encode()
        sealed = nonce + AESGCM(self._key(token, _FORM)).encrypt(nonce, inside, _hash(token))
        async with self._store.transaction(now) as tx:
            await console_sessions.keep_form(tx, _hash(token), sealed, now + KEPT_FOR)
        return token

    async def kept_form(self, token: str, operator: Operator) -> tuple[str, list[tuple[str, str]]] | None:
        """Return path and fields of a kept form; None: it is over, or was shown to somebody else than the operator."""
        async with self._store.reading() as tx:
            sealed = await console_sessions.kept_form(tx, _hash(token), self._clock.now())
        if sealed is None:
            return None
        try:
            inside = AESGCM(self._key(token, _FORM)).decrypt(sealed[:12], sealed[12:], _hash(token))
        except InvalidTag:  # another secret since
            return None
        kept = json.loads(inside)
        fields = [(name, value) for name, value in kept["fields"]]
        return (kept["path"], fields) if self.is_form_of(dict(fields).get("once", ""), operator) else None

    async def is_kept_form_sent(self, token: str, operator: Operator, path: str) -> bool:
        """
        Whether a kept form needs no keeping now that the operator has sent one to `path`: one of the same part of the console,
        as the first word of the path says; what was looked up elsewhere meanwhile leaves it. It goes at once.

        False where the database is away: what was sent stands, and the kept form ends by itself.
        """
        try:
            kept = await self.kept_form(token, operator)
            if kept is not None and kept[0].split("/")[1] != path.split("/")[1]:
                return False
            async with self._store.transaction(self._clock.now()) as tx:
                await console_sessions.drop_kept_form(tx, _hash(token))
        except Exception as error:
            if not passing(error):
                raise
            return False
        return True

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
