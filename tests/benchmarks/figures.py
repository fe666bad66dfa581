"""What every benchmark does with its figures: quantiles, lists of sizes to be told, and the machine they were made on."""

import os
import platform
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value below which a share of them lie. They must be in order."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def numbers(text: str) -> list[int]:
    """Numbers with commas between."""
    return [int(part) for part in text.split(",") if part]


def machine() -> str:
    """The machine in a line."""
    info = Path("/proc/cpuinfo")
    names = (
        [line for line in info.read_text().splitlines() if line.startswith("model name")]
        if info.exists()
        else []
    )
    model = names[0].partition(":")[2].strip() if names else platform.processor()
    memory = psutil.virtual_memory().total / 2**30
    return f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}"


def pace() -> float:
    """
    Microseconds of processor time in which this machine verifies one signature (ECDSA, P-256), now: the median of five.

    A machine that is shared with others is not the same from day to day; by this its days, and other machines, can be
    compared. Costs told in paces are costs in such verifications.
    """
    key, said = ec.generate_private_key(ec.SECP256R1()), b"how fast today"
    signature, public = key.sign(said, ec.ECDSA(SHA256())), key.public_key()
    tries = []
    for _ in range(5):
        began = time.process_time()
        for _ in range(500):
            public.verify(signature, said, ec.ECDSA(SHA256()))
        tries.append((time.process_time() - began) / 500)
    return 1e6 * sorted(tries)[2]
