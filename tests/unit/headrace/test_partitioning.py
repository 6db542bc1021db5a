"""Keys must land where every other Kafka client puts them."""

import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from headrace.kafka.partitioning import fresh_key_partition, key_partition

# Values of Kafka's own UtilsTest.testMurmur2 (org.apache.kafka.common.utils), signed as Java prints them.
JAVA_MURMUR2 = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize(("key", "digest"), JAVA_MURMUR2.items())
def test_the_partition_is_that_of_the_java_client(key: bytes, digest: int) -> None:
    assert fresh_key_partition(key, 1000) == (digest & 0x7FFFFFFF) % 1000


@given(st.binary(max_size=80), st.integers(1, 64))
def test_the_partition_is_that_of_aiokafka(key: bytes, partitions: int) -> None:
    expected = DefaultPartitioner()(key, list(range(partitions)), [])
    assert fresh_key_partition(key, partitions) == expected
    assert key_partition(key, partitions) == expected
