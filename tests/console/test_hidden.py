"""Who has protected identity is shown to a role of its own; a login that is bound to regions and units sees those alone."""

import base64
import contextlib
import json
import os
import re
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import httpx
import pytest
import typer
from typer.testing import CliRunner

from sigill import cli
from sigill.cli import common
from sigill.operations import identity
from sigill.operations.identity import NotIdentified, sees_protected_identity
from sigill.operations.operators import ConsoleRole, Operator
from sigill.operations.protected_identity import named_in
from sigill.policy.facts import Measure
from sigill.runtime.settings import Settings
from sigill.store import access_log, console, dead_letters, measures, persons, proposals
from sigill.store.access_log import AccessLogEntry
from sigill.store.console import Binding, OrderSearch
from sigill.store.dead_letters import DISCARD
from sigill.store.units import NAME_SUCCESSOR
from sigill_contracts.vocabulary import (
    Initiative,
    MeasureId,
    MeasureKind,
    OrderId,
    PersonId,
    RegionCode,
    Service,
    UnitId,
)
from tests.console.test_login import Provider, go, provider, with_issuer  # noqa: F401
from tests.console.test_terminal import ACCOUNTS, ANNA, sigill
from tests.console.test_units import NEW, close_unit
from tests.kit.console import ALL, SECOND, Client, World, furnish
from tests.kit.senders import ADULT, CHILD, KEYS, MOTHER, OPERATOR, REGION, UNIT, person

OTHERS = tuple(ALL - {ConsoleRole.PROTECTED_IDENTITY})
LISTS = (
    "/orders", "/waiting?list=form", "/waiting?list=follow_up", "/waiting?list=orders", "/waiting?list=other", "/worklist",
    "/dead-letters",
)  # fmt: skip


async def protect_the_child(here: World) -> PersonId:
    """A day's work, and then the register's mark on the child that most of it is about."""
    await furnish(here)
    custody = [{"guardian": person(MOTHER)}]
    now = here.clock.now()
    await here.harness.hand_over(here.senders.registers(now, CHILD, 2, secrecy_mark=True, custody=custody))
    async with here.harness.store.reading() as tx:
        return (await persons.resolve_keys(tx, [KEYS.of(CHILD)]))[KEYS.of(CHILD)]


async def paths_to(here: World, child: PersonId) -> list[str]:
    """Every page that is about the child, or that shows what somebody wrote about it."""
    async with here.harness.store.reading() as tx:
        found = await tx.fetch("SELECT registration, person_id, payload FROM signed_order")
        orders = [
            row["registration"]
            for row in found
            if row["person_id"] == int(child) or CHILD in (row["payload"] or "")
        ]
        tasks = await tx.fetch("SELECT task_id, target FROM task WHERE person_id = $1", int(child))
        letters = await tx.fetch("SELECT dead_letter_id, key FROM dead_letter")
    pages = [f"/orders/{one}" for one in orders]
    pages += [f"/worklist/{row['task_id']}" for row in tasks if row["target"]]
    pages += [f"/tasks/{row['task_id']}/person" for row in tasks if not row["target"]]
    pages += [
        f"/dead-letters/{row['dead_letter_id']}" for row in letters if row["key"] == KEYS.of(CHILD).encode()
    ]
    assert {page.split("/")[1] for page in pages} == {"orders", "worklist", "tasks", "dead-letters"}
    return pages


async def test_others_see_that_somebody_is_hidden_and_never_who(fresh: World) -> None:
    child = await protect_the_child(fresh)
    pages = await paths_to(fresh, child)
    async with fresh.client(roles=OTHERS) as client:
        for path in LISTS:
            text = (await client.get(path)).text
            assert "protected identity" in text, path
            assert not [page for page in pages if f'"{page}"' in text], path
        for page in pages:
            refused = await client.get(page)
            assert (refused.status_code, CHILD in refused.text) == (403, False), page
            assert "Hidden" in refused.text
        for path, fields in acts(pages, child):
            refused = await client.post(path, reason="curious", **fields)
            assert (refused.status_code, CHILD in refused.text) == (403, False), path
        # the mother is not protected: her page is there, and does not lead to the child's
        found = await client.post("/person/search", "/person", number=MOTHER, reason="she rings")
        assert found.status_code == 200
        assert "no-one" not in found.text
    async with fresh.harness.store.reading() as tx:
        looks = [one.look for one in await access_log.of_person(tx, child)]
        waiting = await tx.value(
            "SELECT count(*) FROM task WHERE person_id = $1 AND state = 'open'", int(child)
        )
    assert {one.shown for one in looks if one.actor == OPERATOR} == {"nothing: protected identity"}
    assert waiting > 0
    async with fresh.client() as client:
        for page in pages:
            assert (await client.get(page)).status_code == 200, page


