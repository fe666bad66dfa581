"""The patient's pseudonymous key, as the EHR and Sigill both make it."""

import hashlib
import hmac
from base64 import urlsafe_b64encode


def patient_key(identity: str, secret: bytes, version: str = "v1") -> str:
    """
    Return the key of an identity number: the version, a dot, and base64url without padding of HMAC-SHA-256.

    `identity` is the whole number as it stands in a message, twelve digits without separator, or a reserve number;
    `secret` is shared with the EHR and has the version that the key begins with. Nothing of the number can be read
    from the key, and without the secret no key can be tried.
    """
    digest = hmac.digest(secret, identity.encode("ascii"), hashlib.sha256)
    return f"{version}.{urlsafe_b64encode(digest).rstrip(b'=').decode('ascii')}"


def key_version(key: str) -> str:
    """Return which secret a key was made with. Raises ValueError when it is no key."""
    version, dot, rest = key.partition(".")
    if not dot or not version or len(rest) != 43:
        raise ValueError("a patient's key is a version, a dot and 43 characters of base64url")
    return version
