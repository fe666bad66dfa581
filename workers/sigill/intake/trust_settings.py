"""Whose certificates are believed, from the files that the settings name."""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from cryptography import x509

from sigill.runtime.settings import Settings
from sigill.trust import TrustPolicy, read_certificates

_CERTIFICATE_FILES = frozenset({".pem", ".crt", ".cer", ".der"})


class WrongFile(ValueError):
    """A file that the settings name, or the settings themselves, cannot be used: which and why."""


def certificates(paths: Iterable[Path]) -> tuple[x509.Certificate, ...]:
    """
    Read certificates, PEM or DER, from files or from the `.pem`, `.crt`, `.cer` and `.der` files of folders.

    Raises WrongFile for a file that holds none that can be read, and for a folder without any.
    """
    found: list[x509.Certificate] = []
    for path in paths:
        try:
            files = [path]
            if path.is_dir():
                files = sorted(p for p in path.iterdir() if p.suffix.lower() in _CERTIFICATE_FILES)
            if not files:
                raise WrongFile(f"{path}: no certificate in it ({', '.join(sorted(_CERTIFICATE_FILES))})")
        except OSError as error:
            raise WrongFile(f"{path}: cannot be read") from error
        for file in files:
            try:
                found += read_certificates(file.read_bytes())
            except OSError as error:
                raise WrongFile(f"{file}: cannot be read") from error
            except ValueError as error:
                raise WrongFile(f"{file}: {error}") from error
    return tuple(dict.fromkeys(found))


def trust_policy(settings: Settings) -> TrustPolicy:
    """What is demanded of signatures, as the settings say."""
    return TrustPolicy(
        anchors=certificates(settings.trust_anchors),
        intermediates=certificates(settings.trust_intermediates),
        algorithms=settings.signature_algorithms,
        longest_age=timedelta(days=settings.signature_max_age_days),
        clock_skew=timedelta(seconds=settings.signature_clock_skew),
        required_policies=frozenset(settings.certificate_policies),
        forbidden_policies=frozenset(settings.refused_policies),
        refused_issuers=settings.refused_issuers,
        max_bytes=settings.max_message_bytes,
        on_unknown_revocation=settings.signature_unknown_revocation,
        hsa_id_form=settings.hsa_id_form,
        test_hsa_ids=settings.test_hsa_ids,
        time_stamp_anchors=certificates(settings.time_stamp_anchors),
    )