def acts(pages: Iterable[str], child: PersonId) -> list[tuple[str, dict[str, str]]]:
    """Everything that shows or does something about the child, by the forms of the pages."""
    found: list[tuple[str, dict[str, str]]] = [
        ("/person/search", {"number": CHILD}),
        ("/person/search", {"number": ADULT, "caller": CHILD}),
        (f"/person/{child}/reason", {}),
        (f"/person/{child}/unmask", {}),
        ("/orders/search", {"number": CHILD}),
        ("/audit/person", {"number": CHILD}),
    ]
    for page in pages:
        kind, number = page.split("/")[1:3]
        match kind:
            case "orders":
                found += [(f"{page}/unmask", {}), (f"{page}/bytes", {})]
            case "dead-letters":
                found += [(f"{page}/open", {}), (f"{page}/bytes", {})]
            case "worklist":
                found += [(f"{page}/numbers", {}), (f"/tasks/{number}/done", {})]
            case "tasks":
                found.append((f"/tasks/{number}/done", {}))
    return found


async def test_a_protected_guardian_is_not_named_on_the_childs_page(fresh: World) -> None:
    now = fresh.clock.now()
    await fresh.harness.hand_over(fresh.senders.registers(now, MOTHER, 2, secrecy_mark=True))
    async with fresh.harness.store.reading() as tx:
        known = await persons.resolve_keys(tx, [KEYS.of(CHILD), KEYS.of(MOTHER)])
    child, mother = known[KEYS.of(CHILD)], known[KEYS.of(MOTHER)]
    seen = {}
    for roles in (OTHERS, tuple(ALL)):
        async with fresh.client(roles=roles) as client:
            await client.post("/person/search", "/person", number=CHILD, reason="the father rings")
            await client.post(f"/person/{child}/unmask", f"/person/{child}", reason="the father rings")
            seen[roles] = (await client.get(f"/person/{child}")).text
    assert CHILD in seen[OTHERS]
    assert "hidden, protected identity" in seen[OTHERS]
    assert not re.search(rf"{MOTHER}|P-{mother}\b", seen[OTHERS])
    assert MOTHER in seen[tuple(ALL)]


async def test_commands_show_nobody_with_protected_identity_without_the_role(
    fresh: World, tmp_path: Path
) -> None:
    child = await protect_the_child(fresh)
    async with fresh.harness.store.reading() as tx:
        (one, *_) = await console.find_orders(tx, OrderSearch(patient=child))
        letter = await tx.value(
            "SELECT dead_letter_id FROM dead_letter WHERE key = $1", KEYS.of(CHILD).encode()
        )
    key = KEYS.of(CHILD)
    asked: list[tuple[str, ...]] = [
        ("access", "show", key, "--purpose", "curious"),
        ("order", "show", str(one.order_id), "--json", "--reason", "curious"),
        ("dlq", "show", str(letter), "--reason", "curious"),
        ("audit", "extract", key, "--for", "auditor", "--reason", "curious"),
    ]
    for words in asked:
        refused = await sigill(fresh, *words)
        assert (refused.status, refused.out) == (1, ""), words
        assert "hidden: somebody here has protected identity" in refused.err
    assert key not in (await sigill(fresh, "dlq", "list")).out
    operators = tmp_path / "may.json"
    operators.write_text(
        json.dumps({str(ACCOUNTS[ANNA]): {"hsa_id": ANNA, "roles": ["protected_identity"]}}), "utf-8"
    )
    shown = await sigill(fresh, *asked[1], SIGILL_OPERATORS=str(operators))
    assert shown.status == 0, shown.err
    assert CHILD in shown.out or '"patient"' in shown.out or json.loads(shown.out)["order_id"]


