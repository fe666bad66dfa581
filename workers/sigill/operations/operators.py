"""Who operates Sigill, and what each role may do."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sigill.store.console import EVERYTHING, Binding


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
    RULE_OWNER = "rule_owner"
    """Drafts a region's rules in the workbench, hands a draft to a second owner, and releases what another one drafted."""
    PROTECTED_IDENTITY = "protected_identity"
    """Besides another role: sees who has protected identity (skyddade personuppgifter). To all others they are hidden."""


EVERYBODY = frozenset(ConsoleRole)


LOOKERS = frozenset({ConsoleRole.OPERATOR, ConsoleRole.APPROVER, ConsoleRole.AUDITOR})


OPERATORS = frozenset({ConsoleRole.OPERATOR})


APPROVERS = frozenset({ConsoleRole.APPROVER})


AUDITORS = frozenset({ConsoleRole.AUDITOR})


RULE_OWNERS = frozenset({ConsoleRole.RULE_OWNER})


NAMED = LOOKERS | RULE_OWNERS
"""Who gets in with an HSA-id alone: what they do is written down under it."""


PROTECTED_READERS = frozenset({ConsoleRole.PROTECTED_IDENTITY})


@dataclass(frozen=True, slots=True)
class Operator:
    """
    Somebody at the console. `name` stands in logs of ours: an HSA-id or the issuer's subject, no person's name.

    `issuer`, `subject` and `acr` are the login's; `session` names the session in the audit chain, and opens nothing.
    """

    name: str
    roles: frozenset[ConsoleRole]
    hsa_id: str | None = None
    unit: str | None = None
    issuer: str | None = None
    subject: str | None = None
    acr: str | None = None
    session: str | None = None
    bound: Binding = EVERYTHING
    """What the login is bound to: lists, and what they lead to, show no more than that."""

    def may(self, allowed: Iterable[ConsoleRole]) -> bool:
        """Whether one of the roles is among those allowed."""
        return not self.roles.isdisjoint(allowed)
