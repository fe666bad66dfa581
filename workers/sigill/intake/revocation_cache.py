"""
What is known about revocation, kept fresh beside the intake, and told as metrics.

Lists and OCSP answers are `runtime.evidence`'s business, what they say is `trust`'s; here the two meet.
"""

import asyncio
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.x509.oid import NameOID

from sigill.intake.revocation_sources import RevocationCache, RevocationSources
from sigill.runtime.clock import Clock
from sigill.runtime.metrics import CRL_GOOD_UNTIL, CRL_UPDATED, REVOCATION_SOURCES_FAILING, Metrics
from sigill.runtime.settings import Settings
from sigill.trust import RevocationIndex, RevocationSnapshot, believed_until

TrustRevocationCache = RevocationCache[RevocationSnapshot]

MARGIN = timedelta(days=15)
"""Lists are held so much longer than a signature may be old: an order can wait, and its signer's clock be off."""


def sources(settings: Settings) -> RevocationSources:
    """Where the settings say that lists and answers come from."""
    return RevocationSources(
        paths=settings.crl_folders,
        urls=settings.crl_urls,
        kept=settings.crl_cache,
        ocsp_url=settings.ocsp_url,
        ask_ocsp=settings.ocsp,
        window=timedelta(days=settings.signature_max_age_days) + MARGIN,
        memory=settings.crl_memory_bytes,
        proxy=settings.revocation_proxy,
        timeout=timedelta(seconds=settings.crl_timeout),
        patience=timedelta(seconds=settings.ocsp_patience),
    )


def revocation_cache(sources: RevocationSources, clock: Clock) -> TrustRevocationCache:
    """A cache whose snapshots the verifier reads."""
    return RevocationCache(sources, index=RevocationIndex(), believe=believed_until, clock=clock)


async def keep_fresh(kept: TrustRevocationCache, every: float, metrics: Metrics, stop: asyncio.Event) -> None:
    """Look at every source each `every` seconds until told to stop, and tell how the lists stand."""
    while not stop.is_set():
        await kept.refresh()
        report(kept, metrics)
        try:
            await asyncio.wait_for(stop.wait(), every)
        except TimeoutError:
            continue


def report(kept: TrustRevocationCache, metrics: Metrics) -> None:
    """
    Tell how old the newest list of each issuer and scope is, until when it is good, and how many sources fail.

    Lists that speak for nobody are left out: a fresh delta list must not hide that the complete one has run out.
    """
    metrics.set(REVOCATION_SOURCES_FAILING, sum(bool(state.error) for state in kept.states))
    made: dict[tuple[str, str], datetime] = {}
    good: dict[tuple[str, str], datetime] = {}
    for lists in kept.snapshot.lists.values():
        for crl in lists:
            if not crl.scope.speaks:
                continue
            label = (_name(crl.crl), crl.scope.label)
            made[label] = max(crl.since, made.get(label, crl.since))
            good[label] = max(crl.until, good.get(label, crl.until))
    for metric, times in ((CRL_UPDATED, made), (CRL_GOOD_UNTIL, good)):
        metrics.clear(metric)
        for (issuer, scope), at in times.items():
            metrics.set(metric, at.timestamp(), issuer=issuer, scope=scope)


def _name(crl: x509.CertificateRevocationList) -> str:
    try:
        names = crl.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
    except (ValueError, TypeError):
        return "unnamed"
    return str(names[0].value) if names else "unnamed"