async def test_commands_about_a_child_name_no_protected_guardian_without_the_role(
    fresh: World, tmp_path: Path
) -> None:
    """They did: only who was asked about was looked at, and the guardian's key or number stood in the answer."""
    await furnish(fresh)
    now = fresh.clock.now()
    await fresh.harness.hand_over(fresh.senders.registers(now, MOTHER, 2, secrecy_mark=True))
    child, mother = KEYS.of(CHILD), KEYS.of(MOTHER)
    for words in (("show", child), ("timeline", child), ("show", child, "--json")):
        told = await sigill(fresh, "access", *words, "--purpose", "her father rings")
        assert told.status == 0, told.err
        assert "(protected)" in told.out, words
        assert mother not in told.out, words
    exported = ("audit", "export", child, "--reason", "court", "--to", str(tmp_path / "file.json"))
    refused = await sigill(fresh, *exported)
    assert refused.status == 1
    assert "hidden: somebody here has protected identity" in refused.err
    assert not (tmp_path / "file.json").exists()
    operators = tmp_path / "may.json"
    operators.write_text(
        json.dumps({str(ACCOUNTS[ANNA]): {"hsa_id": ANNA, "roles": ["protected_identity"]}}), "utf-8"
    )
    shown = await sigill(
        fresh, "access", "show", child, "--purpose", "court", SIGILL_OPERATORS=str(operators)
    )
    assert mother in shown.out
    written = await sigill(fresh, *exported, SIGILL_OPERATORS=str(operators))
    assert written.status == 0, written.err
    assert (tmp_path / "file.json").exists()


@pytest.mark.parametrize(
    ("said", "sees"),
    [
        ("SE2321000099-ANNA", False),
        ({"hsa_id": "SE2321000099-ANNA", "roles": []}, False),
        ({"hsa_id": "SE2321000099-ANNA", "roles": ["protected_identity"]}, True),
        ({"hsa_id": "SE2321000099-ANNA", "roles": ["root"]}, None),
        ({"hsa_id": "SE2321000099-ANNA", "roles": "protected_identity"}, None),
        ({"hsa_id": "SE2321000099-ANNA", "roles": ["protected_identity"], "regions": ["testland"]}, True),
        ({"hsa_id": "SE2321000099-ANNA", "units": ["SE2321000099-U"]}, False),
        ({"hsa_id": "SE2321000099-ANNA", "regions": []}, None),
        ({"hsa_id": "SE2321000099-ANNA", "units": [" "]}, None),
        ({"hsa_id": "SE2321000099-ANNA", "roles": [], "region": ["testland"]}, None),
        ({"hsa_id": "SE2321000099-ANNA"}, None),
    ],
)
def test_an_account_sees_them_when_the_file_of_roots_says_so(
    said: object, sees: bool | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "ROOT", os.getuid())
    monkeypatch.setattr(os, "getuid", lambda: 61001)
    file = tmp_path / "operators.json"
    file.write_text(json.dumps({"61001": said}), "utf-8")
    file.chmod(0o644)
    if sees is None:
        with pytest.raises(NotIdentified, match="must hold"):
            sees_protected_identity(Settings(operators=file))
    else:
        assert sees_protected_identity(Settings(operators=file)) is sees
    production = Settings().model_copy(update={"environment": "production"})
    assert not sees_protected_identity(production)


async def test_a_number_is_found_in_whatever_a_text_writes_it(fresh: World) -> None:
    async with fresh.harness.store.reading() as tx:
        child = (await persons.resolve_keys(tx, [KEYS.of(CHILD)]))[KEYS.of(CHILD)]
        inside = base64.urlsafe_b64encode(json.dumps({"patient": {"id": CHILD}, "more": "x" * 40}).encode())
        texts: list[str | bytes] = [
            f'{{"patient": {{"id": "{CHILD}"}}}}',
            f"ringer om {CHILD[:8]}-{CHILD[8:]}",
            f"ringer om {CHILD[2:8]}+{CHILD[8:]}",
            b"\xff\xfe" + CHILD.encode(),
            b"eyJhbGciOiJFUzI1NiJ9." + inside.rstrip(b"=") + b".c2ln",
        ]
        for text in texts:
            assert await named_in(tx, [text]) == {child}, text
        assert await named_in(tx, [None, "", f"9{CHILD}", "SIGILL-2012"]) == frozenset()


