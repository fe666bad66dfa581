"""Ids of what goes out: made from the cause, so that the same deed, done again, bears the same id."""

from hashlib import sha1
from uuid import NAMESPACE_URL, UUID, uuid5

RECORD_ANSWER = "receipt"
"""What an answer to one record is called: to a repeat, to what cannot be read."""
_NAMESPACE = uuid5(NAMESPACE_URL, "urn:se:sigill:events").bytes


def event_id(cause: str, what: str, index: int = 0) -> UUID:
    """
    The id of the `index`-th message of a kind that a cause brings.

    `cause` names one order, one timer at its due time, or one message of a register; never a person's number, and never
    a surrogate of the store, which is another one when the message is taken again after a restore: a person is named
    by the pseudonymous key.
    """
    # what `uuid5` returns (RFC 9562, section 5.5), without its making the namespace anew for each of ten ids an order
    digest = sha1(_NAMESPACE + f"{cause}|{what}|{index}".encode(), usedforsecurity=False).digest()
    return UUID(bytes=digest[:16], version=5)


def order_cause(order_id: str, digest: str) -> str:
    """The cause that is the first judging of an order."""
    return f"order:{order_id}:{digest}"


def reevaluation_cause(order_id: str, trigger: str) -> str:
    """The cause that is judging a waiting order again, set off by a timer or a register message."""
    return f"anew:{order_id}:{trigger}"


def timer_cause(about: str, due_at: str) -> str:
    """The cause that is a timer falling due: what it is about, and when, in ISO 8601, UTC."""
    return f"timer:{about}:{due_at}"


def record_cause(topic: str, key: str, sequence: int | str) -> str:
    """The cause that is a message of the register or the directory: what it says about the person with a pseudonymous key."""
    return f"record:{topic}:{key}:{sequence}"


def arrival_cause(topic: str, partition: int, offset: int, digest: str) -> str:
    """
    The cause that is one record on a topic: for answers to a repeated or unproven message.

    With the digest of its bytes (hex): on a topic that was made again, another message may lie at the same offset.
    """
    return f"arrival:{topic}:{partition}:{offset}:{digest}"
