"""The page of figures says what was measured, and nothing else."""

from pathlib import Path

from tests.benchmarks import page


def test_the_page_is_written_from_the_figures() -> None:
    assert Path(page.DOCS / "performance.md").read_text("utf-8") == page.text(page.read())
