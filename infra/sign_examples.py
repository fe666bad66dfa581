"""
Signs the first example order in the three ways that Sigill reads, by a throw-away authority.

    python -m infra.sign_examples

Writes beside `contracts/examples/order.block-one-guardian.json`: a compact JWS, a general JSON JWS with two signers,
XAdES, and the authority's root, so that anybody can verify them. The keys are thrown away. It
needs to run again only when the form changes; then run `python -m contracts.export` too.
"""

import json
import sys
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives import serialization

from contracts.examples import FOLDER, examples_of
from contracts.order import SignedForm
from contracts.topics import ORDERS
from infra.devca import DevAuthority, sign_jws, sign_xades


def main() -> None:
    """Write the signed examples."""
    example = examples_of(ORDERS)[0]
    form = example.message()
    if not isinstance(form, SignedForm) or form.decided_by is None:
        raise ValueError("the first example is no order with a decider")
    signed_at = form.decided_at.astimezone(UTC) + timedelta(minutes=1)
    authority = DevAuthority.create(datetime(2026, 1, 1, tzinfo=UTC))
    decider, consulted = (authority.staff(one.hsa_id) for one in (form.decided_by, form.consulted[0]))
    payload = example.path.read_bytes()

    written = {
        example.path.with_suffix(".jose"): sign_jws(payload, decider, signed_at=signed_at),
        example.path.with_suffix(".jose.json"): sign_jws(
            payload, decider, signed_at=signed_at, serialization="general", cosigners=[consulted]
        ),
        example.path.with_suffix(".xml"): sign_xades(json.loads(payload), decider, signed_at),
        FOLDER / "root.crt": authority.root.certificate.public_bytes(serialization.Encoding.PEM).rstrip(
            b"\n"
        ),
    }
    for path, content in written.items():
        path.write_bytes(content + b"\n")
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
