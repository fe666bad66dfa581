"""The pages and the command about units: names instead of HSA-ids, and a successor by two operators."""

import json
from datetime import timedelta

from sigill.operations.operators import ConsoleRole
from tests.console.test_acts import acts
from tests.console.test_terminal import BO, sigill
from tests.kit.console import SECOND, START, World
from tests.kit.senders import UNIT

NEW = "SE2321000099-NEW"


async def close_unit(here: World) -> None:
    """The unit where the town's doctor decides is closed, and nobody says who took over."""
    yesterday = (START - timedelta(days=1)).date().isoformat()
    senders = here.senders
    await here.harness.hand_over(
        senders.unit(START, name="Medicinkliniken", valid_through=yesterday),
        senders.unit(START, NEW, name="Internmedicin"),
    )
    await here.desk.watch.look()


async def test_an_order_names_the_unit_and_keeps_its_hsa_id_behind(fresh: World) -> None:
    await close_unit(fresh)
    await fresh.harness.hand_over(fresh.senders.orders(fresh.clock.now()))
    async with fresh.client() as client:
        page = (await client.get("/orders")).text
    assert f'<span title="{UNIT}">Medicinkliniken</span>' in page


async def test_the_successor_is_proposed_by_one_operator_and_approved_by_another(fresh: World) -> None:
    await close_unit(fresh)
    async with fresh.client() as client:
        page = (await client.get("/units")).text
        assert "Closed without a successor" in page
        assert "Medicinkliniken" in page
        where = f"/units/{UNIT}"
        refused = await client.post(
            f"{where}/successor", where, successor="SE2321000099-NOBODY", reason="Slagits ihop"
        )
        assert refused.status_code == 409
        assert "Nothing was changed" in refused.text
        proposed = await client.post(f"{where}/successor", where, successor=NEW, reason="Slagits ihop")
        assert "Proposed" in proposed.text
        listed = (await client.get("/units")).text
        number = listed.split("/units/proposals/", 1)[1].split('"', 1)[0]
        own = await client.post(f"/units/proposals/{number}", "/units", verdict="approve")
        assert "cannot approve as well" in own.text
    async with fresh.client(SECOND, [ConsoleRole.APPROVER]) as other:
        assert "named" in (await other.post(f"/units/proposals/{number}", "/units", verdict="approve")).text
        page = (await other.get(where)).text
    assert "named by two operators" in page
    assert "Internmedicin" in page
    assert (await acts(fresh.store))[-2:] == ["successor_proposed", "successor_approved"]


async def test_the_command_does_the_same_and_says_what_is_not_possible(fresh: World) -> None:
    await close_unit(fresh)
    listed = await sigill(fresh, "unit", "list", "--without-successor", "--json")
    assert [one["unit"] for one in json.loads(listed.out)["units"]] == [UNIT]
    wrong = await sigill(fresh, "unit", "successor", NEW, UNIT, "--reason", "r", "--yes")
    assert (wrong.status, wrong.err.strip()) == (1, f"{NEW} is no closed unit")
    assert (await sigill(fresh, "unit", "successor", UNIT, NEW, "--reason", "r", "--yes")).status == 0
    again = await sigill(fresh, "unit", "successor", UNIT, NEW, "--reason", "r", "--yes")
    assert again.status == 1
    own = await sigill(fresh, "unit", "successor", UNIT, "--approve", "--yes")
    assert (own.status, own.err.strip()) == (1, "the one who proposed cannot approve as well")
    assert (await sigill(fresh, "unit", "successor", UNIT, "--approve", "--yes", user=BO)).status == 0
    shown = json.loads((await sigill(fresh, "unit", "show", UNIT, "--json")).out)["versions"]
    assert (shown[0]["succeeded_by"], shown[0]["named_by_operators"]) == (NEW, True)
    assert (await sigill(fresh, "unit", "show", "SE1-NOBODY")).status == 1
