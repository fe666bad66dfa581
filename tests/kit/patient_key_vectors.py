"""
Test vectors for the patient's key: secret, number, key, and the partition of twelve on which Kafka's clients put it.

    python -m tests.kit.patient_key_vectors            write them
    python -m tests.kit.patient_key_vectors --check    fail when the shipped file differs

The numbers are test numbers, the secrets worth nothing.
"""

import base64
import json
import sys
from pathlib import Path

from aiokafka.partitioner import murmur2

from sigill_contracts.examples import EXAMPLE_SECRET
from sigill_contracts.keys import patient_key

FILE = Path(__file__).parents[2] / "contracts" / "test-vectors" / "patient-keys.json"
PARTITIONS = 12
_SECRETS = (("v1", EXAMPLE_SECRET), ("v2", bytes(range(32))))
_NUMBERS = (
    ("personnummer", "201611032382"),
    ("personnummer", "198503142385"),
    ("personnummer", "195408082393"),
    ("samordningsnummer", "197905652397"),
    ("reservnummer", "19K2301A0001"),
)


def partition_of(key: str) -> int:
    """The partition of a key on a topic of twelve, as Kafka's Java client finds it."""
    return int(murmur2(key.encode("ascii")) & 0x7FFFFFFF) % PARTITIONS


def rendered() -> str:
    """The file's text."""
    vectors = [
        {
            "secret_base64": base64.b64encode(secret).decode("ascii"),
            "version": version,
            "id_type": kind,
            "id": number,
            "key": key,
            "partition_of_12": partition_of(key),
        }
        for version, secret in _SECRETS
        for kind, number in _NUMBERS
        for key in (patient_key(number, secret, version),)
    ]
    return json.dumps(vectors, indent=2) + "\n"


def main(arguments: list[str]) -> int:
    """Run the command; returns the exit status."""
    if "--check" not in arguments:
        FILE.write_text(rendered(), encoding="utf-8")
    elif FILE.read_text(encoding="utf-8") != rendered():
        sys.stderr.write(f"{FILE}: run `python -m tests.kit.patient_key_vectors` and commit what it writes\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
