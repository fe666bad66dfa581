"""Revocation at two moments: good, revoked, or cannot be known. Lists, OCSP answers, and both."""

import base64
import json
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sigill.devtools.authority import Authority, DevAuthority, Holder, key_usage, make_authority, new_key
from sigill.devtools.signing import sign_jws
from sigill.trust import RevocationIndex, RevocationSnapshot, TrustPolicy
from tests.kit.signed_forms import GENERAL, NOW, OTHER, PAYLOAD, SIGNER, Bench

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HOLD = x509.ReasonFlags.certificate_hold


@pytest.fixture
def fresh() -> Bench:
    """An authority of its own: these tests revoke."""
    ca = DevAuthority.create(NOW)
    return Bench(ca, TrustPolicy(anchors=ca.anchors, intermediates=ca.intermediates), RevocationSnapshot())


def signed(holder: Holder, at=NOW) -> bytes:
    return sign_jws(PAYLOAD, holder, signed_at=at)


def root_list(bench: Bench) -> bytes:
    """The root's list speaks for the issuing authority and is not what these tests are about."""
    return bench.ca.crl(NOW - 30 * DAY, by=bench.ca.root, next_update=NOW + 30 * DAY)


def codes(
    bench: Bench, holder: Holder, *lists: bytes, answers=(), at=NOW, arrived_at=NOW, **how
) -> list[str]:
    evidence = RevocationSnapshot.read([root_list(bench), *lists], answers)
    return bench.codes(signed(holder, at), evidence=evidence, arrived_at=arrived_at, **how)


def test_good_lists_make_it_good(fresh: Bench):
    assert codes(fresh, fresh.ca.staff(SIGNER), fresh.ca.crl(NOW - HOUR)) == []


def test_without_evidence_it_cannot_be_known(fresh: Bench):
    verdict = fresh.verdict(signed(fresh.ca.staff(SIGNER)))

    assert verdict.undetermined
    assert verdict.refusals == ()
    assert [pair[0] for pair in verdict.questions] == [
        fresh.ca.staff(SIGNER).certificate,
        fresh.ca.issuing.certificate,
    ]


def test_the_policy_may_refuse_what_cannot_be_known(fresh: Bench):
    policy = fresh.with_policy(on_unknown_revocation="refuse")

    assert fresh.codes(signed(fresh.ca.staff(SIGNER)), policy=policy) == [
        "revocation_unknown",
        "undetermined",
    ]


def test_revoked_before_signing(fresh: Bench):
    holder = fresh.ca.staff(SIGNER)
    fresh.ca.revoke(holder, NOW - HOUR)

    assert codes(fresh, holder, fresh.ca.crl(NOW - HOUR)) == ["certificate_revoked"]


def test_revoked_between_signing_and_arrival(fresh: Bench):
    """Whoever holds a stolen card dates the order back: the claimed time alone must not decide."""
    holder = fresh.ca.staff(SIGNER)
    before = fresh.ca.crl(NOW - HOUR)
    fresh.ca.revoke(holder, NOW + HOUR)
    after = fresh.ca.crl(NOW + 2 * HOUR)

    assert codes(fresh, holder, before, after, arrived_at=NOW + 3 * HOUR) == ["certificate_revoked"]


def test_revoked_after_arrival_was_good(fresh: Bench):
    holder = fresh.ca.staff(SIGNER)
    before = fresh.ca.crl(NOW - HOUR)
    fresh.ca.revoke(holder, NOW + 2 * HOUR)
    after = fresh.ca.crl(NOW + 3 * HOUR)

    assert codes(fresh, holder, before, after, arrived_at=NOW + HOUR) == []


