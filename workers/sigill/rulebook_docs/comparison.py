"""What another rulebook would change: in its own words, and for whom.

Nothing is read or written: two versions are compared clause by clause, and two sets of rulebooks answer the same
questions about the same facts.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from sigill.policy.access import Difference, access_matrix, differences
from sigill.policy.effects import Sentence
from sigill.policy.facts import PatientFacts
from sigill.policy.rulebook import (
    Ages,
    ChoiceRule,
    Region,
    Rulebooks,
    RuleEntry,
    Shown,
    StandingRule,
    Version,
)
from sigill.rulebook_docs.clauses import (
    choice_when,
    choice_words,
    conditions,
    demands,
    shown_words,
    standing_words,
)
from sigill_contracts.vocabulary import Form, RegionCode

_AGES: dict[str, Sentence] = {
    "guardian_until": Sentence("vårdnadshavares åtkomst upphör", "guardians' access ends"),
    "own_account_from": Sentence("eget konto från", "own account from"),
    "own_record_from": Sentence("egen journal från", "own record from"),
    "of_age": Sentence("myndig", "of age"),
    "leap_day_on_28th": Sentence(
        "född 29 februari fyller år den 28:e", "born 29 February: birthday on the 28th"
    ),
    "own_record_needs_full_personnummer": Sentence(
        "egen journal kräver fullständigt personnummer", "own record needs a full personnummer"
    ),
    "own_account_needs_full_personnummer": Sentence(
        "inloggning kräver fullständigt personnummer", "login needs a full personnummer"
    ),
    "login_from": Sentence("eget konto genom", "own account by"),
}


_LOGIN = {"age": Sentence("ålder", "age"), "e_id": Sentence("e-legitimation", "e-ID")}


@dataclass(frozen=True, slots=True)
class RuleChange:
    """One sentence that is gone, new, or now reads otherwise. `form` None: it is not about a form."""

    form: Form | None
    kind: str
    """added, removed, or changed."""
    where: str
    """The entry's id, or what the sentence is about."""
    before: Sentence | None = None
    after: Sentence | None = None
    rules: tuple[str, ...] = ()


def compare(before: Version, after: Version) -> tuple[RuleChange, ...]:
    """
    Every difference between two versions, form by form, in plain sentences; empty: they say the same.

    Two sentences that stand in both under other entries or citations are no difference.
    """
    changes = [*_ages(before.ages, after.ages)]
    for form in Form:
        changes.extend(_of_form(form, before, after))
    changes.extend(_of_standing(before, after))
    return tuple(changes)


def _ages(before: Ages, after: Ages) -> Iterator[RuleChange]:
    for field, words in _AGES.items():
        was, now = getattr(before, field), getattr(after, field)
        if was != now:
            yield RuleChange(
                None,
                "changed",
                "ages",
                Sentence(f"{words.sv}: {_value(was).sv}", f"{words.en}: {_value(was).en}"),
                Sentence(f"{words.sv}: {_value(now).sv}", f"{words.en}: {_value(now).en}"),
            )


def _value(value: int | bool | str) -> Sentence:
    if value in _LOGIN:
        return _LOGIN[str(value)]
    if isinstance(value, bool):
        return Sentence("ja" if value else "nej", "yes" if value else "no")
    return Sentence(str(value), str(value))


@dataclass(frozen=True, slots=True)
class _Line:
    entry: RuleEntry
    clause: str
    sentence: Sentence


def _lines(version: Version, form: Form) -> list[_Line]:
    lines = []
    for entry in version.matching(form):
        for clause, said in demands(entry):
            lines.append(_Line(entry, clause, _whole(entry, said)))
    return lines


def _whole(entry: RuleEntry, said: Sentence) -> Sentence:
    when = conditions(entry.when)
    if not when:
        return said
    return Sentence(
        f"{said.sv} ({', '.join(w.sv for w in when)})", f"{said.en} ({', '.join(w.en for w in when)})"
    )


def _of_form(form: Form, before: Version, after: Version) -> Iterator[RuleChange]:
    was, now = _lines(before, form), _lines(after, form)
    stay = {line.sentence for line in was} & {line.sentence for line in now}
    gone = [line for line in was if line.sentence not in stay]
    come = [line for line in now if line.sentence not in stay]
    for line in gone:
        other = _same_matter(line, come)
        if other is not None:
            come.remove(other)
            yield RuleChange(
                form,
                "changed",
                other.entry.id,
                line.sentence,
                other.sentence,
                _cites(line.entry, other.entry),
            )
        else:
            yield RuleChange(form, "removed", line.entry.id, line.sentence, None, line.entry.cites)
    for line in sorted(come, key=lambda line: line.clause != "offered"):
        yield RuleChange(form, "added", line.entry.id, None, line.sentence, line.entry.cites)


def _same_matter(line: _Line, others: list[_Line]) -> _Line | None:
    """A sentence about the same thing under the same conditions: first of the same entry, else of any."""
    alike = [o for o in others if o.clause == line.clause and o.entry.when == line.entry.when]
    return next((o for o in alike if o.entry.id == line.entry.id), alike[0] if len(alike) == 1 else None)


def _cites(*entries: RuleEntry) -> tuple[str, ...]:
    return tuple(dict.fromkeys(rule for entry in entries for rule in entry.cites))


def _said_of(version: Version) -> dict[Sentence, StandingRule | Shown | ChoiceRule]:
    return {
        **{_chosen(c): c for c in version.choices},
        **{standing_words(s): s for s in version.standing},
        **{shown_words(s): s for s in version.shown},
    }


def _chosen(choice: ChoiceRule) -> Sentence:
    when, words = choice_when(choice.when), choice_words(choice)
    return Sentence(f"{when.sv}: {words.sv}", f"{when.en}: {words.en}")


def _of_standing(before: Version, after: Version) -> Iterator[RuleChange]:
    was, now = _said_of(before), _said_of(after)
    for words, rule in was.items():
        if words not in now:
            yield RuleChange(None, "removed", rule.id, words, None, rule.cites)
    for words, rule in now.items():
        if words not in was:
            yield RuleChange(None, "added", rule.id, None, words, rule.cites)


def as_if(books: Rulebooks, region: Region, version: Version, since: date = date.min) -> Rulebooks:
    """The same rulebooks, had one region only ever had one version (from `since` on)."""
    only = region.model_copy(update={"versions": (version.model_copy(update={"since": since}),)})
    return Rulebooks({**books.regions, RegionCode(region.region): only})


def touched(facts: PatientFacts, at: datetime, before: Rulebooks, after: Rulebooks) -> tuple[Difference, ...]:
    """
    Who around one patient would gain or lose what at an instant (UTC), were the other rulebooks in force.

    Measures keep what they were made with: only ages and defaults follow the version in force.
    """
    return differences(access_matrix(facts, at, before), access_matrix(facts, at, after))
