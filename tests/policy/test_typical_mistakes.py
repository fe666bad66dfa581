"""
What rule owners really write wrong, made in two regions' files: each is one line with its place, in Swedish and in English.

A table: the file, what stands there, what somebody writes instead, how many lines further down the fault is told, and how both
messages begin.
"""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from sigill.cli.rulebook import app

RULEBOOKS = Path(__file__).parents[2] / "workers" / "sigill" / "rulebooks"
# fmt: off
MISTAKES = [
    ("jonkoping", "      - id: block\n        cites: [RJ-05, RJ-06, RJ-07]\n        forms", "      - id: block\n       cites: [RJ-05, RJ-06, RJ-07]\n        forms", 1, "är inte YAML: indraget stämmer inte med raderna ovanför, eller ett citattecken står inne i texten", "not YAML: the indent does not fit the lines above, or a quote stands within the text"),
    ("jonkoping", "deciders: [head_of_unit]\n        tells", "decidrs: [head_of_unit]\n        tells", 0, "block.decidrs: här finns inget `decidrs`; närmast: deciders", "block.decidrs: there is no `decidrs` here; nearest: deciders"),
    ("jonkoping", "        age: {until: 13}", '        age: {until: "tretton"}', 0, "block.age.until: ska vara ett heltal", "block.age.until: must be a whole number"),
    ("jonkoping", "        age: {until: 13}", "        age: {until: 13 år}", 0, "block.age.until: ska vara ett heltal", "block.age.until: must be a whole number"),
    ("jonkoping", "        offered: true", "\toffered: true", 0, "är inte YAML: här står ett tecken som inget kan börja med; dra in med blanksteg (inte tabb), och sätt citattecken om texten", "not YAML: a character that nothing begins with; indent by spaces (not tabs), and put quotes around the text"),
    ("jonkoping", "  - since: 2019-05-20", "  - since: 20-05-2019", 0, "since: ska vara en dag, ÅÅÅÅ-MM-DD", "since: must be a day, YYYY-MM-DD"),
    ("jonkoping", "  - since: 2019-05-20", "  - since: 2019-13-20", 0, "since: ska vara en dag, ÅÅÅÅ-MM-DD", "since: must be a day, YYYY-MM-DD"),
    ("jonkoping", "  - since: 2019-05-20", "  - since: 2019-02-30", 0, "since: ska vara en dag, ÅÅÅÅ-MM-DD", "since: must be a day, YYYY-MM-DD"),
    ("jonkoping", '    en: "Staff consult the head of unit, who decides on the block."\n', "", -4, "rules.RJ-06.en: saknas", "rules.RJ-06.en: is missing"),
    ("jonkoping", '    sv: "Personalen samråder med verksamhetschefen, som beslutar om blockeringen."\n', "", -3, "rules.RJ-06.sv: saknas", "rules.RJ-06.sv: is missing"),
    ("jonkoping", "      - id: unblock", "      - id: block", 0, "block står två gånger i 2019-05-20", "entry block stands twice in 2019-05-20"),
    ("jonkoping", "deciders: [head_of_unit]\n        tells", "deciders: [verksamhetschef]\n        tells", 0, "block.deciders.0: `verksamhetschef` är inte känt här", "block.deciders.0: `verksamhetschef` is not known here"),
    ("jonkoping", "cites: [RJ-02], deciders", "cites: [RJ-20], deciders", 0, "guardian-access hänvisar till RJ-20, som inte är någon regel i filen; närmast: RJ-12", "guardian-access cites RJ-20, which is no rule of the file; nearest: RJ-12"),
    ("jonkoping", "{id: lock, cites: [RJ-10], age: {since: 13}, channels: null}", "{id: lock, cites: [RJ-10], age: {since: 13}, age: {until: 16}, channels: null}", 0, "`age` står två gånger på samma ställe; YAML behåller bara den sista", "`age` stands twice in the same place; YAML keeps the last alone"),
    ("jonkoping", "    base: nationwide\n", "    base: nationwide\n    drops: [X-11]\n", 1, "versions: 2019-05-20 tar bort X-11: ett golv, som ingen regelbok tar bort", "versions: 2019-05-20 drops X-11: a floor, which no rulebook takes away"),
    ("jonkoping", "    base: nationwide\n", "    base: national\n", 0, "base: `national` är inte känt här; närmast: nationwide", "base: `national` is not known here; nearest: nationwide"),
    ("jonkoping", "units: forbidden", "units: forbiden", 0, "block.units: `forbiden` är inte känt här; närmast: forbidden", "block.units: `forbiden` is not known here; nearest: forbidden"),
    ("jonkoping", "clinics: [barnahus, lss", "clinic: [barnahus, lss", 0, "hidden-units.except_units.clinic: här finns inget `clinic`; närmast: clinics", "hidden-units.except_units.clinic: there is no `clinic` here; nearest: clinics"),
    ("jonkoping", "services: [journal, e_services]", "services: [journal, etjänster]", 0, "block.services.1: `etjänster` är inte känt här", "block.services.1: `etjänster` is not known here"),
    ("jonkoping", "initiatives: [care]\n        deciders", "initiatives: care\n        deciders", 0, "block.initiatives: ska vara en lista: [en, en till]", "block.initiatives: must be a list: [one, another]"),
    ("jonkoping", "template: measure_imposed", "template: measure_impose", 0, "block.tells.0.template: `measure_impose` är inte känt här; närmast: measure_imposed", "block.tells.0.template: `measure_impose` is not known here; nearest: measure_imposed"),
    ("jonkoping", "told: inform_guardians", "told: inform_guardian", 0, "block.tells.0.told: `inform_guardian` är inte känt här; närmast: inform_guardians", "block.tells.0.told: `inform_guardian` is not known here; nearest: inform_guardians"),
    ("jonkoping", 'document: "J1"\n    sv: "Innan', 'document: "J9"\n    sv: "Innan', 0, "regeln RJ-05 anger inget känt dokument; närmast: J3", "rule RJ-05 names no known document; nearest: J3"),
    ("jonkoping", 'documents: ["J1", "J2", "J3"]\n    ages', 'documents: ["J1", "J2", "J4"]\n    ages', 0, "okänt dokument J4; närmast: J3", "unknown document J4; nearest: J3"),
    ("jonkoping", "ages: {guardian_until: 13, own", "ages: {guardian_until: 130, own", 0, "jonkoping 2019-05-20: ages.guardian_until: 130 ligger utanför 1–25", "jonkoping 2019-05-20: ages.guardian_until: 130 is outside 1–25"),
    ("jonkoping", "ages: {guardian_until: 13, own", "ages: {guardian_til: 13, own", 0, "ages.guardian_til: här finns inget `guardian_til`; närmast: guardian_until", "ages.guardian_til: there is no `guardian_til` here; nearest: guardian_until"),
    ("jonkoping", 'counties: ["06"]', "counties: [6]", 0, "counties.0: ska vara text, inom citattecken där den ser ut som ett tal eller en dag", "counties.0: must be text, in quotes where it looks like a number or a day"),
    ("jonkoping", 'organisations: ["2321000057"]', 'organisations: ["232100-0057"]', 0, "organisations.0: `232100-0057` är inte skrivet som det ska: tio siffror utan bindestreck", "organisations.0: `232100-0057` is not written as it must be: ten digits without a hyphen"),
    ("jonkoping", 'kind: [S, T]\n    document: "J3"\n    sv: "Den som', 'kind: [S, Q]\n    document: "J3"\n    sv: "Den som', 0, "rules.RJ-01.kind.1: `Q` är inte känt här", "rules.RJ-01.kind.1: `Q` is not known here"),
    ("jonkoping", "RJ-08: text", "RJ-08: texten", 0, "people_only.RJ-08: `texten` är inte känt här; närmast: text", "people_only.RJ-08: `texten` is not known here; nearest: text"),
    ("jonkoping", "RJ-08: text", "RJ-88: text", 0, "people_only hänvisar till RJ-88, som inte är någon regel i filen; närmast: RJ-08", "people_only cites RJ-88, which is no rule of the file; nearest: RJ-08"),
    ("jonkoping", "age: {until: 13}\n        initiatives", "runs: {years: 0}\n        initiatives", 0, "jonkoping 2019-05-20 block: block.runs.years: 0 ligger utanför 1–10", "jonkoping 2019-05-20 block: block.runs.years: 0 is outside 1–10"),
    ("jonkoping", "{ehr_form: always, phone: urgent}", "{ehr_form: always, fax: urgent}", 0, "acute-by-phone.channels.fax: här finns inget `fax`", "acute-by-phone.channels.fax: there is no `fax` here"),
    ("jonkoping", "{ehr_form: always, phone: urgent}", "{ehr_form: allways, phone: urgent}", 0, "acute-by-phone.channels.ehr_form: `allways` är inte känt här; närmast: always", "acute-by-phone.channels.ehr_form: `allways` is not known here; nearest: always"),
    ("jonkoping", "when: {urgent: true}", "when: {urgent: kanske}", 0, "acute-inquiry.when.urgent: ska vara true eller false", "acute-inquiry.when.urgent: must be true or false"),
    ("jonkoping", "forms: [block_guardians, seal_journal]\n        derived", "forms: [block_guardians, seal_child]\n        derived", 0, "valet choose-block-and-seal anger seal_child, som versionen inte har", "choice choose-block-and-seal names seal_child, which the version does not offer"),
    ("jonkoping", "region: jonkoping", "region: Jönköping", 0, "region: `Jönköping` är inte skrivet som det ska: små bokstäver a–z, siffror och bindestreck", "region: `Jönköping` is not written as it must be: small letters a–z, digits and hyphens"),
    ("jonkoping", "own_record: [RJ-01, RJ-12]", "own_recrod: [RJ-01, RJ-12]", 0, "reasons.own_recrod: `own_recrod` är inte känt här; närmast: own_record", "reasons.own_recrod: `own_recrod` is not known here; nearest: own_record"),
    ("jonkoping", "own_record: [RJ-01, RJ-12]", "own_record: []", 0, "reasons.own_record: ska vara en lista med minst 1", "reasons.own_record: must be a list of at least 1"),
    ("jonkoping", '{code: third_person, sv: "Tredje person", en: "Third person"}', '{code: Tredje person, sv: "Tredje person", en: "Third person"}', 0, "hidden-headings.except_information.2.code: `Tredje person` är inte skrivet som det ska: små bokstäver a–z, siffror och understreck", "hidden-headings.except_information.2.code: `Tredje person` is not written as it must be: small letters a–z, digits and underscores"),
    ("jonkoping", 'title: "Region Jönköpings län: Frågor', "title: Region Jönköpings län: Frågor", 0, "är inte YAML: komma eller avslutande parentes saknas före detta; sätt citattecken om en text med kolon", "not YAML: a comma or a closing bracket belongs before this; put quotes around a text with a colon"),
    ("jonkoping", 'sv: "Från 13 kan inloggningen', 'sv: "Från 13 kan "inloggningen"', 0, "är inte YAML: indraget stämmer inte med raderna ovanför, eller ett citattecken står inne i texten", "not YAML: the indent does not fit the lines above, or a quote stands within the text"),
    ("jonkoping", "decider_at: exactly_its_unit}\n      - {id: minor", "decider_at: its_own_unit}\n      - {id: minor", 0, "guardian-access.decider_at: `its_own_unit` är inte känt här; närmast: exactly_its_unit", "guardian-access.decider_at: `its_own_unit` is not known here; nearest: exactly_its_unit"),
    ("skane", 'from: "08:00"', "from: 8.00", 0, "daytime.from: ska vara text, inom citattecken där den ser ut som ett tal eller en dag", "daytime.from: must be text, in quotes where it looks like a number or a day"),
    ("skane", 'to: "17:00"', 'to: "25:00"', 0, 'daytime.to: `25:00` är inte skrivet som det ska: klockslag TT:MM, som "08:00"', 'daytime.to: `25:00` is not written as it must be: a time HH:MM, as "08:00"'),
    ("skane", 'yearly: ["01-01",', 'yearly: ["1/1",', 0, 'daytime.holidays.yearly.0: `1/1` är ingen dag på året: månad och dag, MM-DD, som "12-24"', 'daytime.holidays.yearly.0: `1/1` is no day of the year: month and day, MM-DD, as "12-24"'),
    ("skane", 'yearly: ["01-01",', 'yearly: ["13-01",', 0, 'daytime.holidays.yearly.0: `13-01` är ingen dag på året: månad och dag, MM-DD, som "12-24"', 'daytime.holidays.yearly.0: `13-01` is no day of the year: month and day, MM-DD, as "12-24"'),
    ("skane", "weekday: fri", "weekday: fredag", 0, "daytime.holidays.movable.0.weekday: `fredag` är inte känt här", "daytime.holidays.movable.0.weekday: `fredag` is not known here"),
    ("skane", "login_from: e_id", "login_from: eid", 0, "ages.login_from: `eid` är inte känt här; närmast: e_id", "ages.login_from: `eid` is not known here; nearest: e_id"),
    ("skane", "signed_form: never", "signed_form: aldrig", 0, "block-phoned.signed_form: `aldrig` är inte känt här", "block-phoned.signed_form: `aldrig` is not known here"),
    ("skane", '    daytime:\n      from: "08:00"\n      to: "17:00"\n', "", 0, "är inte YAML: indraget stämmer inte med raderna ovanför, eller ett citattecken står inne i texten", "not YAML: the indent does not fit the lines above, or a quote stands within the text"),
    ("skane", "when: {on_call: false}", "when: {on_call: nej}", 0, "block-by-day.when.on_call: ska vara true eller false", "block-by-day.when.on_call: must be true or false"),
    ("skane", "derived: *hours", "derived: *hour", 0, "är inte YAML: `*namn` hänvisar till något som ingen `&namn` står vid", "not YAML: `*name` refers to what no `&name` stands at"),
    ("skane", "attestations: [harm_assessment]", "attestations: [harm_assesment]", 0, "seal-assessed.attestations.0: `harm_assesment` är inte känt här; närmast: harm_assessment", "seal-assessed.attestations.0: `harm_assesment` is not known here; nearest: harm_assessment"),
    ("skane", "signed_form: never", "signed_form: never\n      - id: block-by-form\n        cites: [SK-08]\n        forms: [block_guardians]\n        channels: {}", 1, "skane 2020-10-20 block_guardians: block-phoned och block-by-form motsäger varandra: ingen kanal är öppen enligt båda", "skane 2020-10-20 block_guardians: block-phoned and block-by-form contradict: no channel is open by both"),
    ("skane", "told: inform_guardians", "told: inform_guardians, sv: 5", 0, "block.tells.0.sv: ska vara text, inom citattecken där den ser ut som ett tal eller en dag", "block.tells.0.sv: must be text, in quotes where it looks like a number or a day"),
    ("skane", "  - since: 2020-10-20", "  - since: 2020-10-20 kl 08", 0, "since: ska vara en dag, ÅÅÅÅ-MM-DD", "since: must be a day, YYYY-MM-DD"),
    ("skane", "      - id: block-on-call\n        cites: [SK-07]", "      - id: block_on_call\n        cites: [SK-07]", 0, "block_on_call.id: `block_on_call` är inte skrivet som det ska: små bokstäver a–z, siffror och bindestreck", "block_on_call.id: `block_on_call` is not written as it must be: small letters a–z, digits and hyphens"),
    ("skane", "      - id: block-on-call\n        cites: [SK-07]", "      - id: block-on-call\n        cites: []", 1, "block-on-call.cites: ska vara en lista med minst 1", "block-on-call.cites: must be a list of at least 1"),
    ("skane", "      - id: block-on-call\n        cites: [SK-07]", "      - id: block-on-call\n        cites: SK-07", 1, "block-on-call.cites: ska vara en lista: [en, en till]", "block-on-call.cites: must be a list: [one, another]"),
    ("skane", "age: {until: 13}", "ends_at_age: 13.5", 0, "block.ends_at_age: ska vara ett heltal", "block.ends_at_age: must be a whole number"),
    ("skane", "versions:\n", "version:\n", 0, "version: här finns inget `version`; närmast: versions", "version: there is no `version` here; nearest: versions"),
    ("skane", "age: {until: 13}", "age: {until: 13}\n        court_order: person", 1, "skane 2020-10-20 block: court_order betyder ingenting för block_guardians", "skane 2020-10-20 block: court_order means nothing for block_guardians"),
    ("skane", "forms: [seal_journal]\n        when", "forms: [request_release]\n        age: {until: 13}\n        when", 2, "skane 2020-10-20 seal-assessed: kan aldrig gälla för request_release: inget sådant initiativ är tillåtet", "skane 2020-10-20 seal-assessed: can never apply to request_release: no such initiative is allowed"),
    ("jonkoping", "    base: nationwide\n", "    base: nationwide\n    drops: {opened-where-imposd: {sv: a, en: b}}\n", 1, "versions: 2019-05-20 tar bort opened-where-imposd, som det den bygger på inte har; närmast: opened-where-imposed", "versions: 2019-05-20 drops opened-where-imposd, which what it begins with does not have; nearest: opened-where-imposed"),
    ("skane", 'counties: ["12"]\n', "", -2, "skane: inget län: registrets uppgifter når ingen här", "skane: no county: the register's word reaches nobody here"),
]
# fmt: on


@pytest.mark.parametrize(("region", "right", "wrong", "further", "sv", "en"), MISTAKES)
def test_a_typical_mistake_is_one_line_in_both_languages(
    tmp_path: Path, region: str, right: str, wrong: str, further: int, sv: str, en: str
) -> None:
    text = (RULEBOOKS / f"{region}.yaml").read_text("utf-8")
    assert right in text
    file = tmp_path / f"{region}.yaml"
    file.write_text(text.replace(right, wrong, 1), "utf-8")
    line = 1 + text[: text.index(right)].count("\n") + further
    for language, said in (("sv", sv), ("en", en)):
        checked = CliRunner().invoke(app, ["check", str(file), "--language", language])
        assert checked.exit_code == 1
        (told,) = checked.stdout.splitlines()
        place, _, what = told.removeprefix(f"{file}:").partition(": ")
        assert place.split(":")[0] == str(line)
        assert int(place.split(":")[1]) >= 1
        assert what.startswith(said)
