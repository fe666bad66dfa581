"""A made-up region, so that the workers' tests hang on no real region's rules; and a national default."""

from pathlib import Path

TESTLAND = """
region: testland
name: Testland
counties: ["99"]
documents:
  T1: {title: Testlands rutin}
rules:
  TL-01: {kind: [V], document: T1, sv: Försegling beslutas av personal., en: A seal is decided by staff.}
  TL-02: {kind: [V], document: T1, sv: Blockering beslutas av personal., en: A block is decided by staff.}
  TL-03: {kind: [V], document: T1, sv: Åtkomst 13–15 beslutas av personal., en: Access at 13–15 is decided by staff.}
  TL-04: {kind: [V], document: T1, sv: Försegling hävs av personal., en: A seal is lifted by staff.}
  TL-05: {kind: [S], document: T1, sv: Skyddade barn förseglas., en: Protected children are sealed.}
versions:
  - since: 2020-01-01
    documents: [T1]
    letters:
      hello: {cites: [TL-01], delivery: registered_personal, sv: "# Hej från {region}", en: "# Hello from {region}"}
    entries:
      - {id: seal, cites: [TL-01], forms: [seal_journal], offered: true, initiatives: [care, resident],
         channels: {ehr_form: always, phone: urgent}, deciders: [treating_physician],
         signed_form: {within_hours: 24},
         tells: [{to: patient, template: measure_imposed, told: inform_patient}],
         note: {keyword: Journalen via nätet}}
      - {id: block, cites: [TL-02], forms: [block_guardians], offered: true, initiatives: [care],
         channels: {ehr_form: always}, deciders: [treating_physician],
         tells: [{to: guardians, template: measure_imposed, told: inform_guardians}],
         note: {keyword: Journalen via nätet}}
      - {id: grant, cites: [TL-03], forms: [grant_guardian_access], offered: true,
         initiatives: [guardian, child, care], channels: {ehr_form: always}, deciders: [treating_physician],
         ends_at_age: 16, runs: {years: 1},
         tells: [{to: guardians, template: grant_given, told: always}]}
      - {id: release, cites: [TL-04], forms: [release_journal_seal, release_guardian_block], offered: true,
         initiatives: [care, resident], channels: {ehr_form: always}, deciders: [treating_physician],
         tells: [{to: patient, template: measure_released, told: inform_patient}]}
    standing:
      - {id: protected-child, cites: [TL-05], state: protected_patient, patient_under: 13,
         imposes: [{kind: journal_seal, services: [journal]}], sv: Skyddat barn förseglat., en: Protected child sealed.}
      - {id: protection-ended, cites: [TL-05], event: protection_ended,
         sv: Skyddet har upphört. Personal beslutar., en: The protection has ended. Staff decide.}
"""

DRAFTED = (
    TESTLAND
    + """
  - since: 2025-04-01
    extends: 2020-01-01
    documents: [T1]
    letters:
      hello: {cites: [TL-01], delivery: registered_personal, sv: "# Hej från {region} i vår", en: "# Hello from {region}"}
    entries:
      - id: block
        deciders: [head_of_unit]
"""
)
"""The town's rules as somebody drafts them in the spring of 2025: who may block, and a letter."""

OWN_SERIES = TESTLAND.replace(
    "name: Testland\n", 'name: Testland\nseries: [{since: 2020-01-01, pattern: "TL {year}/{number}"}]\n'
)
"""The same, with its own registration numbers."""

NATIONAL = """
region: national
name: Nationell förvalsregel
national: true
documents:
  N1: {title: Nationellt regelverk}
rules:
  NA-01: {kind: [S], document: N1, sv: Förvalda åldrar., en: Default ages.}
versions:
  - since: 2010-01-01
    documents: [N1]
"""


def neighbour(region: str, prefix: str, town: str = TESTLAND) -> str:
    """The town's rules as another region's, with a county and citations of its own."""
    own = town.replace("region: testland", f"region: {region}").replace('"99"', '"98"')
    return own.replace("TL-", f"{prefix}-")


def write_rulebooks(folder: Path, town: str = TESTLAND) -> Path:
    """The town's rules and the national ones as files of a folder, which is made where it is not there."""
    folder.mkdir(exist_ok=True)
    (folder / "testland.yaml").write_text(town, "utf-8")
    (folder / "national.yaml").write_text(NATIONAL, "utf-8")
    return folder
