"""What the pages say and what they keep to themselves, by HTTP."""

import pytest

from tests.console.world import MOTIVATION, World
from tests.workers.town import ADULT, CHILD, FATHER, MOTHER

PAGES = (
    "/", "/orders", "/person", "/waiting", "/waiting?list=follow_up", "/waiting?list=units",
    "/waiting?list=protected", "/waiting?list=orders", "/waiting?list=other", "/worklist", "/dead-letters",
    "/transitions", "/transitions/2025-03-10", "/rulebook", "/audit", "/phone",
)  # fmt: skip


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize("path", PAGES)
async def test_every_page_opens_in_both_languages(furnished: World, path: str, language: str) -> None:
    async with furnished.client(language=language) as client:
        answer = await client.get(path)
    assert answer.status_code == 200
    assert f'<html lang="{language}"' in answer.text
    for number in (ADULT, CHILD, MOTHER, FATHER):
        assert number not in answer.text
    assert MOTIVATION not in answer.text