async def test_nobody_acts_on_a_letter_that_they_may_not_read(fresh: World) -> None:
    await protect_the_child(fresh)
    others = (await fresh.lose())[0]
    async with fresh.harness.store.transaction(fresh.clock.now()) as tx:
        hidden = await tx.value(
            "SELECT dead_letter_id FROM dead_letter WHERE key = $1", KEYS.of(CHILD).encode()
        )
        proposal = await dead_letters.propose_discard(tx, hidden, SECOND, "Zebrafinken")
    acts = (
        ("/dead-letters/replay", {"letter": [str(others), str(hidden)]}),
        (f"/dead-letters/{hidden}/discard", {"reason": "unseen"}),
        (f"/dead-letters/proposals/{proposal}", {"verdict": "approve"}),
        (f"/dead-letters/proposals/{proposal}", {"verdict": "decline"}),
    )
    elsewhere = Binding(frozenset({"elsewhere"}))
    async with fresh.client(roles=OTHERS) as client:
        listed = (await client.get("/dead-letters")).text
        assert "Zebrafinken" not in listed
        assert f"/dead-letters/proposals/{proposal}" not in listed
        for path, fields in acts:
            refused = await client.post(path, **fields)
            assert (refused.status_code, "Hidden" in refused.text) == (403, True), path
    async with bound_to(fresh, elsewhere, ALL) as client:
        for path, fields in (*acts, (f"/dead-letters/{others}/discard", {"reason": "unseen"})):
            refused = await client.post(path, **fields)
            assert (refused.status_code, "does not cover" in refused.text) == (403, True), path
    for words in (("replay", str(hidden)), ("discard", str(hidden), "--approve")):
        told = await sigill(fresh, "dlq", *words, "--yes")
        assert (told.status, "hidden: somebody here" in told.err) == (1, True), words
    async with fresh.store.reading() as tx:
        letters = await dead_letters.by_ids(tx, [others, hidden])
        waiting = await proposals.open_ones(tx, DISCARD)
    assert {one.action for one in letters.values()} == {None}
    assert [(one.proposal_id, one.operator) for one in waiting] == [(proposal, SECOND)]
    async with fresh.client() as client:
        approved = await client.post(f"/dead-letters/proposals/{proposal}", verdict="approve")
    assert approved.url.query == b"done=discarded"


# --- bound to regions and units


@contextlib.asynccontextmanager
async def bound_to(here: World, bound: Binding, roles: Iterable[ConsoleRole]) -> AsyncIterator[Client]:
    cookie = await here.desk.sessions.begin(Operator(OPERATOR, frozenset(roles), OPERATOR, UNIT, bound=bound))
    async with httpx.AsyncClient(
        base_url=here.base,
        cookies={here.desk.cookie: cookie, "sigill_language": "en"},
        follow_redirects=True,
        timeout=20,
    ) as http:
        yield Client(http)


async def test_a_bound_login_sees_its_own_regions_and_units_alone(furnished: World) -> None:
    elsewhere, here = frozenset({"elsewhere"}), frozenset({REGION})
    all_of_it = Binding()
    shown = {}
    for name, bound in {
        "unbound": all_of_it,
        "own": Binding(here, frozenset({UNIT})),
        "another region": Binding(elsewhere),
        "another unit": Binding(None, frozenset({"SE2321000099-ELSE"})),
    }.items():
        async with bound_to(furnished, bound, ALL) as client:
            pages = [(await client.get(path)).text for path in (*LISTS[:-1], "/transitions/2025-03-16")]
            shown[name] = [
                len(re.findall(r'href="(?:/orders/\d|/worklist/\d|/tasks/\d)', page)) for page in pages
            ]
            order = await client.get("/orders/1")
            letters = (await client.get("/dead-letters")).text
            letter = await client.get("/dead-letters/1")
        is_bound = bound != all_of_it
        assert order.status_code == (200 if name in ("unbound", "own") else 403), name
        assert (letter.status_code, "how many, not which" in letters) == (403 if is_bound else 200, is_bound)
    assert sum(shown["unbound"]) > 5
    assert shown["own"][0] > 0
    assert sum(shown["another region"]) == sum(shown["another unit"]) == 0
    async with bound_to(furnished, Binding(elsewhere), [ConsoleRole.VIEWER]) as viewer:
        counts = re.findall(r"<td>(\d+)</td>", (await viewer.get("/orders")).text)
    assert set(counts) == {"0"}


