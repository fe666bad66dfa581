"""
Signs the example orders, by a throw-away authority.

    python -m sigill.devtools.sign_examples

Writes beside each `contracts/examples/order.*.json` a compact JWS, beside the first one also a general JSON JWS with
two signers and XAdES, and the authority's root and revocation lists, so that anybody can verify them and play them. The
keys are thrown away. It needs to run again only when a form changes; then run `make generate` too: the receipts of the
examples tell the digest of what was signed.
"""

import json
import sys
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives import serialization

from sigill.devtools.authority import DevAuthority
from sigill.devtools.signing import sign_jws, sign_xades
from sigill_contracts.examples import FOLDER, REVOCATION_LISTS, SUPPORT_OPERATOR, Example, examples_of
from sigill_contracts.order import SignedForm
from sigill_contracts.topics import ORDERS
from sigill_contracts.vocabulary import Channel

_BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
_END = datetime(2046, 1, 1, tzinfo=UTC)
"""When the next revocation lists are due: the examples are to hold for as long as anybody reads them."""


def form_of(example: Example) -> SignedForm:
    """The form that an example holds. Raises ValueError when it is no order."""
    form = example.message()
    if not isinstance(form, SignedForm):
        raise ValueError(f"{example.path.name} is no order")
    return form


def signer_of(form: SignedForm) -> str:
    """Who signs an example: the decider, or for an order by phone the support operator (HSA-id)."""
    if form.channel is Channel.PHONE or form.decided_by is None:
        return SUPPORT_OPERATOR
    return form.decided_by.hsa_id


def signed_at(form: SignedForm) -> datetime:
    """When an example is signed (UTC): a minute after the decision."""
    return form.decided_at.astimezone(UTC) + timedelta(minutes=1)


def main() -> None:
    """Write the signed examples."""
    authority = DevAuthority.create(_BEGINNING)
    written = {}
    for example in examples_of(ORDERS):
        form = form_of(example)
        holder = authority.staff(signer_of(form))
        written[example.signed] = sign_jws(example.path.read_bytes(), holder, signed_at=signed_at(form))

    first = examples_of(ORDERS)[0]
    form = form_of(first)
    payload = first.path.read_bytes()
    decider, consulted = (authority.staff(who) for who in (signer_of(form), form.consulted[0].hsa_id))
    written |= {
        first.path.with_suffix(".jose.json"): sign_jws(
            payload, decider, signed_at=signed_at(form), serialization="general", cosigners=[consulted]
        ),
        first.path.with_suffix(".xml"): sign_xades(json.loads(payload), decider, signed_at(form)),
        FOLDER / "root.crt": authority.root.certificate.public_bytes(serialization.Encoding.PEM).rstrip(
            b"\n"
        ),
    }
    for path, content in written.items():
        path.write_bytes(content + b"\n")
        sys.stdout.write(f"{path}\n")
    REVOCATION_LISTS.mkdir(exist_ok=True)
    names = ("root", "issuing", "functions")
    for name, content in zip(names, authority.crls(_BEGINNING, next_update=_END), strict=True):
        path = REVOCATION_LISTS / f"{name}.crl"
        path.write_bytes(content)
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
