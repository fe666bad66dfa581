"""XAdES: what is accepted, what is refused, and that only what was signed is read."""

import base64
import copy
import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from lxml import etree

from sigill.devtools.signing import sign_xades, tampered_xades
from sigill.trust import RevocationSnapshot
from sigill.trust.form_xml import NAMESPACE, xml_of
from sigill.trust.profile import DS, EXCLUSIVE, INCLUSIVE, XADES
from tests.kit.signed_forms import FORM, NOW, SIGNER, XML, Bench

C14N_11 = "http://www.w3.org/2006/12/xml-c14n11"


def tag(name: str, namespace: str = DS) -> str:
    return f"{{{namespace}}}{name}"


def good(bench: Bench, **how) -> etree._Element:
    return etree.fromstring(sign_xades(FORM, bench.ca.staff(SIGNER), NOW, **how))


def codes(bench: Bench, document: etree._Element | bytes, **how) -> list[str]:
    raw = document if isinstance(document, bytes) else etree.tostring(document)
    return bench.codes(raw, XML, **how)


@pytest.mark.parametrize("canonical", [EXCLUSIVE, INCLUSIVE, C14N_11])
@pytest.mark.parametrize("key", ["P-256", "P-384", "RSA-2048"])
@pytest.mark.parametrize("key_info_signed", [False, True])
def test_baseline_signatures_are_accepted(bench: Bench, canonical: str, key: str, key_info_signed: bool):
    raw = sign_xades(
        FORM, bench.ca.staff(SIGNER, key=key), NOW, canonical=canonical, key_info_signed=key_info_signed
    )

    verdict = bench.verdict(raw, XML)

    assert verdict.proven
    assert json.loads(verdict.payload) == FORM
    assert verdict.signed_at == NOW
    assert [s.hsa_id for s in verdict.signers] == [SIGNER]


def test_rsa_without_pss_is_accepted(bench: Bench):
    assert (
        codes(bench, sign_xades(FORM, bench.ca.staff(SIGNER, key="RSA-2048"), NOW, algorithm="RS256")) == []
    )


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("payload", "signature_invalid"),
        ("signature", "signature_invalid"),
        ("expired_certificate", "certificate_expired"),
        ("revoked_certificate", "certificate_revoked"),
        ("untrusted_issuer", "certificate_untrusted"),
        ("wrong_key_usage", "certificate_not_for_signing"),
        ("alg_none", "algorithm_not_allowed"),
    ],
)
def test_one_fault_gives_one_code(bench: Bench, how, code: str):
    verdict = bench.verdict(tampered_xades(how, FORM, SIGNER, bench.ca, signed_at=NOW), XML)

    assert [str(c) for c in verdict.refusals] == [code]
    assert json.loads(verdict.claimed)["form"] == FORM["form"]


@pytest.mark.parametrize(
    ("signed_at", "code"),
    [(NOW - timedelta(days=31), "signature_too_old"), (NOW + timedelta(minutes=6), "signed_in_future")],
)
def test_the_signing_time_is_judged(bench: Bench, signed_at, code: str):
    assert code in codes(bench, sign_xades(FORM, bench.ca.staff(SIGNER), signed_at))


# What nobody can read


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"<order",
        b"<order xmlns='urn:sigill:order:1'/>",
        etree.tostring(xml_of(FORM)),
        etree.tostring(xml_of(FORM), encoding="UTF-16"),
        etree.tostring(xml_of(FORM), encoding="ISO-8859-1"),
        b"<a>" * 100_000,
    ],
    ids=["empty", "JSON", "broken", "unsigned", "unsigned form", "UTF-16", "Latin-1", "deep"],
)
def test_what_is_no_signed_document_is_a_dead_letter(bench: Bench, raw: bytes):
    assert codes(bench, raw) == ["dead_letter"]


def test_a_good_signature_over_something_else_is_a_dead_letter(bench: Bench):
    mixed = xml_of(FORM)
    mixed.text = "text between elements"
    foreign = xml_of(FORM)
    etree.SubElement(foreign, "{urn:other}form").text = "x"
    attributes = xml_of(FORM)
    attributes.set("version", "2")

    for form in (mixed, foreign, attributes):
        assert codes(bench, sign_xades(form, bench.ca.staff(SIGNER), NOW)) == ["dead_letter"]


