"""Ids of what goes out."""

from uuid import NAMESPACE_URL, uuid5

from sigill.processing.event_ids import event_id


def test_an_event_is_called_by_the_uuid_of_its_cause() -> None:
    namespace = uuid5(NAMESPACE_URL, "urn:se:sigill:events")
    assert event_id("order:1:ab", "receipt", 2) == uuid5(namespace, "order:1:ab|receipt|2")