async def test_a_bound_login_is_shown_no_others_measures_after_a_look_up(furnished: World) -> None:
    """A person's page counts them, and gives neither unit, region, form, day nor rule of theirs."""
    async with furnished.harness.store.reading() as tx:
        child = (await persons.resolve_keys(tx, [KEYS.of(CHILD)]))[KEYS.of(CHILD)]
        kinds = await tx.value(
            "SELECT count(DISTINCT measure_id) FROM measure WHERE person_id = $1", int(child)
        )
    assert kinds
    shown = {}
    for name, bound in {
        "unbound": Binding(),
        "own": Binding(frozenset({REGION}), frozenset({UNIT})),
        "another region": Binding(frozenset({"elsewhere"})),
        "another unit": Binding(None, frozenset({"SE2321000099-ELSE"})),
    }.items():
        async with bound_to(furnished, bound, ALL) as client:
            found = await client.post(
                "/person/search", "/person", number=CHILD, reason="she rings", caller=MOTHER
            )
            assert found.status_code == 200, name
            shown[name] = found.text
    rows = {name: len(re.findall(r'<th scope="row">', text)) for name, text in shown.items()}
    assert rows["unbound"] == rows["own"] > 0
    for name in ("another region", "another unit"):
        assert rows[name] == 0, name
        assert "are not shown" in shown[name]
        assert "by others than your login covers" in shown[name]
        assert UNIT not in shown[name], name
    assert "are not shown" not in shown["unbound"]


async def test_a_bound_auditor_reads_looks_from_the_own_units_alone(furnished: World) -> None:
    async with furnished.harness.store.reading() as tx:
        child = (await persons.resolve_keys(tx, [KEYS.of(CHILD)]))[KEYS.of(CHILD)]
    async with furnished.harness.store.transaction(furnished.clock.now()) as tx:
        for actor, unit in (("SE-HERE", UNIT), ("SE-THERE", "SE2321000099-ELSE"), ("service", None)):
            await access_log.append(tx, [AccessLogEntry(actor, unit, child, "a look", "yes or no")])
    told = {
        "unbound": (Binding(), {"SE-HERE", "SE-THERE", "service"}),
        "region": (Binding(frozenset({REGION})), {"SE-HERE"}),
        "unit": (Binding(None, frozenset({"SE2321000099-ELSE"})), {"SE-THERE"}),
        "neither": (Binding(frozenset({"elsewhere"}), frozenset({UNIT})), set[str]()),
    }
    day = furnished.clock.now().date().isoformat()
    for name, (bound, expected) in told.items():
        async with bound_to(furnished, bound, ALL) as client:
            pages = [
                (await client.get("/audit")).text,
                (await client.post("/audit/person", "/audit", number=CHILD, reason="sample")).text,
                (
                    await client.post(
                        "/audit/review", since=day, through=day, days="0", everything="yes", reason="sample"
                    )
                ).text,
            ]
            paper = await client.post(f"/audit/person/{child}/paper", "/audit", harm_test="made")
        for text in pages:
            found = {
                one for one in ("SE-HERE", "SE-THERE", "service") if f'<th scope="row">{one}</th>' in text
            }
            assert found == expected, name
        assert paper.status_code == (200 if name == "unbound" else 403)


async def test_a_claim_binds_a_login_and_one_that_is_missing_refuses_it(
    fresh: World,
    provider: Provider,  # noqa: F811
) -> None:
    given = {
        "oidc_regions_claim": "org.regions",
        "oidc_region_map": {"RT": REGION},
        "oidc_units_claim": "units",
    }
    cases: list[tuple[object, object, Binding | None]] = [
        (["RT", "XX"], [UNIT.lower()], Binding(frozenset({REGION}), frozenset({UNIT}))),
        ("RT", "*", Binding(frozenset({REGION}), None)),
        ("*", ["*"], Binding()),
        (["XX"], "*", None),
        (None, "*", None),
        ("RT", None, None),
    ]
    async with with_issuer(fresh, provider, **given) as http:
        for regions, units, bound in cases:
            provider.changes = {"org": {"regions": regions}, "units": units}
            back = await go(http, provider)
            if bound is None:
                assert back.headers["location"] == "/login?refused=not_bound"
                continue
            session = await fresh.desk.sessions.find(http.cookies[fresh.desk.cookie])
            assert session is not None
            assert session.operator.bound == bound


