"""A revocation list speaks for the certificates of its scope and for no others (RFC 5280, 6.3.3 b)."""

import base64
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from asn1crypto import core
from asn1crypto import ocsp as asn1_ocsp
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp
from prometheus_client.parser import text_string_to_metric_families

from sigill.devtools.authority import DevAuthority, Holder
from sigill.devtools.signing import sign_jws
from sigill.intake.revocation_cache import report
from sigill.runtime.metrics import CRL_GOOD_UNTIL, Metrics
from sigill.trust import RevocationSnapshot, TrustPolicy
from tests.kit.signed_forms import NOW, OTHER, PAYLOAD, SIGNER, Bench
from tests.trust.test_evidence import keeper

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ONE, TWO = "http://crl.example.org/one.crl", "http://crl.example.org/two.crl"
USERS = x509.IssuingDistributionPoint(None, None, True, False, None, False, False)


@pytest.fixture
def fresh() -> Bench:
    ca = DevAuthority.create(NOW)
    return Bench(ca, TrustPolicy(anchors=ca.anchors, intermediates=ca.intermediates), RevocationSnapshot())


def uri(*addresses: str) -> list[x509.GeneralName]:
    return [x509.UniformResourceIdentifier(address) for address in addresses]


def point(*names: x509.GeneralName, relative: x509.RelativeDistinguishedName | None = None, **how):
    return x509.DistributionPoint(list(names) or None, relative, how.get("reasons"), how.get("crl_issuer"))


def card(bench: Bench, *points: x509.DistributionPoint, hsa_id: str = SIGNER) -> Holder:
    """A signing certificate that names these distribution points."""
    return bench.ca.issue(hsa_id, extensions=[(x509.CRLDistributionPoints(points), False)] if points else [])


def listed(bench: Bench, at, *addresses: str, names: Sequence[x509.GeneralName] = (), **how) -> bytes:
    """The list of one partition, which names every card revoked so far unless told otherwise."""
    relative = how.pop("relative", None)
    full = None if relative else [*uri(*addresses), *names]
    scope = x509.IssuingDistributionPoint(full, relative, False, False, None, False, False)
    return bench.ca.crl(at, extensions=[(scope, True)], **how)


def codes(bench: Bench, holder: Holder, *lists: bytes, answers: Sequence[bytes] = (), **how) -> list[str]:
    root = bench.ca.crl(NOW - 30 * DAY, by=bench.ca.root, next_update=NOW + 30 * DAY)
    raw = sign_jws(PAYLOAD, holder, signed_at=NOW)
    return bench.codes(raw, evidence=RevocationSnapshot.read([root, *lists], answers), **how)


def test_a_newer_list_of_another_partition_does_not_clear_a_revoked_card(fresh: Bench):
    holder = card(fresh, point(*uri(ONE)))
    fresh.ca.revoke(holder, NOW - 2 * DAY)
    own = listed(fresh, NOW - DAY, ONE)
    fresh.ca.release(holder)  # the other partition never names it
    other = listed(fresh, NOW - HOUR, TWO)

    assert codes(fresh, holder, own, other) == ["certificate_revoked"]
    assert codes(fresh, holder, other) == ["undetermined"]


def test_each_moment_is_asked_of_the_lists_of_one_partition(fresh: Bench):
    """In force, next and newest: many lists of another partition stand between two of the card's own."""
    holder = card(fresh, point(*uri(ONE)))
    before = listed(fresh, NOW - 3 * HOUR, ONE)
    others = [listed(fresh, NOW + n * HOUR / 4, TWO) for n in range(-4, 5)]
    fresh.ca.revoke(holder, NOW + HOUR / 2)
    after = listed(fresh, NOW + HOUR / 2, ONE)

    assert codes(fresh, holder, before, *others, arrived_at=NOW + 2 * HOUR) == []
    assert codes(fresh, holder, before, *others, after, arrived_at=NOW + 2 * HOUR) == ["certificate_revoked"]


def test_a_partition_that_ran_out_is_not_kept_alive_by_another(fresh: Bench):
    holder = card(fresh, point(*uri(ONE)))
    own = listed(fresh, NOW - 8 * DAY, ONE, next_update=NOW - DAY)

    assert codes(fresh, holder, own, listed(fresh, NOW - HOUR, TWO)) == ["undetermined"]


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ((ONE,), []),
        ((TWO, ONE), []),
        (("HTTP://CRL.Example.org/one.crl",), []),
        (("http://crl.example.org/ONE.crl",), ["undetermined"]),
        ((TWO,), ["undetermined"]),
        ((), ["undetermined"]),
    ],
)
def test_a_list_of_a_point_speaks_for_those_that_name_it(fresh: Bench, named, expected):
    holder = card(fresh, *([point(*uri(*named))] if named else []))

    assert codes(fresh, holder, listed(fresh, NOW - HOUR, ONE)) == expected


def test_a_complete_list_speaks_for_every_partition(fresh: Bench):
    holder = card(fresh, point(*uri(ONE)))

    assert codes(fresh, holder, fresh.ca.crl(NOW - HOUR)) == []
    assert codes(fresh, holder, fresh.ca.crl(NOW - HOUR, extensions=[(USERS, True)])) == []