# Shapes


def _signature(root: etree._Element) -> etree._Element:
    return root.find(tag("Signature"))


def _in_evil_root(root):
    evil = xml_of(FORM | {"form": "release_journal_seal"})
    evil.append(root)
    return evil


def _signature_moved_up(root):
    """Classic wrapping: the signed order inside, the signature where it is looked for."""
    evil = xml_of(FORM | {"form": "release_journal_seal"})
    signature = _signature(root)
    evil.append(root)
    evil.append(signature)
    return evil


def _original_in_object(root):
    evil = xml_of(FORM | {"form": "release_journal_seal"})
    signature = _signature(root)
    root.remove(signature)
    holder = etree.SubElement(signature, tag("Object"))
    holder.append(root)
    evil.append(signature)
    return evil


def _two_signatures(root):
    root.append(copy.deepcopy(_signature(root)))
    return root


def _signature_not_last(root):
    etree.SubElement(root, f"{{{NAMESPACE}}}motivation").text = "added"
    return root


def _unsigned_object(root):
    etree.SubElement(_signature(root), tag("Object")).text = "x"
    return root


def _more_in_the_object(root):
    etree.SubElement(_signature(root).find(tag("Object")), "{urn:x}y")
    return root


def _fake_properties_first(root):
    signature = _signature(root)
    fake = copy.deepcopy(signature.find(tag("Object")))
    for element in fake.iter(tag("SigningTime", XADES)):
        element.text = "2020-01-01T00:00:00+00:00"
    fake[0][0].set("Id", "other")
    signature.insert(3, fake)
    return root


def _same_id_twice(root):
    _signature(root).find(tag("KeyInfo")).set("Id", "props")
    return root


def _same_id_by_another_name(root):
    _signature(root).find(tag("SignedInfo")).set("ID", "props")
    return root


def _transform(algorithm: str):
    def change(root):
        transforms = root.find(f".//{tag('Transforms')}")
        transforms.insert(1, etree.Element(tag("Transform"), Algorithm=algorithm))
        return root

    return change


def _transform_with_parameters(root):
    transform = root.find(f".//{tag('Transform')}")
    etree.SubElement(transform, tag("XPath")).text = "true()"
    return root


def _set(path: str, name: str, value: str):
    def change(root):
        root.find(f".//{path}").set(name, value)
        return root

    return change


def _text(path: str, value: str):
    def change(root):
        root.find(f".//{path}").text = value
        return root

    return change


def _drop(path: str):
    def change(root):
        element = root.find(f".//{path}")
        element.getparent().remove(element)
        return root

    return change


def _another_reference(root):
    info = _signature(root).find(tag("SignedInfo"))
    info.append(copy.deepcopy(info.find(tag("Reference"))))
    info[-1].set("URI", "https://example.org/")
    return root


def _reference_twice(root):
    info = _signature(root).find(tag("SignedInfo"))
    info.append(copy.deepcopy(info.find(tag("Reference"))))
    return root


def _properties_in_the_form(root):
    etree.SubElement(root[0], tag("SignedProperties", XADES))
    return root


def _processing_instruction(root):
    root.insert(0, etree.ProcessingInstruction("x", "y"))
    return root


def _many_elements(root):
    for _ in range(3000):
        root.insert(0, etree.Element(f"{{{NAMESPACE}}}units"))
    return root