def test_a_key_known_later_to_have_been_lost_before(fresh: Bench):
    holder = fresh.ca.staff(SIGNER)
    issuing = fresh.ca.issuing
    entry = (
        x509.RevokedCertificateBuilder()
        .serial_number(holder.certificate.serial_number)
        .revocation_date(NOW + 2 * HOUR)
        .add_extension(x509.InvalidityDate((NOW - DAY).replace(tzinfo=None)), critical=False)
        .build()
    )
    after = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuing.name)
        .last_update(NOW + 3 * HOUR)
        .next_update(NOW + 7 * DAY)
        .add_revoked_certificate(entry)
        .sign(issuing.key, issuing.certificate.signature_hash_algorithm)
        .public_bytes(Encoding.DER)
    )

    assert codes(fresh, holder, fresh.ca.crl(NOW - HOUR), after, arrived_at=NOW + HOUR) == [
        "certificate_revoked"
    ]


def test_a_hold_that_was_lifted_since_still_counts_at_signing(fresh: Bench):
    holder = fresh.ca.staff(SIGNER)
    fresh.ca.revoke(holder, NOW - 2 * HOUR, HOLD)
    on_hold = fresh.ca.crl(NOW - HOUR)
    fresh.ca.release(holder)
    lifted = fresh.ca.crl(NOW + HOUR)

    assert codes(fresh, holder, on_hold, lifted, arrived_at=NOW + 2 * HOUR) == ["certificate_revoked"]


def test_a_hold_that_was_lifted_before_signing_is_forgotten(fresh: Bench):
    holder = fresh.ca.staff(SIGNER)
    fresh.ca.revoke(holder, NOW - 2 * DAY, HOLD)
    on_hold = fresh.ca.crl(NOW - 2 * DAY)
    fresh.ca.release(holder)

    assert codes(fresh, holder, on_hold, fresh.ca.crl(NOW - HOUR)) == []


def test_a_stale_list_cannot_tell(fresh: Bench):
    stale = fresh.ca.crl(NOW - 8 * DAY, next_update=NOW - DAY)

    assert codes(fresh, fresh.ca.staff(SIGNER), stale) == ["undetermined"]


def test_a_list_that_ran_out_on_the_way_cannot_tell_of_the_arrival(fresh: Bench):
    ran_out = fresh.ca.crl(NOW - HOUR, next_update=NOW + HOUR)

    assert codes(fresh, fresh.ca.staff(SIGNER), ran_out, arrived_at=NOW + HOUR) == []
    assert codes(fresh, fresh.ca.staff(SIGNER), ran_out, arrived_at=NOW + HOUR + timedelta(seconds=1)) == [
        "undetermined"
    ]


def test_a_stale_list_that_names_it_is_enough(fresh: Bench):
    holder = fresh.ca.staff(SIGNER)
    fresh.ca.revoke(holder, NOW - 9 * DAY)

    assert codes(fresh, holder, fresh.ca.crl(NOW - 8 * DAY, next_update=NOW - DAY)) == ["certificate_revoked"]


@pytest.mark.parametrize(("later", "expected"), [(DAY, []), (DAY + HOUR, ["undetermined"])])
def test_a_later_list_speaks_for_the_signing_within_hindsight(fresh: Bench, later, expected):
    """No list of the day itself was kept: a later one cannot show a hold that was lifted in between."""
    at = NOW + later

    assert codes(fresh, fresh.ca.staff(SIGNER), fresh.ca.crl(at), arrived_at=at) == expected


def test_an_authority_that_drops_the_dead_from_its_lists(fresh: Bench):
    holder = fresh.ca.issue(SIGNER, not_after=NOW + DAY)
    first, second = fresh.ca.crl(NOW - HOUR), fresh.ca.crl(NOW + HOUR)
    fresh.ca.revoke(holder, NOW + HOUR)
    third = fresh.ca.crl(NOW + 2 * HOUR)
    fresh.ca.release(holder)
    fourth = fresh.ca.crl(NOW + 2 * DAY)

    lists = (first, second, third, fourth)
    assert codes(fresh, holder, *lists, arrived_at=NOW + 3 * DAY) == ["certificate_revoked"]
    assert codes(fresh, holder, first, second, fourth, arrived_at=NOW + 3 * DAY) == []


