"""The session's Kafka and Postgres take what Headrace needs of them."""

import os
import uuid
from pathlib import Path

import psycopg
from confluent_kafka import Producer

from headrace.events.topics import MAX_RECORD_BYTES
from headrace.settings import Settings
from operations.dev.kafka import kafka
from tests.reply_topics import WEBHOOKS_GHL


def test_kafka_takes_the_largest_record(kafka_settings: Settings, topics_created: tuple[str, ...]) -> None:
    producer = Producer(
        {"bootstrap.servers": kafka_settings.kafka_bootstrap, "message.max.bytes": 2 * MAX_RECORD_BYTES}
    )
    failures: list[object] = []
    producer.produce(
        kafka_settings.topic(WEBHOOKS_GHL),
        b"x" * (MAX_RECORD_BYTES - 1024),
        on_delivery=lambda error, _: failures.append(error),
    )
    producer.flush(30)
    assert failures == [None]


def test_a_cluster_id_may_begin_like_an_option(tmp_path: Path) -> None:
    """One in 64 random ids does."""
    kafka(tmp_path, 1, 2, os.environ, cluster_id=uuid.UUID(bytes=b"\xfb" * 16))
    assert "cluster.id=-_v7-_v7" in (tmp_path / "data" / "meta.properties").read_text()


def test_postgres_listens_on_loopback_with_a_password(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        assert connection.info.host == "127.0.0.1"
        assert connection.info.password
        version = connection.execute("SHOW server_version_num").fetchone()
    assert version is not None
    assert int(version[0]) >= 150000
