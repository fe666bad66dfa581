"""Pages of the rulebooks: one region on one day as HTML for a lawyer, and Markdown for the rule owners, beside the files.

Rendering only: what a rule says comes from `sigill.rulebook_docs.clauses`. The Markdown and the schema are committed, and
`sigill rulebook pages --check` fails when they no longer fit.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from html import escape
from pathlib import Path

from sigill.policy.effects import Sentence
from sigill.policy.rulebook import Condition, Region, Version
from sigill.policy.sentences import ACCESS, FORM
from sigill.rulebook_docs.clauses import (
    CLAUSE_ORDER,
    choice_when,
    choice_words,
    conditions,
    daytime_words,
    demands,
    rule_words,
    shown_words,
    standing_words,
)
from sigill.rulebook_docs.coverage import Covered, coverage
from sigill_contracts.vocabulary import Form

KIND = {
    "V": Sentence("kontroll", "validation"),
    "S": Sentence("verkan", "effect"),
    "T": Sentence("tid", "time"),
    "N": Sentence("besked", "notice"),
    "D": Sentence("dokumentation", "documentation"),
    "H": Sentence("människor", "people"),
}
_WHERE = {"attestation": "intygande", "channel": "kanal", "worklist": "arbetslista", "text": "text"}


@dataclass(frozen=True, slots=True)
class PageWord:
    """One sentence of a decision table, with the rules that it carries out."""

    sentence: Sentence
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConditionLine:
    """What holds under one condition."""

    when: Sentence
    """Empty: always."""
    says: tuple[PageWord, ...]


def table_of(version: Version, form: Form) -> tuple[ConditionLine, ...]:
    """A form's decision table: what always holds first, then each condition, in the order in which a form is judged."""
    found: dict[Sentence, list[tuple[str, PageWord]]] = {_condition(Condition()): []}
    for entry in version.matching(form):
        lines = found.setdefault(_condition(entry.when), [])
        lines += [(clause, PageWord(sentence, entry.cites)) for clause, sentence in demands(entry)]
    return tuple(
        ConditionLine(when, tuple(said for _, said in sorted(lines, key=lambda line: CLAUSE_ORDER[line[0]])))
        for when, lines in found.items()
        if lines
    )


def _condition(when: Condition) -> Sentence:
    words = conditions(when)
    return Sentence(_capital(", ".join(w.sv for w in words)), _capital(", ".join(w.en for w in words)))


def ages_of(version: Version) -> tuple[Sentence, ...]:
    """The ages of a version, in words."""
    ages = version.ages
    found = [
        Sentence(
            f"Vårdnadshavare har journal och e-tjänster tills barnet fyller {ages.guardian_until}.",
            f"Guardians have record and e-services until the child turns {ages.guardian_until}.",
        ),
        Sentence(
            f"Den unga har eget konto från {ages.own_account_from} och egen journal från {ages.own_record_from}.",
            f"The young person has an own account from {ages.own_account_from}, the own record from {ages.own_record_from}.",
        ),
    ]
    if ages.own_record_needs_full_personnummer:
        found.append(
            Sentence(
                "Den egna journalen kräver fullständigt personnummer.",
                "The own record takes a full personnummer.",
            )
        )
    if ages.own_account_needs_full_personnummer:
        found.append(
            Sentence(
                "Inloggning kräver fullständigt personnummer, även för den som företräder någon.",
                "Login takes a full personnummer, also for whoever acts for somebody.",
            )
        )
    if ages.login_from == "e_id":
        found.append(
            Sentence(
                "Den som har en egen e-legitimation använder e-tjänsterna, även före åldern för eget konto.",
                "Whoever has an own e-ID uses the e-services, also before the age of an own account.",
            )
        )
    if version.daytime is not None:
        found.append(daytime_words(version.daytime))
    if ages.leap_day_on_28th:
        found.append(
            Sentence(
                "Den som är född den 29 februari fyller år den 28 februari de år som saknar skottdag.",
                "One born on 29 February has the birthday on 28 February in common years.",
            )
        )
    return tuple(found)


