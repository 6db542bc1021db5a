"""Why the group does not know this worker any more: its session ran out, or another process took its name."""

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from headrace.kafka.clients import confluent_config
from headrace.kafka.faust.stops import InstanceTwice, PutOut, Stop
from headrace.settings import Settings

_ADMIN_SECONDS = 5.0


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