# --- the review of the log


async def test_a_review_of_the_log_is_a_page_that_leaves_its_own_lines(fresh: World) -> None:
    now = fresh.clock.now()
    await fresh.harness.hand_over(fresh.senders.registers(now, MOTHER, 2, secrecy_mark=True))
    async with fresh.harness.store.transaction(now) as tx:
        known = await persons.resolve_keys(tx, [KEYS.of(CHILD), KEYS.of(MOTHER)])
        child, mother = known[KEYS.of(CHILD)], known[KEYS.of(MOTHER)]
        seen = [AccessLogEntry("op-8", UNIT, who, "Granne", "person page") for who in (child, mother)]
        await access_log.append(tx, seen, chain="access-log-console")
    asked = {"since": "2025-03-01", "through": "2025-03-31", "days": "30", "reason": "Stickprov"}
    for language, heading, hidden in (("en", "Log review", "hidden"), ("sv", "Logguppföljning", "dold")):
        async with fresh.client(roles=[ConsoleRole.AUDITOR], language=language) as auditor:
            page = await auditor.post("/audit/review", "/audit/review", **asked)
            assert page.status_code == 200
            assert heading in page.text
            lines = re.findall(r'<tr><th scope="row">op-8</th>.*?</tr>', page.text)
            assert [f"P-{child}" in line for line in lines] == [False, True]
            assert [f"<td>{hidden}</td>" in line for line in lines] == [True, False]
            assert f"P-{mother}" not in page.text
            assert (
                "op-8"
                not in (await auditor.post("/audit/review", "/audit/review", **{**asked, "reason": ""})).text
            )
    async with fresh.client(roles=[ConsoleRole.OPERATOR]) as operator:
        assert (await operator.get("/audit/review")).status_code == 403
    async with fresh.harness.store.reading() as tx:
        for who in (child, mother):
            own = [one.look for one in await access_log.of_person(tx, who) if one.look.actor == OPERATOR]
            assert [(one.reason, one.shown) for one in own] == [("Stickprov", access_log.REVIEW)] * 2


async def let_in(here: World, representative: str) -> PersonId:
    """A representative whom the child's own region lets in, and nothing else says anything of."""
    async with here.harness.store.transaction(here.clock.now()) as tx:
        known = await persons.resolve_keys(tx, [KEYS.of(CHILD), KEYS.of(representative)])
        grant = Measure(
            measure_id=MeasureId(str(uuid4())),
            patient=known[KEYS.of(CHILD)],
            kind=MeasureKind.REPRESENTATIVE_GRANT,
            region=RegionCode(REGION),
            initiative=Initiative.CARE,
            orders=(OrderId(str(uuid4())),),
            services=(Service.JOURNAL,),
            valid_from=here.clock.now(),
            unit=UnitId(UNIT),
            viewer=known[KEYS.of(representative)],
            rules=("TL-03",),
        )
        await measures.append(tx, [grant])
    return known[KEYS.of(representative)]


async def test_a_bound_login_is_not_shown_whom_others_let_in(fresh: World) -> None:
    """Neither as a row of the picture nor as what may be said to a caller: both told that there is a grant, and whose."""
    await furnish(fresh)
    who = await let_in(fresh, ADULT)
    for name, bound, sees in (
        ("unbound", Binding(), True),
        ("own", Binding(frozenset({REGION}), frozenset({UNIT})), True),
        ("another region", Binding(frozenset({"elsewhere"})), False),
        ("another unit", Binding(None, frozenset({"SE2321000099-ELSE"})), False),
    ):
        async with bound_to(fresh, bound, ALL) as client:
            shown = await client.post("/person/search", "/person", number=CHILD, reason="rings", caller=ADULT)
        assert shown.status_code == 200, name
        assert (f"<small>P-{who} " in shown.text) is sees, name
        assert ("To the caller: legal representative" in shown.text) is sees, name
        assert ("without a known right to ask" in shown.text) is not sees, name


