"""The story on the page about stories is one that can be played."""

import re
from pathlib import Path

from sigill.cli.common import rulebooks
from sigill.scenario.format import read_file
from sigill.scenario.pure import play_pure

PAGE = Path(__file__).parents[2] / "docs" / "stories.md"


async def test_the_example_holds(tmp_path: Path) -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    file = tmp_path / "story.yaml"
    file.write_text(text, "utf-8")
    (story,) = read_file(file)
    books = rulebooks()
    await play_pure(story, books)
