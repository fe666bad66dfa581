"""
RSA keys of the smart-card library that made factorable ones (ROCA, CVE-2017-15361), by the published fingerprint.

Both primes of such a key are powers of 65537 modulo the product of many small primes, and so is the modulus. A sound
modulus passes the test for every prime of the list by chance once in some hundred million.

Nemec, Sys, Svenda, Klinec, Matyas: The Return of Coppersmith's Attack, ACM CCS 2017, section 2.2.
"""

from cryptography.hazmat.primitives.asymmetric import rsa

#: Small primes modulo which the powers of 65537 are not all residues.
_PRIMES = (11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157)
_POWERS = {p: frozenset(pow(65537, k, p) for k in range(p - 1)) for p in _PRIMES}


def is_weak(key: rsa.RSAPublicKey) -> bool:
    """True when the modulus has the fingerprint."""
    n = key.public_numbers().n
    return all(n % p in powers for p, powers in _POWERS.items())
