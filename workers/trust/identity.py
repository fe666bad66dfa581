"""Who a certificate names: the HSA-id in the subject's serialNumber (OID 2.5.4.5)."""

import re

from cryptography import x509
from cryptography.x509.oid import NameOID

#: Twelve or ten digits, with or without a separator: a personnummer, samordningsnummer or reserve number.
_PERSONAL_NUMBER = re.compile(r"(?:[0-9]{2})?[0-9]{6}[-+]?[0-9]{4}")


class NotAnHsaId(ValueError):
    """The certificate names nobody by HSA-id; the message says in which way, never with the value."""


def hsa_id_of(certificate: x509.Certificate, form: re.Pattern[str]) -> str:
    """
    Read the HSA-id from the ASN.1 of the subject, whatever string type it was written in.

    The name's text form is never parsed: there a value can come as `#13…` and a comma can be quoted.
    Raises NotAnHsaId when there is none, more than one, or one of another form, as the personal number that the
    same card's personal-id certificate carries in this place.
    """
    try:
        found = certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)
    except ValueError as error:
        raise NotAnHsaId("the subject cannot be read") from error
    if len(found) != 1:
        raise NotAnHsaId(f"{len(found)} serialNumber attributes in the subject, not one")

    value = found[0].value
    if not isinstance(value, str):
        raise NotAnHsaId("the subject's serialNumber is not text")
    if form.fullmatch(value):
        return value
    if _PERSONAL_NUMBER.fullmatch(value):
        raise NotAnHsaId("the subject's serialNumber is a personal identity number")
    raise NotAnHsaId("the subject's serialNumber does not have the form of an HSA-id")