def test_a_complete_list_and_a_partition_are_both_asked(fresh: Bench):
    holder = card(fresh, point(*uri(ONE)))
    fresh.ca.revoke(holder, NOW - 2 * DAY)
    own = listed(fresh, NOW - DAY, ONE)
    fresh.ca.release(holder)

    assert codes(fresh, holder, own, fresh.ca.crl(NOW - HOUR)) == ["certificate_revoked"]


def test_a_point_named_by_directory_name_or_relative_to_the_issuer(fresh: Bench):
    part = x509.RelativeDistinguishedName([x509.NameAttribute(x509.NameOID.COMMON_NAME, "CRL 7")])
    whole = x509.DirectoryName(x509.Name([*fresh.ca.issuing.name.rdns, part]))
    relative, full = point(relative=part), point(whole)

    for holder in (card(fresh, relative), card(fresh, full)):
        assert codes(fresh, holder, listed(fresh, NOW - HOUR, names=[whole])) == []
        assert codes(fresh, holder, listed(fresh, NOW - HOUR, relative=part)) == []
    assert codes(fresh, card(fresh), listed(fresh, NOW - HOUR, relative=part)) == ["undetermined"]


def test_a_list_of_the_issuers_own_name_speaks_for_all(fresh: Bench):
    own = listed(fresh, NOW - HOUR, names=[x509.DirectoryName(fresh.ca.issuing.name)])

    assert codes(fresh, card(fresh), own) == []
    assert codes(fresh, card(fresh, point(*uri(ONE))), own) == []


@pytest.mark.parametrize(
    "how",
    [
        {"reasons": frozenset({x509.ReasonFlags.key_compromise})},
        {"crl_issuer": [x509.DirectoryName(x509.Name([]))]},
    ],
    ids=["some reasons", "another authority's list"],
)
def test_a_point_whose_list_is_not_complete_names_no_list(fresh: Bench, how):
    holder = card(fresh, point(*uri(ONE), **how))

    assert codes(fresh, holder, listed(fresh, NOW - HOUR, ONE)) == ["undetermined"]


@pytest.mark.parametrize(
    "scope",
    [
        x509.IssuingDistributionPoint(uri(ONE), None, False, False, None, True, False),
        x509.IssuingDistributionPoint(uri(ONE), None, False, False, None, False, True),
        x509.IssuingDistributionPoint(
            uri(ONE), None, False, False, frozenset({x509.ReasonFlags.key_compromise}), False, False
        ),
        x509.IssuingDistributionPoint(uri(ONE), None, False, True, None, False, False),
    ],
    ids=["indirect", "attributes", "some reasons", "authorities"],
)
def test_a_list_that_speaks_for_nobody_neither_clears_nor_hides(fresh: Bench, scope):
    holder = card(fresh, point(*uri(ONE)))
    silent = [fresh.ca.crl(NOW - timedelta(minutes=n), extensions=[(scope, True)]) for n in range(1, 4)]

    assert codes(fresh, holder, *silent) == ["undetermined"]
    fresh.ca.revoke(holder, NOW - 2 * DAY)
    own = listed(fresh, NOW - DAY, ONE)
    assert codes(fresh, holder, own, *silent) == ["certificate_revoked"]


def test_a_name_that_only_looks_like_the_point_names_no_list(fresh: Bench):
    """Another path, port or query, a dot at the end, an escape: another point, whoever serves it."""
    holder = card(fresh, point(*uri(ONE)))
    for alike in (
        f"{ONE}?x",
        f"{ONE}#x",
        f"{ONE}/",
        f"{ONE}%20",
        ONE.replace(".", "%2E", 1),
        ONE.upper() + "X",
    ):
        assert codes(fresh, holder, listed(fresh, NOW - HOUR, alike)) == ["undetermined"], alike
    assert codes(fresh, holder, listed(fresh, NOW - HOUR, ONE)) == []


def test_a_list_whose_extension_for_its_scope_is_not_critical_is_scoped_all_the_same(fresh: Bench):
    """RFC 5280, 5.2.5 asks for critical; a list that does not say so must not speak for everybody."""
    holder = card(fresh, point(*uri(ONE)))
    scope = x509.IssuingDistributionPoint(uri(TWO), None, False, False, None, False, False)
    other = fresh.ca.crl(NOW - HOUR, extensions=[(scope, False)])
    assert codes(fresh, holder, other) == ["undetermined"]


def test_an_unknown_critical_extension_of_a_list_makes_it_silent(fresh: Bench):
    holder = card(fresh)
    odd = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\x00")
    assert codes(fresh, holder, fresh.ca.crl(NOW - HOUR, extensions=[(odd, True)])) == ["undetermined"]
    assert codes(fresh, holder, fresh.ca.crl(NOW - HOUR, extensions=[(odd, False)])) == []


