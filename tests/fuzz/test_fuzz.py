"""Every decoder against bytes near good ones, and against everything that once was interesting."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.mutations import near
from tests.fuzz.targets import CORPUS, TARGETS, seeds

EXAMPLES = int(os.environ.get("SIGILL_FUZZ_EXAMPLES", "150"))


@pytest.mark.parametrize("name", TARGETS)
def test_whatever_comes_is_read_or_refused(name: str) -> None:
    target = TARGETS[name]

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    @given(data=st.deferred(lambda: near(seeds(name))))
    def run(data: bytes) -> None:
        target(data)

    run()


@pytest.mark.parametrize("name", TARGETS)
def test_good_seeds_are_good(name: str) -> None:
    for data in seeds(name):
        TARGETS[name](data)


def _kept() -> list[Path]:
    return sorted(file for file in CORPUS.rglob("*") if file.is_file())


@pytest.mark.parametrize("file", _kept(), ids=lambda file: f"{file.parent.name}/{file.name}")
def test_the_corpus_is_read_or_refused(file: Path) -> None:
    TARGETS[file.parent.name](file.read_bytes())


@pytest.mark.parametrize(
    "name", ["jws_json", "structured_event", "form", "unwrapped", "rulebook", "scenario"]
)
@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"data":['])
def test_any_depth_of_nesting_is_refused_in_good_order(name: str, opening: bytes) -> None:
    closing = {b"[": b"]", b'{"a":': b"}", b'{"data":[': b"]}"}[opening]
    for depth in (10, 200, 320, 330, 480, 490, 495, 498, 500, 900, 990, 995, 998, 1000, 1100, 5000, 100_000):
        if name in ("rulebook", "scenario") and depth > 1100:
            continue  # a rule owner's own file; YAML's reader takes minutes for these
        TARGETS[name](opening * depth + b"1" + closing * depth)