def test_a_revoked_authority_takes_its_certificates_with_it(fresh: Bench):
    ca = fresh.ca
    revoked = (ca.issuing.certificate.serial_number, NOW - DAY, x509.ReasonFlags.ca_compromise)
    evidence = RevocationSnapshot.read([ca.crl(NOW - HOUR), ca.crl(NOW - HOUR, by=ca.root, extra=[revoked])])

    assert fresh.codes(signed(ca.staff(SIGNER)), evidence=evidence) == ["certificate_revoked"]


def test_a_list_of_the_roots_certificates_is_needed_too(fresh: Bench):
    evidence = RevocationSnapshot.read([fresh.ca.crl(NOW - HOUR)])

    assert fresh.codes(signed(fresh.ca.staff(SIGNER)), evidence=evidence) == ["undetermined"]


# Lists that are no evidence


def test_a_list_signed_by_another_key_is_no_evidence(fresh: Bench):
    forger = Authority(fresh.ca.issuing.certificate, new_key("P-384"))

    assert codes(fresh, fresh.ca.staff(SIGNER), fresh.ca.crl(NOW - HOUR, by=forger)) == ["undetermined"]


def test_a_list_of_a_look_alike_is_no_evidence_and_hides_nothing(fresh: Bench):
    holder = fresh.ca.staff(SIGNER)
    fresh.ca.revoke(holder, NOW - HOUR)
    forged = fresh.ca.crl(NOW - timedelta(minutes=1), by=fresh.ca.stranger)

    assert codes(fresh, holder, fresh.ca.crl(NOW - HOUR), forged) == ["certificate_revoked"]


def test_an_authority_that_may_not_sign_lists_signs_none(fresh: Bench):
    span = (NOW - 900 * DAY, NOW + 900 * DAY)
    root = make_authority("R", None, *span)
    issuing = make_authority("I", root, *span, usage=key_usage("key_cert_sign"))
    evidence = RevocationSnapshot.read([fresh.ca.crl(NOW - HOUR, by=a) for a in (root, issuing)])
    policy = TrustPolicy(anchors=(root.certificate,))

    raw = signed(fresh.ca.issue(SIGNER, by=issuing))

    assert fresh.codes(raw, evidence=evidence, policy=policy) == ["undetermined"]


@pytest.mark.parametrize(
    "extension",
    [
        x509.DeltaCRLIndicator(1),
        x509.IssuingDistributionPoint(None, None, False, True, None, False, False),  # authorities only
        x509.IssuingDistributionPoint(None, None, False, False, None, True, False),  # indirect
        x509.IssuingDistributionPoint(None, None, False, False, None, False, True),  # attribute certificates
        x509.IssuingDistributionPoint(
            None, None, False, False, frozenset({x509.ReasonFlags.key_compromise}), False, False
        ),
        x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"),
    ],
    ids=["delta", "authorities", "indirect", "attributes", "some reasons", "unknown"],
)
def test_a_partial_list_is_no_evidence(fresh: Bench, extension):
    partial = fresh.ca.crl(NOW - HOUR, extensions=[(extension, True)])

    assert codes(fresh, fresh.ca.staff(SIGNER), partial) == ["undetermined"]


def test_a_list_for_users_is_evidence(fresh: Bench):
    scope = x509.IssuingDistributionPoint(None, None, True, False, None, False, False)

    assert codes(fresh, fresh.ca.staff(SIGNER), fresh.ca.crl(NOW - HOUR, extensions=[(scope, True)])) == []


def test_twenty_thousand_entries(fresh: Bench):
    holder = fresh.ca.staff(SIGNER)
    many = [(n, NOW - DAY, x509.ReasonFlags.superseded) for n in range(1, 20_001)]
    long = fresh.ca.crl(NOW - HOUR, extra=many)
    fresh.ca.revoke(holder, NOW - 2 * HOUR)

    assert codes(fresh, holder, long) == []
    assert codes(fresh, holder, fresh.ca.crl(NOW - HOUR, extra=many)) == ["certificate_revoked"]


