"""Every event that goes out names the JSON Schema that it fits."""

import json
from pathlib import Path

from jsonschema import Draft202012Validator

from sigill_contracts import export
from tests.kit.senders import CHILD, person
from tests.kit.worker_harness import START, WorkerHarness

SCHEMAS = {
    schema["$id"]: schema
    for path in (Path(export.FOLDER) / "schemas").glob("*.json")
    if (schema := json.loads(path.read_text("utf-8")))
}


async def test_every_event_fits_the_schema_that_its_header_names(harness: WorkerHarness) -> None:
    await harness.hand_over(harness.senders.orders(START, "block_guardians", patient=person(CHILD)))
    events = await harness.out()
    assert len({event.aggregatetype for event in events}) == 4
    for event in events:
        named = dict(event.headers)["ce_dataschema"]
        schema = SCHEMAS[named.decode() if isinstance(named, bytes) else str(named)]
        Draft202012Validator(schema).validate(json.loads(event.payload or b""))