_WHEN_TOLD = (
    ("imposed", Sentence("När en åtgärd införs", "When a measure is imposed")),
    ("continued", Sentence("När en åtgärd står kvar", "When a measure is continued")),
    ("released", Sentence("När en åtgärd upphör", "When a measure ends")),
)


def told_of(version: Version) -> tuple[Sentence, ...]:
    """Who is told by a version where an order leaves it out, and its standard reply, in words (X-24, X-26)."""
    found = []
    for name, when in _WHEN_TOLD:
        default = getattr(version.inform_default, name)
        who = [
            words
            for told, words in (
                (default.patient, Sentence("patienten", "the patient")),
                (default.guardians, Sentence("vårdnadshavare", "guardians")),
            )
            if told
        ] or [Sentence("ingen", "nobody")]
        said = Sentence(" och ".join(w.sv for w in who), " and ".join(w.en for w in who))
        found.append(
            Sentence(
                f"{when.sv} och beställningen inte säger något underrättas {said.sv}.",
                f"{when.en} and the order leaves it out, {said.en} {'are' if len(who) > 1 else 'is'} told.",
            )
        )
    reply = version.standard_reply
    if reply is None:
        found.append(
            Sentence(
                "Regionen har inget standardsvar till en vårdnadshavare som frågar: supporten svarar.",
                "The region has no standard reply to a guardian who asks: the support desk answers.",
            )
        )
    else:
        found.append(Sentence(f"Standardsvar: ”{reply.sv}”", f"Standard reply: “{reply.en}”"))
    return tuple(found)


# --- HTML

_STYLE = """
:root{color-scheme:light dark;--ink:#1b2430;--soft:#5a6675;--paper:#fbfaf7;--card:#fff;--line:#dcd8cf;--mark:#7a1f2b;--tint:#f3efe6;--no:#8a4b00}
@media(prefers-color-scheme:dark){:root{--ink:#e8e6e1;--soft:#a3adb9;--paper:#14181d;--card:#1b2027;--line:#323a45;--mark:#e39aa4;--tint:#232a33;--no:#e5b57a}}
*{box-sizing:border-box}
html{scroll-behavior:smooth;scroll-padding-top:1rem}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 "Iowan Old Style",Charter,Georgia,"Times New Roman",serif}
main{max-width:68rem;margin:0 auto;padding:2.5rem 1.5rem 5rem}
header{border-bottom:3px double var(--line);padding-bottom:1.2rem;margin-bottom:1.5rem}
h1{font-size:2rem;line-height:1.2;margin:0 0 .3rem;font-weight:600}
h2{font-size:1.35rem;margin:2.8rem 0 .2rem;font-weight:600;color:var(--mark)}
h2 small,h1 small{display:block;font-size:.95rem;font-weight:400;color:var(--soft)}
p{margin:.4rem 0}
.en{color:var(--soft);font-size:.9em;display:block}
nav{columns:3 16rem;background:var(--card);border:1px solid var(--line);border-radius:6px;padding:1rem 1.2rem;font-size:.95rem}
nav a{display:block;padding:.12rem 0;break-inside:avoid}
a{color:var(--mark);text-decoration:none}a:hover,a:focus-visible{text-decoration:underline}
.wide{overflow-x:auto}
table{width:100%;border-collapse:collapse;background:var(--card);border:1px solid var(--line);margin:.7rem 0}
th{text-align:left;font:600 .78rem/1.3 system-ui,sans-serif;letter-spacing:.03em;color:var(--soft);background:var(--tint)}
th,td{padding:.55rem .7rem;border-bottom:1px solid var(--line);vertical-align:top}
tr:last-child td{border-bottom:0}
td.when{width:22%}td.rules{width:9.5rem}
td.when{border-right:1px solid var(--line)}
.rules a{display:inline-block;font:600 .8rem/1.5 ui-monospace,Menlo,Consolas,monospace;border:1px solid var(--line);border-radius:4px;padding:0 .35rem;margin:0 .2rem .25rem 0;background:var(--tint)}
.always{color:var(--soft);font-style:italic}
.shut{color:var(--no)}
.tag{font:500 .75rem/1 system-ui,sans-serif;color:var(--soft);white-space:nowrap}
tr:target td{background:var(--tint)}
@media(max-width:40rem){main{padding:1.2rem .8rem 3rem}td.when{width:auto}nav{columns:1}}
@media print{body{font-size:10.5pt;background:#fff}nav{display:none}h2{break-after:avoid}tr{break-inside:avoid}}
"""