def test_the_index_keeps_what_stays_and_leaves_out_what_cannot_be_read(fresh: Bench):
    index = RevocationIndex()
    lists = {"root": root_list(fresh), "a": fresh.ca.crl(NOW - HOUR), "b": b"no list"}

    first = index(lists, [b"no answer"])
    second = index(lists, [])

    name = fresh.ca.issuing.name.public_bytes()
    assert first.lists[name][0] is second.lists[name][0]
    assert fresh.codes(signed(fresh.ca.staff(SIGNER)), evidence=second) == []


# OCSP


def answer(bench: Bench, holder: Holder, at=NOW, **how) -> bytes:
    return bench.ca.ocsp_answer(holder.certificate, at, **how)


def test_a_good_answer_is_enough(fresh: Bench):
    holder = fresh.ca.staff(SIGNER)

    assert codes(fresh, holder, answers=[answer(fresh, holder)]) == []


def test_the_issuer_itself_may_answer(fresh: Bench):
    holder = fresh.ca.staff(SIGNER)

    given = answer(fresh, holder, responder=fresh.ca.issuing, embed=False)

    assert codes(fresh, holder, answers=[given]) == []


def test_a_revoked_answer_wins_over_a_good_list(fresh: Bench):
    holder = fresh.ca.staff(SIGNER)
    good = fresh.ca.crl(NOW - HOUR)
    fresh.ca.revoke(holder, NOW - timedelta(minutes=30))

    assert codes(fresh, holder, good, answers=[answer(fresh, holder)]) == ["certificate_revoked"]


def test_a_good_answer_does_not_hide_a_list_that_names_it(fresh: Bench):
    holder = fresh.ca.staff(SIGNER)
    good = answer(fresh, holder, NOW - 2 * HOUR, next_update=NOW + DAY)
    fresh.ca.revoke(holder, NOW - HOUR)

    assert codes(fresh, holder, fresh.ca.crl(NOW - HOUR), answers=[good]) == ["certificate_revoked"]


def _rogue(bench: Bench, **how) -> Authority:
    """A responder's certificate that is wrong in one way."""
    good = bench.ca.responder.certificate
    holder = bench.ca.issue(
        None,
        by=how.get("by"),
        usage=key_usage("digital_signature"),
        policies=(),
        not_after=how.get("not_after"),
        name=list(good.subject),
        extensions=how.get("extensions", [(x.value, False) for x in good.extensions if x.oid in _DELEGATION]),
    )
    return Authority(holder.certificate, holder.key)


_DELEGATION = {x509.ExtendedKeyUsage.oid, x509.OCSPNoCheck.oid}


def test_answers_that_are_not_believed(fresh: Bench):
    ca, holder = fresh.ca, fresh.ca.staff(SIGNER)
    usage = next(x.value for x in ca.responder.certificate.extensions if x.oid == x509.ExtendedKeyUsage.oid)
    not_believed = {
        "about another certificate": answer(fresh, ca.staff(OTHER)),
        "about another issuer": answer(fresh, holder, issuer=ca.stranger),
        "unknown": answer(fresh, holder, status="unknown"),
        "signed by a stranger": answer(fresh, holder, responder=_rogue(fresh, by=ca.stranger)),
        "signed by a colleague": answer(
            fresh, holder, responder=Authority(ca.staff(OTHER).certificate, ca.staff(OTHER).key)
        ),
        "a responder without nocheck": answer(
            fresh, holder, responder=_rogue(fresh, extensions=[(usage, False)])
        ),
        "a responder that is not for OCSP": answer(
            fresh, holder, responder=_rogue(fresh, extensions=[(x509.OCSPNoCheck(), False)])
        ),
        "a responder for something else": answer(
            fresh,
            holder,
            responder=_rogue(
                fresh,
                extensions=[
                    (x509.OCSPNoCheck(), False),
                    (x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH]), False),
                ],
            ),
        ),
        "a responder that had run out": answer(fresh, holder, responder=_rogue(fresh, not_after=NOW - DAY)),
        "a responder nobody knows": answer(fresh, holder, embed=False),
        "old": answer(fresh, holder, NOW - 2 * DAY, next_update=NOW - DAY),
    }

    found = {name: codes(fresh, holder, answers=[given]) for name, given in not_believed.items()}

    assert found == {name: ["undetermined"] for name in not_believed}
    assert codes(fresh, holder, answers=[answer(fresh, holder, responder=_rogue(fresh))]) == []