def test_a_delta_list_of_the_own_partition_is_not_the_newest(fresh: Bench):
    holder = card(fresh, point(*uri(ONE)))
    fresh.ca.revoke(holder, NOW - 2 * DAY)
    own = listed(fresh, NOW - DAY, ONE)
    fresh.ca.release(holder)
    scope = x509.IssuingDistributionPoint(uri(ONE), None, False, False, None, False, False)
    delta = fresh.ca.crl(NOW - HOUR, extensions=[(scope, True), (x509.DeltaCRLIndicator(1), True)])

    assert codes(fresh, holder, own, delta) == ["certificate_revoked"]
    assert codes(fresh, holder, delta) == ["undetermined"]


def test_a_stapled_list_of_another_partition_clears_nobody(fresh: Bench):
    holder = card(fresh, point(*uri(ONE)))
    value = {"val": base64.b64encode(listed(fresh, NOW - HOUR, TWO)).decode()}
    raw = sign_jws(
        PAYLOAD,
        holder,
        signed_at=NOW,
        serialization="general",
        unprotected={"etsiU": [{"rVals": {"crlVals": [value]}}]},
    )
    root = fresh.ca.crl(NOW - DAY, by=fresh.ca.root)

    assert fresh.codes(raw, "application/jose+json", evidence=RevocationSnapshot.read([root])) == [
        "undetermined"
    ]


# The cache


async def test_a_busy_partition_does_not_push_out_the_only_list_of_another(fresh: Bench, tmp_path: Path):
    holder = card(fresh, point(*uri(ONE)))
    fresh.ca.revoke(holder, NOW - 3 * DAY)
    lists = [listed(fresh, NOW - 2 * DAY, ONE), fresh.ca.crl(NOW - 2 * DAY, by=fresh.ca.root)]
    lists += [listed(fresh, NOW - n * HOUR, TWO) for n in range(8)]
    for number, data in enumerate(lists):
        (tmp_path / f"{number}.crl").write_bytes(data)

    async with keeper(paths=(tmp_path,), memory=4 * max(map(len, lists))) as kept:
        await kept.refresh()
        raw = sign_jws(PAYLOAD, holder, signed_at=NOW)
        assert sum(map(len, kept.snapshot.lists.values())) < len(lists)
        assert fresh.codes(raw, evidence=kept.snapshot) == ["certificate_revoked"]


async def test_a_partition_that_ran_out_is_told_though_another_is_fresh(fresh: Bench, tmp_path: Path):
    ends = NOW - DAY
    lists = [
        listed(fresh, NOW - 8 * DAY, ONE, next_update=ends),
        listed(fresh, NOW - HOUR, TWO),
        fresh.ca.crl(NOW, extensions=[(x509.DeltaCRLIndicator(1), True)]),
    ]
    for number, data in enumerate(lists):
        (tmp_path / f"{number}.crl").write_bytes(data)
    metrics = Metrics()

    async with keeper(paths=(tmp_path,)) as kept:
        await kept.refresh()
        report(kept, metrics)

    told = {
        sample.labels["scope"]: sample.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
        if sample.name == CRL_GOOD_UNTIL.name
    }
    assert told == {f"all {ONE}": ends.timestamp(), f"all {TWO}": (NOW - HOUR + 7 * DAY).timestamp()}


# OCSP


def test_an_answer_speaks_for_its_certificate_alone(fresh: Bench):
    holder, other = card(fresh), card(fresh, hsa_id=OTHER)
    about_other = fresh.ca.ocsp_answer(other.certificate, NOW)
    same_serial = fresh.ca.issue(OTHER, serial=holder.certificate.serial_number, by=fresh.ca.functions)
    namesake = fresh.ca.ocsp_answer(
        same_serial.certificate, NOW, issuer=fresh.ca.functions, responder=fresh.ca.functions
    )
    own = fresh.ca.ocsp_answer(holder.certificate, NOW)

    assert codes(fresh, holder, answers=[about_other, namesake]) == ["undetermined"]
    assert codes(fresh, holder, answers=[about_other, namesake, own]) == []


def test_an_answer_that_speaks_twice_of_a_certificate_is_not_believed(fresh: Bench):
    """Good first and revoked after: it must not depend on which of them is read."""
    holder = card(fresh)
    good = fresh.ca.ocsp_answer(holder.certificate, NOW)
    revoked = fresh.ca.ocsp_answer(holder.certificate, NOW, status="revoked")
    answer, other = (asn1_ocsp.OCSPResponse.load(data) for data in (good, revoked))
    basic = answer["response_bytes"]["response"].parsed
    basic["tbs_response_data"]["responses"].append(
        other["response_bytes"]["response"].parsed["tbs_response_data"]["responses"][0]
    )
    key = fresh.ca.responder.key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    algorithm = ocsp.load_der_ocsp_response(good).signature_hash_algorithm
    assert algorithm is not None
    basic["signature"] = key.sign(basic["tbs_response_data"].dump(force=True), ec.ECDSA(algorithm))
    answer["response_bytes"]["response"] = core.ParsableOctetString(basic.dump(force=True))
    both = answer.dump(force=True)

    assert len(list(ocsp.load_der_ocsp_response(both).responses)) == 2
    assert codes(fresh, holder, answers=[good]) == []
    assert codes(fresh, holder, answers=[both]) == ["undetermined"]
