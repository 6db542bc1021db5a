"""Whether the group knows this worker; why not any more: its session ran out, or another process took its name."""

from typing import Any

from aiokafka.protocol.commit import OffsetCommitRequest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from headrace.kafka.clients import confluent_config
from headrace.kafka.faust.stops import InstanceTwice, PutOut, Stop
from headrace.settings import Settings

#: Of a consumer that is no member of its group, or not any more.
NO_GENERATION: int = OffsetCommitRequest.DEFAULT_GENERATION_ID
_ADMIN_SECONDS = 5.0


def is_member(app: Any) -> bool:
    """False for a worker that has not joined its group, and for one that its group went on without."""
    return bool(app.consumer._thread._ensure_consumer()._coordinator.generation != NO_GENERATION)


def why_put_out(settings: Settings, group: str, instance: str, member_id: str) -> Stop:
    """The reason, from who is in the group now. `member_id` is what this worker was before."""
    admin = AdminClient({**confluent_config(settings), "log_level": 0})
    try:
        described = admin.describe_consumer_groups([group], request_timeout=_ADMIN_SECONDS)[group].result()
    except KafkaException:
        return PutOut()
    namesakes = [member for member in described.members if member.group_instance_id == instance]
    if any(member.member_id not in ("", member_id) for member in namesakes):
        return InstanceTwice(settings.instance_id)
    return PutOut()
