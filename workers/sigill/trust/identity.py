"""Who a certificate names: the HSA-id in the subject's serialNumber (OID 2.5.4.5)."""

import re
from typing import Literal

from cryptography import x509
from cryptography.x509.oid import NameOID

from sigill.trust.asn1 import Rdns, name_der, read_name
from sigill_contracts.hsa_id import canonical_hsa_id

#: Twelve or ten digits, with or without a separator: a personnummer, samordningsnummer or reserve number.
_PERSONAL_NUMBER = re.compile(r"(?:[0-9]{2})?[0-9]{6}[-+]?[0-9]{4}")


class NotAnHsaId(ValueError):
    """The certificate names nobody by HSA-id; the message says in which way, in Swedish and English, never with the value."""

    def __init__(self, sv: str, en: str) -> None:
        super().__init__(en)
        self.sv, self.en = sv, en


def rdns_of(certificate: x509.Certificate, which: Literal["subject", "issuer"]) -> Rdns:
    """The parts of a certificate's name; empty when it cannot be read."""
    try:
        return read_name(name_der(certificate, which))
    except ValueError:
        return ()


def attributes_of(
    certificate: x509.Certificate, which: Literal["subject", "issuer"]
) -> list[tuple[str, str]]:
    """The text attributes of a certificate's name, as (OID, value)."""
    return [(oid, value) for rdn in rdns_of(certificate, which) for oid, value in rdn if value is not None]


def hsa_id_of(certificate: x509.Certificate, form: re.Pattern[str]) -> str:
    """
    Read the HSA-id from the ASN.1 of the subject, whatever string type it was written in; in its canonical form.

    The name's text form is never parsed: there a value can come as `#13…` and a comma can be quoted.
    Raises NotAnHsaId when there is none, more than one, or one of another form, as the personal number that the
    same card's personal-id certificate carries in this place.
    """
    try:
        rdns = read_name(name_der(certificate, "subject"))
    except ValueError as error:
        raise NotAnHsaId(
            "Certifikatets ämne (subject) kan inte läsas.", "The subject cannot be read."
        ) from error
    serial_number = NameOID.SERIAL_NUMBER.dotted_string
    found = [value for rdn in rdns for oid, value in rdn if oid == serial_number]
    if not found:
        raise NotAnHsaId(
            "Inget HSA-id i ämnets serialNumber (2.5.4.5).",
            "No HSA-id in the subject's serialNumber (2.5.4.5).",
        )
    if len(found) > 1:
        raise NotAnHsaId(
            f"{len(found)} serialNumber i ämnet, inte ett.",
            f"{len(found)} serialNumber attributes in the subject, not one.",
        )

    value = found[0]
    if value is None:
        raise NotAnHsaId("Ämnets serialNumber är inte text.", "The subject's serialNumber is not text.")
    if form.fullmatch(value.upper()):
        return canonical_hsa_id(value)
    if _PERSONAL_NUMBER.fullmatch(value):
        raise NotAnHsaId(
            "Ämnets serialNumber är ett personnummer, inte ett HSA-id.",
            "The subject's serialNumber is a personal identity number, not an HSA-id.",
        )
    raise NotAnHsaId(
        "Ämnets serialNumber har inte ett HSA-ids form.",
        "The subject's serialNumber does not have the form of an HSA-id.",
    )
