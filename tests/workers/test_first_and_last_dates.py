"""0001-01-01 and 9999-12-31, as other systems write "always" and "until further notice"."""

import asyncio

import pytest

from tests.kit.senders import CHILD, MOTHER, person
from tests.kit.worker_harness import START
from tests.workers.senders_kit import PN, answers, cli, finish, run, sees, town_now  # noqa: F401


@pytest.mark.parametrize("fields", [{"valid_through": "9999-12-31"}, {"valid_from": "0001-01-01"}])
async def test_an_order_has_an_answer(harness, fields):
    assert await answers(harness, harness.senders.orders(START, **fields)), (
        "a dead letter: the EHR hears nothing"
    )


@pytest.mark.parametrize(
    "custody", [{"from_date": "0001-01-01"}, {"from_date": "0001-01-01", "to_date": "9999-12-31"}]
)
async def test_a_mark_is_heard_beside_such_a_custody(harness, custody):
    told = harness.senders.registers(
        START, CHILD, 5, custody=[{"guardian": person(MOTHER), **custody}], secrecy_mark=True
    )
    await answers(harness, told)
    assert (await sees(harness, (PN, MOTHER), (PN, CHILD)))[0] is False


LIST = """åtgärd;personnummer;gäller från;gäller till och med;beslutsdatum;initiativ
försegling;19700606-2388;2025-01-01;2027-01-01;2025-01-01;vården
försegling;19850101-2384;2025-01-01;9999-12-31;2025-01-01;vården
försegling;19840202-2391;2025-01-01;2027-01-01;2025-01-01;vården
"""


async def test_an_imported_list_is_not_broken_off(run, town_now):  # noqa: F811
    process = run.process("register", "directory")
    await asyncio.sleep(8)
    finish(process)
    (run.folder / "list.csv").write_text(LIST, encoding="utf-8-sig")
    _, said = await asyncio.to_thread(
        cli,
        run,
        "import",
        str(run.folder / "list.csv"),
        "--region",
        "kronoberg",
        "--operator",
        "SE2321000099-OPER",
    )
    assert not any(n in said for n in ("198501012384", "19850101-2384")), "an identity number on the terminal"
    assert "Traceback" not in said, said[-300:]
    assert "OverflowError" not in said, said[-300:]