def bounds_file(folder: Path, **bounds: list[str]) -> str:
    """Roles and bounds of one account, as root would write them."""
    file = folder / "bound.json"
    file.write_text(json.dumps({str(ACCOUNTS[ANNA]): {"hsa_id": ANNA, **bounds}}), "utf-8")
    file.chmod(0o644)
    return str(file)


async def test_a_command_shows_whoever_is_bound_no_others_orders_and_tasks(
    fresh: World, tmp_path: Path
) -> None:
    """Commands knew no bounds at all: an account in a terminal worked for every region."""
    await furnish(fresh)
    async with fresh.harness.store.reading() as tx:
        order = await tx.value("SELECT order_id FROM signed_order WHERE unit = $1 AND proven LIMIT 1", UNIT)
        task = await tx.value("SELECT task_id FROM task WHERE target IS NOT NULL AND state = 'open' LIMIT 1")
    days = ("order", "diary", "--from", "2025-03-10", "--through", "2025-03-10")
    own = bounds_file(tmp_path, regions=[REGION], units=[UNIT.lower()])
    assert UNIT in (await sigill(fresh, *days, SIGILL_OPERATORS=own)).out
    assert (await sigill(fresh, "order", "show", str(order), SIGILL_OPERATORS=own)).status == 0
    others = bounds_file(tmp_path, units=["SE2321000099-ELSE"])
    for words in (days, ("worklist", "list")):
        told = await sigill(fresh, *words, SIGILL_OPERATORS=others)
        assert told.status == 0, told.err
        assert len(told.out.splitlines()) == (words == days), words  # the heading alone, or nothing
    another = bounds_file(tmp_path, regions=["elsewhere"])
    for refused in (
        ("order", "show", str(order)),
        ("worklist", "tick", str(task), "--yes"),
        (*days, "--region", "kronoberg"),
    ):
        ended = await sigill(fresh, *refused, SIGILL_OPERATORS=another)
        assert (ended.status, ended.out) == (1, ""), refused
        assert ended.err.startswith("outside: "), refused
    async with fresh.harness.store.reading() as tx:
        assert await tx.value("SELECT state FROM task WHERE task_id = $1", task) == "open"


async def test_a_command_counts_the_units_that_ones_own_has_succeeded(fresh: World, tmp_path: Path) -> None:
    """The console and `sigill case` did; orders, the diary and the worklist were still the closed unit's (X-07)."""
    await furnish(fresh)
    async with fresh.harness.store.reading() as tx:
        order = await tx.value("SELECT order_id FROM signed_order WHERE unit = $1 AND proven LIMIT 1", UNIT)
        task = await tx.value(
            "SELECT task_id FROM task JOIN signed_order USING (order_id)"
            " WHERE target IS NOT NULL AND state = 'open' AND signed_order.unit = $1 LIMIT 1",
            UNIT,
        )
    heir = "SE2321000099-HEIR"
    file = bounds_file(tmp_path, regions=[REGION], units=[heir])
    diary = ("order", "diary", "--from", "2025-03-10", "--through", "2025-03-10")
    show, tick = ("order", "show", str(order)), ("worklist", "tick", str(task), "--yes")

    async def told(*words: str) -> tuple[int, int]:
        ended = await sigill(fresh, *words, SIGILL_OPERATORS=file)
        return ended.status, len(ended.out.splitlines())

    assert await told(*diary) == (0, 1)  # the heading
    assert await told("worklist", "list") == (0, 0)
    assert [await told(*show), await told(*tick)] == [(1, 0), (1, 0)]
    now = fresh.clock.now()
    yesterday = (now - timedelta(days=1)).date().isoformat()
    await fresh.harness.hand_over(
        fresh.senders.unit(now, heir, name="Internmedicin"),
        fresh.senders.unit(now, UNIT, 2, valid_through=yesterday, succeeded_by=heir),
    )
    assert (await told(*diary))[1] > 1
    assert (await told("worklist", "list"))[1] > 0
    assert [(await told(*show))[0], (await told(*tick))[0]] == [0, 0]


