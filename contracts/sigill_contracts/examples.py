"""
Example messages: what the schemas, the AsyncAPI document, the catalogue and the tests show.

They lie as files in `contracts/examples/`, as an EHR would write them and a reader would get them. What comes in is
written by hand; what goes out is what the program answered when the examples of what comes in were played
(`python -m tests.kit.played_examples` writes it). The people are invented, and their numbers are test numbers (birth
numbers 238 and 239 are never given to anybody).
"""

from dataclasses import dataclass
from pathlib import Path

from sigill_contracts.base import Message
from sigill_contracts.json_schema import message_name
from sigill_contracts.topics import (
    CHANGES,
    ELSEWHERE,
    NOTIFICATIONS,
    ORDERS,
    PERSONS,
    RECEIPTS,
    STAFF,
    STATE,
    UNITS,
    TopicSpec,
)

FOLDER = Path(__file__).parents[1] / "examples"
EXAMPLE_SECRET = b"the secret of the examples, only"
"""Secret behind the pseudonymous keys in the examples; 32 bytes, and worth nothing."""
SUPPORT_OPERATOR = "SE2321000065-T300"
"""Who signs the example that came by phone."""
REVOCATION_LISTS = FOLDER / "crls"
"""Lists (DER) of the authority that signed the examples."""


@dataclass(frozen=True, slots=True)
class Example:
    """A message of a topic. `summary` is one sentence for the reader."""

    topic: TopicSpec
    name: str
    summary: str

    @property
    def path(self) -> Path:
        """The file that holds the message's JSON."""
        return FOLDER / f"{message_name(self.topic)}.{self.name}.json"

    @property
    def signed(self) -> Path:
        """The file that holds an order as it is sent: a compact JWS."""
        return self.path.with_suffix(".jose")

    def text(self) -> str:
        """The message as it lies in the file."""
        return self.path.read_text(encoding="utf-8")

    def message(self) -> Message:
        """The message as a value; pydantic.ValidationError when the file does not fit its model."""
        if self.topic.model is None:
            raise ValueError(f"{self.topic.name}: its messages have no model")
        return self.topic.model.model_validate_json(self.text())


_TABLE: tuple[tuple[TopicSpec, str, str], ...] = (
    (
        ORDERS,
        "block-one-guardian",
        "Care blocks one guardian's access to a child of nine; the guardian is not to be told.",
    ),
    (ORDERS, "seal-unit-and-dates", "A resident has what one unit recorded during one spring hidden."),
    (
        ORDERS,
        "urgent-by-phone",
        "At night the on-call physician has a record sealed by phone; a support operator signs, the form follows.",
    ),
    (
        ORDERS,
        "grant-guardian-access",
        "A guardian may see what the children's clinic records about a fourteen-year-old.",
    ),
    (
        ORDERS,
        "appoint-representative",
        "A court-appointed representative with the duty to care for the person sees an adult's record.",
    ),
    (ORDERS, "release-block", "The block is broken again; the order names the one that imposed it."),
    (
        ORDERS,
        "request-release",
        "A blocked guardian asks the units that imposed the block to lift it.",
    ),
    (
        ORDERS,
        "block-with-two-mistakes",
        "A block without consultation, on a guardian's initiative: the receipt named refused answers it.",
    ),
    (PERSONS, "child-with-two-guardians", "A child and those who have custody."),
    (
        PERSONS,
        "guardian-with-co-ordination-number",
        "A person with a co-ordination number whose identity is proven, and with an e-ID.",
    ),
    (
        STAFF,
        "physician-at-two-units",
        "A physician at one unit who was on call at another until the turn of the year.",
    ),
    (UNITS, "paediatric-clinic", "A ward of the paediatric clinic, with its care provider."),
    (UNITS, "closed", "A ward that has been closed, and the one that took over what it had decided."),
    (
        ELSEWHERE,
        "sealed-by-the-resident",
        "A resident has sealed the whole record in the service, until the resident opens it again.",
    ),
    (ELSEWHERE, "no-news", "The source has been read, and nothing was new."),
    (
        RECEIPTS,
        "executed",
        "The block is in force, the child's login is locked with it, and there is a note to file.",
    ),
    (RECEIPTS, "refused", "Nothing was changed; the receipt says every reason at once."),
    (RECEIPTS, "pending", "The seal ordered by phone is in force already; the signed form must follow."),
    (
        RECEIPTS,
        "settled",
        "A request that waited is settled: what it was about has ended otherwise, and nothing is left to judge.",
    ),
    (RECEIPTS, "duplicate", "The same message came again: the first answer, and nothing changed."),
    (
        RECEIPTS,
        "unreadable",
        "The message could not be read; its source and id could, so its sender learns what to mend.",
    ),
    (CHANGES, "lost-by-order", "A guardian no longer reaches the child's record."),
    (CHANGES, "gained-by-grant", "A guardian reaches what one unit recorded about a fourteen-year-old."),
    (
        CHANGES,
        "lost-by-birthday",
        "At Swedish midnight of the sixteenth birthday the guardian's grant ends by itself.",
    ),
    (STATE, "child-with-a-blocked-guardian", "All that a decision about this child needs, after the block."),
    (NOTIFICATIONS, "told", "The resident is told at 1177 that parts of the record are sealed."),
    (
        NOTIFICATIONS,
        "suppressed",
        "Somebody would have been told, and must not be: it names nobody, so that nobody can send it.",
    ),
    (
        NOTIFICATIONS,
        "task-for-operators",
        "The signed form has not come in time: a task for the region's support desk.",
    ),
)
EXAMPLES: tuple[Example, ...] = tuple(Example(*row) for row in _TABLE)


def examples_of(topic: TopicSpec) -> tuple[Example, ...]:
    """The examples of a topic, the one to show first standing first."""
    return tuple(example for example in EXAMPLES if example.topic == topic)
