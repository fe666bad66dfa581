"""What every benchmark does with its figures: quantiles of what was measured, and lists of sizes to be told."""

from collections.abc import Sequence


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value below which a share of them lie. They must be in order."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def numbers(text: str) -> list[int]:
    """Numbers with commas between."""
    return [int(part) for part in text.split(",") if part]
