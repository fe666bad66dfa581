"""
Who may be shown that it is somebody with protected identity (skyddade personuppgifter): whoever has a role for it.

Everybody else learns that somebody is hidden, and never who. A text is hidden as a whole when a number in it is of such a
person: a signed form, a receipt, the bytes of a dead letter, also inside the base64url of a signature.
"""

import base64
import binascii
import re
from collections.abc import Iterable

from sigill.operations.operators import PROTECTED_READERS, Operator
from sigill.policy.facts import Identity
from sigill.store import orders, persons, protection
from sigill.store.session import Reading
from sigill_contracts.vocabulary import IdType, PersonId

_NUMBER = re.compile(r"(?<![0-9])((?:[0-9]{2})?[0-9]{6})[-+ ]?([0-9]{4})(?![0-9])")
_MEMBER = re.compile(r'"id"\s*:\s*"([0-9A-Za-z]{8,20})"')
"""A number of any kind as a reference holds it: reserve numbers have letters."""
_ENCODED = re.compile(r"[A-Za-z0-9_-]{40,}")
_CENTURIES = ("19", "20")


async def hidden_from(
    tx: Reading, operator: Operator, people: Iterable[PersonId | None]
) -> frozenset[PersonId]:
    """Return those of some people whom the operator may not be shown."""
    if operator.may(PROTECTED_READERS):
        return frozenset()
    return await protection.protected(tx, {person for person in people if person is not None})


async def orders_about_protected(tx: Reading, found: Iterable[tuple[int, PersonId | None]]) -> frozenset[int]:
    """
    Return those of some orders that are about somebody with protected identity, or claim to be: their registrations.

    `found` are registrations with the proven patient; what nobody has proven is read for the numbers in it.
    """
    rows = list(found)
    unproven = [registration for registration, patient in rows if patient is None]
    claims = await orders.by_registration(tx, unproven)
    claimed = {order.registration: _identities([order.payload]) for order in claims}
    owners = await persons.resolve(tx, {asked for named in claimed.values() for asked in named})
    known = {patient for _, patient in rows if patient is not None}
    people = await protection.protected(tx, known | set(owners.values()))
    about = {registration for registration, patient in rows if patient in people}
    about |= {
        registration
        for registration, named in claimed.items()
        if any(owners.get(asked) in people for asked in named)
    }
    return frozenset(about)


async def named_in(tx: Reading, texts: Iterable[str | bytes | None]) -> frozenset[PersonId]:
    """Return everybody whose number, present or former, stands in one of the texts."""
    return frozenset((await persons.resolve(tx, _identities(texts))).values())


def _identities(texts: Iterable[str | bytes | None]) -> set[Identity]:
    """Whatever in the texts may be somebody's number, as a number of each kind."""
    numbers = {number for text in texts if text for number in _numbers(text)}
    return {Identity(kind, number) for number in numbers for kind in IdType}


def _numbers(text: str | bytes) -> set[str]:
    """Whatever in a text may be an identity number, as the store has it: without separator, with the century."""
    plain = text if isinstance(text, str) else text.decode("utf-8", "replace")
    found: set[str] = set()
    for part in (plain, *_decoded(plain)):
        found.update(_MEMBER.findall(part))
        for date, serial in _NUMBER.findall(part):
            given = date + serial
            found.update([given] if len(given) == 12 else [century + given for century in _CENTURIES])
    return found


def _decoded(text: str) -> Iterable[str]:
    for part in _ENCODED.findall(text):
        try:
            yield base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            continue