def test_every_flipped_byte_of_an_answer_makes_it_worthless_or_changes_nothing(fresh: Bench):
    holder = fresh.ca.staff(SIGNER)
    given = answer(fresh, holder)

    for index in range(0, len(given), 7):
        changed = bytearray(given)
        changed[index] ^= 0x20
        try:
            evidence = RevocationSnapshot.read([root_list(fresh)], [bytes(changed)])
        except ValueError:
            continue
        assert fresh.codes(signed(holder), evidence=evidence) in (["undetermined"], []), index


# Stapled


def stapled(bench: Bench, holder: Holder, component: object) -> bytes:
    return sign_jws(
        PAYLOAD, holder, signed_at=NOW, serialization="general", unprotected={"etsiU": [component]}
    )


def test_a_stapled_answer_is_evidence(fresh: Bench):
    holder = fresh.ca.staff(SIGNER)
    value = {"val": base64.b64encode(answer(fresh, holder)).decode()}
    plain = {"rVals": {"ocspVals": [value]}}
    encoded = base64.urlsafe_b64encode(json.dumps(plain).encode()).rstrip(b"=").decode()
    root = RevocationSnapshot.read([root_list(fresh)])

    assert fresh.codes(stapled(fresh, holder, {}), GENERAL, evidence=root) == ["undetermined"]
    assert fresh.codes(stapled(fresh, holder, plain), GENERAL, evidence=root) == []
    assert fresh.codes(stapled(fresh, holder, encoded), GENERAL, evidence=root) == []


def test_a_stapled_list_is_evidence(fresh: Bench):
    holder = fresh.ca.staff(SIGNER)
    component = {"rVals": {"crlVals": [{"val": base64.b64encode(fresh.ca.crl(NOW - HOUR)).decode()}]}}

    assert (
        fresh.codes(
            stapled(fresh, holder, component), GENERAL, evidence=RevocationSnapshot.read([root_list(fresh)])
        )
        == []
    )


def test_a_stapled_answer_does_not_hide_a_revocation(fresh: Bench):
    holder = fresh.ca.staff(SIGNER)
    component = {"rVals": {"ocspVals": [{"val": base64.b64encode(answer(fresh, holder)).decode()}]}}
    fresh.ca.revoke(holder, NOW - HOUR)
    evidence = RevocationSnapshot.read([root_list(fresh), fresh.ca.crl(NOW - HOUR)])

    assert fresh.codes(stapled(fresh, holder, component), GENERAL, evidence=evidence) == [
        "certificate_revoked"
    ]


@pytest.mark.parametrize(
    "component",
    [
        1,
        None,
        "å",
        "AAAA",
        [],
        {"rVals": 1},
        {"rVals": {"ocspVals": 1}},
        {"rVals": {"ocspVals": [{"val": "!"}]}},
        {"rVals": {"ocspVals": [{}]}},
        {"sigTst": {}},
    ],
)
def test_what_is_stapled_and_cannot_be_read_changes_nothing(bench: Bench, component):
    assert bench.codes(stapled(bench, bench.ca.staff(SIGNER), component), GENERAL) == []
