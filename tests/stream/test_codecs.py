"""Every codec that Kafka has, from a librdkafka producer: any sender may choose any of them."""

from __future__ import annotations

import asyncio

import pytest
from confluent_kafka import Producer

from sigill.embedded import EmbeddedKafka
from sigill.stream.connection import Connection
from sigill.stream.consumer import StreamConsumer
from sigill.stream.header_decoding import read_leniently
from tests.stream.conftest import MakeTopic
from tests.stream.test_consumer import take

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
BODY = b'{"order": "a form, as long as a form is, so that it is worth packing"}' * 40


def _sent(bootstrap: str, topic: str, codec: str, *, header: str = "ce_id") -> None:
    sender = Producer({"bootstrap.servers": bootstrap, "compression.type": codec, "linger.ms": 50})
    for number in range(30):
        sender.produce(topic, BODY + str(number).encode(), b"k", headers=[(header, str(number).encode())])
    assert sender.flush(30) == 0


@pytest.mark.parametrize("reader", ["fast", "lenient"])
@pytest.mark.parametrize("codec", CODECS)
async def test_a_batch_in_every_codec_is_read(
    connection: Connection, topic: MakeTopic, kafka: EmbeddedKafka, codec: str, reader: str
) -> None:
    name = await topic()
    await asyncio.to_thread(_sent, kafka.bootstrap, name, codec)
    read_leniently(reader == "lenient")
    try:
        async with StreamConsumer(connection, [name], name) as consumer:
            got = await take(consumer, 30)
    finally:
        read_leniently(False)
    assert [value for _, _, value in got] == [BODY + str(number).encode() for number in range(30)]