def html(region: Region, version: Version, on: date, stories: Mapping[str, Iterable[str]]) -> str:
    """One region's rules on one day: a page of its own, nothing fetched, light and dark, Swedish first."""
    offered = [form for form in Form if version.offers(form)]
    parts = [
        *_head(region, version, on),
        *_contents(offered),
        *_ages_html(version),
        *(part for form in offered for part in _form_html(version, form)),
        *_not_offered(version, offered),
        *_choices_html(version),
        *_register_html(version),
        *_rules_html(region, version, stories),
    ]
    return "\n".join(
        (
            "<!doctype html>",
            '<html lang="sv"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(region.name)} – regelverk {on.isoformat()}</title>",
            f"<style>{_STYLE}</style></head><body><main>",
            *parts,
            "</main></body></html>",
            "",
        )
    )


def _both(sentence: Sentence) -> str:
    return f'{escape(sentence.sv)}<span class="en" lang="en">{escape(sentence.en)}</span>'


def _head(region: Region, version: Version, on: date) -> Iterator[str]:
    ending = region.ending(version)
    through = f" och ersätts den {ending.isoformat()}" if ending else " och tills vidare"
    yield "<header>"
    yield f"<h1>{escape(region.name)}<small>Regelverk för 1177 Journalen och e-tjänsterna, så som det gäller den "
    yield f"{on.isoformat()}</small></h1>"
    yield f"<p>Denna version gäller från den {version.since.isoformat()}{through}. "
    yield f"Beställningar verkställs av {escape(region.support) or 'supporten'}.{escape(_series(region, on))}</p>"
    sources = "; ".join(
        f"<b>{escape(name)}</b> {escape(region.documents[name].title)}" for name in version.documents
    )
    yield f"<p>Källor: {sources}.</p></header>"


def _series(region: Region, on: date) -> str:
    series = region.series_on(on)
    return (
        ""
        if series is None
        else f" De diarieförs som {series.numbered(on, '…')}, i en serie som börjar om varje år."
    )


def _contents(offered: list[Form]) -> Iterator[str]:
    yield '<nav aria-label="Innehåll"><a href="#aldrar">Åldrar</a><a href="#besked">Vem som får besked</a>'
    yield from (f'<a href="#{form}">{escape(FORM[form].sv)}</a>' for form in offered)
    yield '<a href="#ej">Blanketter som inte finns</a><a href="#val">Val av åtgärd</a><a href="#register">Folkbokföringen</a>'
    yield '<a href="#svar">Svar om åtkomst</a><a href="#regler">Alla regler</a></nav>'


def _ages_html(version: Version) -> Iterator[str]:
    yield '<h2 id="aldrar">Åldrar<small lang="en">Ages</small></h2>'
    yield from (f"<p>{_both(sentence)}</p>" for sentence in ages_of(version))
    yield '<h2 id="besked">Vem som får besked<small lang="en">Who is told</small></h2>'
    yield from (f"<p>{_both(sentence)}</p>" for sentence in told_of(version))


def _cited(rules: Iterable[str]) -> str:
    return "".join(f'<a href="#{escape(rule)}">{escape(rule)}</a>' for rule in rules)


def _form_html(version: Version, form: Form) -> Iterator[str]:
    words = FORM[form]
    yield f'<h2 id="{form}">{escape(words.sv)}<small lang="en">{escape(words.en)} · <code>{form}</code></small></h2>'
    yield '<div class="wide"><table><thead><tr><th>När</th><th>Gäller</th><th>Regel</th></tr></thead><tbody>'
    for line in table_of(version, form):
        when = _both(line.when) if line.when.sv else _ALWAYS
        for number, said in enumerate(line.says):
            first = f'<td class="when" rowspan="{len(line.says)}">{when}</td>' if number == 0 else ""
            yield f'<tr>{first}<td>{_both(said.sentence)}</td><td class="rules">{_cited(said.rules)}</td></tr>'
    yield "</tbody></table></div>"


