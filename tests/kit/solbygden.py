"""A made-up region as a rule owner would write it: one file, no Python."""

SOLBYGDEN = """
region: solbygden
name: Region Solbygden
counties: ["99"]
support: Solstödet
documents:
  "S1": {title: "Region Solbygden: Påhittad rutin", valid_from: 2026-01-01}
rules:
  SB-01: {kind: [V], document: S1, sv: "Invånaren förseglar med blankett.", en: "The resident seals by form."}
  SB-02: {kind: [V], document: S1, sv: "Verksamhetschefen beslutar.", en: "The head of unit decides."}
  SB-03: {kind: [V], document: S1, sv: "Egen vilja intygas när förseglingen bryts.", en: "Own will is attested."}
  SB-04: {kind: [T], document: S1, sv: "Den unga ser sin journal från 15.", en: "The own record is shown from 15."}
versions:
  - since: 2026-01-01
    documents: [S1]
    ages: {own_record_from: 15}
    reasons: {own_record: [SB-04]}
    entries:
      - id: seal
        cites: [SB-01, SB-02]
        forms: [seal_journal]
        offered: true
        initiatives: [resident]
        channels: {ehr_form: always}
        deciders: [head_of_unit]
        services: [journal]
      - id: unseal
        cites: [SB-02]
        forms: [release_journal_seal]
        offered: true
        initiatives: [resident]
        channels: {ehr_form: always}
        deciders: [head_of_unit]
      - id: unseal-own-will
        cites: [SB-03]
        forms: [release_journal_seal]
        attestations: [own_will]
  - since: 2027-01-01
    extends: 2026-01-01
    documents: [S1]
    ages: {own_record_from: 16}
    drops: [unseal-own-will]
    entries:
      - id: unseal-no-coercion
        cites: [SB-03]
        forms: [release_journal_seal]
        attestations: [own_will, no_coercion]
"""

STORY = """
scenario: In Solbygden the head seals at the resident's wish, and the young see their record from 15
id: SB-S01
cites: [SB-01, SB-02, SB-03, SB-04]
region: solbygden
start: 2026-03-02T10:00
units: [solkliniken]
people:
  sol: {born: 2011-03-01}
staff:
  ek: {unit: solkliniken, roles: [head_of_unit]}
  lind: {unit: solkliniken, roles: [physician]}
steps:
  - access: {viewer: sol, patient: sol, service: journal, unit: solkliniken}
    expect: {allowed: true, because: [own_record]}
  - order: {id: s0, form: seal_journal, patient: sol, decided_by: lind}
    expect: {outcome: refused, codes: [decider_lacks_role]}
  - order: {id: s1, form: seal_journal, patient: sol, decided_by: ek}
    expect: {outcome: executed}
  - access: {viewer: sol, patient: sol, service: journal, unit: solkliniken}
    expect: {allowed: false, because: [journal_seal]}
  - order: {id: r0, form: release_journal_seal, patient: sol, decided_by: ek, attestations: []}
    expect: {outcome: refused, codes: [attestation_missing]}
  - order: {id: r1, form: release_journal_seal, patient: sol, decided_by: ek}
    expect: {outcome: executed}
  - order: {id: l1, form: lock_login, patient: sol, decided_by: ek}
    expect: {outcome: refused, codes: [form_not_offered]}
  - at: 2027-01-01T00:00
  - access: {viewer: sol, patient: sol, service: journal, unit: solkliniken}
    expect: {allowed: false, because: [age_13_to_15]}
"""