SHAPES: dict[str, Callable] = {
    "the original in an evil root": _in_evil_root,
    "the original in an evil root, the signature where it belongs": _signature_moved_up,
    "the original moved into ds:Object": _original_in_object,
    "two signatures": _two_signatures,
    "something after the signature": _signature_not_last,
    "an unsigned ds:Object": _unsigned_object,
    "something beside the properties": _more_in_the_object,
    "fake properties before the real ones": _fake_properties_first,
    "two elements with the same Id": _same_id_twice,
    "the same Id by another name": _same_id_by_another_name,
    "an XSLT transform": _transform("http://www.w3.org/TR/1999/REC-xslt-19991116"),
    "an XPath transform": _transform("http://www.w3.org/TR/1999/REC-xpath-19991116"),
    "a base64 transform": _transform("http://www.w3.org/2000/09/xmldsig#base64"),
    "a filter transform": _transform("http://www.w3.org/2002/06/xmldsig-filter2"),
    "a transform with parameters": _transform_with_parameters,
    "canonicalisation with comments": _set(
        tag("CanonicalizationMethod"), "Algorithm", EXCLUSIVE + "WithComments"
    ),
    "SHA-1": _set(tag("DigestMethod"), "Algorithm", "http://www.w3.org/2000/09/xmldsig#sha1"),
    "an external reference": _set(tag("Reference"), "URI", "https://example.org/"),
    "a reference to a file": _set(tag("Reference"), "URI", "file:///etc/hostname"),
    "one reference more": _another_reference,
    "a reference twice": _reference_twice,
    "properties in the form": _properties_in_the_form,
    "the document is not signed": _drop(tag("Reference")),
    "no key information": _drop(tag("KeyInfo")),
    "no certificate": _drop(tag("X509Certificate")),
    "no signing time": _drop(tag("SigningTime", XADES)),
    "no signing certificate": _drop(tag("SigningCertificateV2", XADES)),
    "another signing time": _text(tag("SigningTime", XADES), "2026-03-01T09:00:00+00:00"),
    "a signing time without zone": _text(tag("SigningTime", XADES), "2026-03-02T09:00:00"),
    "a broken certificate": _text(tag("X509Certificate"), "AAAA"),
    "another certificate digest": _text(
        f"{tag('CertDigest', XADES)}/{tag('DigestValue')}", base64.b64encode(b"0" * 32).decode()
    ),
    "properties of another signature": _set(tag("QualifyingProperties", XADES), "Target", "#other"),
    "a processing instruction": _processing_instruction,
    "too many elements": _many_elements,
    "another namespace": lambda root: etree.fromstring(
        etree.tostring(root).replace(NAMESPACE.encode(), b"urn:sigill:order:2")
    ),
}


#: Why each is refused: by its shape, before anything is verified. What is not here, the signature itself gives away.
REASONS = {
    "not exactly one signature, last in the order": [
        "the original in an evil root",
        "two signatures",
        "something after the signature",
    ],
    "2 Object elements, not one": [
        "the original moved into ds:Object",
        "an unsigned ds:Object",
        "fake properties before the real ones",
    ],
    "an Object with something else in it": ["something beside the properties"],
    "two elements with the same Id": ["two elements with the same Id", "the same Id by another name"],
    "transforms that are not accepted": [
        "an XSLT transform",
        "an XPath transform",
        "a base64 transform",
        "a filter transform",
    ],
    "the signature is not left out by enveloped-signature or the same in XPath": [
        "a transform with parameters"
    ],
    "a canonicalisation that is not accepted": ["canonicalisation with comments"],
    "a digest that is not accepted": ["SHA-1"],
    "a reference to something else, or twice to the same": [
        "an external reference",
        "a reference to a file",
        "one reference more",
        "a reference twice",
    ],
    "the document or the properties are not signed": ["the document is not signed"],
    "more than one set of properties": ["properties in the form"],
    "properties of another signature": ["properties of another signature"],
    "the signing certificate is not in the signature": ["no certificate", "another certificate digest"],
    "processing instructions or entities": ["a processing instruction"],
    "too many elements": ["too many elements"],
    "the root is not an order": ["another namespace"],
}


