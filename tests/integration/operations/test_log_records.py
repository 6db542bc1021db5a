"""Single records are read out of the log, wherever they stand."""

import pytest
from confluent_kafka import Producer

from headrace.events.topics import RECEIPTS
from headrace.kafka.log_records import read_positions
from headrace.settings import Settings

pytestmark = pytest.mark.usefixtures("topics_created")


def test_exactly_the_wanted_records_are_read(kafka_settings: Settings) -> None:
    topic = kafka_settings.topic(RECEIPTS)
    producer = Producer({"bootstrap.servers": kafka_settings.kafka_bootstrap})
    for number in range(2_000):
        producer.produce(topic, str(number).encode(), b"key", number % 2)
    producer.flush()
    wanted = {(topic, 0): [999, 0, 3, 5, 700, 701], (topic, 1): [400]}
    found = [(record.partition, record.offset, record.value) for record in read_positions(kafka_settings, wanted)]
    assert sorted(found) == [
        *((0, offset, str(2 * offset).encode()) for offset in (0, 3, 5, 700, 701, 999)),
        (1, 400, b"801"),
    ]
    assert [offset for partition, offset, _ in found if partition == 0] == [0, 3, 5, 700, 701, 999]
