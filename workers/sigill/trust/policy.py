"""What is demanded of a signature and its certificate. Values only; where they come from is settings' business."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from cryptography import x509

from sigill.trust.profile import ALGORITHMS

#: An HSA-id as SITHS certificates carry it: country, organisation number of ten or twelve digits, a hyphen, at most 31
#: characters in all.
HSA_ID = r"SE(?:[0-9]{2})?[0-9]{10}-[0-9A-Z]{1,18}"
#: The same of a test card.
TEST_HSA_ID = r"TSTNMT[0-9]{10}-[0-9A-Z]{1,18}"


@dataclass(frozen=True)
class TrustPolicy:
    """
    Anchors and limits of one receiver. Compared by identity: a changed policy is a new object, and a new cache.

    `anchors` end every path: put the wanted *issuing* authorities there and no other issuer is accepted.
    `intermediates` help to build a path and are not trusted by themselves.
    `required_policies`: at least one of these OIDs in the leaf's certificatePolicies (level of assurance), passed on
    by every authority between it and the anchor; empty: no demand. `forbidden_policies`: none of these.
    `refused_issuers`: text in an issuer's common name whose certificates never sign a decision.
    `hindsight`: how long after the claimed signing time a status may be dated and still speak for that moment.
    `status_age`: how long a status without nextUpdate is believed.
    `hsa_id_form`: the regular expression that a holder's HSA-id matches whole; `test_hsa_ids`: those of test cards too.
    `time_stamp_anchors` end the path of a time stamp's certificate; without any, time stamps are not evaluated.
    """

    anchors: tuple[x509.Certificate, ...]
    intermediates: tuple[x509.Certificate, ...] = ()
    algorithms: tuple[str, ...] = ALGORITHMS
    longest_age: timedelta = timedelta(days=30)
    clock_skew: timedelta = timedelta(minutes=5)
    required_policies: frozenset[str] = frozenset()
    forbidden_policies: frozenset[str] = frozenset()
    refused_issuers: tuple[str, ...] = ("Function CA",)
    max_bytes: int = 256 * 1024
    max_signatures: int = 8
    max_chain: int = 6
    on_unknown_revocation: Literal["hold", "refuse"] = "hold"
    hindsight: timedelta = timedelta(days=1)
    status_age: timedelta = timedelta(hours=12)
    signature_policies: frozenset[str] = frozenset()
    hsa_id_form: str = HSA_ID
    test_hsa_ids: bool = False
    time_stamp_anchors: tuple[x509.Certificate, ...] = ()
    hsa_id_pattern: re.Pattern[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        unknown = set(self.algorithms) - set(ALGORITHMS)
        if unknown:
            msg = f"not an algorithm this verifier knows: {', '.join(sorted(unknown))}"
            raise ValueError(msg)
        form = f"(?:{self.hsa_id_form})|(?:{TEST_HSA_ID})" if self.test_hsa_ids else self.hsa_id_form
        object.__setattr__(self, "hsa_id_pattern", re.compile(form))

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other