#: Where it is not the form: what was signed is another thing, or the digest is not on the list.
CODES = {
    "the original in an evil root, the signature where it belongs": "signature_invalid",
    "another signing time": "signature_invalid",
    "SHA-1": "algorithm_not_allowed",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_another_shape_is_refused(bench: Bench, shape: str):
    verdict = bench.verdict(etree.tostring(SHAPES[shape](good(bench))), XML)

    (reason,) = verdict.reasons
    assert str(reason.code) == CODES.get(shape, "signature_form_not_accepted")
    assert reason.sv
    assert reason.en
    for detail in (detail for detail, shapes in REASONS.items() if shape in shapes):
        assert verdict.checks[0].detail == detail


@pytest.mark.parametrize(
    ("shape", "field"),
    [
        ("an XSLT transform", "Reference.Transforms"),
        ("canonicalisation with comments", "CanonicalizationMethod"),
        ("no certificate", "KeyInfo.X509Certificate"),
        ("no signing time", "SigningTime"),
        ("no signing certificate", "SigningCertificateV2"),
        ("something beside the properties", "QualifyingProperties"),
        ("an external reference", "Reference"),
        ("SHA-1", "Reference.DigestMethod"),
        ("two signatures", "Signature"),
        ("another namespace", "order"),
    ],
)
def test_the_sender_is_told_which_part_to_set(bench: Bench, shape: str, field: str):
    (reason,) = bench.verdict(etree.tostring(SHAPES[shape](good(bench))), XML).reasons

    assert reason.field == field


@pytest.mark.parametrize("method", ["rsa-sha1", "hmac-sha256", "dsa-sha256", "none"])
def test_a_method_outside_the_list_is_refused_alone(bench: Bench, method: str):
    changed = _set(tag("SignatureMethod"), "Algorithm", f"http://www.w3.org/2001/04/xmldsig-more#{method}")

    assert codes(bench, changed(good(bench))) == ["algorithm_not_allowed"]


@pytest.mark.parametrize(
    "doctype",
    [
        b"<!DOCTYPE order>",
        b'<!DOCTYPE order SYSTEM "file:///etc/hostname">',
        b'<!DOCTYPE order [<!ENTITY a "b"><!ENTITY c "&a;&a;">]>',
        b'<!DOCTYPE order [<!ATTLIST order x CDATA "y">]>',
    ],
)
def test_a_document_type_is_refused_before_it_is_read(bench: Bench, doctype: bytes):
    declaration, rest = sign_xades(FORM, bench.ca.staff(SIGNER), NOW).split(b"?>", 1)

    verdict = bench.verdict(declaration + b"?>" + doctype + rest, XML)

    assert [str(c) for c in verdict.refusals] == ["signature_form_not_accepted"]
    assert [c.detail for c in verdict.checks] == ["a document type"]


# Only what was signed is read


def test_a_comment_does_not_cut_the_text_off(bench: Bench):
    root = good(bench)
    motivation = root.find(f"{{{NAMESPACE}}}motivation")
    text = motivation.text
    motivation.text = text[:5]
    motivation.append(etree.Comment("x"))
    motivation[0].tail = text[5:]

    verdict = bench.verdict(etree.tostring(root), XML)

    assert verdict.proven
    assert json.loads(verdict.payload) == FORM


def test_a_certificate_of_another_holder_in_front_is_not_the_signer(bench: Bench):
    other = bench.ca.staff("SE2321000065-1002")
    root = good(bench)
    data = root.find(f".//{tag('X509Data')}")
    data.insert(0, etree.Element(tag("X509Certificate")))
    data[0].text = other.x5c[0]

    assert [s.hsa_id for s in bench.verdict(etree.tostring(root), XML).signers] == [SIGNER]


def test_stapled_answers_are_evidence(bench: Bench):
    holder = bench.ca.staff(SIGNER)
    root_only = RevocationSnapshot.read([bench.ca.crl(NOW - timedelta(hours=1), by=bench.ca.root)])
    answer = bench.ca.ocsp_answer(holder.certificate, NOW)

    assert codes(bench, sign_xades(FORM, holder, NOW), evidence=root_only) == ["undetermined"]
    raw = sign_xades(FORM, holder, NOW, revocation_values=[answer])
    assert codes(bench, raw, evidence=root_only) == []


# The form


def test_a_field_twice_is_refused(bench: Bench):
    form = xml_of(FORM)
    etree.SubElement(form, f"{{{NAMESPACE}}}form").text = "release_journal_seal"

    raw = sign_xades(form, bench.ca.staff(SIGNER), NOW)

    assert codes(bench, raw) == ["signature_form_not_accepted"]