_ALWAYS = '<span class="always">Alltid<span class="en" lang="en">Always</span></span>'


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _not_offered(version: Version, offered: list[Form]) -> Iterator[str]:
    yield '<h2 id="ej">Blanketter som inte finns<small lang="en">Forms that are not offered</small></h2>'
    yield '<div class="wide"><table><tbody>'
    for form in Form:
        if form not in offered:
            rules = [rule for e in version.matching(form) if e.offered is False for rule in e.cites]
            yield f'<tr><td class="shut">{_both(FORM[form])}</td><td class="rules">{_cited(rules)}</td></tr>'
    yield "</tbody></table></div>"


def _choices_html(version: Version) -> Iterator[str]:
    if not version.choices:
        return
    yield '<h2 id="val">Val av åtgärd<small lang="en">Choosing the measure</small></h2>'
    yield "<p>Läses uppifrån: den första raden som stämmer gäller.</p>"
    yield '<div class="wide"><table><tbody>'
    for choice in version.choices:
        yield f'<tr><td class="when">{_both(choice_when(choice.when))}</td><td>{_both(choice_words(choice))}</td>'
        yield f'<td class="rules">{_cited(choice.cites)}</td></tr>'
    yield "</tbody></table></div>"


def _register_html(version: Version) -> Iterator[str]:
    yield '<h2 id="register">Vad folkbokföringen medför<small lang="en">What the population register brings</small></h2>'
    if version.standing:
        yield '<div class="wide"><table><tbody>'
        for rule in version.standing:
            yield f'<tr><td>{_both(standing_words(rule))}</td><td class="rules">{_cited(rule.cites)}</td></tr>'
        yield "</tbody></table></div>"
    else:
        yield "<p>Inget utöver åldrar och vårdnad.</p>"
    if version.shown:
        yield '<h2 id="visas">Vad som inte visas<small lang="en">What is not shown</small></h2>'
        yield '<div class="wide"><table><tbody>'
        for hidden in version.shown:
            yield f'<tr><td>{_both(shown_words(hidden))}</td><td class="rules">{_cited(hidden.cites)}</td></tr>'
        yield "</tbody></table></div>"
    yield '<h2 id="svar">Svar om åtkomst<small lang="en">Answers about access</small></h2>'
    yield '<div class="wide"><table><tbody>'
    for reason, rules in version.reasons.items():
        yield f'<tr><td>{_both(ACCESS[reason])}</td><td class="rules">{_cited(rules)}</td></tr>'
    yield "</tbody></table></div>"


def _rules_html(region: Region, version: Version, stories: Mapping[str, Iterable[str]]) -> Iterator[str]:
    told: dict[str, list[str]] = {}
    for story, cites in stories.items():
        for cited in cites:
            told.setdefault(cited, []).append(story)
    yield '<h2 id="regler">Alla regler<small lang="en">Every rule</small></h2>'
    yield '<div class="wide"><table><thead><tr><th>Regel</th><th>Lydelse</th><th>Källa</th><th>Berättelser</th></tr></thead><tbody>'
    for rule_id, rule in region.rules.items():
        if rule.document not in version.documents:
            continue
        kinds = ", ".join(KIND[k].sv for k in rule.kind)
        where = version.people_only.get(rule_id)
        by = f" · {_WHERE[where]}" if where else ""
        yield f'<tr id="{escape(rule_id)}"><td><b>{escape(rule_id)}</b><br><span class="tag">{kinds}{by}</span></td>'
        yield f"<td>{_both(rule_words(rule))}</td><td>{escape(rule.document)}</td>"
        yield f'<td class="tag">{"<br>".join(escape(s) for s in sorted(told.get(rule_id, ())))}</td></tr>'
    yield "</tbody></table></div>"


