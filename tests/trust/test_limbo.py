"""x509-limbo's paths, through our path building (see vectors/README.md): nothing that must fail is let in but what is named."""

import base64
import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from sigill.trust.path import PathBuilder
from sigill.trust.usage import _within_directory_names

VECTORS = json.loads(gzip.decompress((Path(__file__).parent / "vectors" / "limbo.json.gz").read_bytes()))
CASES = [pytest.param(case, id=case["id"]) for case in VECTORS["cases"]]
#: When the vectors were made, for those that name no moment.
MADE = datetime(2026, 6, 29, tzinfo=UTC)

#: Must fail by their list, and hold here: what they ask about is judged elsewhere or says nothing of who signed an order.
LET_IN = {
    # identifiers of keys only help to find an issuer; whose key it is, the signature says
    "rfc5280::aki::leaf-missing-aki",
    "rfc5280::aki::intermediate-missing-aki",
    "rfc5280::aki::cross-signed-root-missing-aki",
    "rfc5280::ski::root-missing-ski",
    "rfc5280::ski::intermediate-missing-ski",
    # what the leaf is for is judged by `usage`: key usage, extended key usage, CA flag
    "rfc5280::eku::ee-wrong-eku",
    "rfc5280::eku::ee-eku-empty",
    "rfc5280::leaf-ku-keycertsign",
    "rfc5280::ca-as-leaf-wrong-san",
    # alternative names, and constraints on names, of a leaf that is known by its HSA-id alone
    "rfc5280::nc::permitted-dns-match-noncritical",
    "rfc5280::nc::not-allowed-in-ee-noncritical",
    "rfc5280::nc::not-allowed-in-ee-critical",
    "rfc5280::san::noncritical-with-empty-subject",
    "rfc5280::san::underscore-dns",
    "rfc5280::san::ip-in-dns",
    "rfc5280::ee-critical-aia-invalid",
    # a policy constraint that is not critical binds nobody who does not evaluate policies in it
    "rfc5280::pc::ica-noncritical-pc",
    # refused before: no authority may give it (`chain._parse`)
    "rfc5280::serial::zero",
    # a limit of theirs on work, which the library does not reach
    "pathological::nc-dos-3",
}
#: Must hold by their list, and fail here: self-issued certificates count towards the length of the path.
KEPT_OUT = {"pathlen::self-issued-certs-pathlen"}


def _load(text: str) -> x509.Certificate:
    return x509.load_der_x509_certificate(base64.b64decode(text))


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("case", CASES)
def test_limbo(case: dict[str, Any]):
    try:
        roots, others = ([_load(text) for text in case[kind]] for kind in ("roots", "others"))
        leaf = _load(case["leaf"])
    except ValueError:
        assert not case["good"]
        return
    at = datetime.fromisoformat(case["at"]) if case["at"] else MADE
    paths = PathBuilder(roots, 6)

    built, walked = (
        bool(chain) and _within_directory_names(chain)
        for chain in (paths.path(leaf, others, at), paths.walked(leaf, others, at))
    )

    assert built == ((case["good"] or case["id"] in LET_IN) and case["id"] not in KEPT_OUT)
    assert built or not walked, "what is walked here is no wider than what the library builds"
