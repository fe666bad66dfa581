"""The throw-away authority: what it signs is what it says, also after it was saved."""

from datetime import UTC, datetime, timedelta

import pytest

from sigill.devtools.authority import DevAuthority
from sigill.devtools.signing import sign_jws, tampered_jws
from sigill.trust import RevocationSnapshot, TrustPolicy, read_certificates, verify
from tests.kit.signed_forms import NOW, PAYLOAD, SIGNER


def test_it_can_be_saved_and_loaded(tmp_path):
    made = DevAuthority.create(NOW)
    holder, revoked = made.staff(SIGNER), made.revoked_staff(SIGNER)
    made.revoke(made.staff("SE2321000065-1009"), NOW)
    made.save(tmp_path)

    loaded = DevAuthority.load(tmp_path)

    assert loaded.anchors == made.anchors
    assert loaded.staff(SIGNER).certificate == holder.certificate
    assert loaded.revoked_staff(SIGNER).certificate == revoked.certificate
    assert loaded.revoked == made.revoked
    assert sorted(loaded.reserved) == sorted(made.reserved)
    assert {p.stat().st_mode & 0o077 for p in tmp_path.rglob("*.key")} == {0}


def test_a_list_of_the_first_day_serves_for_years():
    """Scenarios play in 2022 to 2030 on one list: also what is revoked later stands in it."""
    start, end = datetime(2018, 1, 1, tzinfo=UTC), datetime(2035, 1, 1, tzinfo=UTC)
    ca = DevAuthority.create(NOW, not_before=start, not_after=end)
    evidence = RevocationSnapshot.read(ca.crls(start + timedelta(days=1), next_update=end))
    policy = TrustPolicy(anchors=ca.anchors)

    for year in range(2022, 2031):
        at = datetime(year, 6, 1, tzinfo=UTC)
        holder = ca.staff(f"SE2321000065-{year}")
        good = verify(
            sign_jws(PAYLOAD, holder, signed_at=at),
            "application/jose",
            policy=policy,
            evidence=evidence,
            arrived_at=at,
        )
        bad = verify(
            tampered_jws("revoked_certificate", PAYLOAD, holder.hsa_id, ca, signed_at=at),
            "application/jose",
            policy=policy,
            evidence=evidence,
            arrived_at=at,
        )
        assert good.proven
        assert [str(c) for c in bad.refusals] == ["certificate_revoked"]


def test_what_it_publishes_is_all_that_a_receiver_needs(tmp_path):
    ca = DevAuthority.create(NOW, issuing_key="RSA-2048")
    files = ca.publish(tmp_path, NOW - timedelta(hours=1))

    policy = TrustPolicy(
        anchors=read_certificates(files.anchors.read_bytes()),
        intermediates=read_certificates(files.intermediates.read_bytes()),
    )
    evidence = RevocationSnapshot.read(path.read_bytes() for path in files.crls.iterdir())
    raw = sign_jws(PAYLOAD, ca.staff(SIGNER), signed_at=NOW)

    assert verify(raw, "application/jose", policy=policy, evidence=evidence, arrived_at=NOW).proven
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"PRIVATE" in path.read_bytes()]


def test_a_file_without_certificates_says_so():
    for data in (b"", b"-----BEGIN CERTIFICATE-----", b"-----BEGIN PRIVATE KEY-----"):
        with pytest.raises(ValueError, match="no certificate can be read"):
            read_certificates(data)
