"""
Who is logged in to the console: sessions kept in the database, under a random token that only the browser has.

The cookie is signed, so that a guessed token never reaches the database; the row holds the roles, so that logging out
ends a session everywhere at once. A session ends when it is silent for too long, and at the latest after a working
day.
"""

import hashlib
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from itsdangerous import BadSignature, Signer

from workers.runtime.clock import Clock
from workers.store import console as stored
from workers.store.session import Store

SEEN_AGAIN = timedelta(seconds=60)
"""How often a session notes that it was seen."""
UNMASKED_FOR = timedelta(minutes=15)
"""How long what was unmasked stays so, for this session alone."""


class ConsoleRole(StrEnum):
    """What somebody may do here. Looking and dealing with are apart; two eyes are not four."""

    VIEWER = "viewer"
    """Sees queues, orders and lists, masked."""
    OPERATOR = "operator"
    """Looks at persons, unmasks, ticks off, replays, enters phone orders, proposes to discard."""
    APPROVER = "approver"
    """Approves what another operator proposed."""
    AUDITOR = "auditor"
    """Verifies the chains and reads who looked at whom."""


EVERYBODY = frozenset(ConsoleRole)
LOOKERS = frozenset({ConsoleRole.OPERATOR, ConsoleRole.APPROVER, ConsoleRole.AUDITOR})
OPERATORS = frozenset({ConsoleRole.OPERATOR})
APPROVERS = frozenset({ConsoleRole.APPROVER})
AUDITORS = frozenset({ConsoleRole.AUDITOR})


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody at the console. `name` stands in logs of ours: an HSA-id or the issuer's subject, no person's name."""

    name: str
    roles: frozenset[ConsoleRole]
    hsa_id: str | None = None
    unit: str | None = None

    def may(self, allowed: Iterable[ConsoleRole]) -> bool:
        """Whether one of the roles is among those allowed."""
        return not self.roles.isdisjoint(allowed)


@dataclass(frozen=True, slots=True)
class Opened:
    """Something that this session may show, for a reason, until a moment (UTC)."""

    reason: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """A session as a request finds it."""

    token_hash: bytes
    operator: Operator
    csrf: str
    opened: dict[str, Opened] = field(default_factory=dict)

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
        self._signer = Signer(secret, salt="sigill-console", digest_method=hashlib.sha256)
        self._idle = timedelta(seconds=idle)
        self._longest = timedelta(seconds=longest)

    async def begin(self, operator: Operator) -> str:
        """Begin a session; return the cookie's value."""
        now = self._clock.now()
        token = secrets.token_urlsafe(32)
        async with self._store.transaction(now) as tx:
            await stored.sweep_sessions(tx, now - self._idle)
            await stored.begin_session(
                tx,
                _hash(token),
                operator=operator.name,
                hsa_id=operator.hsa_id,
                unit=operator.unit,
                roles=[str(role) for role in operator.roles],
                csrf=secrets.token_urlsafe(32),
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
            found = await stored.session(tx, _hash(token), now, now - self._idle)
        if found is None:
            return None
        if now - found.seen_at >= SEEN_AGAIN:
            async with self._store.transaction(now) as tx:
                await stored.touch_session(tx, _hash(token))
        operator = Operator(
            found.operator, frozenset(ConsoleRole(role) for role in found.roles), found.hsa_id, found.unit
        )
        opened = {
            what: Opened(one["reason"], datetime.fromisoformat(one["until"]))
            for what, one in json.loads(found.opened).items()
        }
        return Session(_hash(token), operator, found.csrf, opened)

    async def open(self, session: Session, what: str, reason: str) -> None:
        """Let the session show `what` for a while."""
        now = self._clock.now()
        until = (now + UNMASKED_FOR).isoformat()
        async with self._store.transaction(now) as tx:
            entry = json.dumps({what: {"reason": reason, "until": until}})
            await stored.open_in_session(tx, session.token_hash, entry)

    async def end(self, session: Session) -> None:
        """End a session, in every browser window."""
        async with self._store.transaction(self._clock.now()) as tx:
            await stored.end_session(tx, session.token_hash)

    def _token(self, cookie: str | None) -> str | None:
        if not cookie:
            return None
        try:
            return self._signer.unsign(cookie).decode("ascii")
        except (BadSignature, UnicodeError):
            return None


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
