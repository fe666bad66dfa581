"""
Everything that may be wrong in a rulebook, in Swedish and English: one text a code, with the same gaps in both.

The gaps (`{rule}`) take words of the rulebook itself: ids, clauses, values. Those are the same in every language.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Language: TypeAlias = Literal["sv", "en"]


@dataclass(frozen=True, slots=True)
class FaultText:
    """What is wrong, in both languages. `str` is the English one."""

    sv: str
    en: str

    def __str__(self) -> str:
        """The English text."""
        return self.en

    def of(self, language: Language) -> str:
        """The text in a language."""
        return self.sv if language == "sv" else self.en

    def after(self, prefix: str) -> "FaultText":
        """The text with where it stands before it."""
        return FaultText(f"{prefix}: {self.sv}", f"{prefix}: {self.en}")

    def then(self, other: "FaultText") -> "FaultText":
        """The text with another behind it."""
        return FaultText(self.sv + other.sv, self.en + other.en)


NO_TEXT = FaultText("", "")


class UnfitError(ValueError):
    """A part of a rulebook does not fit, in the words of the lexicon."""

    def __init__(self, code: str, /, **gaps: object) -> None:
        """Say it by its code, with what stands in its gaps."""
        self.text = fault(code, **gaps)
        super().__init__(self.text.en)


def fault(code: str, /, **gaps: object) -> FaultText:
    """The text of a fault, its gaps filled. Raises KeyError for a code, or a gap, that is not known."""
    text = FAULTS[code]
    return FaultText(text.sv.format(**gaps), text.en.format(**gaps))


_F = FaultText

FAULTS: dict[str, FaultText] = {
    # --- the shape
    "no_such_key": _F("här finns inget `{key}`", "there is no `{key}` here"),
    "missing": _F("saknas", "is missing"),
    "unknown_word": _F("`{word}` är inte känt här", "`{word}` is not known here"),
    "unfit_value": _F("värdet är inte känt här", "`this` is not known here"),
    "nearest": _F("; närmast: {near}", "; nearest: {near}"),
    "allowed": _F("; tillåtet: {allowed}", "; allowed: {allowed}"),
    "list_of_at_least": _F("ska vara en lista med minst {least}", "must be a list of at least {least}"),
    "want_truth": _F("ska vara true eller false", "must be true or false"),
    "want_number": _F("ska vara ett heltal", "must be a whole number"),
    "want_text": _F(
        "ska vara text, inom citattecken där den ser ut som ett tal eller en dag",
        "must be text, in quotes where it looks like a number or a day",
    ),
    "want_day": _F("ska vara en dag, ÅÅÅÅ-MM-DD", "must be a day, YYYY-MM-DD"),
    "want_list": _F("ska vara en lista: [en, en till]", "must be a list: [one, another]"),
    "want_mapping": _F(
        "ska vara nycklar med värden: {{nyckel: värde}}", "must be keys with values: {{key: value}}"
    ),
    "want_pattern": _F(
        "`{word}` är inte skrivet som det ska ({pattern})",
        "`{word}` is not written as it must be ({pattern})",
    ),
    "want_written": _F("`{word}` är inte skrivet som det ska", "`{word}` is not written as it must be"),
    "written_code": _F(
        ": små bokstäver a–z, siffror och bindestreck", ": small letters a–z, digits and hyphens"
    ),
    "written_word": _F(
        ": små bokstäver a–z, siffror och understreck", ": small letters a–z, digits and underscores"
    ),
    "written_clock": _F(': klockslag TT:MM, som "08:00"', ': a time HH:MM, as "08:00"'),
    "written_organisation": _F(": tio siffror utan bindestreck", ": ten digits without a hyphen"),
    "no_such_day": _F(
        '`{day}` är ingen dag på året: månad och dag, MM-DD, som "12-24"',
        '`{day}` is no day of the year: month and day, MM-DD, as "12-24"',
    ),
    "want_some_text": _F("får inte vara tomt", "must not be empty"),
    "want_at_least": _F("ska vara minst {least}", "must be at least {least}"),
    "want_at_most": _F("ska vara högst {most}", "must be at most {most}"),
    "other_value": _F("är inte ett giltigt värde ({message})", "is no valid value ({message})"),
    "not_yaml": _F("är inte YAML: {problem}", "not YAML: {problem}"),
    "key_twice": _F(
        "`{key}` står två gånger på samma ställe; YAML behåller bara den sista",
        "`{key}` stands twice in the same place; YAML keeps the last alone",
    ),
    "yaml_token": _F(
        "är inte YAML: här står ett tecken som inget kan börja med; dra in med blanksteg (inte tabb), och sätt citattecken om texten",
        "not YAML: a character that nothing begins with; indent by spaces (not tabs), and put quotes around the text",
    ),
    "yaml_indent": _F(
        "är inte YAML: indraget stämmer inte med raderna ovanför, eller ett citattecken står inne i texten",
        "not YAML: the indent does not fit the lines above, or a quote stands within the text",
    ),
    "yaml_bracket": _F(
        "är inte YAML: komma eller avslutande parentes saknas före detta; sätt citattecken om en text med kolon",
        "not YAML: a comma or a closing bracket belongs before this; put quotes around a text with a colon",
    ),
    "yaml_colon": _F(
        "är inte YAML: ett kolon som inte hör till en nyckel; sätt citattecken om texten",
        "not YAML: a colon that belongs to no key; put quotes around the text",
    ),
    "yaml_alias": _F(
        "är inte YAML: `*namn` hänvisar till något som ingen `&namn` står vid",
        "not YAML: `*name` refers to what no `&name` stands at",
    ),
    "yaml_quote": _F(
        "är inte YAML: ett citattecken eller en parentes avslutas aldrig",
        "not YAML: a quote or a bracket is never closed",
    ),
    "no_mapping": _F("en regelbok består av nycklar med värden", "a rulebook is a mapping"),
    "too_many_parts": _F(
        "mer än {most} delar när hänvisningarna följs", "more than {most} parts, its aliases followed"
    ),
    "more_faults": _F(
        "{more} fel till finns; rätta de första {named} först",
        "{more} more faults; mend the first {named} of them first",
    ),
    "versions_shape": _F(
        "versions: varje version är nycklar med värden, och dess entries och standing är listor av sådana",
        "versions: each is a mapping, its entries and standing rules are lists of mappings",
    ),
    "not_utf8": _F("är inte UTF-8", "is not UTF-8"),
    "unreadable_file": _F("kan inte läsas: {reason}", "{reason}"),
    "no_rulebook": _F("{folder}: innehåller ingen regelbok (*.yaml)", "{folder}: holds no rulebook (*.yaml)"),
    "shipped_taken": _F(
        "ingen av dem är den nationella regelboken: den som följer med används ({region})",
        "no national rulebook among them: the shipped one is taken ({region})",
    ),
    # --- parts by themselves
    "names_no_unit": _F(
        "anger ingen enhet: ids, clinics eller named", "names no unit: ids, clinics or named"
    ),
    "hides_nothing": _F(
        "regeln {id} under shown döljer ingenting: except_units, except_information eller since",
        "shown rule {id} hides nothing: except_units, except_information or since",
    ),
    "daytime_backwards": _F("daytime: `from` är inte före `to`", "daytime: `from` is not before `to`"),
    "alternative_asks_nothing": _F(
        "ett alternativ i any_of kräver ingenting, så allt skulle vara rätt",
        "an alternative of any_of asks for nothing, so all would be right",
    ),
    "floor_protected": _F(
        "protected_identity: ingen vårdnadshavare får åtkomst medan någon är skyddad (X-11); det är ett golv för alla "
        "regioner: utelämna det",
        "protected_identity: no guardian is granted access while anybody is protected (X-11); it is a floor of every "
        "region: leave it out",
    ),
    "floor_reserve": _F(
        "reserve_number: ingen får åtkomst till eller för ett reservnummer (X-31); det är ett golv för alla regioner: "
        "utelämna det",
        "reserve_number: nobody is granted access to or for a reserve number (X-31); it is a floor of every region: "
        "leave it out",
    ),
    "no_clause": _F("{id} har inget villkor", "entry {id} has no clause"),
    "one_cause": _F(
        "den stående regeln {id} ska ha antingen state eller event",
        "standing rule {id} needs either a state or an event",
    ),
    "only_a_state_imposes": _F(
        "den stående regeln {id}: bara ett state inför åtgärder",
        "standing rule {id}: only a state imposes measures",
    ),
    "imposes_nothing": _F(
        "den stående regeln {id}: det som inte inför något avslutar inget",
        "standing rule {id}: what imposes nothing ends nothing",
    ),
    # --- parts that do not fit together
    "versions_out_of_order": _F(
        "versions ska stå i ordning efter dag, varje dag en gång",
        "versions must stand in order of date, each date once",
    ),
    "sources_national": _F(
        "sources anges bara i den nationella regelboken", "sources are said in the national rulebook alone"
    ),
    "rule_without_document": _F(
        "regeln {rule} anger inget känt dokument", "rule {rule} names no known document"
    ),
    "stands_twice": _F("{id} står två gånger i {since}", "entry {id} stands twice in {since}"),
    "cites_unknown": _F(
        "{where} hänvisar till {rule}, som inte är någon regel i filen",
        "{where} cites {rule}, which is no rule of the file",
    ),
    "on_call_without_daytime": _F(
        "{id} talar om jourtid, och `daytime` är inte angivet",
        "entry {id} speaks of on-call time, and `daytime` is not said",
    ),
    "attestation_built_in": _F(
        "attestations: `{word}` är redan ett intyg i Sigill, som en region inte ger en egen betydelse; välj ett annat ord",
        "attestations: `{word}` is an attestation of Sigill's already, to which no region gives a meaning of its own; choose "
        "another word",
    ),
    "unknown_document": _F("okänt dokument {document}", "unknown document {document}"),
    "no_base_read": _F(
        "versions: {since} börjar med den nationella grunden, och ingen nationell fil är inläst",
        "versions: {since} begins with the national base, and no national file is read",
    ),
    "base_and_extends": _F(
        "versions: {since} anger både `base` och `extends`; det som den bygger på har redan grunden",
        "versions: {since} says both `base` and `extends`; what it extends has the base already",
    ),
    "drop_without_reason": _F(
        "versions: {since} tar bort {id} ur den nationella grunden utan skäl: `{id}: {{sv: …, en: …}}`",
        "versions: {since} drops {id} of the national base without a reason: `{id}: {{sv: …, en: …}}`",
    ),
    "drops_nothing": _F(
        "versions: {since} tar bort {id}, som det den bygger på inte har",
        "versions: {since} drops {id}, which what it begins with does not have",
    ),
    "drops_floor": _F(
        "versions: {since} tar bort {id}: ett golv, som ingen regelbok tar bort",
        "versions: {since} drops {id}: a floor, which no rulebook takes away",
    ),
    "extends_nothing": _F(
        "versions: {since} bygger på {base}, som inte står före den",
        "versions: {since} extends {base}, which does not stand before it",
    ),
    "patches_nothing": _F(
        "saknas, och inget med det id:t finns i det som versionen bygger på",
        "is missing, and nothing of that id stands in what the version begins with",
    ),
    "letter_field": _F(
        "{language}: fältet {{{field}}} finns inte; fält: {known}",
        "{language}: there is no field {{{field}}}; fields: {known}",
    ),
    "letter_brace": _F(
        "en klammer som inte omger ett fält; fält: {known}",
        "a brace that is around no field; fields: {known}",
    ),
    "series_fields": _F(
        "ett diarienummer har {{year}} och {{number}} en gång var, och får ha {{day}}",
        "a registration number has {{year}} and {{number}} once each, and may have {{day}}",
    ),
    "series_capitals": _F(
        "ett diarienummer skrivs med versaler: så söks det, hur det än skrivs in",
        "a registration number is written in capitals: so it is found, however it is typed",
    ),
    "series_taken": _F(
        "nummer som börjar med SIGILL är de som gäller där en region inte har någon egen serie",
        "numbers that begin with SIGILL are those of regions without a series of their own",
    ),
    "series_out_of_order": _F(
        "series: står inte i tidsordning, eller två börjar samma dag",
        "series: not in order of time, or two begin on one day",
    ),
    "letter_reply_names": _F(
        "{language}: ett standardsvar anger varken region eller enhet (X-28)",
        "{language}: a standard reply names no region and no office (X-28)",
    ),
    "letter_encloses": _F(
        "brevet {name} bifogar {form}, som versionen inte erbjuder",
        "letter {name} encloses {form}, which the version does not offer",
    ),
    "letter_without_reply": _F(
        "brevet {name}: versionen har inget standard_reply",
        "letter {name}: the version has no standard_reply",
    ),
    "letter_without_forms": _F(
        "brevet {name} talar om {{forms}} och bifogar ingen blankett",
        "letter {name} speaks of {{forms}} and encloses none",
    ),
    "choice_says_nothing": _F(
        "valet {id} anger ingen blankett och säger inget: forms, eller sv och en",
        "choice {id} names no form and says nothing: forms, or sv and en",
    ),
    "choice_in_one_language": _F(
        "valet {id} är skrivet på ett språk: sv och en", "choice {id} speaks one language: sv and en"
    ),
    "choice_not_offered": _F(
        "valet {id} anger {form}, som versionen inte har",
        "choice {id} names {form}, which the version does not offer",
    ),
    # --- what can be read and cannot be meant
    "choice_never": _F(
        "kan aldrig gälla: {before} står före och gäller alltid när det här gör det",
        "can never apply: {before} stands before it and holds whenever it does",
    ),
    "choice_ages": _F(
        "anger {form} för åldrar som blanketten inte är till för",
        "names {form} for ages that the form is not for",
    ),
    "silent_on_forms": _F(
        "tar inte ställning till {forms}: skriv `offered: true` eller `offered: false`",
        "takes no stand on {forms}: say `offered: true` or `offered: false`",
    ),
    "two_national": _F(
        "två filer säger att de är den nationella", "two files say that they are the national one"
    ),
    "calls_itself_floor": _F(
        "{rule} kallas golv, vilket bara den nationella filen kan göra",
        "{rule} is called a floor, which only the national file can",
    ),
    "floor_elsewhere": _F(
        "{rule} är ett golv, som programmet självt håller i varje region: det lämnas inte åt något annat",
        "{rule} is a floor, which the program itself holds in every region: it is left to nothing else",
    ),
    "changes_floor": _F(
        "{rule} är ett golv för alla regioner och kan inte sägas på annat sätt",
        "{rule} is a floor of every region and cannot be said otherwise",
    ),
    "outside_sense": _F(
        "{what}: {value} ligger utanför {least}–{most}", "{what}: {value} is outside {least}–{most}"
    ),
    "record_before_account": _F(
        "ages: own_record_from kommer före own_account_from, och utan eget konto loggar ingen in",
        "ages: own_record_from comes before own_account_from, without which nobody logs in",
    ),
    "of_age_too_early": _F(
        "ages: of_age kommer före guardian_until eller own_record_from",
        "ages: of_age comes before guardian_until or own_record_from",
    ),
    "never_ends": _F(
        "{kind} upphör aldrig: ingen blankett häver den, den har inget slutdatum och ingen ålder",
        "{kind} never ends: no form releases it, no end date, no age",
    ),
    "extra_never_ends": _F(
        "{kind} upphör aldrig: ingen blankett häver den och ingen ålder avslutar den",
        "{kind} never ends: no form releases it, no age",
    ),
    "state_never_ends": _F(
        "ingen blankett häver {kind} när tillståndet har upphört",
        "no form releases {kind} when the state has ended",
    ),
    "state_left_to_people": _F(
        "{rule} säger vem som når vad, och står bara under det som människor gör",
        "{rule} says who reaches what, and stands only under what people do",
    ),
    "contradict": _F("{one} och {other} motsäger varandra: {what}", "{one} and {other} contradict: {what}"),
    "both_say_services": _F("båda anger services", "both say services"),
    "two_files": _F("två filer handlar om den här regionen", "two files tell of this region"),
    "county_of_both": _F("länet {county} hör till båda", "county {county} belongs to both"),
    "rule_in_both": _F("regeln {rule} står i båda", "rule {rule} stands in both"),
    "no_county": _F(
        "inget län: registrets uppgifter når ingen här", "no county: the register's word reaches nobody here"
    ),
    "no_such_county": _F(
        "länet {county}: inget län i Sverige har den koden",
        "county {county}: no county of Sweden has that code",
    ),
    "document_too_late": _F(
        "vilar på dokumentet {document}, som gäller först från {begins}",
        "rests on document {document}, which is valid from {begins} only",
    ),
    "rests_elsewhere": _F(
        "hänvisar till {rule} i ett dokument som versionen inte vilar på",
        "cites {rule} of a document that the version does not rest on",
    ),
    "no_form_offered": _F(
        "kan aldrig gälla: ingen av dess blanketter finns", "can never apply: none of its forms is offered"
    ),
    "neither_offered_nor_refused": _F(
        "nämns, men sägs varken finnas eller inte finnas", "is spoken of and neither offered nor refused"
    ),
    "nobody_decides": _F("finns, men ingen sägs besluta", "is offered, but nobody is said to decide"),
    "no_channel": _F(
        "finns, men ingen kanal sägs vara öppen", "is offered, but no channel is said to be open"
    ),
    "nobody_asks": _F("finns, men ingen sägs begära den", "is offered, but nobody is said to ask for it"),
    "means_nothing_for": _F("{clause} betyder ingenting för {form}", "{clause} means nothing for {form}"),
    "never_initiative": _F(
        "kan aldrig gälla för {form}: inget sådant initiativ är tillåtet",
        "can never apply to {form}: no such initiative is allowed",
    ),
    "never_channel": _F(
        "kan aldrig gälla för {form}: ingen sådan kanal är öppen",
        "can never apply to {form}: no such channel is open",
    ),
    "never_opinion": _F(
        "kan aldrig gälla för {form}: den har inget ställningstagande",
        "can never apply to {form}: it has no opinion",
    ),
    "never_decision": _F(
        "kan aldrig gälla för {form}: den har inget beslut", "can never apply to {form}: it has no decision"
    ),
    "never_called_in": _F(
        "kan aldrig gälla för {form}: den kommer aldrig per telefon",
        "can never apply to {form}: it is never called in",
    ),
    "never_measure": _F(
        "kan aldrig gälla för {form}: den handlar inte om någon åtgärd",
        "can never apply to {form}: it speaks of no measure",
    ),
    "never_kind": _F(
        "kan aldrig gälla för {form}: den avslutar ett annat slag",
        "can never apply to {form}: it ends another kind",
    ),
    "never_age": _F(
        "kan aldrig gälla för {form}: patienterna är {age} eller äldre",
        "can never apply to {form}: patients are {age} or older",
    ),
    "nobody_of_age": _F("ingen har den åldern", "nobody is of that age"),
    "ends_before_it_begins": _F(
        "upphör vid {end}, och börjar vid {begin}", "ends at {end}, and begins at {begin}"
    ),
    "other_regions_condition": _F(
        "other_regions får inte ha något annat villkor än initiativet",
        "other_regions may have no other condition than the initiative",
    ),
    "bond_opens_nothing": _F(
        "deciders_bound_to betyder ingenting för {form}: den öppnar inget som vården har stängt",
        "deciders_bound_to means nothing for {form}: it opens nothing that care shut",
    ),
    "bond_clinic_alone": _F(
        "deciders_bound_to får bara ange kliniken för {form}: ännu är inget infört",
        "deciders_bound_to may name the clinic alone for {form}: nothing is imposed yet",
    ),
    "bond_successor": _F(
        "deciders_bound_to anger efterträdaren till en enhet som det utelämnar",
        "deciders_bound_to names the successor of a unit that it leaves out",
    ),
    "no_one_role": _F("ingen roll får besluta enligt båda", "no one role may decide by both"),
    "no_one_initiative": _F("inget initiativ är tillåtet enligt båda", "no initiative is allowed by both"),
    "no_one_channel": _F("ingen kanal är öppen enligt båda", "no channel is open by both"),
    "units_both_ways": _F("enheter både krävs och förbjuds", "units are required and forbidden"),
    "end_date_both_ways": _F("slutdatum både krävs och förbjuds", "an end date is required and forbidden"),
    "offered_both_ways": _F("blanketten både finns och finns inte", "the form is offered and not offered"),
    "no_one_age": _F("ingen har båda åldrarna", "nobody is of both ages"),
    # --- a draft
    "draft_other_region": _F(
        "utkastet gäller {region}, men filen säger {said}",
        "the draft is about {region}, but the file says {said}",
    ),
    "draft_part_at_once": _F(
        "`{part}` hör inte till någon version och skulle ändras bakåt i tiden; det ändras i filen, inte här",
        "`{part}` belongs to no version and would change for days that are over; it is changed in the file, not here",
    ),
    "draft_cited": _F(
        "`{name}` hör till en version som har börjat gälla; den kan inte ändras eller tas bort",
        "`{name}` belongs to a version that has begun; it can be neither changed nor removed",
    ),
    "draft_begun": _F(
        "versionen {since} har börjat gälla och kan inte ändras; lägg till en ny med `extends: {since}`",
        "the version {since} has begun and cannot be changed; add a new one with `extends: {since}`",
    ),
    "draft_begun_elsewhere": _F(
        "utkastet ändrar {region} {since}, som har börjat gälla",
        "the draft changes {region} {since}, which has begun",
    ),
    "draft_gone": _F(
        "versionen {since} har börjat gälla och kan inte tas bort",
        "the version {since} has begun and cannot be removed",
    ),
    "draft_backwards": _F(
        "en ny version börjar tidigast dagen efter i dag; {since} är inte senare än {today}",
        "a new version begins on the day after today at the earliest; {since} is not later than {today}",
    ),
    # --- around it
    "summary": _F(
        "regelböcker: {books}, versioner: {versions}, regler: {entries}, fel: {faults}",
        "rulebooks: {books}, versions: {versions}, entries: {entries}, faults: {faults}",
    ),
    "none": _F("inga", "none"),
    "note": _F("notera", "note"),
    "the_file": _F("filen", "file"),
}
