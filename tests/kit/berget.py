"""A made-up region that says one thing of its own on the national base. Tests add to its end, and name its lines by number."""

BERGET = """\
region: berget
name: Region Berget
counties: ["99"]
documents: {B1: {title: "Rutin"}}
rules:
  BE-01: {kind: [V], document: B1, sv: "Verksamhetschefen beslutar.", en: "The head of unit decides."}
versions:
  - since: 2026-01-01
    base: nationwide
    documents: [B1]
    entries:
      - {id: block, cites: [BE-01], deciders: [head_of_unit]}
"""
