"""The questions that people ask of a region's rules, answered from the rules of every region beside each other."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from sigill.policy.effects import Sentence
from sigill.policy.rulebook import Region, RuleEntry, Version
from sigill.rulebook_docs.clauses import (
    CLAUSE_ORDER,
    conditions,
    demands,
    derived_words,
    shown_words,
    standing_words,
)
from sigill.rulebook_docs.pages import ages_of
from sigill_contracts.vocabulary import Form

_DECIDE = ("initiatives", "deciders", "consulted", "any_of", "deciders_bound_to")
_END = ("end_date", "ends_at_age", "runs")
_CALL = ("channels", "signed_form", "follow_up")
_VOUCH = ("attestations", "one_attestation_of", "references", "motivation", "court_order")


@dataclass(frozen=True, slots=True)
class Answer:
    """One sentence of an answer, with the rules that say so."""

    sentence: Sentence
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ComparisonQuestion:
    """What people ask, and how a version answers."""

    asked: Sentence
    answer: Callable[[Version], tuple[Answer, ...]]


def _of_form(form: Form, clauses: Iterable[str], unsaid: Sentence) -> Callable[[Version], tuple[Answer, ...]]:
    wanted = frozenset(clauses)

    def answer(version: Version) -> tuple[Answer, ...]:
        if not version.offers(form):
            denied = [entry for entry in version.matching(form) if entry.offered is False]
            refusing = tuple(rule for entry in denied for rule in entry.cites)
            none = Answer(Sentence("Blanketten finns inte.", "The form is not offered."), refusing)
            return (none, *_chosen(denied, frozenset({"offered"})))
        answers = tuple(_said(version, form, wanted)) or (Answer(unsaid),)
        return (*answers, *_chosen(version.matching(form), wanted))

    return answer


def _said(version: Version, form: Form, wanted: frozenset[str]) -> Iterator[Answer]:
    found: list[tuple[int, Answer]] = []
    for entry in version.matching(form):
        when = conditions(entry.when)
        for clause, said in demands(entry):
            if clause in wanted:
                sv = f"{said.sv} ({', '.join(w.sv for w in when)})" if when else said.sv
                en = f"{said.en} ({', '.join(w.en for w in when)})" if when else said.en
                found.append((CLAUSE_ORDER[clause], Answer(Sentence(sv, en), entry.cites)))
    yield from (answer for _, answer in sorted(found, key=lambda one: one[0]))


def _chosen(entries: Iterable[RuleEntry], wanted: frozenset[str]) -> tuple[Answer, ...]:
    """What of an answer from these clauses of some entries is Sigill's choice and not the document's words (X-30)."""
    said: dict[Sentence, Answer] = {}
    for entry in entries:
        if entry.derived is not None and wanted.intersection(entry.derived.about or entry.given):
            words = derived_words(entry.derived)
            said[words] = Answer(words, entry.cites)
    return tuple(said.values())


def _protected(version: Version) -> tuple[Answer, ...]:
    rules = [rule for rule in version.standing if rule.state is not None]
    nothing = Answer(
        Sentence("Regelboken inför inget av sig självt.", "The rulebook imposes nothing by itself.")
    )
    return tuple(Answer(standing_words(rule), rule.cites) for rule in rules) or (nothing,)


def _ages(version: Version) -> tuple[Answer, ...]:
    return tuple(Answer(sentence) for sentence in ages_of(version)[:2])


def _hidden(version: Version) -> tuple[Answer, ...]:
    nothing = Answer(
        Sentence("Regelboken döljer ingenting för alla.", "The rulebook hides nothing from everybody.")
    )
    return tuple(Answer(shown_words(rule), rule.cites) for rule in version.shown) or (nothing,)


_NOBODY = Sentence("Regelboken säger inte vem.", "The rulebook does not say who.")
_NO_END = Sentence(
    "Regelboken anger inget slut: den gäller tills den hävs.", "No end is said: it holds until released."
)
_NOTHING = Sentence("Inget särskilt krävs.", "Nothing in particular is asked for.")

QUESTIONS: tuple[ComparisonQuestion, ...] = (
    ComparisonQuestion(
        Sentence("Vid vilka åldrar börjar och slutar åtkomst?", "At which ages does access begin and end?"),
        _ages,
    ),
    ComparisonQuestion(
        Sentence("Vem får blockera en vårdnadshavare?", "Who may block a guardian?"),
        _of_form(Form.BLOCK_GUARDIANS, _DECIDE, _NOBODY),
    ),
    ComparisonQuestion(
        Sentence("Upphör blockeringen av sig själv, som vid 13?", "Does the block end by itself, as at 13?"),
        _of_form(Form.BLOCK_GUARDIANS, _END, _NO_END),
    ),
    ComparisonQuestion(
        Sentence("Vad stänger en blockering?", "What does a block shut?"),
        _of_form(Form.BLOCK_GUARDIANS, ("services", "also_imposes", "widens_to_all_guardians"), _NOTHING),
    ),
    ComparisonQuestion(
        Sentence(
            "Går det att ringa om en blockering, och krävs en blankett efteråt?",
            "Can a block be phoned in, and is a form needed after the call?",
        ),
        _of_form(Form.BLOCK_GUARDIANS, _CALL, _NOTHING),
    ),
    ComparisonQuestion(
        Sentence("Vem får häva en blockering?", "Who may lift a block?"),
        _of_form(Form.RELEASE_GUARDIAN_BLOCK, (*_DECIDE, "unanimity", "initiating_unit_only"), _NOBODY),
    ),
    ComparisonQuestion(
        Sentence("Vem får försegla journalen?", "Who may seal the record?"),
        _of_form(Form.SEAL_JOURNAL, _DECIDE, _NOBODY),
    ),
    ComparisonQuestion(
        Sentence("Upphör förseglingen av sig själv?", "Does the seal end by itself?"),
        _of_form(Form.SEAL_JOURNAL, _END, _NO_END),
    ),
    ComparisonQuestion(
        Sentence(
            "Går det att ringa om en försegling, och krävs en blankett efteråt?",
            "Can a seal be phoned in, and is a form needed after the call?",
        ),
        _of_form(Form.SEAL_JOURNAL, _CALL, _NOTHING),
    ),
    ComparisonQuestion(
        Sentence("Vad krävs för att häva en försegling?", "What does lifting a seal take?"),
        _of_form(Form.RELEASE_JOURNAL_SEAL, (*_DECIDE, *_VOUCH, "same_initiative", "unanimity"), _NOTHING),
    ),
    ComparisonQuestion(
        Sentence("Vem får låsa inloggningen?", "Who may lock the login?"),
        _of_form(Form.LOCK_LOGIN, _DECIDE, _NOBODY),
    ),
    ComparisonQuestion(
        Sentence(
            "Kan en vårdnadshavare få åtkomst efter åldersgränsen?",
            "Can a guardian be given access after the age limit?",
        ),
        _of_form(Form.GRANT_GUARDIAN_ACCESS, ("age", *_DECIDE, *_VOUCH, *_END), _NOTHING),
    ),
    ComparisonQuestion(
        Sentence("Kan barnet få egen åtkomst tidigare?", "Can the child be given access earlier?"),
        _of_form(Form.GRANT_MINOR_ACCESS, ("age", *_DECIDE, *_VOUCH, *_END), _NOTHING),
    ),
    ComparisonQuestion(
        Sentence("Vad krävs av en legal ställföreträdare?", "What is asked of a legal representative?"),
        _of_form(Form.APPOINT_REPRESENTATIVE, ("age", *_DECIDE, *_VOUCH, *_END), _NOTHING),
    ),
    ComparisonQuestion(
        Sentence("Vem får ta bort en sådan åtkomst?", "Who may remove such an access?"),
        _of_form(Form.REVOKE_GUARDIAN_ACCESS, _DECIDE, _NOBODY),
    ),
    ComparisonQuestion(
        Sentence("Hur förlängs en åtgärd?", "How is a measure extended?"),
        _of_form(Form.EXTEND_MEASURE, (*_DECIDE, *_VOUCH, *_END), _NOTHING),
    ),
    ComparisonQuestion(
        Sentence(
            "Vad införs av sig självt vid skyddad identitet, och till när?",
            "What is imposed by itself where identity is protected, and until when?",
        ),
        _protected,
    ),
    ComparisonQuestion(Sentence("Vad visas inte för någon?", "What is shown to nobody?"), _hidden),
)


def page(regions: Iterable[Region]) -> str:
    """Every region beside the others, by its last version, as Markdown: the answer in Swedish, the question in both."""
    found = sorted(regions, key=lambda region: (region.national, region.name))
    lines = [
        "<!-- Written by `sigill rulebook questions --page` from the rulebooks. Do not edit by hand. -->",
        "",
        "# Regionerna sida vid sida",
        "",
        "Svaren kommer ur varje regions senaste version; regeln som säger det står efter. En region utan egen fil har den",
        "nationella grunden. Två regioner en viss dag: `sigill rulebook compare REGION REGION --on DATUM`.",
        "",
        "| region | gäller från |",
        "| --- | --- |",
        *(f"| {region.name} | {region.versions[-1].since} |" for region in found),
    ]
    for question in QUESTIONS:
        lines += [
            "",
            f"## {question.asked.sv}",
            "",
            f"*{question.asked.en}*",
            "",
            "| region | svar |",
            "| --- | --- |",
        ]
        lines += [f"| {region.name} | {_cell(question.answer(region.versions[-1]))} |" for region in found]
    return "\n".join((*lines, ""))


def _cell(answers: Iterable[Answer]) -> str:
    said = (
        answer.sentence.sv + (f" [{', '.join(answer.rules)}]" if answer.rules else "") for answer in answers
    )
    return "<br>".join(text.replace("|", "\\|").replace("\n", " ") for text in said)


def told(first: tuple[Region, Version], second: tuple[Region, Version], *, english: bool) -> Iterator[str]:
    """Two regions' answers, question by question, a line each; what both say alike is said once."""

    def words(sentence: Sentence) -> str:
        return sentence.en if english else sentence.sv

    for question in QUESTIONS:
        yield words(question.asked)
        one, other = question.answer(first[1]), question.answer(second[1])
        alike = {a.sentence for a in one} & {a.sentence for a in other}
        both = "both" if english else "båda"
        for name, answers in (
            (both, [a for a in one if a.sentence in alike]),
            (first[0].region, [a for a in one if a.sentence not in alike]),
            (second[0].region, [a for a in other if a.sentence not in alike]),
        ):
            for answer in answers:
                rules = answer.rules
                if name == both:
                    rules = (*rules, *(r for a in other if a.sentence == answer.sentence for r in a.rules))
                cited = f"  [{', '.join(dict.fromkeys(rules))}]" if rules else ""
                yield f"  {name}: {words(answer.sentence)}{cited}"
        yield ""
