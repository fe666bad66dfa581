"""Pictures for the site, drawn as SVG from what they say: a way with its steps, and what leaves it on each side."""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape

_WIDTH, _STEP, _BOX, _SIDE, _TOP = 860, 92, 62, 250, 16
_STYLE = """
  .box { fill: #e8eaf6; stroke: #3949ab; } .in { fill: #e0f2f1; stroke: #00796b; }
  .out { fill: #fff3e0; stroke: #ef6c00; } .no { fill: #ffebee; stroke: #c62828; }
  text { font: 13px sans-serif; fill: #1a1a2e; } .head { font-weight: bold; } .small { font-size: 12px; }
  path { stroke: #555; fill: none; stroke-width: 1.4; marker-end: url(#tip); }
"""


@dataclass(frozen=True, slots=True)
class Step:
    """A box on the way; `exits` leave it to the right. A line break splits the text; the first line is the head."""

    text: str
    exit: str = ""
    kind: str = "box"
    exit_kind: str = "no"


def _box(x: float, y: float, width: float, text: str, kind: str) -> str:
    lines = text.split("\n")
    top = y + _BOX / 2 - (len(lines) - 1) * 8.5 + 4.5
    said = "".join(
        f'<text x="{x + width / 2}" y="{top + place * 17}" text-anchor="middle" '
        f'class="{"head" if place == 0 else "small"}">{escape(line)}</text>'
        for place, line in enumerate(lines)
    )
    return f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{_BOX}" rx="7"/>{said}'


def draw(title: str, steps: tuple[Step, ...]) -> str:
    """A way from top to bottom."""
    height = _TOP * 2 + len(steps) * _STEP - (_STEP - _BOX)
    way = 470.0
    parts = []
    for place, step in enumerate(steps):
        y = _TOP + place * _STEP
        parts.append(_box(20, y, way, step.text, step.kind))
        if place + 1 < len(steps):
            parts.append(f'<path d="M{20 + way / 2} {y + _BOX} V{y + _STEP - 5}"/>')
        if step.exit:
            x = _WIDTH - _SIDE - 20
            parts.append(f'<path d="M{20 + way} {y + _BOX / 2} H{x - 5}"/>')
            parts.append(_box(x, y, _SIDE, step.exit, step.exit_kind))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label="{escape(title)}"><title>{escape(title)}</title><style>{_STYLE}</style>'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        f'<path d="M0 0 L8 4 L0 8 z" style="fill:#555;stroke:none"/></marker></defs>{"".join(parts)}</svg>'
    )


def order() -> str:
    """How an order is decided."""
    return draw(
        "How an order is decided",
        (
            Step("A record on ehr.orders.v1\nraw bytes, headers, the broker's time of arrival", kind="in"),
            Step(
                "Can it be read?\nCloudEvents attributes, a JWS or XAdES, a form",
                "Dead letter\nbytes kept; opening orders behind\nit wait, protective ones pass",
            ),
            Step(
                "Is it the same again?\n(source, id), order id, digest of the signed bytes",
                "duplicate\nthe first answer again;\nother bytes: replayed_with_changes",
                exit_kind="out",
            ),
            Step(
                "Is the signature proven?\nchain, usage, validity and revocation at signing and arrival",
                "refused\nor pending, when revocation\ncannot be known yet",
            ),
            Step(
                "Whose rules, and since when?\nthe region's version in force on the day of the decision",
                "refused\nform_not_offered",
            ),
            Step(
                "May this person decide this?\nrole, unit and consultation, as the directory stood then",
                "refused\nwith every reason,\neach with its rule",
            ),
            Step(
                "Does every rule's demand hold?\nage, initiative, attestations, units, dates, court order",
                "refused\nwith every reason,\neach with its rule",
            ),
            Step(
                "Is anything missing?\nsigned form, other units' answers, custody, its day",
                "pending\nuntil when, and for whom;\na protective one is in force already",
                exit_kind="out",
            ),
            Step("Executed\nmeasures, timers, tasks, audit, events: one transaction", kind="in"),
            Step("Told\nreceipt and note, changes, state; notices only to those who may know", kind="in"),
        ),
    )


def access() -> str:
    """How a question about access is answered."""
    return draw(
        "How a question about access is answered",
        (
            Step(
                "May this viewer see this, now?\npatient, viewer, service, unit, recorded on, at", kind="in"
            ),
            Step(
                "Identity and relation\nown record, guardian, representative; alive, e-ID, number",
                "denied\nno_relation, patient_dead, no_e_id,\nreserve_number, …",
            ),
            Step(
                "Age\nuntil 13, from 13, from 16: at midnight, Swedish time",
                "denied, unless a grant opens\nage_13_to_15,\nguardian_of_13_or_older",
                exit_kind="out",
            ),
            Step(
                "Grants in force\nguardian 13–15, the child's own, a representative",
                "denied\ngrant_expired",
                exit_kind="out",
            ),
            Step(
                "Restrictions in force: one is enough\nseal, child seal, lock, block, restriction, protected identity",
                "denied\nwith the measure, its rule\nand the order that imposed it",
            ),
            Step("Allowed\nwith the reason that opens", kind="in"),
        ),
    )


def way() -> str:
    """The way through the program."""
    return draw(
        "The way through",
        (
            Step("Topics in\nehr.orders, population.persons, directory.staff", kind="in"),
            Step(
                "Workers\nintake, register, directory: a batch, one transaction",
                "*.dlq\nwhat could not be read",
                exit_kind="out",
            ),
            Step(
                "Access store (PostgreSQL)\ninbox, measures, timers, tasks, audit, outbox, offsets",
                "Transitions\nbirthdays, ends, deadlines:\nback into the store",
                exit_kind="out",
            ),
            Step(
                "Relay\nthe outbox in order per patient, at least once",
                "Decision API and console\nanswer from the store itself",
                exit_kind="out",
            ),
            Step("Topics out\nreceipts, changes, state, notifications", kind="in"),
        ),
    )


ALL: dict[str, Callable[[], str]] = {"order": order, "access": access, "way": way}