async def test_a_command_that_knows_no_bounds_refuses_whoever_is_bound(fresh: World, tmp_path: Path) -> None:
    await furnish(fresh)
    key = KEYS.of(CHILD)
    file = bounds_file(tmp_path, regions=[REGION])
    for words in (("access", "show", key, "--purpose", "curious"), ("dlq", "list")):
        told = await sigill(fresh, *words, SIGILL_OPERATORS=file)
        assert (told.status, told.out) == (1, ""), (words, told.err)
        assert "knows no regions or units" in told.err
    async with fresh.harness.store.reading() as tx:
        assert not await tx.value("SELECT count(*) FROM access_log WHERE reason = 'curious'")


def test_a_command_that_nobody_thought_of_refuses_whoever_is_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    added = typer.Typer()
    added.command("peek")(lambda: done.append("peek"))
    added.command("list")(lambda: done.append("list"))
    monkeypatch.setattr(cli, "import_module", lambda _: SimpleNamespace(app=added))
    monkeypatch.setattr(common, "settings", Settings)
    for bound, words, status in (
        (Binding(frozenset({REGION})), ["worklist", "peek"], 1),
        (Binding(None, frozenset({UNIT})), ["worklist", "peek"], 1),
        (Binding(frozenset({REGION})), ["worklist", "list"], 0),
        (Binding(), ["worklist", "peek"], 0),
    ):
        monkeypatch.setattr(common, "bound_by_file", lambda _, mine=bound: mine)
        assert CliRunner().invoke(cli.app, words).exit_code == status
    assert done == ["list", "peek"]


def test_each_command_is_either_within_bounds_or_of_nobody_or_refused() -> None:
    """A name that is written wrongly in one of the lists would open nothing, and say nothing."""

    def leaves(command: Any, path: str) -> Iterator[str]:
        subs = getattr(command, "commands", {})
        if not subs or command.invoke_without_command:
            yield path
        for name, sub in subs.items():
            yield from leaves(sub, f"{path} {name}")

    root = typer.main.get_command(cli.app)
    context = typer.Context(root)
    found = {
        leaf
        for name in root.list_commands(context)  # type: ignore[attr-defined]
        for leaf in leaves(root.get_command(context, name), name)  # type: ignore[attr-defined]
    }
    assert found >= cli.ABOUT_NOBODY | cli.WITHIN_BOUNDS
    assert not cli.ABOUT_NOBODY & cli.WITHIN_BOUNDS


async def test_who_ticks_off_in_a_terminal_may_see_whom_it_is_about(fresh: World, tmp_path: Path) -> None:
    """The console asked for the role, the command did not."""
    await protect_the_child(fresh)
    async with fresh.harness.store.reading() as tx:
        child = (await persons.resolve_keys(tx, [KEYS.of(CHILD)]))[KEYS.of(CHILD)]
        task = await tx.value(
            "SELECT task_id FROM task WHERE target IS NOT NULL AND state = 'open' AND person_id = $1 LIMIT 1",
            int(child),
        )
    refused = await sigill(fresh, "worklist", "tick", str(task), "--yes")
    assert refused.status == 1
    assert "hidden: somebody here has protected identity" in refused.err
    file = bounds_file(tmp_path, roles=["protected_identity"])
    assert (await sigill(fresh, "worklist", "tick", str(task), "--yes", SIGILL_OPERATORS=file)).status == 0


async def test_a_login_names_no_successor_of_others_units(fresh: World) -> None:
    """By it the orders of everybody at that unit are judged anew."""
    await close_unit(fresh)
    where = f"/units/{UNIT}"
    for bound, status in (
        (Binding(None, frozenset({NEW})), 403),
        (Binding(frozenset({"elsewhere"})), 403),
        (Binding(frozenset({REGION}), frozenset({UNIT})), 200),
    ):
        async with bound_to(fresh, bound, ALL) as client:
            said = await client.post(f"{where}/successor", where, successor=NEW, reason="Slagits ihop")
            assert said.status_code == status
    async with fresh.harness.store.reading() as tx:
        number = await tx.value("SELECT max(proposal_id) FROM proposal")
    async with bound_to(fresh, Binding(None, frozenset({NEW})), ALL) as client:
        decided = await client.post(f"/units/proposals/{number}", "/units", verdict="decline")
    assert decided.status_code == 403
    async with fresh.harness.store.reading() as tx:
        assert [one.proposal_id for one in await proposals.open_ones(tx, NAME_SUCCESSOR)] == [number]
