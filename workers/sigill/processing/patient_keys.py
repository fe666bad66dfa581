"""The patients' pseudonymous keys: made with one secret, recognised under several, so that it can be replaced."""

import re
from collections.abc import Mapping

from sigill_contracts.keys import patient_key

_FORM = re.compile(r"v[0-9]{1,4}\.[A-Za-z0-9_-]{43}")
UNKEYED = "unknown"
"""The record key of an answer to a message whose own key is none of ours, and could be anything."""


class KeyRing:
    """The secrets by version. `version` is the one that new keys are made with. Secrets do not show in `repr`."""

    def __init__(self, secrets: Mapping[str, bytes], version: str) -> None:
        """Raises KeyError when there is no secret of that version."""
        self._secrets = dict(secrets)
        self._version = version
        self._secrets[version]

    def __repr__(self) -> str:
        return f"KeyRing(versions={sorted(self._secrets)}, new={self._version})"

    def of(self, number: str) -> str:
        """The key of an identity number, by the present version."""
        return patient_key(number, self._secrets[self._version], self._version)

    def every(self, number: str) -> frozenset[str]:
        """The keys of an identity number under every version that is read."""
        return frozenset(patient_key(number, secret, version) for version, secret in self._secrets.items())


def shaped_like_a_key(key: bytes | None) -> str | None:
    """A record key that has the form of ours, as text; None for any other, which could hold an identity number."""
    if key is None:
        return None
    try:
        text = key.decode("ascii")
    except UnicodeDecodeError:
        return None
    return text if _FORM.fullmatch(text) else None
