"""Certificates: paths, keys, usage, names. Each row of what was measured of `cryptography` is one test."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from sigill.devtools.authority import LEVEL_2, LEVEL_3, Authority, Holder, key_usage, make_authority
from sigill.devtools.signing import sign_jws
from sigill.trust import RevocationSnapshot, TrustPolicy
from tests.kit.signed_forms import NOW, PAYLOAD, SIGNER, Bench

DAY = timedelta(days=1)


def signed(holder: Holder, at: datetime = NOW) -> bytes:
    return sign_jws(PAYLOAD, holder, signed_at=at)


def test_a_staff_certificate_without_alternative_name_is_accepted(bench: Bench):
    holder = bench.ca.issue(SIGNER)

    assert "subjectAltName" not in repr(holder.certificate.extensions)
    assert bench.codes(signed(holder)) == []


def test_the_issuing_authority_itself_can_be_the_anchor(bench: Bench):
    policy = TrustPolicy(anchors=(bench.ca.issuing.certificate,))

    assert bench.codes(signed(bench.ca.staff(SIGNER)), policy=policy) == []
    assert bench.codes(signed(bench.ca.function(SIGNER)), policy=policy) == [
        "certificate_not_for_signing",
        "certificate_untrusted",
    ]


def test_intermediates_may_come_with_the_message_or_the_policy(bench: Bench):
    holder = bench.ca.staff(SIGNER)
    alone = Holder(holder.certificate, holder.key, ())
    bare = TrustPolicy(anchors=bench.ca.anchors)

    assert bench.codes(signed(holder), policy=bare) == []
    assert bench.codes(signed(alone)) == []
    assert bench.codes(signed(alone), policy=bare) == ["certificate_untrusted"]


USAGE = {
    "log-in": (key_usage("digital_signature"), "certificate_not_for_signing"),
    "nothing": (key_usage(), "certificate_not_for_signing"),
    "encryption": (key_usage("key_encipherment"), "certificate_not_for_signing"),
    "commitment": (key_usage("content_commitment"), None),
    "both on one certificate": (key_usage("content_commitment", "digital_signature"), None),
    "commitment of an authority": (
        key_usage("content_commitment", "crl_sign"),
        "certificate_not_for_signing",
    ),
}


@pytest.mark.parametrize("name", USAGE)
def test_key_usage_decides_what_may_sign(bench: Bench, name: str):
    usage, code = USAGE[name]

    assert bench.codes(signed(bench.ca.issue(SIGNER, usage=usage))) == ([code] if code else [])


EXTENSIONS = {
    "client authentication only": (
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]),
        False,
        "certificate_not_for_signing",
    ),
    "e-mail as well": (
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.EMAIL_PROTECTION]),
        False,
        None,
    ),
    "document signing": (x509.ExtendedKeyUsage([ObjectIdentifier("1.3.6.1.5.5.7.3.36")]), False, None),
    "an authority's flag": (x509.BasicConstraints(True, None), True, "certificate_not_for_signing"),
    "no authority, said so": (x509.BasicConstraints(False, None), True, None),
    "unknown and critical": (
        x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4"), b"\x05\x00"),
        True,
        "certificate_untrusted",
    ),
    "unknown": (x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4"), b"\x05\x00"), False, None),
}


@pytest.mark.parametrize("name", EXTENSIONS)
def test_extensions_of_the_leaf(bench: Bench, name: str):
    extension, critical, code = EXTENSIONS[name]
    holder = bench.ca.issue(SIGNER, extensions=[(extension, critical)])

    assert code in bench.codes(signed(holder)) if code else bench.codes(signed(holder)) == []


@pytest.mark.parametrize("kind", ["RSA-1024", "P-521"])
def test_a_key_of_another_kind_or_size_is_refused(bench: Bench, kind: str):
    holder = bench.ca.issue(SIGNER, key=kind)

    assert bench.codes(signed(holder)) == ["algorithm_not_allowed"]


def test_an_ed25519_certificate_is_refused(bench: Bench):
    good = bench.ca.staff(SIGNER)
    key = ed25519.Ed25519PrivateKey.generate()
    issuing = bench.ca.issuing
    certificate = (
        x509.CertificateBuilder()
        .subject_name(good.certificate.subject)
        .issuer_name(issuing.name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + DAY)
        .add_extension(key_usage("content_commitment"), critical=True)
        .sign(issuing.key, good.certificate.signature_hash_algorithm)
    )

    assert bench.codes(signed(Holder(certificate, good.key, good.chain))) == ["algorithm_not_allowed"]


# Validity


@pytest.mark.parametrize(
    ("start", "end", "codes"),
    [
        (NOW - DAY, NOW, []),
        (NOW - DAY, NOW - timedelta(seconds=1), ["certificate_expired"]),
        (NOW + timedelta(minutes=5), NOW + DAY, []),
        (NOW + timedelta(minutes=5, seconds=1), NOW + DAY, ["certificate_expired"]),
    ],
)
def test_a_certificate_must_be_valid_when_it_signs(bench: Bench, start, end, codes):
    assert bench.codes(signed(bench.ca.issue(SIGNER, not_before=start, not_after=end))) == codes


def test_a_certificate_that_ran_out_on_the_way_was_good_when_it_signed(bench: Bench):
    holder = bench.ca.issue(SIGNER, not_after=NOW + DAY)
    evidence = RevocationSnapshot.read([*bench.ca.crls(NOW - DAY), *bench.ca.crls(NOW + 2 * DAY)])

    assert bench.codes(signed(holder), arrived_at=NOW + 3 * DAY, evidence=evidence) == []


def test_a_known_holder_is_judged_at_each_moment_anew(bench: Bench):
    holder = bench.ca.issue(SIGNER, not_after=NOW)
    later = NOW + timedelta(seconds=1)

    assert bench.codes(signed(holder)) == []
    assert bench.codes(signed(holder, later), arrived_at=later) == ["certificate_expired"]
    assert bench.codes(signed(holder)) == []


@pytest.mark.parametrize("which", ["root", "issuing"])
def test_an_authority_that_has_run_out_is_expired_not_untrusted(bench: Bench, which: str):
    ends = {"root": NOW - DAY, "issuing": NOW + 900 * DAY} if which == "root" else {"issuing": NOW - DAY}
    root = make_authority("R", None, NOW - 900 * DAY, ends.get("root", NOW + 900 * DAY))
    issuing = make_authority("I", root, NOW - 800 * DAY, ends["issuing"])
    holder = bench.ca.issue(SIGNER, by=issuing, not_before=NOW - 700 * DAY)

    policy = TrustPolicy(anchors=(root.certificate,))

    assert bench.codes(signed(holder), policy=policy) == ["certificate_expired"]


# Paths


def path_codes(bench: Bench, *authorities: Authority, anchor: Authority, **how) -> list[str]:
    leaf = bench.ca.issue(SIGNER, by=authorities[0])
    holder = Holder(leaf.certificate, leaf.key, tuple(a.certificate for a in authorities))
    policy = TrustPolicy(anchors=(anchor.certificate,), **how)
    at = NOW - timedelta(hours=1)
    evidence = RevocationSnapshot.read([bench.ca.crl(at, by=a) for a in (*authorities, anchor)])
    return bench.codes(signed(holder), policy=policy, evidence=evidence)


LONG = (NOW - 900 * DAY, NOW + 900 * DAY)


def test_a_path_of_three_authorities_is_accepted(bench: Bench):
    root = make_authority("R", None, *LONG)
    upper = make_authority("U", root, *LONG)
    lower = make_authority("L", upper, *LONG)

    assert path_codes(bench, lower, upper, anchor=root) == []


def test_a_leaf_that_issues_is_refused(bench: Bench):
    root = make_authority("R", None, *LONG)
    not_an_authority = make_authority("L", root, *LONG, ca=False)

    assert path_codes(bench, not_an_authority, anchor=root) == ["certificate_untrusted"]


def test_a_broken_path_length_is_refused(bench: Bench):
    root = make_authority("R", None, *LONG)
    upper = make_authority("U", root, *LONG, path_length=0)
    lower = make_authority("L", upper, *LONG)

    assert path_codes(bench, lower, upper, anchor=root) == ["certificate_untrusted"]


def test_an_authority_without_key_cert_sign_is_refused(bench: Bench):
    root = make_authority("R", None, *LONG)
    issuing = make_authority("I", root, *LONG, usage=key_usage("crl_sign"))

    assert path_codes(bench, issuing, anchor=root) == ["certificate_untrusted"]


def test_a_self_signed_look_alike_is_refused(bench: Bench):
    assert bench.codes(signed(bench.ca.untrusted(SIGNER))) == ["certificate_untrusted"]


def test_a_look_alike_root_in_the_message_is_no_anchor(bench: Bench):
    leaf = bench.ca.untrusted(SIGNER)
    holder = Holder(
        leaf.certificate, leaf.key, (bench.ca.stranger.certificate, bench.ca.stranger_root.certificate)
    )

    assert bench.codes(signed(holder)) == ["certificate_untrusted"]


def test_an_anchor_does_not_sign_orders(bench: Bench):
    root = bench.ca.root

    assert "certificate_untrusted" in bench.codes(signed(Holder(root.certificate, root.key)))


@pytest.mark.parametrize("critical", [False, True])
@pytest.mark.parametrize("where", ["permitted", "excluded"])
def test_name_constraints_of_directory_names_hold(bench: Bench, where: str, critical: bool):
    """Critical, as RFC 5280 demands and national authorities have them, and not, as some do."""

    def constrained(organisation: str) -> x509.NameConstraints:
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, "SE"),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            ]
        )
        return x509.NameConstraints(
            **{"permitted_subtrees": None, "excluded_subtrees": None}
            | {f"{where}_subtrees": [x509.DirectoryName(name)]}
        )

    root = make_authority("R", None, *LONG)
    mine = make_authority("I", root, *LONG, extensions=[(constrained("region TESTLAND"), critical)])
    others = make_authority("I", root, *LONG, extensions=[(constrained("Somebody else"), critical)])

    good, bad = (mine, others) if where == "permitted" else (others, mine)
    assert path_codes(bench, good, anchor=root) == []
    assert path_codes(bench, bad, anchor=root) == ["certificate_untrusted"]


def test_a_critical_policy_constraint_is_refused_since_nobody_evaluates_it(bench: Bench):
    root = make_authority("R", None, *LONG)
    issuing = make_authority("I", root, *LONG, extensions=[(x509.PolicyConstraints(0, None), True)])

    assert path_codes(bench, issuing, anchor=root) == ["certificate_untrusted"]


# Policies and issuers


@pytest.mark.parametrize(
    ("leaf", "required", "forbidden", "codes"),
    [
        ([LEVEL_3], {LEVEL_3}, set(), []),
        ([LEVEL_2], {LEVEL_3}, set(), ["certificate_not_for_signing"]),
        ([], {LEVEL_3}, set(), ["certificate_not_for_signing"]),
        ([LEVEL_3, LEVEL_2], {LEVEL_3}, {LEVEL_2}, ["certificate_not_for_signing"]),
        (["1.2.3"], {"1.2.3"}, set(), ["certificate_not_for_signing"]),  # the authority does not pass it on
        ([], set(), set(), []),
    ],
)
def test_the_level_is_read_from_policies(bench: Bench, leaf, required, forbidden, codes):
    policy = bench.with_policy(required_policies=frozenset(required), forbidden_policies=frozenset(forbidden))

    assert bench.codes(signed(bench.ca.issue(SIGNER, policies=leaf)), policy=policy) == codes


def test_an_authority_that_passes_on_any_policy(bench: Bench):
    root = make_authority("R", None, *LONG)
    issuing = make_authority("I", root, *LONG, policies=["2.5.29.32.0"])

    assert path_codes(bench, issuing, anchor=root, required_policies=frozenset({LEVEL_3})) == []


def test_a_function_certificate_signs_no_decision(bench: Bench):
    assert bench.codes(signed(bench.ca.function(SIGNER))) == ["certificate_not_for_signing"]


# Who it names


def named(bench: Bench, *values, kind=_ASN1Type.PrintableString) -> Holder:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, "Test, Signer #13")]
    attributes += [x509.NameAttribute(NameOID.SERIAL_NUMBER, v, _type=kind) for v in values]
    return bench.ca.issue(None, name=attributes)


@pytest.mark.parametrize(
    "kind", ["PrintableString", "UTF8String", "IA5String", "T61String", "BMPString", "UniversalString"]
)
def test_the_hsa_id_is_read_whatever_string_type_it_has(bench: Bench, kind: str):
    verdict = bench.verdict(signed(named(bench, SIGNER, kind=_ASN1Type[kind])))

    assert verdict.proven
    assert verdict.signers[0].hsa_id == SIGNER


@pytest.mark.parametrize(
    "value",
    [
        "201202292387",
        "20120229-2387",
        "1202292387",
        f" {SIGNER}",
        f"{SIGNER}\n",
        "SE2321000065-",
        "SE232100006-1",
        "TSTNMT2321000156-1019",
        f"{SIGNER},CN=x",
        "SE2321000065-" + "A" * 19,
    ],
)
def test_what_is_no_hsa_id_does_not_sign(bench: Bench, value: str):
    verdict = bench.verdict(signed(named(bench, value, kind=_ASN1Type.UTF8String)))

    assert [str(c) for c in verdict.refusals] == ["certificate_not_for_signing"]
    assert verdict.signers == ()
    assert value.strip() not in repr(verdict.checks)


@pytest.mark.parametrize("values", [(), (SIGNER, SIGNER), (SIGNER, "SE2321000065-1002")])
def test_exactly_one_serial_number(bench: Bench, values):
    assert bench.codes(signed(named(bench, *values))) == ["certificate_not_for_signing"]


def test_a_test_environment_may_widen_the_form(bench: Bench):
    policy = bench.with_policy(hsa_id_form=r"(SE|TSTNMT)[0-9]{10}-[0-9A-Z]{1,18}")

    assert bench.codes(signed(named(bench, "TSTNMT2321000156-1019")), policy=policy) == []


# The book


def test_untrusted_certificates_do_not_fill_the_book(bench: Bench):
    from sigill.trust.chain import book_of

    policy = bench.with_policy()
    book = book_of(policy)
    for _ in range(5):
        bench.codes(signed(bench.ca.issue(SIGNER, by=bench.ca.stranger)), policy=policy)
    bench.codes(signed(bench.ca.staff(SIGNER)), policy=policy)

    assert len(book) == 1


def test_the_book_is_bounded(bench: Bench, monkeypatch):
    from sigill.trust import chain

    monkeypatch.setattr(chain, "HOLDERS_KEPT", 2)
    policy = bench.with_policy()
    for _ in range(4):
        assert bench.codes(signed(bench.ca.issue(SIGNER)), policy=policy) == []

    assert len(chain.book_of(policy)) == 2


def test_arrival_needs_a_time_zone(bench: Bench):
    with pytest.raises(ValueError, match="time zone"):
        bench.verdict(
            signed(bench.ca.staff(SIGNER)),
            arrived_at=datetime(2026, 3, 2, 9, tzinfo=UTC).replace(tzinfo=None),
        )
