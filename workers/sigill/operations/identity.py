"""
Who acts, by one name everywhere: the console's login, a command's and a certificate's HSA-id are spelled the same.

A command takes its operator from the kernel's user id and a file that only root can have written. Nothing of the
environment says who it is: `LOGNAME` and `SUDO_USER` are what somebody likes.
"""

import json
import os
import pwd
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from sigill.operations.operators import ConsoleRole
from sigill.runtime.settings import Settings
from sigill.store.console import EVERYTHING, Binding
from sigill.trust.policy import TEST_HSA_ID
from sigill_contracts.hsa_id import canonical_hsa_id


def operator_hsa_id(text: str | None, settings: Settings) -> str | None:
    """
    Return an HSA-id in the form in which it is compared, without spaces around; None for what is none by
    `SIGILL_HSA_ID_FORM`.

    Two spellings of one HSA-id would be two operators, who approve what the other one proposed.
    """
    if text is None:
        return None
    found = canonical_hsa_id(text.strip())
    form = settings.hsa_id_form
    if settings.test_hsa_ids:
        form = f"(?:{form})|(?:{TEST_HSA_ID})"
    return found if re.fullmatch(form, found, re.ASCII) else None


ROOT = 0
"""Whom a file of operators must belong to."""


class NotIdentified(Exception):
    """Nobody knows who runs the command. The message says what to set, and holds nobody's name."""


def operator_of(settings: Settings) -> str:
    """
    Return who runs this process, by the name that the console would know them by.

    By `SIGILL_OPERATORS`; without it, outside production, `cli:` and the account's name as the kernel knows it. Raises
    NotIdentified.
    """
    uid = os.getuid()
    if settings.operators is None:
        if settings.environment == "production":
            raise NotIdentified("SIGILL_OPERATORS: needed in production, to say who runs a command")
        return account_of(uid)
    found = operator_hsa_id(_operator_named(settings.operators, uid).hsa_id, settings)
    if found is None:
        raise NotIdentified(f"SIGILL_OPERATORS: what it says of user id {uid} is no HSA-id")
    return found


def sees_protected_identity(settings: Settings) -> bool:
    """
    Whether whoever runs this process may be shown who has protected identity.

    Where the file of operators says so (`roles`). Without a file nobody has roles: in production nobody is shown, elsewhere
    everybody. Raises NotIdentified.
    """
    if settings.operators is None:
        return settings.environment != "production"
    return ConsoleRole.PROTECTED_IDENTITY in _operator_named(settings.operators, os.getuid()).roles


def bound_by_file(settings: Settings) -> Binding:
    """
    Return what whoever runs this process is bound to: regions and units (HSA-ids) of the file of operators.

    Without either there, and outside production without a file, to nothing. Raises NotIdentified.
    """
    if settings.operators is None:
        if settings.environment == "production":
            raise NotIdentified(
                "SIGILL_OPERATORS: needed in production, to say what whoever runs a command is bound to"
            )
        return EVERYTHING
    named = _operator_named(settings.operators, os.getuid())
    if named.units is None:
        return Binding(named.regions)
    units = {operator_hsa_id(unit, settings) for unit in named.units}
    if None in units:
        raise NotIdentified("SIGILL_OPERATORS: a unit that it binds somebody to is no HSA-id")
    return Binding(named.regions, frozenset(unit for unit in units if unit is not None))


@dataclass(frozen=True, slots=True)
class _Named:
    """What the file says of an account."""

    hsa_id: str
    roles: frozenset[str] = frozenset()
    regions: frozenset[str] | None = None
    units: frozenset[str] | None = None


def _operator_named(file: Path, uid: int) -> _Named:
    found = _operators(file).get(str(uid))
    if found is None:
        raise NotIdentified(f"SIGILL_OPERATORS: {file} names no operator for user id {uid}")
    return found


def _named(value: object) -> _Named | None:
    """An account's HSA-id, alone or with roles and what it is bound to; None for anything else."""
    match value:
        case str():
            return _Named(value)
        case {"hsa_id": str(hsa_id), **more} if more and more.keys() <= {"roles", "regions", "units"}:
            lists = {name: _texts(given) for name, given in more.items()}
            roles, regions, units = lists.get("roles", ()), lists.get("regions", ()), lists.get("units", ())
            bounds = [lists[name] for name in ("regions", "units") if name in lists]
            # bound to an empty list would be bound to nothing, which reads like its opposite
            if roles is None or not _ROLES.issuperset(roles) or not all(bounds):
                return None
            return _Named(
                hsa_id, frozenset(roles), frozenset(regions or ()) or None, frozenset(units or ()) or None
            )
    return None


def _texts(value: object) -> tuple[str, ...] | None:
    match value:
        case [*several] if all(isinstance(value, str) and value.strip() for value in several):
            return tuple(str(value) for value in several)
    return None


_ROLES = frozenset({str(ConsoleRole.PROTECTED_IDENTITY)})
"""What a command asks for beside the account itself."""


def _operators(file: Path) -> dict[str, _Named]:
    """HSA-ids and roles by user id, of a file that nobody but root can have written."""
    try:
        with file.open("rb") as opened:
            state = os.fstat(opened.fileno())
            if state.st_uid != ROOT or state.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise NotIdentified(
                    f"SIGILL_OPERATORS: {file} must belong to root, and nobody else may write it"
                )
            found = json.load(opened)
    except (OSError, ValueError) as error:
        raise NotIdentified(f"SIGILL_OPERATORS: {file} cannot be read ({type(error).__name__})") from None
    named = {uid: _named(value) for uid, value in found.items()} if isinstance(found, dict) else {}
    if not isinstance(found, dict) or None in named.values():
        raise NotIdentified(
            f'SIGILL_OPERATORS: {file} must hold {{"1001": "SE…"}} or '
            '{"1001": {"hsa_id": "SE…", "roles": ["protected_identity"], "regions": ["…"], "units": ["SE…"]}}'
        )
    if str(ROOT) in found:
        raise NotIdentified(f"SIGILL_OPERATORS: {file} names root, which is nobody in particular")
    return {uid: identity for uid, identity in named.items() if identity is not None}


def account_of(uid: int) -> str:
    """Return `cli:` and an account's name as the kernel knows it, or its user id."""
    try:
        return f"cli:{pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"cli:{uid}"