# --- Markdown beside the rulebooks, and the schema

_HEADER = (
    "<!-- Written by `sigill rulebook pages` from the rulebooks and the stories. Do not edit by hand. -->\n"
)


def rendered(regions: Iterable[Region], cited_by: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Every generated file beside the rulebooks: its name and text."""
    found = list(regions)
    table = coverage(found, cited_by)
    files = {f"{region.region}.md": _region_page(region, table.rows) for region in found}
    files["README.md"] = _index(found, table.rows)
    files["schema.json"] = schema()
    return files


def drift(folder: Path, wanted: Mapping[str, str]) -> list[str]:
    """Generated files that are missing or differ, and pages of regions that are gone: one line each."""
    found = [
        f"{name}: {'differs' if (folder / name).exists() else 'is missing'}"
        for name, text in wanted.items()
        if not (folder / name).exists() or (folder / name).read_text("utf-8") != text
    ]
    return found + [f"{p.name}: no such region" for p in sorted(folder.glob("*.md")) if p.name not in wanted]


def schema() -> str:
    """The JSON Schema of a rulebook file as it stands in YAML, `extends` and `drops` included."""
    made = Region.model_json_schema()
    made["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    made["title"] = "A region's rulebook"
    return json.dumps(made, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _index(regions: list[Region], rows: Iterable[Covered]) -> str:
    all_rows = list(rows)
    lines = [
        _HEADER,
        "# Rulebooks",
        "",
        "A region's rules are data. A new region is a new file here; no Python. `schema.json` says what a file may hold,",
        "`sigill rulebook check` what is wrong with it, `sigill rulebook show REGION --on DATE` how it reads, and",
        "`sigill rulebook diff` what a change would change.",
        "",
        "| region | in force from | rules | held by the program | followed by people | stories |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for region in regions:
        mine = [row for row in all_rows if row.region == region.region]
        held = [row for row in mine if row.entries]
        people = [row for row in mine if row.people and not row.entries]
        stories = {story for row in mine for story in row.stories}
        dates = ", ".join(v.since.isoformat() for v in region.versions)
        lines.append(
            f"| [{region.name}]({region.region}.md) | {dates} | {len(mine)} | {len(held)} | {len(people)} | {len(stories)} |"
        )
    return "\n".join((*lines, ""))


def _region_page(region: Region, rows: Iterable[Covered]) -> str:
    lines = [_HEADER, f"# {region.name}", ""]
    for name, document in region.documents.items():
        begins = f" (gäller från {document.valid_from})" if document.valid_from else ""
        lines.append(f"- **{name}** {document.title}{begins}")
    lines += ["", f"Versioner: {', '.join(v.since.isoformat() for v in region.versions)}.", ""]
    for row in rows:
        if row.region == region.region:
            lines += _rule_lines(row)
    return "\n".join(lines)


def _rule_lines(row: Covered) -> list[str]:
    carried = _by_version(row.entries)
    people = ", ".join(_WHERE[p] for p in row.people)
    lines = [
        f"## {row.rule_id}",
        "",
        rule_words(row.rule).sv,
        "",
        f"> {rule_words(row.rule).en}",
        "",
        "| | |",
        "| --- | --- |",
        f"| källa · source | {row.rule.document} |",
        f"| slag · kind | {', '.join(f'{KIND[k].sv} ({KIND[k].en})' for k in row.rule.kind)} |",
    ]
    lines += [
        f"| i programmet · entries, {since} | {_cell(', '.join(ids))} |" for since, ids in carried.items()
    ]
    if row.rule.floor:
        lines.append("| golv · floor | gäller i varje region och kan inte stängas av · holds everywhere |")
    if people:
        lines.append(f"| följs av människor · followed by people | {people} |")
    lines.append(f"| berättelser · stories | {', '.join(row.stories) or '–'} |")
    return [*lines, ""]


def _by_version(entries: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for entry in entries:
        since, _, name = entry.partition(" ")
        found.setdefault(since, []).append(f"`{name}`")
    return found
